"""The version of the log's tables: none, the present one, a newer one, and on the way."""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, inspect, text

from signalcli.db import DatabaseUnusable
from signalcli.log.finding import Filter, find
from signalcli.log.following import newest_run
from signalcli.log.runs import keep
from signalcli.log.schema import VERSION, bring_up_to_date, open_log, open_log_to_write, version_of
from signalcli.log.tables import metadata
from tests.log.tools import (
    EVERYTHING,
    a_run,
    a_trace,
    count_rows,
    dump_of,
    finish,
    keep_some,
    numbers_in,
    opened,
    run_python,
)

NEWER = VERSION + 41


def execute(database: Path, *statements: str) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def make_newer(database: Path) -> None:
    execute(database, f"UPDATE signalcli_schema SET version = {NEWER} WHERE part = 'log'")


def tables_of(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


class TestWithoutLog:
    def test_a_file_that_does_not_exist_has_an_empty_log(self, database: Path) -> None:
        with open_log(str(database)) as connection:
            assert version_of(connection) == VERSION
            assert newest_run(connection) == 0
            assert list(find(connection, Filter())) == []
        assert not database.exists()

    def test_a_database_of_users_has_an_empty_log_and_stays_as_it_is(self, database: Path) -> None:
        execute(database, "CREATE TABLE core_user (id INTEGER)", "INSERT INTO core_user VALUES (7)")
        before = database.read_bytes()
        with open_log(str(database)) as connection:
            assert list(find(connection, Filter(receiver="*", failed=True))) == []
        with open_log_to_write(str(database)) as engine:
            assert numbers_in(engine) == []
            with engine.connect() as connection:
                assert "core_user" not in tables_of(connection)
        assert database.read_bytes() == before

    def test_a_database_without_log_has_version_0(self, log_engine: Engine) -> None:
        with log_engine.connect() as connection:
            assert version_of(connection) == 0
            assert newest_run(connection) == 0

    def test_a_schema_table_of_other_parts_is_no_log(self, log_engine: Engine) -> None:
        with log_engine.begin() as connection:
            metadata.tables["signalcli_schema"].create(connection)
            connection.execute(text("INSERT INTO signalcli_schema VALUES ('other', 99)"))
            assert version_of(connection) == 0
        assert keep_some(log_engine, 1) == [1]
        with log_engine.connect() as connection:
            rows = connection.execute(text("SELECT part, version FROM signalcli_schema"))
            assert sorted(map(tuple, rows)) == [("log", VERSION), ("other", 99)]

    def test_the_first_run_makes_the_tables(self, log_engine: Engine) -> None:
        assert keep_some(log_engine, 1) == [1]
        with log_engine.connect() as connection:
            assert version_of(connection) == VERSION
            assert set(metadata.tables) <= tables_of(connection)

    def test_what_fails_makes_no_tables(self, log_engine: Engine) -> None:
        with pytest.raises(Exception, match="surrogates"):
            keep(log_engine, a_run(message="\ud800"), a_trace(), EVERYTHING)
        with log_engine.connect() as connection:
            assert tables_of(connection) == set()
        assert keep_some(log_engine, 1) == [1]


class TestOpening:
    def test_a_log_is_opened_for_reading(self, database: Path, log_engine: Engine) -> None:
        keep_some(log_engine, 2)
        with open_log(str(database)) as connection:
            assert newest_run(connection) == 2
            assert [run.number for run in find(connection, Filter())] == [2, 1]

    def test_a_log_is_opened_for_writing(self, database: Path, log_engine: Engine) -> None:
        keep_some(log_engine, 1)
        with open_log_to_write(str(database)) as engine:
            assert keep_some(engine, 1) == [2]

    def test_what_uses_the_log_may_fail(self, database: Path, log_engine: Engine) -> None:
        keep_some(log_engine, 1)
        with pytest.raises(ZeroDivisionError), open_log(str(database)):
            raise ZeroDivisionError
        with pytest.raises(ZeroDivisionError), open_log_to_write(str(database)):
            raise ZeroDivisionError

    def test_a_file_that_is_no_database_is_refused(self, database: Path) -> None:
        database.write_text("no database, but long enough to look like one " * 50)
        with pytest.raises(Exception, match="not a database"), open_log(str(database)):
            pass


class TestNewer:
    @pytest.fixture
    def newer(self, database: Path, log_engine: Engine) -> Path:
        keep_some(log_engine, 1)
        log_engine.dispose()
        make_newer(database)
        return database

    def test_every_way_to_it_is_refused(self, newer: Path, log_engine: Engine) -> None:
        before = dump_of(newer)
        ways: list[Callable[[], object]] = [
            lambda: keep(log_engine, a_run(), a_trace(), 1),
            lambda: open_log(str(newer)).__enter__(),
            lambda: open_log_to_write(str(newer)).__enter__(),
            lambda: _newest(log_engine),
        ]
        for way in ways:
            with pytest.raises(DatabaseUnusable) as refused:
                way()
            assert f"version {NEWER}" in str(refused.value)
            assert f"up to {VERSION}:" in str(refused.value)
        assert dump_of(newer) == before


def _newest(engine: Engine) -> int:
    with engine.connect() as connection:
        return newest_run(connection)


class TestUpgrading:
    def test_each_step_is_gone_once_in_order(self, log_engine: Engine) -> None:
        keep_some(log_engine, 1)
        gone: list[int] = []

        def step(number: int) -> Callable[[Connection], None]:
            def go(connection: Connection) -> None:
                gone.append(number)
                connection.execute(text(f"ALTER TABLE signalcli_run ADD COLUMN new{number} TEXT"))

            return go

        with log_engine.begin() as connection:
            steps = {number: step(number) for number in (VERSION + 1, VERSION, VERSION + 2)}
            bring_up_to_date(connection, steps, VERSION + 3)
        assert gone == [VERSION, VERSION + 1, VERSION + 2]
        with log_engine.connect() as connection:
            rows = connection.execute(text("SELECT version FROM signalcli_schema"))
            assert rows.scalars().all() == [VERSION + 3]
            columns = inspect(connection).get_columns("signalcli_run")
            assert {f"new{number}" for number in gone} <= {column["name"] for column in columns}
            with pytest.raises(DatabaseUnusable):
                version_of(connection)
        assert numbers_in(log_engine) == [1]

    def test_a_log_of_the_wanted_version_is_left_alone(self, log_engine: Engine) -> None:
        keep_some(log_engine, 1)
        with log_engine.begin() as connection:
            bring_up_to_date(connection, {}, VERSION)
        assert numbers_in(log_engine) == [1]

    def test_a_step_that_fails_leaves_everything_as_it_was(
        self, database: Path, log_engine: Engine
    ) -> None:
        keep_some(log_engine, 2)

        def first(connection: Connection) -> None:
            connection.execute(text("ALTER TABLE signalcli_run ADD COLUMN new TEXT"))
            connection.execute(text("DELETE FROM signalcli_run WHERE run = 1"))

        def second(connection: Connection) -> None:
            raise ZeroDivisionError

        before = dump_of(database)
        with pytest.raises(ZeroDivisionError), log_engine.begin() as connection:
            bring_up_to_date(connection, {VERSION: first, VERSION + 1: second}, VERSION + 2)
        assert dump_of(database) == before

    def test_a_step_that_is_missing_leaves_everything_as_it_was(
        self, database: Path, log_engine: Engine
    ) -> None:
        keep_some(log_engine, 1)
        before = dump_of(database)
        with pytest.raises(KeyError), log_engine.begin() as connection:
            bring_up_to_date(connection, {}, VERSION + 1)
        assert dump_of(database) == before

    @pytest.mark.parametrize("done", [0, 1, 2])
    def test_an_upgrade_that_was_killed_is_gone_on_with(
        self, server_engine: Engine, done: int
    ) -> None:
        """MariaDB keeps each step for good, and the new version only at the end."""
        keep_some(server_engine, 1)
        steps = [
            "ALTER TABLE signalcli_dispatch DROP COLUMN output_before",
            "DROP TABLE signalcli_total",
            "ALTER TABLE signalcli_response DROP COLUMN injected_delay",
        ]
        with server_engine.begin() as connection:
            connection.execute(text("UPDATE signalcli_schema SET version = 1"))
            for step in steps[: len(steps) - done]:
                connection.execute(text(step))
        with server_engine.begin() as connection:
            bring_up_to_date(connection)
            assert version_of(connection) == VERSION
        keep_some(server_engine, 1)
        assert numbers_in(server_engine) == [1, 2]


class TestAtOnce:
    def test_threads_make_one_log_together(self, database: Path) -> None:
        count = 8
        barrier = threading.Barrier(count)
        numbers: list[int] = []
        failures: list[BaseException] = []

        def work() -> None:
            try:
                with opened(database) as engine:
                    barrier.wait()
                    numbers.extend(keep_some(engine, 3))
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=work) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert sorted(numbers) == list(range(1, 3 * count + 1))
        with opened(database) as engine:
            assert count_rows(engine)["dispatch"] == 3 * count
            with engine.connect() as connection:
                rows = connection.execute(text("SELECT version FROM signalcli_schema"))
                assert rows.scalars().all() == [VERSION]

    def test_processes_lose_no_run(self, database: Path) -> None:
        """Four processes, fifty runs each, all of which begin when the last one is ready."""
        processes = [run_python(_KEEPER, str(database), str(place)) for place in range(4)]
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        told = [output.split() for output in finish(processes)]
        assert [len(numbers) for numbers in told] == [50] * 4
        numbers = [int(number) for of_one in told for number in of_one]
        assert sorted(numbers) == list(range(1, 201))
        with open_log(str(database)) as connection:
            runs = list(find(connection, Filter()))
            assert [run.number for run in runs] == list(range(200, 0, -1))
            # Each process's runs are in its own order.
            for place in range(4):
                own = [run for run in reversed(runs) if run.users == (f"process{place}",)]
                assert [run.number for run in own] == [int(number) for number in told[place]]
                assert [run.message for run in own] == [str(step) for step in range(50)]
            ended = connection.exec_driver_sql("SELECT ended FROM signalcli_run ORDER BY run")
            moments = ended.scalars().all()
            assert moments == sorted(moments)
            count = connection.exec_driver_sql("SELECT count(*) FROM signalcli_dispatch")
            assert count.scalar_one() == 200


_KEEPER = """
import sys
from tests.log.tools import EVERYTHING, a_run, a_trace, opened
from signalcli.log.runs import keep

database, place = sys.argv[1:]
print("ready", flush=True)
sys.stdin.readline()
with opened(database) as engine:
    for step in range(50):
        run = a_run(users=(f"process{place}",), message=str(step))
        print(keep(engine, run, a_trace(f"shop.of{place}"), EVERYTHING).number)
"""
