"""The table of all commands, and Typer's groups that are made of it.

Typer looks at every parameter of every command before it reads the command line. Here the list of
the commands needs no more than this table, and a command that runs needs its own module alone.
"""

import functools
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, ClassVar, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from signalcli.cli import shells
from signalcli.cli.help import help_of_command, help_of_group
from signalcli.cli.invocation import Settings
from signalcli.cli.late import late
from signalcli.cli.options import remember, with_global_options
from signalcli.cli.problems import (
    Problem,
    Reported,
    as_told,
    print_problem,
    usage_problem,
    write_document,
)
from signalcli.cli.task import Inquiry, Task
from signalcli.errors import SignalcliError, UsageError

with late():
    from signalcli.cli import guidance, run


class Entry(NamedTuple):
    """A command.

    Attributes:
        place: its module within this package, and its function there: ``users.register``.
        help: one line for lists of commands, the first one of its function's docstring.
        cls: its class, where it is no plain command.
        group: the class of the group, where other commands stand below it.
    """

    place: str
    help: str
    cls: type[TyperCommand] | None = None
    group: "type[LazyGroup] | None" = None

    def load(self) -> Callable[..., Task | Inquiry | None]:
        """The command's function."""
        module, _, name = self.place.partition(".")
        function: Callable[..., Task | Inquiry | None] = getattr(
            import_module(f"signalcli.cli.{module}"), name
        )
        return function

    def build(self, name: str) -> Any:
        """The command, with all its parameters."""
        command = with_global_options(self.load(), _carry_out)
        if self.group is not None:
            app = typer.Typer(name=name, cls=self.group, add_completion=False)
            app.callback(invoke_without_command=True)(command)
        else:
            app = typer.Typer(add_completion=False)
            app.command(name, cls=self.cls or Command)(command)
        return get_command(app)


def _carry_out(name: str, settings: Settings, command: Callable[[], Task | Inquiry | None]) -> None:
    """Carry out a command whose arguments have been read.

    Arguments:
        name: the command's name, as in ``log show``.
        settings: the values of the global options.
        command: makes the task of its arguments; None where it has carried itself out.

    Raises:
        Reported: the command failed, and has said so.
        Terminated: the system asks the process to end.
    """
    try:
        task = command()
    except SignalcliError as error:
        raise Reported(_refused(name, settings, error)) from error
    if task is not None:
        run.run(settings, name, task)


def _refused(name: str, settings: Settings, error: SignalcliError) -> Problem:
    """Report the error in the arguments of a command."""
    is_usage = isinstance(error, UsageError)
    problem = as_told(error)
    if is_usage:
        problem = usage_problem(f"{error}. See `signalcli {name} --help`")
    if settings.json:
        write_document(None if is_usage else name, problem=problem)
    else:
        print_problem(problem)
    return problem


class Command(TyperCommand):
    """A command, with a help of one screen."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Called by Typer, to write the help."""
        formatter.write(help_of_command(self, ctx))


class PasswordCommand(Command):
    """A command that takes a password, and repeats nothing that was meant to be one."""

    allow_extra_args = True

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As any command does, but for the message where there are too many arguments."""
        rest: list[str] = super().parse_args(ctx, args)
        if rest and not ctx.resilient_parsing:
            has_email = any("--email" in parameter.opts for parameter in self.params)
            address = "an address is given by --email, and a" if has_email else "a"
            ctx.fail(
                f"Got an argument too many: {address} password is no argument; it is asked for on "
                "the terminal, or read by --password-stdin."
            )
        return rest


class Panel(NamedTuple):
    """Commands that stand together in the help.

    Attributes:
        title: the heading above them; None for the usual heading of commands.
        entries: the commands by name.
    """

    title: str | None
    entries: Mapping[str, Entry]


class LazyGroup(TyperGroup):
    """A group whose commands are lines of a table, and are built to run or to be completed.

    Attributes:
        panels: its commands.
    """

    panels: ClassVar[tuple[Panel, ...]] = ()

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._entries = {
            name: entry for panel in self.panels for name, entry in panel.entries.items()
        }
        self._built: dict[str, Any] = {}
        # Typer looks among these names for one like a wrong name.
        self.commands = dict.fromkeys(self._entries)  # type: ignore[assignment]  # values: get_command

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Called by Typer, to write the help."""
        panels = [
            (panel.title, {name: entry.help for name, entry in panel.entries.items()})
            for panel in self.panels
        ]
        formatter.write(help_of_group(self, ctx, panels))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The outline of a command for lists; None where there is no command of that name."""
        entry = self._entries.get(cmd_name)
        if entry is None:
            return None
        title = next(panel.title for panel in self.panels if cmd_name in panel.entries)
        return TyperCommand(cmd_name, help=entry.help, rich_help_panel=title)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """Called by Typer, for the commands that begin like that; each with its whole help."""
        items = super().shell_complete(ctx, incomplete)
        for item in items:
            if item.value in self._entries:
                item.help = self._entries[item.value].help
        return items

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is named first, built, and the arguments that are left for it."""
        if args[0] not in self._entries and not ctx.resilient_parsing:
            meant = guidance.of_command(args[0], ctx.command_path, self._entries)
            if meant is not None:
                ctx.fail(meant)
        name, outline, rest = super().resolve_command(ctx, args)
        if name is None or outline is None:
            return name, outline, rest
        if name not in self._built:
            self._built[name] = self._entries[name].build(name)
        return name, self._built[name], rest


class _LogCommands(LazyGroup):
    """The commands below ``log``."""

    panels: ClassVar = (
        Panel(
            None,
            {
                "show": Entry(
                    "log.show", "Print what a run printed: its dispatches, receivers and answer."
                ),
                "stats": Entry(
                    "log.stats",
                    "Count how often receivers ran and failed, and how long they took.",
                ),
                "follow": Entry(
                    "log.follow",
                    "Show the runs of other processes as they end, until Ctrl-C.",
                ),
                "export": Entry("log.export", "Draw a run, or hand it to another tool."),
                "prune": Entry(
                    "log.prune",
                    "Remove runs from the signal log, and free their space.",
                ),
            },
        ),
    )


class _Commands(LazyGroup):
    """All commands."""

    panels: ClassVar = (
        Panel(
            "Learning",
            {
                "tour": Entry(
                    "tour.tour",
                    "Learn what signals do in short lessons with real commands.",
                ),
                "explain": Entry(
                    "explain.explain",
                    "Explain a signal, a receiver, a word, or a code.",
                ),
                "why": Entry(
                    "explain.why",
                    "Say why a receiver did not run, and what to do.",
                ),
            },
        ),
        Panel(
            "Users",
            {
                "register": Entry(
                    "users.register",
                    "Store a new user; receivers make the profile and notify.",
                    PasswordCommand,
                ),
                "update": Entry(
                    "users.update", "Change a user, and watch a receiver save the profile."
                ),
                "delete": Entry("users.delete", "Remove a user, and watch the profile go first."),
                "notify": Entry("users.notify", "Send the notification signal for a user."),
                "list": Entry(
                    "users.list_users", "List the users, in the order in which they registered."
                ),
                "show": Entry("users.show", "Show a user and their profile."),
                "passwd": Entry(
                    "authorization.passwd",
                    "Set a user's password, which is asked for on the terminal.",
                    PasswordCommand,
                ),
                "login": Entry(
                    "authorization.login",
                    "Check a password, and watch user_logged_in or user_login_failed.",
                    PasswordCommand,
                ),
                "logout": Entry("authorization.logout", "Send user_logged_out for a user."),
            },
        ),
        Panel(
            "Any model, any signal",
            {
                "create": Entry(
                    "objects.create",
                    "Store a new object of any model, with all signals that this sends.",
                ),
                "change": Entry(
                    "objects.change",
                    "Change an object of any model, with all signals that this sends.",
                ),
                "remove": Entry(
                    "objects.remove",
                    "Remove an object of any model, and what depends on it.",
                ),
                "get": Entry(
                    "objects.get",
                    "Show an object of any model, or list those with certain values.",
                ),
                "send": Entry("objects.send", "Send any signal, with arguments that it provides."),
            },
        ),
        Panel(
            "Apps and signals",
            {
                "signals": Entry(
                    "apps.signals",
                    "List the signals of the installed apps, with their arguments.",
                ),
                "receivers": Entry(
                    "apps.receivers",
                    "List which receivers are connected to which signals, in order.",
                ),
                "apps": Entry(
                    "apps.apps",
                    "List the installed apps, with their models, signals and receivers.",
                ),
                "startapp": Entry(
                    "apps.startapp",
                    "Write a small working app to begin with.",
                ),
            },
        ),
        Panel(
            "Runs and help",
            {
                "batch": Entry(
                    "batch.batch", "Carry out the commands of a file, one a line, in one process."
                ),
                "log": Entry(
                    "log.log",
                    "List the runs in the signal log, the newest first.",
                    group=_LogCommands,
                ),
                "config": Entry(
                    "settings.config", "Show the global settings, and where each comes from."
                ),
                "help": Entry(
                    "topics.show_help", "Show the help of a command, or of what all commands share."
                ),
            },
        ),
    )


app = typer.Typer(
    cls=_Commands,
    help=remember.__doc__,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)
app.callback(invoke_without_command=True)(remember)


def summaries() -> dict[str, str]:
    """What each command does, by its name."""
    return {name: entry.help for panel in _Commands.panels for name, entry in panel.entries.items()}


def panels() -> dict[str, dict[str, str]]:
    """What each command does, by the heading of its panel and its name."""
    return {
        panel.title or "Commands": {name: entry.help for name, entry in panel.entries.items()}
        for panel in _Commands.panels
    }


@functools.cache
def program() -> Any:
    """The whole program as one command, which is put together once for all command lines."""
    built = get_command(app)
    shells.take_over(built)
    return built
