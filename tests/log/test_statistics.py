"""Statistics are what Python computes from the traces in memory."""

import math
import statistics
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from signalcli.log.finding import Filter
from signalcli.log.routes import short_name
from signalcli.log.statistics import Statistics, histogram, of_receivers, of_signals
from signalcli.trace.records import Dispatch, Response, Trace
from tests.log.examples import (
    RECEIVER_PATTERNS,
    SENDER_PATTERNS,
    SIGNAL_PATTERNS,
    USER_PATTERNS,
    Kept,
    emptied,
    filled,
    matches,
    matches_any_user,
    one_of,
    runs,
)
from tests.log.tools import a_dispatch, a_response, a_run, few_parameters

unhurried = settings(deadline=None, max_examples=100)

Told = dict[str, list[tuple[float | None, bool]]]

filters = st.builds(
    Filter,
    signal=one_of(SIGNAL_PATTERNS),
    sender=one_of(SENDER_PATTERNS),
    receiver=one_of(RECEIVER_PATTERNS),
    user=one_of(USER_PATTERNS),
)


def wanted_runs(log: list[Kept], wanted: Filter) -> list[Kept]:
    return [
        kept
        for kept in log
        if (wanted.since is None or kept.run.begun >= wanted.since)
        and (wanted.user is None or matches_any_user(kept.run, wanted.user))
    ]


def is_sent(dispatch: Dispatch, wanted: Filter) -> bool:
    return matches(wanted.signal, dispatch.signal, dispatch.signal_path) and matches(
        wanted.sender, dispatch.sender
    )


def is_received(response: Response, wanted: Filter) -> bool:
    return matches(wanted.receiver, response.receiver, short_name(response.receiver))


def receivers_by_hand(log: list[Kept], wanted: Filter) -> Told:
    told: Told = {}
    for kept in wanted_runs(log, wanted):
        for response in kept.trace.responses:
            if is_sent(response.dispatch, wanted) and is_received(response, wanted):
                of_it = (response.seconds, response.failure is not None)
                told.setdefault(response.receiver, []).append(of_it)
        for total in kept.run.totals if wanted.sender is None else ():
            if matches(wanted.signal, total.signal, total.signal_path) and matches(
                wanted.receiver, total.receiver, short_name(total.receiver)
            ):
                failed = [(None, True)] * total.failures
                others = [(None, False)] * (total.runs - total.failures)
                told.setdefault(total.receiver, []).extend([*failed, *others])
    return told


def signals_by_hand(log: list[Kept], wanted: Filter) -> Told:
    told: Told = {}
    for kept in wanted_runs(log, wanted):
        for dispatch in kept.trace.dispatches:
            responses = dispatch.responses
            if is_sent(dispatch, wanted) and (
                wanted.receiver is None or any(is_received(each, wanted) for each in responses)
            ):
                failed = any(response.failure is not None for response in responses)
                told.setdefault(dispatch.signal_path, []).append((dispatch.seconds, failed))
    return told


def check(computed: list[Statistics], told: Told) -> None:
    assert [each.name for each in computed] == sorted(told)
    for each in computed:
        seconds = sorted(taken for taken, _ in told[each.name] if taken is not None)
        assert each.calls == len(told[each.name])
        assert each.failures == sum(failed for _, failed in told[each.name])
        assert list(each.durations) == seconds
        if not seconds:
            assert (each.median, each.slowest, each.percentile(95)) == (None, None, None)
            continue
        assert each.median == statistics.median(seconds)
        assert each.slowest == max(seconds)
        assert each.percentile(95) == nearest_rank(seconds, 95)


def nearest_rank(durations: list[float], percent: int) -> float:
    """The first that has at least so many percent at or below it."""
    return next(
        candidate
        for candidate in sorted(durations)
        if Fraction(sum(each <= candidate for each in durations), len(durations))
        >= Fraction(percent, 100)
    )


@unhurried
@given(st.data())
def test_statistics_are_those_of_the_traces(shared_engine: Engine, data: st.DataObject) -> None:
    log = filled(shared_engine, data.draw(st.lists(runs(), max_size=6)))
    with shared_engine.connect() as connection:
        for _ in range(3):
            wanted = data.draw(filters)
            if log and data.draw(st.booleans()):
                wanted = replace(wanted, since=data.draw(st.sampled_from(log)).run.begun)
            check(of_receivers(connection, wanted), receivers_by_hand(log, wanted))
            check(of_signals(connection, wanted), signals_by_hand(log, wanted))


def test_a_signal_fails_once_for_each_dispatch_and_its_own_time_counts(
    shared_engine: Engine,
) -> None:
    trace = Trace(ended=9.0)
    dispatch = a_dispatch(trace, "shop.paid", seconds=0.7)
    for fails in (True, True, False):
        a_response(dispatch, "shop.bill", 0.2, fails=fails)
    a_dispatch(trace, "shop.paid", seconds=None)
    filled(shared_engine, [(a_run(), trace)])
    with shared_engine.connect() as connection:
        (signal,) = of_signals(connection, Filter())
        (receiver,) = of_receivers(connection, Filter())
    assert (signal.name, signal.calls, signal.failures) == ("shop.paid", 2, 1)
    assert list(signal.durations) == [0.7]
    assert (receiver.name, receiver.calls, receiver.failures) == ("shop.bill", 3, 2)


def test_statistics_of_more_routes_than_a_statement_has_room_for(shared_engine: Engine) -> None:
    trace = Trace(ended=2.0)
    for number in range(1_200):
        a_response(a_dispatch(trace, sender=f"sender {number}"))
    filled(shared_engine, [(a_run(), trace)])
    with shared_engine.connect() as connection, few_parameters(connection, 1_000):
        (receiver,) = of_receivers(connection, Filter(signal="paid"))
        (signal,) = of_signals(connection, Filter(receiver="bill"))
    assert (receiver.calls, signal.calls) == (1_200, 1_200)


def test_an_empty_log_has_no_statistics(shared_engine: Engine) -> None:
    emptied(shared_engine)
    with shared_engine.connect() as connection:
        assert of_receivers(connection, Filter()) == []
        assert of_signals(connection, Filter()) == []


durations = st.lists(st.floats(0, 1e7), min_size=1, max_size=200).map(sorted)


@given(durations, st.integers(1, 100))
def test_a_percentile_is_the_nearest_rank(seconds: list[float], percent: int) -> None:
    each = Statistics("r", len(seconds), 0, seconds)
    assert each.percentile(percent) == nearest_rank(seconds, percent)


@pytest.mark.parametrize(("count", "rank"), [(1, 1), (19, 19), (20, 19), (21, 20), (100, 95)])
def test_the_95th_percentile_of_so_many(count: int, rank: int) -> None:
    each = Statistics("r", count, 0, [float(number) for number in range(1, count + 1)])
    assert each.percentile(95) == rank


@given(durations, st.integers(1, 40))
def test_a_histogram_counts_each_duration_once(seconds: list[float], bins: int) -> None:
    shortest, longest = max(seconds[0], 1e-6), max(seconds[-1], 1e-6)
    counts = histogram(seconds, shortest, longest, bins)
    assert len(counts) == bins
    assert sum(counts) == len(seconds)
    assert min(counts) >= 0
    assert counts[0] > 0
    assert longest == shortest or counts[-1] > 0


@given(
    st.lists(st.floats(1e-7, 1e4), max_size=100),
    st.floats(1e-6, 1e-3),
    st.floats(1.0, 1e3),
    st.integers(1, 30),
)
def test_a_histogram_puts_each_duration_into_its_range(
    seconds: list[float], shortest: float, longest: float, bins: int
) -> None:
    factor = (longest / shortest) ** (1 / bins)
    edges = [shortest * factor**place for place in range(1, bins)]
    # Where a duration is on an edge to the last bit, either range will do.
    clear = [each for each in seconds if all(abs(each - edge) > 1e-9 * edge for edge in edges)]
    expected = [0] * bins
    for each in clear:
        expected[sum(edge < each for edge in edges)] += 1
    assert histogram(clear, shortest, longest, bins) == expected
    assert math.fsum(expected) == len(clear)
