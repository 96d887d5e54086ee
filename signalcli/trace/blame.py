"""Totals that know who is to blame for an exception, as a recorder does."""

from collections.abc import Iterable

from signalcli.dispatch import Receiver, Signal
from signalcli.dispatch.signatures import describe as full_name
from signalcli.trace.records import Dispatch, Response
from signalcli.trace.totals import ReceiverTotal, Totals

MOST_EXCEPTIONS = 100


class BlamingTotals(Totals):
    """Totals that tell, as long as an exception is on its way, which receiver raised it."""

    def __init__(self) -> None:
        super().__init__()
        # The exceptions themselves, so that no other can take the id of one.
        self._raised: dict[int, tuple[BaseException, Signal, Receiver]] = {}

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
            self._raised.setdefault(id(error), (error, signal, receiver))
            if len(self._raised) > MOST_EXCEPTIONS:
                # Receivers may catch what they cause; the oldest are of no interest any more.
                del self._raised[next(iter(self._raised))]

    def culprit(self, error: BaseException) -> Response | None:
        """The response that raised an exception first, or None where none did."""
        # What a receiver of connection_created raises, SQLAlchemy wraps where it is the driver's.
        raised = error if id(error) in self._raised else getattr(error, "orig", None)
        if id(raised) not in self._raised:
            return None
        _, signal, receiver = self._raised[id(raised)]
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
    """What each receiver did with each signal in a trace, in the order in which they first ran."""
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
