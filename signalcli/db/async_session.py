"""The session for async code, whose receivers run at the same time and take turns in using it.

Several async receivers of one signal are awaited together, as in Django, and each may use the
session that is saving. A session does one thing at a time, though, and loses changes that are
made while it writes. So while the call of one receiver waits for the database, the others do not
go on; while it waits for anything else, they do. A savepoint belongs to its receiver until it has
ended.
"""

import functools
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar, cast

import sqlmodel.ext.asyncio.session
from sqlalchemy import event
from sqlalchemy.orm import SessionTransaction
from sqlalchemy.util.concurrency import await_only, greenlet_spawn, in_greenlet

from signalcli.db.bulk import BATCH_SIZE, Bulk
from signalcli.db.session import Session
from signalcli.dispatch import tasks
from signalcli.dispatch.tasks import gate, under_way

M = TypeVar("M", bound=Callable[..., Any])

# The places of a receiver and, before it, of the receivers that set it off, outermost first.
Path = tuple[object, ...]


class Turns:
    """The receivers that use a session now, and those that wait for it.

    A receiver is known by its path: its place among the receivers that run at the same time. A
    receiver that it sets off has a longer path, which begins with its own. The two never wait for
    each other: the outer one cannot go on before the inner one has ended.
    """

    def __init__(self) -> None:
        self._users: list[Path] = []
        self._waiting: list[Any] = []

    @contextmanager
    def take(self) -> Iterator[None]:
        """Make the block the turn of the running receiver, and of the receivers it sets off.

        The dispatcher asks the gate before each of those goes on.
        """
        path = self.begin()
        token = gate.set(self)
        try:
            yield
        finally:
            gate.reset(token)
            self.end(path)

    def begin(self) -> Path:
        """Wait for the turn of the running receiver; return its path, for :meth:`end`."""
        path: Path = under_way.get()
        while (turn := self.turn_of(path)) is not None:
            await_only(turn)
        self._users.append(path)
        return path

    def turn_of(self, way: Path) -> Any:
        """A future to wait for; None if nobody on another path uses the session.

        Arguments:
            way: the path of the receiver that wants to go on.
        """
        user = self._users[-1] if self._users else way
        if way[: len(user)] == user or user[: len(way)] == way:
            return None
        from asyncio import get_running_loop

        turn = get_running_loop().create_future()
        self._waiting.append(turn)
        return turn

    def end(self, path: Path) -> None:
        """End a turn, and let all receivers that wait ask again."""
        for number in reversed(range(len(self._users))):
            if self._users[number] == path:
                del self._users[number]
                break
        waiting, self._waiting = self._waiting, []
        for turn in waiting:
            if not turn.done():
                turn.set_result(None)


def _in_turn(method: M) -> M:
    """Make a session's method wait for the turn of the receiver that calls it."""

    @functools.wraps(method)
    def take_turn(self: "SharedSession", *args: Any, **kwargs: Any) -> Any:
        with self.turns.take():
            return method(self, *args, **kwargs)

    return cast("M", take_turn)


class SharedSession(Session):
    """The session within an ``AsyncSession``: async receivers take turns in using it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.turns = Turns()
        self.held: dict[SessionTransaction, Path] = {}
        super().__init__(*args, **kwargs)

    def can_write(self) -> bool:
        """Whether ``add`` can write: not if it is called without ``await``, as it usually is."""
        return in_greenlet()

    if not TYPE_CHECKING:
        # For the type checker they are the inherited methods, with their overloads.
        begin = _in_turn(Session.begin)
        close = _in_turn(Session.close)
        commit = _in_turn(Session.commit)
        connection = _in_turn(Session.connection)
        exec = _in_turn(Session.exec)
        execute = _in_turn(Session.execute)
        flush = _in_turn(Session.flush)
        get = _in_turn(Session.get)
        merge = _in_turn(Session.merge)
        prepare = _in_turn(Session.prepare)
        refresh = _in_turn(Session.refresh)
        rollback = _in_turn(Session.rollback)
        scalar = _in_turn(Session.scalar)
        scalars = _in_turn(Session.scalars)


@event.listens_for(SharedSession, "after_transaction_create")
def _hold(session: SharedSession, transaction: SessionTransaction) -> None:
    """Keep the other receivers out while a receiver's savepoint is open and it runs."""
    path = under_way.get()
    if transaction.nested and path:
        from asyncio import current_task

        session.held[transaction] = session.turns.begin()
        task = current_task()
        if task is not None:
            # A receiver that ends and leaves its savepoint open lets the others in.
            task.add_done_callback(lambda _: _release(session, transaction))


@event.listens_for(SharedSession, "after_transaction_end")
def _release(session: SharedSession, transaction: SessionTransaction) -> None:
    path = session.held.pop(transaction, None)
    if path is not None:
        session.turns.end(path)


class AsyncSession(sqlmodel.ext.asyncio.session.AsyncSession):
    """A drop-in ``sqlmodel.ext.asyncio.session.AsyncSession`` over :class:`signalcli.db.Session`.

    The signals are the same. Receivers get the sync session as ``session``. Sync receivers run
    inside of the session's own call. Async receivers are awaited on the running loop, and get
    their async session from ``sqlalchemy.ext.asyncio.async_session(session)``. Async receivers of
    one signal run at the same time and take turns in using the session: each call waits for the
    others' calls, and a savepoint keeps the others out until it has ended.

    Takes the arguments of ``sqlmodel.ext.asyncio.session.AsyncSession``.
    """

    sync_session_class = SharedSession

    @asynccontextmanager
    async def bulk(
        self, batch_size: int = BATCH_SIZE, *, commit: bool = False
    ) -> AsyncIterator["AsyncBulk"]:
        """Write many rows in batches, as :meth:`signalcli.db.Session.bulk` does.

        ``add`` cannot wait for the database. So the pending rows are written at the end of the
        block, and wherever ``write_if_full`` is awaited::

            async with session.bulk() as batch:
                for row in rows:
                    session.add(User(**row))
                    await batch.write_if_full()

        Arguments:
            batch_size: the number of instances that are written together.
            commit: whether to commit after each batch and at the end.

        Yields:
            The batch.

        Raises:
            ValueError: the batch size is less than 1.
            Exception: as :meth:`signalcli.db.Session.flush`, wherever a batch is written.
        """
        session = cast("SharedSession", self.sync_session)
        block = session.bulk(batch_size, commit=commit)
        batch = await greenlet_spawn(block.__enter__)
        try:
            yield AsyncBulk(batch)
        except BaseException:
            await greenlet_spawn(block.__exit__, *sys.exc_info())
            raise
        await greenlet_spawn(block.__exit__, None, None, None)


class AsyncBulk:
    """The batch of an :meth:`AsyncSession.bulk` block.

    Arguments:
        batch: the batch of the sync session.
    """

    def __init__(self, batch: Bulk) -> None:
        self._batch = batch

    async def write_if_full(self) -> None:
        """Write the pending rows if the batch is full.

        Raises:
            Exception: as :meth:`signalcli.db.Session.flush`.
        """
        if self._batch.is_full:
            await greenlet_spawn(self._batch.write)


class _SessionBridge:
    """Lets sync code that runs inside of an async session wait for a coroutine."""

    def reaches_a_loop(self) -> bool:
        return in_greenlet()

    def wait_for(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return await_only(coroutine)


tasks.add_bridge(_SessionBridge())
