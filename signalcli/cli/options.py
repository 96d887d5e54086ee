"""The global options, which may stand before or after the command."""

import functools
import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeVar

import typer

from signalcli import __version__
from signalcli.cli.arguments import delays, taking
from signalcli.cli.completion import (
    complete_app,
    complete_delay,
    complete_receiver,
    complete_signal,
)
from signalcli.cli.invocation import (
    DEFAULT_DATABASE,
    DEFAULT_LOG_KEEP,
    PROGRAM,
    FaultOptions,
    Settings,
    current,
)
from signalcli.cli.late import late
from signalcli.cli.problems import TRACEBACK_VARIABLE, write_document

with late():
    from signalcli.apps import settings_file

T = TypeVar("T")
PANEL = "Global options"
FAULTS_PANEL = "Faults on purpose"
FAULTS = ("fail", "delay", "mute")


def print_version(is_wanted: bool) -> None:
    """Print the version and leave, if that is wanted."""
    if is_wanted:
        line = current().line
        if line is not None and line.settings.json:
            write_document(None, result={"version": __version__})
        else:
            typer.echo(f"{PROGRAM} {__version__}")
        raise typer.Exit


def show_tracebacks(is_wanted: bool) -> bool:
    """Show the tracebacks of errors from now on, if that is wanted; returns whether it is."""
    if is_wanted:
        os.environ[TRACEBACK_VARIABLE] = "1"
    return is_wanted


class Setting(NamedTuple):
    """A global option that a variable can set, too.

    Attributes:
        kind: the type of its values.
        names: its names on the command line.
        variable: the variable.
        help: one sentence for the help.
        default: its value where nothing is said.
        least: the smallest number that it takes.
        metavar: the word for a value in the help; None for an option without a value.
    """

    kind: Any
    names: tuple[str, ...]
    variable: str
    help: str
    default: Any
    least: int | None = None
    metavar: str | None = None

    @property
    def key(self) -> str:
        """Its key in the settings file."""
        return self.names[0].partition("/")[0].removeprefix("--")

    def before_command(self, name: str) -> inspect.Parameter:
        """The option before the command, which reads the variable."""
        option = typer.Option(
            *self.names,
            envvar=self.variable,
            min=self.least,
            metavar=self.metavar,
            help=self.help,
            show_default=self.default not in ("", False),
            rich_help_panel=PANEL,
        )
        return _parameter(name, Annotated[self.kind, option], self.default)

    def after_command(self, name: str) -> inspect.Parameter:
        """The option after the command, which overrides the one before where it is given."""
        option = typer.Option(
            *self.names,
            min=self.least,
            metavar=self.metavar,
            help=f"{self.help} Variable: {self.variable}.",
            show_default=False,
            rich_help_panel=PANEL,
        )
        if self.default is False:
            return _parameter(name, Annotated[bool, option], False)
        return _parameter(name, Annotated[self.kind | None, option], None)


def _parameter(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
    )


SETTINGS = {
    "database": Setting(
        str,
        ("--database", "-d"),
        "SIGNALCLI_DATABASE",
        "The SQLite file, or a SQLAlchemy URL.",
        DEFAULT_DATABASE,
        metavar="PATH|URL",
    ),
    "json": Setting(bool, ("--json",), "SIGNALCLI_JSON", "Print one JSON document.", False),
    "quiet": Setting(bool, ("--quiet", "-q"), "SIGNALCLI_QUIET", "Print only errors.", False),
    "whole": Setting(
        bool,
        ("--all",),
        "SIGNALCLI_ALL",
        "Show every dispatch in a row of its own, also unheard and repeated ones.",
        False,
    ),
    "log": Setting(
        bool,
        ("--log/--no-log",),
        "SIGNALCLI_LOG",
        "Keep the run in the signal log, or not.",
        True,
    ),
    "log_keep": Setting(
        int,
        ("--log-keep",),
        "SIGNALCLI_LOG_KEEP",
        "How many runs the signal log keeps.",
        DEFAULT_LOG_KEEP,
        least=1,
        metavar="NUMBER",
    ),
    "log_database": Setting(
        str,
        ("--log-database",),
        "SIGNALCLI_LOG_DATABASE",
        "Where the signal log is, if not in the database.",
        "",
        metavar="PATH|URL",
    ),
    "migrate": Setting(
        bool,
        ("--migrate",),
        "SIGNALCLI_MIGRATE",
        "Make missing tables and columns also where another tool keeps the schema.",
        False,
    ),
}
App = Annotated[
    list[str] | None,
    typer.Option(
        "--app",
        metavar="NAME",
        help="An app to install: a package, a module, an AppConfig or a .py file. Repeatable. "
        "Variable: SIGNALCLI_INSTALLED_APPS.",
        autocompletion=complete_app,
        show_default=False,
        rich_help_panel=PANEL,
    ),
]
Traceback = Annotated[
    bool,
    typer.Option(
        "--traceback",
        callback=show_tracebacks,
        is_eager=True,
        help=f"Show the traceback of what goes wrong. Variable: {TRACEBACK_VARIABLE}.",
        show_default=False,
        rich_help_panel=PANEL,
    ),
]
Fail = Annotated[
    list[str] | None,
    typer.Option(
        "--fail",
        metavar="RECEIVER",
        help="Make receivers of this name (a glob) raise.",
        autocompletion=complete_receiver,
        rich_help_panel=FAULTS_PANEL,
        show_default=False,
    ),
]
# The callback makes pairs of it: a glob and seconds.
Delay = Annotated[
    list[str] | None,
    typer.Option(
        "--delay",
        metavar="RECEIVER=TIME",
        help="Make receivers of this name slow: create_profile=200ms.",
        autocompletion=complete_delay,
        callback=delays,
        rich_help_panel=FAULTS_PANEL,
        show_default=False,
    ),
]
Mute = Annotated[
    list[str] | None,
    typer.Option(
        "--mute",
        metavar="SIGNAL",
        help="Let signals of this name reach nobody.",
        autocompletion=complete_signal,
        rich_help_panel=FAULTS_PANEL,
        show_default=False,
    ),
]
Version = Annotated[
    bool,
    typer.Option(
        "--version",
        "-V",
        callback=print_version,
        is_eager=True,
        help="Print the version and exit.",
        rich_help_panel=PANEL,
    ),
]


# These are the same before the command and after it.
_EVERYWHERE = [
    _parameter("app", App, None),
    _parameter("traceback", Traceback, False),
    _parameter("fail", Fail, None),
    _parameter("delay", Delay, None),
    _parameter("mute", Mute, None),
    _parameter("version", Version, False),
]
_CONTEXT = _parameter("ctx", typer.Context, inspect.Parameter.empty)
_BEFORE_COMMAND = [
    _CONTEXT,
    *(setting.before_command(name) for name, setting in SETTINGS.items()),
    *_EVERYWHERE,
]
_AFTER_COMMAND = [
    _CONTEXT,
    *(setting.after_command(name) for name, setting in SETTINGS.items()),
    *_EVERYWHERE,
]


@taking(_BEFORE_COMMAND)
def remember(*, ctx: typer.Context, **said: Any) -> None:
    """Show Django's signals at work: every dispatch, every receiver, in a table.

    Example: signalcli register xyz --email xyz@mail.com
    """
    settings = Settings(
        **{name: said[name] for name in SETTINGS},
        apps=tuple(said["app"] or ()),
        faults=_faults(said),
        unsaid=frozenset(name for name in SETTINGS if _is_unsaid(ctx, name)),
        origins=_origins(ctx, said),
    )
    line = current().line
    ctx.obj = settings if line is None else _overridden(ctx, line.settings, settings)
    if ctx.invoked_subcommand is None:
        if ctx.obj.json:
            ctx.fail("Missing command.")
        typer.echo(ctx.get_help())
        raise typer.Exit


def _origins(ctx: typer.Context, said: dict[str, Any]) -> dict[str, str]:
    """The option or the variable that sets each value, of those that are set before the command."""
    origins = {
        name: _option_of(name, said[name])
        if ctx.get_parameter_source(name).name == "COMMANDLINE"  # type: ignore[union-attr]  # it is said
        else SETTINGS[name].variable
        for name in SETTINGS
        if not _is_unsaid(ctx, name)
    }
    return {**origins, "traceback": "--traceback"} if said["traceback"] else origins


def _option_of(name: str, value: Any) -> str:
    """The option that sets a value."""
    on, _, off = SETTINGS[name].names[0].partition("/")
    return off if off and value is False else on


def _is_unsaid(ctx: typer.Context, name: str) -> bool:
    source = ctx.get_parameter_source(name)
    return source is None or source.name not in ("COMMANDLINE", "ENVIRONMENT")


def with_file(settings: Settings) -> Settings:
    """The settings, those that nobody sets taken from the settings file.

    Raises:
        ImproperlyConfigured: the file cannot be read, or sets what nobody knows.
    """
    try:
        here = Path.cwd()
    except OSError:
        # Said where the apps are looked for, by commands that need them.
        return settings
    found = settings_file.find_settings_file(here)
    values = {} if found is None else found.values
    of_file = {
        name: values[SETTINGS[name].key] for name in settings.unsaid if SETTINGS[name].key in values
    }
    origins = {**settings.origins, **dict.fromkeys(of_file, str(found.path) if found else "")}
    return settings._replace(**of_file, unsaid=frozenset(), file=found, origins=origins)


def _faults(said: dict[str, Any]) -> FaultOptions:
    return FaultOptions(**{name: tuple(said[name] or ()) for name in FAULTS})


def _overridden(ctx: typer.Context, settings: Settings, said: Settings) -> Settings:
    """The settings of a script, with those that the options before the command of a line override.

    The apps are those of the line alone; :func:`_refuse_other_apps` looks at them.
    """
    sources = {name: ctx.get_parameter_source(name) for name in SETTINGS}
    own = {
        name: getattr(said, name)
        for name, source in sources.items()
        if source is not None and source.name == "COMMANDLINE"
    }
    origins = {name: origin for name, origin in said.origins.items() if origin.startswith("--")}
    return settings._replace(
        **own,
        apps=said.apps,
        faults=settings.faults.with_more(said.faults),
        origins={**settings.origins, **origins},
    )


def _refuse_other_apps(ctx: typer.Context, settings: Settings, of_script: Settings) -> Settings:
    """The settings of a line with the apps of the script; a line that names others is refused.

    Apps are made ready once in a process.
    """
    if settings.apps and settings.apps != of_script.installed.names:
        ctx.fail(
            "The apps are those of the whole batch: name them before it, as in "
            f"`signalcli --app {settings.apps[0]} batch FILE`."
        )
    return settings._replace(apps=of_script.apps, file=of_script.file)


def with_global_options(
    command: Callable[..., T], carry_out: Callable[[str, Settings, Callable[[], T]], None]
) -> Callable[..., None]:
    """Make a command that takes ``settings`` first one that takes the global options instead.

    Arguments:
        command: the command. It may stand for a group of commands; then it is called where none of
            them is named.
        carry_out: called with the command's name, the settings, and the command, which has got its
            arguments by then.
    """
    own = list(inspect.signature(command).parameters.values())[1:]
    parameters = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own]

    @taking([*parameters, *_AFTER_COMMAND])
    @functools.wraps(command)
    def run(*, ctx: typer.Context, **arguments: Any) -> None:
        after = {name: arguments.pop(name) for name in SETTINGS}
        apps = arguments.pop("app") or ()
        faults = _faults({name: arguments.pop(name) for name in FAULTS})
        del arguments["version"]
        with_traceback = {"traceback": "--traceback"} if arguments.pop("traceback") else {}
        # An option that is not given after the command keeps its value from before the command.
        said = {name: value for name, value in after.items() if value not in (None, False)}
        if after["log"] is False:
            said["log"] = False
        settings = ctx.obj._replace(
            **said,
            apps=(*ctx.obj.apps, *apps),
            faults=ctx.obj.faults.with_more(faults),
            unsaid=ctx.obj.unsaid - set(said),
            origins={
                **ctx.obj.origins,
                **{name: _option_of(name, value) for name, value in said.items()},
                **with_traceback,
            },
        )
        if ctx.invoked_subcommand is not None:
            _refuse_misplaced(ctx, list(arguments))
            ctx.obj = settings
        else:
            if (line := current().line) is not None:
                settings = _refuse_other_apps(ctx, settings, line.settings)
            else:
                settings = with_file(settings)
            name = ctx.command_path.removeprefix(f"{PROGRAM} ")
            carry_out(name, settings, functools.partial(command, settings, **arguments))

    return run


def _refuse_misplaced(ctx: typer.Context, names: list[str]) -> None:
    """Refuse the options of a group of commands before a command of the group."""
    for name in names:
        source = ctx.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            option = f"--{name.replace('_', '-')}"
            ctx.fail(f"Write {option} after {ctx.invoked_subcommand}.")
