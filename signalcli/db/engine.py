"""Engines: making them, setting up SQLite as applications need it, and opening one for a run."""

import itertools
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy
from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.exc import (
    ArgumentError,
    DisconnectionError,
    NoSuchModuleError,
    OperationalError,
)
from sqlalchemy.pool import ConnectionPoolEntry, ManagesConnection, StaticPool

from signalcli.db.compat.models import is_autocommitting
from signalcli.db.database import database_url, file_of, identity, using
from signalcli.db.references import is_reference, resolved
from signalcli.db.servers import how_to_get_a_driver, set_up_server, with_a_driver
from signalcli.db.signals import connection_created
from signalcli.errors import DatabaseUnusable
from signalcli.secrets import without_password

# The drivers that are Python's sqlite3, or stand on it.
_PYTHONS_OWN = ("pysqlite", "aiosqlite")

BUSY_TIMEOUT_SECONDS = 15
RETRY_SECONDS = 0.01
FIRST_STEP_MS, STEP_MS = 100, 1


def create_engine(
    database: str | Path | URL,
    *,
    immediate: bool = False,
    write_ahead: bool = True,
    announces: bool = True,
    **options: Any,
) -> Engine:
    """Make an engine for a database.

    SQLite gets foreign keys, write-ahead logging, a busy timeout of 15 seconds (``?timeout=`` in
    a URL sets another) and transactions that begin when SQLAlchemy says so, which savepoints
    need. With the isolation level ``AUTOCOMMIT``, none is begun. Other databases are set up as
    SQLAlchemy does it. Each new connection sends ``connection_created``, as in Django, with the
    driver's connection and the database's URL without its password.

    A database in memory has one connection for all sessions of a thread, and with ``StaticPool``
    for all threads. As with SQLModel's own engine, the sessions then share one transaction: if one
    commits or rolls back, all do. With ``StaticPool``, it begins at the first write or savepoint.

    Arguments:
        database: a path, or a SQLAlchemy URL.
        immediate: whether a transaction takes SQLite's write lock when it begins, rather than at
            its first write. Use it for transactions that read first and then write.
        write_ahead: whether to give a SQLite file a write-ahead log, which it then keeps.
        announces: whether its connections send ``connection_created``.
        options: options of ``sqlalchemy.create_engine``.

    Raises:
        DatabaseUnusable: it is not a URL or path, it is a folder, its folder does not exist, or
            the driver of the URL is not installed.
    """
    url = with_a_driver(database_url(database))
    if url.get_backend_name() == "sqlite" and "timeout" not in url.query:
        options["connect_args"] = {"timeout": BUSY_TIMEOUT_SECONDS} | options.get(
            "connect_args", {}
        )
    try:
        engine = sqlalchemy.create_engine(url, **options)
    except (NoSuchModuleError, ImportError) as error:
        raise DatabaseUnusable(how_to_get_a_driver(url, error)) from error
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
    """Set up the SQLite connections of an engine as :func:`create_engine` does.

    Use it for an engine that was made elsewhere. Each new connection sends ``connection_created``
    when it is set up.

    Arguments:
        engine: an engine for SQLite; of an async engine, its ``sync_engine``.
        immediate: as for :func:`create_engine`.
        write_ahead: as for :func:`create_engine`.
        announces: as for :func:`create_engine`.
    """

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, record: ConnectionPoolEntry) -> None:
        try:
            prepare(connection, record)
        except BaseException:
            # Nobody else gets it.
            connection.close()
            raise

    if engine.driver == "pysqlite":

        @event.listens_for(engine, "invalidate")
        def roll_back(connection: Any, record: object, error: object) -> None:
            # Ctrl-C in the midst of a statement has SQLAlchemy close the connection. SQLite waits
            # for that statement's end, and has the database locked until then.
            with suppress(Exception):
                connection.rollback()

    def prepare(connection: Any, record: ConnectionPoolEntry) -> None:
        own_level = connection.isolation_level
        # With `autocommit=False`, Python's driver is in a transaction from the beginning, in which
        # the pragmas below have no effect.
        is_always_in_one = getattr(connection, "autocommit", None) is False
        if is_always_in_one:
            connection.autocommit = True
        if not _is_in_transaction(record):
            # Setting the level would end a transaction that others have begun on this connection.
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
            # Others who share the driver's connection may end a transaction that is begun below.
            # With this level, Python's driver begins another at the next write.
            connection.isolation_level = "IMMEDIATE" if immediate else own_level

    # By itself, the driver would begin transactions at the first write, and never for a savepoint.
    begin = _begin_immediate if immediate else _begin

    @event.listens_for(engine, "begin")
    def begin_transaction(connection: Connection) -> None:
        if is_autocommitting(connection):
            return
        # Threads that share a connection would end each other's transactions in the middle. If the
        # driver begins at the first write, threads that only read end nothing.
        if immediate or not isinstance(engine.pool, StaticPool) or not _begins_itself(connection):
            _begin_unless_begun(connection, begin)

    @event.listens_for(engine, "savepoint")
    def begin_for_savepoint(connection: Connection, name: str) -> None:
        if not is_autocommitting(connection):
            _begin_unless_begun(connection, begin)


def _begin(connection: Connection) -> None:
    # Past SQLAlchemy, to whose listeners BEGIN is no statement.
    cursor = connection.connection.cursor()
    try:
        cursor.execute("BEGIN")
    except Exception:
        # Again by SQLAlchemy, for the error to be one of SQLAlchemy's.
        connection.exec_driver_sql("BEGIN")
    finally:
        cursor.close()


def _begin_unless_begun(connection: Connection, begin: Callable[[Connection], None]) -> None:
    """Begin a transaction, unless the driver's connection is in one already.

    The pools of databases in memory give one connection of the driver to several connections of
    SQLAlchemy at a time (``StaticPool``, and in one thread ``SingletonThreadPool``). These share
    one transaction, and commit it or roll it back for all, as without this package.
    """
    if _is_in_transaction(connection.connection):
        return
    try:
        begin(connection)
    except OperationalError:
        # Another thread or task may have begun a transaction meanwhile.
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
    """Begin a transaction with the write lock, waiting for the lock in small steps.

    SQLite's own waiting cannot be interrupted by Ctrl-C. After a while it asks for the lock only
    every 25 ms, so that a process which begins again right after each commit could keep this one
    out for good. So this asks more often the longer it waits.
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
    """Begin a transaction with the write lock; return whether it was free."""
    # Past SQLAlchemy, whose exception takes longer to make than SQLite takes to refuse.
    cursor = connection.connection.cursor()
    try:
        cursor.execute("BEGIN IMMEDIATE")
    except Exception as error:
        if str(getattr(error, "sqlite_errorname", "")).startswith("SQLITE_BUSY"):
            return False
        # Again by SQLAlchemy, for the error to be one of SQLAlchemy's.
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
            # A database that can only be read needs no write-ahead log.
            if reason.startswith("SQLITE_READONLY"):
                return
            # If several connections turn it on at once, SQLite refuses all but one at once.
            if not reason.startswith("SQLITE_BUSY") or time.monotonic() > deadline:
                raise
            time.sleep(RETRY_SECONDS)


def _pragma(cursor: Any, name: str) -> Any:
    # In two steps, since the execute() of an async driver's cursor returns nothing.
    cursor.execute(f"PRAGMA {name}")
    return cursor.fetchone()[0]


class KeptEngines:
    """The engines of runs that follow each other in one process, by the databases they are for.

    An engine keeps the statements that SQLAlchemy has compiled, and so it serves the next run, too.
    Between two runs others may read, replace or delete the database: each run closes the engine's
    connections at its end, unless ``holds`` says that nobody could notice. A connection to a SQLite
    file that is left open is given up where the file is another one by then, or another database
    is opened.
    """

    def __init__(self, holds: Callable[[], bool]) -> None:
        """Keep engines.

        Arguments:
            holds: whether a run that ends now leaves its connections to the next one.
        """
        self._holds = holds
        self._engines: dict[tuple[object, ...], Engine] = {}
        self._place: tuple[object, ...] = ()
        self._run = 0

    def engine_for(self, database: str | URL, options: dict[str, bool]) -> Engine:
        """An engine as :func:`create_engine` makes it, perhaps one that is here already."""
        try:
            # A relative path means another file in another folder.
            place = (os.getcwd(), database)  # noqa: PTH109  # compared only
        except FileNotFoundError:
            return _engine_of_run(database, **options)
        if place != self._place:
            self.close()
            self._place = place
        key = (*place, *sorted(options.items()))
        if key not in self._engines:
            if len(self._engines) == MOST_ENGINES:
                self._engines.pop(next(iter(self._engines))).dispose()
            engine = self._engines[key] = _engine_of_run(database, **options)
            if _outlasts_connections(engine):
                file = file_of(engine.url)
                self._watch(engine, file and file.absolute(), options)
        return self._engines[key]

    def _watch(self, engine: Engine, file: Path | None, options: dict[str, bool]) -> None:
        """Let each run find a connection that was left open as if it were new, or a new one."""

        @event.listens_for(engine, "connect")
        def remember(connection: Any, record: ConnectionPoolEntry) -> None:
            record.info["run"], record.info["file"] = self._run, identity(file)

        @event.listens_for(engine, "checkout")
        def look(connection: Any, record: ConnectionPoolEntry, proxy: object) -> None:
            if record.info["run"] == self._run:
                return
            if record.info["file"] != identity(file):
                raise DisconnectionError
            record.info["run"] = self._run
            if options.get("announces", True):
                _announce(engine, connection, record)

    def let_go(self, engine: Engine) -> None:
        """End a run: close the engine's connections, or leave them to the next run."""
        if _outlasts_connections(engine) and self._holds():
            self._run += 1
        else:
            engine.dispose()

    def close(self) -> None:
        """Close all connections that were left open."""
        for engine in self._engines.values():
            engine.dispose()


MOST_ENGINES = 8

_kept: ContextVar[KeptEngines | None] = ContextVar("signalcli_engines", default=None)


@contextmanager
def kept_engines(holds: Callable[[], bool]) -> Iterator[KeptEngines]:
    """Have :func:`open_engine` return the same engine for the same database in the block.

    Arguments:
        holds: as for :class:`KeptEngines`.
    """
    engines = KeptEngines(holds)
    token = _kept.set(engines)
    try:
        yield engines
    finally:
        _kept.reset(token)
        engines.close()


def let_go(engine: Engine) -> None:
    """Close the connections of an engine at the end of a run; see :class:`KeptEngines`."""
    engines = _kept.get()
    if engines is None:
        engine.dispose()
    else:
        engines.let_go(engine)


def close_kept() -> None:
    """Close the connections that earlier runs left open, if there are any."""
    engines = _kept.get()
    if engines is not None:
        engines.close()


def _engine_for(database: str | URL, **options: bool) -> Engine:
    engines = _kept.get()
    if engines is None:
        return _engine_of_run(database, **options)
    return engines.engine_for(database, options)


def _outlasts_connections(engine: Engine) -> bool:
    """Whether a database is the same for the next connection: a file, or one on a server."""
    return file_of(engine.url) is not None or engine.dialect.name != "sqlite"


def _engine_of_run(database: str | URL, *, announces: bool = True, **options: bool) -> Engine:
    """An engine whose first connection asks a server for little: a run has few statements itself.

    Of PostgreSQL's drivers, psycopg begins a transaction to ask for the server's version, and
    SQLAlchemy asks both for the type ``hstore``, which it can read by itself.
    """
    dialect, _, driver = database_url(database).drivername.partition("+")
    if dialect != "postgresql" or driver not in ("", "psycopg", "psycopg2"):
        return create_engine(database, announces=announces, **options)
    engine = create_engine(database, announces=False, use_native_hstore=False, **options)
    if engine.driver == "psycopg":

        @event.listens_for(engine, "do_connect")
        def connect(dialect: Any, record: Any, arguments: Any, named: dict[str, Any]) -> None:
            named["autocommit"] = True

        @event.listens_for(engine, "connect")
        def set_back(connection: Any, record: ConnectionPoolEntry) -> None:
            connection.autocommit = False

    if announces:
        event.listen(engine, "connect", partial(_announce, engine))
    return engine


def open_engine(database: str, *, writes: bool, creates: bool, announces: bool = True) -> Engine:
    """An engine for one run.

    Arguments:
        database: a path, a SQLAlchemy URL, or a reference (:mod:`signalcli.db.references`). An
            engine of the user's own is taken as it is.
        writes: whether the run writes; then its transaction takes the write lock when it begins.
        creates: whether to make a file that does not exist. Otherwise the run sees an empty
            database, and leaves no file behind.
        announces: whether its connections send ``connection_created``.

    Raises:
        DatabaseUnusable: as :func:`create_engine`; also if the name is empty, the database is
            read-only and the run writes, or the driver is for async code only.
    """
    if not database:
        raise DatabaseUnusable("the name of the database is empty")
    url = database_url(database)
    is_file = url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
    file = file_of(url)
    if file is not None and not creates and not os.path.lexists(file):
        return _engine_for(":memory:", announces=announces)
    if file is not None and not writes and _lacks_room_for_a_log(file):
        url = _frozen(url)
    if writes and is_file and not _is_writable(url):
        raise DatabaseUnusable(
            f"the database {without_password(database)} is read-only; change its permissions, or "
            "name another with --database"
        )
    named = resolved(database) if is_reference(database) else None
    if isinstance(named, Engine):
        return named
    # A database that is only read gets no write-ahead log.
    engine = _engine_for(url, immediate=writes, write_ahead=writes, announces=announces)
    if engine.dialect.is_async:
        raise DatabaseUnusable(
            f"the driver of {without_password(database)} is for async code only; "
            "leave the driver out of the URL"
        )
    set_up_server(engine)
    return engine


def _is_writable(url: URL) -> bool:
    """Whether a SQLite file seems to be writable, before that is tried."""
    if url.query.get("mode") == "ro" or "immutable" in url.query:
        return False
    path = Path(str(url.database))
    return not path.is_file() or os.access(path, os.W_OK)


def _lacks_room_for_a_log(path: Path) -> bool:
    """Whether SQLite could not read a file, for want of a place to make its write-ahead log."""
    log = path.with_name(path.name + "-wal")
    return path.is_file() and not log.exists() and not os.access(path.parent, os.W_OK)


def _frozen(url: URL) -> URL:
    """A URL by which SQLite reads a file as it is, without locks or a log."""
    path = quote(str(Path(str(url.database)).absolute()))
    return url.set(database=f"file:{path}").update_query_dict(
        {"mode": "ro", "immutable": "1", "uri": "true"}
    )
