"""Carrying out one command line: that of the process, or a line of a script."""

import os
from typing import Any

from signalcli import __version__
from signalcli.cli.invocation import PROGRAM, Invocation, current, under_way
from signalcli.cli.output import print_problem, print_traceback_if_wanted, write_document
from signalcli.cli.problems import (
    INTERRUPTED,
    Problem,
    Reported,
    as_told,
    internal_fault,
    interruption,
    usage_problem,
)
from signalcli.errors import SignalcliError

# The shell sets this variable to ask Typer for completions.
COMPLETION_VARIABLE = "_SIGNALCLI_COMPLETE"
_YES = ("1", "true", "t", "yes", "y", "on")


def carry_out(invocation: Invocation) -> int:
    """Carry out one command line, and return its exit code.

    Arguments:
        invocation: the command line. Its failure is reported, not raised.

    Raises:
        OSError: standard output takes no more.
        Terminated: the system asks the process to end.
    """
    with under_way(invocation):
        return _carry_out(invocation)


def _carry_out(invocation: Invocation) -> int:
    is_bare = invocation.line is None and COMPLETION_VARIABLE not in os.environ
    if is_bare and invocation.arguments == ("--version",):
        # This command line is read without Typer, which takes long to load.
        print(f"{PROGRAM} {__version__}")  # noqa: T201  # the answer
        return 0
    try:
        # The version needs no Typer; and what fails here is reported like any other failure.
        from signalcli.cli.app import program

        # Where every line of the answer is to be JSON, there is no help.
        is_json = invocation.line is not None and invocation.line.settings.json
        more: dict[str, Any] = {"help_option_names": []} if is_json else {}
        code: int = (
            program()(list(invocation.arguments), prog_name=PROGRAM, standalone_mode=False, **more)
            or 0
        )
        if code != INTERRUPTED:
            return code
        # Typer makes this of a Ctrl-C that came before or after the work.
        problem = interruption(is_written=False)
    except Reported as failure:
        return failure.exit_code
    except SystemExit as leaving:
        # Typer leaves so when nobody reads what it prints (`signalcli --help | head -1`).
        if isinstance(leaving.__context__, BrokenPipeError):
            raise leaving.__context__ from None
        raise
    except KeyboardInterrupt:
        problem = interruption(is_written=False)
    except OSError:
        raise
    except Exception as error:
        problem = _problem_of(error)
    return report(problem)


def _problem_of(error: Exception) -> Problem:
    # Typer's usage errors have no common public class, but these attributes.
    if hasattr(error, "format_message") and hasattr(error, "exit_code"):
        message = " ".join(error.format_message().split())
        context = getattr(error, "ctx", None)
        path = context.command_path if context is not None else PROGRAM
        stop = "" if message.endswith((".", "?", "!")) else "."
        return usage_problem(f"{message[:1].lower()}{message[1:]}{stop} See `{path} --help`")
    print_traceback_if_wanted()
    return as_told(error) if isinstance(error, SignalcliError) else internal_fault(error)


def report(problem: Problem) -> int:
    """Report the problem of the current command line; returns the exit code."""
    if _wants_json():
        write_document(None, problem=problem)
    else:
        print_problem(problem)
    return problem.exit_code


def _wants_json() -> bool:
    """Whether ``--json`` was asked for, on a command line that may be wrong."""
    invocation = current()
    if invocation.line is not None and invocation.line.settings.json:
        return True
    arguments = invocation.arguments
    if "--" in arguments:
        arguments = arguments[: arguments.index("--")]
    return "--json" in arguments or os.environ.get("SIGNALCLI_JSON", "").lower() in _YES
