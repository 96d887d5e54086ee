"""Finding runs: each filter of ``log`` and ``log show``, and all that they make together."""

import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.program import Forked, Forker, Program, with_receivers

RECEIVERS = """
if "sulking" in os.environ.get("MOOD", ""):
    @receiver(notification)
    def sulk(**kwargs):
        raise ValueError("not today")

if "strict" in os.environ.get("MOOD", ""):
    @receiver(post_save, sender=User)
    def audit(**kwargs):
        raise RuntimeError("no audit")

if "sleepy" in os.environ.get("MOOD", ""):
    @receiver(notification)
    def doze(**kwargs):
        pass
"""
# What the log has in it: the mood of the receivers, and the command. The numbers begin with 3, for
# alice and bob were registered before; the first two ended a week ago. One receiver is slow.
RUNS = [
    ("", ("notify", "alice")),
    ("sulking", ("notify", "alice", "--robust")),
    ("sulking", ("notify", "bob")),
    ("", ("update", "bob", "--first-name", "Robert")),
    ("strict", ("register", "zoe", "-e", "zoe@mail.com")),
    ("", ("notify", "nobody")),
    ("sleepy", ("notify", "alice")),
    ("", ("register", "alice.jones", "-e", "jones@mail.com")),
    ("", ("delete", "bob")),
    ("", ("update", "alice.jones", "--username", "Ann-Marie")),
    ("", ("list", "--trace")),
]
ALL = list(range(13, 0, -1))
WEEK = timedelta(days=7)


@pytest.fixture(scope="module")
def log_folder(
    tmp_path_factory: pytest.TempPathFactory, filled_folder: Path, forker: Forker
) -> Path:
    """A folder whose database has a run of every kind in its log."""
    folder = tmp_path_factory.mktemp("log")
    shutil.copy(filled_folder / "demo.db", folder)
    program = with_receivers(folder, RECEIVERS, forker)
    for mood, arguments in RUNS:
        program(*arguments, env={"MOOD": mood})
    with closing(sqlite3.connect(folder / "demo.db")) as connection:
        long_ago = (datetime.now(UTC).replace(tzinfo=None) - WEEK).isoformat(" ")
        connection.execute(
            "UPDATE signalcli_run SET begun = ?, ended = ? WHERE run <= 2", (long_ago, long_ago)
        )
        # Of a busy machine any receiver may be slow.
        connection.execute(
            "UPDATE signalcli_response SET seconds = CASE WHEN route IN "
            "(SELECT route FROM signalcli_route WHERE receiver LIKE '%doze') THEN 0.6 ELSE 0.1 END"
        )
        connection.commit()
    return folder


@pytest.fixture
def logged(log_folder: Path, forked: Forked) -> Program:
    """The program, in a folder whose database has a run of every kind in its log."""
    shutil.copy(log_folder / "demo.db", forked.database)
    return forked


def found(program: Program, *arguments: str, env: dict[str, str] | None = None) -> list[int]:
    """The numbers of the runs that ``log`` finds."""
    done = program("log", "--ndjson", *arguments, env=env)
    assert (done.code, done.err) == (0, "")
    return [run["run"] for run in done.objects]


@pytest.mark.parametrize(
    ("filters", "runs"),
    [
        ((), ALL),
        (("--signal", "notification"), [10, 9, 5, 4, 3, 2, 1]),
        (("--signal", "signalcli.core.signals.notification"), [10, 9, 5, 4, 3, 2, 1]),
        (("--signal", "*.notification"), [10, 9, 5, 4, 3, 2, 1]),
        (("--signal", "*_delete"), [11]),
        (("--signal", "pre_sav?"), [12, 10, 7, 6, 2, 1]),
        (("--signal", "Notification"), []),
        (("--signal", "command_started"), ALL),
        (("--signal", "got_command_exception"), [8, 7, 5]),
        (("--signal", "command_finished", "--sender", "notify"), [9, 8, 5, 4, 3]),
        (("--signal", "p*_migrate"), [1]),
        (("--sender", "User", "--signal", "pre_delete"), [11]),
        (("--sender", "Prof*", "--signal", "post_save"), [12, 10, 6, 2, 1]),
        (("--sender", "Prof*", "--receiver", "*_profile"), []),
        (("--receiver", "create_profile"), [12, 10, 7, 6, 2, 1]),
        (("--receiver", "create_*"), [12, 10, 7, 6, 2, 1]),
        (("--receiver", "signalcli.core.signals.create_profile"), [12, 10, 7, 6, 2, 1]),
        (("--receiver", "__main__.*"), [9, 7, 5, 4]),
        (("--receiver", "*[ks]"), [5, 4]),
        (("--receiver", "profile"), []),
        (("--user", "alice"), [9, 4, 3, 1]),
        (("--user", "alice*"), [12, 10, 9, 4, 3, 1]),
        (("--user", "[ab]*"), [12, 11, 10, 9, 6, 5, 4, 3, 2, 1]),
        (("--user", "ann-marie"), []),
        (("--user", "Ann-Marie"), [12]),
        (("--user", "nobody"), [8]),
        (("--user", "zoe"), [7]),
        # Those that failed robustly, and those that found nothing, too.
        (("--failed",), [8, 7, 5, 4]),
        (("--failed", "--signal", "notification"), [5, 4]),
        (("--failed", "--receiver", "sulk"), [5, 4]),
        (("--failed", "--receiver", "show_notification"), []),
        (("--failed", "--sender", "User", "--signal", "post_save"), [7]),
        (("--failed", "--user", "bob"), [5]),
        (("--failed", "--user", "nobody"), [8]),
        (("--slower-than", "500ms"), [9]),
        (("--slower-than", "0.5s"), [9]),
        (("--slower-than", "500000 us"), [9]),
        (("--slower-than", "1h"), []),
        (("--slower-than", "500ms", "--receiver", "doze"), [9]),
        (("--slower-than", "500ms", "--receiver", "show_notification"), []),
        (("--slower-than", "500ms", "--user", "alice"), [9]),
        (("--slower-than", "500ms", "--failed"), []),
        (("--slower-than", "0s", "--failed"), [7, 5, 4]),
        (("--since", "1d"), ALL[:-2]),
        (("--since", "8d"), ALL),
        (("--since", "2 w"), ALL),
        (("--since", "0s"), []),
        (("--since", "2000-01-01"), ALL),
        (("--since", "2199-01-01T08:30"), []),
        (("--since", "1d", "--receiver", "create_*"), [12, 10, 7, 6]),
        (("--since", "1d", "--user", "alice", "--signal", "notification"), [9, 4, 3]),
        (("--limit", "3"), [13, 12, 11]),
        (("-n", "1", "--failed"), [8]),
        (("--before", "4"), [3, 2, 1]),
        (("--before", "1"), []),
        (("--before", "999"), ALL),
        (("--before", "8", "--failed", "--limit", "2"), [7, 5]),
        (("--before", "9", "--user", "alice", "-n", "2"), [4, 3]),
        (("--before", "10", "--receiver", "create_*", "--limit", "1"), [7]),
        (("--signal", "post_save", "--receiver", "show_*"), []),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_filters_find_the_runs_to_which_all_applies(
    logged: Program, filters: tuple[str, ...], runs: list[int]
) -> None:
    assert found(logged, *filters) == runs


@pytest.mark.parametrize(
    ("filters", "run"),
    [
        ((), 13),
        (("--failed",), 8),
        (("--failed", "--signal", "notification"), 5),
        (("--receiver", "create_*"), 12),
        (("--slower-than", "500ms"), 9),
        (("--user", "bob", "--sender", "User", "--signal", "post_save"), 6),
        (("4",), 4),
        (("4", "--failed"), 4),
        (("1", "--since", "8d"), 1),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_the_last_run_that_fits_is_shown_whole(
    logged: Program, filters: tuple[str, ...], run: int
) -> None:
    document = logged("log", "show", *filters, "--json").document
    assert document["run"] == run
    counts = document["result"]["counts"]
    assert len(document["dispatches"]) == counts["dispatches"]


def test_several_runs_that_fit_are_shown(logged: Program) -> None:
    done = logged("log", "show", "--failed", "--limit", "3", "--ndjson")
    assert [run["run"] for run in done.objects] == [8, 7, 5]


def test_every_form_finds_the_same(logged: Program) -> None:
    filters = ("--signal", "notification", "--failed")
    rows = logged("log", *filters).lines
    assert [line.split()[0] for line in rows[2:]] == ["5", "4"]
    document = logged("log", *filters, "--json").document
    assert document["result"] == logged("log", *filters, "--ndjson").objects
    assert logged("log", *filters, "--quiet").out == ""


def test_twenty_runs_are_a_page_for_people(logged: Program) -> None:
    for _ in range(9):
        logged("notify", "alice", "-q")
    assert [line.split()[0] for line in logged("log").lines[2:]] == [
        str(number) for number in range(22, 2, -1)
    ]
    assert len(logged("log", "--json").document["result"]) == 20
    assert len(found(logged)) == 22
    assert [line.split()[0] for line in logged("log", "--before", "3").lines[2:]] == ["2", "1"]


def test_pages_together_are_the_whole(logged: Program) -> None:
    for filters in ((), ("--user", "*a*"), ("--signal", "p*")):
        whole = found(logged, *filters)
        pages: list[int] = []
        while page := found(
            logged, *filters, "-n", "3", *(("--before", str(pages[-1])) if pages else ())
        ):
            pages += page
        assert pages == whole


def test_since_a_run_began_finds_it_and_the_later_ones(logged: Program) -> None:
    runs = {run["run"]: run for run in logged("log", "--ndjson").objects}
    begun = runs[6]["begun"]
    assert begun.endswith("Z")
    assert found(logged, "--since", begun) == ALL[:8]
    # By the clock on the wall of a place nine hours ahead.
    there = datetime.fromisoformat(begun).astimezone(UTC) + timedelta(hours=9)
    on_the_wall = there.replace(tzinfo=None).isoformat(timespec="milliseconds")
    program = Program(logged.folder)
    assert found(program, "--since", on_the_wall, env={"TZ": "JST-9"}) == ALL[:8]
    assert found(program, "--since", on_the_wall, env={"TZ": "UTC"}) == []
    assert found(logged, "--since", f"{on_the_wall}+09:00") == ALL[:8]


class TestNothingFits:
    def test_a_list_says_so_in_a_line(self, logged: Program) -> None:
        done = logged("log", "--user", "nobody.at.all")
        assert (done.code, done.err) == (0, "")
        assert done.out == "there are no runs that match the filters in the signal log of demo.db\n"
        assert logged("log", "--user", "nobody.at.all", "--json").document["result"] == []
        as_lines = logged("log", "--user", "nobody.at.all", "--ndjson")
        assert (as_lines.code, as_lines.out, as_lines.err) == (0, "", "")

    @pytest.mark.parametrize(
        ("arguments", "word"),
        [
            (("--user", "nobody.at.all"), "filters"),
            (("3", "--failed"), "run 3 does not match"),
            (("77",), "no run 77"),
            (("--since", "0s", "--limit", "5"), "filters"),
        ],
        ids=str,
    )
    def test_a_run_that_is_not_there_is_an_error(
        self, logged: Program, arguments: tuple[str, ...], word: str
    ) -> None:
        done = logged("log", "show", *arguments)
        assert (done.code, done.out) == (3, "")
        assert word in done.error
        as_document = logged("log", "show", *arguments, "--json")
        assert (as_document.code, as_document.err) == (3, "")
        assert as_document.document["error"]["code"] == "not_found"
        as_lines = logged("log", "show", *arguments, "--ndjson")
        assert (as_lines.code, as_lines.out) == (3, "")
        assert word in as_lines.error


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--since", "nonsense"), "'nonsense'"),
        (("--since", ""), "--since"),
        (("--since", "99999999999w"), "--since"),
        (("--since", "2026-13-45"), "'2026-13-45'"),
        (("--slower-than", "5"), "'5'"),
        (("--slower-than", "-5ms"), "'-5ms'"),
        (("--slower-than", "fast"), "'fast'"),
        (("--slower-than", "nanms"), "'nanms'"),
        (("--limit", "0"), "--limit"),
        (("--limit", "-1"), "--limit"),
        (("--limit", "many"), "--limit"),
        (("--before", "0"), "--before"),
        (("--before", "99999999999999999999999"), "--before"),
        (("show", "0"), "RUN"),
        (("show", "-3"), "-3"),
        (("show", "last"), "RUN"),
        (("show", "99999999999999999999999"), "RUN"),
        (("show", "1", "2"), "2"),
        (("show", "--before", "3"), "--before"),
        (("stats", "--failed"), "--failed"),
        (("nonsense",), "nonsense"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_values_that_make_no_sense_are_named(
    logged: Program, arguments: tuple[str, ...], named: str
) -> None:
    done = logged("log", *arguments)
    assert (done.code, done.out) == (2, "")
    assert named in done.error


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (("--failed", "show"), "--failed"),
        (("--since", "1d", "stats"), "--since"),
        (("--limit", "3", "follow"), "--limit"),
        (("--slower-than", "1s", "export", "-f", "json"), "--slower-than"),
        (("--ndjson", "show"), "--ndjson"),
        (("--before", "3", "prune", "--keep", "1"), "--before"),
    ],
    ids=str,
)
def test_a_filter_before_a_command_of_the_log_is_refused(
    logged: Program, arguments: tuple[str, ...], option: str
) -> None:
    done = logged("log", *arguments)
    assert (done.code, done.out) == (2, "")
    assert option in done.error
    assert logged.select("SELECT COUNT(*) FROM signalcli_run") == [(13,)]


def test_global_options_stand_anywhere_around_the_commands_of_the_log(logged: Program) -> None:
    logged.database.rename(logged.folder / "other.db")
    named = ("-d", "other.db", "--json")
    documents = [
        logged(*arguments).document
        for arguments in (
            (*named, "log", "show"),
            ("log", *named, "show"),
            ("log", "show", *named),
        )
    ]
    assert [document["run"] for document in documents] == [13, 13, 13]


@pytest.mark.parametrize(
    ("option", "pattern"),
    [
        ("--signal", ""),
        ("--sender", "%"),
        ("--receiver", "_"),
        ("--user", ""),
        ("--user", "*'; DROP TABLE signalcli_run; --"),
        ("--user", "["),
        ("--receiver", "\\"),
    ],
)
def test_a_pattern_may_be_anything(logged: Program, option: str, pattern: str) -> None:
    assert found(logged, option, pattern) == []
