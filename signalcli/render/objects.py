"""Objects of any model, as plain values for programs and as tables for people."""

import contextlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import SecretBytes, SecretStr
from pydantic_core import to_jsonable_python
from rich.console import RenderableType

from signalcli.db.models import model_name
from signalcli.objects.fields import shown_fields
from signalcli.objects.keys import key_of_instance, key_text
from signalcli.objects.operations import Changed
from signalcli.render.console import fields as fields_table
from signalcli.render.console import listing
from signalcli.secrets import MASK, is_secret_name, without_secret_values
from signalcli.trace.records import fit_for_json
from signalcli.trace.representation import describe, shorten

Row = dict[str, Any]


def object_row(instance: Any) -> Row:
    """An object for programs: ``model``, ``pk`` and ``fields``.

    Fields named like secrets are masked. Bytes are base64; numbers that JSON lacks are texts.
    """
    key = list(map(plain_value, key_of_instance(instance)))
    return {
        "model": model_name(type(instance)),
        "pk": key[0] if len(key) == 1 else key,
        "fields": _fields(instance),
    }


def changes_row(changes: Iterable[Changed]) -> Row:
    """Changes for programs: ``before`` and ``after`` of each field."""
    return {
        change.name: {
            "before": _masked(change.name, change.before),
            "after": _masked(change.name, change.after),
        }
        for change in changes
    }


def changes_story(changes: Iterable[Changed]) -> str:
    """Changes as a line for people."""
    return ", ".join(
        f"{name} {_word(each['before'])} → {_word(each['after'])}"
        for name, each in changes_row(changes).items()
    )


def object_name(row: Row) -> str:
    """The name of an object in a sentence: ``shop.Line 1,2``."""
    key = row["pk"] if isinstance(row["pk"], list) else [row["pk"]]
    return f"{row['model']} {shorten(key_text(tuple(key)))}"


def objects_view(rows: Sequence[Row]) -> RenderableType:
    """Objects as a table, one a line."""
    # Models derived from one may each have more fields.
    names = list(dict.fromkeys(name for row in rows for name in row["fields"]))
    return listing(
        names,
        [
            [shorten(_text(row["fields"][name])) if name in row["fields"] else "" for name in names]
            for row in rows
        ],
    )


def object_view(row: Row) -> RenderableType:
    """An object as names and values."""
    return fields_table([(name, _text(value)) for name, value in row["fields"].items()])


def plain_value(value: Any) -> Any:
    """A value as JSON has it."""
    plain = to_jsonable_python(value, bytes_mode="base64", fallback=describe, by_alias=False)
    return fit_for_json(plain)


def _fields(instance: Any) -> Row:
    names = shown_fields(type(instance))
    values = {name: getattr(instance, name) for name in names}
    # The model may have its own serializers. Where one fails, the plain values are shown.
    with contextlib.suppress(Exception):
        values |= instance.model_dump(include=set(names), warnings=False)
    return {name: _masked(name, values[name]) for name in names}


def _masked(name: str, value: Any) -> Any:
    if isinstance(value, SecretStr | SecretBytes):
        return MASK
    return (
        MASK
        if value is not None and is_secret_name(name)
        else without_secret_values(plain_value(value))
    )


def _text(value: Any) -> str:
    """A plain value in a cell."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _word(value: Any) -> str:
    """A plain value in a sentence."""
    return shorten(json.dumps(value, ensure_ascii=False))
