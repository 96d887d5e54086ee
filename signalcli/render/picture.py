"""The picture of a trace: the rows of its tree, laid out in a width.

It is drawn here once, as lines of styled texts, without Rich. Every view shows it: the terminal, a
pipe, the log, a failed test, an exported file. What stands in its rows is decided in
:mod:`signalcli.render.tree`.
"""

from collections.abc import Iterator
from itertools import takewhile
from typing import NamedTuple

from rich.cells import cell_len

from signalcli.render.folding import is_heard
from signalcli.render.text import GAP, RULE, Paper
from signalcli.render.tree import ASCII, LINES, Row, Tree, plain_line
from signalcli.render.wrapping import Line, length, wrapped
from signalcli.trace.records import Trace

LEAST_TREE = 24
LEAST_TEXT = 24
# Headings and unheard dispatches make a table no wider than this, unless a name is longer.
MODEST_WIDTH = 80
# The heading of the times where there is room for it, and where there is not.
TIMES = "Time with all inside", "Total time", "Time"


class Work(NamedTuple):
    """The work that sent the dispatches of a trace.

    Attributes:
        title: what it was, in a few words, as ``register xyz``; or nothing.
        is_failed: whether it failed.
        is_rolled_back: whether what it wrote was rolled back.
    """

    title: str = ""
    is_failed: bool = False
    is_rolled_back: bool = False


def title_of(command: str, command_line: str) -> str:
    """The beginning of a command line, from the command to its first option.

    Arguments:
        command: the command's name, one word or several.
        command_line: the whole command line.
    """
    names, words = command.split(), command_line.split()
    for place in range(len(words)):
        if words[place : place + len(names)] == names:
            values = words[place + len(names) :]
            return " ".join([*names, *takewhile(lambda word: word[0] != "-", values)])
    return command


class Picture:
    """A trace, drawn for a stream of some width.

    Arguments:
        trace: the trace, finished or growing.
        now: the recorder's clock, for the time that running receivers have taken so far; by
            default the time when the trace ended.
        work: the work that sent the dispatches.
        is_whole: whether every dispatch gets a row, also those that nobody received and those that
            repeat another one.
        is_ascii: whether the stream takes ASCII only.
        last_rows: how many rows are drawn at most, the last ones; None for all.
    """

    def __init__(
        self,
        trace: Trace,
        now: float | None = None,
        *,
        work: Work = Work(),  # noqa: B008  # it cannot be changed
        is_whole: bool = False,
        is_ascii: bool = False,
        last_rows: int | None = None,
    ) -> None:
        self._marks = ASCII if is_ascii else LINES
        self._is_ascii = is_ascii
        self._title = plain_line(work.title)
        tree = Tree(
            trace,
            (trace.ended or 0.0) if now is None else now,
            self._marks,
            is_whole=is_whole,
            is_rolled_back=work.is_rolled_back,
        )
        rows = list(tree.rows())
        self._has_heading = not all(row.is_unheard for row in rows)
        self._rows = rows if last_rows is None else rows[-last_rows:]

    def lines(self, width: int) -> Iterator[Line]:
        """The lines of the picture, none longer than a width in characters.

        They are rows in three columns: numbers, the tree, times. A trace without dispatches has no
        lines, and one that nobody received no headings.
        """
        rows = self._rows
        if not rows:
            return
        numbers_of = [row.number for row in rows] + ["#"] * self._has_heading
        whole, part = (
            max(map(len, pieces)) for pieces in zip(*map(_split_number, numbers_of), strict=True)
        )
        numbers, times = whole + part, max(len(row.time) for row in rows)
        # Where there is hardly any room, the tree needs it most.
        if width - numbers - len(TIMES[1]) - 2 * len(GAP) < LEAST_TREE:
            times = 0
        if width - numbers - len(GAP) < LEAST_TREE:
            numbers = 0
        before, after = (column + len(GAP) if column else 0 for column in (numbers, times))
        # Where no time stands, a row reaches below the times.
        natural = max(
            _natural(row, MODEST_WIDTH - before) - (0 if row.time else after) for row in rows
        )
        tree = max(1, min(natural, width - before - after))
        if self._has_heading:
            most = min(width, max(before + tree + after, MODEST_WIDTH)) - before
            text, time = self._heading(most, has_times=bool(times))
            tree = max(tree, min(cell_len(text) + len(time), width - before) - after)
            number = _aligned("#", whole, part).ljust(numbers) + GAP if numbers else ""
            for parts in wrapped([(text, "bold")], tree + after, tree + after):
                gap = tree + after - length(parts) - len(time)
                yield [(number, "bold"), *parts, (" " * gap + time, "bold")]
                number, time = " " * len(number), ""
            if not self._is_ascii:
                yield [(RULE * (before + tree + after), "")]
        for row in rows:
            number = _aligned(row.number, whole, part) if numbers else ""
            for parts in self._wrapped_row(row, tree, after):
                line: Line = [(number.ljust(numbers) + GAP, "dim")] if numbers else []
                line += parts
                if times and row.time and number.strip():
                    gap = tree - length(parts) + after - len(row.time)
                    line += [(" " * gap, ""), (row.time, "dim")]
                yield line
                number = ""

    def _heading(self, most: int, *, has_times: bool) -> tuple[str, str]:
        """The heading of the tree and that of the times, as much of them as fits.

        Arguments:
            most: how wide both may be.
            has_times: whether there is a column of times.
        """
        words = self._title.split()
        titles = [" ".join(words[:count]) + ": s" for count in range(len(words), 0, -1)]
        times = [GAP + time for time in TIMES] if has_times else [""]
        for beginnings in (titles, ["S"]):
            for time in times:
                for beginning in beginnings:
                    text = f"{beginning}ignal n {self._marks.arrow} receivers n.1, n.2"
                    if cell_len(text) + len(time) <= most:
                        return text, time
        return text, time

    def _wrapped_row(self, row: Row, width: int, after: int) -> Iterator[Line]:
        """The lines of a row, of which the first leaves its time room."""
        first, further = width + (0 if row.time else after), width + after
        least = min(LEAST_TEXT, (first + 1) // 2, length(row.parts))
        most = max(0, first - least)
        guide, below = self._cut(row.guide, most), self._cut(row.below, most)
        room = first - len(guide), further - len(below)
        parts = row.fullest if length(row.fullest) <= room[0] else row.parts
        for place, line in enumerate(wrapped(parts, *room)):
            yield [(below if place else guide, "dim"), *line]

    def _cut(self, guide: str, most: int) -> str:
        """The end of the lines of a tree that is too deep for the width."""
        if len(guide) <= most:
            return guide
        more = self._marks.more
        return (more + guide[len(guide) - most + len(more) :]) if most > len(more) else ""


def _natural(row: Row, most: int) -> int:
    """How wide a row is on one line; if it is an unheard one, at most so wide that a part fits."""
    guide, text = cell_len(row.guide), length(row.fullest)
    if not row.is_unheard:
        return guide + text
    return min(guide + text, max(most, guide + max(length([part]) for part in row.parts)))


def _split_number(number: str) -> tuple[str, str]:
    """The part of a number that is aligned to the right, and the part after it."""
    part = number.lstrip("#0123456789")
    return number.removesuffix(part), part


def _aligned(number: str, whole: int, part: int) -> str:
    left, right = _split_number(number)
    return left.rjust(whole) + right.ljust(part)


def is_shown(trace: Trace, *, is_failed: bool, is_whole: bool) -> bool:
    """Whether people see the picture: not of a failure before anybody received anything.

    All that there is to see then is the error.

    Arguments:
        trace: the trace.
        is_failed: whether the run failed.
        is_whole: whether every dispatch is asked for.
    """
    return not is_failed or is_whole or any(map(is_heard, list(trace.dispatches)))


def text_of(picture: Picture, paper: Paper) -> str:
    """The lines of a picture as plain text."""
    lines = ("".join(text for text, _ in line) for line in picture.lines(paper.width))
    return "".join(line.rstrip() + "\n" for line in lines)
