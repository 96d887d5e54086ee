"""A session works as sqlmodel.Session does, and sends the model signals for what it writes."""

import warnings
from collections.abc import Iterator

import pytest
import sqlmodel
from sqlalchemy import Engine, delete, insert, update
from sqlalchemy.exc import IntegrityError, InvalidRequestError
from sqlalchemy.orm import sessionmaker
from sqlalchemy.orm.attributes import flag_modified
from sqlmodel import select

from signalcli.db import Session, post_save, pre_delete, pre_save, touch
from signalcli.testing import Dispatches
from tests.db.shop_models import (
    CREATED_USER,
    DELETED_USER,
    UPDATED_USER,
    Comment,
    Connect,
    Log,
    Post,
    Profile,
    Seen,
    User,
    statements_of,
)


@pytest.fixture
def ann(session: Session) -> User:
    """A user who was in the database before anybody listened."""
    user = User(username="ann", email="ann@mail.com")
    session.add(user)
    session.commit()
    return user


def names(session: sqlmodel.Session) -> list[str]:
    """The usernames in the database."""
    return sorted(session.exec(select(User.username)).all())


def test_a_session_is_a_sqlmodel_session(session: Session) -> None:
    assert isinstance(session, sqlmodel.Session)


def test_adding_sends_nothing_until_the_flush(session: Session, seen: Seen) -> None:
    session.add(User(username="ann"))
    assert seen.take() == []
    session.flush()
    assert seen.take() == CREATED_USER


def test_a_commit_sends_for_what_was_pending(session: Session, seen: Seen) -> None:
    session.add(User(username="ann"))
    session.commit()
    assert seen.take() == CREATED_USER


def test_what_was_flushed_is_not_sent_again_by_the_commit(session: Session, seen: Seen) -> None:
    session.add(User(username="ann"))
    session.flush()
    seen.take()
    session.commit()
    assert seen.take() == []


def test_a_query_that_autoflushes_sends_first(session: Session, seen: Seen) -> None:
    session.add(User(username="ann"))
    assert names(session) == ["ann"]
    assert seen.take() == CREATED_USER


def test_no_autoflush_is_kept(session: Session, seen: Seen) -> None:
    session.add(User(username="ann"))
    with session.no_autoflush:
        assert names(session) == []
    assert seen.take() == []
    session.commit()
    assert seen.take() == CREATED_USER


def test_autoflush_is_as_it_was_after_receivers_ran(session: Session, seen: Seen) -> None:
    session.add(User(username="ann"))
    session.flush()
    session.add(User(username="ben"))
    assert names(session) == ["ann", "ben"]


def test_add_all_sends_for_each_in_order(session: Session, seen: Seen) -> None:
    session.add_all([User(username="ann"), User(username="ben")])
    session.commit()
    assert [(s.signal, s.instance.username) for s in seen.sent] == [
        ("pre_save", "ann"),
        ("pre_save", "ben"),
        ("post_save", "ann"),
        ("post_save", "ben"),
    ]


def test_a_change_sends_an_update(session: Session, ann: User, seen: Seen) -> None:
    ann.email = "new@mail.com"
    session.commit()
    assert seen.take() == UPDATED_USER


def test_setting_a_value_to_what_it_was_sends_nothing(
    session: Session, ann: User, seen: Seen
) -> None:
    session.refresh(ann)
    ann.email = "ann@mail.com"
    session.commit()
    assert seen.take() == []


def test_changing_a_value_and_back_sends_nothing(session: Session, ann: User, seen: Seen) -> None:
    session.refresh(ann)
    ann.email = "new@mail.com"
    ann.email = "ann@mail.com"
    session.commit()
    assert seen.take() == []


def test_setting_an_expired_value_is_a_save_since_it_is_written(
    engine: Engine, session: Session, ann: User, seen: Seen
) -> None:
    with statements_of(engine) as statements:
        ann.email = "ann@mail.com"  # expired by the commit, so nobody knows that it is the same
        session.commit()
    assert any(statement.startswith("UPDATE") for statement in statements)
    assert seen.take() == UPDATED_USER


def test_a_commit_without_changes_sends_nothing(session: Session, ann: User, seen: Seen) -> None:
    session.add(ann)
    session.commit()
    session.flush()
    assert seen.take() == []


def test_touching_saves_an_unchanged_row_with_all_but_the_key(
    session: Session, ann: User, seen: Seen
) -> None:
    session.refresh(ann)
    touch(ann)
    session.commit()
    assert seen.take_fields() == [
        ("pre_save", "User", {"username", "email", "age"}),
        ("post_save", "User", {"username", "email", "age"}),
    ]


def test_touching_an_expired_row_saves_it_too(session: Session, ann: User, seen: Seen) -> None:
    # A commit expires what it wrote; saving it unchanged must still be possible.
    touch(ann)
    session.commit()
    assert seen.take() == UPDATED_USER


def test_touching_a_changed_row_leaves_its_update_fields_alone(
    session: Session, ann: User, seen: Seen
) -> None:
    ann.age = 30
    touch(ann)
    session.commit()
    assert seen.take_fields() == [("pre_save", "User", {"age"}), ("post_save", "User", {"age"})]


def test_touching_a_new_instance_is_no_second_save(session: Session, seen: Seen) -> None:
    user = User(username="ann")
    session.add(user)
    touch(user)
    session.commit()
    assert seen.take() == CREATED_USER


def test_a_column_flagged_as_modified_is_a_save(session: Session, ann: User, seen: Seen) -> None:
    session.refresh(ann)
    flag_modified(ann, "age")
    session.commit()
    assert seen.take_fields() == [("pre_save", "User", {"age"}), ("post_save", "User", {"age"})]


def test_a_delete_sends_at_the_flush(session: Session, ann: User, seen: Seen) -> None:
    session.delete(ann)
    assert seen.take() == []
    session.flush()
    assert seen.take() == DELETED_USER
    session.commit()
    assert seen.take() == []
    assert names(session) == []


def test_a_delete_taken_back_before_the_flush_sends_nothing(
    session: Session, ann: User, seen: Seen
) -> None:
    session.delete(ann)
    session.add(ann)
    session.commit()
    assert seen.take() == []
    assert names(session) == ["ann"]


def test_a_row_added_and_expunged_sends_nothing(session: Session, seen: Seen) -> None:
    user = User(username="ann")
    session.add(user)
    session.expunge(user)
    session.commit()
    assert seen.take() == []


def test_a_rollback_before_the_flush_sends_nothing(session: Session, seen: Seen) -> None:
    session.add(User(username="ann"))
    session.rollback()
    session.commit()
    assert seen.take() == []
    assert names(session) == []


def test_a_rollback_takes_a_flushed_row_back(session: Session, seen: Seen) -> None:
    user = User(username="ann")
    session.add(user)
    session.flush()
    session.rollback()
    assert names(session) == []
    assert user not in session


def test_a_rolled_back_row_added_again_is_created_again(session: Session, seen: Seen) -> None:
    user = User(username="ann")
    session.add(user)
    session.flush()
    session.rollback()
    seen.take()
    session.add(User(username="ann"))
    session.commit()
    assert seen.take() == CREATED_USER


def test_a_rollback_forgets_a_deletion(session: Session, ann: User, seen: Seen) -> None:
    session.delete(ann)
    session.rollback()
    session.commit()
    assert seen.take() == []
    assert names(session) == ["ann"]


def test_a_deleted_row_made_again_is_a_create(session: Session, ann: User, seen: Seen) -> None:
    session.delete(ann)
    session.commit()
    session.add(User(username="ann"))
    session.commit()
    assert seen.take() == DELETED_USER + CREATED_USER


def test_deleting_and_adding_in_one_flush_sends_for_both(
    session: Session, ann: User, seen: Seen
) -> None:
    session.delete(ann)
    session.add(Log(text="gone"))
    session.commit()
    assert sorted(seen.take()) == sorted([*DELETED_USER, "pre_save Log", "post_save Log created"])


def test_save_update_cascades_send_for_all_that_they_reach(session: Session, seen: Seen) -> None:
    user = User(username="ann", profile=Profile(first_name="Ann"))
    user.posts.append(Post(title="one", comments=[Comment(text="hi")]))
    session.add(user)
    session.commit()
    lines = seen.take()
    order = ["User", "Profile", "Post", "Comment"]
    assert sorted(lines) == sorted(
        line for name in order for line in (f"pre_save {name}", f"post_save {name} created")
    )
    # Parents come before their children, and every pre_save before any post_save.
    assert lines[0] == "pre_save User"
    assert lines[4] == "post_save User created"
    assert lines.index("pre_save Post") < lines.index("pre_save Comment")


def test_merging_an_unknown_row_creates_it(session: Session, seen: Seen) -> None:
    merged = session.merge(User(id=7, username="ann"))
    session.commit()
    assert seen.take() == CREATED_USER
    assert merged.id == 7


def test_merging_a_known_row_updates_what_differs(session: Session, ann: User, seen: Seen) -> None:
    session.merge(User(id=ann.id, username="ann", email="new@mail.com"))
    session.commit()
    assert seen.take_fields() == [
        ("pre_save", "User", {"email"}),
        ("post_save", "User", {"email"}),
    ]


def test_merging_the_same_values_sends_nothing(session: Session, ann: User, seen: Seen) -> None:
    session.merge(User(id=ann.id, username="ann", email="ann@mail.com"))
    session.commit()
    assert seen.take() == []


def test_begin_as_a_context_manager_commits_and_sends(engine: Engine, seen: Seen) -> None:
    with Session(engine) as session, session.begin():
        session.add(User(username="ann"))
    assert seen.take() == CREATED_USER
    with Session(engine) as session:
        assert names(session) == ["ann"]


def test_begin_as_a_context_manager_rolls_back_on_the_callers_exception(
    engine: Engine, seen: Seen
) -> None:
    with Session(engine) as session:
        with pytest.raises(ZeroDivisionError), session.begin():  # noqa: PT012
            session.add(User(username="ann"))
            session.flush()
            raise ZeroDivisionError
        assert names(session) == []


def test_a_sessionmaker_makes_sessions_that_send(engine: Engine, seen: Seen) -> None:
    make = sessionmaker(engine, class_=Session)
    with make.begin() as session:
        session.add(User(username="ann"))
    assert seen.take() == CREATED_USER


def test_a_session_on_a_connection_joins_its_transaction(engine: Engine, seen: Seen) -> None:
    with engine.connect() as connection:
        transaction = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            session.add(User(username="ann"))
            session.commit()
        transaction.rollback()
    assert [*map(str, seen.sent)] == CREATED_USER
    assert seen.sent[0].named["using"] == str(engine.url)
    with Session(engine) as session:
        assert names(session) == []


def test_without_expire_on_commit_instances_keep_their_values(engine: Engine, seen: Seen) -> None:
    with Session(engine, expire_on_commit=False) as session:
        user = User(username="ann")
        session.add(user)
        session.commit()
        with statements_of(engine) as statements:
            assert (user.username, user.id) == ("ann", 1)
        assert statements == []
        user.email = "new@mail.com"
        session.commit()
        user.email = "new@mail.com"
        session.commit()
    assert seen.take() == CREATED_USER + UPDATED_USER


def test_without_autoflush_a_query_sends_nothing(engine: Engine, seen: Seen) -> None:
    with Session(engine, autoflush=False) as session:
        session.add(User(username="ann"))
        assert names(session) == []
        assert seen.take() == []
        session.commit()
    assert seen.take() == CREATED_USER


def test_bulk_statements_send_nothing(session: Session, ann: User, seen: Seen) -> None:
    session.execute(insert(User).values(username="ben", email="", age=0))
    session.execute(update(User).values(age=3))
    session.execute(delete(User).where(User.username == "ben"))
    session.commit()
    assert seen.take() == []
    assert ann.age == 3


def test_bulk_save_objects_sends_nothing(session: Session, seen: Seen) -> None:
    session.bulk_save_objects([User(username="ann")])
    session.commit()
    assert seen.take() == []
    assert names(session) == ["ann"]


def test_a_failed_statement_rolls_back_and_the_session_goes_on(
    session: Session, ann: User, seen: Seen
) -> None:
    session.add(Log(text="before"))
    session.flush()
    seen.take()
    session.add(User(username="ann"))
    with pytest.raises(IntegrityError):
        session.flush()
    # The row was announced but never written.
    assert seen.take() == ["pre_save User"]
    session.rollback()
    assert session.exec(select(Log)).all() == []
    session.add(User(username="ben"))
    session.commit()
    assert seen.take() == CREATED_USER
    assert names(session) == ["ann", "ben"]


def test_a_failed_statement_in_a_commit_leaves_a_session_that_goes_on(
    session: Session, ann: User, seen: Seen
) -> None:
    session.add(User(username="ann"))
    with pytest.raises(IntegrityError):
        session.commit()
    session.rollback()
    seen.take()
    session.add(User(username="ben"))
    session.commit()
    assert seen.take() == CREATED_USER


def test_a_failed_statement_forgets_a_deletion(session: Session, ann: User, seen: Seen) -> None:
    session.delete(ann)
    session.add_all([User(username="ben"), User(username="ben")])
    with pytest.raises(IntegrityError):
        session.flush()
    session.rollback()
    seen.take()
    session.commit()
    assert seen.take() == []
    assert names(session) == ["ann"]


def test_flushing_some_objects_sends_only_for_those(session: Session, seen: Seen) -> None:
    ann, ben = User(username="ann"), User(username="ben")
    session.add_all([ann, ben])
    with warnings.catch_warnings():
        # Newer versions of SQLAlchemy advise against it.
        warnings.simplefilter("ignore", DeprecationWarning)
        session.flush([ann])
    assert [sent.instance for sent in seen.sent] == [ann, ann]
    seen.take()
    session.commit()
    assert [sent.instance for sent in seen.sent] == [ben, ben]


def test_a_session_used_as_a_dependency_is_closed_with_nothing_written(
    engine: Engine, seen: Seen
) -> None:
    def dependency() -> Iterator[Session]:
        with Session(engine) as session:
            yield session

    for session in dependency():
        session.add(User(username="ann"))
        session.flush()
    with Session(engine) as session:
        assert names(session) == []


def test_two_sessions_do_not_mix_their_signals(engine: Engine, dispatches: Dispatches) -> None:
    with Session(engine) as one, Session(engine) as other:
        other.add(User(username="ben"))
        one.add(User(username="ann"))
        one.commit()
        dispatches.assert_sequence((post_save, User, {"session": one}))
        other.commit()
        dispatches.assert_sequence(
            (post_save, User, {"session": one}), (post_save, User, {"session": other})
        )


def test_a_session_emptied_by_expunge_all_sends_nothing(
    session: Session, ann: User, seen: Seen
) -> None:
    session.delete(ann)
    session.add(User(username="ben"))
    session.expunge_all()
    session.commit()
    assert seen.take() == []


def test_a_detached_row_attached_again_is_updated(
    engine: Engine, session: Session, ann: User, seen: Seen
) -> None:
    session.refresh(ann)
    session.expunge(ann)
    ann.age = 40
    with Session(engine) as other:
        other.add(ann)
        other.commit()
    assert seen.take() == UPDATED_USER


def test_deleting_a_new_instance_is_refused_as_before(session: Session, seen: Seen) -> None:
    user = User(username="ann")
    session.add(user)
    with pytest.raises(InvalidRequestError):
        session.delete(user)
    session.commit()
    assert seen.take() == CREATED_USER


def test_a_receiver_of_one_sender_gets_no_other(session: Session, connect: Connect) -> None:
    got: list[str] = []

    def note(sender: type, **kwargs: object) -> None:
        got.append(sender.__name__)

    connect(pre_save, note, Log)
    connect(pre_delete, note, Log)
    session.add_all([User(username="ann"), Log(text="x")])
    session.commit()
    assert got == ["Log"]


def test_a_primary_key_that_changes_is_an_update(session: Session, ann: User, seen: Seen) -> None:
    ann.id = 99
    session.commit()
    assert seen.take_fields() == [("pre_save", "User", {"id"}), ("post_save", "User", {"id"})]
    assert session.get(User, 99) is ann
