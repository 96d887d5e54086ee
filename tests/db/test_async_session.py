"""AsyncSession sends the same signals, and awaits async receivers on the running loop."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import sqlmodel.ext.asyncio.session
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import async_session
from sqlmodel import select

from signalcli.db import (
    AsyncSession,
    Session,
    post_delete,
    post_save,
    pre_delete,
    pre_save,
)
from signalcli.dispatch import Signal
from signalcli.testing import Dispatches
from tests.db.async_work import Work, stored
from tests.db.shop_models import (
    CREATED_USER,
    WRITING_SIGNALS,
    Connect,
    Log,
    Profile,
    Seen,
    User,
)

announced = Signal(providing_args=["text"])


def test_an_async_session_is_a_sqlmodel_async_session(run: Callable[[Work], Any]) -> None:
    async def work(session: AsyncSession) -> None:
        assert isinstance(session, sqlmodel.ext.asyncio.session.AsyncSession)
        assert isinstance(session.sync_session, Session)

    run(work)


def test_the_same_operations_send_the_same_as_in_a_sync_session(
    run: Callable[[Work], Any], engine: Engine, connect: Connect, seen: Seen
) -> None:
    def create_profile(instance: User, created: bool, session: Session, **kwargs: Any) -> None:
        if created:
            session.add(Profile(user_id=instance.id, first_name="x"))
            session.flush()

    connect(post_save, create_profile, User)

    async def work(session: AsyncSession) -> list[str]:
        user = User(username="ann")
        session.add(user)
        await session.commit()
        await session.refresh(user)
        user.email = "new@mail.com"
        await session.flush()
        assert (await session.exec(select(User.email))).all() == ["new@mail.com"]
        session.add(Log(text="x"))
        async with session.begin_nested():
            session.add(Log(text="y"))
        await session.delete(user)
        await session.commit()
        return seen.take()

    by_async = run(work)
    with Session(engine) as session:
        user = User(username="ann")
        session.add(user)
        session.commit()
        session.refresh(user)
        user.email = "new@mail.com"
        session.flush()
        session.add(Log(text="x"))
        with session.begin_nested():
            session.add(Log(text="y"))
        session.delete(user)
        session.commit()
    assert by_async == seen.take()
    assert by_async[:2] == CREATED_USER
    assert len(by_async) == 14


def test_the_session_of_a_signal_is_the_sync_session(
    run: Callable[[Work], Any], seen: Seen
) -> None:
    async def work(session: AsyncSession) -> None:
        session.add(User(username="ann"))
        await session.commit()
        assert all(sent.named["session"] is session.sync_session for sent in seen.sent)
        assert async_session(seen.sent[0].named["session"]) is session
        assert seen.sent[0].named["using"] == session.bind.url.render_as_string()

    run(work)


@pytest.mark.parametrize("signal", WRITING_SIGNALS, ids=lambda signal: signal.name)
def test_async_receivers_are_awaited_on_the_running_loop(
    run: Callable[[Work], Any], connect: Connect, signal: Any
) -> None:
    loops: list[asyncio.AbstractEventLoop] = []

    async def note(**kwargs: Any) -> None:
        await asyncio.sleep(0)
        loops.append(asyncio.get_running_loop())

    async def work(session: AsyncSession) -> None:
        user = User(username="ann")
        session.add(user)
        await session.commit()
        await session.delete(user)
        connect(signal, note, User)
        session.add(User(username="ben"))
        await session.commit()
        assert loops == [asyncio.get_running_loop()]

    run(work)


def test_sync_receivers_come_before_async_ones(
    run: Callable[[Work], Any], connect: Connect, dispatches: Dispatches
) -> None:
    async def by_await(**kwargs: Any) -> None:
        """Does nothing."""

    def by_call(**kwargs: Any) -> None:
        """Does nothing."""

    connect(post_save, by_await, User)
    connect(post_save, by_call, User)

    async def work(session: AsyncSession) -> None:
        session.add(User(username="ann"))
        await session.commit()

    run(work)
    (saved,) = dispatches.of(post_save, sender=User)
    assert [response.receiver for response in saved.responses] == [by_call, by_await]


def test_async_receivers_of_one_signal_run_at_the_same_time(
    run: Callable[[Work], Any], connect: Connect
) -> None:
    async def work(session: AsyncSession) -> None:
        met = asyncio.Barrier(2)

        async def one(**kwargs: Any) -> None:
            await met.wait()

        async def other(**kwargs: Any) -> None:
            await met.wait()

        connect(post_save, one, User)
        connect(post_save, other, User)
        session.add(User(username="ann"))
        # Each waits for the other: one after the other, they would wait for ever.
        await asyncio.wait_for(session.commit(), timeout=10)

    run(work)


def test_a_custom_signal_that_a_sync_receiver_sends_reaches_async_receivers_on_the_loop(
    run: Callable[[Work], Any], connect: Connect
) -> None:
    loops: list[asyncio.AbstractEventLoop] = []

    async def note(text: str, **kwargs: Any) -> str:
        await asyncio.sleep(0)
        loops.append(asyncio.get_running_loop())
        return text

    def announce(instance: User, **kwargs: Any) -> None:
        assert announced.send(User, text=instance.username) == [(note, "ann")]

    connect(post_save, announce, User)

    async def work(session: AsyncSession) -> None:
        session.add(User(username="ann"))
        with announced.connected_to(note):
            await session.commit()
        assert loops == [asyncio.get_running_loop()]

    run(work)


def test_an_async_receiver_may_use_its_async_session(
    run: Callable[[Work], Any], connect: Connect, seen: Seen
) -> None:
    async def create_profile(instance: User, session: Session, **kwargs: Any) -> None:
        own = async_session(session)
        assert isinstance(own, AsyncSession)
        own.add(Profile(user_id=instance.id, first_name="x"))
        await own.flush()
        assert (await own.exec(select(Profile.first_name))).all() == ["x"]

    connect(post_save, create_profile, User)

    async def work(session: AsyncSession) -> None:
        session.add(User(username="ann"))
        await session.commit()
        assert await stored(session, Profile.first_name) == ["x"]

    run(work)
    assert seen.take() == [*CREATED_USER, "pre_save Profile", "post_save Profile created"]


def test_an_async_receiver_may_leave_the_flush_to_the_session(
    run: Callable[[Work], Any], connect: Connect
) -> None:
    async def create_profile(instance: User, session: Session, **kwargs: Any) -> None:
        session.add(Profile(user_id=instance.id, first_name="x"))

    connect(post_save, create_profile, User)

    async def work(session: AsyncSession) -> None:
        session.add(User(username="ann"))
        await session.commit()
        assert await stored(session, Profile.first_name) == ["x"]

    run(work)


def test_an_async_pre_save_receiver_may_change_the_instance(
    run: Callable[[Work], Any], connect: Connect
) -> None:
    async def tidy(instance: User, **kwargs: Any) -> None:
        await asyncio.sleep(0)
        instance.username = instance.username.lower()

    connect(pre_save, tidy, User)

    async def work(session: AsyncSession) -> None:
        session.add(User(username="ANN"))
        await session.commit()
        assert await stored(session, User.username) == ["ann"]

    run(work)


@pytest.mark.parametrize("signal", WRITING_SIGNALS, ids=lambda signal: signal.name)
@pytest.mark.parametrize("write", ["flush", "commit", "query", "begin"])
def test_a_failing_async_receiver_rolls_back(
    run: Callable[[Work], Any], connect: Connect, signal: Any, write: str
) -> None:
    async def refuse(**kwargs: Any) -> None:
        await asyncio.sleep(0)
        raise LookupError("no")

    async def change(session: AsyncSession) -> None:
        gone = (await session.exec(select(User).where(User.username == "gone"))).one()
        await session.delete(gone)
        session.add(User(username="new"))

    async def change_and_write(session: AsyncSession) -> None:
        if write == "begin":
            async with session.begin():
                await change(session)
            return
        await change(session)
        if write == "flush":
            await session.flush()
        elif write == "commit":
            await session.commit()
        else:
            await session.exec(select(Log))

    async def work(session: AsyncSession) -> None:
        session.add(User(username="gone"))
        await session.commit()
        connect(signal, refuse, User)
        with pytest.raises(LookupError):
            await change_and_write(session)
        await session.rollback()
        signal.disconnect(refuse, User)
        assert await stored(session, User.username) == ["gone"]
        await change(session)
        await session.commit()
        assert await stored(session, User.username) == ["new"]

    run(work)


def test_a_failing_async_receiver_in_a_savepoint_rolls_back_that_alone(
    run: Callable[[Work], Any], connect: Connect
) -> None:
    async def refuse(**kwargs: Any) -> None:
        raise LookupError("no")

    connect(post_save, refuse, User)

    async def work(session: AsyncSession) -> None:
        session.add(Log(text="before"))
        with pytest.raises(LookupError):
            async with session.begin_nested():
                session.add(User(username="ann"))
        session.add(Log(text="after"))
        await session.commit()
        assert await stored(session, Log.text) == ["after", "before"]
        assert await stored(session, User.username) == []

    run(work)


def test_an_async_receiver_may_try_something_in_a_savepoint(
    run: Callable[[Work], Any], connect: Connect
) -> None:
    async def try_out(session: Session, **kwargs: Any) -> None:
        own = async_session(session)
        assert own is not None
        with pytest.raises(IntegrityError):  # noqa: PT012
            async with own.begin_nested():
                own.add(User(username="taken"))
                await own.flush()

    async def work(session: AsyncSession) -> None:
        session.add(User(username="taken"))
        await session.commit()
        connect(post_save, try_out, Log)
        session.add(Log(text="x"))
        await session.commit()
        assert await stored(session, Log.text) == ["x"]
        assert await stored(session, User.username) == ["taken"]

    run(work)


def test_a_cancelled_task_leaves_nothing_half_written(
    run: Callable[[Work], Any], connect: Connect
) -> None:
    async def work(session: AsyncSession) -> None:
        reached = asyncio.Event()

        async def wait_for_ever(**kwargs: Any) -> None:
            reached.set()
            await asyncio.Event().wait()

        connect(post_save, wait_for_ever, User)
        session.add(User(username="ann"))
        task = asyncio.create_task(session.commit())
        await asyncio.wait_for(reached.wait(), timeout=10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        post_save.disconnect(wait_for_ever, User)
        await session.commit()
        assert await stored(session, User.username) == []

    run(work)


def test_update_and_delete_are_sent_to_async_receivers(
    run: Callable[[Work], Any], connect: Connect, dispatches: Dispatches
) -> None:
    async def note(**kwargs: Any) -> None:
        """Does nothing."""

    for signal in WRITING_SIGNALS:
        connect(signal, note)

    async def work(session: AsyncSession) -> None:
        user = User(username="ann")
        session.add(user)
        await session.commit()
        user.age = 4
        await session.commit()
        await session.delete(user)
        await session.commit()

    run(work)
    dispatches.assert_sequence(
        (pre_save, User),
        (post_save, User, {"created": True}),
        (pre_save, User),
        (post_save, User, {"created": False}),
        (pre_delete, User),
        (post_delete, User),
    )
    for signal in WRITING_SIGNALS:
        assert dispatches.assert_received(signal, by=note) == dispatches.of(signal)


def test_async_receivers_are_awaited_by_a_sync_session_without_a_loop(
    session: Session, connect: Connect
) -> None:
    called: list[str] = []

    async def note(instance: User, **kwargs: Any) -> None:
        await asyncio.sleep(0)
        called.append(instance.username)

    connect(post_save, note, User)
    session.add(User(username="ann"))
    session.commit()
    assert called == ["ann"]


def test_a_sync_session_on_a_threads_own_loop_refuses_async_receivers_and_rolls_back(
    connect: Connect, engine: Engine
) -> None:
    async def note(**kwargs: Any) -> None:
        """Never awaited: it would block the loop that it needs."""

    connect(post_save, note, User)

    async def work() -> None:
        with Session(engine) as session:
            session.add(User(username="ann"))
            with pytest.raises(RuntimeError):
                session.commit()
            post_save.disconnect(note, User)
            session.commit()
            assert session.exec(select(User)).all() == []

    asyncio.run(work())
    engine.dispose()
