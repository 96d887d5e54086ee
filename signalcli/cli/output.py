"""Printing around the answer: the document for programs, errors and warnings for people."""

import contextlib
import os
import select
import sys
from collections.abc import Iterator
from typing import Any, TextIO

from signalcli.cli.invocation import current
from signalcli.cli.problems import TRACEBACK_VARIABLE, Problem

_is_let_go = False


def write_document(
    command: str | None,
    *,
    run: int | None = None,
    result: Any = None,
    dispatches: list[dict[str, Any]] | None = None,
    problem: Problem | None = None,
) -> None:
    """Write the JSON document of a command; for a line of a script, with the line's number."""
    # `--version` loads this module, too: that is why these functions import what they need.
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
    """Print a note beside the answer, on one line of standard error."""
    from signalcli.render.text import visible

    print(visible(message.replace("\n", "\\n")), file=sys.stderr)


def print_traceback_if_wanted() -> None:
    """Print the traceback of the exception at hand, if the environment asks for it."""
    if os.environ.get(TRACEBACK_VARIABLE):
        import traceback

        traceback.print_exc()


@contextlib.contextmanager
def kept_clean(*, for_programs: bool, quiet: bool) -> Iterator[None]:
    """Keep the output of apps and receivers out of the answer.

    Arguments:
        for_programs: whether standard output is for JSON; other output goes to standard error.
        quiet: whether other output is dropped.
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
    """Send standard output elsewhere, also that of the programs that we start."""
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
    """Whether somebody may still read standard output."""
    if not hasattr(select, "poll"):
        return True
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)
    return not any(event & select.POLLERR for _, event in poll.poll(0))


def let_go_of_stdout() -> None:
    """Drop the rest of standard output, whose reader has gone."""
    global _is_let_go
    _is_let_go = True
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123  # os.devnull is a name, not a path
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def stdout_is_lost() -> bool:
    """Whether standard output leads nowhere any more."""
    return _is_let_go or sys.stdout.closed
