"""Engines, with SQLite set up as an application wants it."""

import itertools
import re
import time
from functools import partial
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy
from sqlalchemy import URL, Connection, Engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from signalcli.db.errors import DatabaseUnusable
from signalcli.db.signals import connection_created

BUSY_TIMEOUT_SECONDS = 15
RETRY_SECONDS = 0.01
FIRST_STEP_MS, STEP_MS = 100, 1

_PASSWORD = re.compile(r"(//[^/@:\s]*):[^/\s]*@")
_SECRET_IN_QUERY = re.compile(
    r"([?&][^=&]*(?:password|passwd|passphrase|pwd|secret|token|key)[^=&]*=)[^&]*", re.IGNORECASE
)

# Receivers are told of each write, and rendering takes a while.
_shown: WeakKeyDictionary[Engine, str] = WeakKeyDictionary()


def without_password(database: str) -> str:
    """How a database is named to people: a URL, even a wrong one, without its password."""
    return _SECRET_IN_QUERY.sub(r"\g<1>***", _PASSWORD.sub(r"\g<1>:***@", database))


def using(bind: Engine | Connection) -> str:
    """A database as receivers are told of it: its URL without its password."""
    engine = bind.engine
    shown = _shown.get(engine)
    if shown is None:
        shown = _shown[engine] = engine.url.render_as_string(hide_password=True)
    return shown


def database_url(database: str | Path | URL) -> URL:
    """The URL of a database that is given as a path or a URL.

    Raises:
        DatabaseUnusable: the URL is none, the path is a folder, or its folder does not exist.
    """
    if isinstance(database, URL):
        return database
    if isinstance(database, str) and "://" in database:
        try:
            return make_url(database)
        except (ArgumentError, ValueError) as error:
            raise DatabaseUnusable(
                f"{without_password(database)!r} is not a database URL"
            ) from error
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


def create_engine(
    database: str | Path | URL,
    *,
    immediate: bool = False,
    write_ahead: bool = True,
    announces: bool = True,
    **options: Any,
) -> Engine:
    """An engine for a database.

    SQLite gets foreign keys, write-ahead logging, a busy timeout of 15 seconds (``?timeout=`` in
    a URL sets another) and transactions that begin when SQLAlchemy says so, which savepoints
    need. Other databases get what SQLAlchemy gives them. Each new connection sends
    ``connection_created``, as in Django, with the driver's connection and the database's URL
    without its password.

    Arguments:
        database: a path, or a SQLAlchemy URL.
        immediate: whether a transaction takes SQLite's write lock when it begins, rather than at
            its first write: for what reads first and then writes.
        write_ahead: whether a SQLite file is given a write-ahead log, which it then keeps.
        announces: whether its connections send ``connection_created``.
        options: passed on to ``sqlalchemy.create_engine``.

    Raises:
        DatabaseUnusable: see :func:`database_url`; or the URL's driver is not installed.
    """
    url = database_url(database)
    if url.get_backend_name() == "sqlite" and "timeout" not in url.query:
        options["connect_args"] = {"timeout": BUSY_TIMEOUT_SECONDS} | options.get(
            "connect_args", {}
        )
    try:
        engine = sqlalchemy.create_engine(url, **options)
    except (NoSuchModuleError, ImportError) as error:
        raise DatabaseUnusable(f"{url.drivername!r} databases need a driver: {error}") from error
    except OSError as error:
        shown = without_password(str(database))
        raise DatabaseUnusable(
            f"the database {shown} cannot be opened: {error.strerror}"
        ) from error
    except (ArgumentError, ValueError) as error:
        shown = without_password(str(database))
        raise DatabaseUnusable(f"{shown!r} is not a database URL") from error
    if url.get_backend_name() == "sqlite":
        set_up_sqlite(engine, immediate=immediate, write_ahead=write_ahead, announces=announces)
    elif announces:
        event.listen(engine, "connect", partial(_announce, engine))
    return engine


def set_up_sqlite(
    engine: Engine, *, immediate: bool = False, write_ahead: bool = True, announces: bool = True
) -> None:
    """Give an engine's SQLite connections what :func:`create_engine` gives them.

    For engines made elsewhere; of an async engine, pass its ``sync_engine``. Each new connection
    sends ``connection_created`` when it is set up.
    """

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, record: object) -> None:
        # sqlite3 itself would begin transactions late, and never for a savepoint.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys = ON")
        if write_ahead:
            _turn_on_write_ahead_log(cursor)
        cursor.close()
        if announces:
            _announce(engine, connection, record)

    @event.listens_for(engine, "begin")
    def begin_transaction(connection: Connection) -> None:
        if immediate:
            _begin_immediate(connection)
        else:
            connection.exec_driver_sql("BEGIN")


def _announce(engine: Engine, connection: Any, record: object) -> None:
    """Send ``connection_created`` for a new connection of the database's driver."""
    if not connection_created.is_idle:
        connection_created.send(type(engine), connection=connection, using=using(engine))


def _begin_immediate(connection: Connection) -> None:
    """Take the write lock; wait in small steps, since SQLite's own waiting is deaf to Ctrl-C.

    SQLite also asks so seldom after some time, each 25 ms, that others which begin anew as soon as
    they commit could keep this one out for good. So the longer it waits, the more often it asks.
    """
    timeout_ms = connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one()
    deadline = time.monotonic() + timeout_ms / 1000
    try:
        for step_ms in itertools.chain([FIRST_STEP_MS], itertools.repeat(STEP_MS)):
            _wait_at_most(connection, min(timeout_ms, step_ms))
            if _takes_write_lock(connection):
                return
            if time.monotonic() > deadline:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                return
    finally:
        _wait_at_most(connection, timeout_ms)


def _wait_at_most(connection: Connection, timeout_ms: int) -> None:
    cursor = connection.connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {timeout_ms}")
    cursor.close()


def _takes_write_lock(connection: Connection) -> bool:
    """Begin a transaction that has the write lock, unless another has it."""
    # Past SQLAlchemy, which takes longer to tell of a refusal than SQLite to refuse.
    cursor = connection.connection.cursor()
    try:
        cursor.execute("BEGIN IMMEDIATE")
    except Exception as error:
        if str(getattr(error, "sqlite_errorname", "")).startswith("SQLITE_BUSY"):
            return False
        # What else is wrong is told as SQLAlchemy tells it.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        cursor.close()
    return True


def _turn_on_write_ahead_log(cursor: Any) -> None:
    deadline = time.monotonic() + _pragma(cursor, "busy_timeout") / 1000
    while _pragma(cursor, "journal_mode") == "delete":
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except Exception as error:
            reason = str(getattr(error, "sqlite_errorname", ""))
            # What can only be read can be read without it, too.
            if reason.startswith("SQLITE_READONLY"):
                return
            # Of several that turn it on at once, SQLite sends all but one away without waiting.
            if not reason.startswith("SQLITE_BUSY") or time.monotonic() > deadline:
                raise
            time.sleep(RETRY_SECONDS)


def _pragma(cursor: Any, name: str) -> Any:
    # In two steps, since an async driver's cursor returns nothing from execute().
    cursor.execute(f"PRAGMA {name}")
    return cursor.fetchone()[0]
