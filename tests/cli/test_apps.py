"""The commands for apps: which are installed, and a new one to begin with."""

import json
import sys
from pathlib import Path

import pytest

from tests import processes
from tests.cli.program import Forked, Program

WRITTEN = ["__init__.py", "apps.py", "models.py", "receivers.py", "signals.py", "test_receivers.py"]


def listed(program: Program, *options: str, **env: str) -> list[dict[str, object]]:
    done = program("apps", "--json", *options, env=env)
    assert done.code == 0, done.err
    rows: list[dict[str, object]] = json.loads(done.out)["result"]
    return rows


class TestApps:
    def test_the_demo_is_installed_by_default(self, forked: Forked) -> None:
        (row,) = listed(forked)
        assert {key: row[key] for key in ("label", "name", "models", "source")} == {
            "label": "core",
            "name": "signalcli.core",
            "models": ["User", "Profile"],
            "source": "default",
        }
        assert "notification" in row["signals"]  # type: ignore[operator]  # a list
        assert "signalcli.core.signals.create_profile" in row["receivers"]  # type: ignore[operator]

    def test_the_table_says_where_the_list_comes_from(self, forked: Forked) -> None:
        forked("startapp", "shop")
        (forked.folder / "signalcli.toml").write_text('installed-apps = ["shop"]\n')
        done = forked("apps")
        assert done.code == 0
        assert done.out.splitlines()[2].split()[:5] == [
            "shop",
            "shop",
            "Item",
            "sold_out",
            "watch_stock",
        ]
        assert done.out.splitlines()[-1] == f"Installed by {forked.folder / 'signalcli.toml'}"

    def test_each_source_is_told(self, forked: Forked) -> None:
        forked("startapp", "shop")
        assert listed(forked, "--app", "shop")[0]["source"] == "--app"
        by_variable = listed(forked, SIGNALCLI_INSTALLED_APPS="shop, signalcli.core")
        assert [row["label"] for row in by_variable] == ["shop", "core"]
        assert by_variable[0]["source"] == "SIGNALCLI_INSTALLED_APPS"

    def test_apps_may_be_named_before_and_after_the_command(self, forked: Forked) -> None:
        forked("startapp", "shop")
        done = forked("--app", "shop", "apps", "--app", "signalcli.core", "--ndjson")
        assert [json.loads(line)["label"] for line in done.out.splitlines()] == ["shop", "core"]

    def test_commands_for_users_need_their_app(self, forked: Forked) -> None:
        forked("startapp", "shop")
        done = forked("--app", "shop", "register", "ann", "--email", "ann@mail.com")
        assert (done.code, done.out) == (2, "")
        assert "signalcli.core" in done.err
        assert done.err.count("\n") == 1
        assert not forked.database.exists()


class TestStartapp:
    def test_it_says_what_it_writes_and_how_to_run_it(self, forked: Forked) -> None:
        done = forked("startapp", "shop")
        assert done.code == 0
        assert done.out.splitlines() == [
            *(f"Wrote shop/{file}" for file in WRITTEN),
            "Try it:",
            "  signalcli --app shop --database shop.db create Item name=tea stock=1",
            "  signalcli --app shop --database shop.db change Item 1 stock=0",
            "  python -m pytest shop",
        ]
        assert sorted(path.name for path in (forked.folder / "shop").iterdir()) == WRITTEN

    def test_its_own_test_passes_beside_that_of_another(self, signalcli: Program) -> None:
        for name in ("shop", "toys"):
            assert signalcli("startapp", name).code == 0
        run = processes.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"], cwd=signalcli.folder
        )
        assert run.returncode == 0, run.stdout + run.stderr
        assert "2 passed" in run.stdout

    def test_a_directory_becomes_the_package(self, forked: Forked) -> None:
        done = forked("startapp", "shop", "src/toys", "--json")
        result = json.loads(done.out)["result"]
        assert result["path"] == str(forked.folder / "src/toys")
        assert result["try"][:2] == [
            "cd src",
            "signalcli --app toys --database toys.db create Item name=tea stock=1",
        ]
        inside = Forked(forked.folder / "src", forked.command, forked.forker)
        (row,) = listed(inside, "--app", "toys")
        assert (row["label"], row["name"]) == ("shop", "toys")

    def test_nothing_is_overwritten(self, forked: Forked) -> None:
        mine = forked.folder / "shop" / "models.py"
        mine.parent.mkdir()
        mine.write_text("mine\n")
        done = forked("startapp", "shop")
        assert (done.code, done.out) == (4, "")
        assert done.err == "error: shop/models.py exists already; nothing was written\n"
        assert list(mine.parent.iterdir()) == [mine]
        assert mine.read_text() == "mine\n"

    @pytest.mark.parametrize(
        "name", ["a-b", "1st", "", "class", "a.b", "../up", "a b", "\n", "\uff46oo", "__init__"]
    )
    def test_what_is_no_python_name_is_refused(self, forked: Forked, name: str) -> None:
        done = forked("startapp", "--", name)
        assert (done.code, done.out) == (2, "")
        assert done.err.count("\n") == 1
        assert forked.files == set()

    def test_the_name_of_another_module_is_refused(self, forked: Forked) -> None:
        done = forked("startapp", "json")
        assert (done.code, done.out) == (4, "")
        assert forked.files == set()

    def test_where_nothing_can_be_written_it_says_so(self, forked: Forked) -> None:
        (forked.folder / "shop").write_text("a file")
        done = forked("startapp", "shop")
        assert done.code in (2, 4)
        assert done.err.count("\n") == 1
        assert (forked.folder / "shop").read_text() == "a file"


def test_a_broken_app_stops_no_other_from_being_started(forked: Forked) -> None:
    Path(forked.folder / "signalcli.toml").write_text('installed-apps = ["nowhere"]\n')
    done = forked("startapp", "shop")
    assert done.code == 0
    assert done.err.startswith("warning: ")
