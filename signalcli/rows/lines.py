"""The physical lines of a stream of bytes."""

import hashlib
from collections.abc import Iterable, Iterator

LONGEST = 1_000_000


class Lines:
    """Lines that end in LF, CRLF or CR, each with its end; the last one gets one if it has none.

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
        """The first line in which something stands, still to be read; empty where there is none."""
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
        """The further pieces of a line of which one piece was read."""
        while not line.endswith((b"\n", b"\r")):
            line = next(self._lines)
            yield line

    def _again(self, line: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
        self.number += 1
        yield line
        yield from rest

    def _read(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        update, begins = self._hash.update, True
        for piece in _pieces(blocks):
            self.number += begins
            begins = len(piece) < LONGEST or piece.endswith((b"\n", b"\r"))
            update(piece)
            yield piece


def _pieces(blocks: Iterable[bytes]) -> Iterator[bytes]:
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
    """A line in pieces of which none is too long, or ends between CR and LF."""
    while len(line) > LONGEST + 1:
        yield line[:LONGEST]
        line = line[LONGEST:]
    yield line
