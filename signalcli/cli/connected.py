"""The commands that show what is there: signals, receivers."""

import contextlib
from typing import Annotated

import typer

from signalcli.cli.completion import make_apps_ready
from signalcli.cli.inquiring import Findings, inquire
from signalcli.cli.options import Ndjson, Settings


def complete_signal(ctx: typer.Context, incomplete: str) -> list[str]:
    """The short names of signals that begin like that; none where the apps fail."""
    # A shell in the middle of a line is no place for a message.
    with contextlib.suppress(Exception):
        from signalcli.apps.inventory import find_signals

        make_apps_ready(ctx)
        names = [entry.name for entry in find_signals()]
        return [name for name in dict.fromkeys(names) if name.startswith(incomplete)]
    return []


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
    ndjson: Ndjson = False,
) -> None:
    """List the signals of the installed apps, with their arguments and number of receivers.

    Example: signalcli signals 'post_*' --unused
    """

    def work() -> Findings:
        from signalcli.apps.inventory import find_signals
        from signalcli.render.connected import signal_row, signals_view

        found = find_signals(pattern, unused=unused)
        return Findings(map(signal_row, found), lambda: [signals_view(found)])

    inquire(settings, "signals", work, ndjson=ndjson)


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
            help="Only those connected to a sender of this name (a glob).",
            show_default=False,
        ),
    ] = None,
    receiver: Annotated[
        str | None,
        typer.Option(
            "--receiver", help="Only receivers of this name (a glob).", show_default=False
        ),
    ] = None,
    source: Annotated[bool, typer.Option("--source", help="Show the receivers' code.")] = False,
    ndjson: Ndjson = False,
) -> None:
    """List who is connected to which signal, in the order in which receivers run.

    Example: signalcli receivers post_save --sender User --source
    """

    def work() -> Findings:
        from signalcli.apps.inventory import find_connections
        from signalcli.render.connected import connection_row, connections_view

        found = find_connections(signal, sender=sender, receiver=receiver)
        return Findings(
            (connection_row(entry, with_source=source) for entry in found),
            lambda: [connections_view(found, with_source=source)],
        )

    inquire(settings, "receivers", work, ndjson=ndjson)
