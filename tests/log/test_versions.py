"""Logs of every version that there ever was are read, upgraded and gone on with."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from signalcli.log.finding import Filter, find
from signalcli.log.retention import prune_to
from signalcli.log.runs import keep
from signalcli.log.schema import VERSION, open_log, open_log_to_write, version_of
from signalcli.log.statistics import of_receivers
from signalcli.log.tables import metadata, total
from signalcli.trace import Injection, Trace
from signalcli.trace.records import Dispatch
from tests.log.tools import EVERYTHING, Program, a_run, a_trace, dump_of, whole_log
from tests.log.trees import facts

DUMPS = sorted(Path(__file__).with_name("versions").glob("*.sql"))

pytestmark = pytest.mark.parametrize("dump", DUMPS, ids=lambda dump: dump.stem)


@pytest.fixture
def old(dump: Path, tmp_path: Path) -> Path:
    """A database with a log of that version."""
    database = tmp_path / "demo.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(dump.read_text(encoding="utf-8"))
    return database


@pytest.fixture
def log(old: Path) -> Iterator[Connection]:
    with open_log(str(old)) as connection:
        yield connection


SINGLE_RUNS = 5
# Since version 4.
LAST_RUN = 7

# Every command sends these since version 2.
AROUND = {
    "command_started",
    "connection_created",
    "pre_migrate",
    "post_migrate",
    "got_command_exception",
    "command_finished",
}


def of_the_work(trace: Trace) -> list[Dispatch]:
    return [dispatch for dispatch in trace.dispatches if dispatch.signal not in AROUND]


def outline(trace: Trace) -> list[tuple[str, str | None, str | None]]:
    return [
        (
            dispatch.signal,
            dispatch.sender,
            dispatch.parent and dispatch.parent.short_receiver,
        )
        for dispatch in of_the_work(trace)
    ]


def test_it_is_of_the_version_that_it_is_named_after(dump: Path, old: Path) -> None:
    with closing(sqlite3.connect(old)) as connection:
        rows = connection.execute("SELECT part, version FROM signalcli_schema").fetchall()
    assert ("log", int(dump.stem)) in rows
    assert int(dump.stem) <= VERSION
    assert (DUMPS[-1].stem, len(DUMPS)) == (str(VERSION), VERSION)


def test_its_runs_are_all_there(log: Connection, dump: Path) -> None:
    runs = [run for run, _ in whole_log(log)][:SINGLE_RUNS]
    assert [(run.number, run.command, run.exit_code, run.outcome) for run in runs] == [
        (1, "register", 0, "done"),
        (2, "update", 0, "done"),
        (3, "notify", 1, "failed"),
        (4, "register", 4, "failed"),
        (5, "delete", 0, "done"),
    ]
    assert {run.users for run in runs} == {("ada",)}
    register, update, notify, again, _ = runs
    assert register.command_line == "signalcli register ada --email ada@lovelace.org"
    assert register.message == "Registered xyz in demo.db. Sent notification".replace("xyz", "ada")
    assert register.result["email"] == "ada@lovelace.org"
    assert (register.error_code, register.error_message) == (None, None)
    assert "last_name" in str(update.result)
    around = 0 if dump.stem == "1" else 3
    assert (notify.dispatches, notify.responses, notify.failures) == (2 + around, 2, 1)
    assert notify.error_code == "receiver_failed"
    assert "no ink" in (notify.error_message or "")
    assert (again.error_code, again.dispatches) == ("exists", around and around + 1)
    assert [run.seconds > 0 for run in runs] == [True] * 5
    assert [run.begun for run in runs] == sorted(run.begun for run in runs)


def test_it_is_read_as_it_is(dump: Path, old: Path) -> None:
    before = old.read_bytes()
    with open_log(f"sqlite:///file:{old}?mode=ro&uri=true") as connection:
        assert version_of(connection) == int(dump.stem)
        traces = [facts(trace) for _, trace in whole_log(connection)]
        statistics = of_receivers(connection, Filter())
    assert old.read_bytes() == before
    with open_log_to_write(str(old)) as engine, engine.connect() as connection:
        assert version_of(connection) == VERSION
        assert [facts(trace) for _, trace in whole_log(connection)] == traces
        assert of_receivers(connection, Filter()) == statistics


def test_its_traces_are_all_there(log: Connection) -> None:
    register, update, notify, again, removal = (trace for _, trace in whole_log(log)[:SINGLE_RUNS])
    assert outline(register) == [
        ("pre_init", "User", None),
        ("post_init", "User", None),
        ("pre_save", "User", None),
        ("post_save", "User", None),
        ("pre_init", "Profile", "create_profile"),
        ("post_init", "Profile", "create_profile"),
        ("pre_save", "Profile", "create_profile"),
        ("post_save", "Profile", "create_profile"),
        ("notification", "User", None),
    ]
    assert [response.short_receiver for response in register.responses] == [
        "create_profile",
        "update_profile",
        "show_notification",
    ]
    assert "Profile Created !" in next(register.responses).output
    assert len(of_the_work(update)) == 8
    assert (of_the_work(again), len(of_the_work(removal))) == ([], 8)
    for trace in (register, update, notify, again, removal):
        assert trace.ended is not None
        assert [dispatch.seq for dispatch in trace.dispatches] == list(
            range(1, len(trace.dispatches) + 1)
        )
        assert all(dispatch.seconds is not None for dispatch in trace.dispatches)
        assert all(response.seconds is not None for response in trace.responses)
        assert len(facts(trace)[1]) == len(trace.dispatches)


def test_a_failure_is_there_with_all_it_says(log: Connection) -> None:
    (run,) = find(log, Filter(failed=True, receiver="audit"))
    trace = {each.number: trace for each, trace in whole_log(log)}[run.number]
    assert outline(trace) == [("notification", "User", None), ("audited", "Audit", "audit")]
    sent, caused = of_the_work(trace)
    assert (sent.robust, caused.robust) == (True, False)
    assert caused.arguments == {"note": "line 1\n'line 2'"}
    shown, audit = sent.responses
    assert shown.failure is None
    assert audit.output == "audited Zoë 😀\n"
    assert audit.place.startswith("/app/driver.py:")
    assert audit.failure is not None
    assert (audit.failure.type, audit.failure.message) == ("RuntimeError", "no ink")
    assert audit.failure.file == "/app/driver.py"
    assert audit.caused == [caused]


def test_faults_on_purpose_are_marked(dump: Path, log: Connection) -> None:
    _, (run, update), *_ = whole_log(log)
    knows_faults = int(dump.stem) >= 2
    assert run.command == "update"
    assert {each.signal for each in update.dispatches if each.muted} == (
        {"pre_init"} if knows_faults else set()
    )
    delayed = Injection(delay=0.002) if knows_faults else None
    assert [each.injected for each in update.responses] == [None, delayed]


def test_totals_are_there(dump: Path, log: Connection) -> None:
    runs = whole_log(log)
    assert all(run.totals == () for run, _ in runs[:SINGLE_RUNS])
    if int(dump.stem) < 3:
        assert len(runs) == SINGLE_RUNS
        return
    run, trace = runs[SINGLE_RUNS]
    assert trace.dispatches == []
    assert [
        (each.receiver.rpartition(".")[2], each.runs, each.failures) for each in run.totals
    ] == [
        ("create_profile", 1, 0),
        ("update_profile", 1, 0),
        ("show_notification", 1, 1),
    ]
    assert (run.responses, run.failures, run.exit_code) == (3, 1, 1)
    assert all(each.seconds > 0 for each in run.totals)


def test_receivers_that_were_not_called_are_there(dump: Path, log: Connection) -> None:
    runs = whole_log(log)
    not_called = {
        run.number: [each.not_called for each in trace.dispatches if each.not_called]
        for run, trace in runs
    }
    assert all(names == [] for number, names in not_called.items() if number != LAST_RUN)
    if int(dump.stem) < 4:
        assert LAST_RUN not in not_called
        return
    run, trace = runs[-1]
    assert (run.number, run.exit_code, run.error_code) == (LAST_RUN, 1, "receiver_failed")
    assert not_called[LAST_RUN] == [("signalcli.core.signals.update_profile",)]
    (saved,) = (each for each in trace.dispatches if each.not_called)
    assert (saved.signal, saved.sender) == ("post_save", "User")
    assert [each.short_receiver for each in saved.responses] == ["create_profile"]


def test_it_is_searched_pruned_and_gone_on_with(dump: Path, old: Path) -> None:
    with open_log_to_write(str(old)) as engine:
        version = int(dump.stem)
        count = SINGLE_RUNS + (version >= 3) + (version >= 4)
        assert keep(engine, a_run(), a_trace(), EVERYTHING).number == count + 1
        with engine.connect() as connection:
            assert version_of(connection) == VERSION
            assert [run.number for run in find(connection, Filter(user="ada"))] == [5, 4, 3, 2, 1]
            assert [run.number for run in find(connection, Filter(signal="audited"))] == [3]
            failed = [run.number for run in find(connection, Filter(failed=True))]
            assert failed == [each for each in (7, 6, 4, 3) if each <= count]
            names = [each.name for each in of_receivers(connection, Filter())]
            assert "signalcli.core.signals.create_profile" in names
        assert prune_to(engine, 1).runs == count
        with engine.connect() as connection:
            assert connection.execute(select(total)).all() == []


def test_it_has_the_tables_that_are_made_now(dump: Path, old: Path, tmp_path: Path) -> None:
    with open_log_to_write(str(old)):
        pass
    new = tmp_path / "new.db"
    shutil.copy(old, new)
    with closing(sqlite3.connect(new)) as connection:
        for name in metadata.tables:
            connection.execute(f"DROP TABLE {name}")
        connection.commit()
    program = Program(tmp_path)
    done = program("--database", "new.db", "register", "bob", "--email", "b@mail.com")
    # The app's tables are of that time, too.
    assert all(line.startswith("made in new.db: ") for line in done.stderr.splitlines())

    def tables(database: Path) -> set[str]:
        made = {row.split("(")[0] for row in dump_of(database) if row.startswith("CREATE")}
        with closing(sqlite3.connect(database)) as connection:
            for name in metadata.tables:
                columns = connection.execute(f"PRAGMA table_info({name})").fetchall()
                made |= {f"{name}: {sorted(column[1:] for column in columns)}"}
        return made

    assert tables(old) == tables(new)
