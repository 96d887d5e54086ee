"""The installed apps: the list of them, and the registry that makes them ready once."""

import inspect
import os
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any, TypeVar

from signalcli.apps.config import (
    FILE_SUFFIX,
    AppConfig,
    ImproperlyConfigured,
    is_failure,
    place_text,
    reported,
)
from signalcli.apps.settings_file import INSTALLED_APPS as LISTED_APPS
from signalcli.apps.settings_file import SettingsFile
from signalcli.errors import InvalidValue, NotFound

T = TypeVar("T")
INSTALLED_APPS = ("signalcli.core",)
VARIABLE = "SIGNALCLI_INSTALLED_APPS"
OPTION = "--app"
DEFAULT = "default"


class ModelNotFound(NotFound, LookupError):
    """No installed app has a model with that name; a LookupError, as in Django."""


class AmbiguousModel(InvalidValue, LookupError):
    """Several models of the installed apps have that name; a LookupError, too."""


class Apps:
    """A registry of apps. Mirrors Django's ``django.apps.registry.Apps``.

    Attributes:
        is_ready: whether the apps are ready.
        failure: why they are not, where making them ready has failed.
        seen_tables: the last database that lacked none of the apps' tables, as
            :func:`signalcli.apps.tables.bring_up_to_date` saw it.
    """

    def __init__(self) -> None:
        self._configs: dict[str, AppConfig] = {}
        self._lock = threading.RLock()
        self._populating = False
        self.is_ready = False
        self.failure: ImproperlyConfigured | None = None
        self.seen_tables: object = None

    def populate(self, installed: Iterable[str] = INSTALLED_APPS) -> None:
        """Make the installed apps ready: import their models, then call ``ready()`` of each.

        A second call does nothing; after a failure it tries again.

        Arguments:
            installed: the apps in their order. Each is the full name of a package, module or
                ``AppConfig`` subclass, or the path of a lone file.

        Raises:
            ImproperlyConfigured: an app cannot be imported, its models or its ``ready()`` fail, or
                two apps have the same name or label.
        """
        with self._lock:
            if self.is_ready:
                return
            if self._populating:
                raise ImproperlyConfigured("the apps are being made ready; populate() calls itself")
            self._populating = True
            try:
                self._configs = _configs(installed)
                configs = self.get_app_configs()
                _label_models(configs)
                for config in configs:
                    config.import_models()
                _complete_models(configs)
                for config in configs:
                    with reported(config.name, "ready() fails"):
                        config.ready()
                self.is_ready, self.failure = True, None
            except ImproperlyConfigured as error:
                self._configs, self.failure = {}, error
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

    def is_installed(self, name: str) -> bool:
        """Whether an app of that full name is installed, as Django's ``is_installed``."""
        return any(config.name == name for config in self._configs.values())

    def get_models(self) -> list[type[Any]]:
        """The models of the installed apps, app by app."""
        models = [model for config in self._configs.values() for model in config.get_models()]
        return list(dict.fromkeys(models))

    def get_model(self, name: str) -> type[Any]:
        """The model of a name: ``shop.Order``, ``shop.models.Order``, or ``Order`` if unambiguous.

        Case counts only where models differ in nothing else.

        Raises:
            ModelNotFound: no model has the name; a LookupError, as in Django.
            AmbiguousModel: several models have the name; a LookupError, too.
        """
        return _model_of(self.get_models(), name)


def _configs(installed: Iterable[str]) -> dict[str, AppConfig]:
    configs: dict[str, AppConfig] = {}
    names = set()
    for entry in installed:
        config = AppConfig.create(entry)
        name = config.module.__name__
        if name in names:
            raise ImproperlyConfigured(f"app {name!r} is listed twice")
        if config.label in configs:
            other = configs[config.label]
            raise ImproperlyConfigured(
                f"app {name!r} has the same label {config.label!r} as app {other.name!r} "
                f"({_place_of(config)} and {_place_of(other)}); give one of them an AppConfig with "
                "another label"
            )
        names.add(name)
        configs[config.label] = config
    return configs


def _place_of(config: AppConfig) -> str:
    """The place of an app's label: its config, or the first line of its module."""
    if type(config) is not AppConfig:
        return _place_of_class(type(config))
    return place_text(getattr(config.module, "__file__", None) or config.path, 1)


def _place_of_class(target: type[Any]) -> str:
    try:
        return place_text(inspect.getsourcefile(target) or "", inspect.getsourcelines(target)[1])
    except (OSError, TypeError):
        return target.__module__


def _label_models(configs: Iterable[AppConfig]) -> None:
    from signalcli.db.models import label_package

    for config in configs:
        label_package(config.name, config.label)


def _complete_models(configs: Iterable[AppConfig]) -> None:
    """Have SQLAlchemy resolve the references between models, now that all are imported."""
    from sqlalchemy import inspect as mapper_of

    models = [(config, model) for config in configs for model in config.get_models()]
    for asked in models:
        try:
            mapper = mapper_of(asked[1])
            mapper.relationships.keys()
            # Looking at a column resolves the foreign key, or raises.
            _ = [key.column for table in mapper.tables for key in table.foreign_keys]
        except BaseException as error:
            if not is_failure(error):
                raise
            story = " ".join(str(error).split())
            # SQLAlchemy completes all models at once, and names the one at fault.
            at_fault = (each for each in models if str(mapper_of(each[1])) in story)
            config, model = next(at_fault, asked)
            raise ImproperlyConfigured(
                f"app {config.name!r}: the model {model.__name__} cannot be used: "
                f"{type(error).__name__}: {story} ({_place_of_class(model)})"
            ) from error


def named(names: Mapping[T, Sequence[str]], name: str) -> list[T]:
    """Those that have a name; where none has it, those that have it but for upper and lower case.

    Arguments:
        names: the names of each.
        name: the name that is sought.
    """
    folded = name.casefold()
    return [each for each in names if name in names[each]] or [
        each for each in names if folded in map(str.casefold, names[each])
    ]


def names_of(model: type[Any]) -> list[str]:
    """The names by which a model is found: the short one, that with its app, the full one."""
    from signalcli.db.models import model_name

    return [model.__name__, model_name(model), f"{model.__module__}.{model.__qualname__}"]


def _model_of(models: Sequence[type[Any]], name: str) -> type[Any]:
    from signalcli.trace.representation import describe, shorten

    names = {model: names_of(model) for model in models}
    found = named(names, name)
    if len(found) == 1:
        return found[0]
    if found:
        labels = [names[model][1] for model in found]
        if len(set(labels)) < len(labels):
            labels = [names[model][2] for model in found]
        raise AmbiguousModel(
            f"several models are called {describe(name)}; write {' or '.join(labels)}"
        )
    folded_names = {one.casefold(): names[model][1] for model in models for one in names[model][:2]}
    close = [folded_names[one] for one in get_close_matches(name.casefold(), folded_names)]
    known = list(dict.fromkeys(close)) or sorted(label for _, label, _ in names.values())
    hint = "did you mean" if close else "there are"
    listed = ", ".join(known) if known else "none at all"
    raise ModelNotFound(f"there is no model {describe(name)}; {hint} {shorten(listed)}")


apps = Apps()


@dataclass(frozen=True, slots=True)
class Installed:
    """The list of installed apps.

    Attributes:
        names: the apps, in their order; see :meth:`signalcli.apps.Apps.populate`.
        source: the origin of the list: an option, a variable, the path of a file, or ``default``.
        folders: the folders that the apps may be imported from.
    """

    names: tuple[str, ...]
    source: str
    folders: tuple[Path, ...] = ()


def find_installed(
    named: Sequence[str] = (),
    file: SettingsFile | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Installed:
    """The installed apps: those named, or else those of the variable, of a file, or the demo app.

    Arguments:
        named: the apps that ``--app`` names.
        file: the settings file, as :func:`signalcli.apps.settings_file.find_settings_file` finds
            it; None where there is none.
        environment: the variables; ``SIGNALCLI_INSTALLED_APPS`` separates apps by commas.

    Raises:
        ImproperlyConfigured: the working directory is gone.
    """
    here = _working_directory()
    if named:
        return _installed(named, OPTION, [here])
    variable = [name.strip() for name in environment.get(VARIABLE, "").split(",")]
    if any(variable):
        return _installed(filter(None, variable), VARIABLE, [here])
    names = None if file is None else file.values.get(LISTED_APPS)
    if file is None or names is None:
        return Installed(INSTALLED_APPS, DEFAULT)
    return _installed(names, str(file.path), [here, file.path.parent])


def make_ready(installed: Installed, registry: Apps = apps) -> None:
    """Make installed apps ready, as :func:`find_installed` lists them; see :meth:`Apps.populate`.

    The working directory becomes importable, as under ``manage.py``, and so does the folder of the
    file that lists the apps. Apps are looked for there first, and other modules there last: no file
    there can take the place of a library.

    Raises:
        ImproperlyConfigured: an app is broken.
    """
    with _importable(installed):
        registry.populate(installed.names)


def _installed(names: Iterable[str], source: str, folders: Sequence[Path]) -> Installed:
    # Paths in a file are relative to that file.
    base = folders[-1]
    resolved = tuple(
        str(base / name) if name.endswith(FILE_SUFFIX) and source != OPTION else name
        for name in names
    )
    own = [(base / name).parent for name in resolved if name.endswith(FILE_SUFFIX)]
    return Installed(resolved, source, tuple(dict.fromkeys([*folders, *own])))


def _working_directory() -> Path:
    try:
        return Path.cwd()
    except OSError as error:
        raise ImproperlyConfigured(f"the working directory is gone: {error.strerror}") from error


class _AppFinder:
    """Finds the installed apps in their folders, and no other module there."""

    def __init__(self, installed: Installed) -> None:
        self._packages = {name.partition(".")[0] for name in installed.names}
        self._folders = [str(folder) for folder in installed.folders]

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: object = None
    ) -> ModuleSpec | None:
        """Called by the import system; None leaves the module to the other finders."""
        return PathFinder.find_spec(name, self._folders) if name in self._packages else None


@contextmanager
def _importable(installed: Installed) -> Iterator[None]:
    finder = _AppFinder(installed)
    sys.path.extend(str(folder) for folder in installed.folders if str(folder) not in sys.path)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
