"""Many-to-many relationships, and what ``m2m_changed`` says of them."""

from collections.abc import Callable, Collection
from functools import wraps
from typing import Any, TypeVar

from sqlalchemy import Table, inspect
from sqlalchemy.orm import Mapper

from signalcli.db.compat.states import Relationship, memory_of
from signalcli.db.models import mapped_models

T = TypeVar("T")


def _remembered(answer: Callable[[Relationship], T]) -> Callable[[Relationship], T]:
    """Have a function of a relationship answer once for each, for as long as its model lives."""

    @wraps(answer)
    def remember(relationship: Relationship) -> T:
        memory = memory_of(relationship.parent)
        key = (answer.__name__, relationship.key)
        if key not in memory:
            memory[key] = answer(relationship)
        found: T = memory[key]
        return found

    return remember


def many_to_many(mapper: Mapper[Any]) -> list[Relationship]:
    """The relationships of a model through which rows of a link table are written."""
    return [
        relationship
        for relationship in mapper.relationships
        if isinstance(relationship.secondary, Table) and not relationship.viewonly
    ]


@_remembered
def counterpart(relationship: Relationship) -> Relationship | None:
    """The same link table's relationship on the other side, if the two know each other."""
    others = relationship.mapper.relationships
    if relationship.back_populates is not None:
        return others[relationship.back_populates]
    for other in others:
        if (
            other.secondary is relationship.secondary
            and other.back_populates == relationship.key
            and relationship.parent.isa(other.mapper)
        ):
            return other
    return None


@_remembered
def is_reverse(relationship: Relationship) -> bool:
    """Whether a relationship is the reverse side of two.

    As in the tables that Django makes, the forward side's own foreign key comes first in the link
    table. A relationship alone is always forward.
    """
    if counterpart(relationship) is None:
        return False
    own = {column for _, column in relationship.synchronize_pairs}
    others = {column for _, column in relationship.secondary_synchronize_pairs or ()}
    to_one_side = own ^ others
    columns = () if relationship.secondary is None else relationship.secondary.columns
    first = next((column for column in columns if column in to_one_side), None)
    return first in others


@_remembered
def link_model(relationship: Relationship) -> Any:
    """The class that the link table is mapped to, or the table itself where there is none."""
    table = relationship.secondary
    for model in mapped_models():
        if inspect(model).local_table is table:
            return model
    for mapper in sorted(relationship.parent.registry.mappers, key=str):
        if mapper.local_table is table:
            return mapper.class_
    return table


def primary_keys(instances: Collection[Any]) -> set[Any]:
    """The instances' primary keys: each a value, or a tuple where there are several columns.

    An instance whose row is still to be inserted may have none yet, and is left out.
    """
    keys = set()
    for instance in instances:
        state = inspect(instance)
        key = state.identity or tuple(state.mapper.primary_key_from_instance(instance))
        if None not in key:
            keys.add(key[0] if len(key) == 1 else key)
    return keys
