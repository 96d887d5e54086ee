"""The registry of installed apps, which makes them ready once."""

import inspect
import threading
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

from signalcli.apps.config import AppConfig
from signalcli.apps.errors import AmbiguousModel, ImproperlyConfigured, ModelNotFound
from signalcli.apps.importing import is_failure, load_failure, place_text

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

        A second call does nothing; after a failure it tries again.

        Arguments:
            installed: the apps in their order; each a package or module or an ``AppConfig``
                subclass, by full name, or the path of a lone file.

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
                _label_models(self._configs.values())
                for config in self._configs.values():
                    config.import_models()
                _complete_models(self._configs.values())
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

    def is_installed(self, name: str) -> bool:
        """Whether an app of that full name is installed, as Django's ``is_installed``."""
        return any(config.name == name for config in self._configs.values())

    def get_models(self) -> list[type[Any]]:
        """The models of the installed apps, app by app."""
        models = [model for config in self._configs.values() for model in config.get_models()]
        return list(dict.fromkeys(models))

    def get_model(self, name: str) -> type[Any]:
        """The model of a name: ``shop.Order``, ``shop.models.Order``, or ``Order`` if unambiguous.

        Case only counts where models differ in nothing else.

        Raises:
            ModelNotFound: there is none; a LookupError, as in Django.
            AmbiguousModel: there are several; likewise.
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
    """Have SQLAlchemy resolve what models refer to, now that all of them are imported."""
    from sqlalchemy import inspect as mapper_of

    models = [(config, model) for config in configs for model in config.get_models()]
    for asked in models:
        try:
            _look_at_references(mapper_of(asked[1]))
        except BaseException as error:
            if not is_failure(error):
                raise
            story = " ".join(str(error).split())
            # SQLAlchemy completes all models whichever is asked, and names the one at fault.
            at_fault = (each for each in models if str(mapper_of(each[1])) in story)
            config, model = next(at_fault, asked)
            raise ImproperlyConfigured(
                f"app {config.name!r}: the model {model.__name__} cannot be used: "
                f"{type(error).__name__}: {story} ({_place_of_class(model)})"
            ) from error


def _look_at_references(mapper: Any) -> None:
    """Resolve relationships and foreign keys; raises where one leads nowhere."""
    mapper.relationships.keys()
    for table in mapper.tables:
        for key in table.foreign_keys:
            _ = key.column


def _model_of(models: Sequence[type[Any]], name: str) -> type[Any]:
    from signalcli.db.models import model_name
    from signalcli.trace.representation import describe, shorten

    names = {
        model: (model.__name__, model_name(model), f"{model.__module__}.{model.__qualname__}")
        for model in models
    }
    found = [model for model in models if name in names[model]]
    if not found:
        folded = name.casefold()
        found = [model for model in models if folded in map(str.casefold, names[model])]
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


def _make_ready(config: AppConfig) -> None:
    try:
        config.ready()
    except BaseException as error:
        if not is_failure(error):
            raise
        raise load_failure(config.name, "ready() fails", error) from error


apps = Apps()
