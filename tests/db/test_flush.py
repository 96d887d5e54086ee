"""What receivers are told, and what they may do with the session that tells them."""

from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm.exc import FlushError
from sqlmodel import select

from signalcli.db import Session, create_engine, post_delete, post_save, pre_delete, pre_save
from signalcli.testing import Dispatches
from tests.db.shop_models import CREATED_USER, UPDATED_USER, Connect, Log, Post, Profile, Seen, User


@pytest.fixture
def ann(session: Session) -> User:
    """A user who was in the database before anybody listened, loaded."""
    user = User(username="ann", email="ann@mail.com")
    session.add(user)
    session.commit()
    session.refresh(user)
    return user


def in_database(engine: Engine, column: Any) -> list[Any]:
    """The values of a column that other connections can see."""
    with Session(engine) as other:
        return sorted(other.exec(select(column)).all())


# What they are told


def test_saving_tells_everything_that_the_contract_names(
    engine: Engine, session: Session, seen: Seen
) -> None:
    user = User(username="ann")
    session.add(user)
    session.commit()
    before, after = seen.sent
    told = {
        "signal": pre_save,
        "raw": False,
        "using": str(engine.url),
        "update_fields": None,
        "session": session,
    }
    assert before.instance is user
    assert after.instance is user
    assert {"signal": pre_save, **before.named} == told
    assert {"signal": post_save, **after.named} == told | {"signal": post_save, "created": True}


def test_deleting_tells_everything_that_the_contract_names(
    engine: Engine, session: Session, ann: User, seen: Seen
) -> None:
    session.delete(ann)
    session.commit()
    for sent in seen.sent:
        assert sent.instance is ann
        assert sent.named == {"using": str(engine.url), "origin": ann, "session": session}


def test_signal_and_sender_come_with_the_arguments(session: Session, connect: Connect) -> None:
    got: list[tuple[Any, Any]] = []

    def note(signal: Any, sender: Any, **kwargs: Any) -> None:
        got.append((signal, sender))

    connect(pre_save, note)
    connect(post_save, note)
    session.add(User(username="ann"))
    session.commit()
    assert got == [(pre_save, User), (post_save, User)]


def test_update_fields_are_exactly_the_changed_columns(
    session: Session, ann: User, seen: Seen
) -> None:
    ann.email, ann.age, ann.username = "new@mail.com", 30, "ann"
    session.commit()
    assert seen.take_fields() == [
        ("pre_save", "User", {"email", "age"}),
        ("post_save", "User", {"email", "age"}),
    ]


def test_update_fields_go_by_flush_and_do_not_pile_up(
    session: Session, ann: User, seen: Seen
) -> None:
    ann.email = "new@mail.com"
    session.flush()
    ann.age = 30
    session.flush()
    assert [fields for _, _, fields in seen.take_fields()] == [
        {"email"},
        {"email"},
        {"age"},
        {"age"},
    ]


def test_using_does_not_tell_the_password(seen: Seen) -> None:
    # SQLite ignores a name and a password; other databases do not, and receivers may log this.
    engine = create_engine("sqlite://")
    User.metadata.create_all(engine)
    secret = engine.url.set(username="ann", password="s3cret", host="h")
    engine.url = secret
    with Session(engine) as session:
        session.add(User(username="ann"))
        session.flush()
    assert seen.sent[0].named["using"] == "sqlite://ann:***@h"
    engine.dispose()


def test_using_is_the_database_of_the_model(engine: Engine, seen: Seen) -> None:
    memory = create_engine("sqlite://")
    Log.metadata.create_all(memory)
    with Session(binds={User: engine, Log: memory}) as session:
        session.add_all([User(username="ann"), Log(text="x")])
        session.flush()
        told = {sent.sender: sent.named["using"] for sent in seen.sent}
    assert told == {"User": str(engine.url), "Log": "sqlite://"}
    memory.dispose()


def test_the_primary_key_is_there_in_post_save_and_not_in_pre_save(
    session: Session, connect: Connect
) -> None:
    got: list[tuple[str, int | None]] = []

    def note(signal: Any, instance: User, **kwargs: Any) -> None:
        got.append((signal.name, instance.id))

    connect(pre_save, note, User)
    connect(post_save, note, User)
    session.add(User(username="ann"))
    session.commit()
    assert got == [("pre_save", None), ("post_save", 1)]


def test_post_save_is_sent_inside_the_transaction(
    engine: Engine, session: Session, connect: Connect
) -> None:
    got: list[list[str]] = []

    def look(session: Session, **kwargs: Any) -> None:
        got.append(list(session.exec(select(User.username)).all()))
        got.append(in_database(engine, User.username))

    connect(post_save, look, User)
    session.add(User(username="ann"))
    session.commit()
    assert got == [["ann"], []]
    assert in_database(engine, User.username) == ["ann"]


# post_save


def test_post_save_may_add_a_row_and_leave_the_flush_to_the_session(
    engine: Engine, session: Session, connect: Connect, seen: Seen
) -> None:
    def create_profile(instance: User, created: bool, session: Session, **kwargs: Any) -> None:
        if created:
            session.add(Profile(user_id=instance.id, first_name=instance.username))

    connect(post_save, create_profile, User)
    session.add(User(username="ann"))
    session.flush()
    # The flush returns when all is written.
    assert seen.take() == [*CREATED_USER, "pre_save Profile", "post_save Profile created"]
    session.commit()
    assert in_database(engine, Profile.first_name) == ["ann"]


def test_post_save_may_add_a_row_and_flush_at_once(
    engine: Engine, session: Session, connect: Connect, seen: Seen
) -> None:
    def create_profile(instance: User, created: bool, session: Session, **kwargs: Any) -> None:
        if created:
            profile = Profile(user_id=instance.id, first_name=instance.username)
            session.add(profile)
            session.flush()
            assert profile.id is not None

    connect(post_save, create_profile, User)
    session.add(User(username="ann"))
    session.commit()
    assert seen.take() == [*CREATED_USER, "pre_save Profile", "post_save Profile created"]
    assert in_database(engine, Profile.first_name) == ["ann"]


def test_post_save_may_make_a_child_through_the_relationship(
    engine: Engine, session: Session, connect: Connect, seen: Seen
) -> None:
    def create_profile(instance: User, created: bool, **kwargs: Any) -> None:
        if created:
            instance.profile = Profile(first_name=instance.username)

    connect(post_save, create_profile, User)
    session.add(User(username="ann"))
    session.commit()
    # The user is not saved once more: no column of it changed.
    assert seen.take() == [*CREATED_USER, "pre_save Profile", "post_save Profile created"]
    assert in_database(engine, Profile.user_id) == [1]


@pytest.mark.parametrize("at_once", [True, False])
def test_receivers_may_set_each_other_off_on_several_levels(
    engine: Engine, session: Session, connect: Connect, dispatches: Dispatches, at_once: bool
) -> None:
    def add_post(instance: User, session: Session, **kwargs: Any) -> None:
        session.add(Post(user_id=instance.id, title="hello"))
        if at_once:
            session.flush()

    def add_log(instance: Post, session: Session, **kwargs: Any) -> None:
        session.add(Log(text=instance.title))
        if at_once:
            session.flush()

    connect(post_save, add_post, User)
    connect(post_save, add_log, Post)
    session.add(User(username="ann"))
    session.flush()
    dispatches.assert_sequence(
        (pre_save, User),
        (post_save, User, {"created": True}),
        (pre_save, Post),
        (post_save, Post, {"created": True}),
        (pre_save, Log),
        (post_save, Log, {"created": True}),
    )
    dispatches.assert_sent(post_save, sender=Post, caused_by=add_post)
    dispatches.assert_sent(post_save, sender=Log, caused_by=add_log)
    dispatches.assert_not_sent(pre_delete, post_delete)
    session.commit()
    assert in_database(engine, Log.text) == ["hello"]


def test_post_save_may_change_its_own_instance_once(
    engine: Engine, session: Session, connect: Connect, seen: Seen
) -> None:
    def fill_in(instance: User, created: bool, **kwargs: Any) -> None:
        if created:
            instance.email = f"{instance.username}@mail.com"

    connect(post_save, fill_in, User)
    session.add(User(username="ann"))
    session.commit()
    assert seen.take() == CREATED_USER + UPDATED_USER
    assert in_database(engine, User.email) == ["ann@mail.com"]


def test_post_save_may_delete_what_was_saved(
    engine: Engine, session: Session, connect: Connect, seen: Seen
) -> None:
    def remove(instance: User, session: Session, **kwargs: Any) -> None:
        session.delete(instance)

    connect(post_save, remove, User)
    session.add(User(username="ann"))
    session.commit()
    assert seen.take() == [*CREATED_USER, "pre_delete User", "post_delete User"]
    assert in_database(engine, User.username) == []


def test_post_save_of_a_batch_may_flush_without_sending_anything_twice(
    session: Session, connect: Connect, seen: Seen
) -> None:
    def log(instance: User, session: Session, **kwargs: Any) -> None:
        session.add(Log(text=instance.username))
        session.flush()

    connect(post_save, log, User)
    session.add_all([User(username=name) for name in ("ann", "ben", "cem")])
    session.commit()
    lines = [
        (s.signal, s.instance.username if s.sender == "User" else s.instance.text)
        for s in seen.sent
    ]
    assert lines == [
        ("pre_save", "ann"),
        ("pre_save", "ben"),
        ("pre_save", "cem"),
        ("post_save", "ann"),
        ("pre_save", "ann"),
        ("post_save", "ann"),
        ("post_save", "ben"),
        ("pre_save", "ben"),
        ("post_save", "ben"),
        ("post_save", "cem"),
        ("pre_save", "cem"),
        ("post_save", "cem"),
    ]


def test_a_query_in_post_save_autoflushes_what_the_receiver_added(
    session: Session, connect: Connect
) -> None:
    found: list[str] = []

    def log(instance: User, session: Session, **kwargs: Any) -> None:
        session.add(Log(text="x"))
        found.extend(session.exec(select(Log.text)).all())

    connect(post_save, log, User)
    session.add(User(username="ann"))
    session.commit()
    assert found == ["x"]


def test_a_receiver_that_always_changes_what_it_receives_is_stopped(
    engine: Engine, session: Session, connect: Connect
) -> None:
    def grow(instance: User, **kwargs: Any) -> None:
        instance.age += 1

    connect(post_save, grow, User)
    session.add(User(username="ann"))
    with pytest.raises(FlushError, match="Receivers made new changes"):
        session.commit()
    session.rollback()
    assert in_database(engine, User.username) == []


def test_a_flush_that_is_stopped_for_growing_is_rolled_back(
    session: Session, connect: Connect
) -> None:
    def grow(instance: User, **kwargs: Any) -> None:
        instance.age += 1

    connect(post_save, grow, User)
    session.add(User(username="ann"))
    with pytest.raises(FlushError):
        session.flush()
    post_save.disconnect(grow, User)
    # Nothing half-written is left to commit.
    session.commit()
    assert session.exec(select(User)).all() == []


def test_pre_save_receivers_that_add_rows_for_ever_are_stopped(
    engine: Engine, session: Session, connect: Connect
) -> None:
    def add_another(session: Session, **kwargs: Any) -> None:
        session.add(Log(text="again"))

    connect(pre_save, add_another, Log)
    session.add(Log(text="first"))
    with pytest.raises(FlushError):
        session.commit()
    session.rollback()
    assert in_database(engine, Log.text) == []


# pre_save


def test_pre_save_may_change_the_new_instance(
    engine: Engine, session: Session, connect: Connect, seen: Seen
) -> None:
    def tidy(instance: User, **kwargs: Any) -> None:
        instance.username = instance.username.strip().lower()

    connect(pre_save, tidy, User)
    session.add(User(username=" Ann "))
    session.commit()
    assert in_database(engine, User.username) == ["ann"]
    assert seen.take() == CREATED_USER


def test_pre_save_may_change_the_updated_instance_and_update_fields_follow(
    engine: Engine, session: Session, ann: User, connect: Connect, seen: Seen
) -> None:
    def count(instance: User, **kwargs: Any) -> None:
        instance.age += 1

    connect(pre_save, count, User)
    ann.email = "new@mail.com"
    session.commit()
    assert seen.take_fields() == [
        ("pre_save", "User", {"email"}),
        ("post_save", "User", {"email", "age"}),
    ]
    assert in_database(engine, User.age) == [1]


def test_pre_save_may_revert_the_change_so_that_nothing_is_written(
    engine: Engine, session: Session, ann: User, connect: Connect, seen: Seen
) -> None:
    def revert(instance: User, **kwargs: Any) -> None:
        instance.email = "ann@mail.com"

    connect(pre_save, revert, User)
    ann.email = "new@mail.com"
    session.commit()
    assert seen.take() == ["pre_save User"]
    assert in_database(engine, User.email) == ["ann@mail.com"]
    # And what was not saved then can be saved later.
    pre_save.disconnect(revert, User)
    ann.email = "newer@mail.com"
    session.commit()
    assert seen.take() == UPDATED_USER


def test_pre_save_may_add_rows_which_are_written_with_the_batch(
    engine: Engine, session: Session, connect: Connect, seen: Seen
) -> None:
    def log(instance: User, session: Session, **kwargs: Any) -> None:
        session.add(Log(text=instance.username))

    connect(pre_save, log, User)
    session.add(User(username="ann"))
    session.commit()
    assert seen.take() == [
        "pre_save User",
        "pre_save Log",
        "post_save User created",
        "post_save Log created",
    ]
    assert in_database(engine, Log.text) == ["ann"]


def test_pre_save_may_flush(engine: Engine, session: Session, connect: Connect, seen: Seen) -> None:
    def log(instance: User, session: Session, **kwargs: Any) -> None:
        session.add(Log(text=instance.username))
        session.flush()

    connect(pre_save, log, User)
    session.add_all([User(username="ann"), User(username="ben")])
    session.commit()
    lines = seen.take()
    assert sorted(lines) == sorted(2 * [*CREATED_USER, "pre_save Log", "post_save Log created"])
    assert in_database(engine, User.username) == ["ann", "ben"]
    assert in_database(engine, Log.text) == ["ann", "ben"]


@pytest.mark.parametrize("signal", [pre_save, post_save], ids=lambda signal: signal.name)
def test_a_receiver_may_flush_for_each_row_of_a_big_batch(
    engine: Engine, session: Session, connect: Connect, signal: Any
) -> None:
    def log(instance: User, session: Session, **kwargs: Any) -> None:
        session.add(Log(text=instance.username))
        session.flush()

    # Each flush by a receiver of pre_save nests in the one before.
    rows = 30 if signal is pre_save else 300
    connect(signal, log, User)
    session.add_all([User(username=f"user{number}") for number in range(rows)])
    session.commit()
    assert len(in_database(engine, User.username)) == rows
    assert sorted(in_database(engine, Log.text)) == sorted(in_database(engine, User.username))


def test_pre_save_receivers_that_flush_nest_only_so_deep(
    engine: Engine, session: Session, connect: Connect
) -> None:
    def log(instance: User, session: Session, **kwargs: Any) -> None:
        session.add(Log(text=instance.username))
        session.flush()

    connect(pre_save, log, User)
    session.add_all([User(username=f"user{number}") for number in range(300)])
    with pytest.raises(FlushError, match="leave the flush to the session"):
        session.commit()
    assert in_database(engine, User.username) == []
    assert in_database(engine, Log.text) == []


@pytest.mark.parametrize("signal", [pre_delete, post_delete], ids=lambda signal: signal.name)
def test_a_receiver_may_flush_for_each_of_many_deletions(
    engine: Engine, session: Session, connect: Connect, signal: Any
) -> None:
    session.add_all([User(username=f"user{number}") for number in range(300)])
    session.commit()

    def log(instance: User, session: Session, **kwargs: Any) -> None:
        session.add(Log(text="gone"))
        session.flush()

    connect(signal, log, User)
    with session.no_autoflush:
        for user in session.exec(select(User)).all():
            session.delete(user)
    session.commit()
    assert in_database(engine, User.username) == []
    assert len(in_database(engine, Log.text)) == 300


def test_pre_save_may_flush_and_then_change_the_instance(
    engine: Engine, session: Session, connect: Connect, seen: Seen
) -> None:
    def flush_and_change(
        instance: User, session: Session, update_fields: Any, **kwargs: Any
    ) -> None:
        if update_fields is None:
            session.flush()
            instance.email = "late@mail.com"

    connect(pre_save, flush_and_change, User)
    session.add(User(username="ann"))
    session.commit()
    assert in_database(engine, User.email) == ["late@mail.com"]
    lines = seen.take()
    assert lines.count("post_save User created") == 1
    # Each pre_save has its post_save, and comes first.
    assert lines.count("pre_save User") == len(lines) - lines.count("pre_save User")
    assert lines[0] == "pre_save User"


def test_a_query_in_pre_save_does_not_autoflush(session: Session, connect: Connect) -> None:
    found: list[list[str]] = []

    def look(session: Session, **kwargs: Any) -> None:
        found.append(list(session.exec(select(User.username)).all()))

    connect(pre_save, look, User)
    session.add(User(username="ann"))
    session.commit()
    assert found == [[]]


def test_pre_save_may_expunge_a_new_instance(
    engine: Engine, session: Session, connect: Connect, seen: Seen
) -> None:
    def refuse(instance: User, session: Session, **kwargs: Any) -> None:
        if instance.username == "bad":
            session.expunge(instance)

    connect(pre_save, refuse, User)
    session.add_all([User(username="bad"), User(username="good")])
    session.commit()
    assert in_database(engine, User.username) == ["good"]
    assert seen.take() == ["pre_save User", "pre_save User", "post_save User created"]


def test_pre_save_may_expunge_an_instance_before_its_turn(
    engine: Engine, session: Session, connect: Connect, seen: Seen
) -> None:
    bad = User(username="bad")

    def refuse(instance: User, session: Session, **kwargs: Any) -> None:
        if bad in session:
            session.expunge(bad)

    connect(pre_save, refuse, User)
    session.add_all([User(username="good"), bad])
    session.commit()
    assert in_database(engine, User.username) == ["good"]
    assert seen.take() == CREATED_USER


def test_pre_save_may_delete_the_updated_instance(
    engine: Engine, session: Session, ann: User, connect: Connect, seen: Seen
) -> None:
    def remove(instance: User, session: Session, **kwargs: Any) -> None:
        session.delete(instance)

    connect(pre_save, remove, User)
    ann.age = 30
    session.commit()
    assert seen.take() == ["pre_save User", "pre_delete User", "post_delete User"]
    assert in_database(engine, User.username) == []


def test_pre_save_may_delete_another_updated_instance_before_its_turn(
    engine: Engine, session: Session, ann: User, connect: Connect, seen: Seen
) -> None:
    ben = User(username="ben")
    session.add(ben)
    session.commit()
    session.refresh(ben)
    session.refresh(ann)
    seen.take()

    def remove(instance: User, session: Session, **kwargs: Any) -> None:
        if instance is ann:
            session.delete(ben)

    connect(pre_save, remove, User)
    ann.age = 30
    ben.age = 30
    session.commit()
    # Ben is not saved any more, so nobody is told that he will be.
    assert [(s.signal, s.instance is ben) for s in seen.sent] == [
        ("pre_save", False),
        ("pre_delete", True),
        ("post_save", False),
        ("post_delete", True),
    ]
    assert in_database(engine, User.username) == ["ann"]


def test_pre_save_may_take_back_another_change_before_its_turn(
    session: Session, ann: User, connect: Connect, seen: Seen
) -> None:
    ben = User(username="ben")
    session.add(ben)
    session.commit()
    session.refresh(ben)
    session.refresh(ann)
    seen.take()

    def take_back(instance: User, **kwargs: Any) -> None:
        if instance is ann:
            ben.age = 0

    connect(pre_save, take_back, User)
    ann.age = 30
    ben.age = 30
    session.commit()
    assert {id(sent.instance) for sent in seen.sent} == {id(ann)}


def test_pre_save_may_change_an_instance_whose_turn_was_before(
    engine: Engine, session: Session, connect: Connect, seen: Seen
) -> None:
    ann, ben = User(username="ann"), User(username="ben")

    def change(instance: User, **kwargs: Any) -> None:
        if instance is ben:
            ann.age = 50

    connect(pre_save, change, User)
    session.add_all([ann, ben])
    session.commit()
    assert in_database(engine, User.age) == [0, 50]
    assert seen.take() == ["pre_save User"] * 2 + ["post_save User created"] * 2


# pre_delete and post_delete


def test_pre_delete_may_add_rows(
    engine: Engine, session: Session, ann: User, connect: Connect, seen: Seen
) -> None:
    def log(instance: User, session: Session, **kwargs: Any) -> None:
        session.add(Log(text=instance.username))

    connect(pre_delete, log, User)
    session.delete(ann)
    session.commit()
    assert sorted(seen.take()) == sorted(
        ["pre_delete User", "pre_save Log", "post_save Log created", "post_delete User"]
    )
    assert in_database(engine, Log.text) == ["ann"]


def test_pre_delete_may_flush(
    engine: Engine, session: Session, ann: User, connect: Connect, seen: Seen
) -> None:
    def log(instance: User, session: Session, **kwargs: Any) -> None:
        session.add(Log(text=instance.username))
        session.flush()

    connect(pre_delete, log, User)
    session.delete(ann)
    session.commit()
    lines = seen.take()
    assert sorted(lines) == sorted(
        ["pre_delete User", "pre_save Log", "post_save Log created", "post_delete User"]
    )
    assert lines[0] == "pre_delete User"
    assert in_database(engine, User.username) == []


def test_pre_delete_may_change_another_row(
    engine: Engine, session: Session, ann: User, connect: Connect, seen: Seen
) -> None:
    ben = User(username="ben")
    session.add(ben)
    session.commit()
    seen.take()

    def count(session: Session, **kwargs: Any) -> None:
        ben.age += 1

    connect(pre_delete, count, User)
    session.delete(ann)
    session.commit()
    assert sorted(seen.take()) == sorted(["pre_delete User", "post_delete User", *UPDATED_USER])
    assert in_database(engine, User.age) == [1]


def test_pre_delete_may_delete_more(
    engine: Engine, session: Session, ann: User, connect: Connect, seen: Seen
) -> None:
    ben = User(username="ben")
    session.add(ben)
    session.commit()
    seen.take()

    def remove(instance: User, session: Session, **kwargs: Any) -> None:
        if instance is ann:
            session.delete(ben)

    connect(pre_delete, remove, User)
    session.delete(ann)
    session.commit()
    origins = {sent.instance.username: sent.named["origin"] for sent in seen.sent}
    assert origins["ann"] is ann
    assert origins["ben"] is ben
    assert sorted(seen.take()) == sorted(["pre_delete User", "post_delete User"] * 2)
    assert in_database(engine, User.username) == []


def test_pre_delete_may_keep_the_row(
    engine: Engine, session: Session, ann: User, connect: Connect, seen: Seen
) -> None:
    def keep(instance: User, session: Session, **kwargs: Any) -> None:
        session.add(instance)

    connect(pre_delete, keep, User)
    session.delete(ann)
    session.commit()
    assert seen.take() == ["pre_delete User"]
    assert in_database(engine, User.username) == ["ann"]


def test_post_delete_may_add_rows(
    engine: Engine, session: Session, ann: User, connect: Connect, seen: Seen
) -> None:
    def log(instance: User, session: Session, **kwargs: Any) -> None:
        session.add(Log(text=instance.username))

    connect(post_delete, log, User)
    session.delete(ann)
    session.commit()
    assert seen.take() == [
        "pre_delete User",
        "post_delete User",
        "pre_save Log",
        "post_save Log created",
    ]
    assert in_database(engine, Log.text) == ["ann"]


def test_post_delete_may_make_the_row_again(
    engine: Engine, session: Session, ann: User, connect: Connect, seen: Seen
) -> None:
    def make_again(instance: User, session: Session, **kwargs: Any) -> None:
        session.add(User(username=instance.username))

    connect(post_delete, make_again, User)
    session.delete(ann)
    session.commit()
    assert seen.take() == ["pre_delete User", "post_delete User", *CREATED_USER]
    assert in_database(engine, User.username) == ["ann"]
