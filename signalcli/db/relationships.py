"""Which of a model's relationships a flush has to look at, sorted out once for each model."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy.orm import (
    InstanceState,
    LoaderCallableStatus,
    Mapper,
    PassiveFlag,
    RelationshipDirection,
    RelationshipProperty,
)
from sqlalchemy.orm.attributes import History, get_history
from sqlalchemy.util import ReadOnlyProperties

State = InstanceState[Any]
Relationship = RelationshipProperty[Any]


@dataclass(frozen=True, slots=True)
class Relationships:
    """The relationships of a model through which rows are written, besides link tables.

    Attributes:
        orphaning: those to children that must not live without the instance.
        to_children: those that are kept in the children's foreign keys.
        to_parents: those that are kept in the instance's own foreign keys, by name.
    """

    orphaning: tuple[Relationship, ...]
    to_children: tuple[Relationship, ...]
    to_parents: dict[str, Relationship]

    @property
    def concern_children(self) -> bool:
        """Whether a change of an instance can lead to one of another's row."""
        return bool(self.orphaning or self.to_children)


def relationships_of(mapper: Mapper[Any]) -> Relationships:
    """The relationships of a model, of those that it has now."""
    # SQLAlchemy makes another collection when one is added.
    return _sorted_out(mapper.relationships)


@lru_cache(maxsize=1024)
def _sorted_out(relationships: ReadOnlyProperties[Relationship]) -> Relationships:
    return Relationships(
        orphaning=tuple(each for each in relationships if each.cascade.delete_orphan),
        to_children=_written_to(relationships, RelationshipDirection.ONETOMANY),
        to_parents={
            each.key: each for each in _written_to(relationships, RelationshipDirection.MANYTOONE)
        },
    )


def _written_to(
    relationships: ReadOnlyProperties[Relationship], direction: RelationshipDirection
) -> tuple[Relationship, ...]:
    return tuple(
        each for each in relationships if each.direction is direction and not each.viewonly
    )


@lru_cache(maxsize=1024)
def child_foreign_keys(relationship: Relationship) -> frozenset[str]:
    """The attributes of a relationship's children that hold their foreign keys."""
    return frozenset(
        relationship.mapper.get_property_by_column(remote).key
        for _, remote in relationship.local_remote_pairs or ()
    )


class Histories:
    """How relationships differ from what the database has, each found out once.

    SQLAlchemy asks the database for a child or parent that was replaced unseen, every time that it
    is asked itself. Good for as long as nobody changes anything.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[State, str], History] = {}

    def of(self, state: State, relationship: Relationship) -> History | None:
        """The history of one instance's relationship; None where it is as it was loaded."""
        key = relationship.key
        if key not in state.committed_state:
            return None
        history = self._known.get((state, key))
        if history is None:
            history = get_history(state.object, key, PassiveFlag.PASSIVE_NO_INITIALIZE)
            self._known[state, key] = history
        return history

    def share(self) -> None:
        """Have SQLAlchemy know what was found out, so that its flush does not ask again."""
        for (state, key), history in self._known.items():
            if state.committed_state.get(key) is LoaderCallableStatus.PASSIVE_NO_RESULT:
                replaced = [*history.deleted, *history.unchanged]
                state.committed_state[key] = replaced[0] if replaced else None
