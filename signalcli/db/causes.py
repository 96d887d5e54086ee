"""Who is behind a pending write: the response that added, changed or deleted an instance.

A session writes later than its users ask it to, so what caused a write is noted when it is asked
for. Only kept while dispatches are watched.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from sqlalchemy import event, inspect
from sqlalchemy.orm import Session

from signalcli.db.models import ForEachModel
from signalcli.dispatch import watching

_KEY = "signalcli.cause"


def note(instance: Any) -> None:
    """Note that what is running now is behind the next write of an instance."""
    if watching.observers:
        inspect(instance).info[_KEY] = watching.cause()


def forget(instance: Any) -> None:
    """The instance was written: what comes next has a cause of its own."""
    if watching.observers:
        inspect(instance).info.pop(_KEY, None)


def of(instance: Any) -> watching.Cause | None:
    """What was noted, or None."""
    if not watching.observers:
        return None
    cause: watching.Cause | None = inspect(instance).info.get(_KEY)
    return cause


def resumed(cause: watching.Cause | None) -> AbstractContextManager[None]:
    """Within it, dispatches count as caused by that; where None, by what is running."""
    return nullcontext() if cause is None else watching.caused_by(cause)


def _on_attach(session: Session, instance: Any) -> None:
    note(instance)


def _on_set(instance: Any, value: Any, old: Any, initiator: Any) -> None:
    if value is not old:
        _note_change(instance)


def _on_collection(instance: Any, value: Any, initiator: Any) -> None:
    _note_change(value)


def _note_change(instance: Any) -> None:
    state = inspect(instance, raiseerr=False)
    if state is not None and state.persistent and of(instance) is None:
        note(instance)


def _listeners(model: type[Any]) -> list[tuple[Any, str, Any]]:
    mapper = inspect(model)
    listeners: list[tuple[Any, str, Any]] = [
        (getattr(model, attribute.key), "set", _on_set) for attribute in mapper.column_attrs
    ]
    for relationship in mapper.relationships:
        attribute = getattr(model, relationship.key)
        if relationship.uselist:
            listeners.append((attribute, "append", _on_collection))
            listeners.append((attribute, "remove", _on_collection))
        else:
            listeners.append((attribute, "set", _on_set))
    return listeners


def _prepare(model: type[Any]) -> None:
    for listener in _listeners(model):
        event.listen(*listener)


def _restore(model: type[Any]) -> None:
    for listener in _listeners(model):
        event.remove(*listener)


_models = ForEachModel(_prepare, _restore)


def _switch() -> None:
    on = bool(watching.observers)
    if on != event.contains(Session, "transient_to_pending", _on_attach):
        (event.listen if on else event.remove)(Session, "transient_to_pending", _on_attach)
    _models.switch(on)


watching.on_change(_switch)
_switch()
