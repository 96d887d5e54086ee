"""The recorder: fed with events by a source, it keeps the trace.

It knows no dispatcher. A source (ours is in :mod:`signalcli.trace.dispatcher`) tells it when a
dispatch and each response begin and end, and passes names and values.
"""

import itertools
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from time import perf_counter
from typing import Any, Generic, TypeVar

from signalcli.trace.records import Dispatch, Injection, Response, Trace, encodable
from signalcli.trace.representation import describe_failure, represent

# What runs in a context, for each recorder that watches it. Replaced, never changed.
Running = Mapping["Recorder", Response]

_NOTHING: Running = {}
running_here: ContextVar[Running] = ContextVar("signalcli_running", default=_NOTHING)


def running() -> Running:
    """The response that is running in this context, for each recorder."""
    return running_here.get()


@contextmanager
def continued(responses: Running) -> Iterator[None]:
    """Within it, what happens counts as done by those responses and no others."""
    token = running_here.set(responses)
    try:
        yield
    finally:
        running_here.reset(token)


def _thread_and_task() -> tuple[int, int]:
    """What tells concurrent work apart: the thread, and the task where one is running."""
    # Nobody can have a task without having imported asyncio, which takes a while.
    tasks = sys.modules.get("asyncio.tasks")
    # Asked first, since whoever asks for the task without a loop pays for an exception.
    if tasks is None or tasks.events._get_running_loop() is None:
        return threading.get_ident(), 0
    task = tasks.current_task()
    return threading.get_ident(), 0 if task is None else id(task)


_start, _submit = threading.Thread.start, ThreadPoolExecutor.submit
_lock = threading.Lock()
_users = 0


@contextmanager
def followed_threads() -> Iterator[None]:
    """Have the work of a thread count as done by the response that started it.

    A thread begins with an empty context, so ``Thread.start`` and ``ThreadPoolExecutor.submit`` are
    replaced by functions that carry the response over, as tracing tools do. Several such blocks may
    run at once, and end in any order.
    """
    global _users, _start, _submit
    with _lock:
        if _users == 0:
            _start, _submit = threading.Thread.start, ThreadPoolExecutor.submit
            _replace(_start_carrying, _submit_carrying)
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                _replace(_start, _submit)


def _start_carrying(thread: threading.Thread) -> None:
    if running():
        thread.run = _carried(thread.run)  # type: ignore[method-assign]  # of this thread only
    _start(thread)


def _submit_carrying(
    pool: ThreadPoolExecutor, function: Callable[..., Any], /, *args: Any, **kwargs: Any
) -> Future[Any]:
    carried = _carried(function)
    # The pool may start a worker here, which outlives this response and must not belong to it.
    with continued({}):
        return _submit(pool, carried, *args, **kwargs)


def _carried(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, run elsewhere on behalf of what runs here."""
    responses = running()

    def run(*args: Any, **kwargs: Any) -> Any:
        with continued(responses):
            return function(*args, **kwargs)

    return run


def _replace(start: Any, submit: Any) -> None:
    threading.Thread.start = start  # type: ignore[method-assign]  # for a while only
    ThreadPoolExecutor.submit = submit  # type: ignore[method-assign]  # for a while only


T = TypeVar("T")

MOST_EXCEPTIONS = 100


class Culprits(Generic[T]):
    """Remembers what raised each of the latest exceptions first."""

    def __init__(self) -> None:
        # The exceptions are kept, too, so that no other can get the id of one.
        self._raised: dict[int, tuple[BaseException, T]] = {}

    def note(self, error: BaseException, culprit: T) -> None:
        """Remember who raised an exception, unless the culprit of it or of its group is known."""
        if self.of(error) is None:
            self._raised[id(error)] = (error, culprit)
        if len(self._raised) > MOST_EXCEPTIONS:
            # Receivers may catch exceptions, which then stay here; the oldest are over.
            del self._raised[next(iter(self._raised))]

    def forget(self, error: BaseException) -> None:
        """Forget an exception that was caught."""
        self._raised.pop(id(error), None)

    def of(self, error: BaseException) -> T | None:
        """The culprit of an exception, or the first known one of a group; None where unknown."""
        # SQLAlchemy wraps a driver's exception that a receiver of connection_created raises.
        raised = error if id(error) in self._raised else getattr(error, "orig", None)
        _, culprit = self._raised.get(id(raised), (None, None))
        if culprit is None and isinstance(error, BaseExceptionGroup):
            found = (self.of(member) for member in error.exceptions)
            return next((each for each in found if each is not None), None)
        return culprit


class Recorder:
    """Keeps the dispatches and responses that it is told of.

    A dispatch's parent is the response that runs in the context where it begins, be that a
    thread, a task, or what :meth:`as_current` says. Values and arguments are represented when
    they are told, and not kept.

    Arguments:
        on_change: called, in any thread, after each event; for views that grow.
    """

    def __init__(self, on_change: Callable[[], None] | None = None) -> None:
        self.trace = Trace()
        self._origin = perf_counter()
        self._on_change = on_change
        self._numbers = itertools.count(1)
        # A finaliser may send a signal wherever the garbage collector strikes, also in here.
        self._lock = threading.RLock()
        self._culprits: Culprits[Response] = Culprits()

    def current(self) -> Response | None:
        """The response that is running in this context, or None."""
        return running_here.get().get(self)

    def as_current(self, response: Response | None) -> AbstractContextManager[None]:
        """Within it, what happens counts as done by a response; where None, by nobody."""
        return continued(self._with(response))

    def _with(self, response: Response | None) -> Running:
        running = running_here.get()
        if response is not None:
            return {**running, self: response}
        return {recorder: other for recorder, other in running.items() if recorder is not self}

    def now(self) -> float:
        """The recorder's clock: the seconds since it was made."""
        return perf_counter() - self._origin

    def dispatch_begun(
        self,
        *,
        signal: str,
        signal_path: str,
        sender: str | None,
        arguments: Mapping[str, Any],
        robust: bool,
        muted: bool = False,
    ) -> Dispatch:
        """A signal is being sent.

        Arguments:
            signal: its short name.
            signal_path: its full name.
            sender: the name of the sender, if there is one.
            arguments: what receivers get, besides the signal and the sender.
            robust: whether their exceptions are caught and returned.
            muted: whether it reaches nobody on purpose.
        """
        represented = {encodable(name): represent(value, name) for name, value in arguments.items()}
        parent = self.current()
        elsewhere = parent is not None and parent.runs_in != _thread_and_task()
        signal, signal_path = encodable(signal), encodable(signal_path)
        sender = None if sender is None else encodable(sender)
        with self._lock:
            dispatch = Dispatch(
                seq=next(self._numbers),
                parent=parent,
                signal=signal,
                signal_path=signal_path,
                sender=sender,
                robust=robust,
                arguments=represented,
                begun=perf_counter() - self._origin,
                muted=muted,
                elsewhere=elsewhere,
            )
            self.trace.dispatches.append(dispatch)
            if parent is not None:
                parent.caused.append(dispatch)
        self._changed()
        return dispatch

    def dispatch_ended(self, dispatch: Dispatch) -> None:
        """The dispatch is over."""
        dispatch.seconds = self.now() - dispatch.begun
        self._changed()

    def response_begun(
        self,
        dispatch: Dispatch,
        receiver: str,
        file: str = "",
        line: int = 0,
        injected: Injection | None = None,
    ) -> tuple[Response, Any]:
        """A receiver is being called.

        Arguments:
            dispatch: what it receives.
            receiver: its full name.
            file: the source file where it is defined, if that is known.
            line: the line there.
            injected: the fault that is put into it on purpose, if one is.

        Returns:
            What :meth:`response_ended` wants to have back, in the same context.
        """
        begun = perf_counter() - self._origin
        response = Response(
            dispatch,
            encodable(receiver),
            begun,
            encodable(file),
            line,
            injected=injected,
            runs_in=_thread_and_task(),
        )
        dispatch.responses.append(response)
        token = running_here.set({**running_here.get(), self: response})
        if self._on_change is not None:
            self._on_change()
        return response, token

    def response_ended(
        self, begun: tuple[Response, Any], value: Any, error: BaseException | None
    ) -> None:
        """The receiver returned or raised.

        Arguments:
            begun: what :meth:`response_begun` returned.
            value: what it returned.
            error: what it raised, or None.
        """
        response, token = begun
        seconds = perf_counter() - self._origin - response.begun
        running_here.reset(token)
        if error is None:
            response.value = represent(value)
        else:
            response.failure = describe_failure(error)
            self._follow(error, response)
        response.seconds = seconds
        if self._on_change is not None:
            self._on_change()

    def ended(self) -> None:
        """Nobody feeds the recorder any more, for now at least."""
        self.trace.ended = self.now()
        self._changed()

    def culprit(self, error: BaseException) -> Response | None:
        """The response that raised an exception first, or None where none did."""
        return self._culprits.of(error)

    def blame(self, error: BaseException, response: Response) -> None:
        """An exception was raised by what a response left to be done later."""
        with self._lock:
            self._culprits.note(error, response)

    def _follow(self, error: BaseException, response: Response) -> None:
        """Remember who raised an exception, while somebody may ask."""
        with self._lock:
            if response.dispatch.robust:
                self._culprits.forget(error)
            else:
                self._culprits.note(error, response)

    def _changed(self) -> None:
        if self._on_change is not None:
            self._on_change()
