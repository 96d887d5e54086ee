"""What is asked for a user, checked: the rules that one user and many are held to alike."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm.attributes import set_committed_value

from signalcli.core.models import User
from signalcli.core.values import checked_email, checked_name, checked_username
from signalcli.db import touch


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody to be registered, as plain values that keep the rules."""

    username: str
    email: str
    first_name: str
    last_name: str

    def user(self, **of_profile: str) -> User:
        """The user to be added, who asks the receivers for a profile with those names.

        Arguments:
            of_profile: what to ask for the profile besides.
        """
        user = User(username=self.username, email=self.email)
        # Or the receiver that makes the profile would have the database look for another one.
        set_committed_value(user, "profile", None)
        user.request_profile(first_name=self.first_name, last_name=self.last_name, **of_profile)
        return user


def checked_newcomer(
    username: str, email: str, first_name: str = "", last_name: str = ""
) -> Newcomer:
    """Somebody to be registered.

    Raises:
        InvalidValue: a value breaks a rule.
    """
    return Newcomer(
        checked_username(username),
        checked_email(email),
        checked_name(first_name, "first name"),
        checked_name(last_name, "last name"),
    )


def checked_changes(
    new_username: str | None = None,
    email: str | None = None,
    first_name: str | None = None,
    last_name: str | None = None,
) -> dict[str, str]:
    """What is to be changed of a user, by the name of the value; None leaves it as it is.

    Raises:
        InvalidValue: a value breaks a rule.
    """
    wanted = {
        "username": None if new_username is None else checked_username(new_username),
        "email": None if email is None else checked_email(email),
        "first_name": None if first_name is None else checked_name(first_name, "first name"),
        "last_name": None if last_name is None else checked_name(last_name, "last name"),
    }
    return {name: value for name, value in wanted.items() if value is not None}


def differing(current: Any, wanted: Mapping[str, str]) -> dict[str, str]:
    """What of the wanted values is not so already.

    Arguments:
        current: the user as they are stored, with an attribute for each value.
        wanted: see :func:`checked_changes`.
    """
    return {name: value for name, value in wanted.items() if value != getattr(current, name)}


def apply(changes: Mapping[str, str], user: User, **of_profile: str) -> None:
    """Change a user, and ask the receivers to change the profile; all of it is saved.

    Arguments:
        changes: see :func:`checked_changes`.
        user: who is changed.
        of_profile: what to ask for the profile besides.
    """
    names = dict(changes)
    user.username = names.pop("username", user.username)
    user.email = names.pop("email", user.email)
    user.request_profile(**names, **of_profile)
    touch(user)
