"""The signals around a command: who hears of what, and what a receiver that fails there does."""

import ast
import signal
from typing import Any

import pytest

from tests.cli.program import Driver, Finished, Program, finished

# Receivers that write down what they hear, in the order in which they do.
NOTING = """
from signalcli.apps.signals import command, command_finished, command_started
from signalcli.apps.signals import got_command_exception
from signalcli.db import connection_created

@receiver([command_started, got_command_exception, command_finished])
def note(signal, sender, **named):
    assert sender is command(named["command"])
    if "exception" in named:
        named["exception"] = type(named["exception"]).__name__
    with open("heard", "a") as file:
        print({**named, "signal": signal.name}, file=file)
"""
FAILING = """
from signalcli.apps.signals import command, command_finished, command_started
from signalcli.apps.signals import got_command_exception

@receiver({signal})
def sulk(**kwargs):
    raise LookupError("not today")
"""
SLEEPING = """
@receiver(notification)
def slow(**kwargs):
    print("asleep", file=sys.stderr, flush=True)
    time.sleep(3600)
"""


def heard(program: Program) -> list[dict[str, Any]]:
    """What the receivers wrote down since this was last asked."""
    file = program.folder / "heard"
    told = [ast.literal_eval(line) for line in file.read_text().splitlines()]
    file.unlink()
    return told


def started(*arguments: str, command: str = "") -> dict[str, Any]:
    return {
        "signal": "command_started",
        "command": command or arguments[0],
        "arguments": list(arguments),
    }


def ended(command: str, exit_code: int) -> dict[str, Any]:
    return {"signal": "command_finished", "command": command, "exit_code": exit_code}


def excepted(command: str, exception: str) -> dict[str, Any]:
    return {"signal": "got_command_exception", "command": command, "exception": exception}


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (("notify", "alice"), "notify"),
        (("list",), "list"),
        (("show", "alice", "--trace"), "show"),
        (("signals",), "signals"),
        (("receivers", "--json"), "receivers"),
        (("log",), "log"),
        (("log", "show", "--ndjson"), "log show"),
        (("log", "stats", "--quiet"), "log stats"),
        (("log", "prune", "--keep", "1"), "log prune"),
        (("log", "export", "-f", "json"), "log export"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_command_is_announced_at_its_start_and_end(
    driver: Driver, arguments: tuple[str, ...], command: str
) -> None:
    program = driver(NOTING)
    done = program(*arguments)
    assert (done.code, done.err) == (0, "")
    assert heard(program) == [started(*arguments, command=command), ended(command, 0)]


@pytest.mark.parametrize(
    ("arguments", "exception", "code"),
    [
        (("notify", "nobody"), "UserNotFound", 3),
        (("show", "nobody"), "UserNotFound", 3),
        (("update", "alice", "--email", "nonsense"), "InvalidValue", 2),
        (("register", "alice", "-e", "a@mail.com"), "UserExists", 4),
        (("signals", "nope"), "NotFound", 3),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_an_exception_that_ends_a_command_is_announced(
    driver: Driver, arguments: tuple[str, ...], exception: str, code: int
) -> None:
    program = driver(NOTING)
    for form in ((), ("--json",)):
        done = program(*arguments, *form)
        assert done.code == code
        told = heard(program)
        command = arguments[0]
        assert told == [
            started(*arguments, *form),
            excepted(command, exception),
            ended(command, code),
        ]
        if form:
            assert (done.err, done.document["ok"]) == ("", False)


def test_a_receiver_that_ends_a_command_is_announced(driver: Driver) -> None:
    program = driver(
        NOTING + "@receiver(notification)\ndef no(**kwargs): raise OSError('no mail')\n"
    )
    assert program("notify", "alice").code == 1
    assert heard(program)[1:] == [excepted("notify", "OSError"), ended("notify", 1)]


def test_a_robust_failure_is_no_exception_that_ends_the_command(driver: Driver) -> None:
    program = driver(
        NOTING + "@receiver(notification)\ndef no(**kwargs): raise OSError('no mail')\n"
    )
    assert program("notify", "alice", "--robust").code == 1
    assert heard(program)[1:] == [ended("notify", 1)]


def test_a_command_that_cannot_begin_is_announced_to_nobody(driver: Driver) -> None:
    program = driver(NOTING)
    assert program("notify").code == 2
    assert program("notify", "alice", "--nonsense").code == 2
    assert program("notify", "alice", "-d", "missing/demo.db").code == 5
    assert not (program.folder / "heard").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_command_that_is_interrupted_is_announced_at_its_end(
    driver: Driver, number: signal.Signals
) -> None:
    program = driver(NOTING + SLEEPING)
    process = program.start("notify", "alice")
    assert process.stderr is not None
    assert process.stderr.readline() == "asleep\n"
    process.send_signal(number)
    done = finished(process)
    assert done.code == (130 if number is signal.SIGINT else 128 + number)
    assert heard(program) == [started("notify", "alice"), ended("notify", done.code)]


def test_a_receiver_may_listen_to_one_command_alone(driver: Driver) -> None:
    program = driver(FAILING.format(signal='command_started, sender=command("register")'))
    assert program("notify", "alice").code == 0
    done = program("register", "new", "-e", "new@mail.com")
    assert done.code == 1
    assert "sulk failed on command_started of register: LookupError: not today" in done.error


def failed_on(done: Finished, name: str) -> None:
    assert done.code == 1
    if done.out.startswith("{"):
        assert done.err == ""
        assert done.document["error"]["code"] == "receiver_failed"
        message = done.document["error"]["message"]
    else:
        message = done.error
    assert f"__main__.sulk failed on {name} of " in message
    assert "LookupError: not today (driver.py:" in message


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["people", "programs"])
class TestFailingReceivers:
    def test_of_the_start_stop_the_work(self, driver: Driver, form: tuple[str, ...]) -> None:
        program = driver(FAILING.format(signal="command_started"))
        before = program.rows()
        for arguments in (
            ("register", "new", "-e", "new@mail.com"),
            ("list",),
            ("signals",),
            ("log", "prune", "--keep", "0"),
        ):
            failed_on(program(*arguments, *form), "command_started")
        assert program.rows() == before
        assert program.select("SELECT COUNT(*) FROM signalcli_run") == [(3,)]

    def test_of_the_end_take_back_nothing(self, driver: Driver, form: tuple[str, ...]) -> None:
        program = driver(FAILING.format(signal="command_finished"))
        done = program("register", "new", "-e", "new@mail.com", *form)
        failed_on(done, "command_finished")
        assert "what was committed before stays" in done.out + done.err
        assert program.usernames == ["alice", "bob", "new"]
        for arguments in (("list",), ("signals",), ("log",)):
            done = program(*arguments, *form)
            failed_on(done, "command_finished") if form else None
            assert done.code == 1
            # What was found is shown all the same.
            assert len(done.out.splitlines()) >= 1

    def test_of_an_exception_leave_the_exit_code(
        self, driver: Driver, form: tuple[str, ...]
    ) -> None:
        program = driver(FAILING.format(signal="got_command_exception"))
        for arguments in (("notify", "nobody"), ("show", "nobody"), ("signals", "nope")):
            done = program(*arguments, *form)
            assert done.code == 3
            assert "no" in (done.document["error"]["message"] if form else done.error)


CONNECTED = """
from signalcli.db import connection_created

@receiver(connection_created)
def opened(connection, sender, using, **kwargs):
    print("opened", type(connection).__name__, sender.__name__, using, file=sys.stderr)
    {more}
"""


def test_a_connection_is_announced_once_with_what_it_is(driver: Driver) -> None:
    program = driver(
        CONNECTED.format(more="assert connection.execute('SELECT 1').fetchone() == (1,)")
    )
    done = program("register", "new", "-e", "new@mail.com")
    assert (done.code, done.err) == (0, "opened Connection Engine sqlite:///demo.db\n")
    assert program("signals").err == ""


@pytest.mark.parametrize(
    "fault", ["raise LookupError('not today')", "connection.execute('SELECT 1 FROM nowhere')"]
)
def test_a_receiver_of_the_connection_that_fails_ends_the_command(
    driver: Driver, fault: str
) -> None:
    program = driver(CONNECTED.format(more=fault))
    before = program.rows()
    for arguments in (("register", "new", "-e", "new@mail.com"), ("list",)):
        done = program(*arguments, "--no-log", "--json")
        assert done.code == 1
        assert done.document["error"]["code"] == "receiver_failed"
        assert (
            "opened failed on connection_created of Engine" in (done.document["error"]["message"])
        )
    assert program.rows() == before
