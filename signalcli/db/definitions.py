"""The end of a model's definition: ``class_prepared`` is sent, and the model found by its name.

A model is complete at the end of its class statement. A class that is mapped later is complete at
the end of the call that maps it (``registry.mapped``, ``registry.map_imperatively``, …). Both are
wrapped here, since SQLAlchemy's own event comes earlier: the class has no ``__mapper__`` yet, and
a lock is held that other threads wait for. That event is used for classes that are mapped in other
ways, such as by reflection.

Other models may still be missing when ``class_prepared`` is sent. A receiver finds the declared
relationships of a SQLModel class in ``__sqlmodel_relationships__``. It must not ask for
``inspect(model).relationships``: SQLAlchemy would look for the models that they lead to, and
remember for good that it found none.
"""

import functools
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy.orm
from sqlalchemy import MetaData, Table, event, inspect
from sqlalchemy.orm import DeclarativeBase, DeclarativeBaseNoMeta, DeclarativeMeta, Mapper, registry
from sqlmodel import SQLModel

from signalcli.db.compat.models import DECLARATIVE_METACLASS, discard
from signalcli.db.models import add_model, is_mapped, mapped_models, models_lock
from signalcli.db.signals import class_prepared, connect_pending

__all__ = ["class_prepared"]

Function = Callable[..., Any]
Tables = Collection[str] | None


class _Definition:
    """The definition of a model that is under way.

    Arguments:
        model: the model.
        tables: the names of the tables that existed before; None if the model's table is to stay
            whatever happens.

    Attributes:
        mapped: the models that were mapped during this definition, and not during an inner one.
    """

    def __init__(self, model: type[Any], tables: Tables) -> None:
        self.model = model
        self.tables = tables
        self.mapped: list[type[Any]] = []


class _Definitions(threading.local):
    """The definitions under way in this thread, innermost last."""

    def __init__(self) -> None:
        self.under_way: list[_Definition] = []


_definitions = _Definitions()

# Models whose metaclass has yet to end their class statement, and the tables before it.
_ending: WeakKeyDictionary[type[Any], Tables] = WeakKeyDictionary()


@contextmanager
def _defining(model: type[Any], tables: Tables, ends_later: bool = False) -> Iterator[None]:
    """Define a model in the block; at its end, the models mapped in it are complete.

    Arguments:
        model: the model.
        tables: see :class:`_Definition`.
        ends_later: whether the model itself is completed by :func:`_end`.
    """
    under_way = _definitions.under_way
    if under_way and under_way[-1].model is model:
        # One wrapped way to map a class calls another: the outer one completes the model.
        yield
        return
    definition = _Definition(model, tables)
    under_way.append(definition)
    try:
        yield
    finally:
        under_way.remove(definition)
    for mapped in definition.mapped:
        if mapped is model and ends_later:
            _ending[model] = tables
        elif is_mapped(mapped):
            _complete(mapped, tables)


def _end(model: type[Any]) -> None:
    if model in _ending:
        _complete(model, _ending.pop(model))


def _tables_around(model: type[Any], of: "registry | None" = None) -> Tables:
    """The names of the tables before a model gets its own; None if no receiver can fail."""
    if class_prepared.is_idle:
        return None
    # A class without a table may use the name for something else.
    metadata = getattr(model, "metadata", None if of is None else of.metadata)
    return frozenset(metadata.tables) if isinstance(metadata, MetaData) else ()


def _on_mapper(mapper: Mapper[Any], model: type[Any]) -> None:
    if _definitions.under_way:
        _definitions.under_way[-1].mapped.append(model)
    else:
        _complete(model, None)


def _complete(model: type[Any], tables: Tables) -> None:
    try:
        class_prepared.send(model)
    except BaseException:
        _undo(model, tables)
        raise
    with models_lock:
        add_model(model)
        connect_pending()


def _undo(model: type[Any], tables: Tables) -> None:
    """Take a model out of its registry, and its table, if it is new, out of its metadata."""
    mapper = inspect(model)
    table = mapper.local_table
    discard(mapper)
    if tables is not None and isinstance(table, Table) and table.key not in tables:
        table.metadata.remove(table)


def _hear_of_class_statements(metaclass: Any) -> None:
    """Have a metaclass that maps its classes complete them at the end of its ``__init__``."""
    initialize = metaclass.__init__

    @functools.wraps(initialize)
    def define(model: Any, /, *args: Any, **options: Any) -> None:
        with _defining(model, _tables_around(model)):
            initialize(model, *args, **options)

    type.__setattr__(metaclass, "__init__", define)


def _hear_of_subclasses(base: type[Any]) -> None:
    """Have a declarative base that maps the classes derived from it complete them."""
    derive: Function = vars(base)["__init_subclass__"].__func__

    @functools.wraps(derive)
    def define(model: type[Any], /, **options: Any) -> None:
        with _defining(model, _tables_around(model), ends_later=_is_ended(type(model))):
            derive(model, **options)

    type.__setattr__(base, "__init_subclass__", classmethod(define))


def _is_ended(metaclass: type[Any]) -> bool:
    """Whether a metaclass calls :func:`_end`: one with an ``__init__`` of its own may not."""
    first = next(each for each in metaclass.__mro__ if "__init__" in vars(each))
    return first is DECLARATIVE_METACLASS


def _hear_of_ends() -> None:
    """Have the metaclass of declarative bases complete a class when its statement ends."""
    inherited = vars(DECLARATIVE_METACLASS).get("__init__")

    def end(model: type[Any], /, *args: Any, **options: Any) -> None:
        if inherited is None:
            super(DECLARATIVE_METACLASS, model).__init__(*args, **options)
        else:
            inherited(model, *args, **options)
        _end(model)

    type.__setattr__(DECLARATIVE_METACLASS, "__init__", end)


def _hear_of_mapping(name: str, *, is_of_a_table: bool = False) -> None:
    """Have a method of registries that maps a class complete it.

    Arguments:
        name: the method.
        is_of_a_table: whether the class is mapped to a table that existed before.
    """
    map_: Function = getattr(registry, name)

    @functools.wraps(map_)
    def define(of: registry, /, *args: Any, **options: Any) -> Any:
        model = args[0] if args else options.get("class_", options.get("cls"))
        if not isinstance(model, type):
            answer = map_(of, *args, **options)
            # Called with options alone, it returns a decorator.
            return _decorating(answer, of) if callable(answer) else answer
        with _defining(model, None if is_of_a_table else _tables_around(model, of)):
            return map_(of, *args, **options)

    setattr(registry, name, define)


def _decorating(decorate: Function, of: registry) -> Function:
    @functools.wraps(decorate)
    def define(model: type[Any]) -> Any:
        with _defining(model, _tables_around(model, of)):
            return decorate(model)

    return define


def _hear_of_decorators() -> None:
    """Have ``sqlalchemy.orm.mapped_as_dataclass`` complete the classes that it decorates."""
    mapped_as_dataclass: Function | None = getattr(sqlalchemy.orm, "mapped_as_dataclass", None)
    if mapped_as_dataclass is None:
        return  # an older SQLAlchemy

    @functools.wraps(mapped_as_dataclass)
    def define(of: registry, /, **options: Any) -> Function:
        return _decorating(mapped_as_dataclass(of, **options), of)

    setattr(sqlalchemy.orm, "mapped_as_dataclass", define)  # noqa: B010  # not for a type checker


_hear_of_class_statements(DeclarativeMeta)
_hear_of_class_statements(type(SQLModel))
for _base in (DeclarativeBase, DeclarativeBaseNoMeta):
    _hear_of_subclasses(_base)
_hear_of_ends()
for _name in ("mapped", "map_declaratively", "mapped_as_dataclass"):
    _hear_of_mapping(_name)
_hear_of_mapping("map_imperatively", is_of_a_table=True)
_hear_of_decorators()
event.listen(Mapper, "after_mapper_constructed", _on_mapper)
for _model in mapped_models():
    add_model(_model)
