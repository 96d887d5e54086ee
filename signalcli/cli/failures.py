"""Translating exceptions into the problems that a command reports.

The errors of :mod:`signalcli.errors` carry their exit code. All other exceptions are translated
here: those that receivers raise, and SQLAlchemy's about the database.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from sqlalchemy.exc import IntegrityError, InvalidRequestError

from signalcli.apps import ImproperlyConfigured
from signalcli.cli.problems import Problem, as_told, internal_fault, outcome_of
from signalcli.db.database import unusable, without_password
from signalcli.dispatch import Receiver
from signalcli.dispatch.signatures import describe
from signalcli.errors import DatabaseUnusable, ReceiversFailed, SignalcliError
from signalcli.trace import Failure, Response
from signalcli.trace.representation import describe_failure


class Blaming(Protocol):
    """A watcher of dispatches, which knows who raised what."""

    def culprit(self, error: BaseException) -> Response | None:
        """The response that raised an exception first, or None where none did."""


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
        return as_told(error)
    if isinstance(error, IntegrityError | InvalidRequestError):
        # The commands have checked what they write themselves.
        reason = describe_failure(error).message
        return Problem(1, "receiver_failed", f"what receivers did cannot be written: {reason}")
    return None


def robust_failures(signal: str, failed: Sequence[tuple[Receiver, Exception]]) -> Problem:
    """Receivers failed, but the others ran and the command went on.

    Arguments:
        signal: the signal's short name.
        failed: each receiver that failed, with its exception.
    """
    receiver, error = failed[0]
    story = _failure_of(describe(receiver), signal, describe_failure(error))
    return Problem(1, "receiver_failed", f"{story}{_as_well(len(failed) - 1)}; the others ran")


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


def _as_well(others: int) -> str:
    return f", and so did {others} more" if others else ""


def _failure_of(receiver: str, signal: str, failure: Failure) -> str:
    return f"the receiver {receiver} failed on {signal}: {failure.story}"


def unwritable_log(error: BaseException, database: str) -> str:
    """Why a run is not kept in the signal log, and what to do."""
    if isinstance(error, KeyboardInterrupt):
        reason: object = "interrupted"
    else:
        reason = unusable(error, without_password(database)) or describe_failure(error)
    return f"the run is not kept in the signal log: {reason} (--no-log does without the log)"
