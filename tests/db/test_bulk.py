"""Bulk work: all signals, few statements."""

import gc
import weakref
from typing import Any

import pytest
from sqlalchemy import Engine, UniqueConstraint, event, func, inspect
from sqlalchemy.exc import IntegrityError, InvalidRequestError
from sqlalchemy.orm.exc import FlushError
from sqlalchemy.sql import literal
from sqlmodel import Field, select

from signalcli.db import Session, on_commit, post_save, pre_save
from signalcli.trace import Recorder, record
from tests.db.shop_models import (
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


def users(number: int, first: int = 0) -> list[User]:
    return [User(username=f"user{place}") for place in range(first, first + number)]


def count(session: Session, model: type[Any]) -> int:
    return session.exec(select(func.count()).select_from(model)).one()


def inserts(statements: list[str]) -> list[str]:
    return [statement for statement in statements if statement.startswith("INSERT")]


def inserts_for_new_rows(engine: Engine) -> int:
    """How many statements insert new rows of one table.

    The first row of each table asks SQLite for its key. Servers are given all rows at once by
    SQLAlchemy, and return their keys.
    """
    return 2 if engine.dialect.name == "sqlite" else 1


def test_many_rows_take_few_statements(
    engine: Engine, session: Session, connect: Connect, seen: Seen
) -> None:
    def add_profile(instance: Any, created: bool, session: Session, **kwargs: Any) -> None:
        session.add(Profile(user=instance))

    connect(post_save, add_profile, User)
    with statements_of(engine) as statements, session.bulk():
        session.add_all(users(500))
    assert len(inserts(statements)) == 2 * inserts_for_new_rows(engine)
    assert count(session, Profile) == 500
    assert seen.take() == (
        ["pre_save User"] * 500
        + ["post_save User created"] * 500
        + ["pre_save Profile"] * 500
        + ["post_save Profile created"] * 500
    )


def test_a_full_batch_is_written_at_once(session: Session, seen: Seen) -> None:
    with session.bulk(batch_size=3):
        session.add_all(users(3))
        assert seen.take() == []
        # When the next one comes.
        session.add_all(users(2, first=3))
        assert len(seen.take()) == 6
    assert len(seen.take()) == 4


@pytest.mark.sqlite("elsewhere, keys that are given do not move those that the database gives")
def test_the_keys_are_those_that_a_flush_gives(
    engine: Engine, session: Session, connect: Connect
) -> None:
    connect(post_save, lambda session, **kwargs: session.add(Log(text="saved")), User)
    session.add(User(id=7, username="seven"))
    session.flush()
    added = users(3)
    added[1].id = 30
    with session.bulk():
        session.add_all(added)
    assert [user.id for user in added] == [8, 30, 31]
    assert [log.id for log in session.exec(select(Log))] == [1, 2, 3, 4]


def test_what_was_written_is_as_after_a_flush(session: Session, connect: Connect) -> None:
    found: list[Any] = []

    def look(instance: Any, session: Session, **kwargs: Any) -> None:
        state = inspect(instance)
        found.append((state.persistent, instance.id, session.get(User, instance.id) is instance))
        found.append([state.attrs[key].history.has_changes() for key in ("id", "username")])

    connect(post_save, look, User)
    (user,) = users(1)
    with session.bulk():
        session.add(user)
    assert found == [(True, 1, True), [False, False]]
    user.email = "changed"
    session.commit()
    session.refresh(user)
    assert user.email == "changed"
    session.delete(user)
    session.commit()
    assert count(session, User) == 0


def test_related_instances_are_written_in_the_order_of_their_tables(
    engine: Engine, session: Session, seen: Seen
) -> None:
    with statements_of(engine) as statements, session.bulk():
        for user in users(20):
            post = Post(title="t", user=user, comments=[Comment(text="c"), Comment(text="d")])
            session.add(post)
    assert len(inserts(statements)) == 3 * inserts_for_new_rows(engine)
    assert {comment.post.user.username for comment in session.exec(select(Comment))} == {
        f"user{place}" for place in range(20)
    }
    assert len(seen.take()) == 2 * (20 + 20 + 40)


def test_changes_and_deletions_are_batched_too(
    engine: Engine, session: Session, seen: Seen
) -> None:
    with session.bulk():
        session.add_all(users(20))
    session.commit()
    seen.take()
    found = session.exec(select(User).order_by(User.username)).all()
    with statements_of(engine) as statements, session.bulk():
        for user in found[:10]:
            user.email = "new"
            session.add(user)
        for user in found[10:]:
            session.delete(user)
    writing = [each for each in statements if each.startswith(("UPDATE", "DELETE"))]
    assert len(writing) == 1 + 10
    assert len(seen.take()) == 40


def test_what_pre_save_changes_is_written(session: Session, connect: Connect) -> None:
    def greet(instance: Any, **kwargs: Any) -> None:
        instance.email = f"{instance.username}@mail.com"

    connect(pre_save, greet, User)
    with session.bulk():
        session.add_all(users(2))
    session.commit()
    assert [user.email for user in session.exec(select(User))] == [
        "user0@mail.com",
        "user1@mail.com",
    ]


def test_an_expression_is_written_too(session: Session, seen: Seen) -> None:
    with session.bulk():
        user = User(username="one")
        user.age = literal(1) + 1
        session.add_all([user, *users(1)])
    assert (user.age, len(seen.take())) == (2, 4)


def test_a_receiver_that_fails_takes_its_batch_back(session: Session, connect: Connect) -> None:
    def refuse(instance: Any, **kwargs: Any) -> None:
        if instance.username == "user5":
            raise RuntimeError("refused")

    connect(post_save, refuse, User)
    with pytest.raises(RuntimeError, match="refused"), session.bulk(batch_size=4, commit=True):
        session.add_all(users(8))
    assert count(session, User) == 4
    session.add(User(username="usable"))
    session.commit()
    assert count(session, User) == 5


def test_a_row_that_the_database_refuses_takes_its_batch_back(session: Session, seen: Seen) -> None:
    session.add_all(users(1))
    session.commit()
    with pytest.raises(IntegrityError), session.begin_nested(), session.bulk():
        session.add_all(users(3))
    assert count(session, User) == 1
    session.add_all(users(1, first=1))
    session.commit()
    assert count(session, User) == 2


def test_an_exception_leaves_the_rest_unwritten(session: Session, seen: Seen) -> None:
    def give_up() -> None:
        with session.bulk():
            session.add_all(users(2))
            raise KeyError

    with pytest.raises(KeyError):
        give_up()
    session.rollback()
    assert (count(session, User), seen.take()) == (0, [])


def test_memory_holds_one_batch(session: Session, connect: Connect) -> None:
    connect(post_save, lambda session, **kwargs: session.add(Log(text="x")), User)
    written = []
    with session.bulk(batch_size=10):
        for user in users(40):
            written.append(weakref.ref(user))
            session.add(user)
            del user
        gc.collect()
        alive = sum(reference() is not None for reference in written)
    # The last of one batch, and the next that makes it full.
    assert alive <= 11


def test_a_block_in_a_block_has_a_size_of_its_own(session: Session, seen: Seen) -> None:
    with session.bulk(batch_size=100):
        session.add_all(users(2))
        with session.bulk(batch_size=2):
            assert len(seen.take()) == 4
            session.add_all(users(3, first=2))
            assert len(seen.take()) == 4
        assert len(seen.take()) == 2
        session.add_all(users(1, first=5))
        assert seen.take() == []
    assert len(seen.take()) == 2


def test_who_listens_to_flushes_misses_nothing(session: Session, seen: Seen) -> None:
    flushed = []

    @event.listens_for(session, "before_flush")
    def note(session: Any, context: Any, instances: Any) -> None:
        flushed.extend(session.new)

    with session.bulk():
        session.add_all(users(3))
    assert len(flushed) == 3
    assert len(seen.take()) == 6


def test_who_listens_to_inserts_misses_nothing(session: Session, seen: Seen) -> None:
    inserted = []

    def note(mapper: Any, connection: Any, instance: Any) -> None:
        inserted.append(instance.username)

    event.listen(User, "after_insert", note)
    try:
        with session.bulk():
            session.add_all(users(3))
    finally:
        event.remove(User, "after_insert", note)
    assert inserted == ["user0", "user1", "user2"]


def test_who_listens_to_instances_becoming_persistent_hears_of_all(session: Session) -> None:
    heard = []

    @event.listens_for(session, "pending_to_persistent")
    def note(session: Any, instance: Any) -> None:
        heard.append(instance.username)

    with session.bulk():
        session.add_all(users(3))
    assert sorted(heard) == ["user0", "user1", "user2"]


def test_nobody_has_to_listen(engine: Engine, session: Session) -> None:
    with statements_of(engine) as statements, session.bulk():
        session.add_all(users(10))
    assert len(inserts(statements)) == inserts_for_new_rows(engine)


def test_on_commit_waits_for_the_commit(session: Session, connect: Connect) -> None:
    called = []
    connect(
        post_save,
        lambda instance, session, **kwargs: on_commit(
            session, lambda: called.append(instance.username)
        ),
        User,
    )
    with session.bulk():
        session.add_all(users(2))
    assert called == []
    session.commit()
    assert called == ["user0", "user1"]


def test_a_trace_shows_who_added_what(session: Session, connect: Connect) -> None:
    def add_profile(instance: Any, session: Session, **kwargs: Any) -> None:
        session.add(Profile(user=instance))

    connect(post_save, add_profile, User)
    with record(Recorder()) as recorder, session.bulk():
        session.add_all(users(3))
    parents = [
        dispatch.parent.dispatch
        for dispatch in recorder.trace.dispatches
        if (dispatch.signal, dispatch.sender) == ("post_save", "Profile") and dispatch.parent
    ]
    assert [(parent.signal, parent.sender) for parent in parents] == [("post_save", "User")] * 3
    assert len(set(map(id, parents))) == 3


@pytest.mark.parametrize("batch_size", [0, -1])
def test_a_batch_has_rows(session: Session, batch_size: int) -> None:
    with pytest.raises(ValueError, match="at least 1"), session.bulk(batch_size=batch_size):
        pass


class Lenient(Base, table=True):
    """Whose table leaves out what it has already."""

    __tablename__ = "dbtest_lenient"
    __table_args__ = (UniqueConstraint("name", sqlite_on_conflict="IGNORE"),)

    id: int | None = Field(default=None, primary_key=True)
    name: str


class Deceived(Base, table=True):
    """Whose table is another than it says."""

    __tablename__ = "dbtest_deceived"

    id: int | None = Field(default=None, primary_key=True)
    name: str


@pytest.mark.sqlite("only its tables can be told to leave rows out")
@pytest.mark.parametrize("model", [Lenient, Deceived])
@pytest.mark.parametrize("names", ["abbc", "aabc"])
def test_rows_that_the_database_leaves_out_are_an_error(
    engine: Engine, session: Session, seen: Seen, model: Any, names: str
) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE dbtest_deceived")
        connection.exec_driver_sql(
            "CREATE TABLE dbtest_deceived "
            "(id INTEGER PRIMARY KEY, name TEXT UNIQUE ON CONFLICT IGNORE)"
        )
    with pytest.raises(FlushError), session.bulk():
        session.add_all(model(name=name) for name in names)
    session.rollback()
    assert not any(line.startswith("post_save") for line in seen.take())
    assert count(session, model) == 0


class Remark(Base, table=True):
    """Of which the database takes a row without any values."""

    __tablename__ = "dbtest_remark"

    id: int | None = Field(default=None, primary_key=True)
    text: str | None = None


def test_an_instance_without_its_values_is_refused_as_in_a_flush(session: Session) -> None:
    def fail(session: Any, instance: Any) -> None:
        raise ValueError("on purpose")

    # A flush that fails after it has written leaves instances whose values are expired, and no key
    # to load them by.
    added = [Remark(text="first"), Remark(text="second")]
    session.add_all(added)
    event.listen(session, "pending_to_persistent", fail)
    with pytest.raises(ValueError, match="on purpose"):
        session.flush()
    event.remove(session, "pending_to_persistent", fail)
    session.rollback()
    with pytest.raises(InvalidRequestError, match="cannot be refreshed"), session.bulk():
        session.add_all(added)
    # SQLAlchemy has kept them by their keys, and would not find them when they go.
    session.close()
