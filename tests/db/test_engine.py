"""Engines: SQLite as an application wants it, and many processes at one file."""

import asyncio
import multiprocessing
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import select

from signalcli.db import Session, create_engine, set_up_sqlite
from tests.db.shop_models import Base, Log

ON_SQLITE = pytest.mark.sqlite("it asks for a setting or a table of SQLite's own")


def pragma(engine: Engine, name: str) -> Any:
    """What a connection of the engine has a setting at."""
    with engine.connect() as connection:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a database may be made."""
    return tmp_path / "new.db"


@pytest.fixture
def engines() -> Iterator[list[Engine]]:
    """Engines put here are disposed of."""
    engines: list[Engine] = []
    yield engines
    for engine in engines:
        engine.dispose()


@ON_SQLITE
def test_foreign_keys_are_enforced(engine: Engine, session: Session) -> None:
    assert pragma(engine, "foreign_keys") == 1
    session.connection().exec_driver_sql("SELECT 1")
    with pytest.raises(IntegrityError):
        session.connection().exec_driver_sql(
            "INSERT INTO dbtest_profile (user_id, first_name) VALUES (77, '')"
        )


@ON_SQLITE
def test_a_file_is_written_ahead(engine: Engine) -> None:
    assert pragma(engine, "journal_mode") == "wal"


@ON_SQLITE
def test_a_busy_database_is_waited_for(engine: Engine) -> None:
    assert pragma(engine, "busy_timeout") >= 10_000


def test_a_url_may_set_another_timeout(path: Path, engines: list[Engine]) -> None:
    engines.append(create_engine(f"sqlite:///{path}?timeout=3"))
    assert pragma(engines[0], "busy_timeout") == 3_000


def test_connect_args_may_set_another_timeout(path: Path, engines: list[Engine]) -> None:
    engines.append(create_engine(path, connect_args={"timeout": 2}))
    assert pragma(engines[0], "busy_timeout") == 2_000


@pytest.mark.parametrize("as_text", [True, False], ids=["text", "Path"])
def test_a_path_makes_the_file(path: Path, engines: list[Engine], as_text: bool) -> None:
    engines.append(create_engine(str(path) if as_text else path))
    Base.metadata.create_all(engines[0])
    assert path.read_bytes().startswith(b"SQLite format 3")


@pytest.mark.parametrize("name", ["a b.db", "ünï.db", "50%.db", "what?.db", "x#y.db", "@host.db"])
def test_a_path_may_have_any_name(tmp_path: Path, engines: list[Engine], name: str) -> None:
    engines.append(create_engine(tmp_path / name))
    Base.metadata.create_all(engines[0])
    assert (tmp_path / name).is_file()


@pytest.mark.parametrize("database", [":memory:", "sqlite://", "sqlite:///:memory:"])
def test_a_database_may_be_in_memory(database: str, engines: list[Engine]) -> None:
    engines.append(create_engine(database))
    Base.metadata.create_all(engines[0])
    with Session(engines[0]) as session:
        session.add(Log(text="x"))
        session.commit()
        assert session.exec(select(Log.text)).all() == ["x"]
    assert pragma(engines[0], "foreign_keys") == 1


def test_options_are_passed_on(path: Path, engines: list[Engine]) -> None:
    engines.append(create_engine(path, echo=False, pool_size=3))
    assert engines[0].pool.size() == 3  # type: ignore[attr-defined]


def test_a_rollback_to_a_savepoint_keeps_earlier_rows(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO dbtest_log (text) VALUES ('kept')"))
        savepoint = connection.begin_nested()
        connection.execute(text("INSERT INTO dbtest_log (text) VALUES ('dropped')"))
        savepoint.rollback()
    with engine.connect() as connection:
        assert connection.scalars(text("SELECT text FROM dbtest_log")).all() == ["kept"]


def test_a_rollback_after_a_savepoint_alone_drops_it(engine: Engine) -> None:
    # sqlite3 by itself would begin no transaction for the savepoint, and keep the row.
    with engine.connect() as connection:
        with connection.begin_nested():
            connection.execute(text("INSERT INTO dbtest_log (text) VALUES ('dropped')"))
        connection.rollback()
        assert connection.scalars(text("SELECT text FROM dbtest_log")).all() == []


@ON_SQLITE
def test_making_a_table_can_be_rolled_back(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.execute(text("CREATE TABLE dbtest_gone (id INTEGER)"))
        connection.rollback()
        tables = connection.scalars(text("SELECT name FROM sqlite_master")).all()
    assert "dbtest_gone" not in tables


def test_an_immediate_transaction_takes_the_lock_when_it_begins(
    path: Path, engines: list[Engine]
) -> None:
    engines += [create_engine(path, immediate=True), create_engine(f"sqlite:///{path}?timeout=0")]
    with engines[0].connect() as connection:
        connection.execute(text("SELECT 1"))
        with engines[1].connect() as other, pytest.raises(DBAPIError, match="locked"):
            other.execute(text("CREATE TABLE t (id INTEGER)"))


def test_an_ordinary_transaction_that_only_reads_takes_no_lock(
    path: Path, engines: list[Engine]
) -> None:
    engines += [create_engine(path), create_engine(f"sqlite:///{path}?timeout=0")]
    with engines[0].connect() as connection:
        connection.execute(text("SELECT 1"))
        with engines[1].begin() as other:
            other.execute(text("CREATE TABLE t (id INTEGER)"))


def test_another_engine_can_be_given_the_same(path: Path, engines: list[Engine]) -> None:
    async_engine = create_async_engine(f"sqlite+aiosqlite:///{path}")
    set_up_sqlite(async_engine.sync_engine)

    async def ask() -> tuple[Any, Any]:
        async with async_engine.connect() as connection:
            keys = (await connection.exec_driver_sql("PRAGMA foreign_keys")).scalar_one()
            mode = (await connection.exec_driver_sql("PRAGMA journal_mode")).scalar_one()
        await async_engine.dispose()
        return keys, mode

    assert asyncio.run(ask()) == (1, "wal")


def test_other_urls_pass_through() -> None:
    # Nothing connects before it is asked to, so any driver's module will do.
    engine = create_engine("postgresql+pg8000://ann:secret@db.example/shop", module=sqlite3)
    assert engine.url.database == "shop"
    assert engine.dialect.name == "postgresql"


# Many processes


def make_and_insert(path: Path, barrier: Any, failures: Any) -> None:
    """What each process does with the same fresh file."""
    try:
        engine = create_engine(path, immediate=True)
        barrier.wait(60)
        Base.metadata.create_all(engine)
        for number in range(5):
            with Session(engine) as session:
                session.add(Log(text=str(number)))
                session.commit()
        engine.dispose()
    except BaseException as error:  # told to the test, which would otherwise not know
        failures.put(repr(error))
        raise


def test_eight_processes_may_make_the_same_database_at_once(path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    barrier, failures = context.Barrier(8), context.SimpleQueue()
    processes = [
        context.Process(target=make_and_insert, args=(path, barrier, failures)) for _ in range(8)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    told = []
    while not failures.empty():
        told.append(failures.get())
    assert told == []
    assert [process.exitcode for process in processes] == [0] * 8
    engine = create_engine(path)
    with Session(engine) as session:
        assert len(session.exec(select(Log)).all()) == 40
    engine.dispose()
