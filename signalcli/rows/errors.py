"""What can be wrong with a file of rows as a whole."""

from signalcli.errors import SignalcliError

LONGEST_NAME = 60


class RowsUnreadable(SignalcliError):
    """A file has no rows to read, or none after those that were read."""

    exit_code = 2
    code = "unreadable"


def named(name: str) -> str:
    """How a name that stands in a file is repeated: quoted, in one line, and not without end."""
    return repr(name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…")
