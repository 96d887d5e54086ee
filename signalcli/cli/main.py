"""The entry point: carries out the command line and leaves with its exit code."""

import os
import signal
import sys
from typing import NoReturn

from signalcli import __version__
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

PROGRAM = "signalcli"
# By this the shell asks Typer for what may come next.
COMPLETION_VARIABLE = "_SIGNALCLI_COMPLETE"
_YES = ("1", "true", "t", "yes", "y", "on")


def main() -> NoReturn:
    """Run signalcli with the arguments of the process, and exit."""
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
        code = _run(sys.argv[1:])
        if not sys.stdout.closed:
            sys.stdout.flush()
    except BrokenPipeError:
        let_go_of_stdout()
        code = 0
    except OSError as error:
        let_go_of_stdout()
        code = _report(unwritable_answer(error, is_written=False), [])
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Terminated as terminated:
        code = 128 + terminated.args[0]
    sys.exit(code)


def _terminate(number: int, frame: object) -> NoReturn:
    raise Terminated(number)


def _run(arguments: list[str]) -> int:
    if arguments == ["--version"] and COMPLETION_VARIABLE not in os.environ:
        # Nothing that reads a command line is needed for this one.
        print(f"{PROGRAM} {__version__}")  # noqa: T201  # the answer
        return 0
    try:
        from signalcli.cli.app import app

        code: int = app(arguments, prog_name=PROGRAM, standalone_mode=False) or 0
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
    return _report(problem, arguments)


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


def _report(problem: Problem, arguments: list[str]) -> int:
    if _wants_json(arguments):
        write_document(None, problem=problem)
    else:
        print_problem(problem)
    return problem.exit_code


def _wants_json(arguments: list[str]) -> bool:
    """Whether ``--json`` was asked for, on a command line that may be wrong."""
    if "--" in arguments:
        arguments = arguments[: arguments.index("--")]
    return "--json" in arguments or os.environ.get("SIGNALCLI_JSON", "").lower() in _YES
