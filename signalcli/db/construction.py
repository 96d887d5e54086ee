"""Making many instances of table models quickly: what SQLModel's constructor does, in one pass.

SQLModel sets each field of a new instance through several layers of attribute setting. For a model
that adds nothing of its own to them, the outcome can be put in place at once, and it is the same:
the values, the defaults, the set of fields that were given, and the state that SQLAlchemy keeps.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from sqlalchemy import inspect
from sqlalchemy.orm.attributes import instance_state
from sqlalchemy.orm.base import NO_VALUE
from sqlmodel import SQLModel
from sqlmodel.main import finish_init  # type: ignore[attr-defined]  # how it asks for a blank one

from signalcli.db.models import mapped_models
from signalcli.dispatch.forking import held_across_forks

Initializer = Callable[..., None]

# Defaults of these types need not be copied for each instance.
_IMMUTABLE = (type(None), bool, int, float, complex, str, bytes)


class _Blocks(threading.local):
    """How many blocks this thread is in."""

    count = 0


_blocks = _Blocks()
_seen: set[type[Any]] = set()
_lock = held_across_forks(threading.RLock())


@contextmanager
def quick_construction() -> Iterator[None]:
    """Within it, this thread makes instances of table models quickly, where that is the same."""
    with _lock:
        for model in mapped_models():
            if model not in _seen:
                _seen.add(model)
                _prepare(model)
    _blocks.count += 1
    try:
        yield
    finally:
        _blocks.count -= 1


def _prepare(model: type[SQLModel]) -> None:
    """Give a model an initializer that is quick within such a block."""
    manager = inspect(model).class_manager
    original = manager.original_init
    if original is None or not _is_plain(model, original):
        return
    fill = _filler(model)

    def initialize(self: Any, **values: Any) -> None:
        if _blocks.count and finish_init.get():
            fill(self, values)
        else:
            original(self, **values)

    manager.original_init = initialize


def _is_plain(model: type[SQLModel], initializer: Initializer) -> bool:
    """Whether nothing but SQLModel and SQLAlchemy has a say in how an instance is filled."""
    while (inherited := getattr(initializer, "_sa_original_init", None)) is not None:
        initializer = inherited
    config, fields = model.model_config, model.model_fields.values()
    return (
        initializer is SQLModel.__init__
        and model.__new__ is SQLModel.__new__
        and model.__setattr__ is SQLModel.__setattr__
        and model.__pydantic_post_init__ is None
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
        attribute.key: getattr(model, attribute.key).impl.dispatch
        for attribute in inspect(model).column_attrs
        if attribute.key in model.model_fields
    }
    relationships = tuple(model.__sqlmodel_relationships__)

    def fill(instance: Any, values: dict[str, Any]) -> None:
        state, filled = instance_state(instance), instance.__dict__
        before = state.committed_state
        data = {name: values[name] for name in names if name in values}
        given = set(data)
        for name, constant, make in defaults:
            if name not in given:
                data[name] = constant if make is None else make()
        for name, value in data.items():
            if name in listeners and not listeners[name].set:
                filled[name] = value
                before[name] = NO_VALUE
            else:
                # Somebody listens to its being set, or it is no column.
                setattr(instance, name, value)
        state.modified = True
        object.__setattr__(instance, "__pydantic_fields_set__", given)
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
