"""A database of its own for each session of the differential test."""

import os
import sqlite3
import warnings
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.pool import StaticPool

from tests.db.differential.models import Family

URL = os.environ.get("SIGNALCLI_TEST_DATABASE", "")


class Database:
    """A database in memory, or a schema of the database that the environment names.

    Arguments:
        name: the session's name, by which its schema is known.
    """

    def __init__(self, name: str) -> None:
        self.is_sqlite = not URL or URL.startswith("sqlite")
        self._made: set[str] = set()
        self._raw: sqlite3.Connection | None = None
        if self.is_sqlite:
            self.engine = create_engine("sqlite://", poolclass=StaticPool)
            event.listen(self.engine, "connect", self._on_connect)
            event.listen(self.engine, "begin", _begin)
            self._aside: Engine | None = None
        else:
            self._schema = f"differential_{os.getpid()}_{name.replace(' ', '_')}".lower()
            options = {"options": f"-csearch_path={self._schema}"}
            self.engine = create_engine(URL, connect_args=options)
            self._aside = create_engine(
                URL, connect_args=options, isolation_level="AUTOCOMMIT", pool_size=1
            )
            with self._aside.connect() as connection:
                connection.execute(text(f"DROP SCHEMA IF EXISTS {self._schema} CASCADE"))
                connection.execute(text(f"CREATE SCHEMA {self._schema}"))

    def _on_connect(self, connection: sqlite3.Connection, record: Any) -> None:
        # As SQLAlchemy's manual has it, so that savepoints work.
        connection.isolation_level = None
        self._raw = connection

    def reset(self) -> None:
        """Take away the connection from whoever has it."""
        if self._raw is not None:
            self._raw.execute("ROLLBACK") if self._raw.in_transaction else None
        else:
            self.engine.dispose()

    def prepare(self, family: Family, are_keys_enforced: bool) -> None:
        """Have empty tables for a family."""
        if family.name not in self._made:
            self._made.add(family.name)
            with warnings.catch_warnings(action="ignore"):
                family.metadata.create_all(self.engine)
        names = ", ".join(table.name for table in family.tables)
        if self._aside is not None:
            with self._aside.connect() as connection:
                connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY"))
            return
        assert self._raw is not None
        self._raw.execute("PRAGMA foreign_keys = OFF")
        for table in family.tables:
            self._raw.execute(f"DELETE FROM {table.name}")
        self._raw.execute(f"PRAGMA foreign_keys = {'ON' if are_keys_enforced else 'OFF'}")

    def contents(self, family: Family) -> dict[str, list[str]]:
        """All rows of a family's tables, as somebody else sees them."""
        found = {}
        if self._aside is not None:
            with self._aside.connect() as connection:
                for table in family.tables:
                    rows = connection.execute(text(f"SELECT * FROM {table.name}"))
                    found[table.name] = sorted(repr(tuple(row)) for row in rows)
            return found
        assert self._raw is not None
        for table in family.tables:
            rows = self._raw.execute(f"SELECT * FROM {table.name}")
            found[table.name] = sorted(map(repr, rows))
        return found

    def dispose(self) -> None:
        """Leave nothing behind."""
        self.engine.dispose()
        if self._aside is not None:
            with self._aside.connect() as connection:
                connection.execute(text(f"DROP SCHEMA IF EXISTS {self._schema} CASCADE"))
            self._aside.dispose()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
