"""The catalogue of what the apps define, for completion: read from the apps, and kept.

Reading the apps loads SQLAlchemy, which takes longer than a shell should wait. So the catalogue is
kept in the user's cache folder, and holds as long as nothing has changed that was loaded to make
it. Where it cannot be kept, or what is kept looks odd, the apps are read.
"""

import contextlib
import hashlib
import json
import os
import re
import stat
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from signalcli import __version__
from signalcli.cli.late import late

with late():
    from signalcli.apps import explanation, inventory, registry
    from signalcli.objects import fields, values

if TYPE_CHECKING:
    from signalcli.apps.registry import Installed

VARIABLE = "XDG_CACHE_HOME"
MOST_KEPT = 32
MOST_BYTES = 4_000_000
# Some file systems tell the time of a change in steps of two seconds.
STEP_NANOSECONDS = 2_000_000_000
# Variables that differ between the windows and the lines of a shell, and that no app reads.
_PASSING = re.compile(
    r"_|_SIGNALCLI_.*|PWD|OLDPWD|SHLVL|COLUMNS|LINES|WINDOWID|TERM_SESSION_ID|TMUX_PANE|SSH_TTY"
)
# An app that does these may say something else the next time, although no file has changed.
_OUTWARD = {
    "os.fork",
    "os.posix_spawn",
    "os.system",
    "socket.connect",
    "sqlite3.connect",
    "subprocess.Popen",
}


class SignalNames(NamedTuple):
    """A signal: its short and its full name, and the arguments that it provides."""

    name: str
    path: str
    arguments: list[str]


class ModelNames(NamedTuple):
    """A model.

    Attributes:
        names: its short, its labelled and its full name.
        fields: its fields, each with its values where these are few.
        shown: the fields that are shown.
    """

    names: list[str]
    fields: dict[str, list[str]]
    shown: list[str]


class Catalogue(NamedTuple):
    """What the apps define, as plain data.

    Attributes:
        signals: the signals.
        receivers: the receivers by their full names, each with the short one.
        models: the models.
        words: all that can be explained.
    """

    signals: list[SignalNames]
    receivers: dict[str, str]
    models: list[ModelNames]
    words: list[str]

    def find_model(self, name: str) -> ModelNames:
        """The model of a name.

        Raises:
            LookupError: there is none, or there are several.
        """
        places = registry.named({place: each.names for place, each in enumerate(self.models)}, name)
        if len(places) != 1:
            raise LookupError(name)
        return self.models[places[0]]


def catalogue_of(installed: "Installed") -> Catalogue:
    """The catalogue of the installed apps.

    Raises:
        Exception: the apps fail.
    """
    place = None
    with contextlib.suppress(Exception):
        place = _folder() / f"{_key(installed)}.json"
        return _kept(place)
    begun, watch = time.time_ns(), _Watch()
    registry.make_ready(installed)
    catalogue = _read()
    if place is not None and not watch.is_outward:
        with contextlib.suppress(Exception):
            _keep(place, catalogue, sorted(watch.files | _loaded(installed)), begun)
    return catalogue


def _read() -> Catalogue:
    explained = explanation.explained_names()
    return Catalogue(
        [
            SignalNames(each.name, each.path, list(each.arguments or ()))
            for each in inventory.find_signals()
        ],
        {each.receiver: each.short_receiver for each in inventory.find_connections()},
        [
            ModelNames(
                registry.names_of(model),
                {name: values.choices_of(model, name) for name in fields.names_of(model)},
                fields.shown_fields(model),
            )
            for model in registry.apps.get_models()
        ],
        [name for names in explained.values() for name in names],
    )


def _folder() -> Path:
    """The folder of the catalogues, as the XDG specification has it.

    Raises:
        RuntimeError: the user has no home.
    """
    given = Path(os.environ.get(VARIABLE, ""))
    if sys.platform == "win32" and not given.is_absolute():
        given = Path(os.environ.get("LOCALAPPDATA", ""))
    if not given.is_absolute():
        given = Path.home() / ".cache"
    return given / "signalcli" / "completion"


def _key(installed: "Installed") -> str:
    """All that the catalogue depends on beside files."""
    variables = {name: value for name, value in os.environ.items() if not _PASSING.fullmatch(name)}
    return _hash(
        json.dumps(
            (
                *(__version__, sys.version, sys.argv[0], sys.path, str(Path.cwd())),
                *(installed.names, list(map(str, installed.folders)), sorted(variables.items())),
            )
        )
    )


class _Watch:
    """Watches what is opened from now on. It cannot be ended, and the process ends soon.

    Attributes:
        files: the files that were opened, or looked for.
        is_outward: whether something else was asked, as another program or a database.
    """

    def __init__(self) -> None:
        self.files: set[str] = set()
        self.is_outward = False
        sys.addaudithook(self._note)

    def _note(self, event: str, told: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(told[0], str | bytes | os.PathLike):
            name = os.fsdecode(told[0])
            if not name.endswith(".pyc"):
                self.files.add(os.path.abspath(name))  # noqa: PTH100  # links stay as they are
        elif event in _OUTWARD:
            self.is_outward = True


def _loaded(installed: "Installed") -> set[str]:
    """The files of all modules, and the folders in which others may appear."""
    named = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    files = {os.path.abspath(file) for file in named if isinstance(file, str)}  # noqa: PTH100
    folders = {os.path.dirname(file) for file in files}  # noqa: PTH120  # quicker by far
    return files | folders | set(map(str, installed.folders))


def _stamp(path: str) -> str:
    """What changes where a file does, or where something comes into a folder or goes."""
    try:
        found = os.stat(path)  # noqa: PTH116  # a thousand of them: quicker by far
        if not stat.S_ISDIR(found.st_mode):
            return f"{found.st_mtime_ns} {found.st_ctime_ns} {found.st_size} {found.st_ino}"
        return "/".join(sorted(filter(_may_be_loaded, os.listdir(path))))  # noqa: PTH208  # likewise
    except OSError:
        return ""


def _may_be_loaded(name: str) -> bool:
    """Whether a file may be of an app, rather than one that databases or Python put there."""
    comes_and_goes = name.endswith(("-journal", "-wal", "-shm"))
    return not (comes_and_goes or name.startswith((".", "__pycache__")))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _state(paths: Iterable[str]) -> str:
    return _hash("\n".join(map(_stamp, paths)))


def _kept(place: Path) -> Catalogue:
    """The catalogue that is kept, if it still holds.

    Raises:
        Exception: there is none, or it does not hold, or somebody else has written it.
    """
    # Whoever puts a pipe there keeps nobody waiting.
    number = os.open(place, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with open(number, encoding="utf-8") as file:  # noqa: PTH123  # a number is no path
        found = os.fstat(number)
        is_own = not hasattr(os, "getuid") or found.st_uid == os.getuid()
        if not (is_own and stat.S_ISREG(found.st_mode) and found.st_size <= MOST_BYTES):
            raise ValueError("this file is not ours")
        kept = json.load(file)
    if _state(kept["files"]) != kept["state"]:
        raise ValueError("something has changed")
    signals, receivers, known, words = kept["catalogue"]
    return Catalogue(
        [SignalNames(name, path, _texts(arguments)) for name, path, arguments in signals],
        dict(zip(_texts(list(receivers)), _texts(list(receivers.values())), strict=True)),
        [
            ModelNames(_texts(names), {key: _texts(few) for key, few in of.items()}, _texts(shown))
            for names, of, shown in known
        ],
        _texts(words),
    )


def _texts(given: Any) -> list[str]:
    if not (isinstance(given, list) and all(isinstance(each, str) for each in given)):
        raise ValueError("these are no texts")
    return given


def _keep(place: Path, catalogue: Catalogue, files: list[str], begun: int) -> None:
    """Keep a catalogue, unless one of the files may have changed while it was read."""
    state = _state(files)
    for path in files:
        if os.path.isfile(path):  # noqa: PTH113  # quicker by far
            found = os.stat(path)  # noqa: PTH116  # likewise
            if found.st_mtime_ns > begun - STEP_NANOSECONDS or found.st_ctime_ns > begun:
                return
    folder = place.parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = json.dumps({"state": state, "files": files, "catalogue": catalogue})
    # Whoever reads it meanwhile finds all of it, or what was there before.
    with tempfile.NamedTemporaryFile("w", dir=folder, suffix=".part", delete=False) as fresh:
        fresh.write(text)
    Path(fresh.name).replace(place)
    kept = sorted(folder.iterdir(), key=lambda each: each.stat().st_mtime)
    for old in kept[:-MOST_KEPT]:
        old.unlink()
