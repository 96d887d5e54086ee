"""How a command gets a password: typed on the terminal or piped to it, never as an argument.

Everybody on the machine sees the arguments of a command, and the shell keeps them.
"""

import sys
import warnings
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from signalcli.cli.invocation import current
from signalcli.cli.late import late
from signalcli.errors import InvalidValue, UsageError

with late():
    import getpass

    from signalcli.core import passwords

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


def new_password(*, is_piped: bool) -> str:
    """A password that is to be set: from standard input, or typed twice on the terminal.

    Arguments:
        is_piped: whether it is read from standard input.

    Raises:
        UsageError: it cannot be read there.
        InvalidValue: it cannot be a password, or was typed differently the second time.
        KeyboardInterrupt: somebody pressed Ctrl-C instead.
    """
    password = given_password(is_piped=is_piped)
    if not is_piped and _typed("Password (again): ") != password:
        raise InvalidValue("the passwords are not the same; nothing was written")
    return password


def given_password(*, is_piped: bool) -> str:
    """A password that is to be checked, typed once; otherwise as :func:`new_password`."""
    line = current().line
    if line is not None and line.is_piped:
        raise UsageError(
            "standard input has the commands, so no password can be read there; put the commands "
            "in a file"
        )
    given = _piped(passwords.LONGEST_PASSWORD) if is_piped else _typed("Password: ")
    return passwords.checked_password(given)


def _typed(prompt: str) -> str:
    """A line that is typed on the terminal, unseen."""
    no_terminal = "there is no terminal to ask for the password on; pipe it to --password-stdin"
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError(no_terminal)
    # Where errors go elsewhere, the prompt goes to the terminal itself.
    stream = sys.stderr if sys.stderr.isatty() else None
    try:
        with warnings.catch_warnings():
            # Where the terminal would show what is typed, nothing is asked for.
            warnings.simplefilter("error", getpass.GetPassWarning)
            return getpass.getpass(prompt, stream)
    except getpass.GetPassWarning as warning:
        raise UsageError(no_terminal) from warning
    except (EOFError, KeyboardInterrupt) as error:
        if stream is not None:
            # The line of the prompt has not ended.
            stream.write("\n")
        if isinstance(error, KeyboardInterrupt):
            raise
        return ""
    except UnicodeDecodeError as error:
        raise InvalidValue("the password is no text in the terminal's encoding") from error


def _piped(longest: int) -> str:
    """The first line of standard input, without its end.

    Arguments:
        longest: how many characters a password has at most.
    """
    if sys.stdin is None:
        return ""
    if sys.stdin.isatty():
        raise UsageError(
            "--password-stdin reads what is piped, and a terminal would show what is typed"
        )
    # A longer line is too long, and is not waited for: a character has 4 bytes at most, the end of
    # a line has 2.
    most = 4 * longest + 2
    try:
        line = sys.stdin.buffer.readline(most).removesuffix(b"\n").removesuffix(b"\r")
        return line.decode()
    except UnicodeDecodeError as error:
        raise InvalidValue("the password on standard input is no UTF-8") from error
    except OSError as error:
        raise UsageError(f"standard input cannot be read: {error.strerror}") from error
