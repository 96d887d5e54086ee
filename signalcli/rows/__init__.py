"""Rows of text from a file, one at a time: CSV or JSON Lines, gzipped or not, also from a pipe.

Standard library only, and usable alone::

    with open_rows("users.csv", needed=("username", "email"), allowed=("first_name",)) as rows:
        for row in rows:
            if isinstance(row, BadRow):
                print(row.line, row.reason)
            else:
                print(row.line, row.values["username"])
"""

from signalcli.rows.formats import BadRow, Row
from signalcli.rows.reader import RowReader, open_rows
from signalcli.rows.source import RowsUnreadable

__all__ = ["BadRow", "Row", "RowReader", "RowsUnreadable", "open_rows"]
