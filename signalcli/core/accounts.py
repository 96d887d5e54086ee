"""What can be done with users. Each works in the transaction of the session it is given.

Nothing here writes a profile: the receivers do, with the names that the user carries to them
(see :meth:`signalcli.core.models.User.request_profile`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func
from sqlalchemy.exc import IntegrityError, InvalidRequestError
from sqlalchemy.orm import selectinload
from sqlmodel import col, select

from signalcli.core.errors import UserExists, UserNotFound, abridged
from signalcli.core.images import Image, checked_image
from signalcli.core.models import DEFAULT_PICTURE, Profile, User
from signalcli.core.passwords import checked_password, make_password
from signalcli.core.pictures import discard, store
from signalcli.core.requests import apply, checked_changes, checked_newcomer, differing
from signalcli.core.signals import notification
from signalcli.core.values import sought_username
from signalcli.db import Session
from signalcli.dispatch import Receiver


@dataclass(frozen=True, slots=True)
class Account:
    """A user and their profile, as plain values."""

    username: str
    email: str
    date_joined: datetime
    last_login: datetime | None
    has_password: bool
    first_name: str
    last_name: str
    profile_pic: str


def register(
    session: Session,
    username: str,
    email: str,
    first_name: str = "",
    last_name: str = "",
    *,
    picture: Path | None = None,
    password: str | None = None,
) -> Account:
    """Store a new user, whose profile the receivers make, and send ``notification``.

    Arguments:
        session: the session.
        username: the new user's name.
        email: their address.
        first_name: their first name.
        last_name: their last name.
        picture: the file of their picture, which is copied.
        password: what they log in with; None: they cannot.

    Raises:
        InvalidValue: a value breaks a rule.
        UserExists: the username is taken.
        DatabaseUnusable: the picture cannot be written.
    """
    new = checked_newcomer(username, email, first_name, last_name)
    image = None if picture is None else checked_image(picture)
    # It takes a while, in which the database is not locked yet.
    encoded = None if password is None else make_password(checked_password(password))
    if _is_taken(session, new.username):
        raise UserExists(new.username)
    stored = _store(session, image)
    user = new.user(**stored)
    user.password = encoded
    session.add(user)
    _flush(session, new.username)
    announce(user)
    account = as_left(session, user)
    _discard_unused(session, account, stored)
    return account


def update(
    session: Session,
    username: str,
    *,
    new_username: str | None = None,
    email: str | None = None,
    first_name: str | None = None,
    last_name: str | None = None,
    picture: Path | None = None,
) -> tuple[Account, bool]:
    """Change a user, whose profile the receivers save.

    Arguments:
        session: the session.
        username: who is changed.
        new_username: the new name; None leaves it as it is, and likewise the others.
        email: the new address.
        first_name: the new first name.
        last_name: the new last name.
        picture: the file of the new picture, which is copied; the old one is removed.

    Returns:
        The user as they are now, and whether anything changed. Where nothing does, nothing is
        saved and no signal is sent.

    Raises:
        InvalidValue: a value breaks a rule.
        UserNotFound: there is no such user.
        UserExists: the new username is taken.
        DatabaseUnusable: the picture cannot be written.
    """
    image = None if picture is None else checked_image(picture)
    current = find(session, username)
    wanted = checked_changes(new_username, email, first_name, last_name)
    changes = differing(current, wanted)
    if not changes and image is None:
        return current, False
    claimed = changes.get("username")
    if claimed is not None and _is_taken(session, claimed):
        raise UserExists(claimed)
    stored = _store(session, image)
    user = _load(session, current.username)
    apply(changes, user, **stored)
    _flush(session, claimed)
    account = as_left(session, user)
    _discard_unused(session, account, stored)
    return account, True


def delete(session: Session, username: str) -> Account:
    """Remove a user, and with them their profile.

    Returns:
        The user as they were.

    Raises:
        UserNotFound: there is no such user.
    """
    account = find(session, username)
    session.delete(_load(session, account.username))
    session.flush()
    return account


def notify(
    session: Session, username: str, *, robust: bool = False
) -> tuple[Account, list[tuple[Receiver, Exception]]]:
    """Send ``notification`` for a user.

    Arguments:
        session: the session.
        username: who is written to.
        robust: whether a failing receiver leaves the others to run.

    Returns:
        The user, and who failed and how (nobody where not robust).

    Raises:
        UserNotFound: there is no such user.
        Exception: what a receiver raised, where not robust.
    """
    account = find(session, username)
    send = notification.send_robust if robust else notification.send
    responses = send(User, email=account.email, username=account.username)
    return account, [pair for pair in responses if isinstance(pair[1], Exception)]


def announce(user: User) -> None:
    """Send ``notification`` for a new user, as the receivers left them, who may have changed it."""
    notification.send(User, email=user.email, username=user.username)


def find(session: Session, username: str, *, load: bool = False) -> Account:
    """A user by name.

    Arguments:
        session: the session.
        username: who is sought.
        load: whether to make instances of the models, which sends their signals.

    Raises:
        UserNotFound: there is no such user.
    """
    name = sought_username(username)
    if name is not None:
        for account in _accounts(session, name, load):
            return account
    raise UserNotFound(username)


def find_many(session: Session, names: Iterable[str]) -> dict[str, Account]:
    """Those users of some names that there are, by name.

    Arguments:
        session: the session.
        names: usernames in their normal form, as many as a statement has room for.
    """
    query = _query(_COLUMNS).where(col(User.username).in_(list(names)))
    return {row[0]: _account(*row) for row in session.exec(query)}


def taken_among(session: Session, names: Iterable[str]) -> set[str]:
    """Which of some names are taken; names as for :func:`find_many`."""
    return set(session.exec(select(User.username).where(col(User.username).in_(list(names)))))


def load_many(session: Session, names: Iterable[str]) -> dict[str, User]:
    """The instances of those users of some names that there are, with their profiles, by name.

    Making them sends their signals. Names as for :func:`find_many`.
    """
    query = select(User).where(col(User.username).in_(list(names))).order_by(col(User.id))
    with_profiles = query.options(selectinload(User.profile))  # type: ignore[arg-type]  # a column of SQLModel's
    return {user.username: user for user in session.exec(with_profiles)}


def load(session: Session, username: str) -> User:
    """The instance of a user by name; making it sends its signals.

    Raises:
        UserNotFound: there is no such user.
    """
    return _load(session, find(session, username).username)


def as_left(session: Session, user: User) -> Account:
    """A user as the receivers left them.

    Raises:
        InvalidRequestError: a receiver removed them.
    """
    try:
        return find(session, user.username)
    except UserNotFound as error:
        raise InvalidRequestError(
            f"a receiver removed the user {abridged(user.username)}"
        ) from error


def find_all(session: Session, *, load: bool = False) -> Iterator[Account]:
    """All users, in the order in which they registered; ``load`` as for :func:`find`."""
    return _accounts(session, None, load)


_COLUMNS = (
    User.username,
    User.email,
    User.date_joined,
    User.last_login,
    col(User.password).is_not(None),
    Profile.first_name,
    Profile.last_name,
    Profile.profile_pic,
)


def usernames(session: Session, beginning: str, most: int) -> list[str]:
    """The first usernames, in alphabetical order, that begin in a certain way."""
    # LIKE would not tell small letters from capitals.
    begins = func.substr(User.username, 1, len(beginning)) == beginning
    query = select(User.username).where(begins)
    return list(session.exec(query.order_by(col(User.username)).limit(most)))


def _accounts(session: Session, username: str | None, load: bool) -> Iterator[Account]:
    query = _query((User, Profile) if load else _COLUMNS)
    if username is not None:
        query = query.where(User.username == username)
    for row in session.exec(query):
        yield _account_of(*row) if load else _account(*row)


def _query(entities: tuple[Any, ...]) -> Any:
    return select(*entities).select_from(User).outerjoin(Profile).order_by(col(User.id))


def _account_of(user: User, profile: Profile | None) -> Account:
    of_profile = (
        (profile.first_name, profile.last_name, profile.profile_pic) if profile else (None,) * 3
    )
    return _account(
        user.username,
        user.email,
        user.date_joined,
        user.last_login,
        user.password is not None,
        *of_profile,
    )


def _account(
    username: str,
    email: str,
    date_joined: datetime,
    last_login: datetime | None,
    has_password: bool,
    first_name: str | None,
    last_name: str | None,
    profile_pic: str | None,
) -> Account:
    # Who was not registered here may have no profile.
    return Account(
        username,
        email,
        date_joined,
        last_login,
        has_password,
        first_name or "",
        last_name or "",
        profile_pic or DEFAULT_PICTURE,
    )


def _load(session: Session, username: str) -> User:
    return session.exec(select(User).where(User.username == username)).one()


def _store(session: Session, image: Image | None) -> dict[str, str]:
    """Put a picture in its place; what to ask of the profile because of it."""
    return {} if image is None else {"profile_pic": store(session, image)}


def _discard_unused(session: Session, account: Account, stored: dict[str, str]) -> None:
    """Remove a picture that the receivers did not give to the profile."""
    for name in stored.values():
        if account.profile_pic != name:
            discard(session, name)


def _is_taken(session: Session, username: str) -> bool:
    return session.exec(select(User.id).where(User.username == username)).first() is not None


def _flush(session: Session, claimed: str | None) -> None:
    """Flush; where somebody took the claimed name since it was looked for, say so."""
    try:
        session.flush()
    except IntegrityError:
        if claimed is None:
            raise
        session.rollback()
        if _is_taken(session, claimed):
            raise UserExists(claimed) from None
        raise
