"""Creating, changing, removing and finding objects of any model.

Each function uses the transaction of the given session, and rolls it back where it fails.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlmodel
from sqlalchemy import inspect
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm.attributes import set_attribute
from sqlmodel import select

from signalcli.db import Session
from signalcli.db.initialization import unannounced
from signalcli.db.models import model_name
from signalcli.errors import DatabaseUnusable, InvalidValue, NotFound, SignalcliError
from signalcli.objects.fields import (
    columns_of,
    key_fields,
    quoted,
    refuse_other_kind,
    refuse_twice_said,
    refuse_unknown,
    relationships_of,
)
from signalcli.objects.keys import (
    Key,
    foreign_keys,
    key_of,
    key_text,
    refers,
    refuse_missing,
    targets,
)
from signalcli.objects.trial import referring, refusal_of
from signalcli.objects.values import Assignment, changed_values, new_values, value_of_type

Said = Mapping[str, Assignment]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Changed:
    """The change of one field.

    Attributes:
        name: the field or relationship.
        before: the old value; of a relationship, the keys of the objects at its other end.
        after: the new value, likewise.
    """

    name: str
    before: Any
    after: Any


def create(session: Session, model: type[Any], said: Said) -> Any:
    """Store a new object, with all signals that this sends.

    Arguments:
        session: the session.
        model: the model.
        said: the assignments to its fields and relationships.

    Returns:
        The instance, as the receivers and the database left it.

    Raises:
        InvalidValue: a field, value or key cannot be used, or a value is missing.
        NotFound: a reference leads nowhere.
        AlreadyExists: a value that has to be unique is there already.
    """
    _refuse_wrong_names(model, said)

    def act(session: sqlmodel.Session) -> Any:
        values, related = _columns_and_targets(session, model, said, new_values)
        own = {name: related.pop(name) for name in list(related) if _knows(model, name)}
        instance = model(**values, **own)
        for name, target in related.items():
            _set(instance, name, target)
        session.add(instance)
        session.flush()
        return instance

    return _refreshed(session, _carried_out(session, model, act))


def change(
    session: Session, model: type[Any], key: str, said: Said
) -> tuple[Any, tuple[Changed, ...]]:
    """Change an object, with all signals that this sends.

    Arguments:
        session: the session.
        model: the model.
        key: the object's primary key, as text.
        said: the assignments to its fields and relationships.

    Returns:
        The instance, as the receivers and the database left it, and the changes. Without a
        change, nothing is saved and no signal of saving is sent.

    Raises:
        InvalidValue: a field, value or key cannot be used.
        NotFound: there is no such object, or a reference leads nowhere.
        AlreadyExists: a value that has to be unique is there already.
    """
    identity = key_of(model, key)

    def act(session: sqlmodel.Session) -> tuple[Any, tuple[Changed, ...]]:
        instance = _get(session, model, identity)
        _refuse_wrong_names(type(instance), said)

        def read(_: type[Any], said: Said, known: Mapping[str, Any]) -> dict[str, Any]:
            values = changed_values(instance, said, known)
            # The relationships themselves set their foreign keys.
            return {name: value for name, value in values.items() if name not in known}

        values, related = _columns_and_targets(session, type(instance), said, read)
        changes = []
        # One change is one save: what is loaded in between must not flush half of it.
        with session.no_autoflush:
            for name, value in _in_order(values | related, said).items():
                before = getattr(instance, name)
                if _differ(before, value):
                    changes.append(Changed(name, _shown(before), _shown(value)))
                    _set(instance, name, value)
        session.flush()
        return instance, tuple(changes)

    instance, changes = _carried_out(session, model, act)
    return _refreshed(session, instance), changes


def remove(session: Session, model: type[Any], key: str, look: Callable[[Any], T]) -> T:
    """Remove an object, and those that its relationships remove with it, with all signals.

    Arguments:
        session: the session.
        model: the model.
        key: the object's primary key, as text.
        look: called with the instance before it is removed.

    Returns:
        What ``look`` returned.

    Raises:
        InvalidValue: the key is not one of the model, or another object refers to this one.
        NotFound: there is no such object.
    """
    identity = key_of(model, key)

    def act(session: sqlmodel.Session) -> T:
        instance = _get(session, model, identity)
        seen = look(instance)
        session.delete(instance)
        session.flush()
        return seen

    try:
        return _carried_out(session, model, act)
    except InvalidValue as error:
        if not isinstance(error.__cause__, IntegrityError):
            raise
        with unannounced():
            who = referring(session, _get(session, model, identity))
        if not who:
            raise
        name = f"{model_name(model)} {quoted(key_text(identity))}"
        raise InvalidValue(
            f"{name} is referred to by {who}; remove or change that first"
        ) from error


def find(session: Session, model: type[Any], key: str, *, load: bool = True) -> Any:
    """An object by primary key, of the model or one derived from it.

    Arguments:
        session: the session.
        model: the model.
        key: the primary key, as text.
        load: whether loading it sends signals.

    Raises:
        InvalidValue: the key is not one of the model.
        NotFound: there is no such object.
    """
    identity = key_of(model, key)
    with nullcontext() if load else unannounced():
        return _carried_out(session, model, lambda session: _get(session, model, identity), "read")


def find_all(
    session: Session, model: type[Any], said: Said, most: int | None, *, load: bool = True
) -> Sequence[Any]:
    """The objects that fit all assignments, in the order of their primary keys.

    Arguments:
        session: the session.
        model: the model.
        said: the values of fields and relationships; none for all objects.
        most: how many are returned at most; None for all.
        load: whether loading them sends signals.

    Raises:
        InvalidValue: a field, value or key cannot be used.
    """
    refuse_unknown(model, said)
    query: Any = select(model).order_by(*(getattr(model, field) for field in key_fields(model)))
    for name, one in said.items():
        if name in relationships_of(model):
            query = query.where(refers(model, one))
        else:
            query = query.where(getattr(model, name) == value_of_type(model, name, one))
    if most is not None:
        query = query.limit(most)
    with nullcontext() if load else unannounced():
        return _carried_out(
            session, model, lambda session: session.exec(query).unique().all(), "read"
        )


def key_of_instance(instance: Any) -> Key:
    """An object's primary key."""
    return tuple(inspect(instance).mapper.primary_key_from_instance(instance))


def _carried_out(
    session: Session, model: type[Any], act: Callable[[sqlmodel.Session], T], done: str = "written"
) -> T:
    """Carry a request out; where the request is at fault for a failure, raise that refusal."""
    try:
        return act(session)
    except (SignalcliError, OperationalError, DatabaseUnusable):
        raise
    except Exception as error:
        session.rollback()
        refusal = refusal_of(session, model, act, done)
        if refusal is not None:
            raise refusal from error
        raise


def _columns_and_targets(
    session: sqlmodel.Session,
    model: type[Any],
    said: Said,
    read: Callable[[type[Any], Said, Mapping[str, Any]], dict[str, Any]],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The values of the columns and of the relationships that are assigned to."""
    relationships = relationships_of(model)
    related, known = {}, {}
    for name, one in said.items():
        if name in relationships:
            related[name] = targets(session, model, one)
            known.update(foreign_keys(model, name, related[name]))
    columns = {name: one for name, one in said.items() if name not in relationships}
    values = read(model, columns, known)
    refuse_other_kind(model, values)
    typed = {name: value for name, value in values.items() if name not in known}
    refuse_missing(session, model, typed)
    return values, related


def _in_order(values: dict[str, Any], said: Said) -> dict[str, Any]:
    """The values in the order in which they were given, then those that validators set."""
    return {name: values[name] for name in said if name in values} | values


def _refuse_wrong_names(model: type[Any], said: Said) -> None:
    refuse_unknown(model, said)
    refuse_twice_said(model, said)


def _get(session: sqlmodel.Session, model: type[Any], identity: Key) -> Any:
    instance = session.get(model, identity)
    if instance is None:
        raise NotFound(
            f"there is no {model_name(model)} {quoted(key_text(identity))}; "
            f"`signalcli get {model_name(model)}` shows what there is"
        )
    return instance


def _set(instance: Any, name: str, value: Any) -> None:
    if name in relationships_of(type(instance)) and not _knows(type(instance), name):
        set_attribute(instance, name, value)
    else:
        setattr(instance, name, value)


def _knows(model: type[Any], relationship: str) -> bool:
    """Whether SQLModel knows this relationship; it forgets those that a model inherits."""
    return relationship in model.__sqlmodel_relationships__


def _differ(before: Any, value: Any) -> bool:
    if isinstance(before, list | set) and isinstance(value, list | set):
        return set(map(id, before)) != set(map(id, value))
    return type(before) is not type(value) or bool(before != value)


def _shown(value: Any) -> Any:
    """A value as a :class:`Changed` has it: objects by their keys."""
    if isinstance(value, list | set) and all(inspect(each, raiseerr=False) for each in value):
        return [key_text(key_of_instance(each)) for each in value]
    return value if inspect(value, raiseerr=False) is None else key_text(key_of_instance(value))


def _refreshed(session: Session, instance: Any) -> Any:
    """The instance as it stands in the database, unless a receiver removed it."""
    if inspect(instance).persistent:
        session.refresh(instance, list(columns_of(type(instance))))
    return instance
