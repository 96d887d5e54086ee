"""Following the log: the new runs, as other processes write them.

No run may be missed. SQLite lets one connection write at a time, so runs are committed in the order
of their numbers, and none appears later below the highest number that was read.

No log may be taken for another. Somebody may delete the file, or replace it by another one, between
any two steps. So the identity of the file is compared before and after the reading, and runs that
may come from either file are dropped.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import Connection, Engine, func, select

from signalcli.db.database import identity
from signalcli.log import tables
from signalcli.log.finding import PAGE, Filter, find, first_since
from signalcli.log.runs import Run, read_trace
from signalcli.log.schema import version_of
from signalcli.trace.records import Trace

PAUSE_SECONDS = 0.2


def follow(
    open_engine: Callable[[], Engine], file: Path | None, wanted: Filter, above: int
) -> Iterator[list[tuple[Run, Trace]]]:
    """Look for new runs several times a second, without end.

    A file that does not exist yet is waited for. A file that replaces another one is followed from
    its beginning. A look costs next to nothing where nothing was written: SQLite knows without
    reading whether the file has changed.

    Arguments:
        open_engine: opens the database.
        file: its file, if it has one.
        wanted: which runs.
        above: the number of the last run that is not wanted.

    Yields:
        The new runs that fit and their traces, the oldest first; often none. Many runs come in
        several lists.

    Raises:
        DatabaseUnusable: a newer version of signalcli made the log.
    """
    while True:
        # Taken before the engine opens the file. If the file is replaced in between, the loop
        # notices at once and begins again. Taken later, the wrong file would be followed for good.
        followed = identity(file)
        engine = open_engine()
        try:
            for is_changed in _changes(engine):
                for runs, highest in _since(engine, wanted, above) if is_changed else [([], above)]:
                    if identity(file) != followed:
                        break
                    above = highest
                    yield runs
                if identity(file) != followed:
                    # The last page may come from either file. It is read again from the new one.
                    break
                time.sleep(PAUSE_SECONDS)
        finally:
            engine.dispose()
        # The numbers of a new file begin with 1 again.
        above = 0


def _since(
    engine: Engine, wanted: Filter, above: int
) -> Iterator[tuple[list[tuple[Run, Trace]], int]]:
    """The fitting runs above a number, in pages, each with the last number that it looked at."""
    with engine.connect() as connection:
        newest = newest_run(connection)
        if newest <= above:
            yield [], above
            return
        oldest = connection.scalar(select(func.min(tables.run.c.run)))
        lowest = max(above + 1, oldest or 0, first_since(connection, wanted.since))
        for low in range(min(lowest, newest), newest + 1, PAGE):
            # Pages end at `newest`. Runs that come later are for the next look.
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
    """Whether another connection may have written since the last look; at first, always.

    SQLite keeps a number for each connection, and changes it when another connection commits. So
    one connection stays open, to compare its own numbers.
    """
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
