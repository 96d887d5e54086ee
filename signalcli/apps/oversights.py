"""Oversights: why receivers that an app defines never run, although nothing fails."""

import re
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from signalcli.apps.config import AppConfig, lies_within
from signalcli.apps.django import instead_of
from signalcli.apps.registry import Apps, apps

# Where apps keep their receivers, by custom.
MODULES = ("receivers", "signals", "handlers")

_CONNECTS = re.compile(r"\breceiver\(|\.connect\(")


@dataclass(frozen=True, slots=True)
class Oversight:
    """Receivers of an app that nobody can hear.

    Attributes:
        message: one line for people: which file, and what to write instead.
        words: the words of that file, the names of the signals among them.
    """

    message: str
    words: frozenset[str]

    def concerns(self, signals: Collection[str]) -> bool:
        """Whether the receivers may listen to a signal of one of these short names."""
        return not self.words.isdisjoint(signals)


def find_oversights(installed: Apps = apps) -> list[Oversight]:
    """The oversights in the installed apps, in the apps' order."""
    return [each for config in installed.get_app_configs() for each in _of(config)]


def _of(config: AppConfig) -> Iterator[Oversight]:
    if config.is_package:
        yield from _never_imported(config)
    if "django.dispatch" in sys.modules:
        yield from _of_django(config)


def _never_imported(config: AppConfig) -> Iterator[Oversight]:
    for name in MODULES:
        places = (f"{name}.py", f"{name}/__init__.py")
        files = [file for place in places if (file := Path(config.path, place)).is_file()]
        if not files or f"{config.name}.{name}" in sys.modules:
            continue
        text = _text(files[0])
        if _CONNECTS.search(text) is None:
            continue
        line = f"`from {config.name} import {name}`"
        if type(config) is AppConfig:
            where = f"{line} in the ready() of an AppConfig in {config.name}.apps"
        else:
            where = f"{line} in ready() of {type(config).__module__}.{type(config).__qualname__}"
        yield Oversight(
            f"app {config.name!r}: nobody imports {config.name}.{name}, so its receivers are not "
            f"connected; write {where}",
            _words(text),
        )


def _of_django(config: AppConfig) -> Iterator[Oversight]:
    """What uses Django's signals, where Django is there."""
    for name, module in list(sys.modules.items()):
        if not lies_within(name, config.name) or not isinstance(module, ModuleType):
            continue
        foreign = _django_name(module)
        if foreign is not None:
            yield Oversight(
                f"app {config.name!r}: {name} uses {foreign}, whose signals no command sends; "
                f"{instead_of(foreign)}",
                _words(_text(Path(module.__file__ or ""))),
            )


def _django_name(module: ModuleType) -> str | None:
    """The module of Django's that a module has signals from, or the decorator for receivers."""
    names = ("django.dispatch", "django.db.models.signals")
    dispatch, models = (sys.modules.get(name) for name in names)
    known = [value for value in (dispatch, models) if value is not None]
    for value in list(vars(module).values()):
        if any(value is each for each in known):
            return str(value.__name__)
        if isinstance(value, dispatch.Signal):  # type: ignore[union-attr]  # it is imported
            is_of_models = any(value is each for each in vars(models).values()) if models else False
            return names[is_of_models]
        if value is dispatch.receiver:  # type: ignore[union-attr]  # it is imported
            return names[0]
    return None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text))
