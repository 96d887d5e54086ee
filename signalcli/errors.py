"""The errors that users meet: each class carries its exit code and its code for programs.

Every room raises these, or subclasses that say something of their own. A command that ends with
one of them prints its text as ``error: …`` and leaves with its exit code.
"""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar


class SignalcliError(Exception):
    """A request cannot be carried out. The text is one line, which names the value at fault.

    Attributes:
        exit_code: the exit code of a command that ends with this error.
        code: the word for it in a JSON document.
    """

    exit_code: ClassVar[int]
    code: ClassVar[str]


class ReceiversFailed(SignalcliError):
    """Receivers failed in a dispatch that let the others run.

    Arguments:
        signal: the signal's short name.
        failed: each receiver that failed, with its exception.
    """

    exit_code = 1
    code = "receiver_failed"

    def __init__(self, signal: str, failed: Sequence[tuple[Callable[..., Any], Exception]]) -> None:
        super().__init__(f"{len(failed)} receivers of {signal} failed")
        self.signal = signal
        self.failed = failed


class UsageError(SignalcliError):
    """A command line is wrong."""

    exit_code = 2
    code = "usage"


class InvalidValue(SignalcliError):
    """A value breaks a rule, or cannot be used."""

    exit_code = 2
    code = "invalid_value"


class NotFound(SignalcliError):
    """A name or a key leads to nothing."""

    exit_code = 3
    code = "not_found"


class AlreadyExists(SignalcliError):
    """An object or a file that is to be made is there already."""

    exit_code = 4
    code = "exists"


class DatabaseUnusable(SignalcliError):
    """The database cannot be used: no database, locked too long, no permission."""

    exit_code = 5
    code = "database"


def exit_codes() -> dict[str, int]:
    """The exit code of every error that is defined by now, under its code for programs."""
    found: dict[str, int] = {}
    kinds: list[type[SignalcliError]] = [SignalcliError]
    for kind in kinds:
        kinds += kind.__subclasses__()
        if kind is not SignalcliError:
            found[kind.code] = kind.exit_code
    return found


def interruption_of(error: BaseException) -> BaseException | None:
    """What interrupted the work, if anything did: other exceptions may have been raised after it.

    Arguments:
        error: the exception that ended the work.

    Returns:
        An exception like ``KeyboardInterrupt``, or None.
    """
    cause: BaseException | None = error
    while isinstance(cause, Exception):
        cause = cause.__context__
    return cause
