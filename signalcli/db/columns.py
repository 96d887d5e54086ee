"""The columns of a row that a flush writes, and ``touch``, which has it write unchanged ones."""

from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Dialect,
    TypeDecorator,
    bindparam,
    column,
    inspect,
)
from sqlalchemy.orm import Mapper, Session, object_session
from sqlalchemy.orm.attributes import flag_modified
from sqlalchemy.types import TypeEngine

from signalcli.db.causes import note_change
from signalcli.db.compat.states import (
    State,
    changed_values,
    is_expression,
    is_unknown,
    memory_of,
    state_of,
)
from signalcli.db.compat.work import Work

Columns = dict[str, tuple[ColumnElement[Any], ...]]


def written_by(mapper: Mapper[Any]) -> Columns:
    """The attributes of a model that a flush writes, each with its columns."""
    # A model may get more attributes after it was first used.
    memory, attributes = memory_of(mapper), len(mapper.attrs)
    known: tuple[int, Columns] = memory.get("columns", (0, {}))
    number, found = known
    if number != attributes:
        found = _columns(mapper)
        memory["columns"] = attributes, found
    return found


def _columns(mapper: Mapper[Any]) -> Columns:
    columns = {column for table in mapper.tables for column in table.columns}
    found: Columns = {}
    for attribute in mapper.column_attrs:
        own = tuple(each for each in attribute.columns if each in columns)
        if own:
            found[attribute.key] = own
    return found


def changed_columns(instance: Any) -> frozenset[str]:
    """The column attributes that were set to something else on an instance itself."""
    state = state_of(instance)
    columns = written_by(state.mapper)
    return frozenset(
        key
        for key, _, before in changed_values(state, columns)
        if not is_taken_for_cascaded(columns[key], before, None, state)
    )


def unseen_columns(state: State) -> frozenset[str]:
    """The changed columns that do not look changed any more once the flush has written them.

    SQLAlchemy counts up a version itself, and expires the value of a SQL expression. So these
    columns have to be noted before the write, for ``update_fields``.
    """
    version = state.mapper.version_id_col
    columns = written_by(state.mapper)
    return frozenset(
        key
        for key, value, _ in changed_values(state, columns)
        if is_expression(value) or any(column is version for column in columns[key])
    )


def updated_columns(work: Work, state: State) -> frozenset[str]:
    """The columns that the flush has just updated in an instance's row; empty if none."""
    columns = written_by(state.mapper)
    return frozenset(
        key
        for key, _, before in changed_values(state, columns)
        if not is_taken_for_cascaded(columns[key], before, work, state)
    )


def is_taken_for_cascaded(
    columns: tuple[ColumnElement[Any], ...], before: Any, work: Work | None, state: State
) -> bool:
    """Whether a flush leaves a changed key out of the UPDATE.

    It does so where the database itself has changed the key, or where the old key is unknown. Of a
    key with a column in several tables, the first column is written and the others follow.
    """
    return all(
        getattr(column, "primary_key", False)
        and (is_unknown(before) or (work is not None and work.was_cascaded(state, column)))
        for column in columns
    )


# Columns that an update can set to the value they have, by attribute name: whether None is stored
# as NULL.
Writable = dict[str, bool]


def touch(instance: Any) -> None:
    """Have the next flush save an instance even if no column of it changed.

    Django's ``instance.save()`` always writes the row and sends its signals; a session writes only
    changed rows. After ``touch``, the flush writes what Django would write, by one UPDATE of each
    table: all columns that are loaded, except the primary key and those that the database or
    SQLAlchemy sets (versions, discriminators, ``onupdate``, computed and identity columns).
    ``update_fields`` names these columns. An expired instance, as after a commit, is loaded first.
    Columns that the query has left out are not loaded, unless there are no others.

    Some columns are left out because writing them might change them: those whose type changes
    values on the way to the database but not on the way back (a type that hashes, for example),
    and those that are ``None`` where the type stores that as something other than NULL (as
    ``JSON`` does). If no column can be written, the row is not saved.

    An instance that is new, or has changed columns, is saved anyway and left alone. So is one that
    is in no session.

    Arguments:
        instance: an instance of a mapped model.

    Raises:
        sqlalchemy.exc.NoInspectionAvailable: its class is not mapped.
        sqlalchemy.exc.SQLAlchemyError: it was expired and cannot be loaded.
    """
    state: State = inspect(instance)
    session = object_session(instance)
    if session is None or not state.persistent:
        return
    # Without autoflush, or loading the columns would flush the changes that are pending.
    with session.no_autoflush:
        if changed_columns(instance):
            return
        note_change(instance)
        columns = _writable(session, state)
        _load_expired(instance, state)
        names = _loaded(state, columns)
        if not names:
            for name in columns:
                getattr(instance, name)
            names = _loaded(state, columns)
    for name in names:
        flag_modified(instance, name)


def _load_expired(instance: Any, state: State) -> None:
    """Load the expired columns by one SELECT, and none that a query has left out."""
    expired = state.expired_attributes - state.dict.keys()
    for attribute in state.mapper.column_attrs if expired else ():
        if attribute.key in expired and not attribute.deferred:
            getattr(instance, attribute.key)
            return


def _loaded(state: State, columns: Writable) -> list[str]:
    values = state.dict
    return [
        name
        for name, has_null in columns.items()
        if name in values and (has_null or values[name] is not None)
    ]


def _writable(session: Session, state: State) -> Writable:
    mapper = state.mapper
    attributes = mapper.column_attrs
    # A model may get more attributes after it was first used.
    memory = memory_of(mapper)
    known: tuple[int, Writable] = memory.get("writable", (-1, {}))
    count, columns = known
    if count != len(attributes):
        # In a session over several databases, the token tells which one the instance is in.
        token = state.identity_token
        which: dict[str, Any] = {} if token is None else {"shard_id": token}
        dialect = session.get_bind(mapper, **which).dialect
        columns = {
            attribute.key: _stores_none_as_null(attribute.columns[0].type, dialect)
            for attribute in attributes
            if all(_is_own(mapper, each) for each in attribute.columns)
            and _stores_what_it_read(attribute.columns[0].type)
        }
        memory["writable"] = len(attributes), columns
    return columns


def _is_own(mapper: Mapper[Any], column: Any) -> bool:
    """Whether a column is in the model's tables, and only the program sets it."""
    return (
        isinstance(column, Column)
        and column.table in mapper.tables
        and not column.primary_key
        and not column.system
        and column.computed is None
        and column.identity is None
        and column.onupdate is None
        and column.server_onupdate is None
        and column is not mapper.version_id_col
        and column is not mapper.polymorphic_on
    )


def _stores_what_it_read(kind: TypeEngine[Any]) -> bool:
    """Whether a type stores a value as it was when the value was read."""
    # Types may override these two methods, which return None otherwise.
    to_database = kind.bind_expression(bindparam(None, type_=kind))
    from_database = kind.column_expression(column("value", kind))
    if to_database is not None and from_database is None:
        return False
    return (
        not isinstance(kind, TypeDecorator)
        or type(kind).process_bind_param is TypeDecorator.process_bind_param
        or type(kind).process_result_value is not TypeDecorator.process_result_value
    )


def _stores_none_as_null(kind: TypeEngine[Any], dialect: Dialect) -> bool:
    if kind.should_evaluate_none:
        return False
    store = kind.dialect_impl(dialect).bind_processor(dialect)
    return store is None or store(None) is None
