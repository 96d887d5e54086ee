"""The entry point: the process around a command line, one command line, and its exit code.

Nothing is imported at once that ``--version`` does without.
"""

import _thread
import contextlib
import gc
import os
import signal
import sys
import threading
from typing import Any, NoReturn

from signalcli import __version__
from signalcli.cli.invocation import MOST_WORDS, PROGRAM, Invocation, current, under_way
from signalcli.cli.late import late
from signalcli.cli.problems import (
    INTERRUPTED,
    Problem,
    Reported,
    Terminated,
    as_told,
    internal_fault,
    interruption,
    keep_to_answers,
    let_go_of_stdout,
    note_request,
    print_problem,
    print_traceback_if_wanted,
    request,
    unwritable_answer,
    usage_problem,
    write_document,
)
from signalcli.errors import SignalcliError, UsageError, interruption_of

with late():
    import json
    import pathlib

    from signalcli.apps import settings_file
    from signalcli.cli import app, guidance, shells

# A request that could not be raised comes again after this time.
AGAIN_SECONDS = 0.01
# The shell sets this variable to ask Typer for completions.
COMPLETION_VARIABLE = "_SIGNALCLI_COMPLETE"
_YES = ("1", "true", "t", "yes", "y", "on")


def main() -> NoReturn:
    """Run signalcli with the arguments of the process, and exit."""
    # Nearly all that is loaded stays: Python need not look for garbage until apps are loaded.
    gc.disable()
    for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        # A process that was started to ignore the signal, as by nohup, goes on ignoring it.
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _terminate)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
    sys.unraisablehook = _after_what_cannot_raise
    # Our parent may have closed a stream; print then leads nowhere instead of failing.
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        # Characters that the terminal's encoding lacks are spelled out instead of failing.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = carry_out(current())
        if not sys.stdout.closed:
            sys.stdout.flush()
            keep_to_answers()
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
        # Without apps there is nothing to clear up when the process ends.
        if not gc.isenabled():
            gc.freeze()
    sys.exit(code)


def _terminate(number: int, frame: object) -> NoReturn:
    note_request(number)
    raise Terminated(number)


def _interrupt(number: int, frame: object) -> NoReturn:
    note_request(number)
    raise KeyboardInterrupt


def _after_what_cannot_raise(unraisable: Any) -> None:
    """Heed a request that came while a destructor ran, which drops exceptions."""
    lost = unraisable.exc_value
    if isinstance(lost, KeyboardInterrupt | Terminated):
        number = request()
        if number is not None:
            again = threading.Timer(AGAIN_SECONDS, _thread.interrupt_main, (number,))
            again.daemon = True
            again.start()
    elif request() is None:
        sys.__unraisablehook__(unraisable)
    # Otherwise what was interrupted is cleared away: its complaints tell nothing.


def carry_out(invocation: Invocation) -> int:
    """Carry out one command line, and return its exit code.

    Arguments:
        invocation: the command line. Its failure is reported, not raised.

    Raises:
        OSError: standard output takes no more.
        Terminated: the system asks the process to end.
    """
    with under_way(invocation):
        if (
            invocation.arguments == ("--version",)
            and invocation.line is None
            and COMPLETION_VARIABLE not in os.environ
        ):
            # Typer takes long to load, and is not needed here.
            print(f"{PROGRAM} {__version__}")  # noqa: T201  # the answer
            return 0
        try:
            if COMPLETION_VARIABLE in os.environ and shells.is_asked():
                print(shells.answer(app.program()))  # noqa: T201  # the answer
                return 0
            return _carry_out(invocation)
        except Reported as failure:
            return failure.exit_code
        except SystemExit as leaving:
            # Typer exits like this when nobody reads its output (`signalcli --help | head -1`).
            if isinstance(leaving.__context__, BrokenPipeError):
                raise leaving.__context__ from None
            raise
        except KeyboardInterrupt:
            return report(interruption(is_written=False))
        except OSError:
            raise
        except Exception as error:
            # What was interrupted while modules were loaded may fail in other ways.
            ended = interruption_of(error)
            if isinstance(ended, KeyboardInterrupt):
                return report(interruption(is_written=False))
            if isinstance(ended, Terminated):
                raise ended from None
            return report(_problem_of(error))


def _carry_out(invocation: Invocation) -> int:
    """Have Typer read a command line and call its command."""
    # Where every line of the answer is to be JSON, there is no help.
    is_json = invocation.line is not None and invocation.line.settings.json
    more: dict[str, Any] = {"help_option_names": []} if is_json else {}
    arguments = list(invocation.arguments)
    if len(arguments) > MOST_WORDS:
        raise UsageError(f"a command line has at most {MOST_WORDS:,} words")
    # This imports Typer; an error of that is reported like any other.
    code: int = app.program()(arguments, prog_name=PROGRAM, standalone_mode=False, **more) or 0
    # Typer makes this code of a Ctrl-C that came before or after the work.
    return report(interruption(is_written=False)) if code == INTERRUPTED else code


def _problem_of(error: Exception) -> Problem:
    # Typer's usage errors have no common public class, but these attributes.
    if hasattr(error, "format_message") and hasattr(error, "exit_code"):
        told = guidance.of_option(error) or guidance.of_more_words(error)
        message = told or " ".join(error.format_message().split())
        context = getattr(error, "ctx", None)
        path = context.command_path if context is not None else PROGRAM
        stop = "" if message.endswith((".", "?", "!")) else "."
        return usage_problem(f"{message[:1].lower()}{message[1:]}{stop} See `{path} --help`")
    print_traceback_if_wanted()
    return as_told(error) if isinstance(error, SignalcliError) else internal_fault(error)


def report(problem: Problem) -> int:
    """Report the problem of the current command line; returns the exit code."""
    try:
        if _wants_json():
            write_document(None, problem=problem)
        else:
            print_problem(problem)
    except (AttributeError, ImportError):
        if request() is None:
            raise
        # What was interrupted as it was loaded stays half loaded, and cannot be used.
        _report_plainly(problem)
    return problem.exit_code


def _report_plainly(problem: Problem) -> None:
    """Report a problem of our own words by nothing but Python."""
    if "--json" in current().arguments:
        error = {"code": problem.code, "message": problem.message}
        document: dict[str, object] = {
            "ok": False,
            "command": None,
            "run": None,
            "result": None,
            "dispatches": [],
        }
        print(json.dumps({**document, "error": error}))  # noqa: T201  # the answer
    else:
        print(f"error: {problem.message}", file=sys.stderr)  # noqa: T201  # there is no other way


def _wants_json() -> bool:
    """Whether ``--json`` was asked for, on a command line that may be wrong."""
    invocation = current()
    if invocation.line is not None and invocation.line.settings.json:
        return True
    arguments = invocation.arguments
    if "--" in arguments:
        arguments = arguments[: arguments.index("--")]
    if "--json" in arguments:
        return True
    if said := os.environ.get("SIGNALCLI_JSON"):
        return said.lower() in _YES
    with contextlib.suppress(Exception):
        found = settings_file.find_settings_file(pathlib.Path.cwd())
        return found is not None and found.values.get("json") is True
    return False
