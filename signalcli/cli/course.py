"""A command under way: its results so far, and the problem that an exception is.

The errors of :mod:`signalcli.errors` carry their exit code. All other exceptions are translated
here: those that receivers raise, and SQLAlchemy's about the database.
"""

import traceback
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy.exc import IntegrityError, InvalidRequestError

from signalcli.apps import ImproperlyConfigured
from signalcli.apps.tables import State
from signalcli.cli.invocation import Settings
from signalcli.cli.problems import (
    IN_DOUBT,
    Problem,
    Terminated,
    as_told,
    internal_fault,
    interruption,
    let_go_of_stdout,
    outcome_of,
    print_traceback_if_wanted,
    termination,
)
from signalcli.cli.task import Answer, Findings, Inquiry, Task
from signalcli.db.database import is_of_the_database, unusable
from signalcli.db.rules import broken_rule
from signalcli.dispatch import Receiver
from signalcli.dispatch.signatures import describe
from signalcli.errors import DatabaseUnusable, ReceiversFailed, SignalcliError
from signalcli.secrets import without_password
from signalcli.trace import Failure, Recorder, Response
from signalcli.trace.representation import describe_failure

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine


AFTER_COMMIT = "after the commit: "


class Blaming(Protocol):
    """A watcher of dispatches that knows which receiver raised an exception."""

    def culprit(self, error: BaseException) -> Response | None:
        """The response that raised an exception first, or None where none did."""

    def function_of(self, error: BaseException) -> str:
        """The function that raised an exception first, after the commit; empty where none did.

        The culprit is then the response that had asked for it.
        """


class Course:
    """A command under way, and its results so far.

    Attributes:
        settings: the values of the global options.
        name: the command's name.
        task: what the command does.
        recorder: builds the trace, and knows which receiver raised an exception.
        totals: counts the dispatches, where no trace is kept.
        begun: when the command began, in UTC, without a time zone.
        is_heard: whether the apps are ready, so that their receivers hear of the command.
        engine: the database of the session, once that is open.
        has_begun: whether a transaction has begun in it.
        state: how that stands to the installed apps.
        is_empty: whether it is a server's without any table, and the command only reads.
        answer: the answer, once the work is done.
        failure: the exception that ended the work, if one did, until it is announced.
        problem: the first error, if there was one.
        is_written: whether something is in the database for good.
        is_in_doubt: whether the last commit may have been carried out, although it was ended.
        number: the number of the run in the signal log, once that is kept.
        leaving: why the process has to end, if the system asks for that.
        contents: the JSON document of an inquiry, without its problem.
        is_told: whether the problem stands in the document already.
    """

    def __init__(self, settings: Settings, name: str, task: Task | Inquiry) -> None:
        self.settings = settings
        self.name = name
        self.task = task
        self.recorder = task.recorder or Recorder()
        self.totals = task.piecemeal.totals if task.piecemeal else None
        self.begun = datetime.now(UTC).replace(tzinfo=None)
        self.is_heard = False
        self.engine: Engine | None = None
        self.has_begun = False
        self.state = State()
        self.is_empty = False
        self.answer: Answer | Findings | None = None
        self.failure: BaseException | None = None
        self.problem: Problem | None = None
        self.is_written = isinstance(task, Inquiry) and task.writes
        self.is_in_doubt = False
        self.number: int | None = None
        self.leaving: Terminated | None = None
        self.contents: dict[str, Any] = {}
        self.is_told = False

    @property
    def is_document(self) -> bool:
        """Whether the answer is one JSON document."""
        return self.settings.json and not self.task.form.is_lines

    @property
    def is_streamed(self) -> bool:
        """Whether the findings are looked up while they are printed."""
        return isinstance(self.task, Inquiry) and not self.is_document

    @property
    def outcome(self) -> str | None:
        """How much of its work the command leaves behind, where that is not plain."""
        if self.task.piecemeal:
            return self.task.piecemeal.outcome(self.is_in_doubt)
        return IN_DOUBT if self.is_in_doubt else self.made

    @property
    def made(self) -> str | None:
        """What an inquiry has made that is no database; None where it has made nothing."""
        if isinstance(self.task, Inquiry) and self.task.makes and self.answer is not None:
            return f"{self.task.makes} was written"
        return None

    def note_begin(self, connection: "Connection") -> None:
        """Note that the database can be used: a transaction has begun."""
        self.has_begun = True

    def note_commit(self) -> None:
        """Note that something is in the database for good."""
        self.is_written = True

    def note_doubt(self) -> None:
        """Note that something ended the command in the midst of a commit."""
        self.is_in_doubt = True

    def fail(self, error: BaseException) -> None:
        """Note the problem that an exception is; of several problems, the first is reported.

        Raises:
            BaseException: the exception itself, where it is no failure of the command but asks the
                process to end.
        """
        problem = self.problem_of(error)
        self.problem = self.problem or problem

    def problem_of(self, error: BaseException) -> Problem | None:
        """The problem that an exception is to the user; None where there is nothing to report.

        Raises:
            BaseException: as :meth:`fail`.
        """
        outcome = self.outcome
        if isinstance(error, KeyboardInterrupt):
            return interruption(self.is_written, outcome)
        if isinstance(error, Terminated):
            if isinstance(self.task, Inquiry):
                raise error
            self.leaving = error
            return termination(error, self.is_written, outcome)
        blaming = self.recorder if self.totals is None else self.totals
        if blaming.culprit(error) is None:
            if isinstance(error, SystemExit | GeneratorExit):
                raise error
            if not isinstance(error, Exception):
                # Only code of an app has such a class, as in the `__repr__` of what it returns.
                story = f"code of an app raised {describe_failure(error).story}"
                story += f"; {outcome or outcome_of(self.is_written)}"
                return Problem(1, "receiver_failed", story)
            if isinstance(error, BrokenPipeError):
                # Nobody reads the table any more. The work is done by then.
                let_go_of_stdout()
                return None
        print_traceback_if_wanted()
        database = without_password(self.settings.database)
        return problem_of(error, blaming, database, self.is_written, outcome)


def problem_of(
    error: BaseException,
    recorder: Blaming,
    database: str,
    is_written: bool,
    outcome: str | None = None,
) -> Problem:
    """The problem that an exception is to the user.

    Arguments:
        error: the exception that ended the command.
        recorder: knows which receiver raised it, if one did.
        database: how the user knows the database.
        is_written: whether something was committed before.
        outcome: how much of its work the command leaves behind, where ``is_written`` says too
            little of that.
    """
    problem = fault_of(error, recorder)
    if problem is None:
        known = error if isinstance(error, SignalcliError) else unusable(error, database)
        if known is None:
            return internal_fault(error)
        problem = as_told(known)
    if problem.exit_code == 1 or outcome is not None:
        return replace(problem, message=f"{problem.message}; {outcome or outcome_of(is_written)}")
    return problem


def fault_of(error: BaseException, recorder: Blaming) -> Problem | None:
    """The problem that an exception is with the request or with a receiver; None for any other.

    Arguments:
        error: the exception.
        recorder: as for :func:`problem_of`.
    """
    # A receiver whose query meets a database that ails is not at fault.
    if is_of_the_database(error):
        return None
    culprit = recorder.culprit(error)
    if culprit is not None:
        sender = culprit.dispatch.sender
        signal = culprit.dispatch.signal + (f" of {sender}" if sender else "")
        # Of several async receivers that failed, the first is named, as in a trace.
        others, first = _first_of(error, recorder)
        if function := recorder.function_of(error):
            return _function_failed(function, culprit.receiver, describe_failure(first))
        return _receiver_failed(culprit.receiver, signal, describe_failure(first), others)
    if isinstance(error, ReceiversFailed):
        return robust_failures(error.signal, error.failed)
    if isinstance(error, SignalcliError) and not isinstance(
        error, DatabaseUnusable | ImproperlyConfigured
    ):
        return as_told(error)
    rule = broken_rule(error)
    if rule is not None or isinstance(error, IntegrityError | InvalidRequestError):
        # The commands have checked what they write themselves.
        reason = rule or describe_failure(error).message
        return Problem(1, "receiver_failed", f"what receivers did cannot be written: {reason}")
    if isinstance(error, KeyError) and _is_of_a_flush(error):
        # SQLAlchemy takes the values of a row from its instance. Only a receiver deletes one.
        reason = f"an object has lost its value of {error}"
        return Problem(1, "receiver_failed", f"what receivers did cannot be written: {reason}")
    return None


def _function_failed(function: str, receiver: str, failure: Failure) -> Problem:
    story = f"the function {function}, which {receiver} asked for, failed: {failure.story}"
    return _caused_by(receiver, failure, AFTER_COMMIT + story)


def _is_of_a_flush(error: BaseException) -> bool:
    """Whether SQLAlchemy raised an exception as it wrote rows."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return bool(frames) and frames[-1].f_globals.get("__name__") == "sqlalchemy.orm.persistence"


def robust_failures(signal: str, failed: Sequence[tuple[Receiver, Exception]]) -> Problem:
    """Receivers failed, but the others ran and the command went on.

    Arguments:
        signal: the signal's short name.
        failed: each receiver that failed, with its exception.
    """
    receiver, error = failed[0]
    problem = _receiver_failed(
        describe(receiver), signal, describe_failure(error), others=len(failed) - 1
    )
    return replace(problem, message=f"{problem.message}; the others ran")


def _receiver_failed(receiver: str, signal: str, failure: Failure, others: int) -> Problem:
    story = f"the receiver {receiver} failed on {signal}: {failure.story}"
    as_well = f", and so did {others} more" if others else ""
    return _caused_by(receiver, failure, story + as_well)


def _caused_by(receiver: str, failure: Failure, story: str) -> Problem:
    return Problem(1, "receiver_failed", story, receiver, failure.place)


def _first_of(error: BaseException, recorder: Blaming) -> tuple[int, BaseException]:
    """The first failure of a group whose receiver is known, and the number of the others."""
    others = 0
    while isinstance(error, BaseExceptionGroup):
        known = [each for each in error.exceptions if recorder.culprit(each) is not None]
        if not known:
            break
        others += len(error.exceptions) - 1
        error = known[0]
    return others, error


def unwritable_log(error: BaseException, database: str) -> str:
    """Why a run is not kept in the signal log, and what to do."""
    if isinstance(error, KeyboardInterrupt):
        reason: object = "interrupted"
    else:
        reason = unusable(error, without_password(database)) or describe_failure(error)
    return f"the run is not kept in the signal log: {reason} (--no-log does without the log)"
