"""The operations on many users: register, update, delete, notify.

Signals are sent and receivers run for each user, as by :mod:`signalcli.core.users` for one.
Lookups and writes are made for all users together.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from sqlalchemy.exc import InvalidRequestError

from signalcli.bulk.batches import Operation
from signalcli.bulk.outcomes import Report
from signalcli.core.models import User
from signalcli.core.signals import notification
from signalcli.core.users import (
    UserExists,
    UserNotFound,
    announce,
    change,
    differing,
    find_many,
    load_many,
    new_user,
    taken_among,
)
from signalcli.core.values import checked, normal_username, sought_username
from signalcli.db import Session
from signalcli.errors import ReceiversFailed, SignalcliError
from signalcli.rows import Row

T = TypeVar("T")


def _register(session: Session, rows: Sequence[Row], report: Report) -> None:
    """Store new users. Users that exist already are skipped."""
    asked = list(_good(rows, report, lambda row: checked(**row.values)))
    taken = taken_among(session, (values["username"] for _, values in asked))
    users = []
    with session.bulk(batch_size=len(rows)):
        for row, values in asked:
            if values["username"] in taken:
                report.skip(row, UserExists(values["username"]))
            else:
                users.append(new_user(values))
                session.add(users[-1])
    for user in users:
        announce(user)
    _refuse_removal(session, users)


def _update(session: Session, rows: Sequence[Row], report: Report) -> None:
    """Change users. Rows that change nothing are skipped."""
    found = find_many(session, _usernames(rows))

    def changes_of(row: Row) -> tuple[str, dict[str, str]]:
        user = _of(found, row)
        given = {name: value for name, value in row.values.items() if name != "username"}
        wanted = checked(given.pop("new_username", None), **given)
        return user.username, differing(user, wanted)

    asked = list(_good(rows, report, changes_of))
    claims = [changes["username"] for _, (_, changes) in asked if "username" in changes]
    taken = taken_among(session, claims) if claims else set()
    due = {}
    for row, (username, changes) in asked:
        if not changes:
            report.skip(row)
        elif changes.get("username") in taken:
            report.fail(row, UserExists(changes["username"]))
        else:
            due[username] = changes
    users = load_many(session, due) if due else {}
    with session.bulk(batch_size=len(rows)):
        for username, changes in due.items():
            change(users[username], changes)
    _refuse_removal(session, users.values())


def _delete(session: Session, rows: Sequence[Row], report: Report) -> None:
    """Remove users."""
    users = load_many(session, _usernames(rows))
    with session.bulk(batch_size=len(rows)):
        for _, user in _good(rows, report, partial(_of, users)):
            session.delete(user)


def _notify(robust: bool, session: Session, rows: Sequence[Row], report: Report) -> None:
    """Send ``notification`` for users.

    As this writes nothing, a receiver that fails undoes nothing that was done for other rows.
    """
    users = find_many(session, _usernames(rows))
    for row, user in _good(rows, report, partial(_of, users)):
        try:
            if failed := announce(user, robust=robust):
                raise ReceiversFailed(notification.name, failed)
        except Exception as error:
            report.fail(row, error)


def _good(
    rows: Iterable[Row], report: Report, check: Callable[[Row], T]
) -> Iterator[tuple[Row, T]]:
    """Each row with what it asks for; rows that ask for something wrong are reported."""
    for row in rows:
        try:
            wanted = check(row)
        except SignalcliError as error:
            report.fail(row, error)
        else:
            yield row, wanted


def _usernames(rows: Iterable[Row]) -> list[str]:
    """The names of the users that rows name, as they are looked up."""
    sought = (sought_username(row.values["username"]) for row in rows)
    return [name for name in sought if name is not None]


def _of(users: dict[str, T], row: Row) -> T:
    """The user that a row names.

    Raises:
        UserNotFound: there is no such user.
    """
    user = users.get(normal_username(row.values["username"]))
    if user is None:
        raise UserNotFound(row.values["username"])
    return user


def _keys(row: Row) -> Collection[str]:
    named = (row.values.get(column) for column in ("username", "new_username"))
    return [normal_username(name) for name in named if name]


def _refuse_removal(session: Session, users: Collection[User]) -> None:
    """Make sure that receivers left the users there, as a command for one of them does.

    Raises:
        InvalidRequestError: a receiver removed one.
    """
    if len(taken_among(session, (user.username for user in users))) < len(users):
        raise InvalidRequestError("a receiver removed the user")


REGISTER = Operation(
    name="register",
    noun="user",
    story="Registered {} in {}",
    columns=(("username", "email"), ("first_name", "last_name")),
    keys=_keys,
    carry_out=_register,
)
UPDATE = Operation(
    name="update",
    noun="user",
    story="Updated {} in {}",
    columns=(("username",), ("new_username", "email", "first_name", "last_name")),
    keys=_keys,
    carry_out=_update,
)
DELETE = Operation(
    name="delete",
    noun="user",
    story="Deleted {} from {}",
    columns=(("username",), ()),
    keys=_keys,
    carry_out=_delete,
)


def notify(*, robust: bool) -> Operation:
    """The operation ``notify``.

    Arguments:
        robust: whether a failing receiver leaves the others to run.
    """
    return Operation(
        name="notify",
        noun="user",
        story="Sent notification for {} in {}",
        columns=(("username",), ()),
        keys=lambda row: (),
        carry_out=partial(_notify, robust),
    )
