"""Database servers: the driver of a URL, and how the connections of a command behave there."""

import re
from importlib.util import find_spec
from typing import Any

from sqlalchemy import URL, Engine, event

# Of each server's URLs: the extra that has a driver, the name with the driver, and its module.
_EXTRAS = {
    "postgresql": ("postgresql", "postgresql+psycopg", "psycopg"),
    "mysql": ("mysql", "mysql+pymysql", "pymysql"),
    "mariadb": ("mysql", "mariadb+pymysql", "pymysql"),
}
LOCK_SECONDS = 15
# As ?options=-c lock_timeout=1s for PostgreSQL, ?init_command=SET lock_wait_timeout=1 for MariaDB.
_LIMIT_IN_URL = re.compile(r"lock_(wait_)?timeout")


def with_a_driver(url: URL) -> URL:
    """A URL with the driver of an extra, where it names none and SQLAlchemy's choice is missing."""
    if url.drivername not in _EXTRAS:
        return url
    try:
        url.get_dialect().import_dbapi()
    except ImportError:
        _, name, module = _EXTRAS[url.drivername]
        if find_spec(module) is not None:
            return url.set(drivername=name)
    return url


def how_to_get_a_driver(url: URL, error: Exception) -> str:
    """What to do about a driver that is not installed.

    Arguments:
        url: the URL that needs it.
        error: what importing it raised.
    """
    if url.drivername == "postgres":
        return "'postgres' is no kind of database; write postgresql:// instead"
    if url.get_backend_name() not in _EXTRAS:
        return f"{url.drivername!r} databases need a driver: {error}"
    from signalcli.extras import how_to_install

    extra, name, _ = _EXTRAS[url.get_backend_name()]
    command = how_to_install(extra)
    named = f"{url.drivername!r} databases need a driver that is not installed"
    if url.drivername in (url.get_backend_name(), name, "postgresql+asyncpg"):
        return f"{named}: {command}"
    return f"{named} ({error}); install it, or write {name}:// and use: {command}"


def set_up_server(engine: Engine) -> None:
    """Have the connections of an engine behave on a server as those to a SQLite file do.

    They wait for a lock as long, unless the URL sets a limit itself. Each statement sees
    what others have committed, as on PostgreSQL by default: in the snapshot that MariaDB and MySQL
    keep for a transaction, a row would be missing that is found to be there when it is inserted.
    Django sets that, too. For other databases, nothing is done.
    """
    dialect = engine.dialect.name
    # An engine that serves several runs comes here for each: the same listener is one.
    if dialect in ("mysql", "mariadb"):
        event.listen(engine, "connect", _see_commits_on_mysql)
    limit = _LIMITS.get(dialect)
    if limit is not None and not _LIMIT_IN_URL.search(str(engine.url.query)):
        event.listen(engine, "connect", limit)


def _see_commits_on_mysql(connection: Any, record: object) -> None:
    _say(connection, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")


def _limit_on_postgresql(connection: Any, record: object) -> None:
    # Outside any transaction, with which PostgreSQL might undo it.
    before = connection.autocommit
    connection.autocommit = True
    _say(connection, f"SET lock_timeout = '{LOCK_SECONDS}s'")
    connection.autocommit = before


def _limit_on_mysql(connection: Any, record: object) -> None:
    waits = "innodb_lock_wait_timeout", "lock_wait_timeout"
    _say(connection, "SET SESSION " + ", ".join(f"{name} = {LOCK_SECONDS}" for name in waits))


def _say(connection: Any, statement: str) -> None:
    cursor = connection.cursor()
    cursor.execute(statement)
    cursor.close()


_LIMITS = {
    "postgresql": _limit_on_postgresql,
    "mysql": _limit_on_mysql,
    "mariadb": _limit_on_mysql,
}
