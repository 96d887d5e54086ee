"""Engines, with SQLite set up as an application wants it."""

import itertools
import re
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy
from sqlalchemy import URL, Connection, Engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry, ManagesConnection, StaticPool

from signalcli.db.compat.models import is_autocommitting
from signalcli.db.signals import connection_created
from signalcli.errors import DatabaseUnusable

# The drivers that are Python's sqlite3, or stand on it.
_PYTHONS_OWN = ("pysqlite", "aiosqlite")

BUSY_TIMEOUT_SECONDS = 15
RETRY_SECONDS = 0.01
FIRST_STEP_MS, STEP_MS = 100, 1

# Not compiled here: who imports this seldom needs them.
_BEFORE_HOST = r"(//[^/@:\s]*):[^/\s]*@"
_IN_QUERY = r"(?i)([?&][^=&]*(?:password|passwd|passphrase|pwd|secret|token|key)[^=&]*=)[^&]*"

# Receivers are told of each write, and rendering takes a while.
_shown: WeakKeyDictionary[Engine, str] = WeakKeyDictionary()


def without_password(database: str) -> str:
    """How a database is named to people: a URL, even a wrong one, without its password."""
    shown = re.sub(_BEFORE_HOST, r"\g<1>:***@", database)
    return re.sub(_IN_QUERY, r"\g<1>***", shown)


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
    need; none is begun with the isolation level ``AUTOCOMMIT``. Other databases get what
    SQLAlchemy gives them. Each new connection sends ``connection_created``, as in Django, with
    the driver's connection and the database's URL without its password.

    A database in memory has one connection for all sessions of a thread, and with ``StaticPool``
    for all threads. As with SQLModel's own engine, they are in one transaction then: what one
    commits or rolls back, all do. With ``StaticPool``, it begins at the first write or savepoint.

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
    def set_up(connection: Any, record: ConnectionPoolEntry) -> None:
        own_level = connection.isolation_level
        # Of Python's two other ways, this one is in a transaction from the first; see below.
        is_always_in_one = getattr(connection, "autocommit", None) is False
        if is_always_in_one:
            connection.autocommit = True
        if not _is_in_transaction(record):
            # To set it would end the transaction of who had the driver's connection before.
            connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys = ON")
        if write_ahead:
            _turn_on_write_ahead_log(cursor)
        cursor.close()
        if announces:
            _announce(engine, connection, record)
        if is_always_in_one:
            connection.autocommit = False
        elif own_level is not None and engine.driver in _PYTHONS_OWN:
            # Where others share the driver's connection, they may end a transaction that is begun
            # below. Python's driver begins another at the next write.
            connection.isolation_level = "IMMEDIATE" if immediate else own_level

    # By itself, a driver would begin transactions late, and never for a savepoint.
    begin = _begin_immediate if immediate else _begin

    @event.listens_for(engine, "begin")
    def begin_transaction(connection: Connection) -> None:
        if is_autocommitting(connection):
            return
        # Threads that share a connection would end what others have just begun, in the midst of
        # it. There, the driver begins at the first write, so that reading alone ends nothing.
        if immediate or not isinstance(engine.pool, StaticPool) or not _begins_itself(connection):
            _begin_unless_begun(connection, begin)

    @event.listens_for(engine, "savepoint")
    def begin_for_savepoint(connection: Connection, name: str) -> None:
        if not is_autocommitting(connection):
            _begin_unless_begun(connection, begin)


def _begin(connection: Connection) -> None:
    # Past SQLAlchemy, for which this is no statement: nobody who counts those is to see it.
    cursor = connection.connection.cursor()
    try:
        cursor.execute("BEGIN")
    except Exception:
        # What is wrong is told as SQLAlchemy tells it.
        connection.exec_driver_sql("BEGIN")
    finally:
        cursor.close()


def _begin_unless_begun(connection: Connection, begin: Callable[[Connection], None]) -> None:
    """Begin a transaction, unless another connection of SQLAlchemy's has begun it.

    A pool may give out one connection of the driver to several at a time (``StaticPool``, and in
    one thread ``SingletonThreadPool``, the pools of databases in memory). They are in one
    transaction, and a commit or rollback of one of them is one for all, as without this package.
    """
    if _is_in_transaction(connection.connection):
        return
    try:
        begin(connection)
    except OperationalError:
        # Another thread or task may have begun it meanwhile.
        if not _is_in_transaction(connection.connection):
            raise


def _begins_itself(connection: Connection) -> bool:
    """Whether the driver begins a transaction at a write, where there is none."""
    driver_connection: Any = connection.connection.dbapi_connection
    return connection.engine.driver in _PYTHONS_OWN and (
        driver_connection.isolation_level is not None
    )


def _is_in_transaction(connection: ManagesConnection) -> bool:
    return bool(getattr(connection.driver_connection, "in_transaction", False))


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
