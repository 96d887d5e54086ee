"""The mapped models: finding all of them, those still to come, and one by its name.

A model goes by the label of its app and its own name, as in ``shop.Order``.
"""

import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any
from weakref import WeakSet

from sqlalchemy import event, inspect
from sqlalchemy.orm import Mapper
from sqlalchemy.orm.exc import UnmappedClassError

from signalcli.db.compat.models import all_mappers, awaits_configuring
from signalcli.dispatch.forking import held_across_forks

Prepare = Callable[[type[Any]], None]


def is_mapped(model: type[object]) -> bool:
    """Whether a class has a mapper, and so a table."""
    return _mapper_of(model) is not None


def _mapper_of(model: type[object]) -> Mapper[Any] | None:
    try:
        mapper: Mapper[Any] | None = inspect(model, raiseerr=False)
    except UnmappedClassError:
        return None  # its mapping is put off until DeferredReflection knows the table
    return mapper


def mapped_models(base: type[object] = object) -> Iterator[type[Any]]:
    """Every mapped class: those of one registry as they were mapped, a base class always before.

    However it was mapped: as a SQLModel class, by another declarative base, by a registry's
    decorators or imperatively; also before this module was imported.

    Arguments:
        base: what the classes are to be derived from.
    """
    models = [mapper.class_ for mapper in all_mappers()]
    mapped = set(models)
    # A derived class has more mapped classes above it than its base class has.
    models.sort(key=lambda model: sum(each in mapped for each in model.__mro__))
    return (model for model in models if issubclass(model, base))


class ForEachModel:
    """Something done to every mapped model while it is wanted.

    SQLAlchemy's events must not be changed while another thread fires them, so what listens to
    them is added once, when it is first wanted, and stays; it has to look whether it is still
    wanted itself. Each of these lives as long as the process.

    A class that is mapped anew, after its registry was disposed of, counts as another model. No
    model is kept alive.

    Arguments:
        is_wanted: whether it is wanted now.
        listen: adds event listeners to a model; called once for each.
        prepare: called with each model whenever it comes to be wanted, and perhaps again while it
            is.
        restore: called with each model when it is not wanted any more.
        when_configured: leave a model until SQLAlchemy has configured it, so that its relationships
            are known: to ask for them earlier fails where one names a model still to be defined.
    """

    def __init__(
        self,
        is_wanted: Callable[[], bool],
        listen: Prepare,
        prepare: Prepare | None = None,
        restore: Prepare | None = None,
        when_configured: bool = False,
    ) -> None:
        self._is_wanted = is_wanted
        self._listen = listen
        self._prepare = prepare
        self._restore = restore
        self._when_configured = when_configured
        self._listening: WeakSet[Mapper[Any]] = WeakSet()
        self._prepared: WeakSet[Mapper[Any]] = WeakSet()
        self._on = False
        self._lock = held_across_forks(threading.RLock())
        if when_configured:
            event.listen(Mapper, "after_configured", self._on_configured)
        else:
            event.listen(Mapper, "after_mapper_constructed", self._on_mapper)

    def update(self) -> bool:
        """Do it, or undo it, if that has changed; returns whether it is wanted."""
        with self._lock:
            wanted = self._is_wanted()
            if wanted != self._on:
                self._on = wanted
                if wanted:
                    self._add_all()
                else:
                    self._restore_all()
            return wanted

    def _on_mapper(self, mapper: Mapper[Any], model: type[Any]) -> None:
        with self._lock:
            if self._on:
                self._add(mapper)

    def _on_configured(self) -> None:
        with self._lock:
            if self._on:
                self._add_all()

    def _add_all(self) -> None:
        for model in mapped_models():
            mapper = _mapper_of(model)
            if mapper is not None and mapper not in self._prepared and self._is_ready(mapper):
                self._add(mapper)

    def _is_ready(self, mapper: Mapper[Any]) -> bool:
        # To ask a configured model would configure those that came to its registry since.
        return not self._when_configured or (mapper.configured and not awaits_configuring(mapper))

    def _add(self, mapper: Mapper[Any]) -> None:
        if mapper not in self._listening:
            self._listening.add(mapper)
            self._listen(mapper.class_)
        self._prepared.add(mapper)
        if self._prepare is not None:
            self._prepare(mapper.class_)

    def _restore_all(self) -> None:
        prepared = list(self._prepared)
        self._prepared.clear()
        for mapper in prepared:
            # Whoever takes a model's mapper away takes with it what was done to the model.
            if self._restore is not None and _mapper_of(mapper.class_) is mapper:
                self._restore(mapper.class_)


MODELS_MODULE = "models"

_labels: dict[str, str] = {}
_on_names_change: list[Callable[[], object]] = []


def label_package(package: str, label: str) -> None:
    """Give the models of a package (or module), and of all below it, an app's label."""
    _labels[package] = label
    for callback in _on_names_change:
        callback()


def on_names_change(callback: Callable[[], object]) -> None:
    """Call back whenever models may have come to another name, as long as the process lives."""
    _on_names_change.append(callback)


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


Name = tuple[str, str]

# Whoever adds a model and tells those who wait for it holds this, and so does whoever finds no
# model and begins to wait: nobody waits for what has come.
models_lock = held_across_forks(threading.RLock())

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
    with models_lock:
        others = [refer for refer in _defined.get(name, ()) if refer() not in (None, model)]
        _defined[name] = [*others, weakref.ref(model)]


def find_model(name: Name) -> type[Any] | None:
    """The model of a name, the newest of several; None where there is none (any more)."""
    label, own_name = name
    with models_lock:
        for refer in reversed(_defined.get(own_name, ())):
            model: type[Any] | None = refer()
            if model is not None and label_of(model) == label and is_mapped(model):
                return model
    return None
