"""Rows that PostgreSQL is given as arrays: the same rows and errors as row by row."""

import datetime as dt
import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
import sqlmodel
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, Numeric, String, TypeDecorator, text
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError
from sqlalchemy.orm import registry
from sqlalchemy.orm.exc import FlushError
from sqlmodel import Field, SQLModel, select

from signalcli.db import Session, create_engine
from tests import engines
from tests.conftest import NewDatabase
from tests.db.shop_models import statements_of

TABLE = "arrays_row"
NEVER = dt.datetime(2026, 1, 2, 3, tzinfo=dt.UTC)


class Base(SQLModel, registry=registry()):
    """Keeps this table out of everybody else's metadata."""


class Reversed(TypeDecorator[str]):
    """A text that is stored from its end."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        if value == "refused":
            raise ValueError("refused")
        return value and value[::-1]

    def process_result_value(self, value: str | None, dialect: Any) -> str | None:
        return value and value[::-1]


class Row(Base, table=True):
    """Values of all types that arrays have."""

    __tablename__ = TABLE

    id: int | None = Field(default=None, primary_key=True)
    name: str | None = Field(default=None, unique=True)
    short: str | None = Field(default=None, max_length=3)
    number: int | None = None
    weight: float | None = None
    price: Decimal | None = Field(default=None, sa_type=Numeric(10, 2))
    is_good: bool | None = None
    day: dt.date | None = None
    moment: dt.datetime | None = None
    key: uuid.UUID | None = None
    backwards: str | None = Field(default=None, sa_type=Reversed)


@pytest.fixture
def engine(new_database: NewDatabase, engine_name: str) -> Iterator[Engine]:
    if engine_name != "postgresql":
        pytest.skip("PostgreSQL alone takes arrays")
    engine = create_engine(new_database("arrays", engines.tables_of(Base.metadata)))
    yield engine
    engine.dispose()


def in_bulk(engine: Engine, rows: list[dict[str, Any]]) -> list[Any]:
    """The rows that are found by the keys of instances that were added in bulk."""
    with Session(engine) as session:
        with session.bulk():
            session.add_all(added := [Row(**row) for row in rows])
        return committed(session, added)


def one_by_one(engine: Engine, rows: list[dict[str, Any]]) -> list[Any]:
    """The same for a plain session."""
    with sqlmodel.Session(engine) as session:
        session.add_all(added := [Row(**row) for row in rows])
        return committed(session, added)


def committed(session: sqlmodel.Session, added: list[Row]) -> list[Any]:
    """The rows of instances in another session, after a commit; without their keys."""
    session.commit()
    keys = [row.id for row in added]
    with sqlmodel.Session(session.get_bind()) as other:
        found = {row.id: row for row in other.exec(select(Row))}
        return [found[key].model_dump(exclude={"id"}) for key in keys]


def emptied(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {TABLE}"))


texts = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=6)
values = st.fixed_dictionaries(
    {},
    optional={
        "short": texts.map(lambda text: text[:3]) | st.none(),
        "number": st.integers(-(2**31), 2**31 - 1) | st.none(),
        "weight": st.floats(allow_nan=False) | st.integers(0, 9) | st.none(),
        "price": st.decimals(-(10**7), 10**7, places=3) | st.none(),
        "is_good": st.booleans() | st.none(),
        "day": st.dates() | st.none(),
        "moment": st.datetimes(dt.datetime(1000, 1, 1), timezones=st.just(dt.UTC)) | st.none(),
        "key": st.uuids() | st.none(),
        "backwards": texts | st.none(),
    },
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(values, min_size=2, max_size=6))
def test_rows_are_the_same_as_one_by_one(engine: Engine, rows: list[dict[str, Any]]) -> None:
    emptied(engine)
    expected = one_by_one(engine, rows)
    emptied(engine)
    assert in_bulk(engine, rows) == expected


def test_all_rows_go_in_one_statement_and_keep_their_order(engine: Engine) -> None:
    with statements_of(engine) as statements, Session(engine) as session, session.bulk():
        rows = [Row(name=f"row {number}") for number in range(900)]
        session.add_all(rows)
    (statement,) = (each for each in statements if each.startswith("INSERT"))
    assert "unnest(" in statement
    assert [row.id for row in rows] == list(range(rows[0].id or 0, (rows[0].id or 0) + 900))


def test_given_keys_and_keys_of_the_database_are_mixed(engine: Engine) -> None:
    rows = [Row(id=1000), Row(id=1001), Row(), Row(), Row(id=2000)]
    with Session(engine) as session:
        with session.bulk():
            session.add_all(rows)
        session.commit()
        keys = [row.id for row in rows]
    assert keys == [1000, 1001, 1, 2, 2000]


@pytest.mark.parametrize(
    "row",
    [{"number": 1.5}, {"moment": NEVER.replace(tzinfo=None)}, {"backwards": "refused"}],
    ids=["type", "zone", "refused"],
)
def test_what_no_array_has_goes_sqlalchemys_way(engine: Engine, row: dict[str, Any]) -> None:
    alike = {"number": 7, "moment": NEVER, "backwards": "abc"}

    def outcome(work: Callable[..., object]) -> object:
        emptied(engine)
        try:
            return work(engine, [alike, row])
        except StatementError as error:
            return type(error), type(error.orig)

    expected = outcome(one_by_one)
    with statements_of(engine) as statements:
        assert outcome(in_bulk) == expected
    assert "unnest(" not in "".join(statements)


@pytest.mark.parametrize(
    ("row", "error"),
    [
        ({"name": "taken"}, IntegrityError),
        ({"short": "long"}, DBAPIError),
        ({"number": 2**40}, DBAPIError),
        ({"name": "a\0b"}, DBAPIError),
    ],
    ids=["unique", "length", "range", "zero"],
)
def test_the_database_refuses_what_it_refuses_of_a_plain_session(
    engine: Engine, row: dict[str, Any], error: type[Exception]
) -> None:
    rows = [{"name": "taken"}, row]
    with pytest.raises(error) as plain:
        one_by_one(engine, rows)
    with pytest.raises(error) as bulk:
        in_bulk(engine, rows)
    assert type(bulk.value) is type(plain.value)
    assert type(bulk.value.orig) is type(plain.value.orig)  # type: ignore[attr-defined]
    with sqlmodel.Session(engine) as session:
        assert session.exec(select(Row)).all() == []


def test_rows_that_a_trigger_leaves_out_are_an_error(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(
            text(
                "CREATE FUNCTION leave_out() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN IF NEW.name = 'b' THEN RETURN NULL; END IF; RETURN NEW; END $$"
            )
        )
        connection.execute(
            text(
                f"CREATE TRIGGER leaves_out BEFORE INSERT ON {TABLE} "
                "FOR EACH ROW EXECUTE FUNCTION leave_out()"
            )
        )
    with pytest.raises(FlushError, match="1 of 2 rows were inserted"):
        in_bulk(engine, [{"name": "a"}, {"name": "b"}])
