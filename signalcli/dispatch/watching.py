"""Watching every dispatch: for traces, tests and tools.

An observer hears of the begin and the end of each dispatch and of each response. A meter hears only
of each response that has ended. That serves totals: it costs less, and a signal without receivers
stays idle. Where nobody watches, a sender looks once at :data:`observers`, and once at
:data:`meters` if there are receivers.
"""

import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from time import perf_counter
from typing import Any, Protocol

from signalcli.dispatch import forking
from signalcli.dispatch.calling import Receiver
from signalcli.dispatch.tasks import under_way


class Observer(Protocol):
    """Watches dispatches. It gets back each token that it returns; nobody else reads a token.

    Async receivers that run at the same time share one context. But a context variable that an
    observer sets when a response begins belongs to that response alone.

    It may also have ``failed_on_commit(response, function, error)``: a function that a response
    asked for with :func:`signalcli.db.on_commit` raised an error after the commit.
    """

    def dispatch_begun(self, signal: Any, sender: Any, named: dict[str, Any], robust: bool) -> Any:
        """A :class:`Signal` is being sent; returns a token for the dispatch."""

    def dispatch_ended(self, dispatch: Any, error: BaseException | None) -> None:
        """The dispatch is over, with the exception that stopped it, if one did."""

    def response_begun(self, dispatch: Any, receiver: Receiver) -> Any:
        """A receiver is being called, in the thread and context it runs in; returns a token."""

    def response_ended(self, response: Any, value: Any, error: BaseException | None) -> None:
        """The receiver returned a value or raised an error, in the same thread and context."""

    def not_called(self, dispatch: Any, receivers: Sequence[Receiver]) -> None:
        """A failure ends the dispatch before these receivers. An observer may lack this method."""

    def cause(self) -> Any:
        """A token for the response that is running in this context, or None."""

    def caused_by(self, cause: Any) -> AbstractContextManager[Any]:
        """In the block, dispatches count as caused by the response of which this is the token."""


class Interceptor:
    """An observer that may come between a watched dispatch and its receivers.

    This one does nothing: a subclass overrides the methods that it needs.
    """

    def silences(self, signal: Any) -> bool:
        """Whether the dispatch that begins reaches nobody."""
        return False

    def instead_of(self, receiver: Receiver, is_async: bool) -> Receiver:
        """The callable to call in a receiver's place; awaited where the receiver is async."""
        return receiver

    def dispatch_begun(self, signal: Any, sender: Any, named: dict[str, Any], robust: bool) -> Any:
        """See :class:`Observer`, as for the other methods."""

    def dispatch_ended(self, dispatch: Any, error: BaseException | None) -> None:
        """The dispatch is over."""

    def response_begun(self, dispatch: Any, receiver: Receiver) -> Any:
        """A receiver is being called."""

    def response_ended(self, response: Any, value: Any, error: BaseException | None) -> None:
        """The receiver returned or raised."""

    def not_called(self, dispatch: Any, receivers: Sequence[Receiver]) -> None:
        """A failure ends the dispatch before these receivers."""

    def cause(self) -> Any:
        """This observer knows no responses."""

    def caused_by(self, cause: Any) -> AbstractContextManager[Any]:
        """In the block, nothing changes."""
        return nullcontext()


class Meter(Protocol):
    """Hears of each response when it has ended."""

    def measured(
        self,
        signal: Any,
        receiver: Receiver,
        begun: float,
        seconds: float,
        error: BaseException | None,
    ) -> None:
        """A receiver returned or raised; called in the thread and context it ran in.

        Arguments:
            signal: the :class:`Signal` that it received.
            receiver: the receiver.
            begun: when it began, in seconds on the clock of ``time.perf_counter``.
            seconds: how long it ran, with all that it set off.
            error: the exception that it raised, or None.
        """


Cause = tuple[tuple[Observer, Any], ...]
_Tokens = list[tuple["Observer | MeteredCalls", Any]]

# They change in place, so that every module that imports one has the same list.
observers: list[Observer] = []
meters: list[Meter] = []
_on_change: list[Callable[[], object]] = []
_lock = threading.Lock()


@contextmanager
def watch(observer: Observer) -> Iterator[None]:
    """In the block, an observer hears of every dispatch of every signal, in all threads."""
    with _lock:
        observers.append(observer)
    announce_change()
    try:
        yield
    finally:
        with _lock:
            observers[:] = [other for other in observers if other is not observer]
        announce_change()


@contextmanager
def metered(meter: Meter) -> Iterator[None]:
    """In the block, a meter hears of every response to every signal, in all threads."""
    with _lock:
        meters.append(meter)
    try:
        yield
    finally:
        with _lock:
            meters[:] = [other for other in meters if other is not meter]


def on_change(callback: Callable[[], object]) -> None:
    """Call back whenever an observer begins or ends to watch, for as long as the process lives."""
    _on_change.append(callback)


def announce_change() -> None:
    """Make the calls that :func:`on_change` asked for."""
    for callback in _on_change:
        callback()


def _renew_lock() -> None:
    global _lock
    _lock = threading.Lock()


forking.in_child(_renew_lock)


def cause() -> Cause:
    """The responses that run here, one for each observer, for a later :func:`caused_by`."""
    return tuple((observer, observer.cause()) for observer in tuple(observers))


@contextmanager
def caused_by(cause: Cause) -> Iterator[None]:
    """In the block, dispatches count as caused by the responses that :func:`cause` returned."""
    with ExitStack() as stack:
        for observer, token in cause:
            stack.enter_context(observer.caused_by(token))
        yield


def tell_of_failure(cause: Cause, function: Callable[[], Any], error: BaseException) -> None:
    """Tell the observers of a function that failed after the commit.

    Arguments:
        cause: the responses that asked for it, as :func:`cause` returned them.
        function: the function.
        error: the exception that it raised.
    """
    for observer, token in cause:
        if (tell := getattr(observer, "failed_on_commit", None)) is not None:
            tell(token, function, error)


class MeteredCalls:
    """Calls the receivers of one signal, and tells the meters.

    In a :class:`WatchedDispatch`, which makes the calls itself, this is an observer.
    """

    __slots__ = ("_meters", "_signal")

    def __init__(self, signal: Any) -> None:
        self._signal = signal
        self._meters = tuple(meters)

    def call(self, receiver: Receiver, named: dict[str, Any]) -> Any:
        """Call a receiver with keyword arguments."""
        begun = perf_counter()
        try:
            value = receiver(**named)
        except BaseException as error:
            self._tell(receiver, begun, error)
            raise
        seconds = perf_counter() - begun
        for meter in self._meters:
            meter.measured(self._signal, receiver, begun, seconds, None)
        return value

    def prepare(self, receiver: Receiver, named: dict[str, Any]) -> Awaitable[Any]:
        """Call an async receiver and return its answer, which :meth:`acall` awaits."""
        begun = perf_counter()
        try:
            answer: Awaitable[Any] = receiver(**named)
        except BaseException as error:
            self._tell(receiver, begun, error)
            raise
        return answer

    async def acall(
        self, receiver: Receiver, named: dict[str, Any], answer: Awaitable[Any] | None = None
    ) -> Any:
        """Await an async receiver's answer; without one, call the receiver first."""
        begun = perf_counter()
        try:
            value = await (receiver(**named) if answer is None else answer)
        except BaseException as error:
            self._tell(receiver, begun, error)
            raise
        self._tell(receiver, begun, None)
        return value

    def dispatch_ended(self, dispatch: Any, error: BaseException | None) -> None:
        """See :class:`Observer`: a meter hears of responses only."""

    def response_begun(self, dispatch: Any, receiver: Receiver) -> tuple[Receiver, float]:
        """A receiver is being called."""
        return receiver, perf_counter()

    def response_ended(
        self, response: tuple[Receiver, float], value: Any, error: BaseException | None
    ) -> None:
        """The receiver returned or raised."""
        self._tell(*response, error)

    def _tell(self, receiver: Receiver, begun: float, error: BaseException | None) -> None:
        seconds = perf_counter() - begun
        for meter in self._meters:
            meter.measured(self._signal, receiver, begun, seconds, error)


class WatchedDispatch:
    """One dispatch that observers watch: a context manager around its calls.

    Attributes:
        is_silenced: whether an interceptor keeps the dispatch from everybody.
        receivers: those that the dispatch reaches, in the order in which they are called.
    """

    __slots__ = ("_called", "_interceptors", "_tokens", "is_silenced", "receivers")

    def __init__(self, signal: Any, sender: Any, named: dict[str, Any], robust: bool) -> None:
        watching = tuple(observers)
        self._interceptors = [each for each in watching if isinstance(each, Interceptor)]
        self.is_silenced = any(each.silences(signal) for each in self._interceptors)
        self._tokens: _Tokens = [
            (observer, observer.dispatch_begun(signal, sender, named, robust))
            for observer in watching
        ]
        if meters:
            # Last, and so the first to hear of an end: the observers' time does not count.
            self._tokens.append((MeteredCalls(signal), None))
        self.receivers: Sequence[Receiver] = ()
        self._called = 0

    def __enter__(self) -> "WatchedDispatch":
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        not_called = () if error is None else self.receivers[self._called :]
        for observer, dispatch in reversed(self._tokens):
            if not_called and (tell := getattr(observer, "not_called", None)) is not None:
                tell(dispatch, not_called)
            observer.dispatch_ended(dispatch, error)

    def call(self, receiver: Receiver, named: dict[str, Any]) -> Any:
        """Call a receiver with keyword arguments, and show its response to the observers."""
        called = self._intercepted(receiver, False) if self._interceptors else receiver
        responses = self._begun(receiver) if under_way.get() else self._tell_of(receiver)
        try:
            value = called(**named)
        except BaseException as error:
            _ended(responses, None, error)
            raise
        for observer, response in reversed(responses):
            observer.response_ended(response, value, None)
        return value

    def prepare(self, receiver: Receiver, named: dict[str, Any]) -> Awaitable[Any]:
        """Call an async receiver and return its answer, which :meth:`acall` awaits.

        Observers hear of the response there, or here where the call fails.
        """
        called = self._intercepted(receiver, True) if self._interceptors else receiver
        try:
            answer: Awaitable[Any] = called(**named)
        except BaseException as error:
            _ended(self._begun(receiver), None, error)
            raise
        return answer

    async def acall(
        self, receiver: Receiver, named: dict[str, Any], answer: Awaitable[Any] | None = None
    ) -> Any:
        """Await an async receiver's answer; without one, call the receiver first."""
        called = receiver
        if answer is None and self._interceptors:
            called = self._intercepted(receiver, True)
        responses = self._begun(receiver)
        try:
            value = await (called(**named) if answer is None else answer)
        except BaseException as error:
            _ended(responses, None, error)
            raise
        _ended(responses, value, None)
        return value

    def _intercepted(self, receiver: Receiver, is_async: bool) -> Receiver:
        for interceptor in self._interceptors:
            receiver = interceptor.instead_of(receiver, is_async)
        return receiver

    def _begun(self, receiver: Receiver) -> _Tokens:
        places = under_way.get()
        if not places:
            return self._tell_of(receiver)
        # Other receivers of this one's group share its context, but not what observers set in it.
        with places[-1].keeping_what_is_set():
            return self._tell_of(receiver)

    def _tell_of(self, receiver: Receiver) -> _Tokens:
        self._called += 1
        responses: _Tokens = []
        for observer, dispatch in self._tokens:
            responses.append((observer, observer.response_begun(dispatch, receiver)))
        return responses


def _ended(responses: _Tokens, value: Any, error: BaseException | None) -> None:
    for observer, response in reversed(responses):
        observer.response_ended(response, value, error)
