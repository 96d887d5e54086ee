"""The commands for users: register, update, delete, notify, list, show."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from signalcli.cli.arguments import (
    DEMO_APP,
    PasswordStdin,
    Robust,
    Trace,
    Username,
    refuse_trace,
    with_forms,
)
from signalcli.cli.bulk import (
    BatchSize,
    From,
    Resume,
    RowOptions,
    RowsTrace,
    Strict,
    for_each_row,
)
from signalcli.cli.completion import complete_username
from signalcli.cli.invocation import PROGRAM, Settings
from signalcli.cli.late import late
from signalcli.cli.task import WHOLE, Answer, Form, Task
from signalcli.errors import UsageError

with late():
    from signalcli.cli import authorization, course
    from signalcli.core import many, models, users
    from signalcli.render import console

if TYPE_CHECKING:
    from signalcli.core.models import UserPublic
    from signalcli.db import Session

NewUsername = Annotated[
    str | None,
    typer.Argument(
        metavar="USERNAME",
        help="1 to 150 letters, digits and @ . + - _",
        show_default=False,
    ),
]
FIRST_NAME = typer.Option(
    "--first-name",
    metavar="NAME",
    help="The first name, at most 20 characters.",
    show_default=False,
)
LAST_NAME = typer.Option(
    "--last-name", metavar="NAME", help="The last name, at most 20 characters.", show_default=False
)
ManyUsernames = Annotated[
    str | None,
    typer.Argument(
        metavar="USERNAME",
        help="The user's name.",
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
            "--email", "-e", metavar="ADDRESS", help="The email address.", show_default=False
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
    trace: RowsTrace = False,
) -> Task:
    """Store a new user; receivers make the profile and notify.

    With --from, users come from a file with the columns username, email, first_name, last_name.

    Example: signalcli register xyz --email xyz@mail.com --first-name Xenia
    """
    options = RowOptions(source, batch_size, strict, resume, trace)
    options.check(
        USERNAME=username,
        email=email,
        first_name=first_name,
        last_name=last_name,
        profile_pic=profile_pic,
        password=password,
        password_stdin=password_stdin,
    )
    if username is None:
        return for_each_row(settings, options, many.REGISTER, app=DEMO_APP, creates=True)
    if email is None:
        raise UsageError("missing option '--email'")
    if password and password_stdin:
        raise UsageError("give --password or --password-stdin, not both")
    new_password = None
    if password or password_stdin:
        new_password = authorization.new_password(is_piped=password_stdin)
    values = {
        "username": username,
        "email": email,
        "first_name": first_name,
        "last_name": last_name,
        "picture": profile_pic,
        "password": new_password,
    }
    work = partial(_register, settings.database_name, values)
    return Task(work, app=DEMO_APP, writes=True, creates=True, users=(username,))


def _register(database: str, values: dict[str, Any], session: "Session") -> Answer:
    user = users.register(session, **values)
    message = f"Registered {user.username} in {database}. Sent notification"
    return Answer(user.model_dump(mode="json"), message, users=(user.username,))


def update(
    settings: Settings,
    username: ManyUsernames = None,
    new_username: Annotated[
        str | None,
        typer.Option(
            "--username", "-u", metavar="NAME", help="The new username.", show_default=False
        ),
    ] = None,
    email: Annotated[
        str | None,
        typer.Option(
            "--email", "-e", metavar="ADDRESS", help="The new email address.", show_default=False
        ),
    ] = None,
    first_name: Annotated[str | None, FIRST_NAME] = None,
    last_name: Annotated[str | None, LAST_NAME] = None,
    profile_pic: ProfilePicture = None,
    source: From = None,
    batch_size: BatchSize = None,
    strict: Strict = False,
    resume: Resume = False,
    trace: RowsTrace = False,
) -> Task:
    """Change a user, and watch a receiver save the profile.

    With --from, changes come from a file with the columns username, new_username, email,
    first_name, last_name; an empty value changes nothing.

    Example: signalcli update xyz --email new@mail.com --last-name Young
    """
    options = RowOptions(source, batch_size, strict, resume, trace)
    options.check(
        USERNAME=username,
        username=new_username,
        email=email,
        first_name=first_name,
        last_name=last_name,
        profile_pic=profile_pic,
    )
    if username is None:
        return for_each_row(settings, options, many.UPDATE, app=DEMO_APP)
    changes = {
        "new_username": new_username,
        "email": email,
        "first_name": first_name,
        "last_name": last_name,
        "picture": profile_pic,
    }
    work = partial(_update, settings.database_name, username, changes)
    return Task(work, app=DEMO_APP, writes=True, users=(username,))


def _update(database: str, username: str, changes: dict[str, Any], session: "Session") -> Answer:
    user, is_changed = users.update(session, username, **changes)
    message = "Updated {} in {}" if is_changed else "Nothing to change for {} in {}"
    return Answer(
        {**user.model_dump(mode="json"), "changed": is_changed},
        message.format(user.username, database),
        users=(user.username,),
    )


def delete(
    settings: Settings,
    username: ManyUsernames = None,
    source: From = None,
    batch_size: BatchSize = None,
    strict: Strict = False,
    resume: Resume = False,
    trace: RowsTrace = False,
) -> Task:
    """Remove a user, and watch the profile go first.

    With --from, users are named in the column username of a file.

    Example: signalcli delete xyz
    """
    options = RowOptions(source, batch_size, strict, resume, trace)
    options.check(USERNAME=username)
    if username is None:
        return for_each_row(settings, options, many.DELETE, app=DEMO_APP)
    work = partial(_delete, settings.database_name, username)
    return Task(work, app=DEMO_APP, writes=True, users=(username,))


def _delete(database: str, username: str, session: "Session") -> Answer:
    user = users.delete(session, username)
    return Answer(user.model_dump(mode="json"), f"Deleted {user.username} from {database}")


def notify(
    settings: Settings,
    username: ManyUsernames = None,
    robust: Robust = False,
    source: From = None,
    batch_size: BatchSize = None,
    strict: Strict = False,
    resume: Resume = False,
    trace: RowsTrace = False,
) -> Task:
    """Send the notification signal for a user.

    With --from, users are named in the column username of a file.

    Example: signalcli notify xyz --robust
    """
    options = RowOptions(source, batch_size, strict, resume, trace)
    options.check(USERNAME=username)
    if username is None:
        return for_each_row(settings, options, many.notify(robust=robust), app=DEMO_APP)
    work = partial(_notify, settings.database_name, username, robust)
    return Task(work, app=DEMO_APP, writes=True, users=(username,))


def _notify(database: str, username: str, robust: bool, session: "Session") -> Answer:
    user, failed = users.notify(session, username, robust=robust)
    return Answer(
        {**user.model_dump(mode="json"), "failed": len(failed)},
        f"Sent notification for {user.username} in {database}",
        problem=course.robust_failures("notification", failed) if failed else None,
    )


@with_forms(
    "username",
    "email",
    "date_joined",
    "last_login",
    "has_password",
    "profile.first_name",
    "profile.last_name",
    "profile.profile_pic",
)
def list_users(settings: Settings, trace: Trace = False, form: Form = WHOLE) -> Task:
    """List the users, in the order in which they registered.

    Example: signalcli list
    """
    refuse_trace(form, trace)
    work = partial(_list_users, settings, trace)
    return Task(work, app=DEMO_APP, shows_trace=trace, form=form)


def _list_users(settings: Settings, trace: bool, session: "Session") -> Answer:
    found = list(users.find_all(session, load=trace))
    return Answer(
        [user.model_dump(mode="json") for user in found],
        "" if found else _nobody(settings),
        None if settings.json or not found else _listing(found),
    )


def _nobody(settings: Settings) -> str:
    """That there are no users; where the database is a file that is not there, how to make one."""
    if not settings.missing:
        return f"No users in {settings.database_name}"
    return (
        f"No users: {settings.missing}. This makes one: "
        f"{PROGRAM} register xyz --email xyz@mail.com{settings.database_option}"
    )


def show(settings: Settings, username: Username, trace: Trace = False) -> Task:
    """Show a user and their profile.

    Example: signalcli show xyz --trace
    """
    work = partial(_show, settings, username, trace)
    return Task(work, app=DEMO_APP, shows_trace=trace, users=(username,))


def _show(settings: Settings, username: str, trace: bool, session: "Session") -> Answer:
    user = users.find(session, username, load=trace)
    return Answer(user.model_dump(mode="json"), view=None if settings.json else _card(user))


def _listing(found: "list[UserPublic]") -> Any:
    return console.listing(
        ("Username", "Email", "First name", "Last name", "Joined"),
        (
            (
                user.username,
                user.email,
                user.profile.first_name,
                user.profile.last_name,
                f"{user.date_joined:%Y-%m-%d}",
            )
            for user in found
        ),
    )


def _card(user: "UserPublic") -> Any:
    picture = user.profile.profile_pic
    pairs = [
        ("Username", user.username),
        ("Email", user.email),
        ("First name", user.profile.first_name),
        ("Last name", user.profile.last_name),
        ("Profile picture", "none" if picture == models.DEFAULT_PICTURE else picture),
        ("Joined", f"{user.date_joined:%Y-%m-%d %H:%M} UTC"),
    ]
    if user.has_password:
        pairs.append(("Password", "set"))
    if user.last_login is not None:
        pairs.append(("Last login", f"{user.last_login:%Y-%m-%d %H:%M} UTC"))
    return console.fields(pairs)
