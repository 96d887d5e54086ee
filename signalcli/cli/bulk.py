"""Commands over the rows of a file: an operation carried out in batches, and what came of it.

Loaded when such a command runs.
"""

import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from signalcli.bulk.batches import Batches, Operation
from signalcli.bulk.checkpoints import Checkpoint
from signalcli.bulk.outcomes import Counts, Fault, Outcome
from signalcli.cli.course import fault_of
from signalcli.cli.invocation import Settings
from signalcli.cli.problems import Problem, Terminated
from signalcli.cli.rows import DEFAULT_BATCH_SIZE, RowOptions
from signalcli.cli.task import Answer, Piecemeal, Task
from signalcli.db import Session
from signalcli.db.database import is_of_the_database
from signalcli.errors import InvalidValue, exit_codes
from signalcli.render.console import make_console
from signalcli.render.progress import Display, displayed
from signalcli.render.table import totals_row
from signalcli.rows import open_rows
from signalcli.trace import Recorder
from signalcli.trace.totals import BlamingTotals, totals_of

MOST_ERRORS = 100
MOST_SKIPPED_SHOWN = 10
STDIN = "-"


def for_each_row(
    settings: Settings,
    options: RowOptions,
    operation: Operation,
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

    def __init__(self, settings: Settings, options: RowOptions, operation: Operation) -> None:
        self.recorder = Recorder()
        self.totals = None if options.trace else BlamingTotals()
        self._settings = settings
        self._options = options
        self._operation = operation
        self._source = options.source or STDIN
        self._counts = Counts()
        # The first rows that were not done, and the number of the others.
        self._errors: list[Outcome] = []
        self._omitted = 0
        self._skipped_shown = 0

    def work(self, session: Session) -> Answer:
        """Read the rows, carry them out in batches, and show how far that has come."""
        options = self._options
        size = options.batch_size or DEFAULT_BATCH_SIZE
        with open_rows(self._source, *self._operation.columns) as rows:
            checkpoint = None if options.strict else self._checkpoint()
            batches = Batches(session, self._operation, rows, self._explain, size, checkpoint)
            if options.resume:
                batches.go_on()
            before = batches.counts.rows
            try:
                with self._progress() as display:
                    for outcomes in batches.run(whole=options.strict):
                        self._note(outcomes, display)
                        display.update(batches.counts.rows - before, rows.position, rows.size)
            finally:
                self._counts = batches.counts
        answer = self.answer()
        answer.message = self._message()
        return answer

    def answer(self) -> Answer:
        """What programs get, also where something ends the run early."""
        problem = _problem_of(self._counts, self._operation.noun, is_strict=self._options.strict)
        return Answer(self._result(), problem=problem)

    def outcome(self) -> str:
        """How much of the work is done where something ends the run early."""
        rows = self._counts.rows
        if self._options.strict or not rows:
            return "nothing was written"
        again = f"--from {shlex.quote(self._source)} --resume"
        return f"the first {rows:,} rows are done, and {again} goes on after them"

    def _checkpoint(self) -> Checkpoint:
        is_file = self._source != STDIN
        place = str(Path(self._source).absolute()) if is_file else STDIN
        return Checkpoint(self._operation.name, place)

    def _progress(self) -> Any:
        settings = self._settings
        # A trace that grows on the terminal shows the progress itself.
        grows = self._options.trace and not settings.json and sys.stdout.isatty()
        is_quiet = settings.quiet or grows
        return displayed(make_console(sys.stderr), self._operation.name, is_quiet=is_quiet)

    def _explain(self, error: BaseException) -> Fault | None:
        """What an exception says of a row; None where it is about more than a row."""
        if isinstance(error, KeyboardInterrupt | Terminated) or is_of_the_database(error):
            return None
        problem = fault_of(error, self.recorder if self.totals is None else self.totals)
        return None if problem is None else Fault(problem.code, problem.message)

    def _note(self, outcomes: Iterable[Outcome], display: Display) -> None:
        """Print why rows were not done, and remember the first of them."""
        for outcome in outcomes:
            if outcome.fault is None:
                continue
            if len(self._errors) < MOST_ERRORS:
                self._errors.append(outcome)
            else:
                self._omitted += 1
            # Where all rows have to be good, an object that exists already is an error, too.
            is_error = self._options.strict or not outcome.is_skipped
            self._skipped_shown += not is_error
            if is_error or self._skipped_shown <= MOST_SKIPPED_SHOWN:
                kind = "error" if is_error else "skipped"
                place = f"line {outcome.line}" if outcome.line else "after the commit"
                display.note(f"{kind}: {place}: {outcome.fault.message}", is_error=is_error)

    def _message(self) -> str:
        """What was done, for people."""
        counts, operation = self._counts, self._operation
        done = operation.story.format(
            _counted(counts.done, operation.noun), self._settings.database_name
        )
        rest = f"{_counted(counts.rows, 'row')} in {_counted(counts.batches, 'batch')}"
        return f"{done}: {rest}, {counts.skipped:,} skipped, {counts.failed:,} failed"

    def _result(self) -> dict[str, Any]:
        """What was done, for programs."""
        counts = self._counts
        totals = totals_of(self.recorder.trace.responses) if self.totals is None else self.totals
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
                for outcome in self._errors
                if (fault := outcome.fault) is not None
            ],
            "errors_omitted": self._omitted,
            "receivers": [totals_row(total) for total in totals],
        }


def _problem_of(counts: Counts, noun: str, *, is_strict: bool) -> Problem | None:
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
