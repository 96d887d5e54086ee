"""The initialization of instances: ``pre_init`` and ``post_init``, and making many quickly.

Models are touched only while somebody listens or watches. Then each model's ``__init__`` is
wrapped, and ``SQLModel.model_validate``, which makes a blank instance before it fills it. The
``load`` event is heard from the first time on.

Others may keep a wrapper beyond that time (see :mod:`signalcli.db.models`), so several may be
around one initialization. The outermost wrapper sends the signals; the others call on.

In bulk work, instances are made quickly. SQLModel sets each field of a new instance through several
layers of attribute setting. If a model adds nothing of its own to them, the result can be put in
place at once: the values, the defaults, the set of given fields, and the state that SQLAlchemy
keeps.
"""

import functools
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from inspect import signature
from typing import Any, cast
from weakref import WeakSet

from pydantic import BaseModel
from sqlalchemy import event, inspect
from sqlalchemy.orm import LoaderCallableStatus, Mapper, QueryContext
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
    unwrap_initializer,
    wrap_initializer,
)
from signalcli.db.compat.states import State, state_of, values_before
from signalcli.db.models import (
    ForEachModel,
    is_mapped,
    is_wrapped,
    mapped_models,
    unwrap,
    wrap_class_method,
    wrap_method,
)
from signalcli.db.signals import post_init, pre_init
from signalcli.dispatch import watching
from signalcli.dispatch.forking import held_across_forks
from signalcli.dispatch.tasks import keep_apart

__all__ = ["post_init", "pre_init"]

Function = Callable[..., Any]


class _Making:
    """An instance that is being made, for which ``pre_init`` was sent.

    Arguments:
        model: its model.
        instance: the instance; None while ``model_validate`` has yet to make it.
        wrapper: the wrapper that sent the signal.
    """

    __slots__ = ("_instance", "_wrappers", "model")

    def __init__(self, model: type[Any], instance: Any, wrapper: Function) -> None:
        self.model = model
        # Weak: a task that is started meanwhile copies the context, and would keep the instance.
        self._instance = None if instance is None else weakref.ref(instance)
        self._wrappers = [wrapper]

    def is_of(self, instance: Any) -> bool:
        """Whether this is the instance; a blank one that ``model_validate`` has made becomes it."""
        if self._instance is None and type(instance) is self.model and not is_filled_at_once():
            self._instance = weakref.ref(instance)
        return self._instance is not None and self._instance() is instance

    def comes_to(self, model: type[Any], wrapper: Function) -> bool:
        """Whether one ``model_validate`` runs through a further wrapper, not a call of its own."""
        if self._instance is not None or self.model is not model or wrapper in self._wrappers:
            return False
        self._wrappers.append(wrapper)
        return True


_making: ContextVar[_Making | None] = ContextVar("signalcli_making", default=None)
_silent: ContextVar[bool] = ContextVar("signalcli_silent", default=False)
keep_apart(_making)
keep_apart(_silent)


@contextmanager
def unannounced() -> Iterator[None]:
    """Make and load instances in the block, in this thread or task, without sending signals."""
    token = _silent.set(True)
    try:
        yield
    finally:
        _silent.reset(token)


def _prepare(model: type[Any]) -> None:
    wrap_method(model, "__init__", functools.partial(_wrap_init, model))
    # Code that puts an earlier __init__ back takes our wrapper away. SQLAlchemy calls this one
    # from within any __init__, so it stays.
    wrap_initializer(inspect(model), functools.partial(_wrap_init, model, is_within=True))


def _validates_unseen() -> bool:
    """Whether somebody has taken our ``model_validate`` away; puts it back."""
    is_gone = not is_wrapped(SQLModel, "model_validate")
    _update()
    return is_gone


def _restore(model: type[Any]) -> None:
    unwrap(model, "__init__")
    unwrap_initializer(inspect(model))


def _wrap_init(model: type[Any], original: Function, is_within: bool = False) -> Function:
    """A wrapper that sends both signals around an ``__init__``.

    Arguments:
        model: the model.
        original: its ``__init__``, or the function that SQLAlchemy calls inside of it.
        is_within: whether it is the latter. It gets the arguments by the names of the parameters,
            so ``kwargs`` has them all.
    """

    @functools.wraps(original)
    def initialize(instance: Any, /, *args: Any, **kwargs: Any) -> Any:
        # The wrapper of a base class runs inside of the derived class's, which has sent already.
        if type(instance) is not model or _silent.get() or not _are_wanted():
            return original(instance, *args, **kwargs)
        making = _making.get()
        if making is not None and making.is_of(instance):
            return original(instance, *args, **kwargs)
        if is_within:
            _prepare(model)
        if isinstance(instance, SQLModel) and not is_filled_at_once() and _validates_unseen():
            return original(instance, *args, **kwargs)
        pre_init.send(model, args=args, kwargs=kwargs)
        token = _making.set(_Making(model, instance, initialize))
        try:
            answer = original(instance, *args, **kwargs)
        finally:
            _making.reset(token)
        post_init.send(model, instance=instance)
        return answer

    # Some who ask for the parameters do not follow `__wrapped__`.
    with suppress(TypeError, ValueError):
        initialize.__signature__ = signature(original)  # type: ignore[attr-defined]  # functions take it
    return initialize


def _listen(model: type[Any]) -> None:
    event.listen(model, "load", _send_for_loaded, raw=True, restore_load_context=True)


def _wrap_validation(original: Function) -> Function:
    @functools.wraps(original)
    def model_validate(model: type[Any], /, obj: Any, **options: Any) -> Any:
        if _silent.get() or not _are_wanted() or not is_mapped(model):
            return original(model, obj, **options)
        making = _making.get()
        if making is not None and making.comes_to(model, model_validate):
            return original(model, obj, **options)
        pre_init.send(model, args=(), kwargs=_values(obj) | (options.get("update") or {}))
        token = _making.set(_Making(model, None, model_validate))
        try:
            instance = original(model, obj, **options)
        finally:
            _making.reset(token)
        post_init.send(model, instance=instance)
        return instance

    return model_validate


def _values(obj: Any) -> dict[str, Any]:
    """The values that an instance is validated from, if it is a mapping or a model."""
    return dict(obj) if isinstance(obj, Mapping | BaseModel) else {}


def _send_for_loaded(state: State, context: QueryContext) -> None:
    """Send both signals for an instance that a query loaded; ``kwargs`` are the loaded columns."""
    if _silent.get():
        return
    if not pre_init.is_idle:
        columns = [attribute.key for attribute in state.mapper.column_attrs]
        loaded = {key: state.dict[key] for key in columns if key in state.dict}
        pre_init.send(state.class_, args=(), kwargs=loaded)
    post_init.send(state.class_, instance=state.obj())


def _are_wanted() -> bool:
    return not (pre_init.is_idle and post_init.is_idle)


_models = ForEachModel(_are_wanted, _listen, _prepare, _restore)


# If one thread connects while another disconnects, the later of the two has to win.
_lock = held_across_forks(threading.RLock())


def _update() -> None:
    with _lock:
        if _models.update():
            wrap_class_method(SQLModel, "model_validate", _wrap_validation)
        else:
            unwrap(SQLModel, "model_validate")


pre_init.on_change = post_init.on_change = _update
watching.on_change(_update)
_update()


# Defaults of these types need not be copied for each instance.
_IMMUTABLE = (type(None), bool, int, float, complex, str, bytes)

_NO_VALUE = LoaderCallableStatus.NO_VALUE


class _Blocks(threading.local):
    """The number of :func:`quick_construction` blocks that this thread is in."""

    count = 0


_blocks = _Blocks()
_made_quick: WeakSet[Mapper[Any]] = WeakSet()
_quick_lock = held_across_forks(threading.RLock())


@contextmanager
def quick_construction() -> Iterator[None]:
    """Make instances of table models quickly in the block, in this thread.

    Models for which the result might differ are made as always.
    """
    if not sqlmodel_is_itself():
        # Somebody else has wrapped SQLModel's own methods, and has to be called.
        yield
        return
    with _quick_lock:
        for model in mapped_models(SQLModel):
            mapper = inspect(model, raiseerr=False)
            if mapper is not None and mapper not in _made_quick:
                _made_quick.add(mapper)
                _make_quick(model, mapper)
    _blocks.count += 1
    try:
        yield
    finally:
        _blocks.count -= 1


def _make_quick(model: type[SQLModel], mapper: Mapper[Any]) -> None:
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
        state, filled = state_of(instance), instance.__dict__
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
