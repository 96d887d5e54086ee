"""Empty tables for the same models in Django and in SQLModel, to do the same things in both."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from django.db import connections, models, transaction
from sqlalchemy import Engine
from sqlmodel import SQLModel

from signalcli.db import Session, create_engine
from tests.db.django_database import ALIAS


@cache
def make_django_tables(*made_of: type[models.Model]) -> None:
    """Once, since a database in memory lives as long as the process."""
    with connections[ALIAS].schema_editor() as editor:
        for model in made_of:
            editor.create_model(model)


@contextmanager
def empty_in_django(*made_of: type[models.Model]) -> Iterator[None]:
    """Django with empty tables of these models, which are empty again afterwards."""
    make_django_tables(*made_of)
    with transaction.atomic(using=ALIAS):
        yield
        transaction.set_rollback(True, using=ALIAS)


@cache
def sqlmodel_engine(base: type[SQLModel]) -> Engine:
    """The other database in memory, one for each family of models."""
    engine = create_engine("sqlite://")
    base.metadata.create_all(engine)
    return engine


@contextmanager
def empty_in_sqlmodel(base: type[SQLModel]) -> Iterator[Session]:
    """A session with empty tables of a family of models, which are empty again afterwards."""
    with Session(sqlmodel_engine(base)) as session:
        yield session
