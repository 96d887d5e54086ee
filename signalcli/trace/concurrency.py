"""What ran at the same time as something else of its kind."""

from collections.abc import Iterable
from math import inf
from typing import TypeVar

from signalcli.trace.records import Dispatch, Response

Record = TypeVar("Record", Dispatch, Response)

# A clock's time and a sum of two of them differ by what is lost in rounding.
ROUNDING = 1e-9


def concurrent(records: Iterable[Record]) -> set[Record]:
    """Those of some dispatches or responses that overlap in time with another one of them.

    Of a dispatch's responses these are the ones of async receivers that waited side by side. What
    is unfinished goes on for ever.
    """
    found: set[Record] = set()
    latest: Record | None = None
    for record in sorted(records, key=lambda record: (record.begun, _end(record))):
        if latest is not None and record.begun < _end(latest) - ROUNDING:
            found |= {latest, record}
        if latest is None or _end(record) > _end(latest):
            latest = record
    return found


def _end(record: Dispatch | Response) -> float:
    return inf if record.seconds is None else record.begun + record.seconds
