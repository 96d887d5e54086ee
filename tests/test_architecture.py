"""The page on the architecture says what is so."""

import ast
import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HOUSE = ROOT / "signalcli"
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
MODULES = sorted(HOUSE.rglob("*.py"))


def section(title: str) -> str:
    """The part of the page under a heading."""
    return re.split(r"^## ", PAGE.partition(f"\n## {title}\n")[2], flags=re.MULTILINE)[0]


def test_the_rooms_are_listed_with_what_their_modules_say_of_themselves() -> None:
    assert runpy.run_path(str(ROOT / "docs" / "make_rooms.py"))["written"](PAGE) == PAGE


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`([\w./-]+\.(?:py|md|toml))`", PAGE))))
def test_every_file_that_is_named_exists(path: str) -> None:
    assert (HOUSE / path).is_file() or (ROOT / path).is_file()


def hidden_state(module: Path) -> Iterator[str]:
    """The names of a module's context variables, and of its globals that functions assign."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Global):
            yield from node.names
        elif isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(node.value.func, ast.Name) and node.value.func.id == "ContextVar":
                assert isinstance(target, ast.Name)
                yield target.id


def test_all_hidden_state_is_listed() -> None:
    found = {
        (name, module.relative_to(HOUSE).as_posix())
        for module in MODULES
        for name in hidden_state(module)
    }
    rows = re.findall(r"^\| (.*?) \| `(.*?)` \|", section("Hidden state"), flags=re.MULTILINE)
    listed = {(name, path) for names, path in rows for name in re.findall(r"`(\w+)`", names)}
    assert listed == found
