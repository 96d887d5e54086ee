"""The picture of a trace: who received which dispatch, and what that set off.

A receiver hangs by an arrow on the dispatch that it received. A dispatch hangs by a line on the
receiver that caused it. The receivers of dispatch 6 are numbered 6.1, 6.2 and so on. Words say what
a receiver did: it printed, returned or raised. Unheard dispatches stand in closing lines.

The picture is drawn here once, as lines of styled texts, without Rich. Every view shows it: the
terminal, a pipe, the log, a failed test, an exported file.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from rich.cells import cell_len

from signalcli.render.folding import MOST_NAMED, Folding, Group, Unheard, is_heard, told
from signalcli.render.text import (
    GAP,
    RULE,
    UNLIMITED,
    Paper,
    duration,
    on_one_line,
    spelled,
    visible,
)
from signalcli.render.wrapping import Line, Part, length, wrapped
from signalcli.trace.records import Response, SideBySide, Trace, short_name

LEAST_TREE = 24
LEAST_TEXT = 24
CLOSING_WIDTH = 80
MOST_VALUES = 3
TAB = "    "
UNHEARD = "Unheard: "


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
        number: the number of its dispatch, ``6``, or of its response, ``6.1``; or nothing.
        guide: the lines of the tree before its text.
        parts: its text, without control characters, each part with its style.
        time: how long it took, spelled; or nothing.
        below: the lines of the tree before the further lines of its text.
    """

    number: str
    guide: str
    parts: tuple[Part, ...]
    time: str
    below: str


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
        self._rows = rows if last_rows is None else rows[-last_rows:]
        self._unheard = () if is_whole else tuple(told(folding.unheard))

    def lines(self, width: int) -> Iterator[Line]:
        """The lines of the picture, none longer than a width in characters.

        A trace without dispatches has no lines.
        """
        longest = 0
        for line in self._laid_out(width) if self._rows else ():
            longest = max(longest, length(line))
            yield line
        room = width if width >= UNLIMITED else min(width, max(longest, CLOSING_WIDTH))
        indent = " " * len(UNHEARD) if room >= LEAST_TREE + len(UNHEARD) else ""
        for place, unheard in enumerate(self._unheard):
            first = indent if place else UNHEARD
            told_here = [(first + self._told(unheard), "dim")]
            for line in wrapped(told_here, room, room - len(indent)):
                yield line if first else [(indent, "dim"), *line]
                first = ""

    def _told(self, unheard: Unheard) -> str:
        """What is said of some unheard dispatches: their numbers, their signals, their senders."""
        first, last = unheard.dispatches[0].seq, unheard.dispatches[-1].seq
        numbers = f"{first}" if first == last else f"{first}{self._marks.to}{last}"
        under = ""
        if unheard.cause is not None:
            place = unheard.cause.dispatch.responses.index(unheard.cause) + 1
            under = f"under {unheard.cause.dispatch.seq}.{place}: "
        parts = []
        for sender, group in groupby(unheard.dispatches, key=lambda each: each.sender):
            names = [_plain(dispatch.signal) for dispatch in group]
            if len(names) > MOST_NAMED or unheard.is_crowd:
                counts = Counter(names)
                names = [f"{name} {self._marks.times}{n:,}" for name, n in counts.items()]
            parts.append(", ".join(names) + ("" if sender is None else f" from {_plain(sender)}"))
        return f"{under}{numbers} {'; '.join(parts)}"

    def _laid_out(self, width: int) -> Iterator[Line]:
        """The rows under their headings, in three columns: numbers, the tree, times."""
        heading = Row(
            "#", "", ((f"Signal {self._marks.arrow} receiver", "bold"),), "Total time", ""
        )
        rows = [heading, *self._rows]
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
        taken = sum(column + len(GAP) for column in (numbers, times) if column)
        natural = max(length(row.parts) + cell_len(row.guide) for row in rows)
        tree = max(1, min(natural, width - taken))
        for row in rows:
            style = "bold" if row is heading else "dim"
            number = _aligned(row.number, whole, part) if numbers else ""
            for text in self._wrapped_row(row, tree):
                line: Line = [(number.ljust(numbers) + GAP, style)] if numbers else []
                line += text
                if times and row.time and number.strip():
                    gap = tree - length(text) + len(GAP) + times - len(row.time)
                    line += [(" " * gap, ""), (row.time, style)]
                yield line
                number = ""
            if row is heading and not self._is_ascii:
                yield [(RULE * (tree + taken), "")]

    def _wrapped_row(self, row: Row, width: int) -> Iterator[Line]:
        least = min(LEAST_TEXT, (width + 1) // 2, length(row.parts))
        most = max(0, width - least)
        guide, below = self._cut(row.guide, most), self._cut(row.below, most)
        for place, line in enumerate(wrapped(row.parts, width - len(guide), width - len(below))):
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
        dispatch, marks = group[0], self._marks
        responses = [list(member.responses) for member in group]
        places = min(map(len, responses))
        is_received = bool(places)
        parts = [(_plain(dispatch.signal), "bold cyan" if is_received else "dim")]
        if dispatch.sender is not None:
            parts += [(" from ", "dim"), (_plain(dispatch.sender), "" if is_received else "dim")]
        parts += self._count(group)
        if len(group) > 1:
            parts.append((f" ({dispatch.seq}{marks.to}{group[-1].seq})", "dim"))
        if dispatch.muted:
            parts.append(("  muted: nobody received it", "yellow"))
        elif not is_received:
            parts.append(("  unheard", "dim"))
        time = (
            self._time([member.seconds for member in group], dispatch.begun) if is_received else ""
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
            failed = next((each for each in responses[0][::-1] if each.failure), None)
            why = f", since {_plain(failed.short_receiver)} raised" if failed else ""
            text = (_plain(short_name(name)), "dim"), (f"  not called{why}", "yellow")
            guide = rest + (marks.last_uncalled if is_last else marks.uncalled)
            number = f"{dispatch.seq}.{places + place + 1}"
            below = rest + (" " * len(marks.bar) if is_last else marks.bar)
            yield Row(number, guide, text, "", below)

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
        caused = self._folding.caused_by(responses)
        inner = below + (marks.thin_bar if caused else " " * len(marks.thin_bar))
        parts = [(_plain(response.short_receiver), "red" if response.failure else "green")]
        parts += self._count(responses)
        if is_concurrent:
            parts.append((f"  {marks.concurrent}concurrently", "yellow"))
        if response.injected is not None and response.injected.delay:
            parts.append((f"  delayed {duration(response.injected.delay)} on purpose", "yellow"))
        time = self._time([each.seconds for each in responses], response.begun)
        guide = rest + (marks.last_receiver if is_last else marks.receiver)
        yield Row(number, guide, (*parts, *self._answer(responses)), time, inner)
        label, further = "prints ", inner + " " * len("prints ") + marks.printed
        for place, line in enumerate(_printed(responses, marks)):
            first = further if place else inner + label + marks.printed
            yield Row("", first, ((visible(line).replace("\t", TAB), "italic"),), "", further)
        for place, group in enumerate(caused):
            is_last_group = place == len(caused) - 1
            first = marks.last_dispatch if is_last_group else marks.dispatch
            further = " " * len(marks.thin_bar) if is_last_group else marks.thin_bar
            yield self._dispatch_rows(group, below + first, below + further)

    def _count(self, group: Sequence[object]) -> list[Part]:
        if len(group) == 1:
            return []
        return [(f" {self._marks.times}{len(group):,}", "bold yellow")]

    def _answer(self, responses: list[Response]) -> list[Part]:
        """What some responses returned or raised; nothing for None."""
        response, marks = responses[0], self._marks
        if response.failure is not None:
            kinds = len({each.failure for each in responses})
            raised = "raised and caught:" if response.dispatch.robust else "raised"
            more = f" (and {kinds - 1:,} other messages)" if kinds > 1 else ""
            story = _plain(response.failure.story)
            return [(f"  {marks.failed}{raised} {story}{more}", "red")]
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


def _printed(responses: list[Response], marks: Marks) -> list[str]:
    """The lines that some responses printed; those of the first where the others' differ."""
    response = responses[0]
    lines = response.output.splitlines()
    if response.omitted:
        lines.append(f"{marks.more} and {response.omitted:,} bytes more")
    if any(other.output != response.output for other in responses):
        lines.append(f"{marks.more} and others from the other {len(responses) - 1:,}")
    return lines


def _plain(text: str) -> str:
    return on_one_line(text).replace("\t", "\\t")


def _split_number(number: str) -> tuple[str, str]:
    """The part of a number that is aligned to the right, and the part after it."""
    whole, point, part = number.partition(".")
    return whole, point + part


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
