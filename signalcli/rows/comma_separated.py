"""Rows as comma-separated values (RFC 4180): a header, quotes, line ends in fields."""

import csv
from collections.abc import Iterator

from signalcli.rows.errors import RowsUnreadable
from signalcli.rows.row import BadRow, Columns, Row
from signalcli.rows.source import LONGEST, Lines, encoding_fault

_OTHER_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}


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
