"""Connecting, disconnecting and sending from many threads at once is safe."""

import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from signalcli.dispatch import Signal

THREADS = 8
ROUNDS = 60


@pytest.fixture(autouse=True)
def threads_that_interrupt_each_other_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def all_at_once(work: Callable[[int], None]) -> None:
    """Do the work in many threads that start together, and raise what one of them raised."""
    start = threading.Barrier(THREADS)
    errors: list[BaseException] = []

    def run(number: int) -> None:
        start.wait()
        try:
            work(number)
        except BaseException as error:  # shown by the test, not lost with the thread
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for error in errors:
        raise error


def a_receiver() -> Callable[..., Any]:
    def receiver(**named: Any) -> None: ...

    return receiver


class Sender:
    pass


def receivers_of(signal: Signal, sender: Any = None) -> list[Any]:
    return [who for who, _ in signal.send(sender)]


def test_no_connection_of_any_thread_is_lost() -> None:
    signal = Signal()
    receivers = [[a_receiver() for _ in range(ROUNDS)] for _ in range(THREADS)]

    def work(number: int) -> None:
        for receiver in receivers[number]:
            signal.connect(receiver)
            assert receiver in receivers_of(signal)

    all_at_once(work)

    reached = receivers_of(signal)
    assert len(reached) == THREADS * ROUNDS
    assert set(reached) == {receiver for each in receivers for receiver in each}
    for each in receivers:
        assert [receiver for receiver in reached if receiver in each] == each


def test_no_disconnection_of_any_thread_is_lost() -> None:
    signal = Signal()
    staying = [[a_receiver() for _ in range(ROUNDS)] for _ in range(THREADS)]

    def work(number: int) -> None:
        for receiver in staying[number]:
            leaving = a_receiver()
            signal.connect(leaving)
            signal.connect(receiver)
            assert signal.disconnect(leaving)
            assert leaving not in receivers_of(signal)

    all_at_once(work)

    assert set(receivers_of(signal)) == {receiver for each in staying for receiver in each}
    assert len(signal.connections) == THREADS * ROUNDS


def test_one_receiver_connected_by_all_threads_is_connected_once() -> None:
    signal = Signal()
    receiver = a_receiver()
    disconnected: list[bool] = []

    def work(number: int) -> None:
        signal.connect(receiver)

    all_at_once(work)
    assert receivers_of(signal) == [receiver]

    all_at_once(lambda number: disconnected.append(signal.disconnect(receiver)))
    assert sorted(disconnected) == [False] * (THREADS - 1) + [True]
    assert receivers_of(signal) == []


def test_each_thread_reaches_the_receivers_of_its_own_sender_while_others_come_and_go() -> None:
    signal = Signal()
    for_all = signal.connect(a_receiver())

    def work(number: int) -> None:
        for _ in range(ROUNDS):
            sender, receiver = Sender(), a_receiver()
            assert receivers_of(signal, sender) == [for_all]
            signal.connect(receiver, sender=sender)
            assert receivers_of(signal, sender) == [for_all, receiver]
            del sender  # its connection dies with it, at once

    all_at_once(work)

    assert receivers_of(signal) == [for_all]
    assert [connection.receiver for connection in signal.connections] == [for_all]


def test_weak_receivers_that_die_in_all_threads_leave_nothing_behind() -> None:
    signal = Signal()

    def work(number: int) -> None:
        for _ in range(ROUNDS):
            receiver = a_receiver()
            signal.connect(receiver)
            signal.send(None)
            del receiver
            signal.send_robust(None)

    all_at_once(work)

    assert signal.send(None) == []
    assert signal.connections == []


def test_a_signal_muted_in_all_threads_ends_up_as_loud_as_before() -> None:
    signal = Signal()
    receiver = signal.connect(a_receiver())

    def work(number: int) -> None:
        for _ in range(ROUNDS):
            with signal.muted():
                assert receivers_of(signal) == []

    all_at_once(work)

    assert receivers_of(signal) == [receiver]
