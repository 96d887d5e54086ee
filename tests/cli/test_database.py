"""Databases that cannot be used, and the files that using one leaves behind."""

import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.cli.program import (
    PATIENT,
    Driver,
    Finished,
    Program,
    finished,
    wait_until_it_waits,
    without_roots_rights,
)

FORMS = pytest.mark.parametrize("form", [(), ("--json",)], ids=["people", "programs"])


def a_folder(program: Program) -> str:
    (program.folder / "folder").mkdir()
    return "folder"


def a_text_file(program: Program) -> str:
    (program.folder / "notes.txt").write_text("Nothing of a database.\n" * 100)
    return "notes.txt"


def in_a_missing_folder(program: Program) -> str:
    return "missing/demo.db"


def an_unknown_kind(program: Program) -> str:
    return "nonsense://somewhere"


def no_url(program: Program) -> str:
    return "http//:x://"


def opened_read_only(program: Program) -> str:
    return f"sqlite:///file:{program.database}?mode=ro&uri=true"


def for_async_code(program: Program) -> str:
    return f"sqlite+aiosqlite:///{program.database}"


@FORMS
@pytest.mark.parametrize(
    "prepare",
    [
        a_folder,
        a_text_file,
        in_a_missing_folder,
        an_unknown_kind,
        no_url,
        opened_read_only,
        for_async_code,
    ],
)
def test_a_database_that_cannot_be_used_is_named_and_stays_as_it_was(
    forked_filled: Program, prepare: Callable[[Program], str], form: tuple[str, ...]
) -> None:
    database = prepare(forked_filled)
    before, files = forked_filled.rows(), contents(forked_filled.folder)
    done = forked_filled("register", "new", "-e", "new@mail.com", "--database", database, *form)
    assert done.code == 5
    if form:
        assert done.err == ""
        message = done.document["error"]["message"]
        assert done.document["error"]["code"] == "database"
        assert done.document["ok"] is False
        assert done.work == []
    else:
        assert done.lines_of_the_work == []
        message = done.error
    assert database.rpartition("/")[2].partition("?")[0] in message or "nonsense" in message
    assert forked_filled.rows() == before
    assert contents(forked_filled.folder) == files


def contents(folder: Path) -> dict[Path, bytes]:
    """Every file below a folder, and every folder as an empty one."""
    return {path: path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}


@contextmanager
def made_read_only(path: Path) -> Iterator[None]:
    mode = path.stat().st_mode
    path.chmod(mode & ~0o222)
    try:
        yield
    finally:
        path.chmod(mode)


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_database_without_permission_to_write_cannot_be_written(
    filled: Program, what: str
) -> None:
    before = filled.rows()
    path = filled.database if what == "file" else filled.folder
    with made_read_only(path):
        done = without_roots_rights(filled)("delete", "alice")
    assert (done.code, done.lines_of_the_work) == (5, [])
    assert "demo.db" in done.error
    assert filled.rows() == before


def test_a_database_without_permission_to_write_can_be_read(filled: Program) -> None:
    with made_read_only(filled.database):
        done = without_roots_rights(filled)("show", "alice")
    assert (done.code, done.err) == (0, "")
    assert "alice@mail.com" in done.out


@FORMS
def test_a_database_that_another_process_locks_too_long_cannot_be_used(
    forked_filled: Program, form: tuple[str, ...]
) -> None:
    before = forked_filled.rows()
    with closing(sqlite3.connect(forked_filled.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        done = forked_filled(
            "delete", "alice", "-d", f"sqlite:///{forked_filled.database}?timeout=0.2", *form
        )
        other.rollback()
    assert done.code == 5
    message = done.document["error"]["message"] if form else done.error
    assert "locked" in message
    assert (done.err == "") if form else (done.lines_of_the_work == [])
    assert forked_filled.rows() == before


def test_a_lock_of_a_receiver_in_the_same_process_is_blamed_on_no_other(driver: Driver) -> None:
    program = driver("""
import sqlite3
from signalcli.apps.signals import command_finished
@receiver(command_finished)
def hold(command, **kwargs):
    if command == "show":
        global held
        held = sqlite3.connect("demo.db", isolation_level=None)
        held.execute("BEGIN IMMEDIATE")
""")
    Path(program.folder, "script.txt").write_text("show alice\ndelete alice\n", encoding="utf-8")
    done = program("batch", "script.txt", "-d", "sqlite:///demo.db?timeout=0.2", "--quiet")
    assert done.code == 5
    assert "is locked by another connection, of another process or of this one" in done.error


def test_a_database_that_another_process_locks_can_still_be_read(forked_filled: Program) -> None:
    with closing(sqlite3.connect(forked_filled.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        done = forked_filled("list", "-d", f"sqlite:///{forked_filled.database}?timeout=0.2")
    assert (done.code, done.err) == (0, "")
    assert "bob@mail.com" in done.out


def test_a_command_waits_for_a_lock_until_it_is_released(driver: Driver) -> None:
    program = driver("""
from signalcli.db import connection_created
@receiver(connection_created)
def tell(**kwargs):
    os.write(2, b"waiting\\n")
""")
    with closing(sqlite3.connect(program.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        process = program.start("delete", "alice", "--quiet", "--no-log", env=PATIENT)
        wait_until_it_waits(process)
        # From here to its end is a small part of that where nothing is locked.
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        other.rollback()
    assert finished(process) == Finished(0, "", "")
    assert program.usernames == ["bob"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("update", "alice", "--first-name", "Al"),
        ("notify", "alice"),
        ("list",),
        ("show", "alice", "--trace"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_no_side_files_are_left_behind(forked_filled: Program, arguments: tuple[str, ...]) -> None:
    assert forked_filled(*arguments, "--quiet").code == 0
    assert forked_filled.files == {"demo.db"}


def test_the_write_ahead_log_is_on(forked_filled: Program) -> None:
    assert forked_filled.select("PRAGMA journal_mode") == [("wal",)]


def test_a_url_names_the_same_database_as_its_path(forked_filled: Program) -> None:
    done = forked_filled("show", "alice", "--database", "sqlite:///demo.db")
    assert (done.code, done.err) == (0, "")
    assert "alice@mail.com" in done.out


def test_a_database_of_others_is_left_alone_unless_it_is_said(forked: Program) -> None:
    with closing(sqlite3.connect(forked.database)) as connection:
        connection.execute("CREATE TABLE others (name TEXT)")
        connection.execute("INSERT INTO others VALUES ('kept')")
        connection.commit()
    before = forked.rows()
    for command in (["list"], ["register", "xyz", "-e", "xyz@mail.com", "-q"]):
        done = forked(*command)
        assert done.code == 5
        assert "the database demo.db lacks the table core_user, the table core_pro" in done.error
        assert "it has tables that signalcli did not make" in done.error
        assert "--migrate" in done.error
    assert forked.rows() == before
    assert forked("register", "xyz", "-e", "xyz@mail.com", "-q", "--migrate").code == 0
    assert forked.select("SELECT name FROM others") == [("kept",)]
    assert forked.usernames == ["xyz"]


def test_a_password_in_a_url_is_never_printed(forked_filled: Program) -> None:
    done = forked_filled("list", "--database", "sqlite://me:hunter2@nowhere/demo.db")
    assert done.code == 5
    assert "hunter2" not in done.out + done.err


@pytest.mark.parametrize("name", ["a?b.db", "a#b.db", "100%.db", "a b.db", "größe.db", "a:b.db"])
def test_a_file_may_have_any_name(forked: Program, name: str) -> None:
    done = forked("register", "new", "--email", "new@mail.com", "-d", name)
    assert (done.code, done.err) == (0, "")
    assert done.lines[-1] == f"Registered new in {name}. Sent notification"
    assert forked.files == {name}
    assert "new@mail.com" in forked("list", "-d", name).out
