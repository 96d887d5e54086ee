"""A database: how it is named, whether it is there, and why it cannot be used."""

import os
from operator import is_
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import URL, Connection, Engine, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    PendingRollbackError,
    ProgrammingError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Mapper, Session

from signalcli.db.compat.states import State
from signalcli.db.compat.work import as_if_flushing, is_sharded, shard_of
from signalcli.db.references import is_reference, resolved
from signalcli.db.rules import codes_of
from signalcli.errors import DatabaseUnusable
from signalcli.secrets import without_password, without_secrets

# Every signal of a write says `using`, and rendering a URL takes longer than looking it up.
_shown: WeakKeyDictionary[Engine, str] = WeakKeyDictionary()

_LOCKED = "is locked by another connection, of another process or of this one; try again later"
_BY_SQLITE_ERROR = {
    # SQLite does not tell whose connection it is: it may be of a receiver in this very process.
    "SQLITE_BUSY": _LOCKED,
    "SQLITE_LOCKED": _LOCKED,
    "SQLITE_READONLY": "is read-only; change its permissions, or name another with --database",
    "SQLITE_PERM": "may not be used by you; change its permissions",
    "SQLITE_AUTH": "may not be used by you; change its permissions",
    "SQLITE_CANTOPEN": "cannot be opened; check the path, and the permissions of its folder",
    "SQLITE_NOTADB": "is not a SQLite database; name another with --database",
    "SQLITE_CORRUPT": "is damaged; restore it from a backup",
    "SQLITE_FULL": "is full, or the disk is",
    "SQLITE_IOERR": "cannot be read or written: the disk reports an error",
}

# What PostgreSQL and MariaDB say of themselves, by SQLSTATE and by number.
_LOST = "has ended the connection; try again when it answers"
# SQLAlchemy's code for work on a connection that was lost before, of which it names no cause.
_LOST_BEFORE = "8s2b"
_LOCKED = "is locked by another connection; try again when that is done"
_DEADLOCK = "is at odds with another transaction about what each has locked; try again"
_READ_ONLY = "is read-only at present; try again when it takes writes, or name another one"
_FORBIDDEN = "may not be used so by this user; ask for the permission"
_TAKEN = "has no connection left; try again when others have ended"
_FULL = "is full, or the disk is"
_BY_CODE: dict[object, str] = {
    "25006": _READ_ONLY,
    "40001": _DEADLOCK,
    "40P01": _DEADLOCK,
    "55P03": _LOCKED,
    "57P01": _LOST,
    "57P02": _LOST,
    "57P03": "is starting or stopping; try again",
    "42501": _FORBIDDEN,
    "53100": _FULL,
    "53300": _TAKEN,
    1021: _FULL,
    1040: _TAKEN,
    1114: _FULL,
    1142: _FORBIDDEN,
    1205: _LOCKED,
    1213: _DEADLOCK,
    1290: _READ_ONLY,
    1792: _READ_ONLY,
    1836: _READ_ONLY,
    1927: _LOST,
    2006: _LOST,
    2013: _LOST,
    4031: _LOST,
}
_TAKEN_BY_OTHERS = {"23505", 1062}
_GIVEN_UP = {"40001", "40P01", 1020, 1213}


def using(bind: Engine | Connection) -> str:
    """A database as ``using`` names it to receivers: its URL without the password."""
    engine = bind.engine
    shown = _shown.get(engine)
    if shown is None:
        shown = _shown[engine] = engine.url.render_as_string(hide_password=True)
    return shown


def database_url(database: str | Path | URL) -> URL:
    """The URL of a database that is given as a path or a URL.

    Raises:
        DatabaseUnusable: it is not a URL or path, it is a folder, or its folder does not exist.
    """
    if isinstance(database, URL):
        return database
    if isinstance(database, str) and is_reference(database):
        named = resolved(database)
        return named.url if isinstance(named, Engine) else database_url(named)
    if isinstance(database, str) and "://" in database:
        try:
            url = make_url(database)
        except (ArgumentError, ValueError) as error:
            raise DatabaseUnusable(
                f"{without_password(database)!r} is not a database URL"
            ) from error
        if url.password is not None and database.partition("?")[0].count("@") > 1:
            # A part of the password would be taken for the host, and told to everybody.
            raise DatabaseUnusable(
                f"{without_password(database)!r} has an @ in its password; write it as %40"
            )
        return url
    if database == ":memory:":
        return URL.create("sqlite")
    if str(database).startswith("file:"):
        raise DatabaseUnusable(f"{str(database)!r} is no path; write sqlite:///file:…?uri=true")
    if "\0" in str(database):
        raise DatabaseUnusable(f"{str(database)!r} is not a path")
    try:
        str(database).encode()
        path = Path(database)
        if path.is_dir():
            raise DatabaseUnusable(f"{path} is a folder; name a file in it")
        if not path.parent.is_dir():
            raise DatabaseUnusable(f"{path} cannot be made: there is no folder {path.parent}")
    except (OSError, ValueError) as error:
        raise DatabaseUnusable(f"{str(database)!r} is not a path") from error
    return URL.create("sqlite", database=str(path))


def file_of(database: str | URL) -> Path | None:
    """The file that a database is in, whether or not it exists; None if it is in no file.

    Arguments:
        database: a path, or a SQLAlchemy URL.
    """
    url = database_url(database)
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return None
    return None if "uri" in url.query else Path(str(url.database))


def identity(file: Path | None) -> tuple[int, int] | None:
    """The file that has this name now, by device and inode; None where there is none."""
    try:
        status = None if file is None else file.stat()
    except OSError:
        return None
    return status and (status.st_dev, status.st_ino)


def is_kept(database: str) -> bool:
    """Whether a database exists now and outlasts the process."""
    file = file_of(database)
    if file is not None:
        return os.path.lexists(file)
    url = database_url(database)
    return url.get_backend_name() != "sqlite" or "uri" in url.query


def is_of_the_database(error: BaseException) -> bool:
    """Whether an error is about the database itself, and not about what was done with it."""
    return _ailment(error) is not None


def _ailment(error: BaseException | None) -> str | None:
    """What is the matter with the database itself; None if it is well, as far as is known.

    After the connection is lost, work on the session fails with errors of SQLAlchemy that name the
    loss as their cause at most. So the causes of those are asked, too. An error of other code that
    came after one of the database is its own.
    """
    seen: set[int] = set()
    while isinstance(error, SQLAlchemyError) and id(error) not in seen:
        seen.add(id(error))
        for code in codes_of(error):
            for prefix, explanation in _BY_SQLITE_ERROR.items():
                if isinstance(code, str) and code.startswith(prefix):
                    return explanation
            if code in _BY_CODE:
                return _BY_CODE[code]
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            return _LOST
        if isinstance(error, PendingRollbackError) and error.code == _LOST_BEFORE:
            return _LOST
        error = error.__cause__ or error.__context__
    return None


def may_be_taken_meanwhile(error: BaseException) -> bool:
    """Whether a server refuses a value that another transaction may have written meanwhile.

    On SQLite, a transaction that writes is alone.

    Arguments:
        error: an exception that work on the database has raised.
    """
    return isinstance(error, IntegrityError) and not _TAKEN_BY_OTHERS.isdisjoint(codes_of(error))


def is_given_up(error: BaseException) -> bool:
    """Whether a server gave a transaction up, after a deadlock for instance; it may be repeated.

    Arguments:
        error: an exception that work on the database has raised.
    """
    return not _GIVEN_UP.isdisjoint(codes_of(error))


def unusable(error: BaseException, database: str) -> DatabaseUnusable | None:
    """The error for the user that an exception amounts to; None if it is not about the database.

    An exception of the last kind below may also be a mistake in a query. So ask this last.

    Arguments:
        error: an exception that work on the database has raised.
        database: the database as the user has named it.
    """
    if isinstance(error, DatabaseUnusable):
        return error
    ailment = _ailment(error)
    if ailment is not None:
        return DatabaseUnusable(f"the database {database} {ailment}")
    if isinstance(error, PoolTimeoutError):
        return DatabaseUnusable(f"all connections to the database {database} are taken; try again")
    if isinstance(error, OperationalError | InterfaceError | ProgrammingError):
        reason = without_secrets(" ".join(str(error.orig).split()))
        return DatabaseUnusable(f"the database {database} does not work as expected: {reason}")
    return None


class Destinations:
    """The databases that one flush writes its rows to, as receivers are told of them.

    Arguments:
        session: the session that flushes.

    Attributes:
        is_sharded: whether each instance chooses its database.
    """

    def __init__(self, session: Session) -> None:
        self.is_sharded = is_sharded(session)
        self._session = session
        self._by_mapper: dict[Mapper[Any], str] = {}
        self._chosen: dict[State, list[Any]] = {}

    def of(self, state: State) -> str:
        """The database that an instance's row is in, or will be."""
        if not self.is_sharded:
            return self.of_model(state.mapper.base_mapper)
        if state.key is None and state.identity_token is None:
            self._chosen[state] = []
        with as_if_flushing(self._session):
            found = using(shard_of(self._session, state.mapper.base_mapper, state.obj()))
        if state in self._chosen:
            self._chosen[state] = list(state.dict.values())
        return found

    def of_model(self, mapper: Mapper[Any]) -> str:
        """The database that the rows of a model are in, where a session has no shards."""
        database = self._by_mapper.get(mapper)
        if database is None:
            # A session that routes reads and writes asks whether it flushes: this is for a write.
            with as_if_flushing(self._session):
                database = using(self._session.get_bind(mapper))
            self._by_mapper[mapper] = database
        return database

    def choose_again(self) -> None:
        """Forget the shard of each new instance that was changed since it was asked for.

        SQLAlchemy chooses a shard once, by the instance's values at that time. Asking for
        ``using`` before a receiver runs must not fix a choice that the receiver's change undoes.
        """
        for state, values in self._chosen.items():
            now = list(state.dict.values())
            if len(now) != len(values) or not all(map(is_, now, values)):
                state.identity_token = None
        self._chosen.clear()
