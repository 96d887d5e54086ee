"""Totals per receiver, for so many dispatches that a trace would be too much."""

import threading
import weakref
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from math import inf
from types import FunctionType, MethodType

from signalcli.dispatch import Receiver, Signal, metered
from signalcli.dispatch.signatures import describe as full_name
from signalcli.trace.recorder import Culprits
from signalcli.trace.records import Dispatch, Response, encodable
from signalcli.trace.representation import is_describing


@dataclass(slots=True)
class ReceiverTotal:
    """The responses of one receiver to one signal.

    Attributes:
        receiver: the receiver's full name.
        signal: the signal's short name.
        signal_path: its full name.
        runs: how often the receiver was called.
        failures: how often it raised.
        seconds: how long it ran in all, with everything that it set off.
        begun: when it ran first, in seconds on the clock of ``time.perf_counter``; infinite where
            that is unknown.
    """

    receiver: str
    signal: str
    signal_path: str
    runs: int = 0
    failures: int = 0
    seconds: float = 0.0
    begun: float = field(default=inf, compare=False, repr=False)


class Totals:
    """Counts and times responses while they are :func:`totalled`, in all threads.

    Iterated over, it gives a :class:`ReceiverTotal` for each receiver of each signal, in the order
    of their first runs. It does not grow with the number of dispatches, and keeps neither signals
    nor receivers alive.
    """

    def __init__(self) -> None:
        # A finaliser may send a signal wherever the garbage collector strikes, also in here.
        self._lock = threading.RLock()
        self._totals: dict[tuple[str, str], ReceiverTotal] = {}
        # The same totals, found without spelling out names: by the id of the signal, which dies
        # with the entry, and by what tells receivers' names apart.
        self._known: dict[int, tuple[weakref.ref[Signal], dict[object, ReceiverTotal]]] = {}

    def __iter__(self) -> Iterator[ReceiverTotal]:
        with self._lock:
            return iter([replace(total) for total in sorted(self._totals.values(), key=_begun)])

    def measured(
        self,
        signal: Signal,
        receiver: Receiver,
        begun: float,
        seconds: float,
        error: BaseException | None,
    ) -> None:
        """See :class:`signalcli.dispatch.Meter`."""
        # The description of a value for a trace, which may be kept as well, is no part of the run.
        if is_describing():
            return
        key = (
            (receiver.__module__, receiver.__qualname__)
            if type(receiver) is FunctionType or type(receiver) is MethodType
            else full_name(receiver)
        )
        with self._lock:
            known = self._known.get(id(signal))
            total = None if known is None else known[1].get(key)
            if total is None:
                total = self._first(signal, receiver, key)
            total.runs += 1
            total.seconds += seconds
            if error is not None:
                total.failures += 1
            if begun < total.begun:
                total.begun = begun

    def _first(self, signal: Signal, receiver: Receiver, key: object) -> ReceiverTotal:
        """The total of a receiver of a signal, where this key is new."""
        number, known = id(signal), self._known
        if number not in known:
            known[number] = weakref.ref(signal, lambda _: known.pop(number, None)), {}
        names = encodable(full_name(receiver)), encodable(signal.path)
        total = self._totals.setdefault(
            names, ReceiverTotal(names[0], encodable(signal.name), names[1])
        )
        known[number][1][key] = total
        return total


def _begun(total: ReceiverTotal) -> float:
    return total.begun


def totalled(totals: Totals) -> AbstractContextManager[None]:
    """In the block, every response to every signal is added to the totals, in all threads.

    Signals without receivers stay idle. The output of receivers is left alone (see
    :func:`signalcli.trace.output.dropped_output`).
    """
    return metered(totals)


class BlamingTotals(Totals):
    """Totals that also name the receiver that raised an exception, while it is on its way up."""

    def __init__(self) -> None:
        super().__init__()
        self._culprits: Culprits[tuple[Signal, Receiver]] = Culprits()

    def measured(
        self,
        signal: Signal,
        receiver: Receiver,
        begun: float,
        seconds: float,
        error: BaseException | None,
    ) -> None:
        """See :class:`signalcli.dispatch.Meter`."""
        super().measured(signal, receiver, begun, seconds, error)
        if error is not None:
            self._culprits.note(error, (signal, receiver))

    def culprit(self, error: BaseException) -> Response | None:
        """The response that raised an exception first, or None where none did."""
        known = self._culprits.of(error)
        if known is None:
            return None
        signal, receiver = known
        dispatch = Dispatch(0, None, signal.name, signal.path, None, False, {}, begun=0.0)
        return Response(dispatch, full_name(receiver), begun=0.0)

    def function_of(self, error: BaseException) -> str:
        """Totals do not know which function failed after the commit: an empty string."""
        return ""


def totals_of(responses: Iterable[Response]) -> list[ReceiverTotal]:
    """The totals of each receiver and signal in a trace, in the order of their first runs."""
    totals: dict[tuple[str, str], ReceiverTotal] = {}
    for response in responses:
        receiver, of = response.receiver, response.dispatch
        new = ReceiverTotal(receiver, of.signal, of.signal_path)
        total = totals.setdefault((receiver, of.signal_path), new)
        total.runs += 1
        total.failures += response.failure is not None
        total.seconds += response.seconds or 0.0
    return list(totals.values())
