"""The tables of the installed apps: made where they are missing, or given missing columns."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import PydanticUndefined
from sqlalchemy import Column, Connection, MetaData, Table, inspect, literal, text
from sqlalchemy.exc import (
    CompileError,
    IntegrityError,
    InvalidRequestError,
    OperationalError,
    ProgrammingError,
)
from sqlalchemy.schema import CreateColumn, CreateIndex
from sqlmodel import SQLModel

from signalcli.apps.config import AppConfig
from signalcli.apps.registry import Apps, apps
from signalcli.db import post_migrate, pre_migrate
from signalcli.db.catalog import present_columns, taking_turns
from signalcli.db.database import using
from signalcli.db.models import mapped_models
from signalcli.dispatch import Signal
from signalcli.errors import DatabaseUnusable


@dataclass(frozen=True, slots=True)
class Addition:
    """A table that a database lacks, or a column of one.

    Attributes:
        table: the table.
        column: the column; None for the table as a whole.
    """

    table: Table
    column: Column[Any] | None = None

    def __str__(self) -> str:
        if self.column is None:
            return f"create table {self.table.fullname}"
        return f"add column {self.table.fullname}.{self.column.name}"


@dataclass(frozen=True, slots=True)
class _Seen:
    """A database and the tables that are wanted of it; an equal one needs no second look.

    Attributes:
        present: the SQL of everything in a SQLite database.
        wanted: the tables that are wanted, and how many columns they have.
    """

    present: tuple[str | None, ...]
    wanted: tuple[tuple[Table, int], ...]

    @classmethod
    def of(cls, connection: Connection, tables: list[Table]) -> "_Seen | None":
        """The present state; None for a database that does not tell it in one query."""
        if connection.dialect.name != "sqlite" or any(table.schema for table in tables):
            return None
        rows = connection.exec_driver_sql("SELECT sql FROM sqlite_master").scalars()
        return cls(tuple(rows), tuple((table, len(table.columns)) for table in tables))


def bring_up_to_date(
    connection: Connection,
    installed: Apps = apps,
    present: Mapping[Table, set[str]] | None = None,
) -> None:
    """Make the tables and columns of the installed apps that a database lacks.

    Where it lacks any, ``pre_migrate`` is sent before for each app that has models, in their order,
    and ``post_migrate`` afterwards, as Django's ``migrate`` does. Receivers get the connection; all
    of this happens in its transaction.

    Arguments:
        connection: the database, in a transaction.
        installed: the installed apps.
        present: the columns of the tables that are there, where these have been looked up already.

    Raises:
        DatabaseUnusable: a table lacks a column that cannot be added.
        InvalidRequestError: a receiver ended the transaction.
    """
    tables = tables_of(installed)
    seen = _Seen.of(connection, tables)
    if seen is not None and installed.seen_tables == seen:
        return
    present = present_columns(connection, tables) if present is None else present
    if not list(_additions(present, tables)):
        installed.seen_tables = seen
        return
    with taking_turns(connection):
        # Another process may have made them by now.
        additions = list(_additions(present_columns(connection, tables), tables))
        if additions:
            _migrate(connection, installed, additions)


def _migrate(connection: Connection, installed: Apps, additions: list[Addition]) -> None:
    named = {
        "verbosity": 1,
        "interactive": False,
        "using": using(connection),
        "plan": [str(addition) for addition in additions],
        "apps": installed,
        "connection": connection,
    }
    configs = [config for config in installed.get_app_configs() if config.models_module]
    for config in configs:
        _send(pre_migrate, config, named)
    _make(connection, additions)
    for config in configs:
        _send(post_migrate, config, named)


def _send(signal: Signal, config: AppConfig, named: dict[str, Any]) -> None:
    signal.send(config, app_config=config, **named)
    connection: Connection = named["connection"]
    if connection.closed or not connection.in_transaction():
        raise InvalidRequestError(
            f"a receiver of {signal.name} ended the transaction of its connection, which "
            "signalcli began"
        )


def tables_of(installed: Apps) -> list[Table]:
    """The tables of the installed apps' models, and the tables that those need.

    These are the tables that foreign keys and relationships lead to, and all tables without a
    model.
    """
    wanted: dict[Table, None] = {}
    pending = [table for model in installed.get_models() for table in _tables_of_model(model)]
    of_models = {table for model in mapped_models(SQLModel) for table in _tables_of_model(model)}
    pending += [table for table in SQLModel.metadata.tables.values() if table not in of_models]
    while pending:
        table = pending.pop(0)
        if table not in wanted:
            wanted[table] = None
            pending += [key.column.table for key in table.foreign_keys]
    return list(wanted)


def _tables_of_model(model: type[Any]) -> Iterator[Table]:
    mapper = inspect(model)
    yield from (table for table in mapper.tables if isinstance(table, Table))
    for relationship in mapper.relationships:
        if isinstance(relationship.secondary, Table):
            yield relationship.secondary


def _additions(present: Mapping[Table, set[str]], tables: list[Table]) -> Iterator[Addition]:
    for table in tables:
        if table not in present:
            yield Addition(table)
            continue
        for column in table.columns:
            if column.name not in present[table]:
                yield Addition(table, column)


def _make(connection: Connection, additions: list[Addition]) -> None:
    by_metadata: dict[MetaData, list[Table]] = {}
    for addition in additions:
        if addition.column is None:
            by_metadata.setdefault(addition.table.metadata, []).append(addition.table)
        else:
            _add(connection, addition.table, addition.column)
    for metadata, tables in by_metadata.items():
        metadata.create_all(connection, tables, checkfirst=False)


def _add(connection: Connection, table: Table, column: Column[Any]) -> None:
    """Add a column, or say why the database does not take it."""
    if column.primary_key:
        raise _not_addable(table, column, "a primary key stays as it is. Name another --database")
    try:
        _add_column(connection, table, column)
    except (IntegrityError, ProgrammingError, OperationalError) as error:
        # Any other OperationalError (locked, full, gone) is not the column's fault.
        name = getattr(error.orig, "sqlite_errorname", None)
        if isinstance(error, OperationalError) and name != "SQLITE_ERROR":
            raise
        reason = " ".join(str(error.orig).split())
        raise _not_addable(
            table, column, f"{reason}. Add it with SQL, or name another --database"
        ) from error


def _not_addable(table: Table, column: Column[Any], reason: str) -> DatabaseUnusable:
    return DatabaseUnusable(
        f"the table {table.fullname} has no column {column.name}, and it cannot be added: {reason}"
    )


def _add_column(connection: Connection, table: Table, column: Column[Any]) -> None:
    """Add a column as a migration would: rows that are there get its default."""
    dialect = connection.dialect
    name = dialect.identifier_preparer.format_table(table)
    definition = str(CreateColumn(column).compile(dialect=dialect))
    if column.server_default is None and (default := _default(connection, table, column)):
        definition += f" DEFAULT {default}"
    for key in column.foreign_keys:
        target = key.column
        of_target = dialect.identifier_preparer.format_table(target.table)
        definition += f" REFERENCES {of_target} ({target.name})"
        definition += f" ON DELETE {key.ondelete}" if key.ondelete else ""
    connection.execute(text(f"ALTER TABLE {name} ADD COLUMN {definition}".replace(":", r"\:")))
    for index in table.indexes:
        if column in index.columns.values():
            connection.execute(CreateIndex(index))
    if column.unique:
        quoted = dialect.identifier_preparer.format_column(column)
        unique = dialect.identifier_preparer.quote(f"{table.name}_{column.name}_key")
        connection.execute(text(f"CREATE UNIQUE INDEX {unique} ON {name} ({quoted})"))


def _default(connection: Connection, table: Table, column: Column[Any]) -> str | None:
    """The value that rows get that are there, in SQL; None for null."""
    try:
        return _in_sql(connection, column, _default_value(table, column))
    except (LookupError, CompileError, NotImplementedError) as error:
        if column.nullable:
            return None
        raise _not_addable(
            table,
            column,
            "the rows that are there would have no value. Give it a default, let it be null, or "
            "name another --database",
        ) from error


def _in_sql(connection: Connection, column: Column[Any], value: Any) -> str:
    """A value in SQL; where its type cannot be written (JSON), the value that is stored for it."""
    literally = {"literal_binds": True}
    if isinstance(value, bytes) and connection.dialect.name == "sqlite":
        # SQLAlchemy would write a text.
        return f"X'{value.hex()}'"
    try:
        return str(literal(value, column.type).compile(connection, compile_kwargs=literally))
    except CompileError:
        stored = column.type.dialect_impl(connection.dialect).bind_processor(connection.dialect)
        if stored is None:
            raise
        return str(literal(stored(value)).compile(connection, compile_kwargs=literally))


def _default_value(table: Table, column: Column[Any]) -> Any:
    for model in mapped_models(SQLModel):
        mapper = inspect(model)
        if table in mapper.tables and column in mapper.columns.values():
            key = mapper.get_property_by_column(column).key
            field = model.model_fields.get(key)
            if field is not None:
                value = field.get_default(call_default_factory=True, validated_data={})
                if value is not PydanticUndefined and value is not None:
                    return value
    raise LookupError(column.name)
