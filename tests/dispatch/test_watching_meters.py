"""Metering: a meter is told of responses alone, and changes nothing."""

import asyncio
import threading
from typing import Any

import pytest

from signalcli.dispatch import Interceptor, Receiver, Signal, metered, watch
from tests.dispatch.receivers import dispatch, every_way, failing, failing_async, one, three


class Meter:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[Signal, Any, BaseException | None]] = []
        self.times: list[tuple[float, float]] = []

    def measured(
        self,
        signal: Signal,
        receiver: Receiver,
        begun: float,
        seconds: float,
        error: BaseException | None,
    ) -> None:
        self.told.append((signal, receiver, error))
        self.times.append((begun, seconds))


@pytest.fixture
def signal() -> Signal:
    return Signal()


@every_way
def test_a_meter_is_told_of_each_response_and_changes_none(signal: Signal, way: str) -> None:
    signal.connect(one)
    signal.connect(three)
    meter, other = Meter(), Meter()
    with metered(meter), metered(other):
        assert dispatch(signal, way, by="me") == [(one, 1), (three, 3)]
    assert dispatch(signal, way) == [(one, 1), (three, 3)]
    assert meter.told == other.told == [(signal, one, None), (signal, three, None)]
    (first, seconds), (second, _) = meter.times
    assert first + seconds <= second


@pytest.mark.parametrize("receiver", [failing, failing_async])
@every_way
def test_a_meter_is_told_of_the_exception(signal: Signal, way: str, receiver: Any) -> None:
    signal.connect(receiver)
    meter = Meter()
    with metered(meter):
        if way.endswith("robust"):
            [(_, error)] = dispatch(signal, way)
        else:
            with pytest.raises(LookupError) as raised:
                dispatch(signal, way)
            error = raised.value
    assert meter.told == [(signal, receiver, error)]


def test_a_meter_is_told_what_is_cancelled(signal: Signal) -> None:
    async def endless(**named: Any) -> None:
        await asyncio.Event().wait()

    signal.connect(endless)
    signal.connect(failing_async)
    meter = Meter()
    with metered(meter), pytest.raises(LookupError):
        dispatch(signal, "asend")
    assert [(receiver, type(error)) for _, receiver, error in meter.told] == [
        (failing_async, LookupError),
        (endless, asyncio.CancelledError),
    ]


@every_way
def test_a_meter_is_told_nothing_of_a_signal_without_receivers(signal: Signal, way: str) -> None:
    meter = Meter()
    with metered(meter):
        assert signal.is_idle
        assert dispatch(signal, way) == []
    assert meter.told == []


@every_way
def test_a_meter_is_told_of_the_receiver_and_not_of_who_stands_in_for_it(
    signal: Signal, way: str
) -> None:
    class Substitute(Interceptor):
        def instead_of(self, receiver: Receiver, is_async: bool) -> Receiver:
            return failing_async if is_async else failing

    signal.connect(one)
    signal.connect(three)
    meter = Meter()
    with metered(meter), watch(Substitute()):
        if way.endswith("robust"):
            dispatch(signal, way)
        else:
            with pytest.raises(LookupError):
                dispatch(signal, way)
    called = [one, three] if way.endswith("robust") else [one]
    assert [receiver for _, receiver, _ in meter.told] == called
    assert all(isinstance(error, LookupError) for _, _, error in meter.told)


@every_way
def test_a_receiver_that_counts_as_false_is_called(signal: Signal, way: str) -> None:
    class Empty(list[Any]):
        def __hash__(self) -> int:
            return id(self)

        def __call__(self, **named: Any) -> str:
            return "empty"

    empty = Empty()
    signal.connect(empty)
    with metered(Meter()):
        assert dispatch(signal, way) == [(empty, "empty")]
        with watch(Interceptor()):
            assert dispatch(signal, way) == [(empty, "empty")]


def test_a_meter_is_told_in_the_thread_of_the_response(signal: Signal) -> None:
    threads: list[int] = []

    class Noting(Meter):
        def measured(self, *told: Any) -> None:
            threads.append(threading.get_ident())

    def receiving(**named: Any) -> int:
        return threading.get_ident()

    signal.connect(receiving)
    with metered(Noting()):
        [(_, away)] = dispatch(signal, "asend")
        [(_, here)] = dispatch(signal, "send")
    assert threads == [away, here]
