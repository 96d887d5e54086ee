"""What is said of fields on a command line: ``name=text`` and ``name:=JSON``."""

import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NoReturn

from signalcli.objects.refusals import InvalidInput, quoted

_ASSIGNMENT = re.compile(r"(?P<name>[^\s=:]+)(?P<json>:?)=(?P<value>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Assignment:
    """A field's name, and what it is to be.

    Attributes:
        name: the name, be there such a field or not.
        value: a text, or what the JSON says.
        is_json: whether it was given as JSON; a text is still to be read as the field's type.
    """

    name: str
    value: Any
    is_json: bool = False

    @property
    def is_null(self) -> bool:
        """Whether the field is to be empty."""
        return self.is_json and self.value is None


def is_assignment(word: str) -> bool:
    """Whether a word of a command line says something of a field."""
    return _ASSIGNMENT.fullmatch(word) is not None


def assignments_of(words: Iterable[str], what: str = "field") -> dict[str, Assignment]:
    """What some words of a command line say, by the names of the fields.

    Arguments:
        words: the words.
        what: what is named there, for the messages.

    Raises:
        InvalidInput: a word is no assignment, its JSON is none, or a field is named twice.
    """
    found: dict[str, Assignment] = {}
    for word in words:
        match = _ASSIGNMENT.fullmatch(word)
        if match is None:
            raise InvalidInput(f"{quoted(word)} is no {what}; write name=value")
        name, value = match["name"], match["value"]
        if name in found:
            raise InvalidInput(f"the {what} {quoted(name)} is named twice")
        is_json = bool(match["json"])
        found[name] = Assignment(name, _json(name, value) if is_json else value, is_json)
    return found


def json_or_none(text: str) -> Any:
    """What a text says as JSON; None where it is none."""
    try:
        return _loads(text)
    except (ValueError, RecursionError):
        return None


def _json(name: str, text: str) -> Any:
    try:
        return _loads(text)
    except (ValueError, RecursionError) as error:
        reason = error.args[0] if isinstance(error, json.JSONDecodeError) else str(error)
        raise InvalidInput(
            f"{name}:={quoted(text, name)} is no JSON: {reason}; a text is given as {name}=text"
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
