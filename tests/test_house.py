"""The rooms of the house: who may import whom, and what an import costs."""

import ast
import sys
from pathlib import Path

import processes
import pytest

import signalcli

HOUSE = Path(signalcli.__file__).parent
ROOMS_FROM_BELOW = (
    "rows",
    "dispatch",
    "db",
    "trace",
    "log",
    "apps",
    "objects",
    "core",
    "render",
    "cli",
    "testing",
)


def imported_rooms(module: Path) -> set[str]:
    """The rooms that a module imports, be it at its top or later."""
    names = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
        elif isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
    parts = [name.split(".") for name in names]
    return {name[1] for name in parts if name[0] == "signalcli" and len(name) > 1}


@pytest.mark.parametrize("room", ROOMS_FROM_BELOW)
def test_a_room_knows_nothing_of_the_rooms_above_it(room: str) -> None:
    above = set(ROOMS_FROM_BELOW[ROOMS_FROM_BELOW.index(room) + 1 :])
    modules = list((HOUSE / room).glob("**/*.py"))
    assert modules
    assert {module.name: imported_rooms(module) & above for module in modules} == {
        module.name: set() for module in modules
    }


def test_every_room_of_the_house_has_its_place() -> None:
    rooms = {folder.name for folder in HOUSE.iterdir() if (folder / "__init__.py").exists()}
    assert rooms == set(ROOMS_FROM_BELOW)


def test_the_testing_tools_know_no_command_and_no_app() -> None:
    modules = list((HOUSE / "testing").glob("*.py"))
    used = set().union(*map(imported_rooms, modules))
    assert used == {"dispatch", "render", "testing", "trace"}


def loaded_by(statement: str) -> set[str]:
    """The modules that a new interpreter has loaded after a statement."""
    code = f"import sys; {statement}; print(*sys.modules)"
    run = processes.run([sys.executable, "-c", code], check=True)
    return set(run.stdout.split())


def test_rows_are_read_with_the_standard_library_alone() -> None:
    modules = list((HOUSE / "rows").glob("*.py"))
    assert set().union(*map(imported_rooms, modules)) == {"rows"}
    loaded = {name.partition(".")[0] for name in loaded_by("import signalcli.rows")}
    own = {name for name in loaded_by("import os") if "." not in name}
    assert loaded - set(sys.stdlib_module_names) - own == {"signalcli"}


def test_importing_the_package_loads_nothing_else() -> None:
    assert {name for name in loaded_by("import signalcli") if name.startswith("signalcli")} == {
        "signalcli"
    }


def test_what_every_run_of_pytest_imports_is_nothing_heavy() -> None:
    loaded = loaded_by("import signalcli.testing.plugin")
    assert {name for name in loaded if name.partition(".")[0] == "signalcli"} == {
        "signalcli",
        "signalcli.testing",
        "signalcli.testing.plugin",
    }
    assert not {"asgiref", "pydantic", "rich", "sqlalchemy", "sqlmodel", "typer"} & loaded


def test_the_recorder_knows_no_dispatcher() -> None:
    modules = ["recorder.py", "records.py", "representation.py", "output.py", "threads.py"]
    for module in modules:
        assert imported_rooms(HOUSE / "trace" / module) <= {"trace"}
