"""Writes that send no signals: what is noticed while somebody watches, and what is warned of."""

import asyncio
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy.orm
import sqlmodel
from sqlalchemy import Engine
from sqlmodel import Field, SQLModel, delete, insert, update
from sqlmodel.ext.asyncio.session import AsyncSession

from signalcli.db import (
    Session,
    UnannouncedWriteWarning,
    create_engine,
    post_delete,
    post_save,
    touch,
)
from signalcli.db.unannounced import KNOWN, last_number, writes_since
from signalcli.dispatch import watch
from signalcli.dispatch.watching import Interceptor
from tests import processes
from tests.conftest import NewDatabase
from tests.db.async_work import async_engine


class Leaf(SQLModel, table=True):
    __tablename__ = "unannounced_leaf"

    id: int | None = Field(default=None, primary_key=True)
    colour: str = "green"


def make_leaves(database: str) -> None:
    """Make the table of leaves."""
    engine = create_engine(database)
    SQLModel.metadata.create_all(engine, tables=[Leaf.__table__])  # type: ignore[attr-defined]
    engine.dispose()


@pytest.fixture
def engine(new_database: NewDatabase) -> Iterator[Engine]:
    engine = create_engine(new_database("leaves", make_leaves))
    with sqlmodel.Session(engine) as session:
        session.add(Leaf())
        session.commit()
    yield engine
    engine.dispose()


def add(session: sqlalchemy.orm.Session) -> None:
    session.add_all([Leaf(), Leaf()])
    session.commit()


def change(session: sqlalchemy.orm.Session) -> None:
    leaf = session.get_one(Leaf, 1)
    leaf.colour = "red"
    session.commit()


def remove(session: sqlalchemy.orm.Session) -> None:
    session.delete(session.get_one(Leaf, 1))
    session.commit()


def written_by(
    engine: Engine, kind: type[sqlalchemy.orm.Session], work: Callable[[Any], object]
) -> list[tuple[str, str]]:
    """What is noticed of some work in a session: the text and the name of the file."""
    before = last_number()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnannouncedWriteWarning)
        with watch(Interceptor()), kind(engine) as session:
            work(session)
    return [(str(write), write.file) for write in writes_since(before)]


@pytest.mark.parametrize(
    ("work", "text"),
    [
        (add, "2 Leaf were inserted by a plain {}.Session"),
        (change, "1 Leaf was updated by a plain {}.Session"),
        (remove, "1 Leaf was deleted by a plain {}.Session"),
    ],
)
@pytest.mark.parametrize(
    ("kind", "name"),
    [(sqlmodel.Session, "sqlmodel"), (sqlalchemy.orm.Session, "sqlalchemy.orm")],
)
def test_what_another_session_writes_is_noticed(
    engine: Engine, kind: type[sqlalchemy.orm.Session], name: str, work: Any, text: str
) -> None:
    assert written_by(engine, kind, work) == [(text.format(name), __file__)]


@pytest.mark.parametrize("work", [add, change, remove])
def test_what_our_session_writes_is_announced(engine: Engine, work: Any) -> None:
    assert written_by(engine, Session, work) == []


@pytest.mark.parametrize("kind", [Session, sqlmodel.Session])
@pytest.mark.parametrize(
    ("work", "text"),
    [
        (
            lambda session: session.execute(insert(Leaf), [{"colour": "red"}]),
            "inserted by an insert",
        ),
        (
            lambda session: session.execute(update(Leaf).values(colour="red")),
            "updated by an update",
        ),
        (lambda session: session.execute(delete(Leaf)), "deleted by a delete"),
        (
            lambda session: session.execute(
                Leaf.__table__.update().values(colour="red")  # type: ignore[attr-defined]
            ),
            "updated by an update",
        ),
    ],
)
def test_a_statement_for_many_rows_is_noticed_in_any_session(
    engine: Engine, kind: type[sqlalchemy.orm.Session], work: Any, text: str
) -> None:
    (found,) = written_by(engine, kind, work)
    assert found == (f"rows of Leaf were {text}() statement", __file__)


def test_a_row_without_a_change_and_a_query_are_no_writes(engine: Engine) -> None:
    def look(session: sqlalchemy.orm.Session) -> None:
        leaf = session.get_one(Leaf, 1)
        leaf.colour = leaf.colour + ""
        session.flush()
        session.execute(sqlmodel.select(Leaf)).all()

    assert written_by(engine, sqlmodel.Session, look) == []
    assert written_by(engine, Session, lambda session: touch(session.get_one(Leaf, 1))) == []


def test_a_session_that_is_known_to_send_nothing_is_left_alone(engine: Engine) -> None:
    def work(session: sqlalchemy.orm.Session) -> None:
        session.info[KNOWN] = True
        session.execute(update(Leaf).values(colour="red"))
        add(session)

    assert written_by(engine, sqlmodel.Session, work) == []


def test_a_write_that_nobody_watches_is_not_noticed(engine: Engine) -> None:
    before = last_number()
    with sqlmodel.Session(engine) as session:
        add(session)
    assert writes_since(before) == []


def test_a_write_of_a_model_with_receivers_is_warned_of_once_for_each_place(engine: Engine) -> None:
    def audit(**named: Any) -> None: ...

    def sweep(**named: Any) -> None: ...

    with (
        post_save.connected_to(audit, Leaf),
        post_delete.connected_to(sweep),
        warnings.catch_warnings(record=True) as caught,
        watch(Interceptor()),
        sqlmodel.Session(engine) as session,
    ):
        warnings.simplefilter("default")
        for _ in range(3):
            add(session)
        remove(session)
    texts = [str(each.message) for each in caught if each.category is UnannouncedWriteWarning]
    assert len(texts) == 2
    assert texts[0].startswith(
        "Leaf is inserted by a plain sqlmodel.Session, which sends no signals, so "
    )
    assert "audit cannot receive any" in texts[0]
    assert "sweep cannot receive any" in texts[1]
    assert {each.filename for each in caught} == {__file__}


def test_an_async_session_of_somebody_else_s_is_noticed_where_the_program_awaits_it(
    new_database: NewDatabase,
) -> None:
    database = new_database("leaves", make_leaves)

    async def write() -> None:
        engine = async_engine(database)
        with watch(Interceptor()):
            async with AsyncSession(engine) as session:
                session.add(Leaf())
                await session.commit()
        await engine.dispose()

    before = last_number()
    asyncio.run(write())
    (found,) = writes_since(before)
    assert (found.name, found.file) == ("Leaf", __file__)
    first = write.__code__.co_firstlineno
    assert found.line == first + 5


def test_the_warning_can_be_silenced_for_a_module(engine: Engine) -> None:
    def audit(**named: Any) -> None: ...

    with (
        post_save.connected_to(audit, Leaf),
        warnings.catch_warnings(record=True) as caught,
        watch(Interceptor()),
        sqlmodel.Session(engine) as session,
    ):
        warnings.simplefilter("always")
        warnings.filterwarnings("ignore", category=UnannouncedWriteWarning, module=__name__)
        add(session)
    assert caught == []


def test_a_model_without_receivers_is_not_warned_of(engine: Engine) -> None:
    def audit(**named: Any) -> None: ...

    with (
        post_save.connected_to(audit, SQLModel),
        warnings.catch_warnings(record=True) as caught,
        watch(Interceptor()),
        sqlmodel.Session(engine) as session,
    ):
        warnings.simplefilter("always")
        add(session)
    assert caught == []


def test_sessions_are_left_alone_until_somebody_watches() -> None:
    code = """
import sqlalchemy.orm
from signalcli.db import Session
from signalcli.dispatch import watch
from signalcli.dispatch.watching import Interceptor

def listeners():
    events = sqlalchemy.orm.Session().dispatch
    return len(events.do_orm_execute), len(events.after_flush)

print(*listeners())
for _ in range(2):
    with watch(Interceptor()):
        pass
print(*listeners())
"""
    done = processes.run([sys.executable, "-c", code], check=True, text=True)
    assert done.stdout.split() == ["0", "0", "1", "1"]
