"""class_prepared is sent once for each mapped model, when its definition is complete."""

from collections.abc import Iterator
from typing import Any, Optional

import pytest
from sqlalchemy import Column, Integer, Table, inspect, text
from sqlalchemy.ext.declarative import DeferredReflection
from sqlmodel import Field, Relationship, SQLModel, select

from signalcli.db import Session, class_prepared, create_engine, post_save, pre_init
from signalcli.trace import Recorder, record
from tests.db.made_models import make_model, new_base, new_label


class Fault(Exception):
    """What a receiver raises."""


@pytest.fixture
def prepared() -> Iterator[list[Any]]:
    """The senders, in order."""
    senders: list[Any] = []

    def note(sender: Any, **named: Any) -> None:
        assert set(named) == {"signal"}
        senders.append(sender)

    with class_prepared.connected_to(note):
        yield senders


@pytest.fixture
def base() -> Any:
    return new_base()


def refuse(sender: Any, **named: Any) -> None:
    raise Fault


class TestSending:
    def test_it_is_sent_once_for_each_model_with_a_table_and_for_no_other_class(
        self, prepared: list[Any], base: Any
    ) -> None:
        class Plain(base):
            title: str = ""

        class Free(SQLModel):
            title: str = ""

        class Order(Plain, table=True):
            id: int | None = Field(default=None, primary_key=True)

        class Derived(Order):
            """Without a table, as SQLModel has it."""

        class Item(base, table=True):
            id: int | None = Field(default=None, primary_key=True)

        Order()
        base._sa_registry.configure()
        assert prepared == [Order, Item]

    def test_the_model_is_complete(self, base: Any) -> None:
        seen: list[Any] = []

        def look(sender: Any, **named: Any) -> None:
            mapper = inspect(sender)
            assert sender.__mapper__ is mapper
            seen.append((sorted(mapper.columns.keys()), sender.__table__.name))
            seen.append((sorted(sender.model_fields), list(sender.__sqlmodel_relationships__)))
            if sender.__name__ == "Item":
                seen.append(mapper.relationships["order"].mapper.class_.__name__)
                assert sender(id=3).order is None

        with class_prepared.connected_to(look):

            class Order(base, table=True):
                id: int | None = Field(default=None, primary_key=True)
                items: list["Item"] = Relationship(back_populates="order")

            class Item(base, table=True):
                id: int | None = Field(default=None, primary_key=True)
                order_id: int | None = Field(default=None, foreign_key="order.id")
                order: Optional["Order"] = Relationship(back_populates="items")

        assert seen == [
            (["id"], "order"),
            (["id"], ["items"]),
            (["id", "order_id"], "item"),
            (["id", "order_id"], ["order"]),
            "Order",
        ]

    def test_a_receiver_may_define_a_model(self, prepared: list[Any]) -> None:
        label = new_label()

        def define(sender: Any, **named: Any) -> None:
            if sender.__name__ == "Order":
                make_model(label, "OrderHistory")

        with class_prepared.connected_to(define):
            make_model(label)
        assert [sender.__name__ for sender in prepared] == ["Order", "OrderHistory"]

    def test_other_threads_can_use_the_models_meanwhile(self, base: Any) -> None:
        order = make_model(new_label(), base=base)
        seen: list[Any] = []

        async def look(sender: Any, **named: Any) -> None:
            # Sync code awaits it in another thread, which configures the mappers here.
            seen.append((inspect(sender).relationships.keys(), str(select(order.id))[:6]))

        with class_prepared.connected_to(look):
            make_model(new_label(), base=base)
        assert seen == [([], "SELECT")]

    def test_a_class_that_is_mapped_later_is_prepared_then(
        self, prepared: list[Any], base: Any
    ) -> None:
        class Imported(SQLModel):
            id: int | None = None

        class Reflected(DeferredReflection, base, table=True):
            __tablename__ = "reflected"

            id: int | None = Field(default=None, primary_key=True)

        assert prepared == []
        table = Table("imported", base.metadata, Column("id", Integer, primary_key=True))
        base._sa_registry.map_imperatively(Imported, table)
        assert prepared == [Imported]
        engine = create_engine("sqlite://")
        with engine.begin() as connection:
            connection.execute(
                text("CREATE TABLE reflected (id INTEGER PRIMARY KEY, size INTEGER)")
            )
            Reflected.prepare(connection)
        engine.dispose()
        assert prepared == [Imported, Reflected]

    def test_a_connection_that_waits_is_made_for_a_class_that_is_mapped_later(
        self, base: Any
    ) -> None:
        class Awaited(SQLModel):
            id: int | None = None

        post_save.connect(refuse, sender="test_definitions.Awaited")
        table = Table("awaited", base.metadata, Column("id", Integer, primary_key=True))
        assert not post_save.has_listeners(Awaited)
        base._sa_registry.map_imperatively(Awaited, table)
        assert post_save.has_listeners(Awaited)


class TestFailing:
    def test_a_receiver_that_raises_makes_the_definition_fail_and_leaves_nothing(
        self, base: Any, database: str
    ) -> None:
        label = new_label()
        author = make_model(label, "Author", base)
        relation: dict[str, Any] = {
            "__annotations__": {
                "id": int | None,
                "title": str,
                "author_id": int | None,
                "author": author,
            },
            "author_id": Field(default=None, foreign_key=f"{label}_author.id"),
            "author": Relationship(sa_relationship_kwargs={"backref": "books"}),
        }
        post_save.connect(refuse, sender=f"{label}.Book")
        with class_prepared.connected_to(refuse), pytest.raises(Fault):
            make_model(label, "Book", base, **relation)
        assert list(base.metadata.tables) == [f"{label}_author"]
        assert len(post_save.pending) == 1
        base._sa_registry.configure()
        assert not hasattr(author, "books")

        book = make_model(label, "Book", base, **relation)
        assert inspect(author).relationships["books"].mapper.class_ is book
        assert post_save.has_listeners(book)
        engine = create_engine(database)
        base.metadata.create_all(engine)
        with Session(engine) as session:
            session.add(book(title="one", author=author(title="Ann")))
            with pytest.raises(Fault):
                session.commit()
        engine.dispose()

    def test_a_table_that_was_there_before_stays(self, base: Any) -> None:
        table = Table("order", base.metadata, Column("id", Integer, primary_key=True))
        with class_prepared.connected_to(refuse):
            with pytest.raises(Fault):

                class Order(base, table=True):
                    __table__ = table

            with pytest.raises(Fault):

                class Extended(base, table=True):
                    __tablename__ = "order"
                    __table_args__ = {"extend_existing": True}  # noqa: RUF012  # as SQLModel has it

                    id: int | None = Field(default=None, primary_key=True)

        assert base.metadata.tables["order"] is table

    def test_it_may_fail_while_somebody_listens_to_pre_init(self, base: Any) -> None:
        label = new_label()
        order = make_model(label, base=base)
        original = order.__init__
        with pre_init.connected_to(refuse), class_prepared.connected_to(refuse):
            with pytest.raises(Fault):
                make_model(label, "Item", base)
            with pytest.raises(Fault):
                order()
        assert order.__init__ is original
        assert order(title="one")

    def test_where_a_class_is_mapped_later_the_mapping_fails(self, base: Any) -> None:
        class Imported(SQLModel):
            id: int | None = None

        table = Table("imported", base.metadata, Column("id", Integer, primary_key=True))
        with class_prepared.connected_to(refuse), pytest.raises(Fault):
            base._sa_registry.map_imperatively(Imported, table)
        assert inspect(Imported, raiseerr=False) is None
        base._sa_registry.map_imperatively(Imported, table)
        assert inspect(Imported).local_table is table


def test_a_class_whose_mapping_is_put_off_disturbs_nobody(base: Any) -> None:
    class Reflected(DeferredReflection, base, table=True):
        __tablename__ = "reflected"

        id: int | None = Field(default=None, primary_key=True)

    seen: list[Any] = []
    with pre_init.connected_to(lambda sender, **named: seen.append(sender)):
        order = make_model(new_label())
        order()
    assert seen == [order]


def test_a_class_without_a_table_may_call_anything_metadata() -> None:
    with class_prepared.connected_to(refuse):

        class Plain(SQLModel):
            @property
            def metadata(self) -> str:  # type: ignore[override]  # that is it
                return "mine"

    assert Plain().metadata == "mine"


def test_a_definition_can_be_watched(base: Any) -> None:
    recorder = Recorder()
    with record(recorder):
        make_model(new_label(), base=base)
    (dispatch,) = recorder.trace.dispatches
    assert (dispatch.signal, dispatch.sender) == ("class_prepared", "Order")
