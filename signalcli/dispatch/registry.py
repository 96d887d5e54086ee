"""Every signal that lives, for tools that list them."""

import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from signalcli.dispatch.signal import Signal

# Keyed by the id of the reference, which lives as long as it stands here. There is no lock: each
# step below is one operation of a dict, so that threads cannot come between, and a signal that
# the garbage collector buries in the middle of another step finds nothing held.
_living: "dict[int, weakref.ref[Signal]]" = {}


def register(signal: "Signal") -> None:
    """Have a new signal listed for as long as it lives, which this does not prolong."""
    reference = weakref.ref(signal, _bury)
    _living[id(reference)] = reference


def all_signals() -> "list[Signal]":
    """Every signal that lives, in the order in which they were made."""
    references = list(_living.values())
    return [signal for refer in references if (signal := refer()) is not None]


def _bury(reference: "weakref.ref[Signal]") -> None:
    _living.pop(id(reference), None)
