"""The entry point: carries out the command line and leaves with its exit code."""

import os
import signal
import sys
from typing import Any, NoReturn

from signalcli import __version__
from signalcli.cli.garbage import look_seldom, pass_over_what_is_loaded
from signalcli.cli.invocation import PROGRAM, Invocation, current, under_way
from signalcli.cli.output import (
    let_go_of_stdout,
    print_problem,
    print_traceback_if_wanted,
    write_document,
)
from signalcli.cli.problems import (
    INTERRUPTED,
    Problem,
    Reported,
    Terminated,
    internal_fault,
    interruption,
    unwritable_answer,
    usage_problem,
)

# By this the shell asks Typer for what may come next.
COMPLETION_VARIABLE = "_SIGNALCLI_COMPLETE"
_YES = ("1", "true", "t", "yes", "y", "on")


def main() -> NoReturn:
    """Run signalcli with the arguments of the process, and exit."""
    look_seldom()
    for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        # Who was started to ignore it (by nohup) goes on ignoring it.
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _terminate)
    # A stream that was closed by who started us takes what it is given, and keeps nothing.
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        # What the terminal's encoding cannot show is spelled out rather than a reason to crash.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = run(current())
        if not sys.stdout.closed:
            sys.stdout.flush()
    except BrokenPipeError:
        let_go_of_stdout()
        code = 0
    except OSError as error:
        let_go_of_stdout()
        problem = unwritable_answer(error, is_written=False)
        print_problem(problem)
        code = problem.exit_code
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Terminated as terminated:
        code = 128 + terminated.args[0]
    finally:
        # Where no apps were wanted, nothing is there that has to be cleared up.
        pass_over_what_is_loaded()
    sys.exit(code)


def _terminate(number: int, frame: object) -> NoReturn:
    raise Terminated(number)


def run(invocation: Invocation) -> int:
    """Carry out one command line, and return its exit code.

    Arguments:
        invocation: the command line. What goes wrong with it is said, not raised.

    Raises:
        OSError: standard output takes no more.
        Terminated: the system asks the process to end.
    """
    with under_way(invocation):
        return _run(invocation)


def _run(invocation: Invocation) -> int:
    is_bare = invocation.line is None and COMPLETION_VARIABLE not in os.environ
    if is_bare and invocation.arguments == ("--version",):
        # Nothing that reads a command line is needed for this one.
        print(f"{PROGRAM} {__version__}")  # noqa: T201  # the answer
        return 0
    try:
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
    # Typer's usage errors have no common public class; this is how they tell of themselves.
    if hasattr(error, "format_message") and hasattr(error, "exit_code"):
        message = " ".join(error.format_message().split())
        context = getattr(error, "ctx", None)
        path = context.command_path if context is not None else PROGRAM
        stop = "" if message.endswith((".", "?", "!")) else "."
        return usage_problem(f"{message[:1].lower()}{message[1:]}{stop} See `{path} --help`")
    print_traceback_if_wanted()
    return internal_fault(error)


def report(problem: Problem) -> int:
    """Say what is wrong with the current command line; returns the exit code."""
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
