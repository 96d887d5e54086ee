"""Commands over the rows of a file: their options, the work in batches, and what came of it."""

import shlex
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from signalcli.cli.invocation import Settings
from signalcli.cli.late import late
from signalcli.cli.problems import IN_DOUBT, Problem, Terminated
from signalcli.cli.task import Answer, Piecemeal, Task
from signalcli.errors import InvalidValue, UsageError, exit_codes

with late():
    from signalcli.bulk import batches, checkpoints, outcomes
    from signalcli.cli import course
    from signalcli.db import database
    from signalcli.render import console, progress, table
    from signalcli.rows import reader
    from signalcli.trace import recorder, representation, totals

if TYPE_CHECKING:
    from signalcli.bulk.batches import Operation
    from signalcli.bulk.checkpoints import Checkpoint
    from signalcli.bulk.outcomes import Counts, Fault, Outcome
    from signalcli.db import Session
    from signalcli.render.progress import Display

DEFAULT_BATCH_SIZE = 1_000
MOST_ERRORS = 100
MOST_SKIPPED_SHOWN = 10
STDIN = "-"
PANEL = "Many at once"

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
RowsTrace = Annotated[
    bool,
    typer.Option(
        "--trace", help="Show and keep every dispatch, not only totals.", rich_help_panel=PANEL
    ),
]


@dataclass(frozen=True, slots=True)
class RowOptions:
    """The values of the options for many rows.

    Attributes:
        source: the file, or ``-``; None where the command is for one object.
        batch_size: the rows of a transaction; None: the default.
        strict: whether nothing is written unless all rows are good.
        resume: whether the command goes on with an interrupted run.
        trace: whether every dispatch is shown and kept.
    """

    source: str | None
    batch_size: int | None
    strict: bool
    resume: bool
    trace: bool

    def check(self, **of_one: Any) -> None:
        """Refuse values for one object beside those for many.

        Arguments:
            of_one: the values for one object, by the name of the option, or of the argument in
                capitals; None, False and an empty text are no values.

        Raises:
            UsageError: there are such values.
        """
        if self.source is None:
            said = {"strict": self.strict, "resume": self.resume, "batch-size": self.batch_size}
            for name, value in said.items():
                if value:
                    raise UsageError(f"--{name} is for the rows of --from FILE")
            if of_one["USERNAME"] is None:
                raise UsageError("give USERNAME, or --from FILE")
            return
        for name, value in of_one.items():
            if value not in (None, False, "") or (name == "USERNAME" and value is not None):
                named = name if name.isupper() else f"--{name.replace('_', '-')}"
                raise UsageError(f"give {named} or --from FILE, not both")
        if self.strict and self.resume:
            raise UsageError("a run with --strict leaves nothing to --resume")


def for_each_row(
    settings: Settings,
    options: RowOptions,
    operation: "Operation",
    *,
    app: str,
    creates: bool = False,
) -> Task:
    """A command that carries out an operation for each row of a file.

    Arguments:
        settings: the values of the global options.
        options: the values of the options for many rows.
        operation: what is done for each row.
        app: the full name of the app that the operation is of.
        creates: whether a database that does not exist is made.
    """
    run = _RowsRun(settings, options, operation)
    piecemeal = Piecemeal(run.totals, run.answer, run.outcome)
    return Task(
        run.work,
        app=app,
        writes=True,
        creates=creates,
        piecemeal=piecemeal,
        recorder=run.recorder,
    )


class _RowsRun:
    """A run over the rows of a file: what has come of it so far.

    Attributes:
        recorder: knows which receivers failed where every dispatch is kept.
        totals: counts the dispatches otherwise, and knows it then.
    """

    def __init__(self, settings: Settings, options: RowOptions, operation: "Operation") -> None:
        self.recorder = recorder.Recorder()
        self.totals = None if options.trace else totals.BlamingTotals()
        self._settings = settings
        self._options = options
        self._operation = operation
        self._source = options.source or STDIN
        self._counts = outcomes.Counts()
        self._is_committed = False
        # The first rows that failed, and the first that were skipped, each with its place among
        # both; and how many there are.
        self._failed: list[tuple[int, Outcome]] = []
        self._skipped: list[tuple[int, Outcome]] = []
        self._faults = 0
        self._skipped_shown = 0

    def work(self, session: "Session") -> Answer:
        """Read the rows, carry them out in batches, and show how far that has come."""
        options = self._options
        if options.resume and (finished := self._finished(session)):
            self._counts = finished
            return Answer(self._result(), message=self._message_of_finished())
        size = options.batch_size or DEFAULT_BATCH_SIZE
        with reader.open_rows(self._source, *self._operation.columns) as rows:
            checkpoint = None if options.strict else self._checkpoint()
            carried_out = batches.Batches(
                session, self._operation, rows, self._explain, size, checkpoint
            )
            if options.resume:
                carried_out.go_on()
            before = carried_out.counts.rows
            try:
                with self._progress() as display:
                    for of_batch in carried_out.run(whole=options.strict):
                        self._note(of_batch, display)
                        done = carried_out.counts.rows - before
                        display.update(done, rows.position, rows.size)
            finally:
                self._counts = carried_out.counts
                self._is_committed = carried_out.is_committed
        answer = self.answer()
        answer.message = self._message()
        return answer

    def _finished(self, session: "Session") -> "Counts | None":
        """What came of the file where a finished run has done all of it, as it is now."""
        # Nothing else can be read twice.
        if not Path(self._source).is_file():
            return None
        with reader.open_rows(self._source, *self._operation.columns) as rows:
            return batches.finished(session, rows, self._checkpoint())

    def answer(self) -> Answer:
        """What programs get, also where something ends the run early."""
        problem = _problem_of(self._counts, self._operation.noun, is_strict=self._options.strict)
        return Answer(self._result(), problem=problem)

    def outcome(self, is_in_doubt: bool) -> str:
        """How much of the work is done where something ends the run early.

        Arguments:
            is_in_doubt: whether one more batch may have been committed.
        """
        rows = self._counts.rows
        if self._options.strict and not self._is_committed:
            return IN_DOUBT if is_in_doubt else "nothing was written"
        if self._options.strict:
            return f"all {rows:,} rows are done"
        again = f"--from {shlex.quote(self._source)} --resume"
        if is_in_doubt:
            least = f"the first {rows:,} rows are done, and perhaps one batch more"
            return f"{least if rows else 'perhaps one batch is done'}; {again} goes on after that"
        if not rows:
            return "nothing was written"
        return f"the first {rows:,} rows are done, and {again} goes on after them"

    def _checkpoint(self) -> "Checkpoint":
        is_file = self._source != STDIN
        place = str(Path(self._source).absolute()) if is_file else STDIN
        return checkpoints.Checkpoint(self._operation.name, place)

    def _progress(self) -> Any:
        settings = self._settings
        # A trace that grows on the terminal shows the progress itself.
        grows = self._options.trace and not settings.json and sys.stdout.isatty()
        is_quiet = settings.quiet or grows
        stderr = console.make_console(sys.stderr)
        return progress.displayed(stderr, self._operation.name, is_quiet=is_quiet)

    def _explain(self, error: BaseException) -> "Fault | None":
        """What an exception says of a row; None where it is about more than a row."""
        if isinstance(error, KeyboardInterrupt | Terminated) or database.is_of_the_database(error):
            return None
        blaming = self.recorder if self.totals is None else self.totals
        problem = course.fault_of(error, blaming)
        if problem is None:
            return None
        return outcomes.Fault(problem.code, problem.message, problem.receiver, problem.place)

    def _note(self, of_batch: Iterable["Outcome"], display: "Display") -> None:
        """Print why rows were not done, and remember the first of them."""
        for outcome in of_batch:
            if outcome.fault is None:
                continue
            self._faults += 1
            kept = self._skipped if outcome.is_skipped else self._failed
            if len(kept) < MOST_ERRORS:
                kept.append((self._faults, outcome))
            # Where all rows have to be good, an object that exists already is an error, too.
            is_error = self._options.strict or not outcome.is_skipped
            self._skipped_shown += not is_error
            if is_error or self._skipped_shown <= MOST_SKIPPED_SHOWN:
                kind = "error" if is_error else "skipped"
                story = outcome.fault.message
                if outcome.line:
                    story = f"line {outcome.line}: {story}"
                elif not story.startswith(course.AFTER_COMMIT):
                    story = course.AFTER_COMMIT + story
                display.note(f"{kind}: {story}", is_error=is_error)

    def _message(self) -> str:
        """What was done, for people."""
        counts, operation = self._counts, self._operation
        done = operation.story.format(
            _counted(counts.done, operation.noun), self._settings.database_name
        )
        return f"{done}: {self._figures()}"

    def _message_of_finished(self) -> str:
        name = Path(self._source).name
        return f"Nothing to go on with: all of {name} was done before: {self._figures()}"

    def _figures(self) -> str:
        counts = self._counts
        rows = f"{_counted(counts.rows, 'row')} in {_counted(counts.batches, 'batch')}"
        return f"{rows}, {counts.skipped:,} skipped, {counts.failed:,} failed"

    def _result(self) -> dict[str, Any]:
        """What was done, for programs."""
        counts = self._counts
        # Rows that are skipped, perhaps all of the beginning, leave room for those that failed.
        errors = sorted([*self._failed, *self._skipped][:MOST_ERRORS])
        responses = self.recorder.trace.responses
        of_receivers = totals.totals_of(responses) if self.totals is None else self.totals
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
                    "receiver": fault.receiver or None,
                    "place": fault.place or None,
                    "values": outcome.values
                    and {
                        name: representation.represent(text, name)
                        for name, text in outcome.values.items()
                    },
                }
                for _, outcome in errors
                if (fault := outcome.fault) is not None
            ],
            "errors_omitted": self._faults - len(errors),
            "receivers": [table.totals_row(total) for total in of_receivers],
        }


def _problem_of(counts: "Counts", noun: str, *, is_strict: bool) -> Problem | None:
    """What is wrong where some rows were not done; of their faults, the lowest exit code counts."""
    if not counts.faults:
        return None
    known, other = exit_codes(), InvalidValue.exit_code
    # A row that cannot be read has no error of its own. It counts after values that are invalid.
    code = min(counts.faults, key=lambda code: (known.get(code, other), code not in known, code))
    story = []
    if counts.failed:
        story.append(f"{counts.failed:,} of {_counted(counts.rows, 'row')} failed")
    if counts.faults["exists"] and counts.skipped:
        is_one = counts.skipped == 1
        story.append(
            f"1 was skipped, since its {noun} exists"
            if is_one
            else f"{counts.skipped:,} were skipped, since they exist"
        )
    if not story:
        story.append("receivers failed after the commit")
    if is_strict:
        story.append("nothing was written")
    return Problem(known.get(code, other), code, "; ".join(story))


def _counted(count: int, noun: str) -> str:
    plural = f"{noun}es" if noun.endswith("ch") else f"{noun}s"
    return f"{count:,} {noun if count == 1 else plural}"
