"""Telling ``collection.clear()`` from removing all members, which SQLAlchemy's events do not."""

import functools
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any
from weakref import WeakSet

from sqlalchemy.orm import RelationshipProperty

from signalcli.db.compat.models import instrumented
from signalcli.db.wrapping import unwrap, wrap_method

# The collection that is being cleared, of which it was told.
_clearing: ContextVar[Any] = ContextVar("signalcli_clearing", default=None)


class ClearWatch:
    """Watches over the ``clear()`` of relationships' collections, by wrapping their classes' own.

    Arguments:
        on_clear: called with each collection that is about to be cleared.
    """

    def __init__(self, on_clear: Callable[[Any], None]) -> None:
        self._on_clear = on_clear
        self._owners: WeakSet[type[Any]] = WeakSet()
        self._is_on = False

    def add(self, relationship: RelationshipProperty[Any]) -> None:
        """Watch over a relationship's collections, those that exist and those to come."""
        self._is_on = True
        kind = _collection_class(relationship)
        owner = next((base for base in kind.__mro__ if "clear" in vars(base)), object)
        if owner.__module__ != "builtins":
            self._owners.add(owner)
            wrap_method(owner, "clear", self._wrapped)

    def remove_all(self) -> None:
        """Watch no more: the classes are as they were, but for what others hold of ours."""
        self._is_on = False
        for owner in list(self._owners):
            unwrap(owner, "clear")
        self._owners.clear()

    def _wrapped(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def clear(collection: Any, /, *args: Any, **kwargs: Any) -> Any:
            # The derived class's wrapper, or one that others hold, may have told of it already.
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
