"""Operations on users. Each works in the transaction of the session that it is given.

Nothing here writes a profile: the receivers do, with the values that the user carries to them in
``for_profile``.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, bindparam, func
from sqlalchemy.exc import IntegrityError, InvalidRequestError
from sqlalchemy.orm import selectinload
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import col, select

from signalcli.core.models import DEFAULT_PICTURE, Profile, ProfilePublic, User, UserPublic
from signalcli.core.passwords import checked_password, make_password
from signalcli.core.pictures import checked_image, discard, store
from signalcli.core.signals import notification
from signalcli.core.values import abridged, checked, sought_username
from signalcli.db import Session, touch
from signalcli.dispatch import Receiver
from signalcli.errors import AlreadyExists, NotFound


class UserNotFound(NotFound):
    """There is no such user."""

    def __init__(self, username: str) -> None:
        super().__init__(
            f"there is no user {abridged(username)}; `signalcli list` shows who there is"
        )


class UserExists(AlreadyExists):
    """The username is taken."""

    def __init__(self, username: str) -> None:
        super().__init__(f"the user {abridged(username)} exists already; choose another username")


def register(
    session: Session,
    username: str,
    email: str,
    first_name: str = "",
    last_name: str = "",
    *,
    picture: Path | None = None,
    password: str | None = None,
) -> UserPublic:
    """Store a new user, whose profile the receivers make, and send ``notification``.

    Arguments:
        session: the session.
        username: the new user's name.
        email: the address.
        first_name: the first name.
        last_name: the last name.
        picture: the file of the profile picture, which is copied.
        password: the password; None: the user has none, and cannot log in.

    Raises:
        InvalidValue: a value breaks a rule.
        UserExists: the username is taken.
        DatabaseUnusable: the picture cannot be written.
    """
    values = checked(username, email, first_name, last_name)
    image = None if picture is None else checked_image(picture)
    # Hashing takes a while. The database is not locked yet.
    encoded = None if password is None else make_password(checked_password(password))
    if taken_among(session, [values["username"]]):
        raise UserExists(values["username"])
    if image is not None:
        values["profile_pic"] = store(session, image)
    user = new_user(values)
    user.password = encoded
    session.add(user)
    _flush(session, values["username"])
    announce(user)
    return _kept(session, user, values)


def update(
    session: Session,
    username: str,
    *,
    new_username: str | None = None,
    email: str | None = None,
    first_name: str | None = None,
    last_name: str | None = None,
    picture: Path | None = None,
) -> tuple[UserPublic, bool]:
    """Change a user, whose profile the receivers save.

    Arguments:
        session: the session.
        username: the user's name.
        new_username: the new name; None leaves the name as it is, and likewise the other values.
        email: the new address.
        first_name: the new first name.
        last_name: the new last name.
        picture: the file of the new picture, which is copied; the old picture is removed.

    Returns:
        The user after the change, and whether anything changed. Where nothing does, nothing is
        saved and no signal is sent.

    Raises:
        InvalidValue: a value breaks a rule.
        UserNotFound: there is no such user.
        UserExists: the new username is taken.
        DatabaseUnusable: the picture cannot be written.
    """
    image = None if picture is None else checked_image(picture)
    current = find(session, username)
    changes = differing(current, checked(new_username, email, first_name, last_name))
    if not changes and image is None:
        return current, False
    claimed = changes.get("username")
    if claimed is not None and taken_among(session, [claimed]):
        raise UserExists(claimed)
    if image is not None:
        changes["profile_pic"] = store(session, image)
    user = load(session, current.username)
    change(user, changes)
    _flush(session, claimed)
    return _kept(session, user, changes), True


def delete(session: Session, username: str) -> UserPublic:
    """Remove a user, and with the user the profile.

    Returns:
        The user before the removal.

    Raises:
        UserNotFound: there is no such user.
    """
    found = find(session, username)
    session.delete(load(session, found.username))
    session.flush()
    return found


def notify(
    session: Session, username: str, *, robust: bool = False
) -> tuple[UserPublic, list[tuple[Receiver, Exception]]]:
    """Send ``notification`` for a user.

    Arguments:
        session: the session.
        username: the user's name.
        robust: whether a failing receiver leaves the others to run.

    Returns:
        The user, and the receivers that failed with their exceptions (none where not robust).

    Raises:
        UserNotFound: there is no such user.
        Exception: a receiver raised it, where not robust.
    """
    found = find(session, username)
    return found, announce(found, robust=robust)


def announce(user: User | UserPublic, *, robust: bool = False) -> list[tuple[Receiver, Exception]]:
    """Send ``notification`` for a user; arguments and exceptions as for :func:`notify`."""
    send = notification.send_robust if robust else notification.send
    responses = send(User, email=user.email, username=user.username)
    return [pair for pair in responses if isinstance(pair[1], Exception)]


def new_user(values: Mapping[str, str]) -> User:
    """A user to be added, with the values of both the user and the profile."""
    user = User(username=values["username"], email=values["email"])
    # Without this, the receiver that makes the profile would have the database look for one.
    set_committed_value(user, "profile", None)
    user.for_profile.update(_of_profile(values))
    return user


def differing(current: UserPublic, wanted: Mapping[str, str]) -> dict[str, str]:
    """Those of the wanted values that the user, or the profile, has not got already."""
    stored = vars(current) | vars(current.profile)
    return {name: value for name, value in wanted.items() if value != stored[name]}


def change(user: User, changes: Mapping[str, str]) -> None:
    """Change a user, and give the receivers the changes of the profile. Both are saved."""
    user.username = changes.get("username", user.username)
    user.email = changes.get("email", user.email)
    user.for_profile.clear()
    user.for_profile.update(_of_profile(changes))
    touch(user)


def find(session: Session, username: str, *, load: bool = False) -> UserPublic:
    """A user by name.

    Arguments:
        session: the session.
        username: the user's name.
        load: whether to make instances of the models, which sends their signals.

    Raises:
        UserNotFound: there is no such user.
    """
    name = sought_username(username)
    found = () if name is None else _shown(session, load, col(User.username) == name)
    for user in found:
        return user
    raise UserNotFound(username)


def find_all(session: Session, *, load: bool = False) -> Iterator[UserPublic]:
    """All users, in the order in which they registered; ``load`` as for :func:`find`."""
    return _shown(session, load)


def find_many(session: Session, names: Iterable[str]) -> dict[str, UserPublic]:
    """Those users of some names that there are, by name.

    Arguments:
        session: the session.
        names: usernames in their normal form, as many as a statement has room for.
    """
    found = _shown(session, False, _IS_AMONG, names=list(names))
    return {user.username: user for user in found}


def taken_among(session: Session, names: Iterable[str]) -> set[str]:
    """Those of some names that are taken; names as for :func:`find_many`."""
    return set(session.exec(select(User.username).where(_IS_AMONG), params={"names": list(names)}))


def usernames(session: Session, beginning: str, most: int) -> list[str]:
    """The first usernames, in alphabetical order, that begin in a certain way."""
    # LIKE would not tell small letters from capitals.
    begins = func.substr(User.username, 1, len(beginning)) == beginning
    query = select(User.username).where(begins)
    return list(session.exec(query.order_by(col(User.username)).limit(most)))


def load(session: Session, username: str) -> User:
    """The instance of a user by name; making it sends its signals.

    Raises:
        UserNotFound: there is no such user.
    """
    name = sought_username(username)
    if name is not None:
        for user in session.exec(select(User).where(User.username == name)):
            return user
    raise UserNotFound(username)


def load_many(session: Session, names: Iterable[str]) -> dict[str, User]:
    """The instances of those users of some names that there are, with their profiles, by name.

    Making them sends their signals. Names as for :func:`find_many`.
    """
    query = select(User).where(_IS_AMONG).order_by(col(User.id))
    with_profiles = query.options(selectinload(User.profile))  # type: ignore[arg-type]  # a column of SQLModel's
    found = session.exec(with_profiles, params={"names": list(names)})
    return {user.username: user for user in found}


def as_left(session: Session, user: User) -> UserPublic:
    """A user as the receivers left it.

    Raises:
        InvalidRequestError: a receiver removed the user.
    """
    try:
        return find(session, user.username)
    except UserNotFound as error:
        raise InvalidRequestError(
            f"a receiver removed the user {abridged(user.username)}"
        ) from error


# A parameter with a name. A list in the statement itself would stay in memory with it: SQLAlchemy
# ties the statement into a cycle, which only the garbage collector frees.
_IS_AMONG = col(User.username).in_(bindparam("names", expanding=True))
_COLUMNS = (
    User.username,
    User.email,
    User.date_joined,
    User.last_login,
    col(User.password).is_not(None).label("has_password"),
    Profile.first_name,
    Profile.last_name,
    Profile.profile_pic,
)


def _shown(
    session: Session, load: bool, *conditions: ColumnElement[bool], **parameters: Any
) -> Iterator[UserPublic]:
    """The users that meet conditions, with their profiles, in the order of registration."""
    query: Any = select(*((User, Profile) if load else _COLUMNS))
    query = query.select_from(User).outerjoin(Profile).where(*conditions).order_by(col(User.id))
    for row in session.exec(query, params=parameters):
        user, profile = row if load else (row, row)
        # Not validated: what another program stored is shown as it is.
        yield UserPublic.model_construct(
            username=user.username,
            email=user.email,
            date_joined=user.date_joined,
            last_login=user.last_login,
            has_password=user.has_password,
            profile=_shown_profile(profile),
        )


def _shown_profile(profile: Any) -> ProfilePublic:
    # A user whom another program stored may have no profile.
    if profile is None:
        return ProfilePublic()
    return ProfilePublic.model_construct(
        first_name=profile.first_name or "",
        last_name=profile.last_name or "",
        profile_pic=profile.profile_pic or DEFAULT_PICTURE,
    )


def _of_profile(values: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if name in Profile.model_fields}


def _kept(session: Session, user: User, values: Mapping[str, str]) -> UserPublic:
    """A user as the receivers left it; a stored picture that they did not keep is removed."""
    left = as_left(session, user)
    picture = values.get("profile_pic")
    if picture != left.profile.profile_pic:
        discard(session, picture)
    return left


def _flush(session: Session, claimed: str | None) -> None:
    """Flush; where somebody took the claimed name since it was looked for, say so."""
    try:
        session.flush()
    except IntegrityError:
        if claimed is None:
            raise
        session.rollback()
        if taken_among(session, [claimed]):
            raise UserExists(claimed) from None
        raise
