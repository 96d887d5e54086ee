"""The output of receivers, caught or dropped, in every thread and task."""

import io
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

from signalcli.trace.recorder import running_here


class _Router:
    """A stand-in for standard output that gives a receiver's text to its response.

    Text of others goes on to the stream, unless output is dropped.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        responses = running_here.get().values()
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
        """The stream of bytes. The bytes that a receiver writes are text of its output, too."""
        return _Bytes(self) if _is_kept_back() else self.stream.buffer

    def flush(self) -> None:
        if not _is_kept_back():
            self.stream.flush()

    def close(self) -> None:
        # A receiver must not close what others print to.
        if not _is_kept_back():
            self.stream.close()

    def isatty(self) -> bool:
        # A receiver's text is kept, so it must not be coloured for a terminal.
        return not _is_kept_back() and self.stream.isatty()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


class _Bytes(io.RawIOBase):
    """A stream of bytes that gives a receiver's bytes to its response as text."""

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
    """Whether text that is printed here is kept from the stream."""
    return bool(_droppers or running_here.get())


@contextmanager
def caught_output() -> Iterator[None]:
    """Make the text that receivers print the output of their responses.

    Several such blocks may run at once, and end in any order.
    """
    with _routed():
        yield


@contextmanager
def dropped_output() -> Iterator[TextIO]:
    """Drop all text that is printed in any thread, except the output of responses.

    This is for work that calls receivers so often that nobody would read their output. Nothing
    finds out who prints, so that a dropped line costs next to nothing. The block gets the standard
    output from before, for text that is to be seen. Child processes print as before.
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
    """Put a router in the place of standard output; the block gets the stream beneath it."""
    global _users
    with _lock:
        _users += 1
        # Inside another such block, a program may have put a stream of its own in place.
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
