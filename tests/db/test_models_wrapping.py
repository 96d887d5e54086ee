"""What we wrap of other people's classes, they may wrap as well, and unwrap, in any order."""

import functools
import itertools
import random
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import pytest
from sqlalchemy import Column, Engine, ForeignKey, Integer, Table
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    attribute_keyed_dict,
    mapped_column,
    relationship,
)
from sqlalchemy.orm.collections import InstrumentedList
from sqlmodel import Field, SQLModel

from signalcli.db import Session, class_prepared, m2m_changed, post_init, pre_init
from signalcli.db.initialization import quick_construction
from tests.db import plain_models
from tests.db.made_models import make_model, new_base, new_label
from tests.db.plain_models import registry_of

MAKE: dict[str, Callable[[], type[Any]]] = {
    "sqlmodel": lambda: make_model(new_label()),
    "declarative": lambda: plain_models.declarative(new_label()),
    "imperative": lambda: plain_models.imperatively(new_label()),
    "dataclass": lambda: plain_models.as_dataclass(new_label()),
}
MODELS = pytest.mark.parametrize("model", MAKE.values(), ids=MAKE, indirect=True)


class Counts:
    """Receives, and counts."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def before(self, sender: Any, **named: Any) -> None:
        self.sent.append("pre_init")

    def after(self, sender: Any, instance: Any, **named: Any) -> None:
        self.sent.append("post_init")

    def listen(self) -> None:
        pre_init.connect(self.before)
        post_init.connect(self.after)

    def stop(self) -> None:
        pre_init.disconnect(self.before)
        post_init.disconnect(self.after)

    def take(self, make: Callable[[], Any]) -> list[str]:
        """What making one instance sends."""
        self.sent.clear()
        make()
        return self.sent.copy()


ONCE = ["pre_init", "post_init"]


@pytest.fixture
def counts() -> Iterator[Counts]:
    counts = Counts()
    yield counts
    counts.stop()


@pytest.fixture
def model(request: pytest.FixtureRequest) -> type[Any]:
    made: type[Any] = request.param()
    return made


class Tracer:
    """Wraps a method as a tracer does, and takes itself off as one does."""

    def __init__(self, owner: Any, name: str) -> None:
        self.owner, self.name = owner, name
        self.found = vars(owner)[name]
        self.calls = 0
        if isinstance(self.found, classmethod):
            self.put: Any = classmethod(self._around(self.found.__func__))
        else:
            self.put = self._around(getattr(owner, name))
        type.__setattr__(owner, name, self.put)

    def _around(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def traced(*args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            return original(*args, **kwargs)

        return traced

    def take_off(self) -> None:
        type.__setattr__(self.owner, self.name, self.found)


@MODELS
class TestInit:
    def test_who_wraps_it_while_we_listen_stays(self, model: type[Any], counts: Counts) -> None:
        counts.listen()
        tracer = Tracer(model, "__init__")
        assert counts.take(model) == ONCE
        counts.stop()
        assert vars(model)["__init__"] is tracer.put
        assert counts.take(model) == []
        for _ in range(3):
            counts.listen()
            assert counts.take(model) == ONCE
            counts.stop()
            assert vars(model)["__init__"] is tracer.put
            assert counts.take(model) == []
        assert tracer.calls == 8

    def test_who_unwraps_it_after_we_stopped_leaves_nothing_that_sends(
        self, model: type[Any], counts: Counts
    ) -> None:
        before = model.__init__
        counts.listen()
        tracer = Tracer(model, "__init__")
        counts.stop()
        tracer.take_off()
        assert counts.take(model) == []
        counts.listen()
        assert counts.take(model) == ONCE
        counts.stop()
        assert model.__init__ is before

    def test_who_unwraps_it_while_we_listen_again_does_not_silence_us(
        self, model: type[Any], counts: Counts
    ) -> None:
        counts.listen()
        tracer = Tracer(model, "__init__")
        counts.stop()
        counts.listen()
        tracer.take_off()
        assert counts.take(model) == ONCE

    def test_who_puts_back_what_was_there_before_us_does_not_silence_us(
        self, model: type[Any], counts: Counts
    ) -> None:
        before = model.__init__
        tracer = Tracer(model, "__init__")
        counts.listen()
        tracer.take_off()
        assert model.__init__ is before
        assert counts.take(model) == ONCE
        counts.stop()
        assert model.__init__ is before
        assert counts.take(model) == []

    def test_a_patch_that_ends_later_leaves_nothing_that_sends(
        self, model: type[Any], counts: Counts
    ) -> None:
        counts.listen()
        with mock.patch.object(model, "__init__", autospec=True, return_value=None) as patched:
            model()
            counts.stop()
            model()
        assert patched.call_count == 2
        assert counts.take(model) == []

    def test_we_call_what_was_patched_in_before(self, model: type[Any], counts: Counts) -> None:
        with mock.patch.object(model, "__init__", return_value=None) as patched:
            counts.listen()
            assert counts.take(lambda: model(name="tea")) == ONCE
            counts.stop()
        patched.assert_called_once_with(name="tea")

    def test_what_is_returned_in_error_is_an_error_as_before(
        self, model: type[Any], counts: Counts
    ) -> None:
        with mock.patch.object(model, "__init__", return_value=3):
            counts.listen()
            with pytest.raises(TypeError):
                model()

    def test_any_order_sends_once_while_we_listen_and_nothing_otherwise(
        self, model: type[Any], counts: Counts
    ) -> None:
        order = random.Random(f"{model}")
        tracers: list[Tracer] = []
        listens = False
        for _ in range(200):
            step = order.choice(["listen", "wrap", "unwrap", "unwrap any"])
            if step == "listen":
                listens = not listens
                (counts.listen if listens else counts.stop)()
            elif step == "wrap" and len(tracers) < 5:
                tracers.append(Tracer(model, "__init__"))
            elif step == "unwrap" and tracers:
                tracers.pop().take_off()
            elif step == "unwrap any" and tracers:
                # It puts back what it found, and so throws away what was put there since.
                tracers.pop(order.randrange(len(tracers))).take_off()
            assert counts.take(model) == (ONCE if listens else [])


class TestInitOfSubclasses:
    @pytest.mark.parametrize("listens", [True, False])
    def test_a_subclass_defined_around_a_wrapped_parent(
        self, listens: bool, counts: Counts
    ) -> None:
        class Base(DeclarativeBase):
            pass

        class Pet(Base):
            __tablename__ = "pet"
            id: Mapped[int] = mapped_column(primary_key=True)

        counts.listen()
        tracer = Tracer(Pet, "__init__")
        if not listens:
            counts.stop()

        class Dog(Pet):
            __tablename__ = "dog"
            id: Mapped[int] = mapped_column(ForeignKey("pet.id"), primary_key=True)

        class Puppy(Dog):
            __tablename__ = "puppy"
            id: Mapped[int] = mapped_column(ForeignKey("dog.id"), primary_key=True)

        for model in (Pet, Dog, Puppy):
            assert counts.take(model) == (ONCE if listens else [])
        counts.stop()
        for model in (Pet, Dog, Puppy):
            assert counts.take(model) == []
        counts.listen()
        for model in (Pet, Dog, Puppy):
            assert counts.take(model) == ONCE
        tracer.take_off()
        for model in (Pet, Dog, Puppy):
            assert counts.take(model) == ONCE

    def test_a_subclass_that_is_wrapped_keeps_nothing_of_ours(self, counts: Counts) -> None:
        class Base(DeclarativeBase):
            pass

        class Pet(Base):
            __tablename__ = "pet"
            id: Mapped[int] = mapped_column(primary_key=True)

        class Toy(Pet):
            """Not mapped itself."""

            __abstract__ = True

        before = Pet.__init__
        with pre_init.connected_to(counts.before):
            assert Toy.__init__ is before
            assert Pet.__init__ is not before


class TestValidation:
    def test_who_wraps_it_while_we_listen_stays(self, counts: Counts) -> None:
        model = make_model(new_label())

        def validate() -> None:
            assert model.model_validate({"title": "tea"}).title == "tea"

        original = vars(SQLModel)["model_validate"]
        counts.listen()
        tracer = Tracer(SQLModel, "model_validate")
        try:
            assert counts.take(validate) == ONCE
            counts.stop()
            assert vars(SQLModel)["model_validate"] is tracer.put
            assert counts.take(validate) == []
            counts.listen()
            assert counts.take(validate) == ONCE
            counts.stop()
            assert vars(SQLModel)["model_validate"] is tracer.put
        finally:
            tracer.take_off()
        counts.listen()
        assert counts.take(validate) == ONCE
        counts.stop()
        assert counts.take(validate) == []
        assert vars(SQLModel)["model_validate"] is original

    def test_who_puts_back_what_was_there_before_us_silences_us_no_longer_than_once(
        self, counts: Counts
    ) -> None:
        model = make_model(new_label())
        tracer = Tracer(SQLModel, "model_validate")
        counts.listen()
        tracer.take_off()
        counts.take(lambda: model.model_validate({}))
        assert counts.take(lambda: model.model_validate({})) == ONCE
        assert counts.take(model) == ONCE

    def test_it_is_sqlmodels_own_while_nobody_listens(self, counts: Counts) -> None:
        before = vars(SQLModel)["model_validate"]
        assert before.__func__.__module__ == "sqlmodel.main"
        counts.listen()
        assert vars(SQLModel)["model_validate"] is not before
        counts.stop()
        assert vars(SQLModel)["model_validate"] is before

    def test_a_model_wraps_its_own(self, counts: Counts) -> None:
        counts.listen()

        class Order(new_base(), table=True):
            id: int | None = Field(default=None, primary_key=True)

            @classmethod
            def model_validate(cls, obj: Any, **options: Any) -> Any:
                return super().model_validate(obj, **options)

        assert counts.take(lambda: Order.model_validate({})) == ONCE
        tracer = Tracer(Order, "model_validate")
        assert counts.take(lambda: Order.model_validate({})) == ONCE
        counts.stop()
        assert counts.take(lambda: Order.model_validate({})) == []
        counts.listen()
        assert counts.take(lambda: Order.model_validate({})) == ONCE
        assert tracer.calls == 3

    def test_what_is_made_within_is_told_of_as_well(self, counts: Counts) -> None:
        base = new_base()

        class Order(base, table=True):
            id: int | None = Field(default=None, primary_key=True)
            number: int = Field(default_factory=lambda: len([Item(), Item.model_validate({})]))

        class Item(base, table=True):
            id: int | None = Field(default=None, primary_key=True)

        counts.listen()
        nested = ["pre_init", *ONCE, *ONCE, "post_init"]
        assert counts.take(Order) == nested
        assert counts.take(lambda: Order.model_validate({})) == nested
        counts.stop()
        counts.listen()
        tracer = Tracer(SQLModel, "model_validate")
        counts.stop()
        counts.listen()
        try:
            assert counts.take(lambda: Order.model_validate({})) == nested
        finally:
            tracer.take_off()

    def test_a_model_that_validates_another_of_its_own(self, counts: Counts) -> None:
        class Node(new_base(), table=True):
            id: int | None = Field(default=None, primary_key=True)
            depth: int = 0

            @classmethod
            def model_validate(cls, obj: Any, **options: Any) -> Any:
                if obj["depth"]:
                    cls.model_validate({"depth": obj["depth"] - 1})
                return super().model_validate(obj, **options)

        counts.listen()
        assert counts.take(lambda: Node.model_validate({"depth": 2})) == ONCE * 3


class Traced(list[Any]):
    """A collection of one's own."""


class Special(Traced):
    """One with a clear() of its own, which does what its base's does."""

    def clear(self) -> None:
        super().clear()


def make_clubs(collection: Any) -> tuple[type[Any], type[Any]]:
    """Two models with links between them, in a collection."""

    class Base(DeclarativeBase):
        pass

    link = Table(
        "link",
        Base.metadata,
        Column("player_id", ForeignKey("player.id"), primary_key=True),
        Column("club_id", ForeignKey("club.id"), primary_key=True),
    )

    class Player(Base):
        __tablename__ = "player"
        id: Mapped[int] = mapped_column(primary_key=True)
        clubs = relationship("Club", secondary=link, collection_class=collection)

    class Club(Base):
        __tablename__ = "club"
        id = Column(Integer, primary_key=True)

    return Player, Club


COLLECTIONS = {
    "list": list,
    "set": set,
    "dict": lambda: attribute_keyed_dict("id"),
    "own": lambda: type("Own", (list,), {}),
    "derived": lambda: Special,
}


class TestClear:
    @pytest.mark.parametrize("kind", COLLECTIONS)
    def test_who_wraps_it_while_we_listen_stays(self, kind: str, engine: Engine) -> None:
        factory = COLLECTIONS[kind]
        collection = factory if kind in ("list", "set") else factory()
        player, club = make_clubs(collection)
        registry_of(player).metadata.create_all(engine)
        actions: list[str] = []

        def note(action: str, **named: Any) -> None:
            actions.append(action)

        def clear(cleared: bool = True) -> list[str]:
            """What clearing a player's clubs sends."""
            with Session(engine) as session:
                one, two = player(), club(id=next(numbers))
                session.add_all([one, two])
                put = one.clubs.__setitem__ if kind == "dict" else None
                if put is not None:
                    put(two.id, two)
                else:
                    (one.clubs.add if kind == "set" else one.clubs.append)(two)
                session.commit()
                actions.clear()
                one.clubs.clear()
                session.commit()
                assert len(one.clubs) == 0
            return actions.copy()

        numbers = itertools.count(1)
        assert clear() == []
        m2m_changed.connect(note)
        assert clear() == ["pre_clear", "post_clear"]
        owner = type(player().clubs)
        owner = next(each for each in owner.__mro__ if "clear" in vars(each))
        tracer = Tracer(owner, "clear")
        try:
            assert clear() == ["pre_clear", "post_clear"]
            m2m_changed.disconnect(note)
            assert vars(owner)["clear"] is tracer.put
            assert clear() == []
            m2m_changed.connect(note)
            assert clear() == ["pre_clear", "post_clear"]
            m2m_changed.disconnect(note)
            assert vars(owner)["clear"] is tracer.put
        finally:
            tracer.take_off()
        m2m_changed.connect(note)
        assert clear() == ["pre_clear", "post_clear"]
        m2m_changed.disconnect(note)
        assert clear() == []
        assert vars(owner)["clear"].__module__ != "signalcli.db.models"

    def test_the_classes_are_as_they_were_afterwards(self, engine: Engine) -> None:
        before = vars(InstrumentedList)["clear"]
        player, _ = make_clubs(list)
        with m2m_changed.connected_to(lambda **named: None):
            player()
            assert vars(InstrumentedList)["clear"] is not before
        assert vars(InstrumentedList)["clear"] is before


class TestQuickConstruction:
    def test_who_wraps_sqlmodels_own_methods_is_called(self) -> None:
        model = make_model(new_label())
        for name in ("__init__", "__setattr__"):
            with quick_construction():
                model(title="tea")
            tracer = Tracer(SQLModel, name)
            try:
                made = make_model(new_label())
                with quick_construction():
                    made(title="tea")
                assert tracer.calls > 0
            finally:
                tracer.take_off()

    def test_it_sends_as_ever(self, counts: Counts) -> None:
        model = make_model(new_label())
        with quick_construction():
            counts.listen()
            tracer = Tracer(model, "__init__")
            assert counts.take(model) == ONCE
            assert counts.take(lambda: model.model_validate({})) == ONCE
            counts.stop()
            assert counts.take(model) == []
        assert tracer.calls == 3

    def test_a_field_may_be_called_self(self, counts: Counts) -> None:
        model = make_model(
            new_label(),
            __annotations__={"id": int | None, "title": str, "self": str},
            self="",
        )
        counts.listen()
        with quick_construction():
            assert model(self="me").self == "me"
        assert model(self="me").self == "me"


class TestDefinitions:
    def test_who_wraps_the_metaclass_is_called_in_any_order(self) -> None:
        seen: list[Any] = []
        metaclass = type(SQLModel)
        with class_prepared.connected_to(lambda sender, **named: seen.append(sender.__name__)):
            tracer = Tracer(metaclass, "__init__")
            try:
                make_model(new_label())
            finally:
                tracer.take_off()
            make_model(new_label(), "Item")
        assert seen == ["Order", "Item"]
        assert tracer.calls == 2  # the base class as well
