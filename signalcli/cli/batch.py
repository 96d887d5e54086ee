"""The command that carries out others: a script of signalcli commands, in one process."""

import contextlib
import functools
import gc
import io
import os
import select
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, NamedTuple

import typer

from signalcli.cli.invocation import (
    MOST_WORDS,
    PROGRAM,
    Invocation,
    Line,
    Settings,
    current,
    under_way,
)
from signalcli.cli.late import late
from signalcli.cli.main import carry_out, report
from signalcli.cli.problems import (
    INTERRUPTED,
    Problem,
    Reported,
    Terminated,
    as_told,
    interruption,
    let_go_of_stdout,
    print_note,
    print_problem,
    request,
    stdout_is_lost,
    termination,
    usage_problem,
    write_document,
)
from signalcli.cli.surroundings import isolated, kept_clean, look_for_garbage
from signalcli.errors import InvalidValue, UsageError

with late():
    from signalcli import dispatch
    from signalcli.apps import config, registry
    from signalcli.db import engine
    from signalcli.dispatch import signatures
    from signalcli.render import printing
    from signalcli.trace import representation

STANDARD_INPUT = "-"
LONGEST_LINE = 1024 * 1024
# The end of a longer line is looked for so far.
MOST_SKIPPED = 10 * LONGEST_LINE
_BOM = b"\xef\xbb\xbf"
_COMMENT = "#"
MOST_LINES_NAMED = 10
# The exit code of a process that writes to a pipe without a reader: 128 and SIGPIPE.
UNREAD = 141
# The exit codes of processes that a signal ends are above this.
SIGNALLED = 128


class _Endless(InvalidValue):
    """A script has a line that may have no end, as /dev/zero; nothing behind it can be read."""


class Command(NamedTuple):
    """A line of a script that is neither blank nor a comment.

    Attributes:
        number: the number of the line, from 1.
        words: its words, without quotes and comments.
        fault: why the line is no command, if it is none.
    """

    number: int
    words: tuple[str, ...] = ()
    fault: str = ""


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
        raise UsageError("a batch cannot be part of another one")
    if file is None and (sys.stdin is None or sys.stdin.isatty()):
        raise UsageError("name a FILE with the commands, or - to type them")
    course = _Batch(settings, stop_on_error)
    is_piped = file is None or file == STANDARD_INPUT
    try:
        with (
            opened(STANDARD_INPUT if file is None else file) as script,
            engine.kept_engines(lambda: course.is_alone and is_at_hand(script)) as engines,
        ):
            for command in commands(script):
                course.carry_out(command, Line(command.number, settings, is_piped))
                if command.number in course.failed[-1:]:
                    engines.close()
                if course.is_stopped:
                    break
                if course.count == 1:
                    # Nearly all objects that exist by now stay, and searching them takes a while.
                    gc.freeze()
    except InvalidValue as error:
        course.note(as_told(error))
    except KeyboardInterrupt:
        course.note(interruption(is_written=course.count > 0))
    except Terminated as terminated:
        if not course.is_stopped:
            # It came between two commands.
            course.note(termination(terminated, is_written=course.count > 0))
        raise
    except BrokenPipeError:
        let_go_of_stdout()
    finally:
        course.sum_up()
    exit_code = course.exit_code or (UNREAD if stdout_is_lost() else 0)
    if exit_code:
        raise Reported(Problem(exit_code, "batch", course.summary))


@dataclass
class _Batch:
    """A batch under way, and its result so far.

    Attributes:
        settings: the values of the global options.
        stops_on_error: whether the batch ends after the first command that fails.
        count: the number of commands so far.
        failed: the lines of the commands that failed.
        exit_code: that of the first problem; after Ctrl-C or SIGTERM, that of its end.
        is_stopped: whether no more commands are carried out.
    """

    settings: Settings
    stops_on_error: bool
    count: int = 0
    failed: list[int] = field(default_factory=list)
    exit_code: int = 0
    is_stopped: bool = False

    @functools.cached_property
    def is_alone(self) -> bool:
        """Whether :func:`is_alone` holds. Where it does, nothing can connect a receiver later."""
        return is_alone()

    def carry_out(self, command: Command, line: Line) -> None:
        """Carry out a command, and note its exit code."""
        self.count += 1
        code = None
        try:
            code = _carry_out(command, line)
        finally:
            # None: an exception ends the process.
            if code != 0:
                self.failed.append(command.number)
                self.fail(code or 0)
            if code is not None and (number := request()) is not None:
                # Its exception may have been lost on the way here.
                self.fail(128 + number)
            self.is_stopped = (
                code in (None, INTERRUPTED)
                or request() is not None
                or stdout_is_lost()
                or (self.stops_on_error and code != 0)
            )

    def note(self, problem: Problem) -> None:
        """Report a problem of the batch itself."""
        if self.settings.json:
            write_document("batch", problem=problem)
        else:
            print_problem(problem)
        self.fail(problem.exit_code)

    def fail(self, exit_code: int) -> None:
        """Leave with an exit code, unless an earlier one counts; that of a signal always counts."""
        if exit_code > SIGNALLED or not self.exit_code:
            self.exit_code = exit_code

    def sum_up(self) -> None:
        """Print the summary for people, unless nobody reads or the script could not be read."""
        is_told = not (self.settings.json or self.settings.quiet or stdout_is_lost())
        if is_told and (self.count or not self.exit_code):
            print_note(self.summary)

    @property
    def summary(self) -> str:
        """The numbers of commands that were done and that failed, for people."""
        noun = "command" if self.count == 1 else "commands"
        done = self.count - len(self.failed)
        story = f"{self.count:,} {noun}: {done:,} done"
        if self.failed:
            story += f", {len(self.failed):,} failed ({_lines(self.failed)})"
        return story + ("; ended there" if self.is_stopped else "")


def is_alone() -> bool:
    """Whether no app and no receiver but ours is in this process: others may move the database."""
    installed = [each.name for each in registry.apps.get_app_configs()]
    if installed != list(registry.INSTALLED_APPS):
        return False
    connections = (each for signal in dispatch.all_signals() for each in signal.connections)
    receivers = (each.receiver for each in connections)
    # A receiver may die while this looks.
    return all(
        each is None or signatures.describe(each).startswith("signalcli.") for each in receivers
    )


def is_at_hand(script: io.BufferedReader) -> bool:
    """Whether the next line can be read without waiting.

    While this process waits, whoever writes the script may read the last answer, and move or copy
    the database.
    """
    if not hasattr(select, "poll"):
        return False
    poll = select.poll()
    poll.register(script.fileno(), select.POLLIN)
    return bool(poll.poll(0)) and b"\n" in script.peek()


def _lines(numbers: list[int]) -> str:
    named = ", ".join(f"{number:,}" for number in numbers[:MOST_LINES_NAMED])
    more = len(numbers) - MOST_LINES_NAMED
    noun = "line" if len(numbers) == 1 else "lines"
    return f"{noun} {named}" + (f" and {more:,} more" if more > 0 else "")


def _carry_out(command: Command, line: Line) -> int:
    """Carry out one line; returns its exit code."""
    words = command.words[1:] if command.words[:1] == (PROGRAM,) else command.words
    invocation = Invocation(words, line)
    if command.fault:
        with under_way(invocation):
            return report(usage_problem(command.fault))
    _make_apps_ready_once(line.settings)
    if not line.settings.json and not line.settings.quiet:
        _echo(invocation)
    with isolated():
        return carry_out(invocation)


def _make_apps_ready_once(settings: Settings) -> None:
    """Make the apps ready outside any command, so that their set-up stays for all commands.

    Where the apps do not load, each command that needs them reports it.
    """
    if not registry.apps.is_ready:
        look_for_garbage()
        with (
            kept_clean(for_programs=settings.json, quiet=settings.quiet),
            contextlib.suppress(config.ImproperlyConfigured),
        ):
            registry.make_ready(settings.installed)


def _echo(invocation: Invocation) -> None:
    """Show people the command whose output follows."""
    number = 0 if invocation.line is None else invocation.line.number
    typed = representation.describe_command_line([PROGRAM, *invocation.arguments])
    printing.print_text(f"{number} $ {typed}", "dim")


def commands(script: io.BufferedReader) -> Iterator[Command]:
    r"""The commands of a script, each as soon as its line is there, without blank lines.

    The text is UTF-8; lines end in ``\n`` or ``\r\n``. Words are quoted as in a POSIX shell, and
    nothing is expanded. ``#`` at the beginning of a word begins a comment. A line that cannot be
    read does not keep the others from being read.

    Arguments:
        script: a file or a pipe, which is read line by line.

    Raises:
        InvalidValue: the script cannot be read any further.
    """
    number = 0
    while raw := _read(script, LONGEST_LINE + 1):
        number += 1
        try:
            words = tuple(_words(_text(raw, script, is_first=number == 1)))
        except _Endless:
            raise
        except InvalidValue as error:
            yield Command(number, fault=str(error))
        else:
            if words:
                yield Command(number, words)


def _read(script: io.BufferedReader, most: int) -> bytes:
    """A line, or its first bytes where it has more than so many."""
    try:
        return script.readline(most)
    except OSError as error:
        raise InvalidValue(f"the script cannot be read any further: {error.strerror}") from error


def _text(raw: bytes, script: io.BufferedReader, *, is_first: bool) -> str:
    if len(raw) > LONGEST_LINE and not raw.endswith(b"\n"):
        skipped = 0
        while (rest := _read(script, LONGEST_LINE)) and not rest.endswith(b"\n"):
            skipped += len(rest)
            if skipped > MOST_SKIPPED:
                raise _Endless(f"a line has no end within {MOST_SKIPPED:,} bytes; it is no script")
        raise InvalidValue(f"the line has more than {LONGEST_LINE:,} bytes")
    if is_first:
        raw = raw.removeprefix(_BOM)
    try:
        text = raw.removesuffix(b"\n").removesuffix(b"\r").decode()
    except UnicodeDecodeError as error:
        raise InvalidValue(f"the line is no UTF-8: byte {error.start + 1} of it") from error
    if "\0" in text:
        raise InvalidValue("the line has a NUL character")
    return text


def _words(line: str) -> Iterator[str]:
    stream = io.StringIO(line)
    lexer = shlex.shlex(stream, posix=True)
    lexer.whitespace_split = True
    # The lexer would take a `#` in the middle of a word for a comment, too.
    lexer.commenters = ""
    count = 0
    try:
        while not _begins_comment(stream, lexer.whitespace):
            word = lexer.get_token()
            if word is None:
                return
            count += 1
            if count > MOST_WORDS:
                raise InvalidValue(f"the line has more than {MOST_WORDS:,} words")
            yield word
    except ValueError as error:
        reason = str(error).lower()
        raise InvalidValue(f"the line's quoting is unfinished: {reason}") from error


def _begins_comment(stream: io.StringIO, blanks: str) -> bool:
    """Whether a comment comes next; blanks before it are skipped."""
    while (character := stream.read(1)) and character in blanks:
        pass
    stream.seek(stream.tell() - len(character))
    return character == _COMMENT


@contextmanager
def opened(name: str) -> Iterator[io.BufferedReader]:
    """Open a script.

    Arguments:
        name: the path of its file, or ``-`` for standard input. Meanwhile standard input is empty
            for everybody else.

    Raises:
        InvalidValue: there is no such file, or it cannot be read.
    """
    with contextlib.ExitStack() as stack:
        try:
            if name == STANDARD_INPUT:
                script = stack.enter_context(_standard_input())
            else:
                script = stack.enter_context(open(name, "rb"))  # noqa: PTH123  # may be of /dev/fd
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise InvalidValue(f"the script {name!r} cannot be read: {reason}") from error
        yield script


@contextmanager
def _standard_input() -> Iterator[io.BufferedReader]:
    """Take standard input away from receivers and other programs, who find it at its end."""
    if sys.stdin is None or sys.stdin.closed:
        raise OSError("standard input is closed")
    own, before = os.dup(sys.stdin.fileno()), sys.stdin
    with open(own, "rb") as script, open(os.devnull, encoding="utf-8") as nothing:  # noqa: PTH123  # no paths
        os.dup2(nothing.fileno(), before.fileno())
        sys.stdin = nothing
        try:
            yield script
        finally:
            sys.stdin = before
            os.dup2(own, before.fileno())
