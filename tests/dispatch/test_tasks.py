"""Async receivers and async senders: who runs when, who fails, and where sync meets async."""

import asyncio
import contextvars
import logging
import sys
import threading
import warnings
from collections.abc import Coroutine
from typing import Any

import pytest

from signalcli.dispatch import Signal
from signalcli.dispatch.tasks import add_bridge
from tests import processes

level: contextvars.ContextVar[str] = contextvars.ContextVar("level", default="ground")


@pytest.fixture
def signal() -> Signal:
    return Signal()


def sync_receiver(**named: Any) -> str:
    return "sync"


async def async_receiver(**named: Any) -> str:
    return "async"


async def another_async_receiver(**named: Any) -> str:
    return "another"


def failing(**named: Any) -> None:
    raise LookupError("sync")


async def failing_async(**named: Any) -> None:
    raise LookupError("async")


class Hands:
    """Receivers that can only finish when all of them run at the same time."""

    def __init__(self) -> None:
        self.met = asyncio.Barrier(3)

    async def first(self, **named: Any) -> str:
        await self.met.wait()
        return "first"

    async def second(self, **named: Any) -> str:
        await self.met.wait()
        return "second"

    async def third(self, **named: Any) -> str:
        await self.met.wait()
        return "third"


@pytest.mark.parametrize("way", ["send", "send_robust", "asend", "asend_robust"])
def test_async_receivers_run_concurrently(signal: Signal, way: str) -> None:
    hands = Hands()
    receivers = [hands.first, hands.second, hands.third]
    for each in receivers:
        signal.connect(each)

    responses = getattr(signal, way)(None)
    if way.startswith("a"):
        responses = asyncio.run(asyncio.wait_for(responses, timeout=60))

    assert responses == list(zip(receivers, ["first", "second", "third"], strict=True))


@pytest.mark.parametrize("way", ["asend", "asend_robust"])
def test_sync_receivers_of_an_async_sender_run_one_by_one_before_the_async_ones(
    signal: Signal, way: str
) -> None:
    order = []

    async def last(**named: Any) -> None:
        order.append("last")

    def first(**named: Any) -> None:
        order.append("first")

    def second(**named: Any) -> None:
        order.append("second")

    for each in (last, first, second):
        signal.connect(each)

    responses = asyncio.run(getattr(signal, way)(None))

    assert order == ["first", "second", "last"]
    assert [who for who, _ in responses] == [first, second, last]


def test_sync_receivers_of_an_async_sender_do_not_block_its_loop(signal: Signal) -> None:
    loop_went_on = threading.Event()

    def waiting(**named: Any) -> bool:
        return loop_went_on.wait(timeout=60)

    signal.connect(waiting)

    async def main() -> Any:
        asyncio.get_running_loop().call_soon(loop_went_on.set)
        return await signal.asend(None)

    assert asyncio.run(main()) == [(waiting, True)]


@pytest.mark.parametrize("way", ["asend", "asend_robust"])
def test_an_async_sender_without_receivers_gets_an_empty_list(signal: Signal, way: str) -> None:
    assert asyncio.run(getattr(signal, way)(None)) == []


@pytest.mark.parametrize("way", ["asend", "asend_robust"])
def test_a_muted_signal_reaches_nobody_from_async_senders(signal: Signal, way: str) -> None:
    signal.connect(sync_receiver)
    signal.connect(async_receiver)

    with signal.muted():
        assert asyncio.run(getattr(signal, way)(None)) == []


@pytest.mark.parametrize("way", ["asend", "asend_robust"])
def test_an_async_sender_cannot_name_an_argument_signal_when_somebody_receives(
    signal: Signal, way: str
) -> None:
    signal.connect(async_receiver)

    with pytest.raises(TypeError, match="signal"):
        asyncio.run(getattr(signal, way)(None, signal="mine"))


def test_async_receivers_are_not_called_after_a_sync_one_failed(signal: Signal) -> None:
    called = []

    async def recording(**named: Any) -> None:
        called.append("async")

    signal.connect(recording)
    signal.connect(failing)

    with pytest.raises(LookupError, match="sync"):
        asyncio.run(signal.asend(None))
    with pytest.raises(LookupError, match="sync"):
        signal.send(None)

    assert called == []


@pytest.mark.parametrize("way", ["send_robust", "asend_robust"])
def test_a_robust_dispatch_returns_and_logs_the_exceptions_of_sync_and_async_receivers(
    signal: Signal, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    for each in (failing_async, async_receiver, failing, sync_receiver):
        signal.connect(each)

    with caplog.at_level(logging.ERROR, logger="signalcli.dispatch"):
        responses = getattr(signal, way)(None)
        if way.startswith("a"):
            responses = asyncio.run(responses)

    assert [(who, str(value)) for who, value in responses] == [
        (failing, "sync"),
        (sync_receiver, "sync"),
        (failing_async, "async"),
        (async_receiver, "async"),
    ]
    logged = [record.exc_info[1] for record in caplog.records if record.exc_info]
    assert logged == [responses[0][1], responses[2][1]]


def test_cancelling_an_async_sender_cancels_its_receivers(signal: Signal) -> None:
    ends = []

    async def endless(**named: Any) -> None:
        try:
            named["begun"].set()
            await asyncio.Event().wait()
        finally:
            ends.append("ended")

    signal.connect(endless)
    signal.connect(async_receiver)

    async def main() -> None:
        begun = asyncio.Event()
        sending = asyncio.create_task(signal.asend_robust(None, begun=begun))
        await begun.wait()
        sending.cancel()
        await sending

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())

    assert ends == ["ended"]


@pytest.mark.parametrize("way", ["send", "send_robust", "asend", "asend_robust"])
def test_receivers_see_the_context_variables_of_their_sender(signal: Signal, way: str) -> None:
    def seeing(**named: Any) -> str:
        return level.get()

    async def seeing_async(**named: Any) -> str:
        return level.get()

    async def seeing_async_too(**named: Any) -> str:
        return level.get()

    for each in (seeing, seeing_async, seeing_async_too):
        signal.connect(each)

    async def main() -> Any:
        level.set("async")
        return await getattr(signal, way)(None)

    if way.startswith("a"):
        responses = asyncio.run(main())
        assert [value for _, value in responses] == ["async"] * 3
    else:
        responses = contextvars.copy_context().run(
            lambda: level.set("sync") and getattr(signal, way)(None)
        )
        assert [value for _, value in responses] == ["sync"] * 3


# --- sync senders and running loops -----------------------------------------------------------


@pytest.mark.parametrize("way", ["send", "send_robust"])
@pytest.mark.parametrize("receivers", [[async_receiver], [async_receiver, another_async_receiver]])
@pytest.mark.filterwarnings("error")
def test_a_sync_send_to_async_receivers_inside_a_running_loop_is_refused_without_a_trace(
    signal: Signal, receivers: list[Any], way: str
) -> None:
    for each in receivers:
        signal.connect(each)

    async def main() -> None:
        getattr(signal, way)(None)

    # "Never awaited" is warned of while a coroutine is deleted, where an error would be lost.
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        # Asgiref's words, which Django's users know, and then what to do.
        with pytest.raises(RuntimeError, match=r"^You cannot use AsyncToSync .* await asend\(\)"):
            asyncio.run(main())
    assert warned == []


@pytest.mark.filterwarnings("error")
def test_a_sync_send_to_sync_receivers_inside_a_running_loop_works(signal: Signal) -> None:
    signal.connect(sync_receiver)

    async def main() -> Any:
        return signal.send(None)

    assert asyncio.run(main()) == [(sync_receiver, "sync")]


def test_a_sync_receiver_of_an_async_sender_may_send_to_async_receivers(signal: Signal) -> None:
    inner = Signal()
    inner.connect(async_receiver)

    def sending(**named: Any) -> Any:
        return inner.send(None)

    signal.connect(sending)

    assert asyncio.run(signal.asend(None)) == [(sending, [(async_receiver, "async")])]


class Channel:
    """A bridge that, while it is open, drives a coroutine that waits for nothing by hand."""

    def __init__(self) -> None:
        self.is_open = False
        self.crossed = 0

    def reaches_a_loop(self) -> bool:
        return self.is_open

    def wait_for(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        self.crossed += 1
        try:
            coroutine.send(None)
        except StopIteration as end:
            return end.value
        raise AssertionError("the coroutine waited")


def test_a_bridge_awaits_async_receivers_inside_a_running_loop_where_it_reaches_it(
    signal: Signal,
) -> None:
    channel = Channel()
    add_bridge(channel)
    signal.connect(async_receiver)

    async def main() -> Any:
        return signal.send(None)

    channel.is_open = True
    try:
        assert asyncio.run(main()) == [(async_receiver, "async")]
    finally:
        channel.is_open = False
    assert channel.crossed == 1
    assert signal.send(None) == [(async_receiver, "async")]
    assert channel.crossed == 1


FIRST_OF_A_PROCESS = """
import asyncio
from signalcli.dispatch import Signal

outer, inner = Signal(), Signal()
has_sent = {"a": asyncio.Event(), "b": asyncio.Event()}

def connect(me, other):
    async def receive(**named):
        await inner.asend(me)
        has_sent[me].set()
        await has_sent[other].wait()
        return me
    outer.connect(receive, weak=False)

inner.connect(lambda **named: None, weak=False)
connect("a", "b")
connect("b", "a")
print([answer for _, answer in asyncio.run(outer.asend(None))])
"""


def test_async_receivers_may_send_to_sync_ones_before_anybody_has_used_a_thread() -> None:
    run = processes.run([sys.executable, "-c", FIRST_OF_A_PROCESS], check=True)
    assert run.stdout == "['a', 'b']\n"
