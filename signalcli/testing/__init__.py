"""Testing receivers: the dispatches of a test, and assertions about them.

pytest gives a test the fixture ``dispatches`` (see :mod:`signalcli.testing.plugin`). Other test
runners use :func:`record_dispatches`. Each name is imported when it is first used, since pytest
imports this package in every run.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from signalcli.testing.dispatches import Dispatches as Dispatches
    from signalcli.testing.dispatches import record_dispatches as record_dispatches
    from signalcli.testing.record import RecordedDispatch as RecordedDispatch
    from signalcli.testing.record import RecordedResponse as RecordedResponse

__all__ = ["Dispatches", "RecordedDispatch", "RecordedResponse", "record_dispatches"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from signalcli.testing import dispatches, record

    return getattr(record if hasattr(record, name) else dispatches, name)
