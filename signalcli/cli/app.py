"""The commands, put together."""

import functools
from typing import Any, ClassVar

import typer

from signalcli.cli.lazy import Entry, LazyGroup, Panel
from signalcli.cli.options import remember
from signalcli.cli.problems import EXIT_CODES

_EPILOG = "Exit codes: " + "; ".join(f"{code} {meaning}" for code, meaning in EXIT_CODES.items())
_TAKES_PASSWORD = "PasswordCommand"  # noqa: S105  # the name of a class


class _LogCommands(LazyGroup):
    """What stands below ``log``."""

    panels: ClassVar = (
        Panel(
            None,
            {
                "show": Entry("log", "show"),
                "stats": Entry("log", "stats"),
                "follow": Entry("log", "follow"),
                "export": Entry("log", "export"),
                "prune": Entry("log", "prune"),
            },
        ),
    )


class _Commands(LazyGroup):
    """All commands."""

    panels: ClassVar = (
        Panel(
            "Users",
            {
                "register": Entry("users", "register", _TAKES_PASSWORD),
                "update": Entry("users", "update"),
                "delete": Entry("users", "delete"),
                "notify": Entry("users", "notify"),
                "list": Entry("users", "list_users"),
                "show": Entry("users", "show"),
                "passwd": Entry("authorization", "passwd", _TAKES_PASSWORD),
                "login": Entry("authorization", "login", _TAKES_PASSWORD),
                "logout": Entry("authorization", "logout"),
            },
        ),
        Panel(
            "Any model, any signal",
            {
                "create": Entry("objects", "create"),
                "change": Entry("objects", "change"),
                "remove": Entry("objects", "remove"),
                "get": Entry("objects", "get"),
                "send": Entry("sending", "send"),
            },
        ),
        Panel("Scripts", {"batch": Entry("batch", "batch")}),
        Panel(
            "Apps and signals",
            {
                "signals": Entry("connected", "signals"),
                "receivers": Entry("connected", "receivers"),
                "apps": Entry("apps", "apps"),
                "startapp": Entry("apps", "startapp"),
            },
        ),
        Panel("The signal log", {"log": Entry("log", "log", group=_LogCommands)}),
    )


app = typer.Typer(
    cls=_Commands,
    help=remember.__doc__,
    epilog=_EPILOG,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)
app.callback(invoke_without_command=True)(remember)


@functools.cache
def program() -> Any:
    """The whole program as one command, which is put together once for all command lines."""
    return typer.main.get_command(app)
