"""Async receivers: how sync code awaits them, and how several run at the same time."""

import inspect
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

# Who has no async receiver never needs asyncio, which takes longer to load than the rest: it is
# imported where it is used.
if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")

_UNSET = object()

_ENDS_THE_PROGRAM = (KeyboardInterrupt, SystemExit)

# Before 3.13 a task group whose member failed leaves a request to cancel the task around it,
# which says nothing then of whether somebody asked for that.
_COUNTS_REQUESTS_TO_CANCEL = sys.version_info >= (3, 13)

# Which of several receivers that run at the same time this is: its place, after those of the
# receivers within which it runs, each of which has others beside it, too. A sync receiver and one
# that is alone have none.
under_way: "ContextVar[tuple[Place, ...]]" = ContextVar("signalcli_under_way", default=())

# Who has receivers that run at the same time wait for each other, where what they share wants it.
gate: "ContextVar[Gate | None]" = ContextVar("signalcli_gate", default=None)

# The variables of which receivers that run at the same time have a value each.
kept_apart: list[ContextVar[Any]] = []


class Bridge(Protocol):
    """Another way to await from sync code, for code that runs inside somebody's event loop."""

    def reaches_a_loop(self) -> bool:
        """Whether the code that is running now can use this bridge."""

    def wait_for(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Await the coroutine on the running loop and return its result."""


_bridges: list[Bridge] = []


def add_bridge(bridge: Bridge) -> None:
    """Offer a bridge; it is used wherever it reaches a loop."""
    _bridges.append(bridge)


def wait_for(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end from sync code.

    Through a bridge where one reaches a running loop, otherwise as Django does it, with asgiref's
    ``async_to_sync``, which refuses to block a thread that runs an event loop itself.

    Raises:
        RuntimeError: this thread runs an event loop that no bridge reaches.
    """
    for bridge in _bridges:
        if bridge.reaches_a_loop():
            result: T = bridge.wait_for(coroutine)
            return result
    try:
        if _runs_a_loop():
            # It begins with what asgiref would say, which Django's users know.
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
        coroutine.close()  # silent where it has run; where it was refused, it never will


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
    """Where asgiref notes that this context occupies the thread of all sync code, if it did so.

    Several coroutines in one context would each find it occupied by another, and asgiref would
    refuse to wait, which it does where that might be for ever.
    """
    sync = sys.modules.get("asgiref.sync")
    return None if sync is None else getattr(sync.SyncToAsync, "deadlock_context", None)


class Gate(Protocol):
    """Who says when one of several receivers that run at the same time may go on."""

    def turn_of(self, way: "tuple[Place, ...]") -> Any:
        """A future to wait for before the next step of a receiver, or None where it may go on.

        Arguments:
            way: its place, after those of the receivers within which it runs.
        """


def keep_apart(variable: ContextVar[Any]) -> None:
    """Have receivers that run at the same time see nothing of each other's value of a variable.

    Every other context variable they share, as in Django. That would confuse what is set around
    something and reset after it, while others run. What an observer sets when a response begins is
    kept apart anyway.

    Arguments:
        variable: one with a default. It begins in each receiver with the sender's value, which
            stays what it was.
    """
    kept_apart.append(variable)


async def run_alone(response: Awaitable[Any]) -> Any:
    """Await the response of a receiver that nobody runs beside, in the sender's own task.

    That is many times quicker than a task of its own, in which Django has it. What would be seen
    of that is made up for: there the receiver can cancel itself, but not its sender, and whoever
    cancels the sender does so whatever the receiver makes of it.
    """
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

        await sleep(0)  # raises what was not delivered yet
        raise CancelledError
    return value


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

    Python's own task groups do the same, but those before 3.13 leave whoever waits for them marked
    as to be cancelled when one of their tasks failed.

    Attributes:
        values: what the coroutines returned.
        outside: the variables of which each has a value of its own, and the values that there are
            in the context between their steps.
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
        """Wait for all of them, even if that is cancelled."""
        from asyncio import CancelledError

        while self._left:
            self._ended = self._loop.create_future()
            try:
                await self._ended
            except CancelledError as error:
                self._cancellation = self._cancellation or error
                self._stop()

    def failure(self) -> BaseException | None:
        """What is to be raised when all have ended, if anything is."""
        from asyncio import current_task

        for error in self._errors:
            if isinstance(error, _ENDS_THE_PROGRAM):
                for task in self._tasks:
                    if not task.cancelled():
                        task.exception()  # or asyncio complains that nobody has asked
                return error
        if not self._errors:
            return self._cancellation
        waiting = current_task()
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
        else:
            from asyncio import CancelledError

            if not isinstance(end, CancelledError):
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


def running_task() -> Any:
    """The task of asyncio that is running here, or None."""
    # Nobody can have a task without having imported asyncio, which takes a while.
    tasks = sys.modules.get("asyncio.tasks")
    # Asked first, since whoever asks for the task without a loop pays for an exception.
    if tasks is None or tasks.events._get_running_loop() is None:
        return None
    return tasks.current_task()


def discard(answer: Awaitable[Any]) -> None:
    """Close a coroutine that will not be awaited, about which Python would complain."""
    if isinstance(answer, CoroutineType) and (
        inspect.getcoroutinestate(answer) == inspect.CORO_CREATED
    ):
        answer.close()
