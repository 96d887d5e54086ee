"""How a command gets a password: typed on the terminal or piped to it, never as an argument.

What stands on a command line is seen by everybody on the machine, and kept by the shell.
"""

import sys
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand

from signalcli.cli.invocation import current
from signalcli.cli.options import Settings
from signalcli.cli.output import print_problem, write_document
from signalcli.cli.problems import Problem, Reported, usage_problem

PasswordStdin = Annotated[
    bool,
    typer.Option(
        "--password-stdin", help="Read the password from the first line of standard input."
    ),
]


class PasswordCommand(TyperCommand):
    """A command that takes a password, and repeats nothing that was meant to be one."""

    allow_extra_args = True

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As any command does, but for the message where there are too many arguments."""
        rest: list[str] = super().parse_args(ctx, args)
        if rest and not ctx.resilient_parsing:
            ctx.fail(
                "Got an argument too many. A password is none: it is asked for on the terminal, or "
                "read by --password-stdin."
            )
        return rest


def new_password(settings: Settings, command: str, *, is_piped: bool) -> str:
    """A password that is to be set: from standard input, or typed twice on the terminal.

    Arguments:
        settings: what the global options say.
        command: the command's name.
        is_piped: whether it is read from standard input.

    Raises:
        Reported: there is none, or none that can be one; that has been said.
        KeyboardInterrupt: somebody pressed Ctrl-C instead.
    """
    password = given_password(settings, command, is_piped=is_piped)
    if not is_piped and _typed(settings, command, "Password (again): ") != password:
        _refuse_value(settings, command, "the passwords are not the same; nothing was written")
    return password


def given_password(settings: Settings, command: str, *, is_piped: bool) -> str:
    """A password that is to be checked, typed once; otherwise as :func:`new_password`."""
    from signalcli.core.errors import InvalidValue
    from signalcli.core.passwords import checked_password

    line = current().line
    if line is not None and line.is_piped:
        story = "standard input has the commands, so no password can be read there"
        refuse_usage(settings, command, f"{story}; put the commands in a file")
    read = _piped(settings, command) if is_piped else _typed(settings, command, "Password: ")
    try:
        return checked_password(read)
    except InvalidValue as error:
        _refuse_value(settings, command, str(error))


def refuse_usage(settings: Settings, command: str, story: str) -> NoReturn:
    """Say that a command line is wrong.

    Raises:
        Reported: always.
    """
    _refuse(settings, None, usage_problem(f"{story}. See `signalcli {command} --help`"))


def _typed(settings: Settings, command: str, prompt: str) -> str:
    """What is typed, unseen."""
    import getpass
    import warnings

    no_terminal = "there is no terminal to ask for the password on; pipe it to --password-stdin"
    if sys.stdin is None or not sys.stdin.isatty():
        refuse_usage(settings, command, no_terminal)
    # Where errors go elsewhere, the prompt goes to the terminal itself.
    stream = sys.stderr if sys.stderr.isatty() else None
    try:
        with warnings.catch_warnings():
            # Where the terminal would show what is typed, nothing is asked for.
            warnings.simplefilter("error", getpass.GetPassWarning)
            return getpass.getpass(prompt, stream)
    except getpass.GetPassWarning:
        refuse_usage(settings, command, no_terminal)
    except (EOFError, KeyboardInterrupt) as error:
        if stream is not None:
            # The line of the prompt has not ended.
            stream.write("\n")
        if isinstance(error, KeyboardInterrupt):
            raise
        return ""
    except UnicodeDecodeError:
        _refuse_value(settings, command, "the password is no text in the terminal's encoding")


def _piped(settings: Settings, command: str) -> str:
    """The first line of standard input, without its end."""
    from signalcli.core.passwords import LONGEST_PASSWORD

    if sys.stdin is None:
        return ""
    if sys.stdin.isatty():
        story = "--password-stdin reads what is piped, and a terminal would show what is typed"
        refuse_usage(settings, command, story)
    # What is longer is too long, and is not waited for: a character has 4 bytes at most, a line's
    # end has 2.
    most = 4 * LONGEST_PASSWORD + 2
    try:
        line = sys.stdin.buffer.readline(most).removesuffix(b"\n").removesuffix(b"\r")
        return line.decode()
    except UnicodeDecodeError:
        _refuse_value(settings, command, "the password on standard input is no UTF-8")
    except OSError as error:
        refuse_usage(settings, command, f"standard input cannot be read: {error.strerror}")


def _refuse_value(settings: Settings, command: str, story: str) -> NoReturn:
    _refuse(settings, command, Problem(2, "invalid_value", story))


def _refuse(settings: Settings, command: str | None, problem: Problem) -> NoReturn:
    if settings.json:
        write_document(command, problem=problem)
    else:
        print_problem(problem)
    raise Reported(problem)
