"""Who goes with whom: cascades, orphans, and the order in which Django deletes."""

from collections.abc import Container, Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import inspect

from signalcli.db.relationships import Histories, State, relationships_of


def with_dependants(head: Any) -> Iterator[Any]:
    """An instance and all that its deletion cascades to, it first."""
    state = inspect(head)
    yield head
    for dependant, _, _, _ in state.mapper.cascade_iterator("delete", state):
        yield dependant


def orphans_among(
    parents: Iterable[State], besides: Container[Any], histories: Histories
) -> list[tuple[Any, Any]]:
    """The children that lost the parent without which they must not live, each with that parent.

    Arguments:
        parents: the states of the instances whose relationships may have changed.
        besides: children that do not count.
        histories: what is known of relationships.
    """
    taken_in: set[int] = set()
    lost: dict[int, tuple[Any, Any]] = {}
    for state in parents:
        for relationship in relationships_of(state.mapper).orphaning:
            history = histories.of(state, relationship)
            if history is not None:
                parent = state.object
                taken_in.update(map(id, history.added))
                lost.update(
                    (id(child), (child, parent))
                    for child in history.deleted
                    if child is not None and not _has_parent(child, relationship.back_populates)
                )
    return [
        (child, parent)
        for child, parent in lost.values()
        if id(child) not in taken_in and inspect(child).persistent and child not in besides
    ]


def _has_parent(child: Any, reverse: str | None) -> bool:
    """Whether a child says that it has a parent, who may be in no session."""
    return reverse is not None and inspect(child).dict.get(reverse) is not None


def in_djangos_order(instances: Sequence[Any]) -> list[Any]:
    """Instances to be deleted in the order of Django's ``Collector``.

    Model by model: of those met so far, in the order of meeting, each whose dependants have gone
    goes next; those of one model by primary key.
    """
    by_model: dict[type[Any], list[Any]] = {}
    for instance in instances:
        by_model.setdefault(type(instance), []).append(instance)
    ordered: list[type[Any]] = []
    waiting = list(by_model)
    while waiting:
        ready: list[type[Any]] = []
        for model in waiting:
            if not _dependants(model, [other for other in waiting if other not in ready]):
                ready.append(model)
        # Models that depend on each other keep the order in which they were met.
        ready = ready or waiting
        ordered += ready
        waiting = [model for model in waiting if model not in ready]
    return [instance for model in ordered for instance in sorted(by_model[model], key=primary_key)]


def _dependants(model: type[Any], among: Iterable[type[Any]]) -> list[type[Any]]:
    """The models whose rows refer to a model's."""
    tables = set(inspect(model).tables)
    return [
        other
        for other in among
        if other is not model
        and any(
            foreign_key.column.table in tables
            for table in inspect(other).tables
            for foreign_key in table.foreign_keys
            if table not in tables
        )
    ]


def primary_key(instance: Any) -> tuple[Any, ...]:
    """A sort key: by primary key where the values compare, whatever their types."""
    return tuple(
        (type(value).__name__, value)
        if isinstance(value, int | float | str | bytes)
        else ("", repr(value))
        for value in inspect(instance).identity or ()
    )
