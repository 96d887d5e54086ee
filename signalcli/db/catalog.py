"""The catalog of a database: which tables it has, seen in one look, and made by one at a time."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, Table, bindparam, inspect, text

from signalcli.errors import DatabaseUnusable

PATIENCE_SECONDS = 60
# Any number does that others are unlikely to use for locks of their own in the same database.
_TURN = 0x5167_6E61_6C63_6C69

# Tables of the search path, and those of any schema that is named. A table without columns counts.
_OF_POSTGRESQL = text(
    "SELECT c.relname, n.nspname, pg_catalog.pg_table_is_visible(c.oid), a.attname "
    "FROM pg_catalog.pg_class c "
    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
    "LEFT JOIN pg_catalog.pg_attribute a "
    "ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
    "WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND c.relname IN :names"
).bindparams(bindparam("names", expanding=True))
# The comment of a column that is being added to MariaDB or MySQL, in steps that are each committed.
# Whoever adds it may be killed: until the last step takes the comment away, it is not there.
BEING_ADDED = "signalcli: being added"
_OF_MYSQL = text(
    "SELECT table_name, table_schema, table_schema = DATABASE(), column_name "
    "FROM information_schema.columns "
    "WHERE table_schema IN (DATABASE(), :schemas) AND table_name IN :names "
    "AND column_comment <> :comment"
).bindparams(
    bindparam("names", expanding=True),
    bindparam("schemas", expanding=True),
    bindparam("comment", BEING_ADDED),
)
_UNFINISHED = text(
    "SELECT column_name FROM information_schema.columns "
    "WHERE table_schema = coalesce(:schema, DATABASE()) AND table_name = :name "
    "AND column_comment = :comment"
)


def present_columns(connection: Connection, tables: Iterable[Table]) -> dict[Table, set[str]]:
    """The names of the columns of each table that a database has, whatever its definition says.

    PostgreSQL, MariaDB and MySQL are asked once for all tables.

    Arguments:
        connection: the database.
        tables: the tables that are looked for.

    Returns:
        The tables that are there, with the columns that they have there.
    """
    wanted = list(tables)
    if not wanted:
        return {}
    names = {table.name for table in wanted}
    if connection.dialect.name == "postgresql":
        rows = connection.execute(_OF_POSTGRESQL, {"names": sorted(names)})
    elif connection.dialect.name in ("mysql", "mariadb"):
        schemas = {table.schema or "" for table in wanted}
        rows = connection.execute(_OF_MYSQL, {"names": sorted(names), "schemas": sorted(schemas)})
    else:
        return _inspected(connection, wanted)
    found: dict[tuple[str, str | None], set[str]] = {}
    for name, schema, is_default, column in rows:
        for place in (schema, None) if is_default else (schema,):
            found.setdefault((name, place), set()).update([column] if column else [])
    return {
        table: found[table.name, table.schema]
        for table in wanted
        if (table.name, table.schema) in found
    }


def _inspected(connection: Connection, tables: list[Table]) -> dict[Table, set[str]]:
    inspector = inspect(connection)
    return {
        table: {column["name"] for column in inspector.get_columns(table.name, table.schema)}
        for table in tables
        if inspector.has_table(table.name, table.schema)
    }


def unfinished_columns(connection: Connection, table: Table) -> set[str]:
    """The names of the columns of a table in MariaDB or MySQL whose addition was never ended."""
    place = {"schema": table.schema, "name": table.name, "comment": BEING_ADDED}
    return set(connection.scalars(_UNFINISHED, place))


def takes_tables_back(bind: Connection | Engine) -> bool:
    """Whether a rollback takes back that tables were made or altered; on MariaDB it does not."""
    return bind.dialect.name not in ("mysql", "mariadb")


@contextmanager
def taking_turns(connection: Connection) -> Iterator[None]:
    """Let one process at a time make tables; wait for the others.

    Use it at the beginning of a transaction, which has found that something is missing. Look again
    within it: somebody else may have made it by now.

    On SQLite, a transaction that writes is alone anyway. On PostgreSQL, the turn lasts until the
    transaction ends, since nobody sees its tables before. MariaDB and MySQL commit by themselves
    when a table is made, so the transaction is committed before the turn, for it to see what
    others have made, and at its end.

    Arguments:
        connection: the database, in a transaction that has written nothing.

    Raises:
        DatabaseUnusable: another process takes too long.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_catalog.pg_advisory_xact_lock({_TURN})")
        yield
    elif not takes_tables_back(connection):
        # The names of locks belong to the whole server.
        lock = {"name": f"{_TURN:x}:{connection.engine.url.database}"[:64]}
        waits = text(f"SELECT GET_LOCK(:name, {PATIENCE_SECONDS})")
        if not connection.scalar(waits, lock):
            raise DatabaseUnusable(
                "another process takes long to make tables; try again when that is done"
            )
        try:
            connection.exec_driver_sql("COMMIT")
            yield
            connection.exec_driver_sql("COMMIT")
        finally:
            if not connection.invalidated:
                connection.execute(text("SELECT RELEASE_LOCK(:name)"), lock)
    else:
        yield
