"""What the apps' source files say."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from signalcli.apps import Apps
from signalcli.apps.sources import (
    Hint,
    comment_above,
    definitions,
    docstring_in,
    functions_in,
    places_that_send,
    unannounced_writes,
    unimported,
    uninstalled,
)

FILES = {
    "__init__.py": "",
    "receivers.py": (
        "from signalcli.db import post_save\n"
        "from signalcli.dispatch import receiver\n"
        "\n"
        "@receiver([post_save], sender=int)\n"
        "def bill(**kwargs): ...\n"
    ),
    "jobs.py": (
        "from sqlmodel import Session as Plain, update, delete, insert\n"
        "from sqlalchemy.orm import sessionmaker\n"
        "def clean(engine, order_paid):\n"
        "    with Plain(engine) as session:\n"
        "        session.exec(update(Order).values(name=1))\n"
        "        session.exec(delete(Receipt))\n"
        "    order_paid.send_robust(None)\n"
        "make = sessionmaker()\n"
        "class Sweep:\n"
        "    async def run(self): ...\n"
    ),
    "broken.py": "def (:\n",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    package = tmp_path / "sourced"
    package.mkdir()
    for name, text in FILES.items():
        (package / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0] == "sourced"]:
        del sys.modules[name]


@pytest.fixture
def installed(folder: Path) -> Apps:
    installed = Apps()
    installed.populate(["sourced"])
    return installed


def test_modules_that_nobody_imports_are_found(installed: Apps, folder: Path) -> None:
    file = str(folder / "sourced" / "receivers.py")
    assert list(unimported("post_save", installed)) == [
        Hint(file, 4, "sourced.receivers", "sourced")
    ]
    assert list(unimported("pre_save", installed)) == []
    __import__("sourced.receivers")
    assert list(unimported("post_save", installed)) == []


def test_packages_and_files_that_are_no_apps_are_found(folder: Path) -> None:
    (folder / "lone.py").write_text("post_save.connect(print)\n")
    (folder / "test_lone.py").write_text("post_save.connect(print)\n")
    (folder / "lone.txt").write_text("post_save.connect(print)\n")
    found = [(each.what, each.app, each.line) for each in uninstalled("post_save", folder, Apps())]
    assert found == [("lone", "lone.py", 1), ("sourced", "sourced", 4)]


def test_nothing_is_looked_for_where_no_code_of_the_project_is(
    installed: Apps, folder: Path
) -> None:
    connecting = "post_save.connect(print)\n"
    others = ("benchmarks", "tests", "docs", "build", "node_modules", ".hidden", "env")
    within = ("sourced/node_modules", "sourced/.hidden", "sourced/env")
    for name in (*others, *within):
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "__init__.py").write_text(connecting)
    for environment in (folder / "env", folder / "sourced" / "env"):
        (environment / "pyvenv.cfg").touch()
    assert list(uninstalled("post_save", folder, installed)) == []
    assert [each.what for each in unimported("post_save", installed)] == ["sourced.receivers"]


def test_a_folder_of_very_many_files_is_read_in_part(installed: Apps, folder: Path) -> None:
    (folder / "huge").mkdir()
    for number in range(2100):
        (folder / "huge" / f"m{number:04}.py").touch()
    (folder / "huge" / "__init__.py").touch()
    (folder / "huge" / "m2099.py").write_text("post_save.connect(print)\n")
    (folder / "few").mkdir()
    (folder / "few" / "__init__.py").write_text("post_save.connect(print)\n")
    assert [each.what for each in uninstalled("post_save", folder, installed)] == ["few"]


def test_an_installed_app_is_not_among_them(installed: Apps, folder: Path) -> None:
    assert list(uninstalled("post_save", folder, installed)) == []


def test_functions_and_methods_are_found_where_they_are_defined(
    installed: Apps, folder: Path
) -> None:
    assert [(each.line, each.what) for each in definitions("Sweep.run", installed)] == [(10, "run")]
    assert functions_in(folder / "sourced" / "jobs.py") == ["clean", "run"]
    assert functions_in(folder / "sourced" / "broken.py") == []


def test_writes_that_send_no_signals_are_found(installed: Apps) -> None:
    found = {each.line: each.what for each in unannounced_writes("shop.Order", installed)}
    assert found == {
        4: "a Session of SQLModel or SQLAlchemy",
        5: "an update() statement",
        8: "a sessionmaker of SQLModel or SQLAlchemy",
    }
    assert 6 in {each.line for each in unannounced_writes(None, installed)}


def test_the_places_that_send_a_signal_are_found(installed: Apps) -> None:
    (place,) = places_that_send("order_paid", installed)
    assert place.endswith("jobs.py:7")


def test_the_comment_above_a_definition_holds_for_its_whole_block(tmp_path: Path) -> None:
    file = tmp_path / "signals.py"
    file.write_text(
        "# Of the shop,\n"
        "# and of the stock.\n"
        "sold = Signal()\n"
        "sold_out = Signal()\n"
        "\n"
        "moved = Signal()\n"
        "count = 3\n"
        "lost = Signal()\n"
    )
    comments = [comment_above(str(file), line) for line in (3, 4, 6, 8)]
    assert comments == ["Of the shop, and of the stock."] * 2 + ["", ""]


@pytest.mark.parametrize(
    ("source", "doc"),
    [
        ('    def f():\n        """Do it,\n        well.\n\n        More."""\n', "Do it, well."),
        ("def f(): ...\n", ""),
        ("x = lambda: (\n", ""),
        ("", ""),
        ("x = 3\n", ""),
    ],
)
def test_a_docstring_is_read_from_the_source(source: str, doc: str) -> None:
    assert docstring_in(source) == doc
