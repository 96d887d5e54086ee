"""Many-to-many relationships: their two sides, and the side that the program has changed.

SQLAlchemy changes both sides of a relationship at once, and a change looks the same from either.
Django's ``m2m_changed`` tells which side the program has changed, in which order, and whether by
``clear()``. Listeners note this at the time of the change. A note dies with its instance.
"""

import itertools
import threading
import weakref
from collections.abc import Callable, Collection, Iterable
from contextvars import ContextVar
from functools import wraps
from typing import Any, TypeVar
from weakref import WeakKeyDictionary, WeakSet

from sqlalchemy import event, inspect
from sqlalchemy.orm import RelationshipProperty, object_session
from sqlalchemy.orm.collections import collection_adapter

from signalcli.db.causes import causes_of
from signalcli.db.compat.models import instrumented
from signalcli.db.compat.states import (
    Relationship,
    State,
    is_expression,
    memory_of,
    state_of,
    state_or_none,
)
from signalcli.db.models import ForEachModel, mapped_models, unwrap, wrap_method
from signalcli.db.relationships import relationships_of
from signalcli.db.signals import m2m_changed
from signalcli.dispatch import watching
from signalcli.dispatch.forking import held_across_forks

T = TypeVar("T")


def _remembered(answer: Callable[[Relationship], T]) -> Callable[[Relationship], T]:
    """Have a function of a relationship called once for each; answers go with the model."""

    @wraps(answer)
    def remember(relationship: Relationship) -> T:
        memory = memory_of(relationship.parent)
        key = (answer.__name__, relationship.key)
        if key not in memory:
            memory[key] = answer(relationship)
        found: T = memory[key]
        return found

    return remember


@_remembered
def counterpart(relationship: Relationship) -> Relationship | None:
    """The relationship of the other side, by ``back_populates``; None where there is none."""
    others = relationship.mapper.relationships
    if relationship.back_populates is not None:
        return others[relationship.back_populates]
    for other in others:
        if (
            other.secondary is relationship.secondary
            and other.back_populates == relationship.key
            and relationship.parent.isa(other.mapper)
        ):
            return other
    return None


@_remembered
def is_reverse(relationship: Relationship) -> bool:
    """Whether a relationship is the reverse side of two.

    As in the tables that Django makes, the forward side's own foreign key comes first in the link
    table. A relationship alone is always forward.
    """
    if counterpart(relationship) is None:
        return False
    own = {column for _, column in relationship.synchronize_pairs}
    others = {column for _, column in relationship.secondary_synchronize_pairs or ()}
    to_one_side = own ^ others
    columns = () if relationship.secondary is None else relationship.secondary.columns
    first = next((column for column in columns if column in to_one_side), None)
    return first in others


@_remembered
def link_model(relationship: Relationship) -> Any:
    """The class that the link table is mapped to, or the table itself where there is none."""
    table = relationship.secondary
    for model in mapped_models():
        if inspect(model).local_table is table:
            return model
    for mapper in sorted(relationship.parent.registry.mappers, key=str):
        if mapper.local_table is table:
            return mapper.class_
    return table


def primary_keys(instances: Iterable[Any]) -> set[Any]:
    """The instances' primary keys: each a value, or a tuple where the key has several columns.

    An instance whose key only the database knows is left out: its row is still to be inserted, or
    the key is an SQL expression.
    """
    keys = set()
    for instance in instances:
        state = state_of(instance)
        if state.key is not None:
            key = state.key[1]
        else:
            key = tuple(state.mapper.primary_key_from_instance(instance))
            if any(map(is_expression, key)):
                continue
        if None not in key:
            keys.add(key[0] if len(key) == 1 else key)
    return keys


# The collection that is being cleared and was reported: a derived class's `clear()` calls that of
# its base, and both may be wrapped.
_clearing: ContextVar[Any] = ContextVar("signalcli_clearing", default=None)


class ClearWatch:
    """Reports each ``clear()`` of a relationship's collection, by wrapping the method.

    SQLAlchemy's events only tell of the removal of each member.

    Arguments:
        on_clear: called with each collection that is about to be cleared.
    """

    def __init__(self, on_clear: Callable[[Any], None]) -> None:
        self._on_clear = on_clear
        self._owners: WeakSet[type[Any]] = WeakSet()
        self._is_on = False

    def add(self, relationship: RelationshipProperty[Any]) -> None:
        """Watch the collections of a relationship."""
        self._is_on = True
        kind = _collection_class(relationship)
        owner = next((base for base in kind.__mro__ if "clear" in vars(base)), object)
        if owner.__module__ != "builtins":
            self._owners.add(owner)
            wrap_method(owner, "clear", self._wrapped)

    def remove_all(self) -> None:
        """Stop watching, and take the wrappers off.

        A wrapper that others have wrapped or kept stays where it is, and does nothing.
        """
        self._is_on = False
        for owner in list(self._owners):
            unwrap(owner, "clear")
        self._owners.clear()

    def _wrapped(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(original)
        def clear(collection: Any, /, *args: Any, **kwargs: Any) -> Any:
            # Another wrapper around the same call may have reported it already.
            if not self._is_on or _clearing.get() is collection:
                return original(collection, *args, **kwargs)
            self._on_clear(collection)
            token = _clearing.set(collection)
            try:
                return original(collection, *args, **kwargs)
            finally:
                _clearing.reset(token)

        return clear


def _collection_class(relationship: RelationshipProperty[Any]) -> type[Any]:
    factory: Callable[[], Any] = relationship.collection_class or list
    return instrumented(type(factory()))


class Asked:
    """The changes that the program has made to one collection since it was last written.

    Attributes:
        place: a number that is larger for each collection that is changed later.
        by_clear: whether ``clear()`` was called.
    """

    __slots__ = ("_others", "by_clear", "place")

    def __init__(self) -> None:
        self.place = next(_places)
        self.by_clear = False
        # Weak references without a callback: of an object there is only one, which costs next to
        # nothing to ask for. The dead ones are forgotten with the rest.
        self._others: set[weakref.ref[State]] = set()

    def add(self, other: State) -> None:
        """Note that the collection was asked to take in or to give up another instance."""
        self._others.add(weakref.ref(other))

    def discard(self, other: State) -> None:
        """Forget another instance: its own collection was changed since."""
        self._others.discard(weakref.ref(other))

    def concerns(self, other: Any) -> bool:
        """Whether this side, rather than the other, was the last to change its link to another."""
        return weakref.ref(state_of(other)) in self._others


_places = itertools.count()
_notes: WeakKeyDictionary[State, dict[str, Asked]] = WeakKeyDictionary()


def asked(state: State, relationship: Relationship) -> Asked | None:
    """The changes that the program has made to an instance's collection; None if there are none."""
    notes = _notes.get(state)
    return None if notes is None else notes.get(relationship.key)


def forget(state: State, relationship: Relationship) -> None:
    """Forget the changes to an instance's collection: it was written."""
    notes = _notes.get(state)
    if notes is not None:
        notes.pop(relationship.key, None)


def _is_wanted() -> bool:
    return not m2m_changed.is_idle


def _note(state: State, relationship: Relationship) -> Asked:
    # Asking for the session of each member that is added to a large collection takes a while.
    if watching.observers:
        instance = state.obj()
        causes = causes_of(object_session(instance))
        if causes is not None:
            causes.note_first(instance, relationship.key)
    notes = _notes.get(state)
    if notes is None:
        notes = _notes[state] = {}
    noted = notes.get(relationship.key)
    if noted is None:
        noted = notes[relationship.key] = Asked()
    return noted


def _listen_to(attribute: Any, relationship: Relationship) -> None:
    other_side = counterpart(relationship)

    # Called for each member of a collection. The three options keep SQLAlchemy from putting a
    # wrapper around the listener, which would take longer than the listener does.
    def note(state: State, value: Any, initiator: Any, key: Any = None) -> Any:
        # SQLAlchemy calls the listeners of both sides; the initiator tells which side was changed.
        if initiator.parent_token is relationship and not m2m_changed.is_idle:
            other = state_or_none(value)
            if other is not None:
                notes = _note(state, relationship)
                # Where there is no other side, all changes are this one's.
                if other_side is not None:
                    notes.add(other)
                    others_notes = asked(other, other_side)
                    if others_notes is not None:
                        others_notes.discard(state)
        return value

    def note_both(state: State, value: Any, old: Any, initiator: Any, key: Any = None) -> Any:
        if value is not old:
            note(state, old, initiator)
            note(state, value, initiator)
        return value

    unwrapped = {"raw": True, "retval": True, "include_key": True}
    if relationship.uselist:
        event.listen(attribute, "append", note, **unwrapped)
    else:
        # Without `active_history`, which would load the old instance for the sake of the listener.
        event.listen(attribute, "set", note_both, **unwrapped)
    event.listen(attribute, "remove", note, **unwrapped)


def _note_clear(collection: Any) -> None:
    adapter = collection_adapter(collection)
    # The collection of a class that is instrumented, but mapped to no table, is none of ours.
    if adapter is not None and len(adapter) and adapter.owner_state.manager.is_mapped:
        state = adapter.owner_state
        relationship = state.mapper.relationships.get(adapter.attr.key)
        if state.obj() is not None and relationship in relationships_of(state.mapper).many_to_many:
            _note(state, relationship).by_clear = True


def _forget_expired(state: State, keys: Collection[str] | None) -> None:
    """Forget changes that are undone: by a rollback, or since the collection is loaded again."""
    if keys is None:
        _notes.pop(state, None)
    elif state in _notes:
        for key in keys:
            _notes[state].pop(key, None)


def _listen(model: type[Any]) -> None:
    relationships = relationships_of(inspect(model)).many_to_many
    for relationship in relationships:
        _listen_to(getattr(model, relationship.key), relationship)
    if relationships:
        # Raw gives the state, which may outlive its instance.
        event.listen(model, "expire", _forget_expired, raw=True)


_clears = ClearWatch(_note_clear)


def _prepare(model: type[Any]) -> None:
    for relationship in relationships_of(inspect(model)).many_to_many:
        if relationship.uselist:
            _clears.add(relationship)


_models = ForEachModel(_is_wanted, _listen, _prepare, when_configured=True)


# If one thread connects while another disconnects, the later of the two has to win.
_lock = held_across_forks(threading.RLock())


def _update() -> None:
    with _lock:
        if not _models.update():
            _clears.remove_all()
            _notes.clear()


m2m_changed.on_change = _update
watching.on_change(_update)
_update()
