"""No model is kept alive by who listened to it, and a model mapped anew is a new one."""

import contextlib
import gc
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Column, Engine, Integer, String, Table
from sqlalchemy.orm import registry
from sqlmodel import select

from signalcli.db import (
    Session,
    class_prepared,
    create_engine,
    post_init,
    post_save,
    pre_init,
)
from signalcli.db.initialization import quick_construction
from signalcli.trace import Recorder, record
from tests.db import plain_models
from tests.db.made_models import make_model, new_label
from tests.db.plain_models import ALL, registry_of

MAKE: list[Callable[[str], type[Any]]] = [make_model, *ALL]


def nothing(**named: Any) -> None:
    """Receives, that is all."""


@contextlib.contextmanager
def listeners_for_instances() -> Iterator[None]:
    with pre_init.connected_to(nothing), post_init.connected_to(nothing):
        yield


@contextlib.contextmanager
def listener_for_definitions() -> Iterator[None]:
    with class_prepared.connected_to(nothing):
        yield


@contextlib.contextmanager
def watcher() -> Iterator[None]:
    with record(Recorder()):
        yield


LISTENING = [listeners_for_instances, listener_for_definitions, watcher]


def dispose(model: type[Any]) -> None:
    registry_of(model).dispose(cascade=True)


def use(model: type[Any]) -> None:
    """Make instances in all ways, and load one."""
    made = model()
    with quick_construction():
        model()
    if hasattr(model, "model_validate"):
        model.model_validate({})
    engine = create_engine(":memory:")
    registry_of(model).metadata.create_all(engine)
    with Session(engine) as session:
        session.add(made)
        session.commit()
        session.expunge_all()
        session.scalars(select(model)).one()
    engine.dispose()


@pytest.mark.parametrize("listening", LISTENING, ids=lambda listening: listening.__name__)
@pytest.mark.parametrize("make", MAKE, ids=lambda make: make.__name__)
def test_a_model_dies_after_whoever_listened_has_gone(
    make: Callable[[str], type[Any]], listening: Any
) -> None:
    def live_and_end() -> weakref.ref[type[Any]]:
        with listening():
            model = make(new_label())
            use(model)
        dispose(model)
        return weakref.ref(model)

    refer = live_and_end()
    gc.collect()
    assert refer() is None


@pytest.mark.parametrize("make", MAKE, ids=lambda make: make.__name__)
def test_a_model_dies_while_somebody_listens(make: Callable[[str], type[Any]]) -> None:
    def live_and_end() -> weakref.ref[type[Any]]:
        model = make(new_label())
        use(model)
        dispose(model)
        return weakref.ref(model)

    with listeners_for_instances(), listener_for_definitions():
        refer = live_and_end()
        gc.collect()
        assert refer() is None


@pytest.mark.parametrize("make", [make_model, plain_models.declarative])
def test_a_model_dies_whose_registry_nobody_disposed_of(
    make: Callable[[str], type[Any]],
) -> None:
    def live() -> weakref.ref[type[Any]]:
        with listeners_for_instances(), watcher():
            model = make(new_label())
            use(model)
        return weakref.ref(model)

    refer = live()
    gc.collect()
    assert refer() is None


def test_a_model_that_was_there_before_dies() -> None:
    def live_and_end() -> weakref.ref[type[Any]]:
        model = make_model(new_label())
        for _ in range(2):
            with listeners_for_instances():
                use(model)
        dispose(model)
        return weakref.ref(model)

    refer = live_and_end()
    gc.collect()
    assert refer() is None


class TestMappedAnew:
    @pytest.fixture
    def got(self) -> list[str]:
        got: list[str] = []

        def before(sender: Any, **named: Any) -> None:
            got.append("pre_init")

        def after(sender: Any, **named: Any) -> None:
            got.append("post_init")

        pre_init.connect(before, weak=False)
        post_init.connect(after, weak=False)
        return got

    def test_it_sends_as_before(self, got: list[str], engine: Engine) -> None:
        class Order:
            def __init__(self, name: str = "") -> None:
                self.name = name

        original = Order.__init__
        for number in (1, 2):
            mapper_registry = registry()
            table = Table(
                f"anew{number}",
                mapper_registry.metadata,
                Column("id", Integer, primary_key=True),
                Column("name", String),
            )
            mapper_registry.map_imperatively(Order, table)
            mapper_registry.metadata.create_all(engine)
            got.clear()
            with Session(engine) as session:
                session.add(Order("tea"))
                session.commit()
                session.expunge_all()
                session.scalars(select(Order)).one()
            assert got == ["pre_init", "post_init"] * 2
            mapper_registry.dispose()
            got.clear()
            Order("tea")
            assert got == []
            assert Order.__init__ is original

    def test_it_is_found_by_its_name(self) -> None:
        label = new_label()
        order = type("Order", (), {"__module__": label})
        for number in (1, 2):
            mapper_registry = registry()
            table = Table(
                f"order{number}", mapper_registry.metadata, Column("id", Integer, primary_key=True)
            )
            post_save.connect(nothing, sender=f"{label}.Order")
            assert len(post_save.pending) == 1
            mapper_registry.map_imperatively(order, table)
            assert post_save.pending == []
            post_save.disconnect(nothing, sender=order)
            mapper_registry.dispose()

    def test_those_who_listen_may_go_when_the_mapper_is_gone(self) -> None:
        model = plain_models.declarative(new_label())
        with listeners_for_instances():
            model()
            dispose(model)
        assert "__init__" not in vars(model)


def test_clear_mappers_leaves_nothing_behind() -> None:
    # It takes away everybody's models: in a process of its own.
    code = """
import gc, weakref
from sqlalchemy.orm import clear_mappers
from sqlmodel import Field, SQLModel
from signalcli.db import class_prepared, post_init, pre_init

class Order(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)

with pre_init.connected_to(lambda **named: None), post_init.connected_to(lambda **named: None):
    Order()
    clear_mappers()
refer = weakref.ref(Order)
del Order
SQLModel.metadata.clear()
gc.collect()
assert refer() is None
"""
    subprocess.run([sys.executable, "-c", code], check=True)
