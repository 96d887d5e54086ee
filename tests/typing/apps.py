"""Apps and their registry."""

from types import ModuleType
from typing import Any, assert_type

from signalcli.apps import (
    AmbiguousModel,
    AppConfig,
    Apps,
    ImproperlyConfigured,
    ModelNotFound,
    apps,
)


class ShopConfig(AppConfig):
    name = "shop"
    label = "store"
    default = True

    def ready(self) -> None:
        assert_type(self.path, str)


class NamedByANumber(AppConfig):
    name = 1  # type: ignore[assignment]

    def ready(self, when: int) -> None:  # type: ignore[override]
        pass


def a_config_tells_of_its_app(config: AppConfig) -> None:
    assert_type(config.name, str)
    assert_type(config.label, str)
    assert_type(config.module, ModuleType)
    assert_type(config.models_module, ModuleType | None)
    assert_type(config.get_models(), list[type[Any]])
    assert_type(AppConfig.create("shop"), AppConfig)
    AppConfig()  # type: ignore[call-arg]


def the_registry_finds_apps_and_models(registry: Apps) -> None:
    assert_type(apps, Apps)
    assert_type(registry.populate(["shop", "signalcli.core"]), None)
    assert_type(registry.get_app_configs(), list[AppConfig])
    assert_type(registry.get_app_config("shop"), AppConfig)
    assert_type(registry.is_installed("shop"), bool)
    assert_type(registry.get_models(), list[type[Any]])
    assert_type(registry.get_model("shop.Item"), type[Any])
    registry.get_model(ShopConfig)  # type: ignore[arg-type]


def its_errors_are_those_of_python(error: ImproperlyConfigured | ModelNotFound) -> None:
    lookup: type[LookupError] = ModelNotFound
    raise AmbiguousModel from lookup(error)
