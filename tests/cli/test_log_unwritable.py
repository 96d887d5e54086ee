"""A log that cannot be written is worth a warning, and changes nothing else of a run."""

import re
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from tests.cli.files import read_only
from tests.cli.program import Driver, Finished, Program, without_roots_rights

# What differs from one run to the next.
_TIMES = re.compile(r"[\d.]+ (?:ms|s)\b")
_LIMITED = """
import os, resource, sys
size = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
os.execv(sys.argv[2], sys.argv[2:])
"""
TALKING = """
for number in range(40):
    @receiver(notification, weak=False, dispatch_uid=str(number))
    def talks(**kwargs):
        print("x" * 4000)
"""
FAILING = "@receiver(notification)\ndef sulk(**kwargs): raise OSError('no mail')"


def timeless(text: str) -> str:
    """A text without the durations in it, and without the blanks that line them up."""
    return re.sub(r" +$|─+", "", re.sub(r"  +", "  ", _TIMES.sub("", text)), flags=re.MULTILINE)


def assert_same_but_for_a_warning(done: Finished, without: Finished, *words: str) -> None:
    """A run whose log cannot be written is like one without a log."""
    assert done.code == without.code
    assert timeless(done.out) == timeless(without.out)
    warning, *others = done.err.splitlines()
    assert warning.startswith("warning: the run is not kept in the signal log")
    assert "--no-log" in warning
    for word in words:
        assert word in warning
    assert others == without.err.splitlines()
    assert "Traceback" not in done.err


def limited(program: Program, size: int) -> Program:
    """The program, allowed files of so many bytes only."""
    return Program(program.folder, (sys.executable, "-c", _LIMITED, str(size), *program.command))


@contextmanager
def locked(program: Program) -> Iterator[str]:
    """Another connection writes; gives the URL with which one does not wait long for it."""
    with closing(sqlite3.connect(program.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield f"sqlite:///{program.database}?timeout=0.2"
        other.rollback()


def damage(program: Program, *statements: str) -> None:
    with closing(sqlite3.connect(program.database)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


DAMAGES = {
    "dropped column": ("ALTER TABLE signalcli_run DROP COLUMN message",),
    "dropped tables": ("DROP TABLE signalcli_response", "DROP TABLE signalcli_dispatch"),
    "dropped run": ("DROP TABLE signalcli_run",),
    "other table": ("DROP TABLE signalcli_dispatch", "CREATE TABLE signalcli_dispatch (nonsense)"),
    "no version": ("ALTER TABLE signalcli_schema DROP COLUMN version",),
}


@pytest.mark.parametrize("what", list(DAMAGES))
def test_damaged_tables_of_the_log_stop_no_command(forked_filled: Program, what: str) -> None:
    without = forked_filled("update", "alice", "--first-name", "Al", "--no-log")
    damage(forked_filled, *DAMAGES[what])
    done = forked_filled("update", "alice", "--first-name", "Alice")
    assert_same_but_for_a_warning(done, without)
    assert forked_filled.select("SELECT first_name FROM core_profile")[0] == ("Alice",)
    as_document = forked_filled("update", "alice", "--first-name", "Al", "--json")
    assert (as_document.code, as_document.document["ok"]) == (0, True)
    assert as_document.document["run"] is None
    assert as_document.document["dispatches"]
    assert as_document.warning.startswith("the run is not kept in the signal log")
    assert forked_filled.select("SELECT first_name FROM core_profile")[0] == ("Al",)


@pytest.mark.parametrize(
    "arguments",
    [
        ("register", "new", "-e", "new@mail.com"),
        ("notify", "alice", "--robust"),
        ("show", "alice", "--trace"),
        ("delete", "nobody"),
        ("update", "alice", "--email", "nonsense"),
    ],
    ids=lambda arguments: arguments[0],
)
@pytest.mark.parametrize("form", [(), ("--quiet",), ("--json",)], ids=["people", "quiet", "json"])
def test_a_damaged_log_changes_nothing_of_a_command_but_a_warning(
    forked_filled: Program, arguments: tuple[str, ...], form: tuple[str, ...]
) -> None:
    spare = forked_filled.folder / "spare.db"
    damage(forked_filled, *DAMAGES["dropped column"])
    shutil.copy(forked_filled.database, spare)
    without = forked_filled(*arguments, "--no-log", *form)
    changed = forked_filled.rows()
    shutil.copy(spare, forked_filled.database)
    done = forked_filled(*arguments, *form)
    assert done.code == without.code
    assert len(forked_filled.rows()) == len(changed)
    if form == ("--quiet",):
        assert (done.out, done.err) == ("", without.err)
    elif form == ("--json",):
        document = done.document
        assert document["run"] is None
        assert document["error"] == without.document["error"]
        assert done.warning.startswith("the run is not kept in the signal log")
    else:
        assert_same_but_for_a_warning(done, without)


def test_a_log_that_has_lost_its_version_only_goes_on(forked_filled: Program) -> None:
    damage(forked_filled, "DROP TABLE signalcli_schema")
    done = forked_filled("notify", "alice", "--json")
    assert (done.code, done.err, done.document["run"]) == (0, "", 3)


@pytest.mark.parametrize("what", ["dropped column", "dropped tables", "dropped run"])
@pytest.mark.parametrize(
    "arguments",
    [("log",), ("log", "show"), ("log", "stats"), ("log", "prune", "--keep", "1")],
    ids=" ".join,
)
def test_what_reads_a_damaged_log_says_so_in_one_line(
    forked_filled: Program, what: str, arguments: tuple[str, ...]
) -> None:
    damage(forked_filled, *DAMAGES[what])
    done = forked_filled(*arguments)
    assert done.code in (0, 5)
    if done.code == 5:
        assert done.out == ""
        assert "demo.db" in done.error
    else:
        assert done.err == ""


@pytest.mark.parametrize(
    ("what", "arguments"),
    [("file", ("show", "alice", "--trace")), ("folder", ("list", "--trace"))],
    ids=["file", "folder"],
)
def test_what_may_only_be_read_is_shown_all_the_same(
    filled: Program, what: str, arguments: tuple[str, ...]
) -> None:
    without = filled(*arguments, "--no-log")
    program = without_roots_rights(filled)
    before = filled.rows()
    with read_only(filled.database if what == "file" else filled.folder):
        done = program(*arguments)
        quiet = program(*arguments, "--quiet")
        as_document = program(*arguments, "--json")
    assert_same_but_for_a_warning(done, without, "demo.db")
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")
    assert as_document.document["ok"] is True
    assert as_document.document["run"] is None
    assert as_document.document["dispatches"]
    assert as_document.warning
    assert filled.rows() == before
    assert filled.files == {"demo.db"}
    assert filled.select("SELECT MAX(run) FROM signalcli_run") == [(2,)]


def test_a_log_that_may_only_be_read_can_be_read(filled: Program) -> None:
    shown = filled("log", "show").out
    program = without_roots_rights(filled)
    with read_only(filled.database), read_only(filled.folder):
        assert program("log", "show").out == shown
        refused = program("log", "prune", "--keep", "1")
    assert (refused.code, refused.out) == (5, "")
    assert "read-only" in refused.error


@pytest.mark.parametrize("arguments", [("show", "alice", "--trace"), ("list", "--trace")])
def test_a_database_that_another_process_locks_keeps_no_run_but_is_shown(
    forked_filled: Program, arguments: tuple[str, ...]
) -> None:
    without = forked_filled(*arguments, "--no-log")
    with locked(forked_filled) as database:
        done = forked_filled(*arguments, "-d", database)
        quiet = forked_filled(*arguments, "-d", database, "--quiet")
        as_document = forked_filled(*arguments, "-d", database, "--json")
        listed = forked_filled("log", "-d", database, "--ndjson")
    assert_same_but_for_a_warning(done, without, "locked")
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")
    assert as_document.document["run"] is None
    assert "locked" in as_document.warning
    assert [run["run"] for run in listed.objects] == [2, 1]


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["people", "programs"])
def test_a_full_disk_stops_no_command(driver: Driver, form: tuple[str, ...]) -> None:
    program = driver(TALKING)
    # The write-ahead log has room for what a command writes, not for what its receivers print.
    cramped = limited(program, 60_000)
    done = cramped("register", "two", "-e", "two@mail.com", *form)
    assert done.code == 0
    assert "two" in program.usernames
    assert done.warning.startswith("the run is not kept in the signal log")
    assert "disk" in done.warning
    if form:
        assert done.document["run"] is None
    else:
        assert done.out.endswith("Registered two in demo.db. Sent notification\n")
    assert [run["run"] for run in program("log", "--ndjson").objects] == [2, 1]
    assert program("notify", "two", "--json").document["run"] == 3


def test_a_run_that_fails_fails_as_ever_where_the_log_cannot_be_written(driver: Driver) -> None:
    program = driver(FAILING)
    without = program("register", "new", "-e", "new@mail.com", "--no-log")
    damage(program, *DAMAGES["dropped column"])
    before = program.rows()
    done = program("register", "new", "-e", "new@mail.com")
    assert_same_but_for_a_warning(done, without)
    assert done.code == 1
    assert program.rows() == before
    as_document = program("register", "new", "-e", "new@mail.com", "--json")
    assert as_document.document["error"]["code"] == "receiver_failed"
    assert as_document.document["run"] is None


REMOVING = """
import pathlib
@receiver(notification)
def removes(**kwargs):
    pathlib.Path("demo.db").unlink()
"""


def test_a_database_that_is_removed_meanwhile_is_not_made_anew(driver: Driver) -> None:
    program = driver(REMOVING)
    done = program("notify", "alice", "--json")
    assert done.code == 0
    assert done.document["run"] is None
    assert "demo.db" not in program.files


def test_runs_that_something_else_refers_to_are_not_the_fault_of_receivers(
    forked_filled: Program,
) -> None:
    damage(
        forked_filled,
        "CREATE TABLE mine (run INTEGER REFERENCES signalcli_run)",
        "INSERT INTO mine VALUES (1)",
    )
    done = forked_filled("log", "prune", "--keep", "0")
    assert (done.code, done.out) == (5, "")
    assert "receiver" not in done.error
    assert "can be removed from the signal log: FOREIGN KEY constraint failed" in done.error
    assert [run["run"] for run in forked_filled("log", "--ndjson").objects] == [2, 1]


@pytest.mark.parametrize(
    "arguments",
    [("log",), ("log", "show"), ("log", "stats"), ("log", "prune", "--keep", "9"), ("list",)],
    ids=" ".join,
)
def test_arguments_of_a_url_bring_no_warning_of_a_library(
    forked_filled: Program, arguments: tuple[str, ...]
) -> None:
    url = f"sqlite:///{forked_filled.database}?mode=rw"
    done = forked_filled(*arguments, "-d", url)
    assert (done.code, done.err) == (0, "")
