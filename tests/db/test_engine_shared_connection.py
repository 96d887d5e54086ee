"""Several sessions on one connection of the driver: as with SQLModel's own, and no errors."""

import asyncio
import random
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlmodel
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool, QueuePool, StaticPool
from sqlmodel import select

from signalcli.db import (
    AsyncSession,
    Session,
    connection_created,
    create_engine,
    post_save,
    set_up_sqlite,
)
from tests.db.shop_models import Base, Log, statements_of

ANY_THREAD = {"check_same_thread": False}


def in_memory(**options: Any) -> Engine:
    return create_engine(":memory:", **options)


def static(**options: Any) -> Engine:
    return create_engine(":memory:", poolclass=StaticPool, connect_args=ANY_THREAD, **options)


def set_up_later(**options: Any) -> Engine:
    engine = sqlmodel.create_engine("sqlite://", poolclass=StaticPool, connect_args=ANY_THREAD)
    set_up_sqlite(engine, **options)
    return engine


def named(**options: Any) -> Engine:
    return create_engine("sqlite:///file:named?mode=memory&uri=true", **options)


def by_a_creator(**options: Any) -> Engine:
    driver = sqlite3.connect(":memory:", check_same_thread=False)
    return create_engine("sqlite://", creator=lambda: driver, poolclass=QueuePool, **options)


ENGINES: list[Callable[..., Engine]] = [in_memory, static, set_up_later, by_a_creator]

# One that SQLAlchemy 2.1 warns of, since the pool is to be another.
NAMED = pytest.param(
    named, marks=pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")
)


@pytest.fixture(params=[False, True], ids=["deferred", "immediate"])
def shared(request: pytest.FixtureRequest, make: Callable[..., Engine]) -> Iterator[Engine]:
    engine = make(immediate=request.param)
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def make() -> Callable[..., Engine]:
    return static


def texts(session: sqlmodel.Session) -> list[str]:
    return list(session.exec(select(Log.text).order_by(Log.text)))


EACH = pytest.mark.parametrize("make", [*ENGINES, NAMED])


@EACH
class TestTwoSessions:
    def test_both_read_and_write(self, shared: Engine) -> None:
        with Session(shared) as one, Session(shared) as other:
            assert texts(one) == texts(other) == []
            one.add(Log(text="a"))
            one.flush()
            assert texts(other) == ["a"]
            other.add(Log(text="b"))
            other.commit()
            assert texts(one) == ["a", "b"]
            one.commit()
        with Session(shared) as third:
            assert texts(third) == ["a", "b"]

    def test_a_rollback_ends_the_others_work(self, shared: Engine) -> None:
        with Session(shared) as one, Session(shared) as other:
            one.add(Log(text="a"))
            one.flush()
            texts(other)
            other.rollback()
            assert texts(one) == []
            one.add(Log(text="b"))
            one.commit()
            assert texts(other) == ["b"]

    def test_what_is_done_after_the_others_commit_can_be_rolled_back(self, shared: Engine) -> None:
        with Session(shared) as one, Session(shared) as other:
            one.add(Log(text="a"))
            one.flush()
            texts(other)
            other.commit()
            one.add(Log(text="b"))
            one.flush()
            one.rollback()
            assert texts(one) == ["a"]

    def test_savepoints_work_before_and_after_the_other_ends_it(self, shared: Engine) -> None:
        with Session(shared) as one, Session(shared) as other:
            for _ in range(2):
                savepoint = one.begin_nested()
                one.add(Log(text="dropped"))
                one.flush()
                assert texts(other) == ["dropped"]
                savepoint.rollback()
                with one.begin_nested():
                    one.add(Log(text="kept in vain"))
                one.rollback()
                assert texts(one) == []
                texts(other)
                other.commit()

    def test_savepoints_of_both_nest(self, shared: Engine) -> None:
        with Session(shared) as one, Session(shared) as other:
            with one.begin_nested():
                one.add(Log(text="a"))
                with other.begin_nested():
                    other.add(Log(text="b"))
            assert texts(other) == ["a", "b"]
            one.commit()
            other.rollback()
            assert texts(one) == ["a", "b"]

    def test_a_receiver_opens_a_session_of_its_own(self, shared: Engine) -> None:
        def log(instance: Log, **kwargs: Any) -> None:
            if instance.text == "a":
                with Session(shared) as session:
                    session.add(Log(text="by receiver"))
                    session.commit()

        with post_save.connected_to(log, Log), Session(shared) as session:
            session.add(Log(text="a"))
            session.commit()
            assert texts(session) == ["a", "by receiver"]

    def test_foreign_keys_are_on(self, shared: Engine) -> None:
        with Session(shared) as one, Session(shared) as other:
            for session in (one, other):
                assert session.connection().exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


class Work:
    """Random work by two sessions on one connection, and what came of it.

    What each step raised, and what it saw, stands in ``outcomes``.
    """

    def __init__(self, engine: Engine, session_class: type[sqlmodel.Session]) -> None:
        self.sessions = [session_class(engine), session_class(engine)]
        self.outcomes: list[Any] = []

    def step(self, which: int, what: str, number: int) -> None:
        session = self.sessions[which]
        try:
            if what == "read":
                self.outcomes.append(texts(session))
            elif what == "add":
                session.add(Log(text=f"{number:03}"))
                session.flush()
            elif what == "change":
                log = session.exec(select(Log).order_by(Log.text)).first()
                if log is not None:
                    log.text += "!"
                    session.flush()
            elif what == "delete":
                log = session.exec(select(Log).order_by(Log.text)).first()
                if log is not None:
                    session.delete(log)
                    session.flush()
            else:
                getattr(session, what)()
        except Exception as error:
            self.outcomes.append(type(error))
            session.rollback()

    def end(self) -> list[Any]:
        for session in self.sessions:
            session.close()
        return self.outcomes


@pytest.mark.parametrize("seed", range(25))
def test_any_work_comes_out_as_with_sqlmodels_own(seed: int) -> None:
    plain = sqlmodel.create_engine("sqlite://", poolclass=StaticPool, connect_args=ANY_THREAD)
    ours, immediate = static(), static(immediate=True)
    works = []
    for engine, session_class in (
        (plain, sqlmodel.Session),
        (ours, Session),
        (immediate, Session),
        (ours, sqlmodel.Session),
    ):
        Base.metadata.drop_all(engine)
        Base.metadata.create_all(engine)
        order = random.Random(seed)
        work = Work(engine, session_class)
        for number in range(40):
            what = order.choice(
                ["read", "add", "add", "change", "delete", "commit", "rollback", "close"]
            )
            work.step(order.randrange(2), what, number)
        with session_class(engine) as session:
            works.append([*work.end(), texts(session)])
    for engine in (plain, ours, immediate):
        engine.dispose()
    assert works[1:] == [works[0]] * 3


def test_a_savepoint_that_the_other_ends_is_gone_as_with_sqlmodels_own() -> None:
    def work(engine: Engine, session_class: type[sqlmodel.Session]) -> Any:
        Base.metadata.create_all(engine)
        with session_class(engine) as one, session_class(engine) as other:
            savepoint = one.begin_nested()
            one.add(Log(text="a"))
            one.flush()
            texts(other)
            other.commit()
            with pytest.raises(OperationalError) as caught:
                savepoint.commit()
            one.rollback()
            return str(caught.value.orig), texts(other)

    plain = sqlmodel.create_engine("sqlite://", poolclass=StaticPool, connect_args=ANY_THREAD)
    ours = static()
    assert work(ours, Session) == work(plain, sqlmodel.Session)
    for engine in (plain, ours):
        engine.dispose()


def test_many_threads_share_one() -> None:
    engine = static()
    Base.metadata.create_all(engine)
    failures: list[BaseException] = []
    begin = threading.Barrier(4)

    def read() -> None:
        begin.wait(timeout=10)
        try:
            for _ in range(50):
                with engine.connect() as connection:
                    connection.exec_driver_sql("SELECT 1")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    engine.dispose()
    assert [error for error in failures if "transaction" in str(error)] == []


def test_two_async_sessions_share_one() -> None:
    async def work() -> list[str]:
        engine = create_async_engine("sqlite+aiosqlite://", poolclass=StaticPool)
        set_up_sqlite(engine.sync_engine)
        try:
            return await work_on(engine)
        finally:
            # What it leaves open would keep the process.
            await engine.dispose()

    async def work_on(engine: AsyncEngine) -> list[str]:
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)

        async def add(name: str) -> None:
            async with AsyncSession(engine) as session:
                await session.exec(select(Log))
                session.add(Log(text=name))
                await session.commit()

        async with AsyncSession(engine) as one, AsyncSession(engine) as other:
            await one.exec(select(Log))
            await other.exec(select(Log))
            one.add(Log(text="a"))
            async with one.begin_nested():
                one.add(Log(text="b"))
            await other.commit()
            one.add(Log(text="dropped"))
            await one.flush()
            await one.rollback()
        await asyncio.gather(*(add(f"c{number}") for number in range(5)))
        async with AsyncSession(engine) as session:
            found = list(await session.exec(select(Log.text).order_by(Log.text)))
            keys = await (await session.connection()).exec_driver_sql("PRAGMA foreign_keys")
            assert keys.scalar_one() == 1
        return found

    found = asyncio.run(work())
    assert found[:2] == ["a", "b"]
    assert "dropped" not in found


class TestBeginning:
    def test_it_is_no_statement_of_sqlalchemys(self, engine: Engine) -> None:
        with statements_of(engine) as statements, Session(engine) as session:
            texts(session)
            session.commit()
        assert [statement.split()[0] for statement in statements] == ["SELECT"]

    def test_what_goes_wrong_is_told_as_sqlalchemy_tells_it(self, tmp_path: Path) -> None:
        (tmp_path / "text.db").write_text("no database, and long enough to be looked at\n" * 50)
        engine = create_engine(
            f"sqlite:///{tmp_path / 'text.db'}", immediate=True, write_ahead=False
        )
        with engine.connect() as connection, pytest.raises(DBAPIError):
            connection.exec_driver_sql("SELECT 1")
        engine.dispose()

    @pytest.mark.sqlite("its transactions are begun by what signalcli sets up")
    def test_a_connection_that_commits_each_statement_begins_nothing(self, engine: Engine) -> None:
        # VACUUM cannot run in a transaction.
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("INSERT INTO dbtest_log (text) VALUES ('kept')"))
            connection.execute(text("VACUUM"))
            connection.rollback()
        with Session(engine) as session:
            assert texts(session) == ["kept"]
            with session.begin_nested():
                session.add(Log(text="dropped"))
            session.rollback()
            assert texts(session) == ["kept"]

    def test_an_engine_that_commits_each_statement_begins_nothing(self, tmp_path: Path) -> None:
        engine = create_engine(tmp_path / "auto.db", isolation_level="AUTOCOMMIT")
        Base.metadata.create_all(engine)
        with engine.connect() as connection:
            connection.execute(text("INSERT INTO dbtest_log (text) VALUES ('kept')"))
            connection.execute(text("VACUUM"))
            connection.rollback()
            assert connection.scalars(text("SELECT text FROM dbtest_log")).all() == ["kept"]
        engine.dispose()

    def test_what_a_receiver_writes_when_it_is_connected_is_kept(self, tmp_path: Path) -> None:
        def note(connection: Any, **kwargs: Any) -> None:
            connection.execute("CREATE TABLE IF NOT EXISTS seen (id INTEGER)")
            connection.execute("INSERT INTO seen VALUES (1)")

        with connection_created.connected_to(note):
            engine = create_engine(tmp_path / "seen.db", poolclass=NullPool)
            with engine.connect() as connection:
                connection.exec_driver_sql("SELECT 1")
                connection.rollback()
            with engine.connect() as connection:
                rows = connection.exec_driver_sql("SELECT count(*) FROM seen").scalar()
        assert rows == 2

    @pytest.mark.skipif("autocommit" not in dir(sqlite3.Connection), reason="Python 3.12")
    def test_a_driver_that_begins_by_itself_is_left_to_it(self, tmp_path: Path) -> None:
        engine = create_engine(tmp_path / "own.db", connect_args={"autocommit": False})
        Base.metadata.create_all(engine)
        with Session(engine) as session:
            session.add(Log(text="a"))
            session.commit()
            assert texts(session) == ["a"]
            with session.begin_nested():
                session.add(Log(text="dropped"))
            session.rollback()
            assert texts(session) == ["a"]
            names = ("foreign_keys", "journal_mode")
            ask = session.connection().exec_driver_sql
            assert [ask(f"PRAGMA {name}").scalar() for name in names] == [1, "wal"]
        engine.dispose()
