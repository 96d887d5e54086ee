"""The global options, the help, and the exit codes that it lists."""

import inspect
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from signalcli.apps.settings_file import KEYS
from signalcli.cli.app import Entry, program
from tests.cli.program import Program

COMMANDS = ("register", "update", "delete", "notify", "list", "show")
EXIT_CODES = ("0", "1", "2", "3", "4", "5", "70", "130")


@pytest.fixture
def elsewhere(signalcli: Program, filled_folder: Path) -> str:
    """The database of alice and bob under another name."""
    shutil.copy(filled_folder / "demo.db", signalcli.folder / "other.db")
    return "other.db"


class TestDatabase:
    @pytest.mark.parametrize("option", ["--database", "-d"])
    @pytest.mark.parametrize("place", ["before", "after"])
    def test_it_is_named_before_or_after_the_command(
        self, forked: Program, elsewhere: str, option: str, place: str
    ) -> None:
        named = (option, elsewhere)
        arguments = (*named, "show", "bob") if place == "before" else ("show", *named, "bob")
        done = forked(*arguments)
        assert (done.code, done.err) == (0, "")
        assert "bob@mail.com" in done.out

    def test_it_is_named_by_the_environment(self, signalcli: Program, elsewhere: str) -> None:
        done = signalcli("delete", "bob", env={"SIGNALCLI_DATABASE": elsewhere})
        assert (done.code, done.err) == (0, "")
        assert done.lines[-1] == "Deleted bob from other.db"

    def test_an_option_before_the_command_overrides_the_environment(
        self, forked: Program, elsewhere: str
    ) -> None:
        env = {"SIGNALCLI_DATABASE": "missing/nothing.db"}
        assert forked("-d", elsewhere, "show", "bob", env=env).code == 0

    def test_an_option_after_the_command_overrides_all_others(
        self, forked: Program, elsewhere: str
    ) -> None:
        env = {"SIGNALCLI_DATABASE": "missing/environment.db"}
        done = forked("-d", "missing/before.db", "show", "bob", "-d", elsewhere, env=env)
        assert (done.code, done.err) == (0, "")


class TestAll:
    """The trace with a row for every dispatch."""

    UNHEARD = " 5    pre_init from User  unheard"
    NEW = ("register", "new", "--email", "new@mail.com")

    @pytest.mark.parametrize(
        ("before", "after", "env"),
        [
            ((), ("--all",), {}),
            (("--all",), (), {}),
            ((), (), {"SIGNALCLI_ALL": "1"}),
            ((), (), {"SIGNALCLI_ALL": "yes"}),
        ],
        ids=["after", "before", "1", "yes"],
    )
    def test_every_dispatch_has_a_row(
        self,
        forked: Program,
        before: tuple[str, ...],
        after: tuple[str, ...],
        env: dict[str, str],
    ) -> None:
        done = forked(*before, *self.NEW, *after, env=env)
        assert (done.code, done.err) == (0, "")
        assert self.UNHEARD in done.lines
        numbers = [line.split()[0] for line in done.lines if re.match(r" *\d+ ", line)]
        assert numbers == [str(number) for number in range(1, 15)]
        assert "unheard: " not in done.out
        # The log shows the run either way.
        assert forked("log", "show", "--all").out == done.out
        assert forked("log", "show", env={"SIGNALCLI_ALL": "on"}).out == done.out
        folded = forked("log", "show")
        assert " 5–7   unheard: pre_init, post_init, pre_save from User" in folded.lines
        assert self.UNHEARD not in folded.lines

    @pytest.mark.parametrize("value", ["0", "off", ""])
    def test_a_setting_that_is_off_folds(self, forked: Program, value: str) -> None:
        done = forked(*self.NEW, env={"SIGNALCLI_ALL": value})
        assert (done.code, done.err) == (0, "")
        assert "unheard: " in done.out
        assert self.UNHEARD not in done.lines

    def test_it_is_no_boolean_it_is_refused(self, forked: Program) -> None:
        done = forked(*self.NEW, env={"SIGNALCLI_ALL": "perhaps"})
        assert (done.code, done.out) == (2, "")
        assert "SIGNALCLI_ALL" in done.error

    @pytest.mark.parametrize("arguments", [("notify", "nobody"), ("update", "nobody", "-u", "x")])
    def test_of_a_failure_that_nobody_heard_of_it_shows_the_trace(
        self, forked_filled: Program, arguments: tuple[str, ...]
    ) -> None:
        done = forked_filled(*arguments)
        assert (done.code, done.out) == (3, "")
        assert forked_filled("log", "show").out == ""
        whole = forked_filled(*arguments, "--all")
        assert (whole.code, whole.err) == (3, done.err)
        assert "got_command_exception from " in whole.out
        assert forked_filled("log", "show", "--all").out == whole.out

    def test_several_runs_of_the_log_are_unfolded(self, forked_filled: Program) -> None:
        for arguments in (self.NEW, ("delete", "new")):
            assert forked_filled(*arguments, "-q").code == 0
        folded = forked_filled("log", "show", "--limit", "2")
        whole = forked_filled("log", "show", "--limit", "2", "--all")
        assert (folded.out.count("unheard: "), folded.out.count("  unheard\n")) == (9, 0)
        assert (whole.out.count("unheard: "), whole.out.count("  unheard\n")) == (0, 20)


class TestForms:
    @pytest.mark.parametrize("arguments", [("--json", "show", "bob"), ("show", "bob", "--json")])
    def test_json_is_asked_for_before_or_after_the_command(
        self, forked_filled: Program, arguments: tuple[str, ...]
    ) -> None:
        assert forked_filled(*arguments).document["result"]["username"] == "bob"

    def test_json_is_asked_for_by_the_environment(self, forked_filled: Program) -> None:
        assert forked_filled("list", env={"SIGNALCLI_JSON": "1"}).document["ok"] is True

    def test_json_from_the_environment_holds_for_usage_errors(self, forked_filled: Program) -> None:
        done = forked_filled("register", "new", env={"SIGNALCLI_JSON": "true"})
        assert (done.code, done.err) == (2, "")
        assert done.document["error"]["code"] == "usage"

    def test_quiet_is_asked_for_by_the_environment(self, forked_filled: Program) -> None:
        done = forked_filled("notify", "bob", env={"SIGNALCLI_QUIET": "1"})
        assert (done.code, done.out, done.err) == (0, "", "")

    def test_a_name_that_looks_like_an_option_stands_after_two_dashes(
        self, forked_filled: Program
    ) -> None:
        assert forked_filled("register", "-e", "dash@mail.com", "-q", "--", "--json").code == 0
        done = forked_filled("show", "--", "--json")
        assert "dash@mail.com" in done.out
        assert not done.out.startswith("{")


class TestHelp:
    @pytest.mark.parametrize("command", COMMANDS)
    def test_each_command_shows_an_example_and_where_the_rest_stands(
        self, forked: Program, command: str
    ) -> None:
        done = forked(command, "--help")
        assert (done.code, done.err) == (0, "")
        assert f"\nExample: signalcli {command}" in done.out
        assert done.lines[-1] == (
            "For all commands: signalcli help options, signalcli help exit-codes."
        )

    def test_without_arguments_the_help_is_shown(self, signalcli: Program) -> None:
        done = signalcli()
        assert (done.code, done.err) == (0, "")
        assert done.out == signalcli("--help").out
        for word in (*COMMANDS, "help exit-codes", "help options"):
            assert word in done.out
        assert signalcli.files == set()

    @pytest.mark.parametrize("option", ["--version", "-V"])
    def test_the_version_is_printed(self, signalcli: Program, option: str) -> None:
        from signalcli import __version__

        done = signalcli(option)
        assert (done.code, done.out, done.err) == (0, f"signalcli {__version__}\n", "")

    def test_without_a_command_programs_get_a_document(self, forked: Program) -> None:
        done = forked("--json")
        assert (done.code, done.err) == (2, "")
        assert done.document["error"]["code"] == "usage"


def commands_of(group: Any) -> list[Entry]:
    entries = [entry for panel in group.panels for entry in panel.entries.values()]
    return [
        *entries,
        *(each for entry in entries if entry.group for each in commands_of(entry.group)),
    ]


@pytest.mark.parametrize("command", commands_of(program()), ids=lambda entry: entry.place)
def test_the_list_of_commands_says_of_each_what_its_own_help_says_first(command: Entry) -> None:
    assert inspect.getdoc(command.load()).partition("\n")[0] == command.help


class TestSettingsFile:
    @pytest.fixture
    def set_up(self, forked_filled: Program) -> Program:
        """The program in a folder whose file sets everything; its database is another."""
        (forked_filled.folder / "data").mkdir()
        forked_filled.database.rename(forked_filled.folder / "data" / "shop.db")
        (forked_filled.folder / "signalcli.toml").write_text(
            "database = 'data/shop.db'\njson = true\nquiet = true\nall = true\nlog = false\n"
        )
        return forked_filled

    def test_it_sets_what_options_set(self, set_up: Program) -> None:
        done = set_up("notify", "alice")
        assert (done.document["ok"], done.document["run"]) == (True, None)
        assert set_up("show", "nobody").document["error"]["code"] == "not_found"
        assert set_up("show").document["error"]["code"] == "usage"
        assert set_up.files == {"data", "signalcli.toml"}

    def test_a_variable_wins_over_it_and_an_option_over_both(self, set_up: Program) -> None:
        spoken = {"SIGNALCLI_JSON": "0", "SIGNALCLI_QUIET": "0"}
        assert "alice" in set_up("list", env=spoken).out.splitlines()[2]
        assert set_up("list", "--json", env=spoken).document["ok"]
        assert set_up("notify", "alice", "--log").document["run"] is not None
        assert set_up("--log", "notify", "alice").document["run"] is not None
        for place in (("-d", "other.db", "show", "alice"), ("show", "alice", "-d", "other.db")):
            assert set_up(*place).code != 0
        assert set_up("show", "alice", env={"SIGNALCLI_DATABASE": "other.db"}).code != 0
        assert set_up("show", "alice", "-d", "other.db", env=spoken).code != 0

    def test_it_holds_below_its_folder(self, set_up: Program) -> None:
        below = set_up.folder / "deep" / "down"
        below.mkdir(parents=True)
        done = replace(set_up, folder=below)("show", "alice")
        assert done.document["result"]["username"] == "alice"

    def test_it_holds_for_a_whole_batch_and_a_line_overrides_it(self, set_up: Program) -> None:
        (set_up.folder / "lines.txt").write_text("show alice\nshow bob -d other.db\n")
        lines = [json.loads(line) for line in set_up("batch", "lines.txt").out.splitlines()]
        assert [line["ok"] for line in lines[:2]] == [True, False]

    def test_a_number_of_runs_to_keep(self, set_up: Program) -> None:
        (set_up.folder / "signalcli.toml").write_text("database = 'data/shop.db'\nlog-keep = 1\n")
        assert set_up("notify", "alice").code == 0
        assert [run["run"] for run in set_up("log", "--ndjson").objects] == [3]

    @pytest.mark.parametrize("arguments", [("list",), ("list", "--json"), ("log",)])
    def test_what_is_wrong_with_it_is_one_error(
        self, forked: Program, arguments: tuple[str, ...]
    ) -> None:
        (forked.folder / "signalcli.toml").write_text("jsn = true\n")
        done = forked(*arguments)
        assert done.code == 2
        story = done.document["error"]["message"] if "--json" in arguments else done.error
        assert "signalcli.toml: there is no setting 'jsn'; there are installed-apps, " in story
        assert forked("list", "--help").code == 0

    def test_the_help_lists_its_keys(self, forked: Program) -> None:
        shown = forked("help", "settings").out.partition("Keys of")[2]
        for key in KEYS:
            assert f"  {key} " in shown
