"""Creating, changing, removing and finding objects of any model.

Each function uses the transaction of the given session, and rolls it back where it fails. A request
that is refused before it uses the session leaves the transaction alone.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlmodel
from sqlalchemy import inspect
from sqlalchemy.orm.attributes import set_attribute
from sqlmodel import select

from signalcli.db import Session
from signalcli.db.initialization import unannounced
from signalcli.db.models import mapped_models, model_name
from signalcli.errors import InvalidValue, NotFound, SignalcliError
from signalcli.objects.fields import (
    columns_of,
    key_fields,
    quoted,
    refuse_double,
    refuse_other_kind,
    refuse_unknown,
    relationships_of,
)
from signalcli.objects.keys import (
    Key,
    foreign_keys,
    key_of,
    key_of_instance,
    key_text,
    refers,
    refuse_missing,
    targets,
)
from signalcli.objects.trial import is_of_no_request, loses_reference, refusal_of
from signalcli.objects.values import Assignments, changed_values, new_values, value_of_type

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


def create(session: Session, model: type[Any], given: Assignments) -> Any:
    """Store a new object, with all signals that this sends.

    Arguments:
        session: the session.
        model: the model.
        given: the assignments to its fields and relationships.

    Returns:
        The instance, as the receivers and the database left it.

    Raises:
        InvalidValue: a field, value or key cannot be used, or a value is missing.
        NotFound: a reference leads nowhere.
        AlreadyExists: a value that has to be unique is there already.
    """
    refuse_unknown(model, given)
    refuse_double(model, given)

    def act(session: sqlmodel.Session) -> Any:
        columns, related, known = _split(session, model, given)
        values = new_values(model, columns, known)
        _refuse_values(session, model, values, known)
        own = {name: related.pop(name) for name in list(related) if _knows(model, name)}
        instance = model(**values, **own)
        for name, target in related.items():
            _set(instance, name, target)
        session.add(instance)
        session.flush()
        return instance

    return _refreshed(session, _carried_out(session, model, act))


def change(
    session: Session, model: type[Any], key: str, given: Assignments
) -> tuple[Any, tuple[Changed, ...]]:
    """Change an object, with all signals that this sends.

    Arguments:
        session: the session.
        model: the model.
        key: the object's primary key, as text.
        given: the assignments to its fields and relationships.

    Returns:
        The instance, as the receivers and the database left it, and the changes. Where nothing
        changes, nothing is saved and no signal of saving is sent.

    Raises:
        InvalidValue: a field, value or key cannot be used.
        NotFound: there is no such object, or a reference leads nowhere.
        AlreadyExists: a value that has to be unique is there already.
    """
    identity = key_of(model, key)

    def act(session: sqlmodel.Session) -> tuple[Any, tuple[Changed, ...]]:
        instance = _get(session, model, identity)
        kind = type(instance)
        refuse_unknown(kind, given)
        refuse_double(kind, given)
        columns, related, known = _split(session, kind, given)
        values = changed_values(instance, columns, known)
        _refuse_values(session, kind, values, known)
        # A relationship sets its foreign keys itself.
        new = {name: value for name, value in values.items() if name not in known} | related
        # In the order in which they were given, then those that validators set.
        ordered = {name: new[name] for name in given if name in new} | new
        changes = []
        # One change is one save: loading something in between must not flush half of it.
        with session.no_autoflush:
            for name, value in ordered.items():
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
        The value of ``look``.

    Raises:
        InvalidValue: the key does not fit the model, or another object refers to this one.
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
        if not loses_reference(error.__cause__):
            raise
        with unannounced():
            other = _referring(session, _get(session, model, identity))
        if not other:
            raise
        name = f"{model_name(model)} {quoted(key_text(identity))}"
        raise InvalidValue(
            f"{name} is referred to by {other}; remove or change that first"
        ) from error


def _referring(session: Session, instance: Any) -> str:
    """The model and column that refer to an object: ``shop.Order (customer_id)``, or empty."""
    tables = inspect(instance).mapper.tables
    # The rows of its link tables go with the object.
    links = [each.secondary for each in relationships_of(type(instance)).values()]
    for model in mapped_models():
        for column in inspect(model).local_table.columns:
            for foreign_key in column.foreign_keys:
                remote = foreign_key.column
                if remote.table in tables and column.table not in [*tables, *links]:
                    field = inspect(instance).mapper.get_property_by_column(remote).key
                    value = getattr(instance, field)
                    if session.exec(select(column).where(column == value)).first() is not None:
                        return f"{model_name(model)} ({column.name})"
    return ""


def find(session: Session, model: type[Any], key: str, *, load: bool = True) -> Any:
    """An object by primary key, of the model or one derived from it.

    Arguments:
        session: the session.
        model: the model.
        key: the primary key, as text.
        load: whether loading it sends signals.

    Raises:
        InvalidValue: the key does not fit the model.
        NotFound: there is no such object.
    """
    identity = key_of(model, key)
    with nullcontext() if load else unannounced():
        return _carried_out(session, model, lambda session: _get(session, model, identity), "read")


def find_all(
    session: Session, model: type[Any], given: Assignments, most: int | None, *, load: bool = True
) -> Sequence[Any]:
    """The objects that fit all assignments, in the order of their primary keys.

    Arguments:
        session: the session.
        model: the model.
        given: the values of fields and relationships; none for all objects.
        most: how many are returned at most; None for all.
        load: whether loading them sends signals.

    Raises:
        InvalidValue: a field, value or key cannot be used.
    """
    refuse_unknown(model, given)
    query: Any = select(model).order_by(*(getattr(model, field) for field in key_fields(model)))
    for name, one in given.items():
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


def _carried_out(
    session: Session, model: type[Any], act: Callable[[sqlmodel.Session], T], done: str = "written"
) -> T:
    """Carry a request out; where the request itself is the cause of a failure, raise a refusal."""
    try:
        return act(session)
    except Exception as error:
        session.rollback()
        if isinstance(error, SignalcliError) or is_of_no_request(error):
            raise
        refusal = refusal_of(session, model, act, done)
        if refusal is not None:
            raise refusal from error
        raise


def _split(
    session: sqlmodel.Session, model: type[Any], given: Assignments
) -> tuple[Assignments, dict[str, Any], dict[str, Any]]:
    """The assignments to columns, the targets of relationships, and the foreign keys these set."""
    relationships = relationships_of(model)
    columns, related, known = {}, {}, {}
    for name, one in given.items():
        if name in relationships:
            related[name] = targets(session, model, one)
            known.update(foreign_keys(model, name, related[name]))
        else:
            columns[name] = one
    return columns, related, known


def _refuse_values(
    session: sqlmodel.Session,
    model: type[Any],
    values: Mapping[str, Any],
    known: Mapping[str, Any],
) -> None:
    refuse_other_kind(model, values)
    # The targets of relationships were found already.
    typed = {name: value for name, value in values.items() if name not in known}
    refuse_missing(session, model, typed)


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
    if _are_objects(before) and _are_objects(value):
        return set(map(id, before)) != set(map(id, value))
    return type(before) is not type(value) or bool(before != value)


def _are_objects(value: Any) -> bool:
    """Whether it is the collection of a relationship, rather than a list in a column."""
    return isinstance(value, list | set) and all(inspect(each, raiseerr=False) for each in value)


def _shown(value: Any) -> Any:
    """A value for a :class:`Changed`: objects are shown by their keys."""
    if _are_objects(value):
        return [key_text(key_of_instance(each)) for each in value]
    return value if inspect(value, raiseerr=False) is None else key_text(key_of_instance(value))


def _refreshed(session: Session, instance: Any) -> Any:
    """The instance as it stands in the database, unless a receiver removed it."""
    if inspect(instance).persistent:
        session.refresh(instance, list(columns_of(type(instance))))
    return instance
