"""Catching what each receiver prints, in whatever thread or task it runs."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from signalcli.trace.recorder import current_response


class _Router:
    """A stand-in for standard output that gives a receiver's text to its response."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        response = current_response()
        if response is None:
            return self._stream.write(text)
        response.add_output(text)
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def isatty(self) -> bool:
        # What a receiver prints is kept as text, so it is not to be coloured for a terminal.
        return current_response() is None and self._stream.isatty()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def caught_output() -> Iterator[None]:
    """Within it, what receivers print becomes their responses' output."""
    stream = sys.stdout
    router: Any = _Router(stream)
    sys.stdout = router
    try:
        yield
    finally:
        # Somebody within may have put another stream in place, and would want it back.
        if sys.stdout is router:
            sys.stdout = stream
