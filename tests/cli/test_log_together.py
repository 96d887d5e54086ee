"""Many processes that keep runs in one log, and processes that are killed in the middle."""

import shutil
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.program import PATIENT, Driver, Forked, Forker, Program, finished, of_the_work

PROCESSES, RUNS = 4, 50
SLEEPING = """
@receiver(post_save, sender=User)
def slow(username=None, **kwargs):
    print("asleep", file=sys.stderr, flush=True)
    time.sleep(3600)
"""


@pytest.fixture(scope="module")
def forkers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Forker]]:
    """What starts command lines, several at once."""
    forkers = [Forker(tmp_path_factory.mktemp("forker")) for _ in range(PROCESSES)]
    yield forkers
    for forker in forkers:
        forker.close()


def test_runs_of_many_processes_at_once_are_all_in_the_log(
    forkers: list[Forker], tmp_path: Path, filled_folder: Path
) -> None:
    folder = tmp_path
    shutil.copy(filled_folder / "demo.db", folder)

    def notify(forker: Forker) -> list[int]:
        program = Forked(folder, forker=forker)
        numbers = []
        for _ in range(RUNS):
            done = program("notify", "alice", "--json", env=PATIENT)
            assert (done.code, done.err) == (0, "")
            numbers.append(done.document["run"])
        return numbers

    with ThreadPoolExecutor(PROCESSES) as pool:
        by_process = list(pool.map(notify, forkers))
        for numbers in by_process:
            assert numbers == sorted(numbers)
        together = sorted(number for numbers in by_process for number in numbers)
        assert together == list(range(3, 3 + PROCESSES * RUNS))
        program = Forked(folder, forker=forkers[0])
        runs = program("log", "show", "--ndjson", "--limit", "1000").objects
    assert [run["run"] for run in runs] == list(range(2 + PROCESSES * RUNS, 0, -1))
    for run in runs[:-2]:
        assert run["outcome"] == "done"
        (dispatch,) = of_the_work(run["dispatches"])
        assert dispatch["signal"] == "notification"
        (response,) = dispatch["responses"]
        assert response["output"].endswith("Hello alice <alice@mail.com>\nNotified\n")
    assert {path.name for path in folder.iterdir()} == {"demo.db"}


def test_the_first_runs_of_a_database_may_come_at_once(
    forkers: list[Forker], tmp_path: Path
) -> None:
    folder = tmp_path / "work"
    folder.mkdir()

    def register(numbered: tuple[int, Forker]) -> int:
        number, forker = numbered
        program = Forked(folder, forker=forker)
        email = f"user{number}@mail.com"
        done = program("register", f"user{number}", "-e", email, "--json", env=PATIENT)
        assert (done.code, done.err) == (0, "")
        return int(done.document["run"])

    with ThreadPoolExecutor(PROCESSES) as pool:
        numbers = sorted(pool.map(register, enumerate(forkers)))
    assert numbers == [1, 2, 3, 4]


def test_a_process_that_is_killed_in_the_middle_of_a_run_leaves_a_readable_log(
    driver: Driver,
) -> None:
    program = driver(SLEEPING)
    before = program.rows()
    process = program.start("update", "alice", "--email", "new@mail.com")
    assert process.stderr is not None
    assert process.stderr.readline() == "asleep\n"
    process.kill()
    assert finished(process).code == -9
    assert [run["run"] for run in program("log", "--ndjson").objects] == [2, 1]
    assert program("log", "show").code == 0
    assert program("notify", "alice", "--json").document["run"] == 3
    assert program.rows() == before
    assert program.files == {"demo.db", "driver.py"}
    assert program.select("PRAGMA integrity_check") == [("ok",)]


def test_a_process_that_is_killed_as_it_waits_to_keep_its_run_leaves_a_readable_log(
    driver: Driver, filled: Program
) -> None:
    # What it prints last before it keeps the run shows that the command itself is over.
    program = driver(
        "@receiver(notification)\ndef last(**kwargs): print('last', file=sys.stderr, flush=True)\n"
    )
    reading = program.start("notify", "alice")
    assert reading.stderr is not None
    assert reading.stderr.readline() == "last\n"
    reading.kill()
    reading.communicate()
    runs = [run["run"] for run in filled("log", "--ndjson").objects]
    assert runs in ([2, 1], [3, 2, 1])
    assert program("notify", "alice", "--json").document["run"] == runs[0] + 1
    assert program.select("PRAGMA integrity_check") == [("ok",)]


def test_a_bounded_log_stays_bounded_with_many_processes(
    forkers: list[Forker], tmp_path: Path, filled_folder: Path
) -> None:
    folder = tmp_path
    shutil.copy(filled_folder / "demo.db", folder)

    def notify(forker: Forker) -> None:
        program = Forked(folder, forker=forker)
        for _ in range(5):
            done = program("notify", "alice", "--log-keep", "3", env=PATIENT)
            assert (done.code, done.err) == (0, "")

    with ThreadPoolExecutor(PROCESSES) as pool:
        list(pool.map(notify, forkers))
    with closing(sqlite3.connect(folder / "demo.db")) as connection:
        rows = connection.execute("SELECT run FROM signalcli_run ORDER BY run").fetchall()
        left = connection.execute("SELECT DISTINCT run FROM signalcli_dispatch").fetchall()
    assert rows == [(20,), (21,), (22,)]
    assert sorted(left) == rows
