"""Runs and statistics of the signal log, as tables and for programs."""

import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from signalcli.log.retention import Pruned
from signalcli.log.runs import Run
from signalcli.log.statistics import Statistics, histogram
from signalcli.render.console import new_table, plain
from signalcli.render.document import dispatches_of, milliseconds
from signalcli.render.picture import Work, is_shown, title_of
from signalcli.render.table import TraceTable, totals_row, totals_table
from signalcli.render.text import FAILED, duration
from signalcli.trace.records import Trace, short_name

BARS = "▁▂▃▄▅▆▇█"
ASCII_BARS = ".:-=+*#@"
BINS = 12
LEAST_COMMAND = 8
SHORTEST = 1e-5

_VERBS = {"failed": "failed", "rolled back": "was rolled back", "interrupted": "was interrupted"}
_STYLES = {"done": "green", "failed": "red", "rolled back": "red", "interrupted": "yellow"}


def run_row(run: Run, trace: Trace | None = None) -> dict[str, Any]:
    """A run for programs, with its dispatches where its trace is given."""
    row: dict[str, Any] = {
        "run": run.number,
        "begun": f"{run.begun.isoformat(timespec='milliseconds')}Z",
        "command": run.command,
        "command_line": run.command_line,
        "users": list(run.users),
        "exit_code": run.exit_code,
        "outcome": run.outcome,
        "rolled_back": run.is_rolled_back,
        "error": run.error_code and {"code": run.error_code, "message": run.error_message},
        "message": run.message,
        "duration_ms": milliseconds(run.seconds),
        "counts": {
            "dispatches": run.dispatches,
            "responses": run.responses,
            "failures": run.failures,
        },
        "receivers": [totals_row(total) for total in run.totals],
    }
    return row if trace is None else {**row, "dispatches": dispatches_of(trace)}


def runs_table(runs: Iterable[Run]) -> Table:
    """A row for each run; runs of today have a time without a date."""
    today = datetime.now(UTC).astimezone().date()
    table = new_table()
    table.add_column("Run", justify="right", no_wrap=True)
    table.add_column("When", justify="right", no_wrap=True)
    table.add_column("Command", overflow="fold", min_width=LEAST_COMMAND)
    table.add_column("Outcome", no_wrap=True)
    for heading in ("Sent", "Received", "Time"):
        table.add_column(heading, justify="right", no_wrap=True)
    for run in runs:
        begun = _local(run.begun)
        failures = f" {FAILED}{run.failures}" if run.failures else ""
        table.add_row(
            plain(str(run.number), "dim"),
            plain(f"{begun:%H:%M:%S}" if begun.date() == today else f"{begun:%Y-%m-%d %H:%M}"),
            plain(_command(run)),
            plain(run.outcome, _STYLES[run.outcome]),
            plain(str(run.dispatches) if run.dispatches else "" if run.totals else "0"),
            Text.assemble(plain(str(run.responses)), plain(failures, "red")),
            plain(duration(run.seconds), "dim"),
        )
    return table


def run_heading(run: Run) -> Text:
    """A line above a run: its number, time, outcome and command."""
    return Text.assemble(
        plain(f"Run {run.number}", "bold"),
        plain(f" · {_local(run.begun):%Y-%m-%d %H:%M:%S} · "),
        plain(_outcome(run), _STYLES[run.outcome]),
        plain(f" · {_command(run)}"),
    )


def _outcome(run: Run) -> str:
    return run.outcome if run.exit_code == 0 else f"{run.outcome}, exit code {run.exit_code}"


def _local(time: datetime) -> datetime:
    """A time in UTC, in the local time zone."""
    return time.replace(tzinfo=UTC).astimezone()


def _command(run: Run) -> str:
    return run.command_line.removeprefix("signalcli ")


def replay(
    runs: Iterable[tuple[Run, Trace]], *, is_whole: bool = False
) -> Iterator[RenderableType]:
    """The output of runs, each under a heading; the arguments are those of :func:`printed_by`."""
    for run, trace in runs:
        yield run_heading(run)
        yield from printed_by(run, trace, is_whole=is_whole)
        if run.error_message:
            yield plain(f"error: {run.error_message}", "red")
        yield Text("")


def ending_of(run: Run) -> str:
    """A line about a run whose exit code is not 0; an empty text for others."""
    if run.exit_code == 0:
        return ""
    why = f": {run.error_message}" if run.error_message else ""
    return f"run {run.number} {_VERBS[run.outcome]} (exit code {run.exit_code}){why}"


def printed_by(run: Run, trace: Trace, *, is_whole: bool = False) -> Iterator[RenderableType]:
    """The views that a run printed for people, in order.

    Arguments:
        run: the run.
        trace: its trace.
        is_whole: whether every dispatch gets a row of its own.
    """
    title = title_of(run.command, run.command_line)
    work = Work(title, is_failed=run.exit_code != 0, is_rolled_back=run.is_rolled_back)
    if is_shown(trace, is_failed=work.is_failed, is_whole=is_whole):
        yield TraceTable(trace, work=work, is_whole=is_whole)
    if run.totals:
        yield totals_table(run.totals)
    if run.message:
        yield plain(run.message)


def pruned_row(pruned: Pruned) -> dict[str, Any]:
    """The runs removed from the log, for programs."""
    return {
        "runs": pruned.runs,
        "dispatches": pruned.dispatches,
        "responses": pruned.responses,
        "bytes_given_back": pruned.bytes_given_back,
    }


def pruned_line(pruned: Pruned) -> Text:
    """The runs removed from the log, for people."""
    line = (
        f"Removed {_counted(pruned.runs, 'run')} with {_counted(pruned.dispatches, 'dispatch')} "
        f"and {_counted(pruned.responses, 'response')}"
    )
    if pruned.bytes_given_back:
        line += f"; gave {decimal(pruned.bytes_given_back)} back"
    elif pruned.bytes_given_back == 0:
        line += "; there is no space to give back yet"
    return plain(line)


def _counted(count: int, noun: str) -> str:
    plural = f"{noun}es" if noun.endswith("ch") else f"{noun}s"
    return f"{count:,} {noun if count == 1 else plural}"


def statistics_row(kind: str, of: Statistics) -> dict[str, Any]:
    """Statistics for programs.

    Arguments:
        kind: ``receiver`` or ``signal``.
        of: the statistics.
    """
    return {
        kind: of.name,
        "calls": of.calls,
        "failures": of.failures,
        "median_ms": milliseconds(of.median),
        "p95_ms": milliseconds(of.percentile(95)),
        "slowest_ms": milliseconds(of.slowest),
    }


class StatisticsTables:
    """Statistics of receivers and of signals, with small bars for their durations.

    Arguments:
        receivers: the statistics of receivers.
        signals: the statistics of signals.
    """

    def __init__(self, receivers: Sequence[Statistics], signals: Sequence[Statistics]) -> None:
        self._tables = (("Receiver", "Calls", receivers), ("Signal", "Sent", signals))
        # Runs of which only totals are kept have no durations.
        self._measured = measured = [
            each.durations for each in (*receivers, *signals) if each.durations
        ]
        self._shortest = max(SHORTEST, min((each[0] for each in measured), default=SHORTEST))
        self._longest = max([2 * self._shortest, *(each[-1] for each in measured)])

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        bars = ASCII_BARS if options.ascii_only else BARS
        for heading, count, statistics in self._tables:
            if statistics:
                yield self._table(heading, count, statistics, bars)
                yield Text("")
        if not self._measured:
            return
        shortest, longest = duration(self._shortest), duration(self._longest)
        yield plain(f"Bars: how many took so long, from {shortest} to {longest}", "dim")

    def _table(
        self, heading: str, count: str, statistics: Sequence[Statistics], bars: str
    ) -> RenderableType:
        table = new_table(ruled=bars is BARS)
        table.add_column(heading, overflow="fold")
        for name in (count, "Failed", "Median", "95 %", "Slowest"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("Durations", no_wrap=True)
        names = _shortened([each.name for each in statistics])
        for name, of in zip(names, statistics, strict=True):
            table.add_row(
                plain(name),
                plain(f"{of.calls:,}"),
                plain(f"{of.failures:,}" if of.failures else "", "red"),
                *(
                    plain("" if seconds is None else duration(seconds))
                    for seconds in (of.median, of.percentile(95), of.slowest)
                ),
                plain(self._bars(of, bars), "cyan"),
            )
        return table

    def _bars(self, of: Statistics, bars: str) -> str:
        """A bar for each range of durations, its height the number of durations in it."""
        counts = histogram(of.durations, self._shortest, self._longest, BINS)
        most = max(counts) or 1
        heights = (math.ceil(count / most * len(bars)) for count in counts)
        return "".join(bars[height - 1] if height else " " for height in heights)


def _shortened(names: Sequence[str]) -> list[str]:
    """Names without their modules, except where two would become the same."""
    short = [short_name(name) for name in names]
    return [
        name if short.count(brief) > 1 else brief for name, brief in zip(names, short, strict=True)
    ]
