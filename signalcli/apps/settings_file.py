"""The settings file, which sets what options set: found, read and checked."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from signalcli.apps.config import ImproperlyConfigured

OWN_FILE, PROJECT_FILE = "signalcli.toml", "pyproject.toml"
INSTALLED_APPS = "installed-apps"
DATABASE = "database"
LOG_DATABASE = "log-database"
# The keys, each with the values that it takes.
KEYS = {
    INSTALLED_APPS: "a list of names of apps",
    DATABASE: "a text",
    "json": "true or false",
    "quiet": "true or false",
    "all": "true or false",
    "log": "true or false",
    "log-keep": "a whole number from 1 on",
    LOG_DATABASE: "a text",
    "migrate": "true or false",
}
_OF_SQLITE = "sqlite:///"


class SettingsFile(NamedTuple):
    """A settings file that has been read.

    Attributes:
        path: the file.
        values: what it sets, by key.
    """

    path: Path
    values: Mapping[str, Any]


def find_settings_file(here: Path) -> SettingsFile | None:
    """The nearest file that sets anything, in a folder or one above it; None where there is none.

    What other files further up set does not count. A database that the file names by a relative
    path is meant relative to the file.

    Raises:
        ImproperlyConfigured: a file cannot be read, or sets what nobody knows.
    """
    for folder in (here, *here.parents):
        for name in (OWN_FILE, PROJECT_FILE):
            values = _values_in(folder / name)
            if values:
                if folder != here:
                    seen = {
                        key: _seen_from(folder, values[key])
                        for key in (DATABASE, LOG_DATABASE)
                        if key in values
                    }
                    values = {**values, **seen}
                return SettingsFile(folder / name, values)
    return None


def _values_in(file: Path) -> dict[str, Any]:
    """What a file sets; nothing where it is not there or is about something else."""
    try:
        if not file.exists():
            return {}
        if not file.is_file():
            raise ImproperlyConfigured(f"{file} cannot be read: it is not a file")
        text = file.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"{file} cannot be read: {error}") from error
    is_own = file.name == OWN_FILE
    if not is_own and "signalcli" not in text:
        return {}
    from tomllib import TOMLDecodeError, loads

    try:
        contents: dict[str, Any] = loads(text)
    except TOMLDecodeError as error:
        raise ImproperlyConfigured(f"{file} is not TOML: {error}") from error
    except RecursionError as error:
        raise ImproperlyConfigured(f"{file} cannot be read: it is nested too deeply") from error
    except ValueError as error:
        # Python refuses numbers of thousands of digits.
        raise ImproperlyConfigured(f"{file} has a number that is too large") from error
    tool = contents.get("tool")
    settings = contents if is_own else tool.get("signalcli") if isinstance(tool, dict) else None
    return {} if settings is None else _checked(settings, file)


def _checked(settings: Any, file: Path) -> dict[str, Any]:
    if not isinstance(settings, dict):
        raise ImproperlyConfigured(f"{file}: tool.signalcli is no table")
    for key, value in settings.items():
        if key not in KEYS:
            known = ", ".join(KEYS)
            raise ImproperlyConfigured(f"{file}: there is no setting {key!r}; there are {known}")
        if not _fits(key, value):
            raise ImproperlyConfigured(f"{file}: {key} takes {KEYS[key]}, not {_shown(value)}")
    return settings


def _shown(value: Any) -> str:
    """A value as a message shows it, whatever it is."""
    from signalcli.trace.representation import describe

    return describe(value)


def _fits(key: str, value: Any) -> bool:
    if key == INSTALLED_APPS:
        is_list = isinstance(value, list) and bool(value)
        return is_list and all(isinstance(name, str) for name in value)
    if key in (DATABASE, LOG_DATABASE):
        return isinstance(value, str) and bool(value)
    if key == "log-keep":
        return isinstance(value, int) and not isinstance(value, bool) and value >= 1
    return isinstance(value, bool)


def _seen_from(folder: Path, database: str) -> str:
    """A database that is named relative to a folder, named so that it is found from elsewhere."""
    from signalcli.db.references import is_reference

    if database.startswith(_OF_SQLITE):
        path = database.removeprefix(_OF_SQLITE)
        is_file = bool(path) and not path.startswith((":memory:", "file:"))
        return f"{_OF_SQLITE}{folder / path}" if is_file else database
    if "://" in database or database == ":memory:" or is_reference(database):
        return database
    return str(folder / database)
