"""Finding runs: the same ones as going through all of them, in a time that does not grow."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine

from signalcli.db.engine import open_engine
from signalcli.log import finding
from signalcli.log.finding import FEW, PAGE, Filter, find
from signalcli.log.routes import short_name
from signalcli.log.runs import Run, write
from signalcli.trace.records import Dispatch, Response, Trace
from signalcli.trace.totals import ReceiverTotal
from tests.log.examples import (
    RECEIVER_PATTERNS,
    SENDER_PATTERNS,
    SIGNAL_PATTERNS,
    SIGNALS,
    USER_PATTERNS,
    Kept,
    emptied,
    filled,
    matches,
    matches_any_user,
    one_of,
    runs,
)
from tests.log.tools import (
    a_dispatch,
    a_response,
    a_run,
    as_kept,
    few_parameters,
    statements_of,
    steps_of,
)

unhurried = settings(deadline=None, max_examples=200)


def took(response: Response, trace: Trace) -> float:
    """How long a response took, or has taken when the watching ended."""
    if response.seconds is not None:
        return response.seconds
    return (trace.ended or 0.0) - response.begun if trace.ended is not None else 0.0


def fits(kept: Kept, wanted: Filter) -> bool:
    """What the log's filters mean, without any log."""
    run, trace = kept.run, kept.trace
    if wanted.since is not None and run.begun < wanted.since:
        return False
    if wanted.user is not None and not matches_any_user(run, wanted.user):
        return False

    def is_sent(dispatch: Dispatch) -> bool:
        return matches(wanted.signal, dispatch.signal, dispatch.signal_path) and matches(
            wanted.sender, dispatch.sender
        )

    names = (wanted.signal, wanted.receiver)
    if names != (None, None) and wanted.sender is None and wanted.slower_than is None:
        # Of a run of many rows, only this is known.
        for total in run.totals:
            if (
                matches(wanted.signal, total.signal, total.signal_path)
                and matches(wanted.receiver, total.receiver, short_name(total.receiver))
                and (not wanted.failed or total.failures > 0)
            ):
                return True

    named = wanted.signal is not None or wanted.sender is not None
    if wanted.receiver is None and wanted.slower_than is None:
        if named and not wanted.failed:
            return any(is_sent(dispatch) for dispatch in trace.dispatches)
        if not named:
            return not wanted.failed or run.exit_code != 0 or run.failures > 0
    return any(
        is_sent(response.dispatch)
        and matches(wanted.receiver, response.receiver, short_name(response.receiver))
        and (not wanted.failed or response.failure is not None)
        and (wanted.slower_than is None or took(response, trace) > wanted.slower_than)
        for response in trace.responses
    )


def by_hand(
    log: list[Kept],
    wanted: Filter,
    above: int = 0,
    below: int | None = None,
    most: int | None = None,
) -> list[int]:
    """The numbers that have to be found."""
    numbers = [
        kept.number
        for kept in reversed(log)
        if kept.number > above
        and (below is None or kept.number < below)
        and (wanted.since is None or kept.run.begun >= wanted.since)
        and fits(kept, wanted)
    ]
    return numbers if most is None else numbers[:most]


def found(connection: Connection, wanted: Filter, **options: Any) -> list[int]:
    return [run.number or 0 for run in find(connection, wanted, **options)]


filters = st.builds(
    Filter,
    signal=one_of(SIGNAL_PATTERNS),
    sender=one_of(SENDER_PATTERNS),
    receiver=one_of(RECEIVER_PATTERNS),
    user=one_of(USER_PATTERNS),
    failed=st.booleans(),
    slower_than=st.none() | st.sampled_from([0.0, 0.01, 0.05, 1.0, 3.0, 3.5, 1e7, 1e9]),
)


@unhurried
@given(st.data())
def test_found_is_what_fits(shared_engine: Engine, data: st.DataObject) -> None:
    log = filled(shared_engine, data.draw(st.lists(runs(), max_size=7)))
    numbers = [kept.number for kept in log] or [1]
    near = st.integers(numbers[0] - 1, numbers[-1] + 1)
    with pytest.MonkeyPatch.context() as constants, shared_engine.connect() as connection:
        # So that few runs fill pages, and few responses are many.
        constants.setattr(finding, "PAGE", data.draw(st.sampled_from([1, 2, 3, PAGE])))
        constants.setattr(finding, "FEW", data.draw(st.sampled_from([0, 1, FEW])))
        for _ in range(5):
            wanted = data.draw(filters)
            if log and data.draw(st.booleans()):
                begun = data.draw(st.sampled_from(log)).run.begun
                step = data.draw(st.sampled_from([-1, 0, 1]))
                wanted = replace(wanted, since=begun + timedelta(microseconds=step))
            above = data.draw(st.just(0) | near)
            below = data.draw(st.none() | near)
            most = data.draw(st.none() | st.integers(0, 4))
            assert found(connection, wanted, above=above, below=below, most=most) == by_hand(
                log, wanted, above, below, most
            )


def test_found_runs_say_all_that_was_kept(shared_engine: Engine) -> None:
    trace = Trace()
    a_response(a_dispatch(trace), fails=True)
    run = a_run(users=("b", "a"), message="m", result={"r": [1]}, error_code="e")
    log = filled(shared_engine, [(run, trace), (a_run(), Trace())])
    with shared_engine.connect() as connection:
        assert list(find(connection, Filter())) == [kept.run for kept in reversed(log)]


@pytest.mark.parametrize(
    ("name", "pattern"),
    [("a]b", "a]b"), ("a[b", "a[b"), ("^a", "[^]a"), ("b", "[^a]"), ("!", "[a!]"), ("[!", "[[!]*")],
)
def test_a_user_pattern_means_what_it_means_for_receivers(
    shared_engine: Engine, name: str, pattern: str
) -> None:
    trace = Trace()
    a_response(a_dispatch(trace), name)
    filled(shared_engine, [(a_run(users=(name,)), trace)])
    with shared_engine.connect() as connection:
        of_receiver = found(connection, Filter(receiver=pattern))
        assert bool(of_receiver) == fnmatchcase(name, pattern)
        assert found(connection, Filter(user=pattern)) == of_receiver


def test_a_log_without_runs_has_nothing_to_find(shared_engine: Engine) -> None:
    emptied(shared_engine)
    with shared_engine.connect() as connection:
        for wanted in EXAMPLES.values():
            assert found(connection, wanted) == []


def test_more_routes_than_a_statement_has_room_for_are_searched(shared_engine: Engine) -> None:
    # Senders may be any texts, so there may be any number of routes.
    trace = Trace(ended=2.0)
    for number in range(1_200):
        a_response(a_dispatch(trace, sender=f"sender {number}"), seconds=1.0)
    log = filled(shared_engine, [(a_run(users=("ada",)), trace)])
    with shared_engine.connect() as connection, few_parameters(connection, 1_000):
        for wanted in (
            Filter(receiver="bill", user="ada", slower_than=0.5),
            Filter(signal="paid", user="a*"),
            Filter(slower_than=0.5),
        ):
            assert found(connection, wanted) == by_hand(log, wanted)


# The ways into the log.
EXAMPLES = {
    "any": Filter(),
    "since": Filter(since=datetime(2000, 1, 1)),
    "failed": Filter(failed=True),
    "user": Filter(user="ada"),
    "users": Filter(user="[ab]*"),
    "signal": Filter(signal="db.post_save"),
    "signals": Filter(signal="p*"),
    "sender": Filter(sender="User"),
    "signal failed": Filter(signal="post_save", failed=True),
    "receiver": Filter(receiver="create_user"),
    "receiver of sender": Filter(sender="User", receiver="create_*"),
    "receiver failed": Filter(receiver="create_*", failed=True),
    "slow": Filter(slower_than=0.02),
    "very slow": Filter(slower_than=1.0),
    "slow receiver": Filter(receiver="create_*", slower_than=0.02),
    "slow failure": Filter(failed=True, slower_than=0.02),
    "user failed": Filter(user="ada", failed=True),
    "user with signal": Filter(user="ada", signal="paid"),
    "user with receiver": Filter(user="a*", receiver="create_*", failed=True),
    "user with slow": Filter(user="ada", slower_than=0.02),
    "needle": Filter(receiver="needle"),
    "needle of a user": Filter(user="ada", receiver="needle"),
}
MANY = 3 * PAGE + 77
# So that who goes through all runs, the newest first, takes long to meet them.
FAILING = range(1, 60, 3)


def _contents(count: int) -> Iterator[tuple[Run, Trace]]:
    """Many runs, of which only the first has a certain receiver; slow ones are in all."""
    for step in range(count):
        trace = Trace(ended=2.0)
        for signal, sender in product(SIGNALS[:3], ("User", "Profile")):
            dispatch = a_dispatch(trace, signal, sender)
            fails = step in FAILING and signal == "shop.paid"
            a_response(dispatch, "core.create_user", 0.03, fails=fails)
            if step % 3 == 0:
                a_response(dispatch, "shop.create_profile", 0.01)
        if step == 0:
            a_response(dispatch, "shop.needle", 5.0)
        users = (("ada",), ("bob", "ada"), ())[step % 3]
        yield a_run(users=users, exit_code=int(step == 5)), trace


def _written(engine: Engine, count: int) -> list[Kept]:
    with engine.begin() as connection:
        return [
            Kept(as_kept(run, trace, write(connection, run, trace).number), trace)
            for run, trace in _contents(count)
        ]


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, list[Kept]]]:
    """A log of more runs than pages hold."""
    file = tmp_path_factory.mktemp("large") / "large.db"
    engine = open_engine(str(file), writes=True, creates=True)
    yield engine, _written(engine, MANY)
    engine.dispose()


Large = tuple[Engine, list[Kept]]


@pytest.mark.parametrize("name", EXAMPLES)
def test_all_pages_are_found(large: Large, name: str) -> None:
    engine, log = large
    wanted = EXAMPLES[name]
    with engine.connect() as connection:
        assert found(connection, wanted) == by_hand(log, wanted)
        assert found(connection, wanted, most=PAGE + 1) == by_hand(log, wanted, most=PAGE + 1)


@pytest.mark.parametrize("size", [1, 7, PAGE, PAGE + 1])
@pytest.mark.parametrize("name", ["any", "failed", "slow", "user with receiver", "receiver failed"])
def test_paging_gives_each_run_once(large: Large, name: str, size: int) -> None:
    engine, log = large
    wanted = replace(EXAMPLES[name], signal=None)
    numbers: list[int] = []
    below = None
    with engine.connect() as connection:
        # Of the small pages, the beginning will do.
        while page := found(connection, wanted, below=below, most=size):
            numbers += page
            below = page[-1]
            if len(numbers) > 2 * PAGE and size == 1:
                break
    expected = by_hand(log, wanted)
    assert numbers == expected[: len(numbers)]
    assert size == 1 or len(numbers) == len(expected)


def test_more_slow_responses_than_a_few_are_gone_through(large: Large) -> None:
    engine, log = large
    assert MANY * 6 > FEW / 2
    with pytest.MonkeyPatch.context() as constants, engine.connect() as connection:
        constants.setattr(finding, "FEW", 100)
        for name in ("slow", "very slow", "slow receiver"):
            assert found(connection, EXAMPLES[name]) == by_hand(log, EXAMPLES[name])


def test_only_what_is_asked_for_is_read(large: Large) -> None:
    engine, log = large
    with engine.connect() as connection, statements_of(engine) as seen:
        newest_first = find(connection, Filter())
        assert len(seen) == 0
        assert next(newest_first).number == log[-1].number
        first = len(seen)
        for _ in range(PAGE - 1):
            next(newest_first)
        assert len(seen) == first
        next(newest_first)
        assert len(seen) > first
        newest_first.close()  # type: ignore[attr-defined]  # a generator
        asked = len(seen)
        (only,) = find(connection, Filter(), most=1)
        assert only == log[-1].run
        # A page is no longer than what is wanted.
        last = seen.statements[asked:]
        assert all(len(parameters) <= 3 for _, parameters in last)


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("options", [{}, {"below": MANY // 2, "most": 20}], ids=["all", "page"])
@pytest.mark.parametrize("few", [FEW, 0])
@pytest.mark.parametrize("analyzed", [False, True])
def test_every_way_into_the_log_goes_along_an_index(
    large: Large, name: str, options: dict[str, int], few: int, analyzed: bool
) -> None:
    engine, _ = large
    with (
        pytest.MonkeyPatch.context() as constants,
        engine.connect() as connection,
        statements_of(engine) as seen,
    ):
        constants.setattr(finding, "FEW", few)
        if analyzed:
            connection.exec_driver_sql("ANALYZE")
        list(find(connection, EXAMPLES[name], **options))
        plans = seen.plans(connection)
        connection.rollback()
    assert plans
    for statement, plan in plans:
        is_stream = "LIMIT" in statement
        for step in plan:
            if step.startswith("SCAN") and (is_stream or not analyzed):
                # Of these few hundred runs, a page is so many that ANALYZE makes it read all.
                assert step.split()[1] == "signalcli_route", (statement, plan)
            if is_stream and not analyzed:
                assert not step.startswith("USE TEMP B-TREE"), (statement, plan)


USED = {
    "any": "signalcli_run USING INTEGER PRIMARY KEY",
    "failed": "signalcli_run_failed",
    "user": "signalcli_run_user USING PRIMARY KEY (username=? AND run>?",
    "users": "signalcli_run_user_of (run>?",
    "signal": "signalcli_dispatch_route (route=? AND run>?",
    "sender": "signalcli_dispatch_route (route=? AND run>?",
    "signal failed": "signalcli_response_failed (route=? AND is_failed=? AND run>?",
    "receiver": "signalcli_response_route (route=? AND run>?",
    "receiver failed": "signalcli_response_failed (route=? AND is_failed=? AND run>?",
    "slow": "signalcli_response_seconds (route=? AND seconds>?",
    "slow failure": "signalcli_response_failed (route=? AND is_failed=? AND run>?",
    "user with receiver": "signalcli_run_user_of (run>?",
}


@pytest.mark.parametrize("name", USED)
def test_a_filter_uses_its_own_index(large: Large, name: str) -> None:
    engine, _ = large
    with engine.connect() as connection, statements_of(engine) as seen:
        list(find(connection, EXAMPLES[name], most=1))
        # The queries that read what was found are not meant.
        plans = [plan for text, plan in seen.plans(connection) if "LIMIT" in text]
    assert plans
    assert all(any(USED[name] in step for step in plan) for plan in plans), plans


# Among the runs of a user, those that fit are looked for one by one.
OF_A_USER = ("needle of a user", "user failed", "user with receiver")


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name not in OF_A_USER])
def test_a_page_takes_no_longer_in_a_larger_log(
    large: Large, shared_engine: Engine, name: str
) -> None:
    emptied(shared_engine)
    _written(shared_engine, MANY // 3)
    steps = []
    for engine in (shared_engine, large[0]):
        with pytest.MonkeyPatch.context() as constants, engine.connect() as connection:
            constants.setattr(finding, "FEW", 50)
            list(find(connection, EXAMPLES[name], most=1))

            def page(connection: Connection = connection) -> None:
                list(find(connection, EXAMPLES[name], most=1))

            steps.append(steps_of(connection, page))
    small, big = steps
    assert big <= 2 * small + 20


def test_totals_are_gone_through_along_their_index_and_only_as_far_as_needed(
    shared_engine: Engine,
) -> None:
    of_receiver = ReceiverTotal("shop.bill", "paid", "shop.paid", runs=2)
    run = a_run(totals=(of_receiver, replace(of_receiver, receiver="shop.audit")))
    log = filled(shared_engine, [(run, Trace())] * 5)
    with shared_engine.connect() as connection, statements_of(shared_engine) as seen:
        newest = [log[-1].number, log[-2].number]
        assert found(connection, Filter(receiver="bill"), most=2) == newest
        assert found(connection, Filter(receiver="bill"), below=newest[0], most=1) == newest[1:]
        assert found(connection, Filter(receiver="bill", failed=True)) == []
        of_totals = [plan for text, plan in seen.plans(connection) if "signalcli_total" in text]
    assert of_totals
    assert all("SEARCH signalcli_total USING PRIMARY KEY" in plan[0] for plan in of_totals)
