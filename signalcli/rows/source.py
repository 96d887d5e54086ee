"""A file of rows as bytes: opened, decompressed, and cut into lines."""

import hashlib
import os
import stat
import sys
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import IO, Any

from signalcli.errors import SignalcliError

BLOCK = 1 << 17
# Without a limit, a file that has no line ends would fill the memory.
LONGEST = 1_000_000
# Nor is the end of a line looked for much longer.
MOST_SKIPPED = 10 * LONGEST
STANDARD_INPUT = "-"

# The first bytes of a file, enough to tell its kind.
_BEGINNING = 8

_LINE_ENDS = (b"\n", b"\r")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_GZIP = b"\x1f\x8b"
_OTHERS = {
    b"\xff\xfe\0\0": "text in UTF-32; save it in UTF-8",
    b"\xff\xfe": "text in UTF-16; save it in UTF-8",
    b"\xfe\xff": "text in UTF-16; save it in UTF-8",
    b"\0\0\xfe\xff": "text in UTF-32; save it in UTF-8",
    b"PK\x03\x04": "a ZIP archive, as the workbooks of Excel are; save it as CSV",
    b"\xd0\xcf\x11\xe0": "an old workbook of Excel; save it as CSV",
    b"\xfd7zXZ\0": "compressed by xz; only gzip is read",
    b"BZh91AY&": "compressed by bzip2; only gzip is read",
    b"\x28\xb5\x2f\xfd": "compressed by zstd; only gzip is read",
}


class RowsUnreadable(SignalcliError):
    """A file has no rows to read, or none after those that were read."""

    exit_code = 2
    code = "unreadable"


class Source:
    """A file that is read once, from its beginning to its end.

    Attributes:
        name: its name in messages.
        position: how many of its bytes were read; of a gzipped file, compressed bytes.
        size: how many bytes the file has; None where that is not known, as of a pipe.
    """

    def __init__(self, path: str) -> None:
        """Open a file.

        Arguments:
            path: its path; ``-`` is standard input.

        Raises:
            RowsUnreadable: it cannot be opened, or is a folder.
        """
        self._is_ours = path != STANDARD_INPUT
        self.name = path if self._is_ours else "standard input"
        if not self.name.isprintable():
            self.name = ascii(path)
        self.position = 0
        self.size: int | None = None
        try:
            if self._is_ours:
                # Blocks are read whole; a buffer would only copy them.
                self._file: IO[Any] = open(path, "rb", buffering=0)  # noqa: PTH123, SIM115 (closed by close())
                status = os.fstat(self._file.fileno())
                self.size = status.st_size if stat.S_ISREG(status.st_mode) else None
            elif sys.stdin is None:
                raise OSError("it is closed")
            else:
                self._file = sys.stdin.buffer
        except (OSError, ValueError) as error:
            raise RowsUnreadable(f"{self.name}: {reading_fault(error)}") from error

    def blocks(self) -> Iterator[bytes]:
        """The file's content in order, decompressed, and without a byte order mark.

        Raises:
            RowsUnreadable: the first bytes are those of another compression than gzip, or of
                another encoding than UTF-8.
            OSError: it cannot be read any further.
            EOFError: a gzipped file ends too early.
            zlib.error: a gzipped file is damaged.
        """
        first, rest = _begun(self._read())
        if first.startswith(_GZIP):
            first, rest = _begun(_gunzipped(chain([first], rest)))
            if first.startswith(_GZIP):
                raise RowsUnreadable("compressed by gzip twice; unpack it once")
        for start, story in _OTHERS.items():
            if first.startswith(start):
                raise RowsUnreadable(story)
        yield first.removeprefix(_BYTE_ORDER_MARK)
        yield from rest

    def close(self) -> None:
        """Close the file; standard input stays open."""
        if self._is_ours:
            self._file.close()

    def _read(self) -> Iterator[bytes]:
        # A pipe gives the bytes that it has now, so that rows come as soon as they are written.
        read = getattr(self._file, "read1", self._file.read)
        while block := read(BLOCK):
            self.position += len(block)
            yield block


def _begun(blocks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first block, made long enough to tell the kind of file, and the blocks after it."""
    first = b""
    for block in blocks:
        first += block
        if len(first) >= _BEGINNING:
            break
    return first, blocks


def _gunzipped(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Blocks decompressed by gzip, of any number of members."""
    member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    for block in blocks:
        rest = block
        while rest:
            if member.eof:
                # NUL bytes may pad the end of a member, as on tapes.
                rest = rest.lstrip(b"\0")
                if not rest:
                    break
                member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
            if data := member.decompress(rest, BLOCK):
                yield data
            rest = member.unused_data if member.eof else member.unconsumed_tail
    while not member.eof:
        if not (data := member.decompress(b"", BLOCK)):
            raise EOFError
        yield data


def reading_fault(error: Exception) -> str:
    """Why a file could not be read to its end."""
    if isinstance(error, EOFError):
        return "ends in the middle of its gzip data"
    if isinstance(error, zlib.error):
        return "damaged: its gzip data cannot be decompressed"
    return f"cannot be read: {getattr(error, 'strerror', None) or error}"


def encoding_fault(error: UnicodeDecodeError) -> str:
    """The first byte of a line that is not UTF-8, and its position, counted from 1."""
    byte = error.object[error.start]
    return f"not UTF-8: byte 0x{byte:02x} at position {error.start + 1}"


class Lines:
    """Lines that end in LF, CRLF or CR, each with its end; a last line without one gets LF.

    A line that is longer than 1 MB comes in pieces, and only the last of them has the line's end.

    Attributes:
        number: how many lines were begun.
    """

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self.number = 0
        self._hash = hashlib.blake2b(digest_size=16, usedforsecurity=False)
        self._lines = self._read(blocks)

    def __iter__(self) -> Iterator[bytes]:
        return self._lines

    def beginning(self) -> bytes:
        """The first line that is not blank, without taking it; empty where there is none."""
        lines = self._lines
        for line in lines:
            if line.strip():
                self.number -= 1
                self._lines = self._again(line, lines)
                return line
        return b""

    def digest(self) -> str:
        """A fingerprint of all lines so far, in hexadecimal."""
        return self._hash.hexdigest()

    def rest_of(self, line: bytes) -> Iterator[bytes]:
        """The remaining pieces of a line whose first piece was read.

        Raises:
            RowsUnreadable: it goes on for so long that it may have no end, as /dev/zero.
        """
        skipped = 0
        while not line.endswith(_LINE_ENDS):
            if skipped > MOST_SKIPPED:
                raise RowsUnreadable(
                    f"line {self.number}: no end within {MOST_SKIPPED:,} bytes; this is no file of "
                    "rows"
                )
            line = next(self._lines)
            skipped += len(line)
            yield line

    def _again(self, line: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
        self.number += 1
        yield line
        yield from rest

    def _read(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        update, begins = self._hash.update, True
        for piece in _pieces(blocks):
            self.number += begins
            begins = len(piece) < LONGEST or piece.endswith(_LINE_ENDS)
            update(piece)
            yield piece


def _pieces(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of some blocks, long ones in pieces; at most a line and a block stay in memory."""
    rest = b""
    for block in blocks:
        lines = (rest + block).splitlines(keepends=True)
        # A CR at the end may be half of a CRLF.
        rest = b"" if not lines or lines[-1].endswith(b"\n") else lines.pop()
        for line in lines:
            if len(line) <= LONGEST:
                yield line
            else:
                yield from _cut(line)
        while len(rest) > LONGEST:
            yield rest[:LONGEST]
            rest = rest[LONGEST:]
    if rest:
        yield from _cut(rest if rest.endswith(b"\r") else rest + b"\n")


def _cut(line: bytes) -> Iterator[bytes]:
    """A line in pieces, none of them too long, and none ending between CR and LF."""
    while len(line) > LONGEST + 1:
        yield line[:LONGEST]
        line = line[LONGEST:]
    yield line
