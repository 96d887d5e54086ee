"""Runs of other processes, seen as they complete."""

import json
import queue
import sqlite3
import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.cli.program import Driver, Program, Terminal, finished, interrupt, wait_until_it_waits
from tests.processes import PATIENCE_SECONDS, finish

FAILING = """
@receiver(notification)
def sulk(username, **kwargs):
    if username == "bob":
        raise ValueError("not today")
"""
TELLING_OF_PAUSES = """
pause = time.sleep

def telling(seconds):
    os.write(2, b"waiting\\n")
    pause(seconds)

time.sleep = telling
"""


class Follower:
    """``log follow`` under way, and the lines that it has printed.

    Arguments:
        program: the program.
        arguments: those after ``log follow``.
    """

    def __init__(self, program: Program, *arguments: str) -> None:
        self.process = program.start("log", "follow", *arguments)
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)

    def line(self, seconds: float = PATIENCE_SECONDS) -> str:
        """The next line, as soon as it is there."""
        return self._lines.get(timeout=seconds)

    def run(self) -> dict[str, Any]:
        """The run on the next line."""
        run: dict[str, Any] = json.loads(self.line())
        return run

    def first_run(self, make: Callable[[], object]) -> int:
        """Make runs until one is seen, for those from before the beginning are not; its number."""
        while self.process.poll() is None:
            make()
            try:
                return int(json.loads(self.line(0.2))["run"])
            except queue.Empty:
                pass
        raise EOFError

    def rest(self) -> list[str]:
        """What else there is when it has ended."""
        lines = []
        while not self._lines.empty():
            lines.append(self._lines.get())
        return lines

    def finish(self) -> tuple[int, str]:
        """Wait for the end; the exit code, and what was said on standard error."""
        self._reader.join(PATIENCE_SECONDS)
        _, error = finish(self.process)
        return self.process.returncode, error

    def end(self) -> None:
        """What Ctrl-C does; it is the ordinary end, and says nothing but the exit code."""
        interrupt(self.process)
        assert self.finish() == (130, "")


def last_run(program: Program) -> int:
    ((number,),) = program.select("SELECT MAX(run) FROM signalcli_run")
    return int(number)


def test_runs_are_seen_as_they_complete_one_object_a_line(
    filled: Program, forked_filled: Program
) -> None:
    follower = Follower(filled, "--json")
    number = follower.first_run(lambda: forked_filled("notify", "alice"))
    assert number > 2
    # While it was waited for the first one, others may have come.
    for expected in range(number + 1, last_run(filled) + 1):
        assert follower.run()["run"] == expected
    for arguments in (("update", "bob", "--first-name", "Bo"), ("notify", "nobody")):
        done = forked_filled(*arguments, "--json")
        run = follower.run()
        assert run["run"] == done.document["run"]
        assert run["command"] == arguments[0]
        assert run["exit_code"] == done.code
        assert run["dispatches"] == done.document["dispatches"]
    # Runs that are not kept, and what is no run, are not seen.
    forked_filled("notify", "alice", "--no-log")
    forked_filled("list")
    assert follower.process.poll() is None
    follower.end()
    assert follower.rest() == []


def test_what_is_in_the_log_comes_first_where_a_time_is_said(
    filled: Program, forked_filled: Program
) -> None:
    forked_filled("notify", "alice")
    follower = Follower(filled, "--json", "--since", "1d")
    assert [follower.run()["run"] for _ in range(3)] == [1, 2, 3]
    forked_filled("notify", "bob")
    run = follower.run()
    assert (run["run"], run["users"]) == (4, ["bob"])
    follower.end()


def test_filters_choose_which_runs_are_seen(driver: Driver) -> None:
    program = driver(FAILING)
    follower = Follower(program, "--json", "--since", "1d", "--failed", "--receiver", "sulk")
    for arguments in (
        ("notify", "alice"),
        ("notify", "bob"),
        ("notify", "nobody"),
        ("update", "bob", "--first-name", "Bo"),
        ("notify", "bob", "--robust"),
    ):
        program(*arguments, "-q")
    assert [follower.run()["run"] for _ in range(2)] == [4, 7]
    follower.end()
    assert follower.rest() == []


def test_it_ends_after_so_many_runs(filled: Program, forked_filled: Program) -> None:
    process = filled.start("log", "follow", "--limit", "3", "--since", "1d", "--json")
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["run"] == 1
    assert json.loads(process.stdout.readline())["run"] == 2
    forked_filled("notify", "alice")
    forked_filled("notify", "alice")
    done = finished(process)
    assert (done.code, done.err) == (0, "")
    assert [run["run"] for run in done.objects] == [3]


def test_people_see_each_run_under_a_heading(driver: Driver) -> None:
    program = driver(FAILING)
    ran = [program("notify", "alice"), program("notify", "bob")]
    process = program.start("log", "follow", "--limit", "4", "--since", "1d", "--user", "*")
    done = finished(process)
    assert (done.code, done.err) == (0, "")
    headings = [line for line in done.lines if line.startswith("Run ")]
    assert [line.split()[1] for line in headings] == ["1", "2", "3", "4"]
    assert headings[2].endswith("· done · notify alice")
    assert headings[3].endswith("· rolled back, exit code 1 · notify bob")
    for one in ran:
        assert one.out in done.out
    assert f"error: {ran[1].error}" in done.lines


def test_a_terminal_shows_runs_until_ctrl_c(filled: Program, forked_filled: Program) -> None:
    terminal = Terminal(filled, "log", "follow", "--since", "1d")
    terminal.wait_for("Run 2")
    forked_filled("notify", "alice")
    terminal.wait_for("Run 3")
    terminal.wait_for("Sent notification for alice in demo.db")
    terminal.process.sendintr()
    code, lines = terminal.finish(), terminal.lines_as_sent()
    assert code == 130
    assert not any("error" in line or "Traceback" in line for line in lines)
    assert max(map(len, lines)) <= 80


def test_a_database_that_does_not_exist_yet_is_waited_for(
    signalcli: Program, forked: Program
) -> None:
    follower = Follower(signalcli, "--json")
    numbers = iter(range(100))

    def register() -> None:
        name = f"user{next(numbers)}"
        assert forked("register", name, "-e", f"{name}@mail.com").code == 0

    first = follower.first_run(register)
    for expected in range(first + 1, last_run(signalcli) + 1):
        assert follower.run()["run"] == expected
    register()
    assert follower.run()["run"] == last_run(signalcli)
    follower.end()


def test_waiting_for_a_database_makes_none(driver: Driver) -> None:
    program = driver(TELLING_OF_PAUSES)
    process = program.start("log", "follow", "--since", "1d", "--database", "missing.db")
    for _ in range(4):
        wait_until_it_waits(process)
    assert program.files == {"demo.db", "driver.py"}
    interrupt(process)
    done = finished(process)
    assert (done.code, done.out) == (130, "")
    assert set(done.err.splitlines()) <= {"waiting"}


def test_a_database_that_takes_the_place_of_another_is_followed(
    filled: Program, forked_filled: Program
) -> None:
    forked_filled("notify", "alice")
    other = filled.folder / "other.db"
    assert forked_filled("register", "zoe", "-e", "zoe@mail.com", "-d", "other.db").code == 0
    follower = Follower(filled, "--json", "--since", "1d")
    assert [follower.run()["run"] for _ in range(3)] == [1, 2, 3]
    other.rename(filled.database)
    run = follower.run()
    assert (run["run"], run["users"]) == (1, ["zoe"])
    follower.end()


@pytest.mark.parametrize("form", [("--json",), ()], ids=["programs", "people"])
def test_it_ends_when_nobody_reads_any_more(filled: Program, form: tuple[str, ...]) -> None:
    process = filled.start("log", "follow", "--since", "1d", *form)
    assert process.stdout is not None
    assert process.stdout.readline()
    process.stdout.close()
    assert process.wait(PATIENCE_SECONDS) == 0
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stderr.close()


def test_it_ends_when_it_is_told_to(filled: Program) -> None:
    process = filled.start("log", "follow", "--since", "1d", "--json")
    assert process.stdout is not None
    assert process.stdout.readline()
    process.terminate()
    assert finished(process).code == 143
    assert filled.files == {"demo.db"}


def test_following_keeps_nobody_from_writing_and_leaves_no_files(
    filled: Program, forked_filled: Program
) -> None:
    follower = Follower(filled, "--json", "--since", "1d")
    assert follower.run()["run"] == 1
    for _ in range(5):
        assert forked_filled("notify", "alice").err == ""
    pruned = forked_filled("log", "prune", "--keep", "2", "--json")
    assert pruned.document["result"]["runs"] == 5
    done = forked_filled("notify", "bob", "--json")
    while follower.run()["run"] < done.document["run"]:
        pass
    follower.end()
    # The next one to close it takes the side files with it.
    assert forked_filled("notify", "bob").code == 0
    assert filled.files == {"demo.db"}


def test_a_log_of_a_newer_version_ends_it(filled: Program) -> None:
    follower = Follower(filled, "--json", "--since", "1d")
    assert [follower.run()["run"] for _ in range(2)] == [1, 2]
    connection = sqlite3.connect(filled.database)
    connection.execute("UPDATE signalcli_schema SET version = 99")
    connection.commit()
    connection.close()
    code, error = follower.finish()
    assert code == 5
    assert error.startswith("error: the signal log has version 99")
    assert error.count("\n") == 1


def test_a_limit_beyond_all_numbers_is_no_fault(forked_filled: Program) -> None:
    done = forked_filled("log", "follow", "--since", "1d", "--limit", "9" * 23)
    assert done.code == 2
    assert "--limit" in done.error
