"""A trace and its values as text for people, harmless to a terminal, without Rich.

Rich takes long to load, and longer to measure, pad and split every cell with its styles. A pipe
needs none of that: where nothing has to be wrapped or coloured, tables are laid out as text.
"""

import os
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TextIO

from rich.cells import cell_len

from signalcli.trace.records import (
    Dispatch,
    Representation,
    Response,
    SideBySide,
    Trace,
    encodable,
)

FAILED = "✗"
RUNNING = "…"
NO_RECEIVERS = "no receivers"
MUTED = "muted"

HEADINGS = ("#", "Signal", "Sender", "Receiver", "Answer", "Time")
NUMBER, TIME = HEADINGS.index("#"), HEADINGS.index("Time")
RECEIVER, ANSWER = HEADINGS.index("Receiver"), HEADINGS.index("Answer")

UNLIMITED = 100_000
GAP = "  "
RULE = "─"
_UNEVEN = ("\n", "\t")

# The marks that turn the direction of writing belong here: they would move the text after them.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
# XML cannot write these characters, not even as references.
_UNFIT = re.compile("[\ufffe\uffff]")


def visible(text: str) -> str:
    """The text with its control characters as escapes, except line ends and tabs."""
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def on_one_line(text: str) -> str:
    """The text with its line ends and control characters as escapes."""
    return visible(text).replace("\n", "\\n")


def fit_for_markup(text: str) -> str:
    """The text, with escapes for characters that XML or UTF-8 cannot carry or nobody can see.

    Markup stays as it is: the text may be a single name or a whole document.
    """
    text = visible(encodable(text))
    return _UNFIT.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def duration(seconds: float) -> str:
    """A duration in seconds, spelled in seconds or milliseconds with the digits that matter."""
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1000:.{2 if seconds < 0.01 else 0}f} ms"


def delay(response: Response) -> str:
    """The delay of a response that was delayed on purpose; otherwise an empty text."""
    seconds = response.injected.delay if response.injected is not None else 0.0
    return f"delayed {duration(seconds)}" if seconds else ""


def spelled(value: Representation) -> str:
    """A value for people: a text as it is, any other value as Python writes it."""
    return value if isinstance(value, str) else repr(value)


class Paper(NamedTuple):
    """A stream that takes text alone, without colours.

    Attributes:
        width: how many characters fit on a line.
        is_ascii: whether its encoding has no characters for lines.
    """

    width: int
    is_ascii: bool = False


def paper_of(stream: TextIO) -> Paper | None:
    """The paper that a stream is; None where Rich has to look closer.

    A terminal is no paper, nor is a pipe that variables declare to be one.
    """
    if stream.isatty() or not os.environ.keys().isdisjoint(("FORCE_COLOR", "TTY_COMPATIBLE")):
        return None
    columns = os.environ.get("COLUMNS", "")
    encoding = (getattr(stream, "encoding", None) or "utf-8").lower()
    return Paper(
        int(columns) if columns.isdigit() else UNLIMITED, is_ascii=not encoding.startswith("utf")
    )


class Cell(NamedTuple):
    """A cell of a table.

    Attributes:
        parts: its texts, without control characters, each with its style.
        indent: how many blanks stand before it.
    """

    parts: tuple[tuple[str, str], ...]
    indent: int = 0

    @property
    def text(self) -> str:
        """All of it, without styles."""
        return " " * self.indent + "".join(text for text, _ in self.parts)


Row = tuple[Cell, Cell, Cell, Cell, Cell, Cell]
_Rows = Iterator["Row | _Rows"]


@dataclass(frozen=True, slots=True)
class Guides:
    """The lines of the tree and other marks, in box-drawing characters or in ASCII."""

    branch: str
    last: str
    bar: str
    concurrent: str
    gap: str = "  "


LINES = Guides(branch="├ ", last="└ ", bar="│ ", concurrent="∥ ")
ASCII = Guides(branch="|-", last="`-", bar="| ", concurrent="|| ")


def rows_of(trace: Trace, now: float | None = None, *, is_ascii: bool = False) -> Iterator[Row]:
    """A row for each response, the dispatches that it caused beneath it.

    Arguments:
        trace: the trace, finished or growing.
        now: the recorder's clock, for the time that running receivers have taken so far; by
            default the time when the trace ended.
        is_ascii: whether the lines of the tree are drawn in ASCII.
    """
    tree = _Tree((trace.ended or 0.0) if now is None else now, ASCII if is_ascii else LINES)
    # A stack, as dispatches may be nested deeper than Python's calls.
    under_way: list[_Rows] = [tree.dispatch_rows(root, "", "") for root in reversed(trace.roots)]
    while under_way:
        row = next(under_way[-1], None)
        if row is None:
            under_way.pop()
        elif isinstance(row, tuple):
            yield row
        else:
            under_way.append(row)


class _Tree:
    def __init__(self, now: float, guides: Guides) -> None:
        self._now = now
        self._guides = guides
        self._side_by_side = SideBySide()

    def dispatch_rows(self, dispatch: Dispatch, first: str, rest: str) -> _Rows:
        """The rows of a dispatch, with an iterator in the place of the dispatches that it caused.

        Arguments:
            dispatch: the dispatch.
            first: the lines of the tree before its name.
            rest: the lines of the tree before the rows below its name.
        """
        responses, guides = list(dispatch.responses), self._guides
        style = "" if responses else "dim"
        number = _cell(str(dispatch.seq), "dim")
        name = Cell(((first, "dim"), (visible(dispatch.signal), style or "bold cyan")))
        sender = _cell("" if dispatch.sender is None else dispatch.sender, style)
        if not responses:
            nobody = _cell(MUTED, "yellow") if dispatch.muted else _cell(NO_RECEIVERS, "dim")
            yield number, name, sender, nobody, _EMPTY, _EMPTY
        concurrent = self._side_by_side.responses_of(dispatch)
        for index, response in enumerate(responses):
            if index:
                number, name, sender = _EMPTY, _cell(rest, "dim"), _EMPTY
            called = _cell(response.short_receiver, "red" if response.failure else "green")
            mark = guides.concurrent if response in concurrent else ""
            time = Cell(((mark, "yellow"), (_time_of(response, self._now), "dim")))
            yield number, name, sender, called, _answer(response), time
            # The dispatches that this response caused hang below, on a line from here to the last.
            below = _cell((rest + (guides.bar if response.caused else guides.gap)).rstrip(), "dim")
            if delayed := delay(response):
                yield _EMPTY, below, _EMPTY, _EMPTY, _cell(delayed, "yellow"), _EMPTY
            for line in _output_lines(response):
                printed = Cell(((visible(line), "italic"),), indent=2)
                yield _EMPTY, below, _EMPTY, printed, _EMPTY, _EMPTY
            yield self._child_rows(list(response.caused), rest)

    def _child_rows(self, children: list[Dispatch], rest: str) -> _Rows:
        guides = self._guides
        for child in children:
            is_last = child is children[-1]
            yield self.dispatch_rows(
                child,
                rest + (guides.last if is_last else guides.branch),
                rest + (guides.gap if is_last else guides.bar),
            )


def _cell(text: str, style: str = "") -> Cell:
    return Cell(((visible(text), style),))


_EMPTY = _cell("")


def _output_lines(response: Response) -> list[str]:
    lines = response.output.splitlines()
    if response.omitted:
        lines.append(f"… and {response.omitted:,} bytes more")
    return lines


def _answer(response: Response) -> Cell:
    if response.failure is not None:
        return _cell(f"{FAILED} {response.failure.story}", "red")
    if response.seconds is None:
        return _cell(f"{RUNNING} running", "yellow")
    return _cell(spelled(response.value), "dim" if response.value is None else "")


def _time_of(response: Response, now: float) -> str:
    return duration(now - response.begun if response.seconds is None else response.seconds)


def tree_text(rows: Sequence[Row], paper: Paper) -> str | None:
    """The rows under their headings, as :func:`laid_out` has them; nothing where there are none."""
    if not rows:
        return ""
    cells = [HEADINGS, *([cell.text for cell in row] for row in rows)]
    return laid_out(cells, paper.width, right=(NUMBER, TIME), ruled=not paper.is_ascii)


def laid_out(
    rows: Sequence[Sequence[str]], width: int, *, right: Collection[int] = (), ruled: bool = True
) -> str | None:
    """The lines of a table, as Rich has them with :func:`signalcli.render.console.new_table`.

    Arguments:
        rows: the headings, and then the rows.
        width: the width in characters.
        right: the columns that are aligned to the right.
        ruled: whether a line stands under the headings.

    Returns:
        The lines, or None where Rich has to wrap: a cell is too long, or has line ends or tabs.
    """
    if any(mark in cell for row in rows for cell in row for mark in _UNEVEN):
        return None
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    whole = sum(widths) + len(GAP) * (len(widths) - 1)
    if whole > width:
        return None
    lines = [
        GAP.join(
            _filled(cell, width, to_the_right=column in right)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    if ruled:
        lines.insert(1, RULE * whole)
    return "".join(line + "\n" for line in lines)


def _filled(cell: str, width: int, *, to_the_right: bool) -> str:
    if to_the_right:
        cell = cell.rstrip()
        return " " * (width - cell_len(cell)) + cell
    return cell + " " * (width - cell_len(cell))
