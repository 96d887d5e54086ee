"""Opening the log of a database."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

from signalcli.db import create_engine
from signalcli.db.engine import open_engine
from signalcli.log.schema import bring_up_to_date, version_of


@contextmanager
def open_log(database: str) -> Iterator[Connection]:
    """A connection to read the log with. A database that has none has an empty one.

    A log of an older version is read as it is: its file may be read-only.

    Arguments:
        database: a path, or a SQLAlchemy URL.

    Raises:
        DatabaseUnusable: the database cannot be used, or a newer version made the log.
    """
    engine = open_engine(database, writes=False, creates=False, announces=False)
    try:
        with engine.connect() as connection:
            if version_of(connection) > 0:
                yield connection
                return
    finally:
        engine.dispose()
    with open_log_to_write(database) as engine, engine.connect() as connection:
        yield connection


@contextmanager
def open_log_to_write(database: str) -> Iterator[Engine]:
    """An engine to change the log with, which is upgraded where that is due.

    Where the database has no log, it is left alone, and the engine is of an empty log in memory.

    Arguments:
        database: a path, or a SQLAlchemy URL.

    Raises:
        DatabaseUnusable: the database cannot be used, or a newer version made the log.
    """
    has_log = _version(database) > 0
    engine = (
        open_engine(database, writes=True, creates=False, announces=False)
        if has_log
        else create_engine(":memory:", announces=False)
    )
    try:
        with engine.begin() as connection:
            bring_up_to_date(connection)
        yield engine
    finally:
        engine.dispose()


def _version(database: str) -> int:
    """The version of a database's log; 0 where it has none."""
    engine = open_engine(database, writes=False, creates=False, announces=False)
    try:
        with engine.connect() as connection:
            return version_of(connection)
    finally:
        engine.dispose()
