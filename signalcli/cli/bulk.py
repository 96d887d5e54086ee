"""The way of a command over the rows of a file: read, carry out in batches, say what came of it."""

import shlex
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from signalcli.cli.invocation import Settings
from signalcli.cli.problems import Problem, Terminated
from signalcli.cli.task import Answer, Piecemeal, Task
from signalcli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from signalcli.bulk.batches import Batches
    from signalcli.bulk.operation import Operation
    from signalcli.bulk.outcomes import Counts, Explain, Fault, Outcome
    from signalcli.db import Session
    from signalcli.render.progress import Display
    from signalcli.rows import RowReader
    from signalcli.trace import Recorder
    from signalcli.trace.totals import BlamingTotals

DEFAULT_BATCH_SIZE = 1_000
MOST_ERRORS = 100
MOST_SKIPPED_SHOWN = 10
STDIN = "-"
PANEL = "Many at once"

# Of several faults, the first of these that there is decides on the exit code.
_EXIT_CODES = {
    "receiver_failed": 1,
    "invalid_value": 2,
    "invalid_row": 2,
    "not_found": 3,
    "exists": 4,
}

From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="FILE",
        help="Do it for each row of a CSV or JSON Lines file, be it gzipped; - for standard input.",
        rich_help_panel=PANEL,
        show_default=False,
    ),
]
BatchSize = Annotated[
    int | None,
    typer.Option(
        "--batch-size",
        min=1,
        metavar="ROWS",
        help=f"How many rows are one transaction; by default {DEFAULT_BATCH_SIZE:,}.",
        rich_help_panel=PANEL,
        show_default=False,
    ),
]
Strict = Annotated[
    bool,
    typer.Option("--strict", help="Write nothing unless all rows are good.", rich_help_panel=PANEL),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume", help="Go on after the last whole batch of a run.", rich_help_panel=PANEL
    ),
]
BulkTrace = Annotated[
    bool,
    typer.Option(
        "--trace", help="Show and keep every dispatch, not only totals.", rich_help_panel=PANEL
    ),
]


@dataclass(frozen=True, slots=True)
class BulkOptions:
    """What the options for many rows say.

    Attributes:
        source: the file, or ``-``; None where the command is for one user.
        batch_size: the rows of a transaction; None where nothing is said.
        strict: whether nothing is written unless all rows are good.
        resume: whether an interrupted run is gone on with.
        trace: whether every dispatch is shown and kept.
    """

    source: str | None
    batch_size: int | None
    strict: bool
    resume: bool
    trace: bool

    def check(self, **of_one_user: Any) -> None:
        """Refuse a mix of what is for one user and what is for many.

        Arguments:
            of_one_user: what is said of one user, by the name of the option, or of the argument
                in capitals; None, False and an empty text say nothing.

        Raises:
            UsageError: there is such a mix.
        """
        if self.source is None:
            said = {"strict": self.strict, "resume": self.resume, "batch-size": self.batch_size}
            for name, value in said.items():
                if value:
                    raise UsageError(f"--{name} is for the rows of --from FILE")
            if of_one_user["USERNAME"] is None:
                raise UsageError("give USERNAME, or --from FILE")
            return
        for name, value in of_one_user.items():
            if value not in (None, False, "") or (name == "USERNAME" and value is not None):
                named = name if name.isupper() else f"--{name.replace('_', '-')}"
                raise UsageError(f"give {named} or --from FILE, not both")
        if self.strict and self.resume:
            raise UsageError("a run with --strict leaves nothing to --resume")


@dataclass(slots=True)
class _Course:
    """A run over rows under way: what has come of it so far.

    Attributes:
        command: the command's name.
        options: what the options for many rows say.
        recorder: knows which receivers failed where every dispatch is kept.
        totals: what is kept of the dispatches otherwise, and knows it then.
        batches: carries it out; None before it begins.
        errors: the first rows that were not done.
        omitted: how many more there are.
        skipped: how many of those were skipped.
    """

    command: str
    options: BulkOptions
    recorder: "Recorder"
    totals: "BlamingTotals | None"
    batches: "Batches | None" = None
    errors: "list[Outcome]" = field(default_factory=list)
    omitted: int = 0
    skipped: int = 0

    @property
    def counts(self) -> "Counts":
        """How many rows came to what."""
        from signalcli.bulk.outcomes import Counts

        return Counts() if self.batches is None else self.batches.counts

    def explain(self, error: BaseException) -> "Fault | None":
        """What an exception says of a row; None where it is about more than that."""
        from signalcli.bulk.outcomes import Fault
        from signalcli.cli.course import fault_of
        from signalcli.db.database import is_of_the_database

        if isinstance(error, KeyboardInterrupt | Terminated) or is_of_the_database(error):
            return None
        problem = fault_of(error, self.recorder if self.totals is None else self.totals)
        return None if problem is None else Fault(problem.code, problem.message)

    def note(self, outcomes: "Iterable[Outcome]", display: "Display") -> None:
        """Say of the rows that were not done why."""
        for outcome in outcomes:
            if outcome.fault is None:
                continue
            if len(self.errors) < MOST_ERRORS:
                self.errors.append(outcome)
            else:
                self.omitted += 1
            # Where all rows have to be good, who exists already is as bad as any other.
            is_error = self.options.strict or not outcome.is_skipped
            self.skipped += not is_error
            if is_error or self.skipped <= MOST_SKIPPED_SHOWN:
                display.note(_line_of(outcome, is_error=is_error), is_error=is_error)

    def outcome(self) -> str:
        """What is there of the work where it ends early."""
        rows, source = self.counts.rows, self.options.source or STDIN
        if self.options.strict or not rows:
            return "nothing was written"
        again = f"--from {shlex.quote(source)} --resume"
        return f"the first {rows:,} rows are done, and {again} goes on after them"

    def answer(self, database: str = "") -> Answer:
        """What there is to say.

        Arguments:
            database: how the database is named to people; where empty, they are told nothing.
        """
        problem = _problem_of(self.counts, is_strict=self.options.strict)
        message = _message_of(self.command, self.counts, database) if database else ""
        return Answer(self._result(), message, problem=problem)

    def _result(self) -> dict[str, Any]:
        """What there is to say to programs."""
        from signalcli.render.table import totals_row
        from signalcli.trace.totals import totals_of

        counts = self.counts
        totals = (
            totals_of(self.recorder.trace.responses) if self.totals is None else list(self.totals)
        )
        return {
            "rows": counts.rows,
            "done": counts.done,
            "skipped": counts.skipped,
            "failed": counts.failed,
            "batches": counts.batches,
            "errors": [
                {
                    "line": outcome.line or None,
                    "row": outcome.row or None,
                    "code": fault.code,
                    "message": fault.message,
                }
                for outcome in self.errors
                if (fault := outcome.fault) is not None
            ],
            "errors_omitted": self.omitted,
            "receivers": [totals_row(total) for total in totals],
        }


def carry_out_rows(
    settings: Settings,
    command: str,
    options: BulkOptions,
    operation: "Callable[[Explain, RowReader], Operation]",
    columns: "tuple[tuple[str, ...], tuple[str, ...]]",
    *,
    creates: bool = False,
) -> Task:
    """A command for each row of a file, and for printing what came of it.

    Arguments:
        settings: what the global options say.
        command: the command's name.
        options: what those for many rows say.
        operation: makes what is done for each row, given what explains failures, and the rows.
        columns: those that each row has to give, and those that it can give besides.
        creates: whether a database that does not exist is made.
    """
    from signalcli.trace import Recorder
    from signalcli.trace.totals import BlamingTotals

    course = _Course(command, options, Recorder(), None if options.trace else BlamingTotals())

    def work(session: "Session") -> Answer:
        from signalcli.rows import open_rows

        with open_rows(options.source or STDIN, *columns) as rows:
            _run(settings, session, operation(course.explain, rows), rows, course)
        return course.answer(settings.database_name)

    return Task(
        work,
        app="signalcli.core",
        writes=True,
        creates=creates,
        piecemeal=Piecemeal(course.totals, course.answer, course.outcome),
        recorder=course.recorder,
    )


def _run(
    settings: Settings,
    session: "Session",
    operation: "Operation",
    rows: "RowReader",
    course: _Course,
) -> None:
    """Carry out the rows, and show how far that has come."""
    from signalcli.bulk.batches import Batches
    from signalcli.bulk.checkpoints import Checkpoint
    from signalcli.render.console import make_console
    from signalcli.render.progress import displayed

    options = course.options
    source = options.source or STDIN
    checkpoint = None
    if not options.strict:
        place = source if source == STDIN else str(Path(source).absolute())
        checkpoint = Checkpoint(course.command, place)
    size = options.batch_size or DEFAULT_BATCH_SIZE
    batches = course.batches = Batches(session, operation, course.explain, size, checkpoint)
    if options.resume:
        batches.go_on(rows)
    before = batches.counts.rows
    # Of a trace that grows on the terminal, that is the progress.
    is_quiet = settings.quiet or (options.trace and not settings.json and sys.stdout.isatty())
    with displayed(make_console(sys.stderr), course.command, is_quiet=is_quiet) as display:
        for outcomes in batches.run_whole(rows) if options.strict else batches.run(rows):
            course.note(outcomes, display)
            display.update(batches.counts.rows - before, rows.position, rows.size)


def _line_of(outcome: "Outcome", *, is_error: bool) -> str:
    """Why a row was not done, on one line."""
    kind = "error" if is_error else "skipped"
    place = f"line {outcome.line}" if outcome.line else "after the commit"
    message = outcome.fault.message if outcome.fault is not None else ""
    return f"{kind}: {place}: {message}"


_VERBS = {
    "register": "Registered {} in {}",
    "update": "Updated {} in {}",
    "delete": "Deleted {} from {}",
    "notify": "Sent notification for {} in {}",
}


def _message_of(command: str, counts: "Counts", database: str) -> str:
    """What was done, for people."""
    done = _VERBS[command].format(_counted(counts.done, "user"), database)
    rest = f"{_counted(counts.rows, 'row')} in {_counted(counts.batches, 'batch')}"
    return f"{done}: {rest}, {counts.skipped:,} skipped, {counts.failed:,} failed"


def _problem_of(counts: "Counts", *, is_strict: bool) -> Problem | None:
    """What is wrong where some rows were not done; the worst of it decides on the exit code."""
    code = next((code for code in _EXIT_CODES if counts.faults[code]), None)
    if code is None:
        return None
    story = []
    if counts.failed:
        story.append(f"{counts.failed:,} of {_counted(counts.rows, 'row')} failed")
    if counts.faults["exists"] and counts.skipped:
        is_one = counts.skipped == 1
        reason = (
            "was skipped, since its user exists" if is_one else "were skipped, since they exist"
        )
        story.append(f"{counts.skipped:,} {reason}")
    if not story:
        story.append("receivers failed after the commit")
    if is_strict:
        story.append("nothing was written")
    return Problem(_EXIT_CODES[code], code, "; ".join(story))


def _counted(count: int, noun: str) -> str:
    plural = f"{noun}es" if noun.endswith("ch") else f"{noun}s"
    return f"{count:,} {noun if count == 1 else plural}"
