"""Wrong options and commands: what was meant is named, in a form that works."""

import re

import pytest

from signalcli.cli.guidance import COMMANDS as OTHER_COMMANDS
from signalcli.cli.guidance import OPTIONS
from tests.cli.commands import COMMANDS
from tests.cli.program import Forked

OPTION = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")


class TestOptions:
    @pytest.mark.parametrize(
        ("line", "said"),
        [
            ("register xyz --mail x@y.de", "--mail; did you mean --email?"),
            ("register xyz --emal x@y.de", "--emal; did you mean --email?"),
            (
                "register xyz --name Xenia",
                "--name; did you mean --first-name, --last-name or the argument USERNAME?",
            ),
            ("register --user xyz", "--user; did you mean the argument USERNAME?"),
            ("register xyz --picture me.png", "--picture; did you mean --profile-pic?"),
            ("register xyz --profile me.png", "--profile; did you mean --profile-pic?"),
            ("register --file users.csv", "--file; did you mean --from?"),
            ("update xyz --user abc", "--user; did you mean --username or the argument USERNAME?"),
            ("update xyz --New_Name abc", "--New_Name; did you mean --username?"),
            ("list --db other.db", "--db; did you mean --database?"),
            ("list --datbase other.db", "--datbase; did you mean --database?"),
            ("register xyz --verbose", "--verbose; did you mean --all or --trace?"),
            ("list --format json", "--format; did you mean --json?"),
            ("log export --type svg", "--type; did you mean --format?"),
            ("list -j", "-j; did you mean --json?"),
            ("log --last 3h", "--last; did you mean --since?"),
            ("list --no-color", "--no-color; set the variable NO_COLOR=1 instead."),
            ("delete xyz --yes", "--yes; leave it out: nothing is asked"),
            ("delete xyz --dry-run", "--dry-run; there is no trial: work on a copy"),
            ("--email x@y.de register xyz", "--email; write it after register."),
            ("list --nonsense", "--nonsense. See `signalcli list --help`"),
            ("list -x", "-x. See `signalcli list --help`"),
        ],
    )
    def test_what_was_meant_is_named(self, forked: Forked, line: str, said: str) -> None:
        done = forked(*line.split())
        assert (done.code, done.out) == (2, "")
        assert done.error.startswith(f"no such option: {said}")
        assert forked.files == set()

    def test_the_document_says_it_too(self, forked: Forked) -> None:
        error = forked("register", "xyz", "--mail", "x@y.de", "--json").document["error"]
        assert error["code"] == "usage"
        assert error["message"].startswith("no such option: --mail; did you mean --email?")

    def test_only_what_there_is_has_synonyms(self, forked: Forked) -> None:
        pages = [forked("help", *command.split()).out for command in COMMANDS]
        pages += [forked("help", "options").out, "-h, --help"]
        known = {option for page in pages for option in OPTION.findall(page)}
        arguments = {word for page in pages for word in re.findall(r"[A-Z=]{2,}", page)}
        # The help shows both forms of it in one: --log/--no-log.
        assert set(OPTIONS) - known - arguments <= {"--no-log"}


class TestCommands:
    @pytest.mark.parametrize(
        ("line", "said"),
        [
            ("log 1", "'1' of log; `signalcli log show 1` shows run 1."),
            ("log 17 --json", "'17' of log; `signalcli log show 17` shows run 17."),
            ("add xyz", "'add'; did you mean `signalcli register` or `signalcli create`?"),
            ("rm xyz", "'rm'; did you mean `signalcli delete` or `signalcli remove`?"),
            ("ls", "'ls'; did you mean `signalcli list`?"),
            ("history", "'history'; did you mean `signalcli log`?"),
            ("runs", "'runs'; did you mean `signalcli log`?"),
            ("trace", "'trace'; did you mean `signalcli log show`?"),
            ("emit paid", "'emit'; did you mean `signalcli send`?"),
            ("Create_User", "'Create_User'; did you mean `signalcli register`?"),
            ("exit-codes", "'exit-codes'; did you mean `signalcli help exit-codes`?"),
            ("version", "'version'; did you mean `signalcli --version`?"),
            ("log list", "'list'; did you mean `signalcli log`?"),
            ("log tail", "'tail'; did you mean `signalcli log follow`?"),
            ("log rm", "'rm'; did you mean `signalcli log prune`?"),
            ("rgister", "'rgister'. Did you mean 'register'?"),
            ("nonsense", "'nonsense'. See `signalcli --help`"),
        ],
    )
    def test_what_was_meant_is_named(self, forked: Forked, line: str, said: str) -> None:
        done = forked(*line.split())
        assert done.code == 2
        message = done.document["error"]["message"] if "--json" in line else done.error
        assert message.startswith(f"no such command {said}")

    def test_the_run_that_is_named_is_shown(self, forked_filled: Forked) -> None:
        words = forked_filled("log", "1").error.split("`")[1].split()
        assert forked_filled(*words[1:]).code == 0

    def test_a_line_of_a_script_is_led_on_as_well(self, forked: Forked) -> None:
        done = forked("batch", "-", piped="ls\n")
        assert "line 1: no such command 'ls'; did you mean `signalcli list`?" in done.err

    def test_only_what_there_is_has_synonyms(self, forked: Forked) -> None:
        for command in OTHER_COMMANDS:
            words = command.split()
            assert forked(*words, *["--help"][: words[0] not in ("help", "--version")]).code == 0


def test_an_address_that_is_no_option_is_led_on(forked: Forked) -> None:
    done = forked("register", "xyz", "secret@mail.com")
    assert (done.code, done.out) == (2, "")
    assert "an address is given by --email" in done.error
    assert "secret" not in done.error


def test_a_model_to_list_is_led_on(forked: Forked) -> None:
    done = forked("list", "Hero")
    assert done.code == 2
    assert done.error.startswith(
        "list shows the demo's users; `signalcli get Hero` lists the rows of a model."
    )
    assert "unexpected extra" in forked("list", "a", "b").error
