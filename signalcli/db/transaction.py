"""Acting on the end of a session's transaction, as ``django.db.transaction`` has it."""

import logging
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from inspect import iscoroutine
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import event
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Session, SessionTransaction

from signalcli.db.compat.transactions import Transaction
from signalcli.dispatch import tasks, watching
from signalcli.dispatch.signatures import describe

if TYPE_CHECKING:
    import sqlmodel
    from sqlmodel.ext.asyncio.session import AsyncSession

logger = logging.getLogger("signalcli.db")


@dataclass(slots=True)
class Hook:
    """A function that waits for the end of a transaction.

    Attributes:
        function: called without arguments; a coroutine that it returns is awaited.
        transaction: the transaction or savepoint whose fate it shares; None if it waits for none.
        is_for_commit: whether it is called after the outermost commit; if not, it is called when
            its transaction or savepoint is rolled back.
        robust: whether its exception is logged, rather than raised.
        cause: the response that registered it, where dispatches are watched.
    """

    function: Callable[[], Any]
    transaction: SessionTransaction | None
    is_for_commit: bool
    robust: bool
    cause: watching.Cause

    def call(self) -> None:
        """Call the function; a trace shows it under the response that registered it."""
        try:
            with watching.caused_by(self.cause) if self.cause else nullcontext():
                self._call()
        except Exception as error:
            if not self.robust:
                raise
            _log_failure(self.function, error)

    def _call(self) -> None:
        try:
            value = self.function()
            if iscoroutine(value):
                tasks.wait_for(value)
        except BaseException as error:
            if not (self.robust and isinstance(error, Exception)):
                watching.tell_of_failure(self.cause, self.function, error)
            raise


def _log_failure(function: Callable[[], Any], error: Exception) -> None:
    logger.error(
        "The function %s failed after its transaction: %s",
        describe(function),
        error,
        exc_info=error,
    )


class Hooks:
    """The functions that wait for the end of one session's transaction, in order.

    SQLAlchemy tells of a commit in the middle of it, when the session cannot be used. So functions
    become due then, and are called when every holder (see :meth:`hold`) has let go.

    Attributes:
        on_failure: called with a function that is not robust and its exception; then the other
            functions are called, too. If None, the exception propagates.
    """

    def __init__(self) -> None:
        self.on_failure: Callable[[Callable[[], Any], Exception], object] | None = None
        self._waiting: list[Hook] = []
        self._due: list[Hook] = []
        self._holders = 0
        self._callers = 0

    @property
    def are_running(self) -> bool:
        """Whether functions of a transaction that was committed are being called."""
        return self._callers > 0

    def add(self, hook: Hook) -> None:
        """Have a function wait."""
        self._waiting.append(hook)

    def release(self, savepoint: SessionTransaction, outer: SessionTransaction | None) -> None:
        """Let the functions of a released savepoint wait for the transaction around it."""
        for hook in self._waiting:
            if hook.transaction is savepoint:
                hook.transaction = outer

    def commit(self) -> None:
        """Make all functions due: the outermost transaction was committed."""
        self._due = [hook for hook in self._waiting if hook.is_for_commit]
        self._waiting = []

    def end(self, transaction: SessionTransaction) -> None:
        """Drop the functions of a transaction or savepoint that is over.

        If it was committed or released, none are left. So it was rolled back, and the functions
        that wait for that are called.
        """
        if not self._waiting:
            return
        undone = [hook for hook in self._waiting if hook.transaction is transaction]
        self._waiting = [hook for hook in self._waiting if hook.transaction is not transaction]
        for hook in reversed(undone):
            if not hook.is_for_commit:
                hook.call()

    def forget_due(self) -> None:
        """Forget the functions that are due."""
        self._due = []

    def forget_waiting(self) -> None:
        """Forget the functions that wait, however their transactions end."""
        self._waiting = []

    def hold(self) -> None:
        """Call nothing until :meth:`let_go`."""
        self._holders += 1

    def let_go(self) -> None:
        """The counterpart of :meth:`hold`."""
        self._holders -= 1

    def run(self) -> None:
        """Call the functions that are due, unless somebody holds them.

        The functions after a failed one are not called, unless that is robust or ``on_failure``
        is set.
        """
        if self._holders or not self._due:
            return
        due, self._due = self._due, []
        self._callers += 1
        try:
            for hook in due:
                try:
                    hook.call()
                except Exception as error:
                    if self.on_failure is None:
                        raise
                    self.on_failure(hook.function, error)
        finally:
            self._callers -= 1


def on_commit(
    session: "sqlmodel.Session | AsyncSession", function: Callable[[], Any], robust: bool = False
) -> None:
    """Call a function after the session's transaction is committed, and never if it is not.

    Use it for actions that cannot be undone, such as sending a mail, removing a file or queueing
    a job. A receiver registers the function, and it is called when the rows that the receiver saw
    are in the database for good.

    As with ``django.db.transaction.on_commit``, functions are called after the outermost commit,
    in the order in which they were registered. A function that is registered in a savepoint
    (``session.begin_nested()``) waits for the outermost commit, too. It is dropped if that
    savepoint, or one around it, is rolled back. Closing the session without a commit drops all.

    When the function is called, ``commit()`` (or ``with session.begin()``) is over. The function
    may use the session, which begins a new transaction, and has to commit its own changes. The
    commit has expired the instances, so reading one begins a transaction, too: read the values
    that the function needs before. A function that it registers itself waits for the transaction
    that it has begun; if it has begun none, that function is called at once, as in Django.
    Registering in a session without a transaction begins one, as any use of a session does.

    If the session has joined the transaction of a ``Connection`` (see SQLAlchemy's
    ``join_transaction_mode``), the function is called when the session commits, even if the
    connection is rolled back later. In a commit in two phases, it is called after the second.

    A trace shows the signals that the function sends under the receiver that registered it, and
    the exception that it raises as a failure of that receiver after the commit.

    Arguments:
        session: a session of this package, sync or async, such as a receiver's ``session``.
        function: called without arguments. An async function is awaited, as an async receiver is.
        robust: whether its exception is logged with its traceback, and the next functions are
            called. Otherwise the exception propagates out of the commit, and the next functions
            are not called. The commit stands in any case.

    Raises:
        TypeError: the function is not callable, or the session is not of this package.
        sqlalchemy.exc.InvalidRequestError: the session has no transaction and does not begin one
            by itself (``autobegin=False``).
    """
    _register(session, function, is_for_commit=True, robust=robust)


def on_rollback(session: "sqlmodel.Session | AsyncSession", function: Callable[[], Any]) -> None:
    """Call a function if the session's transaction, or the current savepoint, is rolled back.

    This is the counterpart of :func:`on_commit`, for actions that have to be done before the
    commit, such as storing a file. The function is called where :func:`on_commit` would drop it,
    and forgotten after the outermost commit. The function that was registered last is called
    first. Its exception is logged.

    It is called in the middle of SQLAlchemy's rollback, so it cannot use the session. It is not
    called if a commit is interrupted (by Ctrl-C, for example): then nobody knows whether the
    database has carried the commit out.

    Arguments:
        session: a session of this package, sync or async, such as a receiver's ``session``.
        function: called without arguments.

    Raises:
        TypeError: as :func:`on_commit`.
        sqlalchemy.exc.InvalidRequestError: as :func:`on_commit`.
    """
    _register(session, function, is_for_commit=False, robust=True)


def _register(session: Any, function: Callable[[], Any], is_for_commit: bool, robust: bool) -> None:
    if not callable(function):
        raise TypeError(f"what is registered is a function to call, not {function!r}")
    session = getattr(session, "sync_session", session)
    hooks = getattr(session, "hooks", None)
    if not isinstance(hooks, Hooks):
        raise TypeError(f"functions are registered with a signalcli.db.Session, not {session!r}")
    cause = watching.cause() if watching.observers else ()
    transaction = session.get_nested_transaction() or session.get_transaction()
    if transaction is None and hooks.are_running and is_for_commit:
        Hook(function, None, is_for_commit, robust, cause).call()
        return
    if transaction is None and not session.autobegin:
        raise InvalidRequestError(
            "The session has no transaction, and begins none of its own accord: begin one first"
        )
    hooks.add(Hook(function, transaction or session.begin(), is_for_commit, robust, cause))


class _Transaction(Transaction):
    """A session's transaction or savepoint, after whose commit functions are called.

    SQLAlchemy has no event for that: its last one comes before the session can be used again.
    """

    hooks: Hooks

    def carry_out(self, to_root: bool) -> None:
        self.hooks.hold()
        try:
            super().carry_out(to_root)
        except BaseException as error:
            self.hooks.forget_due()
            if self.parent is None and not isinstance(error, Exception):
                # Interrupted: the database may have carried the commit out or not.
                self.hooks.forget_waiting()
            raise
        finally:
            self.hooks.let_go()
        self.hooks.run()

    def __enter__(self) -> "_Transaction":
        super().__enter__()
        self.hooks.hold()
        return self

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        try:
            super().__exit__(kind, error, traceback)
        finally:
            self.hooks.let_go()
        self.hooks.run()


def call_hooks_of(sessions: type[Session]) -> None:
    """Have the hooks of a class of sessions called, each of which has its :class:`Hooks`."""
    event.listen(sessions, "after_transaction_create", _on_begin)
    event.listen(sessions, "after_commit", _on_commit)
    event.listen(sessions, "after_transaction_end", _on_end)


def _on_begin(session: Any, transaction: SessionTransaction) -> None:
    if transaction.parent is None or transaction.nested:
        own = cast("_Transaction", transaction)
        # SQLAlchemy takes no factory for its transactions, so they get another class afterwards.
        own.__class__ = _Transaction
        own.hooks = session.hooks


def _on_commit(session: Any) -> None:
    savepoint = session.get_nested_transaction()
    if savepoint is None:
        session.hooks.commit()
    else:
        session.hooks.release(savepoint, _around(savepoint))


def _on_end(session: Any, transaction: SessionTransaction) -> None:
    session.hooks.end(transaction)


def _around(savepoint: SessionTransaction) -> SessionTransaction | None:
    """The savepoint or transaction that a savepoint stands in."""
    outer = savepoint.parent
    while outer is not None and outer.parent is not None and not outer.nested:
        outer = outer.parent
    return outer
