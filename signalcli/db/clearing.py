"""Telling ``collection.clear()`` from removing all members, which SQLAlchemy's events do not."""

import functools
from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import RelationshipProperty
from sqlalchemy.orm.collections import InstrumentedDict, InstrumentedList, InstrumentedSet

_INSTRUMENTED: dict[type[Any], type[Any]] = {
    list: InstrumentedList,
    set: InstrumentedSet,
    dict: InstrumentedDict,
}


class ClearWatch:
    """Watches over the ``clear()`` of relationships' collections, by wrapping their classes' own.

    Arguments:
        on_clear: called with each collection that is about to be cleared.
    """

    def __init__(self, on_clear: Callable[[Any], None]) -> None:
        self._on_clear = on_clear
        self._originals: dict[type[Any], Any] = {}

    def add(self, relationship: RelationshipProperty[Any]) -> None:
        """Watch over a relationship's collections, those that exist and those to come."""
        kind = _collection_class(relationship)
        owner = next((base for base in kind.__mro__ if "clear" in vars(base)), object)
        if owner.__module__ != "builtins" and owner not in self._originals:
            self._originals[owner] = original = vars(owner)["clear"]
            type.__setattr__(owner, "clear", self._wrapped(original))

    def remove_all(self) -> None:
        """Watch no more: the classes are as they were."""
        while self._originals:
            owner, original = self._originals.popitem()
            type.__setattr__(owner, "clear", original)

    def _wrapped(self, original: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(original)
        def clear(collection: Any, *args: Any, **kwargs: Any) -> None:
            self._on_clear(collection)
            original(collection, *args, **kwargs)

        return clear


def _collection_class(relationship: RelationshipProperty[Any]) -> type[Any]:
    factory: Callable[[], Any] = relationship.collection_class or list
    kind: type[Any] = type(factory())
    return _INSTRUMENTED.get(kind, kind)
