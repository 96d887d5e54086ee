"""The tree of a trace, row by row: who received which dispatch, and what that set off.

A receiver hangs by an arrow on the dispatch that it received. A dispatch hangs by a line on the
receiver that caused it. The receivers of dispatch 6 are numbered 6.1, 6.2 and so on. Words say what
a receiver did: it printed, returned or raised. Unheard dispatches share faint rows at their place.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from signalcli.render.folding import MACHINERY, Folding, Group
from signalcli.render.text import duration, on_one_line, spelled, visible
from signalcli.render.wrapping import Part
from signalcli.trace.records import ROUNDING, Dispatch, Response, SideBySide, Trace, short_name

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
        fuller: its text in more words, which stand where they take no further line; or nothing.
        is_unheard: whether it is a stretch of unheard dispatches.
    """

    number: str
    guide: str
    parts: tuple[Part, ...]
    time: str
    below: str
    fuller: tuple[Part, ...] = ()
    is_unheard: bool = False

    @property
    def fullest(self) -> tuple[Part, ...]:
        """Its text with all that is to be said, where there is room for it."""
        return self.fuller or self.parts


_Rows = Iterator["Row | _Rows"]


class Tree:
    """The rows of a trace, each dispatch under the response that caused it.

    Arguments:
        trace: the trace, finished or growing.
        now: the recorder's clock, for the time that running receivers have taken so far.
        marks: the lines and marks to draw it with.
        is_whole: whether every dispatch gets a row of its own.
        is_rolled_back: whether what the run wrote was rolled back.
    """

    def __init__(
        self, trace: Trace, now: float, marks: Marks, *, is_whole: bool, is_rolled_back: bool
    ) -> None:
        self._folding = Folding(trace, is_whole=is_whole)
        self._now = now
        self._marks = marks
        self._is_rolled_back = is_rolled_back
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
        parts = [(plain_line(dispatch.signal), "bold cyan" if is_received else "dim")]
        if dispatch.sender is not None:
            parts += [
                (" from ", "dim"),
                (plain_line(dispatch.sender), "" if is_received else "dim"),
            ]
        parts += self._count(dispatches)
        if len(dispatches) > 1:
            parts.append((f" ({dispatch.seq}{marks.to}{dispatches[-1].seq})", "dim"))
        if dispatch.muted:
            parts.append(("  muted: nobody received it", "yellow"))
        elif not is_received:
            parts.append(("  unheard", "dim"))
        elif self._is_rolled_back and _ended_the_work(dispatch):
            parts.append((f"  {marks.failed}failed: all rolled back", "red"))
        time = (
            self._time([member.seconds for member in dispatches], dispatch.begun)
            if is_received
            else ""
        )
        bar = marks.bar if is_received else ""
        yield Row(str(dispatch.seq), first, tuple(parts), time, rest + bar)
        concurrent = self._side_by_side.responses_of(dispatch) if is_received else set()
        has_values = any(each.value is not None for member in responses for each in member)
        for place in range(places):
            alike = [each[place] for each in responses]
            is_last = place == places - 1 and not dispatch.not_called
            yield self._response_rows(
                alike,
                f"{dispatch.seq}.{place + 1}",
                rest,
                is_last=is_last,
                is_concurrent=alike[0] in concurrent,
                is_beside_values=has_values,
            )
        for place, name in enumerate(dispatch.not_called):
            is_last = place == len(dispatch.not_called) - 1
            failed = next((each for each in responses[0][::-1] if each.has_raised), None)
            why = f", since {plain_line(failed.short_receiver)} raised" if failed else ""
            text = (plain_line(short_name(name)), "dim"), (f"  not called{why}", "yellow")
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
            names = [
                plain_line(signal) + self._times(counts[sender, signal]) for _, signal in signals
            ]
            if sender is not None:
                names[-1] += f" from {plain_line(sender)}"
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
        is_beside_values: bool,
    ) -> _Rows:
        """The rows of the responses of one receiver to a group of dispatches.

        Arguments:
            responses: the responses.
            number: that of the first of them.
            rest: the lines of the tree before them.
            is_last: whether no other receiver stands below.
            is_concurrent: whether it ran at the same time as others.
            is_beside_values: whether a receiver of these dispatches returned something.
        """
        marks, response = self._marks, responses[0]
        below = rest + (" " * len(marks.bar) if is_last else marks.bar)
        steps = self._steps_of(responses)
        blank = " " * len(marks.thin_bar)
        inner = below + (marks.thin_bar if steps else blank)
        parts = [(plain_line(response.short_receiver), "red" if response.failure else "green")]
        parts += self._count(responses)
        if is_concurrent:
            parts.append((f"  {marks.concurrent}concurrently", "yellow"))
        if response.injected is not None and response.injected.delay:
            parts.append((f"  delayed {duration(response.injected.delay)} on purpose", "yellow"))
        time = self._time([each.seconds for each in responses], response.begun)
        guide = rest + (marks.last_receiver if is_last else marks.receiver)
        # It stands above what the receiver did before, and beside other values nothing is a value.
        answer, fuller_answer = (
            self._answer(responses, when=when, says_none=says_none)
            for when, says_none in (("", False), ("at its end " if steps else "", is_beside_values))
        )
        fuller = (*parts, *fuller_answer)
        yield Row(number, guide, (*parts, *answer), time, inner, fuller)
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

    def _answer(self, responses: list[Response], *, when: str, says_none: bool) -> list[Part]:
        """What some responses returned or raised.

        Arguments:
            responses: those of one receiver.
            when: the words for the time when it returned.
            says_none: whether anything is said of None.
        """
        response, marks = responses[0], self._marks
        if response.failure is not None:
            kinds = len({each.failure for each in responses})
            raised = "raised and caught:" if response.dispatch.robust else "raised"
            if not response.has_raised:
                raised = "on commit raised"
            more = f" (and {kinds - 1:,} other messages)" if kinds > 1 else ""
            story = plain_line(response.failure.story)
            return [(f"  {marks.failed}{raised}", "red"), (f" {story}{more}", "red")]
        if response.seconds is None:
            return [(f"  {marks.more} running", "yellow")]
        if all(each.value is None for each in responses):
            return [("  returned None", "dim")] if says_none else []
        values = list(dict.fromkeys(spelled(each.value) or "''" for each in responses))
        few = f"{len(values):,} different values, as " if len(values) > MOST_VALUES else ""
        return [
            (f"  {when}returned {few}", "dim"),
            (plain_line(", ".join(values[:MOST_VALUES])), ""),
        ]

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


def _ended_the_work(dispatch: Dispatch) -> bool:
    """Whether an exception of its receivers left the dispatch, and no receiver was above it.

    A receiver that changed an object causes a dispatch that a later flush sends, when the receiver
    has long returned. The exception of such a dispatch does not go through that receiver.
    """
    is_failed = not dispatch.robust and any(each.has_raised for each in dispatch.responses)
    if not is_failed or dispatch.signal_path in MACHINERY:
        return False
    cause = dispatch.parent
    if cause is None:
        return True
    if dispatch.elsewhere or cause.seconds is None:
        return False
    return dispatch.begun >= cause.begun + cause.seconds - ROUNDING


def plain_line(text: str) -> str:
    """A text of the program on one line, without control characters."""
    return on_one_line(text).replace("\t", "\\t")
