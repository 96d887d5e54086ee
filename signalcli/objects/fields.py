"""Fields of a model: its columns and relationships, checks of their names, words for messages."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from sqlalchemy import Column, inspect
from sqlalchemy.orm import Mapper, RelationshipProperty

from signalcli.db.models import model_name
from signalcli.errors import InvalidValue
from signalcli.secrets import MASK, is_secret_name
from signalcli.trace.representation import represent, shorten


def columns_of(model: type[Any]) -> dict[str, Column[Any]]:
    """The columns of a model's table by the names of their fields."""
    mapper: Mapper[Any] = inspect(model)
    return {
        attribute.key: attribute.columns[0]
        for attribute in mapper.column_attrs
        if attribute.key in model.model_fields and isinstance(attribute.columns[0], Column)
    }


def shown_fields(model: type[Any]) -> list[str]:
    """The fields of a model's columns that are shown; a model may exclude some."""
    return [name for name in columns_of(model) if not model.model_fields[name].exclude]


def required_fields(model: type[Any]) -> list[str]:
    """The fields of a model's columns that have no default."""
    return [name for name in columns_of(model) if model.model_fields[name].is_required()]


def relationships_of(model: type[Any]) -> dict[str, RelationshipProperty[Any]]:
    """The relationships of a model that can be set, by name."""
    mapper: Mapper[Any] = inspect(model)
    return {each.key: each for each in mapper.relationships if not each.viewonly}


def key_fields(model: type[Any]) -> list[str]:
    """The fields of a model's primary key, in the order of its columns."""
    mapper: Mapper[Any] = inspect(model)
    return [mapper.get_property_by_column(column).key for column in mapper.primary_key]


def foreign_keys_of(relationship: RelationshipProperty[Any]) -> dict[str, str]:
    """The fields that a to-one relationship sets, each with the target's field that it copies."""
    if relationship.direction.name != "MANYTOONE":
        return {}
    field, target_field = (
        each.get_property_by_column for each in (relationship.parent, relationship.mapper)
    )
    pairs = relationship.local_remote_pairs or ()
    return {field(local).key: target_field(remote).key for local, remote in pairs}


def names_of(model: type[Any]) -> list[str]:
    """The names of columns and relationships, in the order of the model."""
    return [*columns_of(model), *relationships_of(model)]


def refuse_unknown(model: type[Any], names: Iterable[str]) -> None:
    """Refuse a name that is no field of the model.

    Raises:
        InvalidValue: there is such a name.
    """
    known = names_of(model)
    for name in names:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            guess = f"did you mean {close[0]}? " if close else ""
            raise InvalidValue(
                f"{model_name(model)} has no field {quoted(name)}; {guess}it has {listed(known)}"
            )


def refuse_double(model: type[Any], names: Iterable[str]) -> None:
    """Refuse a foreign key together with the relationship that sets it.

    Raises:
        InvalidValue: both are given.
    """
    given = set(names)
    for name, relationship in relationships_of(model).items():
        if name in given:
            for field in foreign_keys_of(relationship):
                if field in given:
                    raise InvalidValue(f"{name} and {field} say the same; give one of them")


def refuse_other_kind(model: type[Any], values: Mapping[str, Any]) -> None:
    """Refuse another model's value in the discriminator, the column that tells models apart.

    Raises:
        InvalidValue: the value is another model's.
    """
    mapper: Mapper[Any] = inspect(model)
    if mapper.polymorphic_on is None or mapper.polymorphic_on not in mapper.columns.values():
        return
    name = mapper.get_property_by_column(mapper.polymorphic_on).key
    if name in values and values[name] != mapper.polymorphic_identity:
        raise InvalidValue(
            f"{name} says that it is a {model_name(model)}, and has to be "
            f"{quoted(mapper.polymorphic_identity)}"
        )


def quoted(value: Any, name: str = "") -> str:
    """A value as a message quotes it: on one line, cut where it is long, masked where secret.

    Arguments:
        value: the value, mostly a text.
        name: the field that the value is for.
    """
    return MASK if is_secret_name(name) else shorten(repr(represent(value)))


def listed(names: Iterable[str]) -> str:
    """Names in a sentence."""
    return ", ".join(names)
