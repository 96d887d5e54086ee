"""The configuration of an app: its name, label, models and start; and the import of its modules."""

import contextlib
import inspect
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from traceback import walk_tb
from types import FrameType, ModuleType
from typing import Any, ClassVar

from signalcli.apps.django import advice
from signalcli.errors import SignalcliError

FILE_SUFFIX = ".py"


class ImproperlyConfigured(SignalcliError):
    """An installed app cannot be used: not found, broken, or listed twice."""

    exit_code = 2
    code = "app"


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
        default: True marks the config to take among several in one ``apps`` module. A config with
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
        """Import the app's ``models`` module, if there is one; a lone module has its own models.

        Raises:
            ImproperlyConfigured: the import fails.
        """
        if not self.is_package:
            self.models_module = self.module if self.get_models() else None
            return
        name = f"{self.module.__name__}.models"
        if exists(self.name, name):
            self.models_module = import_for(self.module.__name__, name)

    def get_models(self) -> list[type[Any]]:
        """The SQLModel classes with a table that the app's modules define, in that order."""
        # Whoever describes an app does not need SQLAlchemy yet.
        from sqlmodel import SQLModel

        from signalcli.db.models import mapped_models

        return [
            model for model in mapped_models(SQLModel) if lies_within(model.__module__, self.name)
        ]

    def ready(self) -> None:
        """Called once after all models are imported; subclasses connect their receivers here."""


def lies_within(module: str, package: str) -> bool:
    """Whether a module is this package, or lies somewhere inside it."""
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
    """The config that is defined in an app's ``apps`` module, or in a lone module."""
    if hasattr(module, "__path__"):
        name = f"{package}.apps"
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
                f"app {package!r}: {module.__name__} defines several AppConfigs; name one of them"
            )
    return configs[0] if configs else None


def is_failure(error: BaseException) -> bool:
    """Whether this exception means a broken app, and not the end of the process.

    An app that exits while it is imported is broken, too, and so is one that raises a
    BaseException of its own (as pytest's ``skip()`` does).
    """
    if isinstance(error, KeyboardInterrupt | GeneratorExit):
        return False
    # signalcli's own exceptions that are no Exception end the process.
    package = type(error).__module__.partition(".")[0]
    return isinstance(error, Exception) or package != __name__.partition(".")[0]


def exists(app: str, module: str) -> bool:
    """Whether there is a module of that name. To find out, the packages above it are imported.

    Raises:
        ImproperlyConfigured: a package above it cannot be imported; the message says where.
    """
    parent = module.rpartition(".")[0]
    if parent:
        if not exists(app, parent):
            return False
        import_for(app, parent)
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError, AttributeError):
        return False


def import_for(app: str, module: str) -> Any:
    """Import a module of an app.

    Raises:
        ImproperlyConfigured: the import fails; the message says where.
    """
    with reported(app, f"{module} cannot be imported"):
        return import_module(module)


def import_file(entry: str) -> ModuleType:
    """Import a lone file as a module of the same name.

    Raises:
        ImproperlyConfigured: there is no such file, its name cannot be a module's or is another
            module's, or the import fails.
    """
    path = Path(entry)
    name = path.stem
    if not path.is_file():
        raise ImproperlyConfigured(f"app {entry!r}: there is no such file")
    if not name.isidentifier():
        raise ImproperlyConfigured(f"app {entry!r}: {name!r} is no name for a module")
    loaded = sys.modules.get(name)
    if loaded is not None:
        file = getattr(loaded, "__file__", None)
        if file is not None and Path(file).resolve() == path.resolve():
            return loaded
        raise ImproperlyConfigured(
            f"app {entry!r}: there is another module called {name!r}; rename the file"
        )
    spec = spec_from_file_location(name, path.resolve())
    if spec is None or spec.loader is None:
        raise ImproperlyConfigured(f"app {entry!r}: this is no Python file")
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        with reported(entry, "it cannot be imported"):
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


@contextlib.contextmanager
def reported(app: str, what: str) -> Iterator[None]:
    """Report an error in an app's code, with the file and line of its cause.

    Raises:
        ImproperlyConfigured: the code of the block failed.
    """
    try:
        yield
    except BaseException as error:
        if not is_failure(error):
            raise
        story = " ".join(f"{type(error).__name__}: {_message_of(error)}".split()).rstrip(":")
        place = _cause(app, error)
        said = f"app {app!r}: {what}: {story}" + (f" ({place_text(*place)})" if place else "")
        instead = advice(error, place)
        raise ImproperlyConfigured(f"{said}; {instead}" if instead else said) from error


def place_text(file: str, line: int) -> str:
    """A file and line for people, relative to the working directory where it lies below."""
    path = Path(file)
    with contextlib.suppress(ValueError, OSError):
        path = path.relative_to(Path.cwd())
    return f"{path}:{line}"


def _message_of(error: BaseException) -> str:
    # A syntax error repeats its file and line in its text.
    message = error.msg if isinstance(error, SyntaxError) else error
    try:
        return str(message)
    except Exception as broken:
        return f"(its message cannot be had: {type(broken).__name__})"


def _cause(app: str, error: BaseException) -> tuple[str, int] | None:
    """The last place outside libraries, most likely the one to mend."""
    # Whoever only reads the list of the apps does not need SQLAlchemy, which this loads.
    from signalcli.trace.representation import is_library

    if isinstance(error, SyntaxError) and error.filename:
        return error.filename, error.lineno or 0
    # Ours is one package of many parts, of which an app is one.
    package = ".".join(app.split(".")[: 2 if app.startswith("signalcli.") else 1])
    places = [
        (file, line, is_library(file) and not _lies_within(frame, package))
        for frame, line in walk_tb(error.__traceback__)
        # Frozen and generated code stands in no file.
        if not (file := frame.f_code.co_filename).startswith("<")
    ]
    chosen = [place for place in places if not place[2]] or places
    return chosen[-1][:2] if chosen else None


def _lies_within(frame: FrameType, package: str) -> bool:
    return lies_within(str(frame.f_globals.get("__name__", "")), package)
