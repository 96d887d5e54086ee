"""The commands for users: register, update, delete, notify, list, show."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from signalcli.cli.arguments import Robust, Trace, complete_username
from signalcli.cli.bulk import (
    BatchSize,
    BulkOptions,
    BulkTrace,
    From,
    Resume,
    Strict,
    carry_out_rows,
)
from signalcli.cli.invocation import Settings
from signalcli.cli.passwords import PasswordStdin, new_password
from signalcli.cli.task import Answer, Task
from signalcli.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from signalcli.core.accounts import Account
    from signalcli.db import Session

# The commands import what they work with when they work: their help and their completion need
# neither SQLAlchemy nor the demo app.

DEMO_APP = "signalcli.core"

NewUsername = Annotated[
    str | None,
    typer.Argument(
        metavar="USERNAME",
        help="1 to 150 letters, digits and @ . + - _; none with --from.",
        show_default=False,
    ),
]
Username = Annotated[
    str,
    typer.Argument(
        metavar="USERNAME",
        help="The user's name.",
        autocompletion=complete_username,
        show_default=False,
    ),
]
FIRST_NAME = typer.Option(
    "--first-name", help="The first name, at most 20 characters.", show_default=False
)
LAST_NAME = typer.Option(
    "--last-name", help="The last name, at most 20 characters.", show_default=False
)
ManyUsernames = Annotated[
    str | None,
    typer.Argument(
        metavar="USERNAME",
        help="The user's name; none with --from.",
        autocompletion=complete_username,
        show_default=False,
    ),
]
ProfilePicture = Annotated[
    Path | None,
    typer.Option(
        "--profile-pic",
        metavar="FILE",
        help="A PNG, JPEG, GIF or WebP image of at most 10 MB, which is copied to pics/.",
        show_default=False,
    ),
]


def register(
    settings: Settings,
    username: NewUsername = None,
    email: Annotated[
        str | None,
        typer.Option(
            "--email", "-e", help="The email address; needed without --from.", show_default=False
        ),
    ] = None,
    first_name: Annotated[str, FIRST_NAME] = "",
    last_name: Annotated[str, LAST_NAME] = "",
    profile_pic: ProfilePicture = None,
    password: Annotated[
        bool, typer.Option("--password", help="Ask for a password on the terminal.")
    ] = False,
    password_stdin: PasswordStdin = False,
    source: From = None,
    batch_size: BatchSize = None,
    strict: Strict = False,
    resume: Resume = False,
    trace: BulkTrace = False,
) -> Task:
    """Store a new user, and watch receivers make the profile and send a notification.

    With --from, users come from a file with the columns username, email, first_name, last_name.

    Example: signalcli register xyz --email xyz@mail.com --first-name Xenia
    """
    options = BulkOptions(source, batch_size, strict, resume, trace)
    options.check(
        USERNAME=username,
        email=email,
        first_name=first_name,
        last_name=last_name,
        profile_pic=profile_pic,
        password=password,
        password_stdin=password_stdin,
    )
    if username is None or email is None:
        if source is None:
            raise UsageError("missing option '--email'")
        from signalcli.core import many

        return carry_out_rows(
            settings,
            "register",
            options,
            lambda explain, rows: many.Register(explain),
            many.Register.columns,
            creates=True,
        )
    if password and password_stdin:
        raise UsageError("give --password or --password-stdin, not both")
    secret = None
    if password or password_stdin:
        secret = new_password(is_piped=password_stdin)

    def work(session: "Session") -> Answer:
        from signalcli.core import accounts

        account = accounts.register(
            session,
            username,
            email,
            first_name,
            last_name,
            picture=profile_pic,
            password=secret,
        )
        return Answer(
            user_result(account),
            f"Registered {account.username} in {settings.database_name}. Sent notification",
            users=(account.username,),
        )

    return Task(work, app=DEMO_APP, writes=True, creates=True, users=(username,))


def update(
    settings: Settings,
    username: ManyUsernames = None,
    new_username: Annotated[
        str | None, typer.Option("--username", "-u", help="The new username.", show_default=False)
    ] = None,
    email: Annotated[
        str | None, typer.Option("--email", "-e", help="The new email address.", show_default=False)
    ] = None,
    first_name: Annotated[str | None, FIRST_NAME] = None,
    last_name: Annotated[str | None, LAST_NAME] = None,
    profile_pic: ProfilePicture = None,
    source: From = None,
    batch_size: BatchSize = None,
    strict: Strict = False,
    resume: Resume = False,
    trace: BulkTrace = False,
) -> Task:
    """Change a user, and watch a receiver save the profile.

    With --from, changes come from a file with the columns username, new_username, email,
    first_name, last_name; an empty value changes nothing.

    Example: signalcli update xyz --email new@mail.com --last-name Young
    """
    options = BulkOptions(source, batch_size, strict, resume, trace)
    options.check(
        USERNAME=username,
        username=new_username,
        email=email,
        first_name=first_name,
        last_name=last_name,
        profile_pic=profile_pic,
    )
    if username is None:
        from signalcli.core import many

        return carry_out_rows(
            settings,
            "update",
            options,
            lambda explain, rows: many.Update(explain, ignores_empty=rows.format == "csv"),
            many.Update.columns,
        )

    def work(session: "Session") -> Answer:
        from signalcli.core import accounts

        account, is_changed = accounts.update(
            session,
            username,
            new_username=new_username,
            email=email,
            first_name=first_name,
            last_name=last_name,
            picture=profile_pic,
        )
        message = "Updated {} in {}" if is_changed else "Nothing to change for {} in {}"
        return Answer(
            {**user_result(account), "changed": is_changed},
            message.format(account.username, settings.database_name),
            users=(account.username,),
        )

    return Task(work, app=DEMO_APP, writes=True, users=(username,))


def delete(
    settings: Settings,
    username: ManyUsernames = None,
    source: From = None,
    batch_size: BatchSize = None,
    strict: Strict = False,
    resume: Resume = False,
    trace: BulkTrace = False,
) -> Task:
    """Remove a user, and watch the profile go first.

    With --from, users are named in the column username of a file.

    Example: signalcli delete xyz
    """
    options = BulkOptions(source, batch_size, strict, resume, trace)
    options.check(USERNAME=username)
    if username is None:
        from signalcli.core import many

        return carry_out_rows(
            settings,
            "delete",
            options,
            lambda explain, rows: many.Delete(explain),
            many.Delete.columns,
        )

    def work(session: "Session") -> Answer:
        from signalcli.core import accounts

        account = accounts.delete(session, username)
        message = f"Deleted {account.username} from {settings.database_name}"
        return Answer(user_result(account), message)

    return Task(work, app=DEMO_APP, writes=True, users=(username,))


def notify(
    settings: Settings,
    username: ManyUsernames = None,
    robust: Robust = False,
    source: From = None,
    batch_size: BatchSize = None,
    strict: Strict = False,
    resume: Resume = False,
    trace: BulkTrace = False,
) -> Task:
    """Send the notification signal for a user.

    With --from, users are named in the column username of a file.

    Example: signalcli notify xyz --robust
    """
    options = BulkOptions(source, batch_size, strict, resume, trace)
    options.check(USERNAME=username)
    if username is None:
        from signalcli.core import many

        return carry_out_rows(
            settings,
            "notify",
            options,
            lambda explain, rows: many.Notify(explain, is_robust=robust),
            many.Notify.columns,
        )

    def work(session: "Session") -> Answer:
        from signalcli.cli.course import robust_failures
        from signalcli.core import accounts

        account, failed = accounts.notify(session, username, robust=robust)
        return Answer(
            {**user_result(account), "failed": len(failed)},
            f"Sent notification for {account.username} in {settings.database_name}",
            problem=robust_failures("notification", failed) if failed else None,
        )

    return Task(work, app=DEMO_APP, writes=True, users=(username,))


def list_users(settings: Settings, trace: Trace = False) -> Task:
    """List the users, in the order in which they registered.

    Example: signalcli list
    """

    def work(session: "Session") -> Answer:
        from signalcli.core import accounts

        found = list(accounts.find_all(session, load=trace))
        return Answer(
            [user_result(account) for account in found],
            "" if found else f"No users in {settings.database_name}",
            None if settings.json or not found else _users_view(found),
        )

    return Task(work, app=DEMO_APP, shows_trace=trace)


def show(settings: Settings, username: Username, trace: Trace = False) -> Task:
    """Show a user and their profile.

    Example: signalcli show xyz --trace
    """

    def work(session: "Session") -> Answer:
        from signalcli.core import accounts

        account = accounts.find(session, username, load=trace)
        return Answer(user_result(account), view=None if settings.json else _user_view(account))

    return Task(work, app=DEMO_APP, shows_trace=trace, users=(username,))


def user_result(account: "Account") -> dict[str, Any]:
    """A user for programs; nothing of the password but whether there is one."""
    return {
        "username": account.username,
        "email": account.email,
        "date_joined": _iso(account.date_joined),
        "last_login": account.last_login and _iso(account.last_login),
        "has_password": account.has_password,
        "profile": {
            "first_name": account.first_name,
            "last_name": account.last_name,
            "profile_pic": account.profile_pic,
        },
    }


def _iso(moment: "datetime") -> str:
    return moment.isoformat(timespec="seconds") + "Z"


def _users_view(accounts: "list[Account]") -> Any:
    from signalcli.render.layout import listing

    return listing(
        ("Username", "Email", "First name", "Last name", "Joined"),
        (
            (
                account.username,
                account.email,
                account.first_name,
                account.last_name,
                f"{account.date_joined:%Y-%m-%d}",
            )
            for account in accounts
        ),
    )


def _user_view(account: "Account") -> Any:
    from signalcli.render.layout import fields

    pairs = [
        ("Username", account.username),
        ("Email", account.email),
        ("First name", account.first_name),
        ("Last name", account.last_name),
        ("Profile picture", account.profile_pic),
        ("Joined", f"{account.date_joined:%Y-%m-%d %H:%M} UTC"),
    ]
    if account.has_password:
        pairs.append(("Password", "set"))
    if account.last_login is not None:
        pairs.append(("Last login", f"{account.last_login:%Y-%m-%d %H:%M} UTC"))
    return fields(pairs)
