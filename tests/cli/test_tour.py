"""The tour, printed where nobody answers, and led on a terminal."""

import os
import re
import signal
import sqlite3
import stat
from pathlib import Path

import pexpect
import pytest

from signalcli.tour.lessons import LESSONS, find_lesson
from tests.cli.program import (
    Driver,
    Forked,
    Program,
    Terminal,
    complete,
    finished,
    without_roots_rights,
)

PROMPT = "\n> "
ANSWERS = "1, 2 or 3: what do you think?   Enter: just show me   q: leave"


@pytest.fixture
def state(tmp_path: Path) -> dict[str, str]:
    """The variable that names the state folder, and no editor."""
    return {"XDG_STATE_HOME": str(tmp_path / "state"), "EDITOR": "", "VISUAL": ""}


def scratch(state: dict[str, str], name: str) -> Path:
    """The scratch folder of a lesson."""
    number = find_lesson(name).number
    folder = Path(state["XDG_STATE_HOME"], "signalcli", "tour")
    return folder / f"lesson-{number:02}-{name}"


class Learner:
    """Somebody who takes the tour on a terminal.

    Attributes:
        terminal: the terminal.
    """

    def __init__(
        self,
        program: Program,
        *arguments: str,
        env: dict[str, str],
        columns: int = 80,
        rows: int = 100,
    ) -> None:
        self.terminal = Terminal(program, "tour", *arguments, env=env, columns=columns, rows=rows)
        self.wait()

    def wait(self) -> None:
        self.terminal.wait_for(PROMPT.strip() + " ")

    def types(self, text: str) -> str:
        """What the screen shows after something was typed, down to the next prompt."""
        before = len(self.terminal.sent)
        self.terminal.process.sendline(text)
        self.wait()
        return self.terminal.sent[before:].replace("\r\n", "\n")

    def leaves(self, text: str = "q") -> list[str]:
        """The last lines that the screen shows after something was typed at the end."""
        self.terminal.process.sendline(text)
        assert self.terminal.finish() == 0
        return self.terminal.screen()


class TestPrinted:
    def test_a_lesson_is_printed_with_its_answer_and_asks_nothing(self, forked: Forked) -> None:
        done = forked("tour", "--lesson", "weak")
        assert (done.code, done.err) == (0, "")
        for text in (
            "Lesson 6 of 11: Receivers that vanish",
            "    connect_greeter()\n\n$ signalcli notify ada\n",
            "Which receivers are called?\n  1  show_notification and greet.\n",
            "show_notification",
            "The answer is 2: show_notification alone.",
            "    + notification.connect(greet, weak=False)",
            "Good morning ada",
        ):
            assert text in done.out
        assert "> " not in done.out.replace("─▶", "")
        assert "Enter" not in done.out

    def test_nothing_is_left_behind(self, forked: Forked) -> None:
        home = forked.folder / "home"
        home.mkdir()
        env = {"HOME": str(home), "XDG_STATE_HOME": ""}
        assert forked("tour", "--lesson", "1", env=env).code == 0
        assert list(home.iterdir()) == []
        assert forked.files == {"home"}

    def test_an_own_database_is_not_touched(self, forked_filled: Forked) -> None:
        before = forked_filled.database.read_bytes()
        done = forked_filled("tour", "--lesson", "1", env={"SIGNALCLI_DATABASE": "demo.db"})
        assert done.code == 0
        assert forked_filled.database.read_bytes() == before
        assert forked_filled.files == {"demo.db"}

    def test_a_receivers_failure_is_part_of_the_lesson(self, forked: Forked) -> None:
        done = forked("tour", "--lesson", "robust")
        assert (done.code, done.err) == (0, "")
        assert done.out.count("\nerror: the receiver broken.broken failed") == 2

    def test_quiet_runs_a_lesson_and_prints_nothing(self, forked: Forked) -> None:
        done = forked("tour", "--lesson", "robust", "--quiet")
        assert (done.code, done.out, done.err) == (0, "", "")

    def test_json_is_one_document(self, forked: Forked) -> None:
        done = forked("--json", "tour", "--lesson", "5")
        assert done.code == 0
        (lesson,) = done.document["result"]
        assert (lesson["name"], lesson["answer"]) == ("order", 3)
        assert lesson["steps"][0]["command"] == "signalcli notify ada"
        assert lesson["steps"][0]["document"]["command"] == "notify"

    def test_all_shows_every_dispatch(self, forked: Forked) -> None:
        done = forked("tour", "--lesson", "1", "--all")
        assert done.code == 0
        assert "command_finished from notify" in done.out
        assert "unheard: " not in done.out

    def test_a_narrow_screen_is_not_exceeded(self, forked: Forked) -> None:
        done = forked("tour", "--lesson", "causes", env={"COLUMNS": "60"})
        assert max(map(len, done.lines)) <= 60

    def test_ascii_is_enough(self, forked: Forked) -> None:
        done = forked("tour", "--lesson", "causes", env={"PYTHONIOENCODING": "ascii"})
        assert done.code == 0
        assert done.out.isascii()
        assert "\\u" not in done.out
        assert "`-> welcome" in done.out

    def test_what_a_lesson_says_and_its_command_does_not_is_an_error(self, driver: Driver) -> None:
        program = driver(
            "from signalcli.tour import guide\nguide.is_as_told = lambda step, ran: False\n"
        )
        for arguments in ((), ("--json",)):
            done = program("tour", "--lesson", "1", *arguments)
            assert done.code == 70
            assert "not what these lessons say: signal; report it" in done.out + done.err

    def test_an_unknown_lesson_names_what_is_like_it(self, forked: Forked) -> None:
        done = forked("tour", "--lesson", "comit")
        assert done.code == 3
        assert done.error == (
            "there is no lesson 'comit'; did you mean commit? `signalcli tour --list` lists them"
        )
        assert forked("tour", "--lesson", "12").error == (
            "there is no lesson '12'; they are numbered from 1 to 11, `signalcli tour --list` "
            "lists them"
        )

    @pytest.mark.parametrize("option", [("--fail", "x"), ("--mute", "x"), ("--app", "x")])
    def test_a_lesson_takes_no_other_apps_or_faults(
        self, forked: Forked, option: tuple[str, str]
    ) -> None:
        done = forked("tour", *option)
        assert done.code == 2
        assert "a lesson has apps and faults of its own" in done.error

    def test_lessons_are_completed_by_their_numbers_and_names(self, forked: Forked) -> None:
        assert complete(forked, "signalcli tour --lesson 1").out.split() == ["1", "10", "11"]
        assert complete(forked, "signalcli tour --lesson c").out.split() == [
            "created",
            "causes",
            "commit",
        ]

    def test_an_interrupted_lesson_ends_the_tour(self, signalcli: Program) -> None:
        process = signalcli.start("tour", "--lesson", "async")
        assert process.stdout is not None
        process.stdout.readline()
        # A terminal sends it to all processes.
        os.killpg(process.pid, signal.SIGINT)
        done = finished(process)
        assert done.code == 130
        assert "Traceback" not in done.err


class TestListed:
    def test_the_lessons_are_listed(self, forked: Forked, state: dict[str, str]) -> None:
        done = forked("tour", "--list", env=state)
        assert done.code == 0
        assert done.lines[0].split() == ["Lesson", "Name", "Title"]
        assert done.lines[2].split() == ["1", "signal", "What", "a", "signal", "is", "next"]
        assert len(done.lines) == 2 + len(LESSONS)

    def test_programs_get_them_as_rows(self, forked: Forked, state: dict[str, str]) -> None:
        done = forked("tour", "--list", "--json", env=state)
        assert done.document["result"][0] == {
            "lesson": 1,
            "name": "signal",
            "title": "What a signal is",
            "done": False,
            "predicted": None,
            "next": True,
        }


class TestLed:
    def test_every_lesson_fits_a_screen(self, signalcli: Program, state: dict[str, str]) -> None:
        learner = Learner(signalcli, env=state)
        terminal = learner.terminal
        while terminal.process.isalive():
            is_to_edit = "s: do it for me" in terminal.process.before
            terminal.process.sendline("s" if is_to_edit else "")
            if terminal.process.expect_exact(["> ", pexpect.EOF]):
                break
        assert terminal.finish() == 0
        shown = "\n".join(terminal.screen(all_rows=True))
        assert "That was the last lesson." in shown
        screens = [each.strip("\n") for each in shown.split("\n>")]
        assert len(screens) > 2 * len(LESSONS)
        # A learner who makes the change by hand does not see the lines that are changed.
        screens = [each.rpartition("+ @receiver(post_save)\n\n")[2] for each in screens]
        # The prompt takes one more line. The command and the lines around it may have gone from the
        # screen: the learner has read them before the command ran.
        assert [each for each in screens if each.count("\n") + 2 > 27] == []

    def test_a_learner_predicts_and_is_told(
        self, signalcli: Program, state: dict[str, str]
    ) -> None:
        learner = Learner(signalcli, env=state)
        assert "A tour of signals in 11 lessons" in learner.terminal.screen()[0]
        assert learner.terminal.screen()[-2:] == [ANSWERS, ">"]
        # What is no answer is asked again.
        assert learner.types("4").endswith("> ")
        shown = learner.types("1")
        assert shown.index("show_notification") < shown.index("Not 1. The answer is 2: A receiver")
        learner.types("")
        assert "Right, 1: Once." in learner.types("1")
        learner.leaves()

    def test_a_learner_leaves_and_goes_on_there(
        self, forked: Forked, state: dict[str, str]
    ) -> None:
        learner = Learner(forked, "--lesson", "order", env=state)
        learner.types("3")
        assert learner.leaves()[-1] == (
            "Left. `signalcli tour` goes on with lesson 6, Receivers that vanish."
        )
        again = Learner(forked, env=state)
        assert again.terminal.screen()[0] == "Lesson 6 of 11: Receivers that vanish"
        again.leaves()
        rows = forked("tour", "--list", "--json", env=state).document["result"]
        assert [(row["name"], row["predicted"]) for row in rows if row["done"]] == [("order", True)]
        assert [row["name"] for row in rows if row["next"]] == ["weak"]
        restarted = Learner(forked, "--restart", env=state)
        assert "Lesson 1 of 11: What a signal is" in restarted.terminal.screen()
        restarted.leaves()

    @pytest.mark.parametrize("how", ["sendintr", "sendeof"])
    def test_ctrl_c_and_ctrl_d_leave(
        self, signalcli: Program, state: dict[str, str], how: str
    ) -> None:
        learner = Learner(signalcli, "--lesson", "3", env=state)
        getattr(learner.terminal.process, how)()
        assert learner.terminal.finish() == 0
        assert learner.terminal.screen()[-1] == (
            "Left. `signalcli tour` goes on with lesson 3, New or changed: created."
        )
        assert "Traceback" not in learner.terminal.sent

    @pytest.mark.parametrize("lesson", ["signal", "causes", "order", "weak", "async"])
    def test_no_line_leaves_a_low_screen_before_it_could_be_read(
        self, signalcli: Program, state: dict[str, str], lesson: str
    ) -> None:
        learner = Learner(signalcli, "--lesson", lesson, env=state, rows=24)
        seen: set[str] = set()
        while learner.terminal.process.isalive():
            seen.update(learner.terminal.screen())
            if "on to lesson" in learner.terminal.screen()[-2]:
                break
            learner.types("")
        assert set(learner.terminal.screen(all_rows=True)) - seen == set()
        learner.leaves()

    def test_who_is_done_is_told_how_to_begin_anew(
        self, signalcli: Program, state: dict[str, str]
    ) -> None:
        learner = Learner(signalcli, "--lesson", "rows", env=state)
        assert "You predicted 0 of 1 right." in " ".join(learner.leaves("1"))
        terminal = Terminal(signalcli, "tour", env=state)
        assert terminal.finish() == 0
        assert terminal.screen()[-1] == "`signalcli tour --restart` begins anew."

    def test_an_own_database_is_not_touched(self, filled: Program, state: dict[str, str]) -> None:
        before = filled.database.read_bytes()
        learner = Learner(filled, env=state)
        learner.types("2")
        learner.leaves()
        assert filled.database.read_bytes() == before
        assert filled.files == {"demo.db", "state"}
        database = sqlite3.connect(scratch(state, "signal") / "demo.db")
        assert database.execute("SELECT username FROM core_user").fetchall() == [("ada",)]
        database.close()

    def test_colours_are_left_out_on_demand(
        self, signalcli: Program, state: dict[str, str]
    ) -> None:
        coloured = Learner(signalcli, env=state)
        coloured.types("2")
        coloured.leaves()
        assert "\x1b[32mRight, 2" in coloured.terminal.sent
        plain = Learner(signalcli, "--restart", env={**state, "NO_COLOR": "1"})
        plain.types("2")
        plain.leaves()
        assert not re.search("\x1b\\[[0-9;]*3[0-7]m", plain.terminal.sent)

    def test_without_a_home_the_tour_is_led_and_not_remembered(
        self, signalcli: Program, state: dict[str, str]
    ) -> None:
        home = signalcli.folder / "home"
        home.mkdir()
        home.chmod(stat.S_IRUSR | stat.S_IXUSR)
        env = {**state, "HOME": str(home), "XDG_STATE_HOME": ""}
        learner = Learner(without_roots_rights(signalcli), "--lesson", "3", env=env)
        told = " ".join(learner.terminal.screen())
        assert "Your progress is not remembered: Permission denied" in told
        assert "Right, 3: Both." in learner.types("3")
        assert learner.leaves()[-1] == (
            "Left. `signalcli tour --lesson 4` goes on with lesson 4, Who caused what."
        )
        assert list(home.iterdir()) == []


class TestEdited:
    @pytest.fixture
    def learner(self, signalcli: Program, state: dict[str, str]) -> Learner:
        """Somebody who is asked to change the program of the second lesson, without an editor."""
        learner = Learner(signalcli, "--lesson", "sender", env=state)
        learner.types("1")
        asked = learner.types("")
        assert f"The file: {scratch(state, 'sender') / 'mine.py'}\n" in asked
        assert "Edit it in another window" in asked
        return learner

    @pytest.fixture
    def mine(self, state: dict[str, str]) -> Path:
        """The file that is to be changed."""
        return scratch(state, "sender") / "mine.py"

    def test_a_change_is_seen(self, learner: Learner, mine: Path) -> None:
        shown = learner.types("")
        assert "Calls of tally: 1 before, 1 now.\nmine.py is as it was." in shown
        mine.write_text(mine.read_text().replace(", sender=User", ""))
        shown = learner.types("")
        assert "saved a Profile" in shown
        assert "Calls of tally: 1 before, 2 now.\nWithout a sender, tally hears" in shown
        learner.leaves()
        assert "@receiver(post_save)\n" in mine.read_text()

    def test_what_is_broken_is_one_line(self, learner: Learner, mine: Path) -> None:
        original = mine.read_text()
        for source, told in (
            ("def (", "error: app 'mine': mine cannot be imported: SyntaxError: invalid syntax"),
            ("import nothing_like_it", "ModuleNotFoundError: No module named 'nothing_like_it'"),
            ("raise SystemExit", "mine cannot be imported: SystemExit"),
            (f"{original}    return instance", "NameError: name 'instance' is not defined"),
            (original.replace(", **kwargs", ""), "must accept keyword arguments (**kwargs)"),
            ("\xff", "SyntaxError"),
        ):
            mine.write_text(source, "latin-1")
            shown = learner.types("")
            assert told in " ".join(shown.split())
            assert shown.count("error: ") == 1
            assert "Mend mine.py and run it again, or have it done by s." in shown
        assert "Traceback" not in learner.terminal.sent
        shown = learner.types("s")
        assert "What you made of mine.py before is in mine_before.py now." in shown
        assert "Calls of tally: 1 before, 2 now." in shown
        assert mine.with_name("mine_before.py").read_text("latin-1") == "\xff"
        learner.leaves()

    def test_what_never_ends_is_interrupted_and_mended(self, learner: Learner, mine: Path) -> None:
        mine.write_text(f"{mine.read_text()}\nprint('off', flush=True)\nwhile True:\n    pass\n")
        learner.terminal.process.sendline("")
        learner.terminal.wait_for("off")
        learner.terminal.process.sendintr()
        learner.wait()
        assert "error: interrupted; nothing was written" in learner.terminal.sent
        assert "Calls of tally: 1 before, 2 now." in learner.types("s")
        learner.leaves()

    def test_a_file_that_is_gone_is_written_anew(self, learner: Learner, mine: Path) -> None:
        mine.unlink()
        assert "mine.py was gone. It is as it was in the beginning again." in learner.types("")
        assert mine.exists()
        # Who would rather go on does.
        assert "on to lesson 3" in learner.types("n")
        learner.leaves()

    def test_an_editor_is_opened(self, signalcli: Program, state: dict[str, str]) -> None:
        editor = signalcli.folder / "my editor"
        editor.write_text("#!/bin/sh\nsed -i 's/, sender=User//' \"$2\"\n")
        editor.chmod(0o755)
        env = {**state, "EDITOR": f"'{editor}' --wait"}
        learner = Learner(signalcli, "--lesson", "sender", env=env)
        learner.types("1")
        assert f"e: edit it in {editor.name}" in learner.types("")
        assert "Calls of tally: 1 before, 2 now." in learner.types("e")
        learner.leaves()

    def test_an_editor_that_is_not_there_is_named(
        self, signalcli: Program, state: dict[str, str]
    ) -> None:
        learner = Learner(signalcli, "--lesson", "sender", env={**state, "VISUAL": "no-editor"})
        learner.types("1")
        learner.types("")
        assert "no-editor cannot be started: No such file or directory." in learner.types("e")
        learner.leaves()

    def test_an_editor_that_changes_nothing_runs_nothing(
        self, signalcli: Program, state: dict[str, str]
    ) -> None:
        learner = Learner(signalcli, "--lesson", "sender", env={**state, "VISUAL": "true"})
        learner.types("1")
        learner.types("")
        shown = learner.types("e")
        assert "mine.py has not changed. Once it is saved, Enter runs it." in shown
        assert "$ signalcli" not in shown
        learner.leaves()

    def test_a_changed_file_is_kept_when_the_lesson_is_repeated(
        self, signalcli: Program, learner: Learner, mine: Path, state: dict[str, str]
    ) -> None:
        mine.write_text("# mine\n")
        learner.leaves()
        again = Learner(signalcli, "--lesson", "sender", env=state)
        told = "What you made of mine.py before is in mine_before.py now."
        assert told in again.terminal.screen()
        again.leaves()
        assert mine.with_name("mine_before.py").read_text() == "# mine\n"
        assert os.access(mine, os.W_OK)
