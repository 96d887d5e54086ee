"""How long runs stay: exactly the last ones, with their numbers, and their space given back."""

import sqlite3
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from signalcli.log import retention
from signalcli.log.retention import MOST_AT_ONCE, prune_before, prune_to, retain
from signalcli.log.runs import keep, write
from signalcli.log.schema import open_log_to_write
from signalcli.trace.records import Trace
from tests.log.tools import (
    EVERYTHING,
    a_dispatch,
    a_response,
    a_run,
    a_trace,
    count_rows,
    keep_some,
    now,
    numbers_in,
    opened,
    whole_log,
)


def large_trace(dispatches: int = 40) -> Trace:
    trace = Trace(ended=2.0)
    for _ in range(dispatches):
        a_response(a_dispatch(trace)).output = "x" * 500
    return trace


def fill(engine: Engine, count: int) -> None:
    """Write many runs at once."""
    with engine.begin() as connection:
        for _ in range(count):
            write(connection, a_run(users=("ada",)), a_trace())


@pytest.mark.parametrize("most", [1, 2, 5])
def test_exactly_the_last_runs_stay(log_engine: Engine, most: int) -> None:
    for number in range(1, 9):
        assert keep_some(log_engine, 1, most, users=("ada",)) == [number]
        left = list(range(max(1, number - most + 1), number + 1))
        assert numbers_in(log_engine) == left
        rows = count_rows(log_engine)
        assert [rows[name] for name in ("run_user", "dispatch", "response")] == [len(left)] * 3


def test_nothing_goes_before_there_are_too_many(log_engine: Engine) -> None:
    keep_some(log_engine, 5, 6)
    assert numbers_in(log_engine) == [1, 2, 3, 4, 5]
    keep_some(log_engine, 1, 6)
    assert numbers_in(log_engine) == [1, 2, 3, 4, 5, 6]


def test_of_many_at_most_some_go_at_a_time(log_engine: Engine) -> None:
    fill(log_engine, 2 * MOST_AT_ONCE + 50)
    left = 2 * MOST_AT_ONCE + 50
    for _ in range(4):
        keep_some(log_engine, 1, 10)
        left = max(10, left + 1 - MOST_AT_ONCE)
        numbers = numbers_in(log_engine)
        assert len(numbers) == left
        # It is the oldest that go.
        assert numbers == list(range(numbers[-1] - left + 1, numbers[-1] + 1))
    assert left == 10


def test_what_is_retained_is_whole(log_engine: Engine) -> None:
    runs = [keep(log_engine, a_run(users=(f"u{step}",)), large_trace(3), 2) for step in range(5)]
    with log_engine.connect() as connection:
        log = whole_log(connection)
    assert [run for run, _ in log] == runs[-2:]
    assert [len(trace.dispatches) for _, trace in log] == [3, 3]


def test_a_run_that_is_rolled_back_removes_nothing(log_engine: Engine) -> None:
    keep_some(log_engine, 3)
    with log_engine.connect() as connection, connection.begin() as transaction:
        kept = write(connection, a_run(), a_trace())
        retain(connection, kept.number or 0, 1)
        transaction.rollback()
    assert numbers_in(log_engine) == [1, 2, 3]
    assert keep_some(log_engine, 1) == [4]


@pytest.mark.parametrize("keeping", [0, 1, 3, 7, 8, 100])
def test_pruning_leaves_the_last_runs_and_counts_the_others(
    log_engine: Engine, keeping: int
) -> None:
    fill(log_engine, 7)
    keep(log_engine, a_run(), large_trace(5), EVERYTHING)
    before = count_rows(log_engine)
    pruned = prune_to(log_engine, keeping)
    gone = max(0, 8 - keeping)
    assert numbers_in(log_engine) == list(range(gone + 1, 9))
    after = count_rows(log_engine)
    assert pruned.runs == gone
    assert pruned.dispatches == before["dispatch"] - after["dispatch"]
    assert pruned.responses == before["response"] - after["response"]
    assert after["run_user"] == min(7, max(0, keeping - 1))
    if keeping == 0:
        assert set(after.values()) == {0}


def test_pruning_goes_in_pieces(log_engine: Engine) -> None:
    fill(log_engine, 25)
    with pytest.MonkeyPatch.context() as constants:
        constants.setattr(retention, "BATCH", 4)
        pruned = prune_to(log_engine, 3)
    assert (pruned.runs, pruned.dispatches, pruned.responses) == (22, 22, 22)
    assert numbers_in(log_engine) == [23, 24, 25]


def test_pruning_removes_what_ended_before_a_time(log_engine: Engine) -> None:
    fill(log_engine, 3)
    between = now()
    # What counts is when it ended.
    keep_some(log_engine, 2, begun=between - timedelta(days=9))
    assert prune_before(log_engine, between - timedelta(days=1)).runs == 0
    pruned = prune_before(log_engine, between)
    assert (pruned.runs, pruned.dispatches) == (3, 3)
    assert numbers_in(log_engine) == [4, 5]
    assert prune_before(log_engine, now() + timedelta(seconds=1)).runs == 2
    assert numbers_in(log_engine) == []
    assert prune_before(log_engine, now()).runs == 0


def test_a_run_that_ended_since_stays_though_the_clock_was_set_back(log_engine: Engine) -> None:
    fill(log_engine, 3)
    with log_engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE signalcli_run SET ended = CASE run WHEN 1 THEN '2026-01-01 12:00:00.000000' "
            "WHEN 2 THEN '2026-01-01 11:10:00.000000' ELSE '2026-01-01 11:40:00.000000' END"
        )
    prune_before(log_engine, now().replace(2026, 1, 1, 11, 30, 0, 0))
    assert 1 in numbers_in(log_engine)
    assert 3 in numbers_in(log_engine)


def test_numbers_are_never_given_again(log_engine: Engine, database: Path) -> None:
    assert keep_some(log_engine, 4) == [1, 2, 3, 4]
    assert prune_to(log_engine, 0).runs == 4
    assert keep_some(log_engine, 1) == [5]
    assert prune_before(log_engine, now() + timedelta(seconds=1)).runs == 1
    log_engine.dispose()
    with opened(database) as engine:
        assert keep_some(engine, 2, 1) == [6, 7]
        assert numbers_in(engine) == [7]


def test_routes_go_with_their_last_use(log_engine: Engine) -> None:
    keep(log_engine, a_run(), a_trace("shop.old", "shop.before"), EVERYTHING)
    keep(log_engine, a_run(), a_trace("shop.bill"), EVERYTHING)
    keep(log_engine, a_run(), a_trace("shop.bill"), EVERYTHING)
    only_sent = Trace()
    a_dispatch(only_sent, "shop.unheard")
    keep(log_engine, a_run(), only_sent, EVERYTHING)
    assert count_rows(log_engine)["route"] == 5
    prune_to(log_engine, 2)
    with log_engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT signal_path, receiver FROM signalcli_route")
        assert {tuple(row) for row in rows} == {
            ("shop.paid", None),
            ("shop.paid", "shop.bill"),
            ("shop.unheard", None),
        }
        (_, trace), (_, unheard) = whole_log(connection)
    assert [response.receiver for response in trace.responses] == ["shop.bill"]
    assert [dispatch.signal_path for dispatch in unheard.dispatches] == ["shop.unheard"]
    # A route that went can come again.
    keep(log_engine, a_run(), a_trace("shop.old", "shop.before"), EVERYTHING)
    with log_engine.connect() as connection:
        assert whole_log(connection)[-1][1].dispatches[0].signal_path == "shop.before"


def checkpointed(database: Path) -> int:
    """The size of a file that has nothing left in its write-ahead log."""
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return database.stat().st_size


def test_the_bytes_that_are_given_back_are_those_of_the_file(
    log_engine: Engine, database: Path
) -> None:
    for _ in range(30):
        keep(log_engine, a_run(), large_trace(), EVERYTHING)
    before = checkpointed(database)
    pruned = prune_to(log_engine, 3)
    assert pruned.bytes_given_back == before - database.stat().st_size
    assert pruned.bytes_given_back > 0
    with log_engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
        assert len(whole_log(connection)) == 3


def test_what_other_connections_still_read_stays_readable_and_no_bytes_are_invented(
    log_engine: Engine, database: Path
) -> None:
    for _ in range(10):
        keep(log_engine, a_run(), large_trace(), EVERYTHING)
    before = checkpointed(database)
    reader = sqlite3.connect(database, isolation_level=None)
    try:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM signalcli_run").fetchone() == (10,)
        # Not for long, since the reader does not go.
        with opened_with_timeout(database, 0.1) as engine:
            pruned = prune_to(engine, 1)
        assert pruned.runs == 9
        assert reader.execute("SELECT count(*) FROM signalcli_run").fetchone() == (10,)
        outputs = reader.execute("SELECT sum(length(output)) FROM signalcli_response").fetchone()
        assert outputs == (10 * 40 * 500,)
        shrunk_by = before - database.stat().st_size
        assert pruned.bytes_given_back in (None, shrunk_by)
    finally:
        reader.close()
    assert numbers_in(log_engine) == [10]


def opened_with_timeout(database: Path, seconds: float) -> AbstractContextManager[Engine]:
    return opened(f"sqlite:///{database}?timeout={seconds}")


def test_a_database_is_pruned_whose_users_stay(database: Path) -> None:
    with opened(database) as engine:
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE mine (name TEXT)")
            connection.exec_driver_sql("INSERT INTO mine VALUES ('ada')")
        keep_some(engine, 3)
    with open_log_to_write(str(database)) as engine:
        assert prune_to(engine, 0).runs == 3
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT name FROM mine").scalar_one() == "ada"


def test_where_there_is_no_log_there_is_nothing_to_prune(database: Path) -> None:
    with open_log_to_write(str(database)) as engine:
        assert prune_to(engine, 0).runs == 0
        assert prune_before(engine, now()).runs == 0
    assert not database.exists()
