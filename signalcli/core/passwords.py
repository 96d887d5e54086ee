"""Passwords, which are hashed with Argon2 and kept nowhere, and the column of their hashes.

As in Django, a password is taken as it is typed, without Unicode's normal forms. argon2-cffi is
imported when a password is set or checked, and not before.
"""

import functools
from base64 import b64encode
from typing import TYPE_CHECKING, Any

from sqlalchemy import Dialect, String, TypeDecorator

from signalcli.errors import InvalidValue

if TYPE_CHECKING:
    from argon2 import PasswordHasher

LONGEST_PASSWORD = 4096
LONGEST_HASH = 255


class Hash(str):
    """A hash that its ``repr`` hides from whatever shows values or parameters."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'********'"


def checked_hash(text: str) -> Hash:
    """A text that is to be a hash.

    Raises:
        ValueError: it is none, but for instance the password itself.
    """
    if not text.startswith("$argon2"):
        raise ValueError("is no hash of a password; `signalcli passwd` sets a password")
    return Hash(text)


class HashColumn(TypeDecorator[str]):
    """A column of hashes, which stay hidden on their way to the database and back.

    No error of the database, no echoed statement and no traceback shows one.
    """

    impl = String(LONGEST_HASH)
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """What the driver is given."""
        return _hidden(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        """What an instance is given."""
        return _hidden(value)


def _hidden(value: str | None) -> Hash | None:
    return None if value is None else Hash(value)


def checked_password(password: str) -> str:
    """A password that may be set: 1 to 4096 characters of any kind.

    Raises:
        InvalidValue: it is empty, too long, or no valid Unicode.
    """
    if not password:
        raise InvalidValue(f"the password is empty; give 1 to {LONGEST_PASSWORD} characters")
    if len(password) > LONGEST_PASSWORD:
        raise InvalidValue(f"the password has more than {LONGEST_PASSWORD} characters")
    try:
        password.encode()
    except UnicodeEncodeError:
        # Python's own message would show a part of the password.
        raise InvalidValue("the password is no valid Unicode") from None
    return password


def make_password(password: str) -> Hash:
    """The hash of a password, with a salt of its own. Mirrors Django's ``make_password``."""
    return Hash(_hasher().hash(password))


def verify_password(password: str, encoded: str | None) -> tuple[bool, bool]:
    """Check a password. Mirrors Django's ``verify_password``.

    Argon2 makes one verification, whatever the answer. So the time that it takes does not tell
    whether there is such a user, or whether the user has a password.

    Arguments:
        password: the password that was typed.
        encoded: the hash; None where there is none. A text that is no hash is as good as none.

    Returns:
        Whether the password is right, and if so, whether it should be hashed again, since the hash
        was made with other parameters than today's.
    """
    from argon2.exceptions import VerificationError, VerifyMismatchError

    hasher = _hasher()
    # A lone surrogate, which no keyboard sends, matches no hash.
    secret = password.encode("utf-8", "surrogatepass")
    try:
        hasher.verify(encoded or "", secret)
    except VerifyMismatchError:
        return False, False
    except (VerificationError, ValueError):
        _verify_in_vain(hasher, secret)
        return False, False
    return True, hasher.check_needs_rehash(str(encoded))


def _verify_in_vain(hasher: "PasswordHasher", secret: bytes) -> None:
    """Spend the time of a verification, with today's parameters, on a hash of nothing."""
    from argon2.exceptions import VerifyMismatchError

    parameters = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    salt, digest = (
        b64encode(bytes(length)).decode().rstrip("=")
        for length in (hasher.salt_len, hasher.hash_len)
    )
    try:
        hasher.verify(f"$argon2id$v=19${parameters}${salt}${digest}", secret)
    except VerifyMismatchError:
        return


@functools.cache
def _hasher() -> "PasswordHasher":
    """Argon2 with the library's parameters, which are RFC 9106's for little memory."""
    from argon2 import PasswordHasher

    return PasswordHasher()
