"""Threads: what a receiver starts in another thread counts as done by the receiver."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from signalcli.trace.recorder import continued, running

_start, _submit = threading.Thread.start, ThreadPoolExecutor.submit
_lock = threading.Lock()
_users = 0


@contextmanager
def followed_threads() -> Iterator[None]:
    """Have the work of a thread count as done by the response that started it.

    A thread begins with an empty context, so ``Thread.start`` and ``ThreadPoolExecutor.submit`` are
    replaced by functions that carry the response over, as tracing tools do. Several such blocks may
    run at once, and end in any order.
    """
    global _users, _start, _submit
    with _lock:
        if _users == 0:
            _start, _submit = threading.Thread.start, ThreadPoolExecutor.submit
            _replace(_start_carrying, _submit_carrying)
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                _replace(_start, _submit)


def _start_carrying(thread: threading.Thread) -> None:
    if running():
        thread.run = _carried(thread.run)  # type: ignore[method-assign]  # of this thread only
    _start(thread)


def _submit_carrying(
    pool: ThreadPoolExecutor, function: Callable[..., Any], /, *args: Any, **kwargs: Any
) -> Future[Any]:
    carried = _carried(function)
    # The pool may start a worker here, which outlives this response and must not belong to it.
    with continued({}):
        return _submit(pool, carried, *args, **kwargs)


def _carried(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, run elsewhere on behalf of what runs here."""
    responses = running()

    def run(*args: Any, **kwargs: Any) -> Any:
        with continued(responses):
            return function(*args, **kwargs)

    return run


def _replace(start: Any, submit: Any) -> None:
    threading.Thread.start = start  # type: ignore[method-assign]  # for a while only
    ThreadPoolExecutor.submit = submit  # type: ignore[method-assign]  # for a while only
