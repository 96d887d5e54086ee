"""Taking turns: async receivers that share a session run at the same time, but use it in turn.

A session does one thing at a time, and what is added or changed while it writes is lost to it.
Several async receivers of one signal are awaited together, as in Django, and each may use the
session that is saving. So while the call of one waits for the database, the others do not go on;
while it waits for anything else, they do. A savepoint is its receiver's own until it has ended.
"""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar, cast

from sqlalchemy import event
from sqlalchemy.orm import SessionTransaction
from sqlalchemy.util.concurrency import await_only, in_greenlet

from signalcli.db.session import Session
from signalcli.dispatch.tasks import gate, under_way

M = TypeVar("M", bound=Callable[..., Any])

# The place of a receiver, after those of the receivers that it was set off by.
Path = tuple[object, ...]


class Turns:
    """Who may use a session now.

    A receiver is known by its place among those that run at the same time, which is a path: what
    a receiver sets off has a longer one that begins with its own.
    """

    def __init__(self) -> None:
        self._users: list[Path] = []
        self._waiting: list[Any] = []

    @contextmanager
    def take(self) -> Iterator[None]:
        """Within it, it is the turn of the receiver that runs here, and of what it sets off."""
        path = self.begin()
        token = gate.set(self)
        try:
            yield
        finally:
            gate.reset(token)
            self.end(path)

    def begin(self) -> Path:
        """Wait for the turn of the receiver that runs here; returns its path, for :meth:`end`."""
        path: Path = under_way.get()
        while (turn := self.turn_of(path)) is not None:
            await_only(turn)
        self._users.append(path)
        return path

    def turn_of(self, way: Path) -> Any:
        """A future to wait for, where somebody uses the session who is not of the same way."""
        user = self._users[-1] if self._users else way
        if way[: len(user)] == user or user[: len(way)] == way:
            return None
        from asyncio import get_running_loop

        turn = get_running_loop().create_future()
        self._waiting.append(turn)
        return turn

    def end(self, path: Path) -> None:
        """A turn is over."""
        for number in reversed(range(len(self._users))):
            if self._users[number] == path:
                del self._users[number]
                break
        waiting, self._waiting = self._waiting, []
        for turn in waiting:
            if not turn.done():
                turn.set_result(None)


def _in_turn(method: M) -> M:
    """Have a session's method wait for the turn of who calls it."""

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
        """Whether the database can be waited for: not where ``add`` is called without ``await``."""
        return in_greenlet()

    if not TYPE_CHECKING:
        # Their types are those of the methods that they stand for, overloads and all.
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
    """Keep the others out while a receiver's savepoint is open, and its receiver runs."""
    path = under_way.get()
    if transaction.nested and path:
        from asyncio import current_task

        session.held[transaction] = session.turns.begin()
        task = current_task()
        if task is not None:
            # Whoever leaves a savepoint open is not to keep the others out for ever.
            task.add_done_callback(lambda _: _release(session, transaction))


@event.listens_for(SharedSession, "after_transaction_end")
def _release(session: SharedSession, transaction: SessionTransaction) -> None:
    path = session.held.pop(transaction, None)
    if path is not None:
        session.turns.end(path)
