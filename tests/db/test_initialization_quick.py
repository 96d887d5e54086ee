"""Instances made quickly are those that SQLModel makes."""

import warnings
from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import PrivateAttr
from sqlalchemy import JSON, Column, event, inspect
from sqlalchemy.ext.mutable import MutableDict
from sqlalchemy.orm import validates
from sqlmodel import Field, Relationship, SQLModel

from signalcli.db.initialization import quick_construction


class Shelf(SQLModel, table=True):
    __tablename__ = "construction_shelf"

    id: int | None = Field(default=None, primary_key=True)
    name: str
    labels: list[str] = Field(default=["new"], sa_type=JSON)
    notes: dict[str, str] = Field(
        default_factory=dict, sa_column=Column(MutableDict.as_mutable(JSON))
    )
    made: datetime = Field(default_factory=lambda: datetime(2026, 1, 1))
    books: list["Book"] = Relationship(back_populates="shelf")


class Book(SQLModel, table=True):
    __tablename__ = "construction_book"

    id: int | None = Field(default=None, primary_key=True)
    title: str = "untitled"
    shelf_id: int | None = Field(default=None, foreign_key="construction_shelf.id")
    shelf: Shelf | None = Relationship(back_populates="books")


class Toy(SQLModel, table=True):
    __tablename__ = "construction_toy"
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "toy"}

    id: int | None = Field(default=None, primary_key=True)
    kind: str = "toy"
    name: str = ""


with warnings.catch_warnings():
    warnings.simplefilter("ignore", UserWarning)  # of fields that are meant to be others

    class Ball(Toy, table=True):
        __tablename__ = "construction_ball"
        __mapper_args__ = {"polymorphic_identity": "ball"}

        id: int | None = Field(default=None, primary_key=True, foreign_key="construction_toy.id")
        pages: int = 32


class Validated(SQLModel, table=True):
    __tablename__ = "construction_validated"

    id: int | None = Field(default=None, primary_key=True)
    name: str = ""

    @validates("name")
    def lower(self, key: str, value: str) -> str:
        return value.lower()


class Private(SQLModel, table=True):
    __tablename__ = "construction_private"

    id: int | None = Field(default=None, primary_key=True)
    _secret: list[int] = PrivateAttr(default_factory=lambda: [1])


class OwnInit(SQLModel, table=True):
    __tablename__ = "construction_own_init"

    id: int | None = Field(default=None, primary_key=True)
    name: str = ""

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self.name = f"<{self.name}>"


with warnings.catch_warnings():
    warnings.simplefilter("ignore", UserWarning)  # of fields that are meant to be others

    class Heir(OwnInit, table=True):
        __tablename__ = "construction_heir"

        id: int | None = Field(default=None, primary_key=True)


class OwnSet(SQLModel, table=True):
    __tablename__ = "construction_own_set"

    id: int | None = Field(default=None, primary_key=True)
    name: str = ""

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, f"set {value}" if name == "name" else value)


class Strict(SQLModel, table=True):
    __tablename__ = "construction_strict"
    model_config = {"validate_assignment": True}

    id: int | None = Field(default=None, primary_key=True)
    number: int = 0


class Aliased(SQLModel, table=True):
    __tablename__ = "construction_aliased"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(default="", alias="title")


MODELS = [Shelf, Book, Toy, Ball, Validated, Private, OwnInit, Heir, OwnSet, Strict, Aliased]
ANY_VALUE = st.one_of(st.none(), st.integers(), st.text(), st.lists(st.text()))
GIVEN = st.dictionaries(
    st.sampled_from(["id", "name", "title", "labels", "kind", "pages", "number", "unknown"]),
    ANY_VALUE,
)


def outcome(make: Callable[[], Any]) -> dict[str, Any]:
    """All that can be told of an instance that is made, or of why it cannot be."""
    try:
        instance = make()
    except Exception as error:
        return {"type": type(error), "message": str(error).partition(" at 0x")[0]}
    state = inspect(instance)
    return {
        "values": [
            (name, value)
            for name, value in instance.__dict__.items()
            if name not in ("_sa_instance_state",)
        ],
        "given": instance.__pydantic_fields_set__,
        "extra": instance.__pydantic_extra__,
        "private": instance.__pydantic_private__,
        "repr": repr(instance),
        "dump": instance.model_dump(warnings=False),
        "before": state.committed_state,
        "modified": state.modified,
        "transient": state.transient,
        "history": {
            each.key: each.history for each in state.attrs if each.key in instance.__dict__
        },
    }


def made(model: type[SQLModel], values: dict[str, Any], quick: bool) -> dict[str, Any]:
    with quick_construction() if quick else nullcontext():
        return outcome(lambda: model(**values))


@settings(deadline=None)
@given(st.sampled_from(MODELS), GIVEN)
def test_an_instance_is_the_same(model: type[SQLModel], values: dict[str, Any]) -> None:
    assert made(model, values, quick=True) == made(model, values, quick=False)


@pytest.mark.parametrize("quick", [False, True])
def test_related_instances_find_each_other(quick: bool) -> None:
    with quick_construction() if quick else nullcontext():
        shelf = Shelf(name="a")
        book = Book(title="b", shelf=shelf)
        other = Shelf(name="c", books=[Book(title="d"), Book(title="e")])
    assert shelf.books == [book]
    assert [each.shelf for each in other.books] == [other, other]


def test_defaults_are_not_shared() -> None:
    with quick_construction():
        one, other = Shelf(name="a"), Shelf(name="b")
    one.labels.append("old")
    one.notes["key"] = "value"
    assert (other.labels, other.notes) == (["new"], {})


@pytest.mark.parametrize("quick", [False, True])
def test_validation_into_a_blank_instance(quick: bool) -> None:
    with quick_construction() if quick else nullcontext():
        shelf = Shelf.model_validate({"name": "a", "labels": ["x"]})
    assert (shelf.name, shelf.labels, shelf.notes) == ("a", ["x"], {})
    assert shelf.model_fields_set == {"name", "labels"}


@pytest.mark.parametrize("quick", [False, True])
def test_who_listens_to_an_attribute_hears_of_it(quick: bool) -> None:
    heard = []

    def note(instance: Any, value: Any, old: Any, initiator: Any) -> None:
        heard.append(value)

    event.listen(Book.title, "set", note)
    try:
        with quick_construction() if quick else nullcontext():
            Book(title="a")
    finally:
        event.remove(Book.title, "set", note)
    assert heard == ["a"]
