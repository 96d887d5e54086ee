"""What a file of rows is read as."""

from typing import NamedTuple


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
        reason: what is wrong with it, in one line that repeats none of its values.
    """

    number: int
    line: int
    reason: str
