"""The import of an app's modules, and the place in its code where that fails."""

import contextlib
import sys
import sysconfig
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

from signalcli.apps.errors import ImproperlyConfigured

FILE_SUFFIX = ".py"


def is_failure(error: BaseException) -> bool:
    """Whether this exception means a broken app, and not the end of the process.

    An app that exits while it is imported is as broken as one that raises, and so is one that
    raises no Exception (as pytest's ``skip()`` does).
    """
    if isinstance(error, KeyboardInterrupt | GeneratorExit):
        return False
    # Other exceptions that end the process are signalcli's own.
    package = type(error).__module__.partition(".")[0]
    return isinstance(error, Exception) or package != __name__.partition(".")[0]


def exists(app: str, module: str) -> bool:
    """Whether there is a module of that name; the packages above it are imported to find out.

    Raises:
        ImproperlyConfigured: the import of one of those fails; the message says where.
    """
    parent = module.rpartition(".")[0]
    if parent:
        if not exists(app, parent):
            return False
        import_for(app, parent)
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError, AttributeError):
        return False


def import_for(app: str, module: str) -> Any:
    """Import a module of an app.

    Raises:
        ImproperlyConfigured: the import fails; the message says where.
    """
    try:
        return import_module(module)
    except BaseException as error:
        if not is_failure(error):
            raise
        raise load_failure(app, f"{module} cannot be imported", error) from error


def import_file(entry: str) -> ModuleType:
    """Import a lone file as a module of the same name.

    Raises:
        ImproperlyConfigured: there is no such file, its name is none for a module or taken by
            another one, or the import fails.
    """
    path = Path(entry)
    name = path.stem
    if not path.is_file():
        raise ImproperlyConfigured(f"app {entry!r}: there is no such file")
    if not name.isidentifier():
        raise ImproperlyConfigured(f"app {entry!r}: {name!r} is no name for a module")
    loaded = sys.modules.get(name)
    if loaded is not None:
        file = getattr(loaded, "__file__", None)
        if file is not None and Path(file).resolve() == path.resolve():
            return loaded
        raise ImproperlyConfigured(
            f"app {entry!r}: there is another module called {name!r}; rename the file"
        )
    spec = spec_from_file_location(name, path.resolve())
    if spec is None or spec.loader is None:
        raise ImproperlyConfigured(f"app {entry!r}: this is no Python file")
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        if not is_failure(error):
            raise
        raise load_failure(entry, "it cannot be imported", error) from error
    return module


def load_failure(app: str, what: str, error: BaseException) -> ImproperlyConfigured:
    """Why an app does not load, with the file and line of the cause."""
    story = " ".join(f"{type(error).__name__}: {_message_of(error)}".split()).rstrip(":")
    place = _cause(app, error)
    return ImproperlyConfigured(
        f"app {app!r}: {what}: {story}" + (f" ({place_text(*place)})" if place else "")
    )


def place_text(file: str, line: int) -> str:
    """A file and line for people, relative to the working directory where it lies below."""
    path = Path(file)
    with contextlib.suppress(ValueError, OSError):
        path = path.relative_to(Path.cwd())
    return f"{path}:{line}"


def _message_of(error: BaseException) -> str:
    # A syntax error repeats its file and line in its text.
    message = error.msg if isinstance(error, SyntaxError) else error
    try:
        return str(message)
    except Exception as broken:
        return f"(its message cannot be had: {type(broken).__name__})"


def _cause(app: str, error: BaseException) -> tuple[str, int] | None:
    """The last place outside libraries, which is most likely the one to mend."""
    if isinstance(error, SyntaxError) and error.filename:
        return error.filename, error.lineno or 0
    package = app.partition(".")[0]
    places = [
        (file, traceback.tb_lineno, _is_library(file) and not _lies_within(traceback, package))
        for traceback in _tracebacks(error.__traceback__)
        # Frozen and generated code stands in no file.
        if not (file := traceback.tb_frame.f_code.co_filename).startswith("<")
    ]
    of_users = [(file, line) for file, line, is_library in places if not is_library]
    chosen = of_users or [(file, line) for file, line, _ in places]
    return chosen[-1] if chosen else None


def _tracebacks(traceback: TracebackType | None) -> Iterator[TracebackType]:
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next


def _lies_within(traceback: TracebackType, package: str) -> bool:
    name = str(traceback.tb_frame.f_globals.get("__name__", ""))
    is_ours = name == __name__ or name.startswith(f"{__package__}.")
    return name.partition(".")[0] == package and not is_ours


def _is_library(file: str) -> bool:
    # Libraries may come from another environment, too.
    if not {"site-packages", "dist-packages"}.isdisjoint(Path(file).parts):
        return True
    folders = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    own = Path(__file__).parents[1]
    return Path(file).is_relative_to(own) or any(
        Path(file).is_relative_to(folder) for folder in folders
    )
