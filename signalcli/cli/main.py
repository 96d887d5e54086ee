"""The entry point: the process around a command line, and its exit code."""

import os
import signal
import sys
from typing import NoReturn

from signalcli.cli.command_line import carry_out
from signalcli.cli.invocation import current
from signalcli.cli.output import let_go_of_stdout, print_problem
from signalcli.cli.problems import INTERRUPTED, Terminated, unwritable_answer
from signalcli.cli.surroundings import look_for_garbage_seldom, pass_over_what_is_loaded


def main() -> NoReturn:
    """Run signalcli with the arguments of the process, and exit."""
    look_for_garbage_seldom()
    for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        # A process that was started to ignore the signal, as by nohup, goes on ignoring it.
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _terminate)
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
        # Commands without apps leave nothing that has to be cleared up.
        pass_over_what_is_loaded()
    sys.exit(code)


def _terminate(number: int, frame: object) -> NoReturn:
    raise Terminated(number)
