"""Families of the differential test: ways of loading."""

import itertools
from typing import Any

from tests.db.differential.models import (
    WITH_ORPHANS,
    Maker,
    Recipe,
    family,
    parent_and_child,
)


def loaded(strategy: str, **options: Any) -> Recipe:
    def recipe(maker: Maker) -> None:
        parent_and_child(maker, down={"lazy": strategy, **options}, up={})

    recipe.__name__ = f"loaded_{strategy}" + ("_orphans" if options.get("cascade") else "")
    return recipe


for _strategy, _cascade in itertools.product(
    (
        "raise",
        "raise_on_sql",
        "write_only",
        "dynamic",
        "joined",
        "selectin",
        "subquery",
        "immediate",
        "noload",
    ),
    (None, WITH_ORPHANS),
):
    family("loading")(loaded(_strategy, **({"cascade": _cascade} if _cascade else {})))


@family("loading")
def parents_raise(maker: Maker) -> None:
    parent_and_child(maker, down={"cascade": WITH_ORPHANS}, up={"lazy": "raise"})


@family("loading")
def parents_joined(maker: Maker) -> None:
    parent_and_child(maker, down={}, up={"lazy": "joined", "innerjoin": False})


@family("loading")
def passively_written_only(maker: Maker) -> None:
    parent_and_child(
        maker,
        down={"lazy": "write_only", "cascade": WITH_ORPHANS, "passive_deletes": True},
        up={},
        ondelete="CASCADE",
    )
