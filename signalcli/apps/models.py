"""How a model is named on a command line."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from signalcli.apps.errors import AmbiguousModel, ModelNotFound
from signalcli.db.models import model_name
from signalcli.trace.representation import describe, shorten


def model_of(models: Sequence[type[Any]], name: str) -> type[Any]:
    """The model of a name: ``shop.Order``, ``Order``, or ``shop.models.Order``.

    Small and capital letters only count where models differ in nothing else.

    Arguments:
        models: the models that it may be.
        name: the name.

    Raises:
        ModelNotFound: there is none.
        AmbiguousModel: there are several.
    """
    found = [model for model in models if name in _names(model)]
    if not found:
        folded = name.casefold()
        found = [model for model in models if folded in map(str.casefold, _names(model))]
    if not found:
        raise ModelNotFound(_story_of_none(models, name))
    if len(found) > 1:
        raise AmbiguousModel(_story_of_several(found, name))
    return found[0]


def _names(model: type[Any]) -> tuple[str, str, str]:
    return model.__name__, model_name(model), f"{model.__module__}.{model.__qualname__}"


def _story_of_none(models: Sequence[type[Any]], name: str) -> str:
    names = {one.casefold(): model_name(model) for model in models for one in _names(model)[:2]}
    close = [names[one] for one in get_close_matches(name.casefold(), names)]
    known = list(dict.fromkeys(close)) or sorted(map(model_name, models))
    hint = "did you mean" if close else "there are"
    listed = ", ".join(known) if known else "none at all"
    return f"there is no model {describe(name)}; {hint} {shorten(listed)}"


def _story_of_several(found: list[type[Any]], name: str) -> str:
    names = list(map(model_name, found))
    if len(set(names)) < len(names):
        names = [_names(model)[2] for model in found]
    return f"several models are called {describe(name)}; write {' or '.join(names)}"
