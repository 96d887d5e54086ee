"""Async receivers: how sync code awaits them, and how several run at the same time."""

import inspect
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

# asyncio takes longer to load than all the rest, and a program without async receivers never needs
# it. So each function imports the part that it uses.
if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")

_UNSET = object()

_ENDS_THE_PROGRAM = (KeyboardInterrupt, SystemExit)

# Before Python 3.13, a task group with a failed member leaves a request to cancel the task around
# it. There a request is no proof that somebody asked for the cancellation.
_COUNTS_REQUESTS_TO_CANCEL = sys.version_info >= (3, 13)

# The places of the receivers that run here, the outermost first, each of which set off the next. A
# receiver has a place where several run at the same time; a sync one, or one alone, has none.
under_way: "ContextVar[tuple[Place, ...]]" = ContextVar("signalcli_under_way", default=())

# Makes receivers that run at the same time take turns, where only one of them may use something
# that they share, such as a session.
gate: "ContextVar[Gate | None]" = ContextVar("signalcli_gate", default=None)

# The context variables of which each of several receivers has a value of its own.
kept_apart: list[ContextVar[Any]] = []


class Bridge(Protocol):
    """A way to await from sync code that runs inside an event loop, as in a greenlet."""

    def reaches_a_loop(self) -> bool:
        """Whether the code that runs now can use this bridge."""

    def wait_for(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Await the coroutine on the running loop and return its result."""


_bridges: list[Bridge] = []


def add_bridge(bridge: Bridge) -> None:
    """Have :func:`wait_for` use a bridge wherever it reaches a loop."""
    _bridges.append(bridge)


def wait_for(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end from sync code.

    A bridge that reaches a running loop runs the coroutine there. Otherwise asgiref's
    ``async_to_sync`` runs it, as in Django, but not in a thread that runs an event loop itself.

    Raises:
        RuntimeError: this thread runs an event loop that no bridge reaches.
    """
    for bridge in _bridges:
        if bridge.reaches_a_loop():
            result: T = bridge.wait_for(coroutine)
            return result
    try:
        if _runs_a_loop():
            # The message begins with asgiref's own, which Django's users know.
            raise RuntimeError(
                "You cannot use AsyncToSync in the same thread as an async event loop - just await "
                "the async function directly. For async receivers that is: await asend() instead "
                "of send(), save through an AsyncSession, or send from another thread."
            )
        from asgiref.sync import async_to_sync

        async def run() -> T:
            return await coroutine

        return async_to_sync(run)()
    finally:
        coroutine.close()  # Python complains of a refused coroutine, which nobody has awaited


def _runs_a_loop() -> bool:
    from asyncio import get_running_loop

    try:
        get_running_loop()
    except RuntimeError:
        return False
    return True


async def in_thread(function: Callable[..., T], *args: Any) -> T:
    """Call sync code from a coroutine without blocking its loop, as Django does it."""
    from asgiref.sync import sync_to_async

    return await sync_to_async(function)(*args)


def thread_guard() -> ContextVar[bool] | None:
    """The variable in which asgiref notes that this context occupies the thread of all sync code.

    Where the variable is set, asgiref refuses to wait for the thread, since it might wait for ever.
    Several coroutines in one context would find the variable set by each other, and be refused.
    None where this version of asgiref has no such variable.
    """
    # Loaded before the group begins: a receiver may need a thread in its first step.
    from asgiref.sync import SyncToAsync

    return getattr(SyncToAsync, "deadlock_context", None)


class Gate(Protocol):
    """Says when one of several receivers that run at the same time may go on."""

    def turn_of(self, way: "tuple[Place, ...]") -> Any:
        """A future to wait for before the next step of a receiver, or None where it may go on.

        Arguments:
            way: the receiver's place, after those of the receivers that set it off.
        """


def keep_apart(variable: ContextVar[Any]) -> None:
    """Give each of several receivers that run at the same time its own value of a variable.

    They share every other context variable, as in Django. A variable that is set around some work
    and reset after it needs this, since other receivers run in between and would see and reset the
    value. A variable that an observer sets when a response begins is kept apart without this.

    Arguments:
        variable: a context variable that has a default. In each receiver it begins with the
            sender's value, which does not change.
    """
    kept_apart.append(variable)


async def run_alone(response: Awaitable[Any]) -> Any:
    """Await the only async receiver's response in the sender's own task.

    Django gives the receiver a task of its own, which takes many times as long. Two cases would
    show the difference, and are treated as if it had one: a receiver that cancels itself does not
    cancel its sender, and a receiver that suppresses a cancellation does not save its sender.
    """
    # A CancelledError without a new request to cancel the task is the receiver's own; with a
    # request it is for the sender. Without a task (in another event loop than asyncio's, or where
    # somebody drives the coroutine by hand) nobody can request it.
    task = running_task()
    requests = 0 if task is None else task.cancelling()
    try:
        value = await response
    except BaseException as error:
        from asyncio import CancelledError

        if task is None or task.cancelling() > requests or not isinstance(error, CancelledError):
            raise
        return None
    if _COUNTS_REQUESTS_TO_CANCEL and task is not None and task.cancelling() > requests:
        from asyncio import CancelledError, sleep

        # The receiver ended well, but somebody has asked to cancel the sender. The next wait
        # delivers a request that is still pending. One that the receiver caught is raised again.
        await sleep(0)
        raise CancelledError
    return value


async def run_together(coroutines: Sequence[Coroutine[Any, Any, Any]]) -> list[Any]:
    """Run coroutines at the same time, and return what they return, in their order.

    They run in one copy of the current context, each in a :class:`Place` of its own. Afterwards the
    current context gets the context variables that they set in the copy, also when a coroutine
    failed. The first failure cancels the other coroutines; all are waited for. A coroutine that is
    cancelled, but not from here, returns None.

    Raises:
        BaseException: what a coroutine raised, if only one did. A KeyboardInterrupt or SystemExit
            comes before all other exceptions.
        BaseExceptionGroup: what several coroutines raised.
        CancelledError: the caller was cancelled, and no coroutine raised anything.
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
        # The exception's traceback holds this frame. If the frame also held the exception, only the
        # garbage collector could free them.
        del group, failure
        for coroutine in coroutines:
            discard(coroutine)


class _Group:
    """The tasks of several coroutines, which end together, with their values and failures.

    Python's own ``TaskGroup`` would do. But before Python 3.13, when one of its members failed, it
    leaves the task that waits for it marked for cancellation.

    Attributes:
        values: what the coroutines returned.
        outside: the context variables of which each coroutine has a value of its own, with the
            values that the context has while no coroutine takes a step.
    """

    def __init__(self, coroutines: Sequence[Coroutine[Any, Any, Any]], context: Context) -> None:
        from asyncio import get_running_loop

        self.values: list[Any] = [None] * len(coroutines)
        self.outside: dict[ContextVar[Any], Any] = {each: each.get() for each in kept_apart}
        guard = thread_guard()
        if guard is not None:
            self.outside[guard] = guard.get(False)
        context.run(_set, self.outside)
        self._loop = get_running_loop()
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
        """Wait until all have ended; a cancellation stops them, and not the waiting."""
        from asyncio import CancelledError

        while self._left:
            self._ended = self._loop.create_future()
            try:
                await self._ended
            except CancelledError as error:
                self._cancellation = self._cancellation or error
                self._stop()

    def failure(self) -> BaseException | None:
        """The exception to raise when all have ended, or None."""
        from asyncio import current_task

        for error in self._errors:
            if isinstance(error, _ENDS_THE_PROGRAM):
                for task in self._tasks:
                    if not task.cancelled():
                        task.exception()  # or asyncio complains that nobody retrieved it
                return error
        if not self._errors:
            return self._cancellation
        waiting = current_task()
        if self._cancellation is not None and waiting is not None and waiting.cancelling():
            # The errors are raised in place of the CancelledError from this request. The request
            # still holds, so it is made again, and the next wait delivers it.
            waiting.uncancel()
            waiting.cancel()
        if len(self._errors) == 1:
            return self._errors[0]
        return BaseExceptionGroup("unhandled errors in a TaskGroup", self._errors)

    def end(self, number: int, end: BaseException) -> bool:
        """A coroutine has ended.

        Arguments:
            number: which of them.
            end: what its last step raised; a StopIteration carries the value that it returned.

        Returns:
            Whether its task is to raise the exception, too.
        """
        is_for_its_task = True
        if isinstance(end, StopIteration):
            self.values[number] = end.value
        else:
            from asyncio import CancelledError

            if not isinstance(end, CancelledError):
                self._errors.append(end)
                # Not at once: tasks whose turn comes earlier still take their step, as in Python's
                # TaskGroup, where a callback of the task reports the failure.
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

    A task runs it as if it were the coroutine. The tasks of a group take turns; a step goes from
    one wait to the next. They share one context, so the values that belong to this coroutine alone
    are set when a step begins and taken out when it ends. Exceptions go to the group.

    Arguments:
        group: hears of the coroutine's end.
        number: the coroutine's number in the group.
        coroutine: the coroutine that runs here.
        way: the places of those that set this group off, the outermost first.
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
        # Debuggers and asyncio's own messages ask a coroutine for its name and its frame.
        return getattr(self._coroutine, name)

    def __await__(self) -> Any:
        raise TypeError("This is for a task to run.")

    @contextmanager
    def keeping_what_is_set(self) -> Iterator[None]:
        """In the block, a context variable is set for this coroutine alone."""
        task = running_task()
        if task is None or task.get_coro() is not self:
            yield  # in a thread or task that the coroutine started, which has its own context
            return
        before = copy_context()
        yield
        for variable, value in copy_context().items():
            if before.get(variable, _UNSET) is not value:
                outside = before[variable] if variable in before else _default_of(variable)
                self._group.outside.setdefault(variable, outside)

    def send(self, value: Any) -> Any:
        """Take a step, or wait where the gate says so."""
        turn = None if self._gate is None else self._gate.turn_of(self._way)
        if turn is not None:
            # A task accepts a future that a coroutine yields only with this mark, which `await`
            # would set.
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
            # This was the last step. The place holds itself through its way, and the group holds
            # the place through its task. Both cycles end here.
            self._way = ()
            del self._group
            if group.end(self._number, end):
                raise
            # The group has the exception. The task would keep it, with all that its traceback
            # holds, so the task ends as if the coroutine had returned.
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
            del group, thrown  # a traceback holds this frame, which must not hold an exception

    def throw(self, error: Any, value: Any = None, traceback: Any = None) -> Any:
        """Take a step that begins by raising an exception in the coroutine."""
        self._thrown = error if value is None else value
        return self.send(None)

    def close(self) -> None:
        """End the coroutine where it waits."""
        self._coroutine.close()


def _default_of(variable: ContextVar[Any]) -> Any:
    """The default of a variable; None, which most callers of ``get`` pass, where it has none."""
    try:
        return Context().run(variable.get)
    except LookupError:
        return None


def running_task() -> Any:
    """The asyncio task that runs here, or None."""
    # Where asyncio was not imported, there is no task, and no need to import it.
    tasks = sys.modules.get("asyncio.tasks")
    # `current_task` raises an exception where no loop runs, which takes long: ask for that first.
    if tasks is None or tasks.events._get_running_loop() is None:
        return None
    return tasks.current_task()


def discard(answer: Awaitable[Any]) -> None:
    """Close a coroutine that nobody will await, so that Python does not complain."""
    if isinstance(answer, CoroutineType) and (
        inspect.getcoroutinestate(answer) == inspect.CORO_CREATED
    ):
        answer.close()
