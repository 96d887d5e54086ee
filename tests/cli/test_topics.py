"""The command ``help``: topics, and the help of any command."""

import json
import re

import pytest

from signalcli.cli.options import SETTINGS
from signalcli.cli.problems import ERROR_CODES, EXIT_CODES
from tests.cli.commands import COMMANDS
from tests.cli.program import Program


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_is_its_own(forked: Program, command: str) -> None:
    words = command.split()
    asked = forked("help", *words)
    assert (asked.code, asked.err) == (0, "")
    assert asked.out == forked(*words, "--help").out


def test_every_exit_code_and_every_word_for_an_error_is_listed(forked: Program) -> None:
    shown = forked("help", "exit-codes").out
    codes = [
        line.split()[0] for line in shown.partition("Words")[0].splitlines() if line[:2] == "  "
    ]
    assert codes == sorted(codes, key=int)
    assert codes == [str(code) for code in EXIT_CODES]
    for word in ERROR_CODES:
        assert f"  {word} " in shown


def test_it_is_said_what_a_command_that_is_ended_early_leaves_behind(forked: Program) -> None:
    shown = " ".join(forked("help", "exit-codes").out.split())
    for ending in ("Ctrl-C", "SIGTERM", "SIGHUP", "SIGKILL"):
        assert ending in shown
    assert "rolls its transaction back" in shown


def test_every_setting_and_every_global_option_is_listed(forked: Program) -> None:
    options, settings = forked("help", "options").out, forked("help", "settings").out
    for setting in SETTINGS.values():
        assert setting.names[0].split("/")[0] in options
        assert setting.variable in " ".join(options.split())
        assert setting.variable in settings


@pytest.mark.parametrize("topic", ["options", "exit-codes", "settings"])
def test_programs_get_a_topic_as_a_document(forked: Program, topic: str) -> None:
    done = forked("help", topic, "--json")
    rows = json.loads(done.out)["result"]
    assert rows
    assert all(set(row) == {"names", "text"} for row in rows)


def test_an_unknown_topic_is_refused_and_those_there_are_are_named(forked: Program) -> None:
    done = forked("help", "nosuch")
    assert (done.code, done.out) == (3, "")
    assert done.err == (
        "error: there is no command and no topic 'nosuch'; "
        "the topics are options, exit-codes, settings\n"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("ls", "'ls'; did you mean `signalcli help list`? "),
        ("add", "'add'; did you mean `signalcli help register` or `signalcli help create`? "),
        ("registr", "'registr'; did you mean `signalcli help register`? "),
        ("log tail", "'log tail'; did you mean `signalcli help log follow`? "),
        ("tail", "'tail'; did you mean `signalcli help log follow`? "),
        ("codes", "'codes'; did you mean `signalcli help exit-codes`? "),
        ("exit-code", "'exit-code'; did you mean `signalcli help exit-codes`? "),
        ("man", "'man'; did you mean `signalcli help`? "),
        ("ver", "'ver'; did you mean `signalcli --version`? "),
    ],
)
def test_another_word_leads_to_the_help_that_was_meant(
    forked: Program, words: str, said: str
) -> None:
    done = forked("help", *words.split())
    assert (done.code, done.out) == (3, "")
    assert done.error.startswith(f"there is no command and no topic {said}the topics are ")
    for command in re.findall(r"`signalcli (.*?)`", done.error):
        assert forked(*command.split()).code == 0


def test_help_alone_is_the_help_of_the_program(forked: Program) -> None:
    assert forked("help").out == forked("--help").out
