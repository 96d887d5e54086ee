"""Families of the differential test: parents and children."""

from typing import Any

from sqlalchemy import (
    Column,
    String,
)
from sqlalchemy.orm import attribute_keyed_dict, foreign

from tests.db.differential.models import (
    ALL_STYLES,
    DECLARATIVE,
    IMPERATIVE,
    SQLMODEL,
    WITH_ORPHANS,
    Maker,
    family,
    parent_and_child,
)


@family("children", *ALL_STYLES)
def plain_children(maker: Maker) -> None:
    parent_and_child(maker, down={}, up={})


@family("children", SQLMODEL, IMPERATIVE)
def owned_children(maker: Maker) -> None:
    parent_and_child(maker, down={"cascade": "all"}, up={})


@family("children", *ALL_STYLES)
def orphaned_children(maker: Maker) -> None:
    parent_and_child(maker, down={"cascade": WITH_ORPHANS}, up={})


@family("children")
def uncascaded_children(maker: Maker) -> None:
    parent_and_child(maker, down={"cascade": ""}, up={"cascade": ""})


@family("children")
def merged_children(maker: Maker) -> None:
    parent_and_child(maker, down={"cascade": "merge, delete"}, up={"cascade": "save-update"})


@family("children")
def children_downwards(maker: Maker) -> None:
    parent_and_child(maker, down={}, up=None)


@family("children", SQLMODEL)
def orphans_downwards(maker: Maker) -> None:
    parent_and_child(maker, down={"cascade": WITH_ORPHANS}, up=None)


@family("children")
def parents_upwards(maker: Maker) -> None:
    parent_and_child(maker, down=None, up={})


@family("children")
def owned_parents(maker: Maker) -> None:
    parent_and_child(maker, down=None, up={"cascade": WITH_ORPHANS, "single_parent": True})


@family("children", SQLMODEL)
def owned_parents_of_one(maker: Maker) -> None:
    parent_and_child(
        maker,
        down={"uselist": False},
        up={"cascade": WITH_ORPHANS, "single_parent": True},
    )


@family("children", DECLARATIVE, SQLMODEL)
def passive_orphans(maker: Maker) -> None:
    parent_and_child(
        maker,
        down={"cascade": WITH_ORPHANS, "passive_deletes": True},
        up={},
        ondelete="CASCADE",
    )


@family("children")
def passive_children(maker: Maker) -> None:
    parent_and_child(maker, down={"passive_deletes": True}, up={}, ondelete="SET NULL")


@family("children")
def left_to_the_database(maker: Maker) -> None:
    parent_and_child(maker, down={"passive_deletes": "all"}, up={}, ondelete="CASCADE")


@family("children")
def nulled_by_the_database(maker: Maker) -> None:
    parent_and_child(maker, down={"passive_deletes": "all"}, up={}, ondelete="SET NULL")


@family("children", SQLMODEL, IMPERATIVE)
def required_parent(maker: Maker) -> None:
    parent_and_child(maker, down={}, up={}, nullable=False)


@family("children")
def required_parent_of_orphans(maker: Maker) -> None:
    parent_and_child(maker, down={"cascade": WITH_ORPHANS}, up={}, nullable=False)


@family("children")
def set_of_children(maker: Maker) -> None:
    parent_and_child(maker, down={"collection_class": set, "cascade": WITH_ORPHANS}, up={})


@family("children")
def children_by_tag(maker: Maker) -> None:
    parent_and_child(
        maker,
        down={"collection_class": attribute_keyed_dict("tag"), "cascade": "all"},
        up={},
    )


@family("children", SQLMODEL)
def only_child(maker: Maker) -> None:
    parent_and_child(maker, down={"uselist": False}, up={})


@family("children")
def only_orphan(maker: Maker) -> None:
    parent_and_child(maker, down={"uselist": False, "cascade": WITH_ORPHANS}, up={}, unique=True)


@family("children")
def active_history(maker: Maker) -> None:
    parent_and_child(maker, down={"cascade": "all"}, up={"active_history": True})


@family("children")
def two_parents(maker: Maker) -> None:
    for name in ("Mother", "Father"):
        maker.model(
            name,
            related={
                "children": maker.related(
                    "Child", back_populates=name.lower(), cascade=WITH_ORPHANS
                )
            },
        )
    maker.model(
        "Child",
        maker.refer("Mother"),
        maker.refer("Father"),
        related={
            name.lower(): maker.related(name, back_populates="children")
            for name in ("Mother", "Father")
        },
    )


@family("children")
def legacy_orphans(maker: Maker) -> None:
    for name in ("Mother", "Father"):
        maker.model(name, related={"children": maker.related("Child", cascade=WITH_ORPHANS)})
    maker.model(
        "Child",
        maker.refer("Mother"),
        maker.refer("Father"),
        arguments={"legacy_is_orphan": True},
    )


@family("children", SQLMODEL)
def two_ways_to_one_parent(maker: Maker) -> None:
    """A home and a work place, of one class; the home owns."""
    maker.model(
        "Place",
        related={
            "dwellers": maker.related(
                "Person", foreign_keys="Person.home_id", back_populates="home", cascade="all"
            )
            if maker.style != SQLMODEL
            else maker.related(
                "Person",
                foreign_keys=lambda: maker.by_name["Person"].home_id,
                back_populates="home",
                cascade="all",
            ),
        },
    )
    maker.model(
        "Person",
        maker.refer("Place", name="home_id"),
        maker.refer("Place", name="work_id"),
        related={
            "home": maker.related(
                "Place",
                foreign_keys=lambda: maker.by_name["Person"].home_id,
                back_populates="dwellers",
            ),
            "work": maker.related("Place", foreign_keys=lambda: maker.by_name["Person"].work_id),
        },
    )


@family("children", SQLMODEL, DECLARATIVE)
def three_generations(maker: Maker) -> None:
    maker.model(
        "Elder",
        related={"parents": maker.related("Parent", cascade="all", back_populates="elder")},
    )
    maker.model(
        "Parent",
        maker.refer("Elder"),
        related={
            "elder": maker.related("Elder", back_populates="parents"),
            "children": maker.related("Child", cascade=WITH_ORPHANS, back_populates="parent"),
        },
    )
    maker.model(
        "Child",
        maker.refer("Parent"),
        related={"parent": maker.related("Parent", back_populates="children")},
    )


@family("children")
def some_generations_kept(maker: Maker) -> None:
    maker.model("Elder", related={"parents": maker.related("Parent", cascade="all")})
    maker.model("Parent", maker.refer("Elder"), related={"children": maker.related("Child")})
    maker.model("Child", maker.refer("Parent", nullable=False))


@family("children")
def mixed_children(maker: Maker) -> None:
    """One parent with children of several kinds."""
    maker.model(
        "Parent",
        related={
            "kept": maker.related("Kept", back_populates="parent"),
            "owned": maker.related("Owned", back_populates="parent", cascade=WITH_ORPHANS),
            "left": maker.related(
                "Left", back_populates="parent", cascade="all", passive_deletes=True
            ),
        },
    )
    for name, options in (("Kept", {}), ("Owned", {}), ("Left", {"ondelete": "CASCADE"})):
        maker.model(
            name,
            maker.refer("Parent", **options),
            related={"parent": maker.related("Parent", back_populates=name.lower())},
        )


@family("children")
def without_constraint(maker: Maker) -> None:
    """A relationship of which the database knows nothing, over a column that is no key."""

    def joined() -> Any:
        child, parent = maker.by_name["Child"], maker.by_name["Parent"]
        return foreign(child.parent_code) == parent.code

    maker.model(
        "Parent",
        Column("code", String),
        related={"children": maker.related("Child", primaryjoin=joined, back_populates="parent")},
    )
    maker.model(
        "Child",
        Column("parent_code", String),
        related={"parent": maker.related("Parent", primaryjoin=joined, back_populates="children")},
    )


@family("children")
def viewed_children(maker: Maker) -> None:
    maker.model(
        "Parent",
        related={
            "children": maker.related("Child", back_populates="parent", cascade=WITH_ORPHANS),
            "viewed": maker.related("Child", viewonly=True),
        },
    )
    maker.model(
        "Child",
        maker.refer("Parent"),
        related={"parent": maker.related("Parent", back_populates="children")},
    )


@family("children")
def one_at_a_time(maker: Maker) -> None:
    """Mappers that write their rows one at a time."""
    maker.model(
        "Parent",
        related={"children": maker.related("Child", back_populates="parent", cascade="all")},
        arguments={"batch": False},
    )
    maker.model(
        "Child",
        maker.refer("Parent"),
        related={"parent": maker.related("Parent", back_populates="children")},
        arguments={"batch": False, "confirm_deleted_rows": False},
    )
