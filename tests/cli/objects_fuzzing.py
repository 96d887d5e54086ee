"""Asks for anything of the shop's objects; whatever is asked, the answer is none of a fault.

Run with the folder to work in, and how many requests to make of each kind. What is found is
printed as Hypothesis tells it.
"""

import json
import sys
import warnings
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args, get_origin
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import SAWarning

from signalcli.apps import apps
from signalcli.cli.course import problem_of
from signalcli.db import Session
from signalcli.db.engine import open_engine
from signalcli.db.lifetime import open_session
from signalcli.objects import operations
from signalcli.objects.fields import key_fields, names_of
from signalcli.objects.keys import key_of_instance, key_text
from signalcli.objects.values import assignments_of
from signalcli.render.console import as_text
from signalcli.render.document import dumps
from signalcli.render.objects import (
    changes_row,
    changes_story,
    object_row,
    object_view,
    objects_view,
)
from signalcli.trace import Recorder, record

sys.path.insert(0, str(Path(__file__).parents[1] / "installed"))
from shop.models import Level, Status  # found by the path

ODD_NAMES = (
    "__class__", "__dict__", "_sa_instance_state", "metadata", "model_config", "model_fields",
    "registry", "self", "customer.name", "orders[0]", "id", "ID", "", "[bold]", "\x1b[31m", "a b",
)  # fmt: skip
LIKELY = (
    "1", "2", "0", "-1", "1.5", "nan", "inf", "-inf", "1e400", "null", "true", "new", "old",
    "new,old", "1,1", "1,2", "[[1,1]]", "[1]", "[1,1]", "{}", '{"a": [1, null]}', "A1", "D1",
    "ada@mail.com", "x@y", "open", "paid", "2026-01-01", "2026-01-01T00:00Z", "0001-01-01",
    "9999-12-31T23:59:59-23:00", "12345678-1234-5678-1234-567812345678", "9" * 400, "9" * 5000,
    "\0", "\ud800", "[bold]x[/bold]", "\x1b[31m", "' OR 1=1 --", "[" * 3000, "\u202e", "",
)  # fmt: skip

any_text = st.text(st.characters(), max_size=12)
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | any_text | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=6,
)
likely = st.sampled_from(LIKELY)
anything = any_text | st.integers().map(str) | any_json.map(json.dumps)
value = st.one_of(likely, anything)
FITTING: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(-3, 9) | st.integers(2**63 - 2, 2**63 + 1),
    str: any_text | st.sampled_from(["x@y", "A1", "product", "new"]),
    bool: st.booleans(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    Decimal: st.decimals(0, 10**6, places=2).map(str),
    date: st.dates().map(str),
    datetime: st.datetimes().map(lambda at: f"{at.isoformat()}+01:00"),
    UUID: st.uuids().map(str),
    bytes: any_text,
    Level: st.sampled_from([1, 2]),
    Status: st.sampled_from(["open", "paid"]),
    dict: any_json.map(lambda inner: {"a": inner}),
    list: st.lists(st.integers(0, 5), max_size=3),
}
keys = st.sampled_from(["1", "2", "new", "old", "1,1", "1,new", "new,old", "[[1,1]]", "[]", ""])
odd_word = any_text | st.tuples(
    st.sampled_from(ODD_NAMES) | any_text, st.sampled_from(["=", ":="]), value
).map("".join)


def fitting(model: type[Any], name: str) -> st.SearchStrategy[str]:
    """Texts that a field is likely to take, or that name objects."""
    field = model.model_fields.get(name)
    if field is None or name.endswith(("_id", "_slug")):
        return keys
    kinds = [get_origin(kind) or kind for kind in (field.annotation, *get_args(field.annotation))]
    of_kind = next((FITTING[kind] for kind in kinds if kind in FITTING), likely)
    return of_kind.map(lambda one: one if isinstance(one, str) else json.dumps(one))


@st.composite
def word(draw: st.DrawFn, model: type[Any], name: str) -> str:
    fits = draw(st.integers(0, 6)) > 0
    text = draw(fitting(model, name) if fits else value)
    if draw(st.integers(0, 3)) > 0:
        return f"{name}={text}"
    is_json = text[:1] in '["{' or draw(st.booleans())
    return f"{name}:={text if is_json else json.dumps(text)}"


@st.composite
def request(draw: st.DrawFn) -> tuple[type[Any], str, str, list[str]]:
    """A model, what to do with it, a key and some words."""
    model = draw(st.sampled_from(apps.get_models()))
    required = [name for name, field in model.model_fields.items() if field.is_required()]
    names = {*draw(st.lists(st.sampled_from(names_of(model)), max_size=4)), *required}
    words = [draw(word(model, name)) for name in sorted(names)]
    if draw(st.integers(0, 9)) == 0:
        words.append(draw(odd_word))
    what = draw(st.sampled_from(["create", "change", "remove", "find", "find_all"]))
    key = draw(st.one_of(keys, keys, value))
    return model, what, key, words


def carry_out(session: Session, model: type[Any], what: str, key: str, words: list[str]) -> None:
    said = assignments_of(words)
    if what == "create":
        check(session, operations.create(session, model, said))
    elif what == "change":
        instance, changes = operations.change(session, model, key, said)
        dumps(changes_row(changes))
        changes_story(changes)
        check(session, instance)
    elif what == "remove":
        dumps(operations.remove(session, model, key, object_row))
    elif what == "find":
        check(session, operations.find(session, model, key, load=False))
    else:
        rows = [object_row(each) for each in operations.find_all(session, model, said, 20)]
        as_text(objects_view(rows))
        dumps({"rows": rows})


def check(session: Session, instance: Any) -> None:
    """See that it can be shown, and is found again by its key."""
    row = object_row(instance)
    dumps(row)
    as_text(object_view(row))
    model, identity = type(instance), key_of_instance(instance)
    assert len(identity) == len(key_fields(model))
    session.expunge_all()
    assert object_row(operations.find(session, model, key_text(identity))) == row


def fuzz(folder: Path, requests: int) -> Callable[[], None]:
    engine = open_engine(str(folder / "demo.db"), writes=True, creates=False)

    @settings(
        max_examples=requests,
        deadline=None,
        database=None,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(request())
    def ask(asked: tuple[type[Any], str, str, list[str]]) -> None:
        recorder = Recorder()
        try:
            with record(recorder), open_session(engine) as session:
                carry_out(session, *asked)
        except Exception as error:
            problem = problem_of(error, recorder, "demo.db", is_written=False)
            problem.message.encode()
            if problem.exit_code not in (1, 2, 3, 4):
                raise

    return ask


if __name__ == "__main__":
    warnings.simplefilter("ignore", SAWarning)
    apps.populate(["signalcli.core", "shop"])
    fuzz(Path(sys.argv[1]), int(sys.argv[2]))()
