"""Corners: expressions, versions, other threads, closed sessions, children who move away."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Column, DateTime, Engine, ForeignKey, Integer, func
from sqlalchemy.exc import InvalidRequestError, SAWarning
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.orm.attributes import flag_modified
from sqlmodel import Field, select
from sqlmodel import Session as PlainSession

from signalcli.db import Session, post_init, post_save, touch
from tests.db.shop_models import Base, Log, Post, Seen, User

Connect = Callable[..., Any]


class Versioned(Base, table=True):
    """Counts its versions, and knows when it was updated."""

    __tablename__ = "dbtest_versioned"

    id: int | None = Field(default=None, primary_key=True)
    name: str = ""
    version: int | None = Field(default=None, sa_column=Column("version", Integer, nullable=False))
    updated: Any = Field(
        default=None, sa_column=Column("updated", DateTime, onupdate=func.current_timestamp())
    )


# SQLModel has no place for it in a class body.
Versioned.__mapper__.version_id_col = Versioned.__table__.c.version


class Plain(DeclarativeBase):
    """Keeps the tables of plain declarative classes."""


class Animal(Plain):
    """The base of a model that is kept in two tables."""

    __tablename__ = "dbtest_creature"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)


class Dog(Animal):
    """Has a part of its row in each of them."""

    __tablename__ = "dbtest_creature_dog"
    id: Mapped[int] = mapped_column(
        ForeignKey("dbtest_creature.id", onupdate="CASCADE"), primary_key=True
    )


def test_a_key_in_two_tables_that_is_changed_is_saved_and_reported(
    engine: Engine, session: Session, seen: Seen
) -> None:
    Plain.metadata.create_all(engine)
    session.add(dog := Dog())
    session.commit()
    seen.take()
    dog.id = 7
    session.commit()
    assert seen.take_fields() == [("pre_save", "Dog", {"id"}), ("post_save", "Dog", {"id"})]
    assert session.get(Dog, 7) is dog


def test_a_column_set_to_an_expression_is_saved_and_reported(session: Session, seen: Seen) -> None:
    user = User(username="ann")
    session.add(user)
    session.commit()
    seen.take()
    user.email = func.upper("a@b.co")
    session.commit()
    assert seen.take() == ["pre_save User", "post_save User updated"]
    assert user.email == "A@B.CO"


def test_touching_leaves_alone_what_the_database_or_the_mapper_sets(session: Session) -> None:
    got: list[frozenset[str]] = []

    def note(update_fields: frozenset[str], created: bool, **kwargs: Any) -> None:
        if not created:
            got.append(update_fields)

    row = Versioned(name="x", version=1)
    session.add(row)
    session.commit()
    with post_save.connected_to(note, Versioned):
        touch(row)
        session.commit()
    assert got == [frozenset({"name"})]


def test_a_session_that_a_receiver_closes_is_noticed(
    engine: Engine, session: Session, connect: Connect
) -> None:
    def close(session: Session, **kwargs: Any) -> None:
        session.close()

    connect(post_save, close, User)
    session.add(User(username="ann"))
    with pytest.raises(InvalidRequestError, match="session was closed"):
        session.commit()


def test_a_child_whose_new_parent_is_in_no_session_is_not_deleted(
    engine: Engine, session: Session, seen: Seen
) -> None:
    user = User(username="ann", posts=[Post(title="x")])
    session.add(user)
    session.commit()
    elsewhere = User(username="ben")
    elsewhere.posts = [user.posts[0]]
    seen.take()
    # SQLAlchemy warns that it cannot follow the child to a parent that it does not know.
    with pytest.warns(SAWarning, match="not in session"):
        session.commit()
    assert "pre_delete Post" not in seen.take()
    with PlainSession(engine) as reader:
        assert len(reader.exec(select(Post)).all()) == 1


def test_listening_while_other_threads_load_breaks_nobody(engine: Engine) -> None:
    with Session(engine) as session:
        session.add_all([User(username=f"user{number}") for number in range(50)])
        session.commit()
    failures: list[BaseException] = []
    done = threading.Event()

    def load() -> None:
        try:
            while not done.is_set():
                with PlainSession(engine) as session:
                    for user in session.exec(select(User)):
                        user.age += 1
        except BaseException as error:
            failures.append(error)

    def note(**kwargs: Any) -> None:
        """Listens, that is all."""

    # The first time adds the listeners, which is not to happen under way.
    with post_init.connected_to(note):
        pass
    threads = [threading.Thread(target=load) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(100):
        with post_init.connected_to(note):
            pass
    done.set()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_key_that_is_only_flagged_is_none_of_the_updated_columns(
    session: Session, seen: Seen
) -> None:
    session.add_all([log := Log(text="first"), user := User(username="ann")])
    session.commit()
    session.refresh(user)
    seen.take()
    user.age, log.text = 30, "second"
    flag_modified(user, "id")
    session.commit()
    assert sorted(seen.take_fields(), key=str) == [
        ("post_save", "Log", {"text"}),
        ("post_save", "User", {"age"}),
        ("pre_save", "Log", {"text"}),
        ("pre_save", "User", {"age"}),
    ]
