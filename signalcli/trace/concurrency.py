"""Concurrency: dispatches and responses that ran at the same time as others."""

from collections.abc import Iterable
from math import inf
from typing import TypeVar

from signalcli.trace.records import Dispatch, Response

Record = TypeVar("Record", Dispatch, Response)

# A begin plus a duration may differ from the clock's time of the same moment by rounding.
ROUNDING = 1e-9


def concurrent(records: Iterable[Record]) -> set[Record]:
    """Those dispatches or responses that overlap in time with another one of them.

    Among the responses of a dispatch these are the async receivers that waited side by side. An
    unfinished record has no end.
    """
    found: set[Record] = set()
    latest: Record | None = None
    for record in sorted(records, key=lambda record: (record.begun, _end(record))):
        if latest is not None and record.begun < _end(latest) - ROUNDING:
            found |= {latest, record}
        if latest is None or _end(record) > _end(latest):
            latest = record
    return found


class SideBySide:
    """The responses of one trace that ran at the same time as others.

    These are the responses of one dispatch that overlap, and all responses of a dispatch that
    overlaps with another one of the same cause, where another thread or task sent one of the two.
    (In a single thread and task, two dispatches of one cause only overlap where one is nested in
    the other: a flush in a receiver may report a change that was made before it.)
    """

    def __init__(self) -> None:
        self._dispatches: dict[Response, set[Dispatch]] = {}

    def responses_of(self, dispatch: Dispatch) -> set[Response]:
        """The responses of a dispatch that ran at the same time as others."""
        if dispatch.parent is not None and dispatch in self._caused_by(dispatch.parent):
            return set(dispatch.responses)
        return concurrent(dispatch.responses)

    def _caused_by(self, cause: Response) -> set[Dispatch]:
        found = self._dispatches.get(cause)
        if found is None:
            found = self._dispatches[cause] = _beside_another(list(cause.caused))
        return found


def _beside_another(dispatches: list[Dispatch]) -> set[Dispatch]:
    away = [dispatch for dispatch in dispatches if dispatch.elsewhere]
    if not away:
        return set()
    return {
        dispatch
        for dispatch in concurrent(dispatches)
        if dispatch.elsewhere or any(_overlap(dispatch, other) for other in away)
    }


def _overlap(one: Dispatch, other: Dispatch) -> bool:
    return one.begun < _end(other) - ROUNDING and other.begun < _end(one) - ROUNDING


def _end(record: Dispatch | Response) -> float:
    return inf if record.seconds is None else record.begun + record.seconds
