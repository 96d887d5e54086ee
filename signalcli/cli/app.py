"""The commands, put together."""

import functools
from collections.abc import Callable
from typing import Any

import typer

from signalcli.cli import apps, authorization, batch, connected, log, objects, sending, users
from signalcli.cli.options import remember, with_global_options
from signalcli.cli.passwords import PasswordCommand
from signalcli.cli.problems import EXIT_CODES

_EPILOG = "Exit codes: " + "; ".join(f"{code} {meaning}" for code, meaning in EXIT_CODES.items())

_COMMANDS: dict[str, dict[str, Callable[..., None]]] = {
    "Users": {
        "register": users.register,
        "update": users.update,
        "delete": users.delete,
        "notify": users.notify,
        "list": users.list_users,
        "show": users.show,
        "passwd": authorization.passwd,
        "login": authorization.login,
        "logout": authorization.logout,
    },
    "Any model, any signal": {
        "create": objects.create,
        "change": objects.change,
        "remove": objects.remove,
        "get": objects.get,
        "send": sending.send,
    },
    "Scripts": {
        "batch": batch.batch,
    },
    "Apps and signals": {
        "signals": connected.signals,
        "receivers": connected.receivers,
        "apps": apps.apps,
        "startapp": apps.startapp,
    },
}

_TAKE_PASSWORDS = {"register", "passwd", "login"}

_LOG_COMMANDS: dict[str, Callable[..., None]] = {
    "show": log.show,
    "stats": log.stats,
    "follow": log.follow,
    "export": log.export,
    "prune": log.prune,
}

app = typer.Typer(
    help=remember.__doc__,
    epilog=_EPILOG,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)
app.callback(invoke_without_command=True)(remember)
for _panel, _commands in _COMMANDS.items():
    for _name, _command in _commands.items():
        app.command(
            _name,
            cls=PasswordCommand if _name in _TAKE_PASSWORDS else None,
            epilog=_EPILOG,
            rich_help_panel=_panel,
        )(with_global_options(_command))

log_app = typer.Typer(epilog=_EPILOG)
log_app.callback(invoke_without_command=True)(with_global_options(log.log))
for _name, _command in _LOG_COMMANDS.items():
    log_app.command(_name, epilog=_EPILOG)(with_global_options(_command))
app.add_typer(log_app, name="log", rich_help_panel="The signal log")


@functools.cache
def program() -> Any:
    """The whole program as one command, which is put together once for all command lines."""
    return typer.main.get_command(app)
