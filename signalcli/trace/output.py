"""Catching or dropping what receivers print, in whatever thread or task they run."""

import io
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

from signalcli.trace.recorder import running


class _Router:
    """A stand-in for standard output that gives a receiver's text to its response.

    What belongs to no response goes on to the stream, unless it is to be dropped.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        responses = running().values()
        if not responses and not _droppers:
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
        return _Bytes(self) if _is_kept_back() else self.stream.buffer

    def flush(self) -> None:
        if not _is_kept_back():
            self.stream.flush()

    def close(self) -> None:
        # A receiver must not close what others print to.
        if not _is_kept_back():
            self.stream.close()

    def isatty(self) -> bool:
        # What a receiver prints is kept as text, so it is not to be coloured for a terminal.
        return not _is_kept_back() and self.stream.isatty()

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
_droppers = 0


def _is_kept_back() -> bool:
    """Whether what is printed here does not reach the stream."""
    return bool(_droppers or running())


@contextmanager
def caught_output() -> Iterator[None]:
    """Within it, what receivers print becomes their responses' output.

    Several may be under way at once, and end in any order.
    """
    with _routed():
        yield


@contextmanager
def dropped_output() -> Iterator[TextIO]:
    """Within it, what is printed in any thread and becomes no response's output goes nowhere.

    For work that calls receivers so often that nobody would read what they print. It does not ask
    who prints, which costs next to nothing: whoever has something to say meanwhile writes to the
    stream that this gives, the standard output that was there before. What child processes write
    to the descriptor is left alone.
    """
    global _droppers
    with _routed() as stream:
        with _lock:
            _droppers += 1
        try:
            yield stream
        finally:
            with _lock:
                _droppers -= 1


@contextmanager
def _routed() -> Iterator[TextIO]:
    """Within it, a router stands in for standard output; gives the stream beneath it."""
    global _users
    with _lock:
        _users += 1
        # Within another one, somebody may have put a stream of their own in place.
        if not isinstance(sys.stdout, _Router):
            sys.stdout = cast("TextIO", _Router(sys.stdout))
        router: Any = sys.stdout
    try:
        yield router.stream
    finally:
        with _lock:
            _users -= 1
            while _users == 0 and isinstance(sys.stdout, _Router):
                sys.stdout = sys.stdout.stream
