"""The mapped models: finding them, preparing them while somebody listens, and naming them.

A model goes by the label of its app and its own name, as in ``shop.Order``.

To hear of what a model's instances do, its methods are wrapped for a while. Others (tracers, tests
that patch) wrap the same methods, and take their wrappers off again in any order. So a wrapper is
taken off only if it stands on top. If another one stands on top of it or keeps it, it stays. Then
it has to check itself whether it is wanted, and whether another wrapper has done the work for the
same call.
"""

import functools
import threading
import weakref
from collections.abc import Callable, Iterator
from types import FunctionType
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
    """Every mapped class, base classes first, those of one registry in the order of mapping.

    This finds SQLModel classes and those of other declarative bases, classes that were mapped by a
    registry's decorators or imperatively, and classes mapped before this module was imported.

    Arguments:
        base: only classes derived from this one are returned.
    """
    models = [mapper.class_ for mapper in all_mappers()]
    mapped = set(models)
    # A derived class has more mapped classes above it than its base class has.
    models.sort(key=lambda model: sum(each in mapped for each in model.__mro__))
    return (model for model in models if issubclass(model, base))


class ForEachModel:
    """Prepares every mapped model, now and to come, while somebody wants it, and restores them.

    Models are touched only while a signal is listened to, so that nobody else pays. Listeners of
    SQLAlchemy's events are an exception: they must not be removed while another thread fires the
    event. So they are added once, when they are first wanted, and stay; each has to check itself
    whether it is wanted. An object of this class lives as long as the process.

    A class that is mapped again, after its registry was disposed of, counts as another model. No
    model is kept alive.

    Arguments:
        is_wanted: tells whether models are to be prepared now.
        listen: adds event listeners to a model; called once for each.
        prepare: called with each model when it becomes wanted, and perhaps again while it is.
        restore: called with each model when it is no longer wanted.
        when_configured: wait with a model until SQLAlchemy has configured it, so that its
            relationships are known. Asking for them earlier fails if one names a model that is
            still to be defined.
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
        """Prepare or restore all models if the wish has changed; return whether it is wanted."""
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
        # A configured model is not ready either while newer models of its registry are not:
        # asking it for relationships would configure those.
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
            # If the model has another mapper by now, nothing of the preparation is left.
            if self._restore is not None and _mapper_of(mapper.class_) is mapper:
                self._restore(mapper.class_)


Function = Callable[..., Any]
Wrap = Callable[[Function], Function]

_ABSENT = object()


def wrap_method(owner: type[Any], name: str, wrap: Wrap) -> None:
    """Wrap a method for calls through instances, unless it is wrapped already.

    Read from a derived class, the attribute is the original method. So code that makes a method
    of its own out of it, as SQLAlchemy does with ``__init__``, does not keep the wrapper.

    Arguments:
        owner: the class.
        name: the name of the method.
        wrap: takes the method as a function, and returns the function that takes its place.
    """
    if not isinstance(vars(owner).get(name), _Method):
        type.__setattr__(owner, name, _Method(owner, name, wrap))


def wrap_class_method(owner: type[Any], name: str, wrap: Wrap) -> None:
    """Wrap a class method, for the class and those derived from it, unless it is wrapped already.

    Arguments:
        owner: the class.
        name: the name of the class method, which the class itself defines.
        wrap: takes the method as a function of the class, and returns the one in its place.
    """
    found = vars(owner)[name]
    if not isinstance(found, _ClassMethod):
        type.__setattr__(owner, name, _ClassMethod(found, wrap))


def is_wrapped(owner: type[Any], name: str) -> bool:
    """Whether a wrapper stands on top of a method."""
    return isinstance(vars(owner).get(name), _Method | _ClassMethod)


def unwrap(owner: type[Any], name: str) -> None:
    """Take the wrapper off a method, if it stands on top, and put back what the class had."""
    if not is_wrapped(owner, name):
        return
    wrapper = vars(owner)[name]
    if wrapper.found is _ABSENT:
        type.__delattr__(owner, name)
    else:
        type.__setattr__(owner, name, wrapper.found)


class _Method:
    """A wrapper in the place of a method, which others take for a function.

    Attributes:
        found: the object that the class had under this name.
    """

    __class__ = property(lambda self: FunctionType)

    def __init__(self, owner: type[Any], name: str, wrap: Wrap) -> None:
        self.found = vars(owner).get(name, _ABSENT)
        self._owner = owner
        self._original = getattr(owner, name)
        raw = next(vars(base)[name] for base in owner.__mro__ if name in vars(base))
        self._function = wrap(_function_of(raw))
        # Name, docstring and signature are those of the method.
        functools.update_wrapper(self, self._function)

    def __get__(self, instance: Any, owner: type[Any] | None = None) -> Any:
        if instance is None and owner is not self._owner:
            return self._original
        return self._function.__get__(instance, owner)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        return self._function(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._function, name)


class _ClassMethod(classmethod):  # type: ignore[type-arg]  # of any function
    """A wrapper in the place of a class method.

    Attributes:
        found: the object that the class had under this name.
    """

    def __init__(self, found: Any, wrap: Wrap) -> None:
        super().__init__(wrap(_function_of_class(found)))
        self.found = found


def _function_of(found: Any) -> Function:
    """A method as a function of the instance, also if the class has some other descriptor."""
    if isinstance(found, FunctionType):
        return found
    return lambda instance, /, *args, **kwargs: _bound(found, instance, type(instance))(
        *args, **kwargs
    )


def _function_of_class(found: Any) -> Function:
    """A class method as a function of the class, also if the class has another descriptor."""
    if isinstance(found, classmethod):
        return found.__func__
    return lambda owner, /, *args, **kwargs: _bound(found, None, owner)(*args, **kwargs)


def _bound(found: Any, instance: Any, owner: type[Any]) -> Any:
    bind = getattr(type(found), "__get__", None)
    return found if bind is None else bind(found, instance, owner)


MODELS_MODULE = "models"

_labels: dict[str, str] = {}
_on_names_change: list[Callable[[], object]] = []


def label_package(package: str, label: str) -> None:
    """Set the app label of all models in a package (or module) and below it.

    Arguments:
        package: the dotted name of the package.
        label: the label of the app.
    """
    _labels[package] = label
    for callback in _on_names_change:
        callback()


def on_names_change(callback: Callable[[], object]) -> None:
    """Have a function called, from now on, whenever models may have got another name."""
    _on_names_change.append(callback)


def label_of(model: type[Any]) -> str:
    """The label of the app that a model belongs to.

    If no installed app has the model's package, this is the label that its app would get: ``shop``
    for ``shop.models.Order`` and for ``shop.Order``.
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
    """A model's name with the label of its app: ``shop.Order``."""
    return f"{label_of(model)}.{model.__name__}"


Name = tuple[str, str]

# Held while a model is added and the connections that wait for it are made, and while a connection
# finds no model and begins to wait. So no connection waits for a model that is there.
models_lock = held_across_forks(threading.RLock())

_defined: dict[str, list[weakref.ref[type[Any]]]] = {}


def parse_name(text: str) -> Name:
    """The label and the name in lower case, which are equal for texts that name the same model.

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
    """Have a model found by its name for as long as it lives; it is held weakly."""
    name = model.__name__.lower()
    with models_lock:
        others = [refer for refer in _defined.get(name, ()) if refer() not in (None, model)]
        _defined[name] = [*others, weakref.ref(model)]


def find_model(name: Name) -> type[Any] | None:
    """The model of a name, the newest of several; None if there is none, or it is gone."""
    label, own_name = name
    with models_lock:
        for refer in reversed(_defined.get(own_name, ())):
            model: type[Any] | None = refer()
            if model is not None and label_of(model) == label and is_mapped(model):
                return model
    return None
