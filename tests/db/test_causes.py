"""What a receiver asks of the session counts as caused by it, also where that is written later."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from signalcli.db import Session, post_save, pre_init, pre_save
from signalcli.dispatch import Signal, watch
from signalcli.testing import Dispatches
from tests.db.shop_models import WRITING_SIGNALS, Comment, Connect, Log, Post, Profile, User

running: ContextVar[str | None] = ContextVar("running", default=None)


@dataclass
class Watcher:
    """Takes down each dispatch of saving and deleting with the receiver that caused it."""

    lines: list[tuple[str, str, str | None]] = field(default_factory=list)

    def dispatch_begun(
        self, signal: Signal, sender: Any, named: dict[str, Any], robust: bool
    ) -> None:
        if signal in WRITING_SIGNALS:
            self.lines.append((signal.name, sender.__name__, running.get()))

    def dispatch_ended(self, dispatch: None, error: BaseException | None) -> None:
        """Nothing to do."""

    def response_begun(self, dispatch: None, receiver: Any) -> Any:
        return running.set(receiver.__name__)

    def response_ended(self, response: Any, value: Any, error: BaseException | None) -> None:
        running.reset(response)

    def cause(self) -> str | None:
        return running.get()

    @contextmanager
    def caused_by(self, cause: str | None) -> Iterator[None]:
        token = running.set(cause)
        try:
            yield
        finally:
            running.reset(token)

    def take(self) -> list[tuple[str, str, str | None]]:
        """What was sent since the last time."""
        lines = list(self.lines)
        self.lines.clear()
        return lines

    def causes_of(self, sender: str) -> set[tuple[str, str | None]]:
        """The signals of a sender with what caused each; empties the list."""
        return {(signal, cause) for signal, name, cause in self.take() if name == sender}


@pytest.fixture
def watcher() -> Iterator[Watcher]:
    """Watches all along."""
    watcher = Watcher()
    with watch(watcher):
        yield watcher


@pytest.fixture
def ann(session: Session) -> User:
    """A user with a family, in the database before anybody listened."""
    user = User(username="ann", profile=Profile(first_name="Ann"))
    user.posts = [Post(title="one", comments=[Comment(text="hi")])]
    session.add(user)
    session.add(Log(text="log"))
    session.commit()
    return user


def saved_by(cause: str | None) -> set[tuple[str, str | None]]:
    """Both signals of a save."""
    return {("pre_save", cause), ("post_save", cause)}


def deleted_by(cause: str | None) -> set[tuple[str, str | None]]:
    """Both signals of a deletion."""
    return {("pre_delete", cause), ("post_delete", cause)}


def test_what_the_caller_does_has_no_cause(session: Session, watcher: Watcher) -> None:
    session.add(User(username="ann"))
    session.commit()
    assert watcher.take() == [("pre_save", "User", None), ("post_save", "User", None)]


@pytest.mark.parametrize("signal", [pre_save, post_save], ids=lambda signal: signal.name)
def test_a_row_added_by_a_receiver_is_caused_by_it(
    session: Session, connect: Connect, watcher: Watcher, signal: Signal
) -> None:
    def add_log(session: Session, **kwargs: Any) -> None:
        session.add(Log(text="x"))

    connect(signal, add_log, User)
    session.add(User(username="ann"))
    session.commit()
    lines = watcher.take()
    assert {line for line in lines if line[1] == "User"} == {
        ("pre_save", "User", None),
        ("post_save", "User", None),
    }
    assert {(name, cause) for name, sender, cause in lines if sender == "Log"} == saved_by(
        "add_log"
    )


def test_a_row_changed_by_a_receiver_is_caused_by_it(
    session: Session, ann: User, connect: Connect, watcher: Watcher
) -> None:
    def change_log(session: Session, **kwargs: Any) -> None:
        session.exec(select(Log)).one().text = "changed"

    connect(post_save, change_log, User)
    ann.age = 30
    session.commit()
    assert watcher.causes_of("Log") == saved_by("change_log")


def test_a_row_deleted_by_a_receiver_is_caused_by_it(
    session: Session, ann: User, connect: Connect, watcher: Watcher
) -> None:
    def delete_log(session: Session, **kwargs: Any) -> None:
        session.delete(session.exec(select(Log)).one())

    connect(post_save, delete_log, User)
    ann.age = 30
    session.commit()
    assert watcher.causes_of("Log") == deleted_by("delete_log")


@pytest.mark.parametrize("dependant", ["Profile", "Post", "Comment"])
def test_the_dependants_of_a_row_deleted_by_a_receiver_are_deleted_by_it_too(
    session: Session, ann: User, connect: Connect, watcher: Watcher, dependant: str
) -> None:
    def delete_user(session: Session, **kwargs: Any) -> None:
        session.delete(session.exec(select(User)).one())

    connect(post_save, delete_user, Log)
    session.add(Log(text="x"))
    session.commit()
    assert watcher.causes_of(dependant) == deleted_by("delete_user")


def test_an_orphan_that_a_receiver_leaves_behind_is_deleted_by_it(
    session: Session, ann: User, connect: Connect, watcher: Watcher
) -> None:
    def drop_posts(session: Session, **kwargs: Any) -> None:
        session.exec(select(User)).one().posts.clear()

    connect(post_save, drop_posts, Log)
    session.add(Log(text="x"))
    session.commit()
    lines = watcher.take()
    assert {(name, cause) for name, sender, cause in lines if sender == "Post"} == deleted_by(
        "drop_posts"
    )
    assert {(name, cause) for name, sender, cause in lines if sender == "Comment"} == deleted_by(
        "drop_posts"
    )


def test_a_profile_that_a_receiver_drops_is_deleted_by_it(
    session: Session, ann: User, connect: Connect, watcher: Watcher
) -> None:
    def drop_profile(session: Session, **kwargs: Any) -> None:
        session.exec(select(User)).one().profile = None

    connect(post_save, drop_profile, Log)
    session.add(Log(text="x"))
    session.commit()
    assert watcher.causes_of("Profile") == deleted_by("drop_profile")


def test_a_row_added_through_a_relationship_is_caused_by_the_receiver(
    session: Session, connect: Connect, watcher: Watcher
) -> None:
    def create_profile(instance: User, **kwargs: Any) -> None:
        if instance.profile is None:
            instance.profile = Profile(first_name="x")

    connect(post_save, create_profile, User)
    session.add(User(username="ann"))
    session.commit()
    assert watcher.causes_of("Profile") == saved_by("create_profile")


def test_a_row_moved_through_a_collection_is_caused_by_the_receiver(
    session: Session, ann: User, connect: Connect, watcher: Watcher
) -> None:
    def move_posts(instance: User, session: Session, created: bool, **kwargs: Any) -> None:
        if created:
            instance.posts.extend(session.exec(select(Post)).all())

    connect(post_save, move_posts, User)
    session.add(User(username="ben"))
    session.commit()
    assert watcher.causes_of("Post") == saved_by("move_posts")


def test_causes_nest_over_several_levels(
    session: Session, connect: Connect, watcher: Watcher
) -> None:
    def add_post(instance: User, session: Session, **kwargs: Any) -> None:
        session.add(Post(user_id=instance.id))

    def add_log(session: Session, **kwargs: Any) -> None:
        session.add(Log(text="x"))

    connect(post_save, add_post, User)
    connect(post_save, add_log, Post)
    session.add(User(username="ann"))
    session.commit()
    assert watcher.take() == [
        ("pre_save", "User", None),
        ("post_save", "User", None),
        ("pre_save", "Post", "add_post"),
        ("post_save", "Post", "add_post"),
        ("pre_save", "Log", "add_log"),
        ("post_save", "Log", "add_log"),
    ]


def test_a_row_that_a_receiver_flushes_at_once_is_caused_by_it(
    session: Session, connect: Connect, watcher: Watcher
) -> None:
    def add_log(session: Session, **kwargs: Any) -> None:
        session.add(Log(text="x"))
        session.flush()

    connect(post_save, add_log, User)
    session.add(User(username="ann"))
    session.commit()
    assert watcher.causes_of("Log") == saved_by("add_log")


def test_what_was_pending_before_has_no_cause_though_a_receiver_flushes_it(
    session: Session, connect: Connect, watcher: Watcher
) -> None:
    def flush(session: Session, **kwargs: Any) -> None:
        session.flush()

    connect(pre_save, flush, User)
    session.add(User(username="ann"))
    session.add(Log(text="the caller's"))
    session.commit()
    assert watcher.causes_of("Log") == saved_by(None)


def test_what_was_changed_before_has_no_cause_though_a_receiver_flushes_it(
    session: Session, ann: User, connect: Connect, watcher: Watcher
) -> None:
    def flush(session: Session, **kwargs: Any) -> None:
        session.flush()

    connect(pre_save, flush, User)
    ann.age = 30
    session.exec(select(Post)).one()
    watcher.take()
    ann.posts[0].title = "new"
    ann.age = 31
    session.commit()
    assert watcher.causes_of("Post") == saved_by(None)


def test_the_dependants_of_a_row_deleted_before_have_no_cause_though_a_receiver_flushes_them(
    session: Session, ann: User, connect: Connect, watcher: Watcher
) -> None:
    def flush(session: Session, **kwargs: Any) -> None:
        session.flush()

    connect(pre_save, flush, Log)
    session.delete(ann)
    session.add(Log(text="x"))
    session.commit()
    lines = watcher.take()
    assert {cause for _, sender, cause in lines if sender in ("User", "Profile", "Post")} == {None}


def test_a_change_by_the_caller_and_then_by_a_receiver_keeps_the_callers(
    session: Session, ann: User, connect: Connect, watcher: Watcher
) -> None:
    ben = User(username="ben")
    session.add(ben)
    session.commit()
    watcher.take()

    def change(instance: User, **kwargs: Any) -> None:
        if instance is ann:
            ben.email = "new@mail.com"

    connect(pre_save, change, User)
    ann.age, ben.age = 30, 30
    session.commit()
    assert {cause for _, _, cause in watcher.take()} == {None}


def test_a_written_row_begins_anew(session: Session, connect: Connect, watcher: Watcher) -> None:
    made: list[Log] = []

    def add_log(session: Session, **kwargs: Any) -> None:
        made.append(Log(text="x"))
        session.add(made[0])

    connect(post_save, add_log, User)
    session.add(User(username="ann"))
    session.commit()
    watcher.take()
    made[0].text = "the caller's"
    session.commit()
    assert watcher.causes_of("Log") == saved_by(None)


def test_a_rolled_back_row_begins_anew(
    session: Session, ann: User, connect: Connect, watcher: Watcher
) -> None:
    log = session.exec(select(Log)).one()

    def change_log(session: Session, **kwargs: Any) -> None:
        log.text = "changed"

    connect(post_save, change_log, User)
    ann.age = 30

    def fail(**kwargs: Any) -> None:
        raise ZeroDivisionError

    with post_save.connected_to(fail, User), pytest.raises(ZeroDivisionError):
        session.commit()
    session.rollback()
    watcher.take()
    log.text = "the caller's"
    session.commit()
    assert watcher.causes_of("Log") == saved_by(None)


def test_instances_made_by_a_receiver_are_caused_by_it(
    session: Session, connect: Connect, dispatches: Dispatches
) -> None:
    def make_log(**kwargs: Any) -> None:
        Log(text="x")

    connect(post_save, make_log, User)
    session.add(User(username="ann"))
    session.commit()
    dispatches.assert_sequence((pre_init, User), (pre_init, Log))
    dispatches.assert_sent(pre_init, sender=User, caused_by=None)
    dispatches.assert_sent(pre_init, sender=Log, caused_by=make_log)


def test_watching_alone_changes_nothing_of_what_is_written(
    engine: Engine, session: Session, watcher: Watcher
) -> None:
    user = User(username="ann")
    session.add(user)
    session.commit()
    user.age = 3
    session.commit()
    session.delete(user)
    session.commit()
    assert watcher.take() == [
        ("pre_save", "User", None),
        ("post_save", "User", None),
        ("pre_save", "User", None),
        ("post_save", "User", None),
        ("pre_delete", "User", None),
        ("post_delete", "User", None),
    ]
