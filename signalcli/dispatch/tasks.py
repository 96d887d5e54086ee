"""Coroutines that run at the same time, each as a task, and all of them in one context.

Python's own task groups do the same, but those before 3.13 leave whoever waits for them marked as
to be cancelled when one of their tasks failed.
"""

import asyncio
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context
from typing import Any

from signalcli.dispatch.bridging import thread_guard
from signalcli.dispatch.calling import discard, gate, kept_apart, running_task, under_way

_UNSET = object()

_ENDS_THE_PROGRAM = (KeyboardInterrupt, SystemExit)


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
    group = _Group(coroutines, context)
    failure = None
    try:
        await group.wait()
        failure = group.failure()
        if failure is not None:
            raise failure
        return group.values
    finally:
        for variable, value in context.items():
            if before.get(variable, _UNSET) is not value and variable not in group.outside:
                variable.set(value)
        # The exception holds this frame, which is not to hold the exception.
        del group, failure
        for coroutine in coroutines:
            discard(coroutine)


class _Group:
    """The tasks that run together, and what comes of them.

    Attributes:
        values: what the coroutines returned.
        outside: the variables of which each has a value of its own, and the values that there are
            in the context between their steps.
    """

    def __init__(self, coroutines: Sequence[Coroutine[Any, Any, Any]], context: Context) -> None:
        self.values: list[Any] = [None] * len(coroutines)
        self.outside: dict[ContextVar[Any], Any] = {each: each.get() for each in kept_apart}
        guard = thread_guard()
        if guard is not None:
            self.outside[guard] = guard.get(False)
        context.run(_set, self.outside)
        self._loop = asyncio.get_running_loop()
        self._left = len(coroutines)
        self._ended: asyncio.Future[None] | None = None
        self._is_stopping = False
        self._cancellation: asyncio.CancelledError | None = None
        self._errors: list[BaseException] = []
        way = under_way.get()
        self._tasks = [
            self._loop.create_task(Place(self, number, coroutine, way), context=context)
            for number, coroutine in enumerate(coroutines)
        ]

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
            if isinstance(error, _ENDS_THE_PROGRAM):
                for task in self._tasks:
                    if not task.cancelled():
                        task.exception()  # or asyncio complains that nobody has asked
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

    def end(self, number: int, end: BaseException) -> bool:
        """One has ended in this way, in its last step; returns whether that is for its task."""
        is_for_its_task = True
        if isinstance(end, StopIteration):
            self.values[number] = end.value
        elif not isinstance(end, asyncio.CancelledError):
            self._errors.append(end)
            # In its turn, as when it had been the task that told of it.
            self._loop.call_soon(self._stop)
            is_for_its_task = isinstance(end, _ENDS_THE_PROGRAM)
        self._left -= 1
        if not self._left and self._ended is not None and not self._ended.done():
            self._ended.set_result(None)
        return is_for_its_task

    def _stop(self) -> None:
        if not self._is_stopping:
            self._is_stopping = True
            for task in self._tasks:
                task.cancel()


def _set(values: Mapping[ContextVar[Any], Any]) -> None:
    for variable, value in values.items():
        variable.set(value)


class Place(Coroutine[Any, Any, Any]):
    """The place of one of several coroutines that run at the same time in one context.

    Tasks take turns at each step of theirs, from one wait to the next. What the coroutine has to
    itself in their context is put in place for each of its steps, and taken out after it. To the
    task that runs it, this is the coroutine, but what it raises is for the group.

    Arguments:
        group: is told of the end.
        number: the coroutine's in its group.
        coroutine: what runs here.
        way: the places within which this one is.
    """

    __slots__ = ("_coroutine", "_gate", "_group", "_number", "_own", "_thrown", "_way")

    def __init__(
        self,
        group: _Group,
        number: int,
        coroutine: Coroutine[Any, Any, Any],
        way: "tuple[Place, ...]",
    ) -> None:
        self._group = group
        self._number = number
        self._coroutine = coroutine
        self._way: tuple[Place, ...] = (*way, self)
        self._own: dict[ContextVar[Any], Any] = {}
        self._thrown: BaseException | None = None
        self._gate = gate.get()

    def __getattr__(self, name: str) -> Any:
        # What debuggers ask of a coroutine: its name, its frame.
        return getattr(self._coroutine, name)

    def __await__(self) -> Any:
        raise TypeError("This is for a task to run.")

    @contextmanager
    def keeping_what_is_set(self) -> Iterator[None]:
        """Within it, variables that are set are set for what runs here alone."""
        task = running_task()
        if task is None or task.get_coro() is not self:
            yield  # elsewhere, in a context of its own
            return
        before = copy_context()
        yield
        for variable, value in copy_context().items():
            if before.get(variable, _UNSET) is not value:
                outside = before[variable] if variable in before else _default_of(variable)
                self._group.outside.setdefault(variable, outside)

    def send(self, value: Any) -> Any:
        """Take a step, or wait until that may be."""
        turn = None if self._gate is None else self._gate.turn_of(self._way)
        if turn is not None:
            # As a coroutine does that awaits it.
            turn._asyncio_future_blocking = True
            return turn
        group, own, thrown = self._group, self._own, self._thrown
        way = under_way.set(self._way)
        if own:
            _set(own)
        try:
            if thrown is None:
                return self._coroutine.send(value)
            self._thrown = None
            return self._coroutine.throw(thrown)
        except BaseException as end:
            # Nobody takes another step; and each of the two would hold the other.
            self._way = ()
            del self._group
            if group.end(self._number, end):
                raise
            # The group has it. A task would keep it, and with it all that the exception holds.
            raise StopIteration from None
        finally:
            for variable, outside in group.outside.items():
                inside = variable.get(outside)
                if inside is not outside:
                    own[variable] = inside
                    variable.set(outside)
                elif own:
                    own.pop(variable, None)
            under_way.reset(way)
            del group, thrown  # as above, of an exception

    def throw(self, error: Any, value: Any = None, traceback: Any = None) -> Any:
        """Take a step that begins with an exception."""
        self._thrown = error if value is None else value
        return self.send(None)

    def close(self) -> None:
        """Have the coroutine end where it waits."""
        self._coroutine.close()


def _default_of(variable: ContextVar[Any]) -> Any:
    """What a variable is where nobody has set it; None, which most ask for, where it has none."""
    try:
        return Context().run(variable.get)
    except LookupError:
        return None
