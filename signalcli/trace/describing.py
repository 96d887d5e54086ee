"""The mark of work that only describes values for a trace, and is not traced itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from signalcli.dispatch.tasks import keep_apart

_describing: ContextVar[bool] = ContextVar("signalcli_describing", default=False)
keep_apart(_describing)

# Whether this code runs only to describe a value. Every response asks, so no function is around it.
is_describing = _describing.get


@contextmanager
def describing() -> Iterator[None]:
    """Mark the block as one that describes a value: signals that it sends are not recorded."""
    token = _describing.set(True)
    try:
        yield
    finally:
        _describing.reset(token)
