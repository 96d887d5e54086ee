"""pre_init and post_init are sent around the making of every instance, new or loaded."""

import inspect
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import Field, SQLModel, select

from signalcli.db import Session, post_init, pre_init
from signalcli.db.initialization import unannounced
from tests.db.shop_models import Base, Log, Post, Profile, User

Line = tuple[Any, ...]


class Animal(Base):
    """A base without a table."""

    name: str = ""


class Wolf(Animal, table=True):
    """A model with an ``__init__`` of its own."""

    __tablename__ = "dbtest_wolf"

    id: int | None = Field(default=None, primary_key=True)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.name = self.name.upper()


class Young(Wolf):
    """A Python class derived from a model; SQLModel gives it no table."""


@pytest.fixture
def lines() -> list[Line]:
    """What was sent."""
    lines: list[Line] = []

    def before(sender: Any, args: Any, kwargs: Any, **_: Any) -> None:
        lines.append(("pre_init", sender.__name__, args, dict(kwargs)))

    def after(sender: Any, instance: Any, **_: Any) -> None:
        lines.append(("post_init", sender.__name__, instance))

    pre_init.connect(before, weak=False)
    post_init.connect(after, weak=False)
    return lines


@pytest.fixture
def stored(engine: Engine) -> None:
    """A family in the database, made before anybody listens."""
    with Session(engine) as session:
        user = User(username="ann", profile=Profile(first_name="Ann"))
        user.posts = [Post(title="one"), Post(title="two")]
        session.add(user)
        session.commit()


def names(lines: list[Line]) -> list[str]:
    """Without the details; empties the list."""
    found = [f"{line[0]} {line[1]}" for line in lines]
    lines.clear()
    return found


def test_making_an_instance_sends_both_with_the_arguments(lines: list[Line]) -> None:
    user = User(username="ann", age=3)
    assert lines[0] == ("pre_init", "User", (), {"username": "ann", "age": 3})
    assert lines[1][:2] == ("post_init", "User")
    assert lines[1][2] is user
    assert len(lines) == 2


def test_post_init_gets_a_finished_instance() -> None:
    got: list[tuple[str, int]] = []

    def note(instance: Any, **kwargs: Any) -> None:
        got.append((instance.username, instance.age))

    with post_init.connected_to(note, User):
        User(username="ann")
    assert got == [("ann", 0)]


def test_post_init_gets_a_finished_instance_of_validated_data() -> None:
    # How a FastAPI endpoint makes its rows.
    got: list[str] = []

    def note(instance: Any, **kwargs: Any) -> None:
        got.append(instance.username)

    with post_init.connected_to(note, User):
        User.model_validate({"username": "ann"})
    assert got == ["ann"]


def test_post_init_may_change_the_instance() -> None:
    def fill_in(instance: Any, **kwargs: Any) -> None:
        instance.email = f"{instance.username}@mail.com"

    with post_init.connected_to(fill_in, User):
        assert User(username="ann").email == "ann@mail.com"


def test_a_receiver_that_fails_fails_the_making() -> None:
    def refuse(**kwargs: Any) -> None:
        raise LookupError("no")

    with pre_init.connected_to(refuse, User), pytest.raises(LookupError):
        User(username="ann")


@pytest.mark.usefixtures("stored")
def test_a_query_sends_both_for_each_instance_with_the_loaded_columns(
    session: Session, lines: list[Line]
) -> None:
    post = session.exec(select(Post).order_by(Post.id)).first()
    assert post is not None
    assert lines[0] == ("pre_init", "Post", (), {"id": 1, "user_id": 1, "title": "one"})
    assert lines[1][2] is post
    lines.clear()
    session.exec(select(Post)).all()
    # The first is in the session already; it is not made again.
    assert names(lines) == ["pre_init Post", "post_init Post"]


@pytest.mark.usefixtures("stored")
def test_getting_and_lazy_loading_send_both(session: Session, lines: list[Line]) -> None:
    user = session.get(User, 1)
    assert user is not None
    assert names(lines) == ["pre_init User", "post_init User"]
    assert user.profile is not None
    assert names(lines) == ["pre_init Profile", "post_init Profile"]
    assert len(user.posts) == 2
    assert names(lines) == ["pre_init Post", "post_init Post"] * 2


@pytest.mark.usefixtures("stored")
def test_refreshing_an_instance_does_not_make_it_again(session: Session, lines: list[Line]) -> None:
    user = session.get(User, 1)
    lines.clear()
    session.refresh(user)
    session.expire_all()
    assert user is not None
    assert user.username == "ann"
    assert lines == []


@pytest.mark.usefixtures("stored")
def test_a_query_of_columns_makes_no_instance(session: Session, lines: list[Line]) -> None:
    assert session.exec(select(User.username)).all() == ["ann"]
    assert lines == []


@pytest.mark.usefixtures("stored")
def test_a_receiver_may_use_the_relationships_of_a_loaded_instance(session: Session) -> None:
    got: list[int] = []

    def look(instance: User, **kwargs: Any) -> None:
        got.append(len(instance.posts))

    with post_init.connected_to(look, User):
        session.get(User, 1)
    assert got == [2]


def test_a_model_that_inherits_its_fields_sends_once(lines: list[Line]) -> None:
    wolf = Wolf(name="akela")
    assert [line[:2] for line in lines] == [("pre_init", "Wolf"), ("post_init", "Wolf")]
    assert wolf.name == "AKELA"


def test_the_models_own_init_has_run_when_post_init_is_sent() -> None:
    got: list[str] = []

    def note(instance: Wolf, **kwargs: Any) -> None:
        got.append(instance.name)

    with post_init.connected_to(note, Wolf):
        Wolf(name="akela")
    assert got == ["AKELA"]


def test_what_is_no_model_sends_nothing(lines: list[Line]) -> None:
    class Plain(SQLModel):
        name: str

    Plain(name="x")
    Animal(name="y")
    assert lines == []


def test_instances_can_be_made_and_loaded_unannounced(
    stored: None, engine: Engine, lines: list[Line]
) -> None:
    with unannounced(), Session(engine) as session:
        assert session.get_one(User, 1).username == "ann"
        assert Log(text="made").text == "made"
        assert Log.model_validate({"text": "checked"}).text == "checked"
    assert lines == []
    Log(text="again")
    assert names(lines) == ["pre_init Log", "post_init Log"]


def test_a_model_defined_while_somebody_listens_is_covered_and_restored(
    lines: list[Line],
) -> None:
    class Late(Base, table=True):
        __tablename__ = "dbtest_late"

        id: int | None = Field(default=None, primary_key=True)

    covered = Late.__init__
    Late()
    assert names(lines) == ["pre_init Late", "post_init Late"]
    for signal in (pre_init, post_init):
        for connection in signal.connections:
            signal.disconnect(connection.receiver)
    assert Late.__init__ is not covered
    Late()
    assert lines == []


def test_a_model_defined_before_anybody_listened_is_covered_with_every_new_listener() -> None:
    got: list[str] = []

    def note(sender: Any, **kwargs: Any) -> None:
        got.append(sender.__name__)

    for _ in range(3):
        before = User.__init__
        with post_init.connected_to(note):
            User(username="ann")
        User(username="ben")
        assert User.__init__ is before
    assert got == ["User"] * 3


def test_a_receiver_of_one_sender_gets_no_other() -> None:
    got: list[Any] = []

    def note(sender: Any, **kwargs: Any) -> None:
        got.append(sender)

    with pre_init.connected_to(note, Log):
        User(username="ann")
        Log(text="x")
    assert got == [Log]


@pytest.mark.usefixtures("stored")
def test_merging_makes_an_instance_and_says_so(session: Session, lines: list[Line]) -> None:
    session.merge(User(id=1, username="ann"))
    # The one given, and the one that the session loads to merge it into.
    assert names(lines) == ["pre_init User", "post_init User"] * 2


def test_the_parameters_of_an_init_can_be_asked_for_while_somebody_listens() -> None:
    before = inspect.getfullargspec(Wolf.__init__)
    pre_init.connect(lambda **_: None, weak=False)
    assert inspect.getfullargspec(Wolf.__init__) == before
