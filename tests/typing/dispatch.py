"""Signals and receivers."""

from collections.abc import Callable
from typing import Any, assert_type

from signalcli.dispatch import (
    Connection,
    Interceptor,
    Meter,
    Observer,
    Receiver,
    Responses,
    Signal,
    all_signals,
    metered,
    receiver,
    watch,
)

paid = Signal(providing_args=["order"])
shipped = Signal(use_caching=True)

Signal(["order"], True)  # type: ignore[call-arg]
Signal(providing_args=[1])  # type: ignore[list-item]


def note(order: int, **kwargs: Any) -> str:
    return f"{order}"


async def note_later(order: int, **kwargs: Any) -> str:
    return f"{order}"


class Shop:
    sold = Signal()

    def sell(self, **kwargs: Any) -> None:
        pass


def a_signal_tells_of_itself(signal: Signal) -> None:
    assert_type(signal.name, str)
    assert_type(signal.module, str)
    assert_type(signal.path, str)
    assert_type(signal.place, tuple[str, int])
    assert_type(signal.providing_args, tuple[str, ...] | None)
    assert_type(signal.connections, list[Connection])
    assert_type(signal.has_listeners(), bool)
    assert_type(signal.has_listeners(Shop), bool)
    assert_type(signal.is_idle, bool)
    assert_type(Shop.sold, Signal)
    assert_type(all_signals(), list[Signal])
    signal.path = "elsewhere"  # type: ignore[misc]


def connecting_returns_the_receiver_with_its_type() -> None:
    connected = paid.connect(note, sender=Shop, weak=False, dispatch_uid=("note", 1))
    assert_type(connected(1), str)
    connected("1")  # type: ignore[arg-type]
    assert_type(paid.connect(Shop().sell)(), None)
    paid.connect("note")  # type: ignore[type-var]
    paid.connect(note, dispatch_uid=[])  # type: ignore[arg-type]
    paid.connect(note, wake=False)  # type: ignore[call-arg]
    assert_type(paid.disconnect(note, Shop), bool)
    assert_type(paid.disconnect(dispatch_uid="note"), bool)
    paid.disconnect(1)  # type: ignore[arg-type]


@paid.connect
def connected_by_the_method(order: int, **kwargs: Any) -> str:
    return f"{order}"


@receiver(paid)
def of_one_signal(order: int, **kwargs: Any) -> str:
    return f"{order}"


@receiver([paid, shipped], sender=Shop, weak=False)
async def of_two_signals(**kwargs: Any) -> int:
    return 1


async def a_decorated_receiver_is_the_function_that_it_was() -> None:
    assert_type(connected_by_the_method(1), str)
    assert_type(of_one_signal(order=1), str)
    assert_type(await of_two_signals(), int)
    of_one_signal()  # type: ignore[call-arg]
    receiver("paid")  # type: ignore[arg-type]
    receiver(paid)("note")  # type: ignore[type-var]


async def sending_answers_with_pairs_of_receiver_and_value() -> None:
    for responses in (
        paid.send(Shop, order=1),
        paid.send_robust(None, order=1),
        await paid.asend("a name", order=1),
        await paid.asend_robust(Shop, order=1),
    ):
        assert_type(responses, list[tuple[Callable[..., Any], Any]])
    paid.send()  # type: ignore[call-arg]
    paid.send(Shop, 1)  # type: ignore[call-arg]
    paid.asend(Shop).append  # type: ignore[attr-defined]


def the_names_of_types_are_what_is_sent_and_answered(call: Receiver, answers: Responses) -> None:
    assert_type(call, Callable[..., Any])
    assert_type(answers, list[tuple[Callable[..., Any], Any]])


def blocks_for_tests() -> None:
    with paid.connected_to(note, sender=Shop) as connected:
        assert_type(connected(1), str)
    with paid.muted() as nothing:
        assert_type(nothing, None)
    with paid.connected_to(1):  # type: ignore[type-var]
        pass


class TakingNotice(Interceptor):
    def instead_of(self, receiver: Receiver, is_async: bool) -> Receiver:
        return receiver


class Counting:
    def measured(
        self,
        signal: Any,
        receiver: Receiver,
        begun: float,
        ended: float,
        error: BaseException | None,
    ) -> None:
        pass


def watching(meter: Meter) -> None:
    observer: Observer = TakingNotice()
    with watch(observer), metered(Counting()), metered(meter) as nothing:
        assert_type(nothing, None)
    watch(Counting())  # type: ignore[arg-type]
    metered(TakingNotice())  # type: ignore[arg-type]
