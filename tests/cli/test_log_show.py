"""A run that is shown again looks as it did, to the byte."""

import pyte
import pytest

from tests.cli.program import MANY, Driver, Finished, Program, Terminal, finished, interrupt

NESTING = """
inner = Signal()

@receiver(inner)
def deepest(**kwargs):
    print("deep", end="")
    return "down \\u2014 here \\x1b[31m [bold]é[/bold] \\u2028 x"

@receiver(notification)
def in_a_thread(**kwargs):
    thread = threading.Thread(target=inner.send, args=["thread"])
    thread.start()
    thread.join()
    sys.stdout.write("tab\\there\\nthread over\\n\\nlast line, 日本語")

@receiver(notification)
async def in_a_task(**kwargs):
    await inner.asend("a sender whose name is so long that it has to be broken somewhere")
    print("task over: " + "long " * 40)
    return list(range(9))
"""
FAILING = """
@receiver(post_save, sender=User)
def audit(instance, **kwargs):
    print("about to fail")
    raise RuntimeError(f"no audit of {instance.username}")

@receiver(notification)
def sulk(**kwargs):
    raise ValueError("a long story " * 10)
"""
UNFINISHED = """
inner = Signal()

asleep = threading.Event()

@receiver(inner)
def slow(**kwargs):
    print("dozing off")
    asleep.set()
    time.sleep(3600)

@receiver(notification)
def outer(**kwargs):
    threading.Thread(target=inner.send, args=[None], daemon=True).start()
    asleep.wait()
"""
INTERRUPTED = """
@receiver(notification)
def slow(**kwargs):
    print("dozing off")
    print("asleep", file=sys.stderr, flush=True)
    time.sleep(3600)
"""
ENVIRONMENTS = {
    "piped": {},
    "60 columns": {"COLUMNS": "60"},
    "forced colours": {"FORCE_COLOR": "1"},
    "no colours": {"NO_COLOR": "1"},
    "forced colours in 50 columns": {"FORCE_COLOR": "1", "COLUMNS": "50"},
}
ROLLED_BACK = "was rolled back"


def assert_shown_again(done: Finished, shown: Finished, number: int = 3) -> None:
    """What a run printed is what ``log show`` prints of it."""
    assert shown.code == 0
    assert shown.out == done.out
    if done.code == 0:
        assert shown.err == ""
    else:
        assert shown.err.startswith(f"run {number} ")
        assert f"(exit code {done.code}): {done.error}\n" in shown.err
        assert shown.err.count("\n") == 1


@pytest.mark.parametrize("environment", list(ENVIRONMENTS))
@pytest.mark.parametrize(
    ("source", "arguments"),
    [
        (NESTING, ("notify", "alice")),
        (FAILING, ("register", "new", "-e", "new@mail.com", "--first-name", "Nora [b]")),
    ],
    ids=["nests", "fails"],
)
def test_a_run_is_shown_as_it_was(
    driver: Driver, source: str, arguments: tuple[str, ...], environment: str
) -> None:
    program = driver(source)
    env = ENVIRONMENTS[environment]
    done = program(*arguments, env=env)
    assert "notification" in done.out or "audit" in done.out
    assert_shown_again(done, program("log", "show", env=env))
    assert ("\x1b[1m" in done.out) is ("FORCE_COLOR" in env)


@pytest.mark.parametrize(
    "arguments",
    [
        ("register", "new", "-e", "new@mail.com", "--first-name", "Nora [b]"),
        ("delete", "alice"),
        ("update", "alice", "--last-name", "Older"),
        ("update", "alice", "--last-name", "Young"),
        ("update", "alice", "--email", "nonsense"),
        ("notify", "nobody"),
        ("register", "bob", "-e", "bob@mail.com"),
    ],
    ids=" ".join,
)
def test_any_command_is_shown_as_it_was(forked_filled: Program, arguments: tuple[str, ...]) -> None:
    done = forked_filled(*arguments)
    assert_shown_again(done, forked_filled("log", "show", "3"))


@pytest.mark.parametrize(
    "arguments", [("show", "alice", "--trace"), ("list", "--trace")], ids=" ".join
)
def test_what_was_looked_up_with_its_trace_is_shown_as_it_was(
    forked_filled: Program, arguments: tuple[str, ...]
) -> None:
    done = forked_filled(*arguments)
    assert "alice@mail.com" in done.out
    assert_shown_again(done, forked_filled("log", "show"))


def test_a_robust_run_is_shown_as_it_was(driver: Driver) -> None:
    program = driver(FAILING)
    assert_shown_again(program("notify", "bob", "--robust"), program("log", "show"))


def test_a_run_is_shown_by_the_installed_program(filled: Program) -> None:
    done = filled("notify", "alice")
    assert_shown_again(done, filled("log", "show"))


def test_a_run_is_shown_as_it_was_where_there_is_only_ascii(driver: Driver) -> None:
    forked = driver(NESTING)
    program = Program(forked.folder, forked.command)
    env = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    done = program("notify", "alice", env=env)
    assert "|- inner" in done.out
    assert "`-> deepest" in done.out
    assert done.out.isascii()
    assert_shown_again(done, program("log", "show", env=env))


def test_a_response_that_never_ended_is_shown_as_it_was(driver: Driver) -> None:
    program = driver(UNFINISHED)
    done = program("notify", "alice")
    (row,) = [line for line in done.lines if "slow" in line]
    assert "… running" in row
    assert_shown_again(done, program("log", "show"))
    (slow,) = program("log", "show", "--json").work[1]["responses"]
    assert (slow["receiver"], slow["duration_ms"], slow["ok"]) == ("__main__.slow", None, False)
    assert slow["output"] == "dozing off\n"


def test_a_response_that_was_interrupted_is_shown_as_it_was(driver: Driver) -> None:
    program = driver(INTERRUPTED)
    process = program.start("notify", "alice")
    assert process.stderr is not None
    assert process.stderr.readline() == "asleep\n"
    interrupt(process)
    done = finished(process)
    assert done.code == 130
    assert_shown_again(done, program("log", "show"))


def test_what_a_quiet_run_or_one_for_programs_would_have_printed_is_shown(driver: Driver) -> None:
    program = driver(NESTING)
    for form in ("--quiet", "--json"):
        program("notify", "alice", form)
        shown = program("log", "show")
        assert "deepest" in shown.out
        assert shown.lines[-1] == "Sent notification for alice in demo.db"


def test_a_quiet_look_shows_nothing_but_errors(forked_filled: Program) -> None:
    done = forked_filled("log", "show", "--quiet")
    assert (done.code, done.out, done.err) == (0, "", "")
    missing = forked_filled("log", "show", "77", "--quiet")
    assert (missing.code, missing.out) == (3, "")
    assert "77" in missing.error


def cells(terminal: Terminal, columns: int) -> list[list[object]]:
    """What stands on the screen, colours included, the blank lines at its end left out."""
    screen = pyte.Screen(columns, MANY)
    pyte.Stream(screen).feed(terminal.sent)
    rows = [[screen.buffer[row][column] for column in range(columns)] for row in range(MANY)]
    while rows and all(cell.data == " " for cell in rows[-1]):
        rows.pop()
    return rows


@pytest.mark.parametrize("columns", [80, 44])
def test_a_run_is_shown_in_a_terminal_as_it_was(driver: Driver, columns: int) -> None:
    program = driver(NESTING)
    run = Terminal(program, "notify", "alice", columns=columns)
    assert run.finish() == 0
    show = Terminal(program, "log", "show", columns=columns)
    assert show.finish() == 0
    assert cells(show, columns) == cells(run, columns) != []
    # And the other way round: nothing of the terminal is in the log.
    assert "\x1b" not in program("log", "show").out.replace("\\x1b", "")


def test_a_failure_is_shown_in_a_terminal_as_it_was(driver: Driver) -> None:
    program = driver(FAILING)
    run = Terminal(program, "register", "new", "-e", "new@mail.com")
    assert run.finish() == 1
    show = Terminal(program, "log", "show")
    assert show.finish() == 0
    printed = [line for line in run.lines_as_sent() if not line.startswith("error: ")]
    shown = show.lines_as_sent()
    assert shown[:-1] == printed
    assert shown[-1].startswith(f"run 3 {ROLLED_BACK} (exit code 1): the receiver")


def test_several_runs_are_shown_each_under_a_heading(driver: Driver) -> None:
    program = driver(FAILING)
    first = program("register", "new", "-e", "new@mail.com")
    second = program("update", "alice", "--last-name", "Young")
    done = program("log", "show", "--limit", "2")
    assert (done.code, done.err) == (0, "")
    heading_second, *rest = done.lines
    assert heading_second.startswith("Run 4 · ")
    assert "done · update alice --last-name Young" in heading_second
    middle = rest.index("")
    assert rest[:middle] == second.lines
    assert rest[middle + 1].startswith("Run 3 · ")
    assert "· rolled back, exit code 1 · register new" in rest[middle + 1]
    assert rest[middle + 2 : middle + 2 + len(first.lines)] == first.lines
    assert f"error: {first.error}" in rest


def test_several_runs_are_shown_to_programs(driver: Driver) -> None:
    program = driver(FAILING)
    ran = [program("notify", "alice", "--json"), program("notify", "bob", "--robust", "--json")]
    rows = program("log", "show", "--limit", "2", "--ndjson").objects
    assert [row["run"] for row in rows] == [4, 3]
    assert [row["dispatches"] for row in rows] == [
        done.document["dispatches"] for done in reversed(ran)
    ]
    as_document = program("log", "show", "--limit", "2", "--json").document
    assert as_document["result"] == rows
    alone = program("log", "show", "3", "--ndjson").objects
    assert alone == rows[1:]


def test_what_is_printed_is_read_again_from_a_copy_of_the_file(driver: Driver) -> None:
    program = driver(NESTING)
    done = program("notify", "alice")
    program.database.rename(program.folder / "copy.db")
    assert_shown_again(done, program("-d", "copy.db", "log", "show"))
    assert_shown_again(done, program("log", "-d", "copy.db", "show"))
    assert_shown_again(done, program("log", "show", "-d", "copy.db"))
    assert program("log", "show").code == 3
