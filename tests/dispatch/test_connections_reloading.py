"""Receivers that are defined anew under their ``dispatch_uid``, as when a module is reloaded."""

import asyncio
import gc
import importlib
import sys
import textwrap
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signalcli.dispatch import Signal, watch
from signalcli.dispatch.watching import Interceptor


@pytest.fixture
def signal() -> Signal:
    return Signal()


def receiver_of(number: int) -> Any:
    def receiver(**named: Any) -> int:
        return number

    return receiver


def values(signal: Signal, sender: Any = None) -> list[Any]:
    return [value for _, value in signal.send(sender)]


def first(**named: Any) -> str:
    return "first"


def last(**named: Any) -> str:
    return "last"


# --- modules ----------------------------------------------------------------------------------

DECORATED = """
    @receiver(happened, dispatch_uid="once")
    def react(**named): return VERSION
"""
CONNECTED = """
    def react(**named): return VERSION
    happened.connect(react, dispatch_uid="once")
"""
METHOD = """
    class Reactions:
        def react(self, **named): return VERSION
    react = Reactions()
    happened.connect(react.react, dispatch_uid="once")
"""
ASYNC = """
    @receiver(happened, dispatch_uid="once")
    async def react(**named): return VERSION
"""


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., ModuleType]]:
    """Writes a module and loads it, anew if it was loaded before."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def load(body: str, version: int) -> ModuleType:
        header = "from signalcli.dispatch import receiver\nfrom reloading_signals import happened\n"
        source = header + textwrap.dedent(body).replace("VERSION", str(version))
        (tmp_path / "reloading_receivers.py").write_text(source, encoding="utf-8")
        importlib.invalidate_caches()
        if "reloading_receivers" in sys.modules:
            return importlib.reload(sys.modules["reloading_receivers"])
        return importlib.import_module("reloading_receivers")

    signals = ModuleType("reloading_signals")
    signals.happened = Signal()  # type: ignore[attr-defined]  # modules take attributes
    monkeypatch.setitem(sys.modules, "reloading_signals", signals)
    yield load
    sys.modules.pop("reloading_receivers", None)


@pytest.mark.parametrize("before", [DECORATED, CONNECTED, METHOD, ASYNC])
@pytest.mark.parametrize("after", [DECORATED, CONNECTED, METHOD, ASYNC])
def test_a_module_that_is_reloaded_has_its_new_receiver_connected(
    load: Callable[..., ModuleType], before: str, after: str
) -> None:
    happened = sys.modules["reloading_signals"].happened

    for version, body in enumerate([before, before, after, after, before]):
        load(body, version)
        assert values(happened) == [version]
        (connection,) = happened.connections
        assert connection.is_async is (body is ASYNC)


# --- who waits, and for how long --------------------------------------------------------------


def test_the_second_waits_while_the_first_lives_and_then_has_its_place(signal: Signal) -> None:
    one, two = receiver_of(1), receiver_of(2)
    signal.connect(first)
    signal.connect(one, dispatch_uid="once")
    signal.connect(last)
    signal.connect(two, dispatch_uid="once")
    assert values(signal) == ["first", 1, "last"]
    assert [connection.receiver for connection in signal.connections] == [first, one, last]

    del one
    gc.collect()

    assert values(signal) == ["first", 2, "last"]
    assert [connection.receiver for connection in signal.connections] == [first, two, last]
    assert signal.disconnect(dispatch_uid="once")
    assert values(signal) == ["first", "last"]


def test_of_several_that_wait_the_newest_has_the_place(signal: Signal) -> None:
    one, two, three = (receiver_of(number) for number in (1, 2, 3))
    for each in (one, two, three):
        signal.connect(each, dispatch_uid="once")

    del one, each
    gc.collect()

    assert values(signal) == [3]


def test_who_connects_under_the_identifier_of_a_dead_receiver_is_connected(signal: Signal) -> None:
    one, two = receiver_of(1), receiver_of(2)
    signal.connect(one, dispatch_uid="once")
    signal.connect(last)
    del one
    gc.collect()

    signal.connect(two, dispatch_uid="once")

    # As in Django; nobody has waited for the place.
    assert values(signal) == ["last", 2]


def test_one_that_dies_while_it_waits_vanishes(signal: Signal) -> None:
    one, two = receiver_of(1), receiver_of(2)
    signal.connect(one, dispatch_uid="once")
    signal.connect(two, dispatch_uid="once")
    waiting = weakref.ref(two)
    del two
    gc.collect()
    assert waiting() is None
    assert values(signal) == [1]

    del one
    gc.collect()

    assert values(signal) == []
    assert signal.connections == []
    assert signal.is_idle
    assert signal.disconnect(dispatch_uid="once") is False


def test_both_die_at_once(signal: Signal) -> None:
    class Owner:
        def one(self, **named: Any) -> int:
            return 1

        def two(self, **named: Any) -> int:
            return 2

    owner = Owner()
    signal.connect(owner.one, dispatch_uid="once")
    signal.connect(owner.two, dispatch_uid="once")
    del owner
    gc.collect()

    assert signal.connections == []
    assert signal.is_idle


def test_disconnecting_disconnects_whoever_waits_too(signal: Signal) -> None:
    one, two = receiver_of(1), receiver_of(2)
    signal.connect(one, dispatch_uid="once")
    signal.connect(two, dispatch_uid="once")

    assert signal.disconnect(dispatch_uid="once") is True

    del one
    gc.collect()
    assert values(signal) == []
    assert signal.disconnect(dispatch_uid="once") is False
    assert two() == 2  # it lives


def test_a_receiver_does_not_wait_for_itself(signal: Signal) -> None:
    class Owner:
        def receive(self, **named: Any) -> str:
            return "received"

    owner = Owner()
    signal.connect(owner.receive, dispatch_uid="once")
    signal.connect(owner.receive, weak=False, dispatch_uid="once")
    assert values(signal) == ["received"]

    del owner
    gc.collect()

    assert values(signal) == []


def test_nobody_waits_behind_a_receiver_that_is_held(signal: Signal) -> None:
    signal.connect(receiver_of(1), weak=False, dispatch_uid="once")
    two = receiver_of(2)
    signal.connect(two, weak=False, dispatch_uid="once")
    waiting = weakref.ref(two)

    del two
    gc.collect()

    assert waiting() is None
    assert values(signal) == [1]


def test_one_that_waits_is_held_as_it_is_to_be_when_it_is_connected(signal: Signal) -> None:
    one = receiver_of(1)
    signal.connect(one, dispatch_uid="once")
    signal.connect(receiver_of(2), weak=False, dispatch_uid="once")
    gc.collect()
    assert values(signal) == [1]

    del one
    gc.collect()

    assert values(signal) == [2]
    assert signal.connections[0].weak is False


def test_identifiers_are_those_of_one_sender(signal: Signal) -> None:
    class Sender: ...

    one, two = receiver_of(1), receiver_of(2)
    signal.connect(one, sender=Sender, dispatch_uid="once")
    signal.connect(two, dispatch_uid="once")
    assert values(signal, Sender) == [1, 2]

    del one
    gc.collect()

    assert values(signal, Sender) == [2]


def test_whoever_waits_goes_with_the_sender(signal: Signal) -> None:
    class Sender: ...

    one, two = receiver_of(1), receiver_of(2)
    sender = Sender()
    signal.connect(one, sender=sender, dispatch_uid="once")
    signal.connect(two, sender=sender, weak=False, dispatch_uid="once")
    waiting = weakref.ref(two)
    del two, sender
    gc.collect()

    assert signal.connections == []
    assert waiting() is None
    assert signal.is_idle


def test_a_successor_is_heard_at_once_where_a_dead_sender_held_the_first(signal: Signal) -> None:
    class Sender: ...

    one, two = receiver_of(1), receiver_of(2)
    sender = Sender()
    signal.connect(one, dispatch_uid="once")
    signal.connect(one, sender=sender, weak=False)
    signal.connect(two, weak=False, dispatch_uid="once")
    del one, sender
    gc.collect()

    assert values(signal) == [2]


def test_a_successor_is_heard_of_a_signal_that_was_looked_at_in_between(signal: Signal) -> None:
    one, two = receiver_of(1), receiver_of(2)
    signal.connect(one, dispatch_uid="once")
    signal.connect(two, dispatch_uid="once")
    del one
    gc.collect()
    assert signal.has_listeners()
    assert not signal.is_idle
    with signal.muted():
        assert values(signal) == []
    with watch(Interceptor()):
        assert values(signal) == [2]
    assert asyncio.run(signal.asend(None)) == [(two, 2)]


def test_a_receiver_that_renews_itself_when_it_dies_is_connected(signal: Signal) -> None:
    held = []

    class Phoenix:
        def __init__(self, number: int) -> None:
            self.number = number

        def receive(self, **named: Any) -> int:
            return self.number

        def __del__(self) -> None:
            if self.number < 3:
                held[:] = [Phoenix(self.number + 1)]
                signal.connect(held[0].receive, dispatch_uid="once")

    held.append(Phoenix(1))
    signal.connect(held[0].receive, dispatch_uid="once")

    for number in (2, 3):
        held.clear()
        gc.collect()
        assert values(signal) == [number]
    held.clear()
    gc.collect()
    assert values(signal) == []


# --- the rule, by itself ----------------------------------------------------------------------

identifiers = st.sampled_from(["a", "b"])
numbers = st.integers(0, 3)
operations = st.lists(
    st.one_of(
        st.tuples(st.just("connect"), identifiers, numbers, st.booleans()),
        st.tuples(st.just("disconnect"), identifiers),
        st.tuples(st.just("drop"), numbers),
    ),
    min_size=3,
    max_size=25,
)


class Model:
    """What the connections of a signal are to be: (identifier, receiver, weak) in their order."""

    def __init__(self) -> None:
        self.connected: list[tuple[str, Any, bool]] = []
        self.waiting: dict[str, tuple[str, Any, bool]] = {}
        self.dropped: set[Any] = set()

    def connect(self, uid: str, receiver: Any, weak: bool) -> None:
        entry = (uid, receiver, weak)
        there = [each for each in self.connected if each[0] == uid]
        if not there:
            self.connected.append(entry)
        elif there[0][2] and there[0][1] != receiver:
            self.waiting[uid] = entry

    def disconnect(self, uid: str) -> bool:
        there = [each for each in self.connected if each[0] == uid]
        self.connected = [each for each in self.connected if each[0] != uid]
        self.waiting.pop(uid, None)
        return bool(there)

    def drop(self, receiver: Any) -> None:
        self.dropped.add(receiver)

    def bury(self) -> None:
        """Take out the dead: those that were dropped, and that no connection holds."""
        entries = [*self.connected, *self.waiting.values()]
        held = {receiver for _, receiver, weak in entries if not weak}
        dead = {each for each in entries if each[1] in self.dropped - held}
        self.waiting = {uid: each for uid, each in self.waiting.items() if each not in dead}
        self.connected = [
            self.waiting.pop(each[0]) if each in dead else each
            for each in self.connected
            if each not in dead or each[0] in self.waiting
        ]


@settings(max_examples=300, deadline=None)
@given(program=operations)
def test_any_sequence_of_operations_leaves_connected_who_is_to_be(program: list[Any]) -> None:
    signal, model = Signal(), Model()
    generations = [0] * 4
    receivers = [receiver_of(number * 100) for number in range(4)]

    for operation, *arguments in program:
        if operation == "connect":
            uid, number, weak = arguments
            signal.connect(receivers[number], weak=weak, dispatch_uid=uid)
            model.connect(uid, number * 100 + generations[number], weak)
        elif operation == "disconnect":
            assert signal.disconnect(dispatch_uid=arguments[0]) == model.disconnect(arguments[0])
        else:
            (number,) = arguments
            name = number * 100 + generations[number]
            generations[number] += 1
            receivers[number] = receiver_of(number * 100 + generations[number])
            model.drop(name)
        model.bury()
        assert [
            (each.dispatch_uid, each.receiver(), each.weak) for each in signal.connections
        ] == model.connected
        assert values(signal) == [each[1] for each in model.connected]
        assert signal.is_idle == (not model.connected)
