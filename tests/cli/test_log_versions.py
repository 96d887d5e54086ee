"""Databases without a log, with one of a newer version, and files that are no database."""

import sqlite3
from contextlib import closing

import pytest

from signalcli.log.schema import VERSION
from tests.cli.program import Program, complete

READING = (
    ("log",),
    ("log", "--ndjson"),
    ("log", "show"),
    ("log", "show", "1"),
    ("log", "stats"),
    ("log", "export", "-f", "json"),
    ("log", "export", "-f", "svg", "-o", "trace.svg"),
    ("log", "prune", "--keep", "0"),
    ("log", "prune", "--older-than", "1d"),
)
RUNS = (
    ("register", "new", "-e", "new@mail.com"),
    ("update", "alice", "--first-name", "Al"),
    ("delete", "alice"),
    ("notify", "alice"),
    ("list",),
    ("list", "--trace"),
    ("show", "alice"),
    ("show", "alice", "--trace"),
)
NOTHING_FOUND = {"show": 3, "export": 3}


def without_a_log(program: Program) -> None:
    """Has a database made as a signalcli without a log made it."""
    assert program("register", "alice", "-e", "alice@mail.com", "--no-log", "-q").code == 0
    assert program.select("SELECT name FROM sqlite_master WHERE name LIKE 'signalcli%'") == []


@pytest.mark.parametrize("arguments", READING, ids=" ".join)
class TestNoLog:
    def expect(self, program: Program, arguments: tuple[str, ...]) -> None:
        """Nothing is found, nothing goes wrong, and nothing is written."""
        files = program.files
        before = program.database.read_bytes() if files else b""
        done = program(*arguments)
        assert done.code == NOTHING_FOUND.get((*arguments, "")[1], 0)
        if done.code:
            assert done.out == ""
            assert "signal log" in done.error
        elif "--ndjson" in arguments:
            assert (done.out, done.err) == ("", "")
        else:
            assert done.out.count("\n") == 1
            assert done.err == ""
        if files and "--ndjson" not in arguments:
            as_document = program(*arguments, "--json")
            assert as_document.err == ""
            assert as_document.document["ok"] is (done.code == 0)
        assert program.files == files
        if files:
            assert program.database.read_bytes() == before

    def test_a_missing_database_has_an_empty_one(
        self, forked: Program, arguments: tuple[str, ...]
    ) -> None:
        self.expect(forked, arguments)
        assert forked.files == set()

    def test_an_empty_file_has_an_empty_one(
        self, forked: Program, arguments: tuple[str, ...]
    ) -> None:
        forked.database.touch()
        self.expect(forked, arguments)
        assert forked.database.read_bytes() == b""

    def test_a_database_of_users_only_has_an_empty_one(
        self, forked: Program, arguments: tuple[str, ...]
    ) -> None:
        without_a_log(forked)
        self.expect(forked, arguments)

    def test_a_file_that_is_no_database_cannot_be_used(
        self, forked: Program, arguments: tuple[str, ...]
    ) -> None:
        forked.database.write_text("Nothing of a database.\n" * 100)
        before = forked.database.read_bytes()
        done = forked(*arguments)
        assert (done.code, done.out) == (5, "")
        assert "demo.db is not a SQLite database" in done.error
        assert forked.files == {"demo.db"}
        assert forked.database.read_bytes() == before


def test_the_first_run_gives_a_database_of_users_only_a_log(forked: Program) -> None:
    without_a_log(forked)
    before = forked.rows()
    assert forked("notify", "alice", "--json").document["run"] == 1
    assert forked.rows() == before
    assert [run["command"] for run in forked("log", "--ndjson").objects] == ["notify"]


def test_an_empty_file_gets_a_log_with_its_first_run(forked: Program) -> None:
    forked.database.touch()
    assert forked("register", "x", "-e", "x@mail.com", "--json").document["run"] == 1
    assert "register x" in forked("log").out


def test_a_file_that_is_no_database_is_named_once_by_a_run(forked: Program) -> None:
    forked.database.write_text("Nothing of a database.\n" * 100)
    for arguments in RUNS:
        done = forked(*arguments)
        assert done.code == 5
        # No warning of the log besides.
        assert "demo.db is not a SQLite database" in done.error


@pytest.mark.parametrize("arguments", [*RUNS, *READING, ("log", "follow")], ids=" ".join)
def test_a_log_of_a_newer_version_is_refused_by_every_command(
    forked_filled: Program, arguments: tuple[str, ...]
) -> None:
    with closing(sqlite3.connect(forked_filled.database)) as connection:
        connection.execute("UPDATE signalcli_schema SET version = 99")
        connection.commit()
        before = list(connection.iterdump())
    done = forked_filled(*arguments)
    assert (done.code, done.lines_of_the_work) == (5, [])
    assert "version 99" in done.error
    assert f"up to {VERSION}: a newer signalcli made it" in done.error
    if arguments in (RUNS[0], READING[0]):
        as_document = forked_filled(*arguments, "--json")
        assert (as_document.code, as_document.err) == (5, "")
        assert as_document.document["error"]["code"] == "database"
        assert as_document.document["run"] is None
    if arguments in (RUNS[0], RUNS[2], RUNS[4]):
        without = forked_filled("--no-log", *arguments)
        assert (without.code, without.lines_of_the_work) == (5, [])
    with closing(sqlite3.connect(forked_filled.database)) as connection:
        assert list(connection.iterdump()) == before
    assert forked_filled.files == {"demo.db"}


def test_the_log_of_a_missing_database_is_a_line_and_no_file(forked: Program) -> None:
    done = forked("log")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(
        f"there are no runs in the signal log: there is no demo.db in {forked.folder}. "
    )
    assert forked.files == set()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("signalcli lo", ["login", "logout", "log"]),
        ("signalcli log ", ["show", "stats", "follow", "export", "prune"]),
        ("signalcli log ex", ["export"]),
        ("signalcli log --sl", ["--slower-than"]),
        ("signalcli log show --faile", ["--failed"]),
        ("signalcli log prune --ol", ["--older-than"]),
        (
            "signalcli log export --format ",
            ["html", "json", "mermaid", "otlp", "perfetto", "svg"],
        ),
        ("signalcli log export --format m", ["mermaid"]),
        ("signalcli log export -f s", ["svg"]),
        ("signalcli notify alice --no-l", ["--no-log"]),
        ("signalcli --log-k", ["--log-keep"]),
    ],
)
def test_the_commands_of_the_log_are_completed(
    forked_filled: Program, line: str, offered: list[str]
) -> None:
    done = complete(forked_filled, line)
    assert (done.code, done.err) == (0, "")
    assert done.out.split() == offered
    assert forked_filled.files == {"demo.db"}
