"""Catching what each receiver prints, in whatever thread or task it runs."""

import io
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from signalcli.trace.recorder import running


class _Router:
    """A stand-in for standard output that gives a receiver's text to its response."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        responses = running().values()
        if not responses:
            return self.stream.write(text)
        for response in responses:
            response.add_output(text)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    @property
    def buffer(self) -> Any:
        """The bytes beneath, which are text of the receiver, too."""
        return _Bytes(self) if running() else self.stream.buffer

    def flush(self) -> None:
        if not running():
            self.stream.flush()

    def close(self) -> None:
        # A receiver must not close what others print to.
        if not running():
            self.stream.close()

    def isatty(self) -> bool:
        # What a receiver prints is kept as text, so it is not to be coloured for a terminal.
        return not running() and self.stream.isatty()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


class _Bytes(io.RawIOBase):
    """What a receiver writes as bytes."""

    def __init__(self, router: _Router) -> None:
        self._router = router

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        content = bytes(data)
        self._router.write(content.decode("utf-8", errors="replace"))
        return len(content)


_lock = threading.Lock()
_users = 0


@contextmanager
def caught_output() -> Iterator[None]:
    """Within it, what receivers print becomes their responses' output.

    Several may be under way at once, and end in any order.
    """
    global _users
    with _lock:
        _users += 1
        # Within another one, somebody may have put a stream of their own in place.
        if not isinstance(sys.stdout, _Router):
            router: Any = _Router(sys.stdout)
            sys.stdout = router
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            while _users == 0 and isinstance(sys.stdout, _Router):
                sys.stdout = sys.stdout.stream
