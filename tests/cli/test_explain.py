"""``signalcli explain``: signals, receivers, words and codes."""

import pytest

from signalcli.cli.problems import ERROR_CODES
from tests.cli.program import Forked, Program, complete


def test_a_signal_is_explained_with_its_arguments_and_receivers(forked: Program) -> None:
    done = forked("explain", "post_save")
    assert (done.code, done.err) == (0, "")
    lines = done.lines
    assert lines[0] == "post_save: a signal"
    assert "  created        True for a new row, False for an update" in lines
    assert any(line.startswith("  create_profile  of User, at ") for line in lines)
    assert "  @receiver(post_save, sender=User)" in lines
    assert lines[-1] == "Manual: docs/signals.md#post_save"
    assert forked.files == set()


def test_a_receiver_says_what_it_is_connected_to(forked: Program) -> None:
    done = forked("explain", "create_profile")
    assert "  Give a new user a profile." in done.lines
    assert done.lines[done.lines.index("Connected to") + 1] == "  post_save  of User"


def test_the_receivers_are_those_of_the_installed_apps(empty_shop: Forked) -> None:
    (explained,) = empty_shop("explain", "order_paid", "--json").document["result"]["explanations"]
    assert explained["kind"] == "signal"
    assert explained["facts"]["Import it"] == "from shop.signals import order_paid"
    assert "signals.py:" in explained["facts"]["Sent by"]
    (receiver,) = empty_shop("explain", "give_number", "--json").document["result"]["explanations"]
    assert [(each["signal"], each["sender"]) for each in receiver["connections"]] == [
        ("pre_save", "Order")
    ]


def test_words_of_the_glossary_may_have_several_parts(forked: Program) -> None:
    done = forked("explain", "unheard", "dispatch")
    assert done.lines[0] == "unheard dispatch: a word"


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("0", "Done."),
        ("3", "No such thing."),
        ("5", "The database cannot be used."),
        ("130", "Interrupted by Ctrl-C."),
        ("143", "Ended by SIGTERM, as kill and timeout send it."),
    ],
)
def test_an_exit_code_is_explained(forked: Program, code: str, line: str) -> None:
    done = forked("explain", code)
    assert done.lines[:2] == [f"{code}: an exit code", f"  {line}"]


@pytest.mark.parametrize("code", ERROR_CODES)
def test_every_error_code_is_explained(forked: Program, code: str) -> None:
    document = forked("explain", code, "--json").document
    (explained,) = [
        each for each in document["result"]["explanations"] if each["kind"] == "error code"
    ]
    assert f"the exit code is {ERROR_CODES[code].exit_code}" in explained["facts"]["Where"]
    assert explained["meaning"][0].endswith(".")
    assert explained["page"] == "docs/json.md"


def test_a_word_with_several_meanings_has_all_of_them(forked: Program) -> None:
    explained = forked("explain", "app", "--json").document["result"]["explanations"]
    assert [each["kind"] for each in explained] == ["word", "error code"]


@pytest.mark.parametrize(
    ("word", "guess"),
    [("post_sav", "did you mean post_save"), ("update_profil", "update_profile"), ("zzz", "")],
)
def test_an_unknown_word_is_one_error_with_what_comes_near(
    forked: Program, word: str, guess: str
) -> None:
    done = forked("explain", word)
    assert (done.code, done.out) == (3, "")
    assert done.error.startswith(f"nothing is called '{word}'; ")
    assert guess in done.error
    assert done.error.endswith("`signalcli explain` lists what it can explain")
    assert forked("explain", word, "--json").document["error"]["code"] == "not_found"


def test_without_a_word_it_lists_what_it_can_explain(forked: Program) -> None:
    done = forked("explain")
    headings = [line.split("  ")[1].strip() for line in done.lines]
    assert headings == ["signals", "receivers", "words", "exit codes", "error codes"]
    names = forked("explain", "--json").document["result"]["names"]
    assert "post_save" in names["signal"]
    assert "5" in names["exit code"]


def test_codes_and_words_are_explained_where_the_apps_do_not_load(forked: Program) -> None:
    done = forked("explain", "5", "--app", "nowhere")
    assert done.code == 0
    assert done.lines[0] == "5: an exit code"
    assert "nowhere" in done.warning


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("signalcli explain post_s", ["post_save"]),
        ("signalcli explain create_", ["create_profile"]),
        ("signalcli explain disp", ["dispatch"]),
        ("signalcli explain not_f", ["not_found"]),
    ],
)
def test_what_can_be_explained_is_completed(forked: Program, line: str, offered: list[str]) -> None:
    done = complete(forked, line)
    assert (done.code, done.err, done.out.split()) == (0, "", offered)
