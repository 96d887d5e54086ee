"""Databases that are named by where they stand: ``env:DATABASE_URL``, or ``shop.db:engine``."""

import functools
import os
import re
import sys
from importlib import import_module
from pathlib import Path

from sqlalchemy import URL, Engine

from signalcli.errors import DatabaseUnusable

_VARIABLE = "env:"
_OBJECT = r"[A-Za-z_]\w*(\.\w+)*:[A-Za-z_]\w*"


def is_reference(database: str) -> bool:
    """Whether a text is no path or URL, but names a variable or an object."""
    return database.startswith(_VARIABLE) or bool(re.fullmatch(_OBJECT, database))


def resolved(database: str) -> str | URL | Engine:
    """What a reference names: a path or URL, or an engine of the user's own.

    Arguments:
        database: the reference. The module of an object is imported; what is named in it may be a
            SQLAlchemy engine, a URL, or a function that returns one of these.

    Raises:
        DatabaseUnusable: there is no such thing, or it is something else.
    """
    if database.startswith(_VARIABLE):
        name = database.removeprefix(_VARIABLE)
        value = os.environ.get(name)
        if not value:
            raise DatabaseUnusable(f"the database is {database}, but {name} is not set")
        return value
    return _object(database)


@functools.cache
def _object(database: str) -> str | URL | Engine:
    """The object that a reference names; one engine for all who ask."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    module, _, name = database.partition(":")
    try:
        found = getattr(import_module(module), name)
        if callable(found) and not isinstance(found, Engine | URL):
            found = found()
    except Exception as error:
        reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise DatabaseUnusable(f"the database {database} cannot be had: {reason}") from error
    engine = getattr(found, "sync_engine", found)
    if isinstance(engine, Engine | URL | str):
        return engine
    raise DatabaseUnusable(
        f"the database {database} is a {type(found).__name__}; name a SQLAlchemy engine, a URL, or "
        "a function that returns one"
    )
