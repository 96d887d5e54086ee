"""The rooms of the house: who may import whom, and what an import costs."""

import ast
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import signalcli
from tests import processes

HOUSE = Path(signalcli.__file__).parent
ROOMS_FROM_BELOW = (
    "errors",
    "extras",
    "secrets",
    "rows",
    "dispatch",
    "db",
    "trace",
    "log",
    "apps",
    "objects",
    "bulk",
    "core",
    "render",
    "tour",
    "cli",
    "testing",
)


def imported_rooms(module: Path) -> set[str]:
    """The rooms that a module imports, be it at its top or later."""
    names = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "signalcli":
            names.update(f"signalcli.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
        elif isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
    parts = [name.split(".") for name in names]
    found = {name[1] for name in parts if name[0] == "signalcli" and len(name) > 1}
    return found - {"__version__"}


def modules_of(room: str) -> list[Path]:
    """The modules of a room, of which the lowest two are modules themselves."""
    return list((HOUSE / room).glob("**/*.py")) or [HOUSE / f"{room}.py"]


@pytest.mark.parametrize("room", ROOMS_FROM_BELOW)
def test_a_room_knows_nothing_of_the_rooms_above_it(room: str) -> None:
    above = set(ROOMS_FROM_BELOW[ROOMS_FROM_BELOW.index(room) + 1 :])
    modules = modules_of(room)
    assert modules
    assert {module.name: imported_rooms(module) & above for module in modules} == {
        module.name: set() for module in modules
    }


def test_no_modules_of_the_command_line_import_each_other_in_a_circle() -> None:
    modules = {module.stem: module for module in (HOUSE / "cli").glob("*.py")}
    order = TopologicalSorter({name: imported_from_cli(path) for name, path in modules.items()})
    assert set(order.static_order()) == set(modules)


def imported_from_cli(module: Path) -> set[str]:
    """The modules of the command line that a module imports, be it at its top or later."""
    nodes = list(ast.walk(ast.parse(module.read_text(encoding="utf-8"))))
    imports = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
    room = {
        alias.name for node in imports if node.module == "signalcli.cli" for alias in node.names
    }
    names = {str(node.module) for node in imports if str(node.module).startswith("signalcli.cli.")}
    return room | {name.split(".")[2] for name in names}


def test_late_imports_count_as_imports() -> None:
    assert "core" in imported_rooms(HOUSE / "cli" / "users.py")
    assert "course" in imported_from_cli(HOUSE / "cli" / "users.py")


def test_the_command_line_says_at_the_top_of_its_modules_what_it_imports() -> None:
    inside = {
        (module.name, ast.unparse(node))
        for module in (HOUSE / "cli").glob("*.py")
        for function in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    # Should one have to be here, to break a circle or to wait for its moment: with the reason.
    assert inside == set()


def test_every_room_of_the_house_has_its_place() -> None:
    rooms = {folder.name for folder in HOUSE.iterdir() if (folder / "__init__.py").exists()}
    modules = {module.stem for module in HOUSE.glob("*.py") if not module.stem.startswith("__")}
    assert rooms | modules == set(ROOMS_FROM_BELOW)
    assert modules == {"errors", "extras", "secrets"}


def test_errors_extras_and_secrets_know_nothing_of_the_house() -> None:
    for name in ("errors.py", "extras.py", "secrets.py"):
        assert imported_rooms(HOUSE / name) == set()
    loaded = {name for name in loaded_by("import signalcli.errors") if name.startswith("signalcli")}
    assert loaded == {"signalcli", "signalcli.errors"}


def test_the_testing_tools_know_no_command_and_not_the_demo() -> None:
    modules = list((HOUSE / "testing").glob("*.py"))
    used = set().union(*map(imported_rooms, modules))
    assert used == {"apps", "db", "dispatch", "render", "testing", "trace"}


def loaded_by(statement: str) -> set[str]:
    """The modules that a new interpreter has loaded after a statement."""
    code = f"import sys; {statement}; print(*sys.modules)"
    run = processes.run([sys.executable, "-c", code], check=True)
    return set(run.stdout.split())


@pytest.mark.parametrize(
    ("room", "known"), [("rows", {"rows", "errors", "secrets"}), ("dispatch", {"dispatch"})]
)
def test_rows_and_signals_need_the_standard_library_alone(room: str, known: set[str]) -> None:
    modules = list((HOUSE / room).glob("*.py"))
    assert set().union(*map(imported_rooms, modules)) == known
    loaded = {name.partition(".")[0] for name in loaded_by(f"import signalcli.{room}")}
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
    modules = ["recorder.py", "records.py", "representation.py", "output.py"]
    for module in modules:
        assert imported_rooms(HOUSE / "trace" / module) <= {"trace", "secrets"}
