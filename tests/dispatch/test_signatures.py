"""Where a receiver is defined, and what it is called."""

import functools
import inspect
from collections.abc import Callable
from typing import Any
from unittest.mock import Mock

import pytest

from signalcli.dispatch import Signal
from signalcli.dispatch.signatures import describe, place_of


def function(**kwargs: Any) -> None: ...


async def coroutine(**kwargs: Any) -> None: ...


class Greeter:
    def __init__(self, **kwargs: Any) -> None: ...

    def greet(self, **kwargs: Any) -> None: ...

    def __call__(self, **kwargs: Any) -> None: ...


class QuietGreeter(Greeter): ...


def decorator(wrapped: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(wrapped)
    def wrapper(**kwargs: Any) -> Any:
        return wrapped(**kwargs)

    return wrapper


@decorator
def decorated(**kwargs: Any) -> None: ...


def line_of(target: Any) -> int:
    return inspect.getsourcelines(target)[1]


@pytest.mark.parametrize(
    ("receiver", "line"),
    [
        (function, line_of(function)),
        (coroutine, line_of(coroutine)),
        (functools.partial(functools.partial(function), x=1), line_of(function)),
        (Greeter().greet, line_of(Greeter.greet)),
        (functools.partial(Greeter().greet), line_of(Greeter.greet)),
        (Greeter(), line_of(Greeter.__call__)),
        (QuietGreeter(), line_of(Greeter.__call__)),
        (Greeter, line_of(Greeter.__init__)),
        (decorated, line_of(inspect.unwrap(decorated))),
    ],
)
def test_the_place_of_a_receiver_is_where_its_code_is(receiver: Any, line: int) -> None:
    assert place_of(receiver) == (__file__, line)


@pytest.mark.parametrize("receiver", [print, dict, [].append])
def test_what_has_no_code_in_python_has_no_place(receiver: Any) -> None:
    assert place_of(receiver) == ("", 0)


def test_an_object_that_has_every_attribute_is_no_partial() -> None:
    everything = Mock()
    assert describe(everything) == "unittest.mock.Mock"
    assert place_of(everything)[0].endswith("mock.py")
    signal = Signal()
    signal.connect(everything)
    signal.send(None)
    everything.assert_called_once()
