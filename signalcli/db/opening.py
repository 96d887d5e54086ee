"""Opening the database of the installed apps."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, event

from signalcli.db.engine import database_url, without_password
from signalcli.db.reuse import engine_for
from signalcli.db.session import Session
from signalcli.errors import DatabaseUnusable


def open_engine(database: str, *, writes: bool, creates: bool, announces: bool = True) -> Engine:
    """An engine for one run.

    Arguments:
        database: a path, or a SQLAlchemy URL.
        writes: whether the run writes; then its transaction takes the write lock at its begin.
        creates: whether a file that does not exist is made. Otherwise the run sees an empty
            database, and leaves no file behind.
        announces: whether its connections send ``connection_created``.

    Raises:
        DatabaseUnusable: see :func:`signalcli.db.create_engine`; or the URL's driver is async.
    """
    if not database:
        raise DatabaseUnusable("the name of the database is empty")
    url = database_url(database)
    is_file = url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
    is_path = is_file and "uri" not in url.query
    if is_path and not creates and not os.path.lexists(str(url.database)):
        return engine_for(":memory:", announces=announces)
    if is_path and not writes and _lacks_room_for_a_log(Path(str(url.database))):
        url = _frozen(url)
    if writes and is_file and not _is_writable(url):
        raise DatabaseUnusable(
            f"the database {without_password(database)} is read-only; change its permissions, or "
            "name another with --database"
        )
    # What is only read is not given a log of ours.
    engine = engine_for(url, immediate=writes, write_ahead=writes, announces=announces)
    if engine.dialect.is_async:
        raise DatabaseUnusable(
            f"the driver of {without_password(database)} is for async code only; "
            "leave the driver out of the URL"
        )
    return engine


def open_session(
    engine: Engine,
    on_commit: Callable[[], None] | None = None,
    on_begin: Iterable[Callable[[Connection], object]] = (),
) -> Session:
    """A session that says when its transactions begin and end.

    Nothing is opened before the session is used.

    Arguments:
        engine: the engine.
        on_commit: called after each commit of a whole transaction.
        on_begin: called one after the other when a transaction begins, before anything else is
            done in it; what they raise ends the transaction.
    """
    session = Session(engine)
    callbacks = tuple(on_begin)
    if on_commit is not None:

        @event.listens_for(session, "after_commit")
        def call(session: Session) -> None:
            # SQLAlchemy says so of a savepoint that is released, too.
            if not session.in_nested_transaction():
                on_commit()

    @event.listens_for(session, "after_begin")
    def begin(session: Session, transaction: Any, connection: Connection) -> None:
        for callback in () if transaction.nested else callbacks:
            callback(connection)

    return session


def file_of(database: str) -> Path | None:
    """The file that a database is in, be it there or not; None where it is in none.

    Arguments:
        database: a path, or a SQLAlchemy URL.
    """
    url = database_url(database)
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return None
    return None if "uri" in url.query else Path(str(url.database))


def is_kept(database: str) -> bool:
    """Whether there is such a database now that outlasts the process."""
    file = file_of(database)
    if file is not None:
        return os.path.lexists(file)
    url = database_url(database)
    return url.get_backend_name() != "sqlite" or "uri" in url.query


def _is_writable(url: URL) -> bool:
    """Whether a SQLite file can be written, as far as that shows before it is tried."""
    if url.query.get("mode") == "ro" or "immutable" in url.query:
        return False
    path = Path(str(url.database))
    return not path.is_file() or os.access(path, os.W_OK)


def _lacks_room_for_a_log(path: Path) -> bool:
    """Whether SQLite could not open a file that has a write-ahead log, even for reading."""
    log = path.with_name(path.name + "-wal")
    return path.is_file() and not log.exists() and not os.access(path.parent, os.W_OK)


def _frozen(url: URL) -> URL:
    """The URL of a file that nobody writes, read as it stands."""
    path = quote(str(Path(str(url.database)).absolute()))
    return url.set(database=f"file:{path}").update_query_dict(
        {"mode": "ro", "immutable": "1", "uri": "true"}
    )
