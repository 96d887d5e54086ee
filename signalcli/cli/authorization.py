"""The commands for passwords and logins: passwd, login, logout."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from signalcli.cli.invocation import Settings
from signalcli.cli.late import late
from signalcli.cli.passwords import PasswordStdin, given_password, new_password
from signalcli.cli.problems import Problem
from signalcli.cli.task import Answer, Task
from signalcli.cli.users import DEMO_APP, Username
from signalcli.errors import UsageError

with late():
    from signalcli.core import authorization, users, values

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
