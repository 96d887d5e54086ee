"""Opening the log of a database."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

from signalcli.db import create_engine
from signalcli.db.opening import open_engine
from signalcli.trace.log.schema import VERSION, bring_up_to_date, version_of


@contextmanager
def open_log(database: str) -> Iterator[Connection]:
    """A connection to read the log with. A database that has none has an empty one.

    Arguments:
        database: a path, or a SQLAlchemy URL.

    Raises:
        DatabaseUnusable: the database cannot be used, or a newer version made the log.
    """
    engine = open_engine(database, writes=False, creates=False)
    try:
        with engine.connect() as connection:
            version = version_of(connection)
            if version == VERSION:
                yield connection
                return
    finally:
        engine.dispose()
    with _made_ready(database, exists=version > 0) as engine, engine.connect() as connection:
        yield connection


@contextmanager
def open_log_to_write(database: str) -> Iterator[Engine]:
    """An engine to change the log with; of an empty log in memory where the database has none.

    Arguments:
        database: a path, or a SQLAlchemy URL.

    Raises:
        DatabaseUnusable: the database cannot be used, or a newer version made the log.
    """
    with open_log(database):
        pass
    engine = open_engine(database, writes=True, creates=False)
    try:
        with engine.connect() as connection:
            exists = version_of(connection) > 0
        if exists:
            yield engine
            return
    finally:
        engine.dispose()
    with _made_ready(database, exists=False) as engine:
        yield engine


@contextmanager
def _made_ready(database: str, *, exists: bool) -> Iterator[Engine]:
    """The database with its log upgraded, or where that does not exist, an empty one in memory."""
    engine = (
        open_engine(database, writes=True, creates=False) if exists else create_engine(":memory:")
    )
    try:
        with engine.begin() as connection:
            bring_up_to_date(connection)
        yield engine
    finally:
        engine.dispose()
