"""What a picture of a trace leaves out: unheard dispatches, and those that repeat another one."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from signalcli.trace.records import Dispatch, Response, Trace

# Two or three users that a command registers are a story each; from here on they are a crowd.
FEWEST_REPEATED = 4
MOST_NAMED = 12
MOST_STRETCHES = 8

# Any command may send these. They tell nothing of its work.
MACHINERY = {
    "signalcli.apps.signals.command_started",
    "signalcli.db.signals.connection_created",
    "signalcli.db.signals.pre_migrate",
    "signalcli.db.signals.post_migrate",
    "signalcli.apps.signals.got_command_exception",
    "signalcli.apps.signals.command_finished",
}

Group = list[Dispatch]
_Shape = int


class Folding:
    """Decides which dispatches of a trace share a row, and which get none.

    Two dispatches have the same shape where they have the same signal, sender and receivers, whose
    responses ended alike and caused dispatches of the same shapes. How many they caused, what they
    returned and what they printed may differ.

    Arguments:
        trace: the trace, finished or growing.
        is_whole: whether every dispatch gets a row of its own.

    Attributes:
        unheard: the dispatches without a row, in the order in which they began.
    """

    def __init__(self, trace: Trace, *, is_whole: bool = False) -> None:
        dispatches = list(trace.dispatches)
        self._is_whole = is_whole
        self._shapes = _shapes(dispatches, is_whole)
        self._roots = [dispatch for dispatch in dispatches if dispatch.parent is None]
        self.unheard = [dispatch for dispatch in dispatches if dispatch not in self._shapes]

    def roots(self) -> list[Group]:
        """The dispatches that no response caused; those of one group share a row."""
        return self._groups(self._roots, FEWEST_REPEATED)

    def caused_by(self, responses: Sequence[Response]) -> list[Group]:
        """The dispatches that some responses caused; those of one group share a row.

        Arguments:
            responses: one response, or those of a group of dispatches, all of the same receiver.
        """
        caused = [dispatch for response in responses for dispatch in list(response.caused)]
        return self._groups(caused, FEWEST_REPEATED if len(responses) == 1 else 1)

    def _groups(self, dispatches: Iterable[Dispatch], fewest: int) -> list[Group]:
        """The groups in the order of their first members; a small one falls apart."""
        # While the trace grows, a dispatch may have begun after the shapes were taken.
        shown = [dispatch for dispatch in dispatches if dispatch in self._shapes]
        if self._is_whole:
            return [[dispatch] for dispatch in shown]
        alike: dict[_Shape, Group] = {}
        for dispatch in shown:
            alike.setdefault(self._shapes[dispatch], []).append(dispatch)
        groups: list[Group] = []
        for dispatch in shown:
            group = alike[self._shapes[dispatch]]
            if len(group) < fewest:
                groups.append([dispatch])
            elif group[0] is dispatch:
                groups.append(group)
        return groups


def is_heard(dispatch: Dispatch) -> bool:
    """Whether a dispatch reached a receiver, or was kept from it on purpose."""
    return bool(dispatch.responses) or dispatch.muted


def _shapes(dispatches: Sequence[Dispatch], is_whole: bool) -> dict[Dispatch, _Shape]:
    """The shape of every dispatch that gets a row."""
    numbers: dict[tuple[object, ...], _Shape] = {}
    shapes: dict[Dispatch, _Shape] = {}
    # From the last to the first: what a response caused began after it.
    for dispatch in reversed(dispatches):
        if not (is_whole or is_heard(dispatch)):
            continue
        responses = list(dispatch.responses)
        shape = (
            dispatch.signal_path,
            dispatch.sender,
            dispatch.robust,
            dispatch.muted,
            *dispatch.not_called,
            *(_ending(response, shapes) for response in responses),
        )
        shapes[dispatch] = numbers.setdefault(shape, len(numbers))
    return shapes


def _ending(response: Response, shapes: dict[Dispatch, _Shape]) -> tuple[object, ...]:
    failure = response.failure
    caused = (shapes[dispatch] for dispatch in list(response.caused) if dispatch in shapes)
    return (
        response.receiver,
        failure and failure.type,
        response.injected,
        response.seconds is None,
        *dict.fromkeys(caused),
    )


class Unheard(NamedTuple):
    """Unheard dispatches that are told of on one line.

    Attributes:
        dispatches: the dispatches, in the order in which they began.
        cause: the response that caused all of them, or None.
        is_crowd: whether there are so many that those of one sender are told of together, with
            others between them and with different causes.
    """

    dispatches: list[Dispatch]
    cause: Response | None = None
    is_crowd: bool = False


def told(unheard: Sequence[Dispatch]) -> list[Unheard]:
    """Unheard dispatches in the order of the run: a line for each stretch with one cause.

    Where there are too many stretches, a line for each sender.
    """
    stretches: list[Unheard] = []
    for dispatch in unheard:
        last = stretches[-1] if stretches else None
        if (
            last is not None
            and last.cause is dispatch.parent
            and last.dispatches[-1].seq == dispatch.seq - 1
        ):
            last.dispatches.append(dispatch)
        else:
            stretches.append(Unheard([dispatch], dispatch.parent))
    if len(stretches) <= MOST_STRETCHES:
        return stretches
    senders: dict[str | None, list[Dispatch]] = {}
    for dispatch in unheard:
        senders.setdefault(dispatch.sender, []).append(dispatch)
    return [Unheard(dispatches, is_crowd=True) for dispatches in senders.values()]
