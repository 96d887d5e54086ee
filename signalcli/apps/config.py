"""The configuration of an app: its name, label, models and start."""

import inspect
import sys
from types import ModuleType
from typing import Any, ClassVar

from signalcli.apps.errors import ImproperlyConfigured
from signalcli.apps.importing import FILE_SUFFIX, exists, import_file, import_for

APPS_MODULE = "apps"
MODELS_MODULE = "models"


class AppConfig:
    """Describes an app. Mirrors Django's ``django.apps.AppConfig``.

    An app's ``apps`` module defines one subclass::

        class ShopConfig(AppConfig):
            name = "shop"

            def ready(self) -> None:
                from shop import signals

    Attributes:
        name: the full name of the app's package.
        label: a short name, unique among the installed apps; by default the last part of
            ``name``.
        module: the package.
        models_module: its ``models``, once imported; None where it has none.
        default: True marks the config to take among several in one ``apps`` module; one with
            False is only taken where it is named.
    """

    name: str
    label: str
    default: ClassVar[bool]

    def __init__(self, name: str, module: ModuleType) -> None:
        self.name = name
        self.module = module
        self.models_module: ModuleType | None = None
        if not hasattr(self, "label"):
            self.label = name.rpartition(".")[2]
        if not self.label.isidentifier():
            raise ImproperlyConfigured(f"app {name!r}: the label {self.label!r} is no identifier")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.label}>"

    @classmethod
    def create(cls, entry: str) -> "AppConfig":
        """Make the config of an installed app.

        Arguments:
            entry: the name of a package or module, or of an ``AppConfig`` subclass, or the path
                of a lone file: ``shop``, ``shop.apps.ShopConfig``, or ``orders/shop.py``.

        Raises:
            ImproperlyConfigured: there is no such app, it cannot be imported, or it has several
                configs and marks none as the default.
        """
        if entry.endswith(FILE_SUFFIX):
            module = import_file(entry)
            return _of_module(entry, module.__name__, module)
        if exists(entry, entry):
            return _of_module(entry, entry, import_for(entry, entry))
        parent, _, name = entry.rpartition(".")
        config = None
        if parent and exists(entry, parent):
            config = getattr(import_for(entry, parent), name, None)
        if not (inspect.isclass(config) and issubclass(config, AppConfig)):
            raise ImproperlyConfigured(f"app {entry!r}: no such package, file or AppConfig")
        return _made(config, entry)

    @property
    def path(self) -> str:
        """The file of the module, or the folder of the package."""
        file = getattr(self.module, "__file__", None) or ""
        folders = list(getattr(self.module, "__path__", ()))
        return str(folders[0]) if folders else file

    @property
    def is_package(self) -> bool:
        """Whether the app is a package, rather than a lone module."""
        return hasattr(self.module, "__path__")

    def import_models(self) -> None:
        """Import the app's ``models``, where it has such a module; a lone module has its own.

        Raises:
            ImproperlyConfigured: the import fails.
        """
        if not self.is_package:
            self.models_module = self.module if self.get_models() else None
            return
        name = f"{self.module.__name__}.{MODELS_MODULE}"
        if exists(self.name, name):
            self.models_module = import_for(self.module.__name__, name)

    def get_models(self) -> list[type[Any]]:
        """The SQLModel classes with a table that the app's modules define, in that order."""
        from sqlmodel import SQLModel

        from signalcli.db.models import mapped_models

        return [
            model for model in mapped_models(SQLModel) if lies_within(model.__module__, self.name)
        ]

    def ready(self) -> None:
        """Called once when all models are imported; subclasses connect their receivers here."""


def lies_within(module: str, package: str) -> bool:
    """Whether a module is this package, or lies somewhere within."""
    return module == package or module.startswith(f"{package}.")


def _of_module(entry: str, name: str, module: ModuleType) -> AppConfig:
    config = _only_config_of(name, module)
    return AppConfig(name, module) if config is None else _made(config, entry)


def _made(config: type[AppConfig], entry: str) -> AppConfig:
    name = getattr(config, "name", None)
    if not isinstance(name, str):
        raise ImproperlyConfigured(f"app {entry!r}: {config.__qualname__} has no name")
    if name not in sys.modules and not exists(entry, name):
        raise ImproperlyConfigured(
            f"app {entry!r}: {config.__qualname__} names no package: {name!r}"
        )
    return config(name, import_for(entry, name))


def _only_config_of(package: str, module: ModuleType) -> type[AppConfig] | None:
    """The config that an app's ``apps`` module defines, or a lone module itself."""
    if hasattr(module, "__path__"):
        name = f"{package}.{APPS_MODULE}"
        if not exists(package, name):
            return None
        module = import_for(package, name)
    configs = [
        value
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, AppConfig)
        and value is not AppConfig
        and getattr(value, "default", True)
    ]
    if len(configs) > 1:
        configs = [config for config in configs if hasattr(config, "default")]
        if len(configs) != 1:
            raise ImproperlyConfigured(
                f"app {package!r}: {module.__name__} defines several AppConfigs; name the one that "
                "is meant"
            )
    return configs[0] if configs else None
