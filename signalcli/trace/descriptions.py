"""How a trace describes receivers and instances of models."""

import weakref
from contextlib import nullcontext
from types import FunctionType, MethodType
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.orm import object_session
from sqlmodel import SQLModel

from signalcli.dispatch import Receiver
from signalcli.dispatch.signatures import describe as full_name
from signalcli.dispatch.signatures import place_of
from signalcli.trace.records import encodable
from signalcli.trace.representation import describe, represent

NameAndPlace = tuple[str, str, int]

# By the id of the function. The weak reference removes the entry when the function ends, before
# another one can have its id. No lock: each step is a single operation of a dict.
_known: "dict[int, tuple[weakref.ref[FunctionType], NameAndPlace]]" = {}


def name_and_place(receiver: Receiver) -> NameAndPlace:
    """A receiver's full name, and the file and line where it is defined."""
    function = receiver.__func__ if type(receiver) is MethodType else receiver
    known = _known.get(id(function))
    if known is not None:
        return known[1]
    file, line = place_of(receiver)
    found = encodable(full_name(receiver)), encodable(file), line
    # Other callables are rare, or take no weak reference.
    if type(function) is FunctionType:
        number = id(function)
        _known[number] = weakref.ref(function, lambda _: _forget(number)), found
    return found


def _forget(number: int) -> None:
    _known.pop(number, None)


def describe_model(instance: SQLModel) -> str:
    """``<User xyz>`` by the model's own ``__str__``, otherwise ``<User id=1, name='x'>``.

    Where columns are not loaded, ``__str__`` is not called, since it might load them.
    """
    model = type(instance)
    state: Any = inspect(instance, raiseerr=False)
    if state is None:
        return f"<{model.__name__} {_pairs(instance.model_dump())}>"
    columns = [attribute.key for attribute in state.mapper.column_attrs]
    is_complete = not state.persistent or not state.unloaded.intersection(columns)
    if is_complete and model.__str__ is not SQLModel.__str__:
        session = object_session(instance)
        with session.no_autoflush if session is not None else nullcontext():
            try:
                name = str(instance)
            except Exception:
                # An instance in the making may lack fields that its __str__ reads.
                return f"<{model.__name__}>"
        if name:
            return f"<{model.__name__} {name}>"
    loaded = {key: state.dict[key] for key in columns if key in state.dict}
    if not loaded and state.identity:
        return f"<{model.__name__} {', '.join(map(describe, state.identity))}>"
    return f"<{model.__name__} {_pairs(loaded)}>".replace(" >", ">")


def _pairs(values: dict[str, Any]) -> str:
    return ", ".join(f"{name}={represent(value, name)!r}" for name, value in values.items())
