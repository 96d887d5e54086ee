"""Through which side of a many-to-many relationship a change was asked for, and how.

SQLAlchemy keeps both sides of a relationship alike, so that a change looks the same from either.
What it does not keep is noted while it is done: whose collection was asked, in which order, and
whether by ``clear()``. Notes live no longer than their instances.
"""

import itertools
import threading
from collections.abc import Collection
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from sqlalchemy import event, inspect
from sqlalchemy.orm import InstanceState, object_session
from sqlalchemy.orm.collections import collection_adapter

from signalcli.db.causes import causes_of
from signalcli.db.clearing import ClearWatch
from signalcli.db.compat.states import Relationship
from signalcli.db.many_to_many import counterpart, many_to_many
from signalcli.db.models import ForEachModel
from signalcli.db.signals import m2m_changed
from signalcli.dispatch import watching
from signalcli.dispatch.forking import held_across_forks

State = InstanceState[Any]


class Asked:
    """What was asked of one collection since it was last written.

    Attributes:
        place: a number that grows with each collection that is asked.
        by_clear: whether ``clear()`` was called.
    """

    __slots__ = ("_others", "by_clear", "place")

    def __init__(self) -> None:
        self.place = next(_places)
        self.by_clear = False
        self._others: WeakSet[State] = WeakSet()

    def add(self, other: State) -> None:
        """It was asked to take in or to give up another instance."""
        self._others.add(other)

    def discard(self, other: State) -> None:
        """The other instance's collection was asked since."""
        self._others.discard(other)

    def concerns(self, other: Any) -> bool:
        """Whether it was the last to be asked about another instance."""
        return inspect(other) in self._others


_places = itertools.count()
_notes: WeakKeyDictionary[State, dict[str, Asked]] = WeakKeyDictionary()


def asked(instance: Any, relationship: Relationship) -> Asked | None:
    """What was asked of an instance's collection, if anything was."""
    return _notes.get(inspect(instance), {}).get(relationship.key)


def forget(instance: Any, relationship: Relationship) -> None:
    """The collection was written."""
    notes = _notes.get(inspect(instance))
    if notes is not None:
        notes.pop(relationship.key, None)


def _is_wanted() -> bool:
    return not m2m_changed.is_idle


def _note(instance: Any, relationship: Relationship) -> Asked:
    causes = causes_of(object_session(instance))
    if causes is not None:
        causes.note_first(instance, relationship.key)
    notes = _notes.setdefault(inspect(instance), {})
    if relationship.key not in notes:
        notes[relationship.key] = Asked()
    return notes[relationship.key]


def _listen_to(attribute: Any, relationship: Relationship) -> None:
    other_side = counterpart(relationship)

    def note(instance: Any, value: Any, initiator: Any) -> None:
        # Also called on the other side of what was asked, which the initiator tells.
        if initiator.parent_token is not relationship or not _is_wanted():
            return
        other = inspect(value, raiseerr=False)
        if isinstance(other, InstanceState):
            _note(instance, relationship).add(other)
            if other_side is not None and other in _notes:
                notes = _notes[other].get(other_side.key)
                if notes is not None:
                    notes.discard(inspect(instance))

    def note_both(instance: Any, value: Any, old: Any, initiator: Any) -> None:
        if value is not old:
            note(instance, old, initiator)
            note(instance, value, initiator)

    if relationship.uselist:
        event.listen(attribute, "append", note)
    else:
        # Who was there before is not asked for: that would load it, whoever listens.
        event.listen(attribute, "set", note_both)
    event.listen(attribute, "remove", note)


def _note_clear(collection: Any) -> None:
    adapter = collection_adapter(collection)
    if adapter is not None and len(adapter):
        state = adapter.owner_state
        instance = state.object
        relationship = state.mapper.relationships.get(adapter.attr.key)
        if instance is not None and relationship in many_to_many(state.mapper):
            _note(instance, relationship).by_clear = True


def _forget_expired(state: State, keys: Collection[str] | None) -> None:
    """What was asked is undone: by a rollback, or because the collection is read anew."""
    if keys is None:
        _notes.pop(state, None)
    elif state in _notes:
        for key in keys:
            _notes[state].pop(key, None)


def _listen(model: type[Any]) -> None:
    relationships = many_to_many(inspect(model))
    for relationship in relationships:
        _listen_to(getattr(model, relationship.key), relationship)
    if relationships:
        # Raw, since an instance may be gone before its state.
        event.listen(model, "expire", _forget_expired, raw=True)


_clears = ClearWatch(_note_clear)


def _prepare(model: type[Any]) -> None:
    for relationship in many_to_many(inspect(model)):
        if relationship.uselist:
            _clears.add(relationship)


_models = ForEachModel(_is_wanted, _listen, _prepare, when_configured=True)


# Two threads that connect and disconnect at once are not to leave the one's doing undone.
_lock = held_across_forks(threading.RLock())


def _update() -> None:
    with _lock:
        if not _models.update():
            _clears.remove_all()
            _notes.clear()


m2m_changed.on_change = _update
watching.on_change(_update)
_update()
