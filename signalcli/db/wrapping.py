"""Wrapping a method of a class for a while, whatever others do to it meanwhile.

Others (tracers, tests that patch) wrap the same methods, and take their wrappers off again in any
order. So a wrapper is taken off only if it stands on top. If another one stands on top of it or
keeps it, it stays. Then it has to check itself whether it is wanted, and whether another wrapper
has done the work for the same call.
"""

import functools
from collections.abc import Callable
from types import FunctionType
from typing import Any

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
