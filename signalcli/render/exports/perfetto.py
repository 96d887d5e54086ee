"""The run on a timeline, as Chrome's trace events: for ui.perfetto.dev and ``chrome://tracing``."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from signalcli.log.runs import Run
from signalcli.render.document import dispatches_of, dumps
from signalcli.render.text import FAILED
from signalcli.trace.records import Dispatch, Response, Trace

# An eighth of a microsecond is exact in binary and in decimal, so that no viewer's arithmetic can
# make a slice stick out of the one around it.
TICKS_PER_MICROSECOND = 8
TICKS_PER_SECOND = TICKS_PER_MICROSECOND * 1_000_000

PROCESS = 1
_NO_DETAILS = frozenset({"begun_ms", "duration_ms", "responses"})


@dataclass(slots=True, eq=False)
class _Slice:
    """A dispatch or a response on the timeline.

    Attributes:
        name: its name there.
        category: ``dispatch`` or ``response``.
        begin: when it began, in ticks.
        end: when it ended, in ticks.
        details: its arguments, value and other details.
        cause: the slice of the response that caused it, or of its dispatch; None for a root.
        lane: the number of its lane, which viewers take for a thread.
        led_to: the slices that it caused and that lie outside of it.
        arrow: the number of the arrow from its cause, where it lies outside of its cause.
    """

    name: str
    category: str
    begin: int
    end: int
    details: dict[str, Any]
    cause: "_Slice | None"
    lane: int = 0
    led_to: "list[_Slice]" = field(default_factory=list)
    arrow: int | None = None


_Waiting = tuple[Dispatch | Response, dict[str, Any], _Slice | None]


def export(run: Run, trace: Trace) -> str:
    """The trace events as one JSON object.

    Times count from the beginning of the run, which is given beside the events: microseconds since
    1970 would be too long for the viewers' numbers. A slice that is not whole within its cause is
    on a lane of its own, and an arrow leads there.
    """
    slices = sorted(_slices(trace), key=lambda piece: piece.begin)
    lanes = _share_lanes(slices)
    events = [*_names(run, lanes), *(event for piece in slices for event in _events(piece))]
    document = {
        "traceEvents": events,
        "displayTimeUnit": "ms",
        "otherData": {
            "begun": f"{run.begun.isoformat()}Z",
            "run": run.number,
            "command_line": run.command_line,
            "outcome": run.outcome,
        },
    }
    return dumps(document) + "\n"


def _slices(trace: Trace) -> Iterator[_Slice]:
    """All slices, each followed by those that it caused."""
    ended = _end_of(trace)
    entries = dict(zip(trace.dispatches, dispatches_of(trace), strict=True))
    waiting: list[_Waiting] = [(root, entries[root], None) for root in trace.roots[::-1]]
    while waiting:
        record, entry, cause = waiting.pop()
        piece = _slice(record, entry, cause, ended)
        yield piece
        inner: list[_Waiting]
        if isinstance(record, Dispatch):
            responses = zip(record.responses, entry["responses"], strict=True)
            inner = [(response, of_response, piece) for response, of_response in responses]
        else:
            inner = [(child, entries[child], piece) for child in record.caused]
        waiting.extend(reversed(inner))


def _slice(
    record: Dispatch | Response, entry: dict[str, Any], cause: _Slice | None, ended: float
) -> _Slice:
    details = {key: value for key, value in entry.items() if key not in _NO_DETAILS}
    if record.seconds is None:
        details["unfinished"] = True
    begin = max(_ticks(record.begun), cause.begin if cause else 0)
    end = _ticks(ended if record.seconds is None else record.begun + record.seconds)
    if cause and end == cause.end + 1:
        # Only the rounding makes it longer.
        end -= 1
    return _Slice(*_called(record), begin, max(begin, end), details, cause)


def _called(record: Dispatch | Response) -> tuple[str, str]:
    """A slice's name and category."""
    if isinstance(record, Dispatch):
        return record.signal, "dispatch"
    name = record.short_receiver
    return f"{FAILED} {name}" if record.failure else name, "response"


def _end_of(trace: Trace) -> float:
    """The end for dispatches and responses that are unfinished."""
    if trace.ended is not None:
        return trace.ended
    records: list[Dispatch | Response] = [*trace.dispatches, *trace.responses]
    return max((record.begun + (record.seconds or 0.0) for record in records), default=0.0)


def _ticks(seconds: float) -> int:
    return max(0, round(seconds * TICKS_PER_SECOND))


def _share_lanes(slices: list[_Slice]) -> int:
    """Give each slice its lane, and an arrow where it needs one.

    On a lane a slice stands on its cause or on nothing at all, and never overlaps its neighbours.

    Arguments:
        slices: in the order in which they began.

    Returns:
        How many lanes there are.
    """
    lanes: list[list[_Slice]] = [[]]
    for number, piece in enumerate(slices, 1):
        for open_slices in lanes:
            while open_slices and open_slices[-1].end <= piece.begin:
                open_slices.pop()
        cause = piece.cause
        if cause and lanes[cause.lane][-1:] == [cause] and piece.end <= cause.end:
            piece.lane = cause.lane
        else:
            free = (lane for lane, open_slices in enumerate(lanes) if not open_slices)
            piece.lane = next(free, len(lanes))
            if piece.lane == len(lanes):
                lanes.append([])
            if cause:
                piece.arrow = number
                cause.led_to.append(piece)
        lanes[piece.lane].append(piece)
    return len(lanes)


def _events(piece: _Slice) -> Iterator[dict[str, Any]]:
    """A slice, with the ends of its arrows right after it, where viewers look for them."""
    yield {
        **_placed("X", piece),
        "name": piece.name,
        "cat": piece.category,
        "dur": (piece.end - piece.begin) / TICKS_PER_MICROSECOND,
        "args": piece.details,
    }
    arrow = {"name": "caused", "cat": "cause"}
    if piece.arrow is not None:
        yield {**_placed("f", piece), **arrow, "id": piece.arrow, "bp": "e"}
    for caused in piece.led_to:
        yield {**_placed("s", piece), **arrow, "id": caused.arrow}


def _placed(phase: str, piece: _Slice) -> dict[str, Any]:
    timestamp = piece.begin / TICKS_PER_MICROSECOND
    return {"ph": phase, "ts": timestamp, "pid": PROCESS, "tid": piece.lane + 1}


def _names(run: Run, lanes: int) -> Iterator[dict[str, Any]]:
    """The names of the process and its lanes for viewers, and their order."""
    metadata = {"ph": "M", "ts": 0, "pid": PROCESS}
    yield {**metadata, "tid": 1, "name": "process_name", "args": {"name": run.command_line}}
    for lane in range(1, lanes + 1):
        name = "signals" if lane == 1 else f"meanwhile {lane - 1}"
        yield {**metadata, "tid": lane, "name": "thread_name", "args": {"name": name}}
        yield {**metadata, "tid": lane, "name": "thread_sort_index", "args": {"sort_index": lane}}
