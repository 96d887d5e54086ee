"""The commands for the signal log: log, and under it show, stats, prune, follow and export."""

import itertools
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from signalcli.cli.arguments import HIGHEST_RUN, Wanted, moment, with_filters, with_forms
from signalcli.cli.completion import complete_format, complete_run
from signalcli.cli.invocation import PROGRAM, Settings, current
from signalcli.cli.late import late
from signalcli.cli.surroundings import stdout_is_read
from signalcli.cli.task import WHOLE, Findings, Form, Inquiry
from signalcli.errors import InvalidValue, NotFound
from signalcli.render import exports

with late():
    from signalcli.cli import places
    from signalcli.db import database, engine
    from signalcli.log import finding, following, retention, runs, schema, statistics
    from signalcli.render import console
    from signalcli.render import log as log_views

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from signalcli.log.runs import Run
    from signalcli.trace import Trace

DEFAULT_LIMIT = 20
RUN = (
    "run",
    "begun",
    "command",
    "command_line",
    "users",
    "exit_code",
    "outcome",
    "rolled_back",
    "error.code",
    "error.message",
    "message",
    "duration_ms",
    "counts.dispatches",
    "counts.responses",
    "counts.failures",
    "receivers",
)
STATISTICS = (
    "receiver",
    "signal",
    "calls",
    "failures",
    "median_ms",
    "p95_ms",
    "slowest_ms",
)

RunNumber = Annotated[
    int | None,
    typer.Argument(
        metavar="[RUN]",
        min=1,
        max=HIGHEST_RUN,
        help="The run's number; by default the last.",
        autocompletion=complete_run,
        show_default=False,
    ),
]


@with_filters()
@with_forms(*RUN)
def log(
    settings: Settings,
    wanted: Wanted,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            "-n",
            metavar="NUMBER",
            min=1,
            max=HIGHEST_RUN,
            help=f"How many runs at most; by default {DEFAULT_LIMIT}, with --ndjson or --csv all.",
            show_default=False,
        ),
    ] = None,
    before: Annotated[
        int | None,
        typer.Option(
            "--before",
            metavar="RUN",
            min=1,
            max=HIGHEST_RUN,
            help="Only runs before this one: the next page.",
            autocompletion=complete_run,
            show_default=False,
        ),
    ] = None,
    form: Form = WHOLE,
) -> Inquiry:
    """List the runs in the signal log, the newest first.

    Example: signalcli log --receiver 'create_*' --slower-than 50ms --since 2h
    """
    most = limit or (None if form.is_lines else DEFAULT_LIMIT)

    work = partial(_list, settings, wanted, before, most)
    return Inquiry(work, reads_log=True, form=form, needs_apps=False)


def _list(
    settings: Settings,
    wanted: Wanted,
    before: int | None,
    most: int | None,
    connection: "Connection",
) -> Findings:
    found = finding.find(connection, wanted.filter, below=before, most=most)

    def views() -> list[Any]:
        listed = list(found)
        if not listed:
            return [console.plain(_none(settings, wanted))]
        return [log_views.runs_table(listed)]

    return Findings((log_views.run_row(run) for run in found), views)


@with_filters()
@with_forms(*RUN, more=["dispatches"])
def show(
    settings: Settings,
    wanted: Wanted,
    run: RunNumber = None,
    limit: Annotated[
        int,
        typer.Option(
            "--limit", "-n", metavar="NUMBER", min=1, max=HIGHEST_RUN, help="How many runs at most."
        ),
    ] = 1,
    form: Form = WHOLE,
) -> Inquiry:
    """Print what a run printed: its dispatches, receivers and answer.

    The filters choose which run; it is shown whole, with what led to what.

    Example: signalcli log show --failed
    """
    work = partial(_show, settings, wanted, run, limit, form)
    return Inquiry(work, reads_log=True, form=form, needs_apps=False)


def _show(
    settings: Settings,
    wanted: Wanted,
    run: int | None,
    limit: int,
    form: Form,
    connection: "Connection",
) -> Findings:
    chosen = _chosen(connection, settings, wanted, run, limit)
    traces = ((each, runs.read_trace(connection, each.number)) for each in chosen)
    rows = (log_views.run_row(each, trace) for each, trace in traces)
    if limit > 1:
        return Findings(rows, lambda: log_views.replay(traces, is_whole=settings.whole))
    return Findings(
        rows,
        lambda: log_views.printed_by(*next(traces), is_whole=settings.whole),
        lambda: _document_of(next(rows), form),
        note=log_views.ending_of(chosen[0]),
    )


@with_filters(without=("failed", "slower_than"))
@with_forms(*STATISTICS)
def stats(settings: Settings, wanted: Wanted, form: Form = WHOLE) -> Inquiry:
    """Count how often receivers ran and failed, and how long they took.

    Example: signalcli log stats --receiver 'signalcli.core.*' --since 7d
    """
    work = partial(_count, settings, wanted, form)
    return Inquiry(work, reads_log=True, form=form, needs_apps=False)


def _count(settings: Settings, wanted: Wanted, form: Form, connection: "Connection") -> Findings:
    receivers = statistics.of_receivers(connection, wanted.filter)
    signals = statistics.of_signals(connection, wanted.filter)
    of_receivers = [log_views.statistics_row("receiver", each) for each in receivers]
    of_signals = [log_views.statistics_row("signal", each) for each in signals]
    row = {
        "receivers": list(map(form.picked, of_receivers)),
        "signals": list(map(form.picked, of_signals)),
    }
    none = console.plain(_none(settings, wanted))
    # Who asks for receivers by name wants no rows of signals without one.
    has_receivers = "receiver" in form.places or "signal" not in form.places
    has_signals = "signal" in form.places or "receiver" not in form.places
    return Findings(
        [*(of_receivers if has_receivers else ()), *(of_signals if has_signals else ())],
        views=lambda: [
            log_views.StatisticsTables(receivers, signals) if signals or receivers else none
        ],
        document=lambda: {"result": row},
    )


@with_filters()
@with_forms(*RUN, more=["dispatches"])
def follow(
    settings: Settings,
    wanted: Wanted,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            "-n",
            metavar="NUMBER",
            min=1,
            max=HIGHEST_RUN,
            help="End after so many runs.",
            show_default=False,
        ),
    ] = None,
    form: Form = WHOLE,
) -> Inquiry:
    """Show the runs of other processes as they end, until Ctrl-C.

    The exit code is then 130, as that of `tail -f`; after --limit runs it is 0. With --json or
    --ndjson, one object a line is printed at once. With --since, what is in the log comes first.

    Example: signalcli log follow --failed
    """
    if current().line is not None:
        raise typer.BadParameter("it waits for other processes, for which a batch has no time")

    if settings.json and not form.csv:
        form = form._replace(ndjson=True)
    return Inquiry(
        partial(_follow, settings, wanted, limit),
        form=form,
        needs_apps=False,
        until_interrupted=True,
    )


def _follow(settings: Settings, wanted: Wanted, limit: int | None) -> Findings:
    coming = itertools.islice(_coming(settings, wanted), limit)
    rows = (log_views.run_row(run, trace) for run, trace in coming)
    return Findings(rows, lambda: log_views.replay(coming, is_whole=settings.whole))


def _coming(settings: Settings, wanted: Wanted) -> "Iterator[tuple[Run, Trace]]":
    """The runs that come into the log, with their traces, as long as somebody reads."""
    place = places.log_database(settings)
    with schema.open_log(place) as connection:
        begin = following.end_of(connection) if wanted.filter.since is None else 0
    for new in following.follow(
        lambda: engine.open_engine(place, writes=False, creates=False, announces=False),
        database.file_of(place),
        wanted.filter,
        begin,
    ):
        yield from new
        if not stdout_is_read():
            return


def prune(
    settings: Settings,
    keep: Annotated[
        int | None,
        typer.Option(
            "--keep",
            metavar="NUMBER",
            min=0,
            max=HIGHEST_RUN,
            help="Remove all but so many, the last ones.",
            show_default=False,
        ),
    ] = None,
    older_than: Annotated[
        datetime | None,
        typer.Option(
            "--older-than",
            metavar="WHEN",
            parser=moment,
            help="Remove those that ended before: 30d ago, or 2026-01-31.",
            show_default=False,
        ),
    ] = None,
) -> Inquiry:
    """Remove runs from the signal log, and free their space.

    Example: signalcli log prune --older-than 30d
    """
    if (keep is None) == (older_than is None):
        raise typer.BadParameter("give either --keep or --older-than")

    work = partial(_prune, settings, keep, older_than)
    return Inquiry(work, needs_apps=False, writes=True)


def _prune(settings: Settings, keep: int | None, older_than: datetime | None) -> Findings:
    with schema.open_log_to_write(places.log_database(settings)) as opened:
        if older_than is not None:
            pruned = retention.prune_before(opened, older_than)
        else:
            pruned = retention.prune_to(opened, keep or 0)
    return Findings(
        views=lambda: [log_views.pruned_line(pruned)],
        document=lambda: {"result": log_views.pruned_row(pruned)},
    )


def export(
    settings: Settings,
    format_name: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            metavar="FORMAT",
            help=", ".join(exports.formats()) + ".",
            autocompletion=complete_format,
            show_default=False,
        ),
    ],
    run: RunNumber = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write it to this file.",
            dir_okay=False,
            show_default=False,
        ),
    ] = None,
) -> Inquiry:
    """Draw a run, or hand it to another tool.

    Example: signalcli log export --format svg --output trace.svg
    """
    if format_name not in exports.formats():
        raise typer.BadParameter(
            f"the format {format_name!r} is none of {', '.join(exports.formats())}"
        )

    work = partial(_export, settings, format_name, run, output)
    return Inquiry(work, reads_log=True, needs_apps=False)


def _export(
    settings: Settings,
    format_name: str,
    run: int | None,
    output: Path | None,
    connection: "Connection",
) -> Findings:
    (chosen,) = _chosen(connection, settings, Wanted({}), run, 1)
    trace = runs.read_trace(connection, chosen.number)
    suffix = output.suffix if output is not None else ""
    text = exports.export(format_name, chosen, trace, suffix)
    result = {"format": format_name, "output": output and str(output)}
    if output is None:
        return Findings(
            document=lambda: {"run": chosen.number, "result": {**result, "text": text}},
            text=text,
        )
    if _is_database(output, settings):
        raise InvalidValue(f"{str(output)!r} belongs to the database; name another file")
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidValue(f"{str(output)!r} cannot be written: {error.strerror}") from error
    message = f"Wrote run {chosen.number} to {output}"
    return Findings(
        views=lambda: [console.plain(message)],
        document=lambda: {"run": chosen.number, "result": result},
    )


def _is_database(output: Path, settings: Settings) -> bool:
    """Whether a file is the database, or one that SQLite keeps beside it."""
    file = database.file_of(settings.database)
    if file is None or not output.exists():
        return False
    files = (file.with_name(file.name + suffix) for suffix in ("", "-wal", "-shm", "-journal"))
    return any(each.exists() and each.samefile(output) for each in files)


def _document_of(row: dict[str, Any], form: Form) -> dict[str, Any]:
    """A run as the document of ``log show`` has it: its dispatches beside the rest."""
    number, shown = row["run"], form.picked(row)
    return {"run": number, "dispatches": shown.pop("dispatches", []), "result": shown}


def _chosen(
    connection: "Connection", settings: Settings, wanted: Wanted, number: int | None, most: int
) -> "list[Run]":
    """The runs that the command line names.

    Raises:
        NotFound: there are none.
    """
    above, below = (0, None) if number is None else (number - 1, number + 1)
    found = list(finding.find(connection, wanted.filter, above=above, below=below, most=most))
    if found:
        return found
    if number is not None and wanted.is_any:
        raise NotFound(
            f"there is no run {number} in the signal log; `signalcli log` shows which there are"
        )
    raise NotFound(_none(settings, wanted, number))


def _none(settings: Settings, wanted: Wanted, number: int | None = None) -> str:
    """That there is nothing to show, and why."""
    if number is not None:
        return f"run {number} does not match the filters"
    if settings.missing:
        return (
            f"there are no runs in the signal log: {settings.missing}. `{PROGRAM} list` says how "
            "to make one; every command that sends signals is a run"
        )
    which = "" if wanted.is_any else " that match the filters"
    return f"there are no runs{which} in the signal log of {settings.database_name}"
