"""Many commands in one process do what each would do alone."""

import json
import os
import re
import shlex
import signal
import sqlite3
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signalcli.cli.batch import is_at_hand
from tests.cli.program import (
    PATIENT,
    Driver,
    Finished,
    Forked,
    Forker,
    Program,
    Terminal,
    finished,
)

WORDS_OF_TIME = re.compile(
    r"\d+\.\d\d s|\d+(\.\d\d)? ms"
    r"|\d{4}-\d\d-\d\d(T[\d:.]+Z?)?|(\d\d-\d\d )?\d\d:\d\d(:\d\d)?( UTC)?"
)
MOMENT = re.compile(r"datetime\.datetime\([\d, ]+\)")
TIMES_OF_JSON = ("begun_ms", "duration_ms", "date_joined", "last_login", "begun")
ECHO = re.compile(r"(\d+) \$ signalcli(.*)\n")
RUNS = "SELECT command, command_line, exit_code, message, dispatches, failures FROM signalcli_run"


def script(program: Program, *lines: str, name: str = "script.txt") -> str:
    (program.folder / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return name


def timeless(text: str) -> str:
    """An answer without its times, for which columns may be wider or narrower."""
    text = re.sub(r"─+", "─", WORDS_OF_TIME.sub("TIME", text))
    return re.sub(r" +", " ", text)


def timeless_document(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: timeless_document(item)
            for name, item in value.items()
            if name not in TIMES_OF_JSON
        }
    if isinstance(value, list):
        return [timeless_document(item) for item in value]
    return MOMENT.sub("MOMENT", value) if isinstance(value, str) else value


def answers(done: Finished) -> list[tuple[int, str, str]]:
    """What each command of a batch printed: its line, its command line, its answer."""
    parts = ECHO.split(done.out)
    assert parts[0] == ""
    return [
        (int(number), typed.strip(), answer)
        for number, typed, answer in zip(*[iter(parts[1:])] * 3, strict=True)
    ]


def summary(done: Finished) -> str:
    return done.err.splitlines()[-1]


def errors(done: Finished) -> list[str]:
    return [line for line in done.err.splitlines() if line.startswith("error: ")]


def of_users(program: Program) -> list[Any]:
    return program.select(
        "SELECT username, email, first_name, last_name, profile_pic FROM core_user "
        "JOIN core_profile ON core_profile.user_id = core_user.id ORDER BY core_user.id"
    )


@pytest.fixture
def other(tmp_path_factory: pytest.TempPathFactory, forker: Forker) -> Forked:
    """Another folder, to do the same in by single commands."""
    return Forked(tmp_path_factory.mktemp("other"), forker=forker)


LINES = [
    "register ann --email ann@mail.com --first-name 'Ann Mary'",
    "register ann --email ann@mail.com",
    "register ben --email ben@mail.com",
    "update ben --last-name Young",
    "update ben --last-name Young",
    "update nobody --last-name Young",
    "notify ann --robust --fail show_notification",
    "notify ann --mute notification",
    "register carl --email nonsense",
    "list",
    "show ann --trace",
    "create core.User username=dora email=dora@mail.com",
    "get User 1",
    "send notification username=ann email=ann@mail.com",
    "signals 'post_*'",
    "nonsense",
    "register",
    "list --database missing/x.db",
    "list --database elsewhere.db",
    "delete ben",
    "log stats --json",
    "--version",
]


def test_each_command_prints_and_writes_what_it_does_alone(forked: Forked, other: Forked) -> None:
    done = forked("batch", script(forked, *LINES))
    alone = [other(*shlex.split(line)) for line in LINES]
    told = answers(done)
    assert [number for number, _, _ in told] == list(range(1, len(LINES) + 1))
    for (number, _, answer), single in zip(told, alone, strict=True):
        if number == LINES.index("log stats --json") + 1:
            document = json.loads(answer)
            assert (document.pop("line"), document.pop("exit_code")) == (number, 0)
            assert document.keys() == single.document.keys()
        else:
            printed = single.out.replace(str(other.folder), str(forked.folder))
            assert timeless(answer) == timeless(printed), LINES[number - 1]
    failed = [number for number, single in enumerate(alone, 1) if single.code]
    assert errors(done) == [
        alone[number - 1].err.replace("error: ", f"error: line {number}: ").rstrip("\n")
        for number in failed
    ]
    assert done.code == alone[failed[0] - 1].code
    named = ", ".join(map(str, failed))
    assert summary(done) == (
        f"{len(LINES)} commands: {len(LINES) - len(failed)} done, "
        f"{len(failed)} failed (lines {named})"
    )
    assert of_users(forked) == of_users(other)
    assert forked.select(RUNS) == other.select(RUNS)
    assert {name.partition("-")[0] for name in forked.files} == other.files | {"script.txt"}


NAMES = st.sampled_from(["ann", "ben", "cé", "no name", ""])
COMMANDS = st.one_of(
    st.builds(lambda name: ["register", name, "--email", "x@mail.com"], NAMES),
    st.builds(
        lambda name, last: ["update", name, "--last-name", last], NAMES, st.text(max_size=22)
    ),
    st.builds(lambda name: ["delete", name], NAMES),
    st.builds(lambda name: ["notify", name], NAMES),
    st.builds(lambda name: ["register", name, "-e", "y@mail.com", "--fail", "update_*"], NAMES),
    st.builds(lambda name: ["register", name, "-e", "y@mail.com", "--fail", "create_*"], NAMES),
    st.builds(lambda name: ["register", name, "-e", "y@mail.com", "--no-log"], NAMES),
    st.builds(lambda words: words, st.lists(st.sampled_from(["list", "-x", "--json", "log", "a"]))),
)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(COMMANDS, min_size=1, max_size=6))
def test_random_scripts_do_what_single_commands_do(
    tmp_path_factory: pytest.TempPathFactory, forker: Forker, commands: list[list[str]]
) -> None:
    batch, single = (Forked(tmp_path_factory.mktemp("random"), forker=forker) for _ in range(2))
    commands = [[word.replace("\0", "").replace("\n", " ") for word in words] for words in commands]
    commands = [[*words, "--json"] for words in commands]
    done = batch("batch", script(batch, *map(shlex.join, commands)), "--json")
    alone = [single(*words) for words in commands]
    assert done.code == next((each.code for each in alone if each.code), 0)
    assert done.err == ""
    documents = done.objects
    assert [(each.pop("line"), each.pop("exit_code")) for each in documents] == [
        (number, each.code) for number, each in enumerate(alone, 1)
    ]
    for document, each, words in zip(documents, alone, commands, strict=True):
        assert timeless_document(document) == timeless_document(each.document), words
    if single.database.exists() and any("core_user" in row for row in single.rows()):
        assert of_users(batch) == of_users(single)


def test_words_are_quoted_as_in_a_shell_and_comments_begin_words(forked: Forked) -> None:
    text = (
        "\ufeff# the first ones\r\n"
        "\r\n"
        'signalcli register ann -e ann@mail.com --first-name "O\'Ann" # that was she\r\n'
        "   register  ben\\+1 -e ben@mail.com --last-name 'a#b \u2028é' --first-name x#y\r\n"
        "\tupdate ann --last-name ''#"
    )
    (forked.folder / "s").write_text(text, encoding="utf-8", newline="")
    done = forked("batch", "s", "-q")
    assert (done.code, done.out) == (2, "")
    # As in a shell, what follows a quotation belongs to its word.
    assert forked("batch", "s", "--json", "--no-log").objects[2]["result"] is not None
    assert of_users(forked) == [("ann", "ann@mail.com", "O'Ann", "#", "x")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"register 'ann", "the line's quoting is unfinished: no closing quotation"),
        (b'register "ann', "the line's quoting is unfinished: no closing quotation"),
        (b"register ann \\", "the line's quoting is unfinished: no escaped character"),
        (b"register a\0nn", "the line has a NUL character"),
        (b"register \xff", "the line is no UTF-8: byte 10 of it"),
        (b"list " + b"x" * 1024 * 1024, "the line has more than 1,048,576 bytes"),
        (b"list " + b"x" * 3 * 1024 * 1024, "the line has more than 1,048,576 bytes"),
        (b"nonsense", "no such command 'nonsense'. See `signalcli --help`"),
        (b"list --nonsense", "no such option: --nonsense. See `signalcli list --help`"),
        (b"batch script", "a batch cannot be part of another one. See `signalcli batch --help`"),
        (b"log follow", "it waits for other processes, for which a batch has no time"),
        (b"--app shop list", "the apps are those of the whole batch: name them before it, as in"),
        (b"list --app shop.apps", "the apps are those of the whole batch"),
    ],
    ids=lambda value: value[:20] if isinstance(value, bytes) else "",
)
def test_a_line_that_is_no_command_is_named_and_the_others_are_carried_out(
    forked_filled: Forked, line: bytes, reason: str
) -> None:
    program = forked_filled
    (program.folder / "script").write_bytes(b"delete bob\n\n" + line + b"\nnotify alice\nlist\n")
    done = program("batch", "script", "--json")
    assert (done.code, done.err) == (2, "")
    first, second, third, fourth = done.objects
    assert [each["line"] for each in done.objects] == [1, 3, 4, 5]
    assert [each["exit_code"] for each in done.objects] == [0, 2, 0, 0]
    assert (first["command"], third["command"]) == ("delete", "notify")
    assert [user["username"] for user in fourth["result"]] == ["alice"]
    assert reason in second["error"]["message"]
    assert (second["ok"], second["error"]["code"]) == (False, "usage")
    done = program("batch", "script", "--quiet")
    told = errors(done)
    assert (done.code, done.out, len(told)) == (3, "", 2)
    assert told[0].startswith("error: line 1: there is no user 'bob'")
    assert told[1].startswith(f"error: line 3: {reason}") or "invalid value" in told[1]


def test_it_can_end_after_the_first_failure(forked: Forked) -> None:
    name = script(forked, "register ann -e a@b.de", "show ben", "register carl -e c@b.de")
    done = forked("batch", "--stop-on-error", name)
    assert done.code == 3
    assert [number for number, _, _ in answers(done)] == [1, 2]
    assert summary(done) == "2 commands: 1 done, 1 failed (line 2); ended there"
    assert forked.usernames == ["ann"]


def test_of_many_failures_some_are_named(forked_filled: Forked) -> None:
    lines = ["show ben", *["nonsense"] * 1199, "show alice"]
    done = forked_filled("batch", script(forked_filled, *lines))
    assert done.code == 3
    assert summary(done) == (
        "1,201 commands: 1 done, 1,200 failed (lines 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 1,190 more)"
    )


@pytest.mark.parametrize("name", ["missing", ".", "missing/x", "script/x"])
def test_a_script_that_cannot_be_read_is_one_line(forked: Forked, name: str) -> None:
    script(forked, "list", name="script")
    done = forked("batch", name)
    assert (done.code, done.out) == (2, "")
    assert done.error.startswith(f"the script {name!r} cannot be read: ")
    done = forked("batch", name, "--json")
    assert (done.code, done.err) == (2, "")
    assert done.document["error"]["code"] == "invalid_value"


@pytest.mark.parametrize("arguments", [("batch",), ("batch", "-")])
def test_commands_are_read_from_standard_input(forked: Forked, arguments: tuple[str, ...]) -> None:
    piped = "register ann -e ann@mail.com\npasswd ann --password-stdin\npasswd ann\nlist"
    done = forked(*arguments, piped=piped)
    assert done.code == 2
    for error, line in zip(errors(done), (2, 3), strict=True):
        assert error == (
            f"error: line {line}: standard input has the commands, so no password can be read "
            "there; put the commands in a file. See `signalcli passwd --help`"
        )
    assert "ann@mail.com" in answers(done)[3][2]


def test_a_receiver_reads_nothing_of_the_commands(driver: Driver) -> None:
    program = driver("""
@receiver(notification)
def read(**kwargs):
    return sys.stdin.read() + os.read(0, 100).decode()
""")
    assert isinstance(program, Forked)
    done = program("batch", "--json", piped="notify alice\nnotify bob\n")
    values = [
        response["value"]
        for document in done.objects
        for dispatch in document["dispatches"]
        for response in dispatch["responses"]
        if response["receiver"].endswith(".read")
    ]
    assert (done.code, values) == (0, ["", ""])


def test_passwords_are_read_from_standard_input_line_by_line(forked_filled: Forked) -> None:
    name = script(forked_filled, "passwd alice --password-stdin", "login alice --password-stdin")
    done = forked_filled("batch", name, "-q", piped="correct horse\ncorrect horse\n")
    assert (done.code, done.out, done.err) == (0, "", "")


def test_on_a_terminal_a_file_is_asked_for(filled: Program) -> None:
    terminal = Terminal(filled, "batch")
    assert terminal.finish() == 2
    assert "name a FILE with the commands, or - to type them" in " ".join(terminal.lines_as_sent())


SETTING = """
import logging, warnings
for name in ("signalcli", "sqlalchemy"):
    logging.getLogger(name)

@receiver(notification)
def look(username, **kwargs):
    found = (
        os.environ.get("LEFT"), os.environ.get("SIGNALCLI_TRACEBACK"), os.getcwd(),
        len(logging.getLogger("signalcli").handlers), len(warnings.filters),
        len(signals.notification.receivers), len(sys.meta_path), threading.active_count(),
        type(sys.stdout).__name__, sys.argv[1:],
    )
    os.environ["LEFT"] = "behind"
    os.chdir("/")
    warnings.simplefilter("ignore", UserWarning)
    logging.getLogger("signalcli").addHandler(logging.NullHandler())
    return repr(found)
"""


def test_nothing_that_a_command_does_to_the_process_meets_the_next(driver: Driver) -> None:
    program = driver(SETTING.replace("len(signals.notification.receivers), ", ""))
    lines = ["notify alice --traceback"] + ["notify alice --fail show_*", "notify alice"] * 3
    done = program("batch", script(program, *lines), "--json")
    values = [
        next(
            response["value"]
            for dispatch in document["dispatches"]
            for response in dispatch["responses"]
            if response["receiver"].endswith(".look")
        )
        for document in done.objects
        if document["ok"]
    ]
    assert len(values) == 4
    assert "None, '1'" in values[0]
    assert len(set(values[1:])) == 1
    assert "None, None" in values[1]
    assert str(program.folder) in values[1]
    assert done.code == 1


def test_receivers_and_the_log_are_told_of_the_line(driver: Driver) -> None:
    program = driver("""
from signalcli.apps.signals import command_started
@receiver(command_started)
def note(command, arguments, **kwargs):
    with open("heard", "a") as file:
        print(command, arguments, file=file)
""")
    name = script(program, "notify alice --robust", "log -n 1", "-q notify bob")
    assert program("batch", name, "--no-log", "-q").code == 0
    assert program("batch", name, "-q", "--log-keep", "100").code == 0
    told = [
        "notify ['notify', 'alice', '--robust']",
        "log ['log', '-n', '1']",
        "notify ['-q', 'notify', 'bob']",
    ]
    assert (program.folder / "heard").read_text().splitlines() == told * 2
    logged = program.select("SELECT command_line FROM signalcli_run ORDER BY run")
    assert logged[2:] == [("signalcli notify alice --robust",), ("signalcli -q notify bob",)]


def test_options_hold_for_every_line_which_may_override_them(forked: Forked) -> None:
    lines = [
        "register ann -e a@b.de",
        "register ben -e a@b.de --database two.db --log",
        "--database two.db --log register carl -e a@b.de",
        "notify ann --json",
    ]
    name = script(forked, *lines)
    done = forked("--database", "one.db", "batch", name, "--no-log", "--fail", "show_*")
    assert [line.partition(": the receiver")[0] for line in errors(done)] == [
        "error: line 1",
        "error: line 2",
        "error: line 3",
    ]
    assert done.code == 1
    done = forked("batch", name, "-d", "one.db", "--no-log", "-q", env={"SIGNALCLI_LOG": "1"})
    assert (done.code, done.err, done.document["line"]) == (0, "", 4)
    two = Program(forked.folder / "two")
    assert forked.files == {"one.db", "two.db", name}
    two.folder.mkdir()
    (forked.folder / "two.db").rename(two.database)
    assert two.usernames == ["ben", "carl"]
    assert len(two.select(RUNS)) == 4


def test_of_apps_those_of_the_batch_may_be_named_again(shop: Forked) -> None:
    apps = ("--app", "signalcli.core", "--app", "shop")
    name = script(shop, "get Tag --app signalcli.core --app shop", "get Tag")
    assert shop("batch", name, "-q", *apps).code == 0
    done = shop("batch", script(shop, "get Tag --app shop"), "-q")
    assert (done.code, done.error.partition(":")[0]) == (2, "line 1")


SLOW = """
@receiver(notification)
def slow(username, **kwargs):
    if username == "bob":
        with open("reached", "w"):
            pass
        time.sleep(3600)
"""


def _interrupted(program: Program, number: int, *options: str) -> Finished:
    name = script(program, "register ann -e a@b.de", "show nobody", "notify bob", "list")
    process = program.start("batch", name, *options)
    while not (program.folder / "reached").exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(number)
    return finished(process)


@pytest.mark.parametrize(
    ("number", "code", "story"),
    [
        (signal.SIGINT, 130, "line 3: interrupted; nothing was written"),
        (signal.SIGTERM, 143, "line 3: ended by signal 15; nothing was written"),
    ],
)
def test_ctrl_c_ends_it_with_the_command_under_way(
    driver: Driver, number: int, code: int, story: str
) -> None:
    program = driver(SLOW)
    done = _interrupted(program, number)
    assert done.code == code
    assert errors(done)[1:] == [f"error: {story}"]
    assert summary(done) == "3 commands: 1 done, 2 failed (lines 2, 3); ended there"
    assert program.usernames == ["alice", "bob", "ann"]
    assert [row[2] for row in program.select(RUNS)[2:]] == [0, code]


DEAF = """
import os

@receiver(notification)
def deaf(username, **kwargs):
    try:
        os.kill(os.getpid(), {number:d})
        time.sleep(3600)
    except BaseException:
        pass
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_it_ends_also_where_the_exception_of_a_signal_was_lost(
    driver: Driver, number: int, code: int
) -> None:
    program = driver(DEAF.format(number=number))
    done = program("batch", script(program, "show nobody", "notify bob", "list"))
    # That of the first failure does not count any more.
    assert done.code == code
    assert summary(done) == "2 commands: 1 done, 1 failed (line 1); ended there"


@pytest.mark.parametrize(
    ("number", "code", "story"),
    [
        (signal.SIGINT, 130, "error: interrupted; what was committed before stays\n"),
        (signal.SIGTERM, 143, "error: ended by signal 15; what was committed before stays\n"),
    ],
)
def test_ctrl_c_while_it_waits_for_a_command_ends_it(
    filled: Program, number: int, code: int, story: str
) -> None:
    process = filled.start("batch", stdin=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("delete bob\n")
    process.stdin.flush()
    while "Deleted bob" not in process.stdout.readline():
        assert process.poll() is None
    # What it has yet to do keeps it awake, until it waits for the next line.
    status = Path("/proc", str(process.pid), "status")
    while "State:\tS" not in status.read_text():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(number)
    done = finished(process)
    assert done.code == code
    assert done.err == f"{story}1 command: 1 done\n"
    assert filled.usernames == ["alice"]


def test_it_ends_quietly_when_nobody_reads_it(filled: Program) -> None:
    name = script(filled, *(f"register u{number} -e a@b.de" for number in range(300)))
    with filled.start("batch", name) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
    assert (process.returncode, err) == (141, "")
    assert len(filled.usernames) < 250


class Conversation:
    """A batch that is given a line when the one before has been answered."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, line: str) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def names(self) -> list[str]:
        return [user["username"] for user in self.ask("list")["result"]]


def test_databases_may_come_and_go_between_commands(filled: Program) -> None:
    with filled.start("batch", "--json", stdin=subprocess.PIPE) as process:
        batch = Conversation(process)
        assert batch.names() == ["alice", "bob"]
        assert batch.ask("register carl -e a@b.de")["ok"]
        # Between two commands all there is to a database is its one file.
        assert filled.files == {"demo.db"}
        kept = filled.database.read_bytes()
        filled.database.unlink()
        assert batch.names() == []
        assert filled.files == set()
        assert batch.ask("register dora -e a@b.de")["ok"]
        assert batch.names() == ["dora"]
        filled.database.write_bytes(kept)
        assert batch.names() == ["alice", "bob", "carl"]
        assert batch.ask("delete alice")["ok"]
        connection = sqlite3.connect(filled.database)
        connection.execute("DROP TABLE core_profile")
        connection.close()
        assert batch.ask("notify bob")["ok"]
        assert batch.ask("register emil -e a@b.de")["ok"]
        assert batch.names() == ["bob", "carl", "emil"]
    assert process.returncode == 0


def test_a_file_that_is_moved_away_has_all_that_was_written(driver: Driver) -> None:
    program = driver("""
from signalcli.apps.signals import command_finished
@receiver(command_finished)
def move(command, **kwargs):
    if command == "signals":
        os.rename("demo.db", "old.db")
""")
    lines = ["register ann -e a@b.de", "signals", "register ben -e a@b.de", "list"]
    done = program("batch", script(program, *lines), "-q")
    assert (done.code, done.err) == (0, "")
    assert program.files == {"demo.db", "old.db", "driver.py", "script.txt"}
    assert program.usernames == ["ben"]
    (program.folder / "old.db").replace(program.database)
    assert program.usernames == ["alice", "bob", "ann"]


@pytest.mark.parametrize("moving", ["register ben -e a@b.de", "list"])
def test_a_receiver_that_moves_the_file_between_two_lines_takes_all_with_it(
    driver: Driver, moving: str
) -> None:
    program = driver(f"""
from signalcli.apps.signals import command_started
@receiver(command_started)
def move(arguments, **kwargs):
    if {moving.split()!r} == list(arguments):
        os.rename("demo.db", "old.db")
""")
    done = program("batch", script(program, "register ann -e a@b.de", moving), "-q")
    assert done.err == ""
    assert {name for name in program.files if name.startswith("old.db")} == {"old.db"}
    (program.folder / "old.db").replace(program.database)
    assert sorted(program.usernames) == ["alice", "ann", "bob"]


def test_connections_stay_open_only_where_nobody_could_notice(driver: Driver) -> None:
    program = driver("""
from signalcli.cli.batch import is_alone
from signalcli.apps.signals import command_started
import signalcli.apps as found
found.apps.populate()
print(is_alone())
@receiver(command_started)
def look(**kwargs):
    print(is_alone())
print(is_alone())
""")
    assert program("list", "-q").out.splitlines() == ["True", "False"]


def test_the_next_line_is_at_hand_where_it_can_be_read_without_waiting(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    with open(reading, "rb") as script:  # noqa: PTH123  # no path
        assert not is_at_hand(script)
        os.write(writing, b"list")
        assert not is_at_hand(script)
        os.write(writing, b"\nlist\n")
        script.readline()
        os.write(writing, b"list\n")
        assert is_at_hand(script)
        os.close(writing)
    (tmp_path / "script.txt").write_text("list\nlist", encoding="utf-8")
    with (tmp_path / "script.txt").open("rb") as script:
        assert is_at_hand(script)
        script.readline()
        assert not is_at_hand(script)


def test_the_log_can_be_pruned_by_a_line(forked_filled: Forked) -> None:
    lines = ["notify alice"] * 30 + ["log prune --keep 3", "notify bob", "log"]
    done = forked_filled("batch", script(forked_filled, *lines), "--json")
    assert done.code == 0
    pruned, last = done.objects[30]["result"], done.objects[32]["result"]
    assert pruned["runs"] == 29
    assert pruned["bytes_given_back"] > 0
    assert [run["run"] for run in last] == [33, 32, 31, 30]


def test_eight_batches_at_once_lose_nothing(signalcli: Program) -> None:
    processes = []
    for part in range(8):
        lines = [f"register u{part}-{number} -e a@b.de" for number in range(100)]
        name = script(signalcli, *lines, name=f"{part}")
        processes.append(signalcli.start("batch", name, "-q", env=PATIENT))
    for process in processes:
        assert finished(process) == Finished(0, "", "")
    assert len(of_users(signalcli)) == 800
    assert signalcli.select("SELECT count(*) FROM signalcli_run") == [(800,)]


def test_memory_stays_as_it_is(driver: Driver) -> None:
    program = driver("""
import gc
from signalcli.trace import Recorder
from signalcli.db import Session
@receiver(notification)
def count(**kwargs):
    gc.collect()
    found = gc.get_objects()
    return [sum(isinstance(each, kind) for each in found) for kind in (Recorder, Session)]
""")
    name = script(program, *["notify alice"] * 20, "notify bob")
    done = program("batch", name, "--json")
    counts = [
        response["value"]
        for document in done.objects
        for dispatch in document["dispatches"]
        for response in dispatch["responses"]
        if response["receiver"].endswith(".count")
    ]
    assert len(counts) == 21
    assert counts[-1] == counts[2]


@pytest.mark.parametrize("words", ["signalcli batch ", "signalcli batch scr"])
def test_the_shell_completes_files(forked: Forked, words: str) -> None:
    script(forked, "list")
    variables = {
        "_SIGNALCLI_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": "2",
    }
    # What nothing is offered for, the shell completes itself, by files.
    done = forked(env=variables)
    assert (done.code, done.out.strip(), done.err) == (0, "", "")


def test_versions_and_help_are_for_people(forked: Forked) -> None:
    name = script(forked, "--version", "list --help", "")
    done = forked("batch", name)
    assert done.code == 0
    assert "Usage: signalcli list" in answers(done)[1][2]
    first, second = forked("batch", name, "--json").objects
    assert first["result"].keys() == {"version"}
    assert second["error"]["message"].startswith("no such option: --help")


def test_rows_of_a_line_name_it(forked_filled: Forked) -> None:
    name = script(forked_filled, "signals --ndjson", "receivers --ndjson post_save")
    done = forked_filled("batch", name, "--json")
    assert {row["line"] for row in done.objects} == {1, 2}
