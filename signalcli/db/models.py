"""Finding the mapped models, those of today and those still to come."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import event, inspect
from sqlalchemy.orm import Mapper
from sqlalchemy.orm.exc import UnmappedClassError
from sqlmodel import SQLModel

from signalcli.dispatch.forking import held_across_forks

Prepare = Callable[[type[Any]], None]


def is_mapped(model: type[object]) -> bool:
    """Whether a class has a mapper, and so a table."""
    try:
        return inspect(model, raiseerr=False) is not None
    except UnmappedClassError:
        return False  # its mapping is put off until DeferredReflection knows the table


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
                if is_mapped(subclass):
                    yield subclass


class ForEachModel:
    """Something done to every mapped model while it is wanted.

    SQLAlchemy's events must not be changed while another thread fires them, so what listens to
    them is added once, when it is first wanted, and stays; it has to look whether it is still
    wanted itself. Each of these lives as long as the process.

    Arguments:
        is_wanted: whether it is wanted now.
        listen: adds event listeners to a model; called once for each.
        prepare: called with each model whenever it comes to be wanted.
        restore: called with each model when it is not wanted any more.
        when_configured: leave a model until SQLAlchemy has configured it, so that its relationships
            are known: to ask for them earlier fails where one names a model still to be defined.
    """

    def __init__(
        self,
        is_wanted: Callable[[], bool],
        listen: Prepare,
        prepare: Prepare | None = None,
        restore: Prepare | None = None,
        when_configured: bool = False,
    ) -> None:
        self._is_wanted = is_wanted
        self._listen = listen
        self._prepare = prepare
        self._restore = restore
        self._when_configured = when_configured
        self._listening: set[type[Any]] = set()
        self._prepared: dict[type[Any], None] = {}
        self._on = False
        self._lock = held_across_forks(threading.RLock())
        if when_configured:
            event.listen(Mapper, "after_configured", self._on_configured)
        else:
            event.listen(Mapper, "after_mapper_constructed", self._on_mapper)

    def update(self) -> bool:
        """Do it, or undo it, if that has changed; returns whether it is wanted."""
        with self._lock:
            wanted = self._is_wanted()
            if wanted != self._on:
                self._on = wanted
                if wanted:
                    self._add_all()
                while not wanted and self._prepared:
                    model, _ = self._prepared.popitem()
                    if self._restore is not None:
                        self._restore(model)
            return wanted

    def _on_mapper(self, mapper: Mapper[Any], model: type[Any]) -> None:
        with self._lock:
            if self._on and issubclass(model, SQLModel):
                self._add(model)

    def _on_configured(self) -> None:
        with self._lock:
            if self._on:
                self._add_all()

    def _add_all(self) -> None:
        for model in mapped_models():
            if model not in self._prepared and self._is_ready(model):
                self._add(model)

    def _is_ready(self, model: type[Any]) -> bool:
        return not self._when_configured or bool(inspect(model).configured)

    def _add(self, model: type[Any]) -> None:
        if model not in self._listening:
            self._listening.add(model)
            self._listen(model)
        self._prepared[model] = None
        if self._prepare is not None:
            self._prepare(model)
