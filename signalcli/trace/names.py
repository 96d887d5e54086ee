"""Names of senders and receivers, and the glob patterns that choose them."""

import weakref
from fnmatch import fnmatchcase
from types import FunctionType, MethodType
from typing import Any

from signalcli.dispatch import Receiver
from signalcli.dispatch.signatures import describe as full_name
from signalcli.dispatch.signatures import place_of
from signalcli.trace.representation import describe, describing


def matches(pattern: str | None, *names: str | None) -> bool:
    """Whether a glob pattern fits one of the names; case matters. None as a pattern fits all."""
    return pattern is None or any(name is not None and fnmatchcase(name, pattern) for name in names)


def sender_name(sender: Any) -> str | None:
    """The name of a sender in a trace: a class's or function's own name, a text as it is."""
    if sender is None or isinstance(sender, str):
        return sender
    if isinstance(sender, type):
        return sender.__name__
    with describing():
        name = getattr(sender, "__name__", None)
    return name if isinstance(name, str) else describe(sender)


NameAndPlace = tuple[str, str, int]

# By the id of the function. The weak reference removes the entry when the function dies, before
# another function can get its id. No lock: each step is a single operation of a dict.
_known: "dict[int, tuple[weakref.ref[FunctionType], NameAndPlace]]" = {}


def name_and_place(receiver: Receiver) -> NameAndPlace:
    """A receiver's full name, and the file and line where it is defined."""
    function = receiver.__func__ if type(receiver) is MethodType else receiver
    known = _known.get(id(function))
    if known is not None:
        return known[1]
    file, line = place_of(receiver)
    found = full_name(receiver), file, line
    # Other callables are rare, or take no weak reference.
    if type(function) is FunctionType:
        number = id(function)
        _known[number] = weakref.ref(function, lambda _: _forget(number)), found
    return found


def _forget(number: int) -> None:
    _known.pop(number, None)
