"""The private names of SQLAlchemy and SQLModel that are used of their models.

Each function says which names it stands on, and what would break without them.
"""

from collections.abc import Callable, MutableMapping
from typing import Any

import sqlmodel
from sqlalchemy import Connection
from sqlalchemy.orm import Mapper, mapperlib
from sqlalchemy.orm.collections import InstrumentedList, InstrumentedSet
from sqlalchemy.orm.decl_api import DeclarativeAttributeIntercept
from sqlalchemy.types import TypeEngine
from sqlalchemy.util import WeakSequence
from sqlmodel import SQLModel
from sqlmodel.main import finish_init  # type: ignore[attr-defined]  # not among its exports

Function = Callable[..., Any]

# The metaclass of DeclarativeBase, which sqlalchemy.orm does not export. Without it, class_prepared
# would be sent before a class statement is over.
DECLARATIVE_METACLASS: type[type] = DeclarativeAttributeIntercept

# The attribute in which an instance keeps the names of the given fields. Without it, bulk work
# would make instances of which model_dump(exclude_unset=True) leaves out all.
FIELDS_SET = "__pydantic_fields_set__"

# Tells whether an instance that is made in this context is filled by its __init__, and not later
# by model_validate. Without it, pre_init and post_init would be sent twice for an instance that is
# validated, and bulk work would fill one that has to be blank.
is_filled_at_once: Callable[[], bool] = finish_init.get

_INSTRUMENTED: dict[type[Any], type[Any]] = {list: InstrumentedList, set: InstrumentedSet}


def all_mappers() -> list[Mapper[Any]]:
    """Every finished mapper, by registries, and in each as the classes were mapped.

    Stands on ``_mapper_registries`` and ``registry._managers``, both weak and in order, and on
    ``_ready_for_configure``, which is false while another thread makes the mapper. In public there
    is ``registry.mappers``, without an order, of a registry that one knows; and it raises while
    the mapping of a class is put off. Without them, no model that was mapped before this package
    was imported would be found.
    """
    mappers = []
    for registry in _living(mapperlib._mapper_registries):
        for manager in _living(registry._managers):
            mapper = manager.mapper if manager.is_mapped else None
            if mapper is not None and mapper._ready_for_configure:
                mappers.append(mapper)
    return mappers


def _living(weak: Any) -> list[Any]:
    """The keys of a weak dictionary, which other threads may add to meanwhile."""
    return [key for refer in weak.keyrefs() if (key := refer()) is not None]


def awaits_configuring(mapper: Mapper[Any]) -> bool:
    """Whether asking a mapper for its relationships would configure other mappers first.

    Stands on ``registry._new_mappers``. Without it, connecting a receiver could fail, and those
    others for good, where one of them names a model that is still to be defined.
    """
    return mapper.registry._new_mappers


def discard(mapper: Mapper[Any]) -> None:
    """Take one mapper out of its registry, as ``registry.dispose()`` does with all.

    Stands on ``registry._managers``, ``registry._dispose_manager_and_mapper()``, and, for a mapper
    that inherits, ``_inheriting_mappers`` and ``_expire_memoizations()``. Without them, a class
    whose ``class_prepared`` failed would stay mapped, and could not be defined again.
    """
    manager, parent = mapper.class_manager, mapper.inherits
    mapper.registry._managers.pop(manager, None)
    mapper.registry._dispose_manager_and_mapper(manager)
    if parent is not None:
        others = [each for each in parent._inheriting_mappers if each is not mapper]
        parent._inheriting_mappers = WeakSequence(others)
        identities: MutableMapping[Any, Mapper[Any]] = parent.polymorphic_map
        for identity in [key for key, each in identities.items() if each is mapper]:
            del identities[identity]
        parent._expire_memoizations()


class _Initializer:
    """A function that SQLAlchemy calls in the place of a model's initializer.

    Arguments:
        found: the initializer.
        wrap: takes the initializer, and returns the function in its place.
    """

    def __init__(self, found: Function, wrap: Callable[[Function], Function]) -> None:
        self.found = found
        self.wrap = wrap
        self._function = wrap(found)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        return self._function(*args, **kwargs)


def initializer_of(mapper: Mapper[Any]) -> Function | None:
    """The function by which SQLAlchemy fills a new instance, after its own part of ``__init__``.

    Stands on ``ClassManager.original_init``, as the next three do. Without it, bulk work would be
    slow, and ``pre_init`` and ``post_init`` would not be sent where somebody puts an ``__init__``
    back that was there before ours.
    """
    found: Any = mapper.class_manager.original_init
    return found.found if type(found) is _Initializer else found


def set_initializer(mapper: Mapper[Any], initializer: Function) -> None:
    """Have SQLAlchemy call another initializer; a wrapper around it stays."""
    found: Any = mapper.class_manager.original_init
    if type(found) is _Initializer:
        initializer = _Initializer(initializer, found.wrap)
    mapper.class_manager.original_init = initializer


def wrap_initializer(mapper: Mapper[Any], wrap: Callable[[Function], Function]) -> None:
    """Wrap the initializer that SQLAlchemy calls, unless it is wrapped already."""
    found: Any = mapper.class_manager.original_init
    if found is not None and type(found) is not _Initializer:
        mapper.class_manager.original_init = _Initializer(found, wrap)


def unwrap_initializer(mapper: Mapper[Any]) -> None:
    """Take the wrapper off the initializer, if it stands on top."""
    found: Any = mapper.class_manager.original_init
    if type(found) is _Initializer:
        mapper.class_manager.original_init = found.found


def is_sqlmodels_initializer(initializer: Any) -> bool:
    """Whether a model is filled by SQLModel's ``__init__``, or by SQLAlchemy's own around it.

    Stands on ``_sa_original_init``, which the ``__init__`` has that SQLAlchemy gives a model, and
    on its having the same among its globals, as ``original_init``: ``functools.wraps`` copies the
    attribute to what others make of it. Without them, bulk work would be slow for models that
    inherit.
    """
    while (inherited := getattr(initializer, "_sa_original_init", None)) is not None:
        if getattr(initializer, "__globals__", {}).get("original_init") is not inherited:
            return False
        initializer = inherited
    return initializer is SQLModel.__init__


def sqlmodel_is_itself() -> bool:
    """Whether SQLModel's own methods make an instance and set its fields.

    Stands on these methods being of one source file. If they were not, bulk work would be slow.
    """
    own = _file_of(sqlmodel.Relationship)
    methods = (SQLModel.__init__, SQLModel.__new__, SQLModel.__setattr__)
    return own is not None and all(_file_of(method) == own for method in methods)


def _file_of(function: Any) -> str | None:
    return getattr(getattr(function, "__code__", None), "co_filename", None)


def is_completed_by_pydantic(model: type[SQLModel]) -> bool:
    """Whether pydantic does something to an instance of a model when it is filled.

    Stands on ``__pydantic_post_init__``. Without it, bulk work would leave out private attributes.
    """
    return model.__pydantic_post_init__ is not None


def relationship_fields(model: type[SQLModel]) -> tuple[str, ...]:
    """The names that SQLModel's initializer takes for relationships, in its order.

    Stands on ``__sqlmodel_relationships__``. Without it, bulk work would be slow.
    """
    return tuple(model.__sqlmodel_relationships__)


def listeners_to(model: type[Any], name: str) -> Any:
    """The listeners of a model's attribute; ``set`` of these is true if any hears of its setting.

    Stands on the ``dispatch`` of the attribute's ``impl``. Without it, bulk work would be slow.
    """
    return getattr(model, name).impl.dispatch


def hears_of_generated_values(mapper: Mapper[Any]) -> bool:
    """Whether somebody listens to ``refresh_flush``, which tells of values that a flush fetches.

    Stands on ``ClassManager.dispatch``. Without it, bulk work would leave such listeners out.
    """
    return bool(mapper.class_manager.dispatch.refresh_flush)


def has_bind_expression(kind: TypeEngine[Any]) -> bool:
    """Whether a type puts values into an SQL expression of its own, such as a conversion.

    Stands on ``TypeEngine._has_bind_expression``. Without it, rows that are given as arrays would
    be written without that expression.
    """
    return bool(kind._has_bind_expression)


def is_autocommitting(connection: Connection) -> bool:
    """Whether a connection is set to the isolation level ``AUTOCOMMIT``, itself or by its engine.

    Stands on ``Connection._is_autocommit_isolation()``. In public, only what was set by execution
    options can be read. Without it, an engine made with that level would begin transactions.
    """
    return connection._is_autocommit_isolation()


def instrumented(kind: type[Any]) -> type[Any]:
    """The class that SQLAlchemy uses for a relationship's collection of a given class.

    Stands on ``InstrumentedList`` and ``InstrumentedSet`` having a ``clear()`` of their own.
    Without it, ``m2m_changed`` would take ``clear()`` for the removal of each member.
    """
    return _INSTRUMENTED.get(kind, kind)
