"""The error of a file that has no rows to read."""

from signalcli.errors import SignalcliError

LONGEST_NAME = 60


class RowsUnreadable(SignalcliError):
    """A file has no rows to read, or none after those that were read."""

    exit_code = 2
    code = "unreadable"


def named(name: str) -> str:
    """A name from a file as a message quotes it: on one line, cut where it is long."""
    return repr(name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…")
