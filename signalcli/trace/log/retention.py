"""How long runs stay in the log."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, delete, exists, func, select

from signalcli.trace.log import tables

DEFAULT_KEEP = 10_000
MOST_AT_ONCE = 100
CHUNK = 2_000


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was removed.

    Attributes:
        runs: how many runs.
        dispatches: how many dispatches they had.
        responses: how many responses.
        bytes_given_back: by how much the file has shrunk; None where that cannot be known.
    """

    runs: int
    dispatches: int
    responses: int
    bytes_given_back: int | None = None


def retain(connection: Connection, newest: int, keep: int) -> None:
    """Remove the oldest runs, so that no more than some are left.

    Of many, only some are removed at a time, so that no run has to wait for it.

    Arguments:
        connection: the database, in the transaction in which the newest run was written.
        newest: the number of the newest run.
        keep: how many are to be left.
    """
    oldest = connection.scalar(select(func.min(tables.run.c.run)))
    if oldest is not None and oldest <= newest - keep:
        _remove_below(connection, min(newest - keep + 1, oldest + MOST_AT_ONCE))


def prune_to(engine: Engine, keep: int) -> Pruned:
    """Remove all but the last runs, and give the space back to the disk.

    Arguments:
        engine: the database, with a log.
        keep: how many runs are to be left.
    """
    column = tables.run.c.run

    def limit(connection: Connection) -> int | None:
        newest_first = select(column).order_by(column.desc())
        last_to_go: int | None = connection.scalar(newest_first.offset(keep).limit(1))
        return None if last_to_go is None else last_to_go + 1

    return _prune(engine, limit)


def prune_before(engine: Engine, time: datetime) -> Pruned:
    """Remove the runs that ended before a time, and give the space back to the disk.

    Arguments:
        engine: the database, with a log.
        time: in UTC, without a time zone.
    """
    columns = tables.run.c

    def limit(connection: Connection) -> int | None:
        older = select(columns.run).where(columns.ended < time).order_by(columns.ended.desc())
        last_to_go: int | None = connection.scalar(older.limit(1))
        return None if last_to_go is None else last_to_go + 1

    return _prune(engine, limit)


def _prune(engine: Engine, limit: Callable[[Connection], int | None]) -> Pruned:
    """Remove the runs below a number, in pieces that let other processes write in between."""
    with engine.begin() as connection:
        below = limit(connection)
        oldest = connection.scalar(select(func.min(tables.run.c.run)))
    removed = {table.name: 0 for table in tables.OF_A_RUN}
    before = _size(engine)
    while below is not None and oldest is not None and oldest < below:
        oldest = min(oldest + CHUNK, below)
        with engine.begin() as connection:
            for name, count in _remove_below(connection, oldest).items():
                removed[name] += count
    with engine.begin() as connection:
        _remove_unused_routes(connection)
    after = _compacted(engine)
    return Pruned(
        runs=removed[tables.run.name],
        dispatches=removed[tables.dispatch.name],
        responses=removed[tables.response.name],
        bytes_given_back=None if before is None or after is None else max(0, before - after),
    )


def _remove_below(connection: Connection, number: int) -> dict[str, int]:
    """Remove the runs with smaller numbers; returns how many rows of each table."""
    return {
        table.name: connection.execute(delete(table).where(table.c.run < number)).rowcount
        for table in tables.OF_A_RUN
    }


def _remove_unused_routes(connection: Connection) -> None:
    route = tables.route.c.route
    is_used = [
        exists().where(table.c.route == route) for table in (tables.dispatch, tables.response)
    ]
    connection.execute(delete(tables.route).where(~is_used[0], ~is_used[1]))


def _size(engine: Engine) -> int | None:
    """The size of a SQLite file in bytes, with what its write-ahead log still holds."""
    if engine.dialect.name != "sqlite":
        return None
    with engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        return int(pages * connection.exec_driver_sql("PRAGMA page_size").scalar_one())


def _compacted(engine: Engine) -> int | None:
    """Give the space back that nothing uses any more; returns the new size."""
    if engine.dialect.name != "sqlite":
        return None
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute("VACUUM")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        cursor.close()
    finally:
        connection.close()
    return _size(engine)
