"""Passwords: hashed with Argon2, checked against a hash, and kept nowhere.

As in Django, a password is taken as it is typed, without Unicode's normal forms. argon2-cffi is
imported when a password is set or checked, and not before.
"""

import functools
from base64 import b64encode
from typing import TYPE_CHECKING

from signalcli.core.errors import InvalidValue
from signalcli.core.hashes import Hash

if TYPE_CHECKING:
    from argon2 import PasswordHasher

LONGEST_PASSWORD = 4096


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
        # What Python says of it would tell a part of the password.
        raise InvalidValue("the password is no valid Unicode") from None
    return password


def make_password(password: str) -> Hash:
    """The hash of a password, with a salt of its own. Mirrors Django's ``make_password``."""
    return Hash(_hasher().hash(password))


def verify_password(password: str, encoded: str | None) -> tuple[bool, bool]:
    """Check a password. Mirrors Django's ``verify_password``.

    There is one verification by Argon2, whatever the answer, so that the time it takes does not
    tell whether there is such a user, or whether they have a password.

    Arguments:
        password: what was typed.
        encoded: the hash; None where there is none. A text that is no hash is as good as none.

    Returns:
        Whether it is the password, and if so, whether it should be hashed anew, since the hash
        was made with other parameters than those of today.
    """
    from argon2.exceptions import VerificationError, VerifyMismatchError

    hasher = _hasher()
    # What no keyboard sends (a lone surrogate) matches no hash.
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
