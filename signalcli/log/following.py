"""Noticing new runs in the log as other processes write them."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import Connection, Engine, func, select

from signalcli.log import tables
from signalcli.log.finding import PAGE, Filter, find, first_since
from signalcli.log.runs import Run, read_trace
from signalcli.log.schema import version_of
from signalcli.trace.records import Trace

PAUSE_SECONDS = 0.2


def follow(
    open_engine: Callable[[], Engine], file: Path | None, wanted: Filter, above: int
) -> Iterator[list[tuple[Run, Trace]]]:
    """The runs that come into the log, several times a second, for as long as anybody asks.

    A file that does not exist yet is waited for, and one that takes the place of another is
    followed from its beginning. Looking costs next to nothing where nothing was written: SQLite
    tells whether the file has changed without reading it.

    Arguments:
        open_engine: opens the database.
        file: the file that it is in, where it is in one.
        wanted: which runs.
        above: the number of the last run that is of no interest.

    Yields:
        The new runs that fit and their traces, the oldest first; often none. Of many, some at a
        time.

    Raises:
        DatabaseUnusable: a newer version of signalcli made the log.
    """
    while True:
        followed = _identity(file)
        engine = open_engine()
        try:
            for is_changed in _changes(engine):
                for runs, highest in _since(engine, wanted, above) if is_changed else [([], above)]:
                    if _identity(file) != followed:
                        break
                    above = highest
                    yield runs
                if _identity(file) != followed:
                    # What was read may be of either file.
                    break
                time.sleep(PAUSE_SECONDS)
        finally:
            engine.dispose()
        above = 0


def _since(
    engine: Engine, wanted: Filter, above: int
) -> Iterator[tuple[list[tuple[Run, Trace]], int]]:
    """The runs above a number that fit, some at a time, and up to which number that is."""
    with engine.connect() as connection:
        newest = newest_run(connection)
        if newest <= above:
            yield [], above
            return
        oldest = connection.scalar(select(func.min(tables.run.c.run)))
        lowest = max(above + 1, oldest or 0, first_since(connection, wanted.since))
        for low in range(min(lowest, newest), newest + 1, PAGE):
            below = min(low + PAGE, newest + 1)
            found = list(find(connection, wanted, above=low - 1, below=below))
            yield [(run, read_trace(connection, run.number)) for run in found[::-1]], below - 1


def newest_run(connection: Connection) -> int:
    """The number of the last run in the log; 0 where there is none.

    Raises:
        DatabaseUnusable: a newer version of signalcli made the log.
    """
    if not version_of(connection):
        return 0
    return connection.scalar(select(func.max(tables.run.c.run))) or 0


def _changes(engine: Engine) -> Iterator[bool]:
    """Whether another connection may have written since the last time."""
    if engine.dialect.name != "sqlite":
        while True:
            yield True
    connection = engine.raw_connection()
    cursor = connection.cursor()
    try:
        seen = None
        while True:
            cursor.execute("PRAGMA data_version")
            before, seen = seen, cursor.fetchone()
            yield seen != before
    finally:
        cursor.close()
        connection.close()


def _identity(file: Path | None) -> tuple[int, int] | None:
    """Which file it is at present that has this name; None where none has."""
    if file is None:
        return None
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
