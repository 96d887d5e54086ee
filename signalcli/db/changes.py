"""The rows that a flush inserts, updates and removes, and the columns that it updates.

Both are foretold from the flush's plan before the write, and read off after it.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Table
from sqlalchemy.orm import Mapper, Session
from sqlalchemy.orm.exc import UnmappedColumnError
from sqlalchemy.schema import sort_tables_and_constraints

from signalcli.db.compat.states import (
    Relationship,
    State,
    changed_values,
    contains,
    has_parent,
    is_equal,
    is_expression,
    is_unknown,
    known_value,
    memory_of,
    place_of,
    state_of,
    value_before,
    was_set,
)
from signalcli.db.compat.work import Work
from signalcli.db.relationships import in_djangos_order, origins_of, primary_key, relationships_of
from signalcli.dispatch.watching import Cause

# A value that only the write will show.
_UNKNOWN = object()
_MISSING = object()


Columns = dict[str, tuple[ColumnElement[Any], ...]]


def written_by(mapper: Mapper[Any]) -> Columns:
    """The attributes of a model that a flush writes, each with its columns."""
    # Attributes may be added to a model.
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
    return frozenset(key for key, _, _ in changed_values(state, columns))


def unseen_columns(state: State) -> frozenset[str]:
    """The columns whose change a flush hides as soon as it has written it.

    It counts a version on, and has what the database works out be read anew.
    """
    version = state.mapper.version_id_col
    columns = written_by(state.mapper)
    return frozenset(
        key
        for key, value, _ in changed_values(state, columns)
        if is_expression(value) or any(column is version for column in columns[key])
    )


def updated_columns(work: Work, state: State) -> frozenset[str]:
    """The columns that a flush, which has just written an instance's row, has updated.

    Empty where it has left the row alone.
    """
    columns = written_by(state.mapper)
    return frozenset(
        key
        for key, _, before in changed_values(state, columns)
        if not _is_taken_for_cascaded(columns[key], before, work, state)
    )


def _is_taken_for_cascaded(
    columns: tuple[ColumnElement[Any], ...], before: Any, work: Work | None, state: State
) -> bool:
    """Whether a flush takes a key for one that the database itself has changed.

    Either it knows that, or it does not know what the key was.
    """
    return any(
        getattr(column, "primary_key", False)
        and (is_unknown(before) or (work is not None and work.was_cascaded(state, column)))
        for column in columns
    )


class Forecast:
    """The updates that a flush will make, according to its plan.

    Besides what was changed itself, a row is updated where choosing another parent changes its
    foreign key, where a parent takes it in or lets go of it, and where a parent is deleted.

    Arguments:
        work: the flush.
    """

    def __init__(self, work: Work) -> None:
        self._work = work
        self._foreign_keys: dict[State, dict[str, list[Any]]] = {}
        self._taken_in: dict[Relationship, set[State]] = {}
        leaving = []
        for state, (is_deleted, is_only_listed) in work.states.items():
            relationships = relationships_of(state.mapper)
            if is_only_listed or not relationships:
                continue
            if is_deleted:
                leaving.append(state)
                continue
            for relationship in relationships.to_children:
                self._follow_children(state, relationship)
            if state.key is not None:
                for relationship in relationships.to_parents:
                    if was_set(state, relationship.key):
                        self._follow_parent(state, relationship)
        for state in leaving:
            for relationship in relationships_of(state.mapper).to_children:
                self._leave_children(state, relationship)

    def updates(self) -> Iterator[tuple[State, frozenset[str], frozenset[str]]]:
        """The instances whose rows will be updated.

        Each with the columns that were set on it and those that a relationship changes.
        """
        for state in self._work.written():
            if state.key is not None:
                own, foreign_keys = written_by(state.mapper), self._foreign_keys.get(state, {})
                columns = frozenset(
                    key
                    for key, _, before in changed_values(state, own)
                    if key not in foreign_keys
                    and not _is_taken_for_cascaded(own[key], before, None, state)
                )
                moved = frozenset(
                    key for key, values in foreign_keys.items() if _changes(state, key, values)
                )
                if columns or moved:
                    yield state, columns, moved

    def _follow_children(self, parent: State, relationship: Relationship) -> None:
        """A parent that is written gives its key to the children that come to it."""
        history = self._work.history(parent, relationship)
        if not history:
            return
        for child in history.added:
            self._taken_in.setdefault(relationship, set()).add(child)
            self._give(parent, child, relationship)
        if not (relationship.cascade.delete_orphan or relationship.passive_deletes == "all"):
            self._clear(
                (each for each in history.deleted if each and not has_parent(relationship, each)),
                relationship,
            )
        if history.unchanged and not relationship.passive_updates:
            changed = {key for key, _, _ in changed_values(parent, written_by(parent.mapper))}
            if any(key in changed for key, _ in _keys(parent, None, relationship)):
                for child in history.unchanged:
                    self._give(parent, child, relationship)

    def _leave_children(self, parent: State, relationship: Relationship) -> None:
        """A parent that is deleted leaves behind the children that do not go with it."""
        if relationship.passive_deletes == "all" and not relationship.post_update:
            return
        history = self._work.history(parent, relationship)
        if not history:
            return
        left = [each for each in history.deleted if each and not has_parent(relationship, each)]
        if relationship.post_update or not relationship.cascade.delete:
            taken_in = self._taken_in.get(relationship, ())
            left += [each for each in history.unchanged if each and each not in taken_in]
        self._clear(left, relationship)

    def _follow_parent(self, child: State, relationship: Relationship) -> None:
        """A child that chooses another parent, or none, takes over that one's key."""
        history = self._work.history(child, relationship)
        if not history:
            return
        if history.added:
            parent = history.added[0]
            if parent is None:
                self._clear([child], relationship)
            elif contains(self._work.session, parent):
                self._give(parent, child, relationship)
        elif history.deleted:
            self._clear([child], relationship)

    def _give(self, parent: State, child: State | None, relationship: Relationship) -> None:
        if child is not None and child.key is not None:
            for source, target in _keys(parent, child, relationship):
                value = known_value(parent, source, _UNKNOWN)
                is_to_come = value is None and parent.key is None
                self._note(child, target, _UNKNOWN if is_to_come else value)

    def _clear(self, children: Iterable[State], relationship: Relationship) -> None:
        for child in children:
            if child.key is not None:
                for _, target in _keys(None, child, relationship):
                    self._note(child, target, None)

    def _note(self, child: State, key: str, value: Any) -> None:
        if not self._work.is_deleting(child):
            self._foreign_keys.setdefault(child, {}).setdefault(key, []).append(value)


def _changes(state: State, key: str, values: list[Any]) -> bool:
    """Whether an attribute that is given one of some values is changed by that."""
    before = value_before(state, key, _MISSING)
    return before is _MISSING or any(
        value is _UNKNOWN or not is_equal(state, key, value, before) for value in values
    )


def _keys(
    parent: State | None, child: State | None, relationship: Relationship
) -> Iterator[tuple[str, str]]:
    """The attributes that hold a parent's key, each with the child's that takes it over."""
    for source, target in relationship.synchronize_pairs:
        try:
            yield (
                parent.mapper.get_property_by_column(source).key if parent else "",
                child.mapper.get_property_by_column(target).key if child else "",
            )
        except UnmappedColumnError:
            # The flush itself says what is wrong.
            continue


@dataclass(slots=True, eq=False)
class Change:
    """A row to be written or removed.

    Until it is written, the session keeps the instance; then this does, until that is reported.

    Attributes:
        state: what SQLAlchemy keeps of the instance whose row it is.
        cause: what was noted to be behind it, or None.
        using: the database that the row is in, as a URL without its password.
        written: whether the database has it.
    """

    state: State
    cause: Cause | None = field(default=None, kw_only=True)
    using: str = field(default="", kw_only=True)
    written: bool = field(default=False, init=False)
    _kept: Any = field(default=None, init=False)

    @property
    def instance(self) -> Any:
        """The instance whose row it is."""
        return self.state.obj() if self._kept is None else self._kept

    def note_written(self) -> None:
        """The database has it."""
        self._kept = self.state.obj()
        self.written = True

    @property
    def sender(self) -> type[Any]:
        """The model class."""
        return self.state.class_

    @property
    def model(self) -> type[Any]:
        """The same: who the row is of."""
        return self.sender

    def arguments(self, session: Session) -> dict[str, Any]:
        """What all signals of the change are sent with, besides the sender."""
        raise NotImplementedError


@dataclass(slots=True, eq=False)
class Save(Change):
    """A row to be inserted or updated.

    Attributes:
        created: whether it is inserted.
        update_fields: the columns to be updated, by attribute name; None for an insert.
        moved: those of them that change because of a relationship.
    """

    created: bool
    update_fields: frozenset[str] | None = None
    moved: frozenset[str] = frozenset()

    def arguments(self, session: Session) -> dict[str, Any]:
        """What ``pre_save`` is sent with, and ``post_save``, which says ``created``, too."""
        return {
            "instance": self.instance,
            "raw": False,
            "using": self.using,
            "update_fields": self.update_fields,
            "session": session,
        }


@dataclass(slots=True, eq=False)
class Delete(Change):
    """A row to be removed.

    Attributes:
        origin: the instance whose deletion brought this one about.
    """

    origin: Any

    def arguments(self, session: Session) -> dict[str, Any]:
        """What ``pre_delete`` and ``post_delete`` are sent with."""
        return {
            "instance": self.instance,
            "using": self.using,
            "origin": self.origin,
            "session": session,
        }


def saves_of(work: Work) -> list[Save]:
    """The rows that a flush will insert or update, parents' tables first.

    Of a table, those to be updated come first, by their keys; then the new ones as they were
    added.
    """
    created = [state for state in work.written() if state.key is None]
    created.sort(key=place_of)
    forecast = Forecast(work)
    saves: list[Save] = []
    for state, columns, moved in forecast.updates():
        saves.append(Save(state, False, columns | moved, moved))
    saves.sort(key=lambda save: primary_key(save.state))
    saves += [Save(state, True) for state in created]
    return _parents_first(saves)


def deletes_of(work: Work, origins: dict[State, Any]) -> list[Delete]:
    """The rows that a flush will remove, in the order in which Django announces them.

    Arguments:
        work: the flush.
        origins: for each instance that was marked for deletion, the one that ``session.delete()``
            was called with.
    """
    found = origins_of(work, origins)
    return [Delete(state, origin) for state, origin in in_djangos_order(found).items()]


def models_of(states: Iterable[State]) -> set[type[Any]]:
    """The classes of instances."""
    return {state.class_ for state in states}


def _parents_first(saves: list[Save]) -> list[Save]:
    mappers = {save.state.mapper.base_mapper for save in saves}
    if len(mappers) < 2:
        return saves
    places = _places(mappers)
    return sorted(saves, key=lambda save: places[save.state.mapper.base_mapper])


def _places(mappers: Collection[Mapper[Any]]) -> dict[Mapper[Any], int]:
    """The place of each model in the order of writing: those that others refer to come first."""
    tables = {
        mapper: [each for each in mapper.tables if isinstance(each, Table)] for mapper in mappers
    }
    order = _table_order(frozenset(table for each in tables.values() for table in each))
    return {
        mapper: max((order[table] for table in each), default=0) for mapper, each in tables.items()
    }


def _table_order(tables: frozenset[Table]) -> dict[Table, int]:
    """Each table's place, those that others refer to first."""
    # Kept with the metadata, so that it goes when that does.
    first = next(iter(tables), None)
    known: dict[frozenset[Table], dict[Table, int]] = (
        {} if first is None else first.metadata.info.setdefault("signalcli table order", {})
    )
    order = known.get(tables)
    if order is None:
        named = sorted(tables, key=lambda table: table.fullname)
        in_order = sort_tables_and_constraints(named)  # type: ignore[no-untyped-call]  # SQLAlchemy's
        order = {table: place for place, (table, _) in enumerate(in_order) if table is not None}
        known[tables] = order
    return order


def saving_order(written: Iterable[State]) -> list[State]:
    """Updated rows by key, then new rows as they were added."""
    return sorted(
        written,
        key=lambda state: (1, place_of(state)) if state.key is None else (0, primary_key(state)),
    )


def reporting_order(deletes: list[Delete]) -> list[Delete]:
    """The order of ``post_delete``: model by model as announced, each model's rows backwards."""
    by_model: dict[type[Any], list[Delete]] = {}
    for change in deletes:
        by_model.setdefault(change.sender, []).append(change)
    return [change for changes in by_model.values() for change in reversed(changes)]
