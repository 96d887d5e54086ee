"""The command that carries out others: a script of signalcli commands, in one process."""

import contextlib
import gc
import sys
from dataclasses import dataclass, field
from typing import Annotated

import typer

from signalcli.cli.invocation import PROGRAM, Invocation, Line, current, under_way
from signalcli.cli.isolation import isolated
from signalcli.cli.options import Settings
from signalcli.cli.output import (
    kept_clean,
    let_go_of_stdout,
    print_note,
    print_problem,
    stdout_is_lost,
    write_document,
)
from signalcli.cli.passwords import refuse_usage
from signalcli.cli.problems import INTERRUPTED, Problem, Reported, interruption, usage_problem
from signalcli.cli.script import STANDARD_INPUT, Command, commands, opened
from signalcli.errors import InvalidValue

MOST_LINES_NAMED = 10
# What a process ends with that writes to a pipe which nobody reads: 128 and SIGPIPE.
UNREAD = 141


def batch(
    settings: Settings,
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE",
            help="The commands; - or no FILE: standard input.",
            show_default=False,
        ),
    ] = None,
    stop_on_error: Annotated[
        bool, typer.Option("--stop-on-error", help="End after the first command that fails.")
    ] = False,
) -> None:
    """Carry out the commands of a file, one a line, in one process.

    Each has its own transaction, trace and run in the signal log.

    Words are quoted as in a shell, and # begins a comment. Global options hold for each line.

    The exit code is that of the first command that fails.

    Example: signalcli batch users.txt --stop-on-error
    """
    if current().line is not None:
        refuse_usage(settings, "batch", "a batch cannot be part of another one")
    if file is None and (sys.stdin is None or sys.stdin.isatty()):
        refuse_usage(settings, "batch", "name a FILE with the commands, or - to type them")
    from signalcli.db.reuse import kept_engines

    course = _Course(settings, stop_on_error)
    is_piped = file is None or file == STANDARD_INPUT
    try:
        with kept_engines(), opened(STANDARD_INPUT if file is None else file) as script:
            for command in commands(script):
                course.carry_out(command, Line(command.number, settings, is_piped))
                if course.is_stopped:
                    break
                if course.count == 1:
                    # What is loaded by now stays: looking for garbage among it takes a while.
                    gc.freeze()
    except InvalidValue as error:
        course.note(Problem(error.exit_code, error.code, str(error)))
    except KeyboardInterrupt:
        course.note(interruption(is_written=course.count > 0))
    except BrokenPipeError:
        let_go_of_stdout()
    finally:
        course.sum_up()
    exit_code = course.exit_code or (UNREAD if stdout_is_lost() else 0)
    if exit_code:
        raise Reported(Problem(exit_code, "batch", course.summary))


@dataclass(slots=True)
class _Course:
    """A batch under way: what it has come to so far.

    Attributes:
        settings: what the global options say.
        stops_on_error: whether it ends after the first command that fails.
        count: how many commands there were.
        failed: the lines of those that failed.
        exit_code: that of the first of them, or of what else went wrong; that of Ctrl-C.
        is_stopped: whether nothing more is to be carried out.
    """

    settings: Settings
    stops_on_error: bool
    count: int = 0
    failed: list[int] = field(default_factory=list)
    exit_code: int = 0
    is_stopped: bool = False

    def carry_out(self, command: Command, line: Line) -> None:
        """Carry out a command, and note what comes of it."""
        self.count += 1
        code = None
        try:
            code = _carry_out(command, line)
        finally:
            # None: what was raised ends the process.
            if code != 0:
                self.failed.append(command.number)
                self.fail(code or 0)
            self.is_stopped = (
                code in (None, INTERRUPTED)
                or stdout_is_lost()
                or (self.stops_on_error and code != 0)
            )

    def note(self, problem: Problem) -> None:
        """Report what went wrong beside the commands."""
        if self.settings.json:
            write_document("batch", problem=problem)
        else:
            print_problem(problem)
        self.fail(problem.exit_code)

    def fail(self, exit_code: int) -> None:
        """Leave with that code, unless another one came before; Ctrl-C goes before all."""
        if exit_code == INTERRUPTED or not self.exit_code:
            self.exit_code = exit_code

    def sum_up(self) -> None:
        """Tell people what came of it, unless nobody reads, or it could not even be begun."""
        is_told = not (self.settings.json or self.settings.quiet or stdout_is_lost())
        if is_told and (self.count or not self.exit_code):
            print_note(self.summary)

    @property
    def summary(self) -> str:
        """What came of the commands, for people."""
        noun = "command" if self.count == 1 else "commands"
        done = self.count - len(self.failed)
        story = f"{self.count:,} {noun}: {done:,} done"
        if self.failed:
            story += f", {len(self.failed):,} failed ({_lines(self.failed)})"
        return story + ("; ended there" if self.is_stopped else "")


def _lines(numbers: list[int]) -> str:
    named = ", ".join(f"{number:,}" for number in numbers[:MOST_LINES_NAMED])
    more = len(numbers) - MOST_LINES_NAMED
    noun = "line" if len(numbers) == 1 else "lines"
    return f"{noun} {named}" + (f" and {more:,} more" if more > 0 else "")


def _carry_out(command: Command, line: Line) -> int:
    """Carry out one line; returns its exit code."""
    from signalcli.cli.main import report, run

    words = command.words[1:] if command.words[:1] == (PROGRAM,) else command.words
    invocation = Invocation(words, line)
    if command.fault:
        with under_way(invocation):
            return report(usage_problem(command.fault))
    _make_apps_ready(line.settings)
    if not line.settings.json and not line.settings.quiet:
        _echo(invocation)
    with isolated():
        return run(invocation)


def _make_apps_ready(settings: Settings) -> None:
    """Make the apps ready once, before a command, so that what they set up stays for the others.

    Where they do not load, commands say so that need them.
    """
    from signalcli.apps import ImproperlyConfigured, apps
    from signalcli.apps.installed import make_ready

    if not apps.is_ready:
        with (
            kept_clean(for_programs=settings.json, quiet=settings.quiet),
            contextlib.suppress(ImproperlyConfigured),
        ):
            make_ready(settings.apps)


def _echo(invocation: Invocation) -> None:
    """Show people which command it is that prints what follows."""
    from signalcli.render.console import make_console, show
    from signalcli.render.text import plain
    from signalcli.trace.representation import describe_command_line

    number = 0 if invocation.line is None else invocation.line.number
    typed = describe_command_line([PROGRAM, *invocation.arguments])
    show(plain(f"{number} $ {typed}", "dim"), make_console())
