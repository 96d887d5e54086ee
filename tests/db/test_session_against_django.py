"""Django is the judge: the same operations send the same model signals in the same order.

The same models are kept in Django and in SQLModel, the same things are done to both, and what was
sent is compared. Whatever is asked of the session is flushed at once, as Django writes at once.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Optional, Protocol

import pytest
from django.db import models
from django.db.models import signals as django_signals
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import inspect
from sqlalchemy.orm import registry
from sqlmodel import Field, Relationship, SQLModel, select

from signalcli import db
from signalcli.db import Session, touch
from tests.db.django_database import ALIAS, APPS, LABEL
from tests.db.empty_tables import empty_in_django, empty_in_sqlmodel


class DjangoModels:
    """The models in Django."""

    class User(models.Model):
        username = models.CharField(max_length=150)

        class Meta:
            app_label = LABEL
            apps = APPS

    class Profile(models.Model):
        user = models.OneToOneField(
            f"{LABEL}.User", on_delete=models.CASCADE, related_name="profile"
        )
        first_name = models.CharField(max_length=20)

        class Meta:
            app_label = LABEL
            apps = APPS

    class Post(models.Model):
        user = models.ForeignKey(f"{LABEL}.User", on_delete=models.CASCADE, related_name="posts")

        class Meta:
            app_label = LABEL
            apps = APPS

    class Comment(models.Model):
        post = models.ForeignKey(f"{LABEL}.Post", on_delete=models.CASCADE, related_name="comments")

        class Meta:
            app_label = LABEL
            apps = APPS

    class Node(models.Model):
        parent = models.ForeignKey(
            "self", null=True, on_delete=models.CASCADE, related_name="children"
        )

        class Meta:
            app_label = LABEL
            apps = APPS

    class Log(models.Model):
        text = models.CharField(max_length=20)

        class Meta:
            app_label = LABEL
            apps = APPS


class Base(SQLModel, registry=registry()):
    """The models in SQLModel."""


# Django never uses the number of a deleted row again.
AUTOINCREMENT = {"sqlite_autoincrement": True}


class User(Base, table=True):
    __tablename__ = "dbtest_django_user"
    __table_args__ = AUTOINCREMENT

    id: int | None = Field(default=None, primary_key=True)
    username: str

    profile: Optional["Profile"] = Relationship(
        back_populates="user", sa_relationship_kwargs={"cascade": "all", "uselist": False}
    )
    posts: list["Post"] = Relationship(
        back_populates="user", sa_relationship_kwargs={"cascade": "all"}
    )


class Profile(Base, table=True):
    __tablename__ = "dbtest_django_profile"
    __table_args__ = AUTOINCREMENT

    id: int | None = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="dbtest_django_user.id", unique=True)
    first_name: str

    user: User | None = Relationship(back_populates="profile")


class Post(Base, table=True):
    __tablename__ = "dbtest_django_post"
    __table_args__ = AUTOINCREMENT

    id: int | None = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="dbtest_django_user.id")

    user: User | None = Relationship(back_populates="posts")
    comments: list["Comment"] = Relationship(
        back_populates="post", sa_relationship_kwargs={"cascade": "all"}
    )


class Comment(Base, table=True):
    __tablename__ = "dbtest_django_comment"
    __table_args__ = AUTOINCREMENT

    id: int | None = Field(default=None, primary_key=True)
    post_id: int = Field(foreign_key="dbtest_django_post.id")

    post: Post | None = Relationship(back_populates="comments")


class Node(Base, table=True):
    __tablename__ = "dbtest_django_node"
    __table_args__ = AUTOINCREMENT

    id: int | None = Field(default=None, primary_key=True)
    parent_id: int | None = Field(default=None, foreign_key="dbtest_django_node.id")

    children: list["Node"] = Relationship(sa_relationship_kwargs={"cascade": "all"})


class Log(Base, table=True):
    __tablename__ = "dbtest_django_log"
    __table_args__ = AUTOINCREMENT

    id: int | None = Field(default=None, primary_key=True)
    text: str


MODELS = ("User", "Profile", "Post", "Comment", "Node", "Log")
SIGNALS = ("pre_save", "post_save", "pre_delete", "post_delete")

Line = tuple[Any, ...]


class House(Protocol):
    """One of the two ways to keep the models."""

    signals: Any

    def model(self, name: str) -> Any:
        """The model class."""

    def create(self, name: str, **values: Any) -> Any:
        """Write a new row."""

    def save(self, instance: Any, **values: Any) -> None:
        """Change values, if any, and write the row in any case."""

    def delete(self, instance: Any) -> None:
        """Remove the row and what depends on it."""

    def find(self, name: str, **values: Any) -> Any:
        """The first row with these values, or None."""


class DjangoHouse:
    """Django."""

    signals = django_signals

    def model(self, name: str) -> Any:
        return getattr(DjangoModels, name)

    def create(self, name: str, **values: Any) -> Any:
        return self.model(name).objects.using(ALIAS).create(**values)

    def save(self, instance: Any, **values: Any) -> None:
        for key, value in values.items():
            setattr(instance, key, value)
        instance.save(using=ALIAS)

    def delete(self, instance: Any) -> None:
        instance.delete(using=ALIAS)

    def find(self, name: str, **values: Any) -> Any:
        return self.model(name).objects.using(ALIAS).filter(**values).order_by("pk").first()


class SQLModelHouse:
    """SQLModel with this package's session."""

    signals = db

    def __init__(self, session: Session) -> None:
        self.session = session

    def model(self, name: str) -> Any:
        return globals()[name]

    def create(self, name: str, **values: Any) -> Any:
        instance = self.model(name)(**values)
        self.session.add(instance)
        self.session.flush()
        return instance

    def save(self, instance: Any, **values: Any) -> None:
        for key, value in values.items():
            setattr(instance, key, value)
        touch(instance)
        self.session.flush()

    def delete(self, instance: Any) -> None:
        # A collection that was loaded before its rows came is stale; Django asks each time.
        for other in list(self.session):
            relationships = inspect(type(other)).relationships.keys()
            if relationships and inspect(other).persistent:
                self.session.expire(other, relationships)
        self.session.delete(instance)
        self.session.flush()

    def find(self, name: str, **values: Any) -> Any:
        model = self.model(name)
        query = select(model).filter_by(**values).order_by(model.id)
        return self.session.exec(query).first()


@contextmanager
def django_house() -> Iterator[DjangoHouse]:
    """Django with empty tables, which are empty again afterwards."""
    with empty_in_django(*(getattr(DjangoModels, name) for name in MODELS)):
        yield DjangoHouse()


@contextmanager
def sqlmodel_house() -> Iterator[SQLModelHouse]:
    """SQLModel with empty tables, which are empty again afterwards."""
    with empty_in_sqlmodel(Base) as session:
        yield SQLModelHouse(session)


HOUSES = [django_house, sqlmodel_house]

Reaction = Callable[[House, Any, dict[str, Any]], None]


@contextmanager
def listening(house: House, reactions: Sequence[tuple[str, str, Reaction]]) -> Iterator[list[Line]]:
    """Note what is sent, and react to it; the note is made first."""
    lines: list[Line] = []
    keep: list[Any] = []

    def receiver_for(name: str) -> Any:
        def note(sender: Any, instance: Any, **named: Any) -> None:
            line: Line = (name, sender.__name__, instance.id)
            if name == "post_save":
                line += (named["created"],)
            if name.endswith("save"):
                line += (named["raw"],)
            if name.endswith("delete"):
                origin = named["origin"]
                line += (type(origin).__name__, origin.id)
            lines.append(line)

        return note

    def reaction_for(reaction: Reaction) -> Any:
        def react(instance: Any, **named: Any) -> None:
            reaction(house, instance, named)

        return react

    with ExitStack() as stack:
        for name in SIGNALS:
            signal = getattr(house.signals, name)
            for model_name in MODELS:
                receiver = receiver_for(name)
                keep.append(receiver)
                sender = house.model(model_name)
                signal.connect(receiver, sender=sender)
                stack.callback(signal.disconnect, receiver, sender=sender)
        for name, model_name, reaction in reactions:
            signal, sender = getattr(house.signals, name), house.model(model_name)
            receiver = reaction_for(reaction)
            keep.append(receiver)
            signal.connect(receiver, sender=sender)
            stack.callback(signal.disconnect, receiver, sender=sender)
        yield lines


def same_in_both(
    work: Callable[[House], None],
    reactions: list[tuple[str, str, Reaction]] | None = None,
) -> list[Line]:
    """Do the work in both houses, and see that they send the same; returns what they sent."""
    sent: list[list[Line]] = []
    for make in HOUSES:
        with make() as house, listening(house, reactions or []) as lines:
            work(house)
        sent.append(lines)
    assert sent[1] == sent[0]
    return sent[0]


def names_of(lines: list[Line]) -> list[str]:
    """Without the details."""
    return [f"{line[0]} {line[1]}" for line in lines]


# Reactions


def create_profile(house: House, user: Any, named: dict[str, Any]) -> None:
    """As the demo app's."""
    if named["created"]:
        house.create("Profile", user_id=user.id, first_name=user.username)


def save_profile(house: House, user: Any, named: dict[str, Any]) -> None:
    """As the demo app's."""
    if not named["created"]:
        profile = house.find("Profile", user_id=user.id)
        if profile is not None:
            house.save(profile)


def add_log(house: House, instance: Any, named: dict[str, Any]) -> None:
    """Creates another row."""
    house.create("Log", text="added")


def change_log(house: House, instance: Any, named: dict[str, Any]) -> None:
    """Changes another row."""
    log = house.find("Log")
    if log is not None:
        house.save(log, text=log.text + "x")


def save_log(house: House, instance: Any, named: dict[str, Any]) -> None:
    """Writes another row that has not changed."""
    log = house.find("Log")
    if log is not None:
        house.save(log)


def delete_log(house: House, instance: Any, named: dict[str, Any]) -> None:
    """Deletes another row."""
    log = house.find("Log")
    if log is not None:
        house.delete(log)


LOG_REACTIONS: list[Reaction] = [add_log, change_log, save_log, delete_log]


# Creating, changing, deleting


def test_a_create_an_update_and_a_delete_are_djangos() -> None:
    def work(house: House) -> None:
        user = house.create("User", username="ann")
        house.save(user, username="ben")
        house.save(user)
        house.delete(user)

    assert names_of(same_in_both(work)) == [
        "pre_save User",
        "post_save User",
        "pre_save User",
        "post_save User",
        "pre_save User",
        "post_save User",
        "pre_delete User",
        "post_delete User",
    ]


def test_the_demo_apps_receivers_nest_as_in_django() -> None:
    def work(house: House) -> None:
        user = house.create("User", username="ann")
        house.save(user, username="ben")
        house.delete(user)

    reactions = [("post_save", "User", create_profile), ("post_save", "User", save_profile)]
    assert names_of(same_in_both(work, reactions)) == [
        "pre_save User",
        "post_save User",
        "pre_save Profile",
        "post_save Profile",
        "pre_save User",
        "post_save User",
        "pre_save Profile",
        "post_save Profile",
        "pre_delete Profile",
        "pre_delete User",
        "post_delete Profile",
        "post_delete User",
    ]


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("reaction", LOG_REACTIONS)
@pytest.mark.parametrize("sender", ["User", "Profile"])
def test_a_receiver_that_writes_another_row_sends_what_it_sends_in_django(
    signal: str, reaction: Reaction, sender: str
) -> None:
    def work(house: House) -> None:
        for _ in range(8):
            house.create("Log", text="first")
        user = house.create("User", username="ann")
        profile = house.create("Profile", user_id=user.id, first_name="Ann")
        house.save(profile, first_name="Anna")
        house.save(user, username="ben")
        house.delete(user)

    lines = same_in_both(work, [(signal, sender, reaction)])
    assert len(lines) > 16 + 2 * 4 + 4


def test_receivers_on_every_level_nest_as_in_django() -> None:
    def work(house: House) -> None:
        user = house.create("User", username="ann")
        house.save(user, username="ben")
        house.delete(user)

    reactions = [("post_save", "User", create_profile), ("post_save", "User", save_profile)] + [
        (signal, "Profile", reaction)
        for signal in SIGNALS
        for reaction in (add_log, change_log, delete_log)
    ]
    same_in_both(work, reactions)


# Deletion order


def test_three_levels_are_deleted_in_djangos_order() -> None:
    def work(house: House) -> None:
        user = house.create("User", username="ann")
        posts = [house.create("Post", user_id=user.id) for _ in range(3)]
        for post in (posts[2], posts[0], posts[0], posts[1]):
            house.create("Comment", post_id=post.id)
        house.delete(user)

    lines = same_in_both(work)
    deletions = [line for line in lines if line[0].endswith("delete")]
    assert len(deletions) == 2 * (1 + 3 + 4)
    assert {line[-2:] for line in deletions} == {("User", 1)}


def test_dependants_of_several_models_are_deleted_in_djangos_order() -> None:
    def work(house: House) -> None:
        user = house.create("User", username="ann")
        house.create("Profile", user_id=user.id, first_name="Ann")
        post = house.create("Post", user_id=user.id)
        house.create("Comment", post_id=post.id)
        house.delete(user)

    same_in_both(work)


def test_deleting_in_the_middle_leaves_the_rest() -> None:
    def work(house: House) -> None:
        user = house.create("User", username="ann")
        posts = [house.create("Post", user_id=user.id) for _ in range(2)]
        for post in (*posts, *posts):
            house.create("Comment", post_id=post.id)
        house.delete(posts[0])
        house.delete(user)

    lines = same_in_both(work)
    deletions = [line for line in lines if line[0] == "pre_delete"]
    assert [line[-2] for line in deletions] == ["Post"] * 3 + ["User"] * 4


def test_receivers_of_each_dependants_deletion_nest_as_in_django() -> None:
    def work(house: House) -> None:
        user = house.create("User", username="ann")
        posts = [house.create("Post", user_id=user.id) for _ in range(2)]
        for post in (*posts, *posts):
            house.create("Comment", post_id=post.id)
        house.delete(user)

    reactions = [
        (signal, sender, reaction)
        for signal in ("pre_delete", "post_delete")
        for sender in ("User", "Post", "Comment")
        for reaction in (add_log, change_log)
    ]
    same_in_both(work, reactions)


@pytest.mark.parametrize(
    "parents",
    [
        pytest.param([None, 0, 1], id="chain"),
        pytest.param([None, 0, 0, 0], id="fan"),
        pytest.param([None, 0, 0, 1, 1, 2], id="binary"),
        pytest.param([None, None, 0, 2, 0], id="part of a forest"),
    ],
)
def test_a_tree_of_one_model_is_deleted_in_djangos_order(parents: list[int | None]) -> None:
    def work(house: House) -> None:
        nodes: list[Any] = []
        for parent in parents:
            parent_id = None if parent is None else nodes[parent].id
            nodes.append(house.create("Node", parent_id=parent_id))
        house.delete(nodes[0])

    same_in_both(work)


# Making instances


def test_init_signals_of_a_new_instance_are_djangos() -> None:
    sent: list[list[Line]] = []
    for make in HOUSES:
        with make() as house:
            lines: list[Line] = []

            def before(sender: Any, args: Any, kwargs: Any, lines: Any = lines, **_: Any) -> None:
                # A copy, since Django uses the original up.
                lines.append(("pre_init", sender.__name__, args, dict(kwargs)))

            def after(sender: Any, instance: Any, lines: Any = lines, **_: Any) -> None:
                lines.append(("post_init", sender.__name__, instance.username))

            model = house.model("User")
            house.signals.pre_init.connect(before, sender=model)
            house.signals.post_init.connect(after, sender=model)
            try:
                model(username="ann")
            finally:
                house.signals.pre_init.disconnect(before, sender=model)
                house.signals.post_init.disconnect(after, sender=model)
            sent.append(lines)
    assert sent[1] == sent[0]
    assert [line[0] for line in sent[0]] == ["pre_init", "post_init"]


def test_init_signals_of_loaded_instances_are_sent_once_for_each_as_in_django() -> None:
    sent: list[list[Line]] = []
    for make in HOUSES:
        with make() as house:
            for name in ("ann", "ben"):
                house.create("User", username=name)
            if isinstance(house, SQLModelHouse):
                house.session.expunge_all()  # Django has no identity map
            lines: list[Line] = []

            def before(sender: Any, lines: Any = lines, **_: Any) -> None:
                lines.append(("pre_init", sender.__name__))

            def after(sender: Any, instance: Any, lines: Any = lines, **_: Any) -> None:
                lines.append(("post_init", sender.__name__, instance.id, instance.username))

            house.signals.pre_init.connect(before)
            house.signals.post_init.connect(after)
            try:
                if isinstance(house, SQLModelHouse):
                    found = list(house.session.exec(select(User).order_by(User.id)))
                else:
                    found = list(DjangoModels.User.objects.using(ALIAS).order_by("pk"))
                assert len(found) == 2
            finally:
                house.signals.pre_init.disconnect(before)
                house.signals.post_init.disconnect(after)
            sent.append(lines)
    assert sent[1] == sent[0]
    assert len(sent[0]) == 4


# Whatever is done, whoever listens

OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "create User",
                "create Profile",
                "create Post",
                "create Comment",
                "create Node",
                "create Log",
                "change User",
                "change Profile",
                "save User",
                "save Post",
                "move Post",
                "delete User",
                "delete Profile",
                "delete Post",
                "delete Comment",
                "delete Node",
            ]
        ),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=12,
)

REACTIONS = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from(SIGNALS),
            st.sampled_from(["User", "Profile", "Post", "Comment", "Node"]),
            st.sampled_from(LOG_REACTIONS),
        ),
        st.sampled_from(
            [("post_save", "User", create_profile), ("post_save", "User", save_profile)]
        ),
    ),
    max_size=5,
    unique=True,  # Profiles of a user are one
)


def nth(house: House, name: str, number: int) -> Any:
    """Some row of a model, or None where there is none."""
    if isinstance(house, SQLModelHouse):
        model = house.model(name)
        rows = list(house.session.exec(select(model).order_by(model.id)))
    else:
        rows = list(house.model(name).objects.using(ALIAS).order_by("pk"))
    return rows[number % len(rows)] if rows else None


def carry_out(house: House, operation: str, number: int) -> None:
    """Do one thing, where it can be done."""
    verb, name = operation.split()
    if verb == "create":
        if name == "User":
            house.create("User", username=f"u{number}")
        elif name == "Log":
            house.create("Log", text="log")
        elif name == "Node":
            parent = nth(house, "Node", number)
            house.create("Node", parent_id=parent.id if parent is not None and number else None)
        elif name == "Comment":
            post = nth(house, "Post", number)
            if post is not None:
                house.create("Comment", post_id=post.id)
        else:
            user = nth(house, "User", number)
            if user is None:
                return
            if name == "Post":
                house.create("Post", user_id=user.id)
            elif house.find("Profile", user_id=user.id) is None:
                house.create("Profile", user_id=user.id, first_name="x")
        return
    instance = nth(house, name, number)
    if instance is None:
        return
    if verb == "save":
        house.save(instance)
    elif verb == "change":
        field = "username" if name == "User" else "first_name"
        house.save(instance, **{field: f"n{number}"})
    elif verb == "move":
        house.save(instance, user_id=nth(house, "User", number + 1).id)
    else:
        house.delete(instance)


@hypothesis_settings(max_examples=60, deadline=None)
@given(operations=OPERATIONS, reactions=REACTIONS)
def test_whatever_is_done_and_whoever_listens_django_sends_the_same(
    operations: list[tuple[str, int]], reactions: list[tuple[str, str, Reaction]]
) -> None:
    def work(house: House) -> None:
        for name in ("User", "User", "Post", "Post", "Comment", "Comment", "Node", "Node", "Log"):
            carry_out(house, f"create {name}", 1)
        for operation, number in operations:
            carry_out(house, operation, number)

    same_in_both(work, reactions)
