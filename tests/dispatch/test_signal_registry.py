"""Every living signal can be listed, and listing keeps none of them alive."""

import gc
import sys
import threading
import weakref
from typing import Any

import pytest

from signalcli.dispatch import Signal, all_signals


def positions(*signals: Signal) -> list[int]:
    """Where signals stand in the list, found by identity."""
    order = {id(signal): position for position, signal in enumerate(all_signals())}
    return [order[id(signal)] for signal in signals]


def test_signals_are_listed_once_each_in_the_order_of_their_making() -> None:
    first, second, third = Signal(), Signal(["a"]), Signal()
    places = positions(first, second, third)
    assert places == sorted(places)
    assert len({id(signal) for signal in all_signals()}) == len(all_signals())


def test_a_signal_of_a_subclass_is_listed_with_all_that_the_dispatcher_gives_it() -> None:
    class Loud(Signal):
        def __init__(self) -> None:
            super().__init__(["volume"])

    loud = Loud()
    (found,) = [signal for signal in all_signals() if signal is loud]
    assert found.providing_args == ("volume",)
    assert found.connections == []


def test_a_signal_that_compares_equal_to_others_is_listed_all_the_same() -> None:
    class Alike(Signal):
        def __eq__(self, other: object) -> bool:
            return isinstance(other, Alike)

        __hash__ = None  # type: ignore[assignment]  # as Python has it for a class with __eq__

    one, other = Alike(), Alike()
    assert len(set(positions(one, other))) == 2


def test_a_signal_that_is_gone_vanishes() -> None:
    gc.collect()
    kept, gone = Signal(), Signal()
    name = weakref.ref(gone)
    before = len(all_signals())
    del gone
    gc.collect()
    assert name() is None
    assert len(all_signals()) == before - 1
    assert positions(kept)


def test_a_signal_in_a_cycle_vanishes_when_the_cycle_is_collected() -> None:
    gc.collect()
    before = len(all_signals())
    signal: Any = Signal()
    signal.itself = signal
    assert len(all_signals()) == before + 1
    del signal
    gc.collect()
    assert len(all_signals()) == before


def test_a_signal_that_was_refused_is_not_listed() -> None:
    gc.collect()
    before = len(all_signals())
    with pytest.raises(TypeError):
        Signal("no list")
    gc.collect()
    assert len(all_signals()) == before


def test_a_finaliser_may_make_signals_and_list_them() -> None:
    made: list[Signal] = []
    seen: list[int] = []

    class Dying(Signal):
        def __del__(self) -> None:
            made.append(Signal())
            seen.append(len(all_signals()))

    for _ in range(100):
        dying: Any = Dying()
        dying.itself = dying
        del dying
        all_signals()
    gc.collect()
    assert len(made) == len(seen) == 100
    assert positions(*made) == sorted(positions(*made))


def test_threads_that_make_drop_and_list_signals_lose_none() -> None:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    start = threading.Barrier(8)
    kept: list[list[Signal]] = [[] for _ in range(8)]
    errors: list[BaseException] = []

    def work(number: int) -> None:
        start.wait()
        try:
            for _ in range(200):
                kept[number].append(Signal())
                Signal()
                positions(*kept[number])
        except BaseException as error:
            errors.append(error)

    try:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert errors == []
    for signals in kept:
        places = positions(*signals)
        assert len(places) == 200
        assert places == sorted(places)
