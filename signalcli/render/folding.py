"""Which dispatches share a row in a picture of a trace: repeated ones, and unheard neighbours."""

from collections.abc import Container, Iterable, Sequence
from itertools import chain, groupby
from typing import NamedTuple

from signalcli.trace.records import Dispatch, Response, Trace

# Two or three users that a command registers are a story each; from here on they are a crowd.
FEWEST_REPEATED = 4

# Any command may send these. They tell nothing of its work.
MACHINERY = {
    "signalcli.apps.signals.command_started",
    "signalcli.db.signals.connection_created",
    "signalcli.db.signals.pre_migrate",
    "signalcli.db.signals.post_migrate",
    "signalcli.apps.signals.got_command_exception",
    "signalcli.apps.signals.command_finished",
}

_Shape = int


class Group(NamedTuple):
    """Dispatches that share a row.

    Attributes:
        dispatches: the dispatches, all of one shape unless nobody heard them.
        is_unheard: whether it is a stretch of dispatches that nobody received. They may be of any
            signals and senders, but the machinery's keep to themselves.
    """

    dispatches: list[Dispatch]
    is_unheard: bool = False


class Folding:
    """Decides which dispatches of a trace share a row.

    Two dispatches have the same shape where they have the same signal, sender and receivers, whose
    responses ended alike and caused heard dispatches of the same shapes. How many they caused, what
    they returned and what they printed may differ.

    Arguments:
        trace: the trace, finished or growing.
        is_whole: whether every dispatch gets a row of its own.
    """

    def __init__(self, trace: Trace, *, is_whole: bool = False) -> None:
        dispatches = list(trace.dispatches)
        self._is_whole = is_whole
        self._heard = set(filter(is_heard, dispatches))
        self._shapes = _shapes(dispatches, self._heard)
        self._roots = [dispatch for dispatch in dispatches if dispatch.parent is None]

    def roots(self) -> list[Group]:
        """The dispatches that no response caused, in their groups."""
        return self._groups(self._roots, FEWEST_REPEATED)

    def caused_by(self, responses: Sequence[Response]) -> list[Group]:
        """The dispatches that some responses caused, in their groups.

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
            return [Group([dispatch]) for dispatch in shown]
        alike: dict[_Shape, list[Dispatch]] = {}
        for dispatch in shown:
            alike.setdefault(self._shapes[dispatch], []).append(dispatch)
        rows: list[list[Dispatch]] = []
        for dispatch in shown:
            repeated = alike[self._shapes[dispatch]]
            if len(repeated) < fewest:
                rows.append([dispatch])
            elif repeated[0] is dispatch:
                rows.append(repeated)
        groups: list[Group] = []
        for kind, neighbours in groupby(rows, key=self._unheard_kind):
            if kind is None:
                groups += map(Group, neighbours)
            else:
                groups.append(Group([*chain(*neighbours)], is_unheard=True))
        return groups

    def _unheard_kind(self, row: list[Dispatch]) -> tuple[bool, int | None] | None:
        """What unheard dispatches of one stretch have in common; None for heard ones.

        The machinery's tell nothing of a command's work. What a receiver printed ends a stretch.
        """
        first = row[0]
        return (
            None if first in self._heard else (first.signal_path in MACHINERY, first.output_before)
        )


def is_heard(dispatch: Dispatch) -> bool:
    """Whether a dispatch reached a receiver, or was kept from it on purpose."""
    return bool(dispatch.responses) or dispatch.muted


def _shapes(dispatches: Sequence[Dispatch], heard: Container[Dispatch]) -> dict[Dispatch, _Shape]:
    """The shape of every dispatch."""
    numbers: dict[tuple[object, ...], _Shape] = {}
    shapes: dict[Dispatch, _Shape] = {}
    # From the last to the first: what a response caused began after it.
    for dispatch in reversed(dispatches):
        responses = list(dispatch.responses)
        shape = (
            dispatch.signal_path,
            dispatch.sender,
            dispatch.robust,
            dispatch.muted,
            *dispatch.not_called,
            *(_ending(response, shapes, heard) for response in responses),
        )
        shapes[dispatch] = numbers.setdefault(shape, len(numbers))
    return shapes


def _ending(
    response: Response, shapes: dict[Dispatch, _Shape], heard: Container[Dispatch]
) -> tuple[object, ...]:
    failure = response.failure
    caused = (each for each in list(response.caused) if each in shapes and each in heard)
    return (
        response.receiver,
        failure and (failure.type, failure.function),
        response.injected,
        response.seconds is None,
        *dict.fromkeys(map(shapes.__getitem__, caused)),
    )
