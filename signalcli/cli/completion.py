"""What the shell is offered for a value: names from the apps, from the database, and from the log.

The apps and the database are loaded only when the shell asks for such a name. Nothing is said of
errors: a shell in the middle of a line is no place for a message.
"""

import contextlib
import re
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import typer

from signalcli.cli.invocation import DEFAULT_DATABASE
from signalcli.cli.late import late
from signalcli.cli.problems import ERROR_CODES, EXIT_CODES
from signalcli.render.exports import formats

with late():
    import sqlite3

    from signalcli.apps import registry, settings_file
    from signalcli.cli import catalogue
    from signalcli.core import users
    from signalcli.db import engine, lifetime
    from signalcli.log import finding, schema

if TYPE_CHECKING:
    from signalcli.apps.registry import Installed
    from signalcli.apps.settings_file import SettingsFile
    from signalcli.cli.catalogue import Catalogue

MOST_NAMES = 100
OWN_APP = "signalcli.core"

# A name, or a name and what it stands for.
Offer: TypeAlias = str | tuple[str, str]

_FILE = re.compile(r"(sqlite:///)?(?P<path>[^?]+)")
_USERNAMES = (
    "SELECT username FROM core_user WHERE substr(username, 1, ?) = ? ORDER BY username LIMIT ?"
)
_RUNS = (
    "SELECT run, command_line FROM signalcli_run WHERE substr(run, 1, ?) = ? "
    "ORDER BY run DESC LIMIT ?"
)


def complete_username(ctx: typer.Context, incomplete: str) -> list[str]:
    """The first hundred usernames that begin like that; none where the database fails."""
    found = _rows(ctx, _USERNAMES, incomplete)
    if found is not None:
        return [name for (name,) in found]
    with contextlib.suppress(Exception):
        registry.make_ready(_installed(ctx))
        opened = engine.open_engine(_database(ctx), writes=False, creates=False)
        try:
            with lifetime.open_session(opened) as reading:
                return users.usernames(reading, incomplete, MOST_NAMES)
        finally:
            opened.dispose()
    return []


def complete_run(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """The last hundred runs whose numbers begin like that, each with its command; newest first."""

    def runs() -> list[Offer]:
        with schema.open_log(_database(ctx)) as connection:
            found = finding.find(connection, finding.Filter(), most=MOST_NAMES)
            return [(str(run.number), _command(run.command_line)) for run in found]

    found = _rows(ctx, _RUNS, incomplete)
    if found is not None:
        return [(str(number), _command(line)) for number, line in found]
    with contextlib.suppress(Exception):
        return runs()
    return []


def _command(command_line: str) -> str:
    return command_line.removeprefix("signalcli ")


def _rows(ctx: typer.Context, query: str, beginning: str) -> list[Any] | None:
    """Rows of the database, read without the libraries that take longer to load than to read.

    None where the database is no plain file of SQLite, or does not answer.
    """
    with contextlib.suppress(Exception):
        file = _FILE.fullmatch(_database(ctx))
        if file is None or "://" in file["path"]:
            return None
        if not Path(file["path"]).exists():
            return []
        # Who opens it to read only could not take the files away that SQLite puts beside it.
        place = f"{Path(file['path']).absolute().as_uri()}?mode=rw"
        with contextlib.closing(sqlite3.connect(place, uri=True, timeout=0)) as connection:
            connection.execute("PRAGMA query_only = 1")
            given = (len(beginning), beginning, MOST_NAMES)
            return connection.execute(query, given).fetchall()
    return None


def complete_model(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """The models whose names begin like that; none where the apps fail."""

    def names(known: "Catalogue") -> list[Offer]:
        full: list[Offer] = [(name, "") for name in sorted(each.names[1] for each in known.models)]
        return [*full, *_short_names(known)] if incomplete else full

    return _offered(ctx, names)


def complete_sender(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """The short names of models that begin like that; none where the apps fail."""
    return _offered(ctx, _short_names)


def _short_names(known: "Catalogue") -> list[Offer]:
    """The short name of each model, with the full one."""
    return sorted((each.names[0], each.names[1]) for each in known.models)


def complete_field(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """The fields of the model that begin like that, each with its ``=``; or values of a field."""

    def names(known: "Catalogue") -> list[Offer]:
        fields = known.find_model(ctx.params["model"]).fields
        name, equals, _ = incomplete.partition("=")
        if equals:
            return [f"{name}={choice}" for choice in fields[name]]
        given = {word.partition("=")[0] for word in _words(ctx)}
        return [
            (f"{each}=", ", ".join(choices))
            for each, choices in fields.items()
            if each not in given
        ]

    return _offered(ctx, names)


def complete_object_field(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """The fields of the model among ``--fields`` that begin like that, after those before."""

    def names(known: "Catalogue") -> list[Offer]:
        # Where an option lacks its value, the arguments before it have not been read.
        model = known.find_model(ctx.params.get("model") or ctx.args[0])
        return list(listed_after(incomplete, [*model.shown, "pk", "model"]))

    return _offered(ctx, names)


def listed_after(incomplete: str, known: Iterable[str]) -> list[str]:
    """The continuations of a list with commas between, of which the last part is incomplete."""
    *before, last = incomplete.split(",")
    rest = [name for name in known if name.startswith(last) and name not in before]
    return [",".join([*before, name]) for name in rest]


def complete_argument(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """The arguments of the signal that begin like that, each with its ``=``."""

    def names(known: "Catalogue") -> list[Offer]:
        given = {word.partition("=")[0] for word in _words(ctx)}
        return [
            (f"{name}=", f"of {signal.path}")
            for signal in known.signals
            if any(fnmatchcase(each, ctx.params["signal"]) for each in (signal.name, signal.path))
            for name in signal.arguments
            if name not in given
        ]

    return _offered(ctx, names)


def _words(ctx: typer.Context) -> Sequence[str]:
    """The words of the form ``name=value`` that the command line has so far."""
    several = (ctx.params.get(name) for name in ("fields", "words", "arguments"))
    return [word for words in several if isinstance(words, list | tuple) for word in words]


def complete_signal(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """The short names of signals that begin like that; none where the apps fail."""
    return _offered(ctx, lambda known: [(each.name, each.path) for each in known.signals])


def complete_receiver(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """The short names of receivers that begin like that; none where the apps fail."""
    return _offered(ctx, lambda known: [(short, full) for full, short in known.receivers.items()])


def complete_delay(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """The short names of receivers that begin like that, each with its ``=``."""
    offers = complete_receiver(ctx, incomplete)
    return [(f"{offer[0]}=", offer[1]) for offer in offers if isinstance(offer, tuple)]


def complete_app(incomplete: str) -> list[Offer]:
    """The demo app, and the packages and lone files of the working directory."""
    names: list[str] = []
    with contextlib.suppress(OSError):
        here = sorted(Path.cwd().iterdir())
        names = [each.name for each in here if each.suffix == ".py" or _is_package(each)]
    return [(OWN_APP, "the demo app"), *names]


def _is_package(path: Path) -> bool:
    return (path / "__init__.py").exists()


def complete_word(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """What can be explained and begins like that; of the apps' names none where the apps fail."""
    codes = [*map(str, EXIT_CODES), *ERROR_CODES]
    return [
        *_offered(ctx, lambda known: known.words),
        *(code for code in codes if incomplete and code.startswith(incomplete)),
    ]


def complete_format(incomplete: str) -> list[str]:
    """The formats of ``log export`` that begin like that."""
    return [name for name in formats() if name.startswith(incomplete)]


def _offered(ctx: typer.Context, names: "Callable[[Catalogue], Iterable[Offer]]") -> list[Offer]:
    """Names of the apps that the command line names so far, each once."""
    with contextlib.suppress(Exception):
        found = [*names(catalogue.catalogue_of(_installed(ctx)))]
        unique = {each if isinstance(each, str) else each[0]: each for each in reversed(found)}
        return list(reversed(unique.values()))
    return []


def _installed(ctx: typer.Context) -> "Installed":
    """The apps that the command line names so far, or else those of the variable or the file."""
    return registry.find_installed(_said(ctx, "app") or (), _file())


def _database(ctx: typer.Context) -> str:
    """The database that the command works on."""
    for context in _contexts(ctx):
        source = context.get_parameter_source("database")
        if source is not None and source.name in ("COMMANDLINE", "ENVIRONMENT"):
            return str(context.params["database"])
    found = _file()
    return DEFAULT_DATABASE if found is None else found.values.get("database", DEFAULT_DATABASE)


def _file() -> "SettingsFile | None":
    return settings_file.find_settings_file(Path.cwd())


def _said(ctx: typer.Context, option: str) -> Any:
    """The value of a global option so far, before or after the command; None where not given."""
    return next((each.params[option] for each in _contexts(ctx) if each.params.get(option)), None)


def _contexts(ctx: typer.Context) -> list[typer.Context]:
    """The context of a command, and those around it."""
    found: list[typer.Context] = []
    context: typer.Context | None = ctx
    while context is not None:
        found.append(context)
        context = context.parent  # type: ignore[assignment]  # a command's parent is Typer's, too
    return found
