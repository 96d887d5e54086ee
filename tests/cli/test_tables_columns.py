"""Columns that models gain, on each engine: added with their values, or refused with no change."""

from typing import Any

import pytest
from sqlalchemy import create_engine, inspect, text

from tests.cli.files import write
from tests.cli.program import Forked

MODEL = """
import enum
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID, uuid4
from sqlalchemy import ARRAY, JSON, Column, DateTime, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel
class Color(str, enum.Enum):
    red = "red"
    blue = "blue"
class Thing(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
"""
FIRST = "    first: int = 1\n"
COLUMNS = {
    "enumeration": "new: Color = Color.red",
    "enumeration or null": "new: Color | None = None",
    "JSON": "new: dict = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))",
    "JSONB": "new: dict = Field(default_factory=dict, sa_column=Column(JSONB, nullable=False))",
    "array": "new: list = Field(default_factory=list, sa_column=Column(ARRAY(String(9)), "
    "nullable=False))",
    "time": "new: datetime = Field(default=datetime(2026, 1, 2, tzinfo=UTC), "
    "sa_type=DateTime(timezone=True))",
    "unique": "new: UUID = Field(default_factory=uuid4, unique=True)",
    "decimal": "new: Decimal = Field(default=Decimal('1.50'), max_digits=8, decimal_places=2)",
    "without a default": "new: int",
    "indexed": "new: int = Field(default=7, index=True)",
}
REFUSED_WITH_ROWS = {"unique", "without a default"}
ALWAYS_REFUSED = {
    "postgresql": set[str](),
    "mariadb": {"JSONB", "array"},
    # It adds no column that may not be null without a default, also where there are no rows.
    "sqlite": {"array", "without a default"},
}
NEW_NULL = {"enumeration or null"}


def run(program: Forked, database: str, *arguments: str, **variables: str) -> Any:
    env = {"PYTHONDONTWRITEBYTECODE": "1", **variables}
    return program("--app", "shop", "-d", database, *arguments, "-q", env=env)


def state(database: str) -> tuple[set[str], set[str | None], list[dict[str, Any]]]:
    """The columns, the indexes and the rows of the table."""
    engine = create_engine(database if "://" in database else f"sqlite:///{database}")
    with engine.connect() as connection:
        inspector = inspect(connection)
        columns = {each["name"] for each in inspector.get_columns("thing")}
        indexes = {each["name"] for each in inspector.get_indexes("thing")}
        rows = connection.execute(text("SELECT * FROM thing ORDER BY id")).mappings().all()
    engine.dispose()
    return columns, indexes, [dict(row) for row in rows]


@pytest.mark.parametrize("rows", [0, 2])
@pytest.mark.parametrize("kind", COLUMNS)
def test_a_new_column_is_added_with_its_values_or_nothing_is_altered(
    forked: Forked, database: str, engine_name: str, kind: str, rows: int
) -> None:
    if (engine_name, kind) == ("sqlite", "JSONB"):
        pytest.skip("whether SQLite has it depends on the version of SQLAlchemy")
    write(forked.folder, {"shop.py": MODEL})
    for _ in range(rows or 1):
        assert run(forked, database, "create", "Thing").code == 0
    if not rows:
        assert run(forked, database, "remove", "Thing", "1").code == 0
    before = state(database)
    write(forked.folder, {"shop.py": f"{MODEL}{FIRST}    {COLUMNS[kind]}\n"})
    given = ["new=3"] if kind == "without a default" else []
    done = run(forked, database, "create", "Thing", *given)
    is_refused = kind in ALWAYS_REFUSED[engine_name] or (rows > 0 and kind in REFUSED_WITH_ROWS)
    if is_refused:
        assert done.code == 5
        assert "new" in done.error
        assert state(database) == before
        return
    assert (done.code, done.err) == (0, "")
    columns, _, found = state(database)
    assert columns == {"id", "first", "new"}
    assert len(found) == rows + 1
    assert {row["first"] for row in found} == {1}
    if kind not in ("without a default", "unique", "time"):
        assert [row["new"] for row in found] == [found[-1]["new"]] * len(found)
    assert all((row["new"] is None) == (kind in NEW_NULL) for row in found)


TAKEN = "CREATE INDEX ix_thing_new ON thing (id)"
KILLED = """
import os
from sqlalchemy import event
from sqlalchemy.engine import Engine

@event.listens_for(Engine, "before_cursor_execute")
def end(connection, cursor, statement, *rest):
    if statement.lower().startswith(os.environ.get("KILLED_AT", "nowhere")):
        os.kill(os.getpid(), 9)
"""


def test_what_a_later_step_refuses_leaves_nothing_behind(forked: Forked, database: str) -> None:
    write(forked.folder, {"shop.py": MODEL})
    assert run(forked, database, "create", "Thing").code == 0
    engine = create_engine(database if "://" in database else f"sqlite:///{database}")
    with engine.begin() as connection:
        connection.execute(text(TAKEN))
    engine.dispose()
    before = state(database)
    write(forked.folder, {"shop.py": f"{MODEL}{FIRST}    {COLUMNS['indexed']}\n"})
    done = run(forked, database, "create", "Thing")
    assert done.code == 5
    assert "ix_thing_new" in done.error
    assert state(database) == before


@pytest.mark.parametrize(
    "step", ["update thing", "create index ix_thing_new", "alter table thing modify"]
)
def test_a_column_is_whole_where_somebody_was_killed_in_the_midst_of_adding_it(
    forked: Forked, server_database: str, step: str
) -> None:
    write(forked.folder, {"shop.py": MODEL})
    assert run(forked, server_database, "create", "Thing").code == 0
    write(forked.folder, {"shop.py": f"{KILLED}{MODEL}    {COLUMNS['indexed']}\n"})
    killed = run(forked, server_database, "create", "Thing", KILLED_AT=step)
    assert killed.code in (-9, 0)
    done = run(forked, server_database, "create", "Thing")
    assert (done.code, done.err) == (0, "")
    columns, indexes, rows = state(server_database)
    assert columns == {"id", "new"}
    assert "ix_thing_new" in indexes
    assert {row["new"] for row in rows} == {7}


@pytest.mark.parametrize("step", ["create unique index ix_thing_code", "alter table thing modify"])
def test_a_table_has_its_indexes_where_somebody_was_killed_in_the_midst_of_making_it(
    forked: Forked, server_database: str, step: str
) -> None:
    code = "code: str = Field(max_length=9, unique=True, index=True)"
    more = "name: str = Field(max_length=9, index=True)"
    write(forked.folder, {"shop.py": f"{KILLED}{MODEL}    {code}\n    {more}\n"})
    command = ("create", "Thing", "code=a", "name=b")
    killed = run(forked, server_database, *command, KILLED_AT=step)
    assert killed.code in (-9, 0)
    done = run(forked, server_database, *command)
    # PostgreSQL has no such second step, and the row is there.
    assert done.code == (0 if killed.code == -9 else 4)
    columns, indexes, rows = state(server_database)
    assert columns == {"id", "code", "name"}
    assert indexes >= {"ix_thing_code", "ix_thing_name"}
    assert len(rows) == 1
    assert run(forked, server_database, *command).code == 4
