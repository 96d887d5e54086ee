"""Engines that many runs in one process share, though each opens connections of its own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from sqlalchemy import URL, Engine

from signalcli.db.engine import create_engine

MOST_ENGINES = 8

Engines = dict[tuple[object, ...], Engine]

_kept: ContextVar[Engines | None] = ContextVar("signalcli_engines", default=None)


@contextmanager
def kept_engines() -> Iterator[None]:
    """Within it, :func:`engine_for` hands out the same engine for the same database again.

    What SQLAlchemy compiles, it keeps with the engine. Each run still disposes of the engine's
    connections at its end, so that the next one opens its own, and in between a database is found
    by others as nobody used it.
    """
    engines: Engines = {}
    token = _kept.set(engines)
    try:
        yield
    finally:
        _kept.reset(token)
        for engine in engines.values():
            engine.dispose()


def engine_for(database: str | URL, **options: bool) -> Engine:
    """An engine as :func:`signalcli.db.create_engine` makes it, perhaps one that is kept.

    Raises:
        DatabaseUnusable: as that.
    """
    engines = _kept.get()
    if engines is None:
        return create_engine(database, **options)
    try:
        # A relative path means another file in another folder.
        folder = os.getcwd()  # noqa: PTH109  # compared only
    except FileNotFoundError:
        return create_engine(database, **options)
    key = (folder, database, *sorted(options.items()))
    if key not in engines:
        if len(engines) == MOST_ENGINES:
            engines.pop(next(iter(engines))).dispose()
        engines[key] = create_engine(database, **options)
    return engines[key]
