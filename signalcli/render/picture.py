"""The picture of a trace: who received which dispatch, and what that set off.

A receiver hangs by an arrow on the dispatch that it received. A dispatch hangs by a line on the
receiver that caused it. The receivers of dispatch 6 are numbered 6.1, 6.2 and so on. Words say what
a receiver did: it printed, returned or raised. Unheard dispatches share faint rows at their place.

The picture is drawn here once, as lines of styled texts, without Rich. Every view shows it: the
terminal, a pipe, the log, a failed test, an exported file.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from rich.cells import cell_len

from signalcli.render.folding import Folding, Group, is_heard
from signalcli.render.text import (
    GAP,
    RULE,
    Paper,
    duration,
    on_one_line,
    spelled,
    visible,
)
from signalcli.render.wrapping import Line, Part, length, wrapped
from signalcli.trace.records import Dispatch, Response, SideBySide, Trace, short_name

LEAST_TREE = 24
LEAST_TEXT = 24
# Unheard dispatches make a table no wider than this, unless a name is longer.
UNHEARD_WIDTH = 80
MOST_VALUES = 3
TAB = "    "


@dataclass(frozen=True, slots=True)
class Marks:
    """The lines of the tree and other marks, in box-drawing characters or in ASCII.

    Attributes:
        receiver, last_receiver: before a receiver.
        uncalled, last_uncalled: before a receiver that was not called.
        dispatch, last_dispatch: before a dispatch that a receiver caused.
        bar: from a receiver to the next one below.
        thin_bar: from a dispatch to the next one below.
        printed: before a printed line.
        failed, concurrent: before the word that says so.
        arrow: from a signal to its receiver, in the heading.
        more: in place of what was left out.
        times, to: in a count, and between two numbers.
    """

    receiver: str = "├─▶ "
    last_receiver: str = "└─▶ "
    uncalled: str = "├╌╌ "
    last_uncalled: str = "└╌╌ "
    dispatch: str = "├─ "
    last_dispatch: str = "└─ "
    bar: str = "│   "
    thin_bar: str = "│  "
    printed: str = "┊ "
    failed: str = "✗ "
    concurrent: str = "∥ "
    arrow: str = "─▶"
    more: str = "…"
    times: str = "×"
    to: str = "–"


LINES = Marks()
ASCII = Marks(
    receiver="|-> ",
    last_receiver="`-> ",
    uncalled="|.. ",
    last_uncalled="`.. ",
    dispatch="|- ",
    last_dispatch="`- ",
    bar="|   ",
    thin_bar="|  ",
    printed=": ",
    failed="x ",
    concurrent="|| ",
    arrow="->",
    more="...",
    times="x",
    to="-",
)


class Row(NamedTuple):
    """A row of the picture.

    Attributes:
        number: the number of its dispatch, ``6``, of its dispatches, ``6–8``, or of its response,
            ``6.1``; or nothing.
        guide: the lines of the tree before its text.
        parts: its text, without control characters, each part with its style.
        time: how long it took, spelled; or nothing.
        below: the lines of the tree before the further lines of its text.
        is_unheard: whether it is a stretch of unheard dispatches.
    """

    number: str
    guide: str
    parts: tuple[Part, ...]
    time: str
    below: str
    is_unheard: bool = False


_Rows = Iterator["Row | _Rows"]


class Picture:
    """A trace, drawn for a stream of some width.

    Arguments:
        trace: the trace, finished or growing.
        now: the recorder's clock, for the time that running receivers have taken so far; by
            default the time when the trace ended.
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
        is_whole: bool = False,
        is_ascii: bool = False,
        last_rows: int | None = None,
    ) -> None:
        self._marks = ASCII if is_ascii else LINES
        self._is_ascii = is_ascii
        folding = Folding(trace, is_whole=is_whole)
        tree = _Tree(folding, (trace.ended or 0.0) if now is None else now, self._marks)
        rows = list(tree.rows())
        self._has_heading = not all(row.is_unheard for row in rows)
        self._rows = rows if last_rows is None else rows[-last_rows:]

    def lines(self, width: int) -> Iterator[Line]:
        """The lines of the picture, none longer than a width in characters.

        They are rows in three columns: numbers, the tree, times. A trace without dispatches has no
        lines, and one that nobody received no headings.
        """
        heading = Row(
            "#",
            "",
            ((f"Signal n {self._marks.arrow} receivers n.1, n.2", "bold"),),
            "Total time",
            "",
        )
        rows = [heading, *self._rows] if self._has_heading else self._rows
        if not rows:
            return
        whole, part = (
            max(map(len, pieces))
            for pieces in zip(*(_split_number(row.number) for row in rows), strict=True)
        )
        numbers, times = whole + part, max(len(row.time) for row in rows)
        # Where there is hardly any room, the tree needs it most.
        if width - numbers - times - 2 * len(GAP) < LEAST_TREE:
            times = 0
        if width - numbers - len(GAP) < LEAST_TREE:
            numbers = 0
        before, after = (column + len(GAP) if column else 0 for column in (numbers, times))
        # Where no time stands, a row reaches below the times.
        natural = max(
            _natural(row, UNHEARD_WIDTH - before) - (0 if row.time else after) for row in rows
        )
        tree = max(1, min(natural, width - before - after))
        for row in rows:
            style = "bold" if row is heading else "dim"
            number = _aligned(row.number, whole, part) if numbers else ""
            for text in self._wrapped_row(row, tree, after):
                line: Line = [(number.ljust(numbers) + GAP, style)] if numbers else []
                line += text
                if times and row.time and number.strip():
                    gap = tree - length(text) + after - len(row.time)
                    line += [(" " * gap, ""), (row.time, style)]
                yield line
                number = ""
            if row is heading and not self._is_ascii:
                yield [(RULE * (before + tree + after), "")]

    def _wrapped_row(self, row: Row, width: int, after: int) -> Iterator[Line]:
        """The lines of a row, of which the first leaves its time room."""
        first, further = width + (0 if row.time else after), width + after
        least = min(LEAST_TEXT, (first + 1) // 2, length(row.parts))
        most = max(0, first - least)
        guide, below = self._cut(row.guide, most), self._cut(row.below, most)
        room = first - len(guide), further - len(below)
        for place, line in enumerate(wrapped(row.parts, *room)):
            yield [(below if place else guide, "dim"), *line]

    def _cut(self, guide: str, most: int) -> str:
        """The end of the lines of a tree that is too deep for the width."""
        if len(guide) <= most:
            return guide
        more = self._marks.more
        return (more + guide[len(guide) - most + len(more) :]) if most > len(more) else ""


class _Tree:
    """The rows of a trace, each dispatch under the response that caused it."""

    def __init__(self, folding: Folding, now: float, marks: Marks) -> None:
        self._folding = folding
        self._now = now
        self._marks = marks
        self._side_by_side = SideBySide()

    def rows(self) -> Iterator[Row]:
        """Every row, from the top."""
        # A stack, as dispatches may be nested deeper than Python's calls.
        groups = self._folding.roots()
        under_way: list[_Rows] = [self._dispatch_rows(group, "", "") for group in reversed(groups)]
        while under_way:
            row = next(under_way[-1], None)
            if row is None:
                under_way.pop()
            elif isinstance(row, Row):
                yield row
            else:
                under_way.append(row)

    def _dispatch_rows(self, group: Group, first: str, rest: str) -> _Rows:
        """The rows of a group of dispatches, with an iterator in the place of what they caused.

        Arguments:
            group: the dispatches.
            first: the lines of the tree before their name.
            rest: the lines of the tree before the rows below their name.
        """
        dispatches, marks = group.dispatches, self._marks
        if group.is_unheard:
            yield self._unheard_row(dispatches, first, rest)
            return
        dispatch = dispatches[0]
        responses = [list(member.responses) for member in dispatches]
        places = min(map(len, responses))
        is_received = bool(places)
        parts = [(_plain(dispatch.signal), "bold cyan" if is_received else "dim")]
        if dispatch.sender is not None:
            parts += [(" from ", "dim"), (_plain(dispatch.sender), "" if is_received else "dim")]
        parts += self._count(dispatches)
        if len(dispatches) > 1:
            parts.append((f" ({dispatch.seq}{marks.to}{dispatches[-1].seq})", "dim"))
        if dispatch.muted:
            parts.append(("  muted: nobody received it", "yellow"))
        elif not is_received:
            parts.append(("  unheard", "dim"))
        time = (
            self._time([member.seconds for member in dispatches], dispatch.begun)
            if is_received
            else ""
        )
        bar = marks.bar if is_received else ""
        yield Row(str(dispatch.seq), first, tuple(parts), time, rest + bar)
        concurrent = self._side_by_side.responses_of(dispatch) if is_received else set()
        for place in range(places):
            alike = [each[place] for each in responses]
            is_last = place == places - 1 and not dispatch.not_called
            yield self._response_rows(
                alike,
                f"{dispatch.seq}.{place + 1}",
                rest,
                is_last=is_last,
                is_concurrent=alike[0] in concurrent,
            )
        for place, name in enumerate(dispatch.not_called):
            is_last = place == len(dispatch.not_called) - 1
            failed = next((each for each in responses[0][::-1] if each.has_raised), None)
            why = f", since {_plain(failed.short_receiver)} raised" if failed else ""
            text = (_plain(short_name(name)), "dim"), (f"  not called{why}", "yellow")
            guide = rest + (marks.last_uncalled if is_last else marks.uncalled)
            number = f"{dispatch.seq}.{places + place + 1}"
            below = rest + (" " * len(marks.bar) if is_last else marks.bar)
            yield Row(number, guide, text, "", below)

    def _unheard_row(self, dispatches: list[Dispatch], guide: str, below: str) -> Row:
        """The row of a stretch of unheard dispatches, of which every signal and sender is named."""
        marks, numbers = self._marks, [dispatch.seq for dispatch in dispatches]
        first, last = min(numbers), max(numbers)
        to_last = f"{marks.to}{last}" if last > first else ""
        has_gaps = last - first >= len(numbers)
        counts = Counter((dispatch.sender, dispatch.signal) for dispatch in dispatches)
        parts = [("unheard:", "dim")]
        for sender, signals in groupby(counts, key=itemgetter(0)):
            names = [_plain(signal) + self._times(counts[sender, signal]) for _, signal in signals]
            if sender is not None:
                names[-1] += f" from {_plain(sender)}"
            parts += [(f" {name},", "dim") for name in names[:-1]]
            parts.append((f" {names[-1]};", "dim"))
        last_name = parts.pop()[0].removesuffix(";")
        parts.append((f"{last_name} ({first}{to_last})" if has_gaps else last_name, "dim"))
        number = f"{first}" if has_gaps else f"{first}{to_last}"
        return Row(number, guide, tuple(parts), "", below, is_unheard=True)

    def _response_rows(
        self,
        responses: list[Response],
        number: str,
        rest: str,
        *,
        is_last: bool,
        is_concurrent: bool,
    ) -> _Rows:
        """The rows of the responses of one receiver to a group of dispatches."""
        marks, response = self._marks, responses[0]
        below = rest + (" " * len(marks.bar) if is_last else marks.bar)
        steps = self._steps_of(responses)
        blank = " " * len(marks.thin_bar)
        inner = below + (marks.thin_bar if steps else blank)
        parts = [(_plain(response.short_receiver), "red" if response.failure else "green")]
        parts += self._count(responses)
        if is_concurrent:
            parts.append((f"  {marks.concurrent}concurrently", "yellow"))
        if response.injected is not None and response.injected.delay:
            parts.append((f"  delayed {duration(response.injected.delay)} on purpose", "yellow"))
        time = self._time([each.seconds for each in responses], response.begun)
        guide = rest + (marks.last_receiver if is_last else marks.receiver)
        yield Row(number, guide, (*parts, *self._answer(responses)), time, inner)
        for place, step in enumerate(steps, 1):
            first = marks.last_dispatch if place == len(steps) else marks.dispatch
            further = below + (blank if place == len(steps) else marks.thin_bar)
            if isinstance(step, Group):
                yield self._dispatch_rows(step, below + first, further)
            else:
                yield from self._printed_rows(step, below + first, further)

    def _steps_of(self, responses: list[Response]) -> list[Group | list[str]]:
        """What some responses did: the dispatches that they caused, the lines that they printed.

        The steps stand in the order in which they happened in the first response. Where the order
        is unknown, printed lines come first.
        """
        output, said = responses[0].output, 0
        steps: list[Group | list[str]] = []
        for group in self._folding.caused_by(responses):
            before = group.dispatches[0].output_before
            place = len(output) if before is None else before
            if place > said:
                steps.append(output[said:place].splitlines())
                said = place
            steps.append(group)
        lines = [*output[said:].splitlines(), *_unsaid(responses, self._marks)]
        return [*steps, lines] if lines else steps

    def _printed_rows(self, lines: list[str], guide: str, below: str) -> Iterator[Row]:
        printed = "prints " + self._marks.printed
        further = below + " " * len("prints ") + self._marks.printed
        for place, line in enumerate(lines):
            text = ((visible(line).replace("\t", TAB), "italic"),)
            yield Row("", further if place else guide + printed, text, "", further)

    def _count(self, group: Sequence[object]) -> list[Part]:
        return [(self._times(len(group)), "bold yellow")]

    def _times(self, count: int) -> str:
        return f" {self._marks.times}{count:,}" if count > 1 else ""

    def _answer(self, responses: list[Response]) -> list[Part]:
        """What some responses returned or raised; nothing for None."""
        response, marks = responses[0], self._marks
        if response.failure is not None:
            kinds = len({each.failure for each in responses})
            raised = "raised and caught:" if response.dispatch.robust else "raised"
            if not response.has_raised:
                raised = "on commit raised"
            more = f" (and {kinds - 1:,} other messages)" if kinds > 1 else ""
            story = _plain(response.failure.story)
            return [(f"  {marks.failed}{raised}", "red"), (f" {story}{more}", "red")]
        if response.seconds is None:
            return [(f"  {marks.more} running", "yellow")]
        if all(each.value is None for each in responses):
            return []
        values = list(dict.fromkeys(spelled(each.value) or "''" for each in responses))
        few = f"{len(values):,} different values, as " if len(values) > MOST_VALUES else ""
        return [(f"  returned {few}", "dim"), (_plain(", ".join(values[:MOST_VALUES])), "")]

    def _time(self, seconds: list[float | None], begun: float) -> str:
        so_far = max(0.0, self._now - begun)
        return duration(sum(so_far if each is None else each for each in seconds))


def _unsaid(responses: list[Response], marks: Marks) -> Iterator[str]:
    """What is left out of the lines that the first of some responses printed."""
    response = responses[0]
    if response.omitted:
        yield f"{marks.more} and {response.omitted:,} bytes more"
    if any(other.output != response.output for other in responses):
        yield f"{marks.more} and others from the other {len(responses) - 1:,}"


def _natural(row: Row, most: int) -> int:
    """How wide a row is on one line; if it is an unheard one, at most so wide that a part fits."""
    guide, text = cell_len(row.guide), length(row.parts)
    if not row.is_unheard:
        return guide + text
    return min(guide + text, max(most, guide + max(length([part]) for part in row.parts)))


def _plain(text: str) -> str:
    return on_one_line(text).replace("\t", "\\t")


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
