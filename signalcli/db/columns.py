"""Which columns of an instance a flush will update."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.orm import PassiveFlag
from sqlalchemy.orm.attributes import get_history

from signalcli.db.relationships import (
    Histories,
    Relationship,
    State,
    child_foreign_keys,
    relationships_of,
)

# What is known without asking the database.
_KNOWN = PassiveFlag.PASSIVE_NO_INITIALIZE


def changed_columns(instance: Any) -> frozenset[str]:
    """The column attributes of a persistent instance that the next flush will update.

    That is more than those set: choosing another parent through a relationship changes the
    foreign key. And it is less than "modified": a collection is no column, and setting a value to
    what it was is no change (unless that was not loaded, so that SQLAlchemy writes it anyway).
    """
    state: State = inspect(instance)
    mapper = state.mapper
    to_parents = relationships_of(mapper).to_parents
    columns: set[str] = set()
    for key in tuple(state.committed_state):
        if key in to_parents:
            columns.update(_foreign_keys_of(instance, state, to_parents[key]))
        elif key in mapper.column_attrs and get_history(instance, key, _KNOWN).has_changes():
            columns.add(key)
    return frozenset(columns)


def _foreign_keys_of(instance: Any, state: State, relationship: Relationship) -> Iterator[str]:
    """The foreign keys that choosing another parent changes."""
    history = get_history(instance, relationship.key, _KNOWN)
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


def moved_children(
    state: State, is_going: bool, histories: Histories
) -> Iterator[tuple[Any, frozenset[str]]]:
    """Children whose foreign keys change by what happens to a parent, and those foreign keys.

    Arguments:
        state: the parent's state.
        is_going: whether its row is about to be removed, so that its children stay behind.
        histories: what is known of relationships.
    """
    for relationship in relationships_of(state.mapper).to_children:
        if is_going:
            children = _left_behind(state, relationship)
        else:
            children = _moved(state, relationship, histories)
        for child in children:
            if child is not None:
                yield child, child_foreign_keys(relationship)


def _moved(state: State, relationship: Relationship, histories: Histories) -> list[Any]:
    """Who comes to or leaves a parent's relationship."""
    history = histories.of(state, relationship)
    if history is None:
        return []
    leaving = [] if relationship.cascade.delete_orphan else history.deleted
    return [*history.added, *leaving]


def _left_behind(state: State, relationship: Relationship) -> list[Any]:
    """Whose foreign key is emptied when a parent goes."""
    if relationship.cascade.delete or relationship.passive_deletes == "all":
        return []
    if relationship.passive_deletes:
        children = state.dict.get(relationship.key)
    else:
        children = getattr(state.object, relationship.key)
    if children is None:
        return []
    return list(children) if relationship.uselist else [children]
