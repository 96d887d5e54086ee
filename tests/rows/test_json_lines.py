"""JSON Lines: what is a row, what is a bad one."""

import json
from pathlib import Path

import pytest

from signalcli.rows import BadRow, open_rows
from tests.rows.tools import NEEDED, read_bytes, user

GOOD = b'{"username": "al", "email": "a"}\n'


@pytest.mark.parametrize("name", ["users.jsonl", "users.csv", "users"])
def test_an_object_a_line_whatever_the_name_is(tmp_path: Path, name: str) -> None:
    content = b'\xef\xbb\xbf\n {"username": "al", "email": "\xc3\xb6\\n"}\r\n \n\n' + GOOD.strip()
    assert read_bytes(tmp_path, content, name) == [
        user(1, 2, "al", "ö\n"),
        user(2, 5, "al", "a"),
    ]


def test_null_is_not_given(tmp_path: Path) -> None:
    content = b'{"username": "al", "email": "a", "first_name": null}\n{"username": null}\n'
    good, bad = read_bytes(tmp_path, content)
    assert good == user(1, 1, "al", "a")
    assert bad.reason.startswith("the column 'username' is missing; columns: username, email need")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"al,a", "no JSON: Expecting value at character 1"),
        (b'{"username": "al"', "no JSON: Expecting ',' delimiter at character 18"),
        (GOOD.strip() * 2, "no JSON: Extra data at character 33"),
        (b'["al", "a"]', "no JSON object, but an array"),
        (b"null", "no JSON object, but null"),
        (b'"al"', "no JSON object, but a text"),
        (b'{"username": 1, "email": "a"}', "'username' is a number; write a text in quotes"),
        (b'{"username": "al", "email": NaN}', "'email' is a number; write a text in quotes"),
        (b'{"username": true, "email": "a"}', "'username' is a boolean; write a text in quotes"),
        (b'{"username": ["al"]}', "'username' is an array; write a text in quotes"),
        (b'{"username": {"a": 1}}', "'username' is an object; write a text in quotes"),
        (b'{"username": "al", "username": "bo"}', "the key 'username' is there twice"),
        (b'{"email": "a"}', "the column 'username' is missing; columns: username, email needed;"),
        (b'{"\\u001b": "a"}', r"there is no column '\x1b'; columns: username, email needed; "),
        (b'{"username": "\xe9"}', "no UTF-8: byte 0xe9 at position 15"),
        (b'{"username": "\0"}', "a NUL byte"),
        (b'{"username": "\\u0000"}', "an escape for a NUL, or for half of a surrogate pair"),
        (b'{"username": "\\uD83D"}', "an escape for a NUL, or for half of a surrogate pair"),
        (b"[" * 200_000, "JSON that is nested too deeply"),
        (b'{"username": ' + b"9" * 5000 + b"}", "JSON with a number that is too large"),
        (b'{"' + b"k" * 1000 + b'": "x"}', f"there is no column '{'k' * 60}…'; "),
        (b'{"username": "' + b"x" * 10_000_000, "too long, with 1,000,000 bytes or more"),
    ],
)
def test_a_bad_line_is_one_bad_row(tmp_path: Path, line: bytes, reason: str) -> None:
    first, bad, last = read_bytes(tmp_path, GOOD + line + b"\n" + GOOD)
    assert (first, last) == (user(1, 1, "al", "a"), user(3, 3, "al", "a"))
    assert isinstance(bad, BadRow)
    assert (bad.number, bad.line) == (2, 2)
    assert bad.reason.startswith(reason)
    assert bad.reason.isprintable()


def test_both_halves_of_a_surrogate_pair_are_one_character(tmp_path: Path) -> None:
    assert read_bytes(tmp_path, json.dumps({"username": "😀", "email": "é"}).encode()) == [
        user(1, 1, "😀", "é")
    ]


def test_the_name_tells_where_the_first_line_is_bad(tmp_path: Path) -> None:
    for name in ("users.jsonl", "users.ndjson"):
        bad, good = read_bytes(tmp_path, b"oops\n" + GOOD, name)
        assert bad == BadRow(1, 1, "no JSON: Expecting value at character 1")
        assert good == user(2, 2, "al", "a")


def test_the_format_is_told_and_there_is_no_header(tmp_path: Path) -> None:
    path = tmp_path / "users"
    path.write_bytes(GOOD)
    with open_rows(str(path), NEEDED) as rows:
        assert (rows.format, rows.header) == ("jsonl", None)
