"""What an app says of itself."""

import inspect
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any, ClassVar

from signalcli.apps.errors import ImproperlyConfigured

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
        default: of several configs in one ``apps`` module, the one to take says True; one that
            says False is only taken where it is named.
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
            entry: the name of a package, or of an ``AppConfig`` subclass: ``shop`` or
                ``shop.apps.ShopConfig``.

        Raises:
            ImproperlyConfigured: there is no such app, it cannot be imported, or it does not say
                which of several configs is meant.
        """
        module = _import(entry, entry) if _exists(entry) else None
        if module is not None:
            config = _only_config_of(entry)
            return AppConfig(entry, module) if config is None else _made(config, entry)
        parent, _, name = entry.rpartition(".")
        config = getattr(_import(parent, entry), name, None) if parent and _exists(parent) else None
        if not (inspect.isclass(config) and issubclass(config, AppConfig)):
            raise ImproperlyConfigured(f"app {entry!r}: no such package, and no such AppConfig")
        return _made(config, entry)

    def import_models(self) -> None:
        """Import the app's ``models``, where it has such a module.

        Raises:
            ImproperlyConfigured: the import fails.
        """
        name = f"{self.module.__name__}.{MODELS_MODULE}"
        if hasattr(self.module, "__path__") and _exists(name):
            self.models_module = _import(name, self.module.__name__)

    def ready(self) -> None:
        """Called once when all models are imported; subclasses connect their receivers here."""


def _made(config: type[AppConfig], entry: str) -> AppConfig:
    name = getattr(config, "name", None)
    if not isinstance(name, str):
        raise ImproperlyConfigured(f"app {entry!r}: {config.__qualname__} has no name")
    if not _exists(name):
        raise ImproperlyConfigured(
            f"app {entry!r}: {config.__qualname__} names no package: {name!r}"
        )
    return config(name, _import(name, entry))


def _only_config_of(package: str) -> type[AppConfig] | None:
    """The config that an app's ``apps`` module defines, if it has one."""
    name = f"{package}.{APPS_MODULE}"
    if not _exists(name):
        return None
    module = _import(name, package)
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
                f"app {package!r}: {name} defines several AppConfigs; name the one that is meant"
            )
    return configs[0] if configs else None


def _exists(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError, AttributeError):
        return False


def _import(module: str, entry: str) -> Any:
    try:
        return import_module(module)
    except Exception as error:
        raise ImproperlyConfigured(
            f"app {entry!r}: {module} cannot be imported: {type(error).__name__}: {error}"
        ) from error
