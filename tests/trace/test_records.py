"""What overlaps in time with its like."""

import asyncio
import itertools
import threading
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from signalcli.dispatch import Signal
from signalcli.trace import Recorder, record
from signalcli.trace.records import Dispatch, Response, SideBySide, concurrent
from tests.processes import PATIENCE_SECONDS

# A busy machine may take its time over an example.
unhurried = settings(deadline=None)

greeted = Signal()

spans = st.lists(st.tuples(st.integers(0, 30), st.none() | st.integers(1, 30)), max_size=12)


def responses(times: list[tuple[int, int | None]]) -> list[Response]:
    dispatch = Dispatch(1, None, "s", "a.s", None, False, {}, 0.0)
    return [
        Response(dispatch, f"a.r{number}", begun=begun, seconds=seconds)
        for number, (begun, seconds) in enumerate(times)
    ]


def overlap(one: Response, other: Response) -> bool:
    ends = [
        float("inf") if each.seconds is None else each.begun + each.seconds for each in (one, other)
    ]
    return max(one.begun, other.begun) < min(ends)


@unhurried
@given(spans)
def test_it_is_whatever_overlaps_with_another_one(times: list[tuple[int, int | None]]) -> None:
    some = responses(times)
    expected = {
        one for one in some if any(overlap(one, other) for other in some if other is not one)
    }
    assert concurrent(some) == expected


@unhurried
@given(st.lists(st.floats(0, 10), min_size=2, max_size=20))
def test_what_follows_at_once_does_not_overlap(ends: list[float]) -> None:
    times = sorted(ends)
    some = responses([])
    for begun, end in itertools.pairwise(times):
        some += responses([(0, None)])
        some[-1].begun, some[-1].seconds = begun, end - begun
    assert concurrent(some) == set()


def test_async_receivers_overlap_and_sync_ones_before_them_do_not() -> None:
    async def first(**kwargs: Any) -> None:
        await asyncio.sleep(0)

    async def second(**kwargs: Any) -> None:
        await asyncio.sleep(0)

    def before(**kwargs: Any) -> None:
        pass

    recorder = Recorder()
    with (
        record(recorder),
        greeted.connected_to(first),
        greeted.connected_to(second),
        greeted.connected_to(before),
    ):
        greeted.send(None)
        asyncio.run(greeted.asend(None))
    for dispatch in recorder.trace.dispatches:
        found = concurrent(dispatch.responses)
        names = [each.short_receiver for each in dispatch.responses if each in found]
        assert names == ["first", "second"]


def test_an_async_receiver_alone_does_not_overlap() -> None:
    async def alone(**kwargs: Any) -> None:
        await asyncio.sleep(0)

    recorder = Recorder()
    with record(recorder), greeted.connected_to(alone):
        greeted.send(None)
    assert concurrent(recorder.trace.responses) == set()


def outline(recorder: Recorder) -> list[tuple[str, str, bool]]:
    """Who received what, and whether at the same time as others."""
    side_by_side = SideBySide()
    return [
        (dispatch.signal, response.short_receiver, response in side_by_side.responses_of(dispatch))
        for dispatch in recorder.trace.dispatches
        for response in dispatch.responses
    ]


outer, inner = Signal(), Signal()


def test_what_threads_send_at_the_same_time_is_told() -> None:
    together = threading.Barrier(2, timeout=PATIENCE_SECONDS)

    def meet(**named: Any) -> None:
        together.wait()

    def fork(**named: Any) -> None:
        threads = [threading.Thread(target=inner.send, args=(None,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    with (
        outer.connected_to(fork),
        inner.connected_to(meet),
        record(Recorder()) as recorder,
    ):
        outer.send(None)
    assert outline(recorder) == [
        ("outer", "fork", False),
        ("inner", "meet", True),
        ("inner", "meet", True),
    ]


def test_what_one_thread_after_the_other_sends_is_not() -> None:
    def fork(**named: Any) -> None:
        for _ in range(2):
            thread = threading.Thread(target=inner.send, args=(None,))
            thread.start()
            thread.join()

    def note(**named: Any) -> None: ...

    with (
        outer.connected_to(fork),
        inner.connected_to(note),
        record(Recorder()) as recorder,
    ):
        outer.send(None)
    assert [is_told for _, _, is_told in outline(recorder)] == [False] * 3


def test_what_tasks_send_at_the_same_time_is_told() -> None:
    async def pause(**named: Any) -> None:
        await asyncio.sleep(0)

    async def fork(**named: Any) -> None:
        await asyncio.gather(inner.asend(None), inner.asend(None))

    async def work() -> None:
        await outer.asend(None)

    with (
        outer.connected_to(fork),
        inner.connected_to(pause),
        record(Recorder()) as recorder,
    ):
        asyncio.run(work())
    assert [is_told for _, _, is_told in outline(recorder)] == [False, True, True]


def test_what_is_nested_by_a_cause_that_comes_back_is_not() -> None:
    recorder = Recorder()

    def note(**named: Any) -> None: ...

    def report_for_my_cause(**named: Any) -> None:
        response = recorder.current()
        assert response is not None
        with recorder.as_current(response.dispatch.parent):
            inner.send("later")

    def begin(**named: Any) -> None:
        inner.send("now")

    with (
        outer.connected_to(begin),
        inner.connected_to(report_for_my_cause, sender="now"),
        inner.connected_to(note, sender="later"),
        record(recorder),
    ):
        outer.send(None)
    assert [dispatch.parent for dispatch in recorder.trace.dispatches[1:]] == [
        recorder.trace.dispatches[0].responses[0]
    ] * 2
    assert [is_told for _, _, is_told in outline(recorder)] == [False] * 3
