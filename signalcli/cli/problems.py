"""The problems that commands report: their exit codes, their messages, and how they are printed.

``--version`` loads this module, and nothing of what it imports late.
"""

import contextlib
import os
import sys
from dataclasses import dataclass
from typing import Any, NamedTuple

from signalcli.cli.invocation import current
from signalcli.cli.late import late
from signalcli.errors import SignalcliError

with late():
    import traceback

    from signalcli import secrets
    from signalcli.render import document, text
    from signalcli.trace import representation

INTERRUPTED = 130
INDENT = 2

UNWRITABLE = 74

# What a command leaves behind that was ended in the midst of its commit.
IN_DOUBT = "the commit was under way: all of it is written, or nothing"

EXIT_CODES = {
    0: "done",
    1: "a receiver failed",
    2: "wrong usage or an invalid value",
    3: "no such thing",
    4: "exists already",
    5: "the database cannot be used",
    70: "an internal fault of signalcli",
    UNWRITABLE: "the output cannot be written, as on a full disk",
    129: "ended by SIGHUP: the terminal was closed",
    INTERRUPTED: "interrupted by Ctrl-C",
    141: "ended by a closed pipe",
    143: "ended by SIGTERM, as kill and timeout send it",
}


class ErrorCode(NamedTuple):
    """The word for an error in JSON documents.

    Attributes:
        exit_code: the exit code of a command that ends with it, or several; for people.
        meaning: what has happened, a sentence.
    """

    exit_code: str
    meaning: str


# All of them: `explain`, `help exit-codes`, completion and the manual tell them from here.
ERROR_CODES = {
    "receiver_failed": ErrorCode("1", "A receiver raised an exception."),
    "usage": ErrorCode("2", "The command line is wrong."),
    "invalid_value": ErrorCode("2", "A value breaks a rule, or cannot be used."),
    "invalid_row": ErrorCode("2", "A row of --from cannot be read; of a row, never of a command."),
    "unreadable": ErrorCode("2", "A file of rows or commands cannot be read."),
    "app": ErrorCode("2", "An app does not load, or is not installed."),
    "login_failed": ErrorCode("2", "The username or the password is wrong."),
    "not_found": ErrorCode("3", "A name or a key leads to nothing."),
    "exists": ErrorCode("4", "What is to be made is there already."),
    "database": ErrorCode("5", "The database cannot be used: it is none, locked, or not yours."),
    "batch": ErrorCode("that of the first failure", "Some commands of a batch failed."),
    "internal": ErrorCode("70", "A failure of signalcli itself. Please report it."),
    "output": ErrorCode("74", "Standard output takes no more, as where a disk is full."),
    "interrupted": ErrorCode("130", "Somebody pressed Ctrl-C."),
    "terminated": ErrorCode("129 or 143", "The system asked the process to end."),
}

TRACEBACK_VARIABLE = "SIGNALCLI_TRACEBACK"

STANDARD_OUTPUT, STANDARD_ERROR = 1, 2

_is_let_go = False
# Where what others print belongs, where only the answer belongs on standard output.
_elsewhere: int | str | None = None
# The signals by which the system asked the process to end, in their order.
_requests: list[int] = []


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a command failed.

    Attributes:
        exit_code: one of :data:`EXIT_CODES`.
        code: a word for programs.
        message: one line for people, which names the value at fault and what to do. Whoever wrote
            it, it has no secrets.
        receiver: the full name of the receiver that caused it, where one is known to have.
        place: the file and the line where that failed, or an empty string.
    """

    exit_code: int
    code: str
    message: str
    receiver: str = ""
    place: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", secrets.without_secrets(self.message))


class Reported(Exception):
    """A command failed and has said so; the process has only to leave with its exit code."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.exit_code = problem.exit_code


class Terminated(BaseException):
    """The system asks the process to end; raised so that open files and transactions are closed."""


def note_request(number: int) -> None:
    """Note that the system asks the process to end.

    The exception that is raised for it may be lost: Python drops those of destructors, and a
    receiver may catch it. Whoever goes on with other work has to look at :func:`request`.

    Arguments:
        number: the number of the signal.
    """
    _requests.append(number)


def request() -> int | None:
    """The signal by which the system last asked the process to end; None where it did not."""
    return _requests[-1] if _requests else None


def as_told(error: SignalcliError) -> Problem:
    """The problem that an error of ours is."""
    return Problem(error.exit_code, error.code, str(error))


def usage_problem(message: str) -> Problem:
    """The command line is wrong."""
    return Problem(2, "usage", message)


def interruption(is_written: bool, outcome: str | None = None) -> Problem:
    """Somebody pressed Ctrl-C."""
    story = outcome or outcome_of(is_written)
    return Problem(INTERRUPTED, "interrupted", f"interrupted; {story}")


def termination(terminated: Terminated, is_written: bool, outcome: str | None = None) -> Problem:
    """The system asked the process to end."""
    number, story = terminated.args[0], outcome or outcome_of(is_written)
    return Problem(128 + number, "terminated", f"ended by signal {number}; {story}")


def outcome_of(is_written: bool) -> str:
    """The part of its work that a command leaves behind when it ends early."""
    return "what was committed before stays" if is_written else "nothing was written"


def unwritable_answer(error: OSError, is_written: bool, outcome: str | None = None) -> Problem:
    """Standard output takes no more."""
    if outcome is None:
        outcome = "the database was written" if is_written else "nothing was written"
    return Problem(
        UNWRITABLE, "output", f"the answer cannot be printed: {error.strerror}; {outcome}"
    )


def internal_fault(error: BaseException) -> Problem:
    """An exception that nobody expected: signalcli itself is at fault."""
    try:
        failure = representation.describe_failure(error)
        story = f" at {failure.short_place}: {failure}"
    except ImportError:
        # A part of the installation is missing, perhaps the cause of the exception.
        story = f": {type(error).__name__}: {error}"
    return Problem(
        70,
        "internal",
        f"internal fault{story}; please report it, as the README "
        f'says under "Reporting a fault" ({TRACEBACK_VARIABLE}=1 shows the traceback)',
    )


def write_document(
    command: str | None,
    *,
    run: int | None = None,
    result: Any = None,
    dispatches: list[dict[str, Any]] | None = None,
    problem: Problem | None = None,
) -> None:
    """Write the JSON document of a command; for a line of a script, with the line's number.

    It is indented on a terminal, where people read it, and one line anywhere else.
    """
    contents = document.document(
        command,
        run=run,
        result=result,
        dispatches=dispatches or [],
        error=None if problem is None else (problem.code, problem.message),
    )
    line = current().line
    if line is not None:
        contents["line"] = line.number
        contents["exit_code"] = 0 if problem is None else problem.exit_code
    # Of a script, each line has one document on one line, wherever it goes.
    indent = INDENT if line is None and sys.stdout.isatty() else None
    print(document.dumps(contents, encoding=sys.stdout.encoding, indent=indent))


def print_problem(problem: Problem) -> None:
    """Print an error on one line of standard error, which names the line of a script."""
    # A receiver may have closed it; then there is nothing to flush.
    if not sys.stdout.closed:
        sys.stdout.flush()
    print_note(f"error: {_place()}{problem.message}")


def print_warning(message: str) -> None:
    """Print a warning on one line of standard error, which names the line of a script."""
    print_note(f"warning: {_place()}{message}")


def _place() -> str:
    line = current().line
    return "" if line is None else f"line {line.number}: "


def print_note(message: str) -> None:
    """Print a note beside the answer, on one line of standard error.

    Where that takes no more, the exit code has to do.
    """
    # It may be closed, too.
    with contextlib.suppress(OSError, ValueError):
        print(text.on_one_line(secrets.without_secrets(message)), file=sys.stderr)


def print_traceback_if_wanted() -> None:
    """Print the traceback of the exception at hand, if the environment asks for it."""
    if os.environ.get(TRACEBACK_VARIABLE):
        with contextlib.suppress(OSError):
            story = secrets.without_secrets(traceback.format_exc())
            print(text.visible(story), end="", file=sys.stderr)


def let_go_of_stdout() -> None:
    """Drop the rest of standard output: nobody reads it any more."""
    global _is_let_go
    _is_let_go = True
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123  # os.devnull is a name, not a path
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def note_answers_alone(*, for_programs: bool, quiet: bool) -> None:
    """Note that standard output is for answers alone, as :func:`keep_to_answers` asks.

    Arguments:
        for_programs: whether what others print goes to standard error.
        quiet: whether it is dropped.
    """
    global _elsewhere
    if for_programs:
        _elsewhere = STANDARD_ERROR
    elif quiet:
        _elsewhere = os.devnull


def keep_to_answers() -> None:
    """Keep what threads of receivers print from now on out of the answer, which is complete."""
    # In a test, something else may stand for standard output.
    if _elsewhere is None or sys.stdout.closed or sys.stdout.fileno() != STANDARD_OUTPUT:
        return
    # Standard error may be closed.
    with contextlib.suppress(OSError):
        other = os.open(os.devnull, os.O_WRONLY) if isinstance(_elsewhere, str) else _elsewhere
        os.dup2(other, STANDARD_OUTPUT)


def stdout_is_lost() -> bool:
    """Whether standard output leads nowhere any more."""
    return _is_let_go or sys.stdout.closed
