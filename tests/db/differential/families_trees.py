"""Families of the differential test: trees, and updates that come after the others."""

from typing import Any

from sqlalchemy import (
    Column,
    Integer,
)

from tests.db.differential.models import (
    DECLARATIVE,
    IMPERATIVE,
    SQLMODEL,
    WITH_ORPHANS,
    Maker,
    family,
)


def tree(
    maker: Maker, down: dict[str, Any] | None, up: dict[str, Any] | None, **refer: Any
) -> None:
    def remote() -> Any:
        return maker.by_name["Node"].id

    related = {}
    if down is not None:
        back = {} if up is None else {"back_populates": "parent"}
        related["children"] = maker.related("Node", **back, **down)
    if up is not None:
        back = {} if down is None else {"back_populates": "children"}
        related["parent"] = maker.related("Node", remote_side=remote, **back, **up)
    maker.model("Node", maker.refer("Node", name="parent_id", **refer), related=related)


@family("trees", SQLMODEL, DECLARATIVE)
def plain_tree(maker: Maker) -> None:
    tree(maker, {}, {})


@family("trees", SQLMODEL, IMPERATIVE)
def owning_tree(maker: Maker) -> None:
    tree(maker, {"cascade": "all"}, {})


@family("trees", SQLMODEL, DECLARATIVE)
def orphaning_tree(maker: Maker) -> None:
    tree(maker, {"cascade": WITH_ORPHANS}, {})


@family("trees")
def tree_downwards(maker: Maker) -> None:
    tree(maker, {"cascade": "all"}, None)


@family("trees")
def tree_upwards(maker: Maker) -> None:
    tree(maker, None, {})


@family("trees")
def passive_tree(maker: Maker) -> None:
    tree(maker, {"cascade": "all", "passive_deletes": True}, {}, ondelete="CASCADE")


@family("trees")
def tree_updated_afterwards(maker: Maker) -> None:
    tree(maker, {"post_update": True}, {"post_update": True})


@family("trees")
def owning_tree_updated_afterwards(maker: Maker) -> None:
    tree(maker, {"cascade": "all", "post_update": True}, {"post_update": True})


def favourites(maker: Maker, arguments: dict[str, Any], **down: Any) -> None:
    """A parent with children, one of which is its favourite: they refer to each other."""

    def favourite_key() -> Any:
        return maker.by_name["Parent"].favourite_id

    def parent_key() -> Any:
        return maker.by_name["Child"].parent_id

    maker.model(
        "Parent",
        Column("favourite_id", Integer, maker.key("Child", use_alter=True, name="favourite")),
        related={
            "children": maker.related(
                "Child", foreign_keys=parent_key, back_populates="parent", **down
            ),
            "favourite": maker.related("Child", foreign_keys=favourite_key, post_update=True),
        },
        arguments=arguments,
    )
    maker.model(
        "Child",
        maker.refer("Parent"),
        related={
            "parent": maker.related("Parent", foreign_keys=parent_key, back_populates="children")
        },
    )


@family("trees", SQLMODEL, DECLARATIVE)
def favourite_child(maker: Maker) -> None:
    favourites(maker, {})


@family("trees")
def favourite_orphan(maker: Maker) -> None:
    favourites(maker, {}, cascade=WITH_ORPHANS)


@family("trees")
def favourite_child_with_version(maker: Maker) -> None:
    version = Column("version", Integer, nullable=False)

    def favourite_key() -> Any:
        return maker.by_name["Parent"].favourite_id

    maker.model(
        "Parent",
        version,
        Column("favourite_id", Integer, maker.key("Child", use_alter=True, name="favourite")),
        Column("touched", Integer, onupdate=1),
        related={
            "favourite": maker.related(
                "Child", foreign_keys=favourite_key, post_update=True, cascade="all"
            )
        },
        arguments={"version_id_col": version},
    )
    maker.model("Child", maker.refer("Parent"))


@family("trees")
def circle(maker: Maker) -> None:
    """Two models that refer to each other without post_update, which is left to chance."""
    maker.model(
        "Left",
        Column("right_id", Integer, maker.key("Right", use_alter=True, name="right")),
        related={
            "right": maker.related("Right", foreign_keys=lambda: maker.by_name["Left"].right_id)
        },
    )
    maker.model(
        "Right",
        maker.refer("Left"),
        related={
            "left": maker.related("Left", foreign_keys=lambda: maker.by_name["Right"].left_id)
        },
    )
