"""Faults of our own: in the same forms as all other errors."""

import shlex
import subprocess
from pathlib import Path

import pytest

from tests import processes
from tests.cli.program import SIGNALCLI, Driver, Program

FAULT = """
def broken(*args, **kwargs):
    raise KeyError("profile")
users.find = broken
"""
NO_APPS = """
from signalcli.apps import apps
def broken(*args, **kwargs):
    raise ZeroDivisionError("of the registry")
apps.populate = broken
"""


@pytest.mark.parametrize("source", [FAULT, NO_APPS], ids=["in the work", "before the work"])
def test_an_internal_fault_is_one_line_that_says_where_to_report_it(
    driver: Driver, source: str
) -> None:
    program = driver(source)
    before = program.rows()
    done = program("delete", "alice")
    assert (done.code, done.lines_of_the_work) == (70, [])
    assert "KeyError: 'profile'" in done.error or "ZeroDivisionError" in done.error
    assert "driver.py:" in done.error
    assert "report" in done.error
    assert "SIGNALCLI_TRACEBACK=1" in done.error
    assert program.rows() == before


def test_the_document_of_an_internal_fault(driver: Driver) -> None:
    done = driver(FAULT)("show", "alice", "--json")
    assert (done.code, done.err) == (70, "")
    assert done.document["command"] == "show"
    assert done.document["error"]["code"] == "internal"
    assert "KeyError" in done.document["error"]["message"]


def test_the_traceback_is_shown_to_who_asks_for_it(driver: Driver) -> None:
    done = driver(FAULT)("show", "alice", env={"SIGNALCLI_TRACEBACK": "1"})
    assert (done.code, done.out) == (70, "")
    first, *_, last = done.err.splitlines()
    assert first == "Traceback (most recent call last):"
    assert last.startswith("error: internal fault")


def test_an_app_that_cannot_be_made_ready_is_named(driver: Driver) -> None:
    program = driver(
        "from signalcli.core.apps import CoreConfig\n"
        "def ready(self): raise LookupError('no receivers today')\n"
        "CoreConfig.ready = ready\n"
    )
    done = program("list")
    assert (done.code, done.out) == (2, "")
    assert "signalcli.core" in done.error
    assert "LookupError: no receivers today" in done.error


def shell(program: Program, line: str) -> subprocess.CompletedProcess[str]:
    """A line of a shell script, in which `$signalcli` is the installed program."""
    return processes.run(
        ["bash", "-c", line],
        env=program.environment(signalcli=str(SIGNALCLI)),
        cwd=program.folder,
    )


def test_a_closed_standard_output_is_no_failure(filled: Program) -> None:
    done = shell(filled, "exec >&-; $signalcli register new --email new@mail.com")
    assert (done.returncode, done.stderr) == (0, "")
    assert "new" in filled.usernames
    assert shell(filled, "exec >&-; $signalcli show nobody").returncode == 3


def test_a_closed_standard_error_changes_no_exit_code(filled: Program) -> None:
    assert shell(filled, "exec 2>&-; $signalcli show nobody").returncode == 3


def test_a_full_disk_under_standard_output_is_said_so_and_what_became_of_the_data(
    filled: Program,
) -> None:
    done = shell(filled, "$signalcli register new --email new@mail.com > /dev/full")
    assert done.returncode == 74
    assert done.stderr.splitlines() == [
        "error: the answer cannot be printed: No space left on device; the database was written"
    ]
    assert "new" in filled.usernames


@pytest.mark.parametrize("arguments", [("signals", "nope"), ("startapp", "no-name")])
def test_the_traceback_of_a_command_that_looks_up_is_shown_too(
    forked: Program, arguments: tuple[str, ...]
) -> None:
    done = forked(*arguments)
    shown = forked(*arguments, "--traceback")
    assert shown.err.startswith("Traceback (most recent call last):\n")
    assert shown.err.endswith(f"\nerror: {done.error}\n")
    assert (shown.code, shown.out) == (done.code, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
@pytest.mark.parametrize(
    ("command", "code"), [("show nobody", 3), ("nosuchcommand", 2), ("register xyz", 2)]
)
def test_where_standard_error_takes_nothing_the_exit_code_tells(
    filled: Program, command: str, code: int
) -> None:
    line = f"{shlex.join(filled.command)} {command} 2> /dev/full"
    run = processes.run(["sh", "-c", line], cwd=filled.folder, env=filled.environment())
    assert run.returncode == code
