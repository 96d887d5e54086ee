"""The help of every command fits a screen, at the widths of usual terminals."""

import re

import pytest

from signalcli.cli.app import program
from tests.cli.commands import COMMANDS
from tests.cli.program import Program

SCREEN, WHOLE_PROGRAM = 24, 40
MOST_OWN = 8


def own(command: str) -> int:
    """How many arguments and options a command has of its own."""
    built = program()
    for word in command.split():
        _, built, _ = built.resolve_command(built.make_context("signalcli", ["help"]), [word])
    shared = {"Global options", "Faults on purpose"}
    return sum(each.rich_help_panel not in shared for each in built.params)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_few_options_fits_a_screen(forked: Program, command: str) -> None:
    shown = forked(*command.split(), "--help", env={"COLUMNS": "80"})
    assert (shown.code, shown.err) == (0, "")
    if own(command) <= MOST_OWN:
        assert len(shown.lines) <= SCREEN
    assert len(shown.lines) <= WHOLE_PROGRAM


def test_the_list_of_all_commands_fits_a_page(forked: Program) -> None:
    assert len(forked("--help", env={"COLUMNS": "80"}).lines) <= WHOLE_PROGRAM


@pytest.mark.parametrize("command", ["", *COMMANDS])
@pytest.mark.parametrize("columns", [60, 80, 120])
def test_no_line_but_an_example_is_longer_than_the_terminal(
    forked: Program, command: str, columns: int
) -> None:
    shown = forked(*command.split(), "--help", env={"COLUMNS": str(columns)})
    lines = [line for line in shown.lines if not line.startswith("Example: ")]
    assert max(map(len, lines)) <= columns


@pytest.mark.parametrize("command", COMMANDS)
def test_it_speaks_of_words_and_not_of_types_and_ranges(forked: Program, command: str) -> None:
    shown = forked(*command.split(), "--help").out
    assert not re.search(r"<(bool|int|str|float)|x>=|\[x|\bVALUE\b(?<!=VALUE)", shown)


def test_the_short_form_leaves_out_what_only_some_readers_need(forked: Program) -> None:
    long, short = forked("register", "--help").lines, forked("register", "-h").lines
    assert set(short) < set(long)
    assert any("With --from" in line for line in set(long) - set(short))


def test_bulk_options_stand_once_in_a_section_of_their_own(forked: Program) -> None:
    shown = forked("register", "-h").out
    assert shown.count("--from") == 1
    assert shown.index("Many at once:") < shown.index("--from")
