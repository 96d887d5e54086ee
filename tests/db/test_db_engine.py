"""Engines: SQLite as an application wants it, and plain words where there is no database."""

import asyncio
import multiprocessing
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from shop_models import Base, Log, User
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import select

from signalcli.db import DatabaseUnusable, Session, create_engine, set_up_sqlite
from signalcli.db.database import unusable


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


def test_foreign_keys_are_enforced(engine: Engine, session: Session) -> None:
    assert pragma(engine, "foreign_keys") == 1
    session.connection().exec_driver_sql("SELECT 1")
    with pytest.raises(IntegrityError):
        session.connection().exec_driver_sql(
            "INSERT INTO dbtest_profile (user_id, first_name) VALUES (77, '')"
        )


def test_a_file_is_written_ahead(engine: Engine) -> None:
    assert pragma(engine, "journal_mode") == "wal"


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


# No database


@pytest.mark.parametrize("as_text", [True, False], ids=["text", "Path"])
def test_a_folder_is_no_database(tmp_path: Path, as_text: bool) -> None:
    with pytest.raises(DatabaseUnusable, match="is a folder"):
        create_engine(str(tmp_path) if as_text else tmp_path)


def test_a_file_in_no_folder_cannot_be_made(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnusable, match="no folder"):
        create_engine(tmp_path / "missing" / "new.db")
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(DatabaseUnusable, match="no folder"):
        create_engine(tmp_path / "file" / "new.db")


@pytest.mark.parametrize("url", ["://", "sqlite://host:port/x", "postgresql://h:port/x"])
def test_a_bad_url_is_no_database(url: str) -> None:
    with pytest.raises(DatabaseUnusable, match="not a database URL"):
        create_engine(url)


def test_a_url_without_its_driver_is_no_database() -> None:
    with pytest.raises(DatabaseUnusable, match=r"'nosuchdb' databases need a driver"):
        create_engine("nosuchdb://localhost/x")


def test_a_url_whose_driver_is_not_installed_is_no_database() -> None:
    with pytest.raises(DatabaseUnusable, match=r"'mysql\+mysqldb' databases need a driver"):
        create_engine("mysql+mysqldb://localhost/x")


def test_a_sqlite_url_of_a_host_is_no_database() -> None:
    # Two slashes instead of three: what people write who mean a file.
    with pytest.raises(DatabaseUnusable):
        create_engine("sqlite://shop.db")


@pytest.mark.parametrize("path", ["a\0b", "x" * 5000])
def test_what_no_file_can_be_called_is_no_database(path: str) -> None:
    with pytest.raises(DatabaseUnusable):
        create_engine(path)


# Errors of work on a database


def failure(database: Any, statement: str = "SELECT * FROM sqlite_master") -> Exception:
    """What the work raises."""
    engine = create_engine(database)
    try:
        with pytest.raises(Exception) as caught, engine.begin() as connection:
            connection.exec_driver_sql(statement)
    finally:
        engine.dispose()
    return caught.value


def said(error: Exception) -> str:
    """What it says about the database as such."""
    explained = unusable(error, "shop.db")
    assert isinstance(explained, DatabaseUnusable)
    return str(explained)


def test_a_text_file_is_no_sqlite_database(path: Path) -> None:
    path.write_text("just a text, and one that is long enough to be looked at\n" * 50)
    assert "shop.db is not a SQLite database" in said(failure(path))


def test_a_locked_database_is_said_to_be_locked(path: Path) -> None:
    holder = sqlite3.connect(path, isolation_level=None)
    try:
        holder.execute("PRAGMA journal_mode = WAL")
        holder.execute("BEGIN IMMEDIATE")
        error = failure(f"sqlite:///{path}?timeout=0", "CREATE TABLE t (id INTEGER)")
    finally:
        holder.close()
    assert "is locked by another process" in said(error)


def test_a_database_locked_before_it_is_written_ahead_is_said_to_be_locked(path: Path) -> None:
    holder = sqlite3.connect(path, isolation_level=None)
    try:
        holder.execute("CREATE TABLE t (id INTEGER)")
        holder.execute("BEGIN EXCLUSIVE")
        error = failure(f"sqlite:///{path}?timeout=0")
    finally:
        holder.close()
    assert "is locked by another process" in said(error)


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_read_only_database_can_be_read_and_is_said_to_be_read_only(
    path: Path, mode: str
) -> None:
    maker = sqlite3.connect(path, isolation_level=None)
    maker.execute(f"PRAGMA journal_mode = {mode}")
    maker.execute("CREATE TABLE t (id INTEGER)")
    maker.close()
    url = f"sqlite:///file:{path}?mode=ro&uri=true"
    engine = create_engine(url)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM t").scalar_one() == 0
    engine.dispose()
    assert "is read-only" in said(failure(url, "INSERT INTO t VALUES (1)"))


def test_a_database_that_cannot_be_opened_is_said_so(tmp_path: Path) -> None:
    url = f"sqlite:///file:{tmp_path / 'none.db'}?mode=ro&uri=true"
    assert "cannot be opened" in said(failure(url))


def test_a_missing_table_is_the_databases_fault(path: Path) -> None:
    assert "does not work as expected: no such table: t" in said(failure(path, "SELECT * FROM t"))


def test_a_full_pool_is_said_so() -> None:
    assert "all connections" in said(PoolTimeoutError("QueuePool limit"))


def test_an_error_about_what_was_asked_says_nothing_of_the_database(session: Session) -> None:
    session.add_all([User(username="ann"), User(username="ann")])
    with pytest.raises(IntegrityError) as caught:
        session.commit()
    assert unusable(caught.value, "shop.db") is None
    assert unusable(ValueError("x"), "shop.db") is None


def test_what_is_said_already_is_kept() -> None:
    error = DatabaseUnusable("it is so")
    assert unusable(error, "shop.db") is error


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
