"""Groups of commands that load and build a command only when it is asked for.

Typer looks at every parameter of every command before it reads the command line. Here a list of
commands needs no more than their names and docstrings, and a command that runs none of the others.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from signalcli.cli.options import with_global_options


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a command is found.

    Attributes:
        module: the name of its module within this package.
        function: the name of its function there, whose docstring is its help.
        cls: the name of its class, in ``passwords``, where it is no plain command.
        group: the class of what it is, where other commands stand below it.
    """

    module: str
    function: str
    cls: str | None = None
    group: "type[LazyGroup] | None" = None

    def load(self) -> Callable[..., None]:
        """The command's function."""
        function: Callable[..., None] = getattr(
            import_module(f"signalcli.cli.{self.module}"), self.function
        )
        return function

    def build(self, name: str, epilog: str | None) -> Any:
        """The command, with all its parameters."""
        command = with_global_options(self.load())
        if self.group is not None:
            app = typer.Typer(name=name, epilog=epilog, cls=self.group, add_completion=False)
            app.callback(invoke_without_command=True)(command)
        else:
            passwords = import_module("signalcli.cli.passwords") if self.cls else None
            cls = getattr(passwords, self.cls) if self.cls else None
            app = typer.Typer(add_completion=False)
            app.command(name, cls=cls, epilog=epilog)(command)
        return get_command(app)


@dataclass(slots=True)
class Panel:
    """Commands that stand together in the help.

    Attributes:
        title: what stands above them; None: what stands above commands anyway.
        entries: the commands by name.
    """

    title: str | None
    entries: Mapping[str, Entry] = field(default_factory=dict)


class LazyGroup(TyperGroup):
    """A group whose commands are outlines in lists, and are built to run or to be completed.

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
        # The names are what Typer looks for a name like the wrong one among.
        self.commands = dict.fromkeys(self._entries)  # type: ignore[assignment]  # values: get_command

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """What lists tell of a command; None where there is none of that name."""
        entry = self._entries.get(cmd_name)
        if entry is None:
            return None
        title = next(panel.title for panel in self.panels if cmd_name in panel.entries)
        help_text = inspect.getdoc(entry.load())
        return TyperCommand(cmd_name, help=help_text, rich_help_panel=title)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is named first, built, and the arguments that are left for it."""
        name, outline, rest = super().resolve_command(ctx, args)
        if name is None or outline is None:
            return name, outline, rest
        if name not in self._built:
            self._built[name] = self._entries[name].build(name, self.epilog)
        return name, self._built[name], rest
