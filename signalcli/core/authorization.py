"""Who may come in: setting passwords, checking them, and telling of logins and logouts.

Mirrors ``django.contrib.auth``. There is no web session here, so that nobody stays logged in: what
a login leaves behind is what the receivers of its signal do.
"""

import re
from collections.abc import Mapping
from typing import Any

from sqlmodel import select

from signalcli.core.accounts import Account, as_left, load
from signalcli.core.models import User
from signalcli.core.passwords import checked_password, make_password, verify_password
from signalcli.core.signals import user_logged_in, user_logged_out, user_login_failed
from signalcli.core.values import normal_username
from signalcli.db import Session

# Django's rule for what receivers of user_login_failed are not told.
_SENSITIVE = re.compile("api|token|key|secret|password|signature", re.IGNORECASE)
CLEANSED = "*" * 20


def set_password(session: Session, username: str, password: str | None) -> tuple[Account, bool]:
    """Give a user a password, or take it from them. Only the model signals are sent, as in Django.

    Arguments:
        session: the session.
        username: who it is for.
        password: the new password; None: they have none, and cannot log in.

    Returns:
        The user as they are now, and whether anything changed.

    Raises:
        InvalidValue: the password breaks a rule.
        UserNotFound: there is no such user.
    """
    # It takes a while, in which the database is not locked yet.
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

    Where there is none, ``user_login_failed`` is sent, with what was given but the secrets; nothing
    then tells apart a user who does not exist, one without a password, and one who has another.
    Where a password was hashed with other parameters than those of today, it is hashed anew, and
    the user saved.

    Arguments:
        session: the session.
        username: who wants to come in.
        password: what they typed.
        request: what they asked with, for the receivers.
        others: what else they gave, for the receivers; what is named like a secret, masked.
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
    """Tell that a user has come in: ``user_logged_in`` is sent. Mirrors Django's ``login``."""
    user_logged_in.send(type(user), request=request, user=user, session=session)


def logout(session: Session, user: User | None, request: Any = None) -> None:
    """Tell that a user leaves: ``user_logged_out`` is sent. Mirrors Django's ``logout``.

    Arguments:
        session: the session.
        user: who; None where nobody was logged in.
        request: what they asked with, for the receivers.
    """
    user_logged_out.send(type(user), request=request, user=user, session=session)


def clean_credentials(credentials: Mapping[str, Any]) -> dict[str, Any]:
    """Credentials without their secrets, which Django's rule finds by their names."""
    return {
        name: CLEANSED if _SENSITIVE.search(name) else value for name, value in credentials.items()
    }


def _hash_of(session: Session, username: str) -> str | None:
    """The hash of a user's password, without making an instance, which would send signals."""
    if not username.isprintable():
        return None
    return session.exec(
        select(User.password).where(User.username == normal_username(username))
    ).first()
