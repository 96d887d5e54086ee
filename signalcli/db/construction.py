"""Making many instances of table models quickly: what SQLModel's constructor does, in one pass.

SQLModel sets each field of a new instance through several layers of attribute setting. For a model
that adds nothing of its own to them, the outcome can be put in place at once, and it is the same:
the values, the defaults, the set of fields that were given, and the state that SQLAlchemy keeps.
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
    """How many blocks this thread is in."""

    count = 0


_blocks = _Blocks()
_seen: WeakSet[Mapper[Any]] = WeakSet()
_lock = held_across_forks(threading.RLock())


@contextmanager
def quick_construction() -> Iterator[None]:
    """Within it, this thread makes instances of table models quickly, where that is the same."""
    if not sqlmodel_is_itself():
        # Somebody else has put something around SQLModel's own methods, and is to be called.
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
    """Give a model an initializer that is quick within such a block.

    It stays for good, and passes on what is made outside of one: others may have put theirs around
    it by then.
    """
    original = initializer_of(mapper)
    if original is None or not _is_plain(model, original):
        return
    fill: Callable[[Any, dict[str, Any]], None] | None = None

    def initialize(instance: Any, /, **values: Any) -> None:
        nonlocal fill
        if _blocks.count and is_filled_at_once():
            if fill is None:
                # Not before: by now SQLAlchemy has configured the model, and found its relations.
                fill = _filler(model)
            fill(instance, values)
        else:
            original(instance, **values)

    set_initializer(mapper, initialize)


def _is_plain(model: type[SQLModel], initializer: Callable[..., None]) -> bool:
    """Whether nothing but SQLModel and SQLAlchemy has a say in how an instance is filled."""
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
    """What fills a blank instance of a model with values and defaults."""
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
                # Somebody listens to its being set, or it is no column.
                setattr(instance, name, value)
        state.modified = True
        object.__setattr__(instance, FIELDS_SET, given)
        for name in relationships:
            if name in values:
                setattr(instance, name, values[name])

    return fill


def _defaults(model: type[SQLModel]) -> Iterator[tuple[str, Any, Callable[[], Any] | None]]:
    """The fields with a default: the name, and a constant or what makes a new one."""
    for name, field in model.model_fields.items():
        if field.default_factory is not None:
            yield name, None, cast("Callable[[], Any]", field.default_factory)
        elif type(field.default) in _IMMUTABLE:
            yield name, field.default, None
        elif not field.is_required():
            yield name, None, field.get_default
