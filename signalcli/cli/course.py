"""A command under way: what has come of it so far."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from signalcli.cli.failures import problem_of
from signalcli.cli.invocation import Settings
from signalcli.cli.output import let_go_of_stdout, print_traceback_if_wanted
from signalcli.cli.problems import Problem, Terminated, interruption, termination
from signalcli.cli.task import Answer, Findings, Inquiry, Task
from signalcli.db.database import without_password
from signalcli.trace import Recorder

if TYPE_CHECKING:
    from sqlalchemy import Engine


class Course:
    """A command under way: what has come of it so far.

    Attributes:
        settings: the values of the global options.
        name: the command's name.
        task: what the command does.
        recorder: builds the trace, and knows which receiver raised an exception.
        totals: counts the dispatches, where no trace is kept.
        begun: when the command began, in UTC, without a time zone.
        is_heard: whether the apps are ready, so that their receivers hear of the command.
        engine: the database of the session, once that is open.
        answer: the answer, once the work is done.
        failure: the exception that ended the work, if one did.
        problem: what went wrong, if something did.
        is_written: whether something is in the database for good.
        number: the number of the run in the signal log, once that is kept.
        leaving: why the process has to end, if the system asks for that.
        contents: the JSON document of an inquiry, without its problem.
        is_told: whether the problem stands in the document already.
    """

    def __init__(self, settings: Settings, name: str, task: Task | Inquiry) -> None:
        self.settings = settings
        self.name = name
        self.task = task
        piecemeal = task.piecemeal if isinstance(task, Task) else None
        recorder = task.recorder if isinstance(task, Task) else None
        self.recorder = Recorder() if recorder is None else recorder
        self.totals = piecemeal.totals if piecemeal is not None else None
        self.begun = datetime.now(UTC).replace(tzinfo=None)
        self.is_heard = False
        self.engine: Engine | None = None
        self.answer: Answer | Findings | None = None
        self.failure: BaseException | None = None
        self.problem: Problem | None = None
        self.is_written = isinstance(task, Inquiry) and task.writes
        self.number: int | None = None
        self.leaving: Terminated | None = None
        self.contents: dict[str, Any] = {}
        self.is_told = False

    @property
    def is_document(self) -> bool:
        """Whether the answer is one JSON document."""
        is_lines = isinstance(self.task, Inquiry) and self.task.ndjson
        return self.settings.json and not is_lines

    @property
    def is_streamed(self) -> bool:
        """Whether the findings are looked up while they are printed."""
        return isinstance(self.task, Inquiry) and not self.is_document

    def note_commit(self) -> None:
        """Note that something is in the database for good."""
        self.is_written = True

    def fail(self, error: BaseException) -> None:
        """Note the problem that an exception is; of several problems, the first is reported.

        Raises:
            BaseException: the exception itself, where it is no failure of the command but asks the
                process to end.
        """
        problem = self.problem_of(error)
        self.problem = self.problem or problem

    def problem_of(self, error: BaseException) -> Problem | None:
        """What an exception means to the user; None where there is nothing to report.

        Raises:
            BaseException: as :meth:`fail`.
        """
        piecemeal = self.task.piecemeal if isinstance(self.task, Task) else None
        outcome = piecemeal.outcome() if piecemeal is not None else None
        if isinstance(error, KeyboardInterrupt):
            return interruption(self.is_written, outcome)
        if isinstance(error, Terminated):
            if isinstance(self.task, Inquiry):
                raise error
            self.leaving = error
            return termination(error, self.is_written, outcome)
        blaming = self.recorder if self.totals is None else self.totals
        if blaming.culprit(error) is None:
            if not isinstance(error, Exception):
                raise error
            if isinstance(error, BrokenPipeError):
                # Nobody reads the table any more. The work is done by then.
                let_go_of_stdout()
                return None
        print_traceback_if_wanted()
        database = without_password(self.settings.database)
        return problem_of(error, blaming, database, self.is_written, outcome)
