"""What the shell is offered when a user's name or a format is wanted."""

import contextlib
from typing import Any

import typer

from signalcli.cli.garbage import pass_over_what_is_loaded
from signalcli.cli.options import DEFAULT_DATABASE

MOST_NAMES = 100


def complete_username(ctx: typer.Context, incomplete: str) -> list[str]:
    """The first hundred usernames that begin like that; none where the database fails."""
    # A shell in the middle of a line is no place for a message.
    with contextlib.suppress(Exception):
        database = said(ctx, "database") or DEFAULT_DATABASE
        make_apps_ready(ctx)
        return _usernames(database, incomplete)
    return []


def said(ctx: typer.Context, option: str) -> Any:
    """What a global option says so far, before or after the command; None where it is not there."""
    context: typer.Context | None = ctx
    while context is not None:
        if context.params.get(option):
            return context.params[option]
        context = context.parent  # type: ignore[assignment]  # a command's parent is Typer's, too
    return None


def complete_format(incomplete: str) -> list[str]:
    """The formats of ``log export`` that begin like that."""
    from signalcli.render.exports import formats

    return [name for name in formats() if name.startswith(incomplete)]


def make_apps_ready(ctx: typer.Context) -> None:
    """Make the apps ready that the command line names so far, or those that are installed anyway.

    Raises:
        ImproperlyConfigured: one does not load.
    """
    from signalcli.apps.installed import make_ready

    pass_over_what_is_loaded()
    make_ready(said(ctx, "app") or ())


def _usernames(database: str, beginning: str) -> list[str]:
    from signalcli.core import accounts
    from signalcli.db.engine import open_engine
    from signalcli.db.session import open_session

    engine = open_engine(database, writes=False, creates=False)
    try:
        with open_session(engine) as session:
            return accounts.usernames(session, beginning, MOST_NAMES)
    finally:
        engine.dispose()
