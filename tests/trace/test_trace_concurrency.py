"""What overlaps in time with its like."""

import asyncio
import itertools
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from signalcli.dispatch import Signal
from signalcli.trace import Recorder, record
from signalcli.trace.concurrency import concurrent
from signalcli.trace.records import Dispatch, Response

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
