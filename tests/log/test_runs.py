"""A trace that is written into the log and read back is the trace that was in memory."""

import contextvars
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError

from signalcli.db.engine import open_engine
from signalcli.dispatch import Signal
from signalcli.log.runs import LARGEST_RESULT, Run, keep, read_runs, read_trace, write
from signalcli.render.document import dispatches_of, dumps
from signalcli.trace import Recorder, Trace, record
from signalcli.trace.records import encodable
from tests.log.tools import (
    EVERYTHING,
    a_dispatch,
    a_response,
    a_run,
    a_trace,
    as_kept,
    few_parameters,
    keep_some,
    numbers_in,
)
from tests.log.trees import Sending, facts, printed, send, tell, texts, trees

# A busy machine may take its time over an example.
unhurried = settings(deadline=None, max_examples=60)

noticed = Signal()


@pytest.fixture(scope="module", autouse=True)
def silence() -> Iterator[None]:
    """Have robust dispatches log nothing: not every runner of tests can report such texts."""
    logger = logging.getLogger("signalcli.dispatch")
    logger.disabled = True
    yield
    logger.disabled = False


def there_and_back(engine: Engine, trace: Trace, run: Run | None = None) -> tuple[Run, Trace]:
    """What the log says of a trace that it was given."""
    with engine.begin() as connection:
        kept = write(connection, run or a_run(), trace)
    with engine.connect() as connection:
        (read,) = read_runs(connection, [kept.number or 0])
        assert read.number == kept.number
        return read, read_trace(connection, kept.number or 0)


def check(engine: Engine, trace: Trace) -> None:
    read, back = there_and_back(engine, trace)
    assert facts(back) == facts(trace)
    assert (read.dispatches, read.responses) == (len(trace.dispatches), len([*trace.responses]))
    assert read.failures == sum(response.failure is not None for response in trace.responses)
    assert dispatches_of(back) == dispatches_of(trace)
    assert dumps({"d": dispatches_of(back)}) == dumps({"d": dispatches_of(trace)})
    assert printed(back) == printed(trace)


@unhurried
@given(trees, st.booleans())
def test_what_a_recorder_was_told_comes_back(
    shared_engine: Engine, tree: list[Sending], has_ended: bool
) -> None:
    recorder = Recorder()
    for sending in tree:
        # In a context of its own, since some responses are never ended.
        contextvars.copy_context().run(tell, recorder, sending)
    if has_ended:
        recorder.ended()
    check(shared_engine, recorder.trace)


@unhurried
@given(trees)
def test_what_signals_and_receivers_did_comes_back(
    shared_engine: Engine, tree: list[Sending]
) -> None:
    recorder = Recorder()
    with record(recorder):
        for sending in tree:
            send(sending)
    assert len(recorder.trace.dispatches) >= len(tree)
    check(shared_engine, recorder.trace)


def test_what_still_runs_comes_back_unfinished(shared_engine: Engine) -> None:
    begun, go_on = threading.Event(), threading.Event()
    threads: list[threading.Thread] = []

    def starts(**kwargs: Any) -> None:
        if kwargs["depth"] == 0:
            thread = threading.Thread(target=noticed.send, args=["x"], kwargs={"depth": 1})
            threads.append(thread)
            thread.start()
            begun.wait()
            return
        print("so far")
        begun.set()
        go_on.wait()

    recorder = Recorder()
    with noticed.connected_to(starts):
        try:
            with record(recorder):
                noticed.send(None, depth=0)
            (outer,), (inner,) = (dispatch.responses for dispatch in recorder.trace.dispatches)
            assert (inner.seconds, inner.output) == (None, "so far\n")
            assert outer.caused == [inner.dispatch]
            check(shared_engine, recorder.trace)
        finally:
            go_on.set()
            for thread in threads:
                thread.join()
    # Now it is finished in memory, and the log can be told so again.
    check(shared_engine, recorder.trace)


def test_output_is_kept_to_the_last_byte_that_is_allowed(shared_engine: Engine) -> None:
    recorder = Recorder()

    def prints(**kwargs: Any) -> None:
        print("é" * 5000, end="")
        print("more", end="")

    with record(recorder), noticed.connected_to(prints):
        noticed.send(None)
    _, back = there_and_back(shared_engine, recorder.trace)
    (response,) = back.responses
    assert response.output == "é" * 2048
    assert response.omitted == 10_000 - 4096 + 4
    check(shared_engine, recorder.trace)


def test_an_empty_trace_comes_back_empty(shared_engine: Engine) -> None:
    check(shared_engine, Trace())
    check(shared_engine, Trace(ended=0.0))
    with shared_engine.connect() as connection:
        nothing = read_trace(connection, 10**9)
        assert (nothing.dispatches, nothing.ended) == ([], None)
        assert read_runs(connection, [10**9]) == []
        assert read_runs(connection, []) == []


def test_many_dispatches_and_responses_come_back_in_their_order(shared_engine: Engine) -> None:
    trace = Trace(ended=9.0)
    for number in range(300):
        dispatch = a_dispatch(trace, f"shop.signal{number % 7}")
        for place in range(12 if number % 100 == 0 else 1):
            a_response(dispatch, f"shop.receiver{place}", seconds=number / 7)
    _, back = there_and_back(shared_engine, trace)
    assert facts(back) == facts(trace)


def test_more_routes_than_a_statement_has_room_for_come_back(shared_engine: Engine) -> None:
    trace = Trace(ended=9.0)
    for number in range(1_200):
        a_dispatch(trace, sender=f"one of {number}")
    # SQLite's own limit is 32,766, and lower ones were built.
    with shared_engine.connect() as connection, few_parameters(connection, 1_000):
        with connection.begin():
            kept = write(connection, a_run(), trace)
        assert facts(read_trace(connection, kept.number or 0)) == facts(trace)


fine_texts = texts.map(encodable)
runs = st.builds(
    Run,
    begun=st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1)),
    command=fine_texts.map(lambda text: text[:50]),
    command_line=fine_texts,
    exit_code=st.integers(0, 255),
    seconds=st.floats(0, 1e9),
    is_rolled_back=st.booleans(),
    message=fine_texts,
    result=st.none() | fine_texts | st.dictionaries(fine_texts, fine_texts | st.floats(0, 1)),
    error_code=st.none() | fine_texts.map(lambda text: text[:50]),
    error_message=st.none() | fine_texts,
    users=st.lists(fine_texts.map(lambda text: text[:200]), max_size=3).map(tuple),
)


@unhurried
@given(runs)
def test_what_a_run_says_comes_back(shared_engine: Engine, run: Run) -> None:
    trace = Trace(ended=1.0)
    read, _ = there_and_back(shared_engine, trace, run)
    assert read.number is not None
    assert read == as_kept(run, trace, read.number)
    assert read.outcome == run.outcome


def test_a_result_is_kept_up_to_its_limit(shared_engine: Engine) -> None:
    longest = "x" * (LARGEST_RESULT - 2)
    read, _ = there_and_back(shared_engine, Trace(), a_run(result=longest))
    assert read.result == longest
    read, _ = there_and_back(shared_engine, Trace(), a_run(result=longest + "x"))
    assert read.result is None
    assert read.message == ""


def test_what_writing_returns_is_the_run_as_it_is_in_the_log(shared_engine: Engine) -> None:
    run = a_run(users=("b", "a", "b"), result="x" * LARGEST_RESULT)
    with shared_engine.begin() as connection:
        kept = write(connection, run, Trace())
        assert read_runs(connection, [kept.number or 0]) == [kept]


def test_numbers_go_up_and_a_run_is_read_whatever_its_neighbours(shared_engine: Engine) -> None:
    begun = datetime(2026, 1, 31, 8, 30, 0, 123_456)
    kept = []
    for step in range(3):
        trace = Trace()
        a_response(a_dispatch(trace, f"shop.signal{step}"), f"shop.receiver{step}")
        run = a_run(begun=begun + timedelta(microseconds=step), users=(f"u{step}", "ada"))
        kept.append(there_and_back(shared_engine, trace, run))
    numbers = [run.number or 0 for run, _ in kept]
    assert numbers == sorted(set(numbers))
    with shared_engine.connect() as connection:
        assert read_runs(connection, numbers) == [run for run, _ in kept][::-1]
        assert read_runs(connection, iter([numbers[1], 10**9])) == [kept[1][0]]
    assert [run.begun.microsecond for run, _ in kept] == [123_456, 123_457, 123_458]


def test_runs_that_bring_the_same_route_at_once_are_all_kept(
    server_engine: Engine, server_database: str
) -> None:
    keep_some(server_engine, 1)
    asked = threading.Event()
    other = open_engine(server_database, writes=True, creates=False)
    event.listen(other, "before_cursor_execute", lambda *_: asked.set())
    with ThreadPoolExecutor(1) as pool, server_engine.connect() as connection:
        with connection.begin():
            first = write(connection, a_run(), a_trace("shop.new"))
            second = pool.submit(keep, other, a_run(), a_trace("shop.new"), EVERYTHING)
            # It comes to the route before the first run is committed, or after it.
            asked.wait()
        numbers = {first.number, second.result().number}
    other.dispose()
    with server_engine.connect() as connection:
        for number in numbers:
            (response,) = read_trace(connection, number).responses
            assert response.receiver == "shop.new"


def give_up(engine: Engine, times: int) -> list[int]:
    """Have the server give up so many transactions that write responses; counts them."""
    given_up: list[int] = []

    @event.listens_for(engine, "before_cursor_execute")
    def refuse(connection: Any, cursor: Any, statement: str, *rest: object) -> None:
        if statement.startswith("INSERT INTO signalcli_response") and len(given_up) < times:
            given_up.append(len(given_up))
            connection.exec_driver_sql(
                "DO $$ BEGIN RAISE deadlock_detected; END $$"
                if connection.dialect.name == "postgresql"
                else "SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213"
            )

    return given_up


def test_a_run_is_kept_although_the_server_gives_its_transaction_up(server_engine: Engine) -> None:
    keep_some(server_engine, 1)
    given_up = give_up(server_engine, 3)
    assert len(keep_some(server_engine, 1)) == 1
    assert len(given_up) == 3
    assert len(numbers_in(server_engine)) == 2


def test_a_run_that_the_server_gives_up_every_time_is_an_error(server_engine: Engine) -> None:
    keep_some(server_engine, 1)
    give_up(server_engine, EVERYTHING)
    with pytest.raises(OperationalError):
        keep_some(server_engine, 1)
    assert numbers_in(server_engine) == [1]
