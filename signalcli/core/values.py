"""The rules for the values of users and profiles that people type."""

import re
import unicodedata
from functools import lru_cache

from signalcli.errors import InvalidValue

LONGEST_USERNAME = 150
LONGEST_EMAIL = 254
LONGEST_SIMPLE_LOCAL = 64
LONGEST_SIMPLE_DOMAIN = 63
LONGEST_NAME = 20

# The part before the @ of most addresses, which is in its normal form already.
_SIMPLE_LOCAL = re.compile(r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*")
# A domain that is in its normal form, and for nobody's special use.
_SIMPLE_DOMAIN = re.compile(r"(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+(?:com|org|net|[a-z]{2})")
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
    """A username as it is looked up; None where no user can have it, being no valid Unicode."""
    return normal_username(username) if username.isprintable() else None


def checked_email(email: str) -> str:
    """An email address in its normal form.

    Raises:
        InvalidValue: it is not a valid address.
    """
    local, at, domain = email.rpartition("@")
    if at and _SIMPLE_LOCAL.fullmatch(local) and len(local) <= LONGEST_SIMPLE_LOCAL:
        if len(domain) <= LONGEST_SIMPLE_DOMAIN and _SIMPLE_DOMAIN.fullmatch(domain):
            return email
        normal_domain = _normal_domain(domain)
        if normal_domain is not None and len(email) <= LONGEST_EMAIL:
            return f"{local}@{normal_domain}"
    # The library compiles patterns for a twentieth of the time that a command takes.
    from email_validator import EmailNotValidError, validate_email

    try:
        normal = validate_email(email, check_deliverability=False).normalized
    except EmailNotValidError as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise InvalidValue(f"the email {abridged(email)} is not valid: {reason}") from error
    if len(normal) > LONGEST_EMAIL:
        raise InvalidValue(f"the email {abridged(email)} has more than {LONGEST_EMAIL} characters")
    return normal


@lru_cache(maxsize=1024)
def _normal_domain(domain: str) -> str | None:
    """A domain of ASCII in its normal form; None where it is another or not valid.

    Most of many addresses share a few domains, and the domain takes by far the longest to check.
    """
    from email_validator import EmailNotValidError, validate_email

    if not domain.isascii():
        return None
    try:
        return validate_email(f"a@{domain}", check_deliverability=False).domain
    except EmailNotValidError:
        return None


def checked_name(name: str, what: str) -> str:
    """A first or last name.

    Arguments:
        name: the name; it may be empty.
        what: ``first name`` or ``last name``, for the message.

    Raises:
        InvalidValue: it is too long, or has control characters.
    """
    if len(name) > LONGEST_NAME:
        raise InvalidValue(
            f"the {what} {abridged(name)} has {len(name)} characters; "
            f"at most {LONGEST_NAME} are allowed"
        )
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in name):
        raise InvalidValue(f"the {what} {name!r} has control characters; write it without")
    return name


def checked(
    username: str | None = None,
    email: str | None = None,
    first_name: str | None = None,
    last_name: str | None = None,
) -> dict[str, str]:
    """Values for a user and their profile in their normal form, by name, without those not given.

    Raises:
        InvalidValue: a value breaks its rule.
    """
    values = {
        "username": None if username is None else checked_username(username),
        "email": None if email is None else checked_email(email),
        "first_name": None if first_name is None else checked_name(first_name, "first name"),
        "last_name": None if last_name is None else checked_name(last_name, "last name"),
    }
    return {name: value for name, value in values.items() if value is not None}


def abridged(text: str) -> str:
    """A text as a message quotes it: on one line, and cut where it is long."""
    return repr(text if len(text) <= 60 else text[:57] + "…")
