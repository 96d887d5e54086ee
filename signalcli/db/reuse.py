"""What many runs in one process share of a database, though each opens connections of its own."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from urllib.parse import quote

from sqlalchemy import URL, Engine

from signalcli.db.engine import create_engine

MOST_ENGINES = 8


class Shared:
    """Engines that are made once, and log files of SQLite that are kept between runs.

    What SQLAlchemy compiles, it keeps with the engine. And SQLite writes a write-ahead log into
    the database, and removes it, when the last connection is closed; another connection to the
    file, which does nothing, has it wait until the end.

    Arguments:
        holds_files: whether files are held so. Otherwise other processes find a database between
            two runs as they do when nobody uses it, and may overwrite the file.
    """

    def __init__(self, *, holds_files: bool) -> None:
        self._holds_files = holds_files
        self._engines: dict[tuple[object, ...], Engine] = {}
        self._held: dict[str, _HeldFile] = {}

    def engine(self, database: str | URL, **options: bool) -> Engine:
        """As :func:`signalcli.db.create_engine` makes it."""
        try:
            # A relative path means another file in another folder.
            folder = os.getcwd()  # noqa: PTH109  # compared only
        except FileNotFoundError:
            folder = ""
        key = (folder, database, *sorted(options.items()))
        engine = self._engines.get(key)
        if engine is None:
            if len(self._engines) == MOST_ENGINES:
                self._engines.pop(next(iter(self._engines))).dispose()
            engine = self._engines[key] = create_engine(database, **options)
        return engine

    def hold(self, file: str) -> None:
        """Hold the log of a SQLite file that is written, until the file is another one."""
        if not self._holds_files:
            return
        path = os.path.abspath(file)  # noqa: PTH100  # links are SQLite's to follow
        held = self._held.get(path)
        if held is not None and held.is_current():
            return
        if held is not None:
            self._held.pop(path).close()
        # A file that cannot be held, or is not there yet, the run is to complain of itself.
        with contextlib.suppress(OSError, sqlite3.Error):
            if len(self._held) == MOST_ENGINES:
                self._held.pop(next(iter(self._held))).close()
            self._held[path] = _HeldFile(path)

    def close(self) -> None:
        """Let go of everything."""
        for engine in self._engines.values():
            engine.dispose()
        for held in self._held.values():
            held.close()


class _HeldFile:
    """A connection that does nothing but be there."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._identity = _identity(path)
        self._connection = sqlite3.connect(f"file:{quote(path)}?mode=rw", timeout=0, uri=True)
        try:
            # SQLite opens the file only when something is read.
            self._connection.execute("PRAGMA schema_version").fetchone()
        except sqlite3.Error:
            self._connection.close()
            raise

    def is_current(self) -> bool:
        """Whether the path still leads to this file."""
        try:
            return _identity(self._path) == self._identity
        except OSError:
            return False

    def close(self) -> None:
        self._connection.close()


def _identity(path: str) -> tuple[int, int]:
    status = os.stat(path)  # noqa: PTH116
    return status.st_dev, status.st_ino


_shared: ContextVar[Shared | None] = ContextVar("signalcli_shared", default=None)


def shared() -> Shared | None:
    """What is shared at present, or None where each run is on its own."""
    return _shared.get()


@contextmanager
def sharing(*, holds_files: bool) -> Iterator[None]:
    """Within it, runs share what can be; see :class:`Shared`."""
    mine = Shared(holds_files=holds_files)
    token = _shared.set(mine)
    try:
        yield
    finally:
        _shared.reset(token)
        mine.close()
