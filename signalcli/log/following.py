"""Following the log: the new runs, as other processes write them.

No run may be missed, and none may come twice. A run gets its number before it is committed. SQLite
lets one connection write at a time, so runs are committed in the order of their numbers, and none
appears later below the highest number that was read. On a server a run may appear below it, when
its writer commits. So the numbers that are missing below the highest one are remembered, and looked
for as long as the log is followed: nobody can tell a slow writer from one that was given up.

No log may be taken for another. Somebody may delete the file, or replace it by another one, between
any two steps. So the identity of the file is compared before and after the reading, and runs that
may come from either file are dropped.
"""

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, func, select

from signalcli.db.database import identity
from signalcli.log import tables
from signalcli.log.finding import PAGE, Filter, find, first_since
from signalcli.log.routes import in_batches
from signalcli.log.runs import Run, read_trace
from signalcli.log.schema import version_of
from signalcli.trace.records import Trace

PAUSE_SECONDS = 0.2
# Gaps in the numbers are as rare as runs that could not be written.
MOST_MISSING = 1_000


@dataclass(frozen=True, slots=True)
class Position:
    """How far a log has been read.

    Attributes:
        above: the number of the last run that was seen.
        missing: the numbers below it that may yet appear.
    """

    above: int = 0
    missing: frozenset[int] = frozenset()

    def after(self, first: int, last: int, present: Iterable[int]) -> "Position":
        """The position after a look at some numbers, of which the others are missing.

        Arguments:
            first: the first number that was looked at.
            last: the last one.
            present: the numbers of the runs that are there.
        """
        missing = self.missing.union(range(first, last + 1)).difference(present)
        return Position(last, frozenset(sorted(missing)[-MOST_MISSING:]))


def follow(
    open_engine: Callable[[], Engine],
    file: Path | None,
    wanted: Filter,
    begin: Position | int,
) -> Iterator[list[tuple[Run, Trace]]]:
    """Look for new runs several times a second, without end.

    A file that does not exist yet is waited for. A file that replaces another one is followed from
    its beginning. A look costs next to nothing where nothing was written: SQLite knows without
    reading whether the file has changed.

    Arguments:
        open_engine: opens the database.
        file: its file, if it has one.
        wanted: which runs.
        begin: what is not wanted, as :func:`end_of` returns it; or the number of the last run that
            is not wanted.

    Yields:
        The new runs that fit and their traces, the oldest first; often none. Many runs come in
        several lists.

    Raises:
        DatabaseUnusable: a newer version of signalcli made the log.
    """
    position = begin if isinstance(begin, Position) else Position(begin)
    while True:
        # Taken before the engine opens the file. If the file is replaced in between, the loop
        # notices at once and begins again. Taken later, the wrong file would be followed for good.
        followed = identity(file)
        engine = open_engine()
        try:
            for is_changed in _changes(engine):
                with closing(_look(engine, wanted, position, is_changed)) as pages:
                    for runs, reached in pages:
                        if identity(file) != followed:
                            break
                        position = reached
                        yield runs
                if identity(file) != followed:
                    # The last page may come from either file. It is read again from the new one.
                    break
                time.sleep(PAUSE_SECONDS)
        finally:
            engine.dispose()
        # The numbers of a new file begin with 1 again.
        position = Position()


_Page = tuple[list[tuple[Run, Trace]], Position]


def _look(
    engine: Engine, wanted: Filter, position: Position, is_changed: bool
) -> Generator[_Page, None, None]:
    """The fitting runs after a position, in pages, each with the position that it reaches."""
    if not is_changed:
        yield [], position
        return
    with engine.connect() as connection:
        newest = newest_run(connection)
        late = _late(connection, position.missing) if newest else []
        position = Position(position.above, position.missing.difference(late))
        if late or newest <= position.above:
            yield [each for n in late for each in _read(connection, wanted, n, n, [n])], position
        if newest <= position.above:
            return
        oldest = connection.scalar(select(func.min(tables.run.c.run)))
        lowest = max(position.above + 1, oldest or 0, first_since(connection, wanted.since))
        low = min(lowest, newest)
        if low > position.above + 1:
            # Among the numbers that are skipped, the last may belong to runs under way.
            position, _ = _after(connection, position, low - 1)
        while low <= newest:
            # Pages end at `newest`. Runs that come later are for the next look.
            last = min(low + PAGE - 1, newest)
            position, present = _after(connection, position, last)
            yield _read(connection, wanted, low, last, present), position
            low = last + 1


def _late(connection: Connection, missing: frozenset[int]) -> list[int]:
    """Those of the missing numbers whose runs are there now, the smallest first."""
    column = tables.run.c.run
    found: list[int] = []
    for some in in_batches(sorted(missing)):
        found += connection.scalars(select(column).where(column.in_(some)).order_by(column))
    return found


def _after(connection: Connection, position: Position, last: int) -> tuple[Position, list[int]]:
    """The position at a number, and the runs that are there on the last page before it."""
    first = max(position.above + 1, last - PAGE + 1)
    column = tables.run.c.run
    present = list(connection.scalars(select(column).where(column.between(first, last))))
    if connection.dialect.name == "sqlite":
        return Position(last), present
    return position.after(first, last, present), present


def _read(
    connection: Connection, wanted: Filter, low: int, last: int, present: list[int]
) -> list[tuple[Run, Trace]]:
    """The fitting runs among some numbers, the oldest first.

    A run that has appeared since the numbers were read is left to the next look, which finds its
    number among those that were missing.
    """
    found = list(find(connection, wanted, above=low - 1, below=last + 1))
    known = set(present)
    return [(run, read_trace(connection, run.number)) for run in found[::-1] if run.number in known]


def end_of(connection: Connection) -> Position:
    """The position behind all runs that are in the log by now, before those that are to come.

    Raises:
        DatabaseUnusable: a newer version of signalcli made the log.
    """
    if not version_of(connection):
        return Position()
    column = tables.run.c.run
    present = list(connection.scalars(select(column).order_by(column.desc()).limit(PAGE)))
    newest = max(present, default=0)
    if connection.dialect.name == "sqlite":
        return Position(newest)
    return Position().after(max(1, newest - PAGE + 1), newest, present)


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
