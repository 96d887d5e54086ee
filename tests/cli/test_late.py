"""Late imports: nothing is loaded until it is used, and then it is the module itself."""

import ast
import builtins
import sys
import threading
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest

import signalcli.cli

MODULES = sorted(Path(signalcli.cli.__file__).parent.glob("*.py"))
# A package of modules that are heavy, broken or incomplete.
PACKAGE = {
    "__init__": "number = 1",
    "heavy": "class Weight(Exception): pass\nunit = 'kg'",
    "other": "answer = 42",
    "broken": "1 / 0",
    "incomplete": "import larder.nowhere",
}

Load = Callable[[str], ModuleType]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Import a new module that imports so much late; ``larder`` can be imported by it."""
    (tmp_path / "larder").mkdir()
    for name, text in PACKAGE.items():
        (tmp_path / "larder" / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)

    def load(*imports: str) -> ModuleType:
        block = "".join(f"    {each}\n" for each in imports)
        text = f"from signalcli.cli.late import late\n\nwith late():\n{block}"
        (tmp_path / "cook.py").write_text(text, encoding="utf-8")
        return import_module("cook")

    yield load
    for name in set(sys.modules) - before:
        if name == "cook" or name.startswith("larder"):
            del sys.modules[name]


def larder() -> set[str]:
    """The modules of the package that are loaded."""
    return {name for name in sys.modules if name.startswith("larder")}


@pytest.mark.parametrize(
    "statement", ["from larder import heavy", "from larder import other, heavy as heavy"]
)
def test_nothing_is_loaded_until_it_is_used(load: Load, statement: str) -> None:
    cook = load(statement)
    assert larder() == set()
    assert cook.heavy.unit == "kg"
    assert larder() == {"larder", "larder.heavy"}
    assert cook.heavy is sys.modules["larder.heavy"]


def test_a_module_can_be_known_by_another_name(load: Load) -> None:
    cook = load("from larder import heavy as pan", "import larder as shelf")
    assert cook.pan.unit == "kg"
    assert cook.pan is sys.modules["larder.heavy"]
    assert cook.shelf.number == 1
    assert cook.shelf is sys.modules["larder"]
    assert not hasattr(cook, "heavy")


def test_a_stand_in_that_somebody_keeps_does_what_the_module_does(load: Load) -> None:
    kept = load("from larder import heavy").heavy
    kept.unit = "lb"
    heavy = sys.modules["larder.heavy"]
    assert (heavy.unit, kept.unit) == ("lb", "lb")
    del kept.unit
    assert not hasattr(heavy, "unit")
    assert kept.__name__ == "larder.heavy"
    assert kept.__doc__ is None
    assert dir(kept) == dir(heavy)
    with pytest.raises(kept.Weight):
        raise heavy.Weight
    with pytest.raises(AttributeError, match=r"module 'larder\.heavy' has no attribute 'height'"):
        _ = kept.height


def test_a_name_that_somebody_has_bound_anew_is_left_alone(load: Load) -> None:
    cook = load("from larder import heavy")
    kept, cook.heavy = cook.heavy, "a pan"
    assert kept.unit == "kg"
    assert cook.heavy == "a pan"


@pytest.mark.parametrize("name", ["number", "nothing"])
def test_a_name_that_is_no_module_is_refused_when_it_is_used(load: Load, name: str) -> None:
    cook = load(f"from larder import {name}")
    with pytest.raises(ImportError, match=rf"there is no module larder\.{name}, and only"):
        getattr(cook, name).real  # noqa: B018


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("import larder.heavy", "larder.heavy"),
        ("import larder.heavy as heavy", "larder.heavy"),
        ("from larder import *", "larder"),
        ("from . import heavy", ""),
    ],
)
def test_a_form_that_names_no_whole_module_is_refused_at_once(
    load: Load, statement: str, name: str
) -> None:
    with pytest.raises(ImportError, match=f"write the late import of '{name}' as `from package"):
        load(statement)
    assert import_module("larder.other").answer == 42


@pytest.mark.parametrize(
    ("name", "error"),
    [("broken", ZeroDivisionError), ("incomplete", ModuleNotFoundError)],
)
def test_what_goes_wrong_in_the_module_is_told_as_it_is(
    load: Load, name: str, error: type[Exception]
) -> None:
    module = getattr(load(f"from larder import {name}"), name)
    for _ in range(2):
        with pytest.raises(error) as raised:
            _ = module.answer
        assert "late" not in str(raised.value)


def test_other_modules_go_on_importing_what_they_need() -> None:
    block = (
        "import builtins\n"
        "from signalcli.cli.late import late\n"
        "before = builtins.__import__\n"
        "with late():\n"
        "    elsewhere()\n"
        "    raised = 1 / 0\n"
    )
    found = []

    def elsewhere() -> None:
        def look() -> None:
            from json import dumps

            found.append((dumps, __import__("json", fromlist=["dumps"]).dumps))

        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        look()

    space: dict[str, object] = {"elsewhere": elsewhere}
    with pytest.raises(ZeroDivisionError):
        exec(compile(block, "block", "exec"), space)
    dumps = sys.modules["json"].dumps
    assert found == [(dumps, dumps)] * 2
    assert builtins.__import__ is space["before"]


def late_imports(module: Path) -> Iterator[ast.stmt]:
    """The statements in the blocks of late imports of a module."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.With) and ast.unparse(node.items[0]) == "late()":
            yield from node.body


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_the_command_line_imports_whole_modules_late(module: Path) -> None:
    for statement in late_imports(module):
        if isinstance(statement, ast.ImportFrom):
            names = [f"{statement.module}.{alias.name}" for alias in statement.names]
        else:
            assert isinstance(statement, ast.Import)
            names = [alias.name for alias in statement.names]
        assert [name for name in names if find_spec(name) is None] == []


def test_most_modules_of_the_command_line_have_late_imports() -> None:
    assert sum(any(late_imports(module)) for module in MODULES) > len(MODULES) / 2
