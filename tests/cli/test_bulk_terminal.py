"""A run over the rows of a file, on a terminal and interrupted."""

import signal
import subprocess
from pathlib import Path

import pytest

from tests.cli.program import (
    PATIENT,
    TELLING_OF_INPUT,
    Driver,
    Program,
    Terminal,
    finished,
    interrupt,
    wait_until_it_waits,
)
from tests.processes import finish

SLOW = """
@receiver(post_save, sender=User)
def slow(instance, **kwargs):
    if instance.username == "u30":
        print("at it", file=sys.stderr, flush=True)
        time.sleep(3600)
"""

# Ctrl-C comes when u4 is in the database for good: at once, or in a function of a receiver.
AFTER_THE_COMMIT = """
from sqlalchemy import event
from signalcli.db import on_commit

written = []

def stop():
    if os.environ["WHERE"] == "later":
        raise KeyboardInterrupt

@receiver(post_save, sender=User)
def wait(instance, session, **kwargs):
    if instance.username == "u4":
        written.append(instance.username)
        on_commit(session, stop)

# Before anything else hears of the commit.
@event.listens_for(Session, "after_commit")
def end(session):
    if written and not session.in_nested_transaction() and os.environ["WHERE"] == "at once":
        raise KeyboardInterrupt
"""
PERHAPS = "the commit was under way: all of it is written, or nothing"


def users(program: Program, count: int) -> str:
    rows = "".join(f"u{number},u{number}@mail.com\n" for number in range(1, count + 1))
    Path(program.folder, "users.csv").write_text(f"username,email\n{rows}", encoding="utf-8")
    return "users.csv"


def test_a_bar_shows_rows_rate_and_time_and_stays_beside_the_errors(filled: Program) -> None:
    path = Path(filled.folder, users(filled, 30))
    path.write_text(path.read_text(encoding="utf-8") + "x,nobody\n", encoding="utf-8")
    terminal = Terminal(filled, "register", "--from", path.name, "--batch-size", "5")
    assert terminal.finish() == 2
    assert max(map(len, terminal.lines_as_sent()[:-1])) <= 100
    lines = terminal.screen(all_rows=True)
    (bar,) = [line for line in lines if line.startswith("register ")]
    assert "100%" in bar
    assert "31 rows" in bar
    assert "rows/s" in bar
    assert bar.rstrip()[-8:].count(":") == 2
    assert len(bar) <= 80
    assert any(line.startswith("error: line 32: the email 'nobody'") for line in lines)
    assert any(line.startswith("Registered 30 users in demo.db") for line in lines)
    assert terminal.sent.rindex("\x1b[?25h") > terminal.sent.rindex("\x1b[?25l")


def test_what_is_no_terminal_is_told_in_lines_every_few_seconds(driver: Driver) -> None:
    program = driver("from signalcli.render import progress\nprogress.SECONDS_BETWEEN_LINES = 0\n")
    process = program.start("register", "--from", users(program, 7), "--batch-size", "3")
    _, err = finish(process)
    assert process.returncode == 0
    told = [line.split(", ") for line in err.splitlines()]
    assert [(line[0], line[2]) for line in told] == [
        ("register: 3 rows", "100%"),
        ("register: 6 rows", "100%"),
        ("register: 7 rows", "100%"),
    ]
    assert all(line[1].endswith(" rows/s") for line in told)


def test_quiet_shows_no_bar(filled: Program) -> None:
    terminal = Terminal(filled, "register", "--from", users(filled, 3), "--quiet")
    assert terminal.finish() == 0
    assert terminal.sent == ""


def test_ctrl_c_leaves_whole_batches_and_a_line(driver: Driver) -> None:
    program = driver(SLOW)
    arguments = ("register", "--from", users(program, 40), "--batch-size", "10")
    terminal = Terminal(program, *arguments)
    terminal.wait_for("at it")
    terminal.process.sendintr()
    assert terminal.finish() == 130
    last = " ".join(line for line in terminal.screen() if line)
    assert "error: interrupted; the first 20 rows are done" in last
    assert "Traceback" not in terminal.sent
    assert terminal.sent.rindex("\x1b[?25h") > terminal.sent.rindex("\x1b[?25l")
    assert len(program.usernames) == 22
    assert program.select("SELECT count(*) FROM core_profile") == [(22,)]


def test_sigterm_does_too(driver: Driver) -> None:
    program = driver(SLOW)
    process = program.start("register", "--from", users(program, 40), "--batch-size", "10")
    assert process.stderr is not None
    while process.stderr.readline() != "at it\n":
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    done = finished(process)
    assert done.code == 143
    assert "ended by signal 15; the first 20 rows are done, and --from users.csv" in done.error
    assert len(program.usernames) == 22


@pytest.mark.parametrize(
    ("where", "options", "story", "written"),
    [
        ("later", (), "the first 4 rows are done, and --from users.csv --resume goes on after", 4),
        ("later", ("--strict",), "all 6 rows are done", 6),
        ("at once", (), "the first 2 rows are done, and perhaps one batch more; --from users", 4),
        ("at once", ("--strict",), PERHAPS, 6),
    ],
)
def test_ctrl_c_after_a_commit_tells_of_its_rows(
    driver: Driver, where: str, options: tuple[str, ...], story: str, written: int
) -> None:
    program = driver(AFTER_THE_COMMIT)
    command = ("register", "--from", users(program, 6), "--batch-size", "2", *options)
    done = program(*command, env={"WHERE": where})
    assert done.code == 130
    assert done.error.startswith(f"interrupted; {story}")
    assert program.usernames == ["alice", "bob", *(f"u{n}" for n in range(1, written + 1))]
    assert "rolled back" not in program("log", env={"WHERE": where}).out
    if not options:
        assert program(*command, "--resume", env={"WHERE": ""}).code == 0
        assert program.usernames == ["alice", "bob", *(f"u{n}" for n in range(1, 7))]


@pytest.mark.parametrize(
    ("where", "story"), [("later", "what was committed before stays"), ("at once", PERHAPS)]
)
def test_ctrl_c_after_the_commit_of_one_tells_of_it(driver: Driver, where: str, story: str) -> None:
    program = driver(AFTER_THE_COMMIT)
    done = program("register", "u4", "-e", "u4@mail.com", "--quiet", env={"WHERE": where})
    assert (done.code, done.error) == (130, f"interrupted; {story}")
    assert program.usernames == ["alice", "bob", "u4"]


def test_standard_input_is_read_as_it_comes(driver: Driver) -> None:
    program = driver(TELLING_OF_INPUT)
    process = program.start(
        "register", "--from", "-", "--batch-size", "2", "--json", stdin=subprocess.PIPE
    )
    wait_until_it_waits(process)
    assert process.stdin is not None
    process.stdin.write("username,email\nu1,u1@mail.com\nu2,u2@mail.com\nu3,u3@mail.com\n")
    process.stdin.flush()
    wait_until_it_waits(process)
    assert program.usernames == ["alice", "bob", "u1", "u2"]
    interrupt(process)
    done = finished(process)
    assert done.code == 130
    assert done.document["result"]["done"] == 2
    assert "the first 2 rows are done, and --from - --resume" in done.document["error"]["message"]


def test_two_runs_at_once_leave_each_other_alone(filled: Program) -> None:
    first, second = (
        filled.start(
            "register", "--from", users(filled, 120), "--batch-size", "5", "--quiet", env=PATIENT
        )
        for _ in range(2)
    )
    codes = {finished(each).code for each in (first, second)}
    # Who comes second to a user skips it.
    assert codes <= {0, 4}
    assert sorted(filled.usernames) == sorted(
        ["alice", "bob", *(f"u{number}" for number in range(1, 121))]
    )
    assert filled.select("SELECT count(*) FROM core_profile") == [(122,)]
    assert filled.select("SELECT command FROM signalcli_checkpoint") == [("register finished",)]
