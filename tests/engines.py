"""The database engines that tests run on, and a database of a test's own on each of them."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from sqlalchemy import URL, Connection, MetaData, String, create_engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.pool import NullPool

import signalcli.db

# Models of tests leave the length of their texts open, without which MariaDB makes no column.
TEXT_LENGTH = 255
VARIABLE = "SIGNALCLI_TEST_DATABASES"
# What Debian's packages listen on. Their administrators may make databases.
LOCAL = {
    "postgresql": "postgresql+psycopg://postgres@127.0.0.1:5432/postgres",
    "mariadb": "mysql+pymysql://root@127.0.0.1:3306/",
}
CONNECT_SECONDS = 5


@compiles(String, "mysql")
def _with_a_length(kind: String, compiler: Any, **options: Any) -> str:
    return compiler.visit_VARCHAR(String(kind.length or TEXT_LENGTH, kind.collation), **options)


Prepare = Callable[[str], object]


@dataclass
class Contents:
    """What a prepared database holds: how it is built, its rows, and its next keys."""

    layout: list[tuple[Any, ...]]
    metadata: MetaData
    rows: dict[str, list[dict[str, Any]]]
    counters: dict[str, int]


@dataclass
class Database:
    """A database on a server, which one test after the other may have."""

    url: URL
    contents: Contents | None = None


class Server:
    """A database server, and the databases that this process has made on it."""

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        self.url = make_url(url)
        self._free: dict[object, list[Database]] = {}
        self._made: list[str] = []

    @property
    def is_postgresql(self) -> bool:
        return self.url.get_backend_name() == "postgresql"

    def why_not(self) -> str | None:
        """Why the server cannot be used, in a line; None if it answers."""
        try:
            with self._connected(self.url):
                return None
        except (SQLAlchemyError, ImportError) as error:
            reason = " ".join(str(getattr(error, "orig", None) or error).split())
            return f"{self.name} cannot be reached: {reason}"

    @contextmanager
    def database(self, key: object, prepare: Prepare | None = None) -> Iterator[str]:
        """The URL of a database that nobody else uses meanwhile.

        Arguments:
            key: what it is prepared as; databases with the same key are used again.
            prepare: gives an empty database, whose URL it gets, its tables and rows. What tests
                have changed of them is undone. By default the database is empty.
        """
        free = self._free.setdefault(key, [])
        database = free.pop() if free else Database(self._make())
        with self._connected(database.url) as connection:
            self._end_others(connection)
            if database.contents is None or not self._restored(connection, database.contents):
                self._empty(connection)
                database.contents = None
        url = database.url.render_as_string(hide_password=False)
        if database.contents is None and prepare is not None:
            prepare(url)
            with self._connected(database.url) as connection:
                database.contents = self._contents(connection)
        yield url
        free.append(database)

    def drop_all(self) -> None:
        """Leave nothing behind on the server."""
        for name in self._made:
            with self._connected(self.url.set(database=name)) as connection:
                self._end_others(connection)
        if self._made:
            with self._connected(self.url) as connection:
                for name in self._made:
                    connection.execute(text(f"DROP DATABASE {name}"))
        self._made.clear()

    def _make(self) -> URL:
        worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        name = f"signalcli_test_{worker}_{os.getpid()}_{len(self._made)}"
        with self._connected(self.url) as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
            self._made.append(name)
            if self.is_postgresql:
                # What is lost where the machine fails is no loss to a test.
                off = "SET synchronous_commit = off"
                connection.execute(text(f"ALTER DATABASE {name} {off}"))
        return self.url.set(database=name)

    @contextmanager
    def _connected(self, url: URL) -> Iterator[Connection]:
        engine = create_engine(
            url,
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            connect_args={"connect_timeout": CONNECT_SECONDS},
        )
        with engine.connect() as connection:
            yield connection

    def _end_others(self, connection: Connection) -> None:
        """End the connections that earlier tests have left, and their locks with them."""
        if self.is_postgresql:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            return
        others = connection.exec_driver_sql(
            "SELECT id FROM information_schema.processlist"
            " WHERE db = database() AND id <> connection_id()"
        )
        for number in others.scalars().all():
            # It may have ended by itself.
            connection.exec_driver_sql(
                f"BEGIN NOT ATOMIC DECLARE CONTINUE HANDLER FOR 1094 BEGIN END; KILL {number}; END"
            )

    def _empty(self, connection: Connection) -> None:
        if self.is_postgresql:
            connection.exec_driver_sql(
                "DROP SCHEMA public CASCADE; CREATE SCHEMA public;"
                " GRANT USAGE ON SCHEMA public TO PUBLIC"
            )
            return
        tables = connection.exec_driver_sql("SHOW TABLES").scalars().all()
        if tables:
            connection.exec_driver_sql("SET foreign_key_checks = 0")
            connection.exec_driver_sql(f"DROP TABLE {', '.join(f'`{each}`' for each in tables)}")

    def _layout(self, connection: Connection) -> list[tuple[Any, ...]]:
        """How the tables are built, to be compared."""
        schema = "current_schema()" if self.is_postgresql else "database()"
        columns = connection.exec_driver_sql(
            "SELECT table_name, column_name, column_default, is_nullable, data_type"
            f" FROM information_schema.columns WHERE table_schema = {schema} ORDER BY 1, 2"
        )
        indexes = connection.exec_driver_sql(
            f"SELECT tablename, indexname FROM pg_indexes WHERE schemaname = {schema} ORDER BY 1, 2"
            if self.is_postgresql
            else "SELECT table_name, index_name, column_name FROM information_schema.statistics"
            f" WHERE table_schema = {schema} ORDER BY 1, 2, 3"
        )
        return [tuple(row) for row in (*columns, *indexes)]

    def _counters(self, connection: Connection) -> dict[str, int]:
        """The last number given of each sequence, or the next one of each table."""
        rows = connection.exec_driver_sql(
            "SELECT sequencename, coalesce(last_value, 0) FROM pg_sequences"
            " WHERE schemaname = current_schema()"
            if self.is_postgresql
            else "SELECT table_name, auto_increment FROM information_schema.tables"
            " WHERE table_schema = database() AND auto_increment IS NOT NULL"
        )
        return dict(rows.all())

    def _contents(self, connection: Connection) -> Contents:
        metadata = MetaData()
        metadata.reflect(connection)
        rows = {
            name: [dict(row) for row in connection.execute(table.select()).mappings()]
            for name, table in metadata.tables.items()
        }
        return Contents(self._layout(connection), metadata, rows, self._counters(connection))

    def _restored(self, connection: Connection, contents: Contents) -> bool:
        """Undo what was done to the rows of a database; False if its tables were altered."""
        if self._layout(connection) != contents.layout:
            return False
        if not contents.metadata.tables:
            return True
        quote = connection.dialect.identifier_preparer.format_table
        tables = [quote(table) for table in contents.metadata.tables.values()]
        if self.is_postgresql:
            connection.exec_driver_sql("SET session_replication_role = replica")
        else:
            connection.exec_driver_sql("SET foreign_key_checks = 0")
        connection.exec_driver_sql("BEGIN")
        for table in tables:
            connection.exec_driver_sql(f"DELETE FROM {table}")
        for name, rows in contents.rows.items():
            if rows:
                connection.execute(contents.metadata.tables[name].insert(), rows)
        connection.exec_driver_sql("COMMIT")
        for name, _ in self._counters(connection).items() - contents.counters.items():
            number = contents.counters.get(name, 1)
            connection.exec_driver_sql(
                f"SELECT setval('\"{name}\"', {max(number, 1)}, {number > 0})".lower()
                if self.is_postgresql
                else f"ALTER TABLE `{name}` AUTO_INCREMENT = {number}"
            )
        return True


def without_memory(database: str) -> dict[str, Any]:
    """The ``connect_args`` with which a driver keeps nothing of what it has carried out."""
    is_psycopg = database.startswith("postgresql+psycopg:")
    # After a few rounds, psycopg would prepare the statements and keep them.
    return {"prepare_threshold": None} if is_psycopg else {}


@cache
def tables_of(*metadatas: MetaData) -> Prepare:
    """Gives a database the tables of some models."""

    def prepare(database: str) -> None:
        engine = signalcli.db.create_engine(database)
        for metadata in metadatas:
            metadata.create_all(engine)
        engine.dispose()

    return prepare


@cache
def wanted() -> tuple[str, ...]:
    """The names of the engines that the environment asks for."""
    words = re.split(r"[\s,]+", os.environ.get(VARIABLE, "").strip()) or []
    names = [name for word in words if word for name in _named(word)]
    return tuple(dict.fromkeys(names)) or ("sqlite",)


def _named(word: str) -> tuple[str, ...]:
    if word == "all":
        return ("sqlite", *LOCAL)
    if word == "sqlite" or word in LOCAL:
        return (word,)
    if "://" in word:
        backend = make_url(word).get_backend_name()
        name = "mariadb" if backend in ("mysql", "mariadb") else backend
        if name in LOCAL:
            _servers[name] = Server(name, word)
            return (name,)
    known = ", ".join(("all", "sqlite", *LOCAL))
    raise pytest.UsageError(f"{VARIABLE}: {word!r} is none of {known}, and no URL of a server")


_servers: dict[str, Server] = {}


def server(name: str) -> Server:
    """The server of an engine, by the engine's name."""
    wanted()
    if name not in _servers:
        _servers[name] = Server(name, LOCAL[name])
    return _servers[name]


@cache
def why_not(name: str) -> str | None:
    """Why an engine cannot be used; None if it can."""
    return None if name == "sqlite" else server(name).why_not()


def parameters(only_sqlite: str | None) -> list[Any]:
    """The parameters of a test that uses a database, one for each engine.

    Arguments:
        only_sqlite: why the test is for SQLite alone, if it is.
    """
    if only_sqlite is not None:
        asked = "sqlite" in wanted()
        skip = pytest.mark.skip(reason=f"for SQLite alone: {only_sqlite}")
        return [pytest.param("sqlite", marks=() if asked else skip)]
    found = []
    for name in wanted():
        marks = [] if name == "sqlite" else [pytest.mark.server]
        if (reason := why_not(name)) is not None:
            marks.append(pytest.mark.skip(reason=reason))
        found.append(pytest.param(name, marks=marks))
    return found


def drop_databases() -> None:
    """Leave no database behind."""
    for each in _servers.values():
        each.drop_all()
