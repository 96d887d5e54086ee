"""Writing the new rows of a table together on SQLite, where that comes to what a flush does.

To learn the keys that SQLite gives, SQLAlchemy's flush inserts rows one by one. In bulk work they
are executed together, in the same place of the flush, so that everything around it (what is
written before and after, foreign keys, events, warnings, errors) is SQLAlchemy's. Only rows that
are plain are taken, and of a table all or none, so that they come to the database in the same
order and get the same keys.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Column, Connection, Table, insert
from sqlalchemy.orm import InstanceState, Mapper, Session

from signalcli.db.compat.models import hears_of_generated_values
from signalcli.db.compat.states import State, is_expression, memory_of, place_of
from signalcli.db.compat.work import is_sharded

# What is certainly no SQL expression.
_PLAIN = frozenset({type(None), bool, int, float, str, bytes, datetime, InstanceState, list})


def insert_together(session: Session, mapper: Mapper[Any], states: Sequence[State]) -> bool:
    """Insert the rows of new instances, if all of them can be written together.

    Arguments:
        session: the session, in the midst of a flush.
        mapper: the base of their models.
        states: all instances of the mapper whose rows the flush writes next.

    Returns:
        Whether it was done; otherwise nothing was.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: the database does not take a row.
    """
    if len(states) < 2 or not all(state.key is None and state.mapper is mapper for state in states):
        return False
    inserter = _inserter_of(mapper)
    if inserter is None or type(session).get_bind is not Session.get_bind or is_sharded(session):
        return False
    in_order = sorted(states, key=place_of)
    if not all(map(inserter.takes, in_order)):
        return False
    connection = session.connection(bind_arguments={"mapper": mapper})
    if connection.dialect.name != "sqlite" or _has_trigger(connection, inserter.table):
        return False
    if any(map(inserter.conflicts, in_order)):
        return False
    inserter.write(connection, in_order)
    return True


class Inserter:
    """How the new rows of a model are written together.

    Arguments:
        mapper: the model's mapper.
        table: its table.

    Attributes:
        table: the table.
    """

    def __init__(self, mapper: Mapper[Any], table: Table) -> None:
        self.table = table
        self._columns: dict[str, Column[Any]] = {
            attribute.key: table.c[attribute.columns[0].key] for attribute in mapper.column_attrs
        }
        self._names = [(key, column.key) for key, column in self._columns.items()]
        self._keys = [mapper.get_property_by_column(column).key for column in mapper.primary_key]
        # The key that the database gives, where there is no other.
        self._generated = None if table.autoincrement_column is None else self._keys[0]
        self._with_defaults = [
            (key, column.type.should_evaluate_none)
            for key, column in self._columns.items()
            if column.default is not None
            or column.server_default is not None
            or column.type.should_evaluate_none
        ]

    def takes(self, state: State) -> bool:
        """Whether the row of a new instance is a plain one."""
        values = state.dict
        # Plain loops, here and below: generators would take twice the time, for each row.
        for value in values.values():
            if type(value) not in _PLAIN and is_expression(value):
                return False
        for key, stores_none in self._with_defaults:
            if values.get(key) is None and not (stores_none and key in values):
                return False
        for key in self._keys:  # noqa: SIM110  # see above
            if values.get(key) is None and key != self._generated:
                return False
        return True

    def conflicts(self, state: State) -> bool:
        """Whether the session has an instance with the key that a new one was given."""
        session = state.session
        if session is None or not self._has_key(state):
            return False
        key = tuple(state.dict.get(name) for name in self._keys)
        return state.mapper.identity_key_from_primary_key(key) in session.identity_map

    def write(self, connection: Connection, states: Sequence[State]) -> None:
        """Insert the rows of instances in this order, and give the instances their keys.

        Arguments:
            connection: the database, in a transaction.
            states: the states of instances that are taken.
        """
        for has_key, alike in groupby(states, self._has_key):
            if has_key:
                connection.execute(insert(self.table), [self._row(state) for state in alike])
            else:
                self._insert_and_give_keys(connection, list(alike))

    def _has_key(self, state: State) -> bool:
        return self._generated is None or state.dict.get(self._generated) is not None

    def _row(self, state: State) -> dict[str, Any]:
        values = state.dict
        return {name: values.get(key) for key, name in self._names}

    def _insert_and_give_keys(self, connection: Connection, states: list[State]) -> None:
        """Insert rows, of which SQLite chooses the first one's key, and so those of the others.

        From the first row on, nobody else writes, and each key is the largest one plus one.
        """
        name = self._keys[0]
        column = self._columns[name]
        first, *others = [self._row(state) for state in states]
        del first[column.key]
        (given,) = connection.execute(insert(self.table), first).inserted_primary_key or (0,)
        keys = range(given, given + len(states))
        for row, key in zip(others, keys[1:], strict=True):
            row[column.key] = key
        if others:
            connection.execute(insert(self.table), others)
        for state, key in zip(states, keys, strict=True):
            state.dict[name] = key


def _inserter_of(mapper: Mapper[Any]) -> Inserter | None:
    """How the new rows of a model are written together, or None where SQLAlchemy has to do it."""
    dispatch = mapper.dispatch
    if dispatch.before_insert or dispatch.after_insert or hears_of_generated_values(mapper):
        # Somebody would miss something.
        return None
    # Attributes may be added to a model.
    memory, attributes = memory_of(mapper), len(mapper.attrs)
    number, inserter = memory.get("inserter", (0, None))
    if number != attributes:
        inserter = _make_inserter(mapper)
        memory["inserter"] = attributes, inserter
    found: Inserter | None = inserter
    return found


def _make_inserter(mapper: Mapper[Any]) -> Inserter | None:
    table = mapper.local_table
    if (
        not isinstance(table, Table)
        or mapper.inherits is not None
        or mapper.polymorphic_on is not None
        or mapper.version_id_col is not None
        or mapper.eager_defaults is True
        # A mapper may be told of another key than its table has.
        or tuple(mapper.primary_key) != tuple(table.primary_key)
        or any(
            len(attribute.columns) != 1 or attribute.columns[0] not in set(table.c)
            for attribute in mapper.column_attrs
        )
    ):
        return None
    return Inserter(mapper, table)


def _has_trigger(connection: Connection, changed: Table) -> bool:
    """Whether something happens by itself when the table gets a row: it might take a key."""
    if changed.schema is not None:
        return True
    # Past SQLAlchemy, whose listeners are to hear of what a flush does and nothing else.
    cursor = connection.connection.cursor()
    try:
        cursor.execute(_TRIGGERS, (changed.name, changed.name))
        return cursor.fetchone() is not None
    finally:
        cursor.close()


_TRIGGERS = """
    SELECT 1 FROM sqlite_master WHERE type = 'trigger' AND lower(tbl_name) = lower(?)
    UNION ALL
    SELECT 1 FROM sqlite_temp_master WHERE type = 'trigger' AND lower(tbl_name) = lower(?)
    LIMIT 1
"""
