"""What a session has been asked to do once its transaction is over."""

import logging
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from inspect import iscoroutine
from typing import Any

from sqlalchemy.orm import SessionTransaction

from signalcli.dispatch import tasks, watching
from signalcli.dispatch.signatures import describe

logger = logging.getLogger("signalcli.db")


@dataclass(slots=True)
class Hook:
    """A function that waits for the end of a transaction.

    Attributes:
        function: takes nothing; where it returns a coroutine, that is awaited.
        transaction: the transaction or savepoint whose fate it shares; None where it waits for
            none.
        is_for_commit: whether it is called after the outermost commit, rather than once what it
            was registered in is undone.
        robust: whether what it raises is logged instead of propagated.
        cause: what was running when it was registered, where dispatches are watched.
    """

    function: Callable[[], Any]
    transaction: SessionTransaction | None
    is_for_commit: bool
    robust: bool
    cause: watching.Cause

    def call(self) -> None:
        """Call the function, as caused by what registered it."""
        try:
            with watching.caused_by(self.cause) if self.cause else nullcontext():
                value = self.function()
                if iscoroutine(value):
                    tasks.wait_for(value)
        except Exception as error:
            if not self.robust:
                raise
            _log_failure(self.function, error)


def _log_failure(function: Callable[[], Any], error: Exception) -> None:
    logger.error(
        "The function %s failed after its transaction: %s",
        describe(function),
        error,
        exc_info=error,
    )


class Hooks:
    """The functions that wait for the end of one session's transaction, in order.

    Functions are not called in the middle of SQLAlchemy's own commit, where the session cannot be
    used, but when whoever holds them (see :meth:`hold`) is done.

    Attributes:
        on_failure: called with a function that is not robust, and what it raised; the others are
            called then. Where None, it propagates.
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
        """A savepoint was released: its functions share the fate of what it stood in."""
        for hook in self._waiting:
            if hook.transaction is savepoint:
                hook.transaction = outer

    def commit(self) -> None:
        """The outermost transaction was committed: its functions are due."""
        self._due = [hook for hook in self._waiting if hook.is_for_commit]
        self._waiting = []

    def end(self, transaction: SessionTransaction) -> None:
        """A transaction or savepoint is over: what waited for it still does so in vain."""
        if not self._waiting:
            return
        undone = [hook for hook in self._waiting if hook.transaction is transaction]
        self._waiting = [hook for hook in self._waiting if hook.transaction is not transaction]
        for hook in reversed(undone):
            if not hook.is_for_commit:
                hook.call()

    def forget_due(self) -> None:
        """Do not call what is due."""
        self._due = []

    def forget_waiting(self) -> None:
        """Call nothing of what waits, however its transaction ends."""
        self._waiting = []

    def hold(self) -> None:
        """Call nothing until :meth:`let_go`."""
        self._holders += 1

    def let_go(self) -> None:
        """The counterpart of :meth:`hold`."""
        self._holders -= 1

    def run(self) -> None:
        """Call the functions that are due, unless somebody holds them.

        The first that fails ends it, and those after it are not called, unless it is robust or
        somebody takes care of failures.
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
