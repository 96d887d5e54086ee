"""Totals: what receivers did in all, without a trace."""

import asyncio
import gc
import logging
import subprocess
import sys
import threading
import weakref
from collections import Counter
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signalcli.dispatch import Signal
from signalcli.trace import (
    Faults,
    InjectedFault,
    Recorder,
    Totals,
    Trace,
    injected,
    record,
    totalled,
)
from signalcli.trace.output import dropped_output

# A busy machine may take its time over an example.
unhurried = settings(deadline=None, max_examples=60)

WAYS = ("send", "send_robust", "asend", "asend_robust")
every_way = pytest.mark.parametrize("way", WAYS)

news = Signal()
echo = Signal()


def fine(**named: Any) -> None: ...


def failing(**named: Any) -> None:
    raise LookupError("lost")


def echoing(depth: int, **named: Any) -> None:
    if depth:
        echo.send_robust(None, depth=depth - 1)


async def fine_async(**named: Any) -> None: ...


async def failing_async(**named: Any) -> None:
    raise LookupError("lost")


class Desk:
    def take(self, **named: Any) -> None: ...

    def __call__(self, **named: Any) -> None: ...


desk = Desk()
RECEIVERS = [
    fine,
    failing,
    echoing,
    fine_async,
    failing_async,
    desk.take,
    desk,
    partial(fine, by="part"),
    lambda **named: None,
]


def dispatch(signal: Signal, way: str, **named: Any) -> None:
    # Where several async receivers fail, their failures come as a group.
    with suppress(LookupError, InjectedFault, ExceptionGroup):
        sending = getattr(signal, way)(None, **named)
        if way.startswith("a"):
            asyncio.run(sending)


def in_thread(function: Any, *args: Any) -> None:
    thread = threading.Thread(target=function, args=args)
    thread.start()
    thread.join()


def counted(totals: Totals) -> list[tuple[str, str, str, int, int]]:
    return [
        (total.signal, total.signal_path, total.receiver, total.runs, total.failures)
        for total in totals
    ]


def counted_from(trace: Trace) -> list[tuple[str, str, str, int, int]]:
    runs: Counter[tuple[str, str, str]] = Counter()
    failures: Counter[tuple[str, str, str]] = Counter()
    for response in sorted(trace.responses, key=lambda response: response.begun):
        who = response.dispatch.signal, response.dispatch.signal_path, response.receiver
        runs[who] += 1
        failures[who] += response.failure is not None
    return [(*who, count, failures[who]) for who, count in runs.items()]


@pytest.fixture(autouse=True)
def unlogged() -> Any:
    logging.getLogger("signalcli.dispatch").disabled = True
    yield
    logging.getLogger("signalcli.dispatch").disabled = False


connections = st.tuples(st.sampled_from([news, echo]), st.sampled_from(range(len(RECEIVERS))))
sendings = st.tuples(
    st.sampled_from([news, echo]), st.sampled_from(WAYS), st.integers(0, 2), st.booleans()
)


@unhurried
@given(
    connected=st.lists(connections, unique=True, max_size=8),
    sent=st.lists(sendings, max_size=6),
    fail=st.sets(st.sampled_from(["fine", "take", "fine_async"])),
    mute=st.sets(st.sampled_from(["news", "echo"]), max_size=1),
)
def test_the_totals_of_any_sendings_are_those_of_their_trace(
    connected: Any, sent: Any, fail: set[str], mute: set[str]
) -> None:
    totals, recorder = Totals(), Recorder()
    receivers = [(signal, RECEIVERS[number]) for signal, number in connected]
    for signal, receiver in receivers:
        signal.connect(receiver, weak=False)
    try:
        with injected(Faults(fail=fail, mute=mute)), totalled(totals), record(recorder):
            for signal, way, depth, is_elsewhere in sent:
                sending = partial(dispatch, signal, way, depth=depth)
                in_thread(sending) if is_elsewhere else sending()
    finally:
        for signal, receiver in receivers:
            signal.disconnect(receiver)
    assert counted(totals) == counted_from(recorder.trace)


@unhurried
@given(
    connected=st.lists(connections, unique=True, max_size=8), sent=st.lists(sendings, max_size=6)
)
def test_totals_are_the_same_with_and_without_a_trace(connected: Any, sent: Any) -> None:
    alone, beside = Totals(), Totals()
    receivers = [(signal, RECEIVERS[number]) for signal, number in connected]
    for signal, receiver in receivers:
        signal.connect(receiver, weak=False)
    try:
        for signal, way, depth, _ in sent:
            with totalled(alone):
                dispatch(signal, way, depth=depth)
            with totalled(beside), record(Recorder()):
                dispatch(signal, way, depth=depth)
    finally:
        for signal, receiver in receivers:
            signal.disconnect(receiver)
    assert counted(alone) == counted(beside)


@every_way
def test_each_receiver_has_its_runs_failures_and_seconds(way: str) -> None:
    totals = Totals()
    with echo.connected_to(fine), echo.connected_to(fine_async), totalled(totals):
        dispatch(echo, way)
        dispatch(echo, way)
    first, second = totals
    assert (first.signal, first.signal_path) == ("echo", f"{__name__}.echo")
    assert first.receiver == f"{__name__}.fine"
    assert second.receiver == f"{__name__}.fine_async"
    assert [(total.runs, total.failures) for total in (first, second)] == [(2, 0), (2, 0)]
    assert first.seconds > 0
    assert second.seconds > 0


@every_way
@pytest.mark.parametrize("receiver", [failing, failing_async])
def test_a_failure_counts_robust_or_not(way: str, receiver: Any) -> None:
    totals = Totals()
    with news.connected_to(receiver), totalled(totals):
        dispatch(news, way)
    [total] = totals
    assert (total.runs, total.failures) == (1, 1)


def test_a_receiver_of_two_signals_has_a_total_for_each() -> None:
    totals = Totals()
    with news.connected_to(fine), echo.connected_to(fine), totalled(totals):
        echo.send(None)
        news.send(None)
        echo.send(None)
    assert [(total.signal, total.runs) for total in totals] == [("echo", 2), ("news", 1)]


def test_the_order_is_that_in_which_they_first_began_and_time_is_inclusive() -> None:
    totals = Totals()
    with news.connected_to(echoing), echo.connected_to(fine), totalled(totals):
        news.send(None, depth=1)
    outer, inner = totals
    assert (outer.receiver, inner.receiver) == (f"{__name__}.echoing", f"{__name__}.fine")
    assert outer.seconds > inner.seconds


def test_totals_can_be_read_while_they_grow_and_go_on_later() -> None:
    totals = Totals()
    with news.connected_to(fine):
        with totalled(totals):
            news.send(None)
            assert [total.runs for total in totals] == [1]
        news.send(None)
        with totalled(totals):
            news.send(None)
    assert [total.runs for total in totals] == [2]


def test_responses_of_many_threads_are_all_counted() -> None:
    totals = Totals()

    def send_often() -> None:
        for _ in range(500):
            news.send_robust(None)

    with news.connected_to(failing), totalled(totals):
        threads = [threading.Thread(target=send_often) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [(total.runs, total.failures) for total in totals] == [(2000, 2000)]


def test_a_signal_without_connections_stays_idle_and_one_with_them_is_not() -> None:
    with totalled(Totals()):
        assert news.is_idle
        with news.connected_to(fine):
            assert not news.is_idle


def test_faults_on_purpose_count_as_failures_and_time() -> None:
    totals = Totals()
    faults = Faults(fail=["fine"], delay={"take": 0.01})
    with (
        news.connected_to(fine),
        news.connected_to(desk.take),
        injected(faults),
        totalled(totals),
    ):
        news.send_robust(None)
    failed, slow = totals
    assert (failed.runs, failed.failures) == (1, 1)
    assert (slow.runs, slow.failures) == (1, 0)
    assert slow.seconds >= 0.01


def test_totals_keep_neither_receivers_nor_signals_alive() -> None:
    totals = Totals()
    signal, here = Signal(), Desk()

    def local(**named: Any) -> None: ...

    for receiver in (local, here.take, here):
        signal.connect(receiver)
    with totalled(totals):
        signal.send(None)
        gone = [weakref.ref(local), weakref.ref(here), weakref.ref(signal)]
        del local, here, receiver
        gc.collect()
        assert [reference() for reference in gone[:2]] == [None, None]
        assert signal.send(None) == []
        del signal
        gc.collect()
        assert gone[2]() is None
    assert [total.runs for total in totals] == [1, 1, 1]


def test_a_signal_made_again_adds_to_the_total_of_its_name() -> None:
    totals = Totals()
    for _ in range(20):
        signal = Signal()
        with signal.connected_to(fine), totalled(totals):
            signal.send(None)
        del signal
        gc.collect()
    assert [total.runs for total in totals] == [20]


def test_a_finaliser_that_sends_while_totals_grow_is_counted() -> None:
    totals = Totals()

    class Last:
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            echo.send(None)

    def littering(**named: Any) -> None:
        for _ in range(50):
            Last()

    with news.connected_to(littering), echo.connected_to(fine), totalled(totals):
        for _ in range(40):
            news.send(None)
        gc.collect()
    assert [total.runs for total in totals] == [40, 2000]


def test_what_describing_a_value_for_a_trace_sets_off_is_not_counted() -> None:
    class Chatty:
        def __repr__(self) -> str:
            echo.send(None)
            return "chatty"

    totals = Totals()
    with news.connected_to(fine), echo.connected_to(fine), totalled(totals), record(Recorder()):
        news.send(Chatty(), instance=Chatty())
    assert [(total.signal, total.runs) for total in totals] == [("news", 1)]


# --- what receivers print ----------------------------------------------------------------------


def printing(**named: Any) -> None:
    print("printed")
    sys.stdout.write("written\n")
    sys.stdout.writelines(["lines\n"])
    sys.stdout.buffer.write(b"bytes\n")
    sys.stdout.flush()
    sys.stdout.close()


def test_dropped_output_appears_nowhere(capfd: pytest.CaptureFixture[str]) -> None:
    def threading_out(**named: Any) -> None:
        in_thread(printing)

    with news.connected_to(printing), news.connected_to(threading_out):
        with dropped_output() as stream, totalled(Totals()):
            news.send(None)
            assert not sys.stdout.isatty()
            print("said", file=stream)
        print("after")
    assert capfd.readouterr().out == "said\nafter\n"


def test_what_a_trace_catches_is_not_dropped(capfd: pytest.CaptureFixture[str]) -> None:
    recorder = Recorder()
    with news.connected_to(printing), record(recorder), dropped_output():
        news.send(None)
        print("between")
    [response] = recorder.trace.responses
    assert response.output == "printed\nwritten\nlines\nbytes\n"
    assert capfd.readouterr().out == ""


def test_dropping_may_begin_and_end_in_any_order(capfd: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout
    first, second = dropped_output(), dropped_output()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    print("dropped")
    second.__exit__(None, None, None)
    print("shown")
    assert sys.stdout is before
    assert capfd.readouterr().out == "shown\n"


def test_a_process_that_prints_by_itself_is_left_alone(capfd: pytest.CaptureFixture[str]) -> None:
    with dropped_output():
        subprocess.run([sys.executable, "-c", "print('child')"], check=True)
    assert capfd.readouterr().out == "child\n"
