"""What a session is about to write, worked out from its public state."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import Table, inspect
from sqlalchemy.orm import InstanceState, RelationshipDirection, RelationshipProperty, Session
from sqlalchemy.schema import sort_tables_and_constraints

from signalcli.db import causes
from signalcli.dispatch.watching import Cause


@dataclass(slots=True, eq=False)
class Change:
    """A row to be written or removed.

    Attributes:
        instance: the instance whose row it is.
        cause: what was noted to be behind it, or None.
        written: whether the database has it.
    """

    instance: Any
    cause: Cause | None = field(init=False)
    written: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        """Find the cause."""
        self.cause = causes.of(self.instance)

    @property
    def sender(self) -> type[Any]:
        """The model class."""
        return type(self.instance)


@dataclass(slots=True, eq=False)
class Save(Change):
    """A row to be inserted or updated.

    Attributes:
        created: whether it is inserted.
        update_fields: the columns to be updated, by attribute name; None for an insert.
    """

    created: bool
    update_fields: frozenset[str] | None


@dataclass(slots=True, eq=False)
class Delete(Change):
    """A row to be removed.

    Attributes:
        origin: the instance whose deletion brought this one about.
    """

    origin: Any

    def __post_init__(self) -> None:
        """Find the cause: whoever deleted the origin deleted this."""
        self.cause = causes.of(self.origin)


def changed_columns(instance: Any) -> frozenset[str]:
    """The column attributes of a persistent instance that the next flush will update.

    That is more than those set: choosing another parent through a relationship changes the
    foreign key. And it is less than "modified": a collection is no column, and setting a value to
    what it was is no change (unless that was not loaded, so that SQLAlchemy writes it anyway).
    """
    state: InstanceState[Any] = inspect(instance)
    mapper = state.mapper
    columns: set[str] = set()
    for key in set(state.attrs.keys()) - state.unmodified:
        if key in mapper.relationships:
            columns.update(_changed_foreign_keys(state, mapper.relationships[key]))
        elif key in mapper.column_attrs and state.attrs[key].history.has_changes():
            columns.add(key)
    return frozenset(columns)


def _changed_foreign_keys(
    state: InstanceState[Any], relationship: RelationshipProperty[Any]
) -> Iterator[str]:
    if relationship.viewonly or relationship.direction is not RelationshipDirection.MANYTOONE:
        return
    history = state.attrs[relationship.key].history
    if not history.has_changes():
        return
    parent = history.added[0] if history.added else None
    for local, remote in relationship.local_remote_pairs or ():
        key = state.mapper.get_property_by_column(local).key
        if parent is None:
            wanted = None
        else:
            parent_state = inspect(parent)
            if not parent_state.has_identity:
                yield key
                continue
            wanted = parent_state.dict.get(
                parent_state.mapper.get_property_by_column(remote).key, _UNKNOWN
            )
        if state.dict.get(key, _UNKNOWN) is _UNKNOWN or state.dict[key] != wanted:
            yield key


_UNKNOWN = object()


def pending_saves(session: Session) -> list[Save]:
    """The rows that the next flush will insert or update, parents' tables first.

    Besides what was added or changed itself, these are the children whose foreign key changes
    because a parent's collection does, or because the parent goes.
    """
    updates: dict[int, tuple[Any, set[str]]] = {}

    def update(instance: Any, columns: Iterable[str]) -> None:
        updates.setdefault(id(instance), (instance, set()))[1].update(columns)

    new = session.new
    deleted = session.deleted
    dirty = session.dirty
    for instance in dirty:
        columns = changed_columns(instance)
        if columns:
            update(instance, columns)
    for parent in (*dirty, *new):
        for relationship, children in _moved_children(parent):
            for child in children:
                update(child, _child_foreign_keys(relationship))
    for parent in deleted:
        for relationship, children in _orphaned_children(parent):
            for child in children:
                update(child, _child_foreign_keys(relationship))
    saves = [
        Save(instance, created=False, update_fields=frozenset(columns))
        for instance, columns in updates.values()
        if instance not in deleted and inspect(instance).persistent
    ]
    saves.sort(key=lambda save: _primary_key(save.instance))
    saves += [Save(instance, created=True, update_fields=None) for instance in new]
    return _by_table(saves)


def pending_deletes(session: Session, origins: dict[int, Any]) -> list[Delete]:
    """The rows that the next flush will remove, in the order in which Django announces them.

    Dependants' tables come first; within one model the rows are ordered by primary key. Besides
    what was deleted itself, these are the orphans of relationships that say ``delete-orphan``.

    Arguments:
        session: the session.
        origins: by ``id`` of the instance, those that a deletion started with.
    """
    found: dict[int, Delete] = {}

    def delete(instance: Any, origin: Any) -> None:
        if id(instance) not in found and inspect(instance).persistent:
            found[id(instance)] = Delete(instance, origin=origin)

    deleted = session.deleted
    heads = [instance for instance in deleted if id(instance) in origins]
    orphans = _orphans((*session.dirty, *session.new))
    heads.extend(orphan for orphan in orphans if orphan not in deleted)
    for head in heads:
        state = inspect(head)
        delete(head, head)
        for dependant, _, _, _ in state.mapper.cascade_iterator("delete", state):
            if dependant in deleted or head not in deleted:
                delete(dependant, head)
    for instance in deleted:
        delete(instance, instance)
    deletes = sorted(found.values(), key=lambda change: _primary_key(change.instance))
    return list(_by_table(deletes, children_first=True))


def in_deletion_order(deletes: list[Delete]) -> list[Delete]:
    """The order of ``post_delete``: model by model as announced, each model's rows backwards."""
    by_model: dict[type[Any], list[Delete]] = {}
    for change in deletes:
        by_model.setdefault(change.sender, []).append(change)
    return [change for changes in by_model.values() for change in reversed(changes)]


def _moved_children(parent: Any) -> Iterator[tuple[RelationshipProperty[Any], list[Any]]]:
    """The children that come to or leave a parent's collections."""
    state = inspect(parent)
    for relationship in state.mapper.relationships:
        if _owns_rows(relationship) and relationship.key not in state.unmodified:
            history = state.attrs[relationship.key].history
            children = list(history.added)
            if not relationship.cascade.delete_orphan:
                children += history.deleted
            yield relationship, [child for child in children if child is not None]


def _orphaned_children(parent: Any) -> Iterator[tuple[RelationshipProperty[Any], list[Any]]]:
    """The children that stay behind when a parent goes, their foreign key emptied."""
    state = inspect(parent)
    for relationship in state.mapper.relationships:
        if not _owns_rows(relationship) or relationship.cascade.delete:
            continue
        if relationship.passive_deletes == "all":
            continue
        if relationship.passive_deletes:
            children = state.dict.get(relationship.key)
        else:
            children = getattr(parent, relationship.key)
        if children is not None:
            yield relationship, list(children) if relationship.uselist else [children]


def _orphans(instances: Iterable[Any]) -> Iterator[Any]:
    """Children that lost the parent without which they must not live."""
    taken_in: set[int] = set()
    lost: dict[int, Any] = {}
    for instance in instances:
        state = inspect(instance)
        for relationship in state.mapper.relationships:
            if relationship.cascade.delete_orphan and relationship.key not in state.unmodified:
                history = state.attrs[relationship.key].history
                taken_in.update(map(id, history.added))
                lost.update((id(child), child) for child in history.deleted if child is not None)
    for child in lost.values():
        if id(child) not in taken_in and inspect(child).persistent:
            yield child


def _owns_rows(relationship: RelationshipProperty[Any]) -> bool:
    return relationship.direction is RelationshipDirection.ONETOMANY and not relationship.viewonly


def _child_foreign_keys(relationship: RelationshipProperty[Any]) -> set[str]:
    return {
        relationship.mapper.get_property_by_column(remote).key
        for _, remote in relationship.local_remote_pairs or ()
    }


def _by_table(changes: list[Any], children_first: bool = False) -> list[Any]:
    tables = {inspect(change.sender).base_mapper.local_table for change in changes}
    if len(tables) < 2:
        return changes
    order = _table_order(frozenset(tables))
    sign = -1 if children_first else 1
    return sorted(
        changes, key=lambda change: sign * order[inspect(change.sender).base_mapper.local_table]
    )


@lru_cache(maxsize=256)
def _table_order(tables: frozenset[Table]) -> dict[Table, int]:
    """Each table's place, those that others refer to first."""
    named = sorted(tables, key=lambda table: table.fullname)
    in_order = sort_tables_and_constraints(named)  # type: ignore[no-untyped-call]  # SQLAlchemy's
    return {table: place for place, (table, _) in enumerate(in_order) if table is not None}


def _primary_key(instance: Any) -> tuple[Any, ...]:
    """A sort key: by primary key where the values compare, whatever their types."""
    return tuple(
        (type(value).__name__, value)
        if isinstance(value, int | float | str | bytes)
        else ("", repr(value))
        for value in inspect(instance).identity or ()
    )
