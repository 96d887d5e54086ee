"""The installed apps, made ready once."""

import threading
from collections.abc import Iterable

from signalcli.apps.config import AppConfig
from signalcli.apps.errors import ImproperlyConfigured

INSTALLED_APPS = ("signalcli.core",)


class Apps:
    """A registry of apps. Mirrors Django's ``django.apps.registry.Apps``."""

    def __init__(self) -> None:
        self._configs: dict[str, AppConfig] = {}
        self._lock = threading.RLock()
        self._populating = False
        self.is_ready = False

    def populate(self, installed: Iterable[str] = INSTALLED_APPS) -> None:
        """Make the installed apps ready: import their models, then call ``ready()`` of each.

        Does nothing when that is done already. After a failure it can be tried again.

        Arguments:
            installed: the apps in their order; each a package or an ``AppConfig`` subclass, by
                full name.

        Raises:
            ImproperlyConfigured: an app cannot be imported, its ``ready()`` fails, or two apps
                have the same name or label.
        """
        with self._lock:
            if self.is_ready:
                return
            if self._populating:
                raise ImproperlyConfigured("the apps are being made ready; populate() calls itself")
            self._populating = True
            try:
                self._configs = _configs(installed)
                for config in self._configs.values():
                    config.import_models()
                for config in self._configs.values():
                    _make_ready(config)
                self.is_ready = True
            except ImproperlyConfigured:
                self._configs = {}
                raise
            finally:
                self._populating = False

    def get_app_configs(self) -> list[AppConfig]:
        """The installed apps, in their order."""
        return list(self._configs.values())

    def get_app_config(self, label: str) -> AppConfig:
        """The installed app with a label.

        Raises:
            LookupError: there is none.
        """
        try:
            return self._configs[label]
        except KeyError:
            raise LookupError(f"no installed app has the label {label!r}") from None


def _configs(installed: Iterable[str]) -> dict[str, AppConfig]:
    configs: dict[str, AppConfig] = {}
    names = set()
    for entry in installed:
        config = AppConfig.create(entry)
        name = config.module.__name__
        if name in names:
            raise ImproperlyConfigured(f"app {name!r} is listed twice")
        if config.label in configs:
            other = configs[config.label].module.__name__
            raise ImproperlyConfigured(
                f"apps {other!r} and {name!r} have the same label {config.label!r}"
            )
        names.add(name)
        configs[config.label] = config
    return configs


def _make_ready(config: AppConfig) -> None:
    try:
        config.ready()
    except Exception as error:
        raise ImproperlyConfigured(
            f"app {config.module.__name__!r}: ready() fails: {type(error).__name__}: {error}"
        ) from error


apps = Apps()
