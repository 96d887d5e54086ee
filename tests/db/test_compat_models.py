"""What is assumed of SQLAlchemy and SQLModel where it is private: a release may change it.

Where one of these fails, the function of ``signalcli.db.compat.models`` that it names is to be
looked at, and what its docstring says would break.
"""

import functools
import weakref
from typing import Any

import pytest
import sqlmodel.main
from sqlalchemy import Engine, ForeignKey, create_engine, event, inspect
from sqlalchemy.orm import (
    DeclarativeBase,
    DeclarativeBaseNoMeta,
    DeclarativeMeta,
    LoaderCallableStatus,
    Mapped,
    MappedAsDataclass,
    Mapper,
    mapped_column,
    mapperlib,
    registry,
    relationship,
)
from sqlalchemy.orm.attributes import instance_state
from sqlalchemy.util import WeakSequence
from sqlmodel import Field, Relationship, SQLModel

from signalcli.db.compat import models as compat
from tests.db.made_models import make_model, new_base, new_label


@pytest.fixture
def base() -> Any:
    return new_base()


@pytest.fixture
def model(base: Any) -> Any:
    return make_model(new_label(), base=base)


class TestMappers:
    def test_registries_and_their_classes_are_kept_weakly_and_in_order(self) -> None:
        """all_mappers"""
        assert isinstance(mapperlib._mapper_registries, weakref.WeakKeyDictionary)
        registries = [registry() for _ in range(20)]
        known = [refer() for refer in mapperlib._mapper_registries.keyrefs()]
        assert known[-20:] == registries
        one = registries[0]
        assert isinstance(one._managers, weakref.WeakKeyDictionary)
        models = [type(f"M{n}", (), {}) for n in range(20)]
        for number, model in enumerate(models):
            table = sqlmodel.Table(f"m{number}", one.metadata, _key())
            one.map_imperatively(model, table)
        managers = [refer() for refer in one._managers.keyrefs()]
        assert [manager.class_ for manager in managers] == models
        assert [manager.mapper for manager in managers] == list(map(inspect, models))
        assert [
            mapper.class_ for mapper in compat.all_mappers() if mapper.registry is one
        ] == models
        one.dispose()
        assert not one._managers

    def test_a_mapper_that_is_being_made_is_not_ready(self) -> None:
        """all_mappers"""
        seen: list[Any] = []

        def look(mapper: Mapper[Any], model: type[Any]) -> None:
            seen.append((mapper._ready_for_configure, mapper in compat.all_mappers()))

        for name in ("instrument_class", "after_mapper_constructed"):
            event.listen(Mapper, name, look)
        try:
            make_model(new_label())
        finally:
            for name in ("instrument_class", "after_mapper_constructed"):
                event.remove(Mapper, name, look)
        assert seen == [(False, False), (True, True)]

    def test_a_registry_knows_whether_mappers_came_to_it(self, base: Any) -> None:
        """awaits_configuring"""
        first = inspect(make_model(new_label(), base=base))
        assert compat.awaits_configuring(first)
        base._sa_registry.configure()
        assert first.registry._new_mappers is False
        make_model(new_label(), base=base)
        assert first.registry._new_mappers is True

    def test_a_registry_knows_whether_mappers_came_to_one_that_it_depends_on(self) -> None:
        """awaits_configuring"""
        one, other = registry(), registry()

        @one.mapped
        class Parent:
            __tablename__ = "parent"
            id: Mapped[int] = mapped_column(primary_key=True)

        @other.mapped
        class Child:
            __tablename__ = "child"
            id: Mapped[int] = mapped_column(primary_key=True)
            parent_id: Mapped[int] = mapped_column(ForeignKey(Parent.id))
            parent: Mapped[Parent] = relationship(Parent)

        other.configure(cascade=True)
        assert not compat.awaits_configuring(inspect(Child))

        @one.mapped
        class Other:
            __tablename__ = "other"
            id: Mapped[int] = mapped_column(primary_key=True)

        assert compat.awaits_configuring(inspect(Child))
        other.dispose()
        one.dispose()

    def test_one_mapper_can_be_disposed_of(self, base: Any, model: Any) -> None:
        """discard"""
        other = make_model(new_label(), "Item", base)
        compat.discard(inspect(model))
        assert inspect(model, raiseerr=False) is None
        assert [mapper.class_ for mapper in base._sa_registry.mappers] == [other]
        assert "__init__" not in vars(model)

    def test_a_mapper_knows_those_that_inherit_of_it(self) -> None:
        """discard"""
        mapper_registry = registry()

        @mapper_registry.mapped
        class Pet:
            __tablename__ = "pet"
            __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "pet"}  # noqa: RUF012  # as SQLAlchemy has it
            id: Mapped[int] = mapped_column(primary_key=True)
            kind: Mapped[str]

        @mapper_registry.mapped
        class Dog(Pet):
            __mapper_args__ = {"polymorphic_identity": "dog"}  # noqa: RUF012  # likewise

        parent = inspect(Pet)
        assert isinstance(parent._inheriting_mappers, WeakSequence)
        assert list(parent._inheriting_mappers) == [inspect(Dog)]
        assert dict(parent.polymorphic_map) == {"pet": parent, "dog": inspect(Dog)}
        compat.discard(inspect(Dog))
        assert list(parent.self_and_descendants) == [parent]
        assert dict(parent.polymorphic_map) == {"pet": parent}
        mapper_registry.dispose()


def _key() -> Any:
    return sqlmodel.Column("id", sqlmodel.Integer, primary_key=True)


class TestInitializers:
    def test_sqlalchemy_calls_what_the_class_manager_says(self, model: Any) -> None:
        """initializer_of, set_initializer, wrap_initializer"""
        called: list[Any] = []
        mapper = inspect(model)
        original = mapper.class_manager.original_init
        assert compat.initializer_of(mapper) is original is SQLModel.__init__

        def initialize(instance: Any, /, **values: Any) -> None:
            called.append((instance, values))
            original(instance, **values)

        def wrap(found: Any) -> Any:
            def wrapped(*args: Any, **values: Any) -> None:
                called.append("around")
                found(*args, **values)

            return wrapped

        compat.wrap_initializer(mapper, wrap)
        compat.wrap_initializer(mapper, wrap)
        assert compat.initializer_of(mapper) is original
        compat.set_initializer(mapper, initialize)
        made = model(title="tea")
        assert called == ["around", (made, {"title": "tea"})]
        compat.unwrap_initializer(mapper)
        assert mapper.class_manager.original_init is initialize

    def test_sqlalchemys_init_knows_the_one_that_it_took_the_place_of(self) -> None:
        """is_sqlmodels_initializer"""
        mapper_registry = registry()

        class Plain(SQLModel):
            id: int | None = None

        class Derived(Plain):
            pass

        for number, each in enumerate((Plain, Derived)):
            table = sqlmodel.Table(f"t{number}", mapper_registry.metadata, _key())
            mapper_registry.map_imperatively(each, table, **{"concrete": True} if number else {})
        generated = vars(Plain)["__init__"]
        assert generated._sa_original_init is SQLModel.__init__
        assert generated.__globals__["original_init"] is SQLModel.__init__
        inherited = compat.initializer_of(inspect(Derived))
        assert inherited is generated
        assert compat.is_sqlmodels_initializer(inherited)

        @functools.wraps(generated)
        def others(*args: Any, **values: Any) -> None:
            generated(*args, **values)

        assert not compat.is_sqlmodels_initializer(others)
        mapper_registry.dispose()

    def test_sqlmodels_methods_are_its_own(self) -> None:
        """sqlmodel_is_itself"""
        assert compat.sqlmodel_is_itself()
        assert SQLModel.__init__.__code__.co_filename == sqlmodel.main.__file__

    def test_sqlmodel_says_when_an_instance_is_to_be_left_blank(self, model: Any) -> None:
        """is_filled_at_once"""
        seen: list[bool] = []
        mapper = inspect(model)
        original = mapper.class_manager.original_init

        def initialize(instance: Any, /, **values: Any) -> None:
            seen.append(compat.is_filled_at_once())
            original(instance, **values)

        mapper.class_manager.original_init = initialize
        model()
        model.model_validate({})
        assert seen == [True, False]

    def test_what_a_model_says_of_itself(self, base: Any) -> None:
        """is_completed_by_pydantic, relationship_fields, FIELDS_SET"""

        class Order(base, table=True):
            id: int | None = Field(default=None, primary_key=True)
            items: list["Item"] = Relationship(back_populates="order")

        class Item(base, table=True):
            id: int | None = Field(default=None, primary_key=True)
            order_id: int | None = Field(default=None, foreign_key="order.id")
            order: Order | None = Relationship(back_populates="items")

            def model_post_init(self, context: Any) -> None:
                """Completes it."""

        assert compat.relationship_fields(Order) == ("items",)
        assert compat.relationship_fields(Item) == ("order",)
        assert not compat.is_completed_by_pydantic(Order)
        assert compat.is_completed_by_pydantic(Item)
        one = Order(id=1)
        assert getattr(one, compat.FIELDS_SET) == {"id"} == one.model_fields_set
        object.__setattr__(one, compat.FIELDS_SET, {"items"})
        assert one.model_fields_set == {"items"}

    def test_an_attribute_knows_who_listens(self, model: Any) -> None:
        """listeners_to"""
        inspect(model).registry.configure()
        assert not compat.listeners_to(model, "title").set

        def note(*args: Any) -> None:
            """Listens."""

        listeners = compat.listeners_to(model, "title")
        event.listen(model.title, "set", note)
        assert compat.listeners_to(model, "title").set
        assert listeners.set

    def test_what_sqlalchemy_keeps_of_a_new_instance(self, model: Any) -> None:
        """What quick_construction puts in place of what SQLAlchemy does."""
        one = model(title="tea")
        state = instance_state(one)
        assert state.committed_state == dict.fromkeys(
            ("id", "title"), LoaderCallableStatus.NO_VALUE
        )
        assert state.modified is True


class TestDefinitions:
    def test_declarative_bases_have_the_metaclass(self) -> None:
        """DECLARATIVE_METACLASS"""
        assert type(DeclarativeBase) is compat.DECLARATIVE_METACLASS
        dataclass_base = type(MappedAsDataclass)
        assert issubclass(dataclass_base, compat.DECLARATIVE_METACLASS)
        assert "__init__" not in vars(dataclass_base)
        assert type(DeclarativeBaseNoMeta) is type

    @pytest.mark.parametrize("base", [DeclarativeBase, DeclarativeBaseNoMeta])
    def test_declarative_bases_map_in_init_subclass(self, base: type[Any]) -> None:
        """What definitions wraps."""
        assert isinstance(vars(base)["__init_subclass__"], classmethod)

    def test_the_older_metaclasses_map_in_init(self) -> None:
        """What definitions wraps."""
        for metaclass in (DeclarativeMeta, type(SQLModel)):
            assert "__init__" in vars(metaclass)


class TestOthers:
    @pytest.mark.parametrize("kind", [list, set])
    def test_collections_have_a_clear_of_their_own(self, kind: type[Any]) -> None:
        """instrumented"""
        found = compat.instrumented(kind)
        assert issubclass(found, kind)
        assert "clear" in vars(found)

    def test_a_class_of_ones_own_is_taken_as_it_is(self) -> None:
        """instrumented"""
        own = type("Own", (list,), {})
        assert compat.instrumented(own) is own

    def test_a_connection_knows_whether_it_commits_each_statement(self) -> None:
        """is_autocommitting"""
        engines: list[Engine] = [
            create_engine("sqlite://"),
            create_engine("sqlite://", isolation_level="AUTOCOMMIT"),
            create_engine("sqlite://").execution_options(isolation_level="AUTOCOMMIT"),
        ]
        said = []
        for engine in engines:
            with engine.connect() as connection:
                said.append(compat.is_autocommitting(connection))
            engine.dispose()
        assert said == [False, True, True]
        with engines[0].connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            assert compat.is_autocommitting(connection)
        engines[0].dispose()
