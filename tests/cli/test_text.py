"""Text: shown and stored as it is, in any encoding, coloured and as wide as is asked for."""

import json

import pytest

from tests.cli.program import Driver, Program

ODD = {
    "markup": ("[bold]M[/bold]", "[red]:x:[/]"),
    "emoji": ("👩🏽‍🚀 :smile:", "🏳️‍🌈"),
    "right to left": ("مريم", "דָּוִד"),
    "combining": ("Zoe\u0308", "N\u0303u\u0301n\u0303ez"),
    "wide": ("山田", "太郎"),
}


@pytest.mark.parametrize(("first", "last"), ODD.values(), ids=ODD.keys())
def test_odd_text_is_shown_and_stored_as_it_is(forked: Program, first: str, last: str) -> None:
    done = forked("register", "josé", "-e", "j@mail.com", "--first-name", first, "-q")
    assert (done.code, done.err) == (0, "")
    done = forked("update", "josé", "--last-name", last, "--json")
    assert done.document["result"]["profile"]["first_name"] == first
    assert done.document["result"]["profile"]["last_name"] == last
    assert forked.select("SELECT first_name, last_name FROM core_profile") == [(first, last)]
    shown = forked("list").out
    assert first in shown
    assert last in shown
    assert "josé" in shown


def test_an_escape_sequence_that_a_receiver_prints_never_reaches_the_terminal_raw(
    driver: Driver,
) -> None:
    program = driver(
        "@receiver(notification)\n"
        "def noisy(**kwargs):\n"
        "    print('\\x1b[2J\\x1b]0;owned\\x07 [bold]loud[/] :smile: \\x9b31m')\n"
        "    return '\\x1b[31mred'\n"
        "@receiver(notification)\n"
        "def fails(**kwargs):\n"
        "    raise ValueError('\\x1b[5mblink')\n"
    )
    done = program("notify", "alice")
    assert done.code == 1
    for text in (done.out, done.err):
        assert not set(text) & {"\x1b", "\x07", "\x9b"}
    assert r"\x1b[2J\x1b]0;owned\x07 [bold]loud[/] :smile: \x9b31m" in done.out
    assert r"\x1b[31mred" in done.out
    assert r"ValueError: \x1b[5mblink" in done.error
    document = program("notify", "alice", "--json")
    assert "\x1b" not in document.out
    (dispatch,) = document.work
    assert dispatch["responses"][1]["value"] == "\x1b[31mred"


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["people", "programs"])
def test_an_ascii_only_output_does_not_crash(filled: Program, form: tuple[str, ...]) -> None:
    done = filled(
        "register",
        "zoë",
        *("--email", "zoe@mail.com", "--first-name", "Zoë 😀", *form),
        env={"PYTHONIOENCODING": "ascii", "LC_ALL": "C"},
    )
    assert (done.code, done.err) == (0, "")
    assert done.out.isascii()
    if form:
        assert done.document["result"]["username"] == "zoë"
        assert done.document["result"]["profile"]["first_name"] == "Zoë 😀"
    else:
        assert r"Registered zo\xeb in demo.db. Sent notification" in done.out
        assert "|-> create_profile" in done.out
        assert "`-> update_profile" in done.out
    assert filled.usernames[-1] == "zoë"


def test_an_error_in_an_ascii_only_output_does_not_crash(filled: Program) -> None:
    done = filled("show", "zoë", env={"PYTHONIOENCODING": "ascii", "LC_ALL": "C"})
    assert done.code == 3
    assert r"zo\xeb" in done.error


def test_a_lone_surrogate_from_the_shell_is_refused_without_a_crash(forked_filled: Program) -> None:
    before = forked_filled.rows()
    done = forked_filled("register", "x", "-e", "x@mail.com", "--first-name", "\udcff", "--json")
    assert (done.code, done.err) == (2, "")
    assert done.document["error"]["code"] == "invalid_value"
    assert forked_filled.rows() == before


def test_a_user_who_is_named_by_a_lone_surrogate_is_not_found(forked_filled: Program) -> None:
    done = forked_filled("show", "\udcff", "--json")
    assert (done.code, done.err) == (3, "")
    assert done.document["error"]["code"] == "not_found"


class TestPiped:
    def test_nothing_is_cut_wrapped_or_coloured_and_no_line_has_trailing_blanks(
        self, driver: Driver
    ) -> None:
        program = driver(
            "@receiver(notification)\n"
            "def chatty(**kwargs):\n"
            "    print('long ' * 99 + 'enough')\n"
            "    return 'v' * 199\n"
        )
        done = program("notify", "alice")
        assert (done.code, done.err) == (0, "")
        assert "long " * 99 + "enough" in [line.partition("┊ ")[2] for line in done.lines]
        assert "v" * 199 in done.out
        assert "\x1b" not in done.out
        assert [line for line in done.lines if line != line.rstrip()] == []

    def test_a_long_list_is_not_cut(self, forked_filled: Program) -> None:
        name = "n" * 150
        email = f"{'e' * 60}@{'d' * 60}.com"
        assert forked_filled("register", name, "--email", email, "-q").code == 0
        done = forked_filled("list")
        assert [line.split()[:2] for line in done.lines][-1] == [name, email]

    def test_columns_asks_for_a_width(self, forked_filled: Program) -> None:
        done = forked_filled("notify", "alice", env={"COLUMNS": "66"})
        assert (done.code, done.err) == (0, "")
        # The last line is no part of the table.
        assert max(map(len, done.lines[:-1])) <= 66
        assert "show_notification" in done.out


class TestColour:
    def test_force_color_colours_what_is_piped(self, forked_filled: Program) -> None:
        done = forked_filled("notify", "alice", env={"FORCE_COLOR": "1", "TERM": "xterm-256color"})
        assert (done.code, done.err) == (0, "")
        assert "\x1b[1;36mnotification" in done.out

    def test_no_color_wins_over_force_color(self, forked_filled: Program) -> None:
        variables = {"FORCE_COLOR": "1", "NO_COLOR": "1", "TERM": "xterm-256color"}
        done = forked_filled("notify", "alice", env=variables)
        assert (done.code, done.err) == (0, "")
        # Bold and dim are no colours.
        assert "[1;36m" not in done.out
        assert "\x1b[36m" not in done.out

    def test_json_is_never_coloured_nor_wrapped(self, forked_filled: Program) -> None:
        variables = {"FORCE_COLOR": "1", "COLUMNS": "40", "TERM": "xterm-256color"}
        done = forked_filled("notify", "alice", "--json", env=variables)
        assert (done.code, done.err) == (0, "")
        assert "\x1b" not in done.out
        assert json.loads(done.out)["ok"] is True
