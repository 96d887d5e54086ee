"""A bulk run and the same rows one by one: the same database, the same signals."""

import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func
from sqlmodel import select

from signalcli.db import (
    Session,
    create_engine,
    m2m_changed,
    post_delete,
    post_save,
    pre_delete,
    pre_save,
)
from tests.db.bulk_models import EVERYTHING, MODELS, Base, Book, Colour, Labelled, Log, Node, Shelf

SIGNALS = (pre_save, post_save, pre_delete, post_delete, m2m_changed)


@dataclass(frozen=True)
class Row:
    """A row to be added, changed or deleted.

    Attributes:
        what: add, change or delete.
        model: its model.
        number: the number of its like.
        related: which of those before it is related to, if any.
        value: some value.
    """

    what: str
    model: type[Any]
    number: int
    related: int | None
    value: int


ROWS = st.builds(
    Row,
    what=st.sampled_from(["add", "add", "add", "change", "delete"]),
    model=st.sampled_from(MODELS),
    number=st.integers(0, 6),
    related=st.none() | st.integers(0, 8),
    value=st.integers(0, 3),
)


def made(row: Row, name: str, place: int, others: list[Any]) -> Any:
    """The instance of a row to be added."""
    values: dict[str, Any] = {"name": name}
    related = None if row.related is None or not others else others[row.related % len(others)]
    match row.model.__name__:
        case "Shelf":
            values |= {
                "colour": Colour.BLUE if row.value % 2 else Colour.RED,
                "notes": [None, {"a": 1}, [1], "text"][row.value],
                "weight": [None, 1.5, 2.0, 0.1][row.value],
            }
        case "Book":
            values["shelf"] = related if isinstance(related, Shelf) else None
        case "Node":
            values["parent"] = related if isinstance(related, Node) else None
        case "Place":
            values |= {"row": row.value, "seat": place}
        case "Coded":
            values["code"] = name
        case "Defaulted":
            values |= {"level": row.value or None, "mark": "given" if row.value > 1 else None}
        case "Labelled":
            values["labels"] = [other for other in others if type(other).__name__ == "Label"][:2]
    if values.get("shelf", 0) is None:
        del values["shelf"]
    if values.get("parent", 0) is None:
        del values["parent"]
    return row.model(**values)


def log_it(instance: Any, session: Session, created: bool, **kwargs: Any) -> None:
    if not isinstance(instance, Log):
        session.add(Log(name=f"{instance.name} {created}"))


def log_by_relationship(instance: Any, session: Session, created: bool, **kwargs: Any) -> None:
    if isinstance(instance, Shelf):
        session.add(Log(name=f"{instance.name} {created}", shelf=instance))


def log_and_flush(instance: Any, session: Session, created: bool, **kwargs: Any) -> None:
    if not isinstance(instance, Log):
        session.add(Log(name=f"{instance.name} {created}"))
        session.flush()


def log_and_query(instance: Any, session: Session, created: bool, **kwargs: Any) -> None:
    if isinstance(instance, Shelf):
        session.add(Log(name=f"{instance.name} {created}"))
        session.exec(select(func.count()).select_from(Log)).one()


def rename(instance: Any, **kwargs: Any) -> None:
    if isinstance(instance, Book) and not instance.name.endswith("!"):
        instance.name += "!"


def mark_afterwards(instance: Any, created: bool, **kwargs: Any) -> None:
    if isinstance(instance, Shelf) and created:
        instance.weight = 9.0


RECEIVERS = st.lists(
    st.sampled_from(
        [
            (post_save, log_it),
            (post_save, log_by_relationship),
            (post_save, log_and_flush),
            (post_save, log_and_query),
            (pre_save, rename),
            (post_save, mark_afterwards),
        ]
    ),
    unique=True,
    max_size=3,
)

Run = Callable[[Session, list[Callable[[], None]]], None]


def outcome(
    rows: list[Row], receivers: list[tuple[Any, Any]], run: Run
) -> tuple[Counter[Any], dict[str, Any]]:
    """The signals that a run sends, and the database that it leaves."""
    seen: Counter[Any] = Counter()

    def note(signal: Any, sender: Any, instance: Any, **named: Any) -> None:
        seen[
            signal.name,
            sender.__name__,
            instance.name,
            named.get("created"),
            named.get("action"),
            tuple(sorted(named["update_fields"])) if named.get("update_fields") else None,
        ] += 1

    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        engine = create_engine(Path(folder, "bulk.db"))
        stack.callback(engine.dispose)
        Base.metadata.create_all(engine)
        with Session(engine) as session:
            for model in MODELS:
                for number in range(4):
                    row = Row("add", model, number, number, number)
                    session.add(made(row, f"old {number}", 100 + number, []))
            session.commit()
            for signal in SIGNALS:
                stack.enter_context(signal.connected_to(note))
            for signal, receiver in receivers:
                stack.enter_context(signal.connected_to(receiver))
            run(session, steps(session, rows))
            session.commit()
        with Session(engine) as session:
            return seen, contents(session)


def steps(session: Session, rows: list[Row]) -> list[Callable[[], None]]:
    """What is to be done, one thing for each row; each of the old rows is met once at most."""
    added: list[Any] = []
    met: set[int] = set()
    old = {model: session.exec(select(model).order_by(model.name)).all() for model in MODELS}

    def step(place: int, row: Row) -> None:
        instance = old[row.model][row.number % 4]
        if row.what == "add":
            added.append(made(row, f"new {place}", place, added))
            session.add(added[-1])
        elif id(instance) not in met:
            met.add(id(instance))
            if row.what == "delete":
                session.delete(instance)
            else:
                instance.name += f" changed {place}"
                session.add(instance)

    return [lambda place=place, row=row: step(place, row) for place, row in enumerate(rows)]


def contents(session: Session) -> dict[str, Any]:
    """All rows by name, without the keys that were given to them."""
    found: dict[str, Any] = {}
    for model in EVERYTHING:
        described = []
        for instance in session.exec(select(model)):
            values = {
                key: value
                for key, value in instance.model_dump().items()
                if key != "id" and not key.endswith("_id")
            }
            for name in ("shelf", "parent"):
                related = getattr(instance, name, None)
                values[name] = related and related.name
            if isinstance(instance, Labelled):
                values["labels"] = sorted(label.name for label in instance.labels)
            described.append(sorted(values.items(), key=lambda item: item[0]))
        found[model.__name__] = sorted(described, key=repr)
    return found


@settings(deadline=None, max_examples=60)
@given(st.lists(ROWS, max_size=25), RECEIVERS, st.integers(1, 12))
def test_a_bulk_run_is_the_same_rows_one_by_one(
    rows: list[Row], receivers: list[tuple[Any, Any]], batch_size: int
) -> None:
    def one_by_one(session: Session, steps: list[Callable[[], None]]) -> None:
        for step in steps:
            step()
            session.flush()

    def in_bulk(session: Session, steps: list[Callable[[], None]]) -> None:
        with session.bulk(batch_size=batch_size):
            for step in steps:
                step()

    assert outcome(rows, receivers, in_bulk) == outcome(rows, receivers, one_by_one)
