"""The tables of the installed apps: made where they are missing, or given missing columns.

Whether that may be done in a database says :mod:`signalcli.db.ownership`.
"""

import contextlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pydantic_core import PydanticUndefined
from sqlalchemy import (
    Column,
    Connection,
    Enum,
    MetaData,
    Table,
    UniqueConstraint,
    func,
    inspect,
    literal,
    select,
    text,
    update,
)
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
from signalcli.db.ownership import (
    MARK,
    OF_THE_DEMO,
    TELLING,
    Keeper,
    keeper_of,
    table_names,
    tells_keeper,
)
from signalcli.dispatch import Signal
from signalcli.errors import DatabaseUnusable
from signalcli.log import tables as log_tables
from signalcli.log.schema import refuse_newer

# Where a connection to a server keeps which tables need no second look.
SETTLED = "signalcli_tables"


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

    @property
    def what(self) -> str:
        """The thing itself, for people."""
        if self.column is None:
            return f"the table {self.table.fullname}"
        return f"the column {self.table.fullname}.{self.column.name}"


class NothingThere(Exception):
    """A command that only reads meets a database without any table."""


class State(NamedTuple):
    """How a database stands to the installed apps.

    Attributes:
        keeper: who keeps its schema; None for signalcli.
        made: what was made or added there.
        missing: what it lacks still.
    """

    keeper: Keeper | None = None
    made: tuple[Addition, ...] = ()
    missing: tuple[Addition, ...] = ()

    def lacks(self, database: str) -> str:
        """What is missing and what to do, for people.

        Arguments:
            database: how the database is named to them.
        """
        listed = _listed(self.missing)
        if self.keeper is None:
            return f"the database {database} lacks {listed}; a command that writes makes that"
        command = f"run `{self.keeper.command}`" if self.keeper.command else "make it"
        return (
            f"the database {database} lacks {listed}. signalcli does not keep its schema: "
            f"{self.keeper.evidence}. So {command}, or let signalcli do it with --migrate"
        )

    def told(self, database: str) -> str:
        """What was made or added, for people; nothing for the tables of the demo app."""
        news = [
            each
            for each in self.made
            if each.column is not None or each.table.name not in OF_THE_DEMO
        ]
        return f"made in {database}: {_listed(news)}" if news else ""


def _listed(additions: Collection[Addition]) -> str:
    return ", ".join(each.what for each in additions)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A database and the tables that are wanted of it; an equal one needs no second look.

    Attributes:
        present: the name and the SQL of everything in a SQLite database.
        wanted: the tables that are wanted, and how many columns they have.
    """

    present: tuple[tuple[str, str | None], ...]
    wanted: tuple[tuple[Table, int], ...]

    @classmethod
    def of(cls, connection: Connection, tables: list[Table]) -> "_Seen | None":
        """The present state; None for a database that does not tell it in one query."""
        if connection.dialect.name != "sqlite" or any(table.schema for table in tables):
            return None
        rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master")
        present = tuple((name, sql) for name, sql in rows)
        return cls(present, tuple((table, len(table.columns)) for table in tables))

    @property
    def names(self) -> set[str]:
        """The names of the tables."""
        return {name for name, sql in self.present if sql and sql.startswith("CREATE TABLE")}


def bring_up_to_date(
    connection: Connection,
    installed: Apps = apps,
    *,
    writes: bool = True,
    migrates: bool = False,
    folders: Collection[Path] = (),
    database: str | None = None,
) -> State:
    """Make the tables and columns of the installed apps that a database lacks, if that is right.

    See :mod:`signalcli.db.ownership`. Where anything is made, ``pre_migrate`` is sent before for
    each app that has models, in their order, and ``post_migrate`` afterwards, as Django's
    ``migrate`` does. Receivers get the connection; all of this happens in its transaction.

    Arguments:
        connection: the database, in a transaction that has written nothing.
        installed: the installed apps.
        writes: whether the transaction writes. One that reads makes tables in a SQLite database of
            ours alone, for as long as it lasts.
        migrates: whether tables are made and columns added whoever keeps the schema.
        folders: the folders of the project.
        database: how the database is named to people; by default its URL.

    Raises:
        DatabaseUnusable: a table lacks a column that cannot be added, signalcli does not keep the
            schema, or a newer version of signalcli made the log there.
        NothingThere: there is no table, and the transaction only reads.
        InvalidRequestError: a receiver ended the transaction.
    """
    tables = tables_of(installed)
    seen = _Seen.of(connection, tables)
    if seen is not None and installed.seen_tables == seen:
        refuse_newer(connection, has_log=MARK in seen.names)
        return State(keeper_of(seen.names, folders))
    known: State | None = connection.info.get(SETTLED, {}).get(tuple(tables))
    if known is not None:
        # An earlier command of a script has had the same connection to a server.
        refuse_newer(connection)
        return known
    state, names = _looked_up(connection, tables, folders, seen)
    refuse_newer(connection, has_log=MARK in names)
    if not state.missing:
        if seen is None:
            connection.info[SETTLED] = {tuple(tables): state}
        installed.seen_tables = seen
        return state
    if not writes and (state.keeper is not None or seen is None):
        if state.keeper is None and not names:
            raise NothingThere
        return state
    with taking_turns(connection):
        # Another process may have made them by now.
        state, names = _looked_up(connection, tables, folders, _Seen.of(connection, tables))
        keeper, _, missing = state
        if not missing:
            return state
        if keeper is not None and not migrates:
            raise DatabaseUnusable(state.lacks(database or using(connection)))
        _check(connection, missing)
        named = {
            "verbosity": 1,
            "interactive": False,
            "using": using(connection),
            "plan": [str(addition) for addition in missing],
            "apps": installed,
            "connection": connection,
        }
        configs = [config for config in installed.get_app_configs() if config.models_module]
        for config in configs:
            _send(pre_migrate, config, named)
        if keeper is None:
            _mark(connection, names, missing)
        _make(connection, missing)
    for config in configs:
        _send(post_migrate, config, named)
    return State(keeper, made=missing)


def _looked_up(
    connection: Connection, tables: list[Table], folders: Collection[Path], seen: _Seen | None
) -> tuple[State, set[str]]:
    """How a database stands to some tables, and the names of tables that it has.

    A server is asked once. Only where no table tells who keeps the schema, it is asked for the
    names of all tables.
    """
    asked = tables if seen is not None else [*tables, *TELLING]
    present = present_columns(connection, asked)
    names = {table.name for table in present} if seen is None else seen.names
    if seen is None and not tells_keeper(names):
        names = table_names(connection)
    missing = tuple(_additions(present, tables))
    return State(keeper_of(names, folders), missing=missing), names


def _mark(connection: Connection, names: set[str], missing: Collection[Addition]) -> None:
    """Leave our mark in a database, before anything else is made there."""
    made = {each.table.name for each in missing if each.column is None}
    if MARK not in names and not (names | made) >= OF_THE_DEMO:
        log_tables.schema.create(connection, checkfirst=False)


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


def _check(connection: Connection, additions: Collection[Addition]) -> None:
    """Refuse columns that cannot be added, before anything is altered."""
    for table, column in ((each.table, each.column) for each in additions):
        if column is None:
            continue
        if column.primary_key:
            raise _not_addable(
                table, column, "a primary key stays as it is. Name another --database"
            )
        rows = connection.scalar(select(func.count()).select_from(table)) or 0
        try:
            value = _default_value(table, column)
        except LookupError:
            value = None
        if rows > 1 and value is not None and _is_unique(table, column):
            raise _not_addable(
                table,
                column,
                f"it is unique, and its default would be the same in {rows} rows. "
                "Add it with SQL, or name another --database",
            )
        if value is None and rows and not column.nullable and column.server_default is None:
            raise _no_value(table, column)


def _is_unique(table: Table, column: Column[Any]) -> bool:
    indexes = [list(index.columns) for index in table.indexes if index.unique]
    constraints = [
        list(each.columns) for each in table.constraints if isinstance(each, UniqueConstraint)
    ]
    return bool(column.unique) or [column] in [*indexes, *constraints]


def _make(connection: Connection, additions: Collection[Addition]) -> None:
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


def _no_value(table: Table, column: Column[Any]) -> DatabaseUnusable:
    return _not_addable(
        table,
        column,
        "the rows that are there would have no value. Give it a default, let it be null, or "
        "name another --database",
    )


def _add_column(connection: Connection, table: Table, column: Column[Any]) -> None:
    """Add a column as a migration would: rows that are there get its default."""
    dialect = connection.dialect
    name = dialect.identifier_preparer.format_table(table)
    quoted = dialect.identifier_preparer.format_column(column)
    complete = definition = str(CreateColumn(column).compile(dialect=dialect))
    is_filled = column.server_default is None
    if dialect.name == "sqlite":
        if is_filled and (default := _default(connection, table, column)):
            definition += f" DEFAULT {default}"
    elif is_filled:
        # The rows get their value as a parameter, whatever its type is. Then null may be refused.
        nullable = column._copy()
        nullable.nullable = True
        definition = str(CreateColumn(nullable).compile(dialect=dialect))
    if dialect.name == "postgresql" and isinstance(column.type, Enum):
        # There, an enumeration is a type of its own.
        column.type.create(connection, checkfirst=True)
    for key in column.foreign_keys:
        target = key.column
        of_target = dialect.identifier_preparer.format_table(target.table)
        definition += f" REFERENCES {of_target} ({target.name})"
        definition += f" ON DELETE {key.ondelete}" if key.ondelete else ""
    _alter(connection, f"{name} ADD COLUMN {definition}")
    if dialect.name != "sqlite" and is_filled:
        with contextlib.suppress(LookupError):
            connection.execute(update(table).values({column: _default_value(table, column)}))
        if not column.nullable and dialect.name == "postgresql":
            _alter(connection, f"{name} ALTER COLUMN {quoted} SET NOT NULL")
        elif not column.nullable:
            _alter(connection, f"{name} MODIFY COLUMN {complete}")
    for index in table.indexes:
        if column in index.columns.values():
            connection.execute(CreateIndex(index))
    if column.unique:
        unique = dialect.identifier_preparer.quote(f"{table.name}_{column.name}_key")
        connection.execute(text(f"CREATE UNIQUE INDEX {unique} ON {name} ({quoted})"))


def _alter(connection: Connection, change: str) -> None:
    connection.execute(text(f"ALTER TABLE {change}".replace(":", r"\:")))


def _default(connection: Connection, table: Table, column: Column[Any]) -> str | None:
    """The value that rows get that are there, in SQL; None for null."""
    try:
        return _in_sql(connection, column, _default_value(table, column))
    except (LookupError, CompileError, NotImplementedError) as error:
        if column.nullable:
            return None
        raise _no_value(table, column) from error


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
