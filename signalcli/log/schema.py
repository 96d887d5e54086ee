"""The version of the log's tables: made, brought up to date, or refused."""

import contextlib
from collections.abc import Callable, Mapping

from sqlalchemy import Connection, delete, insert, inspect, select, update
from sqlalchemy.exc import DBAPIError

from signalcli.errors import DatabaseUnusable
from signalcli.log import tables

VERSION = 3
PART = "log"


def _add_marks(connection: Connection) -> None:
    """What was put into a run on purpose, and what ran beside what caused it."""
    for table, column, kind in (
        ("signalcli_dispatch", "muted", "BOOLEAN"),
        ("signalcli_dispatch", "elsewhere", "BOOLEAN"),
        ("signalcli_response", "injected_failure", "BOOLEAN"),
        ("signalcli_response", "injected_delay", "FLOAT"),
    ):
        connection.exec_driver_sql(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")


def _add_totals(connection: Connection) -> None:
    """What each receiver did in a run whose trace is not kept."""
    is_sqlite = connection.dialect.name == "sqlite"
    number, layout = ("INTEGER", "WITHOUT ROWID") if is_sqlite else ("BIGINT", "")
    texts = "".join(f"{name} TEXT NOT NULL, " for name in ("receiver", "signal", "signal_path"))
    connection.exec_driver_sql(
        f"CREATE TABLE signalcli_total (run {number} NOT NULL, place INTEGER NOT NULL, {texts}"
        "runs INTEGER NOT NULL, failures INTEGER NOT NULL, seconds FLOAT NOT NULL, "
        f"PRIMARY KEY (run, place)) {layout}"
    )


# What leads from each version to the next one.
STEPS: Mapping[int, Callable[[Connection], None]] = {1: _add_marks, 2: _add_totals}


class LogDamaged(DatabaseUnusable):
    """The log cannot be used; the rest of the database perhaps can."""


def refuse_newer(connection: Connection) -> None:
    """Refuse a database whose log a newer version made; a damaged log is no reason to.

    Raises:
        DatabaseUnusable: a newer version of signalcli made it.
    """
    with contextlib.suppress(LogDamaged):
        version_of(connection)


def version_of(connection: Connection) -> int:
    """The version of the log that a database has; 0 where it has none.

    Raises:
        DatabaseUnusable: a newer version of signalcli made it.
        LogDamaged: there is a log, but it does not say.
    """
    if not inspect(connection).has_table(tables.schema.name):
        return 0
    query = select(tables.schema.c.version).where(tables.schema.c.part == PART)
    try:
        version = connection.execute(query).scalar() or 0
    except DBAPIError as error:
        raise LogDamaged(f"the signal log is damaged: {error.orig}") from error
    if not isinstance(version, int):
        raise LogDamaged(f"the signal log is damaged: its version is {version!r}")
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
    """Make the log's tables, or upgrade older ones in place; to be called in a transaction.

    Arguments:
        connection: the database.
        steps: what leads from each version to the next one.
        wanted: the version to reach.

    Raises:
        DatabaseUnusable: a newer version of signalcli made the log.
    """
    version = version_of(connection)
    if version == wanted:
        return
    if version == 0:
        tables.metadata.create_all(connection)
        connection.execute(delete(tables.schema).where(tables.schema.c.part == PART))
        connection.execute(insert(tables.schema).values(part=PART, version=wanted))
        return
    while version < wanted:
        steps[version](connection)
        version += 1
    row = tables.schema.c.part == PART
    connection.execute(update(tables.schema).where(row).values(version=wanted))
