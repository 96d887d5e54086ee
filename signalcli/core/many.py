"""What can be done with many users at once, each as :mod:`signalcli.core.accounts` does it.

Signals are sent and receivers run for each of them; what is looked up and written, is so for all
together.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from sqlalchemy.exc import InvalidRequestError

from signalcli.bulk.operation import Columns
from signalcli.bulk.outcomes import Explain, Outcome
from signalcli.core.accounts import Account, announce, find_many, load_many, taken_among
from signalcli.core.errors import AccountError, UserExists, UserNotFound
from signalcli.core.models import User
from signalcli.core.requests import apply, checked_changes, checked_newcomer, differing
from signalcli.core.signals import notification
from signalcli.core.values import normal_username, sought_username
from signalcli.db import Session
from signalcli.errors import ReceiversFailed
from signalcli.rows import Row

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Register:
    """Storing new users; those that exist already are skipped."""

    explain: Explain

    columns: ClassVar[Columns] = (("username", "email"), ("first_name", "last_name"))

    def names(self, row: Row) -> Collection[str]:
        """See :class:`Operation`, as for the other method."""
        return (normal_username(row.values["username"]),)

    def carry_out(self, session: Session, rows: Sequence[Row]) -> list[Outcome]:
        """Store new users."""
        checked, outcomes = _each(rows, self.explain, lambda row: checked_newcomer(**row.values))
        taken = taken_among(session, (newcomer.username for _, newcomer in checked))
        users = []
        with session.bulk(batch_size=len(rows)):
            for row, newcomer in checked:
                if newcomer.username in taken:
                    fault = self.explain(UserExists(newcomer.username))
                    outcomes.append(Outcome(row.number, row.line, fault, is_skipped=True))
                    continue
                users.append(newcomer.user())
                session.add(users[-1])
                outcomes.append(Outcome(row.number, row.line))
        for user in users:
            announce(user)
        _refuse_removal(session, users)
        return outcomes


@dataclass(frozen=True, slots=True)
class Update:
    """Changing users; rows that change nothing are skipped.

    Attributes:
        ignores_empty: whether an empty text leaves a value as it is, as in a table, where what is
            left out is empty.
    """

    explain: Explain
    ignores_empty: bool = False

    columns: ClassVar[Columns] = (
        ("username",),
        ("new_username", "email", "first_name", "last_name"),
    )

    def names(self, row: Row) -> Collection[str]:
        """See :class:`Operation`, as for the other method."""
        named = (row.values.get(column) for column in ("username", "new_username"))
        return [normal_username(name) for name in named if name]

    def carry_out(self, session: Session, rows: Sequence[Row]) -> list[Outcome]:
        """Change users."""
        found = _found(session, rows)

        def changes_of(row: Row) -> dict[str, str]:
            current = _of(found, row)
            wanted = {
                name: value
                for name, value in row.values.items()
                if name != "username" and (value or not self.ignores_empty)
            }
            return differing(current, checked_changes(**wanted))

        checked, outcomes = _each(rows, self.explain, changes_of)
        claims = [changes["username"] for _, changes in checked if "username" in changes]
        taken = taken_among(session, claims) if claims else ()
        due = []
        for row, changes in checked:
            claimed = changes.get("username")
            fault = self.explain(UserExists(claimed)) if claimed in taken and claimed else None
            outcomes.append(Outcome(row.number, row.line, fault, is_skipped=not changes))
            if changes and fault is None:
                due.append((_of(found, row).username, changes))
        users = load_many(session, (name for name, _ in due)) if due else {}
        with session.bulk(batch_size=len(rows)):
            for name, changes in due:
                apply(changes, users[name])
        _refuse_removal(session, users.values())
        return outcomes


@dataclass(frozen=True, slots=True)
class Delete:
    """Removing users."""

    explain: Explain

    columns: ClassVar[Columns] = (("username",), ())

    def names(self, row: Row) -> Collection[str]:
        """See :class:`Operation`, as for the other method."""
        return (normal_username(row.values["username"]),)

    def carry_out(self, session: Session, rows: Sequence[Row]) -> list[Outcome]:
        """Remove users."""
        found = _found(session, rows)
        checked, outcomes = _each(rows, self.explain, lambda row: _of(found, row))
        users = load_many(session, (account.username for _, account in checked)) if checked else {}
        with session.bulk(batch_size=len(rows)):
            for row, account in checked:
                session.delete(users[account.username])
                outcomes.append(Outcome(row.number, row.line))
        return outcomes


@dataclass(frozen=True, slots=True)
class Notify:
    """Sending ``notification`` for users.

    As it writes nothing, a receiver that fails takes nothing back that was done for other rows.

    Attributes:
        is_robust: whether a failing receiver leaves the others to run.
    """

    explain: Explain
    is_robust: bool = False

    columns: ClassVar[Columns] = (("username",), ())

    def names(self, row: Row) -> Collection[str]:
        """See :class:`Operation`, as for the other method."""
        return ()

    def carry_out(self, session: Session, rows: Sequence[Row]) -> list[Outcome]:
        """Send ``notification``."""
        found = _found(session, rows)
        checked, outcomes = _each(rows, self.explain, lambda row: _of(found, row))
        for row, account in checked:
            fault = None
            try:
                self._send(account)
            except Exception as error:
                fault = self.explain(error)
                if fault is None:
                    raise
            outcomes.append(Outcome(row.number, row.line, fault))
        return outcomes

    def _send(self, account: Account) -> None:
        send = notification.send_robust if self.is_robust else notification.send
        responses = send(User, email=account.email, username=account.username)
        failed = [pair for pair in responses if isinstance(pair[1], Exception)]
        if failed:
            raise ReceiversFailed(notification.name, failed)


def _each(
    rows: Iterable[Row], explain: Explain, check: Callable[[Row], T]
) -> tuple[list[tuple[Row, T]], list[Outcome]]:
    """What each row asks for, and what is wrong with the others."""
    checked, outcomes = [], []
    for row in rows:
        try:
            checked.append((row, check(row)))
        except AccountError as error:
            outcomes.append(Outcome(row.number, row.line, explain(error)))
    return checked, outcomes


def _found(session: Session, rows: Iterable[Row]) -> dict[str, Account]:
    """The users that rows name, by their names in the normal form."""
    sought = (sought_username(row.values["username"]) for row in rows)
    return find_many(session, [name for name in sought if name is not None])


def _of(found: dict[str, Account], row: Row) -> Account:
    """The user whom a row names.

    Raises:
        UserNotFound: there is no such user.
    """
    account = found.get(normal_username(row.values["username"]))
    if account is None:
        raise UserNotFound(row.values["username"])
    return account


def _refuse_removal(session: Session, users: Collection[User]) -> None:
    """Make sure that receivers left the users there, as a command for one of them does.

    Raises:
        InvalidRequestError: a receiver removed one.
    """
    if len(taken_among(session, (user.username for user in users))) < len(users):
        raise InvalidRequestError("a receiver removed the user")
