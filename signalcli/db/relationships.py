"""Which of a model's relationships a flush has to look at, sorted out once for each model."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Mapper, RelationshipDirection
from sqlalchemy.util import ReadOnlyProperties

from signalcli.db.compat.states import Relationship, memory_of


@dataclass(frozen=True, slots=True)
class Relationships:
    """The relationships of a model through which rows are written, besides link tables.

    Attributes:
        orphaning: those to instances that must not live without this one.
        to_children: those that are kept in the children's foreign keys.
        to_parents: those that are kept in the instance's own foreign keys.
    """

    orphaning: tuple[Relationship, ...]
    to_children: tuple[Relationship, ...]
    to_parents: tuple[Relationship, ...]

    def __bool__(self) -> bool:
        return bool(self.to_children or self.to_parents)


def relationships_of(mapper: Mapper[Any]) -> Relationships:
    """The relationships of a model, of those that it has now."""
    # SQLAlchemy makes another collection when one is added.
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
    )


def _of(
    relationships: list[Relationship], direction: RelationshipDirection
) -> tuple[Relationship, ...]:
    return tuple(each for each in relationships if each.direction is direction)
