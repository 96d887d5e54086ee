"""Receivers that fail, sleep, print and send, and what becomes of the command."""

import json
import os
import re
import signal
import sqlite3
import sys

import pytest

from tests import processes
from tests.cli.program import Driver, Finished, Program, finished, interrupt

FAILING = """
@receiver(post_save, sender=User)
def audit(instance, **kwargs):
    print("about to fail")
    raise RuntimeError(f"no audit of {instance.username}")
"""
TWO_FAILING = """
@receiver(notification)
def sulk(**kwargs):
    raise ValueError("not today")

@receiver(notification)
def answer(**kwargs):
    return 42

@receiver(notification)
async def sleepy(**kwargs):
    raise TimeoutError

@receiver(notification)
def password_store(**kwargs):
    raise LookupError("password='hunter2' is wrong")
"""

SLEEPING = """
@receiver(post_save, sender=User)
def slow(**kwargs):
    print("asleep", file=sys.stderr, flush=True)
    time.sleep(3600)
"""

WAITING = """
@receiver(post_save, sender=User)
def slow(**kwargs):
    print("asleep", file=sys.stderr, flush=True)
    while not os.path.exists("go on"):
        time.sleep(0.01)
"""

NESTING = """
inner = Signal()

@receiver(inner)
def deepest(**kwargs):
    print("deep", end="")
    return "down here"

@receiver(notification)
def in_a_thread(**kwargs):
    thread = threading.Thread(target=inner.send, args=["thread"])
    thread.start()
    thread.join()
    sys.stdout.write("thread over\\n")

@receiver(notification)
async def in_a_task(**kwargs):
    await inner.asend("task")
    print("task over")
"""


@pytest.mark.parametrize("watched", [(), ("--quiet", "--no-log")], ids=["watched", "metered"])
def test_of_several_async_receivers_that_fail_the_first_is_named(
    driver: Driver, watched: tuple[str, ...]
) -> None:
    program = driver(
        "@receiver(post_save, sender=User)\n"
        "async def mail(**kwargs): raise ValueError('no mail')\n"
        "@receiver(post_save, sender=User)\n"
        "async def text(**kwargs): raise LookupError('no text')\n"
    )
    done = program("register", "new", "--email", "new@mail.com", *watched)
    assert done.code == 1
    assert re.fullmatch(
        r"the receiver \S+\.mail failed on post_save of User: ValueError: no mail "
        r"\(driver\.py:\d+\), and so did 1 more; nothing was written",
        done.error,
    )
    assert program.usernames == ["alice", "bob"]


def test_a_savepoint_that_is_released_is_no_commit(driver: Driver) -> None:
    program = driver(
        "@receiver(post_save, sender=User)\n"
        "def audit(session, **kwargs):\n"
        "    with session.begin_nested():\n"
        "        pass\n"
        "    raise RuntimeError\n"
    )
    done = program("register", "new", "--email", "new@mail.com")
    assert done.code == 1
    assert done.error.endswith("; nothing was written")
    assert program.usernames == ["alice", "bob"]


def test_a_failing_receiver_rolls_back_and_the_table_shows_where_it_failed(
    driver: Driver,
) -> None:
    program = driver(FAILING)
    before = program.rows()
    done = program("register", "new", "--email", "new@mail.com")
    assert done.code == 1
    left, row = [line for line in done.lines if "✗" in line]
    assert left.rstrip(" .0123456789ms").endswith("post_save from User  ✗ failed: all rolled back")
    assert "audit" in row
    assert "✗ raised RuntimeError: no audit of new (driver.py:" in row
    assert any(line.endswith("─ prints ┊ about to fail") for line in done.lines)
    assert "__main__.audit" in done.error
    assert "post_save of User" in done.error
    assert "RuntimeError: no audit of new (driver.py:" in done.error
    assert "Traceback" not in done.err
    assert "Registered" not in done.out
    assert program.rows() == before


def test_the_document_shows_the_failing_receiver_and_where_it_failed(driver: Driver) -> None:
    program = driver(FAILING)
    before = program.rows()
    done = program("update", "alice", "--email", "new@mail.com", "--json")
    assert (done.code, done.err) == (1, "")
    document = done.document
    assert (document["ok"], document["result"]) == (False, None)
    assert document["error"]["code"] == "receiver_failed"
    assert "__main__.audit" in document["error"]["message"]
    (failed,) = [
        response
        for dispatch in document["dispatches"]
        for response in dispatch["responses"]
        if response["error"]
    ]
    assert (failed["receiver"], failed["ok"], failed["value"]) == ("__main__.audit", False, None)
    assert failed["error"]["type"] == "RuntimeError"
    assert failed["error"]["message"] == "no audit of alice"
    script = program.folder / "driver.py"
    (line,) = [
        number
        for number, text in enumerate(script.read_text().splitlines(), 1)
        if "raise RuntimeError" in text
    ]
    assert failed["error"]["place"] == f"{script}:{line}"
    assert failed["output"] == "about to fail\n"
    assert program.rows() == before


def test_a_failing_receiver_of_the_notification_takes_the_registration_back(
    driver: Driver,
) -> None:
    program = driver("@receiver(notification)\ndef sulk(**kwargs): raise OSError('no mail')")
    done = program("register", "new", "--email", "new@mail.com", "--quiet")
    assert (done.code, done.out) == (1, "")
    assert "OSError: no mail" in done.error
    assert program.usernames == ["alice", "bob"]


def test_a_receiver_that_breaks_a_rule_of_ours_is_a_failing_receiver(driver: Driver) -> None:
    program = driver(
        "@receiver(notification)\n"
        "def looks_up(**kwargs):\n"
        "    from signalcli.core.users import UserNotFound\n"
        "    raise UserNotFound('zoe')\n"
    )
    done = program("notify", "alice", "--json")
    assert (done.code, done.err) == (1, "")
    assert done.document["error"]["code"] == "receiver_failed"


def test_robust_goes_on_and_reports_who_failed(driver: Driver) -> None:
    done = driver(TWO_FAILING)("notify", "alice", "--robust")
    assert done.code == 1
    rows = [line for line in done.lines if line.split()[-1:] in (["ms"], ["s"])]
    answers = {
        name: next(line for line in rows if name in line)
        for name in ("show_notification", "sulk", "answer", "password_store", "sleepy")
    }
    assert "✗ raised and caught: ValueError: not today (driver.py:" in answers["sulk"]
    assert "✗ raised and caught: TimeoutError (driver.py:" in answers["sleepy"]
    assert "  returned 42 " in answers["answer"]
    assert "✗ raised and caught: LookupError" in answers["password_store"]
    assert "hunter2" not in done.out + done.err
    assert "sulk failed on notification" in done.error
    assert "so did 2 more" in done.error


def test_the_robust_document_reports_who_failed_and_nothing_else_is_printed(
    driver: Driver,
) -> None:
    done = driver(TWO_FAILING)("notify", "alice", "--robust", "--json")
    assert (done.code, done.err) == (1, "")
    document = done.document
    assert document["ok"] is False
    assert document["error"]["code"] == "receiver_failed"
    assert document["result"]["failed"] == 3
    (dispatch,) = done.work
    assert [
        (response["receiver"].rpartition(".")[2], response["ok"], response["value"])
        for response in dispatch["responses"]
    ] == [
        ("show_notification", True, None),
        ("sulk", False, None),
        ("answer", True, 42),
        ("password_store", False, None),
        ("sleepy", False, None),
    ]


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["people", "programs"])
def test_ctrl_c_rolls_back_and_says_so_in_one_line(driver: Driver, form: tuple[str, ...]) -> None:
    program = driver(SLEEPING)
    before = program.rows()
    process = program.start("register", "new", "--email", "new@mail.com", *form)
    assert process.stderr is not None
    assert process.stderr.readline() == "asleep\n"
    interrupt(process)
    done = finished(process)
    assert done.code == 130
    if form:
        assert done.err == ""
        assert done.document["error"]["code"] == "interrupted"
        message = done.document["error"]["message"]
    else:
        message = done.error
        assert "slow" in done.out
    assert "nothing was written" in message
    assert program.rows() == before
    assert program.files == {"demo.db", "driver.py"}


def test_a_receiver_that_exits_is_a_failing_receiver(driver: Driver) -> None:
    program = driver("@receiver(post_save, sender=User)\ndef leave(**kwargs): sys.exit(0)")
    done = program("register", "new", "--email", "new@mail.com", "--json")
    assert program.usernames == ["alice", "bob"]
    # Nothing was registered, so nobody may take it for done.
    assert (done.code, done.err) == (1, "")
    assert done.document["error"]["code"] == "receiver_failed"


def test_signals_sent_from_threads_and_tasks_are_nested_under_their_receivers(
    driver: Driver,
) -> None:
    done = driver(NESTING)("notify", "alice", "--json")
    assert (done.code, done.err) == (0, "")
    first, *others = done.work
    assert [(other["signal"], other["sender"], other["parent"]) for other in others] == [
        ("inner", "thread", {"seq": first["seq"], "receiver": "__main__.in_a_thread"}),
        ("inner", "task", {"seq": first["seq"], "receiver": "__main__.in_a_task"}),
    ]
    printed = {response["receiver"]: response["output"] for response in first["responses"]}
    assert printed["__main__.in_a_thread"] == "thread over\n"
    assert printed["__main__.in_a_task"] == "task over\n"
    for other in others:
        (response,) = other["responses"]
        assert (response["output"], response["value"]) == ("deep", "down here")


def test_nested_rows_are_indented_with_guides(driver: Driver) -> None:
    lines = driver(NESTING)("notify", "alice").lines_of_the_work
    lines = [re.sub(r" +[\d.]+ ms$", "", line) for line in lines]
    first = next(place for place, line in enumerate(lines) if "in_a_thread" in line)
    assert lines[first:] == [
        "1.2  ├─▶ in_a_thread",
        "2    │   ├─ inner from thread",
        "2.1  │   │  └─▶ deepest  at its end returned down here",
        "     │   │      └─ prints ┊ deep",
        "     │   └─ prints ┊ thread over",
        "1.3  └─▶ in_a_task",
        "3        ├─ inner from task",
        "3.1      │  └─▶ deepest  at its end returned down here",
        "         │      └─ prints ┊ deep",
        "         └─ prints ┊ task over",
        "Sent notification for alice in demo.db",
    ]


def test_a_user_who_loses_the_race_within_a_receiver_is_not_half_made(driver: Driver) -> None:
    # A receiver that itself stores the name that the command is about to store.
    program = driver(
        "@receiver(pre_save, sender=User)\n"
        "def rival(instance, session, **kwargs):\n"
        "    if instance.email != 'rival@mail.com':\n"
        "        session.add(User(username=instance.username, email='rival@mail.com'))\n"
    )
    done = program("register", "new", "--email", "new@mail.com", "--json")
    assert done.code != 0
    assert done.err == ""
    assert json.loads(done.out)["ok"] is False
    assert program.usernames == ["alice", "bob"]


def test_only_the_first_line_of_a_list_can_be_taken(filled: Program) -> None:
    piped = processes.run(
        ["bash", "-c", f"{sys.executable} -m signalcli list | head -1"],
        cwd=filled.folder,
        env=filled.environment(),
        check=True,
    )
    assert piped.stdout.split() == ["Username", "Email", "First", "name", "Last", "name", "Joined"]
    assert piped.stderr == ""


@pytest.mark.parametrize(
    "arguments",
    [("list",), ("list", "--json"), ("register", "new", "--email", "new@mail.com"), ("--help",)],
    ids=" ".join,
)
def test_a_closed_pipe_is_no_error(filled: Program, arguments: tuple[str, ...]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = processes.run(
            [*filled.command, *arguments],
            cwd=filled.folder,
            env=filled.environment(),
            stdout=writer,
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")
    assert ("new" in filled.usernames) == ("register" in arguments)


SCREAMING = """
@receiver(pre_save, sender=User)
def lower(instance, **kwargs):
    instance.username = instance.username.lower()
"""


def test_what_a_receiver_makes_of_a_name_is_what_is_registered(driver: Driver) -> None:
    program = driver(SCREAMING)
    done = program("register", "LOUD", "--email", "loud@mail.com")
    assert (done.code, done.err) == (0, "")
    assert done.lines[-1] == "Registered loud in demo.db. Sent notification"
    assert any("Hello loud <loud@mail.com>" in line for line in done.lines)
    assert "loud" in program.usernames


DUPLICATES = """
from signalcli.core.models import Profile
@receiver(post_save, sender=User)
def duplicate(instance, session, **kwargs):
    session.add(Profile(user_id=1))
"""


def test_a_row_that_a_receiver_leaves_and_the_database_refuses_is_a_receivers_fault(
    driver: Driver,
) -> None:
    program = driver(DUPLICATES)
    before = program.rows()
    for command in (
        ["update", "alice", "--email", "new@mail.com"],
        ["register", "n", "--email", "n@mail.com"],
    ):
        done = program(*command)
        assert done.code == 1
        assert "has to be unique is there already (core_profile.user_id)" in done.error
        assert "[SQL" not in done.error
        assert "nothing was written" in done.error
    assert program.rows() == before


CLOSING = """
@receiver(post_save, sender=User)
def close(session, **kwargs):
    session.close()
"""


def test_a_receiver_that_closes_the_session_fails_the_command(driver: Driver) -> None:
    program = driver(CLOSING)
    before = program.rows()
    done = program("update", "alice", "--email", "new@mail.com")
    assert done.code == 1
    assert "closed" in done.error
    assert program.rows() == before


LOUD = """
import subprocess
import typer
@receiver(notification)
def loud(**kwargs):
    typer.echo("echoed")
    print("flushed", flush=True)
    sys.stdout.buffer.write(b"raw" + bytes([10]))
    subprocess.run(["echo", "from another program"])
"""


@pytest.mark.parametrize("form", [(), ("--json",), ("--quiet",)])
def test_any_way_of_printing_leaves_the_answer_whole(driver: Driver, form: tuple[str, ...]) -> None:
    done = driver(LOUD)("notify", "alice", *form)
    assert done.code == 0
    if form == ("--quiet",):
        assert (done.out, done.err) == ("", "")
    elif form == ("--json",):
        (dispatch,) = done.work
        assert dispatch["responses"][1]["output"] == "echoed\nflushed\nraw\n"
    else:
        assert any(line.strip() == "┊ raw" for line in done.lines)


LATE = """
@receiver(notification)
def starts(**kwargs):
    def late():
        threading.main_thread().join()
        print("late")
        sys.stdout.flush()
        os.write(1, b"raw" + bytes([10]))
        os.write(2, b"ended" + bytes([10]))

    threading.Thread(target=late).start()
"""


@pytest.mark.parametrize(
    ("form", "err"),
    [(("--json",), "late\nraw\nended\n"), (("--quiet",), "ended\n")],
)
def test_a_thread_that_prints_after_the_answer_leaves_it_whole(
    driver: Driver, form: tuple[str, ...], err: str
) -> None:
    program = driver(LATE)
    done = finished(program.start("notify", "alice", *form))
    assert (done.code, done.err) == (0, err)
    if form == ("--json",):
        assert done.document["ok"] is True
    else:
        assert done.out == ""


def test_an_empty_database_name_is_never_the_default_one(forked_filled: Program) -> None:
    before = forked_filled.rows()
    for command in (["-d", "", "delete", "alice"], ["delete", "alice", "--database", ""]):
        done = forked_filled(*command)
        assert done.code == 5
        assert "empty" in done.error
    assert forked_filled.rows() == before


def test_a_process_that_is_told_to_end_puts_everything_in_order(driver: Driver) -> None:
    program = driver(SLEEPING)
    before = program.rows()
    process = program.start("update", "alice", "--email", "new@mail.com")
    assert process.stderr is not None
    assert "asleep" in process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    assert finished(process).code == 128 + signal.SIGTERM
    assert program.files >= {"demo.db"}
    assert not program.files & {"demo.db-wal", "demo.db-shm"}
    assert program.rows() == before


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_who_is_started_to_ignore_a_signal_does(driver: Driver, number: signal.Signals) -> None:
    # As nohup starts a program, or a shell without job control one in the background.
    program = driver(WAITING)
    beginning = ("/bin/sh", "-c", f'trap \'\' {number:d}; exec "$0" "$@"')
    process = Program(program.folder, (*beginning, *program.command)).start(
        "update", "alice", "--email", "new@mail.com", "--quiet"
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "asleep\n"
    process.send_signal(number)
    (program.folder / "go on").touch()
    assert finished(process) == Finished(0, "", "")
    assert program.select("SELECT email FROM core_user")[0] == ("new@mail.com",)


def test_reading_changes_no_other_programs_database(forked: Program) -> None:
    other = forked.folder / "other.db"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE notes (text)")
    connection.commit()
    connection.close()
    before = other.read_bytes()
    done = forked("list", "-d", "other.db")
    assert done.code == 5
    assert "lacks the table core_user" in done.error
    assert other.read_bytes() == before


PAUSING = """
@receiver(notification)
def pause(**kwargs):
    time.sleep(0.5)
"""


def test_forced_colours_on_a_pipe_move_no_cursor(driver: Driver) -> None:
    done = driver(PAUSING)("notify", "alice", env={"FORCE_COLOR": "1"})
    assert done.code == 0
    assert "\x1b[1m" in done.out
    # Nothing but colours: no cursor is hidden or moved, no line erased.
    assert set(re.findall(r"\x1b\[[?\d;]*([A-Za-z])", done.out)) == {"m"}


@pytest.mark.parametrize(
    ("signal", "command"),
    [
        ("post_save", ("register", "new", "--email", "new@mail.com")),
        ("post_save", ("update", "alice", "--first-name", "Al")),
        ("user_logged_out", ("logout", "alice")),
    ],
)
def test_a_receiver_that_removes_the_user_is_to_blame(
    driver: Driver, signal: str, command: tuple[str, ...]
) -> None:
    program = driver(
        f"from signalcli.core.signals import user_logged_out\n"
        f"def remove(session, **named):\n"
        f"    session.delete(named.get('instance') or named['user'])\n"
        f"    session.flush()\n"
        f"{signal}.connect(remove, sender=User)\n"
    )
    before = program.rows()
    done = program(*command)
    assert done.code == 1
    assert "a receiver removed the user" in done.error
    assert program.rows() == before
