"""Keeping a run in the log when it is over, whatever came of it."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

from signalcli.log.retention import retain
from signalcli.log.runs import Run
from signalcli.log.writing import write
from signalcli.trace.records import Trace

PATIENCE_MS = 5_000


def keep(engine: Engine, run: Run, trace: Trace, most: int) -> Run:
    """Write a run and its trace into the log, in a transaction of its own.

    Arguments:
        engine: the database; of SQLite one whose transactions take the write lock when they begin
            (see :func:`signalcli.db.create_engine`), or runs that end at once may be lost.
        run: the run.
        trace: its trace.
        most: how many runs the log is to have at most; older ones make room.

    Returns:
        The run as it is in the log, with its number.

    Raises:
        DatabaseUnusable: a newer version of signalcli made the log.
        SQLAlchemyError: the log cannot be written.
    """
    with (
        engine.connect() as connection,
        _without_waiting_long(connection),
        connection.begin(),
    ):
        kept = write(connection, run, trace)
        retain(connection, kept.number or 0, most)
    return kept


@contextmanager
def _without_waiting_long(connection: Connection) -> Iterator[None]:
    """Have SQLite wait less for others, and leave it to the system when a commit reaches the disk.

    The log of a run is not worth the wait: where the power fails within the next moments, the last
    runs may be missing from the log, which is sound all the same.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    # Past SQLAlchemy, which would begin a transaction.
    cursor = connection.connection.cursor()
    (before,) = cursor.execute("PRAGMA synchronous").fetchone()
    (patience_ms,) = cursor.execute("PRAGMA busy_timeout").fetchone()
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute(f"PRAGMA busy_timeout = {min(patience_ms, PATIENCE_MS)}")
    try:
        yield
    finally:
        cursor.execute(f"PRAGMA synchronous = {before}")
        cursor.execute(f"PRAGMA busy_timeout = {patience_ms}")
        cursor.close()
