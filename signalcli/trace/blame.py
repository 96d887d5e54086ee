"""Totals that also know the culprit of an exception, as a recorder does."""

from collections.abc import Iterable

from signalcli.dispatch import Receiver, Signal
from signalcli.dispatch.signatures import describe as full_name
from signalcli.trace.culprits import Culprits
from signalcli.trace.records import Dispatch, Response
from signalcli.trace.totals import ReceiverTotal, Totals


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
