"""Signals do not cost the batch, and cost nothing where nobody listens."""

import subprocess
import sys
from collections import Counter
from typing import Any

import pytest
import sqlmodel
from sqlalchemy import Engine, inspect
from sqlmodel import select

from signalcli.db import Session, create_engine, post_save, pre_init
from tests.db.shop_models import (
    WRITING_SIGNALS,
    Base,
    Comment,
    Connect,
    Log,
    Post,
    Profile,
    Seen,
    User,
    statements_of,
)


def add_many(session: sqlmodel.Session) -> None:
    """Two hundred rows in two tables."""
    session.add_all([User(username=f"user{number}") for number in range(200)])
    session.add_all([Log(text=str(number)) for number in range(200)])
    session.commit()


def change_many(session: sqlmodel.Session) -> None:
    """Change them, one column of each."""
    for user in session.exec(select(User)).all():
        user.age = 1
    session.commit()


def delete_many(session: sqlmodel.Session) -> None:
    """Delete a part of them."""
    for log in session.exec(select(Log)).all()[:50]:
        session.delete(log)
    session.commit()


def add_a_family(session: sqlmodel.Session) -> None:
    """One of each, by cascade."""
    user = User(username="ann", profile=Profile())
    user.posts = [Post(comments=[Comment(), Comment()]), Post()]
    session.add(user)
    session.commit()


def move_and_delete_a_family(session: sqlmodel.Session) -> None:
    """Work on relationships, all of them expired at first."""
    user = session.exec(select(User).where(User.username == "ann")).one()
    other = User(username="ben")
    session.add(other)
    other.posts.append(user.posts[0])
    session.commit()
    session.delete(user)
    session.commit()


WORK = [add_many, change_many, delete_many, add_a_family, move_and_delete_a_family]


def statements_by(session_class: type[sqlmodel.Session]) -> list[str]:
    """All that a session class says to the database for the same work."""
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with statements_of(engine) as statements, session_class(engine) as session:
        for work in WORK:
            work(session)
    engine.dispose()
    return statements


def test_a_big_flush_announces_all_then_writes_then_reports(session: Session, seen: Seen) -> None:
    session.add_all([User(username=f"user{number}") for number in range(200)])
    session.commit()
    names = [(sent.signal, sent.instance.id) for sent in seen.sent]
    assert [name for name, _ in names] == ["pre_save"] * 200 + ["post_save"] * 200
    assert [number for _, number in names[200:]] == list(range(1, 201))


def test_receivers_do_not_cost_the_batch(engine: Engine, seen: Seen) -> None:
    # With keys of their own, SQLAlchemy needs one statement for all rows.
    with statements_of(engine) as statements, Session(engine) as session:
        session.add_all([Log(id=number, text="x") for number in range(1, 201)])
        session.commit()
        for log in session.exec(select(Log)).all():
            log.text = "y"
        session.commit()
        for log in session.exec(select(Log)).all():
            session.delete(log)
        session.commit()
    verbs = Counter(statement.split()[0] for statement in statements)
    assert (verbs["INSERT"], verbs["UPDATE"], verbs["DELETE"]) == (1, 1, 1)
    assert len(seen.sent) == 1200


def test_with_receivers_the_database_is_told_the_same_as_by_sqlmodel() -> None:
    plain = statements_by(sqlmodel.Session)
    sent = Counter[str]()

    def count(signal: Any, **kwargs: Any) -> None:
        sent[signal.name] += 1

    for signal in WRITING_SIGNALS:
        signal.connect(count)
    assert Counter(statements_by(Session)) == Counter(plain)
    assert sent["post_save"] > 600


def test_without_receivers_the_database_is_told_the_same_as_by_sqlmodel() -> None:
    assert statements_by(Session) == statements_by(sqlmodel.Session)


def test_receivers_of_saves_alone_do_not_load_what_a_deletion_would(
    engine: Engine, connect: Connect
) -> None:
    def nothing(**kwargs: Any) -> None:
        """Listens, that is all."""

    connect(post_save, nothing, Log)
    with Session(engine) as session:
        session.add(User(username="ann", profile=Profile()))
        session.commit()
        with statements_of(engine) as statements:
            session.add(Log(text="x"))
            session.commit()
    assert len([s for s in statements if s.startswith(("INSERT", "SELECT"))]) == 1


@pytest.fixture
def models() -> list[type[Any]]:
    """The shared models."""
    return [User, Profile, Post, Comment, Log]


def listeners_of_load(model: type[Any]) -> list[Any]:
    """Who hears of the loading of a model's instances."""
    return list(inspect(model).class_manager.dispatch.load)


def test_models_are_touched_only_while_somebody_listens_for_instances(
    models: list[type[Any]],
) -> None:
    before = {model: model.__init__ for model in models}

    def note(**kwargs: Any) -> None:
        """Listens, that is all."""

    with pre_init.connected_to(note):
        for model in models:
            assert model.__init__ is not before[model]
            assert len(listeners_of_load(model)) == 1
    for model in models:
        # The listener stays, since other threads may be loading; it does nothing any more.
        assert model.__init__ is before[model]
        assert len(listeners_of_load(model)) == 1


SAVES_ONLY = """
from sqlalchemy import inspect
from sqlmodel import Field, SQLModel
from signalcli.db import Session, create_engine, post_save

class Hero(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)

before = Hero.__init__
post_save.connect(lambda **kwargs: None, weak=False)
with Session(create_engine(":memory:")) as session:
    SQLModel.metadata.create_all(session.connection())
    session.add(Hero())
    session.commit()
print(Hero.__init__ is before, len(list(inspect(Hero).class_manager.dispatch.load)))
"""


def test_listening_for_saves_does_not_touch_the_models() -> None:
    # In a process of its own, where nobody ever listened for instances.
    run = subprocess.run([sys.executable, "-c", SAVES_ONLY], capture_output=True, text=True)
    assert (run.stdout, run.stderr) == ("True 0\n", "")
