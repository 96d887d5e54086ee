"""The tables of the installed apps: made and given new columns by the first command that writes."""

import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests import processes
from tests.cli.files import write
from tests.cli.program import Finished, Forked, Program

BEGINNING = """
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from sqlalchemy import JSON, Computed, text
from sqlmodel import Field, SQLModel
class Mood(Enum):
    good = "fine"
    bad = "it's"
"""
FIRST = (
    BEGINNING
    + """
class Link(SQLModel, table=True):
    __tablename__ = "shop_link"
    order_id: int = Field(foreign_key="shop_order.id", primary_key=True)
    item_id: int = Field(foreign_key="shop_item.id", primary_key=True)
class Item(SQLModel, table=True):
    __tablename__ = "shop_item"
    id: int | None = Field(default=None, primary_key=True)
class Order(SQLModel, table=True):
    __tablename__ = "shop_order"
    id: int | None = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="core_user.id", ondelete="CASCADE")
"""
)
APPS = {"SIGNALCLI_INSTALLED_APPS": "signalcli.core,shop", "PYTHONDONTWRITEBYTECODE": "1"}
REGISTER = ("register", "x", "-e", "x@mail.com")


def with_columns(columns: str) -> str:
    return FIRST + "".join(f"    {line}\n" for line in columns.splitlines())


def tables(program: Program) -> set[str]:
    rows = program.select("SELECT name FROM sqlite_master WHERE type = 'table'")
    return {name for (name,) in rows if not name.startswith(("signalcli_", "sqlite_"))}


def done_with(program: Program, *arguments: str, **env: str) -> Finished:
    done = program(*arguments, env=APPS | env)
    assert (done.code, done.err) == (0, "")
    return done


@pytest.fixture
def shop(forked: Forked) -> Forked:
    """A folder whose app has a database of a user and an order."""
    write(forked.folder, {"shop/__init__.py": "", "shop/models.py": FIRST})
    done_with(forked, *REGISTER)
    execute(forked, "INSERT INTO shop_order (user_id) VALUES (1)")
    return forked


def execute(program: Program, statement: str) -> None:
    with closing(sqlite3.connect(program.database)) as connection, connection:
        connection.execute(statement)


def test_the_tables_of_installed_apps_alone_are_made(forked: Forked) -> None:
    write(
        forked.folder,
        {
            "shop/__init__.py": "",
            # What is imported is not installed by that.
            "shop/models.py": FIRST + "import other.models\n",
            "other/__init__.py": "",
            "other/models.py": (
                "from sqlmodel import Field, Relationship, SQLModel\n"
                "from sqlalchemy import Column, ForeignKey, Table\n"
                "link = Table('other_link', SQLModel.metadata,\n"
                "    Column('a', ForeignKey('other_note.id'), primary_key=True),\n"
                "    Column('b', ForeignKey('other_note.id'), primary_key=True))\n"
                "class Note(SQLModel, table=True):\n"
                "    __tablename__ = 'other_note'\n"
                "    id: int | None = Field(default=None, primary_key=True)\n"
                "    notes: list['Note'] = Relationship(sa_relationship_kwargs=dict(\n"
                "        secondary=link, primaryjoin='Note.id == other_link.c.a',\n"
                "        secondaryjoin='Note.id == other_link.c.b'))\n"
            ),
        },
    )
    done_with(forked, *REGISTER)
    ours = {"core_user", "core_profile", "shop_item", "shop_order", "shop_link"}
    assert tables(forked) == ours
    done_with(forked, "list", SIGNALCLI_INSTALLED_APPS="signalcli.core,shop,other")
    assert tables(forked) == ours
    done_with(forked, "delete", "x", SIGNALCLI_INSTALLED_APPS="signalcli.core,shop,other")
    assert tables(forked) == ours | {"other_note", "other_link"}


def test_what_foreign_keys_lead_to_is_made_though_it_is_not_installed(forked: Forked) -> None:
    write(
        forked.folder,
        {
            "shop/__init__.py": "",
            "shop/models.py": (
                "from sqlmodel import Field, SQLModel\n"
                "import other\n"
                "class Order(SQLModel, table=True):\n"
                "    __tablename__ = 'shop_order'\n"
                "    id: int | None = Field(default=None, primary_key=True)\n"
                "    note_id: int = Field(foreign_key='other_note.id')\n"
            ),
            "other.py": (
                "from sqlmodel import Field, SQLModel\n"
                "class Note(SQLModel, table=True):\n"
                "    __tablename__ = 'other_note'\n"
                "    id: int | None = Field(default=None, primary_key=True)\n"
                "class Unneeded(SQLModel, table=True):\n"
                "    id: int | None = Field(default=None, primary_key=True)\n"
            ),
        },
    )
    done_with(forked, *REGISTER)
    assert tables(forked) == {"core_user", "core_profile", "shop_order", "other_note"}


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("note: str | None = None", None),
        ("note: str | None = 'it\\'s: :x %s'", "it's: :x %s"),
        ("note: int = 7", 7),
        ("note: str = Field(default_factory=lambda: 'made')", "made"),
        ("note: bool = True", 1),
        ("note: float = 0.5", 0.5),
        ("note: Mood = Mood.bad", "bad"),
        (
            "note: datetime = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)",
            "2026-01-02 03:04:05.000000",
        ),
        ("note: date = date(2026, 1, 2)", "2026-01-02"),
        ("note: Decimal = Decimal('1.5')", 1.5),
        ("note: bytes = b'x'", b"x"),
        ("note: list = Field(default_factory=lambda: [1, 'a:b'], sa_type=JSON)", '[1, "a:b"]'),
        ("note: int = Field(sa_column_kwargs={'server_default': text('3')})", 3),
    ],
)
def test_a_column_that_is_new_gets_its_default_in_the_rows_that_are_there(
    shop: Forked, column: str, value: Any
) -> None:
    write(shop.folder, {"shop/models.py": with_columns(column)})
    done_with(shop, "notify", "x")
    assert shop.select("SELECT id, user_id, note FROM shop_order") == [(1, 1, value)]


def test_indexes_unique_columns_and_foreign_keys_come_with_their_columns(shop: Forked) -> None:
    write(
        shop.folder,
        {
            "shop/models.py": with_columns(
                "code: str | None = Field(default=None, unique=True)\n"
                "place: str = Field(default='', index=True)\n"
                "item_id: int | None = Field(\n"
                "    default=None, foreign_key='shop_item.id', ondelete='SET NULL')"
            )
        },
    )
    done_with(shop, "notify", "x")
    indexes = shop.select("SELECT name, \"unique\" FROM pragma_index_list('shop_order')")
    assert ("ix_shop_order_place", 0) in indexes
    assert [unique for _, unique in indexes].count(1) == 1
    keys = shop.select(
        'SELECT "table", "from", "to", on_delete FROM pragma_foreign_key_list(\'shop_order\')'
    )
    assert ("shop_item", "item_id", "id", "SET NULL") in keys
    before = shop.rows()
    assert "pre_migrate" not in done_with(shop, "notify", "x").out
    assert shop.rows() == before


@pytest.mark.parametrize(
    "column",
    [
        "note: str",
        "note: int = Field(foreign_key='core_user.id')",
        "note: int = Field(default=1, foreign_key='core_user.id')",
        "note: int = Field(default=1, primary_key=True)",
        "note: str = Field(default='', unique=True)",
        "note: datetime = Field(sa_column_kwargs={'server_default': text('CURRENT_TIMESTAMP')})",
        "note: int | None = Field(default=None, sa_column_args=[Computed('id', persisted=True)])",
    ],
)
@pytest.mark.parametrize("form", [(), ("--json",)], ids=["people", "programs"])
def test_a_column_that_cannot_be_added_is_named_and_nothing_is_changed(
    shop: Forked, column: str, form: tuple[str, ...]
) -> None:
    # What is unique cannot be the same in several rows.
    execute(shop, "INSERT INTO shop_order (user_id) VALUES (1)")
    write(shop.folder, {"shop/models.py": with_columns(f"first: int = 1\n{column}")})
    before = shop.rows()
    done = shop("update", "x", "--first-name", "X", *form, env=APPS)
    assert done.code == 5
    message = done.document["error"]["message"] if form else done.error
    assert "shop_order" in message
    assert "note" in message
    assert shop.rows() == before


MIGRATING = """
from signalcli.db import Session, post_migrate, pre_migrate
from signalcli.dispatch import receiver

@receiver([pre_migrate, post_migrate])
def note(signal, sender, **named):
    assert sender is named["app_config"]
    print(signal.name, sender.label, named["verbosity"], named["interactive"], file=sys.stderr)
"""
DJANGO_MODELS = """
from django.db import models
class {name}(models.Model):
    pass
"""
MODELS = """
from sqlmodel import Field, SQLModel
class {name}(SQLModel, table=True):
    __tablename__ = "{name}"
    id: int | None = Field(default=None, primary_key=True)
"""
DJANGO = """
import sys
import django
from django.conf import settings
from django.core.management import call_command
settings.configure(
    INSTALLED_APPS=sys.argv[1:],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
)
django.setup()
from django.db.models.signals import post_migrate, pre_migrate
def note(signal, sender, **named):
    name = {pre_migrate: "pre_migrate", post_migrate: "post_migrate"}[signal]
    print(name, sender.label, named["verbosity"], named["interactive"], sorted(named))
pre_migrate.connect(note)
post_migrate.connect(note)
call_command("migrate", run_syncdb=True, interactive=False, stdout=sys.stderr)
"""


def layout(folder: Path, models: str) -> list[str]:
    """Several apps, one of which has no models, and one a module of them without any."""
    names = ["zebra", "plain", "empty", "ant"]
    write(folder, {f"{name}/__init__.py": "" for name in names})
    write(folder, {"empty/models.py": ""})
    for name in ("zebra", "ant"):
        write(folder, {f"{name}/models.py": models.format(name=name.title())})
    return names


def test_the_order_and_arguments_are_those_of_django(forked: Forked, tmp_path: Path) -> None:
    theirs = tmp_path / "django"
    theirs.mkdir()
    names = layout(theirs, DJANGO_MODELS)
    told = processes.run(
        [sys.executable, "-c", DJANGO, *names], cwd=theirs, check=True
    ).stdout.splitlines()
    ours = forked.folder / "ours"
    ours.mkdir()
    layout(ours, MODELS)
    write(ours, {"receivers.py": "import sys" + MIGRATING})
    program = Forked(ours, forker=forked.forker)
    listed = ",".join([*names, "receivers", "signalcli.core"])
    done = program(*REGISTER, env=APPS | {"SIGNALCLI_INSTALLED_APPS": listed})
    assert done.code == 0
    here = done.err.splitlines()
    assert [line for line in here if "core" not in line] == [
        line.partition(" [")[0] for line in told
    ]
    assert [line.split()[0] for line in here] == ["pre_migrate"] * 4 + ["post_migrate"] * 4
    run = program("log", "show", "1", "--json", env=APPS | {"SIGNALCLI_INSTALLED_APPS": listed})
    first, *_ = [each for each in run.document["dispatches"] if each["signal"] == "pre_migrate"]
    theirs_named = set(told[0].partition(" [")[2].rstrip("]").replace("'", "").split(", "))
    # Django writes what it does to a stream of its own.
    assert theirs_named - {"stdout"} <= set(first["arguments"])
    again = program("notify", "x", env=APPS | {"SIGNALCLI_INSTALLED_APPS": listed})
    assert (again.code, again.err) == (0, "")


def test_rows_that_a_receiver_adds_are_committed_with_the_command(shop: Forked) -> None:
    adding = (
        "from shop.models import Item\n"
        "from signalcli.db import Session, post_migrate\n"
        "from signalcli.dispatch import receiver\n"
        "@receiver(post_migrate)\n"
        "def fill(sender, connection, **kwargs):\n"
        "    if sender.label == 'shop':\n"
        "        with Session(connection) as session:\n"
        "            session.add(Item())\n"
        "            session.commit()\n"
        "        {more}\n"
    )
    receivers = {"SIGNALCLI_INSTALLED_APPS": "signalcli.core,shop,filling"}
    other = shop.folder / "other.db"
    write(shop.folder, {"filling.py": adding.format(more="raise LookupError('no items today')")})
    done = shop(*REGISTER, "-d", "other.db", "--json", "--no-log", env=APPS | receivers)
    assert (done.code, done.err) == (1, "")
    assert "filling.fill failed on post_migrate of" in done.document["error"]["message"]
    assert "nothing was written" in done.document["error"]["message"]
    written = Forked(shop.folder, forker=shop.forker)
    other.rename(shop.database)
    assert written.rows() == ["BEGIN TRANSACTION;", "COMMIT;"]
    # One that finds nobody takes back what its receivers did, too.
    write(shop.folder, {"filling.py": adding.format(more="pass")})
    assert shop("delete", "nobody", env=APPS | receivers).code == 3
    assert tables(written) == set()
    done = shop(*REGISTER, env=APPS | receivers)
    assert (done.code, done.err) == (0, "")
    assert written.select("SELECT COUNT(*) FROM shop_item") == [(1,)]


@pytest.mark.parametrize("what", ["commit", "rollback", "close"])
@pytest.mark.parametrize("signal", ["pre_migrate", "post_migrate"])
def test_a_receiver_that_ends_the_transaction_is_to_blame(
    forked: Forked, signal: str, what: str
) -> None:
    write(
        forked.folder,
        {
            "ending.py": (
                f"from signalcli.db import {signal}\n"
                f"@{signal}.connect\n"
                f"def end(connection, **named):\n"
                f"    connection.{what}()\n"
            )
        },
    )
    done = forked("--app", "signalcli.core", "--app", "ending.py", *REGISTER, "--no-log")
    assert done.code == 1
    assert f"a receiver of {signal} ended the transaction" in done.error
