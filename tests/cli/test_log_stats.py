"""Statistics over the log, taking runs out of it, and its lines for programs."""

import os
import shutil
import statistics
import sys
from math import ceil
from pathlib import Path
from typing import Any

import pytest

from tests import processes
from tests.cli.program import Driver, Forked, Forker, Program, with_receivers

BUSY = """
inner = Signal()

@receiver(inner)
def fails(**kwargs):
    raise LookupError("no way")

@receiver(inner)
async def answers(**kwargs):
    return 42

@receiver(notification)
def sends_on(username, **kwargs):
    print("x" * 3000)
    if username == "alice":
        inner.send_robust("somebody")

@receiver(notification)
def sulks(username, **kwargs):
    if username == "bob":
        raise ValueError("no")
"""
TALKING = """
for number in range(10):
    @receiver(notification, weak=False, dispatch_uid=str(number))
    def talks(**kwargs):
        print("x" * 4000)
"""
AROUND_A_FAILURE = {
    "command_started",
    "connection_created",
    "got_command_exception",
    "command_finished",
}


@pytest.fixture(scope="module")
def busy_folder(
    tmp_path_factory: pytest.TempPathFactory, filled_folder: Path, forker: Forker
) -> Path:
    """A folder whose database has a log with a few runs."""
    folder = tmp_path_factory.mktemp("busy")
    shutil.copy(filled_folder / "demo.db", folder)
    program = with_receivers(folder, BUSY, forker)
    for arguments in (
        ("notify", "alice"),
        ("notify", "bob"),
        ("notify", "alice", "--robust"),
        ("notify", "bob", "--robust"),
        ("update", "alice", "--first-name", "Al"),
        ("delete", "nobody"),
    ):
        program(*arguments, "-q")
    return folder


@pytest.fixture
def busy(busy_folder: Path, tmp_path: Path, forker: Forker) -> Program:
    """A program whose log has a few runs in it."""
    for name in ("demo.db", "driver.py"):
        shutil.copy(busy_folder / name, tmp_path)
    script = tmp_path / "driver.py"
    return Forked(tmp_path, (sys.executable, str(script)), forker, script)


def runs_of(program: Program, *arguments: str) -> list[dict[str, Any]]:
    return program("log", "show", "--ndjson", "--limit", "1000", *arguments).objects


def summary(kind: str, name: str, durations: list[float], failures: int) -> dict[str, Any]:
    durations = sorted(durations)
    return {
        kind: name,
        "calls": len(durations),
        "failures": failures,
        "median_ms": statistics.median(durations),
        "p95_ms": durations[ceil(len(durations) * 0.95) - 1],
        "slowest_ms": durations[-1],
    }


def reckoned(runs: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """What ``log stats`` should say of runs."""
    receivers: dict[str, list[dict[str, Any]]] = {}
    signals: dict[str, list[dict[str, Any]]] = {}
    for run in runs:
        for dispatch in run["dispatches"]:
            signals.setdefault(dispatch["signal_path"], []).append(dispatch)
            for response in dispatch["responses"]:
                receivers.setdefault(response["receiver"], []).append(response)
    return {
        "receivers": [
            summary(
                "receiver",
                name,
                [each["duration_ms"] for each in of],
                sum(each["error"] is not None for each in of),
            )
            for name, of in sorted(receivers.items())
        ],
        "signals": [
            summary(
                "signal",
                name,
                [each["duration_ms"] for each in of],
                sum(any(response["error"] for response in each["responses"]) for each in of),
            )
            for name, of in sorted(signals.items())
        ],
    }


def assert_agree(said: dict[str, Any], expected: dict[str, Any]) -> None:
    for kind in ("receivers", "signals"):
        assert len(said[kind]) == len(expected[kind])
        for one, other in zip(said[kind], expected[kind], strict=True):
            # A median between two rounded durations may be off by half of a microsecond.
            median, reckoned_median = one.pop("median_ms"), other.pop("median_ms")
            assert median == pytest.approx(reckoned_median, abs=0.00151)
            assert one == other


class TestStatistics:
    def test_they_agree_with_the_log(self, busy: Program) -> None:
        said = busy("log", "stats", "--json").document["result"]
        expected = reckoned(runs_of(busy))
        assert {row["receiver"]: row["failures"] for row in expected["receivers"]} == {
            "__main__.answers": 0,
            "__main__.fails": 2,
            "__main__.sends_on": 0,
            "__main__.sulks": 2,
            "signalcli.core.signals.create_profile": 0,
            "signalcli.core.signals.show_notification": 0,
            "signalcli.core.signals.update_profile": 0,
        }
        assert_agree(said, expected)

    @pytest.mark.parametrize(
        ("filters", "receivers", "signals"),
        [
            (("--receiver", "s[eu]*"), {"sends_on", "sulks"}, {"notification"}),
            (("--receiver", "*.show_*"), {"show_notification"}, {"notification"}),
            (("--receiver", "__main__.fails"), {"fails"}, {"inner"}),
            (("--signal", "inner"), {"fails", "answers"}, {"inner"}),
            (("--sender", "somebody"), {"fails", "answers"}, {"inner"}),
            (("--user", "nobody"), set(), AROUND_A_FAILURE),
            (("--user", "nobody.at.all"), set(), set()),
            (("--since", "0s"), set(), set()),
            (
                ("--signal", "pre_*", "--since", "1d"),
                set(),
                {"pre_init", "pre_save", "pre_migrate"},
            ),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
    )
    def test_filters_choose_what_counts(
        self, busy: Program, filters: tuple[str, ...], receivers: set[str], signals: set[str]
    ) -> None:
        said = busy("log", "stats", "--json", *filters).document["result"]
        short = [row["receiver"].rpartition(".")[2] for row in said["receivers"]]
        sent = [row["signal"].rpartition(".")[2] for row in said["signals"]]
        assert (set(short), set(sent)) == (receivers, signals)
        everything = busy("log", "stats", "--json").document["result"]
        if "--user" not in filters and "--since" not in filters:
            assert all(row in everything["receivers"] for row in said["receivers"])
        if not signals:
            done = busy("log", "stats", *filters)
            assert (done.code, done.err) == (0, "")
            assert done.out.startswith("there are no runs that match the filters")

    def test_a_users_runs_are_counted_alone(self, busy: Program) -> None:
        said = busy("log", "stats", "--json", "--user", "bob").document["result"]
        assert_agree(said, reckoned(runs_of(busy, "--user", "bob")))

    def test_the_table_says_the_same(self, busy: Program) -> None:
        said = busy("log", "stats", "--json").document["result"]
        done = busy("log", "stats")
        assert (done.code, done.err) == (0, "")
        for row in said["receivers"]:
            short = row["receiver"].rpartition(".")[2]
            (line,) = [line for line in done.lines if line.startswith(f"{short} ")]
            words = line.split()
            assert words[1] == str(row["calls"])
            assert (words[2] == str(row["failures"])) is (row["failures"] > 0)
            assert any(bar in line for bar in "▁▂▃▄▅▆▇█")
        fastest_first = min(row["median_ms"] for row in said["receivers"])
        assert f"{fastest_first:.2f} ms" in done.out

    def test_bars_are_of_ascii_where_the_terminal_is(self, busy: Program) -> None:
        program = Program(busy.folder, busy.command)
        done = program("log", "stats", env={"PYTHONIOENCODING": "ascii", "LC_ALL": "C"})
        assert (done.code, done.err) == (0, "")
        assert done.out.isascii()
        # Nothing but itself was meant: nothing had to be spelled out.
        assert "\\u" not in done.out
        (line,) = [line for line in done.lines if line.startswith("sends_on")]
        assert set(line.rpartition("ms")[2]) & set(".:-=+*#@")

    def test_an_empty_log_is_a_line(self, forked: Program) -> None:
        done = forked("log", "stats")
        assert (done.code, done.err) == (0, "")
        assert done.out.startswith(
            f"there are no runs in the signal log: there is no demo.db in {forked.folder}. "
        )


class TestPrune:
    def test_all_but_the_last_runs_go(self, busy: Program) -> None:
        rows = busy.rows()
        done = busy("log", "prune", "--keep", "3", "--json")
        assert (done.code, done.err) == (0, "")
        gone = done.document["result"]
        assert gone["runs"] == 5
        assert [run["run"] for run in busy("log", "--ndjson").objects] == [8, 7, 6]
        assert busy.rows() == rows
        for table in ("dispatch", "response", "run_user"):
            assert busy.select(f"SELECT COUNT(*) FROM signalcli_{table} WHERE run < 6") == [(0,)]
        assert busy("notify", "alice", "--json").document["run"] == 9

    def test_it_says_what_it_removed(self, busy: Program) -> None:
        runs = runs_of(busy)
        dispatches = sum(run["counts"]["dispatches"] for run in runs)
        responses = sum(run["counts"]["responses"] for run in runs)
        done = busy("log", "prune", "--keep", "0")
        assert (done.code, done.err) == (0, "")
        assert done.out.startswith(
            f"Removed 8 runs with {dispatches} dispatches and {responses} responses; gave "
        )
        assert busy("log").out == "there are no runs in the signal log of demo.db\n"
        # Nothing is left, and the numbers go on.
        for table in ("run", "run_user", "dispatch", "response", "route"):
            assert busy.select(f"SELECT COUNT(*) FROM signalcli_{table}") == [(0,)]
        assert busy("notify", "bob", "--json").document["run"] == 9

    def test_the_file_gets_smaller(self, driver: Driver) -> None:
        program = driver(TALKING)
        for _ in range(5):
            program("notify", "alice", "-q")
        before = program.database.stat().st_size
        done = program("log", "prune", "--keep", "1", "--json")
        after = program.database.stat().st_size
        assert after < before - 100_000
        assert done.document["result"]["bytes_given_back"] == before - after
        assert program.files == {"demo.db", "driver.py"}
        assert program.usernames == ["alice", "bob"]

    def test_those_that_ended_long_ago_go(self, busy: Program) -> None:
        assert busy("log", "prune", "--older-than", "1h", "--json").document["result"]["runs"] == 0
        begun = {run["run"]: run["begun"] for run in busy("log", "--ndjson").objects}
        # The one before ended before this one began.
        done = busy("log", "prune", "--older-than", begun[6])
        assert done.out.startswith("Removed 5 runs with ")
        assert [run["run"] for run in busy("log", "--ndjson").objects] == [8, 7, 6]
        done = busy("log", "prune", "--older-than", "0s", "--quiet")
        assert (done.code, done.out, done.err) == (0, "", "")
        assert busy("log", "--ndjson").out == ""

    @pytest.mark.parametrize(
        "arguments",
        [
            (),
            ("--keep", "1", "--older-than", "1d"),
            ("--keep", "-1"),
            ("--keep", "some"),
            ("--keep", "99999999999999999999999"),
            ("--older-than", "some"),
        ],
        ids=" ".join,
    )
    def test_what_makes_no_sense_removes_nothing(
        self, forked_filled: Program, arguments: tuple[str, ...]
    ) -> None:
        done = forked_filled("log", "prune", *arguments)
        assert (done.code, done.out) == (2, "")
        assert "--keep" in done.error or "--older-than" in done.error
        as_document = forked_filled("log", "prune", *arguments, "--json")
        assert (as_document.code, as_document.err) == (2, "")
        assert as_document.document["error"]["code"] == "usage"
        assert forked_filled.select("SELECT COUNT(*) FROM signalcli_run") == [(2,)]

    def test_keeping_more_than_there_is_removes_nothing(self, forked_filled: Program) -> None:
        done = forked_filled("log", "prune", "--keep", "100")
        assert done.code == 0
        assert done.out.startswith("Removed 0 runs with 0 dispatches and 0 responses")


@pytest.mark.parametrize(
    "arguments", [("log", "--ndjson"), ("log", "show", "-n", "99", "--ndjson")]
)
def test_the_first_line_alone_can_be_taken(busy: Program, arguments: tuple[str, ...]) -> None:
    shell = processes.run(
        [
            "bash",
            "-c",
            f"{' '.join([*busy.command, *arguments])} | head -1; exit ${{PIPESTATUS[0]}}",
        ],
        cwd=busy.folder,
        env=busy.environment(),
    )
    assert (shell.returncode, shell.stderr) == (0, "")
    assert shell.stdout == busy(*arguments).lines[0] + "\n"


@pytest.mark.parametrize("form", [("--ndjson",), ()], ids=["lines", "people"])
def test_a_reader_that_has_gone_is_no_error(filled: Program, form: tuple[str, ...]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = processes.run(
            [*filled.command, "log", *form],
            cwd=filled.folder,
            env=filled.environment(),
            stdout=writer,
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_line_is_an_object_for_any_reader_of_lines(driver: Driver) -> None:
    program = driver("@receiver(notification)\ndef odd(**kwargs): return 'a\\u2028b\\u0085c\\x0bd'")
    program("notify", "alice", "-q")
    for arguments in (("log", "--ndjson"), ("log", "show", "-n", "9", "--ndjson")):
        done = program(*arguments)
        assert len(done.out.splitlines()) == done.out.count("\n") == 3
        assert [run["run"] for run in done.objects] == [3, 2, 1]


@pytest.mark.parametrize(
    "arguments", [(), ("show",), ("stats",), ("prune", "--keep", "1"), ("export", "-f", "mermaid")]
)
def test_one_document_stands_for_each_command_of_the_log(
    forked_filled: Program, arguments: tuple[str, ...]
) -> None:
    done = forked_filled("log", *arguments, "--json")
    assert (done.code, done.err) == (0, "")
    document = done.document
    assert list(document) == ["ok", "command", "run", "result", "dispatches", "error"]
    assert (document["ok"], document["error"]) == (True, None)
    assert document["command"] == " ".join(["log", *arguments[:1]])
