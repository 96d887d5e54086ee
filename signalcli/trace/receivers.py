"""How a trace names receivers, found out once for each function."""

import weakref
from types import FunctionType, MethodType

from signalcli.dispatch import Receiver
from signalcli.dispatch.signatures import describe, place_of
from signalcli.trace.records import encodable

NameAndPlace = tuple[str, str, int]

# By the id of the function, with whose end an entry goes. No lock: each step is one of a dict.
_known: "dict[int, tuple[weakref.ref[FunctionType], NameAndPlace]]" = {}


def name_and_place(receiver: Receiver) -> NameAndPlace:
    """A receiver's full name, and the file and line where it is defined."""
    function = receiver.__func__ if type(receiver) is MethodType else receiver
    known = _known.get(id(function))
    if known is not None:
        return known[1]
    file, line = place_of(receiver)
    found = encodable(describe(receiver)), encodable(file), line
    # Others are not worth it, or cannot be referred to.
    if type(function) is FunctionType:
        number = id(function)
        _known[number] = weakref.ref(function, lambda _: _forget(number)), found
    return found


def _forget(number: int) -> None:
    _known.pop(number, None)
