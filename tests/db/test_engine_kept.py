"""Engines that serve the runs of one process, and connections that a run leaves to the next one."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from signalcli.db import connection_created
from signalcli.db.engine import KeptEngines, close_kept, kept_engines, let_go, open_engine


class Script:
    """The runs of one process."""

    def __init__(self, engines: KeptEngines, database: Path) -> None:
        self.engines = engines
        self.database = database
        self.announced: list[object] = []

    def note(self, connection: object, **kwargs: Any) -> None:
        self.announced.append(connection)

    def run(self, *statements: str, database: str = "") -> tuple[object, list[Any]]:
        """Carry out statements; gives the driver's connection, and the rows of the last one."""
        engine = open_engine(database or str(self.database), writes=True, creates=True)
        used, rows = carried_out(engine, statements)
        let_go(engine)
        return used, rows

    @property
    def files(self) -> set[str]:
        return {file.name for file in self.database.parent.iterdir()}


def carried_out(engine: Engine, statements: tuple[str, ...]) -> tuple[object, list[Any]]:
    rows: list[Any] = []
    with engine.begin() as connection:
        for statement in statements:
            result = connection.exec_driver_sql(statement)
            rows = [tuple(row) for row in result] if result.returns_rows else []
        return connection.connection.dbapi_connection, rows


MAKE = "CREATE TABLE text (text)"
WRITE = "INSERT INTO text VALUES ('kept')"
READ = "SELECT text FROM text"


@pytest.fixture
def holds() -> list[bool]:
    """Whether a run leaves its connections to the next one; a test may change it."""
    return [True]


@pytest.fixture
def script(tmp_path: Path, holds: list[bool]) -> Iterator[Script]:
    with kept_engines(lambda: holds[0]) as engines:
        found = Script(engines, tmp_path / "demo.db")
        with connection_created.connected_to(found.note):
            yield found


def test_the_next_run_goes_on_with_the_connection_and_is_told_of_it(script: Script) -> None:
    first, _ = script.run(MAKE, WRITE)
    second, rows = script.run(READ)
    assert second is first
    assert rows == [("kept",)]
    assert script.announced == [first, first]


def test_two_transactions_of_a_run_are_told_of_their_connection_once(script: Script) -> None:
    script.run(MAKE)
    engine = open_engine(str(script.database), writes=True, creates=False)
    for _ in range(2):
        carried_out(engine, (WRITE,))
    assert len(script.announced) == 2


def test_where_others_could_notice_each_run_leaves_one_file(
    script: Script, holds: list[bool]
) -> None:
    holds[0] = False
    first, _ = script.run(MAKE, WRITE)
    assert script.files == {"demo.db"}
    second, rows = script.run(READ)
    assert second is not first
    assert rows == [("kept",)]


def test_a_file_that_takes_the_place_of_another_is_opened(script: Script, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as connection:
        connection.execute(MAKE)
        connection.execute("INSERT INTO text VALUES ('of another')")
    connection.close()
    first, _ = script.run(MAKE, WRITE)
    script.engines.close()
    second, _ = script.run(READ)
    other.replace(script.database)
    third, rows = script.run(READ)
    assert len({id(each) for each in (first, second, third)}) == 3
    assert rows == [("of another",)]
    assert script.announced == [first, second, third]


def test_a_file_that_is_gone_is_made_again(script: Script) -> None:
    script.run(MAKE, WRITE)
    for file in script.database.parent.iterdir():
        file.unlink()
    script.run(MAKE)
    assert script.run(READ)[1] == []


def test_another_database_ends_what_was_left_open(script: Script, tmp_path: Path) -> None:
    script.run(MAKE, WRITE)
    assert "demo.db-wal" in script.files
    script.run(MAKE, database=str(tmp_path / "other.db"))
    assert {name for name in script.files if name.startswith("demo")} == {"demo.db"}


def test_the_same_name_in_another_folder_is_another_database(
    script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        script.run(MAKE, WRITE, database="demo.db")
        assert script.run(READ, database="demo.db")[1] == [("kept",)]
    assert {file.name for file in (tmp_path / "one").iterdir()} == {"demo.db"}


def test_a_database_in_memory_ends_with_its_run(script: Script) -> None:
    for _ in range(2):
        engine = open_engine("missing.db", writes=True, creates=False)
        carried_out(engine, (MAKE,))
        let_go(engine)


def test_what_was_left_open_can_be_closed(script: Script) -> None:
    script.run(MAKE)
    close_kept()
    assert script.files == {"demo.db"}
    close_kept()


def test_without_other_runs_an_engine_is_let_go_of_at_once(tmp_path: Path) -> None:
    engine = open_engine(str(tmp_path / "demo.db"), writes=True, creates=True)
    carried_out(engine, (MAKE,))
    let_go(engine)
    close_kept()
    assert {file.name for file in tmp_path.iterdir()} == {"demo.db"}
