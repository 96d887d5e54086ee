"""What the log says of receivers and signals over many runs."""

import math
import statistics
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, exists, select

from signalcli.trace.log import routes, tables
from signalcli.trace.log.finding import Filter, is_about


@dataclass(frozen=True, slots=True)
class Statistics:
    """What the responses of a receiver, or the dispatches of a signal, have in common.

    Attributes:
        name: the full name of the receiver or signal.
        calls: how many there were.
        failures: how many failed; of a signal, how many had a receiver that did.
        durations: how long each took that came to an end, in seconds, the shortest first.
    """

    name: str
    calls: int
    failures: int
    durations: Sequence[float]

    @property
    def median(self) -> float | None:
        """The duration in the middle, in seconds; None where none came to an end."""
        return statistics.median(self.durations) if self.durations else None

    @property
    def slowest(self) -> float | None:
        """The longest duration, in seconds."""
        return self.durations[-1] if self.durations else None

    def percentile(self, percent: float) -> float | None:
        """The shortest duration, in seconds, that so many percent of all do not exceed."""
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
    """Statistics of each receiver in the runs and responses that fit, by name."""
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
        select(tables.route.c.receiver, finished, tables.has_failed)
        .join(tables.route, tables.route.c.route == columns.route)
        .where(*_conditions(connection, tables.response, wanted, numbers))
    )
    return _gathered(connection.execute(query.execution_options(yield_per=10_000)))


def of_signals(connection: Connection, wanted: Filter) -> list[Statistics]:
    """Statistics of each signal in the runs and dispatches that fit, by name.

    Where the filter names a receiver, only the dispatches count that it received.
    """
    names = {"signal": wanted.signal, "sender": wanted.sender}
    numbers = routes.matching(connection, **names, to_receivers=False)
    columns, responses = tables.dispatch.c, tables.response.c
    of_dispatch = (responses.run == columns.run, responses.seq == columns.seq)
    conditions = _conditions(connection, tables.dispatch, wanted, numbers)
    if wanted.receiver is not None:
        receivers = routes.matching(
            connection, **names, receiver=wanted.receiver, to_receivers=True
        )
        conditions.append(exists().where(*of_dispatch, responses.route.in_(receivers)))
    failures = exists().where(*of_dispatch, tables.has_failed)
    query = (
        select(tables.route.c.signal_path, columns.seconds, failures)
        .join(tables.route, tables.route.c.route == columns.route)
        .where(*conditions)
    )
    return _gathered(connection.execute(query.execution_options(yield_per=10_000)))


def _conditions(
    connection: Connection, table: Any, wanted: Filter, numbers: list[int]
) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.names_routes:
        conditions.append(table.c.route.in_(numbers))
    if wanted.since is not None:
        begun = tables.run.c.begun >= wanted.since
        conditions.append(exists().where(tables.run.c.run == table.c.run, begun))
    if wanted.user is not None:
        conditions.append(
            exists().where(tables.subject.c.run == table.c.run, is_about(connection, wanted.user))
        )
    return conditions


def _gathered(rows: Iterator[Any]) -> list[Statistics]:
    calls: dict[str, int] = {}
    failures: dict[str, int] = {}
    durations: dict[str, array[float]] = {}
    for name, seconds, has_failed in rows:
        calls[name] = calls.get(name, 0) + 1
        failures[name] = failures.get(name, 0) + has_failed
        if seconds is not None:
            durations.setdefault(name, array("d")).append(seconds)
    return [
        Statistics(name, calls[name], failures[name], sorted(durations.get(name, ())))
        for name in sorted(calls)
    ]
