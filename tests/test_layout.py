"""The tests are laid out like the house, so that what tests a module is found by its name."""

import ast
from pathlib import Path

import pytest

import signalcli

TESTS = Path(__file__).parent
HOUSE = Path(signalcli.__file__).parent
ROOMS = sorted(folder.name for folder in HOUSE.iterdir() if (TESTS / folder.name).is_dir())
TEST_MODULES = sorted(TESTS.rglob("test_*.py"))
# Subjects that are no module's own: a test module may be named after one of them instead.
SUBJECTS = {
    "cli": {
        "amounts",
        "announced",
        "bad_input",
        "command_signals",
        "commands",
        "completion",
        "connected",
        "database",
        "engines",
        "fuzz",
        "installed_apps",
        "on_purpose",
        "ownership",
        "pictures",
        "receivers",
        "sending",
        "start_up",
        "tables",
        "terminal",
        "text",
    },
    "db": {"corners", "differential", "fastapi", "house"},
    "dispatch": {"against_django"},
    "log": {"versions"},
    "render": {"pictures"},
    "rows": {"properties"},
}


def test_each_room_has_a_package_of_tests_and_no_test_stands_elsewhere() -> None:
    rooms = {folder.name for folder in HOUSE.iterdir() if (folder / "__init__.py").exists()}
    assert rooms == set(ROOMS)
    assert {module.parent for module in TEST_MODULES} == {TESTS, *(TESTS / room for room in ROOMS)}
    assert all((folder / "__init__.py").exists() for folder in {TESTS, *map(TESTS.joinpath, ROOMS)})


@pytest.mark.parametrize("room", ROOMS)
def test_a_test_module_is_named_after_a_module_of_its_room_or_a_subject(room: str) -> None:
    sources = [*(HOUSE / room).rglob("*.py"), *(HOUSE / room).iterdir()]
    known = {source.stem for source in sources} | SUBJECTS.get(room, set())
    tests = {module.stem.removeprefix("test_") for module in (TESTS / room).glob("test_*.py")}
    # A module may have several, each about one side of it: test_signal_naming.
    homeless = {name for name in tests if not any(f"{name}_".startswith(f"{k}_") for k in known)}
    assert homeless == set()
    assert SUBJECTS.get(room, set()) <= tests


def test_no_module_imports_from_a_test_module() -> None:
    tests = {
        ".".join(module.relative_to(TESTS.parent).with_suffix("").parts): module
        for module in TEST_MODULES
    }
    importing = {
        str(module.relative_to(TESTS)): imported & set(tests)
        for module in TESTS.rglob("*.py")
        if (imported := names_imported_by(module)) & set(tests)
    }
    assert importing == {}


def names_imported_by(module: Path) -> set[str]:
    """What a module imports, by its full name: modules, and what may be modules."""
    names = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # Relative imports would hide where they lead.
            assert node.level == 0 or "installed" in module.parts, module
            names.add(str(node.module))
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names
