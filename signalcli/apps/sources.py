"""The apps' source files: what they say of a signal, and what in them keeps a receiver from it.

Files are read, not run. What is found is a hint for people, who can look at the line.
"""

import ast
import linecache
import os
import re
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from signalcli.apps.config import AppConfig, place_text
from signalcli.apps.registry import Apps, apps

# A few say enough.
MOST_SENDING = 5
MOST_FOLDERS = 200
MOST_FILES = 2_000

_LIBRARIES = ("sqlmodel", "sqlalchemy", "sqlalchemy.orm")
# What tools and libraries put into a project, and what stands there beside the apps.
_OF_TOOLS = ("__pycache__", "build", "dist", "node_modules", "site-packages")
_BESIDE = re.compile(r"(tests?|benchmarks?|docs?)\b|test_|conftest")
_FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
_STATEMENTS = ("insert", "update", "delete")


@dataclass(frozen=True, slots=True)
class Hint:
    """A line of a source file that matters.

    Attributes:
        file: the file.
        line: the line there.
        what: what stands there: a function's name, a module's, a statement's.
        app: the name of the app that it belongs to, or would.
    """

    file: str
    line: int
    what: str
    app: str = ""

    @property
    def place(self) -> str:
        """The file and line, for people."""
        return place_text(self.file, self.line)


def comment_above(file: str, line: int) -> str:
    """The comment that stands above a line, perhaps with more of the same kind in between."""
    above = [text.strip() for text in linecache.getlines(file)[: max(line - 1, 0)]]
    comment: list[str] = []
    for text in reversed(above):
        if not text or (comment and not text.startswith("#")):
            break
        if text.startswith("#"):
            comment.insert(0, text.lstrip("#").strip())
        elif "Signal(" not in text:
            break
    return " ".join(comment)


def docstring_in(source: str) -> str:
    """The first paragraph of the docstring of a function, or an empty text."""
    try:
        (node, *_) = ast.parse(textwrap.dedent(source)).body
        text = ast.get_docstring(node) or ""  # type: ignore[arg-type]  # or a TypeError
    except (SyntaxError, ValueError, TypeError):
        return ""
    return " ".join(text.partition("\n\n")[0].split())


def places_that_send(signal: str, installed: Apps = apps) -> list[str]:
    """The first places in the apps' files that send a signal, each with its line."""
    call = re.compile(rf"\b{re.escape(signal)}\.a?send(_robust)?\b")
    found = []
    for file in files_of(installed):
        for number, line in enumerate(linecache.getlines(str(file)), 1):
            if call.search(line):
                found.append(place_text(str(file), number))
    return found[:MOST_SENDING]


def files_of(installed: Apps = apps) -> Iterator[Path]:
    """The Python files of the installed apps, app by app."""
    for config in installed.get_app_configs():
        if config.is_package:
            yield from _files_below(Path(config.path))
        elif config.path:
            yield Path(config.path)


def _files_below(package: Path) -> list[Path]:
    """The first Python files of a package, without those that tools and libraries put there."""
    found: list[Path] = []
    for folder, folders, names in os.walk(package):
        here = Path(folder)
        folders[:] = sorted(name for name in folders if _is_code(here / name))
        found += (here / name for name in sorted(names) if name.endswith(".py"))
        if len(found) >= MOST_FILES:
            break
    return sorted(found[:MOST_FILES])


def _is_code(folder: Path) -> bool:
    """Whether a folder may hold a project's own code; no hidden one and no environment does."""
    name = folder.name
    is_of_tools = name.startswith(".") or name in _OF_TOOLS or (folder / "pyvenv.cfg").exists()
    return not is_of_tools


def unimported(signal: str, installed: Apps = apps) -> Iterator[Hint]:
    """The modules of the apps that connect receivers to a signal, and that nobody imported."""
    for config in installed.get_app_configs():
        if not config.is_package:
            continue
        for file in _files_below(Path(config.path)):
            module = _module_name(config, file)
            line = _connecting_line(file, signal)
            if line and module not in sys.modules:
                yield Hint(str(file), line, module, config.name)


def uninstalled(signal: str, folder: Path, installed: Apps = apps) -> Iterator[Hint]:
    """The packages and files in a folder that connect receivers to a signal, and are no app."""
    known = {Path(config.path).resolve() for config in installed.get_app_configs()}
    known |= {
        Path(file).resolve() for module in list(sys.modules.values()) for file in _file(module)
    }
    rest = MOST_FILES
    for entry in sorted(folder.iterdir())[:MOST_FOLDERS]:
        beginning = entry / "__init__.py"
        is_package = beginning.is_file()
        if not known.isdisjoint((entry.resolve(), beginning.resolve())) or not (
            (is_package or entry.suffix == ".py")
            and _is_code(entry)
            and not _BESIDE.match(entry.name)
        ):
            continue
        files = _files_below(entry)[:rest] if is_package else [entry]
        rest -= len(files)
        for file in files:
            line = _connecting_line(file, signal)
            if line:
                yield Hint(str(file), line, entry.stem, entry.name)
                break


def definitions(function: str, installed: Apps = apps) -> Iterator[Hint]:
    """The places in the apps' files that define a function or method of a name."""
    name = function.rpartition(".")[2]
    for file in files_of(installed):
        for node in ast.walk(_parsed(file)):
            if isinstance(node, _FUNCTIONS) and node.name == name:
                yield Hint(str(file), node.lineno, name)


def connecting_function(defined: Hint, installed: Apps = apps) -> Hint | None:
    """The function of an app whose body connects another function; None where none does.

    Arguments:
        defined: where the other function is defined.
        installed: the installed apps.

    Returns:
        The name of the function around, and the line in it that connects.
    """
    for file in dict.fromkeys((Path(defined.file), *files_of(installed))):
        for outer, node in _within_functions(_parsed(file)):
            if _connects(node, defined, str(file)):
                return Hint(str(file), node.lineno, outer)
    return None


def _within_functions(
    tree: ast.AST, outer: str = ""
) -> Iterator[tuple[str, ast.Call | ast.FunctionDef | ast.AsyncFunctionDef]]:
    """The functions and calls in the bodies of functions, with the innermost function's name."""
    for node in ast.iter_child_nodes(tree):
        if outer and isinstance(node, ast.Call | _FUNCTIONS):
            yield outer, node
        yield from _within_functions(node, node.name if isinstance(node, _FUNCTIONS) else outer)


def _connects(
    node: ast.Call | ast.FunctionDef | ast.AsyncFunctionDef, defined: Hint, file: str
) -> bool:
    """Whether a decorator, or a call of ``connect``, connects a function."""
    if isinstance(node, ast.Call):
        return _last_name(node.func) == "connect" and any(
            _last_name(each) == defined.what for each in _given(node)
        )
    is_it = (file, node.name, node.lineno) == (defined.file, defined.what, defined.line)
    return is_it and any(
        isinstance(each, ast.Call) and _last_name(each.func) == "receiver"
        for each in node.decorator_list
    )


def _given(call: ast.Call) -> Iterator[ast.expr]:
    yield from call.args
    yield from (each.value for each in call.keywords)


def _last_name(node: ast.expr) -> str:
    """The last part of a dotted name; empty for what is no name."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def functions_in(file: Path) -> list[str]:
    """The names of the functions and methods that a file defines."""
    nodes = ast.walk(_parsed(file))
    return [each.name for each in nodes if isinstance(each, _FUNCTIONS)]


def unannounced_writes(model: str | None, installed: Apps = apps) -> Iterator[Hint]:
    """The lines of the apps' files that write rows in a way that sends no signals.

    Arguments:
        model: the name of the model whose rows are meant; None for any.
        installed: the installed apps.
    """
    for file in files_of(installed):
        tree = _parsed(file)
        imported = _imported_from_libraries(tree)
        calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
        for node in calls:
            name = _called(node)
            if imported.get(name) in ("Session", "sessionmaker"):
                yield Hint(str(file), node.lineno, f"a {imported[name]} of SQLModel or SQLAlchemy")
            elif imported.get(name) in _STATEMENTS and _is_about(node, model):
                article = "a" if imported[name] == "delete" else "an"
                yield Hint(str(file), node.lineno, f"{article} {imported[name]}() statement")


def _module_name(config: AppConfig, file: Path) -> str:
    parts = file.relative_to(config.path).with_suffix("").parts
    names = [config.module.__name__, *(part for part in parts if part != "__init__")]
    return ".".join(names)


def _connecting_line(file: Path, signal: str) -> int:
    """The first line that connects a receiver to a signal; 0 where none does."""
    name = re.escape(signal)
    connects = re.compile(rf"@receiver\([^#]*\b{name}\b|\b{name}\.connect\b")
    lines = linecache.getlines(str(file))
    return next((number for number, text in enumerate(lines, 1) if connects.search(text)), 0)


def _file(module: object) -> Iterator[str]:
    file = vars(module).get("__file__") if hasattr(module, "__dict__") else None
    if isinstance(file, str):
        yield file


def _parsed(file: Path) -> ast.Module:
    try:
        return ast.parse("".join(linecache.getlines(str(file))))
    except (SyntaxError, ValueError):
        return ast.Module([], [])


def _imported_from_libraries(tree: ast.Module) -> dict[str, str]:
    """What SQLModel and SQLAlchemy call the names that a file imports from them."""
    return {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in _LIBRARIES
        for alias in node.names
    }


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _is_about(call: ast.Call, model: str | None) -> bool:
    names = {each.id for each in call.args if isinstance(each, ast.Name)}
    return bool(names) and (model is None or model.rpartition(".")[2] in names)
