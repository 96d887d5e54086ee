"""Work on many rows: pending rows are written in batches, new rows of a table together.

To learn the keys that SQLite gives, SQLAlchemy's flush inserts rows one by one. In bulk work they
are inserted together, at the same place of the flush; PostgreSQL gets them as arrays. Everything
around the INSERT stays SQLAlchemy's: the rows written before and after, foreign keys, events,
warnings and errors. Only plain rows are taken, and of one table all rows or none, so that they
reach the database in the same order and get the same keys.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Column, Connection, CursorResult, Dialect, Table, insert
from sqlalchemy.orm import InstanceState, Mapper, Session
from sqlalchemy.orm.exc import FlushError

from signalcli.db.arrays import Arrays, is_taken_by
from signalcli.db.compat.models import hears_of_generated_values
from signalcli.db.compat.states import State, contains, is_expression, memory_of, place_of, state_of
from signalcli.db.compat.work import is_sharded

BATCH_SIZE = 1000


class Bulk:
    """The batch of a :meth:`signalcli.db.Session.bulk` block.

    Arguments:
        session: the session.
        batch_size: the number of instances that are written together.
        commits: whether each batch is committed.

    Raises:
        ValueError: the batch size is less than 1.
    """

    def __init__(self, session: Session, batch_size: int, *, commits: bool) -> None:
        if batch_size < 1:
            raise ValueError(f"a batch has at least 1 instance, not {batch_size}")
        self._session = session
        self._batch_size = batch_size
        self._commits = commits
        self._pending = 0

    @property
    def is_full(self) -> bool:
        """Whether enough instances are pending to be written; never without autoflush."""
        return self._pending >= self._batch_size and self._session.autoflush

    def is_written_before(self, instance: Any) -> bool:
        """Whether a full batch is to be written before an instance is added, rather than after.

        Before is better: then changes to the instance after its ``add`` are written with it. But
        if an instance in the session already refers to this one, this one has to be in the same
        flush, or SQLAlchemy warns that the reference is not written.
        """
        state = state_of(instance)
        family = [state, *(each for _, _, each, _ in _cascade(state))]
        return not any(
            _is_in_somebodys_relationship(self._session, each)
            for each in family
            if each.key is None and not contains(self._session, each)
        )

    def count(self) -> None:
        """Count an instance that was added or deleted."""
        self._pending += 1

    def write(self) -> None:
        """Write the pending rows, and commit if batches are committed.

        Raises:
            Exception: as :meth:`signalcli.db.Session.flush`.
        """
        self._pending = 0
        if self._commits:
            self._session.commit()
        else:
            self._session.flush()


def _cascade(state: State) -> Any:
    return state.mapper.cascade_iterator("save-update", state)


def _is_in_somebodys_relationship(session: Session, state: State) -> bool:
    """Whether an instance's own relationships show that one in the session refers to it."""
    for relationship in state.mapper.relationships:
        value = state.dict.get(relationship.key) if relationship.back_populates else None
        if value is None:
            continue
        others = value if relationship.uselist else [value]
        if any(other is not None and other in session for other in _members(others)):
            return True
    return False


def _members(collection: Any) -> Any:
    return collection.values() if hasattr(collection, "values") else collection


# Values of these types are no SQL expressions. Other values are asked, which takes longer.
_PLAIN = frozenset({type(None), bool, int, float, str, bytes, datetime, InstanceState, list, dict})


def insert_together(session: Session, mapper: Mapper[Any], states: Sequence[State]) -> bool:
    """Insert the rows of new instances, if all of them can be written together.

    Arguments:
        session: the session, in the middle of a flush.
        mapper: the base mapper of the instances' models.
        states: all instances of the mapper whose rows the flush writes next.

    Returns:
        Whether the rows were inserted; otherwise nothing was done.

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
    return not any(map(inserter.conflicts, in_order)) and inserter.write(connection, in_order)


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
        self._arrays: tuple[Dialect | None, Arrays | None] = None, None
        # The attribute of the key that the database gives to a row without one.
        self._generated = None if table.autoincrement_column is None else self._keys[0]
        self._with_defaults = [
            (key, column.type.should_evaluate_none)
            for key, column in self._columns.items()
            if column.default is not None
            or column.server_default is not None
            or column.type.should_evaluate_none
        ]

    def takes(self, state: State) -> bool:
        """Whether the row of a new instance is plain: no SQL expression, no default is needed."""
        if state.expired_attributes:
            # What a flush left that failed at its very end. SQLAlchemy may try to load the values.
            return False
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

    def write(self, connection: Connection, states: Sequence[State]) -> bool:
        """Insert the rows of instances in this order, and give the instances their keys.

        Arguments:
            connection: the database, in a transaction.
            states: the states of instances that are taken.

        Returns:
            Whether the rows were inserted; otherwise the database does not take them together.
        """
        if connection.dialect.name == "sqlite":
            if _has_trigger(connection, self.table):
                return False
            for has_key, alike in groupby(states, self._has_key):
                if has_key:
                    self._insert(connection, [self._row(state) for state in alike])
                else:
                    self._insert_and_give_keys(connection, list(alike))
            return True
        return self._write_arrays(connection, states)

    def _write_arrays(self, connection: Connection, states: Sequence[State]) -> bool:
        """The same for a database that takes rows as arrays, if it is one."""
        arrays = self._arrays_for(connection.dialect)
        values = None if arrays is None else arrays.values([state.dict for state in states])
        if arrays is None or values is None:
            return False
        begin = 0
        for has_key, alike in groupby(states, self._has_key):
            group = list(alike)
            end = begin + len(group)
            part = {name: column[begin:end] for name, column in values.items()}
            generated = None if has_key else self._generated
            result = arrays.insert(connection, part, generated)
            if generated is None:
                self._check(result.rowcount, len(group))
            else:
                keys = result.scalars().all()
                self._check(len(keys), len(group))
                for state, key in zip(group, keys, strict=True):
                    state.dict[generated] = key
            begin = end
        return True

    def _arrays_for(self, dialect: Dialect) -> Arrays | None:
        """How the rows are given as arrays, or None where they are not."""
        known, arrays = self._arrays
        if known is not dialect:
            arrays = None
            if is_taken_by(dialect):
                arrays = Arrays.of(self.table, self._columns, dialect)
            self._arrays = dialect, arrays
        return arrays

    def _has_key(self, state: State) -> bool:
        return self._generated is None or state.dict.get(self._generated) is not None

    def _row(self, state: State) -> dict[str, Any]:
        values = state.dict
        return {name: values.get(key) for key, name in self._names}

    def _insert_and_give_keys(self, connection: Connection, states: list[State]) -> None:
        """Insert rows without keys, and give their instances the keys.

        SQLite gives each new row the largest key plus one. From the first INSERT on nobody else
        can write, so the key of the first row tells those of the others.
        """
        name = self._keys[0]
        column = self._columns[name]
        first, *others = [self._row(state) for state in states]
        del first[column.key]
        (given,) = self._insert(connection, first).inserted_primary_key or (0,)
        keys = range(given, given + len(states))
        for row, key in zip(others, keys[1:], strict=True):
            row[column.key] = key
        if others:
            self._insert(connection, others)
        for state, key in zip(states, keys, strict=True):
            state.dict[name] = key

    def _insert(self, connection: Connection, rows: Any) -> CursorResult[Any]:
        result = connection.execute(
            insert(self.table), rows, execution_options={"preserve_rowcount": True}
        )
        self._check(result.rowcount, len(rows) if isinstance(rows, list) else 1)
        return result

    def _check(self, inserted: int, expected: int) -> None:
        if inserted not in {expected, -1}:  # which stands for: the driver does not say
            # The table says ON CONFLICT IGNORE, and this program's description of it does not; or a
            # trigger leaves rows out.
            raise FlushError(
                f"{inserted} of {expected} rows were inserted into {self.table.fullname}: "
                "the database left the others out."
            )


def _inserter_of(mapper: Mapper[Any]) -> Inserter | None:
    """How the new rows of a model are written together, or None where SQLAlchemy has to do it."""
    dispatch = mapper.dispatch
    if dispatch.before_insert or dispatch.after_insert or hears_of_generated_values(mapper):
        # These listeners are called for each row that SQLAlchemy inserts itself.
        return None
    # A model may get more attributes after it was first used.
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
        # A mapper may be given another primary key than its table has.
        or tuple(mapper.primary_key) != tuple(table.primary_key)
        or any(
            len(attribute.columns) != 1 or attribute.columns[0] not in set(table.c)
            for attribute in mapper.column_attrs
        )
        # Where the table leaves rows out (ON CONFLICT IGNORE), SQLAlchemy knows which.
        or any(
            option.startswith("sqlite_on_conflict")
            for part in (*table.constraints, *table.columns)
            for option in part.dialect_kwargs
        )
    ):
        return None
    return Inserter(mapper, table)


def _has_trigger(connection: Connection, changed: Table) -> bool:
    """Whether the table has a trigger, which might insert a row of its own and take a key."""
    if changed.schema is not None:
        return True
    # Past SQLAlchemy, whose listeners must hear of the same statements as in a plain flush.
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
