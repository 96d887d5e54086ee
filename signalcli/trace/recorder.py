"""The recorder keeps the trace. A source feeds it with events.

The recorder knows no dispatcher. Its source (ours is in :mod:`signalcli.trace.dispatcher`) reports
the begin and the end of each dispatch and of each response, with names and values.
"""

import itertools
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import replace
from threading import get_ident
from time import perf_counter
from typing import Any, Generic, TypeVar

from signalcli.trace.records import Dispatch, Injection, Response, Trace, encodable
from signalcli.trace.representation import describe_failure, represent

# The response that runs in a context, for each recorder that watches it. Replaced, never changed:
# threads and tasks have copies of the context, and share the mapping.
Running = Mapping["Recorder", Response]

running_here: ContextVar[Running] = ContextVar("signalcli_running", default={})  # noqa: B039  # never changed


@contextmanager
def continued(responses: Running) -> Iterator[None]:
    """In the block, everything counts as done by those responses and by no others."""
    token = running_here.set(responses)
    try:
        yield
    finally:
        running_here.reset(token)


_start, _submit = threading.Thread.start, ThreadPoolExecutor.submit
_lock = threading.Lock()
_users = 0


@contextmanager
def followed_threads() -> Iterator[None]:
    """Have the work of a thread count as done by the response that started it.

    A thread begins with an empty context. So ``Thread.start`` and ``ThreadPoolExecutor.submit`` are
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
    if running_here.get():
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
    """The function, for another thread to call on behalf of the responses that run here."""
    responses = running_here.get()

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
    """The first raiser of each of the latest exceptions, which may still be on their way up."""

    def __init__(self) -> None:
        # The exceptions are kept, too, so that no other exception gets the id of one.
        self._raised: dict[int, tuple[BaseException, T]] = {}

    def note(self, error: BaseException, culprit: T) -> None:
        """Remember the culprit of an exception, unless one is known for it or for its group."""
        if self.of(error) is None:
            self._raised[id(error)] = (error, culprit)
        if len(self._raised) > MOST_EXCEPTIONS:
            # An exception that a receiver caught stays here. The oldest is the least likely to be
            # still on its way.
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
    """Keeps the dispatches and responses that a source reports.

    A dispatch's parent is the response that runs in the context where the dispatch begins: a
    thread's, a task's, or the response that :meth:`as_current` names. Arguments and values are
    represented at once, and not kept: they may change later.

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
        # With the function that failed after the commit, if that is how the response failed.
        self._culprits: Culprits[tuple[Response, str]] = Culprits()

    def current(self) -> Response | None:
        """The response that is running in this context, or None."""
        return running_here.get().get(self)

    def as_current(self, response: Response | None) -> AbstractContextManager[None]:
        """In the block, everything counts as done by a response; None: by no response."""
        others = {each: other for each, other in running_here.get().items() if each is not self}
        return continued(others if response is None else {**others, self: response})

    def now(self) -> float:
        """The time on the recorder's clock: the seconds since it was made."""
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
            arguments: the arguments of the receivers, besides the signal and the sender.
            robust: whether receivers' exceptions are caught and returned.
            muted: whether the dispatch reaches nobody on purpose.
        """
        represented = {encodable(name): represent(value, name) for name, value in arguments.items()}
        parent = self.current()
        elsewhere = parent is not None and parent.runs_in != _thread_or_task()
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
                begun=self.now(),
                muted=muted,
                elsewhere=elsewhere,
                output_before=None if parent is None else len(parent.output),
            )
            self.trace.dispatches.append(dispatch)
            if parent is not None:
                parent.add_caused(dispatch)
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
            dispatch: the dispatch that it receives.
            receiver: its full name.
            file: the source file where it is defined, if that is known.
            line: the line there.
            injected: the fault that is put into it on purpose, if one is.

        Returns:
            The token for :meth:`response_ended`, which is to be called in the same context.
        """
        begun = perf_counter() - self._origin
        if not (receiver.isascii() and file.isascii()):
            receiver, file = encodable(receiver), encodable(file)
        # By position, since Python takes twice as long to make an object from keyword arguments.
        response = Response(dispatch, receiver, begun, file, line, injected, _thread_or_task())
        dispatch.responses.append(response)
        others = running_here.get()
        token = running_here.set({**others, self: response} if others else {self: response})
        if self._on_change is not None:
            self._on_change()
        return response, token

    def response_ended(
        self, begun: tuple[Response, Any], value: Any, error: BaseException | None
    ) -> None:
        """The receiver returned or raised.

        Arguments:
            begun: the token that :meth:`response_begun` returned.
            value: the value that the receiver returned.
            error: the exception that it raised, or None.
        """
        response, token = begun
        seconds = perf_counter() - self._origin - response.begun
        running_here.reset(token)
        if error is None:
            if value is not None:
                response.value = represent(value)
        else:
            response.failure = describe_failure(error)
            with self._lock:
                if response.dispatch.robust:
                    self._culprits.forget(error)  # the dispatch catches it
                else:
                    self._culprits.note(error, (response, ""))
        response.seconds = seconds
        if self._on_change is not None:
            self._on_change()

    def failed_on_commit(self, response: Response, function: str, error: BaseException) -> None:
        """A function that a response had asked for failed after the commit.

        Arguments:
            response: the response; its first failure is kept.
            function: the function's full name.
            error: the exception.
        """
        with self._lock:
            self._culprits.note(error, (response, function))
            if response.failure is None:
                response.failure = replace(describe_failure(error), function=function)
        self._changed()

    def ended(self) -> None:
        """The source has stopped, at least for now."""
        self.trace.ended = self.now()
        self._changed()

    def culprit(self, error: BaseException) -> Response | None:
        """The response that raised an exception first, or None where none did."""
        known = self._culprits.of(error)
        return None if known is None else known[0]

    def function_of(self, error: BaseException) -> str:
        """The function that raised an exception first, after the commit; empty where none did."""
        known = self._culprits.of(error)
        return "" if known is None else known[1]

    def blame(self, error: BaseException, response: Response) -> None:
        """Name the response that caused an exception later, as by a change that a flush wrote."""
        with self._lock:
            self._culprits.note(error, (response, ""))

    def _changed(self) -> None:
        if self._on_change is not None:
            self._on_change()


def _thread_or_task() -> int:
    """A number for the task that runs here, or for the thread where no task runs."""
    # A program that has not imported asyncio has no task, and the import takes long.
    tasks = sys.modules.get("asyncio.tasks")
    # `current_task` raises an exception where no loop runs, which takes long: ask for that first.
    if tasks is not None and tasks.events._get_running_loop() is not None:
        task = tasks.current_task()
        if task is not None:
            return id(task)
    return -get_ident()  # the id of an object is positive
