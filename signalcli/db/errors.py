"""What a database that cannot be used has to say."""

from sqlalchemy.exc import InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from signalcli.errors import DatabaseUnusable

_BY_SQLITE_ERROR = {
    "SQLITE_BUSY": "is locked by another process; try again when that is done",
    "SQLITE_LOCKED": "is locked by another connection; try again when that is done",
    "SQLITE_READONLY": "is read-only; change its permissions, or name another with --database",
    "SQLITE_PERM": "may not be used by you; change its permissions",
    "SQLITE_AUTH": "may not be used by you; change its permissions",
    "SQLITE_CANTOPEN": "cannot be opened; check the path, and the permissions of its folder",
    "SQLITE_NOTADB": "is not a SQLite database; name another with --database",
    "SQLITE_CORRUPT": "is damaged; restore it from a backup",
    "SQLITE_FULL": "is full, or the disk is",
    "SQLITE_IOERR": "cannot be read or written: the disk reports an error",
}


def is_of_the_database(error: BaseException) -> bool:
    """Whether an error says that SQLite's database itself cannot be used, whoever uses it."""
    name = getattr(getattr(error, "orig", None), "sqlite_errorname", None) or ""
    return name.startswith(tuple(_BY_SQLITE_ERROR))


def unusable(error: BaseException, database: str) -> DatabaseUnusable | None:
    """What an error says about the database, or None where it says nothing.

    That it does not work as expected can also be a mistake in a query, so ask this last.

    Arguments:
        error: what was raised by work on the database.
        database: how the user knows the database.
    """
    if isinstance(error, DatabaseUnusable):
        return error
    name = getattr(getattr(error, "orig", None), "sqlite_errorname", None) or ""
    for prefix, explanation in _BY_SQLITE_ERROR.items():
        if name.startswith(prefix):
            return DatabaseUnusable(f"the database {database} {explanation}")
    if isinstance(error, PoolTimeoutError):
        return DatabaseUnusable(f"all connections to the database {database} are taken; try again")
    if isinstance(error, OperationalError | InterfaceError | ProgrammingError):
        reason = " ".join(str(error.orig).split())
        return DatabaseUnusable(f"the database {database} does not work as expected: {reason}")
    return None
