"""Hashes of passwords as text that is kept and compared, but not shown."""

from typing import Any

from sqlalchemy import Dialect, String, TypeDecorator

LONGEST_HASH = 255


class Hash(str):
    """A hash, whose ``repr`` does not tell it: what shows values or parameters shows none."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'********'"


def checked_hash(text: str) -> Hash:
    """A text that is to be a hash.

    Raises:
        ValueError: it is none; a password itself, for instance, must not take its place.
    """
    if not text.startswith("$argon2"):
        raise ValueError("is no hash of a password; `signalcli passwd` sets a password")
    return Hash(text)


class HashColumn(TypeDecorator[str]):
    """A column of hashes, which stay hidden on their way to the database and back.

    So no error of the database, no echoed statement and no traceback tells one.
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
