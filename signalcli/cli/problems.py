"""What can go wrong, as every command reports it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from signalcli.dispatch import Receiver
    from signalcli.trace import Failure, Recorder

INTERRUPTED = 130

EXIT_CODES = {
    0: "done",
    1: "a receiver failed",
    2: "wrong usage or an invalid value",
    3: "no such thing",
    4: "exists already",
    5: "the database cannot be used",
    70: "an internal fault of signalcli",
    INTERRUPTED: "interrupted",
}

TRACEBACK_VARIABLE = "SIGNALCLI_TRACEBACK"

# The code of what is wrong with the database itself.
UNUSABLE = "database"


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a command failed.

    Attributes:
        exit_code: one of :data:`EXIT_CODES`.
        code: a word for programs.
        message: one line for people, which names the value at fault and what to do.
    """

    exit_code: int
    code: str
    message: str


class Reported(Exception):
    """A command failed and has said so; what is left is to leave with its exit code."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.exit_code = problem.exit_code


class Terminated(BaseException):
    """The system asks the process to end; raised so that everything is put in order first."""


def usage_problem(message: str) -> Problem:
    """The command line is wrong."""
    return Problem(2, "usage", message)


def login_failure(username: str) -> Problem:
    """A name and a password do not belong together; which of them is wrong is not told."""
    from signalcli.core.errors import abridged

    story = f"cannot log in {abridged(username)}: the username or the password is wrong"
    return Problem(2, "login_failed", f"{story}; `signalcli passwd` sets a password")


def interruption(is_written: bool) -> Problem:
    """Somebody pressed Ctrl-C."""
    return Problem(INTERRUPTED, "interrupted", f"interrupted; {_outcome(is_written)}")


def termination(terminated: Terminated, is_written: bool) -> Problem:
    """The system asked the process to end."""
    number = terminated.args[0]
    return Problem(128 + number, "terminated", f"ended by signal {number}; {_outcome(is_written)}")


def unwritable_log(error: BaseException, database: str) -> str:
    """Why a run is not kept in the signal log, and what to do."""
    from signalcli.db.engine import without_password
    from signalcli.db.errors import unusable
    from signalcli.trace.representation import describe_failure

    if isinstance(error, KeyboardInterrupt):
        reason: object = "interrupted"
    else:
        reason = unusable(error, without_password(database)) or describe_failure(error)
    return f"the run is not kept in the signal log: {reason} (--no-log does without the log)"


def _outcome(is_written: bool) -> str:
    return "what was committed before stays" if is_written else "nothing was written"


def problem_of(
    error: BaseException, recorder: "Recorder", database: str, is_written: bool
) -> Problem:
    """What an exception means to the user.

    Arguments:
        error: what ended the command.
        recorder: knows which receiver raised it, if one did.
        database: how the user knows the database.
        is_written: whether something was committed before.
    """
    from sqlalchemy.exc import IntegrityError, InvalidRequestError

    from signalcli.apps import AmbiguousModel, ImproperlyConfigured, ModelNotFound
    from signalcli.apps.inventory import NoMatch
    from signalcli.apps.objects.refusals import InvalidInput, NoSuchObject, ObjectExists
    from signalcli.core.errors import InvalidValue, UserExists, UserNotFound
    from signalcli.db.errors import unusable
    from signalcli.trace.representation import describe_failure

    culprit = recorder.culprit(error)
    if culprit is not None:
        sender = culprit.dispatch.sender
        signal = culprit.dispatch.signal + (f" of {sender}" if sender else "")
        story = _failure_of(culprit.receiver, signal, describe_failure(error))
        return Problem(1, "receiver_failed", f"{story}; {_outcome(is_written)}")
    if isinstance(error, InvalidValue | InvalidInput | AmbiguousModel):
        return Problem(2, "invalid_value", str(error))
    if isinstance(error, UserNotFound | NoSuchObject | ModelNotFound | NoMatch):
        return Problem(3, "not_found", str(error))
    if isinstance(error, UserExists | ObjectExists):
        return Problem(4, "exists", str(error))
    if isinstance(error, ImproperlyConfigured):
        return Problem(2, "app", str(error))
    if isinstance(error, IntegrityError | InvalidRequestError):
        # What the commands themselves write was checked before.
        reason = describe_failure(error).message
        story = f"what receivers did cannot be written: {reason}; {_outcome(is_written)}"
        return Problem(1, "receiver_failed", story)
    unusable_database = unusable(error, database)
    if unusable_database is not None:
        return Problem(5, UNUSABLE, str(unusable_database))
    return internal_fault(error)


def robust_failures(signal: str, failed: "list[tuple[Receiver, Exception]]") -> Problem:
    """Receivers failed, but the others ran and the command went on."""
    from signalcli.dispatch.signatures import describe
    from signalcli.trace.representation import describe_failure

    receiver, error = failed[0]
    story = _failure_of(describe(receiver), signal, describe_failure(error))
    others = f", and so did {len(failed) - 1} more" if len(failed) > 1 else ""
    return Problem(1, "receiver_failed", f"{story}{others}; the others ran")


def _failure_of(receiver: str, signal: str, failure: "Failure") -> str:
    return f"the receiver {receiver} failed on {signal}: {failure.story}"


def unwritable_answer(error: OSError, is_written: bool) -> Problem:
    """Standard output takes no more."""
    outcome = "the database was written" if is_written else "nothing was written"
    return Problem(70, "output", f"the answer cannot be printed: {error.strerror}; {outcome}")


def internal_fault(error: BaseException) -> Problem:
    """Something that signalcli should have handled."""
    try:
        from signalcli.trace.representation import describe_failure

        failure = describe_failure(error)
        story = f" at {failure.short_place}: {failure}"
    except ImportError:
        # A part of the installation is missing, which may be what went wrong.
        story = f": {type(error).__name__}: {error}"
    return Problem(
        70,
        "internal",
        f"internal fault{story}; please report it, as the README "
        f'says under "Reporting a fault" ({TRACEBACK_VARIABLE}=1 shows the traceback)',
    )
