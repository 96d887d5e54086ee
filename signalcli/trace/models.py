"""How a trace describes instances of models: without asking the database for anything."""

from contextlib import nullcontext
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.orm import object_session
from sqlmodel import SQLModel

from signalcli.trace.representation import describe, represent


def describe_model(instance: SQLModel) -> str:
    """``<User xyz>`` by the model's own ``__str__``, otherwise ``<User id=1, name='x'>``.

    An instance whose columns are not all loaded is not asked, since that would load them.
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
                # An instance in the making may lack what its __str__ wants.
                return f"<{model.__name__}>"
        if name:
            return f"<{model.__name__} {name}>"
    loaded = {key: state.dict[key] for key in columns if key in state.dict}
    if not loaded and state.identity:
        return f"<{model.__name__} {', '.join(map(describe, state.identity))}>"
    return f"<{model.__name__} {_pairs(loaded)}>".replace(" >", ">")


def _pairs(values: dict[str, Any]) -> str:
    return ", ".join(f"{name}={represent(value, name)!r}" for name, value in values.items())
