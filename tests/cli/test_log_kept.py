"""What the signal log keeps of a run, whatever came of it, and what it does not keep."""

import json
import signal
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.cli.program import Driver, Program, finished, interrupt, of_the_work

BUSY = """
inner = Signal()

@receiver(notification)
def sends_on(**kwargs):
    print("sending on")
    inner.send_robust("somebody", number=1, password="hunter2")
    return [1, "two", None]

@receiver(inner)
def fails(number, **kwargs):
    print("bad", end="")
    raise LookupError(f"no {number}")

@receiver(inner)
async def answers(**kwargs):
    return {"a": 1}
"""
AUDIT = """
@receiver(post_save, sender=User)
def audit(instance, **kwargs):
    print("about to fail")
    raise RuntimeError(f"no audit of {instance.username}")
"""
SLEEPING = """
@receiver(post_save, sender=User)
def slow(**kwargs):
    print("asleep", flush=True)
    print("asleep", file=sys.stderr, flush=True)
    time.sleep(3600)
"""
OUTCOMES = {0: "done", 1: "failed"}


def kept(program: Program, *arguments: str) -> dict[str, Any]:
    """The last run of the log, or the one that is named, as a document."""
    done = program("log", "show", "--json", *arguments)
    assert (done.code, done.err) == (0, "")
    return done.document


def numbers(program: Program) -> list[int]:
    """The numbers of the runs in the log, the newest first."""
    return [run["run"] for run in program("log", "--ndjson").objects]


def time_of(run: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(run["begun"])


@pytest.mark.parametrize(
    ("arguments", "user"),
    [
        (("register", "carol", "-e", "carol@mail.com", "--first-name", "Carol Ann"), "carol"),
        (("update", "alice", "--email", "new@mail.com", "--last-name", "Old"), "alice"),
        (("delete", "bob"), "bob"),
        (("notify", "alice"), "alice"),
        (("notify", "alice", "--robust"), "alice"),
        (("show", "alice", "--trace"), "alice"),
        (("list", "--trace"), None),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_the_log_has_of_every_run_what_the_run_itself_said(
    driver: Driver, arguments: tuple[str, ...], user: str | None
) -> None:
    program = driver(BUSY)
    before = datetime.now(UTC)
    done = program(*arguments, "--json")
    after = datetime.now(UTC)
    assert done.err == ""
    document = kept(program)
    assert document["dispatches"] == done.document["dispatches"] != []
    assert document["run"] == done.document["run"] == 3
    run = document["result"]
    assert run["run"] == 3
    assert run["command"] == arguments[0]
    quoted = "'Carol Ann'" if "Carol Ann" in arguments else None
    words = [quoted if " " in word and quoted else word for word in arguments]
    assert run["command_line"] == " ".join(["signalcli", *words, "--json"])
    assert run["exit_code"] == done.code
    assert run["outcome"] == OUTCOMES[done.code]
    assert run["error"] == done.document["error"]
    assert run["users"] == ([] if user is None else [user])
    assert before.timestamp() - 0.001 <= time_of(run).timestamp() <= after.timestamp()
    responses = [each for one in document["dispatches"] for each in one["responses"]]
    assert run["counts"] == {
        "dispatches": len(document["dispatches"]),
        "responses": len(responses),
        "failures": sum(each["error"] is not None for each in responses),
    }
    last = max(one["begun_ms"] + one["duration_ms"] for one in document["dispatches"])
    assert run["duration_ms"] >= last > 0


def test_the_trace_in_the_log_has_every_detail(driver: Driver) -> None:
    program = driver(BUSY)
    program("notify", "alice")
    notification, inner = of_the_work(kept(program)["dispatches"])
    assert (notification["seq"], notification["parent"]) == (1, None)
    assert notification["signal_path"] == "signalcli.core.signals.notification"
    assert notification["sender"] == "User"
    assert notification["robust"] is False
    assert notification["arguments"]["email"] == "alice@mail.com"
    assert inner["seq"] == 2
    assert inner["parent"] == {"seq": 1, "receiver": "__main__.sends_on"}
    assert (inner["signal"], inner["signal_path"]) == ("inner", "__main__.inner")
    assert (inner["sender"], inner["robust"]) == ("somebody", True)
    assert inner["arguments"] == {"number": 1, "password": "********"}
    assert inner["begun_ms"] >= notification["begun_ms"]
    (sends_on,) = [
        each for each in notification["responses"] if each["receiver"] == "__main__.sends_on"
    ]
    script = program.folder / "driver.py"
    lines = script.read_text().splitlines()

    def place_of(text: str, lines_before: int = 0) -> str:
        return f"{script}:{lines.index(text) + 1 - lines_before}"

    # Where a decorated function begins is with its decorator.
    assert sends_on["place"] in (
        place_of("def sends_on(**kwargs):"),
        place_of("def sends_on(**kwargs):", 1),
    )
    assert (sends_on["ok"], sends_on["value"]) == (True, [1, "two", None])
    assert (sends_on["output"], sends_on["output_omitted"]) == ("sending on\n", 0)
    fails, answers = inner["responses"]
    assert (fails["receiver"], fails["ok"], fails["value"]) == ("__main__.fails", False, None)
    assert fails["error"] == {
        "type": "LookupError",
        "message": "no 1",
        "place": place_of('    raise LookupError(f"no {number}")'),
        "on_commit": None,
    }
    assert fails["output"] == "bad"
    assert answers["value"] == "{'a': 1}"
    assert all(each["duration_ms"] > 0 for each in (notification, inner, sends_on, fails, answers))


@pytest.mark.parametrize(
    "arguments",
    [("list",), ("show", "alice"), ("signals",), ("receivers",), ("log",), ("log", "show")],
    ids=" ".join,
)
def test_looking_something_up_is_no_run(forked_filled: Program, arguments: tuple[str, ...]) -> None:
    before = numbers(forked_filled)
    assert forked_filled(*arguments).code == 0
    assert numbers(forked_filled) == before == [2, 1]
    if arguments[0] in ("list", "show"):
        assert forked_filled(*arguments, "--json").document["run"] is None


SECRET = "hunter2"  # not one that opens anything


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (
            ("notify", "alice", "-d", f"sqlite:///file:demo.db?uri=true&password={SECRET}"),
            "password=********",
        ),
        (("update", "alice", "--last-name", f"token={SECRET}"), "token=********"),
        (("update", "alice", "--last-name", f"http://me:{SECRET}@x"), "//me:********@x"),
        (("show", "alice", "--trace", "--json", "-d", f"sqlite:///demo.db?api_key={SECRET}"), ""),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_no_secret_of_the_command_line_gets_into_the_log(
    forked_filled: Program, arguments: tuple[str, ...], shown: str
) -> None:
    forked_filled(*arguments)
    run = forked_filled("log", "--ndjson", "--limit", "1").objects[0]
    assert SECRET not in run["command_line"]
    assert shown in run["command_line"]
    texts = forked_filled.select(
        "SELECT command_line || message || COALESCE(error_message, '') FROM signalcli_run"
    )
    assert SECRET not in str(texts)


def test_a_run_that_was_rolled_back_is_in_the_log_with_its_trace(driver: Driver) -> None:
    program = driver(AUDIT)
    before = program.rows()
    done = program("register", "new", "--email", "new@mail.com", "--json")
    assert done.code == 1
    document = kept(program)
    assert program.rows() == before
    assert document["dispatches"] == done.document["dispatches"]
    run = document["result"]
    assert (run["outcome"], run["exit_code"], run["run"]) == ("rolled back", 1, 3)
    assert done.document["run"] == 3
    assert run["error"] == done.document["error"]
    assert run["counts"]["failures"] == 1
    assert run["users"] == ["new"]
    (row,) = [line for line in program("log").lines if "register new" in line]
    assert "rolled back" in row
    assert "✗1" in row


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_run_that_was_interrupted_is_in_the_log_with_its_trace(
    driver: Driver, number: signal.Signals
) -> None:
    program = driver(SLEEPING)
    before = program.rows()
    process = program.start("update", "alice", "--email", "new@mail.com", "--json")
    assert process.stderr is not None
    assert process.stderr.readline() == "asleep\n"
    process.send_signal(number)
    done = finished(process)
    assert done.code == (130 if number is signal.SIGINT else 128 + number)
    assert program.rows() == before
    document = kept(program)
    run = document["result"]
    assert (run["outcome"], run["exit_code"], run["users"]) == ("interrupted", done.code, ["alice"])
    assert run["error"]["code"] == ("interrupted" if number is signal.SIGINT else "terminated")
    (slow,) = [
        each
        for one in document["dispatches"]
        for each in one["responses"]
        if each["receiver"] == "__main__.slow"
    ]
    assert slow["output"] == "asleep\n"
    assert slow["ok"] is False
    if number is signal.SIGINT:
        assert document["dispatches"] == done.document["dispatches"]
        assert document["run"] == done.document["run"] == 3
    assert program.files == {"demo.db", "driver.py"}


@pytest.mark.parametrize(
    ("arguments", "code", "outcome"),
    [
        (("update", "alice", "--email", "nonsense"), 2, "failed"),
        (("register", "no good", "-e", "x@mail.com"), 2, "failed"),
        (("update", "alice", "--first-name", "x" * 21), 2, "failed"),
        (("delete", "nobody"), 3, "failed"),
        (("notify", "nobody"), 3, "failed"),
        (("show", "nobody", "--trace"), 3, "failed"),
        (("register", "alice", "-e", "x@mail.com"), 4, "failed"),
    ],
    ids=lambda value: " ".join(value)[:30] if isinstance(value, tuple) else "",
)
def test_a_run_that_could_not_begin_is_in_the_log_too(
    forked_filled: Program, arguments: tuple[str, ...], code: int, outcome: str
) -> None:
    done = forked_filled(*arguments, "--json")
    assert (done.code, done.err, done.document["run"]) == (code, "", 3)
    document = kept(forked_filled)
    run = document["result"]
    assert (run["exit_code"], run["error"]) == (code, done.document["error"])
    is_begun = bool(of_the_work(document["dispatches"]))
    assert run["outcome"] == ("rolled back" if is_begun else outcome)
    assert document["dispatches"] == done.document["dispatches"]


def test_a_wrong_command_line_is_no_run(forked_filled: Program) -> None:
    done = forked_filled("notify", "alice", "--nonsense", "--json")
    assert (done.code, done.document["run"]) == (2, None)
    assert numbers(forked_filled) == [2, 1]


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["people", "programs"])
def test_a_robust_run_is_in_the_log_with_all_failures(
    driver: Driver, form: tuple[str, ...]
) -> None:
    program = driver(
        "@receiver(notification)\ndef sulk(**kwargs): raise ValueError('no')\n"
        "@receiver(notification)\nasync def sleepy(**kwargs): raise TimeoutError\n"
    )
    done = program("notify", "alice", "--robust", *form)
    assert done.code == 1
    document = kept(program)
    run = document["result"]
    # The others ran, and so nothing was rolled back.
    assert (run["outcome"], run["exit_code"], run["counts"]["failures"]) == ("failed", 1, 2)
    (dispatch,) = of_the_work(document["dispatches"])
    assert dispatch["robust"] is True
    assert [each["ok"] for each in dispatch["responses"]] == [True, False, False]


def test_a_run_without_dispatches_is_in_the_log(forked_filled: Program) -> None:
    done = forked_filled("update", "alice", "--email", "alice@mail.com")
    assert done.lines_of_the_work == ["Nothing to change for alice in demo.db"]
    document = kept(forked_filled)
    assert of_the_work(document["dispatches"]) == []
    assert document["result"]["outcome"] == "done"
    assert document["result"]["message"] == "Nothing to change for alice in demo.db"


def test_a_quiet_run_is_in_the_log(forked_filled: Program) -> None:
    done = forked_filled("notify", "alice", "--quiet")
    assert (done.code, done.out, done.err) == (0, "", "")
    document = kept(forked_filled)
    assert document["result"]["command_line"] == "signalcli notify alice --quiet"
    assert len(of_the_work(document["dispatches"])) == 1


def test_a_run_that_makes_no_database_leaves_none(forked: Program) -> None:
    for code, arguments in (
        (3, ("delete", "nobody")),
        (3, ("show", "nobody", "--trace")),
        (2, ("register", "no good", "-e", "x@mail.com")),
    ):
        done = forked(*arguments, "--json")
        assert (done.code, done.document["run"], done.err) == (code, None, "")
        assert forked.files == set()


class TestBounds:
    TALKING = """
@receiver(notification)
def talks(**kwargs):
    for number in range(100):
        print("x" * 99)
    print("é" * 10)

@receiver(notification)
def just(**kwargs):
    print("y" * 4095)

@receiver(notification)
def mutters(**kwargs):
    sys.stdout.write("z" * 4097)
"""

    def test_four_kilobytes_of_output_are_kept_and_the_rest_is_counted(
        self, driver: Driver
    ) -> None:
        program = driver(self.TALKING)
        done = program("notify", "alice", "--json")
        assert kept(program)["dispatches"] == done.document["dispatches"]
        _, talks, just, mutters = done.work[0]["responses"]
        whole = ("x" * 99 + "\n") * 100 + "é" * 10 + "\n"
        assert talks["output"] == whole[:4096]
        assert talks["output_omitted"] == len(whole.encode()) - 4096
        assert (just["output"], just["output_omitted"]) == ("y" * 4095 + "\n", 0)
        assert (mutters["output"], mutters["output_omitted"]) == ("z" * 4096, 1)

    def test_the_table_says_how_much_is_left_out(self, driver: Driver) -> None:
        program = driver(self.TALKING)
        done = program("notify", "alice")
        left_out = [line.strip() for line in done.lines if "bytes more" in line]
        assert left_out[0].split("┊ ") == ["│             ", "… and 5,925 bytes more"]
        assert len(left_out) == 2
        assert program("log", "show").out == done.out

    @pytest.mark.parametrize(
        ("arguments", "env"),
        [
            (("--no-log", "notify", "alice"), {}),
            (("notify", "alice", "--no-log"), {}),
            (("notify", "--no-log", "alice"), {"SIGNALCLI_LOG": "on"}),
            (("--log", "notify", "alice", "--no-log"), {}),
            (("notify", "alice"), {"SIGNALCLI_LOG": "off"}),
            (("notify", "alice"), {"SIGNALCLI_LOG": "0"}),
            (("list", "--trace"), {"SIGNALCLI_LOG": "false"}),
        ],
        ids=str,
    )
    def test_what_is_not_to_be_kept_is_not(
        self, forked_filled: Program, arguments: tuple[str, ...], env: dict[str, str]
    ) -> None:
        done = forked_filled(*arguments, "--json", env=env)
        assert (done.code, done.err, done.document["run"]) == (0, "", None)
        assert done.document["dispatches"]
        assert numbers(forked_filled) == [2, 1]

    @pytest.mark.parametrize(
        ("arguments", "env"),
        [
            (("notify", "alice"), {"SIGNALCLI_LOG": "on"}),
            (("notify", "alice", "--log"), {"SIGNALCLI_LOG": "off"}),
            (("--log", "notify", "alice"), {"SIGNALCLI_LOG": "off"}),
            (("--no-log", "notify", "alice", "--log"), {}),
        ],
        ids=str,
    )
    def test_what_is_said_last_holds(
        self, forked_filled: Program, arguments: tuple[str, ...], env: dict[str, str]
    ) -> None:
        assert forked_filled(*arguments, "--json", env=env).document["run"] == 3

    def test_a_registration_that_is_not_kept_makes_no_log(self, forked: Program) -> None:
        assert forked("register", "x", "-e", "x@mail.com", "--no-log").code == 0
        tables = forked.select("SELECT name FROM sqlite_master WHERE name LIKE 'signalcli%'")
        assert tables == []

    @pytest.mark.parametrize(
        ("variable", "value"),
        [
            ("SIGNALCLI_LOG", "nonsense"),
            ("SIGNALCLI_LOG_KEEP", "nonsense"),
            ("SIGNALCLI_LOG_KEEP", "0"),
            ("SIGNALCLI_LOG_KEEP", "-3"),
        ],
    )
    def test_a_variable_that_makes_no_sense_is_named(
        self, forked_filled: Program, variable: str, value: str
    ) -> None:
        before = forked_filled.rows()
        done = forked_filled("delete", "alice", env={variable: value})
        assert (done.code, done.out) == (2, "")
        assert variable in done.error
        assert forked_filled.rows() == before
        as_document = forked_filled("delete", "alice", "--json", env={variable: value})
        assert (as_document.code, as_document.err) == (2, "")
        assert as_document.document["error"]["code"] == "usage"

    @pytest.mark.parametrize(
        ("arguments", "env"),
        [
            (("--log-keep", "3", "notify", "alice"), {}),
            (("notify", "alice", "--log-keep", "3"), {}),
            (("notify", "alice"), {"SIGNALCLI_LOG_KEEP": "3"}),
            (("notify", "alice", "--log-keep", "3"), {"SIGNALCLI_LOG_KEEP": "1"}),
        ],
        ids=str,
    )
    def test_only_the_last_runs_stay(
        self, forked_filled: Program, arguments: tuple[str, ...], env: dict[str, str]
    ) -> None:
        for _ in range(4):
            forked_filled("notify", "bob")
        assert forked_filled(*arguments, env=env).code == 0
        assert numbers(forked_filled) == [7, 6, 5]
        # Nothing of the others is left.
        for table in ("signalcli_dispatch", "signalcli_response", "signalcli_run_user"):
            assert forked_filled.select(f"SELECT MIN(run) FROM {table}") == [(5,)]
        assert forked_filled("log", "show", "4").code == 3

    def test_one_run_may_be_all_that_is_kept(self, forked_filled: Program) -> None:
        for number in (3, 4):
            done = forked_filled("notify", "alice", "--log-keep", "1", "--json")
            assert done.document["run"] == number
        assert numbers(forked_filled) == [4]
        assert "Sent notification" in forked_filled("log", "show").out

    def test_a_result_of_any_size_does_no_harm(self, forked_filled: Program) -> None:
        for number in range(14):
            name = f"{'n' * 120}{number}"
            assert forked_filled("register", name, "-e", "x@mail.com", "-q").code == 0
        done = forked_filled("list", "--trace", "--json")
        assert len(json.loads(done.out)["result"]) == 16
        assert kept(forked_filled)["dispatches"] == done.document["dispatches"]


def test_an_interrupt_in_a_run_of_people_leaves_one_line(driver: Driver) -> None:
    program = driver(SLEEPING)
    process = program.start("update", "alice", "--email", "new@mail.com")
    assert process.stderr is not None
    assert process.stderr.readline() == "asleep\n"
    interrupt(process)
    done = finished(process)
    assert done.error == "interrupted; nothing was written"
    shown = program("log", "show")
    assert shown.out == done.out
    assert shown.err == f"run 3 was interrupted (exit code 130): {done.error}\n"
