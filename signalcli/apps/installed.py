"""The list of installed apps, from an option, a variable or a settings file."""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any

from signalcli.apps.errors import ImproperlyConfigured
from signalcli.apps.importing import FILE_SUFFIX
from signalcli.apps.registry import INSTALLED_APPS, Apps, apps

VARIABLE = "SIGNALCLI_INSTALLED_APPS"
OPTION = "--app"
DEFAULT = "default"
OWN_FILE, PROJECT_FILE = "signalcli.toml", "pyproject.toml"
KEY = "installed-apps"


@dataclass(frozen=True, slots=True)
class Installed:
    """The list of installed apps.

    Attributes:
        names: the apps, in their order; see :meth:`signalcli.apps.Apps.populate`.
        source: where the list is from: an option, a variable, the path of a file, or ``default``.
        folders: the folders that are importable for them.
    """

    names: tuple[str, ...]
    source: str
    folders: tuple[Path, ...] = ()


def find_installed(
    named: Sequence[str] = (), environment: Mapping[str, str] = os.environ
) -> Installed:
    """The installed apps: those named; else those of a variable, of a file, or the demo app.

    The file is ``signalcli.toml`` or a ``pyproject.toml`` that has ``[tool.signalcli]``, in the
    working directory or the nearest one above it.

    Arguments:
        named: the apps that ``--app`` names.
        environment: the variables; ``SIGNALCLI_INSTALLED_APPS`` separates apps by commas.

    Raises:
        ImproperlyConfigured: the file cannot be read, or is not as it has to be.
    """
    here = _working_directory()
    if named:
        return _installed(named, OPTION, [here])
    variable = [name.strip() for name in environment.get(VARIABLE, "").split(",")]
    if any(variable):
        return _installed(filter(None, variable), VARIABLE, [here])
    for folder in (here, *here.parents):
        for file in (OWN_FILE, PROJECT_FILE):
            names = _names_in(folder / file)
            if names is not None:
                return _installed(names, str(folder / file), [here, folder])
    return Installed(INSTALLED_APPS, DEFAULT)


def make_ready(named: Sequence[str] = (), registry: Apps = apps) -> Installed:
    """Make the installed apps ready; see :func:`find_installed` and :meth:`Apps.populate`.

    The working directory becomes importable, as ``manage.py`` has it, and so does the folder of the
    file that lists the apps. Apps are looked for there first, and other modules there last, so that
    no file there takes the place of a library.

    Raises:
        ImproperlyConfigured: as for both of these.
    """
    installed = find_installed(named)
    with _importable(installed):
        registry.populate(installed.names)
    return installed


def _installed(names: Iterable[str], source: str, folders: Sequence[Path]) -> Installed:
    # Paths in a file are relative to that file.
    base = folders[-1]
    resolved = tuple(
        str(base / name) if name.endswith(FILE_SUFFIX) and source != OPTION else name
        for name in names
    )
    own = [(base / name).parent for name in resolved if name.endswith(FILE_SUFFIX)]
    return Installed(resolved, source, tuple(dict.fromkeys([*folders, *own])))


def _working_directory() -> Path:
    try:
        return Path.cwd()
    except OSError as error:
        raise ImproperlyConfigured(f"the working directory is gone: {error.strerror}") from error


def _names_in(file: Path) -> list[str] | None:
    """The apps that a file lists; None where it lists none."""
    try:
        if not file.exists():
            return None
        if not file.is_file():
            raise ImproperlyConfigured(f"{file} cannot be read: it is no file")
        text = file.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"{file} cannot be read: {error}") from error
    is_own = file.name == OWN_FILE
    if not is_own and "signalcli" not in text:
        return None
    from tomllib import TOMLDecodeError, loads

    try:
        contents: dict[str, Any] = loads(text)
    except TOMLDecodeError as error:
        raise ImproperlyConfigured(f"{file} is no TOML: {error}") from error
    tool = contents.get("tool")
    settings = contents if is_own else tool.get("signalcli") if isinstance(tool, dict) else None
    return None if settings is None else _names_of(settings, file)


def _names_of(settings: Any, file: Path) -> list[str] | None:
    if not isinstance(settings, dict):
        raise ImproperlyConfigured(f"{file}: tool.signalcli is no table")
    unknown = sorted(set(settings) - {KEY})
    if unknown:
        raise ImproperlyConfigured(f"{file}: there is no setting {unknown[0]!r}, only {KEY!r}")
    names = settings.get(KEY)
    if names is None:
        return None
    if not (isinstance(names, list) and names and all(isinstance(name, str) for name in names)):
        raise ImproperlyConfigured(f"{file}: {KEY} takes a list of names of apps, not {names!r}")
    return names


class _AppFinder:
    """Finds the installed apps in their folders, and nothing else that lies there."""

    def __init__(self, installed: Installed) -> None:
        self._packages = {name.partition(".")[0] for name in installed.names}
        self._folders = [str(folder) for folder in installed.folders]

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: object = None
    ) -> ModuleSpec | None:
        """As import systems ask for it; None leaves the module to the other finders."""
        return PathFinder.find_spec(name, self._folders) if name in self._packages else None


@contextmanager
def _importable(installed: Installed) -> Iterator[None]:
    finder = _AppFinder(installed)
    folders = [str(folder) for folder in installed.folders]
    sys.path.extend(folder for folder in folders if folder not in sys.path)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
