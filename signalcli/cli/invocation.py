"""The command line that is being carried out: its arguments, and the line of a script it is.

Together with what its global options say. ``--version`` loads this module.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from signalcli.cli.late import late

with late():
    import shlex

    from signalcli import secrets
    from signalcli.apps import registry
    from signalcli.db import database

if TYPE_CHECKING:
    from signalcli.apps.registry import Installed
    from signalcli.apps.settings_file import SettingsFile

PROGRAM = "signalcli"
DEFAULT_DATABASE = "demo.db"
DEFAULT_LOG_KEEP = 10_000
# Typer takes time that grows with the square of their number.
MOST_WORDS = 10_000
LOG_DATABASE = "signals.db"


class FaultOptions(NamedTuple):
    """The faults that are put into a run on purpose.

    Attributes:
        fail: globs of receivers that raise.
        delay: globs of receivers that are slow, each with the seconds.
        mute: globs of signals that reach nobody.
    """

    fail: tuple[str, ...] = ()
    delay: tuple[tuple[str, float], ...] = ()
    mute: tuple[str, ...] = ()

    @property
    def delays(self) -> dict[str, float]:
        """The seconds of each glob; the last one that fits counts, so a repeated one moves back."""
        seconds: dict[str, float] = {}
        for pattern, each in self.delay:
            seconds.pop(pattern, None)
            seconds[pattern] = each
        return seconds

    def with_more(self, other: "FaultOptions") -> "FaultOptions":
        """These and, after them, others."""
        return FaultOptions(
            self.fail + other.fail, self.delay + other.delay, self.mute + other.mute
        )


NO_FAULTS = FaultOptions()


class Settings(NamedTuple):
    """The values of the global options.

    Attributes:
        database: a path, or a SQLAlchemy URL.
        json: whether the answer is one JSON document.
        quiet: whether only errors are printed.
        whole: whether the trace shows every dispatch in a row of its own.
        log: whether runs are kept in the signal log.
        log_keep: how many runs it keeps.
        log_database: the database of the signal log; where it is empty, see
            :func:`signalcli.cli.places.log_database`.
        migrate: whether tables are made and columns added whoever keeps the schema.
        apps: the installed apps that are named on the command line.
        faults: which faults are put into the run on purpose.
        unsaid: the options that neither the command line nor a variable sets, by name; the
            settings file may set them.
        file: the settings file that was found; None where there is none, or before it is sought.
        origins: where each value came from that is not the default, by the option's name.
    """

    database: str
    json: bool
    quiet: bool
    whole: bool = False
    log: bool = True
    log_keep: int = DEFAULT_LOG_KEEP
    log_database: str = ""
    migrate: bool = False
    apps: tuple[str, ...] = ()
    faults: FaultOptions = NO_FAULTS
    unsaid: frozenset[str] = frozenset()
    file: "SettingsFile | None" = None
    origins: Mapping[str, str] = MappingProxyType({})

    @property
    def database_name(self) -> str:
        """How the database is named to people."""
        return secrets.without_password(self.database)

    @property
    def missing(self) -> str:
        """That the file of the database is not there; empty where it is, or where there is none."""
        file = database.file_of(self.database)
        if file is None or database.is_kept(self.database):
            return ""
        return f"there is no {file.name} in {file.absolute().parent}"

    @property
    def database_option(self) -> str:
        """The option that names the database, with a blank before it; empty for the default one."""
        if self.database == DEFAULT_DATABASE:
            return ""
        return f" --database {shlex.quote(self.database_name)}"

    @property
    def installed(self) -> "Installed":
        """The installed apps.

        Raises:
            ImproperlyConfigured: the working directory is gone.
        """
        return registry.find_installed(self.apps, self.file)


class Line(NamedTuple):
    """The place of a command in a script.

    Attributes:
        number: the number of the line, from 1.
        settings: the global options of the whole script.
        is_piped: whether the script is standard input, which commands thus cannot read.
    """

    number: int
    settings: Settings
    is_piped: bool = False


class Invocation(NamedTuple):
    """A command line.

    Attributes:
        arguments: its arguments, without the program's name.
        line: the line of a script that it is; None where the process was started with it.
    """

    arguments: tuple[str, ...]
    line: Line | None = None


_under_way: ContextVar[Invocation | None] = ContextVar("signalcli_invocation", default=None)


def current() -> Invocation:
    """The command line that is being carried out; otherwise that of the process."""
    return _under_way.get() or Invocation(tuple(sys.argv[1:]))


@contextmanager
def under_way(invocation: Invocation) -> Iterator[None]:
    """Make a command line the current one."""
    token = _under_way.set(invocation)
    try:
        yield
    finally:
        _under_way.reset(token)
