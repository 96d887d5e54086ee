"""Noticing that a model's definition is complete: sending ``class_prepared``, then finding it.

A model is complete at the end of its class statement. SQLAlchemy's own event comes earlier: the
class lacks its ``__mapper__`` yet, and a lock is held that other threads wait for.

Other models may be missing yet. So a receiver of ``class_prepared`` finds what relationships are
declared in ``__sqlmodel_relationships__``; asked for ``inspect(model).relationships``, SQLAlchemy
would look for the models that they lead to, and remember for good that it found none.
"""

import functools
from collections.abc import Collection
from typing import Any

from sqlalchemy import MetaData, Table, event, inspect
from sqlalchemy.orm import Mapper
from sqlmodel import SQLModel

from signalcli.db.lookup import add_model, lock
from signalcli.db.model_signal import connect_pending
from signalcli.db.models import is_mapped, mapped_models
from signalcli.db.signals import class_prepared

__all__ = ["class_prepared"]

_metaclass: Any = type(SQLModel)
_initialize = _metaclass.__init__

# The classes whose statements are being carried out, in all threads.
_unfinished: set[type[Any]] = set()


@functools.wraps(_initialize)
def _define(model: Any, name: str, bases: Any, attributes: Any, **options: Any) -> None:
    tables = None if class_prepared.is_idle else _tables_around(model)
    _unfinished.add(model)
    try:
        _initialize(model, name, bases, attributes, **options)
    finally:
        _unfinished.discard(model)
    if is_mapped(model):
        _complete(model, tables)


def _tables_around(model: type[Any]) -> Collection[str]:
    metadata = getattr(model, "metadata", None)  # a class without a table may use the name
    return frozenset(metadata.tables) if isinstance(metadata, MetaData) else ()


def _on_mapper(mapper: Mapper[Any], model: type[Any]) -> None:
    """Where a class is mapped after its statement, by ``map_imperatively`` or by reflection."""
    if issubclass(model, SQLModel) and model not in _unfinished:
        _complete(model, None)


def _complete(model: type[Any], tables: Collection[str] | None) -> None:
    try:
        class_prepared.send(model)
    except BaseException:
        _undo(model, tables)
        raise
    with lock:
        add_model(model)
        connect_pending()


def _undo(model: type[Any], tables: Collection[str] | None) -> None:
    """Take a model out of its registry, and its table, if it is new, out of its metadata."""
    mapper = inspect(model)
    table = mapper.local_table
    # What registry.dispose() does to each of its models; in public there is none for one alone.
    mapper.registry._managers.pop(mapper.class_manager, None)
    mapper.registry._dispose_manager_and_mapper(mapper.class_manager)
    if tables is not None and isinstance(table, Table) and table.key not in tables:
        table.metadata.remove(table)


type.__setattr__(_metaclass, "__init__", _define)
event.listen(Mapper, "after_mapper_constructed", _on_mapper)
for _model in mapped_models():
    add_model(_model)
