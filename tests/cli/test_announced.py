"""Receivers of what every command sends: what they print and raise spoils no answer."""

import pytest

from tests.cli.program import Driver

CONNECTED = """
from signalcli.db import connection_created
@receiver(connection_created)
def greet(**kwargs):
    print("connected")
"""
REFUSING = """
from signalcli.db import connection_created
@receiver(connection_created)
def refuse(**kwargs):
    raise ValueError("no")
"""
LEAVING = """
from signalcli.apps.signals import command_started
@receiver(command_started)
def leave(**kwargs):
    sys.exit(0)
"""


@pytest.mark.parametrize(
    "arguments",
    [("notify", "alice"), ("list", "--trace"), ("show", "alice"), ("log",), ("log", "show")],
    ids=" ".join,
)
def test_what_a_receiver_of_a_connection_prints_is_no_part_of_the_document(
    driver: Driver, arguments: tuple[str, ...]
) -> None:
    done = driver(CONNECTED)(*arguments, "--json")
    assert (done.code, done.err) == (0, "")
    assert done.document["ok"] is True


def test_the_run_and_its_trace_are_all_that_hears_of_a_connection(driver: Driver) -> None:
    program = driver(CONNECTED)
    document = program("list", "--trace", "--json").document
    heard = [each for each in document["dispatches"] if each["responses"]]
    assert [each["signal"] for each in heard] == ["connection_created"]
    assert program("list", "--trace", "--quiet").out == ""


def test_a_connection_that_a_receiver_refuses_fails_the_run_and_is_kept(driver: Driver) -> None:
    program = driver(REFUSING)
    before = program.rows()
    done = program("delete", "alice")
    assert done.code == 1
    assert "refuse failed on connection_created of Engine: ValueError: no" in done.error
    assert program.rows() == before
    shown = program("log", "--ndjson", "--limit", "1")
    assert (shown.code, shown.err) == (0, "")
    assert [(run["run"], run["exit_code"]) for run in shown.objects] == [(3, 1)]


@pytest.mark.parametrize("command", ["signals", "log", "list", "apps"])
def test_a_receiver_that_leaves_as_a_command_starts_fails_it(driver: Driver, command: str) -> None:
    done = driver(LEAVING)(command)
    assert (done.code, done.out) == (1, "")
    assert "leave failed on command_started" in done.error
    assert "SystemExit" in done.error
