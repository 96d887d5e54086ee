"""Input of odd sizes and numbers: refused at once, or harmless."""

import json
import os
from pathlib import Path

import pytest

from signalcli.render.text import CONTROL
from tests.cli.program import Forked

DEEP = "[" * 5000 + "]" * 5000


@pytest.mark.parametrize("columns", ["0", "²", "100000000", "1" + "0" * 20, "9" * 5000])
def test_a_width_that_no_line_can_have_is_ignored(forked_filled: Forked, columns: str) -> None:
    assert forked_filled("list", env={"COLUMNS": columns}) == forked_filled("list")
    coloured = {"FORCE_COLOR": "1"}
    wide = forked_filled("list", env={"COLUMNS": columns, **coloured})
    assert wide == forked_filled("list", env=coloured)


@pytest.mark.parametrize("setting", [f"x = {DEEP}", "log-keep = " + "9" * 5000])
def test_settings_that_nobody_can_read(forked: Forked, setting: str) -> None:
    (forked.folder / "signalcli.toml").write_text(setting, encoding="utf-8")
    done = forked("list")
    assert done.code == 2
    assert "signalcli.toml" in done.error


def test_a_file_without_line_ends(forked_filled: Forked) -> None:
    before = forked_filled.rows()
    done = forked_filled("register", "--from", os.devnull.replace("null", "zero"))
    assert done.code == 2
    assert "too long" in done.error
    assert forked_filled.rows() == before


def test_a_line_of_a_script_with_too_many_words(forked_filled: Forked) -> None:
    (forked_filled.folder / "script").write_text(f"list {'x ' * 400_000}\nlist\n")
    done = forked_filled("batch", "script")
    assert done.code == 2
    assert "line 1: the line has more than 10,000 words" in done.err


def test_a_key_that_tells_a_secret_is_masked_and_not_stored(forked_filled: Forked) -> None:
    row = {"username": "x", "email": "x@mail.com", "password=hunter2": "y"}
    (forked_filled.folder / "rows.jsonl").write_text(json.dumps(row))
    done = forked_filled("register", "--from", "rows.jsonl", "--json")
    assert done.code == 2
    assert "hunter2" not in done.out + done.err
    assert b"hunter2" not in Path(forked_filled.database).read_bytes()


def test_a_password_with_an_at_sign_in_a_url_is_told_to_nobody(forked: Forked) -> None:
    url = "postgresql+psycopg://ada:one@hunter2@127.0.0.1:1/db"
    done = forked("--database", url, "list", env={"SIGNALCLI_TRACEBACK": "1"})
    assert done.code == 5
    assert "hunter2" not in done.out + done.err
    assert "write it as %40" in done.err


def test_a_name_that_is_an_address_with_a_password_is_kept_without_it(
    forked_filled: Forked,
) -> None:
    done = forked_filled("logout", "postgresql://ada:hunter2@mail.com")
    assert done.code == 3
    assert forked_filled("log", "--user", "postgresql*").code == 0
    assert b"hunter2" not in Path(forked_filled.database).read_bytes()


@pytest.mark.parametrize("word", ["\x80", "\x9b31m", "\u202e", "\u2066", "\x1b[31m", "\x7f"])
def test_json_has_no_character_that_acts_on_a_terminal(forked_filled: Forked, word: str) -> None:
    for command in ("show", "logout", "explain", "get"):
        done = forked_filled(command, f"x{word}y", "--json")
        assert done.code in (2, 3)
        assert not CONTROL.search(done.out.rstrip("\n"))
        assert done.document["error"]["code"] in ("not_found", "usage")
    done = forked_filled("create", "Profile", f"first_name=a{word}b", "user_id=1", "--json")
    assert not CONTROL.search(done.out.rstrip("\n"))


def test_infinity_is_a_text_in_json(shop: Forked) -> None:
    # Whether the field takes it is the model's business; the answer is strict JSON in any case.
    done = shop("create", "Product", "sku=Z9", "name=x", "price=1", "weight=inf", "--json")
    json.loads(done.out, parse_constant=pytest.fail)
    assert done.code in (0, 2)
