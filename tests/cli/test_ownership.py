"""Databases whose schema another tool keeps: Alembic here, in a real project of its own."""

import os
import sys
from pathlib import Path

import pytest

from tests import processes
from tests.cli.files import write
from tests.cli.program import Finished, Forked

pytest.importorskip("alembic")

MODELS = """
import os
from sqlmodel import Field, SQLModel, create_engine
class Hero(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=50)
engine = create_engine(os.environ.get("SHOP", "sqlite:///shop.db"))
"""
MORE = """
class Team(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
"""
COLUMN = "    name: str = Field(max_length=50)\n"
ENVIRONMENT = """
from alembic import context
from sqlmodel import SQLModel
import shop
with shop.engine.connect() as connection:
    context.configure(connection=connection, target_metadata=SQLModel.metadata)
    with context.begin_transaction():
        context.run_migrations()
"""
TEMPLATE = """
import sqlalchemy as sa
import sqlmodel
from alembic import op
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
def upgrade():
    ${upgrades}
def downgrade():
    ${downgrades}
"""
APP = ("--app", "shop", "--database", "shop.db")


def alembic(folder: Path, *arguments: str, **variables: str) -> str:
    done = processes.run(
        [sys.executable, "-m", "alembic", *arguments],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(folder),
            "PYTHONDONTWRITEBYTECODE": "1",
            **variables,
        },
        check=True,
    )
    return done.stdout


@pytest.fixture
def project(forked: Forked) -> Forked:
    """A project with Alembic and one migration, before anything is in its database."""
    write(
        forked.folder,
        {
            "alembic.ini": "[alembic]\nscript_location = %(here)s/migrations\n",
            "migrations/env.py": ENVIRONMENT,
            "migrations/script.py.mako": TEMPLATE,
            "shop.py": MODELS,
        },
    )
    (forked.folder / "migrations/versions").mkdir()
    alembic(forked.folder, "revision", "--autogenerate", "-m", "first")
    (forked.folder / "shop.db").unlink()
    return forked


def run(program: Forked, *arguments: str) -> Finished:
    return program(*APP, *arguments, env={"PYTHONDONTWRITEBYTECODE": "1"})


def test_an_empty_database_of_a_project_with_alembic_is_left_to_it(project: Forked) -> None:
    done = run(project, "create", "Hero", "name=Ada")
    assert done.code == 5
    assert "shop.db lacks the table hero." in done.error
    assert "`alembic upgrade head`" in done.error
    assert "--migrate" in done.error
    alembic(project.folder, "upgrade", "head")
    assert run(project, "create", "Hero", "name=Ada").code == 0


def test_alembic_finds_nothing_to_do_after_commands(project: Forked, database: str) -> None:
    url = database if "://" in database else f"sqlite:///{database}"
    alembic(project.folder, "upgrade", "head", SHOP=url)
    for words in (
        ["create", "Hero", "name=Ada"],
        ["change", "Hero", "1", "name=Eve"],
        ["get", "Hero"],
    ):
        done = run(project, "-d", url, *words)
        assert (done.code, done.err, done.made) == (0, "", ())
    assert "No new upgrade operations" in alembic(project.folder, "check", SHOP=url)
    alembic(project.folder, "revision", "--autogenerate", "-m", "second", SHOP=url)
    texts = [each.read_text() for each in (project.folder / "migrations/versions").glob("*.py")]
    assert not any("signalcli" in text for text in texts)
    # The log is a file of its own, which the commands for the log find.
    assert "signals.db" in project.files
    runs = run(project, "-d", url, "log", "--json").document["result"]
    assert [row["command"] for row in runs] == ["change", "create"]
    assert run(project, "-d", url, "log", "show", "--json").document["run"] == 2


def test_what_is_missing_is_named_and_made_only_where_that_is_asked_for(project: Forked) -> None:
    alembic(project.folder, "upgrade", "head")
    models = MODELS.replace(COLUMN, f"{COLUMN}    age: int = 7\n", 1)
    write(project.folder, {"shop.py": models + MORE})
    for words in (["create", "Hero", "name=Ada"], ["get", "Hero"]):
        done = run(project, *words)
        assert done.code == 5
        assert "lacks the column hero.age, the table team. " in done.error
        assert "it has a table alembic_version" in done.error
    done = run(project, "create", "Hero", "name=Ada", "--migrate")
    assert (done.code, done.made) == (0, ("the column hero.age, the table team",))


def test_a_log_elsewhere_is_written_and_read_there(project: Forked) -> None:
    alembic(project.folder, "upgrade", "head")
    own = ("--log-database", "own.db")
    assert run(project, *own, "create", "Hero", "name=Ada").code == 0
    assert "signals.db" not in project.files
    assert len(run(project, *own, "log", "--json").document["result"]) == 1


def test_tables_made_on_a_fresh_database_are_said(forked: Forked) -> None:
    write(forked.folder, {"shop.py": MODELS})
    done = run(forked, "create", "Hero", "name=Ada", "--quiet")
    assert (done.code, done.err, done.made) == (0, "", ("the table hero",))
    write(forked.folder, {"shop.py": MODELS + MORE})
    done = run(forked, "create", "Hero", "name=Eve", "--no-log")
    assert (done.code, done.made) == (0, ("the table team",))
    assert "signals.db" not in forked.files


def test_no_demo_database_is_made_for_apps_of_ones_own(forked: Forked) -> None:
    write(forked.folder, {"shop.py": MODELS})
    done = forked("--app", "shop", "create", "Hero", "name=Ada")
    assert done.code == 2
    assert "no database is named" in done.error
    assert not forked.database.exists()


@pytest.mark.parametrize("database", ["env:HEROES", "shop:engine"])
def test_a_database_is_named_by_a_variable_or_an_object(forked: Forked, database: str) -> None:
    write(forked.folder, {"shop.py": MODELS, "signalcli.toml": f'database = "{database}"\n'})
    env = {"HEROES": "shop.db"}
    assert forked("--app", "shop", "create", "Hero", "name=Ada", env=env).code == 0
    assert (forked.folder / "shop.db").exists()
    assert len(forked("--app", "shop", "get", "Hero", "--json", env=env).document["result"]) == 1


@pytest.mark.parametrize(
    ("database", "reason"),
    [
        ("env:NOWHERE", "NOWHERE is not set"),
        ("nomodule:engine", "No module named 'nomodule'"),
        ("shop:nothing", "no attribute 'nothing'"),
        ("shop:Hero", "is a Hero; name a SQLAlchemy engine"),
    ],
)
def test_a_reference_to_nothing_is_an_error(forked: Forked, database: str, reason: str) -> None:
    write(forked.folder, {"shop.py": MODELS})
    done = forked("--app", "shop", "--database", database, "get", "Hero")
    assert done.code == 5
    assert reason in done.error
