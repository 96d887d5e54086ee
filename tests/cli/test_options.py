"""The global options, the help, and the exit codes that it lists."""

import inspect
import shutil
from pathlib import Path
from typing import Any

import pytest

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
