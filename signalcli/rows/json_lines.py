"""Rows as JSON Lines: an object of texts in each line."""

import json
from collections.abc import Iterator
from typing import Any

from signalcli.rows.errors import named
from signalcli.rows.row import BadRow, Columns, Row
from signalcli.rows.source import LONGEST, Lines, encoding_fault

_BLANK = b" \t\r\n"


class _Bad(ValueError):
    """A line cannot be used; the message says why."""


class JsonLines:
    """The rows of a file in JSON Lines.

    A value is a text. ``null`` counts as a missing key. Numbers and booleans are refused, since
    nobody can tell which text ``1.0`` or ``true`` stands for.
    """

    def __init__(self, lines: Lines, columns: Columns) -> None:
        """Begin with the first line.

        Arguments:
            lines: the file's lines.
            columns: the keys that an object must and may have.
        """
        self._lines = lines
        self._columns = columns
        self._decode = json.JSONDecoder(object_pairs_hook=_object).decode

    def __iter__(self) -> Iterator[Row | BadRow]:
        """The rows in order."""
        number, lines = 0, self._lines
        for line in lines:
            if line.strip(_BLANK):
                number += 1
                try:
                    yield Row(number, lines.number, self._values(line))
                except _Bad as error:
                    yield BadRow(number, lines.number, str(error))

    def _values(self, line: bytes) -> dict[str, str]:
        if len(line) >= LONGEST:
            for _ in self._lines.rest_of(line):
                pass
            raise _Bad(f"too long, with {LONGEST:,} bytes or more")
        values = self._parsed(line)
        if type(values) is not dict:
            raise _Bad(f"no JSON object, but {_kind(values)}")
        for key, value in values.items():
            if type(value) is not str and value is not None:
                raise _Bad(f"{named(key)} is {_kind(value)}; write a text in quotes")
        if None in values.values():
            values = {key: value for key, value in values.items() if value is not None}
        # Escapes can write characters that UTF-8 cannot.
        if b"\\u" in line and not all(map(_is_storable, values.values())):
            raise _Bad("an escape for a NUL, or for half of a surrogate pair")
        fault = self._columns.fault_of_keys(values)
        if fault is not None:
            raise _Bad(fault)
        return values

    def _parsed(self, line: bytes) -> Any:
        try:
            return self._decode(line.decode().rstrip())
        except UnicodeDecodeError as error:
            raise _Bad(encoding_fault(error)) from error
        except json.JSONDecodeError as error:
            story = f"no JSON: {error.msg} at character {error.colno}"
            raise _Bad("a NUL byte" if b"\0" in line else story) from error
        except RecursionError as error:
            raise _Bad("JSON that is nested too deeply") from error
        except _Bad:
            raise
        except ValueError as error:
            # A number with thousands of digits raises it.
            raise _Bad("JSON with a number that is too large") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        doubled = next(key for key in keys if keys.count(key) > 1)
        raise _Bad(f"the key {named(doubled)} is there twice")
    return found


def _kind(value: Any) -> str:
    """The JSON name of a value's type."""
    if isinstance(value, bool):
        return "a boolean"
    kinds = {dict: "an object", list: "an array", str: "a text", type(None): "null"}
    return kinds.get(type(value), "a number")


def _is_storable(text: str) -> bool:
    """Whether UTF-8 and databases can hold a text: no NUL, no half of a surrogate pair."""
    if "\0" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
