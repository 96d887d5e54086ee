"""Coroutines that run at the same time, each as a task, and all of them in one context.

Python's own task groups do the same, but those before 3.13 leave whoever waits for them marked as
to be cancelled when one of their tasks failed.
"""

import asyncio
import types
from collections.abc import Collection, Coroutine, Generator, Iterator, Sequence
from contextlib import contextmanager
from contextvars import Context, ContextVar, Token, copy_context
from typing import Any

from signalcli.dispatch.bridging import thread_guard
from signalcli.dispatch.calling import discard, gate, kept_apart, running_task, under_way

_UNSET = object()


async def run_together(coroutines: Sequence[Coroutine[Any, Any, Any]]) -> list[Any]:
    """Run coroutines at the same time, and return what they return, in their order.

    They run in one copy of this context, each in a :class:`Place` there. What they changed there is
    changed here afterwards, also when they failed. The first that raises has the others cancelled,
    which are waited for. One that is cancelled, but not from here, returns None.

    Raises:
        BaseException: what the only one raised that did; or a KeyboardInterrupt or SystemExit
            before all else.
        BaseExceptionGroup: what several raised.
        CancelledError: this was cancelled, and none of them raised anything.
    """
    context = copy_context()
    before = context.copy()
    kept: set[ContextVar[Any]] = set()
    group = _Group(coroutines, context, kept)
    failure = None
    try:
        await group.wait()
        failure = group.failure()
        if failure is not None:
            raise failure
        return group.values()
    finally:
        # An exception holds this frame, which is not to hold the exception.
        del group, failure
        for coroutine in coroutines:
            discard(coroutine)
        _adopt(context, before, kept)


def _adopt(context: Context, before: Context, kept: Collection[ContextVar[Any]]) -> None:
    """Set the variables that have changed in a context since it was as before, but for some."""
    for variable, value in context.items():
        if before.get(variable, _UNSET) is not value and variable not in kept:
            variable.set(value)


async def _run(coroutine: Coroutine[Any, Any, Any], place: "Place") -> Any:
    return await place.occupied_by(coroutine)


class _Group:
    """The tasks that run together, and what comes of them."""

    def __init__(
        self,
        coroutines: Sequence[Coroutine[Any, Any, Any]],
        context: Context,
        kept: set[ContextVar[Any]],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[None] | None = None
        self._is_stopping = False
        self._cancellation: asyncio.CancelledError | None = None
        self._errors: list[BaseException] = []
        self._tasks = [
            self._loop.create_task(_run(coroutine, Place(kept)), context=context)
            for coroutine in coroutines
        ]
        self._left = len(self._tasks)
        for task in self._tasks:
            task.add_done_callback(self._note_end)

    async def wait(self) -> None:
        """Wait for all of them, even if that is cancelled."""
        while self._left:
            self._ended = self._loop.create_future()
            try:
                await self._ended
            except asyncio.CancelledError as error:
                self._cancellation = self._cancellation or error
                self._stop()

    def failure(self) -> BaseException | None:
        """What is to be raised when all have ended, if anything is."""
        for error in self._errors:
            if isinstance(error, KeyboardInterrupt | SystemExit):
                return error
        if not self._errors:
            return self._cancellation
        waiting = asyncio.current_task()
        if self._cancellation is not None and waiting is not None and waiting.cancelling():
            # What is raised instead tells nothing of the request to cancel, which still holds.
            waiting.uncancel()
            waiting.cancel()
        if len(self._errors) == 1:
            return self._errors[0]
        return BaseExceptionGroup("unhandled errors in a TaskGroup", self._errors)

    def values(self) -> list[Any]:
        """What they returned."""
        return [None if task.cancelled() else task.result() for task in self._tasks]

    def _note_end(self, task: "asyncio.Task[Any]") -> None:
        self._left -= 1
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._errors.append(error)
            self._stop()
        if not self._left and self._ended is not None and not self._ended.done():
            self._ended.set_result(None)

    def _stop(self) -> None:
        if not self._is_stopping:
            self._is_stopping = True
            for task in self._tasks:
                task.cancel()


class Place:
    """The place of one of several coroutines that run at the same time in one context.

    Tasks take turns at each step of theirs, from one wait to the next. What the coroutine has to
    itself in their context is put in place for each of its steps, and taken out after it.

    Arguments:
        kept: collects what is kept apart because it is set around something, for any of them.
    """

    __slots__ = ("_gate", "_kept", "_outside", "_own", "_task", "_tokens", "_way")

    def __init__(self, kept: set[ContextVar[Any]]) -> None:
        self._kept = kept
        self._own: dict[ContextVar[Any], Any] = {each: each.get() for each in kept_apart}
        self._way = (*under_way.get(), self)
        self._own[under_way] = self._way
        self._gate = gate.get()
        guard = thread_guard()
        if guard is not None:
            self._own[guard] = guard.get(False)
        self._outside: dict[ContextVar[Any], Any] = {}
        self._tokens: list[Token[Any]] = []
        self._task: asyncio.Task[Any] | None = None

    @contextmanager
    def keeping_what_is_set(self) -> Iterator[None]:
        """Within it, variables that are set are set for what runs here alone."""
        if self._task is None or running_task() is not self._task:
            yield  # elsewhere, in a context of its own
            return
        before = copy_context()
        yield
        for variable, value in copy_context().items():
            if variable not in self._own and before.get(variable, _UNSET) is not value:
                self._own[variable] = value
                self._outside[variable] = before.get(variable, _default_of(variable))
                self._kept.add(variable)

    @types.coroutine
    def occupied_by(self, coroutine: Coroutine[Any, Any, Any]) -> Generator[Any, Any, Any]:
        """Run the coroutine, step by step."""
        self._task = asyncio.current_task()
        step: Any = coroutine.send
        given: Any = None
        try:
            while True:
                while self._gate is not None and (turn := self._gate.turn_of(self._way)):
                    try:
                        yield from turn
                    except BaseException as error:  # delivered when it may go on
                        given, step = error, coroutine.throw
                self._begin_step()
                try:
                    waited_for = step(given)
                except StopIteration as end:
                    return end.value
                finally:
                    given = None
                    self._end_step()
                try:
                    given = yield waited_for
                    step = coroutine.send
                except BaseException as error:  # a coroutine takes whatever is thrown
                    given = error
                    step = coroutine.throw
        finally:
            self._task = None
            self._way = ()
            self._own.clear()

    def _begin_step(self) -> None:
        self._tokens = [
            variable.set(value) for variable, value in self._own.items() if value is not _UNSET
        ]

    def _end_step(self) -> None:
        for token in self._tokens:
            self._own[token.var] = token.var.get(_UNSET)
            token.var.reset(token)
        for variable, value in self._outside.items():
            self._own[variable] = variable.get(_UNSET)
            if value is not _UNSET:
                variable.set(value)
        self._outside.clear()


def _default_of(variable: ContextVar[Any]) -> Any:
    try:
        return Context().run(variable.get)
    except LookupError:
        return _UNSET
