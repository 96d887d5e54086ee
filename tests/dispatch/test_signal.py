"""The signal's contract: who may connect, what a receiver gets, and what the sender gets back."""

import functools
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from signalcli.dispatch import Signal, receiver


@pytest.fixture
def signal() -> Signal:
    return Signal()


def echo(**named: Any) -> dict[str, Any]:
    return named


def another(**named: Any) -> str:
    return "another"


async def an_async_receiver(**named: Any) -> str:
    return "async"


def failing(**named: Any) -> None:
    raise LookupError("failing")


class Methods:
    def receive(self, **named: Any) -> str:
        return "method"

    def without_kwargs(self, sender: Any) -> None: ...

    def demanding(self, email: str, **named: Any) -> None: ...


class CallableObject:
    def __call__(self, **named: Any) -> str:
        return "object"


class CallableWithoutKwargs:
    def __call__(self, sender: Any) -> None: ...


class CallableDemanding:
    def __call__(self, email: str, **named: Any) -> None: ...


# --- what a receiver gets, and the sender back ------------------------------------------------


def test_every_receiver_gets_signal_and_sender_besides_the_named_arguments(signal: Signal) -> None:
    signal.connect(echo)

    [(who, named)] = signal.send("the sender", email="a@b.c")

    assert who is echo
    assert named == {"signal": signal, "sender": "the sender", "email": "a@b.c"}


def test_a_receiver_cannot_change_the_arguments_of_the_next(signal: Signal) -> None:
    def changing(**named: Any) -> None:
        named["email"] = "changed"

    signal.connect(changing)
    signal.connect(echo)

    assert signal.send(None, email="a@b.c")[1][1]["email"] == "a@b.c"


def test_receivers_run_in_the_order_of_connecting_and_async_ones_after_the_others(
    signal: Signal,
) -> None:
    for each in (an_async_receiver, echo, another):
        signal.connect(each)

    assert [who for who, _ in signal.send(None)] == [echo, another, an_async_receiver]


def test_reconnecting_after_disconnecting_puts_a_receiver_last(signal: Signal) -> None:
    signal.connect(echo)
    signal.connect(another)
    signal.disconnect(echo)
    signal.connect(echo)

    assert [who for who, _ in signal.send(None)] == [another, echo]


def test_sending_without_receivers_returns_an_empty_list_of_the_callers_own(
    signal: Signal,
) -> None:
    signal.send(None).append((echo, "left behind"))

    assert signal.send(None) == []


def test_the_first_exception_stops_the_dispatch_and_propagates(signal: Signal) -> None:
    called = []
    signal.connect(failing)
    signal.connect(lambda **named: called.append("after"), weak=False)

    with pytest.raises(LookupError, match="failing"):
        signal.send(None)

    assert called == []


def test_a_robust_dispatch_returns_exceptions_and_logs_them_with_their_tracebacks(
    signal: Signal, caplog: pytest.LogCaptureFixture
) -> None:
    signal.connect(failing)
    signal.connect(another)

    with caplog.at_level(logging.ERROR, logger="signalcli.dispatch"):
        (who, error), (_, value) = signal.send_robust(None)

    assert who is failing
    assert isinstance(error, LookupError)
    assert value == "another"
    [record] = caplog.records
    assert record.name == "signalcli.dispatch"
    # Django's words, and then the whole name.
    assert record.getMessage() == (
        "Error calling failing in Signal.send_robust() (failing): "
        f"the receiver is {__name__}.failing"
    )
    assert record.exc_info is not None
    assert record.exc_info[1] is error
    assert error.__traceback__ is not None


def test_a_robust_dispatch_survives_failing_receivers_of_every_kind(signal: Signal) -> None:
    class FailingObject:
        def __call__(self, **named: Any) -> None:
            failing()

        def method(self, **named: Any) -> None:
            failing()

    receivers: list[Any] = [
        FailingObject(),
        FailingObject().method,
        functools.partial(failing, a=1),
    ]
    for each in receivers:
        signal.connect(each, weak=False)

    assert [type(error) for _, error in signal.send_robust(None)] == [LookupError] * 3


@pytest.mark.parametrize("way", ["send", "send_robust"])
def test_sending_an_argument_named_signal_is_a_type_error_when_somebody_receives(
    signal: Signal, way: str
) -> None:
    signal.connect(echo)

    with pytest.raises(TypeError, match="got multiple values for keyword argument 'signal'"):
        getattr(signal, way)(None, signal="mine")


def test_what_connects_or_disconnects_during_a_dispatch_counts_from_the_next(
    signal: Signal,
) -> None:
    def replacing(**named: Any) -> None:
        signal.disconnect(another)
        signal.connect(echo)

    signal.connect(replacing)
    signal.connect(another)

    assert [who for who, _ in signal.send(None)] == [replacing, another]
    assert [who for who, _ in signal.send(None)] == [replacing, echo]


def test_a_receiver_may_send_the_same_signal_again(signal: Signal) -> None:
    def counting_down(left: int, **named: Any) -> list[int]:
        deeper = signal.send(None, left=left - 1) if left else []
        return [left, *(number for _, value in deeper for number in value)]

    signal.connect(counting_down)

    assert signal.send(None, left=3) == [(counting_down, [3, 2, 1, 0])]


# --- connecting and disconnecting -------------------------------------------------------------


def test_connecting_twice_is_once(signal: Signal) -> None:
    owner = Methods()
    receivers: tuple[Callable[..., Any], ...] = (echo, owner.receive)
    for each in receivers:
        signal.connect(each)
        signal.connect(each)

    assert [who for who, _ in signal.send(None)] == [echo, owner.receive]


def test_a_dispatch_uid_makes_a_connection_once_and_the_first_stays(signal: Signal) -> None:
    signal.connect(echo, dispatch_uid="unique")
    signal.connect(another, dispatch_uid="unique")

    assert [who for who, _ in signal.send(None)] == [echo]
    assert signal.disconnect(dispatch_uid="unique")
    assert not signal.has_listeners()


def test_a_receiver_connected_for_a_sender_and_for_any_is_called_twice_by_it(
    signal: Signal,
) -> None:
    signal.connect(echo, sender=Methods)
    signal.connect(echo)

    assert len(signal.send(Methods)) == 2
    assert len(signal.send(CallableObject)) == 1


def test_senders_are_compared_by_identity(signal: Signal) -> None:
    one, same = ["equal"], ["equal"]
    signal.connect(echo, sender=one)

    assert signal.has_listeners(one)
    assert not signal.has_listeners(same)


def test_disconnect_tells_whether_something_was_disconnected(signal: Signal) -> None:
    signal.connect(echo, sender=Methods)

    assert signal.disconnect(echo) is False
    assert signal.disconnect(echo, sender=CallableObject) is False
    assert signal.disconnect(echo, sender=Methods) is True
    assert signal.disconnect(echo, sender=Methods) is False


@pytest.mark.parametrize("use_caching", [False, True])
def test_caching_is_accepted_and_changes_nothing(use_caching: bool) -> None:
    signal = Signal(use_caching=use_caching)
    assert signal.use_caching is use_caching
    assert signal.send(Methods) == []

    signal.connect(another)
    assert signal.send(Methods) == [(another, "another")]
    assert signal.send(None) == [(another, "another")]

    signal.disconnect(another)
    assert signal.send(Methods) == []


@pytest.mark.parametrize(
    "kind", [lambda: echo, lambda: Methods().receive, CallableObject, lambda: an_async_receiver]
)
def test_connect_returns_the_receiver(signal: Signal, kind: Callable[[], Any]) -> None:
    given = kind()

    assert signal.connect(given) is given


def test_connect_works_as_a_decorator(signal: Signal) -> None:
    @signal.connect
    def decorated(**named: Any) -> str:
        return "decorated"

    assert signal.send(None) == [(decorated, "decorated")]


def test_the_connections_of_a_signal_tell_what_was_asked_for(signal: Signal) -> None:
    signal.connect(echo)
    signal.connect(an_async_receiver, sender=Methods, weak=False, dispatch_uid="unique")

    first, second = signal.connections

    assert (first.receiver, first.sender, first.weak, first.is_async, first.dispatch_uid) == (
        (echo, None, True, False, None)
    )
    assert (second.receiver, second.sender, second.weak, second.is_async, second.dispatch_uid) == (
        (an_async_receiver, Methods, False, True, "unique")
    )
    assert first.is_alive
    assert second.is_alive


def test_a_signal_is_idle_until_somebody_connects(signal: Signal) -> None:
    assert signal.is_idle
    signal.connect(echo, sender=Methods)
    assert not signal.is_idle
    signal.disconnect(echo, sender=Methods)
    assert signal.is_idle


# --- who may connect --------------------------------------------------------------------------


@pytest.mark.parametrize("target", [None, 5, "text", object()])
def test_what_is_not_callable_is_refused_with_a_type_error(signal: Signal, target: Any) -> None:
    with pytest.raises(TypeError, match=r"^Signal receivers must be callable\. .* is not\.$"):
        signal.connect(target)

    assert signal.connections == []


@pytest.mark.parametrize(
    "target",
    [
        lambda: None,
        lambda sender, signal: None,
        Methods().without_kwargs,
        CallableWithoutKwargs(),
        functools.partial(lambda sender: None, sender=None),
        print,
    ],
)
def test_what_takes_no_kwargs_is_refused_with_a_value_error(signal: Signal, target: Any) -> None:
    sentence = r"^Signal receivers must accept keyword arguments \(\*\*kwargs\)\. .* does not"
    with pytest.raises(ValueError, match=sentence):
        signal.connect(target, weak=False)

    assert signal.connections == []


def test_what_cannot_be_weakly_referenced_connects_only_strongly(signal: Signal) -> None:
    class Unweak:
        __slots__ = ()

        def __call__(self, **named: Any) -> str:
            return "unweak"

    target = Unweak()

    with pytest.raises(TypeError, match="weak reference"):
        signal.connect(target)
    assert signal.connections == []

    signal.connect(target, weak=False)
    assert signal.send(None) == [(target, "unweak")]


def demands_email(email: str, **named: Any) -> None: ...


async def demands_email_async(email: str, **named: Any) -> None: ...


def demands_email_by_keyword(*, email: str, **named: Any) -> None: ...


def demands_by_position(username: str, /, **named: Any) -> None: ...


def demands_sender_by_position(sender: Any, /, **named: Any) -> None: ...


@pytest.mark.parametrize(
    "target",
    [
        demands_email,
        demands_email_async,
        demands_email_by_keyword,
        Methods().demanding,
        CallableDemanding(),
        functools.partial(demands_email, username="x"),
        # What the signal provides, it provides by keyword.
        demands_by_position,
        demands_sender_by_position,
    ],
)
def test_a_receiver_that_demands_what_the_signal_does_not_provide_is_refused(target: Any) -> None:
    signal = Signal(providing_args=["username"])

    with pytest.raises(ValueError, match=r"demands .*but the signal provides username"):
        signal.connect(target, weak=False)
    with (
        pytest.raises(ValueError, match="demands"),
        signal.connected_to(target),
    ):
        pass

    assert signal.connections == []


def test_the_refusal_names_the_receiver_and_every_argument_that_is_missing() -> None:
    def demanding(username: str, email: str, *, age: int, size: int = 0, **named: Any) -> None: ...

    with pytest.raises(ValueError, match=r"\.demanding demands email, age,"):
        Signal(providing_args=["username"]).connect(demanding)


@pytest.mark.parametrize(
    "target",
    [
        lambda **named: None,
        lambda *arguments, **named: None,
        lambda username, **named: None,
        lambda signal, sender, **named: None,
        lambda username, email="", **named: None,
        lambda *, username, email="", **named: None,
        lambda email="", /, **named: None,
        functools.partial(demands_email, email="a@b.c"),
        functools.partial(demands_email, "a@b.c"),
        functools.partial(demands_by_position, "x"),
    ],
)
def test_a_receiver_that_demands_only_what_the_signal_provides_is_connected_and_can_be_called(
    target: Any,
) -> None:
    signal = Signal(providing_args=["username"])

    signal.connect(target)

    assert len(signal.send(None, username="x")) == 1


@pytest.mark.parametrize("target", [demands_email, Methods().demanding, demands_by_position])
def test_nothing_is_refused_by_a_signal_that_does_not_say_what_it_provides(
    signal: Signal, target: Any
) -> None:
    assert signal.providing_args is None
    signal.connect(target)
    assert signal.has_listeners()


def test_a_signal_that_provides_nothing_refuses_every_demand() -> None:
    with pytest.raises(ValueError, match="provides no arguments"):
        Signal(providing_args=[]).connect(demands_email)


@pytest.mark.parametrize("names", [["a", "b"], ("a", "b"), {"a": 1, "b": 2}, iter(["a", "b"])])
def test_providing_args_takes_any_iterable_of_names(names: Any) -> None:
    assert Signal(providing_args=names).providing_args == ("a", "b")


def test_a_string_as_providing_args_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="email"):
        Signal(providing_args="email")


# --- connected_to and muted -------------------------------------------------------------------


def test_a_receiver_is_connected_within_connected_to_and_not_after(signal: Signal) -> None:
    with signal.connected_to(lambda **named: "within") as given:
        assert signal.send(None) == [(given, "within")]

    assert signal.connections == []


def test_connected_to_can_be_limited_to_a_sender(signal: Signal) -> None:
    with signal.connected_to(echo, sender=Methods):
        assert signal.has_listeners(Methods)
        assert not signal.has_listeners(CallableObject)

    assert not signal.has_listeners(Methods)


def test_connected_to_disconnects_when_its_block_fails(signal: Signal) -> None:
    with pytest.raises(LookupError), signal.connected_to(echo):
        failing()

    assert not signal.has_listeners()


def test_connected_to_leaves_connected_what_was_connected_before(signal: Signal) -> None:
    signal.connect(echo)

    with signal.connected_to(echo), signal.connected_to(echo):
        assert len(signal.send(None)) == 1

    assert signal.has_listeners()


def test_connected_to_keeps_its_receiver_alive(signal: Signal) -> None:
    with signal.connected_to(Methods().receive):
        assert [value for _, value in signal.send(None)] == ["method"]


def test_a_muted_signal_reaches_nobody_and_then_everybody_again(signal: Signal) -> None:
    signal.connect(another)

    with signal.muted():
        assert signal.send(None) == []
        assert signal.send_robust(None) == []
        assert not signal.has_listeners()
    assert signal.send(None) == [(another, "another")]


def test_muting_nests(signal: Signal) -> None:
    signal.connect(echo)

    with signal.muted():
        with signal.muted():
            assert not signal.has_listeners()
        assert not signal.has_listeners()
    assert signal.has_listeners()


def test_muting_ends_when_its_block_fails(signal: Signal) -> None:
    signal.connect(echo)

    with pytest.raises(LookupError), signal.muted():
        failing()

    assert signal.has_listeners()


def test_who_connects_to_a_muted_signal_is_reached_when_it_is_muted_no_more(
    signal: Signal,
) -> None:
    with signal.muted():
        signal.connect(another)
        assert signal.send(None) == []
        assert len(signal.connections) == 1

    assert signal.send(None) == [(another, "another")]


# --- the decorator ----------------------------------------------------------------------------


@pytest.fixture
def signals() -> Iterator[tuple[Signal, Signal]]:
    return Signal(), Signal()


@pytest.mark.parametrize("collection", [list, tuple])
def test_receiver_connects_a_function_to_each_signal_of_a_list_or_tuple(
    signals: tuple[Signal, Signal], collection: Callable[[Any], Any]
) -> None:
    @receiver(collection(signals))
    def decorated(**named: Any) -> Any:
        return named["signal"]

    assert [signal.send(None) for signal in signals] == [[(decorated, each)] for each in signals]


def test_receiver_connects_a_function_to_one_signal_and_returns_it(signal: Signal) -> None:
    assert receiver(signal)(echo) is echo
    assert signal.has_listeners()


def test_receiver_passes_its_options_on_to_connect(signal: Signal) -> None:
    @receiver(signal, sender=Methods, weak=False, dispatch_uid="unique")
    def decorated(**named: Any) -> None: ...

    [connection] = signal.connections

    assert connection.receiver is decorated
    assert connection.sender is Methods
    assert connection.weak is False
    assert connection.dispatch_uid == "unique"
