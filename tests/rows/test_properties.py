"""Whatever is written comes back, and whatever else stands in a file is no fault of the reader."""

import csv
import gzip
import io
import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from signalcli.rows import BadRow, Row, RowsUnreadable, open_rows

COLUMNS = ("a", "b", "c")
texts = st.text(
    st.one_of(
        st.sampled_from(',"\r\n \t\x85\u2028\x0b\x1c'),
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    ),
    max_size=12,
)
tables = st.lists(st.tuples(texts, texts, texts), max_size=8)
quotings = st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL])


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rows") / "rows"


def lines_of(content: str) -> int:
    return len(content.encode().splitlines())


def read(path: Path, content: bytes) -> list[Row | BadRow]:
    path.write_bytes(content)
    with open_rows(str(path), COLUMNS[:1], COLUMNS[1:]) as rows:
        return list(rows)


@given(tables, quotings, st.booleans(), st.booleans())
def test_what_csv_writes_comes_back_with_its_lines(
    path: Path, table: list[tuple[str, ...]], quoting: int, is_marked: bool, is_zipped: bool
) -> None:
    file = io.StringIO(newline="")
    writer = csv.writer(file, quoting=quoting)
    writer.writerow(COLUMNS)
    expected = []
    for number, values in enumerate(table, start=1):
        line = lines_of(file.getvalue()) + 1
        expected.append(Row(number, line, dict(zip(COLUMNS, values, strict=True))))
        writer.writerow(values)
    content = file.getvalue().encode("utf-8-sig" if is_marked else "utf-8")
    assert read(path, gzip.compress(content) if is_zipped else content) == expected


@given(
    st.lists(st.dictionaries(st.sampled_from(COLUMNS[1:]), texts), min_size=1, max_size=8),
    st.booleans(),
    st.sampled_from(["\n", "\r\n", "\r", "\n\n", "\r\n \n"]),
)
def test_what_json_writes_comes_back_with_its_lines(
    path: Path, table: list[dict[str, str]], is_ascii: bool, end: str
) -> None:
    content, expected = "", []
    for number, values in enumerate(({"a": "x"} | values for values in table), start=1):
        expected.append(Row(number, lines_of(content) + 1, values))
        content += json.dumps(values, ensure_ascii=is_ascii) + end
    assert read(path, content.encode()) == expected


pieces = st.sampled_from(
    [
        *(
            b"a",
            b"b,c",
            b"a,b",
            b",",
            b'"',
            b"\n",
            b"\r",
            b"\r\n",
            b"\0",
            b"\xff",
            b" ",
            b"[",
            b"{",
        ),
        *(b"}", b'{"a":', b'"x"', b"null", b"\\ud800", b"1e999", b"\x1f\x8b", b"\xef\xbb\xbf"),
    ]
)


@given(
    st.one_of(st.binary(), st.lists(pieces, max_size=40).map(b"".join)),
    st.sampled_from([b"", b"a,b\n", b'{"a": "x"}\n', b"\x1f\x8b\x08\0\0\0\0\0\0\x03"]),
)
@example(b"", b"")
def test_whatever_stands_in_a_file_is_rows_or_one_line_of_error(
    path: Path, content: bytes, start: bytes
) -> None:
    try:
        rows = read(path, start + content)
    except RowsUnreadable as error:
        story, rows = str(error), []
    else:
        story = ""
    assert story.isprintable()
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    begun = [row.line for row in rows]
    assert begun == sorted(set(begun))
    for row in rows:
        if isinstance(row, BadRow):
            assert row.reason.isprintable()
        else:
            assert set(row.values) <= set(COLUMNS)
            "".join(row.values.values()).encode()
