"""Totals per receiver: what is kept of many dispatches where a trace would be too much."""

import threading
import weakref
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from math import inf
from types import FunctionType, MethodType
from typing import Any

from signalcli.dispatch import Receiver, Signal, metered
from signalcli.dispatch.signatures import describe as full_name
from signalcli.trace.recorder import Culprits
from signalcli.trace.records import Dispatch, Response, encodable
from signalcli.trace.representation import is_describing

_Tallies = dict[object, "_Tally"]


@dataclass(frozen=True, slots=True)
class ReceiverTotal:
    """What one receiver did with one signal.

    Attributes:
        receiver: the receiver's full name.
        signal: the signal's short name.
        signal_path: its full name.
        runs: how often it was called.
        failures: how often it raised.
        seconds: how long it ran in all, with what it set off.
    """

    receiver: str
    signal: str
    signal_path: str
    runs: int
    failures: int
    seconds: float


class Totals:
    """Counts and times responses while they are :func:`totalled`, from whatever thread.

    Iterated over, it gives a :class:`ReceiverTotal` for each receiver of each signal, in the order
    in which they first ran. It takes no more room the more dispatches there are, and keeps neither
    signals nor receivers alive.
    """

    def __init__(self) -> None:
        # A finaliser may send a signal wherever the garbage collector strikes, also in here.
        self._lock = threading.RLock()
        self._tallies: dict[tuple[str, str], _Tally] = {}
        # The same ones by the id of their signal, which goes with it, and by what tells receivers'
        # names apart without spelling them out each time.
        self._known: dict[int, tuple[weakref.ref[Signal], _Tallies]] = {}

    def __iter__(self) -> Iterator[ReceiverTotal]:
        with self._lock:
            tallies = sorted(self._tallies.values(), key=lambda tally: tally.begun)
            totals = [
                ReceiverTotal(
                    receiver=tally.receiver,
                    signal=tally.signal,
                    signal_path=tally.signal_path,
                    runs=tally.runs,
                    failures=tally.failures,
                    seconds=tally.seconds,
                )
                for tally in tallies
            ]
        return iter(totals)

    def measured(
        self,
        signal: Signal,
        receiver: Receiver,
        begun: float,
        seconds: float,
        error: BaseException | None,
    ) -> None:
        """See :class:`signalcli.dispatch.Meter`."""
        # What a trace that is kept as well asks values for is no part of the run.
        if is_describing():
            return
        key = (
            (receiver.__module__, receiver.__qualname__)
            if type(receiver) is FunctionType or type(receiver) is MethodType
            else full_name(receiver)
        )
        with self._lock:
            known = self._known.get(id(signal))
            tally = None if known is None else known[1].get(key)
            if tally is None:
                tally = self._first(signal, receiver, key)
            tally.runs += 1
            tally.seconds += seconds
            if error is not None:
                tally.failures += 1
            if begun < tally.begun:
                tally.begun = begun

    def _first(self, signal: Signal, receiver: Receiver, key: object) -> "_Tally":
        """The tally of a receiver of a signal, where it is not known under this key yet."""
        known = self._known.get(id(signal))
        if known is None:
            known = self._known[id(signal)] = _reference(signal, self._known), {}
        names = encodable(full_name(receiver)), encodable(signal.path)
        tally = self._tallies.setdefault(names, _Tally(encodable(signal.name), *names))
        known[1][key] = tally
        return tally


@dataclass(slots=True, eq=False)
class _Tally:
    signal: str
    receiver: str
    signal_path: str
    begun: float = inf
    runs: int = 0
    failures: int = 0
    seconds: float = 0.0


def totalled(totals: Totals) -> AbstractContextManager[None]:
    """Within it, every response to every signal is added to the totals, in all threads.

    Signals that have no receiver stay idle. What receivers print is left alone (see
    :func:`signalcli.trace.output.dropped_output`).
    """
    return metered(totals)


def _reference(signal: Signal, known: dict[int, Any]) -> "weakref.ref[Signal]":
    """A weak reference to a signal, with whose end it is known no more."""
    number = id(signal)
    return weakref.ref(signal, lambda _: known.pop(number, None))


class BlamingTotals(Totals):
    """Totals that tell which receiver raised an exception that is still on its way up."""

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
        dispatch = Dispatch(
            seq=0,
            parent=None,
            signal=signal.name,
            signal_path=signal.path,
            sender=None,
            robust=False,
            arguments={},
            begun=0.0,
        )
        return Response(dispatch, full_name(receiver), begun=0.0)


def totals_of(responses: Iterable[Response]) -> list[ReceiverTotal]:
    """The totals of each receiver and signal in a trace, in the order of their first runs."""
    totals: dict[tuple[str, str], ReceiverTotal] = {}
    for response in responses:
        of = response.dispatch
        none = ReceiverTotal(response.receiver, of.signal, of.signal_path, 0, 0, 0.0)
        so_far = totals.get((response.receiver, of.signal_path), none)
        totals[response.receiver, of.signal_path] = ReceiverTotal(
            response.receiver,
            of.signal,
            of.signal_path,
            so_far.runs + 1,
            so_far.failures + (response.failure is not None),
            so_far.seconds + (response.seconds or 0.0),
        )
    return list(totals.values())
