"""The cause of a pending write: the response that added, changed or deleted an instance.

A session writes later than the change. So the cause is noted at the time of the change, and the
trace shows the write under it. Causes are kept only while dispatches are watched.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import event, inspect
from sqlalchemy.orm import Session, object_session

from signalcli.db.compat.states import State, state_of
from signalcli.db.models import ForEachModel
from signalcli.dispatch import watching


class Causes:
    """The causes of the pending writes of one session."""

    def __init__(self) -> None:
        # Weak, by state: noting a cause must not keep an instance alive. None until a cause is
        # noted, since most sessions are never watched, and each flush asks.
        self._noted: WeakKeyDictionary[State, dict[str | None, watching.Cause]] | None = None

    def note(self, instance: Any, collection: str | None = None) -> None:
        """Note the running response as the cause of the next write of an instance.

        Arguments:
            instance: the instance.
            collection: the many-to-many relationship whose links are to be written; None for the
                instance's own row.
        """
        if watching.observers:
            if self._noted is None:
                self._noted = WeakKeyDictionary()
            self._noted.setdefault(state_of(instance), {})[collection] = watching.cause()

    def note_first(self, instance: Any, collection: str | None = None) -> None:
        """As :meth:`note`, unless a cause is noted already."""
        if self._noted is None or collection not in self._noted.get(state_of(instance), ()):
            self.note(instance, collection)

    def of(self, instance: Any, collection: str | None = None) -> watching.Cause | None:
        """The noted cause, or None."""
        if self._noted is None:
            return None
        return self._noted.get(state_of(instance), {}).get(collection)

    def of_any(self, instances: Iterable[Any]) -> watching.Cause | None:
        """The cause of the first of several instances that has one, or None."""
        if self._noted is None:
            return None
        noted = map(self.of, instances)
        return next((cause for cause in noted if cause is not None), None)

    def forget(self, instance: Any, collection: str | None = None) -> None:
        """Forget a cause: the instance was written, and the next write has a cause of its own."""
        if self._noted is not None:
            self._noted.get(state_of(instance), {}).pop(collection, None)

    def clear(self) -> None:
        """Forget all causes: nothing is pending any more."""
        self._noted = None


@dataclass(eq=False)
class Notes:
    """The notes that a session keeps from one flush to the next.

    Attributes:
        causes: the causes of its pending writes.
        origins: for each instance that is marked for deletion, the one that ``delete()`` was
            called with.
        writes: how many of its flushes have written.
    """

    causes: Causes
    origins: dict[State, Any] = field(default_factory=dict)
    writes: int = 0

    def clear(self) -> None:
        """Forget causes and origins: nothing is pending any more."""
        self.origins.clear()
        self.causes.clear()


@event.listens_for(Session, "transient_to_pending")
def _on_attach(session: Session, instance: Any) -> None:
    if not watching.observers:
        return
    causes = causes_of(session)
    if causes is not None:
        causes.note(instance)


def _on_column(instance: Any, value: Any, old: Any, initiator: Any) -> None:
    if value is not old:
        note_change(instance)


def _on_reference(instance: Any, value: Any, old: Any, initiator: Any) -> None:
    if value is not old:
        for changed in (instance, value, old):
            note_change(changed)


def _on_collection(instance: Any, value: Any, initiator: Any) -> None:
    note_change(value)


def note_change(instance: Any) -> None:
    """Note the running response as the cause of the next write of an instance, if it has none."""
    if not watching.observers:
        return
    state = inspect(instance, raiseerr=False)
    if state is not None and getattr(state, "persistent", False):
        causes = causes_of(object_session(instance))
        if causes is not None:
            causes.note_first(instance)


def causes_of(session: Session | None) -> Causes | None:
    """The causes that a session keeps; None for a session that is not of this package."""
    causes: Causes | None = getattr(session, "causes", None)
    return causes


def _listeners(model: type[Any]) -> list[tuple[Any, str, Any]]:
    mapper = inspect(model)
    listeners: list[tuple[Any, str, Any]] = [
        (getattr(model, attribute.key), "set", _on_column) for attribute in mapper.column_attrs
    ]
    for relationship in mapper.relationships:
        if relationship.secondary is not None:
            # A many-to-many relationship writes a link, and neither of the two rows.
            continue
        attribute = getattr(model, relationship.key)
        if relationship.uselist:
            listeners.append((attribute, "append", _on_collection))
            listeners.append((attribute, "remove", _on_collection))
        else:
            listeners.append((attribute, "set", _on_reference))
    return listeners


def _listen(model: type[Any]) -> None:
    for listener in _listeners(model):
        event.listen(*listener)


_models = ForEachModel(
    is_wanted=lambda: bool(watching.observers), listen=_listen, when_configured=True
)
watching.on_change(_models.update)
_models.update()
