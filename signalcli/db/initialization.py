"""Sending ``pre_init`` and ``post_init`` around the making of instances, new or loaded.

Models are only touched when somebody listens or watches: while they do, each model's ``__init__``
is wrapped, and ``SQLModel.model_validate``, which makes an instance blank before it fills it; its
``load`` event is heard from the first time on.
"""

import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from pydantic import BaseModel
from sqlalchemy import event, inspect
from sqlalchemy.orm import QueryContext
from sqlmodel import SQLModel

from signalcli.db.models import ForEachModel, is_mapped
from signalcli.db.signals import post_init, pre_init
from signalcli.dispatch import watching
from signalcli.dispatch.calling import keep_apart

__all__ = ["post_init", "pre_init"]

# The model that an instance is being made of, blank at first.
_validated: ContextVar[type[Any] | None] = ContextVar("signalcli_validated", default=None)
_silent: ContextVar[bool] = ContextVar("signalcli_silent", default=False)
keep_apart(_validated)
keep_apart(_silent)


@contextmanager
def unannounced() -> Iterator[None]:
    """Within it, making and loading instances in this context sends nothing."""
    token = _silent.set(True)
    try:
        yield
    finally:
        _silent.reset(token)


def _prepare(model: type[Any]) -> None:
    original = model.__init__

    @functools.wraps(original)
    def initialize(self: Any, *args: Any, **kwargs: Any) -> None:
        # The base class's wrapper runs within the derived one's, which has sent already.
        if type(self) is not model or _validated.get() is model or _silent.get():
            original(self, *args, **kwargs)
            return
        pre_init.send(model, args=args, kwargs=kwargs)
        original(self, *args, **kwargs)
        post_init.send(model, instance=self)

    type.__setattr__(model, "__init__", initialize)


def _restore(model: type[Any]) -> None:
    # Whoever takes a model's mapper away (clear_mappers) takes the wrapper with it.
    if is_mapped(model):
        type.__setattr__(model, "__init__", model.__init__.__wrapped__)


def _listen(model: type[Any]) -> None:
    event.listen(model, "load", _send_for_loaded, restore_load_context=True)


_validate: Any = SQLModel.model_validate.__func__  # type: ignore[attr-defined]  # a class method


def _model_validate(model: type[Any], /, obj: Any, **options: Any) -> Any:
    if _silent.get() or inspect(model, raiseerr=False) is None:
        return _validate(model, obj, **options)
    pre_init.send(model, args=(), kwargs=_values(obj) | (options.get("update") or {}))
    token = _validated.set(model)
    try:
        instance = _validate(model, obj, **options)
    finally:
        _validated.reset(token)
    post_init.send(model, instance=instance)
    return instance


def _values(obj: Any) -> dict[str, Any]:
    """What an instance is to be made of, where that can be told."""
    return dict(obj) if isinstance(obj, Mapping | BaseModel) else {}


def _send_for_loaded(instance: Any, context: QueryContext) -> None:
    """Send both for an instance that a query made, with the loaded columns as ``kwargs``."""
    if _silent.get() or not _are_wanted():
        return
    state = inspect(instance)
    model = type(instance)
    columns = [attribute.key for attribute in state.mapper.column_attrs]
    loaded = {key: state.dict[key] for key in columns if key in state.dict}
    pre_init.send(model, args=(), kwargs=loaded)
    post_init.send(model, instance=instance)


def _are_wanted() -> bool:
    return not (pre_init.is_idle and post_init.is_idle)


_models = ForEachModel(_are_wanted, _listen, _prepare, _restore)


def _update() -> None:
    validate = _model_validate if _models.update() else _validate
    type.__setattr__(SQLModel, "model_validate", classmethod(validate))


pre_init.on_change = post_init.on_change = _update
watching.on_change(_update)
_update()
