"""What a long-lived process keeps of the sessions that it has closed: nothing."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import Field, SQLModel, select

from signalcli.db import Session, create_engine, on_commit, post_save
from tests.engines import without_memory
from tests.garbage import assert_nothing_stays


class Entry(SQLModel, table=True):
    __tablename__ = "garbage_entry"

    id: int | None = Field(default=None, primary_key=True)
    text: str


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    engine = create_engine(database, connect_args=without_memory(database))
    Entry.__table__.create(engine)  # type: ignore[attr-defined]  # SQLModel gives it to table models
    with Session(engine) as session:
        session.add(Entry(text="first"))
        session.commit()
    yield engine
    engine.dispose()


def add(session: Session) -> None:
    session.add(Entry(text="new"))
    session.commit()


def change(session: Session) -> None:
    entry = session.exec(select(Entry)).first()
    assert entry is not None
    entry.text += "."
    session.commit()


def undo(session: Session) -> None:
    session.add(Entry(text="new"))
    session.flush()
    session.rollback()


def add_many(session: Session) -> None:
    with session.bulk(batch_size=2, commit=True):
        for _ in range(5):
            session.add(Entry(text="new"))


def put_off(session: Session) -> None:
    on_commit(session, lambda: session.get_transaction())
    add(session)


def in_savepoint(session: Session) -> None:
    with session.begin_nested():
        session.add(Entry(text="new"))
    session.commit()


@pytest.mark.parametrize("work", [add, change, undo, add_many, put_off, in_savepoint])
def test_a_closed_session_leaves_nothing_behind(
    engine: Engine, work: Callable[[Session], None]
) -> None:
    def note(instance: Entry, session: Session, **kwargs: Any) -> None:
        session.exec(select(Entry.id)).first()

    def rounds() -> Iterator[None]:
        for _ in range(25):
            with Session(engine) as session:
                work(session)
            del session
            yield

    with post_save.connected_to(note, sender=Entry):
        assert_nothing_stays(rounds())
