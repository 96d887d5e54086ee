"""Opening a file of rows and reading them, whatever its format."""

import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import PurePath
from types import TracebackType
from typing import Literal, Self

from signalcli.rows.formats import BadRow, Columns, CommaSeparated, JsonLines, Row
from signalcli.rows.source import Lines, RowsUnreadable, Source, reading_fault

Format = Literal["csv", "jsonl"]

_NAMES_OF_JSON_LINES = (".jsonl", ".ndjson")


class RowReader:
    """The rows of an open file, in order, once. It keeps none of them in memory.

    Attributes:
        format: ``csv`` or ``jsonl``.
        header: the names in the header of a CSV file, in its order; None for JSON Lines, where
            each row has its own.
        size: how many bytes the file has; None where that is not known, as of a pipe.
    """

    format: Format
    header: tuple[str, ...] | None

    def __init__(self, source: Source, columns: Columns) -> None:
        """Find out the format and read the header, as :func:`open_rows` does."""
        self._source = source
        self._lines = Lines(source.blocks())
        self._number = 0
        self.size = source.size
        with self._located():
            self.format = _format_of(source.name, self._lines.beginning())
            if self.format == "jsonl":
                self.header, self._rows = None, iter(JsonLines(self._lines, columns))
            else:
                table = CommaSeparated(self._lines, columns)
                self.header, self._rows = table.header, iter(table)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Row | BadRow]:
        """The rows that were not read yet.

        Raises:
            RowsUnreadable: the file cannot be read any further; the message names the last row.
        """
        with self._located():
            for row in self._rows:
                self._number = row.number
                yield row

    @property
    def position(self) -> int:
        """How many (of gzip: compressed) bytes of the file were read, up to a block ahead."""
        return self._source.position

    def digest(self) -> str:
        """A fingerprint of the file's content up to the row that was read last, in hexadecimal.

        Two files that begin with the same rows have the same fingerprint after these rows, even if
        one file is gzipped, has a byte order mark, or ends there.
        """
        return self._lines.digest()

    def close(self) -> None:
        """Close the file; standard input stays open."""
        self._source.close()

    @contextmanager
    def _located(self) -> Iterator[None]:
        """Add the name of the file to every error, and the row after which the reading failed."""
        try:
            yield
        except RowsUnreadable as error:
            raise RowsUnreadable(f"{self._source.name}: {error}") from error
        except (OSError, ValueError, EOFError, zlib.error) as error:
            story = f"{self._source.name}: {reading_fault(error)}"
            if self._number:
                story += f", after row {self._number} (line {self._lines.number})"
            raise RowsUnreadable(story) from error


def open_rows(path: str, needed: Iterable[str], allowed: Iterable[str] = ()) -> RowReader:
    """Open a file of rows: CSV with a header, or JSON Lines, in UTF-8, gzipped or not.

    A file that begins with ``{``, or has a name that ends in ``.jsonl`` or ``.ndjson``, is read as
    JSON Lines.

    Arguments:
        path: its path; ``-`` is standard input.
        needed: the columns that every row has to give.
        allowed: the further columns that a row may give.

    Raises:
        RowsUnreadable: the file cannot be read, is empty or of another kind, or its header lacks
            a needed column or has one that is not allowed.
    """
    source = Source(path)
    try:
        return RowReader(source, Columns(needed, allowed))
    except BaseException:
        source.close()
        raise


def _format_of(name: str, first: bytes) -> Format:
    """The format of a file, by its name and its first line.

    Raises:
        RowsUnreadable: the line is empty, or begins a JSON array.
    """
    begins = first.lstrip()[:1]
    if not begins:
        raise RowsUnreadable("empty, not even a header")
    if begins == b"{":
        return "jsonl"
    if begins == b"[":
        raise RowsUnreadable("a JSON array, not JSON Lines: write each object in a line of its own")
    is_called_json_lines = PurePath(name.removesuffix(".gz")).suffix in _NAMES_OF_JSON_LINES
    return "jsonl" if is_called_json_lines else "csv"
