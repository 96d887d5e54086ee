"""The dispatches of a run as a table: as a tree, still or growing, or as totals of receivers."""

import io
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.padding import Padding
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from signalcli.render.console import is_plain, new_table, plain, show
from signalcli.render.text import (
    ANSWER,
    HEADINGS,
    NO_RECEIVERS,
    NUMBER,
    RECEIVER,
    TIME,
    UNLIMITED,
    Cell,
    Paper,
    duration,
    rows_of,
    tree_text,
)
from signalcli.trace import Recorder
from signalcli.trace.records import Trace
from signalcli.trace.totals import ReceiverTotal

LEAST_ROOM, LEAST_ANSWER = 12, 6

PATIENCE_SECONDS = 0.15
FRAMES_PER_SECOND = 10

_RichRow = tuple[Text | Padding, ...]

# Measures cells at their natural width.
_RULER = Console(width=UNLIMITED, file=io.StringIO())


class TraceTable:
    """Rich's view of a trace: a row for each response, the dispatches it caused beneath it.

    A trace without dispatches shows nothing at all.

    Arguments:
        trace: the trace, finished or growing.
        now: the recorder's clock, for the time that running receivers have taken so far; by
            default the time when the trace ended.
        last_rows: how many rows are shown at most, the last ones; None for all.
    """

    def __init__(
        self, trace: Trace, now: float | None = None, last_rows: int | None = None
    ) -> None:
        self._trace = trace
        self._now = now
        self._last_rows = last_rows

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        rows = list(rows_of(self._trace, self._now, is_ascii=options.ascii_only))
        if not rows:
            return
        if self._last_rows is not None:
            rows = rows[-self._last_rows :]
        paper = Paper(options.max_width, is_ascii=options.ascii_only)
        text = tree_text(rows, paper) if is_plain(console) else None
        if text is not None:
            yield Segment(text)
        else:
            yield self._table([tuple(map(_for_rich, row)) for row in rows], paper)

    def _table(self, rows: Sequence[_RichRow], paper: Paper) -> Table:
        widths = dict(zip((RECEIVER, ANSWER), self._shared_widths(rows, paper.width), strict=True))
        table = new_table(ruled=not paper.is_ascii)
        for column, heading in enumerate(HEADINGS):
            if column in (NUMBER, TIME):
                table.add_column(heading, justify="right")
            else:
                table.add_column(heading, overflow="fold", width=widths.get(column))
        for row in rows:
            table.add_row(*row)
        return table

    def _shared_widths(self, rows: Sequence[_RichRow], width: int) -> tuple[int | None, int | None]:
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


def _for_rich(cell: Cell) -> Text | Padding:
    if cell.indent:
        return Padding(Text(*cell.parts[0]), (0, 0, 0, cell.indent))
    return Text(*cell.parts[0]) if len(cell.parts) == 1 else Text.assemble(*cell.parts)


class Tail:
    """The end of a table, as much as the terminal's height shows.

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


@contextmanager
def growing_table(recorder: Recorder, console: Console) -> Iterator[None]:
    """Show the trace as it grows while the block runs, and whole at its end.

    A run that is over in a moment is shown only at its end, and so is every run without a
    terminal.
    """
    done = threading.Event()
    painter = threading.Thread(
        target=_paint, args=(recorder, console, done), name="signalcli-table", daemon=True
    )
    # Rich takes a pipe with forced colours for a terminal, but nothing can be painted over there.
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
