"""The commands for objects of any model: create, change, remove, get."""

import contextlib
from typing import TYPE_CHECKING, Annotated, Any

import typer

from signalcli.cli.completion import make_apps_ready
from signalcli.cli.options import Settings, Trace
from signalcli.cli.running import Answer, carry_out

if TYPE_CHECKING:
    from signalcli.db import Session

MOST_SHOWN = 50


def complete_model(ctx: typer.Context, incomplete: str) -> list[str]:
    """The models whose names begin like that; none where the apps fail."""
    # A shell in the middle of a line is no place for a message.
    with contextlib.suppress(Exception):
        from signalcli.apps import apps
        from signalcli.db.models import model_name

        make_apps_ready(ctx)
        models = apps.get_models()
        names = sorted(map(model_name, models))
        if incomplete:
            names += sorted(model.__name__ for model in models)
        return [name for name in names if name.startswith(incomplete)]
    return []


def complete_field(ctx: typer.Context, incomplete: str) -> list[str]:
    """The fields of the model that begin like that, each with its ``=``."""
    with contextlib.suppress(Exception):
        from signalcli.apps import apps
        from signalcli.objects.fields import names_of

        make_apps_ready(ctx)
        names = names_of(apps.get_model(ctx.params["model"]))
        return [f"{name}=" for name in names if name.startswith(incomplete)]
    return []


Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="The model: shop.Order, or Order.",
        autocompletion=complete_model,
        show_default=False,
    ),
]
Key = Annotated[
    str,
    typer.Argument(
        metavar="PK", help="The primary key; of several columns, as 1,2.", show_default=False
    ),
]
_FIELDS = typer.Argument(
    metavar="FIELD=VALUE",
    help="What a field is to be: name=text, or name:=JSON. A relationship is given by key.",
    autocompletion=complete_field,
    show_default=False,
)


def create(
    settings: Settings,
    model: Model,
    fields: Annotated[list[str] | None, _FIELDS] = None,
) -> None:
    """Store a new object of any model, with all signals that this sends.

    Example: signalcli create User username=xyz email=xyz@mail.com
    """

    def work(session: "Session") -> Answer:
        from signalcli.apps import apps
        from signalcli.objects import working
        from signalcli.objects.values import assignments_of
        from signalcli.render.objects import object_name, object_row

        instance = working.create(session, apps.get_model(model), assignments_of(fields or ()))
        row = object_row(instance)
        return Answer(row, f"Created {object_name(row)} in {settings.database_name}")

    carry_out(settings, "create", work, writes=True, creates=True)


def change(
    settings: Settings,
    model: Model,
    key: Key,
    fields: Annotated[list[str], _FIELDS],
) -> None:
    """Change an object of any model, with all signals that this sends.

    Example: signalcli change Profile 1 first_name=Xenia user=2
    """

    def work(session: "Session") -> Answer:
        from signalcli.apps import apps
        from signalcli.objects import working
        from signalcli.objects.values import assignments_of
        from signalcli.render.objects import changes_row, changes_story, object_name, object_row

        said = assignments_of(fields)
        instance, changes = working.change(session, apps.get_model(model), key, said)
        row = object_row(instance)
        name = f"{object_name(row)} in {settings.database_name}"
        return Answer(
            {**row, "changed": bool(changes), "changes": changes_row(changes)},
            f"Changed {name}: {changes_story(changes)}"
            if changes
            else f"Nothing to change for {name}",
        )

    carry_out(settings, "change", work, writes=True)


def remove(settings: Settings, model: Model, key: Key) -> None:
    """Remove an object of any model, and what its relationships say goes with it.

    Example: signalcli remove User 1
    """

    def work(session: "Session") -> Answer:
        from signalcli.apps import apps
        from signalcli.objects import working
        from signalcli.render.objects import object_name, object_row

        row = working.remove(session, apps.get_model(model), key, object_row)
        return Answer(row, f"Removed {object_name(row)} from {settings.database_name}")

    carry_out(settings, "remove", work, writes=True)


def get(
    settings: Settings,
    model: Model,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PK | FIELD=VALUE",
            help="A primary key, for one object; or what is true of those that are listed.",
            autocompletion=complete_field,
            show_default=False,
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            min=1,
            help=f"List this many at most; by default {MOST_SHOWN}, with --json all.",
            show_default=False,
        ),
    ] = None,
    trace: Trace = False,
) -> None:
    """Show an object of any model by its key, or list those with certain values.

    Example: signalcli get Profile first_name=Xenia --limit 10
    """

    def work(session: "Session") -> Answer:
        from signalcli.apps import apps
        from signalcli.objects.values import is_assignment

        found = apps.get_model(model)
        if words and not is_assignment(words[0]):
            return _one(settings, session, found, words, trace)
        return _several(settings, session, found, words or [], limit, trace)

    carry_out(settings, "get", work, shows_trace=trace)


def _one(
    settings: Settings, session: "Session", model: type[Any], words: list[str], trace: bool
) -> Answer:
    from signalcli.objects import working
    from signalcli.objects.refusals import InvalidInput, quoted
    from signalcli.render.objects import object_row, object_view

    key, *more = words
    if more:
        raise InvalidInput(f"{quoted(more[0])} stands after a primary key, which says it all")
    row = object_row(working.find(session, model, key, load=trace))
    return Answer(row, view=None if settings.json else object_view(row))


def _several(
    settings: Settings,
    session: "Session",
    model: type[Any],
    words: list[str],
    limit: int | None,
    trace: bool,
) -> Answer:
    from signalcli.db.models import model_name
    from signalcli.objects import working
    from signalcli.objects.values import assignments_of
    from signalcli.render.objects import object_row, objects_view

    most = limit or (None if settings.json else MOST_SHOWN)
    # One more tells whether there are more.
    found = working.find_all(
        session, model, assignments_of(words), None if most is None else most + 1, load=trace
    )
    rows = [object_row(instance) for instance in found[:most]]
    if settings.json or not rows:
        like_that = " like that" if words else ""
        return Answer(rows, f"No {model_name(model)}{like_that} in {settings.database_name}")
    view = objects_view(rows)
    if len(found) > len(rows) and limit is None:
        from rich.console import Group

        from signalcli.render.text import plain

        view = Group(view, plain(f"… and more; --limit shows more than {len(rows)}"))
    return Answer(rows, view=view)
