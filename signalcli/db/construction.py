"""Making many instances of table models quickly, with the same result as SQLModel's constructor.

SQLModel sets each field of a new instance through several layers of attribute setting. If a model
adds nothing of its own to them, the result can be put in place at once: the values, the defaults,
the set of given fields, and the state that SQLAlchemy keeps.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast
from weakref import WeakSet

from sqlalchemy import inspect
from sqlalchemy.orm import LoaderCallableStatus, Mapper
from sqlalchemy.orm.attributes import instance_state
from sqlmodel import SQLModel

from signalcli.db.compat.models import (
    FIELDS_SET,
    initializer_of,
    is_completed_by_pydantic,
    is_filled_at_once,
    is_sqlmodels_initializer,
    listeners_to,
    relationship_fields,
    set_initializer,
    sqlmodel_is_itself,
)
from signalcli.db.compat.states import values_before
from signalcli.db.models import mapped_models
from signalcli.dispatch.forking import held_across_forks

# Defaults of these types need not be copied for each instance.
_IMMUTABLE = (type(None), bool, int, float, complex, str, bytes)

_NO_VALUE = LoaderCallableStatus.NO_VALUE


class _Blocks(threading.local):
    """The number of :func:`quick_construction` blocks that this thread is in."""

    count = 0


_blocks = _Blocks()
_seen: WeakSet[Mapper[Any]] = WeakSet()
_lock = held_across_forks(threading.RLock())


@contextmanager
def quick_construction() -> Iterator[None]:
    """Make instances of table models quickly in the block, in this thread.

    Models for which the result might differ are made as always.
    """
    if not sqlmodel_is_itself():
        # Somebody else has wrapped SQLModel's own methods, and has to be called.
        yield
        return
    with _lock:
        for model in mapped_models(SQLModel):
            mapper = inspect(model, raiseerr=False)
            if mapper is not None and mapper not in _seen:
                _seen.add(mapper)
                _prepare(model, mapper)
    _blocks.count += 1
    try:
        yield
    finally:
        _blocks.count -= 1


def _prepare(model: type[SQLModel], mapper: Mapper[Any]) -> None:
    """Give a model an initializer that is quick in a block, and calls the original outside.

    It is never removed, since others may have wrapped it by then.
    """
    original = initializer_of(mapper)
    if original is None or not _is_plain(model, original):
        return
    fill: Callable[[Any, dict[str, Any]], None] | None = None

    def initialize(instance: Any, /, **values: Any) -> None:
        nonlocal fill
        if _blocks.count and is_filled_at_once():
            if fill is None:
                # Not made earlier: only now has SQLAlchemy configured the model's relationships.
                fill = _filler(model)
            fill(instance, values)
        else:
            original(instance, **values)

    set_initializer(mapper, initialize)


def _is_plain(model: type[SQLModel], initializer: Callable[..., None]) -> bool:
    """Whether SQLModel and SQLAlchemy alone decide how an instance is filled."""
    config, fields = model.model_config, model.model_fields.values()
    return (
        is_sqlmodels_initializer(initializer)
        and model.__new__ is SQLModel.__new__
        and model.__setattr__ is SQLModel.__setattr__
        and not is_completed_by_pydantic(model)
        and not (config.get("validate_assignment") or config.get("frozen"))
        and config.get("extra") != "allow"
        and not any(field.alias or field.frozen for field in fields)
        and not any(field.default_factory_takes_validated_data for field in fields)
    )


def _filler(model: type[SQLModel]) -> Callable[[Any, dict[str, Any]], None]:
    """A function that fills a blank instance of a model with values and defaults."""
    names = tuple(model.model_fields)
    defaults = tuple(_defaults(model))
    listeners = {
        attribute.key: listeners_to(model, attribute.key)
        for attribute in inspect(model).column_attrs
        if attribute.key in model.model_fields
    }
    relationships = relationship_fields(model)

    def fill(instance: Any, values: dict[str, Any]) -> None:
        state, filled = instance_state(instance), instance.__dict__
        before = values_before(state)
        data = {name: values[name] for name in names if name in values}
        given = set(data)
        for name, constant, make in defaults:
            if name not in given:
                data[name] = constant if make is None else make()
        for name, value in data.items():
            if name in listeners and not listeners[name].set:
                filled[name] = value
                before[name] = _NO_VALUE
            else:
                # Somebody listens to this attribute's being set, or it is no column.
                setattr(instance, name, value)
        state.modified = True
        object.__setattr__(instance, FIELDS_SET, given)
        for name in relationships:
            if name in values:
                setattr(instance, name, values[name])

    return fill


def _defaults(model: type[SQLModel]) -> Iterator[tuple[str, Any, Callable[[], Any] | None]]:
    """The fields with a default: the name, and a constant or a function that makes a default."""
    for name, field in model.model_fields.items():
        if field.default_factory is not None:
            yield name, None, cast("Callable[[], Any]", field.default_factory)
        elif type(field.default) in _IMMUTABLE:
            yield name, field.default, None
        elif not field.is_required():
            yield name, None, field.get_default
