"""Following a receiver into the threads that it starts."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from signalcli.trace.recorder import as_current, current_response


def _carried(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, run elsewhere on behalf of the response that runs here, or of none."""
    response = current_response()

    def run(*args: Any, **kwargs: Any) -> Any:
        with as_current(response):
            return function(*args, **kwargs)

    return run


@contextmanager
def followed_threads() -> Iterator[None]:
    """Within it, what a thread does counts as done by the response that started it.

    A thread begins with an empty context, so ``Thread.start`` and ``ThreadPoolExecutor.submit``
    are made to carry the response over, as tracing tools do.
    """
    start, submit = threading.Thread.start, ThreadPoolExecutor.submit

    def start_carrying(thread: threading.Thread) -> None:
        thread.run = _carried(thread.run)  # type: ignore[method-assign]  # of this thread only
        start(thread)

    def submit_carrying(
        pool: ThreadPoolExecutor, function: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> Future[Any]:
        return submit(pool, _carried(function), *args, **kwargs)

    _replace(start_carrying, submit_carrying)
    try:
        yield
    finally:
        _replace(start, submit)


def _replace(start: Any, submit: Any) -> None:
    threading.Thread.start = start  # type: ignore[method-assign]  # for a while only
    ThreadPoolExecutor.submit = submit  # type: ignore[method-assign]  # for a while only
