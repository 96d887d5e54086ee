"""Files and pipes: what cannot be read, gzip, how far the reading is, and fingerprints."""

import gzip
import os
import sys
import threading
from pathlib import Path

import pytest

from signalcli.rows import RowsUnreadable, open_rows
from tests import processes
from tests.rows.tools import ALLOWED, NEEDED, error_of, read, read_bytes, read_until_error, user

CONTENT = b"username,email\nal,a\nbo,b\n"
ROWS = [user(1, 2, "al", "a"), user(2, 3, "bo", "b")]


@pytest.mark.parametrize(
    ("content", "story"),
    [
        (b"", "empty, not even a header"),
        (b"\xef\xbb\xbf", "empty, not even a header"),
        (b"\n  \r\n", "empty, not even a header"),
        (gzip.compress(b"", mtime=0), "empty, not even a header"),
        (CONTENT.decode().encode("utf-16"), "text in UTF-16; save it in UTF-8"),
        (b"\xfe\xff" + CONTENT.decode().encode("utf-16-be"), "text in UTF-16; save it in UTF-8"),
        (CONTENT.decode().encode("utf-32"), "text in UTF-32; save it in UTF-8"),
        (
            CONTENT.decode().encode("utf-16-le"),
            "not a CSV file in UTF-8: a NUL byte in line 1",
        ),
        (
            "prénom,email\n".encode("latin-1"),
            "not a CSV file in UTF-8: not UTF-8: byte 0xe9 at position 3 in line 1",
        ),
        (b"\x7fELF\x02\x01\x01\0\0\0\0\0", "not a CSV file in UTF-8: a NUL b"),
        (b"PK\x03\x04\x14\0\x06\0", "a ZIP archive, as the workbooks of Excel are; save it as CSV"),
        (b"\xfd7zXZ\0\0\x04", "compressed by xz; only gzip is read"),
        (b'[{"username": "al"}]', "a JSON array, not JSON Lines: write each object in a line of "),
        (b'"username,email\nal,a\n', "line 1: the row that begins here opens a quote"),
        (
            b"x" * 3_000_000,
            "line 1: not the header of a CSV file: too long, with 1,000,000 bytes or ",
        ),
        (
            gzip.compress(gzip.compress(CONTENT, mtime=0), mtime=0),
            "compressed by gzip twice; unpack it once",
        ),
        (b"\x1f\x8b\x08 is no gzip", "damaged: its gzip data cannot be decompressed"),
    ],
)
def test_a_file_that_is_none_of_rows(tmp_path: Path, content: bytes, story: str) -> None:
    error = error_of(tmp_path, content)
    assert error.startswith(f"FILE: {story}")
    assert error.isprintable()


def test_what_is_no_file(tmp_path: Path) -> None:
    for path, story in (
        (tmp_path, "cannot be read: Is a directory"),
        (tmp_path / "none.csv", "cannot be read: No such file or directory"),
        (tmp_path / "a\0b", "cannot be read: embedded null byte"),
        (tmp_path / "a\nb", "cannot be read: No such file or directory"),
    ):
        with pytest.raises(RowsUnreadable) as caught:
            open_rows(str(path), NEEDED)
        assert str(caught.value).endswith(f": {story}")
        assert str(caught.value).isprintable()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_bytes(CONTENT)
    path.chmod(0)
    with pytest.raises(RowsUnreadable, match="cannot be read: Permission denied"):
        open_rows(str(path), NEEDED)


def test_a_file_whose_reading_fails() -> None:
    path = Path("/proc/self/mem")
    if not path.exists():
        pytest.skip("a file of Linux")
    with pytest.raises(RowsUnreadable, match="cannot be read: Input/output error"):
        open_rows(str(path), NEEDED)


def test_gzip_is_told_by_the_content(tmp_path: Path) -> None:
    assert read_bytes(tmp_path, gzip.compress(CONTENT)) == ROWS
    assert read_bytes(tmp_path, CONTENT, "users.csv.gz") == ROWS


def test_gzip_in_several_members_with_padding(tmp_path: Path) -> None:
    members = gzip.compress(CONTENT[:17]) + gzip.compress(b"") + gzip.compress(CONTENT[17:])
    assert read_bytes(tmp_path, members + b"\0" * 300) == ROWS


def many(count: int) -> bytes:
    rows = "".join(f"user{number},{os.urandom(9).hex()}\n" for number in range(count))
    return b"username,email\n" + rows.encode()


def test_the_rows_before_the_end_of_a_truncated_file_are_given(tmp_path: Path) -> None:
    path = tmp_path / "users.csv.gz"
    path.write_bytes(gzip.compress(many(30_000))[:-200_000])
    rows, story = read_until_error(path)
    assert len(rows) > 5_000
    assert rows[-1].number == len(rows)
    assert story == (
        f"FILE: ends in the middle of its gzip data, after row {len(rows)} (line {len(rows) + 1})"
    )


def test_the_rows_before_damage_are_given(tmp_path: Path) -> None:
    path = tmp_path / "users.csv.gz"
    content = bytearray(gzip.compress(many(30_000)))
    content[-1] ^= 1
    path.write_bytes(content)
    rows, story = read_until_error(path)
    assert story.startswith("FILE: damaged: its gzip data cannot be decompressed, after row")
    assert rows[-1].line == len(rows) + 1


PROGRAM = f"""
from signalcli.rows import open_rows
with open_rows("-", {NEEDED}, {ALLOWED}) as rows:
    print(rows.size)
    for row in rows:
        print(row.number, row.line, sorted(row.values.values()), flush=True)
"""


@pytest.mark.parametrize("content", [CONTENT, gzip.compress(CONTENT, mtime=0)])
def test_standard_input(content: bytes) -> None:
    run = processes.run([sys.executable, "-c", PROGRAM], given=content, encoding=None, check=True)
    assert run.stdout.decode().split("\n") == ["None", "1 2 ['a', 'al']", "2 3 ['b', 'bo']", ""]


def test_rows_of_a_pipe_come_as_soon_as_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    written, read_one = [b"use", b"rname,email\nal,a\nb", b"o,b\n"], threading.Event()

    def write() -> None:
        with path.open("wb", buffering=0) as pipe:
            for piece in written[:2]:
                pipe.write(piece)
            assert read_one.wait(processes.PATIENCE_SECONDS)
            pipe.write(written[2])

    writer = threading.Thread(target=write)
    writer.start()
    with open_rows(str(path), NEEDED) as rows:
        assert rows.size is None
        found = iter(rows)
        assert next(found) == ROWS[0]
        read_one.set()
        assert list(found) == ROWS[1:]
        assert rows.position == len(CONTENT)
    writer.join()


def test_how_far_the_reading_is(tmp_path: Path) -> None:
    content = many(30_000)
    for stored in (content, gzip.compress(content)):
        path = tmp_path / "users.csv"
        path.write_bytes(stored)
        with open_rows(str(path), NEEDED) as rows:
            assert rows.size == len(stored)
            positions = [rows.position for _ in rows]
            assert rows.position == len(stored)
        assert positions == sorted(positions)
        assert positions[0] < len(stored)


def digests(path: Path) -> list[str]:
    with open_rows(str(path), NEEDED, ALLOWED) as rows:
        return [rows.digest() for _ in rows]


def test_a_fingerprint_of_the_rows_so_far(tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_bytes(CONTENT)
    first, second = digests(path)
    assert first != second
    for same in (gzip.compress(CONTENT), b"\xef\xbb\xbf" + CONTENT, CONTENT[:-1]):
        path.write_bytes(same)
        assert digests(path) == [first, second]
    path.write_bytes(CONTENT + b'"ci\n",c\n')
    assert digests(path)[:2] == [first, second]
    path.write_bytes(CONTENT.replace(b"bo,b", b"bo,x"))
    assert digests(path)[0] == first
    assert digests(path)[1] != second
    path.write_bytes(b"email,username\nal,a\nbo,b\n")
    assert set(digests(path)).isdisjoint([first, second])


def test_what_was_read_can_be_read_on(tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_bytes(CONTENT)
    with open_rows(str(path), NEEDED) as rows:
        assert [next(iter(rows)) for _ in ROWS] == ROWS
    assert read(path) == ROWS
