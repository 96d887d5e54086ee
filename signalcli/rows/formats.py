"""Rows, the columns they may have, and the two formats that hold them: CSV and JSON Lines."""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from signalcli.rows.source import LONGEST, Lines, RowsUnreadable, encoding_fault
from signalcli.secrets import without_secrets

_LONGEST_NAME = 60
_TOO_LONG = f"too long, with {LONGEST:,} bytes or more"
_OTHER_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}
_BLANK = b" \t\r\n"
# UTF-8 has no half of a surrogate pair, and some databases hold no NUL.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class Row(NamedTuple):
    """A usable row.

    Attributes:
        number: its position among the rows, counted from 1; the header and blank lines do not
            count.
        line: the line of the file in which it begins, counted from 1.
        values: the text of each column. An empty CSV field is an empty text; a JSON key that is
            missing or null is left out.
    """

    number: int
    line: int
    values: dict[str, str]


class BadRow(NamedTuple):
    """A row that cannot be used; the rows after it can.

    Attributes:
        number: its position among the rows, as in :class:`Row`.
        line: the line of the file in which it begins, counted from 1.
        reason: the fault, in one line that repeats none of the row's values.
    """

    number: int
    line: int
    reason: str


class Columns:
    """The columns that a file of rows must and may have."""

    def __init__(self, needed: Iterable[str], allowed: Iterable[str]) -> None:
        """Name the columns.

        Arguments:
            needed: the columns that every row has to give.
            allowed: the further columns that a row may give.
        """
        self._needed, self._allowed = tuple(needed), tuple(allowed)
        self._least = frozenset(self._needed)
        self._most = self._least.union(self._allowed)

    def fault_of_header(self, header: Sequence[str]) -> str | None:
        """The fault of a header, in one line; None where it has none."""
        doubled = _doubled(header)
        if doubled is not None:
            first = header.index(doubled)
            second = header.index(doubled, first + 1)
            return (
                f"two columns are called {_quoted(doubled)}"
                if _is_name(doubled)
                else f"columns {first + 1} and {second + 1} have the same name"
            )
        return self._fault_of_names(header, "column {} has an unknown name")

    def fault_of_keys(self, given: dict[str, Any]) -> str | None:
        """The fault of a row's keys, in one line; None where they have none."""
        if self._least <= given.keys() <= self._most:
            return None
        return self._fault_of_names(list(given), "a key has an unknown name")

    def _fault_of_names(self, names: Sequence[str], unknown: str) -> str | None:
        """The fault of the names of columns.

        Arguments:
            names: the names.
            unknown: what is said of one that is not told, with a field for its place.
        """
        columns = "; ".join(
            f"{', '.join(of_kind)} {verb}"
            for of_kind, verb in ((self._needed, "needed"), (self._allowed, "allowed"))
            if of_kind
        )
        for place, name in enumerate(names, 1):
            if name not in self._most:
                told = f"unknown column {_quoted(name)}" if _is_name(name) else None
                return f"{told or unknown.format(place)}; columns: {columns}"
        missing = next((name for name in self._needed if name not in names), None)
        return missing and f"the column {missing!r} is missing; columns: {columns}"


def _doubled(names: Iterable[str]) -> str | None:
    """The first name that was there before; None where there is none."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def _is_name(text: str) -> bool:
    """Whether a text may be told as the name of a column.

    A file that lacks its header, or has keys and values mixed up, has a value in its place, which
    may be a secret.
    """
    return text.isidentifier() and len(text) <= _LONGEST_NAME


def _quoted(name: str) -> str:
    """A name from a file as a message quotes it; what tells of a secret all the same is masked."""
    return repr(without_secrets(name))


class _Bad(Exception):
    """A row cannot be used; the message says why."""


class CommaSeparated:
    """The rows of a CSV file (RFC 4180).

    Attributes:
        header: the names of the columns, in their order.
    """

    def __init__(self, lines: Lines, columns: Columns) -> None:
        """Read the header.

        Arguments:
            lines: the file's lines.
            columns: the columns that the header must and may have.

        Raises:
            RowsUnreadable: there is no header, it is not text, or its columns are wrong.
        """
        self._lines = lines
        self._length = self._quotes = 0
        self._fault: str | None = None
        self._begin_reader()
        self.header: tuple[str, ...] = ()
        self.header = self._read_header(columns)

    def __iter__(self) -> Iterator[Row | BadRow]:
        """The rows in order.

        Raises:
            RowsUnreadable: a quote is never closed, so the end of its row cannot be found.
        """
        number, header, width = 0, self.header, len(self.header)
        while True:
            line = self._lines.number + 1
            self._length = self._quotes = 0
            self._fault = None
            try:
                fields = next(self._reader)
            except StopIteration:
                return
            except (csv.Error, _Bad) as error:
                fault: str | None = self._given_up(line, error)
            else:
                fault = self._fault
                if fault is None and len(fields) != width:
                    if self._is_blank(fields):
                        continue
                    fault = f"{width} fields in the header, but {len(fields)} here"
                    fault = self._with_last_line(line, fault)
            number += 1
            if fault is None:
                yield Row(number, line, dict(zip(header, fields, strict=True)))
            else:
                yield BadRow(number, line, fault)

    def _begin_reader(self) -> None:
        self._reader = csv.reader(self._texts(), strict=True)

    def _texts(self) -> Iterator[str]:
        """The lines as text.

        The CSV reader also gets a line that is not UTF-8, and its row gets the fault: without the
        line's quotes the reader would not find where the row ends and the next one begins.
        """
        for line in self._lines:
            self._length += len(line)
            self._quotes += line.count(b'"')
            if self._length >= LONGEST:
                # Without a header there are no rows to look for behind it.
                rest = self._lines.rest_of(line) if self.header else ()
                for piece in rest:
                    self._quotes += piece.count(b'"')
                raise _Bad(_TOO_LONG)
            try:
                text = line.decode()
            except UnicodeDecodeError as error:
                self._note(encoding_fault(error))
                # Quotes and commas stay, so the row ends where it would have ended.
                text = line.decode(errors="replace")
            if "\0" in text:
                self._note("a NUL byte")
            yield text

    def _note(self, fault: str) -> None:
        self._fault = self._fault or f"{fault} in line {self._lines.number}"

    def _read_header(self, columns: Columns) -> tuple[str, ...]:
        line = self._lines.number + 1
        try:
            fields = next(self._reader)
        except (csv.Error, _Bad) as error:
            story = self._given_up(line, error)
            raise RowsUnreadable(f"line {line}: not the header of a CSV file: {story}") from error
        if self._fault is not None:
            raise RowsUnreadable(f"not a CSV file in UTF-8: {self._fault}")
        header = tuple(name.strip() for name in fields)
        fault = columns.fault_of_header(header)
        if fault is not None:
            raise RowsUnreadable(f"line {line}: {fault}{_hint(header)}")
        return header

    def _given_up(self, line: int, error: Exception) -> str:
        """The fault of a row that the CSV reader refused; the next line begins another row.

        Raises:
            RowsUnreadable: a quote is left open, so the row may go on in the next line.
        """
        if isinstance(error, _Bad):
            story = str(error)
            # The error ended the generator that the old reader reads from.
            self._begin_reader()
        elif str(error).startswith("field larger than"):
            story = f"a field of more than {csv.field_size_limit():,} characters"
        else:
            story = f"quoted wrongly: {error}"
        if self._quotes % 2:
            raise RowsUnreadable(
                f"line {line}: the row that begins here opens a quote and does not close it, so "
                f"the rows after it cannot be told apart ({story}, by line {self._lines.number})"
            ) from error
        return self._with_last_line(line, story)

    def _with_last_line(self, line: int, story: str) -> str:
        last = self._lines.number
        return story if last <= line else f"{story} (the row ends in line {last})"

    def _is_blank(self, fields: list[str]) -> bool:
        return not fields or (len(fields) == 1 and not self._quotes and not fields[0].strip())


def _hint(header: tuple[str, ...]) -> str:
    """A guess for a header of one column: its fields may be separated by another character."""
    if len(header) == 1:
        for delimiter, name in _OTHER_DELIMITERS.items():
            if delimiter in header[0]:
                return f" (fields are separated by commas, not by {name})"
    return ""


class JsonLines:
    """The rows of a file in JSON Lines: an object of texts in each line.

    ``null`` counts as a missing key. Numbers and booleans are refused: ``1.0`` and ``true`` do not
    tell which text they stand for.
    """

    def __init__(self, lines: Lines, columns: Columns) -> None:
        """Begin with the first line.

        Arguments:
            lines: the file's lines.
            columns: the keys that an object must and may have.
        """
        self._lines = lines
        self._columns = columns
        self._decode = json.JSONDecoder(object_pairs_hook=_object).decode

    def __iter__(self) -> Iterator[Row | BadRow]:
        """The rows in order."""
        number, lines = 0, self._lines
        for line in lines:
            if line.strip(_BLANK):
                number += 1
                try:
                    yield Row(number, lines.number, self._values(line))
                except _Bad as error:
                    yield BadRow(number, lines.number, str(error))

    def _values(self, line: bytes) -> dict[str, str]:
        if len(line) >= LONGEST:
            for _ in self._lines.rest_of(line):
                pass
            raise _Bad(_TOO_LONG)
        values = self._parsed(line)
        if type(values) is not dict:
            raise _Bad(f"not a JSON object, but {_kind(values)}")
        for key, value in values.items():
            if type(value) is not str and value is not None:
                what = _quoted(key) if _is_name(key) else "the value of a key"
                raise _Bad(f"{what} is {_kind(value)}; write a text in quotes")
        if None in values.values():
            values = {key: value for key, value in values.items() if value is not None}
        if b"\\u" in line and any(map(_UNSTORABLE.search, values.values())):
            raise _Bad("an escape for a NUL, or for half of a surrogate pair")
        fault = self._columns.fault_of_keys(values)
        if fault is not None:
            raise _Bad(fault)
        return values

    def _parsed(self, line: bytes) -> Any:
        try:
            return self._decode(line.decode().rstrip())
        except UnicodeDecodeError as error:
            raise _Bad(encoding_fault(error)) from error
        except json.JSONDecodeError as error:
            story = f"not JSON: {error.msg} at character {error.colno}"
            raise _Bad("a NUL byte" if b"\0" in line else story) from error
        except RecursionError as error:
            raise _Bad("JSON that is nested too deeply") from error
        except ValueError as error:
            # Python refuses numbers of thousands of digits.
            raise _Bad("JSON with a number that is too large") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        key = _doubled(key for key, _ in pairs) or ""
        raise _Bad(f"{f'the key {_quoted(key)}' if _is_name(key) else 'a key'} is there twice")
    return found


def _kind(value: Any) -> str:
    """The JSON name of a value's type."""
    if isinstance(value, bool):
        return "a boolean"
    kinds = {dict: "an object", list: "an array", str: "a text", type(None): "null"}
    return kinds.get(type(value), "a number")
