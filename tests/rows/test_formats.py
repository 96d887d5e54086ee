"""CSV and JSON Lines: good rows, bad rows, and the line in which each begins."""

import csv
import json
import tracemalloc
from pathlib import Path

import pytest

from signalcli.rows import BadRow, open_rows
from tests.rows.tools import NEEDED, error_of, read, read_bytes, read_until_error, user

HEADER = b"username,email\n"


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_each_kind_of_line_end_with_a_byte_order_mark_or_none(
    tmp_path: Path, end: bytes, mark: bytes
) -> None:
    lines = [b"username,email", b"al,a@x.org", b"", b"bo,b@x.org"]
    for last in (b"", end):
        assert read_bytes(tmp_path, mark + end.join(lines) + last) == [
            user(1, 2, "al", "a@x.org"),
            user(2, 4, "bo", "b@x.org"),
        ]


def test_a_line_end_that_two_blocks_share_is_one(tmp_path: Path) -> None:
    block = 1 << 17
    start = HEADER.replace(b"\n", b"\r\n")
    row = b"al,a@x.org" + b" " * (block - len(start) - len(b"al,a@x.org\r")) + b"\r\n"
    content = start + row + b"bo,b@x.org\r\n"
    assert content[block - 1 : block + 1] == b"\r\n"
    assert [(row.number, row.line) for row in read_bytes(tmp_path, content)] == [(1, 2), (2, 3)]


def test_quotes_commas_and_line_ends_in_fields(tmp_path: Path) -> None:
    content = b'email,username,first_name\n"a@x","a ""l"", b","two\r\nlines"\nb@x,bo,\n'
    assert read_bytes(tmp_path, content) == [
        user(1, 2, 'a "l", b', "a@x", first_name="two\r\nlines"),
        user(2, 4, "bo", "b@x", first_name=""),
    ]


def test_names_of_columns_are_stripped_and_values_are_not(tmp_path: Path) -> None:
    assert read_bytes(tmp_path, b" username , email\n al , a@x \n") == [user(1, 2, " al ", " a@x ")]


def test_lines_of_blanks_are_no_rows_but_count_as_lines(tmp_path: Path) -> None:
    assert read_bytes(tmp_path, b"\n \n" + HEADER + b"\n  \t\r\nal,a\n\n") == [
        user(1, 6, "al", "a")
    ]


def test_a_header_alone_is_a_file_of_no_rows(tmp_path: Path) -> None:
    assert read_bytes(tmp_path, HEADER) == []


def test_wrong_numbers_of_fields(tmp_path: Path) -> None:
    assert read_bytes(tmp_path, HEADER + b'al\nal,a,x\n"a\nl"\nal,a\n') == [
        BadRow(1, 2, "2 fields in the header, but 1 here"),
        BadRow(2, 3, "2 fields in the header, but 3 here"),
        BadRow(3, 4, "2 fields in the header, but 1 here (the row ends in line 5)"),
        user(4, 6, "al", "a"),
    ]


def test_bytes_that_are_no_utf_8_make_one_row_bad(tmp_path: Path) -> None:
    latin = 'al,"one\ntwo é\nthree"\n'.encode("latin-1")
    assert read_bytes(tmp_path, HEADER + b"J\xf6,j\n" + latin + "Jö,j\n".encode()) == [
        BadRow(1, 2, "not UTF-8: byte 0xf6 at position 2 in line 2"),
        BadRow(2, 3, "not UTF-8: byte 0xe9 at position 5 in line 4"),
        user(3, 6, "Jö", "j"),
    ]


def test_a_nul_makes_one_row_bad(tmp_path: Path) -> None:
    assert read_bytes(tmp_path, HEADER + b"a\0l,a\nbo,b\n") == [
        BadRow(1, 2, "a NUL byte in line 2"),
        user(2, 3, "bo", "b"),
    ]


def test_what_is_quoted_wrongly_makes_one_row_bad_where_its_end_is_sure(tmp_path: Path) -> None:
    bad, good = read_bytes(tmp_path, HEADER + b'"al"x,a\nbo,b\n')
    assert bad == BadRow(1, 2, "quoted wrongly: ',' expected after '\"'")
    assert good == user(2, 3, "bo", "b")


def test_a_quote_within_a_field_that_is_not_quoted_is_a_character(tmp_path: Path) -> None:
    assert read_bytes(tmp_path, HEADER + b'5" al,a\n') == [user(1, 2, '5" al', "a")]


@pytest.mark.parametrize("after", [0, 3, 400_000])
def test_a_quote_that_is_never_closed_ends_the_reading_where_it_was_opened(
    tmp_path: Path, after: int
) -> None:
    path = tmp_path / "users.csv"
    path.write_bytes(HEADER + b'al,a\n"bo,b\n' + b"someone,x\n" * after)
    rows, story = read_until_error(path)
    assert rows == [user(1, 2, "al", "a")]
    assert story.startswith("FILE: line 3: the row that begins here opens a quote and does")


def test_a_stray_quote_that_a_later_one_seems_to_close_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_bytes(HEADER + b'al,a\n"bo,b\nci,c\n"di",d\ned,e\n')
    rows, story = read_until_error(path)
    assert rows == [user(1, 2, "al", "a")]
    assert story.startswith("FILE: line 3: ")
    assert "by line 5)" in story


def test_a_line_of_10_mb_is_one_bad_row_and_is_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_bytes(HEADER + b"x" * 10_000_000 + b",a\nbo,b\n" + b"y" * 10_000_000)
    tracemalloc.start()
    rows = read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rows == [
        BadRow(1, 2, "too long, with 1,000,000 bytes or more"),
        user(2, 3, "bo", "b"),
        BadRow(3, 4, "too long, with 1,000,000 bytes or more"),
    ]
    assert peak < 6_000_000


def test_a_long_line_that_leaves_a_quote_open_ends_the_reading(tmp_path: Path) -> None:
    content = HEADER + b'"' + b"x" * 2_000_000 + b'\nends",here\n'
    assert error_of(tmp_path, content).startswith("FILE: line 2: the row that begins here opens")


def test_a_row_of_many_lines_does_not_grow_without_end(tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_bytes(HEADER + b'"x\n",' * 1_000_000)
    tracemalloc.start()
    rows, story = read_until_error(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rows == []
    assert story.startswith("FILE: line 2: the row that begins here opens a quote and does")
    assert "(too long, with 1,000,000 bytes or more, by line 200002)" in story
    assert peak < 40_000_000


def test_a_field_that_python_finds_too_long_is_bad_and_the_limit_stays(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    assert read_bytes(tmp_path, HEADER + b"x" * 200_000 + b",a\nbo,b\n") == [
        BadRow(1, 2, f"a field of more than {before:,} characters"),
        user(2, 3, "bo", "b"),
    ]
    assert csv.field_size_limit() == before


@pytest.mark.parametrize(
    ("header", "story"),
    [
        (b"username,mail", "unknown column 'mail'; columns: username, email needed; "),
        (b"username,username,email", "two columns are called 'username'"),
        (b"username", "the column 'email' is missing; columns: username, email needed; first_na"),
        (b"username,email,", "column 3 has an unknown name; columns: username, email needed; "),
        (b"Username,email", "unknown column 'Username'; columns: "),
        (b"\x1b[31m,email", "column 1 has an unknown name; columns: "),
        (b"email,correct horse,username", "column 2 has an unknown name; columns: "),
        (b"a b,username,a b", "columns 1 and 3 have the same name"),
        (b"x" * 61, "column 1 has an unknown name; columns: "),
    ],
)
def test_a_header_with_other_columns_ends_it_all(tmp_path: Path, header: bytes, story: str) -> None:
    error = error_of(tmp_path, b"\n" + header + b"\nal,a\n")
    assert error.startswith(f"FILE: line 2: {story}")


@pytest.mark.parametrize(
    ("delimiter", "name"), [(b";", "semicolons"), (b"\t", "tabs"), (b"|", "bars")]
)
def test_other_delimiters_are_recognized(tmp_path: Path, delimiter: bytes, name: str) -> None:
    error = error_of(tmp_path, b"username" + delimiter + b"email\n")
    assert error.endswith(f"(fields are separated by commas, not by {name})")


def test_the_columns_and_the_format_are_told(tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_bytes(b"email,username\n")
    with open_rows(str(path), NEEDED) as rows:
        assert (rows.format, rows.header) == ("csv", ("email", "username"))


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
        (b"al,a", "not JSON: Expecting value at character 1"),
        (b'{"username": "al"', "not JSON: Expecting ',' delimiter at character 18"),
        (GOOD.strip() * 2, "not JSON: Extra data at character 33"),
        (b'["al", "a"]', "not a JSON object, but an array"),
        (b'{"correct horse": 1}', "the value of a key is a number; write a text in quotes"),
        (b'{"a b": "", "a b": ""}', "a key is there twice"),
        (b"null", "not a JSON object, but null"),
        (b'"al"', "not a JSON object, but a text"),
        (b'{"username": 1, "email": "a"}', "'username' is a number; write a text in quotes"),
        (b'{"username": "al", "email": NaN}', "'email' is a number; write a text in quotes"),
        (b'{"username": true, "email": "a"}', "'username' is a boolean; write a text in quotes"),
        (b'{"username": ["al"]}', "'username' is an array; write a text in quotes"),
        (b'{"username": {"a": 1}}', "'username' is an object; write a text in quotes"),
        (b'{"username": "al", "username": "bo"}', "the key 'username' is there twice"),
        (b'{"email": "a"}', "the column 'username' is missing; columns: username, email needed;"),
        (b'{"\\u001b": "a"}', "a key has an unknown name; columns: username, email needed; "),
        (b'{"username": "\xe9"}', "not UTF-8: byte 0xe9 at position 15"),
        (b'{"username": "\0"}', "a NUL byte"),
        (b'{"username": "\\u0000"}', "an escape for a NUL, or for half of a surrogate pair"),
        (b'{"username": "\\uD83D"}', "an escape for a NUL, or for half of a surrogate pair"),
        (b"[" * 200_000, "JSON that is nested too deeply"),
        (b'{"username": ' + b"9" * 5000 + b"}", "JSON with a number that is too large"),
        (b'{"' + b"k" * 1000 + b'": "x"}', "a key has an unknown name; columns: "),
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
        assert bad == BadRow(1, 1, "not JSON: Expecting value at character 1")
        assert good == user(2, 2, "al", "a")


def test_json_lines_have_no_header(tmp_path: Path) -> None:
    path = tmp_path / "users"
    path.write_bytes(GOOD)
    with open_rows(str(path), NEEDED) as rows:
        assert (rows.format, rows.header) == ("jsonl", None)
