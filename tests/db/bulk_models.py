"""Models of all kinds for the tests of bulk work, each row with a name of its own."""

import enum
from datetime import datetime
from typing import Any, Optional

from sqlalchemy import JSON, Column, DateTime, Integer, String
from sqlalchemy.orm import registry
from sqlmodel import Field, Relationship, SQLModel


class Base(SQLModel, registry=registry()):
    """Keeps these tables out of everybody else's metadata."""


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Shelf(Base, table=True):
    """Plain, with values of all types."""

    __tablename__ = "bulk_shelf"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    colour: Colour = Colour.RED
    notes: Any = Field(default=None, sa_column=Column(JSON))
    made: datetime = Field(default=datetime(2026, 1, 2, 3), sa_type=DateTime)
    weight: float | None = None

    books: list["Book"] = Relationship(back_populates="shelf", cascade_delete=True)


class Book(Base, table=True):
    """A child."""

    __tablename__ = "bulk_book"

    id: int | None = Field(default=None, primary_key=True)
    name: str
    shelf_id: int | None = Field(default=None, foreign_key="bulk_shelf.id")

    shelf: Shelf | None = Relationship(back_populates="books")


class Node(Base, table=True):
    """One of a tree."""

    __tablename__ = "bulk_node"

    id: int | None = Field(default=None, primary_key=True)
    name: str
    parent_id: int | None = Field(default=None, foreign_key="bulk_node.id")

    parent: Optional["Node"] = Relationship(sa_relationship_kwargs={"remote_side": "Node.id"})


class Place(Base, table=True):
    """Has a composite key."""

    __tablename__ = "bulk_place"

    row: int = Field(primary_key=True)
    seat: int = Field(primary_key=True)
    name: str


class Coded(Base, table=True):
    """Has a key of its own making."""

    __tablename__ = "bulk_coded"

    code: str = Field(primary_key=True)
    name: str


class Defaulted(Base, table=True):
    """Has values that the database or the column gives."""

    __tablename__ = "bulk_defaulted"

    id: int | None = Field(default=None, primary_key=True)
    name: str
    level: int | None = Field(
        default=None, sa_column=Column(Integer, server_default="7", nullable=False)
    )
    mark: str | None = Field(default=None, sa_column=Column(String, default=lambda: "new"))


class LabelLink(Base, table=True):
    """Links of labels and labelled."""

    __tablename__ = "bulk_label_link"

    labelled_id: int | None = Field(default=None, foreign_key="bulk_labelled.id", primary_key=True)
    label_id: int | None = Field(default=None, foreign_key="bulk_label.id", primary_key=True)


class Label(Base, table=True):
    """Many to many."""

    __tablename__ = "bulk_label"

    id: int | None = Field(default=None, primary_key=True)
    name: str


class Labelled(Base, table=True):
    """Many to many, from the other side."""

    __tablename__ = "bulk_labelled"

    id: int | None = Field(default=None, primary_key=True)
    name: str

    labels: list[Label] = Relationship(link_model=LabelLink)


class Toy(Base, table=True):
    """The base of a model in two tables."""

    __tablename__ = "bulk_toy"
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "toy"}

    id: int | None = Field(default=None, primary_key=True)
    kind: str = "toy"
    name: str = ""


class Log(Base, table=True):
    """What receivers add."""

    __tablename__ = "bulk_log"

    id: int | None = Field(default=None, primary_key=True)
    name: str
    shelf_id: int | None = Field(default=None, foreign_key="bulk_shelf.id")

    shelf: Shelf | None = Relationship()


MODELS: list[type[Any]] = [Shelf, Book, Node, Place, Coded, Defaulted, Label, Labelled, Toy]
EVERYTHING: list[type[Any]] = [*MODELS, Log]
