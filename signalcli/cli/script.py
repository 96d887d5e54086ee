"""Reading scripts: lines of a file or of standard input, each a command in the shell's quoting."""

import contextlib
import io
import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from signalcli.errors import InvalidValue

STANDARD_INPUT = "-"
LONGEST_LINE = 1024 * 1024
_BOM = b"\xef\xbb\xbf"
_COMMENT = "#"


@dataclass(frozen=True, slots=True)
class Command:
    """A line that says something.

    Attributes:
        number: its number, from 1.
        words: its words, without quotes and comments.
        fault: why it is no command, if it is none.
    """

    number: int
    words: tuple[str, ...] = ()
    fault: str = ""


def commands(script: BinaryIO) -> Iterator[Command]:
    r"""The commands of a script, each as soon as its line is there; blank lines are left out.

    The text is UTF-8; lines end in ``\n`` or ``\r\n``. Words are quoted as in a POSIX shell, and
    nothing is expanded. ``#`` at the beginning of a word begins a comment. A line that cannot be
    read does not keep the others from being read.

    Arguments:
        script: read line by line.

    Raises:
        InvalidValue: it cannot be read any further.
    """
    number = 0
    while raw := _read(script, LONGEST_LINE + 1):
        number += 1
        try:
            words = tuple(_words(_text(raw, script, is_first=number == 1)))
        except InvalidValue as error:
            yield Command(number, fault=str(error))
        else:
            if words:
                yield Command(number, words)


def _read(script: BinaryIO, most: int) -> bytes:
    """A line, or what there is of it within so many bytes."""
    try:
        return script.readline(most)
    except OSError as error:
        raise InvalidValue(f"the script cannot be read any further: {error.strerror}") from error


def _text(raw: bytes, script: BinaryIO, *, is_first: bool) -> str:
    if len(raw) > LONGEST_LINE and not raw.endswith(b"\n"):
        while (rest := _read(script, LONGEST_LINE)) and not rest.endswith(b"\n"):
            pass
        raise InvalidValue(f"the line has more than {LONGEST_LINE:,} bytes")
    if is_first:
        raw = raw.removeprefix(_BOM)
    try:
        text = raw.removesuffix(b"\n").removesuffix(b"\r").decode()
    except UnicodeDecodeError as error:
        raise InvalidValue(f"the line is no UTF-8: byte {error.start + 1} of it") from error
    if "\0" in text:
        raise InvalidValue("the line has a NUL character")
    return text


def _words(line: str) -> Iterator[str]:
    stream = io.StringIO(line)
    lexer = shlex.shlex(stream, posix=True)
    lexer.whitespace_split = True
    # By itself, it would take a `#` in the middle of a word for a comment, too.
    lexer.commenters = ""
    try:
        while not _begins_comment(stream, lexer.whitespace):
            word = lexer.get_token()
            if word is None:
                return
            yield word
    except ValueError as error:
        reason = str(error).lower()
        raise InvalidValue(f"the line's quoting is unfinished: {reason}") from error


def _begins_comment(stream: io.StringIO, blanks: str) -> bool:
    """Whether a comment is next; skips the blanks before what is."""
    while (character := stream.read(1)) and character in blanks:
        pass
    stream.seek(stream.tell() - len(character))
    return character == _COMMENT


@contextmanager
def opened(name: str) -> Iterator[BinaryIO]:
    """A script to read.

    Arguments:
        name: the path of its file, or ``-``: standard input, which is empty to all others within.

    Raises:
        InvalidValue: there is no such file, or it cannot be read.
    """
    with contextlib.ExitStack() as stack:
        try:
            if name == STANDARD_INPUT:
                script = stack.enter_context(_standard_input())
            else:
                script = stack.enter_context(open(name, "rb"))  # noqa: PTH123  # may be of /dev/fd
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise InvalidValue(f"the script {name!r} cannot be read: {reason}") from error
        yield script


@contextmanager
def _standard_input() -> Iterator[BinaryIO]:
    """Standard input, kept from receivers and other programs, who find it at its end."""
    if sys.stdin is None or sys.stdin.closed:
        raise OSError("standard input is closed")
    own, before = os.dup(sys.stdin.fileno()), sys.stdin
    with open(own, "rb") as script, open(os.devnull, encoding="utf-8") as nothing:  # noqa: PTH123  # no paths
        os.dup2(nothing.fileno(), before.fileno())
        sys.stdin = nothing
        try:
            yield script
        finally:
            sys.stdin = before
            os.dup2(own, before.fileno())
