"""The message of an assertion that fails: the difference, and the tree of the dispatches."""

from collections.abc import Iterable, Sequence
from typing import Any

from signalcli.render.console import as_text
from signalcli.render.table import TraceTable
from signalcli.testing.record import RecordedDispatch
from signalcli.testing.wanted import Wanted, is_equal, shown
from signalcli.trace import Recorder

MOST_ROWS = 200
MOST_NUMBERS = 10
MOST_NEAR_MISSES = 5


def tree_of(recorder: Recorder) -> str:
    """The tree as text, at most its last 200 rows."""
    if not recorder.trace.dispatches:
        return "no signal was sent"
    return as_text(TraceTable(recorder.trace, now=recorder.now(), last_rows=MOST_ROWS))


def expected_number(times: int | None, one: str, many: str) -> str:
    """The number that was expected, with its noun; None for at least one."""
    if times is None:
        return f"a {one}"
    return f"{times} {many}" if times > 1 else f"{times or 'no'} {one}"


def found_number(dispatches: Sequence[RecordedDispatch]) -> str:
    """The number that was found, and which dispatches these are."""
    if not dispatches:
        return "there was none"
    numbers = [f"#{dispatch.number}" for dispatch in dispatches[:MOST_NUMBERS]]
    if len(dispatches) > MOST_NUMBERS:
        numbers.append("…")
    count = "was one" if len(dispatches) == 1 else f"were {len(dispatches)}"
    return f"there {count} ({', '.join(numbers)})"


def near_misses(wanted: Wanted, dispatches: Iterable[RecordedDispatch]) -> list[str]:
    """A line for each dispatch that differs in its arguments alone; at most five lines."""
    missed = [
        dispatch
        for dispatch in dispatches
        if wanted.fits_but_for_arguments(dispatch) and not wanted.fits(dispatch)
    ]
    return [_difference_of(wanted, dispatch) for dispatch in missed[:MOST_NEAR_MISSES]]


def named(dispatch: RecordedDispatch) -> str:
    """A dispatch by its signal, sender and number."""
    sender = "" if dispatch.entry.sender is None else f" for {dispatch.entry.sender}"
    return f"{dispatch.entry.signal}{sender} (#{dispatch.number})"


def _difference_of(wanted: Wanted, dispatch: RecordedDispatch) -> str:
    differences = []
    for name, expected in wanted.arguments.items():
        if name not in dispatch.arguments:
            differences.append(f"{name}: not among its arguments")
        elif not is_equal(expected, dispatch.arguments[name]):
            differences.append(_difference(name, expected, dispatch.arguments[name]))
    return f"#{dispatch.number} differs in {'; '.join(differences)}"


def _difference(name: str, expected: Any, value: Any) -> str:
    """How a value differs from what was expected."""
    wanted, got = shown(expected, name), shown(value, name)
    if wanted == got:
        got = "another that looks the same"
    return f"{name}: expected {wanted}, got {got}"
