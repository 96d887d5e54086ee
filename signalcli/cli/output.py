"""The last words of a command: a document for programs, or an error for people."""

import contextlib
import os
import select
import sys
from collections.abc import Iterator
from typing import Any, TextIO

from signalcli.cli.invocation import current
from signalcli.cli.problems import TRACEBACK_VARIABLE, Problem

# Those whose words on standard error are of no use there.
LOGGERS = ("signalcli", "sqlalchemy")

_is_let_go = False


def write_document(
    command: str | None,
    *,
    run: int | None = None,
    result: Any = None,
    dispatches: list[dict[str, Any]] | None = None,
    problem: Problem | None = None,
) -> None:
    """Write the one JSON document of a command; of a line of a script, with that line's number."""
    from signalcli.render.document import document, dumps

    contents = document(
        command,
        run=run,
        result=result,
        dispatches=dispatches or [],
        error=None if problem is None else (problem.code, problem.message),
    )
    if (line := current().line) is not None:
        contents["line"] = line.number
        contents["exit_code"] = 0 if problem is None else problem.exit_code
    print(dumps(contents, encoding=sys.stdout.encoding))


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
    """Print something beside the answer on one line of standard error."""
    from signalcli.render.text import visible

    print(visible(message.replace("\n", "\\n")), file=sys.stderr)


def print_traceback_if_wanted() -> None:
    """Print the traceback of the exception at hand, if the environment asks for it."""
    if os.environ.get(TRACEBACK_VARIABLE):
        import traceback

        traceback.print_exc()


def leave_logs_to_others() -> None:
    """Have nothing logged on standard error, where nobody has set logging up.

    The table shows what a robust dispatch would log; and what SQLAlchemy logs when Ctrl-C comes at
    a bad moment is of no use to anybody.
    """
    import logging

    if not os.environ.get(TRACEBACK_VARIABLE):
        for name in LOGGERS:
            logging.getLogger(name).addHandler(logging.NullHandler())


def leave_warnings_to_others() -> None:
    """Have SQLAlchemy's warnings not printed, which are for who writes models, unless asked to."""
    import warnings

    from sqlalchemy.exc import SAWarning

    if not sys.warnoptions and not os.environ.get(TRACEBACK_VARIABLE):
        warnings.simplefilter("ignore", SAWarning)


@contextlib.contextmanager
def kept_clean(*, for_programs: bool, quiet: bool) -> Iterator[None]:
    """Within it, what apps and receivers print does not mix with the answer.

    Arguments:
        for_programs: standard output is for one JSON document, or several; it goes to standard
            error.
        quiet: it is dropped.
    """
    if for_programs:
        with output_to(sys.stderr):
            yield
    elif quiet:
        with open(os.devnull, "w", encoding="utf-8") as nowhere, output_to(nowhere):  # noqa: PTH123  # os.devnull is a name, not a path
            yield
    else:
        yield


@contextlib.contextmanager
def output_to(stream: TextIO) -> Iterator[None]:
    """Within it, what is printed goes elsewhere, also what other programs print on our behalf."""
    sys.stdout.flush()
    saved: int | None = None
    try:
        # What stands for standard output may be no file, as in a test.
        saved = os.dup(1)
        os.dup2(stream.fileno(), 1)
    except OSError:
        pass
    try:
        with contextlib.redirect_stdout(stream):
            yield
    finally:
        stream.flush()
        if saved is not None:
            os.dup2(saved, 1)
            os.close(saved)


def stdout_is_read() -> bool:
    """Whether there may still be somebody who reads standard output."""
    if not hasattr(select, "poll"):
        return True
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)
    return not any(event & select.POLLERR for _, event in poll.poll(0))


def let_go_of_stdout() -> None:
    """Whoever read standard output has gone: have what is left in its buffer vanish."""
    global _is_let_go
    _is_let_go = True
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123  # os.devnull is a name, not a path
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def stdout_is_lost() -> bool:
    """Whether nothing that is printed arrives anywhere any more."""
    return _is_let_go or sys.stdout.closed
