"""The rows of a listing in the form that is asked for: some of their fields, as CSV, as a table."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from signalcli.trace.representation import shorten

if TYPE_CHECKING:
    from rich.console import RenderableType

Row = dict[str, Any]
# The places of fields within a row, by their names: the keys that lead there, with dots between.
Places = Mapping[str, str]


def picked(row: Row, places: Iterable[str]) -> Row:
    """A row with some of its fields, each where it is in the whole row.

    What the row lacks is left out; below what is null, the null stays.

    Arguments:
        row: the row.
        places: the keys that lead to each field, with dots between.
    """
    found: Row = {}
    for place in places:
        _pick(row, place.split("."), found)
    return found


def _pick(row: Row, keys: Sequence[str], found: Row) -> None:
    first, *rest = keys
    if first not in row:
        return
    value = row[first]
    if rest and isinstance(value, dict):
        _pick(value, rest, found.setdefault(first, {}))
    else:
        found[first] = value


def value_at(row: Row, place: str) -> Any:
    """The value of a field; None where the row lacks it."""
    value: Any = row
    for key in place.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def csv_lines(rows: Iterable[Row], places: Places) -> Iterator[str]:
    r"""Rows as CSV: a line of names, then a line for each row, as soon as it is there.

    Lines end with ``\n``. What is nested stands as JSON. A text is data and stays as it is, also
    where a spreadsheet would take it for a formula.

    Arguments:
        rows: the rows.
        places: the fields, in their order.
    """
    buffer = io.StringIO()
    # The writer quotes what a line of its own may end with, and some readers end one at "\r".
    writer = csv.writer(buffer, lineterminator="\r\n")

    def line(cells: Iterable[str]) -> str:
        writer.writerow(cells)
        written = buffer.getvalue().removesuffix("\r\n") + "\n"
        buffer.seek(0)
        buffer.truncate()
        return written

    yield line(places)
    for row in rows:
        yield line(_text(value_at(row, place)) for place in places.values())


def _text(value: Any) -> str:
    """A value in a cell: a text as it is, nothing for null, everything else as JSON has it."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def rows_view(rows: Iterable[Row], places: Places) -> "RenderableType":
    """Rows as a table that has some of their fields."""
    from signalcli.render.console import listing

    cells = ([shorten(_text(value_at(row, each))) for each in places.values()] for row in rows)
    return listing(list(places), cells)


def row_view(row: Row, places: Places) -> "RenderableType":
    """A row as names and values."""
    from signalcli.render.console import fields

    return fields([(name, _text(value_at(row, place))) for name, place in places.items()])
