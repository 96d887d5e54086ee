"""The name that a model goes by: the label of its app and its own name, as in ``shop.Order``."""

from collections.abc import Callable
from typing import Any

MODELS_MODULE = "models"

_labels: dict[str, str] = {}
_on_change: list[Callable[[], object]] = []


def label_package(package: str, label: str) -> None:
    """Give the models of a package (or module), and of all below it, an app's label."""
    _labels[package] = label
    for callback in _on_change:
        callback()


def on_change(callback: Callable[[], object]) -> None:
    """Call back whenever models may have come to another name, as long as the process lives."""
    _on_change.append(callback)


def label_of(model: type[Any]) -> str:
    """The label of the app that a model belongs to.

    Where no app was installed with the model's package, that is what its app would be called: for
    ``shop.models.Order`` and for ``shop.Order``, ``shop``.
    """
    parts = model.__module__.split(".")
    for length in range(len(parts), 0, -1):
        label = _labels.get(".".join(parts[:length]))
        if label is not None:
            return label
    if MODELS_MODULE in parts[1:]:
        parts = parts[: parts.index(MODELS_MODULE, 1)]
    return parts[-1]


def model_name(model: type[Any]) -> str:
    """A model's name among all apps: ``shop.Order``."""
    return f"{label_of(model)}.{model.__name__}"
