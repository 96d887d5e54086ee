"""Writing the new rows of a table together, where that comes to what a flush does.

To learn the keys that the database gives, SQLAlchemy's flush inserts rows one by one on SQLite.
Here they are executed together. What is out of the ordinary (inheritance, SQL expressions, rows
that refer to others yet to be written, …) is left to SQLAlchemy, a whole table at a time, so that
rows come to the database in the same order and get the same keys.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from typing import Any

from sqlalchemy import Column, Connection, Table, insert
from sqlalchemy.orm import InstanceState, Mapper, RelationshipDirection
from sqlalchemy.orm.attributes import instance_state, set_attribute
from sqlalchemy.sql.elements import ClauseElement

from signalcli.db.relationships import relationships_of

State = InstanceState[Any]

# What is certainly no SQL expression.
_PLAIN = frozenset({type(None), bool, int, float, str, bytes, datetime, InstanceState})


class Inserter:
    """How the new rows of a model are written together.

    Arguments:
        mapper: the model's mapper; see :func:`inserter_of`.
        table: its table.

    Attributes:
        table: the table.
        refers_to: the tables that its foreign keys are of.
    """

    def __init__(self, mapper: Mapper[Any], table: Table) -> None:
        self.table = table
        self.refers_to = {key.column.table for key in table.foreign_keys}
        self._mapper = mapper
        self._columns: dict[str, Column[Any]] = {
            attribute.key: table.c[attribute.columns[0].key] for attribute in mapper.column_attrs
        }
        self._keys = [mapper.get_property_by_column(column).key for column in table.primary_key]
        # The key that the database gives, where there is no other.
        self._generated = None if table.autoincrement_column is None else self._keys[0]
        self._with_defaults = [
            (key, column.type.should_evaluate_none)
            for key, column in self._columns.items()
            if column.default is not None
            or column.server_default is not None
            or column.type.should_evaluate_none
        ]
        self._parents = relationships_of(mapper).to_parents
        self._others = [
            (relationship.key, bool(relationship.back_populates) and relationship.secondary is None)
            for relationship in mapper.relationships
            if relationship.direction is not RelationshipDirection.MANYTOONE
            and not relationship.viewonly
        ]

    def takes(self, state: State) -> bool:
        """Whether the row of a pending instance can be written here; completes its foreign keys."""
        values = state.dict
        # Plain loops, here and below: generators would take twice the time, for each row.
        for value in values.values():
            if type(value) not in _PLAIN and _is_expression(value):
                return False
        return (
            self._is_told_of_by_its_children(values)
            and self._takes_keys_of_parents(state, values)
            and self._has_values(values)
        )

    def _has_values(self, values: dict[str, Any]) -> bool:
        """Whether all is there that a flush would see to, but for a key that is to be given."""
        for key, stores_none in self._with_defaults:
            if values.get(key) is None and not (stores_none and key in values):
                return False
        for key in self._keys:  # noqa: SIM110  # see above
            if values.get(key) is None and key != self._generated:
                return False
        return True

    def _is_told_of_by_its_children(self, values: dict[str, Any]) -> bool:
        """Whether the foreign keys to it are seen to by the instances that have them."""
        for key, by_child in self._others:  # noqa: SIM110  # see above
            if values.get(key) and not by_child:
                return False
        return True

    def _takes_keys_of_parents(self, state: State, values: dict[str, Any]) -> bool:
        """Take over the keys of related instances; returns whether they all have theirs."""
        for name, relationship in self._parents.items():
            parent = values.get(name)
            if parent is None:
                if name in values and name in state.committed_state:
                    # It was said that there is none, whatever the foreign key says.
                    return False
                continue
            parent_state = instance_state(parent)
            if not parent_state.persistent or parent_state.session is not state.session:
                return False
            for source, target in relationship.synchronize_pairs:
                key = self._mapper.get_property_by_column(target).key
                value = getattr(parent, parent_state.mapper.get_property_by_column(source).key)
                if values.get(key) != value:
                    set_attribute(state.obj(), key, value)
        return True

    def write(self, connection: Connection, states: Sequence[State]) -> None:
        """Insert the rows of instances in this order, and give the instances their keys.

        Arguments:
            connection: the database, in a transaction.
            states: the states of instances that are taken.
        """
        for has_key, alike in groupby(states, self._has_key):
            if has_key:
                self._insert(connection, [self._row(state) for state in alike])
            else:
                self._insert_and_give_keys(connection, list(alike))

    def _has_key(self, state: State) -> bool:
        return self._generated is None or state.dict.get(self._generated) is not None

    def _row(self, state: State) -> dict[str, Any]:
        values = state.dict
        return {column.key: values.get(key) for key, column in self._columns.items()}

    def _insert(self, connection: Connection, rows: list[dict[str, Any]]) -> None:
        connection.execute(insert(self.table), rows)

    def _insert_and_give_keys(self, connection: Connection, states: list[State]) -> None:
        rows = [self._row(state) for state in states]
        name = self._keys[0]
        column = self._columns[name]
        if connection.dialect.name == "sqlite":
            keys = self._insert_in_sequence(connection, column, rows)
        else:
            without_key = [{k: v for k, v in row.items() if k != column.key} for row in rows]
            query = insert(self.table).returning(column, sort_by_parameter_order=True)
            keys = connection.scalars(query, without_key).all()
        for state, key in zip(states, keys, strict=True):
            state.dict[name] = key

    def _insert_in_sequence(
        self, connection: Connection, column: Column[Any], rows: list[dict[str, Any]]
    ) -> Sequence[int]:
        """Insert rows, of which SQLite chooses the first one's key, and so those of the others.

        From the first row on, nobody else writes, and each key is the largest one plus one.
        """
        first, *others = rows
        del first[column.key]
        (given,) = connection.execute(insert(self.table), first).inserted_primary_key or (0,)
        keys = range(given, given + len(rows))
        for row, key in zip(others, keys[1:], strict=True):
            row[column.key] = key
        if others:
            self._insert(connection, others)
        return keys


def inserter_of(mapper: Mapper[Any]) -> Inserter | None:
    """How the new rows of a model are written together, or None where SQLAlchemy has to do it."""
    dispatch = mapper.dispatch
    if dispatch.before_insert or dispatch.after_insert:
        return None
    # Relationships may be added to a model.
    return _inserter(mapper, len(mapper.relationships))


@lru_cache(maxsize=1024)
def _inserter(mapper: Mapper[Any], relationships: int) -> Inserter | None:
    table = mapper.local_table
    if (
        not isinstance(table, Table)
        or mapper.inherits is not None
        or mapper.polymorphic_on is not None
        or mapper.version_id_col is not None
        or mapper.eager_defaults is True
        or any(relationship.post_update for relationship in mapper.relationships)
        or any(
            len(attribute.columns) != 1 or attribute.columns[0] not in set(table.c)
            for attribute in mapper.column_attrs
        )
    ):
        return None
    return Inserter(mapper, table)


def _is_expression(value: Any) -> bool:
    return isinstance(value, ClauseElement) or hasattr(value, "__clause_element__")
