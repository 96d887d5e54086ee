"""Additions to a database: the tables that it lacks, and the columns; checked, and made."""

import contextlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

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
    OperationalError,
    ProgrammingError,
    SQLAlchemyError,
    UnsupportedCompilationError,
)
from sqlalchemy.schema import CreateColumn, CreateIndex
from sqlmodel import SQLModel

from signalcli.db.catalog import (
    BEING_ADDED,
    present_columns,
    takes_tables_back,
    unfinished_columns,
)
from signalcli.db.models import mapped_models
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

    @property
    def what(self) -> str:
        """The thing itself, for people."""
        if self.column is None:
            return f"the table {self.table.fullname}"
        return f"the column {self.table.fullname}.{self.column.name}"


def listed(additions: Collection[Addition]) -> str:
    """Some additions, for people."""
    return ", ".join(each.what for each in additions)


def check(connection: Connection, additions: Collection[Addition]) -> None:
    """Refuse what cannot be made, as far as that can be told before anything is altered.

    Raises:
        DatabaseUnusable: a table or a column cannot be made.
    """
    for table, column in ((each.table, each.column) for each in additions):
        for each in table.columns if column is None else [column]:
            _check_type(connection, table, each)
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


def _check_type(connection: Connection, table: Table, column: Column[Any]) -> None:
    """Refuse a column whose type the database does not have."""
    try:
        column.type.compile(dialect=connection.dialect)
    except UnsupportedCompilationError:
        reason = f"the database has no type {type(column.type).__name__}"
    except CompileError as error:
        reason = str(error)
    else:
        return
    raise DatabaseUnusable(f"the column {table.fullname}.{column.name} cannot be made: {reason}")


def _is_unique(table: Table, column: Column[Any]) -> bool:
    indexes = [list(index.columns) for index in table.indexes if index.unique]
    constraints = [
        list(each.columns) for each in table.constraints if isinstance(each, UniqueConstraint)
    ]
    return bool(column.unique) or [column] in [*indexes, *constraints]


def make(connection: Connection, additions: Collection[Addition]) -> None:
    """Make what a database lacks: all of it or, where something is refused, nothing.

    MariaDB and MySQL take nothing back by themselves: each change is committed there at once.

    Raises:
        DatabaseUnusable: the database does not take a column.
    """
    try:
        _make(connection, additions)
    except Exception as error:
        if takes_tables_back(connection) or connection.invalidated:
            raise
        left = _not_taken_back(connection, additions)
        if not left:
            raise
        reason = " ".join(str(getattr(error, "orig", None) or error).split())
        raise DatabaseUnusable(f"{reason}; {listed(left)} had been made and stays") from error


def _make(connection: Connection, additions: Collection[Addition]) -> None:
    by_metadata: dict[MetaData, list[Table]] = {}
    for addition in additions:
        if addition.column is None:
            by_metadata.setdefault(addition.table.metadata, []).append(addition.table)
        else:
            _add(connection, addition.table, addition.column)
    for metadata, tables in by_metadata.items():
        with _marked_until_indexed(connection, tables):
            metadata.create_all(connection, tables, checkfirst=False)


@contextlib.contextmanager
def _marked_until_indexed(connection: Connection, tables: list[Table]) -> Iterator[None]:
    """Mark columns whose indexes MariaDB and MySQL make after their tables, perhaps unique ones.

    Where somebody is killed before an index is made, such a column is one that is being added.
    """
    if takes_tables_back(connection):
        yield
        return
    indexed = [index.columns.values() for table in tables for index in table.indexes]
    columns = [column for each in indexed for column in each if not column.primary_key]
    comments = {column: column.comment for column in columns}
    for column in comments:
        column.comment = BEING_ADDED
    try:
        yield
    finally:
        for column, comment in comments.items():
            column.comment = comment
    for column in comments:
        name = connection.dialect.identifier_preparer.format_table(column.table)
        complete = CreateColumn(column).compile(dialect=connection.dialect)
        _alter(connection, f"{name} MODIFY COLUMN {complete}")


def _not_taken_back(connection: Connection, additions: Collection[Addition]) -> list[Addition]:
    """Remove the additions that have been made from MariaDB or MySQL; return those that stay."""
    left = []
    connection.exec_driver_sql("SET foreign_key_checks = 0")
    present = present_columns(connection, {each.table for each in additions})
    for each in additions:
        columns = present.get(each.table, set())
        try:
            unfinished = unfinished_columns(connection, each.table)
            if each.column is not None and each.column.name in columns | unfinished:
                _drop_column(connection, each.table, each.column)
            elif each.column is None and each.table in present:
                each.table.drop(connection, checkfirst=False)
        except SQLAlchemyError:
            left.append(each)
    connection.exec_driver_sql("SET foreign_key_checks = 1")
    return left


def _drop_column(connection: Connection, table: Table, column: Column[Any]) -> None:
    """Remove a column that was just added from MariaDB or MySQL, with what refers to it."""
    inspector, quote = inspect(connection), connection.dialect.identifier_preparer.quote
    name = connection.dialect.identifier_preparer.format_table(table)
    for key in inspector.get_foreign_keys(table.name, table.schema):
        if column.name in key["constrained_columns"]:
            _alter(connection, f"{name} DROP FOREIGN KEY {quote(str(key['name']))}")
    for index in inspector.get_indexes(table.name, table.schema):
        if column.name in index["column_names"]:
            _alter(connection, f"{name} DROP INDEX {quote(str(index['name']))}")
    _alter(connection, f"{name} DROP COLUMN {quote(column.name)}")


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
    """Add a column as a migration would: rows that are there get its default.

    MariaDB and MySQL keep each step of that for good. Until the last one, a mark says that the
    column is not whole. Where somebody was killed before that, the steps that are left are taken.
    """
    dialect, is_marked = connection.dialect, not takes_tables_back(connection)
    is_begun = is_marked and column.name in unfinished_columns(connection, table)
    made = inspect(connection).get_indexes(table.name, table.schema) if is_begun else ()
    indexes = {index["name"] for index in made}
    name = dialect.identifier_preparer.format_table(table)
    quoted = dialect.identifier_preparer.format_column(column)
    complete = definition = str(CreateColumn(column).compile(dialect=dialect))
    is_filled = column.server_default is None
    if dialect.name == "sqlite":
        if is_filled and (default := _default(connection, table, column)):
            definition += f" DEFAULT {default}"
    elif is_filled or is_marked:
        first = column._copy()
        # The rows get their value as a parameter, whatever its type is. Then null may be refused.
        first.nullable = column.nullable or is_filled
        first.comment = BEING_ADDED if is_marked else column.comment
        definition = str(CreateColumn(first).compile(dialect=dialect))
    if dialect.name == "postgresql" and isinstance(column.type, Enum):
        # There, an enumeration is a type of its own.
        column.type.create(connection, checkfirst=True)
    for key in column.foreign_keys:
        target = key.column
        of_target = dialect.identifier_preparer.format_table(target.table)
        definition += f" REFERENCES {of_target} ({target.name})"
        definition += f" ON DELETE {key.ondelete}" if key.ondelete else ""
    if not is_begun:
        _alter(connection, f"{name} ADD COLUMN {definition}")
    if dialect.name != "sqlite" and is_filled:
        with contextlib.suppress(LookupError):
            fill = update(table).values({column: _default_value(table, column)})
            connection.execute(fill.where(column.is_(None)))
        if not column.nullable and dialect.name == "postgresql":
            _alter(connection, f"{name} ALTER COLUMN {quoted} SET NOT NULL")
    for index in table.indexes:
        if column in index.columns.values() and index.name not in indexes:
            connection.execute(CreateIndex(index))
    unique = f"{table.name}_{column.name}_key"
    if column.unique and unique not in indexes:
        unique = dialect.identifier_preparer.quote(unique)
        connection.execute(text(f"CREATE UNIQUE INDEX {unique} ON {name} ({quoted})"))
    if is_marked:
        _alter(connection, f"{name} MODIFY COLUMN {complete}")


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
