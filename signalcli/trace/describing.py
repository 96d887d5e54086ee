"""Describing values for a trace, which is no part of what is traced."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from signalcli.dispatch.tasks import keep_apart

_describing: ContextVar[bool] = ContextVar("signalcli_describing", default=False)
keep_apart(_describing)

# Whether what happens here only serves to describe a value. Asked at each response, so without the
# cost of a function around it.
is_describing = _describing.get


@contextmanager
def describing() -> Iterator[None]:
    """Within it, a value is described; what that sets off is not recorded."""
    token = _describing.set(True)
    try:
        yield
    finally:
        _describing.reset(token)
