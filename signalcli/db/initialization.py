"""Sending ``pre_init`` and ``post_init`` around the making of instances, new or loaded.

Models are only touched while somebody listens or watches: then each model's ``__init__`` is
wrapped, and its ``load`` event heard.
"""

import functools
from typing import Any

from sqlalchemy import event, inspect
from sqlalchemy.orm import QueryContext

from signalcli.db.models import ForEachModel
from signalcli.db.signals import InitSignal, post_init, pre_init
from signalcli.dispatch import watching

__all__ = ["post_init", "pre_init"]


def _prepare(model: type[Any]) -> None:
    original = model.__init__

    @functools.wraps(original)
    def initialize(self: Any, *args: Any, **kwargs: Any) -> None:
        # The base class's wrapper runs within the derived one's, which has sent already.
        if type(self) is not model:
            original(self, *args, **kwargs)
            return
        pre_init.send(model, args=args, kwargs=kwargs)
        original(self, *args, **kwargs)
        post_init.send(model, instance=self)

    type.__setattr__(model, "__init__", initialize)
    event.listen(model, "load", _send_for_loaded, restore_load_context=True)


def _restore(model: type[Any]) -> None:
    type.__setattr__(model, "__init__", model.__init__.__wrapped__)
    event.remove(model, "load", _send_for_loaded)


def _send_for_loaded(instance: Any, context: QueryContext) -> None:
    """Send both for an instance that a query made, with the loaded columns as ``kwargs``."""
    state = inspect(instance)
    model = type(instance)
    columns = [attribute.key for attribute in state.mapper.column_attrs]
    loaded = {key: state.dict[key] for key in columns if key in state.dict}
    pre_init.send(model, args=(), kwargs=loaded)
    post_init.send(model, instance=instance)


_models = ForEachModel(_prepare, _restore)


def _switch() -> None:
    _models.switch(not (pre_init.is_idle and post_init.is_idle))


InitSignal.on_change = _switch
watching.on_change(_switch)
_switch()
