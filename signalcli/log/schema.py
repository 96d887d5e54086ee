"""Opening a log, and making, upgrading or refusing its tables."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, delete, insert, inspect, select, update
from sqlalchemy.exc import DBAPIError

from signalcli.db import create_engine
from signalcli.db.catalog import present_columns, taking_turns
from signalcli.db.engine import open_engine
from signalcli.errors import DatabaseUnusable
from signalcli.log import tables

VERSION = 5
PART = "log"
SEEN = "signalcli_log"


def _add(connection: Connection, table: str, column: str, kind: str) -> None:
    """Add a column, unless somebody has added it who was killed before the end of the upgrade.

    MariaDB and MySQL keep what was done by then.
    """
    if column not in {each["name"] for each in inspect(connection).get_columns(table)}:
        connection.exec_driver_sql(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")


def _add_marks(connection: Connection) -> None:
    """Version 2: faults on purpose, and dispatches sent from another thread or task."""
    for table, column, kind in (
        ("signalcli_dispatch", "muted", "BOOLEAN"),
        ("signalcli_dispatch", "elsewhere", "BOOLEAN"),
        ("signalcli_response", "injected_failure", "BOOLEAN"),
        ("signalcli_response", "injected_delay", "FLOAT"),
    ):
        _add(connection, table, column, kind)


def _add_totals(connection: Connection) -> None:
    """Version 3: totals of receivers, for runs whose traces are not kept."""
    is_sqlite = connection.dialect.name == "sqlite"
    number, layout = ("INTEGER", "WITHOUT ROWID") if is_sqlite else ("BIGINT", "")
    # To MariaDB and MySQL, one of these is a word of their own.
    quote = connection.dialect.identifier_preparer.quote
    names = map(quote, ("receiver", "signal", "signal_path"))
    texts = "".join(f"{name} TEXT NOT NULL, " for name in names)
    connection.exec_driver_sql(
        "CREATE TABLE IF NOT EXISTS signalcli_total "
        f"(run {number} NOT NULL, place INTEGER NOT NULL, {texts}"
        "runs INTEGER NOT NULL, failures INTEGER NOT NULL, seconds FLOAT NOT NULL, "
        f"PRIMARY KEY (run, place)) {layout}"
    )


def _add_not_called(connection: Connection) -> None:
    """Version 4: the receivers that a failure kept from being called."""
    _add(connection, "signalcli_dispatch", "not_called", "TEXT")


def _add_output_before(connection: Connection) -> None:
    """Version 5: how much of a response's output came before what it caused."""
    _add(connection, "signalcli_dispatch", "output_before", "INTEGER")


# The step from each version to the next one.
STEPS: Mapping[int, Callable[[Connection], None]] = {
    1: _add_marks,
    2: _add_totals,
    3: _add_not_called,
    4: _add_output_before,
}


class LogDamaged(DatabaseUnusable):
    """The log cannot be used. The rest of the database may be sound."""


def refuse_newer(connection: Connection, has_log: bool | None = None) -> None:
    """Refuse a database whose log a newer version made; accept a damaged log.

    Arguments:
        connection: the database.
        has_log: as for :func:`version_of`.

    Raises:
        DatabaseUnusable: a newer version of signalcli made it.
    """
    with contextlib.suppress(LogDamaged):
        version_of(connection, has_log)


def version_of(connection: Connection, has_log: bool | None = None) -> int:
    """The version of the log that a database has; 0 where it has none.

    Arguments:
        connection: the database.
        has_log: whether it has the table that names the version; None to look.

    Raises:
        DatabaseUnusable: a newer version of signalcli made it.
        LogDamaged: there is a log whose version cannot be read.
    """
    if has_log is None:
        # On a server, a connection that has seen the table does not look for it again.
        has_log = SEEN in connection.info or inspect(connection).has_table(tables.schema.name)
    if not has_log:
        return 0
    query = select(tables.schema.c.version).where(tables.schema.c.part == PART)
    try:
        version = connection.execute(query).scalar() or 0
    except DBAPIError as error:
        if error.connection_invalidated:
            # The server has ended the connection, which says nothing of the log.
            raise
        raise LogDamaged(f"the signal log is damaged: {error.orig}") from error
    if not isinstance(version, int):
        raise LogDamaged(f"the signal log is damaged: its version is {version!r}")
    if version < 0:
        raise LogDamaged(f"the signal log is damaged: its version is {version}")
    if version and connection.dialect.name != "sqlite":
        connection.info[SEEN] = True
    if version > VERSION:
        raise DatabaseUnusable(
            f"the signal log has version {version}, and this signalcli knows versions up to "
            f"{VERSION}: a newer signalcli made it; use that one, or another --database"
        )
    return version


def bring_up_to_date(
    connection: Connection,
    steps: Mapping[int, Callable[[Connection], None]] = STEPS,
    wanted: int = VERSION,
) -> None:
    """Make the log's tables, or upgrade older ones in place; call it first in a transaction.

    Several processes may do so at once.

    Arguments:
        connection: the database.
        steps: the step from each version to the next one.
        wanted: the version to reach.

    Raises:
        DatabaseUnusable: a newer version of signalcli made the log.
    """
    if version_of(connection) == wanted:
        return
    with taking_turns(connection):
        # Another process may have done it by now.
        version = version_of(connection)
        if version == wanted:
            return
        row = tables.schema.c.part == PART
        if version == 0:
            present = present_columns(connection, tables.metadata.sorted_tables)
            missing = [table for table in tables.metadata.sorted_tables if table not in present]
            tables.metadata.create_all(connection, missing, checkfirst=False)
            connection.execute(delete(tables.schema).where(row))
            connection.execute(insert(tables.schema).values(part=PART, version=wanted))
            return
        while version < wanted:
            steps[version](connection)
            version += 1
        connection.execute(update(tables.schema).where(row).values(version=wanted))


@contextmanager
def open_log(database: str) -> Iterator[Connection]:
    """A connection for reading the log; of an empty log where the database has none.

    A log of an older version is not upgraded: its file may be read-only.

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
    """An engine for changing the log, which is upgraded if its version is old.

    A database without a log is left alone: the engine is of an empty log in memory.

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
