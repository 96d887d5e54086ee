"""Keys: ``5``, or ``1,2`` for two columns, and relationships given by the keys of objects."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, and_, inspect
from sqlalchemy.orm import RelationshipProperty
from sqlmodel import Session, select

from signalcli.db.models import mapped_models, model_name
from signalcli.errors import InvalidValue, NotFound
from signalcli.objects.fields import (
    columns_of,
    foreign_keys_of,
    key_fields,
    quoted,
    relationships_of,
)
from signalcli.objects.values import Assignment, json_or_none, value_of_type

Key = tuple[Any, ...]


def key_of(model: type[Any], given: Any, *, is_json: bool = False) -> Key:
    """The values of a primary key, of the types of its columns.

    Arguments:
        model: the model.
        given: a text or a JSON value. A key of several columns is a text with commas, or a JSON
            list, which may also be given as a text.
        is_json: whether it is a JSON value.

    Raises:
        InvalidValue: it is no key of the model.
    """
    fields = key_fields(model)
    parts, are_json = _parts(given, len(fields), is_json)
    if len(parts) != len(fields):
        raise InvalidValue(
            f"{quoted(given)} is no key of {model_name(model)}: give {','.join(fields)}"
        )
    return tuple(
        value_of_type(model, name, Assignment(name, part, are_json))
        for name, part in zip(fields, parts, strict=True)
    )


def _parts(given: Any, count: int, is_json: bool) -> tuple[list[Any], bool]:
    """The values for the columns, and whether they are JSON values."""
    if count == 1:
        return [given], is_json
    if is_json:
        return (given if isinstance(given, list) else [given]), True
    as_json = json_or_none(given) if given.startswith("[") else None
    return (as_json, True) if isinstance(as_json, list) else (given.split(","), False)


def key_text(key: Key) -> str:
    """A primary key as :func:`key_of` reads it."""
    texts = list(map(str, key))
    # With commas between, these would be read as other parts, or as a JSON list.
    if len(texts) > 1 and (texts[0].startswith("[") or any("," in text for text in texts)):
        return json.dumps(texts, ensure_ascii=False)
    return ",".join(texts)


def key_of_instance(instance: Any) -> Key:
    """An object's primary key."""
    return tuple(inspect(instance).mapper.primary_key_from_instance(instance))


def targets(session: Session, model: type[Any], given: Assignment) -> Any:
    """The value for a relationship: an object, a collection of objects, or None.

    Arguments:
        session: loads the objects.
        model: the model that has the relationship.
        given: the key of one object, or the keys of several, with commas between or as a JSON list.

    Raises:
        InvalidValue: a key does not fit the other model, or is given twice.
        NotFound: there is no object with that key.
    """
    relationship = relationships_of(model)[given.name]
    target = relationship.mapper.class_
    found = []
    for key in _keys(relationship, given):
        instance = session.get(target, key)
        if instance is None:
            name = f"{model_name(target)} {quoted(key_text(key))}"
            raise NotFound(f"there is no {name} for {given.name}")
        found.append(instance)
    if not relationship.uselist:
        return found[0] if found else None
    kind = relationship.collection_class
    return set(found) if isinstance(kind, type) and issubclass(kind, set) else found


def foreign_keys(model: type[Any], name: str, target: Any) -> dict[str, Any]:
    """The values of the foreign keys that a to-one relationship sets."""
    pairs = foreign_keys_of(relationships_of(model)[name])
    return {
        local: None if target is None else getattr(target, remote)
        for local, remote in pairs.items()
    }


def refuse_missing(session: Session, model: type[Any], values: Mapping[str, Any]) -> None:
    """Refuse a foreign key that refers to no row.

    Raises:
        NotFound: the row does not exist.
    """
    columns = columns_of(model)
    for name, value in values.items():
        for foreign_key in columns[name].foreign_keys if value is not None else ():
            remote = foreign_key.column
            own = next((key for key, column in columns.items() if column is remote), None)
            if own is not None and values.get(own) == value:
                continue  # the new row refers to itself
            if session.exec(select(remote).where(remote == value)).first() is None:
                models = (each for each in mapped_models() if _has_table(each, remote.table))
                raise NotFound(
                    f"there is no {next(map(model_name, models), str(remote.table))} whose "
                    f"{remote.name} is {quoted(value, name)}, for {name}"
                )


def _has_table(model: type[Any], table: Any) -> bool:
    return inspect(model).local_table is table


def refers(model: type[Any], given: Assignment) -> ColumnElement[bool]:
    """The condition that a relationship leads to an object, or to every one of several.

    Raises:
        InvalidValue: a key does not fit the other model.
    """
    relationship = relationships_of(model)[given.name]
    attribute = getattr(model, given.name)
    target = relationship.mapper.class_
    leads = attribute.any if relationship.uselist else attribute.has
    columns = [getattr(target, field) for field in key_fields(target)]
    wanted = [
        leads(and_(*(column == value for column, value in zip(columns, key, strict=True))))
        for key in _keys(relationship, given)
    ]
    return and_(*wanted) if wanted else ~leads()


def _keys(relationship: RelationshipProperty[Any], given: Assignment) -> list[Key]:
    target = relationship.mapper.class_
    if given.is_null:
        return []
    if not relationship.uselist:
        return [key_of(target, given.value, is_json=given.is_json)]
    keys = [key_of(target, each, is_json=given.is_json) for each in _listed_keys(target, given)]
    for place, key in enumerate(keys):
        if key in keys[:place]:
            raise InvalidValue(f"{given.name} names {quoted(key_text(key))} twice")
    return keys


def _listed_keys(target: type[Any], given: Assignment) -> list[Any]:
    if given.is_json:
        if not isinstance(given.value, list):
            raise InvalidValue(f"{given.name}:={quoted(given.value)} is no list of keys")
        return given.value
    if not given.value:
        return []
    if len(key_fields(target)) > 1:
        raise InvalidValue(
            f"{given.name} leads to {model_name(target)}, whose key has several columns; "
            f"give a list of keys, as {given.name}:=[[1,2],[1,3]]"
        )
    keys: list[str] = given.value.split(",")
    return keys
