"""Opening the database of the installed apps."""

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlmodel import SQLModel

from signalcli.db.engine import create_engine, database_url
from signalcli.db.errors import DatabaseUnusable
from signalcli.db.session import Session


def open_engine(database: str, *, writes: bool, creates: bool) -> Engine:
    """An engine for one run.

    Arguments:
        database: a path, or a SQLAlchemy URL.
        writes: whether the run writes; then its transaction takes the write lock at its begin.
        creates: whether a file that does not exist is made. Otherwise the run sees an empty
            database, and leaves no file behind.

    Raises:
        DatabaseUnusable: see :func:`signalcli.db.create_engine`; or the URL's driver is async.
    """
    url = database_url(database)
    is_file = url.get_backend_name() == "sqlite" and "uri" not in url.query and url.database
    if is_file and not creates and not Path(str(url.database)).exists():
        return create_engine(":memory:")
    engine = create_engine(database, immediate=writes)
    if engine.dialect.is_async:
        raise DatabaseUnusable(f"the driver of {display_name(database)} is for async code only")
    return engine


def open_session(engine: Engine) -> Session:
    """A session whose transaction makes the tables of the installed apps that are missing.

    Nothing is opened before the session is used.
    """
    session = Session(engine)

    @event.listens_for(session, "after_begin")
    def create_tables(session: Session, transaction: Any, connection: Connection) -> None:
        SQLModel.metadata.create_all(connection)

    return session


def display_name(database: str) -> str:
    """How a database is named to people: without a password."""
    if "://" not in database:
        return database
    return database_url(database).render_as_string(hide_password=True)
