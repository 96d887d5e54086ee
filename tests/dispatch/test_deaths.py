"""Weakly held receivers that die: what is remembered of them, and when there is a warning."""

import asyncio
import functools
import gc
import inspect
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from signalcli.dispatch import DeadReceiverWarning, Signal, receiver
from signalcli.dispatch.deaths import MOST_REMEMBERED

signal = Signal()
other_signal = Signal()


class Handler:
    """An object whose method is a receiver."""

    def __init__(self, *, connects: bool = False) -> None:
        if connects:
            signal.connect(self.receive)

    def receive(self, **named: Any) -> None: ...

    def connect(self) -> None:
        signal.connect(self.receive)


class Sender:
    """Somebody to listen to."""


def nothing(*arguments: Any, **named: Any) -> None: ...


def lambda_() -> None:
    signal.connect(lambda **named: None)
    nothing()


def lambda_over_lines() -> None:
    signal.connect(
        lambda **named: None,
        sender=Sender,
        dispatch_uid="a lambda",
    )


def partial_() -> None:
    signal.connect(functools.partial(nothing, 1))


def local_function() -> None:
    def receive(**named: Any) -> None: ...

    signal.connect(receive)


def local_function_with_the_decorator() -> None:
    @receiver([signal, other_signal], sender=Sender)
    def receive(**named: Any) -> None: ...


def local_function_of_several_signals() -> None:
    def receive(**named: Any) -> None: ...

    for each in (signal, other_signal):
        each.connect(receive)


def local_function_that_knows_a_value() -> None:
    value = 1

    def receive(**named: Any) -> int:
        return value

    signal.connect(receive, sender=Sender, dispatch_uid="a closure")


def method_of_a_temporary_object() -> None:
    signal.connect(Handler().receive)
    nothing()


def temporary_object_that_connects_itself() -> None:
    Handler().connect()
    nothing()


def temporary_object_that_connects_itself_when_made() -> None:
    Handler(connects=True)
    nothing()


def in_a_coroutine() -> None:
    async def connect() -> None:
        signal.connect(lambda **named: None)

    asyncio.run(connect())


MISTAKES = [
    lambda_,
    lambda_over_lines,
    partial_,
    local_function,
    local_function_with_the_decorator,
    local_function_of_several_signals,
    local_function_that_knows_a_value,
    method_of_a_temporary_object,
    temporary_object_that_connects_itself,
    temporary_object_that_connects_itself_when_made,
    in_a_coroutine,
]


def used() -> None:
    def receive(**named: Any) -> None: ...

    signal.connect(receive)
    signal.send(None)


def perhaps_used() -> None:
    def receive(**named: Any) -> None: ...

    signal.connect(receive)
    nothing()


def deleted() -> None:
    def receive(**named: Any) -> None: ...

    signal.connect(receive)
    del receive


def disconnected() -> None:
    def receive(**named: Any) -> None: ...

    signal.connect(receive)
    signal.disconnect(receive)


def compared() -> None:
    def receive(**named: Any) -> None: ...

    assert signal.connect(receive) is receive


def for_a_while() -> None:
    def receive(**named: Any) -> None: ...

    with signal.connected_to(receive):
        pass


def yielded() -> None:
    def fixture() -> Any:
        def receive(**named: Any) -> None: ...

        signal.connect(receive)
        yield

    list(fixture())


def held_by_the_connection() -> None:
    signal.connect(lambda **named: None, weak=False)


def kept_object() -> None:
    handler = Handler()
    handler.connect()
    nothing(handler)


def object_that_takes_the_place_of_another() -> None:
    for _ in range(3):
        handler = Handler(connects=True)
    nothing(handler)


def object_in_a_list_that_is_emptied() -> None:
    held = [Handler(connects=True)]
    for _ in range(3):
        held.clear()
        held.append(Handler(connects=True))


def function_that_fails() -> None:
    def connect() -> None:
        def receive(**named: Any) -> None: ...

        signal.connect(receive)
        raise ValueError

    with pytest.raises(ValueError):
        connect()


FINE = [
    used,
    perhaps_used,
    deleted,
    disconnected,
    compared,
    for_a_while,
    yielded,
    held_by_the_connection,
    kept_object,
    object_that_takes_the_place_of_another,
    object_in_a_list_that_is_emptied,
    function_that_fails,
]


def warnings_of(function: Callable[[], None], times: int = 1) -> list[warnings.WarningMessage]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(times):
            function()
        gc.collect()
    return [each for each in caught if each.category is DeadReceiverWarning]


def by_name(function: Callable[[], None]) -> str:
    return function.__name__.strip("_")


@pytest.mark.parametrize("mistake", MISTAKES, ids=by_name)
def test_a_receiver_that_dies_right_after_it_was_connected_is_warned_of_once(
    mistake: Callable[[], None],
) -> None:
    (warning,) = warnings_of(mistake, times=3)
    assert "weak=False" in str(warning.message)
    # The place is that of the connection.
    assert warning.filename == __file__
    lines, first = inspect.getsourcelines(Handler if "itself" in mistake.__name__ else mistake)
    assert first <= warning.lineno < first + len(lines)
    assert (
        "connect" in lines[warning.lineno - first] or "@receiver" in lines[warning.lineno - first]
    )


@pytest.mark.parametrize("usual", FINE, ids=by_name)
def test_usual_code_is_not_warned_of(usual: Callable[[], None]) -> None:
    assert warnings_of(usual, times=3) == []


def test_a_warning_that_is_an_error_is_reported_as_one_of_a_finaliser(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reported: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda report: reported.append(report.exc_type))
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeadReceiverWarning)
        lambda_()
    assert reported == [DeadReceiverWarning]


def test_a_dead_receiver_is_remembered_with_the_place_where_it_was_connected() -> None:
    own = Signal()
    before = time.time()

    def connect() -> int:
        def receive(**named: Any) -> None: ...

        own.connect(receive, sender=Sender)
        own.send(Sender)
        return inspect.currentframe().f_lineno - 2  # type: ignore[union-attr]

    line = connect()
    (death,) = own.deaths
    name = test_a_dead_receiver_is_remembered_with_the_place_where_it_was_connected.__name__
    assert death.receiver == f"{__name__}.{name}.<locals>.connect.<locals>.receive"
    assert (death.file, death.line) == (__file__, line)
    assert death.sender is Sender
    assert death.is_local
    assert before <= death.at <= time.time()


def test_a_method_dies_with_its_object_and_is_not_local() -> None:
    own = Signal()
    handler = Handler()
    own.connect(handler.receive)
    assert own.deaths == []
    del handler
    (death,) = own.deaths
    assert death.receiver == f"{__name__}.Handler.receive"
    assert not death.is_local
    assert death.sender is None


def test_a_receiver_that_was_disconnected_or_whose_sender_died_has_not_died_connected() -> None:
    own = Signal()

    def receive(**named: Any) -> None: ...

    own.connect(receive)
    own.disconnect(receive)
    kind = type("Short", (), {})
    own.connect(receive, sender=kind)
    del kind, receive
    gc.collect()
    assert own.deaths == []


def test_only_the_last_deaths_are_remembered() -> None:
    own = Signal()
    for _ in range(MOST_REMEMBERED + 5):
        handler = Handler()
        own.connect(handler.receive)
        del handler
    assert len(own.deaths) == MOST_REMEMBERED
    own.send(None)
    assert len(own.deaths) == MOST_REMEMBERED


def test_a_connection_says_where_it_was_made() -> None:
    own = Signal()
    own.connect(nothing)
    line = inspect.currentframe().f_lineno - 1  # type: ignore[union-attr]
    with own.connected_to(lambda **named: None):
        first, second = own.connections
    assert (first.origin.file, first.origin.line) == (__file__, line)
    assert (second.origin.file, second.origin.line) == (__file__, line + 2)
