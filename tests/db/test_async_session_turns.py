"""Async receivers that share a session run at the same time, and use it one at a time."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import async_session
from sqlmodel import func, select

from signalcli.db import AsyncSession, Session, post_delete, post_save, pre_save
from tests.db.async_work import Work, stored
from tests.db.shop_models import Comment, Connect, Log, Post, Profile, User

Run = Callable[[Work], Any]


def shared(session: Session) -> AsyncSession:
    """The async session of a receiver's session."""
    found: Any = async_session(session)
    return found


async def by_flush(session: AsyncSession, text: str) -> None:
    session.add(Log(text=text))
    await session.flush()


async def by_commit(session: AsyncSession, text: str) -> None:
    session.add(Log(text=text))
    await session.commit()


async def by_savepoint(session: AsyncSession, text: str) -> None:
    async with session.begin_nested():
        session.add(Log(text=text))


async def by_query(session: AsyncSession, text: str) -> None:
    session.add(Log(text=text))
    await session.exec(select(func.count()).select_from(Log))


async def by_merge(session: AsyncSession, text: str) -> None:
    await session.merge(Log(text=text))
    await session.flush()


async def by_sync_code(session: AsyncSession, text: str) -> None:
    def write(session: Any) -> None:
        session.add(Log(text=text))
        session.flush()

    await session.run_sync(write)


WAYS = [by_flush, by_commit, by_savepoint, by_query, by_merge, by_sync_code]


@pytest.mark.parametrize("signal", [pre_save, post_save], ids=lambda signal: signal.name)
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_several_may_write(run: Run, connect: Connect, signal: Any, way: Any) -> None:
    saved: list[str] = []

    def receiver(number: int) -> Any:
        async def write(session: Session, **kwargs: Any) -> None:
            # The instance may have been expired by another's commit.
            name = saved[-1]
            for part in ("a", "b"):
                await way(shared(session), f"{name} {number}{part}")

        return write

    for number in range(3):
        connect(signal, receiver(number), User)

    async def work(session: AsyncSession) -> None:
        for name in ("ann", "ben"):
            saved.append(name)
            session.add(User(username=name))
            await session.commit()
        assert await stored(session, User.username) == ["ann", "ben"]
        assert await stored(session, Log.text) == [
            f"{name} {number}{part}"
            for name in ("ann", "ben")
            for number in range(3)
            for part in "ab"
        ]

    run(work)


def test_they_run_at_the_same_time(run: Run, connect: Connect) -> None:
    async def work(session: AsyncSession) -> None:
        met = asyncio.Barrier(3)

        def receiver(text: str) -> Any:
            async def write(session: Session, **kwargs: Any) -> None:
                await by_flush(shared(session), text)
                await met.wait()
                await by_flush(shared(session), f"{text} again")

            return write

        for text in ("one", "two", "three"):
            connect(post_save, receiver(text), User)
        session.add(User(username="ann"))
        await session.commit()
        assert len(await stored(session, Log.text)) == 6

    run(work)


def test_a_savepoint_is_one_receivers_own(run: Run, connect: Connect) -> None:
    order: list[str] = []

    async def work(session: AsyncSession) -> None:
        begun = asyncio.Event()

        async def first(session: Session, **kwargs: Any) -> None:
            async with shared(session).begin_nested() as savepoint:
                begun.set()
                session.add(Log(text="taken back"))
                await shared(session).flush()
                # Whoever else waits for the session goes on waiting.
                await asyncio.sleep(0)
                order.append("first")
                await savepoint.rollback()

        async def second(session: Session, **kwargs: Any) -> None:
            await begun.wait()
            await by_flush(shared(session), "kept")
            order.append("second")

        connect(post_save, first, User)
        connect(post_save, second, User)
        session.add(User(username="ann"))
        await session.commit()
        assert await stored(session, Log.text) == ["kept"]

    run(work)
    assert order == ["first", "second"]


def test_a_savepoint_left_open_keeps_nobody_out_for_ever(run: Run, connect: Connect) -> None:
    async def leave(session: Session, **kwargs: Any) -> None:
        await shared(session).begin_nested()

    async def write(session: Session, **kwargs: Any) -> None:
        await by_flush(shared(session), "written")

    async def work(session: AsyncSession) -> None:
        connect(post_save, leave, User)
        connect(post_save, write, User)
        session.add(User(username="ann"))
        await session.commit()
        assert await stored(session, Log.text) == ["written"]

    run(work)


def test_what_they_set_off_has_its_turn_within_theirs(run: Run, connect: Connect) -> None:
    async def profile(instance: User, session: Session, **kwargs: Any) -> None:
        session.add(Profile(user_id=instance.id))
        await shared(session).flush()

    async def post(instance: User, session: Session, **kwargs: Any) -> None:
        session.add(Post(user_id=instance.id, title="one"))
        await shared(session).flush()

    async def comment(instance: Post, session: Session, **kwargs: Any) -> None:
        session.add(Comment(post_id=instance.id, text="c"))
        await shared(session).flush()

    async def log(session: Session, **kwargs: Any) -> None:
        await by_savepoint(shared(session), "post")

    connect(post_save, profile, User)
    connect(post_save, post, User)
    connect(post_save, comment, Post)
    connect(post_save, log, Post)

    async def work(session: AsyncSession) -> None:
        session.add(User(username="ann"))
        await session.commit()
        assert await stored(session, Comment.text) == ["c"]
        assert await stored(session, Log.text) == ["post"]
        assert len(await stored(session, Profile.id)) == 1

    run(work)


def test_one_that_fails_lets_the_others_go(run: Run, connect: Connect) -> None:
    async def fail(session: Session, **kwargs: Any) -> None:
        async with shared(session).begin_nested():
            raise ZeroDivisionError

    async def write(session: Session, **kwargs: Any) -> None:
        await by_flush(shared(session), "undone")

    async def work(session: AsyncSession) -> None:
        connect(post_save, fail, User)
        connect(post_save, write, User)
        session.add(User(username="ann"))
        with pytest.raises(ZeroDivisionError):
            await session.commit()
        assert await stored(session, Log.text) == []
        post_save.disconnect(fail, User)
        session.add(User(username="ben"))
        await session.commit()
        assert await stored(session, Log.text) == ["undone"]

    run(work)


def test_deletions_too(run: Run, connect: Connect) -> None:
    def receiver(text: str) -> Any:
        async def write(session: Session, **kwargs: Any) -> None:
            await by_flush(shared(session), text)

        return write

    async def work(session: AsyncSession) -> None:
        users = [User(username=name) for name in ("ann", "ben")]
        session.add_all(users)
        await session.commit()
        for text in ("one", "two"):
            connect(post_delete, receiver(text), User)
        for user in users:
            await session.delete(user)
        await session.commit()
        assert await stored(session, Log.text) == ["one", "one", "two", "two"]

    run(work)


# Bulk work


def test_an_async_session_has_bulk_work_too(run: Run, connect: Connect) -> None:
    created: list[str] = []

    def note(instance: User, session: Session, **kwargs: Any) -> None:
        created.append(instance.username)
        session.add(Log(text=instance.username))

    connect(post_save, note, User)
    names = [f"user{number:02}" for number in range(25)]

    async def work(session: AsyncSession) -> None:
        async with session.bulk(10, commit=True) as batch:
            for number, name in enumerate(names):
                session.add(User(username=name))
                await batch.write_if_full()
                assert len(created) == (number + 1) // 10 * 10
        assert created == names
        assert await stored(session, Log.text) == names

    run(work)


def test_without_being_waited_for_it_writes_at_the_end(run: Run) -> None:
    async def work(session: AsyncSession) -> None:
        async with session.bulk(2):
            session.add_all([User(username=name) for name in ("ann", "ben", "cem")])
            assert len(session.new) == 3
        assert not session.new
        await session.commit()
        assert await stored(session, User.username) == ["ann", "ben", "cem"]

    run(work)


def test_an_exception_leaves_the_rest_of_an_async_block_unwritten(run: Run) -> None:
    async def work(session: AsyncSession) -> None:
        with pytest.raises(ZeroDivisionError):  # noqa: PT012  # the block raises within a block
            async with session.bulk():
                session.add(User(username="ann"))
                raise ZeroDivisionError
        await session.rollback()
        async with session.bulk():
            session.add(User(username="ben"))
        with pytest.raises(IntegrityError):
            async with session.bulk():
                session.add(User(username="ben"))
        await session.rollback()
        assert await stored(session, User.username) == []
        with pytest.raises(ValueError, match="at least 1"):
            async with session.bulk(0):
                pass

    run(work)
