"""The rules for what users type in."""

import re
import unicodedata

from signalcli.core.errors import InvalidValue, abridged
from signalcli.core.models import LONGEST_EMAIL, LONGEST_NAME, LONGEST_USERNAME

_USERNAME = re.compile(r"[\w.@+-]+")


def checked_username(username: str) -> str:
    """A username in its normal form (NFKC), if it keeps Django's rule.

    Raises:
        InvalidValue: it is empty, too long, or has other characters than letters, digits, or
            one of ``@ . + - _``.
    """
    normal = normal_username(username)
    if not normal:
        raise InvalidValue("the username is empty; give 1 to 150 characters")
    if len(normal) > LONGEST_USERNAME:
        raise InvalidValue(
            f"the username {abridged(normal)} has {len(normal)} characters; "
            f"at most {LONGEST_USERNAME} are allowed"
        )
    if not _USERNAME.fullmatch(normal):
        raise InvalidValue(
            f"the username {abridged(username)} has other characters than letters, digits and "
            "@ . + - _"
        )
    return normal


def normal_username(username: str) -> str:
    """A username as it is stored and looked up: in Unicode's normal form NFKC."""
    return unicodedata.normalize("NFKC", username)


def sought_username(username: str) -> str | None:
    """A username as it is looked up; None where it is no valid Unicode, and nobody's name."""
    return normal_username(username) if username.isprintable() else None


def checked_email(email: str) -> str:
    """An email address in its normal form.

    Raises:
        InvalidValue: it is not a valid address.
    """
    from email_validator import EmailNotValidError, validate_email

    try:
        normal = validate_email(email, check_deliverability=False).normalized
    except EmailNotValidError as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise InvalidValue(f"the email {abridged(email)} is not valid: {reason}") from error
    if len(normal) > LONGEST_EMAIL:
        raise InvalidValue(f"the email {abridged(email)} has more than {LONGEST_EMAIL} characters")
    return normal


def checked_name(name: str, what: str) -> str:
    """A first or last name.

    Arguments:
        name: the name; it may be empty.
        what: which name it is, for the message.

    Raises:
        InvalidValue: it is too long, or has characters that are no text.
    """
    if len(name) > LONGEST_NAME:
        raise InvalidValue(
            f"the {what} {abridged(name)} has {len(name)} characters; "
            f"at most {LONGEST_NAME} are allowed"
        )
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in name):
        raise InvalidValue(f"the {what} {name!r} has control characters; write it without")
    return name
