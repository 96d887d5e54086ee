"""Rows, the columns that they may have, and the two formats: CSV and JSON Lines."""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from signalcli.rows.source import LONGEST, Lines, RowsUnreadable, encoding_fault, named

_OTHER_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}
_BLANK = b" \t\r\n"


class Row(NamedTuple):
    """A row that can be used.

    Attributes:
        number: which row it is, counted from 1; a header and blank lines do not count.
        line: the line of the file in which it begins, counted from 1.
        values: the text of each column that it gives. An empty field of CSV is an empty text; a
            key of JSON that is missing, or null, is not there.
    """

    number: int
    line: int
    values: dict[str, str]


class BadRow(NamedTuple):
    """A row that cannot be used; those after it can.

    Attributes:
        number: as in :class:`Row`, which counts on.
        line: the line of the file in which it begins, counted from 1.
        reason: why it cannot be used, in one line that repeats none of its values.
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
            allowed: the further columns that a row can give.
        """
        self._needed, self._allowed = tuple(needed), tuple(allowed)
        self._least = frozenset(self._needed)
        self._most = self._least.union(self._allowed)

    def fault_of_header(self, header: Sequence[str]) -> str | None:
        """The fault of a header, in one line; None where it has none."""
        doubled = next((name for name in header if header.count(name) > 1), None)
        if doubled is not None:
            return f"two columns are called {named(doubled)}"
        return self.fault_of_keys(header)

    def fault_of_keys(self, keys: Iterable[str]) -> str | None:
        """The fault of the names of a row's values, in one line; None where they have none."""
        given = dict.fromkeys(keys).keys()
        if self._least <= given <= self._most:
            return None
        unknown = next((name for name in given if name not in self._most), None)
        if unknown is not None:
            return f"there is no column {named(unknown)}; {self._story()}"
        missing = next(name for name in self._needed if name not in given)
        return f"the column {missing!r} is missing; {self._story()}"

    def _story(self) -> str:
        parts = [
            f"{names[0] if len(names) == 1 else ', '.join(names)} {verb}"
            for names, verb in ((self._needed, "needed"), (self._allowed, "allowed"))
            if names
        ]
        return f"columns: {'; '.join(parts)}"


class _TooLong(Exception):
    """A row has more bytes than a row may have."""


class CommaSeparated:
    """The rows of a CSV file.

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
        self._reader = self._new_reader()
        self.header = self._read_header(columns)

    def __iter__(self) -> Iterator[Row | BadRow]:
        """The rows in order.

        Raises:
            RowsUnreadable: a quote is not closed, so that nobody knows where its row ends.
        """
        number, lines, header, width = 0, self._lines, self.header, len(self.header)
        while True:
            line = lines.number + 1
            self._length = self._quotes = 0
            try:
                fields = next(self._reader)
            except StopIteration:
                return
            except (csv.Error, _TooLong) as error:
                number += 1
                yield BadRow(number, line, self._given_up(line, error))
                continue
            if self._fault is not None:
                number += 1
                yield BadRow(number, line, self._fault)
                self._fault = None
            elif len(fields) == width:
                number += 1
                yield Row(number, line, dict(zip(header, fields, strict=True)))
            elif not self._is_blank(fields):
                number += 1
                story = f"{width} fields in the header, but {len(fields)} here"
                yield BadRow(number, line, self._with_last_line(line, story))

    def _new_reader(self) -> "Iterator[list[str]]":
        return csv.reader(self._texts(), strict=True)

    def _texts(self) -> Iterator[str]:
        """The lines as text.

        A line that is not UTF-8 is noted as the fault of its row, and still read: only so does the
        CSV reader find the end of that row, and the rows after it.
        """
        for line in self._lines:
            self._length += len(line)
            self._quotes += line.count(b'"')
            if self._length >= LONGEST:
                for piece in self._lines.rest_of(line):
                    self._quotes += piece.count(b'"')
                raise _TooLong
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
        except (csv.Error, _TooLong) as error:
            story = self._given_up(line, error)
            raise RowsUnreadable(f"line {line}: no header of a CSV file: {story}") from error
        if self._fault is not None:
            raise RowsUnreadable(f"no text in UTF-8 that begins with a header: {self._fault}")
        header = tuple(name.strip() for name in fields)
        fault = columns.fault_of_header(header)
        if fault is not None:
            raise RowsUnreadable(f"line {line}: {fault}{_hint(header)}")
        return header

    def _given_up(self, line: int, error: Exception) -> str:
        """Why the row that begins in a line cannot be used; the next line begins another row.

        Raises:
            RowsUnreadable: a quote is left open, so the row may go on in the next line.
        """
        if isinstance(error, _TooLong):
            story = f"too long, with {LONGEST:,} bytes or more"
            self._reader = self._new_reader()
        elif str(error).startswith("field larger than"):
            story = f"a field of more than {csv.field_size_limit():,} characters"
        else:
            story = f"quoted wrongly: {error}"
        self._fault = None
        if self._quotes % 2:
            raise RowsUnreadable(
                f"line {line}: a quote is opened in the row that begins here, and is not closed: "
                f"nobody can tell which rows come after it ({story}, by line {self._lines.number})"
            ) from error
        return self._with_last_line(line, story)

    def _with_last_line(self, line: int, story: str) -> str:
        last = self._lines.number
        return story if last <= line else f"{story} (the row ends in line {last})"

    def _is_blank(self, fields: list[str]) -> bool:
        """Whether these are the fields of a blank line."""
        return not fields or (len(fields) == 1 and not self._quotes and not fields[0].strip())


def _hint(header: tuple[str, ...]) -> str:
    """A guess for a header of one column: its fields may be separated by another character."""
    if len(header) == 1:
        for delimiter, name in _OTHER_DELIMITERS.items():
            if delimiter in header[0]:
                return f" (fields are separated by commas, not by {name})"
    return ""


class _Bad(ValueError):
    """A line cannot be used; the message says why."""


class JsonLines:
    """The rows of a file in JSON Lines.

    A value is a text. ``null`` counts as a missing key. Numbers and booleans are refused, since
    nobody can tell which text ``1.0`` or ``true`` stands for.
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
            raise _Bad(f"too long, with {LONGEST:,} bytes or more")
        values = self._parsed(line)
        if type(values) is not dict:
            raise _Bad(f"no JSON object, but {_kind(values)}")
        for key, value in values.items():
            if type(value) is not str and value is not None:
                raise _Bad(f"{named(key)} is {_kind(value)}; write a text in quotes")
        if None in values.values():
            values = {key: value for key, value in values.items() if value is not None}
        # Escapes can write characters that UTF-8 cannot.
        if b"\\u" in line and not all(map(_is_storable, values.values())):
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
            story = f"no JSON: {error.msg} at character {error.colno}"
            raise _Bad("a NUL byte" if b"\0" in line else story) from error
        except RecursionError as error:
            raise _Bad("JSON that is nested too deeply") from error
        except _Bad:
            raise
        except ValueError as error:
            # A number with thousands of digits raises it.
            raise _Bad("JSON with a number that is too large") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        doubled = next(key for key in keys if keys.count(key) > 1)
        raise _Bad(f"the key {named(doubled)} is there twice")
    return found


def _kind(value: Any) -> str:
    """The JSON name of a value's type."""
    if isinstance(value, bool):
        return "a boolean"
    kinds = {dict: "an object", list: "an array", str: "a text", type(None): "null"}
    return kinds.get(type(value), "a number")


def _is_storable(text: str) -> bool:
    """Whether UTF-8 and databases can hold a text: no NUL, no half of a surrogate pair."""
    if "\0" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
