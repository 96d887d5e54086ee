"""Families of the differential test: keys that mean something."""

from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Integer,
    String,
    UniqueConstraint,
)

from tests.db.differential.models import (
    DECLARATIVE,
    IMPERATIVE,
    SQLMODEL,
    WITH_ORPHANS,
    Maker,
    family,
)


def natural(maker: Maker, down: dict[str, Any], up: dict[str, Any], **refer: Any) -> None:
    maker.model(
        "Parent",
        Column("code", String, primary_key=True),
        related={"children": maker.related("Child", back_populates="parent", **down)},
    )
    maker.model(
        "Child",
        maker.refer("Parent", "code", **refer),
        related={"parent": maker.related("Parent", back_populates="children", **up)},
    )


@family("keys", SQLMODEL, DECLARATIVE)
def natural_key(maker: Maker) -> None:
    natural(maker, {}, {})


@family("keys", SQLMODEL, IMPERATIVE)
def natural_key_followed(maker: Maker) -> None:
    natural(maker, {"passive_updates": False}, {"passive_updates": False})


@family("keys")
def natural_key_cascaded(maker: Maker) -> None:
    natural(maker, {"cascade": "all"}, {}, onupdate="CASCADE")


@family("keys")
def natural_key_owned_and_followed(maker: Maker) -> None:
    natural(maker, {"passive_updates": False, "cascade": WITH_ORPHANS}, {})


def key_of_the_parent(maker: Maker, down: dict[str, Any], **refer: Any) -> None:
    """A child whose key consists of its parent's and a number."""
    maker.model(
        "Parent",
        Column("code", String, primary_key=True),
        related={"children": maker.related("Child", back_populates="parent", **down)},
    )
    maker.model(
        "Child",
        maker.refer("Parent", "code", primary_key=True, **refer),
        Column("number", Integer, primary_key=True, autoincrement=False),
        related={"parent": maker.related("Parent", back_populates="children")},
    )


@family("keys")
def key_of_parent(maker: Maker) -> None:
    key_of_the_parent(maker, {})


@family("keys", SQLMODEL, DECLARATIVE)
def key_of_owner(maker: Maker) -> None:
    key_of_the_parent(maker, {"cascade": WITH_ORPHANS})


@family("keys")
def key_of_owner_followed(maker: Maker) -> None:
    key_of_the_parent(maker, {"cascade": "all", "passive_updates": False})


@family("keys")
def key_of_owner_cascaded(maker: Maker) -> None:
    key_of_the_parent(maker, {"cascade": "all"}, onupdate="CASCADE", ondelete="CASCADE")


@family("keys", SQLMODEL)
def shared_key(maker: Maker) -> None:
    """A child whose key is its parent's."""
    maker.model(
        "Parent",
        related={
            "child": maker.related(
                "Child", back_populates="parent", uselist=False, cascade=WITH_ORPHANS
            )
        },
    )
    maker.model(
        "Child",
        maker.refer("Parent", name="id", primary_key=True),
        related={"parent": maker.related("Parent", back_populates="child")},
    )


@family("keys")
def shared_key_kept(maker: Maker) -> None:
    maker.model(
        "Parent", related={"child": maker.related("Child", back_populates="parent", uselist=False)}
    )
    maker.model(
        "Child",
        maker.refer("Parent", name="id", primary_key=True),
        related={"parent": maker.related("Parent", back_populates="child")},
    )


@family("keys", SQLMODEL, DECLARATIVE)
def composite_key(maker: Maker) -> None:
    maker.model(
        "Parent",
        Column("x", Integer, primary_key=True, autoincrement=False),
        Column("y", Integer, primary_key=True, autoincrement=False),
        related={"children": maker.related("Child", back_populates="parent")},
    )
    table = maker.table_name("Parent")
    maker.model(
        "Child",
        Column("parent_x", Integer),
        Column("parent_y", Integer),
        related={"parent": maker.related("Parent", back_populates="children")},
        table_arguments=[
            ForeignKeyConstraint(["parent_x", "parent_y"], [f"{table}.x", f"{table}.y"])
        ],
    )


@family("keys")
def unique_values(maker: Maker) -> None:
    """Values that must not be there twice, or are checked."""
    maker.model(
        "Parent",
        Column("code", String, unique=True),
        Column("rank", Integer, CheckConstraint("rank < 3")),
        related={"children": maker.related("Child", back_populates="parent", cascade=WITH_ORPHANS)},
    )
    maker.model(
        "Child",
        maker.refer("Parent"),
        Column("number", Integer),
        related={"parent": maker.related("Parent", back_populates="children")},
        table_arguments=[UniqueConstraint("parent_id", "number")],
    )


@family("keys")
def reference_to_unique(maker: Maker) -> None:
    """A foreign key to a column that is no key, followed."""
    maker.model(
        "Parent",
        Column("code", String, unique=True),
        related={
            "children": maker.related("Child", back_populates="parent", passive_updates=False)
        },
    )
    maker.model(
        "Child",
        maker.refer("Parent", "code"),
        related={
            "parent": maker.related("Parent", back_populates="children", passive_updates=False)
        },
    )
