"""A row, good or bad, and the columns that it may have."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from signalcli.rows.errors import named


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
