"""Mapped classes that are no SQLModel classes send and receive what SQLModel's do."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, ForeignKey, inspect, select
from sqlalchemy.ext.declarative import AbstractConcreteBase
from sqlalchemy.orm import (
    DeclarativeBase,
    DeclarativeBaseNoMeta,
    Mapped,
    configure_mappers,
    mapped_column,
    registry,
    relationship,
)
from sqlalchemy.orm.decl_api import DeclarativeAttributeIntercept

from signalcli.db import (
    Session,
    class_prepared,
    create_engine,
    m2m_changed,
    post_delete,
    post_init,
    post_save,
    pre_init,
    pre_save,
    touch,
)
from signalcli.db.models import mapped_models
from signalcli.trace import Recorder, record
from tests.db import plain_models
from tests.db.made_models import new_label
from tests.db.plain_models import ALL, Make, registry_of

KINDS = pytest.mark.parametrize("make", ALL, ids=lambda make: make.__name__)


class Fault(Exception):
    """What a receiver raises."""


def refuse(**named: Any) -> None:
    raise Fault


@pytest.fixture
def label() -> str:
    return new_label()


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    engine = create_engine(database)
    yield engine
    engine.dispose()


@pytest.fixture
def lines() -> list[tuple[Any, ...]]:
    """What pre_init and post_init were sent with."""
    lines: list[tuple[Any, ...]] = []

    def before(sender: Any, args: Any, kwargs: Any, **named: Any) -> None:
        lines.append(("pre_init", sender, args, dict(kwargs)))

    def after(sender: Any, instance: Any, **named: Any) -> None:
        lines.append(("post_init", sender, instance.name))

    pre_init.connect(before, weak=False)
    post_init.connect(after, weak=False)
    return lines


class TestInitialization:
    @KINDS
    def test_making_and_loading_send_both(
        self, make: Make, label: str, engine: Engine, lines: list[tuple[Any, ...]]
    ) -> None:
        order = make(label)
        made = order(name="tea")
        assert lines == [("pre_init", order, (), {"name": "tea"}), ("post_init", order, "tea")]
        registry_of(order).metadata.create_all(engine)
        with Session(engine) as session:
            session.add(made)
            session.commit()
        lines.clear()
        with Session(engine) as session:
            session.scalars(select(order)).one()
        assert lines == [
            ("pre_init", order, (), {"id": 1, "name": "tea"}),
            ("post_init", order, "tea"),
        ]

    @KINDS
    def test_models_that_are_there_are_prepared_and_left_as_they_were(
        self, make: Make, label: str
    ) -> None:
        order = make(label)
        before = order.__init__
        got: list[Any] = []
        for _ in range(2):
            with post_init.connected_to(lambda sender, **named: got.append(sender)):
                order()
            order()
        assert got == [order, order]
        assert order.__init__ is before
        assert vars(order)["__init__"] is before

    def test_arguments_are_told_as_they_were_given(self, lines: list[tuple[Any, ...]]) -> None:
        order = plain_models.imperatively(new_label())
        order("tea")
        order(name="milk")
        order()
        assert [line[2:] for line in lines if line[0] == "pre_init"] == [
            (("tea",), {}),
            ((), {"name": "milk"}),
            ((), {}),
        ]

    def test_a_model_defined_meanwhile_is_as_if_nobody_listened(self) -> None:
        def make() -> type[Any]:
            return plain_models.inherited(new_label())

        before = make()
        with pre_init.connected_to(lambda **named: None):
            meanwhile = make()
        for one in (meanwhile, meanwhile.__bases__[0]):
            other = before if one is meanwhile else before.__bases__[0]
            assert one.__init__.__code__.co_varnames == other.__init__.__code__.co_varnames
        inherited = meanwhile.__init__._sa_original_init
        assert inherited is meanwhile.__bases__[0].__init__

    def test_abstract_bases_and_unmapped_classes_send_nothing(
        self, lines: list[tuple[Any, ...]]
    ) -> None:
        class Base(DeclarativeBase):
            pass

        class Named(Base):
            __abstract__ = True

            def __init__(self, name: str = "") -> None:
                self.name = name

        class Order(Named):
            __tablename__ = "order"
            id: Mapped[int] = mapped_column(primary_key=True)
            name: Mapped[str]

        class Unmapped(plain_models._Named):
            pass

        Named()
        Unmapped()
        assert lines == []
        Order("tea")
        assert [line[:2] for line in lines] == [("pre_init", Order), ("post_init", Order)]
        found = set(mapped_models())
        assert Order in found
        assert found.isdisjoint({Base, Named, Unmapped})


class TestDefinition:
    @KINDS
    def test_class_prepared_is_sent_once_for_a_complete_model(self, make: Make, label: str) -> None:
        prepared: list[Any] = []

        async def look(sender: Any, **named: Any) -> None:
            # In another thread, which waits for no lock of the definition.
            mapper = inspect(sender)
            assert sender.__mapper__ is mapper
            assert sender.__table__ is mapper.local_table
            configure_mappers()
            prepared.append(sender)

        with class_prepared.connected_to(look):
            order = make(label)
            registry_of(order).configure()
        parents = order.__bases__ if make is plain_models.inherited else ()
        assert prepared == [*parents, order]

    @KINDS
    def test_a_receiver_that_raises_makes_the_definition_fail_and_leaves_nothing(
        self, make: Make, label: str
    ) -> None:
        with class_prepared.connected_to(refuse), pytest.raises(Fault):
            make(label)
        post_save.connect(refuse, sender=f"{label}.Order")
        assert len(post_save.pending) == 1
        assert [model for model in mapped_models() if model.__module__ == label] == []
        order = make(label)
        assert post_save.has_listeners(order)

    @KINDS
    def test_it_is_found_by_its_name(self, make: Make, label: str, engine: Engine) -> None:
        got: list[str] = []

        def note(signal: Any, instance: Any, **named: Any) -> None:
            got.append(f"{signal.name} {instance.name}")

        pre_save.connect(note, sender=f"{label}.Order")
        order = make(f"{label}.models")
        post_save.connect(note, sender=f"{label}.order")
        post_delete.connect(note, sender=f"{label}.ORDER")
        assert pre_save.pending == post_save.pending == post_delete.pending == []
        registry_of(order).metadata.create_all(engine)
        with Session(engine) as session:
            made = order(name="tea")
            session.add(made)
            session.commit()
            touch(made)
            session.commit()
            session.delete(made)
            session.commit()
        assert got == ["pre_save tea", "post_save tea"] * 2 + ["post_delete tea"]

    def test_the_class_statement_is_over(self) -> None:
        seen: list[Any] = []

        def look(sender: Any, **named: Any) -> None:
            seen.append((sender.__name__, sender.by_base, sender.by_metaclass))

        class Meta(DeclarativeAttributeIntercept):
            def __init__(cls, *args: Any, **options: Any) -> None:
                cls.by_metaclass = True
                super().__init__(*args, **options)

        class Base(DeclarativeBase):
            by_metaclass = None

            def __init_subclass__(cls, **options: Any) -> None:
                super().__init_subclass__(**options)
                cls.by_base = True

        class Other(DeclarativeBase, metaclass=Meta):
            by_base = None

        with class_prepared.connected_to(look):

            class Order(Base):
                __tablename__ = "order"
                id: Mapped[int] = mapped_column(primary_key=True)

            class Item(Other):
                __tablename__ = "item"
                id: Mapped[int] = mapped_column(primary_key=True)

        assert seen[0] == ("Order", True, None)
        assert [line[0] for line in seen] == ["Order", "Item"]

    def test_a_metaclass_that_goes_its_own_way_does_not_hide_a_model(self) -> None:
        class Meta(DeclarativeAttributeIntercept):
            def __init__(cls, *args: Any, **options: Any) -> None:
                type.__init__(cls, *args)

        class Base(DeclarativeBase, metaclass=Meta):
            pass

        seen: list[Any] = []
        with class_prepared.connected_to(lambda sender, **named: seen.append(sender)):

            class Order(Base):
                __tablename__ = "order"
                id: Mapped[int] = mapped_column(primary_key=True)

        assert seen == [Order]

    def test_a_definition_that_fails_afterwards_was_not_announced(self) -> None:
        class Base(DeclarativeBase):
            def __init_subclass__(cls, **options: Any) -> None:
                super().__init_subclass__(**options)
                raise Fault

        class Plain(DeclarativeBaseNoMeta):
            pass

        seen: list[Any] = []
        with class_prepared.connected_to(lambda sender, **named: seen.append(sender)):
            with pytest.raises(Fault):

                class Order(Base):
                    __tablename__ = "order"
                    id: Mapped[int] = mapped_column(primary_key=True)

            class Item(Plain):
                __tablename__ = "item"
                id: Mapped[int] = mapped_column(primary_key=True)

        assert seen == [Item]

    def test_a_model_that_defines_another_comes_after_it(self) -> None:
        class Base(DeclarativeBase):
            pass

        class Versioned(Base):
            __abstract__ = True

            def __init_subclass__(cls, **options: Any) -> None:
                super().__init_subclass__(**options)
                if not cls.__name__.endswith("History"):
                    body = {
                        "__module__": cls.__module__,
                        "__tablename__": f"{cls.__tablename__}_history",
                        "__annotations__": {"id": Mapped[int]},
                        "id": mapped_column(primary_key=True),
                    }
                    type(cls)(f"{cls.__name__}History", (Versioned,), body)

        seen: list[str] = []
        with class_prepared.connected_to(lambda sender, **named: seen.append(sender.__name__)):

            class Order(Versioned):
                __tablename__ = "order"
                id: Mapped[int] = mapped_column(primary_key=True)

        assert seen == ["OrderHistory", "Order"]

    def test_a_class_whose_mapping_is_put_off_is_prepared_when_it_is_mapped(self) -> None:
        class Base(DeclarativeBase):
            pass

        seen: list[str] = []
        with class_prepared.connected_to(lambda sender, **named: seen.append(sender.__name__)):

            class Paper(AbstractConcreteBase, Base):
                strict_attrs = True
                name: Mapped[str]

            class Letter(Paper):
                __tablename__ = "letter"
                __mapper_args__ = {"polymorphic_identity": "letter", "concrete": True}  # noqa: RUF012  # as SQLAlchemy has it
                id: Mapped[int] = mapped_column(primary_key=True)

            assert seen == ["Letter"]
            Base.registry.configure()
        assert seen == ["Letter", "Paper"]

    def test_a_subclass_whose_definition_failed_is_forgotten_by_its_parent(
        self, engine: Engine
    ) -> None:
        class Base(DeclarativeBase):
            pass

        class Pet(Base):
            __tablename__ = "pet"
            __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "pet"}  # noqa: RUF012  # as SQLAlchemy has it
            id: Mapped[int] = mapped_column(primary_key=True)
            kind: Mapped[str]

        def define() -> type[Any]:
            class Dog(Pet):
                __tablename__ = "dog"
                __mapper_args__ = {"polymorphic_identity": "dog"}  # noqa: RUF012  # likewise
                id: Mapped[int] = mapped_column(ForeignKey("pet.id"), primary_key=True)
                name: Mapped[str]

            return Dog

        with class_prepared.connected_to(refuse), pytest.raises(Fault) as kept:
            define()
        assert [mapper.class_ for mapper in inspect(Pet).self_and_descendants] == [Pet]
        dog = define()
        assert [mapper.class_ for mapper in inspect(Pet).self_and_descendants] == [Pet, dog]
        Base.metadata.create_all(engine)
        with Session(engine) as session:
            session.add(dog(name="rex"))
            session.commit()
            assert [pet.name for pet in session.scalars(select(Pet))] == ["rex"]
        del kept

    def test_threads_that_define_models_do_not_get_in_each_others_way(self) -> None:
        seen: list[type[Any]] = []
        begin = threading.Barrier(6)
        made: list[type[Any]] = []

        def define(kind: Make) -> None:
            begin.wait(timeout=10)
            made.extend(kind(new_label()) for _ in range(10))

        kinds = [make for make in ALL if make is not plain_models.inherited][:6]
        with class_prepared.connected_to(lambda sender, **named: seen.append(sender)):
            threads = [threading.Thread(target=define, args=(kind,)) for kind in kinds]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(timeout=30)
        assert len(made) == 60
        assert sorted(map(id, seen)) == sorted(map(id, made))


class TestOthers:
    def test_a_base_class_comes_before_those_derived_from_it(self) -> None:
        order = plain_models.inherited(new_label())
        models = list(mapped_models())
        assert models.index(order.__bases__[0]) < models.index(order)

    def test_links_between_them_are_told_of(self, engine: Engine, label: str) -> None:
        class Base(DeclarativeBase):
            pass

        class Seat(Base):
            __tablename__ = "seat"
            player_id: Mapped[int] = mapped_column(ForeignKey("player.id"), primary_key=True)
            club_id: Mapped[int] = mapped_column(ForeignKey("club.id"), primary_key=True)

        class Club(Base):
            __tablename__ = "club"
            id: Mapped[int] = mapped_column(primary_key=True)

        class Player(Base):
            __tablename__ = "player"
            id: Mapped[int] = mapped_column(primary_key=True)
            clubs: Mapped[list[Club]] = relationship(secondary=Seat.__table__)

        sent: list[tuple[Any, ...]] = []

        def note(sender: Any, action: str, pk_set: Any, **named: Any) -> None:
            sent.append((sender, action, pk_set))

        m2m_changed.connect(note, weak=False)
        Base.metadata.create_all(engine)
        with Session(engine) as session:
            player = Player(clubs=[Club(id=7)])
            session.add(player)
            session.commit()
            player.clubs.clear()
            session.commit()
        assert sent == [
            (Seat, "pre_add", {7}),
            (Seat, "post_add", {7}),
            (Seat, "pre_clear", None),
            (Seat, "post_clear", None),
        ]

    def test_a_trace_tells_which_receiver_changed_one(self, engine: Engine, label: str) -> None:
        order = plain_models.declarative(label)
        registry_of(order).metadata.create_all(engine)

        def rename(instance: Any, created: bool, **named: Any) -> None:
            if created:
                instance.name = "renamed"

        recorder = Recorder()
        with (
            post_save.connected_to(rename, order),
            record(recorder),
            Session(engine) as session,
        ):
            session.add(order(name="tea"))
            session.commit()
        saves = [each for each in recorder.trace.dispatches if each.signal == "post_save"]
        assert [each.parent is None for each in saves] == [True, False]

    def test_those_mapped_before_signalcli_was_imported_count(self) -> None:
        code = """
from sqlalchemy import Column, Integer, Table
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, registry

class Base(DeclarativeBase):
    pass

class Order(Base):
    __tablename__ = "order"
    id: Mapped[int] = mapped_column(primary_key=True)

class Item:
    pass

mapper_registry = registry()
mapper_registry.map_imperatively(
    Item, Table("item", mapper_registry.metadata, Column("id", Integer, primary_key=True))
)

from signalcli.db import post_init, post_save

got = []

def note(sender, **named):
    got.append(sender)

for name in ("Order", "Item"):
    post_save.connect(lambda **named: None, sender=f"__main__.{name}", weak=False)
    post_init.connect(note, sender=f"__main__.{name}", weak=False)
assert [each.sender for each in post_save.connections] == [Order, Item]
Order(), Item()
assert got == [Order, Item]
"""
        subprocess.run([sys.executable, "-c", code], check=True)

    def test_a_model_that_is_half_defined_is_in_nobodys_way(self, engine: Engine) -> None:
        half = registry()

        @half.mapped
        class Whole:
            __tablename__ = "whole"
            id: Mapped[int] = mapped_column(primary_key=True)

        half.configure()

        @half.mapped
        class Half:
            __tablename__ = "half"
            id: Mapped[int] = mapped_column(primary_key=True)
            other_id: Mapped[int] = mapped_column(ForeignKey("other.id"))
            other: Mapped["Other"] = relationship()  # which is to come

        signals = (pre_init, m2m_changed, class_prepared)
        for signal in signals:
            with signal.connected_to(lambda **named: None):
                plain_models.declarative(new_label())()
        with record(Recorder()), Session(engine) as session, session.bulk():
            pass

        @half.mapped
        class Other:
            __tablename__ = "other"
            id: Mapped[int] = mapped_column(primary_key=True)

        half.configure()
        assert inspect(Half).relationships["other"].mapper.class_ is Other
        half.dispose()
