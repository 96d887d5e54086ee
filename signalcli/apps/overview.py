"""The installed apps, each with what it consists of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from signalcli.apps.config import AppConfig, lies_within
from signalcli.apps.inventory import SignalEntry, find_signals
from signalcli.apps.registry import Apps, apps


@dataclass(frozen=True, slots=True)
class AppEntry:
    """An installed app, as plain data.

    Attributes:
        label: its short name.
        name: its full name.
        path: the folder of its package, or its file.
        models: the names of its models.
        signals: the names of the signals that it defines.
        receivers: the full names of its receivers that are connected.
    """

    label: str
    name: str
    path: str
    models: tuple[str, ...]
    signals: tuple[str, ...]
    receivers: tuple[str, ...]


def find_apps(installed: Apps = apps) -> list[AppEntry]:
    """The installed apps, in their order."""
    signals = find_signals(installed=installed)
    return [_entry(config, signals) for config in installed.get_app_configs()]


def _entry(config: AppConfig, found: Sequence[SignalEntry]) -> AppEntry:
    signals = ((entry.path, entry.name) for entry in found)
    receivers = ((each.receiver, each.receiver) for entry in found for each in entry.connections)
    return AppEntry(
        label=config.label,
        name=config.name,
        path=config.path,
        models=tuple(model.__name__ for model in config.get_models()),
        signals=_names_within(config, signals),
        receivers=_names_within(config, receivers),
    )


def _names_within(config: AppConfig, found: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    names = [name for path, name in found if lies_within(path, config.name)]
    return tuple(dict.fromkeys(names))
