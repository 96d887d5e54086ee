"""What can go wrong, as every command reports it."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from signalcli.errors import DatabaseUnusable, ReceiversFailed, SignalcliError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from signalcli.dispatch import Receiver
    from signalcli.trace import Failure, Response

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

INTERNAL = "internal"


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


class Blaming(Protocol):
    """Something that has watched dispatches."""

    def culprit(self, error: BaseException) -> "Response | None":
        """The response that raised an exception first, or None where none did."""


class Reported(Exception):
    """A command failed and has said so; what is left is to leave with its exit code."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.exit_code = problem.exit_code


class Terminated(BaseException):
    """The system asks the process to end; raised so that everything is put in order first."""


def _as_told(error: SignalcliError) -> Problem:
    return Problem(error.exit_code, error.code, str(error))


def usage_problem(message: str) -> Problem:
    """The command line is wrong."""
    return Problem(2, "usage", message)


def login_failure(username: str) -> Problem:
    """A name and a password do not belong together; which of them is wrong is not told."""
    from signalcli.core.errors import abridged

    story = f"cannot log in {abridged(username)}: the username or the password is wrong"
    return Problem(2, "login_failed", f"{story}; `signalcli passwd` sets a password")


def interruption(is_written: bool, outcome: str | None = None) -> Problem:
    """Somebody pressed Ctrl-C."""
    story = outcome or _outcome(is_written)
    return Problem(INTERRUPTED, "interrupted", f"interrupted; {story}")


def termination(terminated: Terminated, is_written: bool, outcome: str | None = None) -> Problem:
    """The system asked the process to end."""
    number, story = terminated.args[0], outcome or _outcome(is_written)
    return Problem(128 + number, "terminated", f"ended by signal {number}; {story}")


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
    error: BaseException,
    recorder: "Blaming",
    database: str,
    is_written: bool,
    outcome: str | None = None,
) -> Problem:
    """What an exception means to the user.

    Arguments:
        error: what ended the command.
        recorder: knows which receiver raised it, if one did.
        database: how the user knows the database.
        is_written: whether something was committed before.
        outcome: what is there of the command's work, where there is more to say of it than that.
    """
    from signalcli.db.errors import unusable

    problem = fault_of(error, recorder)
    if problem is None:
        known = error if isinstance(error, SignalcliError) else unusable(error, database)
        problem = internal_fault(error) if known is None else _as_told(known)
    if problem.exit_code == 1 or (outcome is not None and problem.code != INTERNAL):
        return replace(problem, message=f"{problem.message}; {outcome or _outcome(is_written)}")
    return problem


def fault_of(error: BaseException, recorder: "Blaming") -> Problem | None:
    """What an exception says of what was asked for, or of a receiver; None where of neither.

    Arguments:
        error: what was raised.
        recorder: as for :func:`problem_of`.
    """
    from sqlalchemy.exc import IntegrityError, InvalidRequestError

    from signalcli.apps import ImproperlyConfigured
    from signalcli.trace.representation import describe_failure

    culprit = recorder.culprit(error)
    if culprit is not None:
        sender = culprit.dispatch.sender
        signal = culprit.dispatch.signal + (f" of {sender}" if sender else "")
        # Of several async receivers that failed, one is told of, as in a trace.
        others, first = _first_of(error, recorder)
        story = _failure_of(culprit.receiver, signal, describe_failure(first))
        return Problem(1, "receiver_failed", story + _as_well(others))
    if isinstance(error, ReceiversFailed):
        return robust_failures(error.signal, error.failed)
    if isinstance(error, SignalcliError) and not isinstance(
        error, DatabaseUnusable | ImproperlyConfigured
    ):
        return _as_told(error)
    if isinstance(error, IntegrityError | InvalidRequestError):
        # What the commands themselves write was checked before.
        reason = describe_failure(error).message
        return Problem(1, "receiver_failed", f"what receivers did cannot be written: {reason}")
    return None


def robust_failures(signal: str, failed: "Sequence[tuple[Receiver, Exception]]") -> Problem:
    """Receivers failed, but the others ran and the command went on."""
    from signalcli.dispatch.signatures import describe
    from signalcli.trace.representation import describe_failure

    receiver, error = failed[0]
    story = _failure_of(describe(receiver), signal, describe_failure(error))
    return Problem(1, "receiver_failed", f"{story}{_as_well(len(failed) - 1)}; the others ran")


def _first_of(error: BaseException, recorder: "Blaming") -> tuple[int, BaseException]:
    """The first failure of a group of which it is known who raised it, and how many others are."""
    others = 0
    while isinstance(error, BaseExceptionGroup):
        known = [each for each in error.exceptions if recorder.culprit(each) is not None]
        if not known:
            break
        others += len(error.exceptions) - 1
        error = known[0]
    return others, error


def _as_well(others: int) -> str:
    return f", and so did {others} more" if others else ""


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
        INTERNAL,
        f"internal fault{story}; please report it, as the README "
        f'says under "Reporting a fault" ({TRACEBACK_VARIABLE}=1 shows the traceback)',
    )
