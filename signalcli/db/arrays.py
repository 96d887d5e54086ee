"""Rows as arrays: how PostgreSQL is given many new rows of a table in one short statement.

SQLAlchemy's flush writes a parameter for each value into the text of its INSERT. The driver and the
server read that text of thousands of parameters anew for each batch, which takes longer than the
rows themselves. ``INSERT … SELECT … FROM unnest(…)`` has one parameter for each column, an array.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Self
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Connection,
    CursorResult,
    Date,
    DateTime,
    Dialect,
    Double,
    Float,
    Insert,
    Integer,
    Numeric,
    SmallInteger,
    String,
    Table,
    Text,
    TypeDecorator,
    Unicode,
    UnicodeText,
    Uuid,
    bindparam,
    func,
    insert,
    select,
)
from sqlalchemy import column as column_of_rows

from signalcli.db.compat.models import has_bind_expression

# The types of columns, and the only type that the values of each may have. An array has elements of
# one type, while SQLAlchemy has the driver adapt each value by itself.
_VALUES: dict[type[Any], type[Any]] = {
    BigInteger: int,
    Boolean: bool,
    Date: date,
    DateTime: datetime,
    Double: float,
    Float: float,
    Integer: int,
    Numeric: Decimal,
    SmallInteger: int,
    String: str,
    Text: str,
    Unicode: str,
    UnicodeText: str,
    Uuid: UUID,
}
_PLACE = "place"


def is_taken_by(dialect: Dialect) -> bool:
    """Whether a database and its driver take rows as arrays."""
    return (dialect.name, dialect.driver) == ("postgresql", "psycopg")


@dataclass(frozen=True, slots=True)
class _Array:
    """A column of the rows.

    Attributes:
        column: the table's column.
        kind: the type of the array's elements.
        accepted: the only type that their values may have.
        process: what SQLAlchemy makes of a value for the database, where it makes something of it.
    """

    column: Column[Any]
    kind: Any
    accepted: type[Any]
    process: Any

    @classmethod
    def of(cls, column: Column[Any], dialect: Dialect) -> Self | None:
        """The same, or None where the values are not plain enough."""
        kind, process = column.type, None
        if isinstance(kind, TypeDecorator) and not has_bind_expression(kind):
            process = kind.dialect_impl(dialect).bind_processor(dialect)
            kind = kind.load_dialect_impl(dialect)
        accepted = _VALUES.get(type(kind))
        if accepted is None:
            return None
        # A text that is too long is to be refused by the table, and an array's type would cut it.
        unbounded = {str: Text(), Decimal: Numeric()}
        return cls(column, unbounded.get(accepted, kind), accepted, process)

    @property
    def parameter(self) -> str:
        # Whatever the column is called, the name means nothing to SQLAlchemy.
        return f"array_{self.column.key}"

    def values(self, given: Iterable[Any]) -> list[Any] | None:
        """The elements for given values; None where an array cannot have them."""
        values = list(given)
        if self.process is not None:
            try:
                values = list(map(self.process, values))
            except Exception:
                # SQLAlchemy says of which statement and row.
                return None
        known = [value for value in values if value is not None]
        if not set(map(type, known)) <= {self.accepted}:
            return None
        if self.accepted is datetime and len({value.tzinfo is None for value in known}) > 1:
            return None
        return values


class Arrays:
    """The INSERT of a table whose rows are given as arrays.

    Arguments:
        table: the table.
        arrays: its columns, by the name of the attribute that has the value.
    """

    def __init__(self, table: Table, arrays: Mapping[str, _Array]) -> None:
        self._table = table
        self._arrays = arrays
        self._statements: dict[str | None, Insert] = {}

    @classmethod
    def of(cls, table: Table, columns: Mapping[str, Column[Any]], dialect: Dialect) -> Self | None:
        """The same for a database, or None where a column's type is not plain enough.

        Arguments:
            table: the table.
            columns: the columns that are given, by the name of the attribute that has the value.
            dialect: that of the database.
        """
        arrays = {name: _Array.of(column, dialect) for name, column in columns.items()}
        plain = {name: array for name, array in arrays.items() if array is not None}
        return cls(table, plain) if table.implicit_returning and len(plain) == len(arrays) else None

    def values(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]] | None:
        """The values of rows, by attribute; None where an array cannot have those of a column.

        Arguments:
            rows: the values of each row, by attribute.
        """
        found = {}
        for name, array in self._arrays.items():
            values = array.values([row.get(name) for row in rows])
            if values is None:
                return None
            found[name] = values
        return found

    def insert(
        self, connection: Connection, values: Mapping[str, list[Any]], generated: str | None
    ) -> CursorResult[Any]:
        """Insert rows in their order.

        PostgreSQL inserts what the SELECT returns one row after the other, gives keys in that
        order, and returns them in it.

        Arguments:
            connection: the database, in a transaction.
            values: the values of the rows, by attribute.
            generated: the attribute of the key that the database gives and that is returned; None
                where all keys are given.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: the database does not take a row.
        """
        statement = self._statements.get(generated)
        if statement is None:
            statement = self._statements[generated] = self._statement(generated)
        parameters = {
            array.parameter: values[name]
            for name, array in self._arrays.items()
            if name != generated
        }
        return connection.execute(statement, parameters)

    def _statement(self, generated: str | None) -> Insert:
        given = [array for name, array in self._arrays.items() if name != generated]
        rows = (
            func.unnest(*(bindparam(each.parameter, type_=ARRAY(each.kind)) for each in given))
            .table_valued(
                *(column_of_rows(each.parameter, each.kind) for each in given),
                with_ordinality=_PLACE,
                name="rows",
            )
            .render_derived()
        )
        query = select(*(rows.c[each.parameter] for each in given)).order_by(rows.c[_PLACE])
        columns = [each.column for each in given]
        statement = insert(self._table).from_select(columns, query, include_defaults=False)
        if generated is None:
            return statement
        return statement.returning(self._arrays[generated].column)
