"""The relationships that a flush follows to the rows that it writes and deletes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table
from sqlalchemy.orm import Mapper, RelationshipDirection
from sqlalchemy.util import ReadOnlyProperties

from signalcli.db.compat.states import Relationship, State, has_parent, memory_of
from signalcli.db.compat.work import Work


@dataclass(frozen=True, slots=True)
class Relationships:
    """The relationships of a model through which rows are written.

    Attributes:
        orphaning: those to children that are deleted when they lose this parent.
        to_children: those that are stored in the children's foreign keys.
        to_parents: those that are stored in the instance's own foreign keys.
        many_to_many: those that are stored in a link table.
    """

    orphaning: tuple[Relationship, ...]
    to_children: tuple[Relationship, ...]
    to_parents: tuple[Relationship, ...]
    many_to_many: tuple[Relationship, ...]

    def __bool__(self) -> bool:
        return bool(self.to_children or self.to_parents)


def relationships_of(mapper: Mapper[Any]) -> Relationships:
    """The relationships of a model, sorted out once for each model."""
    # When a model gets another relationship, SQLAlchemy makes another collection of all.
    memory, now = memory_of(mapper), mapper.relationships
    known: tuple[Any, Relationships] | None = memory.get("relationships")
    if known is None or known[0] is not now:
        known = memory["relationships"] = now, _sorted_out(now)
    return known[1]


def _sorted_out(relationships: ReadOnlyProperties[Relationship]) -> Relationships:
    written = [each for each in relationships if not each.viewonly]
    return Relationships(
        orphaning=tuple(each for each in written if each.cascade.delete_orphan),
        to_children=_of(written, RelationshipDirection.ONETOMANY),
        to_parents=_of(written, RelationshipDirection.MANYTOONE),
        many_to_many=tuple(each for each in written if isinstance(each.secondary, Table)),
    )


def _of(
    relationships: list[Relationship], direction: RelationshipDirection
) -> tuple[Relationship, ...]:
    return tuple(each for each in relationships if each.direction is direction)


def origins_of(work: Work, marked: dict[State, Any]) -> dict[State, Any]:
    """The instances whose rows a flush deletes, each with the origin of its deletion.

    An orphan is deleted since it lost its parent. It is the origin of its own deletion, and of the
    deletions that its own leads to.

    Arguments:
        work: the flush.
        marked: the origin of each instance that was marked for deletion.
    """
    deleted = set(work.deleted())
    found = {state: origin for state, origin in marked.items() if state in deleted}
    lost = sorted(
        (state for state in deleted if state not in found),
        key=lambda state: (state.class_.__name__, primary_key(state)),
    )
    left = dict.fromkeys(lost)
    followers: dict[State, State] = {}
    for state in lost:
        for dependant in _cascade(state):
            if dependant in left and dependant is not state:
                followers.setdefault(dependant, state)
    for state in lost:
        head = state
        seen = {state}
        while head in followers and followers[head] not in seen:
            head = followers[head]
            seen.add(head)
        found[state] = head.obj()
    return found


def _cascade(state: State) -> Iterator[State]:
    """The dependants that go with an instance; the plan of the flush has loaded them."""
    for _, _, dependant, _ in state.mapper.cascade_iterator("delete", state):
        yield dependant


def parents_that_lost(work: Work, child: State) -> Iterator[Any]:
    """The parents that an orphan has lost."""
    for state in list(work.states):
        for relationship in relationships_of(state.mapper).orphaning:
            history = work.history(state, relationship)
            if history and child in history.deleted and not has_parent(relationship, child):
                yield state.obj()


def in_djangos_order(deleted: dict[State, Any]) -> dict[State, Any]:
    """Instances to be deleted in the order of Django's ``Collector``: dependants first.

    The order is one of models. A model is next when no model that refers to it is left; of several,
    the one that was met first. Instances of one model are in the order of their primary keys.
    """
    by_model: dict[type[Any], list[State]] = {}
    for state in deleted:
        by_model.setdefault(state.class_, []).append(state)
    ordered: list[type[Any]] = []
    waiting = list(by_model)
    mappers = {model: states[0].mapper for model, states in by_model.items()}
    while waiting:
        ready: list[type[Any]] = []
        for model in waiting:
            others = (mappers[other] for other in waiting if other not in ready)
            if not any(_refers_to(other, mappers[model]) for other in others):
                ready.append(model)
        # Models that refer to each other in a circle keep the order in which they were met.
        ready = ready or waiting
        ordered += ready
        waiting = [model for model in waiting if model not in ready]
    return {
        state: deleted[state]
        for model in ordered
        for state in sorted(by_model[model], key=primary_key)
    }


def _refers_to(mapper: Mapper[Any], other: Mapper[Any]) -> bool:
    """Whether a model's rows refer to another's."""
    if mapper is other:
        return False
    tables = set(other.tables)
    return any(
        foreign_key.column.table in tables
        for table in mapper.tables
        for foreign_key in table.foreign_keys
        if table not in tables
    )


def primary_key(state: State) -> tuple[Any, ...]:
    """A key for sorting by primary key, whose values may be of any type."""
    return tuple(
        (type(value).__name__, value)
        if isinstance(value, int | float | str | bytes)
        else ("", repr(value))
        for value in state.identity or ()
    )
