"""The settings file: where it is found, and what it may set."""

from pathlib import Path
from typing import Any

import pytest

from signalcli.apps import ImproperlyConfigured
from signalcli.apps.settings_file import KEYS, find_settings_file
from signalcli.cli.options import SETTINGS


def found(folder: Path) -> dict[str, Any]:
    file = find_settings_file(folder)
    return {} if file is None else dict(file.values)


def test_every_option_with_a_variable_has_a_key_there() -> None:
    assert {setting.key for setting in SETTINGS.values()} | {"installed-apps"} == set(KEYS)


def test_the_nearest_file_that_sets_anything_is_the_only_one(tmp_path: Path) -> None:
    below = tmp_path / "far" / "below"
    below.mkdir(parents=True)
    (tmp_path / "signalcli.toml").write_text("quiet = true\n")
    assert found(below) == {"quiet": True}
    (tmp_path / "far" / "signalcli.toml").write_text("# nothing yet\n")
    assert found(below) == {"quiet": True}
    (tmp_path / "far" / "pyproject.toml").write_text("[tool.signalcli]\nlog-keep = 7\n")
    assert found(below) == {"log-keep": 7}
    (tmp_path / "far" / "signalcli.toml").write_text("log = false\n")
    assert found(below) == {"log": False}


@pytest.mark.parametrize(
    ("named", "seen"),
    [
        ("shop.db", "{folder}/shop.db"),
        ("data/shop.db", "{folder}/data/shop.db"),
        ("/srv/shop.db", "/srv/shop.db"),
        ("sqlite:///shop.db?timeout=3", "sqlite:///{folder}/shop.db?timeout=3"),
        ("sqlite:////srv/shop.db", "sqlite:////srv/shop.db"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("sqlite://", "sqlite://"),
        ("postgresql://me@host/shop", "postgresql://me@host/shop"),
        (":memory:", ":memory:"),
    ],
)
def test_a_relative_database_is_one_beside_the_file(tmp_path: Path, named: str, seen: str) -> None:
    (tmp_path / "signalcli.toml").write_text(f"database = '{named}'\n")
    below = tmp_path / "below"
    below.mkdir()
    assert found(below) == {"database": seen.format(folder=tmp_path)}
    assert found(tmp_path) == {"database": named}


@pytest.mark.parametrize(
    "text",
    [
        "database = 3",
        "database = ''",
        "json = 1",
        "quiet = 'yes'",
        "all = []",
        "log = 'no'",
        "log-keep = 0",
        "log-keep = true",
        "log-keep = '7'",
        "installed-apps = []",
    ],
)
def test_a_value_of_another_kind_is_refused_and_the_kind_is_named(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / "signalcli.toml").write_text(text + "\n")
    key = text.partition(" ")[0]
    with pytest.raises(ImproperlyConfigured, match=f"{key} takes {KEYS[key]}, not "):
        find_settings_file(tmp_path)


def test_an_unknown_key_is_refused_and_those_there_are_are_named(tmp_path: Path) -> None:
    (tmp_path / "signalcli.toml").write_text("log_keep = 7\n")
    with pytest.raises(ImproperlyConfigured, match=r"no setting 'log_keep'; there are .*log-keep"):
        find_settings_file(tmp_path)


def test_toml_is_read_only_where_a_file_speaks_of_signalcli(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'shop'\n")
    monkeypatch.setitem(__import__("sys").modules, "tomllib", None)
    assert find_settings_file(tmp_path) is None
