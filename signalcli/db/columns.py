"""Which columns of an instance a flush will update."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.orm import InstanceState, RelationshipDirection, RelationshipProperty


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
            columns.update(_foreign_keys_of(instance, state, mapper.relationships[key]))
        elif key in mapper.column_attrs and state.attrs[key].history.has_changes():
            columns.add(key)
    return frozenset(columns)


def _foreign_keys_of(
    instance: Any, state: InstanceState[Any], relationship: RelationshipProperty[Any]
) -> Iterator[str]:
    """The foreign keys that choosing another parent changes."""
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
            wanted = getattr(parent, parent_state.mapper.get_property_by_column(remote).key)
        if getattr(instance, key) != wanted:
            yield key


def moved_children(parent: Any, is_going: bool) -> Iterator[tuple[Any, frozenset[str]]]:
    """Children whose foreign keys change by what happens to a parent, and those foreign keys.

    Arguments:
        parent: the parent.
        is_going: whether its row is about to be removed, so that its children stay behind.
    """
    state = inspect(parent)
    for relationship in state.mapper.relationships:
        if relationship.viewonly or relationship.direction is not RelationshipDirection.ONETOMANY:
            continue
        children = (
            _left_behind(parent, state, relationship) if is_going else _moved(state, relationship)
        )
        for child in children:
            if child is not None:
                yield child, _child_foreign_keys(relationship)


def _moved(state: InstanceState[Any], relationship: RelationshipProperty[Any]) -> list[Any]:
    """Who comes to or leaves a parent's relationship."""
    if relationship.key in state.unmodified:
        return []
    history = state.attrs[relationship.key].history
    leaving = [] if relationship.cascade.delete_orphan else history.deleted
    return [*history.added, *leaving]


def _left_behind(
    parent: Any, state: InstanceState[Any], relationship: RelationshipProperty[Any]
) -> list[Any]:
    """Whose foreign key is emptied when a parent goes."""
    if relationship.cascade.delete or relationship.passive_deletes == "all":
        return []
    if relationship.passive_deletes:
        children = state.dict.get(relationship.key)
    else:
        children = getattr(parent, relationship.key)
    if children is None:
        return []
    return list(children) if relationship.uselist else [children]


def _child_foreign_keys(relationship: RelationshipProperty[Any]) -> frozenset[str]:
    return frozenset(
        relationship.mapper.get_property_by_column(remote).key
        for _, remote in relationship.local_remote_pairs or ()
    )
