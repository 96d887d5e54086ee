"""The mark of work that only describes values for a trace, and is not traced itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from signalcli.dispatch.calling import keep_apart

_describing: ContextVar[bool] = ContextVar("signalcli_describing", default=False)
keep_apart(_describing)


def is_describing() -> bool:
    """Whether this code runs only to describe a value."""
    return _describing.get()


@contextmanager
def describing() -> Iterator[None]:
    """Mark the block as one that describes a value: signals that it sends are not recorded."""
    token = _describing.set(True)
    try:
        yield
    finally:
        _describing.reset(token)
