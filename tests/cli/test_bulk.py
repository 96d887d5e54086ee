"""The commands over the rows of a file, through the command line."""

import gzip
import json
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cli.program import Driver, Finished, Forked, Forker, Program, of_the_work

HEADER = "username,email,first_name,last_name"
STORED = (
    "SELECT u.id, u.username, u.email, p.id, p.first_name, p.last_name, p.profile_pic "
    "FROM core_user u LEFT JOIN core_profile p ON p.user_id = u.id ORDER BY u.id"
)
# Stops a run, fails for some, and leaves something for after the commit.
WILFUL = """
from signalcli.db import on_commit

@receiver(post_save, sender=User)
def wilful(instance, session, **kwargs):
    name = instance.username
    if name == os.environ.get("STOP_AT"):
        raise KeyboardInterrupt
    if name.startswith("bad"):
        raise ValueError(f"not {name}")
    if name.startswith("twin"):
        session.add(User(username="alice", email="twin@mail.com"))
        session.flush()
    if name.startswith("late"):
        def too_late():
            raise RuntimeError("too late")
        on_commit(session, too_late)

@receiver(notification)
def sulk(username, **kwargs):
    if username.startswith("sulk"):
        raise SystemExit("sulking")
"""


def write(program: Program, *rows: str, name: str = "users.csv", header: str = HEADER) -> str:
    Path(program.folder, name).write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return name


def many(count: int, first: int = 1) -> list[str]:
    return [f"u{n},u{n}@mail.com,First{n},Last{n}" for n in range(first, first + count)]


def checkpoints(program: Program) -> list[tuple[Any, ...]]:
    """Those of runs that can be gone on with."""
    return program.select(
        "SELECT command, rows, done, skipped FROM signalcli_checkpoint"
        " WHERE command NOT LIKE '% finished'"
    )


def counts(finished: Finished) -> tuple[int, ...]:
    result = finished.document["result"]
    return tuple(result[key] for key in ("rows", "done", "skipped", "failed", "batches"))


def sent(*documents: dict[str, Any]) -> Counter[str]:
    """Which signals were sent for whom, with which arguments, and what their receivers did."""
    return Counter(
        json.dumps(
            [
                each["signal_path"],
                each["sender"],
                each["parent"] and each["parent"]["receiver"],
                {
                    name: value
                    for name, value in each["arguments"].items()
                    if name not in ("session", "using")
                },
                [
                    [response["receiver"], response["ok"], response["value"], response["output"]]
                    for response in each["responses"]
                ],
            ]
        )
        for document in documents
        for each in of_the_work(document["dispatches"])
    )


def test_each_row_is_registered_with_profile_and_notification(forked: Forked) -> None:
    done = forked("register", "--from", write(forked, *many(3)), "--json")
    assert done.code == 0
    assert done.err == ""
    document = done.document
    assert (document["ok"], document["command"], document["run"]) == (True, "register", 1)
    assert document["dispatches"] == []
    assert counts(done) == (3, 3, 0, 0, 1)
    assert document["result"]["errors"] == []
    totals = {total["receiver"]: total for total in document["result"]["receivers"]}
    assert {name.rpartition(".")[2]: total["runs"] for name, total in totals.items()} == {
        "create_profile": 3,
        "update_profile": 3,
        "show_notification": 3,
    }
    assert all(total["failures"] == 0 < total["seconds"] for total in totals.values())
    assert [row[1:3] + row[4:] for row in forked.select(STORED)] == [
        (f"u{n}", f"u{n}@mail.com", f"First{n}", f"Last{n}", "x") for n in (1, 2, 3)
    ]


def test_people_see_totals_and_a_line(forked: Forked) -> None:
    done = forked("register", "--from", write(forked, *many(3)), "--batch-size", "2")
    assert done.code == 0
    assert "Profile Created !" not in done.out
    assert done.lines[0].split() == ["Receiver", "Signal", "Runs", "Failed", "Time"]
    rows = [line.split() for line in done.lines[2:-1]]
    assert [row[:3] for row in rows] == [
        ["signalcli.core.signals.create_profile", "post_save", "3"],
        ["signalcli.core.signals.update_profile", "post_save", "3"],
        ["signalcli.core.signals.show_notification", "notification", "3"],
    ]
    message = "Registered 3 users in demo.db: 3 rows in 2 batches, 0 skipped, 0 failed"
    assert done.lines[-1] == message
    # The log has it as it was shown.
    assert forked("log", "show", "1").lines == done.lines
    row = forked("log", "show", "--json").document["result"]
    assert [total["runs"] for total in row["receivers"]] == [3, 3, 3]
    assert row["counts"]["responses"] == 9
    assert forked.select("SELECT count(*) FROM signalcli_dispatch") == [(0,)]
    (listed,) = forked("log", "--ndjson").objects
    assert (listed["command"], listed["outcome"]) == ("register", "done")


def test_statistics_count_what_receivers_did_for_rows(forked: Forked) -> None:
    assert forked("register", "ada", "--email", "ada@mail.com").code == 0
    assert forked("register", "--from", write(forked, *many(3))).code == 0
    found = forked("log", "stats", "--json").document["result"]["receivers"]
    assert {each["receiver"].rpartition(".")[2]: each["calls"] for each in found} == {
        "create_profile": 4,
        "update_profile": 4,
        "show_notification": 4,
    }
    assert all(each["slowest_ms"] is not None for each in found)
    (of_one,) = forked("log", "stats", "--signal", "notif*", "--json").document["result"][
        "receivers"
    ]
    assert of_one["calls"] == 4
    # Whom signals were sent for, totals do not tell.
    found = forked("log", "stats", "--sender", "User", "--json").document["result"]["receivers"]
    assert {each["calls"] for each in found} == {1}


def test_quiet_prints_nothing_but_errors(forked: Forked) -> None:
    done = forked("register", "--from", write(forked, *many(2), "u1,u1@mail.com,,"), "--quiet")
    assert (done.code, done.out) == (4, "")
    assert done.error == "1 was skipped, since its user exists"
    done = forked("register", "--from", write(forked, "new,nobody,,"), "--quiet")
    assert (done.code, done.out) == (2, "")
    first, last = done.err.splitlines()
    assert first.startswith("error: line 2: the email 'nobody' is not valid")
    assert last == "error: 1 of 1 row failed"


def test_trace_shows_and_keeps_every_dispatch(forked: Forked) -> None:
    done = forked("register", "--from", write(forked, *many(2)), "--trace")
    assert done.code == 0
    assert done.out.count("Profile Created !") == 2
    assert forked("log", "show").out == done.out


def test_a_second_time_all_are_skipped_and_nothing_changes(forked: Forked) -> None:
    users = write(forked, *many(3))
    assert forked("register", "--from", users).code == 0
    before = forked.rows()
    again = forked("register", "--from", users)
    assert again.code == 4
    skipped = [line for line in again.err.splitlines() if line.startswith("skipped: ")]
    assert [line.partition(": the user")[0] for line in skipped] == [
        f"skipped: line {number}" for number in (2, 3, 4)
    ]
    assert again.err.splitlines()[-1] == "error: 3 were skipped, since they exist"
    assert forked.rows() == before
    document = forked("register", "--from", users, "--json").document
    assert document["error"]["code"] == "exists"
    assert [error["row"] for error in document["result"]["errors"]] == [1, 2, 3]
    assert forked.rows() == before


def test_bad_rows_are_named_and_the_good_ones_go_through(forked: Forked) -> None:
    content = (
        f"{HEADER}\n".encode()
        + b"good1,good1@mail.com,,\n"
        + b"b\xffd,bad@mail.com,,\n"
        + b"few,fields\n"
        + b"no mail,nobody,,\n"
        + b"long,long@mail.com,Maximiliane-Friederike-Anna,\n"
        + b'good2,good2@mail.com,"two\nlines",\n'
        + b"good3,good3@mail.com,,\n"
        + b"good1,again@mail.com,,\n"
    )
    Path(forked.folder, "users.csv").write_bytes(content)
    done = forked("register", "--from", "users.csv", "--json")
    assert done.code == 2
    assert counts(done) == (8, 2, 1, 5, 1)
    errors = done.document["result"]["errors"]
    assert [(error["line"], error["row"], error["code"]) for error in errors] == [
        (3, 2, "invalid_row"),
        (4, 3, "invalid_row"),
        (5, 4, "invalid_value"),
        (6, 5, "invalid_value"),
        (7, 6, "invalid_value"),
        (10, 8, "exists"),
    ]
    assert [line.split(":")[1] for line in done.err.splitlines()] == [
        f" line {number}" for number in (3, 4, 5, 6, 7, 10)
    ]
    assert forked.usernames == ["good1", "good3"]


def test_rows_that_are_skipped_leave_room_for_those_that_failed(forked: Forked) -> None:
    known = [f"user{number},user{number}@mail.com,," for number in range(120)]
    assert forked("register", "--from", write(forked, *known), "--quiet").code == 0
    done = forked("register", "--from", write(forked, *known, "x,nobody,Xenia,"), "--json")
    result = done.document["result"]
    assert (result["skipped"], result["failed"], result["errors_omitted"]) == (120, 1, 21)
    *skipped, failed = result["errors"]
    assert [error["row"] for error in skipped] == list(range(1, 100))
    assert (failed["row"], failed["code"]) == (121, "invalid_value")
    assert failed["values"] == {"username": "x", "email": "nobody", "first_name": "Xenia"}


def test_a_row_is_told_by_its_values_without_secrets(forked: Forked) -> None:
    rows = '{"username": "x", "email": "https://x:secret@mail.com"}\n{"username": 5}\n'
    Path(forked.folder, "users.jsonl").write_text(rows, encoding="utf-8")
    done = forked("register", "--from", "users.jsonl", "--json")
    values = [error["values"] for error in done.document["result"]["errors"]]
    assert values == [{"username": "x", "email": "https://x:********@mail.com"}, None]


def test_of_many_errors_the_document_has_the_first(forked: Forked) -> None:
    done = forked("register", "--from", write(forked, *(["x,nobody,,"] * 130)), "--json")
    result = done.document["result"]
    assert (len(result["errors"]), result["errors_omitted"], result["failed"]) == (100, 30, 130)
    assert done.err.count("\n") == 130


MALFORMED = {
    "no file": (None, "cannot be read"),
    "an empty file": (b"", "empty"),
    "a header of other columns": (b"name,mail\nx,y\n", "unknown column 'name'"),
    "a column too few": (b"username\nx\n", "the column 'email' is missing"),
    "a workbook": (b"PK\x03\x04" + bytes(100), "save it as CSV"),
    "UTF-16": ("username,email\n".encode("utf-16"), "save it in UTF-8"),
    "half of a gzip": (gzip.compress(b"username,email\nx,x@mail.com\n" * 50)[:40], "gzip"),
    "a JSON array": (b'[{"username": "x"}]', "JSON Lines"),
    "an open quote": (b'username,email\n"x,x@mail.com\n', "opens a quote"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_file_that_cannot_be_read_is_one_line(forked_filled: Forked, case: str) -> None:
    content, story = MALFORMED[case]
    before = forked_filled.rows()
    if content is not None:
        Path(forked_filled.folder, "users.csv").write_bytes(content)
    done = forked_filled("register", "--from", "users.csv")
    assert done.code == 2
    assert done.error.startswith("users.csv: ")
    assert story in done.error
    assert forked_filled.rows() == before


def test_what_comes_before_the_end_of_a_broken_file_is_kept_in_whole_batches(
    forked: Forked,
) -> None:
    users = write(forked, *many(5), '"open,open@mail.com,,')
    done = forked("register", "--from", users, "--batch-size", "2")
    assert done.code == 2
    assert "the first 4 rows are done, and --from users.csv --resume goes on" in done.error
    assert forked.usernames == ["u1", "u2", "u3", "u4"]
    assert checkpoints(forked) == [("register", 4, 4, 0)]


def test_gzip_json_lines_and_standard_input(forked: Forked) -> None:
    row = {"username": "ada", "email": "ada@mail.com", "last_name": "Lovelace"}
    packed = gzip.compress((json.dumps(row) + "\n" + '{"username": "bob"}\n').encode())
    Path(forked.folder, "users").write_bytes(packed)
    done = forked("register", "--from", "users")
    assert done.code == 2
    assert "error: line 2: the column 'email' is missing" in done.err
    piped = f"{HEADER}\neve,eve@mail.com,Eve,\n"
    assert forked("register", "--from", "-", piped=piped).code == 0
    assert [row[1:2] + row[4:6] for row in forked.select(STORED)] == [
        ("ada", "", "Lovelace"),
        ("eve", "Eve", ""),
    ]


WRONG_USAGE = [
    (("register",), "give USERNAME, or --from FILE"),
    (("register", "new"), "missing option '--email'"),
    (("register", "new", "--from", "users.csv"), "give USERNAME or --from FILE, not both"),
    (("register", "--from", "users.csv", "--email", "a@b.com"), "give --email or --from FILE"),
    (("register", "--from", "users.csv", "--password"), "give --password or --from FILE"),
    (("register", "new", "-e", "n@mail.com", "--strict"), "--strict is for the rows of --from"),
    (("update", "alice", "--resume"), "--resume is for the rows of --from FILE"),
    (("update", "--from", "users.csv", "--username", "new"), "give --username or --from FILE"),
    (("delete", "bob", "--batch-size", "3"), "--batch-size is for the rows of --from FILE"),
    (("notify", "--from", "x", "--strict", "--resume"), "a run with --strict leaves nothing"),
    (("notify",), "give USERNAME, or --from FILE"),
    (("register", "--from", "users.csv", "--batch-size", "0"), "invalid value for '--batch-size'"),
]


@pytest.mark.parametrize(("arguments", "story"), WRONG_USAGE)
def test_wrong_usage_is_one_line(
    forked_filled: Forked, arguments: tuple[str, ...], story: str
) -> None:
    before = forked_filled.rows()
    done = forked_filled(*arguments)
    assert done.code == 2
    assert done.error.startswith(story)
    assert forked_filled.rows() == before


class TestReceiversThatFail:
    def test_only_the_row_is_lost_whose_receiver_fails(self, driver: Driver) -> None:
        program = driver(WILFUL)
        rows = (
            *many(2),
            "bad1,b@mail.com,,",
            "sulk,s@mail.com,,",
            "twin,t@mail.com,,",
            *many(1, 9),
        )
        done = program("register", "--from", write(program, *rows), "--json")
        assert done.code == 1
        assert counts(done) == (6, 3, 0, 3, 1)
        assert program.usernames == ["alice", "bob", "u1", "u2", "u9"]
        assert len(program.select("SELECT * FROM core_profile")) == 5
        errors = done.document["result"]["errors"]
        assert [(error["line"], error["code"]) for error in errors] == [
            (line, "receiver_failed") for line in (4, 5, 6)
        ]
        raised, left, written = (error["message"] for error in errors)
        assert raised.startswith("the receiver __main__.wilful failed on post_save")
        assert "ValueError: not bad1" in raised
        assert "__main__.sulk failed on notification" in left
        assert "UNIQUE constraint failed" in written
        receivers = [error["receiver"] for error in errors]
        assert receivers == ["__main__.wilful", "__main__.sulk", "__main__.wilful"]
        source = Path(program.folder, "driver.py").read_text(encoding="utf-8").splitlines()
        places = [error["place"].rpartition(":") for error in errors]
        assert {Path(file).name for file, _, _ in places} == {"driver.py"}
        failing = [source[int(line) - 1].split()[0] for _, _, line in places]
        assert failing == ["raise", "raise", "session.flush()"]
        runs = {total["receiver"]: total["runs"] for total in done.document["result"]["receivers"]}
        # Those before the first that failed ran twice.
        assert runs["__main__.wilful"] > 6

    def test_what_was_left_for_after_the_commit_runs_once_for_each(self, driver: Driver) -> None:
        program = driver(
            "from signalcli.db import on_commit\n"
            "@receiver(post_save, sender=User)\n"
            "def mail(instance, session, **kwargs):\n"
            "    name = instance.username\n"
            "    def send():\n"
            "        with open('mails', 'a') as file: print(name, file=file)\n"
            "    on_commit(session, send)\n"
            "    if name == 'bad': raise ValueError\n"
        )
        rows = (*many(3), "bad,bad@mail.com,,")
        assert program("register", "--from", write(program, *rows)).code == 1
        mails = Path(program.folder, "mails").read_text(encoding="utf-8").split()
        assert mails == ["u1", "u2", "u3"]

    def test_what_fails_after_the_commit_takes_nothing_back(self, driver: Driver) -> None:
        program = driver(WILFUL)
        rows = ("late1,l@mail.com,,", *many(1), "late2,l@mail.com,,")
        done = program("register", "--from", write(program, *rows))
        assert done.code == 1
        assert done.err.count("error: after the commit: ") == 2
        assert program.usernames == ["alice", "bob", "late1", "u1", "late2"]
        assert checkpoints(program) == []

    def test_the_log_finds_it_by_its_totals(self, forked: Forked) -> None:
        users = write(forked, *many(2))
        forked("register", "--from", users, "--fail", "create_profile")
        for which in (("--receiver", "create_profile"), ("--signal", "post_save")):
            (found,) = forked("log", "--failed", *which, "--ndjson").objects
            assert found["command"] == "register"
        assert forked("log", "--receiver", "nobody", "--json").document["result"] == []
        assert "create_profile" in forked("log", "stats").out

    def test_faults_on_purpose(self, forked: Forked) -> None:
        users = write(forked, *many(2))
        done = forked("register", "--from", users, "--fail", "create_profile")
        assert done.code == 1
        assert done.err.count("create_profile failed on post_save: InjectedFault") == 2
        assert forked.usernames == []
        assert forked("register", "--from", users, "--mute", "post_save").code == 0
        assert len(forked.usernames) == 2
        assert forked.select("SELECT * FROM core_profile") == []


class TestStrict:
    @pytest.mark.parametrize(
        ("row", "code"),
        [
            ("bad1,b@mail.com,,", 1),
            ("x,nobody,,", 2),
            ("too,few", 2),
            ("alice,a@mail.com,,", 4),
            ("u1,u1@mail.com,,", 4),
        ],
    )
    def test_nothing_is_written_unless_all_are_good(
        self, driver: Driver, row: str, code: int
    ) -> None:
        program = driver(WILFUL)
        before = program.rows()
        users = write(program, *many(3), row, *many(2, 7))
        done = program("register", "--from", users, "--strict", "--batch-size", "2")
        assert done.code == code
        assert done.err.startswith("error: line 5: ")
        assert done.err.endswith("nothing was written\n")
        assert program.rows() == before

    def test_all_that_is_wrong_is_said(self, driver: Driver) -> None:
        program = driver(WILFUL)
        rows = ("x,nobody,,", *many(2), "bad1,b@mail.com,,", "bad2,b@mail.com,,")
        done = program("register", "--from", write(program, *rows), "--strict", "--json")
        assert [error["line"] for error in done.document["result"]["errors"]] == [2, 5, 6]
        assert counts(done) == (5, 0, 0, 3, 0)

    def test_what_is_good_is_one_transaction(self, forked: Forked) -> None:
        users = write(forked, *many(5))
        done = forked("register", "--from", users, "--strict", "--batch-size", "2", "--json")
        assert counts(done) == (5, 5, 0, 0, 1)
        assert len(forked.usernames) == 5


class TestResume:
    def stopped(self, program: Program, users: str) -> Finished:
        arguments = ("register", "--from", users, "--batch-size", "2")
        return program(*arguments, env={"STOP_AT": "u6"})

    def test_an_interrupted_run_says_what_is_done_and_how_to_go_on(self, driver: Driver) -> None:
        program = driver(WILFUL)
        done = self.stopped(program, write(program, *many(9)))
        assert done.code == 130
        assert done.error == (
            "interrupted; the first 4 rows are done, and --from users.csv --resume goes on after "
            "them"
        )
        assert done.out == ""
        assert program.usernames == ["alice", "bob", "u1", "u2", "u3", "u4"]
        assert len(program.select("SELECT * FROM core_profile")) == 6
        assert checkpoints(program) == [("register", 4, 4, 0)]
        assert "interrupted" in program("log").out

    def test_it_ends_with_the_database_of_an_undisturbed_run(self, driver: Driver) -> None:
        program = driver(WILFUL)
        users = write(program, *many(9))
        self.stopped(program, users)
        done = program("register", "--from", users, "--batch-size", "2", "--resume", "--json")
        assert done.code == 0
        assert counts(done) == (9, 9, 0, 0, 5)
        assert [row[0:2] for row in program.select(STORED)][2:] == [
            (n + 2, f"u{n}") for n in range(1, 10)
        ]
        assert checkpoints(program) == []

    def test_of_a_finished_run_it_says_so_and_does_nothing(self, driver: Driver) -> None:
        program = driver(WILFUL)
        users = write(program, "x,nobody,,", *many(9))
        self.stopped(program, users)
        assert program("register", "--from", users, "--resume").code == 2
        before = program.rows()
        done = program("register", "--from", users, "--resume")
        said = "all of users.csv was done before: 10 rows in 4 batches, 0 skipped, 1 failed"
        assert (done.code, done.out, done.err) == (0, f"Nothing to go on with: {said}\n", "")
        again = program("register", "--from", users, "--resume", "--json")
        assert (again.code, counts(again)) == (0, (10, 9, 0, 1, 4))
        moved = write(program, "x,nobody,,", *many(9), name="moved.csv")
        assert program("register", "--from", moved, "--resume").code == 0
        assert program.rows() == before

    def test_a_file_that_has_changed_since_is_no_finished_run(self, driver: Driver) -> None:
        program = driver(WILFUL)
        assert program("register", "--from", write(program, *many(3))).code == 0
        users = write(program, *many(4))
        assert counts(program("register", "--from", users, "--resume", "--json")) == (4, 1, 3, 0, 1)
        done = program("register", "--from", users, "--resume", "--json")
        assert (done.code, counts(done)) == (0, (4, 1, 3, 0, 1))
        # Without it, all rows are carried out again.
        assert program("register", "--from", users).code == 4

    def test_another_file_is_refused(self, driver: Driver) -> None:
        program = driver(WILFUL)
        self.stopped(program, write(program, *many(9)))
        before = program.rows()
        others = write(program, *many(9, 20), name="others.csv")
        done = program("register", "--from", others, "--resume")
        assert done.code == 2
        assert "'others.csv' does not begin with the 4 rows that are done of" in done.error
        assert "/users.csv'; name that file, or leave --resume out to begin anew" in done.error
        short = write(program, *many(1), name="short.csv")
        assert program("register", "--from", short, "--resume").code == 2
        assert program.rows() == before
        assert checkpoints(program) == [("register", 4, 4, 0)]

    def test_the_rows_may_have_moved_and_grown(self, driver: Driver) -> None:
        program = driver(WILFUL)
        self.stopped(program, write(program, *many(9)))
        moved = write(program, *many(11), name="moved.csv")
        assert program("register", "--from", moved, "--resume").code == 0
        assert len(program.usernames) == 13
        assert checkpoints(program) == []

    def test_standard_input_is_gone_on_with(self, driver: Driver) -> None:
        program = driver(WILFUL)
        assert isinstance(program, Forked)
        piped = "\n".join((HEADER, *many(9))) + "\n"
        arguments = ("register", "--from", "-", "--batch-size", "2")
        assert program(*arguments, env={"STOP_AT": "u6"}, piped=piped).code == 130
        assert program(*arguments, "--resume", piped=piped).code == 0
        assert program.usernames == ["alice", "bob", *(f"u{n}" for n in range(1, 10))]

    def test_what_failed_before_counts_in_the_end(self, driver: Driver) -> None:
        program = driver(WILFUL)
        users = write(program, "x,nobody,,", *many(9))
        assert self.stopped(program, users).code == 130
        done = program("register", "--from", users, "--resume", "--json")
        assert done.code == 2
        assert counts(done)[:4] == (10, 9, 0, 1)

    def test_each_command_goes_on_with_its_own_run(self, driver: Driver) -> None:
        program = driver(WILFUL)
        users = write(program, *many(9))
        self.stopped(program, users)
        names = write(program, *(f"u{n}" for n in range(1, 5)), name="names.csv", header="username")
        assert program("notify", "--from", names, "--resume").code == 0
        assert checkpoints(program) == [("register", 4, 4, 0)]

    def test_without_it_the_run_begins_anew_and_leaves_no_checkpoint(self, driver: Driver) -> None:
        program = driver(WILFUL)
        users = write(program, *many(9))
        self.stopped(program, users)
        assert counts(program("register", "--from", users, "--json")) == (9, 5, 4, 0, 1)
        assert checkpoints(program) == []

    def test_checkpoints_of_a_newer_version_are_refused(self, forked: Forked) -> None:
        users = write(forked, *many(2))
        assert forked("register", "--from", users).code == 0
        with sqlite3.connect(forked.database) as connection:
            connection.execute("UPDATE signalcli_schema SET version = 2 WHERE part = 'checkpoint'")
        connection.close()
        before = forked.rows()
        done = forked("register", "--from", users)
        assert done.code == 5
        assert "a newer signalcli made them" in done.error
        assert forked.rows() == before


class TestOtherCommands:
    def test_update(self, forked_filled: Forked) -> None:
        users = write(
            forked_filled,
            "alice,,alice@new.com,,",
            "bob,robert,,Robert,",
            "nobody,,n@mail.com,,",
            "robert,,rob@mail.com,,",
            "alice,,alice@new.com,,",
            "robert,alice,,,",
            header="username,new_username,email,first_name,last_name",
        )
        done = forked_filled("update", "--from", users, "--json")
        assert done.code == 3
        assert counts(done) == (6, 3, 1, 2, 1)
        assert [(e["line"], e["code"]) for e in done.document["result"]["errors"]] == [
            (4, "not_found"),
            (7, "exists"),
        ]
        # An empty field changes nothing.
        assert [row[1:3] + row[4:6] for row in forked_filled.select(STORED)] == [
            ("alice", "alice@new.com", "Alice", "Young"),
            ("robert", "rob@mail.com", "Robert", ""),
        ]

    def test_update_from_json_lines_can_empty_a_value(self, forked_filled: Forked) -> None:
        path = Path(forked_filled.folder, "changes.jsonl")
        path.write_text('{"username": "alice", "last_name": ""}\n', encoding="utf-8")
        assert forked_filled("update", "--from", path.name).code == 0
        assert forked_filled.select(STORED)[0][4:6] == ("Alice", "")

    def test_delete(self, forked_filled: Forked) -> None:
        names = write(forked_filled, "bob", "nobody", "bob", header="username")
        done = forked_filled("delete", "--from", names, "--json")
        assert done.code == 3
        assert counts(done) == (3, 1, 0, 2, 1)
        assert forked_filled.usernames == ["alice"]
        assert len(forked_filled.select("SELECT * FROM core_profile")) == 1

    def test_notify(self, forked_filled: Forked) -> None:
        names = write(forked_filled, "bob", "alice", "nobody", "bob", header="username")
        done = forked_filled("notify", "--from", names, "--json")
        assert done.code == 3
        assert counts(done) == (4, 3, 0, 1, 1)
        (total,) = done.document["result"]["receivers"]
        assert (total["signal"], total["runs"]) == ("notification", 3)
        assert forked_filled("notify", "--from", names).out.endswith(
            "Sent notification for 3 users in demo.db: 4 rows in 1 batch, 0 skipped, 1 failed\n"
        )

    @pytest.mark.parametrize("robust", [(), ("--robust",)])
    def test_a_receiver_of_a_notification_that_fails_has_nothing_sent_twice(
        self, driver: Driver, robust: tuple[str, ...]
    ) -> None:
        program = driver(
            "@receiver(notification)\n"
            "def sulk(username, **kwargs):\n"
            "    if username == 'bob': raise ValueError('no')\n"
        )
        names = write(program, "alice", "bob", "alice", header="username")
        done = program("notify", "--from", names, "--json", *robust)
        assert done.code == 1
        assert counts(done) == (3, 2, 0, 1, 1)
        (error,) = done.document["result"]["errors"]
        assert (error["line"], error["code"]) == (3, "receiver_failed")
        assert "__main__.sulk failed on notification" in error["message"]
        assert [total["runs"] for total in done.document["result"]["receivers"]] == [3, 3]

    @pytest.mark.parametrize("command", ["update", "delete", "notify"])
    def test_no_database_is_made(self, forked: Forked, command: str) -> None:
        users = write(forked, "x", header="username")
        assert forked(command, "--from", users).code == 3
        assert not forked.database.exists()


EXISTING = ("alice", "alice@mail.com", "", "")
ROWS = st.lists(
    st.tuples(
        st.sampled_from(
            ["alice", "Alice", "ann", "ben", "\uff42\uff45\uff4e", "two words", "cy", ""]
        ),
        st.sampled_from(["a@mail.com", "b@MAIL.com", "no mail"]),
        st.sampled_from(["", "Ann", "x" * 21]),
        st.sampled_from(["", "O'Hara"]),
    ),
    max_size=5,
)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=ROWS, size=st.integers(1, 3))
def test_a_file_does_what_single_commands_do(
    tmp_path_factory: pytest.TempPathFactory,
    forker: Forker,
    rows: list[tuple[str, str, str, str]],
    size: int,
) -> None:
    one_by_one = Forked(tmp_path_factory.mktemp("single"), forker=forker)
    at_once = Forked(tmp_path_factory.mktemp("bulk"), forker=forker)
    documents = []
    for username, email, first, last in (EXISTING, *rows):
        names = ("--first-name", first, "--last-name", last)
        options = ("--email", email, *names, "--json", "--no-log")
        documents.append(one_by_one("register", *options, "--", username).document)
    lines = (
        json.dumps(dict(zip(HEADER.split(","), row, strict=True))) for row in (EXISTING, *rows)
    )
    Path(at_once.folder, "users").write_text("\n".join(lines), encoding="utf-8")
    options = ("--trace", "--json", "--no-log", "--batch-size", str(size))
    document = at_once("register", "--from", "users", *options).document
    assert at_once.select(STORED) == one_by_one.select(STORED)
    assert sent(document) == sent(*documents)
    codes = Counter(each["error"]["code"] for each in documents if each["error"])
    assert Counter(error["code"] for error in document["result"]["errors"]) == codes


# The error that an operation reports of each row whose user is named after it.
OF_ITS_OWN = """
from dataclasses import replace
from signalcli import errors
from signalcli.core import many

class QuotaExceeded(errors.SignalcliError):
    exit_code = 6
    code = "quota"

KINDS = {"quota": QuotaExceeded, "usage": errors.UsageError, "missing": errors.NotFound}

def carry_out(session, rows, report):
    for row in rows:
        report.fail(row, KINDS[row.values["username"]]("that is wrong"))

many.DELETE = replace(many.DELETE, carry_out=carry_out)
"""


@pytest.mark.parametrize(
    ("names", "code", "exit_code"),
    [
        (["quota"], "quota", 6),
        (["usage"], "usage", 2),
        (["quota", "missing"], "not_found", 3),
        (["missing", "usage", "quota"], "usage", 2),
    ],
)
@pytest.mark.parametrize("options", [(), ("--strict",)])
def test_whatever_error_a_row_ends_with_decides_on_the_exit_code(
    driver: Driver, names: list[str], code: str, exit_code: int, options: tuple[str, ...]
) -> None:
    program = driver(OF_ITS_OWN)
    assert program("register", "ann", "--email", "ann@mail.com").code == 0
    users = write(program, *names, header="username")
    done = program("delete", "--from", users, "--json", *options)
    assert done.code == exit_code
    assert (done.document["ok"], done.document["error"]["code"]) == (False, code)
    assert done.document["result"]["failed"] == len(names)
