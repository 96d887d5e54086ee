"""The commands for passwords and logins: passwd, login, logout."""

from typing import TYPE_CHECKING, Annotated

import typer

from signalcli.cli.options import Settings
from signalcli.cli.passwords import PasswordStdin, given_password, new_password, refuse_usage
from signalcli.cli.problems import login_failure
from signalcli.cli.running import Answer, carry_out
from signalcli.cli.users import DEMO_APP, Username, user_result

if TYPE_CHECKING:
    from signalcli.db import Session


def passwd(
    settings: Settings,
    username: Username,
    password_stdin: PasswordStdin = False,
    remove: Annotated[
        bool, typer.Option("--remove", help="Take the password away: the user cannot log in.")
    ] = False,
) -> None:
    """Set a user's password, which is asked for on the terminal.

    Example: signalcli passwd xyz
    """
    if remove and password_stdin:
        refuse_usage(settings, "passwd", "give --remove or --password-stdin, not both")
    password = None if remove else new_password(settings, "passwd", is_piped=password_stdin)

    def work(session: "Session") -> Answer:
        from signalcli.core import authorization

        account, is_changed = authorization.set_password(session, username, password)
        if not is_changed:
            message = "Nothing to change for {} in {}"
        else:
            message = "Took the password of {} in {}" if remove else "Set the password of {} in {}"
        return Answer(
            {**user_result(account), "changed": is_changed},
            message.format(account.username, settings.database_name),
            users=(account.username,),
        )

    carry_out(settings, "passwd", work, app=DEMO_APP, writes=True, users=(username,))


def login(settings: Settings, username: Username, password_stdin: PasswordStdin = False) -> None:
    """Check a password, and watch user_logged_in or user_login_failed.

    Example: signalcli login xyz
    """
    password = given_password(settings, "login", is_piped=password_stdin)

    def work(session: "Session") -> Answer:
        from signalcli.core import accounts, authorization

        user = authorization.authenticate(session, username=username, password=password)
        if user is None:
            # What receivers wrote of the attempt is kept.
            return Answer(None, problem=login_failure(username))
        authorization.login(session, user)
        account = accounts.as_left(session, user)
        return Answer(
            user_result(account),
            f"Logged {account.username} in to {settings.database_name}",
            users=(account.username,),
        )

    carry_out(settings, "login", work, app=DEMO_APP, writes=True, users=(username,))


def logout(settings: Settings, username: Username) -> None:
    """Send user_logged_out for a user.

    Example: signalcli logout xyz
    """

    def work(session: "Session") -> Answer:
        from signalcli.core import accounts, authorization

        user = accounts.load(session, username)
        authorization.logout(session, user)
        account = accounts.as_left(session, user)
        return Answer(
            user_result(account),
            f"Logged {account.username} out of {settings.database_name}",
            users=(account.username,),
        )

    carry_out(settings, "logout", work, app=DEMO_APP, writes=True, users=(username,))
