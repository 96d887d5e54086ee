"""The commands passwd, login and logout, and the ways in which a command gets a password.

It is typed on the terminal or piped, and never an argument: everybody on the machine sees the
arguments of a command, and the shell keeps them.
"""

import sys
import warnings
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from signalcli.cli.arguments import DEMO_APP, PasswordStdin, Username
from signalcli.cli.invocation import Settings, current
from signalcli.cli.late import late
from signalcli.cli.problems import Problem
from signalcli.cli.task import Answer, Task
from signalcli.errors import InvalidValue, UsageError

with late():
    import getpass

    from signalcli.core import authorization, passwords, users, values

if TYPE_CHECKING:
    from signalcli.db import Session


def passwd(
    settings: Settings,
    username: Username,
    password_stdin: PasswordStdin = False,
    remove: Annotated[
        bool, typer.Option("--remove", help="Take the password away: the user cannot log in.")
    ] = False,
) -> Task:
    """Set a user's password, which is asked for on the terminal.

    Example: signalcli passwd xyz
    """
    if remove and password_stdin:
        raise UsageError("give --remove or --password-stdin, not both")
    password = None if remove else new_password(is_piped=password_stdin)
    work = partial(_set_password, settings.database_name, username, password)
    return Task(work, app=DEMO_APP, writes=True, users=(username,))


def _set_password(database: str, username: str, password: str | None, session: "Session") -> Answer:
    user, is_changed = authorization.set_password(session, username, password)
    if not is_changed:
        message = "Nothing to change for {} in {}"
    elif password is None:
        message = "Took the password of {} in {}"
    else:
        message = "Set the password of {} in {}"
    return Answer(
        {**user.model_dump(mode="json"), "changed": is_changed},
        message.format(user.username, database),
        users=(user.username,),
    )


def login(settings: Settings, username: Username, password_stdin: PasswordStdin = False) -> Task:
    """Check a password, and watch user_logged_in or user_login_failed.

    Example: signalcli login xyz
    """
    password = given_password(is_piped=password_stdin)
    work = partial(_log_in, settings.database_name, username, password)
    return Task(work, app=DEMO_APP, writes=True, users=(username,))


def _log_in(database: str, username: str, password: str, session: "Session") -> Answer:
    user = authorization.authenticate(session, username=username, password=password)
    if user is None:
        story = f"cannot log in {values.abridged(username)}: the username or the password is wrong"
        problem = Problem(2, "login_failed", f"{story}; `signalcli passwd` sets a password")
        # An exception would roll back the rows that receivers wrote about the attempt.
        return Answer(None, problem=problem)
    authorization.login(session, user)
    shown = users.as_left(session, user)
    message = f"Logged {shown.username} in to {database}"
    return Answer(shown.model_dump(mode="json"), message, users=(shown.username,))


def logout(settings: Settings, username: Username) -> Task:
    """Send user_logged_out for a user.

    Example: signalcli logout xyz
    """
    work = partial(_log_out, settings.database_name, username)
    return Task(work, app=DEMO_APP, writes=True, users=(username,))


def _log_out(database: str, username: str, session: "Session") -> Answer:
    user = users.load(session, username)
    authorization.logout(session, user)
    shown = users.as_left(session, user)
    message = f"Logged {shown.username} out of {database}"
    return Answer(shown.model_dump(mode="json"), message, users=(shown.username,))


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
