"""What ``on_commit`` calls, when, and with which session; and its counterpart ``on_rollback``.

That the functions and their order are Django's is seen in ``test_transaction_against_django``.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
import sqlmodel
from sqlalchemy import Engine, event
from sqlalchemy.exc import IntegrityError, InvalidRequestError
from sqlalchemy.orm import sessionmaker
from sqlmodel import select

from signalcli.db import AsyncSession, Session, on_commit, post_save, pre_save
from signalcli.db.transaction import on_rollback
from signalcli.dispatch import Signal
from signalcli.trace import Recorder, record
from tests import engines
from tests.conftest import NewDatabase
from tests.db.async_work import async_engine
from tests.db.shop_models import Base, Connect, Log, User

Calls = list[str]


@pytest.fixture
def calls() -> Calls:
    """What was called."""
    return []


@pytest.fixture
def register(session: Session, calls: Calls) -> Callable[[str], None]:
    """Registers a function that notes a name."""
    return lambda name: on_commit(session, lambda: calls.append(name))


def texts(engine: Engine) -> list[str]:
    """What is in the database for good."""
    with sqlmodel.Session(engine) as session:
        return list(session.exec(select(Log.text).order_by(Log.id)))


class TestWhen:
    def test_it_is_called_when_others_can_see_what_was_written(
        self, session: Session, engine: Engine
    ) -> None:
        seen: list[list[str]] = []
        session.add(Log(text="written"))
        on_commit(session, lambda: seen.append(texts(engine)))
        session.flush()
        assert seen == []
        session.commit()
        assert seen == [["written"]]
        session.commit()
        assert seen == [["written"]]

    def test_a_receiver_registers_it_and_a_later_failure_drops_it(
        self, session: Session, connect: Connect, calls: Calls
    ) -> None:
        def register(instance: User, session: Session, **kwargs: Any) -> None:
            on_commit(session, lambda: calls.append(instance.username))

        def fails(instance: User, **kwargs: Any) -> None:
            if instance.username == "ben":
                raise RuntimeError

        connect(post_save, register, User)
        connect(post_save, fails, User)
        session.add(User(username="ann"))
        session.commit()
        session.add(User(username="ben"))
        with pytest.raises(RuntimeError):
            session.commit()
        session.add(User(username="cat"))
        session.commit()
        assert calls == ["ann", "cat"]

    @pytest.mark.parametrize("begins", ["begin", "maker"])
    def test_a_receiver_of_the_flush_at_the_end_of_a_block_registers_it(
        self, engine: Engine, connect: Connect, calls: Calls, begins: str
    ) -> None:
        def register(session: Session, **kwargs: Any) -> None:
            on_commit(session, lambda: calls.append(str(session.in_transaction())))

        connect(pre_save, register, Log)
        connect(post_save, register, Log)
        if begins == "begin":
            with Session(engine) as session, session.begin():
                session.add(Log(text="x"))
        else:
            with sessionmaker(engine, class_=Session).begin() as session:
                session.add(Log(text="x"))
        assert calls == ["False", "False"]
        assert texts(engine) == ["x"]

    @pytest.mark.parametrize("end", ["close", "reset", "invalidate", "rollback"])
    @pytest.mark.parametrize("is_used", [True, False])
    def test_without_a_commit_it_is_dropped(
        self,
        session: Session,
        register: Callable[[str], None],
        calls: Calls,
        end: str,
        is_used: bool,
    ) -> None:
        if is_used:
            session.add(Log(text="x"))
        register("dropped")
        getattr(session, end)()
        session.add(Log(text="y"))
        register("stays")
        session.commit()
        assert calls == ["stays"]

    def test_a_savepoint_that_is_closed_or_whose_flush_fails_drops_it(
        self, session: Session, register: Callable[[str], None], calls: Calls
    ) -> None:
        session.add(User(username="ann"))
        session.flush()
        savepoint = session.begin_nested()
        register("closed")
        savepoint.close()
        register("before")
        savepoint = session.begin_nested()
        register("failed")
        session.add(User(username="ann"))
        with pytest.raises(IntegrityError):
            session.flush()
        savepoint.rollback()
        register("after")
        session.commit()
        assert calls == ["before", "after"]

    def test_with_no_transaction_registering_begins_one(
        self, session: Session, register: Callable[[str], None], calls: Calls
    ) -> None:
        register("called")
        assert session.in_transaction()
        assert calls == []
        session.commit()
        assert calls == ["called"]

    def test_a_session_that_begins_nothing_by_itself_has_to_be_begun(self, engine: Engine) -> None:
        with Session(engine, autobegin=False) as session:
            with pytest.raises(InvalidRequestError, match="begin one first"):
                on_commit(session, lambda: None)
            calls: Calls = []
            with session.begin():
                on_commit(session, lambda: calls.append("called"))
            assert calls == ["called"]

    def test_a_transaction_can_be_committed_by_itself(
        self, session: Session, register: Callable[[str], None], calls: Calls
    ) -> None:
        register("called")
        transaction = session.get_transaction()
        assert transaction is not None
        transaction.commit()
        assert calls == ["called"]

    def test_within_a_block_that_outlives_its_commit_it_waits_until_the_session_can_be_used(
        self, session: Session, engine: Engine, calls: Calls
    ) -> None:
        def write() -> None:
            calls.append("called")
            session.add(Log(text="by the function"))
            session.commit()

        with suppress(RuntimeError), session.begin_nested():
            on_commit(session, write)
            session.commit()
            assert calls == []
            raise RuntimeError
        assert calls == ["called"]
        assert texts(engine) == ["by the function"]

    def test_in_the_transaction_of_a_connection_the_sessions_commit_counts(
        self, engine: Engine, calls: Calls
    ) -> None:
        with engine.connect() as connection, connection.begin() as outer:
            with Session(connection, join_transaction_mode="create_savepoint") as session:
                session.add(Log(text="x"))
                on_commit(session, lambda: calls.append("called"))
                session.commit()
            assert calls == ["called"]
            outer.rollback()
        assert texts(engine) == []

    @pytest.mark.sqlite("only there can a key of any table be checked by the commit alone")
    def test_a_commit_that_the_database_refuses_calls_nothing(
        self, session: Session, register: Callable[[str], None], calls: Calls
    ) -> None:
        session.connection().exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        session.connection().exec_driver_sql(
            "INSERT INTO dbtest_profile (user_id, first_name) VALUES (99, '')"
        )
        register("dropped")
        with pytest.raises(IntegrityError):
            session.commit()
        session.rollback()
        session.commit()
        assert calls == []

    def test_a_commit_that_others_spoil_calls_nothing_later(
        self, session: Session, register: Callable[[str], None], calls: Calls
    ) -> None:
        def spoil(session: Session) -> None:
            raise RuntimeError

        event.listen(session, "after_commit", spoil)
        register("lost")
        with pytest.raises(RuntimeError):
            session.commit()
        event.remove(session, "after_commit", spoil)
        session.close()
        with session.begin_nested():
            pass
        session.commit()
        assert calls == []


class TestWhat:
    def test_it_may_use_the_session_in_a_transaction_of_its_own(
        self, session: Session, engine: Engine
    ) -> None:
        def write() -> None:
            assert not session.in_transaction()
            session.add(Log(text=f"after {session.exec(select(Log.text)).one()}"))
            session.commit()

        with session.begin():
            session.add(Log(text="first"))
            on_commit(session, write)
        assert texts(engine) == ["first", "after first"]

    def test_what_it_leaves_pending_is_the_next_transactions(
        self, session: Session, engine: Engine
    ) -> None:
        on_commit(session, lambda: session.add(Log(text="pending")))
        session.commit()
        assert texts(engine) == []
        session.commit()
        assert texts(engine) == ["pending"]

    def test_what_it_registers_in_a_transaction_waits_for_that(
        self, session: Session, calls: Calls
    ) -> None:
        def register_more() -> None:
            session.add(Log(text="x"))
            on_commit(session, lambda: calls.append("second"))
            calls.append("first")

        on_commit(session, register_more)
        session.commit()
        assert calls == ["first"]
        session.commit()
        assert calls == ["first", "second"]

    @pytest.mark.parametrize("function", [None, 1, "print"])
    def test_what_cannot_be_called_is_refused(self, session: Session, function: Any) -> None:
        for register in (on_commit, on_rollback):
            with pytest.raises(TypeError, match="a function to call"):
                register(session, function)
        assert not session.in_transaction()

    def test_a_session_of_others_is_refused(self, engine: Engine) -> None:
        with sqlmodel.Session(engine) as session, pytest.raises(TypeError, match="Session"):
            on_commit(session, print)

    def test_the_first_failure_propagates_and_the_commit_stands(
        self, session: Session, engine: Engine, register: Callable[[str], None], calls: Calls
    ) -> None:
        error = RuntimeError("no mail")

        def fails() -> None:
            raise error

        session.add(Log(text="written"))
        register("first")
        on_commit(session, fails)
        register("lost")
        with pytest.raises(RuntimeError) as raised:
            session.commit()
        assert raised.value is error
        session.commit()
        assert calls == ["first"]
        assert texts(engine) == ["written"]

    def test_a_robust_failure_is_logged(
        self,
        session: Session,
        register: Callable[[str], None],
        calls: Calls,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        def fails() -> None:
            raise RuntimeError("no mail")

        on_commit(session, fails, robust=True)
        register("next")
        session.commit()
        assert calls == ["next"]
        (logged,) = caplog.records
        assert (logged.levelno, logged.name) == (logging.ERROR, "signalcli.db")
        assert "fails" in logged.getMessage()
        assert "no mail" in logged.getMessage()
        assert logged.exc_info is not None

    def test_robust_does_not_hold_up_an_interruption(
        self, session: Session, register: Callable[[str], None], calls: Calls
    ) -> None:
        def interrupted() -> None:
            raise KeyboardInterrupt

        on_commit(session, interrupted, robust=True)
        register("lost")
        with pytest.raises(KeyboardInterrupt):
            session.commit()
        session.commit()
        assert calls == []


class TestAsync:
    @pytest.fixture
    def run(
        self, new_database: NewDatabase
    ) -> Callable[[Callable[[AsyncSession], Awaitable[None]]], None]:
        """Runs async work on a session of a fresh database."""
        database = new_database("async", engines.tables_of(Base.metadata))

        async def with_session(work: Callable[[AsyncSession], Awaitable[None]]) -> None:
            engine = async_engine(database)
            async with AsyncSession(engine) as session:
                await work(session)
            await engine.dispose()

        return lambda work: asyncio.run(with_session(work))

    def test_functions_of_both_kinds_are_called_after_either_commit(
        self, run: Callable[..., None], calls: Calls
    ) -> None:
        async def work(session: AsyncSession) -> None:
            async def write() -> None:
                session.add(Log(text="by the function"))
                await session.commit()
                await asyncio.sleep(0)
                found = (await session.exec(select(Log.text))).all()
                await session.rollback()
                calls.append(", ".join(found))

            def note() -> None:
                calls.append(f"sync {session.in_transaction()}")

            async with session.begin():
                session.add(Log(text="block"))
                on_commit(session, write)
                on_commit(session.sync_session, note)
                assert calls == []
            assert calls == ["block, by the function", "sync False"]
            async with session.begin_nested():
                on_commit(session, note)
            await session.rollback()
            on_commit(session, write)
            await session.commit()
            assert calls[2:] == ["block, by the function, by the function"]

        run(work)

    def test_a_failure_of_an_async_function_propagates(self, run: Callable[..., None]) -> None:
        async def work(session: AsyncSession) -> None:
            async def fails() -> None:
                raise RuntimeError("no mail")

            on_commit(session, fails)
            with pytest.raises(RuntimeError, match="no mail"):
                await session.commit()

        run(work)

    def test_a_sync_session_waits_for_an_async_function(
        self, session: Session, calls: Calls
    ) -> None:
        async def note() -> None:
            await asyncio.sleep(0)
            calls.append("called")

        on_commit(session, note)
        session.commit()
        assert calls == ["called"]


class TestTrace:
    def test_what_it_sends_is_caused_by_the_receiver_that_registered_it(
        self, session: Session, connect: Connect
    ) -> None:
        mailed = Signal(providing_args=["to"])

        def register(instance: User, session: Session, **kwargs: Any) -> None:
            on_commit(session, lambda: mailed.send(None, to=instance.username))

        connect(post_save, register, User)
        recorder = Recorder()
        with record(recorder):
            on_commit(session, lambda: mailed.send(None, to="nobody"))
            session.add(User(username="ann"))
            session.commit()
        causes = {
            str(dispatch.arguments["to"]): dispatch.parent
            for dispatch in recorder.trace.dispatches
            if dispatch.arguments.keys() == {"to"}
        }
        assert list(causes) == ["nobody", "ann"]
        assert causes["nobody"] is None
        parent = causes["ann"]
        assert parent is not None
        assert parent.receiver.endswith("register")
        assert parent.dispatch.signal == "post_save"


class TestRollback:
    @pytest.fixture
    def undo(self, session: Session, calls: Calls) -> Callable[[str], None]:
        """Registers a function that notes a name."""
        return lambda name: on_rollback(session, lambda: calls.append(name))

    @pytest.mark.parametrize("end", ["close", "rollback"])
    def test_the_last_is_called_first(
        self, session: Session, undo: Callable[[str], None], calls: Calls, end: str
    ) -> None:
        undo("first")
        with session.begin_nested():
            undo("second")
        undo("third")
        getattr(session, end)()
        assert calls == ["third", "second", "first"]

    def test_a_commit_forgets_it(
        self, session: Session, undo: Callable[[str], None], calls: Calls
    ) -> None:
        undo("forgotten")
        session.commit()
        session.rollback()
        assert calls == []

    def test_it_is_called_for_the_savepoint_that_is_undone_alone(
        self, session: Session, undo: Callable[[str], None], calls: Calls
    ) -> None:
        undo("outside")
        savepoint = session.begin_nested()
        with session.begin_nested():
            undo("inside")
        savepoint.rollback()
        assert calls == ["inside"]
        session.commit()
        assert calls == ["inside"]

    def test_what_it_raises_is_logged(
        self,
        session: Session,
        undo: Callable[[str], None],
        calls: Calls,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        def fails() -> None:
            raise OSError("no such file")

        undo("called")
        on_rollback(session, fails)
        session.rollback()
        assert calls == ["called"]
        assert "no such file" in caplog.text

    def test_after_a_commit_that_was_interrupted_nothing_is_called(
        self, session: Session, engine: Engine, undo: Callable[[str], None], calls: Calls
    ) -> None:
        def interrupt(connection: Any) -> None:
            raise KeyboardInterrupt

        event.listen(engine, "commit", interrupt)
        session.add(Log(text="x"))
        undo("in doubt")
        on_commit(session, lambda: calls.append("in doubt, too"))
        with pytest.raises(KeyboardInterrupt):
            session.commit()
        session.close()
        event.remove(engine, "commit", interrupt)
        assert calls == []

    @pytest.mark.sqlite("only there can a key of any table be checked by the commit alone")
    def test_after_a_commit_that_the_database_refuses_it_is_called(
        self, session: Session, undo: Callable[[str], None], calls: Calls
    ) -> None:
        session.connection().exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        session.connection().exec_driver_sql(
            "INSERT INTO dbtest_profile (user_id, first_name) VALUES (99, '')"
        )
        undo("called")
        with pytest.raises(IntegrityError):
            session.commit()
        session.close()
        assert calls == ["called"]
