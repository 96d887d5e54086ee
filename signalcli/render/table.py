"""The dispatches of a run as a table: as a tree, still or growing, or as totals of receivers."""

import io
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.padding import Padding
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from signalcli.render.console import UNLIMITED, show
from signalcli.render.layout import is_plain, laid_out, new_table
from signalcli.render.text import delay, duration, plain, spelled
from signalcli.trace import Recorder
from signalcli.trace.records import Dispatch, Response, SideBySide, Trace
from signalcli.trace.totals import ReceiverTotal

FAILED = "✗"
RUNNING = "…"
NO_RECEIVERS = "no receivers"
MUTED = "muted"

HEADINGS = ("#", "Signal", "Sender", "Receiver", "Answer", "Time")
NUMBER, TIME = HEADINGS.index("#"), HEADINGS.index("Time")
RECEIVER, ANSWER = HEADINGS.index("Receiver"), HEADINGS.index("Answer")
LEAST_ROOM, LEAST_ANSWER = 12, 6

PATIENCE_SECONDS = 0.15
FRAMES_PER_SECOND = 10

Row = tuple[Text | Padding, ...]
_Rows = Iterator["Row | _Rows"]

# Measures cells at their natural width.
_RULER = Console(width=UNLIMITED, file=io.StringIO())


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


class TraceTable:
    """Rich's view of a trace: a row for each response, the dispatches it caused beneath it.

    Nothing at all where nothing was dispatched.

    Arguments:
        trace: the trace, finished or growing.
        now: the recorder's clock, for the time that running receivers have taken so far; by
            default the time when the trace ended.
        last_rows: show no more than so many rows, the last ones; None for all.
    """

    def __init__(
        self, trace: Trace, now: float | None = None, last_rows: int | None = None
    ) -> None:
        self._trace = trace
        self._now = (trace.ended or 0.0) if now is None else now
        self._last_rows = last_rows
        self._side_by_side = SideBySide()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if not self._trace.dispatches:
            return
        guides = ASCII if options.ascii_only else LINES
        rows = list(self._rows(guides))
        if self._last_rows is not None:
            rows = rows[-self._last_rows :]
        text = _as_text(rows, guides, options.max_width) if is_plain(console) else None
        yield self._table(rows, guides, options.max_width) if text is None else Segment(text)

    def _table(self, rows: list[Row], guides: Guides, width: int) -> Table:
        receiver_width, answer_width = self._shared_widths(rows, width)
        table = new_table(ruled=guides is not ASCII)
        table.add_column("#", justify="right")
        table.add_column("Signal", overflow="fold")
        table.add_column("Sender", overflow="fold")
        table.add_column("Receiver", overflow="fold", width=receiver_width)
        table.add_column("Answer", overflow="fold", width=answer_width)
        table.add_column("Time", justify="right")
        for row in rows:
            table.add_row(*row)
        return table

    def _shared_widths(self, rows: list[Row], width: int) -> tuple[int | None, int | None]:
        """The widths of the columns for receivers, with their output, and for answers.

        They share the room that the other columns leave. While there is room, a long answer breaks
        no receiver's name. None: nothing has to be wrapped, or there is too little room.
        """
        natural = [
            max(
                len(heading),
                *(Measurement.get(_RULER, _RULER.options, row[column]).maximum for row in rows),
            )
            for column, heading in enumerate(HEADINGS)
        ]
        room = width - sum(natural[:RECEIVER] + natural[ANSWER + 1 :]) - 2 * (len(HEADINGS) - 1)
        receiver, answer = natural[RECEIVER], natural[ANSWER]
        if receiver + answer <= room or room < LEAST_ROOM:
            return None, None
        called = [len(response.short_receiver) for response in self._trace.responses]
        names = max([len(NO_RECEIVERS), *called])
        receiver = min(receiver, max(names, room - answer, room // 2), room - LEAST_ANSWER)
        return receiver, room - receiver

    def _rows(self, guides: Guides) -> Iterator[Row]:
        """All rows, from a stack: dispatches may be nested deeper than Python's calls."""
        roots = (self._dispatch_rows(root, "", "", guides) for root in self._trace.roots)
        under_way: list[Iterator[Row | _Rows]] = [roots]
        while under_way:
            row = next(under_way[-1], None)
            if row is None:
                under_way.pop()
            elif isinstance(row, tuple):
                yield row
            else:
                under_way.append(row)

    def _dispatch_rows(self, dispatch: Dispatch, first: str, rest: str, guides: Guides) -> _Rows:
        """The rows of a dispatch, with iterators in the places of the dispatches that it caused.

        Arguments:
            dispatch: the dispatch.
            first: the lines of the tree before its name.
            rest: the lines of the tree before the rows below its name.
            guides: the characters for these lines.
        """
        responses = list(dispatch.responses)
        style = "" if responses else "dim"
        number = plain(str(dispatch.seq), "dim")
        name = Text.assemble(plain(first, "dim"), plain(dispatch.signal, style or "bold cyan"))
        sender = plain("" if dispatch.sender is None else dispatch.sender, style)
        if not responses:
            yield number, name, sender, _nobody(dispatch), plain(""), plain("")
        concurrent = self._side_by_side.responses_of(dispatch)
        for index, response in enumerate(responses):
            # The dispatches that this response caused hang below, on a line from here to the last.
            below = rest + (guides.bar if response.caused else guides.gap)
            if index:
                number, name, sender = plain(""), plain(rest, "dim"), plain("")
            yield (
                number,
                name,
                sender,
                plain(response.short_receiver, "red" if response.failure else "green"),
                _answer(response),
                Text.assemble(
                    plain(guides.concurrent if response in concurrent else "", "yellow"),
                    plain(_time_of(response, self._now), "dim"),
                ),
            )
            if delayed := delay(response):
                yield (
                    plain(""),
                    plain(below.rstrip(), "dim"),
                    plain(""),
                    plain(""),
                    plain(delayed, "yellow"),
                    plain(""),
                )
            for line in _output_lines(response):
                yield (
                    plain(""),
                    plain(below.rstrip(), "dim"),
                    plain(""),
                    Padding(plain(line, "italic"), (0, 0, 0, 2)),
                    plain(""),
                    plain(""),
                )
            yield self._child_rows(list(response.caused), rest, guides)

    def _child_rows(self, children: list[Dispatch], rest: str, guides: Guides) -> _Rows:
        for child in children:
            is_last = child is children[-1]
            yield self._dispatch_rows(
                child,
                rest + (guides.last if is_last else guides.branch),
                rest + (guides.gap if is_last else guides.bar),
                guides,
            )


def _as_text(rows: list[Row], guides: Guides, width: int) -> str | None:
    """The table as plain text, or None where Rich has to wrap it."""
    cells = [HEADINGS, *(tuple(map(_text_of, row)) for row in rows)]
    return laid_out(cells, width, right=(NUMBER, TIME), ruled=guides is not ASCII)


def _text_of(cell: Text | Padding) -> str:
    if isinstance(cell, Text):
        return cell.plain
    return " " * cell.left + str(cell.renderable)


class Tail:
    """The end of a table, as much of it as the terminal's height shows.

    Arguments:
        table: the table.
    """

    def __init__(self, table: TraceTable) -> None:
        self._table = table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = console.render_lines(self._table, options, pad=False)
        for line in lines[-max(1, console.height - 1) :]:
            yield from line
            yield Text("")


def _nobody(dispatch: Dispatch) -> Text:
    return plain(MUTED, "yellow") if dispatch.muted else plain(NO_RECEIVERS, "dim")


def _output_lines(response: Response) -> list[str]:
    lines = response.output.splitlines()
    if response.omitted:
        lines.append(f"… and {response.omitted:,} bytes more")
    return lines


def _answer(response: Response) -> Text:
    if response.failure is not None:
        return plain(f"{FAILED} {response.failure.story}", "red")
    if response.seconds is None:
        return plain(f"{RUNNING} running", "yellow")
    return plain(spelled(response.value), "dim" if response.value is None else "")


def _time_of(response: Response, now: float) -> str:
    return duration(now - response.begun if response.seconds is None else response.seconds)


@contextmanager
def growing_table(recorder: Recorder, console: Console) -> Iterator[None]:
    """Show the trace as it grows while the block runs, and whole at its end.

    A run that is over in a moment is shown once, at its end, and so is any run where there is no
    terminal.
    """
    done = threading.Event()
    painter = threading.Thread(
        target=_paint, args=(recorder, console, done), name="signalcli-table", daemon=True
    )
    # A pipe with forced colours is a terminal to Rich, but nothing can be painted over there.
    is_live = console.is_terminal and console.file.isatty()
    if is_live:
        painter.start()
    try:
        yield
    finally:
        done.set()
        if is_live:
            painter.join()
        show(TraceTable(recorder.trace), console)


def _paint(recorder: Recorder, console: Console, done: threading.Event) -> None:
    if done.wait(PATIENCE_SECONDS):
        return
    from rich.live import Live

    def frame() -> Tail:
        return Tail(TraceTable(recorder.trace, recorder.now(), last_rows=console.height))

    with Live(
        frame(),
        console=console,
        auto_refresh=False,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    ) as live:
        pause = 1 / FRAMES_PER_SECOND
        while not done.wait(pause):
            begun = time.perf_counter()
            live.update(frame(), refresh=True)
            # At most a fifth of the time goes to painting: a large trace must not slow the run.
            pause = max(1 / FRAMES_PER_SECOND, 4 * (time.perf_counter() - begun))


def totals_row(total: ReceiverTotal) -> dict[str, Any]:
    """A receiver's total for programs."""
    return {
        "receiver": total.receiver,
        "signal": total.signal,
        "runs": total.runs,
        "failures": total.failures,
        "seconds": round(total.seconds, 6),
    }


def totals_table(totals: Iterable[ReceiverTotal]) -> Table:
    """A row for each receiver: how often it ran and failed, and how long it took in all."""
    table = new_table()
    table.add_column("Receiver", overflow="fold")
    table.add_column("Signal", overflow="fold")
    for heading in ("Runs", "Failed", "Time"):
        table.add_column(heading, justify="right", no_wrap=True)
    for total in totals:
        table.add_row(
            plain(total.receiver),
            plain(total.signal),
            plain(f"{total.runs:,}"),
            plain(f"{total.failures:,}" if total.failures else "", "red"),
            plain(duration(total.seconds), "dim"),
        )
    return table
