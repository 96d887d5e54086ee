"""The commands for apps: their signals, their receivers, which are installed, and a new one."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from signalcli.cli.arguments import with_forms
from signalcli.cli.completion import complete_receiver, complete_sender, complete_signal
from signalcli.cli.invocation import Settings
from signalcli.cli.late import late
from signalcli.cli.task import WHOLE, Findings, Form, Inquiry
from signalcli.errors import InvalidValue

with late():
    from signalcli.apps import inventory, starting
    from signalcli.render import inventory as views

CONNECTION = (
    "signal",
    "signal_path",
    "sender",
    "sender_exists",
    "receiver",
    "place",
    "weak",
    "async",
    "dispatch_uid",
)


@with_forms("signal", "signal_path", "place", "arguments", "receivers")
def signals(
    settings: Settings,
    pattern: Annotated[
        str | None,
        typer.Argument(
            metavar="PATTERN",
            help="A glob for the short or full name, as 'post_*'.",
            autocompletion=complete_signal,
            show_default=False,
        ),
    ] = None,
    unused: Annotated[
        bool, typer.Option("--unused", help="Only signals that nobody listens to.")
    ] = False,
    form: Form = WHOLE,
) -> Inquiry:
    """List the signals of the installed apps, with their arguments.

    Example: signalcli signals 'post_*' --unused
    """
    return Inquiry(partial(_find_signals, pattern, unused), form=form)


def _find_signals(pattern: str | None, unused: bool) -> Findings:
    found = inventory.find_signals(pattern, unused=unused)
    return Findings(map(views.signal_row, found), lambda: [views.signals_view(found)])


@with_forms(*CONNECTION, more=["source"])
def receivers(
    settings: Settings,
    signal: Annotated[
        str | None,
        typer.Argument(
            metavar="SIGNAL",
            help="A glob for the signal's short or full name.",
            autocompletion=complete_signal,
            show_default=False,
        ),
    ] = None,
    sender: Annotated[
        str | None,
        typer.Option(
            "--sender",
            metavar="SENDER",
            help="Only those connected to a sender of this name (a glob).",
            autocompletion=complete_sender,
            show_default=False,
        ),
    ] = None,
    receiver: Annotated[
        str | None,
        typer.Option(
            "--receiver",
            metavar="RECEIVER",
            help="Only receivers of this name (a glob).",
            autocompletion=complete_receiver,
            show_default=False,
        ),
    ] = None,
    source: Annotated[bool, typer.Option("--source", help="Show the receivers' code.")] = False,
    form: Form = WHOLE,
) -> Inquiry:
    """List which receivers are connected to which signals, in order.

    Example: signalcli receivers post_save --sender User --source
    """
    if source:
        form = form.with_column("source")
    with_source = "source" in form.places
    return Inquiry(partial(_find_receivers, signal, sender, receiver, with_source), form=form)


def _find_receivers(
    signal: str | None, sender: str | None, receiver: str | None, with_source: bool
) -> Findings:
    found = inventory.find_connections(signal, sender=sender, receiver=receiver)
    return Findings(
        (views.connection_row(entry, with_source=with_source) for entry in found),
        lambda: [views.connections_view(found, with_source=with_source)],
    )


@with_forms("label", "name", "path", "models", "signals", "receivers", "source")
def apps(settings: Settings, form: Form = WHOLE) -> Inquiry:
    """List the installed apps, with their models, signals and receivers.

    Example: signalcli apps --app shop
    """
    return Inquiry(partial(_find_apps, settings), form=form)


def _find_apps(settings: Settings) -> Findings:
    source = settings.installed.source
    found = inventory.find_apps()
    rows = (views.app_row(entry, source) for entry in found)
    return Findings(rows, lambda: [views.apps_view(found, source)])


def startapp(
    settings: Settings,
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="What the app is called: a Python name.", show_default=False
        ),
    ],
    directory: Annotated[
        str | None,
        typer.Argument(
            metavar="DIRECTORY",
            help="Where its package is made; by default in the working directory.",
            show_default=False,
        ),
    ] = None,
) -> Inquiry:
    """Write a small working app to begin with.

    Example: signalcli startapp shop
    """
    work = partial(_write_app, name, None if directory is None else Path(directory))
    return Inquiry(work, needs_apps=False, makes="the app")


def _write_app(name: str, directory: Path | None) -> Findings:
    try:
        started = starting.write_app(name, directory)
    except OSError as error:
        raise InvalidValue(f"the app {name!r} cannot be written: {error.strerror}") from error
    result = {
        "name": name,
        "path": str(started.package),
        "files": [str(file) for file in started.files],
        "try": started.try_it,
    }
    return Findings(
        document=lambda: {"result": result}, views=lambda: [views.started_view(started)]
    )
