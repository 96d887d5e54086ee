"""Who is who: identity keys, and references that keep nobody alive who need not be."""

import weakref
from collections.abc import Callable
from itertools import repeat
from typing import Any

Key = int | tuple[int, int]

OnDeath = Callable[[Any], None]
Reference = Callable[[], Any]


def identity(target: Any) -> Key:
    """A key that is equal for the same object, and for the same method bound to the same object.

    A bound method is made anew at each attribute access, so its own ``id`` says nothing.
    """
    if is_bound_method(target):
        return (id(target.__self__), id(target.__func__))
    return id(target)


def is_bound_method(target: object) -> bool:
    """Whether a target is a function bound to an object or class."""
    return hasattr(target, "__self__") and hasattr(target, "__func__")


def weak(target: Any, on_death: OnDeath) -> Reference:
    """A weak reference to a target, which for a bound method lives as long as its object.

    Raises:
        TypeError: the target cannot be weakly referenced.
    """
    if is_bound_method(target):
        return weakref.WeakMethod(target, on_death)
    return weakref.ref(target, on_death)


def strong(target: Any) -> Reference:
    """A reference that keeps its target alive, called like a weak one."""
    # The bound `__next__` of an endless repeat is the cheapest callable that returns one object.
    return repeat(target).__next__


def weak_if_possible(target: Any, on_death: OnDeath) -> Reference:
    """A weak reference, or a strong one to what allows no other (a string, a number, ``object()``).

    Keeping such a target alive is what makes its ``id`` safe to compare: nothing else can get it.
    """
    try:
        return weak(target, on_death)
    except TypeError:
        return strong(target)
