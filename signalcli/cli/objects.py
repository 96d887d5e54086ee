"""The commands for any model and any signal: create, change, remove, get, send."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from signalcli.cli.arguments import (
    Robust,
    Trace,
    places_of,
    refuse_trace,
    with_forms,
)
from signalcli.cli.completion import (
    complete_argument,
    complete_field,
    complete_model,
    complete_object_field,
    complete_signal,
)
from signalcli.cli.invocation import PROGRAM, Settings
from signalcli.cli.late import late
from signalcli.cli.task import WHOLE, Answer, Form, Task
from signalcli.errors import InvalidValue

with late():
    from signalcli.apps import registry
    from signalcli.cli import course, places
    from signalcli.db import models
    from signalcli.objects import fields as model_fields
    from signalcli.objects import operations, sending, values
    from signalcli.render import objects as views

if TYPE_CHECKING:
    from signalcli.db import Session

MOST_SHOWN = 50


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
) -> Task:
    """Store a new object of any model, with all signals that this sends.

    Example: signalcli create User username=xyz email=xyz@mail.com
    """
    work = partial(_create, settings.database_name, model, fields or ())
    return Task(work, writes=True, creates=True)


def _create(database: str, model: str, fields: Sequence[str], session: "Session") -> Answer:
    said = values.assignments_of(fields)
    instance = operations.create(session, registry.apps.get_model(model), said)
    row = views.object_row(instance)
    return Answer(row, f"Created {views.object_name(row)} in {database}")


def change(
    settings: Settings,
    model: Model,
    key: Key,
    fields: Annotated[list[str], _FIELDS],
) -> Task:
    """Change an object of any model, with all signals that this sends.

    Example: signalcli change Profile 1 first_name=Xenia user=2
    """
    return Task(partial(_change, settings.database_name, model, key, fields), writes=True)


def _change(
    database: str, model: str, key: str, fields: Sequence[str], session: "Session"
) -> Answer:
    said = values.assignments_of(fields)
    instance, changes = operations.change(session, registry.apps.get_model(model), key, said)
    row = views.object_row(instance)
    name = f"{views.object_name(row)} in {database}"
    story = f"Changed {name}: {views.changes_story(changes)}"
    return Answer(
        {**row, "changed": bool(changes), "changes": views.changes_row(changes)},
        story if changes else f"Nothing to change for {name}",
    )


def remove(settings: Settings, model: Model, key: Key) -> Task:
    """Remove an object of any model, and what depends on it.

    Example: signalcli remove User 1
    """
    return Task(partial(_remove, settings.database_name, model, key), writes=True)


def _remove(database: str, model: str, key: str, session: "Session") -> Answer:
    row = operations.remove(session, registry.apps.get_model(model), key, views.object_row)
    return Answer(row, f"Removed {views.object_name(row)} from {database}")


@with_forms(complete=complete_object_field)
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
            metavar="NUMBER",
            min=1,
            help=f"List this many at most; by default {MOST_SHOWN}, for programs all.",
            show_default=False,
        ),
    ] = None,
    trace: Trace = False,
    form: Form = WHOLE,
) -> Task:
    """Show an object of any model, or list those with certain values.

    Example: signalcli get Profile first_name=Xenia --limit 10
    """
    refuse_trace(form, trace)
    work = partial(_get, settings, model, words or [], limit, trace, form)
    return Task(work, shows_trace=trace, form=form)


def _get(
    settings: Settings,
    model: str,
    words: list[str],
    limit: int | None,
    trace: bool,
    form: Form,
    session: "Session",
) -> Answer:
    found = registry.apps.get_model(model)
    if words and not values.is_assignment(words[0]):
        answer = _one(settings, session, found, words, trace)
        rows = [answer.result]
    else:
        is_whole = settings.json or form.is_lines
        answer = _several(settings, session, found, words, limit, trace, is_whole=is_whole)
        rows = answer.result
    answer.form = _form_of(form, found, rows)
    return answer


def _form_of(form: Form, model: type[Any], rows: list[dict[str, Any]]) -> Form:
    """The form of objects: the fields of the model, and those of models derived from it.

    Raises:
        InvalidValue: a field is wanted that they do not have.
    """
    own = model_fields.shown_fields(model)
    names = dict.fromkeys([*own, *(name for row in rows for name in row["fields"])])
    columns = {name: f"fields.{name}" for name in names}
    found = form._replace(columns=columns, more=places_of(["model", "pk"]))
    # An unknown name ends the command before anything is printed.
    _ = found.places
    return found


def _one(
    settings: Settings, session: "Session", model: type[Any], words: list[str], trace: bool
) -> Answer:
    key, *more = words
    if more:
        word = model_fields.quoted(more[0])
        raise InvalidValue(f"{word} stands after a primary key, which says it all")
    row = views.object_row(operations.find(session, model, key, load=trace))
    return Answer(row, view=None if settings.json else views.object_view(row))


def _several(
    settings: Settings,
    session: "Session",
    model: type[Any],
    words: list[str],
    limit: int | None,
    trace: bool,
    *,
    is_whole: bool,
) -> Answer:
    most = limit or (None if is_whole else MOST_SHOWN)
    # One more tells whether there are more.
    found = operations.find_all(
        session, model, values.assignments_of(words), None if most is None else most + 1, load=trace
    )
    rows = [views.object_row(instance) for instance in found[:most]]
    if is_whole or not rows:
        like_that = " like that" if words else ""
        name = models.model_name(model)
        if not rows and settings.missing:
            given = "".join(f" {each}=…" for each in model_fields.required_fields(model))
            option = " --database …" if places.lacks_name(settings) else settings.database_option
            return Answer(
                rows,
                f"No {name}: {settings.missing}. This makes one: "
                f"{PROGRAM} create {name}{given}{option}",
            )
        return Answer(rows, f"No {name}{like_that} in {settings.database_name}")
    is_cut = len(found) > len(rows) and limit is None
    closing = f"… and more; --limit shows more than {len(rows)}" if is_cut else ""
    return Answer(rows, view=views.objects_view(rows), closing=closing)


def send(
    settings: Settings,
    signal: Annotated[
        str,
        typer.Argument(
            metavar="SIGNAL",
            help="The signal: order_paid, or shop.signals.order_paid.",
            autocompletion=complete_signal,
            show_default=False,
        ),
    ],
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME=VALUE",
            help="An argument that receivers get: name=text, or name:=JSON.",
            autocompletion=complete_argument,
            show_default=False,
        ),
    ] = None,
    sender: Annotated[
        str | None,
        typer.Option(
            "--sender",
            metavar="SENDER",
            help="Who it is sent for: a model, or the full name of another object.",
            autocompletion=complete_model,
            show_default=False,
        ),
    ] = None,
    robust: Robust = False,
) -> Task:
    """Send any signal, with arguments that it provides.

    Example: signalcli send notification --sender User username=xyz email=xyz@mail.com
    """
    work = partial(_send, signal, arguments or (), sender, robust)
    return Task(work, writes=True)


def _send(
    signal: str,
    arguments: Sequence[str],
    sender: str | None,
    robust: bool,
    session: "Session",
) -> Answer:
    said = values.assignments_of(arguments, what="argument")
    sent = sending.send(session, signal, said, sender=sender, robust=robust)
    name = sent.signal.rpartition(".")[2]
    receivers = "receiver" if sent.responses == 1 else "receivers"
    story = f"Sent {name} to {sent.responses} {receivers}"
    if sent.other_senders:
        senders = ", ".join(sent.other_senders)
        story += f": those that it has listen to {senders}; name it with --sender"
    return Answer(
        {
            "signal": sent.signal,
            "sender": sent.sender,
            "robust": robust,
            "receivers": sent.responses,
            "failed": len(sent.failed),
        },
        story,
        problem=course.robust_failures(name, sent.failed) if sent.failed else None,
    )
