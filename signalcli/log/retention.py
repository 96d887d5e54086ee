"""Retention: the runs that stay in the log, and the removal of the others.

Runs are removed in two ways. Every command that adds a run removes a few of the oldest ones in the
same transaction: the log stays at its limit by itself, and no command waits for a long removal.
``log prune`` removes as many runs as asked, in short transactions between which other processes can
write, and gives the space back to the disk.
"""

import contextlib
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import ColumnElement, Connection, Engine, delete, exists, func, select
from sqlalchemy.exc import IntegrityError

from signalcli.errors import DatabaseUnusable
from signalcli.log import tables
from signalcli.log.routes import BATCH

MOST_AT_ONCE = 100
# The search for routes that nothing uses reads whole indexes; removing a run does not.
ROUTES_AFTER = 1_000
COMPACTING_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Pruned:
    """The count of what was removed.

    Attributes:
        runs: how many runs.
        dispatches: how many dispatches they had.
        responses: how many responses.
        bytes_given_back: the bytes by which the file has shrunk; None where that is unknown.
    """

    runs: int
    dispatches: int
    responses: int
    bytes_given_back: int | None = None


def retain(connection: Connection, newest: int, keep: int) -> None:
    """Remove the oldest runs, down to a limit.

    At most a hundred runs are removed at a time, so no command waits long. Each command adds one
    run, so a log far above its limit still shrinks.

    Arguments:
        connection: the database, in the transaction in which the newest run was written.
        newest: the number of the newest run.
        keep: how many are to be left.
    """
    # Both ends of the primary key cost one look each; a count of the runs would read them all.
    # Numbers have gaps where runs were pruned, so fewer than `keep` may be left.
    oldest = connection.scalar(select(func.min(tables.run.c.run)))
    if oldest is not None and oldest <= newest - keep:
        above = min(newest - keep, oldest + MOST_AT_ONCE - 1)
        for table in tables.OF_A_RUN:
            connection.execute(delete(table).where(table.c.run <= above))
        if newest % ROUTES_AFTER == 0:
            _remove_unused_routes(connection)


def prune_to(engine: Engine, keep: int) -> Pruned:
    """Remove all but the last runs, and give the space back to the disk.

    Arguments:
        engine: the database, with a log.
        keep: how many runs are to be left.
    """
    column = tables.run.c.run
    with engine.connect() as connection:
        newest_first = select(column).order_by(column.desc())
        last_to_go = connection.scalar(newest_first.offset(keep).limit(1)) or 0
    return _prune(engine, column <= last_to_go)


def prune_before(engine: Engine, time: datetime) -> Pruned:
    """Remove the runs that ended before a time, and give the space back to the disk.

    Arguments:
        engine: the database, with a log.
        time: in UTC, without a time zone.
    """
    return _prune(engine, tables.run.c.ended < time)


def _prune(engine: Engine, condition: ColumnElement[bool]) -> Pruned:
    """Remove some runs, in transactions so short that other processes can write in between.

    Raises:
        DatabaseUnusable: something else in the database refers to the runs.
    """
    before = _size(engine)
    removed = {table.name: 0 for table in tables.OF_A_RUN}
    oldest_first = select(tables.run.c.run).where(condition).order_by(tables.run.c.run)
    while True:
        try:
            with engine.begin() as connection:
                numbers = list(connection.scalars(oldest_first.limit(BATCH)))
                for name, count in _remove(connection, numbers).items():
                    removed[name] += count
        except IntegrityError as error:
            reason = " ".join(str(error.orig).split())
            raise DatabaseUnusable(
                f"not all of the runs can be removed from the signal log: {reason}"
            ) from error
        if len(numbers) < BATCH:
            break
    with engine.begin() as connection:
        _remove_unused_routes(connection)
    if before is not None:
        _compact(engine)
    return Pruned(
        runs=removed[tables.run.name],
        dispatches=removed[tables.dispatch.name],
        responses=removed[tables.response.name],
        bytes_given_back=None if before is None else max(0, before - (_size(engine) or 0)),
    )


def _remove(connection: Connection, numbers: list[int]) -> dict[str, int]:
    """Remove runs, and count the removed rows of each table."""
    return {
        table.name: connection.execute(delete(table).where(table.c.run.in_(numbers))).rowcount
        for table in tables.OF_A_RUN
    }


def _remove_unused_routes(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        # Wait for those who write runs at this moment: a route that they have just looked up is
        # used, although nobody sees their runs before they end.
        preparer = connection.dialect.identifier_preparer
        name = preparer.format_table(tables.route)
        connection.exec_driver_sql(f"LOCK TABLE {name} IN EXCLUSIVE MODE")
    route = tables.route.c.route
    is_used = [
        exists().where(table.c.route == route) for table in (tables.dispatch, tables.response)
    ]
    connection.execute(delete(tables.route).where(~is_used[0], ~is_used[1]))


def _size(engine: Engine) -> int | None:
    """The bytes of a SQLite file on the disk, with its write-ahead log; None elsewhere."""
    name = engine.url.database
    if engine.dialect.name != "sqlite" or not name or "uri" in engine.url.query:
        return None
    files = (Path(name), Path(f"{name}-wal"))
    return sum(file.stat().st_size for file in files if file.exists())


def _compact(engine: Engine) -> None:
    """Give unused space back to the disk, unless others keep the database busy.

    VACUUM rewrites the file, which nobody else may use meanwhile, and fills the write-ahead log,
    which the checkpoint empties. If another process reads for longer than the wait, the space stays
    in the file, and new runs use it.
    """
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {COMPACTING_SECONDS * 1000}")
        with contextlib.suppress(sqlite3.OperationalError):
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        cursor.close()
    finally:
        # The pool must not hand out a connection with this short wait.
        connection.invalidate()
        connection.close()
