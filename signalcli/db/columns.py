"""Which columns of an instance a flush updates: foretold from its plan, and read off after it."""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Mapper
from sqlalchemy.orm.exc import UnmappedColumnError

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
    state_of,
    value_before,
    was_set,
)
from signalcli.db.compat.work import Work
from signalcli.db.relationships import relationships_of

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

    Either it knows that, or it does not know what the key was. Where a key has a column in several
    tables, that of the first is written, and the others follow.
    """
    return all(
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
