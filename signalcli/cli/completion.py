"""What the shell is offered when a user's name or a format is wanted."""

import contextlib

import typer

from signalcli.cli.options import DEFAULT_DATABASE

MOST_NAMES = 100


def complete_username(ctx: typer.Context, incomplete: str) -> list[str]:
    """The first hundred usernames that begin like that; none where the database fails."""
    database = DEFAULT_DATABASE
    context: typer.Context | None = ctx
    while context is not None:
        if context.params.get("database"):
            database = context.params["database"]
            break
        context = context.parent  # type: ignore[assignment]  # a command's parent is Typer's, too
    # A shell in the middle of a line is no place for a message.
    with contextlib.suppress(Exception):
        return _usernames(database, incomplete)
    return []


def complete_format(incomplete: str) -> list[str]:
    """The formats of ``log export`` that begin like that."""
    from signalcli.render.exports import formats

    return [name for name in formats() if name.startswith(incomplete)]


def _usernames(database: str, beginning: str) -> list[str]:
    from signalcli.apps import apps
    from signalcli.core import accounts
    from signalcli.db.opening import open_engine, open_session

    apps.populate()
    engine = open_engine(database, writes=False, creates=False)
    try:
        with open_session(engine) as session:
            return accounts.usernames(session, beginning, MOST_NAMES)
    finally:
        engine.dispose()
