"""Each engine tells of a broken rule in its own way; what is made of it is the same."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)
from sqlalchemy.exc import DBAPIError

from signalcli.db import create_engine
from signalcli.db.rules import BrokenRule, Kind, broken_rule
from tests import engines
from tests.conftest import NewDatabase
from tests.db.async_work import async_engine

METADATA = MetaData()
RULED = Table(
    "ruled",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("name", String(20), unique=True),
    Column("series", Integer),
    Column("number", Integer),
    Column("needed", Integer, nullable=False),
    Column("parent_id", ForeignKey("ruled.id")),
    UniqueConstraint("series", "number", name="one_of_a_series"),
    CheckConstraint("number >= 0", name="not_negative"),
)
FIRST = {"id": 1, "name": "first", "series": 1, "number": 1, "needed": 1}
BROKEN = pytest.mark.parametrize(
    ("row", "kind", "columns", "name"),
    [
        ({"name": "first"}, Kind.UNIQUE, ("name",), "name"),
        ({"series": 1, "number": 1}, Kind.UNIQUE, ("series", "number"), "one_of_a_series"),
        ({"id": 1}, Kind.UNIQUE, ("id",), "PRIMARY"),
        ({"needed": None}, Kind.MISSING, ("needed",), None),
        ({"parent_id": 9}, Kind.REFERENCE, (), None),
        ({"number": -1}, Kind.CHECK, (), "not_negative"),
    ],
    ids=["value", "pair", "key", "missing", "reference", "check"],
)


@pytest.fixture
def ruled(new_database: NewDatabase) -> str:
    return new_database("ruled", engines.tables_of(METADATA))


def check(rule: BrokenRule | None, kind: Kind, columns: tuple[str, ...], name: str | None) -> None:
    assert rule is not None
    assert rule.kind is kind
    if kind is not Kind.REFERENCE:
        assert rule.table == "ruled"
    # MariaDB tells the name of a key, the others its columns.
    assert rule.columns == columns or (not rule.columns and rule.name == name)
    if kind is Kind.CHECK:
        assert str(rule) == "the values break the rule not_negative"
    elif kind is Kind.REFERENCE:
        assert str(rule) == "a reference would lead nowhere"
    else:
        known = ", ".join(f"ruled.{each}" for each in rule.columns or (name,))
        assert str(rule) == f"{kind.value} ({known})"


@BROKEN
def test_a_rule_that_a_row_breaks(
    ruled: str, row: dict[str, Any], kind: Kind, columns: tuple[str, ...], name: str | None
) -> None:
    engine = create_engine(ruled)
    with engine.begin() as connection:
        connection.execute(RULED.insert().values(FIRST))
    with pytest.raises(DBAPIError) as caught, engine.begin() as connection:
        connection.execute(RULED.insert().values({"id": 2, "needed": 1, **row}))
    engine.dispose()
    check(broken_rule(caught.value), kind, columns, name)


@BROKEN
def test_an_async_driver_tells_of_it_as_well(
    ruled: str, row: dict[str, Any], kind: Kind, columns: tuple[str, ...], name: str | None
) -> None:
    async def write() -> None:
        engine = async_engine(ruled)
        try:
            async with engine.begin() as connection:
                await connection.execute(RULED.insert().values(FIRST))
            async with engine.begin() as connection:
                await connection.execute(RULED.insert().values({"id": 2, "needed": 1, **row}))
        finally:
            await engine.dispose()

    with pytest.raises(DBAPIError) as caught:
        asyncio.run(write())
    check(broken_rule(caught.value), kind, columns, name)


@pytest.mark.parametrize("error", [None, ValueError("no"), DBAPIError("SELECT", {}, ValueError(1))])
def test_what_tells_of_no_rule(error: Exception | None) -> None:
    assert broken_rule(error) is None
