"""Families of the differential test: columns with values from elsewhere, or of their own kind."""

from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Computed,
    FetchedValue,
    Integer,
    String,
    func,
    literal_column,
    select,
)
from sqlalchemy.ext.mutable import MutableDict
from sqlalchemy.orm import column_property, composite, deferred

from tests.db.differential.models import (
    DECLARATIVE,
    IMPERATIVE,
    SQLMODEL,
    WITH_ORPHANS,
    Maker,
    family,
)


@family("columns", SQLMODEL, DECLARATIVE)
def versions(maker: Maker) -> None:
    own, others = Column("version", Integer, nullable=False), Column("version", Integer)
    maker.model(
        "Parent",
        own,
        related={"children": maker.related("Child", back_populates="parent", cascade="all")},
        arguments={"version_id_col": own},
    )
    maker.model(
        "Child",
        others,
        maker.refer("Parent"),
        related={"parent": maker.related("Parent", back_populates="children")},
        arguments={"version_id_col": others},
    )


@family("columns")
def versions_by_generator(maker: Maker) -> None:
    version = Column("version", String, nullable=False)

    def next_version(before: str | None) -> str:
        return "v" if before is None else f"{before}+"[-12:]

    maker.model(
        "Parent",
        version,
        related={"children": maker.related("Child", cascade=WITH_ORPHANS)},
        arguments={"version_id_col": version, "version_id_generator": next_version},
    )
    maker.model("Child", maker.refer("Parent"))


@family("columns")
def versions_by_hand(maker: Maker) -> None:
    version = Column("version", Integer, nullable=False, server_default="1")
    maker.model(
        "Parent",
        version,
        related={"children": maker.related("Child", back_populates="parent")},
        arguments={"version_id_col": version, "version_id_generator": False},
    )
    maker.model(
        "Child",
        maker.refer("Parent"),
        related={"parent": maker.related("Parent", back_populates="children")},
    )


@family("columns", SQLMODEL, DECLARATIVE)
def given_values(maker: Maker) -> None:
    """Values that the column or the database gives, on insert and update."""
    maker.model(
        "Thing",
        Column("level", Integer, server_default="7"),
        Column("mark", String, default="new"),
        Column("made", Integer, default=lambda: 5),
        Column("changed", Integer, onupdate=9),
        Column("counted", Integer, default=0, onupdate=literal_column("counted + 1")),
        Column("fetched", Integer, FetchedValue(), FetchedValue(for_update=True)),
        Column("double", Integer, Computed("n * 2")),
    )


@family("columns")
def given_values_eagerly(maker: Maker) -> None:
    maker.model(
        "Thing",
        Column("level", Integer, server_default="7"),
        Column("changed", Integer, onupdate=literal_column("41 + 1")),
        Column("double", Integer, Computed("n * 2")),
        Column("note", JSON),
        arguments={"eager_defaults": True},
    )


@family("columns", IMPERATIVE, DECLARATIVE)
def put_off_and_read_only(maker: Maker) -> None:
    """Deferred columns, a property that is an expression, and one that asks another table."""
    later, n = Column("later", Integer), Column("m", Integer)
    maker.model(
        "Parent",
        later,
        n,
        related={"children": maker.related("Child", cascade="all", back_populates="parent")},
        extra={"late": deferred(later), "twice": column_property(n * 2)}
        if maker.style == IMPERATIVE
        else {"twice": column_property(n * 2)},
    )
    child = maker.model(
        "Child",
        maker.refer("Parent"),
        related={"parent": maker.related("Parent", back_populates="children")},
    )
    parent = maker.by_name["Parent"]
    inspect_mapper(parent).add_property(
        "count",
        column_property(
            select(func.count(child.id))
            .where(child.parent_id == parent.id)
            .correlate_except(inspect_mapper(child).local_table)
            .scalar_subquery(),
            deferred=True,
        ),
    )


def inspect_mapper(model: Any) -> Any:
    return model.__mapper__


class Point:
    """A value of two columns."""

    def __init__(self, x: int | None, y: int | None) -> None:
        self.x, self.y = x, y

    def __composite_values__(self) -> tuple[int | None, int | None]:
        return self.x, self.y

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Point) and (self.x, self.y) == (other.x, other.y)

    def __hash__(self) -> int:
        return hash((self.x, self.y))

    def __repr__(self) -> str:
        return f"Point({self.x}, {self.y})"


@family("columns")
def values_of_values(maker: Maker) -> None:
    """A mutable dictionary, JSON with and without a null of its own, and a composite."""
    x, y = Column("x", Integer), Column("y", Integer)
    maker.model(
        "Thing",
        x,
        y,
        Column("notes", MutableDict.as_mutable(JSON())),
        Column("data", JSON),
        Column("blank", JSON(none_as_null=True)),
        extra={"point": composite(Point, x, y)},
    )


@family("columns")
def active_columns(maker: Maker) -> None:
    """Columns whose old value is loaded when a new one is set."""
    name = Column("name", String)
    maker.model(
        "Thing", name, extra={"active": column_property(name, active_history=True)}
    ) if maker.style == IMPERATIVE else maker.model(
        "Thing", extra={"name": column_property(name, active_history=True)}
    )


@family("columns", IMPERATIVE)
def part_of_a_table(maker: Maker) -> None:
    """A model that leaves out some of its table's columns."""
    maker.model(
        "Thing",
        Column("seen", Integer),
        Column("unseen", Integer, server_default="3"),
        arguments={"exclude_properties": ["unseen"]},
    )
