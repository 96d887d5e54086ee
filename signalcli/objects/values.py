"""Values for a model's fields: given on a command line, read and checked as the model says."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from types import UnionType
from typing import Any, Literal, NoReturn, Union, get_args, get_origin

from pydantic import PydanticUserError, TypeAdapter, ValidationError
from sqlalchemy import Column, Integer, TypeDecorator, inspect
from sqlalchemy.engine.default import DefaultDialect

from signalcli.db.models import model_name
from signalcli.errors import InvalidValue
from signalcli.objects.fields import columns_of, listed, quoted

LARGEST = 2**63

_ASSIGNMENT = re.compile(r"(?P<name>[^\s=:]+)(?P<json>:?)=(?P<value>.*)", re.DOTALL)
# NUL, and halves of surrogate pairs, which UTF-8 cannot write.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Assignment:
    """A field's name and its new value, as given on a command line.

    Attributes:
        name: the name; there may be no such field.
        value: a text, which is not yet of the field's type, or a JSON value.
        is_json: whether it was given as JSON.
    """

    name: str
    value: Any
    is_json: bool = False

    @property
    def is_null(self) -> bool:
        """Whether it empties the field."""
        return self.is_json and self.value is None


Assignments = Mapping[str, Assignment]


def is_assignment(word: str) -> bool:
    """Whether a word of a command line has the form ``name=text`` or ``name:=JSON``."""
    return _ASSIGNMENT.fullmatch(word) is not None


def assignments_of(words: Iterable[str], what: str = "field") -> dict[str, Assignment]:
    """The assignments in some words of a command line, by the names of the fields.

    Arguments:
        words: the words.
        what: the noun for a field in messages.

    Raises:
        InvalidValue: a word is no assignment, its JSON is invalid, or a field is named twice.
    """
    found: dict[str, Assignment] = {}
    for word in words:
        match = _ASSIGNMENT.fullmatch(word)
        if match is None:
            raise InvalidValue(f"{quoted(word)} is no {what}; write name=value")
        name, value = match["name"], match["value"]
        if name in found:
            raise InvalidValue(f"the {what} {quoted(name)} is named twice")
        is_json = bool(match["json"])
        found[name] = Assignment(name, _json(name, value) if is_json else value, is_json)
    return found


def choices_of(model: type[Any], name: str) -> list[str]:
    """The values that a field may have, as a command line gives them, where they are few.

    These are true and false, the values of an enumeration, and those of a ``Literal``. An unknown
    field has none.
    """
    field = model.model_fields.get(name)
    return [] if field is None else _choices(field.annotation)


def _choices(annotation: Any) -> list[str]:
    if annotation is bool:
        return ["true", "false"]
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return [str(member.value) for member in annotation]
    if get_origin(annotation) is Literal:
        return [str(value) for value in get_args(annotation)]
    if get_origin(annotation) in (Union, UnionType):
        kinds = [_choices(each) for each in get_args(annotation) if each is not type(None)]
        return [choice for each in kinds for choice in each] if all(kinds) else []
    return []


def json_or_none(text: str) -> Any:
    """The value of a JSON text; None where it is not JSON."""
    try:
        return _loads(text)
    except (ValueError, RecursionError):
        return None


def _json(name: str, text: str) -> Any:
    try:
        return _loads(text)
    except (ValueError, RecursionError) as error:
        reason = error.args[0] if isinstance(error, json.JSONDecodeError) else str(error)
        raise InvalidValue(
            f"{name}:={quoted(text, name)} is not JSON: {reason}; write a text as {name}=text"
        ) from error


def _loads(text: str) -> Any:
    return json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number in it is too large")
    return number


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"there is no {word} in JSON")


def value_of_type(model: type[Any], name: str, given: Assignment) -> Any:
    """A value of a field's type, without the model's validators.

    A search uses it: there the value need not be one that the model would store.

    Raises:
        InvalidValue: the value does not fit the type.
    """
    if given.is_null:
        return None
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(model.model_fields[name].annotation)
    except PydanticUserError:
        # Only the model itself can validate this type: the value is compared as given.
        return _storable(model, name, given.value)
    try:
        value = adapter.validate_python(given.value)
    except ValidationError as error:
        try:
            value = adapter.validate_python(_readings(given)[-1])
        except ValidationError:
            raise InvalidValue(_story(model, error, {name: given}, within=name)) from error
    return _storable(model, name, value)


def new_values(model: type[Any], given: Assignments, known: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a new instance; other fields get their defaults.

    All of the model's validators run. None of its signals are sent.

    Arguments:
        model: the model.
        given: the assignments to its columns.
        known: further values, already of the right types.

    Raises:
        InvalidValue: a value is not valid, or one is missing.
    """
    values = {name: one.value for name, one in given.items()} | dict(known)
    try:
        return _validated(model, values)
    except ValidationError as error:
        unread = {place[0] for place in _places(error)}
        # A list or an object may be given as a text that is JSON.
        reread = {
            name: value
            for name, one in given.items()
            if name in unread
            for value in _readings(one)[1:]
        }
        try:
            if reread:
                return _validated(model, values | reread)
        except ValidationError:
            pass
        raise InvalidValue(_story(model, error, given)) from error


def changed_values(instance: Any, given: Assignments, known: Mapping[str, Any]) -> dict[str, Any]:
    """The new values of an instance: of the fields that are named or that a validator sets.

    The validators of the named fields run, and those of the model as a whole. Those of other fields
    do not: a validator need not accept a value that it once returned.

    Arguments:
        instance: the instance; it stays unchanged.
        given: the assignments to its columns.
        known: further values, already of the right types.

    Raises:
        InvalidValue: a value is not valid.
    """
    model = type(instance)
    draft = inspect(model).class_manager.new_instance()
    draft.__dict__.update({name: getattr(instance, name) for name in columns_of(model)})
    before = dict(draft.__dict__)
    readings: dict[str, list[Any]] = {name: _readings(one) for name, one in given.items()}
    readings |= {name: [value] for name, value in known.items()}
    problems: dict[str, ValidationError] = {}
    for name in readings:
        error = _assigned(draft, name, readings[name])
        if error is not None:
            problems[name] = error
    # A rule about several fields only counts once all new values are assigned.
    for error in problems.values():
        if _places(error):
            raise InvalidValue(_story(model, error, given)) from error
    for name in list(problems)[-1:]:
        last = _assigned(draft, name, readings[name])
        if last is not None:
            raise InvalidValue(_story(model, last, given)) from last
    after = {name: draft.__dict__.get(name) for name in columns_of(model)}
    return {
        name: _storable(model, name, value)
        for name, value in after.items()
        if name in readings or value is not before[name]
    }


def _validated(model: type[Any], values: dict[str, Any]) -> dict[str, Any]:
    draft = inspect(model).class_manager.new_instance()
    model.__pydantic_validator__.validate_python(
        values, self_instance=draft, by_alias=False, by_name=True
    )
    return {
        name: _storable(model, name, draft.__dict__[name])
        for name in columns_of(model)
        if name in draft.model_fields_set
    }


def _assigned(draft: Any, name: str, readings: Iterable[Any]) -> ValidationError | None:
    """Assign to a draft the first reading that fits; return the first error where none fits."""
    first: ValidationError | None = None
    for each in readings:
        try:
            type(draft).__pydantic_validator__.validate_assignment(
                draft, name, each, by_alias=False, by_name=True
            )
        except ValidationError as error:
            first = first or error
            if not _places(error):
                return error
        else:
            return None
    return first


def _readings(given: Assignment) -> list[Any]:
    """The values that an assignment may mean: the one given, and that of a text that is JSON."""
    as_json = None if given.is_json else json_or_none(given.value)
    return [given.value] if as_json is None else [given.value, as_json]


def _storable(model: type[Any], name: str, value: Any) -> Any:
    """The value, if a database can hold it."""
    column = columns_of(model).get(name)
    reason = "" if column is None or value is None else _objection(column, value)
    if isinstance(value, str) and _UNSTORABLE.search(value):
        reason = "has characters that no database holds; write it without"
    elif isinstance(value, int) and column is not None and isinstance(column.type, Integer):
        reason = reason if -LARGEST <= value < LARGEST else "is too large for the database"
    elif isinstance(value, float | Decimal) and math.isnan(value):
        reason = "is no number that can be compared; give another"
    if reason:
        raise InvalidValue(f"{model_name(model)}: {name} {quoted(str(value), name)} {reason}")
    return value


def _objection(column: Column[Any], value: Any) -> str:
    """Why a column type that converts values cannot convert this one; empty where it can."""
    if not isinstance(column.type, TypeDecorator):
        return ""
    try:
        column.type.process_bind_param(value, DefaultDialect())
    except NotImplementedError:
        return ""
    except (ValueError, TypeError) as error:
        if isinstance(value, datetime) and value.tzinfo is None:
            return "has no time zone; write one after it, such as Z or +01:00"
        return f"cannot be written: {' '.join(str(error).split())}"
    return ""


def _places(error: ValidationError) -> list[tuple[Any, ...]]:
    """The fields of the errors; errors of the model as a whole have none."""
    errors = error.errors(include_url=False, include_context=False)
    return [each["loc"] for each in errors if each["loc"]]


def _story(model: type[Any], error: ValidationError, given: Assignments, within: str = "") -> str:
    """All errors of the values on one line."""
    missing, stories = [], []
    for each in error.errors(include_url=False, include_context=False, include_input=False):
        place = each["loc"]
        if each["type"] == "missing" and place:
            missing.append(str(place[0]))
        else:
            stories.append(_reason((within, *place) if within else place, each["msg"], given))
    if missing:
        stories.insert(0, f"a value is missing for {listed(missing)}")
    return f"{model_name(model)}: {'; '.join(stories)}"


def _reason(place: tuple[Any, ...], message: str, given: Assignments) -> str:
    message = message[:1].lower() + " ".join(message[1:].splitlines())
    if not place:
        return message
    name = str(place[0])
    value = f" {quoted(given[name].value, name)}" if name in given else ""
    inner = "".join(f"[{part!r}]" for part in place[1:])
    return f"{name}{inner}{value}: {message}"
