"""Finding a model by its name, ``shop.Order``, whose second part is read in any case."""

import threading
import weakref
from typing import Any

from signalcli.db.labels import label_of
from signalcli.db.models import is_mapped
from signalcli.dispatch.forking import held_across_forks

Name = tuple[str, str]

# Whoever adds a model and tells those who wait for it holds this, and so does whoever finds no
# model and begins to wait: nobody waits for what has come.
lock = held_across_forks(threading.RLock())

_defined: dict[str, list[weakref.ref[type[Any]]]] = {}


def parse_name(text: str) -> Name:
    """The label and the name in small letters, equal for texts that name the same model.

    Mirrors Django's ``make_model_tuple``.

    Raises:
        ValueError: the text is not of the form ``label.Model``.
    """
    label, _, name = text.partition(".")
    if not label or not name or "." in name:
        raise ValueError(
            f"A model that is named as a text must be named as in 'shop.Order', by the label of "
            f"its app and its own name, which {text!r} is not."
        )
    return label, name.lower()


def add_model(model: type[Any]) -> None:
    """Have a model found from now on, for as long as it lives, which this does not prolong."""
    name = model.__name__.lower()
    with lock:
        others = [refer for refer in _defined.get(name, ()) if refer() not in (None, model)]
        _defined[name] = [*others, weakref.ref(model)]


def find_model(name: Name) -> type[Any] | None:
    """The model of a name, the newest of several; None where there is none (any more)."""
    label, own_name = name
    with lock:
        for refer in reversed(_defined.get(own_name, ())):
            model: type[Any] | None = refer()
            if model is not None and label_of(model) == label and is_mapped(model):
                return model
    return None
