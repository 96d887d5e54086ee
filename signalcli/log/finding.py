"""Finding runs in the log, the newest first, as fast in a large log as in a small one.

An index holds the numbers of the runs of each route, and of each user, in order. Such numbers are a
stream. A page takes as many numbers as it needs from the beginning of each stream, and the next
page begins below the last number.
"""

import fnmatch
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, select

from signalcli.log import routes, tables
from signalcli.log.runs import Run, read_runs
from signalcli.log.schema import version_of
from signalcli.trace.names import matches
from signalcli.trace.records import short_name

PAGE = 200
FEW = 5_000
HIGHEST = 2**62

_WILD = re.compile(r"[*?\[]")
_SETS = re.compile(r"\[!?.[^\]]*\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """A description of runs. A run fits where it fits every attribute.

    Signal, sender, receiver, failure and duration have to fit the same response of the run; where
    only signal and sender are given, the same dispatch. Names are glob patterns. Of a run of which
    only totals are kept, they have to fit the same total, which has neither sender nor duration.

    Attributes:
        signal: the signal's short or full name.
        sender: the sender's name.
        receiver: the receiver's short or full name.
        user: a user that the run was about.
        failed: whether the response must have failed; where no response is described, the run.
        slower_than: the seconds that the response must have exceeded.
        since: the earliest begin of the run, in UTC, without a time zone.
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
        """Whether the filter names a signal, a sender or a receiver."""
        return (self.signal, self.sender, self.receiver) != (None, None, None)

    @property
    def looks_into_traces(self) -> bool:
        """Whether dispatches or responses have to be looked at."""
        return self.names_routes or self.slower_than is not None

    @property
    def fits_totals(self) -> bool:
        """Whether totals may fit: they tell neither senders nor single durations."""
        return self.names_routes and self.sender is None and self.slower_than is None

    @property
    def describes_responses(self) -> bool:
        """Whether only a response can fit, and no dispatch without receivers."""
        return (
            self.receiver is not None
            or self.slower_than is not None
            or (self.failed and self.names_routes)
        )


# stream(below, most): the newest numbers of runs below a number, at most so many.
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
    """A search for a filter in one log."""

    def __init__(self, connection: Connection, wanted: Filter, above: int) -> None:
        self._connection = connection
        self._wanted = wanted
        self._table = tables.response if wanted.describes_responses else tables.dispatch
        self._routes: list[int] = []
        if wanted.looks_into_traces:
            self._routes = routes.matching(
                connection,
                signal=wanted.signal,
                sender=wanted.sender,
                receiver=wanted.receiver,
                to_receivers=wanted.describes_responses,
            )
        self._has_totals = wanted.fits_totals and version_of(connection) >= tables.TOTALS_SINCE
        self._lowest = max(above + 1, first_since(connection, wanted.since))
        self._streams = self._choose_streams()

    def page(self, below: int | None, most: int) -> list[int]:
        """The next numbers of runs that fit, the newest first."""
        numbers = {number for stream in self._streams for number in stream(below, most)}
        return sorted(numbers, reverse=True)[:most]

    def confirms(self, run: Run) -> bool:
        """Whether a run began late enough; streams only know when runs ended."""
        return self._wanted.since is None or run.begun >= self._wanted.since

    def _choose_streams(self) -> list[_Stream]:
        wanted, table = self._wanted, self._table
        if wanted.user is not None:
            return [self._of_user(wanted.user)]
        if not wanted.looks_into_traces:
            return [self._along(tables.run, *((tables.run.c.is_failed,) if wanted.failed else ()))]
        if wanted.slower_than is not None and not wanted.failed:
            return [self._of_slow(route, wanted.slower_than) for route in self._routes]
        streams = [
            self._along(table, table.c.route == route, *self._details()) for route in self._routes
        ]
        return [*streams, self._of_totals] if self._has_totals else streams

    def _details(self) -> list[ColumnElement[bool]]:
        """The conditions for a row of the table, apart from its route."""
        wanted = self._wanted
        conditions: list[ColumnElement[bool]] = []
        if wanted.failed and wanted.describes_responses:
            conditions.append(tables.response.c.is_failed)
        if wanted.slower_than is not None:
            conditions.append(tables.response.c.seconds > wanted.slower_than)
        return conditions

    def _of_slow(self, route: int, seconds: float) -> _Stream:
        """The runs in which a receiver took long.

        Few slow responses are all looked up by their durations. Where there are many, reading the
        responses in the order of runs soon meets some.
        """
        columns = tables.response.c
        slow = (columns.route == route, columns.seconds > seconds)
        through_all = self._along(tables.response, *slow)
        query = select(columns.run).where(*slow, columns.run >= self._lowest).limit(FEW + 1)

        def stream(below: int | None, most: int) -> list[int]:
            page = query if below is None else query.where(columns.run < below)
            numbers = list(self._connection.scalars(page))
            if len(numbers) > FEW:
                return through_all(below, most)
            return sorted(set(numbers), reverse=True)[:most]

        return stream

    def _of_totals(self, below: int | None, most: int) -> list[int]:
        """The runs of which totals fit. They are few, so they are gone through in their order."""
        column = tables.total.c.run
        query = _totals().where(column >= self._lowest).order_by(column.desc())
        rows = self._connection.execute(query if below is None else query.where(column < below))
        fitting = (row.run for row in rows if is_total_of(row, self._wanted))
        with closing(rows):
            return list(islice((number for number, _ in groupby(fitting)), most))

    def _along(self, table: Any, *conditions: ColumnElement[bool]) -> _Stream:
        """The runs of a table's rows that fulfil conditions, the newest first."""
        column = table.c.run
        query = select(column).where(*conditions, column >= self._lowest).order_by(column.desc())
        if table is not tables.run:
            query = query.distinct()

        def stream(below: int | None, most: int) -> list[int]:
            page = query if below is None else query.where(column < below)
            return list(self._connection.scalars(page.limit(most)))

        return stream

    def _of_user(self, pattern: str) -> _Stream:
        """The runs about users whose names match, and that fit the rest of the filter.

        Few of the runs about a user may fit the rest, so each further read is twice as large.
        """
        about_user = self._along(tables.subject, is_about(self._connection, pattern))
        wanted = self._wanted
        if not wanted.looks_into_traces and not wanted.failed:
            return about_user

        def stream(below: int | None, most: int) -> list[int]:
            found: list[int] = []
            size = most
            while len(found) < most:
                numbers = about_user(below, size)
                fitting = self._fitting(numbers)
                found += [number for number in numbers if number in fitting]
                if len(numbers) < size:
                    break
                below, size = numbers[-1], min(2 * size, PAGE)
            return found[:most]

        return stream

    def _fitting(self, numbers: list[int]) -> set[int]:
        """The runs that fit the rest of the filter: everything but user and time."""
        if not self._wanted.looks_into_traces:
            columns = tables.run.c
            failed = select(columns.run).where(columns.run.in_(numbers), columns.is_failed)
            return set(self._connection.scalars(failed))
        columns = self._table.c
        rows = select(columns.run, columns.route).where(columns.run.in_(numbers), *self._details())
        of_routes = set(self._routes)
        fitting = {run for run, route in self._connection.execute(rows) if route in of_routes}
        if self._has_totals:
            totals = self._connection.execute(_totals().where(tables.total.c.run.in_(numbers)))
            fitting.update(row.run for row in totals if is_total_of(row, self._wanted))
        return fitting


def _totals() -> Select[Any]:
    columns = tables.total.c
    return select(
        columns.run, columns.receiver, columns.signal, columns.signal_path, columns.failures
    )


def is_total_of(row: Row[Any], wanted: Filter) -> bool:
    """Whether a receiver's total is of the signal and the receiver that a filter names.

    Arguments:
        row: a row of the table of totals.
        wanted: the filter.
    """
    return (
        matches(wanted.signal, row.signal, row.signal_path)
        and matches(wanted.receiver, row.receiver, short_name(row.receiver))
        and (row.failures > 0 or not wanted.failed)
    )


def first_since(connection: Connection, since: datetime | None) -> int:
    """The number of the first run that ended since a time; 0 where no time is named."""
    if since is None:
        return 0
    columns = tables.run.c
    query = select(columns.run).where(columns.ended >= since).order_by(columns.ended)
    first = connection.scalar(query.limit(1))
    return HIGHEST if first is None else int(first)


def is_about(connection: Connection, pattern: str) -> ColumnElement[bool]:
    """The condition for a user's name that matches a glob pattern."""
    name = tables.subject.c.username
    if not _WILD.search(pattern):
        return name == pattern
    if connection.dialect.name == "sqlite":
        if "[" in pattern:
            return name.regexp_match(rf"\A{fnmatch.translate(pattern)}")
        # Faster than a regular expression, but GLOB negates a set of characters otherwise.
        return name.op("GLOB", is_comparison=True)(pattern)
    # LIKE has no sets of characters: any one character fits instead.
    text = re.sub(r"([%_\\])", r"\\\1", _SETS.sub("?", pattern))
    return name.like(text.replace("*", "%").replace("?", "_"), escape="\\")
