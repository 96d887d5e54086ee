"""Starting an app: a small working one, written from a template."""

import keyword
import os
import shlex
import unicodedata
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from string import Template

from signalcli.apps.config import exists
from signalcli.errors import AlreadyExists, InvalidValue

SUFFIX = ".txt"


@dataclass(frozen=True, slots=True)
class Started:
    """An app that was written.

    Attributes:
        package: the full path of its package.
        files: the files written there, relative to the working directory.
    """

    package: Path
    files: tuple[Path, ...]

    @property
    def try_it(self) -> list[str]:
        """Command lines to try the app with, in order."""
        name = self.package.name
        parent = os.path.relpath(self.package.parent)
        return [
            *([f"cd {shlex.quote(parent)}"] if parent != os.curdir else []),
            f"signalcli --app {name} --database {name}.db create Item name=tea stock=1",
            f"signalcli --app {name} --database {name}.db change Item 1 stock=0",
            f"python -m pytest {name}",
        ]


def write_app(name: str, directory: Path | None = None) -> Started:
    """Write an app: its config, a model, a signal, two receivers and a test for them.

    As with Django's ``startapp``, the directory becomes the app's package.

    Arguments:
        name: the app's label, a Python name.
        directory: the package; by default a folder of the app's name in the working directory.

    Raises:
        InvalidValue: the name is not a Python name.
        AlreadyExists: there is such a module, or such a file.
        OSError: a file cannot be written; none is left behind.
    """
    given = Path(name) if directory is None else directory
    _check(name, "an app")
    package = Path(os.path.normpath(Path.cwd() / given))
    _check(package.name, "a package")
    if exists(name, package.name):
        raise AlreadyExists(
            f"there is a Python module called {package.name!r} already; choose another name"
        )
    contents = _contents(name, package.name)
    for file in contents:
        if (package / file).exists() or (package / file).is_symlink():
            raise AlreadyExists(f"{given / file} exists already; nothing was written")
    _write(package, contents)
    return Started(package, tuple(given / file for file in contents))


def _check(name: str, what: str) -> None:
    # Python reads names in NFKC, and would not find a file named in another form.
    is_plain = unicodedata.normalize("NFKC", name) == name and not name.startswith("__")
    if not name.isidentifier() or keyword.iskeyword(name) or not is_plain:
        raise InvalidValue(f"{name!r} is no name for {what}; use letters, digits and _")


def _contents(name: str, package: str) -> dict[str, str]:
    title = "".join(part[:1].upper() + part[1:] for part in name.split("_"))
    values = {"name": name, "package": package, "title": title}
    folder = resources.files(__package__).joinpath("template")
    files = sorted(folder.iterdir(), key=lambda file: file.name)
    return {
        file.name.removesuffix(SUFFIX): Template(file.read_text("utf-8")).substitute(values)
        for file in files
        if file.name.endswith(SUFFIX)
    }


def _write(package: Path, contents: dict[str, str]) -> None:
    is_new = not package.exists()
    package.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    try:
        for file, text in contents.items():
            with (package / file).open("x", encoding="utf-8") as stream:
                written.append(package / file)
                stream.write(text)
    except BaseException:
        for path in written:
            path.unlink()
        if is_new:
            package.rmdir()
        raise
