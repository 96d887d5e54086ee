"""Rules of a database that a row breaks, as the engines tell of them."""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sqlalchemy.exc import DBAPIError


class Kind(Enum):
    """What a rule demands of a row."""

    UNIQUE = "a value that has to be unique is there already"
    MISSING = "a value is missing"
    REFERENCE = "a reference would lead nowhere"
    CHECK = "the values break a rule"


# SQLite's names, SQL states, and the numbers of MariaDB and MySQL.
_KINDS: dict[object, Kind] = {
    "SQLITE_CONSTRAINT_UNIQUE": Kind.UNIQUE,
    "SQLITE_CONSTRAINT_PRIMARYKEY": Kind.UNIQUE,
    "SQLITE_CONSTRAINT_ROWID": Kind.UNIQUE,
    "23505": Kind.UNIQUE,
    1062: Kind.UNIQUE,
    "SQLITE_CONSTRAINT_NOTNULL": Kind.MISSING,
    "23502": Kind.MISSING,
    1048: Kind.MISSING,
    1364: Kind.MISSING,
    "SQLITE_CONSTRAINT_FOREIGNKEY": Kind.REFERENCE,
    "23001": Kind.REFERENCE,
    "23503": Kind.REFERENCE,
    1451: Kind.REFERENCE,
    1452: Kind.REFERENCE,
    "SQLITE_CONSTRAINT_CHECK": Kind.CHECK,
    "23514": Kind.CHECK,
    3819: Kind.CHECK,
    4025: Kind.CHECK,
}
_TABLE = re.compile(r"(?:INSERT(?: IGNORE)? INTO|UPDATE|DELETE FROM)\s+[`\"]?([^\s`\"(]+)")


@dataclass(frozen=True)
class BrokenRule:
    """A rule that a row breaks.

    Attributes:
        kind: what the rule demands.
        table: the table that it belongs to, if that is known.
        columns: its columns; empty where the engine does not tell them.
        name: how the database calls it, where the engine tells that.
    """

    kind: Kind
    table: str | None = None
    columns: tuple[str, ...] = ()
    name: str | None = None

    def __str__(self) -> str:
        """The rule in a few words, which are the same for each engine."""
        if self.kind is Kind.CHECK and self.name:
            return f"the values break the rule {self.name}"
        names = self.columns or ((self.name,) if self.name else ())
        if self.kind is Kind.REFERENCE or not names:
            return self.kind.value
        table = f"{self.table}." if self.table else ""
        return f"{self.kind.value} ({', '.join(table + each for each in names)})"


def broken_rule(error: BaseException | None) -> BrokenRule | None:
    """The rule that a row breaks; None where an exception tells of something else.

    PyMySQL has some of these as an ``OperationalError``, so what counts is the code.

    Arguments:
        error: an exception that writing to a database has raised.
    """
    kind = next((_KINDS[code] for code in codes_of(error) if code in _KINDS), None)
    if kind is None or not isinstance(error, DBAPIError) or error.orig is None:
        return None
    table = _TABLE.search(error.statement or "")
    return _as_told(kind, error.orig, table and table[1])


def codes_of(error: BaseException | None) -> list[object]:
    """The codes by which a driver tells what happened; none where an exception is no driver's.

    Those of SQLite are names, those of PostgreSQL SQL states, those of MariaDB and MySQL numbers.

    Arguments:
        error: an exception that work on a database has raised.
    """
    original = error.orig if isinstance(error, DBAPIError) else None
    if original is None:
        return []
    found = [getattr(original, name, None) for name in ("sqlite_errorname", "sqlstate", "pgcode")]
    if str(original) == "FOREIGN KEY constraint failed":
        # Where the key says ON DELETE RESTRICT, SQLite's code is that of a trigger.
        found.append("SQLITE_CONSTRAINT_FOREIGNKEY")
    number = next(iter(original.args), None)
    return [*found, number] if isinstance(number, int) else found


def _as_told(kind: Kind, original: BaseException, table: str | None) -> BrokenRule:
    """What an engine tells of the rule, each in its own way."""
    words = str(original)
    # SQLite: "UNIQUE constraint failed: shop_tag.slug".
    told = words.partition(" constraint failed: ")[2]
    if told and kind is Kind.CHECK:
        return BrokenRule(kind, table, name=told)
    if told.startswith("index "):
        return BrokenRule(kind, table, name=told.removeprefix("index ").strip("'"))
    if told:
        parts = [each.rpartition(".") for each in told.split(", ")]
        return BrokenRule(kind, parts[0][0], tuple(column for _, _, column in parts))
    # PostgreSQL's drivers have parts to ask for; asyncpg's error is the cause of SQLAlchemy's.
    asked: Any = getattr(original, "diag", None) or original.__cause__
    if asked is not None and hasattr(asked, "constraint_name"):
        detail = getattr(asked, "message_detail", None) or getattr(asked, "detail", None) or ""
        columns: tuple[str, ...] = (asked.column_name,) if asked.column_name else ()
        if kind is Kind.UNIQUE and (keys := re.search(r"\((.*?)\)=\(", detail)):
            columns = tuple(each.strip('"') for each in keys[1].split(", "))
        return BrokenRule(kind, asked.table_name or table, columns, asked.constraint_name)
    # MariaDB: "Duplicate entry 'new' for key 'PRIMARY'", where MySQL names the table with the key.
    if kind is Kind.UNIQUE and (keys := re.search(r"for key '(?:[^'.]*\.)?([^']+)'", words)):
        return BrokenRule(kind, table, name=keys[1])
    if kind is Kind.MISSING and (column := re.search(r"(?:Column|Field) '([^']+)'", words)):
        return BrokenRule(kind, table, (column[1],))
    if kind is Kind.CHECK and (name := re.search(r"onstraint [`']([^`']+)[`']", words, re.I)):
        return BrokenRule(kind, table, name=name[1].rpartition(".")[2])
    return BrokenRule(kind, table)
