"""Receivers as callables: the check of their signatures, their names, and their places."""

import functools
import inspect
import sys
from collections.abc import Callable, Collection
from typing import Any

ALWAYS_PROVIDED = frozenset({"signal", "sender"})

_BY_POSITION_ONLY = inspect.Parameter.POSITIONAL_ONLY
_COLLECTS_NAMES = inspect.Parameter.VAR_KEYWORD
_COLLECTS = (inspect.Parameter.VAR_POSITIONAL, _COLLECTS_NAMES)


def check_receiver(receiver: Any, providing_args: Collection[str] | None) -> None:
    """Check that an object can receive a signal.

    Arguments:
        receiver: the object.
        providing_args: the names that the signal provides, or None where it does not say.

    Raises:
        TypeError: the object is not callable.
        ValueError: it takes no ``**kwargs``, or demands an argument that the signal does not
            provide.
    """
    if not callable(receiver):
        raise TypeError(f"Signal receivers must be callable. {receiver!r} is not.")
    try:
        parameters = inspect.signature(receiver).parameters.values()
    except ValueError as error:
        raise ValueError(
            f"Signal receivers must accept keyword arguments (**kwargs). "
            f"{receiver!r} does not say what it accepts."
        ) from error
    # A loop, as it costs less than `any`, and every connection pays for it.
    for parameter in parameters:
        if parameter.kind is _COLLECTS_NAMES:
            break
    else:
        raise ValueError(
            f"Signal receivers must accept keyword arguments (**kwargs). "
            f"{describe(receiver)} does not."
        )
    if providing_args is None:
        return
    missing = [
        parameter.name
        for parameter in parameters
        if parameter.default is parameter.empty
        and parameter.kind not in _COLLECTS
        and (
            parameter.kind is _BY_POSITION_ONLY
            or (parameter.name not in ALWAYS_PROVIDED and parameter.name not in providing_args)
        )
    ]
    if missing:
        provided = ", ".join(providing_args) or "no arguments"
        raise ValueError(
            f"{describe(receiver)} demands {', '.join(missing)}, "
            f"but the signal provides {provided} (besides signal and sender)."
        )


def is_async(receiver: Callable[..., Any]) -> bool:
    """Whether calling a receiver gives a coroutine (see asgiref's ``iscoroutinefunction``)."""
    if inspect.iscoroutinefunction(receiver):
        return True
    # Before Python 3.12 this mark makes asyncio take any callable for a coroutine function. Where
    # asyncio was not imported, nobody can have set it.
    coroutines = sys.modules.get("asyncio.coroutines")
    mark = getattr(coroutines, "_is_coroutine", None)
    return mark is not None and getattr(receiver, "_is_coroutine", None) is mark


def place_of(target: Any) -> tuple[str, int]:
    """The file and line where a callable is defined; an empty name and 0 where that is unknown."""
    function = _within_partials(target)
    function = inspect.unwrap(getattr(function, "__func__", function))
    code = getattr(function, "__code__", None)
    if code is None and inspect.isclass(function):
        code = getattr(function.__init__, "__code__", None)
    elif code is None:
        call = inspect.getattr_static(type(function), "__call__", None)
        code = getattr(call, "__code__", None)
    return ("", 0) if code is None else (code.co_filename, code.co_firstlineno)


def describe(target: Any) -> str:
    """The full name of a callable: ``package.module.qualified_name``."""
    function = _named(target)
    module = getattr(function, "__module__", None)
    return f"{module}.{function.__qualname__}" if module else str(function.__qualname__)


def qualified_name(target: Any) -> str:
    """The name of a callable within its module: ``Class.method``."""
    return str(_named(target).__qualname__)


def _named(target: Any) -> Any:
    """The object that gives a callable its name: itself, the function it calls, or its class."""
    function = _within_partials(target)
    return function if isinstance(getattr(function, "__qualname__", None), str) else type(function)


def _within_partials(target: Any) -> Any:
    """The function within a ``functools.partial``; any other callable as it is."""
    while isinstance(target, functools.partial):
        target = target.func
    return target
