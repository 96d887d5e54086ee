"""Apps: how they are found, made ready, and refused."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from signalcli.apps import AppConfig, Apps, ImproperlyConfigured, apps

Write = Callable[[str, str], None]
NOTES = "calls"


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Writes a module of a throwaway package; each package is forgotten after the test.

    The modules note what happens in ``calls``, a module of its own.
    """
    # Packages of theirs may be called like one of another test's that is imported.
    for name in [name for name in sys.modules if name.partition(".")[0] == "shop"]:
        monkeypatch.delitem(sys.modules, name)
    before = set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / f"{NOTES}.py").write_text("noted = []\n")

    def write(path: str, source: str = "") -> None:
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        init = file.parent / "__init__.py"
        if not init.exists():
            init.write_text("")
        file.write_text(f"from {NOTES} import noted\n{source}")
        # The import system looks at a folder anew when its time changes, which is coarse.
        sys.path_importer_cache.clear()

    yield write
    for name in set(sys.modules) - before:
        # What libraries imported meanwhile is theirs to keep.
        file = getattr(sys.modules[name], "__file__", None)
        if file is None or Path(file).is_relative_to(tmp_path):
            del sys.modules[name]


def noted() -> list[str]:
    from calls import noted  # type: ignore[import-not-found]  # made by the fixture

    return list(noted)


def config(name: str, package: str, extra: str = "pass") -> str:
    return (
        f"from signalcli.apps import AppConfig\n"
        f"class {name}(AppConfig):\n"
        f"    name = {package!r}\n"
        f"    {extra}\n"
        f"    def ready(self):\n"
        f"        noted.append('ready ' + self.label)\n"
    )


class TestDiscovery:
    def test_a_package_with_an_apps_module_is_described_by_its_config(self, write: Write) -> None:
        write("shop/apps.py", config("ShopConfig", "shop"))
        registry = Apps()
        registry.populate(["shop"])
        (found,) = registry.get_app_configs()
        assert type(found).__name__ == "ShopConfig"
        assert (found.name, found.label) == ("shop", "shop")
        assert found.module is sys.modules["shop"]
        assert registry.get_app_config("shop") is found

    def test_a_package_without_one_gets_a_plain_config(self, write: Write) -> None:
        write("plain/__init__.py", "")
        registry = Apps()
        registry.populate(["plain"])
        found = registry.get_app_config("plain")
        assert type(found) is AppConfig
        assert found.module is sys.modules["plain"]
        assert found.models_module is None

    def test_a_plain_config_knows_its_name(self, write: Write) -> None:
        write("plain/__init__.py", "")
        registry = Apps()
        registry.populate(["plain"])
        assert registry.get_app_config("plain").name == "plain"

    def test_a_config_can_be_named_by_its_full_name(self, write: Write) -> None:
        write("shop/apps.py", config("First", "shop") + config("Second", "shop", "label = 'two'"))
        registry = Apps()
        registry.populate(["shop.apps.Second"])
        assert [found.label for found in registry.get_app_configs()] == ["two"]

    def test_of_several_configs_the_default_is_taken(self, write: Write) -> None:
        write(
            "shop/apps.py",
            config("First", "shop", "label = 'one'")
            + config("Second", "shop", "label = 'two'; default = True"),
        )
        registry = Apps()
        registry.populate(["shop"])
        assert [found.label for found in registry.get_app_configs()] == ["two"]

    def test_a_config_that_says_it_is_no_default_is_not_taken(self, write: Write) -> None:
        write("shop/apps.py", config("Only", "shop", "default = False"))
        registry = Apps()
        registry.populate(["shop"])
        assert type(registry.get_app_config("shop")) is AppConfig

    def test_a_config_that_is_imported_from_elsewhere_does_not_count_twice(
        self, write: Write
    ) -> None:
        write("base/apps.py", config("BaseConfig", "base"))
        write(
            "shop/apps.py",
            "from base.apps import BaseConfig\n"
            "class ShopConfig(BaseConfig):\n    name = 'shop'\n    default = True\n",
        )
        registry = Apps()
        registry.populate(["shop"])
        assert registry.get_app_config("shop").name == "shop"

    def test_the_label_is_by_default_the_last_part_of_the_name(self, write: Write) -> None:
        write("house/__init__.py", "")
        write("house/kitchen/apps.py", config("KitchenConfig", "house.kitchen"))
        registry = Apps()
        registry.populate(["house.kitchen"])
        assert registry.get_app_config("kitchen").name == "house.kitchen"


class TestReady:
    def test_all_models_are_imported_before_the_first_ready(self, write: Write) -> None:
        for name in ("first", "second"):
            write(f"{name}/apps.py", config("Config", name))
            write(f"{name}/models.py", f"noted.append('models {name}')")
        registry = Apps()
        registry.populate(["second", "first"])
        assert noted() == ["models second", "models first", "ready second", "ready first"]
        assert registry.is_ready
        assert registry.get_app_config("first").models_module is sys.modules["first.models"]

    def test_populating_twice_makes_ready_once(self, write: Write) -> None:
        write("shop/apps.py", config("Config", "shop"))
        registry = Apps()
        registry.populate(["shop"])
        registry.populate(["shop"])
        registry.populate(["nothing.like.it"])
        assert noted() == ["ready shop"]

    def test_before_it_is_populated_a_registry_is_empty(self) -> None:
        registry = Apps()
        assert not registry.is_ready
        assert registry.get_app_configs() == []
        with pytest.raises(LookupError, match="'shop'"):
            registry.get_app_config("shop")

    def test_the_demo_app_is_installed_and_its_receivers_are_connected(self) -> None:
        apps.populate()
        from signalcli.core.signals import notification

        assert [found.label for found in apps.get_app_configs()] == ["core"]
        assert type(apps.get_app_config("core")).__name__ == "CoreConfig"
        assert notification.has_listeners()


def refused(*installed: str) -> str:
    """What the refusal says."""
    registry = Apps()
    with pytest.raises(ImproperlyConfigured) as caught:
        registry.populate(installed)
    assert not registry.is_ready
    return str(caught.value)


class TestErrors:
    @pytest.mark.parametrize(
        "name", ["nowhere", "nowhere.shop", "signalcli.nowhere", "", ".", "a b"]
    )
    def test_an_app_that_is_not_found_is_named(self, name: str) -> None:
        assert repr(name) in refused(name)

    def test_a_config_that_is_not_found_is_named(self, write: Write) -> None:
        write("shop/apps.py", config("ShopConfig", "shop"))
        assert "'shop.apps.Missing'" in refused("shop.apps.Missing")

    @pytest.mark.parametrize("module", ["__init__", "apps", "models"])
    def test_an_error_inside_an_app_is_told_with_its_module(
        self, write: Write, module: str
    ) -> None:
        write("shop/__init__.py", "")
        write(f"shop/{module}.py", "import no_such_module_at_all")
        message = refused("shop")
        assert "'shop'" in message
        assert "no_such_module_at_all" in message

    def test_a_syntax_error_inside_an_app_is_told(self, write: Write) -> None:
        write("shop/models.py", "def (")
        assert "SyntaxError" in refused("shop")

    def test_an_app_that_is_listed_twice_is_named(self, write: Write) -> None:
        write("shop/apps.py", config("ShopConfig", "shop"))
        assert "'shop' is listed twice" in refused("shop", "shop.apps.ShopConfig")

    def test_two_apps_with_the_same_label_are_named(self, write: Write) -> None:
        write("first/shop/apps.py", config("Config", "first.shop"))
        write("second/shop/apps.py", config("Config", "second.shop"))
        write("first/__init__.py", "")
        write("second/__init__.py", "")
        message = refused("first.shop", "second.shop")
        for name in ("'first.shop'", "'second.shop'", "label 'shop'"):
            assert name in message

    def test_an_app_whose_ready_fails_is_named(self, write: Write) -> None:
        write("shop/apps.py", config("Config", "shop") + "        raise LookupError('no stock')\n")
        message = refused("shop")
        assert "'shop'" in message
        assert "LookupError: no stock" in message

    def test_a_config_without_a_name_is_named(self, write: Write) -> None:
        write(
            "shop/apps.py",
            "from signalcli.apps import AppConfig\nclass Nameless(AppConfig): pass\n",
        )
        message = refused("shop")
        assert "Nameless" in message
        assert "no name" in message

    def test_a_config_that_names_no_package_is_named(self, write: Write) -> None:
        write("shop/apps.py", config("Lost", "nowhere"))
        message = refused("shop")
        assert "Lost" in message
        assert "'nowhere'" in message

    def test_several_configs_without_a_default_are_refused(self, write: Write) -> None:
        write("shop/apps.py", config("First", "shop") + config("Second", "shop"))
        assert "several" in refused("shop")

    def test_a_label_that_is_no_identifier_is_refused(self, write: Write) -> None:
        write("shop/apps.py", config("Config", "shop", "label = 'my shop'"))
        assert "'my shop'" in refused("shop")

    def test_a_populate_that_failed_can_be_tried_again(self, write: Write) -> None:
        write("shop/apps.py", config("Config", "shop"))
        registry = Apps()
        with pytest.raises(ImproperlyConfigured):
            registry.populate(["shop", "nowhere"])
        assert not registry.is_ready
        registry.populate(["shop"])
        assert registry.is_ready
        assert noted() == ["ready shop"]

    def test_a_ready_that_populates_again_is_refused_and_not_run_forever(
        self, write: Write
    ) -> None:
        write(
            "shop/apps.py",
            "from signalcli.apps import AppConfig\n"
            "class Config(AppConfig):\n"
            "    name = 'shop'\n"
            "    def ready(self):\n"
            "        self.module.registry.populate(['shop'])\n",
        )
        registry = Apps()
        import shop  # type: ignore[import-not-found]  # made by the fixture

        shop.registry = registry
        with pytest.raises(ImproperlyConfigured, match="calls itself"):
            registry.populate(["shop"])
