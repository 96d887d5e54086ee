"""Texts and values for people, harmless to a terminal, and tables of them, without Rich.

Rich takes long to load, and longer to measure, pad and split every cell with its styles. A pipe
needs none of that: where nothing has to be wrapped or coloured, tables are laid out as text.
"""

import os
import re
from collections.abc import Collection, Sequence
from typing import NamedTuple, TextIO

from rich.cells import cell_len

from signalcli.trace.records import Representation, Response, encodable

FAILED = "✗"
NO_RECEIVERS = "no receivers"
MUTED = "muted"

UNLIMITED = 100_000
_MOST_DIGITS = 9
GAP = "  "
RULE = "─"
_UNEVEN = ("\n", "\t")

# The marks that turn the direction of writing belong here: they would move the text after them.
CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)
# XML cannot write these characters, not even as references.
_UNFIT = re.compile("[\ufffe\uffff]")


def visible(text: str) -> str:
    """The text with its control characters as escapes, except line ends and tabs."""
    return CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def on_one_line(text: str) -> str:
    """The text with its line ends and control characters as escapes."""
    return visible(text).replace("\n", "\\n")


def fit_for_markup(text: str) -> str:
    """The text, with escapes for characters that XML or UTF-8 cannot carry or nobody can see.

    Markup stays as it is: the text may be a single name or a whole document.
    """
    text = visible(encodable(text))
    return _UNFIT.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def duration(seconds: float) -> str:
    """A duration in seconds, spelled in seconds or milliseconds with the digits that matter."""
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1000:.{2 if seconds < 0.01 else 0}f} ms"


def delay(response: Response) -> str:
    """The delay of a response that was delayed on purpose; otherwise an empty text."""
    seconds = response.injected.delay if response.injected is not None else 0.0
    return f"delayed {duration(seconds)}" if seconds else ""


def spelled(value: Representation) -> str:
    """A value for people: a text as it is, any other value as Python writes it."""
    return value if isinstance(value, str) else repr(value)


class Paper(NamedTuple):
    """A stream that takes text alone, without colours.

    Attributes:
        width: how many characters fit on a line.
        is_ascii: whether its encoding has no characters for lines.
    """

    width: int
    is_ascii: bool = False


def paper_of(stream: TextIO) -> Paper | None:
    """The paper that a stream is; None where Rich has to look closer.

    A terminal is no paper, nor is a pipe that variables declare to be one.
    """
    if stream.isatty() or not os.environ.keys().isdisjoint(("FORCE_COLOR", "TTY_COMPATIBLE")):
        return None
    encoding = (getattr(stream, "encoding", None) or "utf-8").lower()
    return Paper(wanted_columns() or UNLIMITED, is_ascii=not encoding.startswith("utf"))


def wanted_columns() -> int | None:
    """The width that ``COLUMNS`` asks for, where it is one that a line can have."""
    columns = os.environ.get("COLUMNS", "")
    if not (columns.isascii() and columns.isdecimal() and len(columns) <= _MOST_DIGITS):
        return None
    return int(columns) if 0 < int(columns) <= UNLIMITED else None


def laid_out(
    rows: Sequence[Sequence[str]], width: int, *, right: Collection[int] = (), ruled: bool = True
) -> str | None:
    """The lines of a table, as Rich has them with :func:`signalcli.render.console.new_table`.

    Arguments:
        rows: the headings, and then the rows.
        width: the width in characters.
        right: the columns that are aligned to the right.
        ruled: whether a line stands under the headings.

    Returns:
        The lines, or None where Rich has to wrap: a cell is too long, or has line ends or tabs.
    """
    if any(mark in cell for row in rows for cell in row for mark in _UNEVEN):
        return None
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    whole = sum(widths) + len(GAP) * (len(widths) - 1)
    if whole > width:
        return None
    lines = [
        GAP.join(
            _filled(cell, width, to_the_right=column in right)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    if ruled:
        lines.insert(1, RULE * whole)
    return "".join(line + "\n" for line in lines)


def _filled(cell: str, width: int, *, to_the_right: bool) -> str:
    if to_the_right:
        cell = cell.rstrip()
        return " " * (width - cell_len(cell)) + cell
    return cell + " " * (width - cell_len(cell))
