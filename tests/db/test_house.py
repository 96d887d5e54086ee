"""The room of the session: what its modules may use, and whom they may import."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import signalcli.db

ROOM = Path(signalcli.db.__file__).parent
MODULES = {
    ".".join(("signalcli.db", *path.relative_to(ROOM).with_suffix("").parts)): path
    for path in sorted(ROOM.glob("**/*.py"))
    if path.name != "__init__.py"
}


def imported(path: Path) -> set[str]:
    """The room's modules that one imports: at its top, in a function or for the type checker."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    return found & MODULES.keys()


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {name: imported(path) for name, path in MODULES.items()}
    order = list(TopologicalSorter(graph).static_order())  # raises where there is a circle
    assert sorted(order) == sorted(MODULES)


@pytest.mark.parametrize("name", [name for name in MODULES if ".compat." not in name])
def test_only_a_class_itself_uses_its_private_names(name: str) -> None:
    """So nobody but compat uses those of SQLAlchemy and SQLModel."""
    own = {"self", "super()", *(["Session"] if name == "signalcli.db.session" else [])}
    used = [
        ast.unparse(node)
        for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and node.attr.startswith("_")
        and not node.attr.startswith("__")
        and ast.unparse(node.value) not in own
    ]
    assert used == []
