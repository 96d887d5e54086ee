"""Who keeps the schema of a database: signalcli, or its owner with another tool.

The rule, for every command:

- A database without tables is free: signalcli makes there what the installed apps need, and leaves
  its mark, the table ``signalcli_schema``. The tables of the demo app are a mark, too. But where
  the project has an ``alembic.ini``, the tables of an empty database are Alembic's to make.
- A database with a mark of ours is ours: what the apps lack is made, and added.
- A database with the table of another tool (``alembic_version``, ``django_migrations``, …), or with
  tables and no mark of ours, is its owner's: nothing is made, added or marked there, unless
  ``--migrate`` asks for it. Another tool's table counts more than a mark of ours.
- The signal log of a database that is its owner's is in a file of its own.
"""

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, MetaData, Table, inspect

MARK = "signalcli_schema"
# As the models of the demo app are called, in a room above this one.
OF_THE_DEMO = {"core_user", "core_profile"}


class Keeper(NamedTuple):
    """Somebody else who keeps the schema of a database.

    Attributes:
        evidence: what tells so, for people.
        command: the command that makes what is missing; None where nobody knows.
    """

    evidence: str
    command: str | None = None


_COMMANDS = {
    "alembic_version": "alembic upgrade head",
    "django_migrations": "python manage.py migrate",
    "flyway_schema_history": "flyway migrate",
    "DATABASECHANGELOG": "liquibase update",
    "databasechangelog": "liquibase update",
    "schema_migrations": None,
    "_yoyo_migration": "yoyo apply",
    "aerich": "aerich upgrade",
    "_prisma_migrations": "prisma migrate deploy",
}
# The tables that tell by themselves who keeps the schema, for a look at a database.
TELLING = [Table(name, MetaData()) for name in (*_COMMANDS, MARK)]


def tells_keeper(names: set[str]) -> bool:
    """Whether some tables tell who keeps the schema, whatever other tables there are."""
    return not names.isdisjoint((*_COMMANDS, MARK)) or names >= OF_THE_DEMO


def keeper_of(names: set[str], folders: Collection[Path] = ()) -> Keeper | None:
    """The keeper of a database's schema; None where that is signalcli.

    Arguments:
        names: the names of the tables that the database has.
        folders: the project's folders, which count for a database without tables.
    """
    for name, command in _COMMANDS.items():
        if name in names:
            return Keeper(f"it has a table {name}", command)
    if not names:
        for folder in folders:
            if (folder / "alembic.ini").is_file():
                command = _COMMANDS["alembic_version"]
                return Keeper(f"it is empty, and there is {folder / 'alembic.ini'}", command)
        return None
    if MARK in names or names >= OF_THE_DEMO:
        return None
    return Keeper("it has tables that signalcli did not make")


def table_names(connection: Connection) -> set[str]:
    """The names of the tables of a database, in its default schema."""
    if connection.dialect.name == "sqlite":
        rows = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {name for (name,) in rows if not name.startswith("sqlite_")}
    return set(inspect(connection).get_table_names())
