"""Metering responses: for totals, where watching every dispatch would cost too much.

A meter is told of each response once, when it has ended, and of nothing else: a signal that has no
receiver is as idle as without it.
"""

import threading
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

from signalcli.dispatch import forking

if TYPE_CHECKING:
    from signalcli.dispatch.calling import Receiver
    from signalcli.dispatch.signal import Signal


class Meter(Protocol):
    """Who is told of responses."""

    def measured(
        self,
        signal: "Signal",
        receiver: "Receiver",
        begun: float,
        seconds: float,
        error: BaseException | None,
    ) -> None:
        """A receiver returned or raised, in the thread and context it ran in.

        Arguments:
            signal: what it received.
            receiver: who it is.
            begun: when it began, on the clock of ``time.perf_counter``.
            seconds: how long it ran, with all that it set off.
            error: what it raised, or None.
        """


meters: tuple[Meter, ...] = ()
_lock = threading.Lock()


@contextmanager
def metered(meter: Meter) -> Iterator[None]:
    """Within it, a meter is told of every response to every signal, in all threads."""
    global meters
    with _lock:
        meters = (*meters, meter)
    try:
        yield
    finally:
        with _lock:
            meters = tuple(other for other in meters if other is not meter)


def _renew_lock() -> None:
    global _lock
    _lock = threading.Lock()


forking.in_child(_renew_lock)


class MeteredCalls:
    """Calls receivers of one signal, and tells the meters."""

    __slots__ = ("_meters", "_signal")

    def __init__(self, signal: "Signal", meters: tuple[Meter, ...]) -> None:
        self._signal = signal
        self._meters = meters

    def call(
        self, receiver: "Receiver", named: dict[str, Any], called: "Receiver | None" = None
    ) -> Any:
        """Call a receiver, or something else in its stead, with keyword arguments."""
        begun = perf_counter()
        try:
            value = (receiver if called is None else called)(**named)
        except BaseException as error:
            self._tell(receiver, begun, error)
            raise
        self._tell(receiver, begun, None)
        return value

    def prepare(
        self, receiver: "Receiver", named: dict[str, Any], called: "Receiver | None" = None
    ) -> Awaitable[Any]:
        """Call an async receiver, whose answer is awaited by :meth:`acall`."""
        begun = perf_counter()
        try:
            answer: Awaitable[Any] = (receiver if called is None else called)(**named)
        except BaseException as error:
            self._tell(receiver, begun, error)
            raise
        return answer

    async def acall(
        self,
        receiver: "Receiver",
        named: dict[str, Any],
        answer: Awaitable[Any] | None = None,
        called: "Receiver | None" = None,
    ) -> Any:
        """Await what an async receiver answers, which is called now unless it was before."""
        begun = perf_counter()
        try:
            if answer is None:
                answer = (receiver if called is None else called)(**named)
            value = await answer
        except BaseException as error:
            self._tell(receiver, begun, error)
            raise
        self._tell(receiver, begun, None)
        return value

    def _tell(self, receiver: "Receiver", begun: float, error: BaseException | None) -> None:
        seconds = perf_counter() - begun
        for meter in self._meters:
            meter.measured(self._signal, receiver, begun, seconds, error)
