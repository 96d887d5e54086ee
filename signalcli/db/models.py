"""Finding the mapped models, those of today and those still to come."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import event, inspect
from sqlalchemy.orm import Mapper
from sqlmodel import SQLModel

Prepare = Callable[[type[Any]], None]


def mapped_models() -> Iterator[type[Any]]:
    """Every SQLModel class that has a table, a base class before those derived from it."""
    seen = set()
    pending: list[type[Any]] = [SQLModel]
    while pending:
        model = pending.pop(0)
        for subclass in model.__subclasses__():
            if subclass not in seen:
                seen.add(subclass)
                pending.append(subclass)
                if inspect(subclass, raiseerr=False) is not None:
                    yield subclass


class ForEachModel:
    """Something done to every mapped model, and undone again.

    Arguments:
        prepare: called with each model that is mapped, now or while this is on.
        restore: called with each of those when it is switched off.
    """

    def __init__(self, prepare: Prepare, restore: Prepare) -> None:
        self._prepare = prepare
        self._restore = restore
        self._prepared: list[type[Any]] = []
        self._on = False
        self._lock = threading.RLock()

    def switch(self, on: bool) -> None:
        """Switch on or off; switching to what it already is does nothing."""
        with self._lock:
            if on == self._on:
                return
            self._on = on
            if on:
                event.listen(Mapper, "after_mapper_constructed", self._on_mapper)
                for model in mapped_models():
                    self._add(model)
            else:
                event.remove(Mapper, "after_mapper_constructed", self._on_mapper)
                while self._prepared:
                    self._restore(self._prepared.pop())

    def _on_mapper(self, mapper: Mapper[Any], model: type[Any]) -> None:
        if issubclass(model, SQLModel):
            self._add(model)

    def _add(self, model: type[Any]) -> None:
        self._prepared.append(model)
        self._prepare(model)
