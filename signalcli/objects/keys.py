"""Keys: ``5``, or ``1,2`` for two columns, and relationships given by the keys of objects."""

import json
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


def key_of(model: type[Any], said: Any, *, is_json: bool = False) -> Key:
    """The values of a primary key, of the types of its columns.

    Arguments:
        model: the model.
        said: a text, or a JSON value. The values of several columns have commas between them, or
            are a JSON list, which may be given as text, too.
        is_json: whether it is a JSON value.

    Raises:
        InvalidValue: it is no key of the model.
    """
    fields = key_fields(model)
    parts, are_json = _parts(said, len(fields), is_json)
    if len(parts) != len(fields):
        raise InvalidValue(
            f"{quoted(said)} is no key of {model_name(model)}: give {','.join(fields)}"
        )
    return tuple(
        value_of_type(model, name, Assignment(name, part, are_json))
        for name, part in zip(fields, parts, strict=True)
    )


def key_text(key: Key) -> str:
    """A primary key as :func:`key_of` reads it."""
    texts = list(map(str, key))
    if len(texts) > 1 and any("," in text for text in texts):
        return json.dumps(texts, ensure_ascii=False)
    return ",".join(texts)


def _parts(said: Any, count: int, is_json: bool) -> tuple[list[Any], bool]:
    """The values for the columns, and whether they are JSON values."""
    if count == 1:
        return [said], is_json
    if is_json:
        return (said if isinstance(said, list) else [said]), True
    as_json = json_or_none(said) if said.startswith("[") else None
    return (as_json, True) if isinstance(as_json, list) else (said.split(","), False)


def targets(session: Session, model: type[Any], said: Assignment) -> Any:
    """The value for a relationship: an object, a collection of objects, or None.

    Arguments:
        session: loads the objects.
        model: the model that has the relationship.
        said: the key of one object, or the keys of many, with commas between or as a JSON list.

    Raises:
        InvalidValue: a key is not one of the other model, or is given twice.
        NotFound: there is no object of that key.
    """
    relationship = relationships_of(model)[said.name]
    found = [
        target_of(session, relationship.mapper.class_, key, said.name)
        for key in _keys(relationship, said)
    ]
    if not relationship.uselist:
        return found[0] if found else None
    kind = relationship.collection_class
    return set(found) if isinstance(kind, type) and issubclass(kind, set) else found


def target_of(session: Session, model: type[Any], key: Key, name: str) -> Any:
    """The object that a field refers to.

    Raises:
        NotFound: there is none.
    """
    found = session.get(model, key)
    if found is None:
        raise NotFound(f"there is no {model_name(model)} {quoted(key_text(key))} for {name}")
    return found


def foreign_keys(model: type[Any], name: str, target: Any) -> dict[str, Any]:
    """The values of the foreign keys that a to-one relationship sets."""
    pairs = foreign_keys_of(relationships_of(model)[name])
    return {
        local: None if target is None else getattr(target, remote)
        for local, remote in pairs.items()
    }


def refuse_missing(session: Session, model: type[Any], values: dict[str, Any]) -> None:
    """Refuse foreign keys that refer to a row that does not exist.

    Raises:
        NotFound: there is one.
    """
    columns = columns_of(model)
    for name, value in values.items():
        for foreign_key in columns[name].foreign_keys if value is not None else ():
            remote = foreign_key.column
            own = next((key for key, column in columns.items() if column is remote), None)
            if own is not None and values.get(own) == value:
                continue  # it refers to itself
            if session.exec(select(remote).where(remote == value)).first() is None:
                raise NotFound(
                    f"there is no {_name_of(remote.table)} whose {remote.name} is "
                    f"{quoted(value, name)}, for {name}"
                )


def refers(model: type[Any], said: Assignment) -> ColumnElement[bool]:
    """The condition that a relationship leads to an object, or to every one of several.

    Raises:
        InvalidValue: a key is not one of the other model.
    """
    relationship = relationships_of(model)[said.name]
    attribute = getattr(model, said.name)
    target = relationship.mapper.class_
    leads = attribute.any if relationship.uselist else attribute.has
    wanted = [
        leads(
            and_(
                *(
                    getattr(target, field) == value
                    for field, value in zip(key_fields(target), key, strict=True)
                )
            )
        )
        for key in _keys(relationship, said)
    ]
    return and_(*wanted) if wanted else ~leads()


def _keys(relationship: RelationshipProperty[Any], said: Assignment) -> list[Key]:
    target = relationship.mapper.class_
    if said.is_null:
        return []
    if not relationship.uselist:
        return [key_of(target, said.value, is_json=said.is_json)]
    keys = [key_of(target, each, is_json=said.is_json) for each in _said_keys(target, said)]
    for place, key in enumerate(keys):
        if key in keys[:place]:
            raise InvalidValue(f"{said.name} names {quoted(key_text(key))} twice")
    return keys


def _said_keys(target: type[Any], said: Assignment) -> list[Any]:
    if said.is_json:
        if not isinstance(said.value, list):
            raise InvalidValue(f"{said.name}:={quoted(said.value)} is no list of keys")
        return said.value
    if not said.value:
        return []
    if len(key_fields(target)) > 1:
        raise InvalidValue(
            f"{said.name} leads to {model_name(target)}, whose key has several columns; "
            f"give a list of keys, as {said.name}:=[[1,2],[1,3]]"
        )
    keys: list[str] = said.value.split(",")
    return keys


def _name_of(table: Any) -> str:
    """The name for a row of a table: its model's, where it has one."""
    models = (model for model in mapped_models() if inspect(model).local_table is table)
    return next(map(model_name, models), str(table))
