"""Finding runs in the log, the newest first, in a time that does not grow with the log.

Each way into the log is a stream of numbers of runs that an index holds in order: of one route, of
one magnitude, of one user. A page takes what it needs from the beginning of each, and the next
page goes on below the last number.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, exists, func, select

from signalcli.trace.log import routes, tables
from signalcli.trace.log.reading import read_runs
from signalcli.trace.log.runs import Run

PAGE = 200
LARGEST_MAGNITUDE = 45
HIGHEST = 2**62

_WILD = re.compile(r"[*?\[]")
_SETS = re.compile(r"\[!?.[^\]]*\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which runs are wanted: those to which all of this applies.

    What is said of signal, sender, receiver, failure and duration has to apply to one and the same
    response of the run; where only signal and sender are named, to one of its dispatches. All
    names are glob patterns.

    Attributes:
        signal: the signal's short or full name.
        sender: the sender's name.
        receiver: the receiver's short or full name.
        user: a user that the run was about.
        failed: whether the response must have failed; where none is described, the run.
        slower_than: what the response must have taken more than, in seconds.
        since: when the run must have begun at the earliest, in UTC, without a time zone.
    """

    signal: str | None = None
    sender: str | None = None
    receiver: str | None = None
    user: str | None = None
    failed: bool = False
    slower_than: float | None = None
    since: datetime | None = None

    @property
    def names_routes(self) -> bool:
        """Whether it says anything of signal, sender or receiver."""
        return (self.signal, self.sender, self.receiver) != (None, None, None)

    @property
    def describes_responses(self) -> bool:
        """Whether only a response can fit, not a dispatch without receivers."""
        return (
            self.receiver is not None
            or self.slower_than is not None
            or (self.failed and self.names_routes)
        )


# Gives so many numbers of runs at most, all below a number, the newest first.
_Stream = Callable[[int | None, int], list[int]]


def find(
    connection: Connection,
    wanted: Filter,
    *,
    above: int = 0,
    below: int | None = None,
    most: int | None = None,
) -> Iterator[Run]:
    """The runs that fit, the newest first, read as they are asked for.

    Arguments:
        connection: the database, with a log of the present version.
        wanted: which runs.
        above: only runs with a greater number.
        below: only runs with a smaller number; None for all.
        most: how many at most; None for all.
    """
    search = _Search(connection, wanted, above)
    left = most
    while left is None or left > 0:
        size = PAGE if left is None else min(PAGE, left)
        numbers = search.page(below, size)
        for run in read_runs(connection, numbers):
            if search.confirms(run):
                yield run
                left = None if left is None else left - 1
        if len(numbers) < size:
            return
        below = numbers[-1]


class _Search:
    """A filter made ready for one log."""

    def __init__(self, connection: Connection, wanted: Filter, above: int) -> None:
        self._connection = connection
        self._wanted = wanted
        self._table = tables.response if wanted.describes_responses else tables.dispatch
        self._routes: list[int] | None = None
        if wanted.names_routes:
            self._routes = routes.matching(
                connection,
                signal=wanted.signal,
                sender=wanted.sender,
                receiver=wanted.receiver,
                to_receivers=wanted.describes_responses,
            )
        self._lowest = max(above + 1, self._first_since(wanted.since))
        self._streams = self._choose_streams()

    def page(self, below: int | None, most: int) -> list[int]:
        """The next numbers of runs that fit, the newest first."""
        numbers = {number for stream in self._streams for number in stream(below, most)}
        return sorted(numbers, reverse=True)[:most]

    def confirms(self, run: Run) -> bool:
        """Whether a run fits in what the streams do not look at exactly."""
        return self._wanted.since is None or run.begun >= self._wanted.since

    def _first_since(self, since: datetime | None) -> int:
        """The number of the first run that ended since then."""
        if since is None:
            return 0
        columns = tables.run.c
        query = select(columns.run).where(columns.ended >= since).order_by(columns.ended)
        first = self._connection.scalar(query.limit(1))
        return HIGHEST if first is None else int(first)

    def _choose_streams(self) -> list[_Stream]:
        wanted, table = self._wanted, self._table
        if wanted.user is not None:
            return [self._of_user(wanted.user)]
        if wanted.slower_than is not None:
            least = tables.magnitude(wanted.slower_than)
            column, index = tables.response.c.magnitude, "signalcli_response_magnitude"
            details = self._details(but_not_magnitude=True)
            return [
                self._along(table, index, column == magnitude, *details)
                for magnitude in range(least, LARGEST_MAGNITUDE)
            ]
        if self._routes is not None:
            failed = (tables.has_failed,) if wanted.failed else ()
            index = f"{table.name}_{'failed' if wanted.failed else 'route'}"
            return [
                self._along(table, index, table.c.route == route, *failed) for route in self._routes
            ]
        if wanted.failed:
            return [self._along(tables.run, "signalcli_run_failed", tables.is_failed)]
        return [self._along(tables.run, None)]

    def _details(self, *, but_not_magnitude: bool = False) -> list[ColumnElement[bool]]:
        """What a row of the table has to fulfil."""
        wanted = self._wanted
        conditions: list[ColumnElement[bool]] = []
        if self._routes is not None:
            conditions.append(self._table.c.route.in_(self._routes))
        if wanted.failed and wanted.describes_responses:
            conditions.append(tables.has_failed)
        if wanted.slower_than is not None:
            if not but_not_magnitude:
                least = tables.magnitude(wanted.slower_than)
                conditions.append(tables.response.c.magnitude >= least)
            took = func.coalesce(tables.response.c.seconds, float("inf"))
            conditions.append(took > wanted.slower_than)
        return conditions

    def _along(self, table: Any, index: str | None, *conditions: ColumnElement[bool]) -> _Stream:
        """The runs of a table's rows that fulfil conditions, in the order of an index."""
        query = select(table.c.run).where(*conditions)
        if index is not None:
            query = query.with_hint(table, f"INDEXED BY {index}", "sqlite")
        return self._stream(query if table is tables.run else query.distinct(), table.c.run)

    def _stream(self, query: Select[Any], column: Any) -> _Stream:
        query = query.where(column >= self._lowest)

        def stream(below: int | None, most: int) -> list[int]:
            page = query if below is None else query.where(column < below)
            return list(self._connection.scalars(page.order_by(column.desc()).limit(most)))

        return stream

    def _of_user(self, pattern: str) -> _Stream:
        """The runs about users whose names match."""
        users = tables.subject.c
        conditions: list[ColumnElement[bool]] = []
        if self._routes is not None or self._wanted.describes_responses:
            conditions.append(exists().where(self._table.c.run == users.run, *self._details()))
        elif self._wanted.failed:
            conditions.append(exists().where(tables.run.c.run == users.run, tables.is_failed))
        index = "signalcli_run_user_of" if _WILD.search(pattern) else None
        return self._along(tables.subject, index, is_about(self._connection, pattern), *conditions)


def is_about(connection: Connection, pattern: str) -> ColumnElement[bool]:
    """The condition for a user's name that matches a glob pattern."""
    name = tables.subject.c.username
    if not _WILD.search(pattern):
        return name == pattern
    if connection.dialect.name == "sqlite":
        return name.op("GLOB", is_comparison=True)(pattern.replace("[!", "[^"))
    # Elsewhere a set of characters stands for any one.
    text = re.sub(r"([%_\\])", r"\\\1", _SETS.sub("?", pattern))
    return name.like(text.replace("*", "%").replace("?", "_"), escape="\\")
