"""Why a request for objects cannot be carried out."""

from collections.abc import Iterable
from typing import Any

from signalcli.errors import AlreadyExists, InvalidValue, NotFound, SignalcliError
from signalcli.trace.representation import MASK, represent, shorten


class Refusal(SignalcliError):
    """A request that cannot be carried out; the message says why, and what to do."""


class InvalidInput(Refusal, InvalidValue):
    """A field, a value or a key cannot be used."""


class NoSuchObject(Refusal, NotFound):
    """There is no such object."""


class ObjectExists(Refusal, AlreadyExists):
    """An object that has the same values in columns that have to be unique is there already."""


def quoted(value: Any, name: str = "") -> str:
    """A value as a message quotes it: on one line, cut where it is long, masked where secret.

    Arguments:
        value: the value, mostly a text.
        name: the name of the field that it is meant for.
    """
    if is_secret(name):
        return MASK
    return shorten(repr(represent(value)))


def is_secret(name: str) -> bool:
    """Whether a field's name says that its value is not to be shown."""
    return represent("", name) == MASK


def listed(names: Iterable[str]) -> str:
    """Names in a sentence."""
    return ", ".join(names)
