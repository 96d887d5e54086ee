"""Installed apps, and one that was just begun, as tables and as rows for programs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType

from signalcli.apps.overview import AppEntry
from signalcli.render.listing import listing
from signalcli.render.text import plain
from signalcli.trace.names import short_name

if TYPE_CHECKING:
    from signalcli.apps.starting import Started


def apps_view(entries: Sequence[AppEntry], source: str) -> RenderableType:
    """A table of apps, and where the list comes from."""
    table = listing(
        ("Label", "App", "Models", "Signals", "Receivers", "Path"),
        (
            (
                entry.label,
                entry.name,
                _lines(entry.models),
                _lines(entry.signals),
                _lines([short_name(receiver) for receiver in entry.receivers]),
                entry.path,
            )
            for entry in entries
        ),
    )
    return Group(table, plain(f"Installed by {source}"))


def app_row(entry: AppEntry, source: str) -> dict[str, Any]:
    """An app for programs, with what says that it is installed."""
    return {
        "label": entry.label,
        "name": entry.name,
        "path": entry.path,
        "models": list(entry.models),
        "signals": list(entry.signals),
        "receivers": list(entry.receivers),
        "source": source,
    }


def started_view(started: "Started") -> RenderableType:
    """What was written, and how to run it."""
    lines = [f"Wrote {file}" for file in started.files]
    return Group(*map(plain, [*lines, "Try it:", *(f"  {line}" for line in started.try_it)]))


def _lines(names: Sequence[str]) -> str:
    return "\n".join(names)
