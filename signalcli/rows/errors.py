"""What can be wrong with a file of rows as a whole."""

LONGEST_NAME = 60


class RowsUnreadable(Exception):
    """A file has no rows to read, or none after those that were read; its text is one line."""


def named(name: str) -> str:
    """How a name that stands in a file is repeated: quoted, in one line, and not without end."""
    return repr(name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…")
