"""Authorization: setting and checking passwords, and sending the signals of logins and logouts.

Mirrors ``django.contrib.auth``. There is no web session, so nobody stays logged in: a login leaves
behind only what the receivers of its signal write.
"""

import re
from collections.abc import Mapping
from typing import Any

from sqlmodel import select

from signalcli.core.models import User, UserPublic
from signalcli.core.passwords import checked_password, make_password, verify_password
from signalcli.core.signals import user_logged_in, user_logged_out, user_login_failed
from signalcli.core.users import as_left, load
from signalcli.core.values import sought_username
from signalcli.db import Session

# Django's rule for the names of secrets, which receivers of user_login_failed do not get.
_SENSITIVE = re.compile("api|token|key|secret|password|signature", re.IGNORECASE)
CLEANSED = "*" * 20


def set_password(session: Session, username: str, password: str | None) -> tuple[UserPublic, bool]:
    """Set or remove a user's password. Only the model signals are sent, as in Django.

    Arguments:
        session: the session.
        username: the user's name.
        password: the new password; None: the user has none, and cannot log in.

    Returns:
        The user after the change, and whether anything changed.

    Raises:
        InvalidValue: the password breaks a rule.
        UserNotFound: there is no such user.
    """
    # Hashing takes a while. The database is not locked yet.
    encoded = None if password is None else make_password(checked_password(password))
    user = load(session, username)
    is_changed = user.password != encoded
    user.password = encoded
    session.flush()
    return as_left(session, user), is_changed


def authenticate(
    session: Session, *, username: str, password: str, request: Any = None, **others: Any
) -> User | None:
    """The user whose name and password these are. Mirrors Django's ``authenticate``.

    Where there is none, ``user_login_failed`` is sent with the credentials, the secrets masked.
    Nothing then tells apart a user who does not exist, one without a password, and one who has
    another password. A hash that was made with other parameters than today's is replaced, and the
    user saved.

    Arguments:
        session: the session.
        username: the name that was typed.
        password: the password that was typed.
        request: the request, for the receivers.
        others: further credentials, for the receivers; those named like a secret are masked.
    """
    is_correct, must_update = verify_password(password, _hash_of(session, username))
    if not is_correct:
        credentials = {"username": username, "password": password, **others}
        user_login_failed.send(
            __name__,
            credentials=clean_credentials(credentials),
            request=request,
            session=session,
        )
        return None
    user = load(session, username)
    if must_update:
        user.password = make_password(password)
        session.flush()
    return user


def login(session: Session, user: User, request: Any = None) -> None:
    """Send ``user_logged_in``. Mirrors Django's ``login``."""
    user_logged_in.send(type(user), request=request, user=user, session=session)


def logout(session: Session, user: User | None, request: Any = None) -> None:
    """Send ``user_logged_out``. Mirrors Django's ``logout``.

    Arguments:
        session: the session.
        user: the user; None where nobody was logged in.
        request: the request, for the receivers.
    """
    user_logged_out.send(type(user), request=request, user=user, session=session)


def clean_credentials(credentials: Mapping[str, Any]) -> dict[str, Any]:
    """Credentials with their secrets masked, which Django's rule finds by their names."""
    return {
        name: CLEANSED if _SENSITIVE.search(name) else value for name, value in credentials.items()
    }


def _hash_of(session: Session, username: str) -> str | None:
    """The hash of a user's password. No instance is made, which would send signals."""
    name = sought_username(username)
    if name is None:
        return None
    return session.exec(select(User.password).where(User.username == name)).first()
