"""An app of the tests of objects: models with corners that the shop's lack, and signals to send."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, field_validator, model_validator
from sqlalchemy import JSON, Integer, String, TypeDecorator
from sqlalchemy.orm import Mapped, registry, relationship
from sqlmodel import Field, Relationship, Session, SQLModel, select

from signalcli.dispatch import Signal
from signalcli.objects.values import Assignment, assignments_of

Connect = Callable[..., None]

opened = Signal(providing_args=["shelf", "width"])
closed = Signal(providing_args=[])
anything = Signal()
touched = Signal(providing_args=["instance", "session", "using"])
moved = Signal()


class Crane:
    """Has a signal of its own, which another is called like."""

    moved = Signal()


class Base(SQLModel, registry=registry()):
    """Keeps these tables out of everybody else's metadata."""


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Sample(Base, table=True):
    """A column of each type; all can be left out."""

    __tablename__ = "objects_sample"

    id: int | None = Field(default=None, primary_key=True)
    number: int = 0
    ratio: float = 0.0
    amount: Decimal = Field(default=Decimal(0), max_digits=12, decimal_places=2)
    flag: bool = False
    text: str = ""
    raw: bytes = b""
    day: date = date(2026, 1, 1)
    hour: time = time(0)
    moment: datetime | None = None
    span: timedelta = timedelta(0)
    code: UUID = UUID(int=0)
    colour: Colour = Colour.RED
    rules: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    days: list[int] = Field(default_factory=list, sa_type=JSON)
    password: str = ""


class Place(Base, table=True):
    """Known by two texts."""

    __tablename__ = "objects_place"

    row: str = Field(primary_key=True)
    seat: str = Field(primary_key=True)
    note: str = ""


class Even(TypeDecorator[int]):
    """An integer that has to be even."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: object) -> int | None:
        if value is not None and value % 2:
            raise ValueError("it is\nodd")
        return value


class Undecided(TypeDecorator[str]):
    """A type that leaves to the dialect how values are written."""

    impl = String
    cache_ok = True


class Pair(Base, table=True):
    """Two numbers in order; a validator keeps their sum."""

    __tablename__ = "objects_pair"

    id: int | None = Field(default=None, primary_key=True)
    low: int = 0
    high: int = Field(default=0, sa_type=Even)
    total: int = 0
    word: str = Field(default="", sa_type=Undecided)

    @model_validator(mode="after")
    def ordered(self) -> "Pair":
        if self.low > self.high:
            raise ValueError("low is above high")
        # SQLModel cannot assign to an instance that is being validated.
        self.__dict__["total"] = self.low + self.high
        self.__pydantic_fields_set__.add("total")
        return self

    @field_validator("word")
    @classmethod
    def shout(cls, word: str) -> str:
        if word.endswith("!"):
            raise ValueError("it shouts already")
        return f"{word}!"


class Thing:
    """A type that Pydantic does not know."""


class Odd(Base, table=True):
    """Takes a type that Pydantic does not know, and keeps it as a text."""

    __tablename__ = "objects_odd"
    model_config = ConfigDict(arbitrary_types_allowed=True)

    id: int | None = Field(default=None, primary_key=True)
    thing: Thing | None = Field(default=None, sa_type=String)

    @field_validator("thing", mode="wrap")
    @classmethod
    def keep(cls, thing: Any, handler: object) -> Any:
        return thing


class Shelf(Base, table=True):
    """Has its boxes as a set, and once more as a list that only shows them."""

    __tablename__ = "objects_shelf"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)

    boxes: Mapped[set["Box"]] = Relationship(
        sa_relationship=relationship(
            "Box", back_populates="shelf", collection_class=set, passive_deletes="all"
        )
    )
    shown: Mapped[list["Box"]] = Relationship(sa_relationship=relationship("Box", viewonly=True))


class Box(Base, table=True):
    __tablename__ = "objects_box"

    id: int | None = Field(default=None, primary_key=True)
    name: str = ""
    shelf_id: int | None = Field(default=None, foreign_key="objects_shelf.id", ondelete="RESTRICT")

    shelf: Mapped[Shelf | None] = Relationship(
        sa_relationship=relationship("Shelf", back_populates="boxes")
    )

    def __hash__(self) -> int:
        return id(self)


def said(*words: str) -> dict[str, Assignment]:
    """What some words of a command line assign."""
    return assignments_of(words)


def rows(session: Session, *columns: Any) -> list[Any]:
    """The values of some columns in all rows, in order."""
    return sorted(session.exec(select(*columns)).all())
