"""Primary keys as text: ``5``, or ``1,2`` for a key of two columns."""

import json
from typing import Any

from signalcli.db.models import model_name
from signalcli.objects.assignments import Assignment, json_or_none
from signalcli.objects.fields import key_fields
from signalcli.objects.refusals import InvalidInput, quoted
from signalcli.objects.values import value_of_type

Key = tuple[Any, ...]


def key_of(model: type[Any], said: Any, *, is_json: bool = False) -> Key:
    """A primary key, its values of the types of the columns.

    Arguments:
        model: the model.
        said: a text, or a JSON value. Of several columns: their values with commas between, or a
            JSON list, which a text may be, too.
        is_json: whether it is a JSON value.

    Raises:
        InvalidInput: it is no key of the model.
    """
    fields = key_fields(model)
    parts, are_json = _parts(said, len(fields), is_json)
    if len(parts) != len(fields):
        raise InvalidInput(
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
