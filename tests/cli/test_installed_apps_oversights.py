"""Apps whose receivers nobody can hear: not imported, or connected to Django's signals."""

import pytest

from tests.cli.files import write
from tests.cli.program import Forked

MODELS = """
from sqlmodel import Field, SQLModel
class Item(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str
"""
RECEIVERS = """
from signalcli.db import post_save
from signalcli.dispatch import receiver
from shop.models import Item
@receiver(post_save, sender=Item)
def announce(**kwargs): print("announced")
"""
CONFIG = """
from signalcli.apps import AppConfig
class ShopConfig(AppConfig):
    name = "shop"
    def ready(self):
        {ready}
"""
CREATE = ("create", "Item", "name=tea", "-d", "shop.db", "--app", "shop")
NOT_IMPORTED = "warning: app 'shop': nobody imports shop.receivers, so its receivers are not "


@pytest.fixture
def shop(forked: Forked) -> Forked:
    """The program in a folder with an app whose receivers are in a module of their own."""
    files = {"__init__.py": "", "models.py": MODELS, "receivers.py": RECEIVERS}
    write(forked.folder, {f"shop/{name}": text for name, text in files.items()})
    return forked


class TestNobodyImportsThem:
    def test_an_app_without_a_config_is_told_where_to_write_the_line(self, shop: Forked) -> None:
        said = (
            f"{NOT_IMPORTED}connected; write `from shop import receivers` in the ready() of an "
            "AppConfig in shop.apps\n"
        )
        for arguments in (("apps", "--app", "shop"), CREATE, (*CREATE, "--json")):
            done = shop(*arguments)
            assert (done.code, done.err) == (0, said)
        assert "announced" not in done.out

    def test_a_config_is_named(self, shop: Forked) -> None:
        write(shop.folder, {"shop/apps.py": CONFIG.format(ready="pass")})
        said = "write `from shop import receivers` in ready() of shop.apps.ShopConfig\n"
        assert shop("apps", "--app", "shop").err == f"{NOT_IMPORTED}connected; {said}"

    def test_the_line_that_is_named_mends_it(self, shop: Forked) -> None:
        line = shop("apps", "--app", "shop").err.split("`")[1]
        write(shop.folder, {"shop/apps.py": CONFIG.format(ready=line)})
        done = shop(*CREATE)
        assert (done.code, done.err) == (0, "")
        assert "announced" in done.out
        assert shop("apps", "--app", "shop").err == ""

    def test_only_what_the_receivers_may_listen_to_brings_it_up(self, shop: Forked) -> None:
        assert shop(*CREATE).err
        for arguments in (("signals",), ("log",), ("get", "Item"), (*CREATE[:-2], "--quiet")):
            assert shop(*arguments, "--app", "shop").err == ""

    def test_a_script_says_it_once(self, shop: Forked) -> None:
        line = "create Item name=tea -d shop.db\n"
        done = shop("--app", "shop", "batch", "-", piped=line * 3)
        assert done.err.count("nobody imports") == 1

    @pytest.mark.parametrize("name", ["signals", "handlers"])
    def test_other_modules_for_receivers_count_as_well(self, shop: Forked, name: str) -> None:
        (shop.folder / "shop" / "receivers.py").rename(shop.folder / "shop" / f"{name}.py")
        assert f"nobody imports shop.{name}" in shop(*CREATE).err

    def test_a_package_counts_as_well(self, shop: Forked) -> None:
        (shop.folder / "shop" / "receivers.py").unlink()
        write(shop.folder, {"shop/receivers/__init__.py": RECEIVERS})
        assert shop(*CREATE).err.startswith(NOT_IMPORTED)

    def test_a_module_that_connects_nothing_is_left_alone(self, shop: Forked) -> None:
        text = "from signalcli.dispatch import Signal\npost_save = Signal()\n"
        write(shop.folder, {"shop/receivers.py": text})
        assert shop(*CREATE).err == ""
        assert shop("apps", "--app", "shop").err == ""


class TestDjango:
    @pytest.mark.parametrize(
        ("line", "instead"),
        [
            ("import django.dispatch", "signalcli.dispatch for django.dispatch"),
            ("from django.dispatch import receiver", "signalcli.dispatch for django.dispatch"),
            (
                "from django.db.models.signals import post_save",
                "signalcli.db for django.db.models.signals",
            ),
            ("from django.db.models import signals", "signalcli.db for django.db.models.signals"),
            (
                "from django.contrib.auth.models import User",
                "signalcli.core.models for django.contrib.auth.models",
            ),
            ("from django.apps import AppConfig", "signalcli.apps for django.apps"),
            ("from django.db import models", "sqlmodel for django.db.models"),
        ],
    )
    def test_without_it_what_to_import_here_is_said(
        self, forked: Forked, line: str, instead: str
    ) -> None:
        without = 'import sys\nsys.modules["django"] = None\n'
        write(forked.folder, {"shop.py": f"{without}{line}\n"})
        done = forked("signals", "--app", "shop")
        assert (done.code, done.out) == (2, "")
        assert "shop.py:3" in done.error
        assert done.error.endswith(f"; here write {instead}")

    def test_something_else_of_it_has_no_place_here(self, forked: Forked) -> None:
        text = 'import sys\nsys.modules["django"] = None\nimport django.forms\n'
        write(forked.folder, {"shop.py": text})
        done = forked("signals", "--app", "shop")
        assert done.error.endswith(
            "; here signalcli.dispatch and signalcli.db take the place of Django"
        )

    def test_a_library_that_is_missing_is_none_of_its_business(self, forked: Forked) -> None:
        write(forked.folder, {"shop.py": "import nowhere_to_be_found\n"})
        assert "here" not in forked("signals", "--app", "shop").error.replace("nowhere", "")

    @pytest.mark.parametrize(
        ("line", "foreign", "instead"),
        [
            ("import django.dispatch as d; receiver = d.receiver", "django.dispatch", ".dispatch"),
            ("from django.dispatch import receiver", "django.dispatch", ".dispatch"),
            ("from django.db.models import signals", "django.db.models.signals", ".db"),
            ("from django.db.models.signals import post_save", "django.db.models.signals", ".db"),
            ("import django.dispatch as d; post_save = d.Signal()", "django.dispatch", ".dispatch"),
        ],
    )
    def test_with_it_a_warning_says_that_its_signals_are_others(
        self, shop: Forked, line: str, foreign: str, instead: str
    ) -> None:
        pytest.importorskip("django")
        write(
            shop.folder,
            {
                "shop/receivers.py": f"{RECEIVERS}\n{line}\n",
                "shop/apps.py": CONFIG.format(ready="from shop import receivers"),
            },
        )
        said = (
            f"warning: app 'shop': shop.receivers uses {foreign}, whose signals no command sends; "
            f"here write signalcli{instead} for {foreign}\n"
        )
        assert shop("apps", "--app", "shop").err == said
        assert shop(*CREATE).err == said
        assert shop("get", "Item", "--app", "shop").err == ""
