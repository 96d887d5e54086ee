"""Garbage: dead receivers vanish, no sender is kept alive, and nobody inherits a dead one's id."""

import gc
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import signalcli.dispatch
from signalcli.dispatch import Signal, watch

# The second is the file of the loops that are compiled for the names of arguments.
DISPATCHER = (str(Path(signalcli.dispatch.__file__).parent), "<signalcli.dispatch: ")


def echo(**named: Any) -> dict[str, Any]:
    return named


def another(**named: Any) -> str:
    return "another"


class Owner:
    def receive(self, **named: Any) -> str:
        return "received"

    def method(self) -> None: ...


class CallableObject:
    def __call__(self, **named: Any) -> None: ...


class Sender:
    def method(self) -> None: ...


def a_class() -> type:
    return type("Model", (), {})


def a_function() -> Callable[..., Any]:
    def function(**named: Any) -> None: ...

    return function


@pytest.fixture
def signal() -> Signal:
    return Signal()


# --- receivers --------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [a_function, CallableObject])
def test_a_dead_weak_receiver_vanishes(signal: Signal, make: Callable[[], Any]) -> None:
    dying = make()
    signal.connect(dying)
    signal.connect(another)
    assert len(signal.send(None)) == 2

    del dying
    gc.collect()

    assert signal.send(None) == [(another, "another")]
    assert [connection.receiver for connection in signal.connections] == [another]


def test_a_weak_bound_method_lives_as_long_as_its_object(signal: Signal) -> None:
    owner = Owner()
    signal.connect(owner.receive)
    gc.collect()
    assert [value for _, value in signal.send(None)] == ["received"]

    del owner
    gc.collect()

    assert signal.send(None) == []
    assert signal.connections == []
    assert signal.is_idle


@pytest.mark.parametrize("make", [a_function, CallableObject, lambda: Owner().receive])
def test_a_strong_receiver_lives_until_it_is_disconnected(
    signal: Signal, make: Callable[[], Any]
) -> None:
    receiver = make()
    alive = weakref.ref(getattr(receiver, "__self__", receiver))
    signal.connect(receiver, weak=False)

    del receiver
    gc.collect()
    [(receiver, _)] = signal.send(None)
    assert alive() is not None

    signal.disconnect(receiver)
    del receiver
    gc.collect()
    assert alive() is None


def test_the_place_of_a_dead_receiver_goes_to_a_new_one_in_its_memory_only_by_connecting(
    signal: Signal,
) -> None:
    for _ in range(100):  # each very likely in the memory of the one before
        owner = Owner()
        assert signal.disconnect(owner.receive) is False
        signal.connect(owner.receive)
        assert len(signal.send(None)) == 1
        del owner


def test_a_dead_receivers_dispatch_uid_is_free_again(signal: Signal) -> None:
    dying = a_function()
    signal.connect(dying, dispatch_uid="unique")
    del dying
    gc.collect()

    signal.connect(another, dispatch_uid="unique")

    assert signal.send(None) == [(another, "another")]


def test_the_death_of_a_disconnected_receiver_leaves_its_successor_connected(
    signal: Signal,
) -> None:
    dying = a_function()
    signal.connect(dying, dispatch_uid="unique")
    remembered = signal.connections  # keeps the weak reference, which will tell of the death
    signal.disconnect(dispatch_uid="unique")
    signal.connect(another, dispatch_uid="unique")

    del dying
    gc.collect()

    assert [connection.receiver for connection in remembered] == [None]
    assert signal.send(None) == [(another, "another")]


def test_no_receiver_dies_before_its_turn_in_a_dispatch(signal: Signal) -> None:
    owners = [Owner()]

    def forgetting(**named: Any) -> None:
        owners.clear()
        gc.collect()

    signal.connect(forgetting)
    signal.connect(owners[0].receive)

    assert [value for _, value in signal.send(None)] == [None, "received"]
    assert len(signal.send(None)) == 1


# --- senders ----------------------------------------------------------------------------------


class Silent:
    """An observer that keeps nothing."""

    def dispatch_begun(self, *told: Any) -> None: ...
    def dispatch_ended(self, *told: Any) -> None: ...
    def response_begun(self, *told: Any) -> None: ...
    def response_ended(self, *told: Any) -> None: ...
    def cause(self) -> None: ...
    def caused_by(self, cause: Any) -> Any: ...


def use(signal: Signal, sender: Any) -> None:
    signal.has_listeners(sender)
    signal.send(sender)
    signal.send_robust(sender)
    with watch(Silent()):
        signal.send(sender)
    with signal.connected_to(another, sender=sender):
        signal.send(sender)


@pytest.mark.parametrize("use_caching", [False, True])
@pytest.mark.parametrize("weak", [False, True])
@pytest.mark.parametrize("make", [a_class, Sender, lambda: Sender().method])
def test_a_sender_is_never_kept_alive(
    make: Callable[[], Any], weak: bool, use_caching: bool
) -> None:
    def heedless(**named: Any) -> None: ...

    signal = Signal(use_caching=use_caching)
    sender = make()
    alive = weakref.ref(getattr(sender, "__self__", sender))
    signal.connect(heedless, sender=sender, weak=weak)
    use(signal, sender)

    del sender
    gc.collect()

    assert alive() is None
    assert signal.connections == []
    assert signal.is_idle


def test_a_dead_senders_strong_receiver_is_let_go(signal: Signal) -> None:
    sender, receiver = Sender(), a_function()
    alive = weakref.ref(receiver)
    signal.connect(receiver, sender=sender, weak=False)

    del sender, receiver
    gc.collect()
    signal.has_listeners()

    assert alive() is None


def test_a_bound_method_sender_is_known_again_when_it_is_made_anew(signal: Signal) -> None:
    owner = Owner()
    signal.connect(another, sender=owner.method)
    gc.collect()

    assert len(signal.send(owner.method)) == 1
    assert signal.send(Owner().method) == []
    assert signal.send(owner) == []


@pytest.mark.parametrize("sender", ["text", 5, (1, 2)], ids=repr)
def test_a_sender_without_weak_references_has_its_receivers_for_as_long_as_they_are_connected(
    signal: Signal, sender: Any
) -> None:
    signal.connect(another, sender=sender)

    assert len(signal.send(sender)) == 1
    assert signal.send(object()) == []


# --- a new sender in the memory of a dead one --------------------------------------------------


def key(sender: Any) -> int:
    return id(getattr(sender, "__self__", sender))


def reborn(make: Callable[[], Any], dead_ids: set[int], attempts: int = 20_000) -> Any:
    """A new sender with the id of a dead one, or None where no such memory was used again."""
    rejected = []
    for _ in range(attempts):
        sender = make()
        if key(sender) in dead_ids:
            return sender
        rejected.append(sender)
    return None


@pytest.mark.parametrize("weak", [False, True])
@pytest.mark.parametrize("make", [a_class, Sender, lambda: Sender().method])
def test_a_new_sender_that_reuses_a_dead_ones_id_never_gets_its_receivers(
    make: Callable[[], Any], weak: bool
) -> None:
    signal = Signal()
    senders = [make() for _ in range(200)]  # so many that some memory is sure to be used again
    for sender in senders:
        signal.connect(echo, sender=sender, weak=weak)
        signal.connect(echo, sender=sender, weak=weak, dispatch_uid="unique")
    use(signal, senders[0])
    dead_ids = {key(sender) for sender in senders}
    del sender, senders
    gc.collect()

    newcomer = reborn(make, dead_ids)

    assert newcomer is not None, "no memory was used again, so that nothing was tested"
    assert not signal.has_listeners(newcomer)
    assert signal.send(newcomer) == []
    assert signal.disconnect(echo, sender=newcomer) is False
    signal.connect(echo, sender=newcomer, weak=weak)
    assert len(signal.send(newcomer)) == 1


# --- at any moment ----------------------------------------------------------------------------
# A collection may strike between any two steps of the dispatcher, and run finalisers that use the
# signal themselves. A trace function strikes at each line in turn.


def strike(call: Callable[[], Any], happening: Callable[[], Any], line: int) -> bool:
    """Call, and at so many lines into the dispatcher let it happen; whether it got that far."""
    left = line

    def trace(frame: Any, event: str, argument: Any) -> Any:
        nonlocal left
        if not frame.f_code.co_filename.startswith(DISPATCHER):
            return None
        if event == "line":
            left -= 1
            if left == 0:
                happening()
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return left <= 0


def newly_connected() -> Signal:
    signal = Signal()
    signal.connect(another, sender=Signal)
    return signal


OPERATIONS: dict[str, Callable[[Signal], Any]] = {
    "sending": lambda signal: signal.send(None),
    "connecting": lambda signal: (signal.connect(echo), signal.has_listeners()),
    "disconnecting": lambda signal: (
        signal.disconnect(another, sender=Signal),
        signal.has_listeners(),
    ),
    "listing": lambda signal: (signal.connections, signal.has_listeners()),
}
operations = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS.keys())


@operations
def test_the_id_of_a_sender_that_dies_at_any_moment_is_worth_nothing(
    operation: Callable[[Signal], Any],
) -> None:
    line, reuses = 1, 0
    while True:
        signal = newly_connected()
        senders = [Sender()]
        sender_id = id(senders[0])
        signal.connect(a_function(), sender=senders[0], weak=False)

        got_there = strike(lambda: operation(signal), senders.clear, line)  # noqa: B023
        if not got_there:
            break
        newcomer = reborn(Sender, {sender_id}, attempts=500)
        if newcomer is not None:
            reuses += 1
            # Receivers for any sender are echo at most; a stranger's would come to more.
            reached = [who for who, _ in signal.send(newcomer) if who is not echo]
            assert reached == [], f"inherited after a death at line {line}"
        line += 1

    assert reuses, "no memory was used again, so that nothing was tested"


@operations
def test_a_finaliser_may_disconnect_a_receiver_at_any_moment(
    operation: Callable[[Signal], Any],
) -> None:
    line = 1
    while True:
        signal = newly_connected()
        leaving = a_function()
        signal.connect(leaving)

        def leave(signal: Signal = signal, leaving: Any = leaving) -> None:
            assert signal.disconnect(leaving)

        if not strike(lambda: operation(signal), leave, line):  # noqa: B023
            break
        assert leaving not in [who for who, _ in signal.send(None)], f"called, from line {line}"
        line += 1

    assert line > 5


@operations
def test_a_finaliser_may_connect_a_receiver_at_any_moment(
    operation: Callable[[Signal], Any],
) -> None:
    line = 1
    while True:
        signal = newly_connected()
        coming = a_function()

        def come(signal: Signal = signal, coming: Any = coming) -> None:
            signal.connect(coming)

        if not strike(lambda: operation(signal), come, line):  # noqa: B023
            break
        assert coming in [who for who, _ in signal.send(None)], f"not called, from line {line}"
        line += 1

    assert line > 5


def with_a_waiting_receiver(waiting: list[Any]) -> Signal:
    """A signal whose receiver has died just now, behind which another one waits."""
    signal, dying = newly_connected(), a_function()
    signal.connect(dying, dispatch_uid="once")
    for each in waiting:
        signal.connect(each, dispatch_uid="once")
    return signal


@operations
def test_a_finaliser_may_disconnect_whoever_takes_a_dead_ones_place_at_any_moment(
    operation: Callable[[Signal], Any],
) -> None:
    line = 1
    while True:
        waiting = a_function()
        signal = with_a_waiting_receiver([waiting])

        def leave(signal: Signal = signal) -> None:
            signal.disconnect(dispatch_uid="once")

        if not strike(lambda: operation(signal), leave, line):  # noqa: B023
            break
        assert waiting not in [who for who, _ in signal.send(None)], f"called, from line {line}"
        line += 1

    assert line > 5


@pytest.mark.parametrize("waiting", [0, 1])
@operations
def test_a_finaliser_may_connect_under_a_dead_ones_identifier_at_any_moment(
    operation: Callable[[Signal], Any], waiting: int
) -> None:
    line = 1
    while True:
        others = [a_function() for _ in range(waiting)]
        coming, competing = a_function(), a_function()
        signal = with_a_waiting_receiver(others)

        def come(signal: Signal = signal, coming: Any = coming) -> None:
            signal.connect(coming, dispatch_uid="once")

        def compete(signal: Signal = signal, competing: Any = competing) -> None:
            operation(signal)
            signal.connect(competing, dispatch_uid="once")

        if not strike(compete, come, line):
            break
        rivals = [*others, coming, competing]
        reached = [who for who, _ in signal.send(None) if who in rivals]
        assert len(reached) == 1, f"{len(reached)} are connected, from line {line}"
        # Those before it have had their chance, and the newest of the others waits.
        assert signal.disconnect(dispatch_uid="once")
        assert [who for who, _ in signal.send(None) if who in rivals] == []
        line += 1

    assert line > 5


# --- the signal itself ------------------------------------------------------------------------


@pytest.mark.parametrize("weak", [False, True])
def test_a_signal_is_collectable_with_whatever_connected_to_it(weak: bool) -> None:
    signal, sender, owner = Signal(), Sender(), Owner()
    alive = weakref.ref(signal)
    signal.connect(echo, weak=weak)
    signal.connect(owner.receive, sender=sender, weak=weak)
    use(signal, sender)

    del signal
    gc.collect()

    assert alive() is None
    # What dies after the signal must not miss it.
    del owner, sender
    gc.collect()


def test_a_signal_is_collectable_without_the_collector() -> None:
    gc.disable()
    try:
        signal, sender = Signal(), Sender()
        alive = weakref.ref(signal)
        signal.connect(another, sender=sender)
        signal.send(sender)
        del signal
        assert alive() is None
    finally:
        gc.enable()
