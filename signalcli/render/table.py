"""Rich's view of the picture of a trace, still or growing, and the totals of receivers."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from signalcli.render.console import is_plain, new_table, plain, show
from signalcli.render.picture import Picture, Work, is_shown, text_of
from signalcli.render.text import Paper, duration
from signalcli.trace import Recorder
from signalcli.trace.records import Trace
from signalcli.trace.totals import ReceiverTotal

PATIENCE_SECONDS = 0.15
FRAMES_PER_SECOND = 10


class TraceTable:
    """Rich's view of a trace (see :mod:`signalcli.render.picture`).

    A trace without dispatches shows nothing at all.

    Arguments:
        trace: the trace, finished or growing.
        now: the recorder's clock, for the time that running receivers have taken so far; by
            default the time when the trace ended.
        work: the work that sent the dispatches.
        is_whole: whether every dispatch gets a row of its own.
        last_rows: how many rows are shown at most, the last ones; None for all.
    """

    def __init__(
        self,
        trace: Trace,
        now: float | None = None,
        *,
        work: Work = Work(),  # noqa: B008  # it cannot be changed
        is_whole: bool = False,
        last_rows: int | None = None,
    ) -> None:
        self._trace = trace
        self._now = now
        self._work = work
        self._is_whole = is_whole
        self._last_rows = last_rows

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        picture = Picture(
            self._trace,
            self._now,
            work=self._work,
            is_whole=self._is_whole,
            is_ascii=options.ascii_only,
            last_rows=self._last_rows,
        )
        if is_plain(console):
            yield Segment(text_of(picture, Paper(options.max_width)))
            return
        for line in picture.lines(options.max_width):
            for text, style in line:
                yield Segment(text, console.get_style(style) if style else None)
            yield Segment.line()


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
def growing_table(
    recorder: Recorder,
    console: Console,
    *,
    is_whole: bool = False,
    work: Callable[[], Work] = Work,
) -> Iterator[None]:
    """Show the trace as it grows while the block runs, and all of it at the end.

    A run that is over in a moment is shown only at its end, and so is every run without a
    terminal. See :func:`signalcli.render.printing.growing_table`.
    """
    done = threading.Event()

    def table(**options: Any) -> TraceTable:
        return TraceTable(recorder.trace, work=work(), is_whole=is_whole, **options)

    def frame() -> Tail:
        return Tail(table(now=recorder.now(), last_rows=console.height))

    painter = threading.Thread(
        target=_paint, args=(frame, console, done), name="signalcli-table", daemon=True
    )
    # Rich takes a pipe with forced colours for a terminal, but nothing can be painted over there.
    is_live = console.is_terminal and console.file.isatty()
    if is_live:
        painter.start()
    has_failed = True
    try:
        yield
        has_failed = work().is_failed
    finally:
        done.set()
        if is_live:
            painter.join()
        if is_shown(recorder.trace, is_failed=has_failed, is_whole=is_whole):
            show(table(), console)


def _paint(frame: Callable[[], Tail], console: Console, done: threading.Event) -> None:
    if done.wait(PATIENCE_SECONDS):
        return
    from rich.live import Live

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
