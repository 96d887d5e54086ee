"""The global options, which may stand before or after the command."""

import functools
import inspect
import os
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import typer

from signalcli import __version__
from signalcli.cli.arguments import complete_receiver, complete_signal, delays
from signalcli.cli.invocation import (
    DEFAULT_DATABASE,
    DEFAULT_LOG_KEEP,
    PROGRAM,
    FaultOptions,
    Settings,
    current,
)
from signalcli.cli.problems import TRACEBACK_VARIABLE, write_document

T = TypeVar("T")
DATABASE_VARIABLE = "SIGNALCLI_DATABASE"
JSON_VARIABLE = "SIGNALCLI_JSON"
QUIET_VARIABLE = "SIGNALCLI_QUIET"
LOG_VARIABLE = "SIGNALCLI_LOG"
LOG_KEEP_VARIABLE = "SIGNALCLI_LOG_KEEP"
APPS_VARIABLE = "SIGNALCLI_INSTALLED_APPS"
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


def show_tracebacks(is_wanted: bool) -> None:
    """Have what goes wrong shown with its traceback, if that is wanted."""
    if is_wanted:
        os.environ[TRACEBACK_VARIABLE] = "1"


_DATABASE_HELP = "The SQLite file, or a SQLAlchemy URL."
_JSON_HELP = "Print one JSON document."
_QUIET_HELP = "Print only errors."
_LOG_HELP = "Keep the run in the signal log, or not."
_LOG_KEEP_HELP = "How many runs the signal log keeps."
_APP_HELP = "An app to install: a package, a module, an AppConfig or a .py file. Repeatable."
_TRACEBACK_HELP = "Show the traceback of what goes wrong."
_VERSION_HELP = "Print the version and exit."

Traceback = Annotated[
    bool,
    typer.Option(
        "--traceback",
        callback=show_tracebacks,
        is_eager=True,
        help=f"{_TRACEBACK_HELP} Variable: {TRACEBACK_VARIABLE}.",
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
# What the callback makes of it are pairs of a glob and seconds.
Delay = Annotated[
    list[str] | None,
    typer.Option(
        "--delay",
        metavar="RECEIVER=TIME",
        help="Make receivers of this name slow: create_profile=200ms.",
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
        callback=print_version,
        is_eager=True,
        help=_VERSION_HELP,
        rich_help_panel=PANEL,
    ),
]


def remember(
    ctx: typer.Context,
    database: Annotated[
        str,
        typer.Option(
            "--database", "-d", envvar=DATABASE_VARIABLE, help=_DATABASE_HELP, rich_help_panel=PANEL
        ),
    ] = DEFAULT_DATABASE,
    json: Annotated[
        bool,
        typer.Option("--json", envvar=JSON_VARIABLE, help=_JSON_HELP, rich_help_panel=PANEL),
    ] = False,
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet", "-q", envvar=QUIET_VARIABLE, help=_QUIET_HELP, rich_help_panel=PANEL
        ),
    ] = False,
    log: Annotated[
        bool,
        typer.Option("--log/--no-log", envvar=LOG_VARIABLE, help=_LOG_HELP, rich_help_panel=PANEL),
    ] = True,
    log_keep: Annotated[
        int,
        typer.Option(
            "--log-keep",
            envvar=LOG_KEEP_VARIABLE,
            min=1,
            help=_LOG_KEEP_HELP,
            rich_help_panel=PANEL,
        ),
    ] = DEFAULT_LOG_KEEP,
    app: Annotated[
        list[str] | None,
        typer.Option(
            "--app",
            metavar="NAME",
            help=f"{_APP_HELP} Variable: {APPS_VARIABLE}.",
            show_default=False,
            rich_help_panel=PANEL,
        ),
    ] = None,
    traceback: Traceback = False,
    fail: Fail = None,
    delay: Delay = None,
    mute: Mute = None,
    version: Version = False,
) -> None:
    """Show Django's signals at work: every dispatch, every receiver, in a table.

    Example: signalcli register xyz --email xyz@mail.com
    """
    faults = _faults({"fail": fail, "delay": delay, "mute": mute})
    said = Settings(database, json, quiet, log, log_keep, tuple(app or ()), faults)
    line = current().line
    ctx.obj = said if line is None else _with_what_is_said(ctx, line.settings, said)
    if ctx.invoked_subcommand is None:
        if ctx.obj.json:
            ctx.fail("Missing command.")
        typer.echo(ctx.get_help())
        raise typer.Exit


def _faults(said: dict[str, Any]) -> FaultOptions:
    return FaultOptions(**{name: tuple(said[name] or ()) for name in FAULTS})


def _with_what_is_said(ctx: typer.Context, settings: Settings, said: Settings) -> Settings:
    """The settings of a script, but for what the options before the command in a line say.

    Of apps these are only what the line says; see :func:`_refuse_other_apps`.
    """
    sources = {name: ctx.get_parameter_source(name) for name in _SETTINGS}
    own = {
        name: getattr(said, name)
        for name, source in sources.items()
        if source is not None and source.name == "COMMANDLINE"
    }
    return settings._replace(**own, apps=said.apps, faults=settings.faults.with_more(said.faults))


def _refuse_other_apps(ctx: typer.Context, settings: Settings, of_script: Settings) -> Settings:
    """The settings of a line, whose apps are those of the script, or it is refused.

    Apps are made ready once in a process.
    """
    # Only a batch needs this, and has made the apps ready.
    from signalcli.apps.registry import find_installed

    if settings.apps and settings.apps != find_installed(of_script.apps).names:
        ctx.fail(
            "The apps are those of the whole batch: name them before it, as in "
            f"`signalcli --app {settings.apps[0]} batch FILE`."
        )
    return settings._replace(apps=of_script.apps)


def _parameter(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
    )


def _option(kind: Any, *names: str, help: str, variable: str, **more: Any) -> Any:  # noqa: A002  # Typer's word
    # The variable is read with the options before the command, which those after it override.
    return Annotated[
        kind,
        typer.Option(
            *names,
            help=f"{help} Variable: {variable}.",
            rich_help_panel=PANEL,
            show_default=False,
            **more,
        ),
    ]


_SETTINGS = ("database", "json", "quiet", "log", "log_keep")
_AFTER_COMMAND = [
    _parameter("ctx", typer.Context, inspect.Parameter.empty),
    _parameter(
        "database",
        _option(str | None, "--database", "-d", help=_DATABASE_HELP, variable=DATABASE_VARIABLE),
        None,
    ),
    _parameter("json", _option(bool, "--json", help=_JSON_HELP, variable=JSON_VARIABLE), False),
    _parameter(
        "quiet", _option(bool, "--quiet", "-q", help=_QUIET_HELP, variable=QUIET_VARIABLE), False
    ),
    _parameter(
        "log",
        _option(bool | None, "--log/--no-log", help=_LOG_HELP, variable=LOG_VARIABLE),
        None,
    ),
    _parameter(
        "log_keep",
        _option(int | None, "--log-keep", help=_LOG_KEEP_HELP, variable=LOG_KEEP_VARIABLE, min=1),
        None,
    ),
    _parameter(
        "app",
        _option(list[str] | None, "--app", metavar="NAME", help=_APP_HELP, variable=APPS_VARIABLE),
        None,
    ),
    _parameter("traceback", Traceback, False),
    _parameter("fail", Fail, None),
    _parameter("delay", Delay, None),
    _parameter("mute", Mute, None),
    _parameter("version", Version, False),
]


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

    @functools.wraps(command)
    def run(*, ctx: typer.Context, **arguments: Any) -> None:
        after = {name: arguments.pop(name) for name in _SETTINGS}
        apps = arguments.pop("app") or ()
        faults = _faults({name: arguments.pop(name) for name in FAULTS})
        del arguments["version"], arguments["traceback"]
        # What is not said after the command, or not set there, stands as it was said before it.
        said = {name: value for name, value in after.items() if value not in (None, False)}
        if after["log"] is False:
            said["log"] = False
        settings = ctx.obj._replace(
            **said,
            apps=(*ctx.obj.apps, *apps),
            faults=ctx.obj.faults.with_more(faults),
        )
        if ctx.invoked_subcommand is not None:
            _refuse_misplaced(ctx, list(arguments))
            ctx.obj = settings
        else:
            if (line := current().line) is not None:
                settings = _refuse_other_apps(ctx, settings, line.settings)
            name = ctx.command_path.removeprefix(f"{PROGRAM} ")
            carry_out(name, settings, functools.partial(command, settings, **arguments))

    signature = inspect.signature(command)
    own = list(signature.parameters.values())[1:]
    parameters = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in (*own, *_AFTER_COMMAND)
    ]
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def _refuse_misplaced(ctx: typer.Context, names: list[str]) -> None:
    """Options of a command that has others below it say nothing to those."""
    for name in names:
        source = ctx.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            option = f"--{name.replace('_', '-')}"
            ctx.fail(f"Write {option} after {ctx.invoked_subcommand}.")
