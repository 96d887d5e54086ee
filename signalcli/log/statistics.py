"""Statistics of receivers and signals over many runs."""

import math
import statistics
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, exists, select

from signalcli.log import routes, tables
from signalcli.log.finding import Filter, first_since, is_about, is_total_of
from signalcli.log.schema import version_of

ROWS = 10_000


@dataclass(frozen=True, slots=True)
class Statistics:
    """Calls, failures and durations of a receiver's responses, or of a signal's dispatches.

    Attributes:
        name: the full name of the receiver or signal.
        calls: how many responses or dispatches there were.
        failures: how many failed; of a signal, how many had a receiver that did.
        durations: how long each finished one took, in seconds, the shortest first.
    """

    name: str
    calls: int
    failures: int
    durations: Sequence[float]

    @property
    def median(self) -> float | None:
        """The duration in the middle, in seconds; None where none is finished."""
        return statistics.median(self.durations) if self.durations else None

    @property
    def slowest(self) -> float | None:
        """The longest duration, in seconds."""
        return self.durations[-1] if self.durations else None

    def percentile(self, percent: float) -> float | None:
        """The shortest duration that so many percent do not exceed, in seconds, or None."""
        place = math.ceil(len(self.durations) * percent / 100) - 1
        return self.durations[max(0, place)] if self.durations else None


def histogram(durations: Sequence[float], shortest: float, longest: float, bins: int) -> list[int]:
    """How many durations lie in each of some ranges.

    Arguments:
        durations: in seconds.
        shortest: where the first range begins, more than 0.
        longest: where the last range ends.
        bins: how many ranges; each is longer than the one before by the same factor.
    """
    width = math.log(longest / shortest) / bins if longest > shortest else 1.0
    counts = [0] * bins
    for seconds in durations:
        place = int(math.log(max(seconds, shortest) / shortest) / width)
        counts[min(place, bins - 1)] += 1
    return counts


def of_receivers(connection: Connection, wanted: Filter) -> list[Statistics]:
    """Statistics of each receiver in the runs and responses that fit, by name.

    Runs of which only totals are kept add calls and failures, and no durations.
    """
    numbers = routes.matching(
        connection,
        signal=wanted.signal,
        sender=wanted.sender,
        receiver=wanted.receiver,
        to_receivers=True,
    )
    columns = tables.response.c
    finished = case((columns.is_finished, columns.seconds))
    query = (
        select(tables.route.c.receiver, finished, columns.is_failed)
        .join(tables.route, tables.route.c.route == columns.route)
        .where(*_of_runs(connection, columns.run, wanted))
    )
    tallies = _tallied(_rows(connection, query, columns.route, wanted, numbers))
    _add_totals(tallies, connection, wanted)
    return _statistics(tallies)


def _add_totals(tallies: "_Tallies", connection: Connection, wanted: Filter) -> None:
    """Add the calls and failures of runs of which only totals are kept.

    Totals do not tell senders apart, so a filter for a sender leaves them out.
    """
    if wanted.sender is not None or version_of(connection) < tables.TOTALS_SINCE:
        return
    columns = tables.total.c
    query = select(
        columns.receiver, columns.signal, columns.signal_path, columns.runs, columns.failures
    )
    of_runs = query.where(*_of_runs(connection, columns.run, wanted))
    rows: Iterable[Any] = connection.execute(of_runs)
    for row in rows:
        if is_total_of(row, wanted):
            tally = tallies[row.receiver]
            tally.calls += row.runs
            tally.failures += row.failures


def of_signals(connection: Connection, wanted: Filter) -> list[Statistics]:
    """Statistics of each signal in the runs and dispatches that fit, by name.

    A filter for a receiver counts only the dispatches that it received.
    """
    columns, responses = tables.dispatch.c, tables.response.c
    to_receivers = wanted.receiver is not None
    numbers = routes.matching(
        connection,
        signal=wanted.signal,
        sender=wanted.sender,
        receiver=wanted.receiver,
        to_receivers=to_receivers,
    )
    failed = tables.response.alias().c
    failures = exists().where(
        failed.run == columns.run, failed.seq == columns.seq, failed.is_failed
    )
    query = (
        select(tables.route.c.signal_path, columns.seconds, failures, columns.run, columns.seq)
        .select_from(tables.dispatch)
        .join(tables.route, tables.route.c.route == columns.route)
        .where(*_of_runs(connection, columns.run, wanted))
    )
    if not to_receivers:
        rows = _rows(connection, query, columns.route, wanted, numbers)
        return _statistics(_tallied(row[:3] for row in rows))
    query = query.where(responses.run == columns.run, responses.seq == columns.seq)
    rows = _rows(connection, query, responses.route, wanted, numbers)
    # Several receivers of one dispatch may fit.
    dispatches = {tuple(row[3:]): row[:3] for row in rows}
    return _statistics(_tallied(dispatches.values()))


def _rows(
    connection: Connection, query: Select[Any], route: Any, wanted: Filter, numbers: list[int]
) -> Iterator[Any]:
    """The rows of a query that are of some routes."""
    query = query.execution_options(yield_per=ROWS)
    if not wanted.names_routes:
        yield from connection.execute(query)
        return
    for batch in routes.in_batches(numbers):
        yield from connection.execute(query.where(route.in_(batch)))


def _of_runs(connection: Connection, run: Any, wanted: Filter) -> list[ColumnElement[bool]]:
    """The conditions for the runs that fit."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.since is not None:
        conditions.append(run >= first_since(connection, wanted.since))
        conditions.append(
            exists().where(tables.run.c.run == run, tables.run.c.begun >= wanted.since)
        )
    if wanted.user is not None:
        about_user = select(tables.subject.c.run).where(is_about(connection, wanted.user))
        conditions.append(run.in_(about_user))
    return conditions


@dataclass(slots=True)
class _Tally:
    """Statistics in the making. An array holds millions of durations in little memory."""

    calls: int = 0
    failures: int = 0
    durations: "array[float]" = field(default_factory=lambda: array("d"))


_Tallies = defaultdict[str, _Tally]


def _tallied(rows: Iterable[Any]) -> _Tallies:
    tallies = _Tallies(_Tally)
    for name, seconds, has_failed in rows:
        tally = tallies[name]
        tally.calls += 1
        tally.failures += has_failed
        if seconds is not None:
            tally.durations.append(seconds)
    return tallies


def _statistics(tallies: _Tallies) -> list[Statistics]:
    return [
        Statistics(name, tally.calls, tally.failures, sorted(tally.durations))
        for name, tally in sorted(tallies.items())
    ]
