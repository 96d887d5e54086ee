"""Senders named before they exist: connections that wait for their model."""

import gc
import subprocess
import sys
import threading
import weakref
from typing import Any

import pytest
from sqlalchemy import Engine

from signalcli.db import (
    Session,
    class_prepared,
    post_delete,
    post_init,
    post_save,
    pre_delete,
    pre_init,
    pre_save,
)
from signalcli.db.models import label_package
from signalcli.db.signals import ModelSignal
from signalcli.dispatch import receiver
from tests.db.made_models import make_model, new_base, new_label
from tests.db.shop_models import Log


class Notes:
    """Receives, under a name for each method, and writes down who was called."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def first(self, sender: Any, **named: Any) -> None:
        self.lines.append("first")

    def second(self, sender: Any, **named: Any) -> None:
        self.lines.append("second")

    def third(self, sender: Any, **named: Any) -> None:
        self.lines.append("third")

    def take(self, signal: ModelSignal, sender: Any) -> list[str]:
        """Who receives the signal from a sender."""
        self.lines.clear()
        signal.send(sender)
        return self.lines.copy()


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def signal() -> ModelSignal:
    return ModelSignal()


@pytest.fixture
def label() -> str:
    return new_label()


class TestConnecting:
    def test_each_model_signal_reaches_who_waited_for_the_model(
        self, engine: Engine, label: str
    ) -> None:
        seen: list[str] = []
        signals = [pre_init, post_init, pre_save, post_save, pre_delete, post_delete]

        @receiver(signals, sender=f"{label}.Order", weak=False)
        def note(signal: ModelSignal, sender: type[Any], **named: Any) -> None:
            seen.append(f"{signal.name} {sender.__name__}")

        base = new_base()
        order, other = make_model(label, base=base), make_model(label, "Other", base=base)
        base.metadata.create_all(engine)
        with Session(engine) as session:
            rows = [other(), order()]
            session.add_all(rows)
            session.flush()
            for row in rows:
                session.delete(row)
            session.commit()
        assert seen == [f"{each.name} Order" for each in signals]

    def test_a_model_that_is_there_is_connected_at_once(
        self, signal: ModelSignal, notes: Notes
    ) -> None:
        signal.connect(notes.first, sender="shop_models.log")
        assert signal.pending == []
        assert signal.connections[0].sender is Log
        assert notes.take(signal, Log) == ["first"]

    def test_case_counts_in_the_label_alone(
        self, signal: ModelSignal, notes: Notes, label: str
    ) -> None:
        signal.connect(notes.first, sender=f"{label}.ORDER")
        signal.connect(notes.second, sender=f"{label.upper()}.Order")
        order = make_model(label)
        signal.connect(notes.third, sender=f"{label}.order")
        assert notes.take(signal, order) == ["first", "third"]
        assert [connection.sender for connection in signal.pending] == [f"{label.upper()}.Order"]

    def test_by_name_and_by_class_is_one_connection(
        self, signal: ModelSignal, notes: Notes, label: str
    ) -> None:
        signal.connect(notes.first, sender=f"{label}.Order")
        signal.connect(notes.first, sender=f"{label}.order")
        order = make_model(label)
        signal.connect(notes.first, sender=order)
        signal.connect(notes.first, sender=f"{label}.Order")
        assert len(signal.connections) == 1
        assert signal.disconnect(notes.first, sender=order)
        assert notes.take(signal, order) == []

    def test_a_dispatch_uid_makes_it_once(
        self, signal: ModelSignal, notes: Notes, label: str
    ) -> None:
        signal.connect(notes.first, sender=f"{label}.Order", dispatch_uid="once")
        signal.connect(notes.second, sender=f"{label}.Order", dispatch_uid="once")
        order = make_model(label)
        signal.connect(notes.third, sender=order, dispatch_uid="once")
        assert notes.take(signal, order) == ["first"]

    @pytest.mark.parametrize("dies", ["before the model comes", "after it has come"])
    def test_who_waits_for_a_receivers_death_takes_its_place_with_the_model(
        self, signal: ModelSignal, label: str, dies: str
    ) -> None:
        one, two = Notes(), Notes()
        signal.connect(one.first, sender=f"{label}.Order", dispatch_uid="once")
        signal.connect(two.second, sender=f"{label}.Order", dispatch_uid="once")
        assert len(signal.pending) == 1
        if dies == "before the model comes":
            del one
            gc.collect()
            assert [connection.receiver for connection in signal.pending] == [two.second]
        order = make_model(label)
        assert signal.pending == []
        if dies == "after it has come":
            assert one.take(signal, order) == ["first"]
            del one
            gc.collect()
        assert two.take(signal, order) == ["second"]
        assert signal.disconnect(sender=f"{label}.Order", dispatch_uid="once")
        assert two.take(signal, order) == []

    def test_receivers_run_in_the_order_of_being_connected_not_of_asking(
        self, signal: ModelSignal, notes: Notes, label: str
    ) -> None:
        signal.connect(notes.second, sender=f"{label}.Order")
        signal.connect(notes.third, sender=f"{label}.Order")
        signal.connect(notes.first)
        assert notes.take(signal, make_model(label)) == ["first", "second", "third"]

    def test_it_happens_after_class_prepared(
        self, signal: ModelSignal, notes: Notes, label: str
    ) -> None:
        def prepare(sender: Any, **named: Any) -> None:
            assert notes.take(signal, sender) == []
            signal.connect(notes.third, sender=f"{label}.Order")
            signal.connect(notes.first, sender=sender)

        signal.connect(notes.second, sender=f"{label}.Order")
        with class_prepared.connected_to(prepare):
            order = make_model(label)
        assert notes.take(signal, order) == ["first", "second", "third"]

    @pytest.mark.parametrize("name", ["Order", "", ".", "shop.", ".Order", "shop.models.Order"])
    def test_what_is_no_name_of_a_model_is_refused(
        self, signal: ModelSignal, notes: Notes, name: str
    ) -> None:
        with pytest.raises(ValueError, match=rf"'shop\.Order'.* which {name!r} is not"):
            signal.connect(notes.first, sender=name)
        with pytest.raises(ValueError, match="is not"):
            signal.disconnect(notes.first, sender=name)
        with pytest.raises(ValueError, match="is not"), signal.connected_to(notes.first, name):
            pass
        assert signal.pending == signal.connections == []

    def test_the_receiver_is_checked_at_once(self, label: str) -> None:
        name = f"{label}.Order"
        with pytest.raises(TypeError, match="callable"):
            post_save.connect("no receiver", sender=name)  # type: ignore[type-var]  # that is it
        with pytest.raises(ValueError, match="keyword arguments"):
            post_save.connect(lambda sender: None, sender=name)
        with pytest.raises(ValueError, match="price"):
            post_save.connect(lambda price, **named: None, sender=name)
        assert post_save.pending == []

    def test_a_text_that_sends_is_a_sender_of_its_own(
        self, signal: ModelSignal, notes: Notes, label: str
    ) -> None:
        make_model(label)
        signal.connect(notes.first, sender=f"{label}.Order")
        signal.connect(notes.second)
        assert notes.take(signal, f"{label}.Order") == ["second"]
        signal.disconnect(notes.second)
        assert not signal.has_listeners(f"{label}.Order")


class TestWaiting:
    def test_who_waits_can_be_looked_at(
        self, signal: ModelSignal, notes: Notes, label: str
    ) -> None:
        signal.connect(notes.first, sender=f"{label}.Order", dispatch_uid="once")
        signal.connect(notes.second, sender=f"{label}.Item", weak=False)
        assert [
            (waiting.sender, waiting.receiver, waiting.weak, waiting.dispatch_uid)
            for waiting in signal.pending
        ] == [
            (f"{label}.Order", notes.first, True, "once"),
            (f"{label}.Item", notes.second, False, None),
        ]
        assert signal.connections == []
        make_model(label, "Item")
        assert [waiting.sender for waiting in signal.pending] == [f"{label}.Order"]

    def test_a_receiver_that_dies_first_is_never_connected(
        self, signal: ModelSignal, label: str
    ) -> None:
        dying, held = Notes(), Notes()
        signal.connect(dying.first, sender=f"{label}.Order")
        signal.connect(held.first, sender=f"{label}.Order", weak=False)
        alive = weakref.ref(held)
        del dying, held
        gc.collect()
        assert len(signal.pending) == 1
        order = make_model(label)
        assert [connection.receiver.__self__ for connection in signal.connections] == [alive()]
        assert len(signal.send(order)) == 1

    def test_a_weak_receiver_can_die_later(self, signal: ModelSignal, label: str) -> None:
        dying = Notes()
        signal.connect(dying.first, sender=f"{label}.Order")
        order = make_model(label)
        assert signal.has_listeners(order)
        del dying
        gc.collect()
        assert not signal.has_listeners(order)

    def test_waiting_does_not_prepare_models_for_pre_init(self, label: str, notes: Notes) -> None:
        before = Log.__init__
        pre_init.connect(notes.first, sender=f"{label}.Order")
        assert pre_init.is_idle
        assert Log.__init__ is before
        make_model(label)()
        assert notes.lines == ["first"]


class TestDisconnecting:
    def test_who_waits_is_disconnected_and_it_says_so(
        self, signal: ModelSignal, notes: Notes, label: str
    ) -> None:
        signal.connect(notes.first, sender=f"{label}.Order")
        signal.connect(notes.second, sender=f"{label}.Order", dispatch_uid="once")
        assert not signal.disconnect(notes.second, sender=f"{label}.Order")
        assert not signal.disconnect(notes.first, sender=f"{label}.Item")
        assert signal.disconnect(notes.first, sender=f"{label}.order")
        assert not signal.disconnect(notes.first, sender=f"{label}.Order")
        assert signal.disconnect(sender=f"{label}.Order", dispatch_uid="once")
        assert notes.take(signal, make_model(label)) == []

    def test_who_is_connected_is_disconnected_by_name(
        self, signal: ModelSignal, notes: Notes, label: str
    ) -> None:
        signal.connect(notes.first, sender=f"{label}.Order")
        order = make_model(label)
        signal.connect(notes.second, sender=order)
        assert signal.disconnect(notes.first, sender=f"{label}.Order")
        assert signal.disconnect(notes.second, sender=f"{label}.Order")
        assert not signal.disconnect(notes.second, sender=f"{label}.Order")
        assert not signal.has_listeners(order)


class TestConnectedTo:
    def test_a_model_may_come_within(self, signal: ModelSignal, notes: Notes, label: str) -> None:
        with signal.connected_to(notes.first, sender=f"{label}.Order"):
            order = make_model(label)
            assert notes.take(signal, order) == ["first"]
        assert notes.take(signal, order) == []

    def test_no_model_need_come(self, signal: ModelSignal, notes: Notes, label: str) -> None:
        with signal.connected_to(notes.first, sender=f"{label}.Order"):
            assert len(signal.pending) == 1
        assert signal.pending == []

    def test_what_waited_before_waits_after(
        self, signal: ModelSignal, notes: Notes, label: str
    ) -> None:
        signal.connect(notes.first, sender=f"{label}.Order")
        with signal.connected_to(notes.first, sender=f"{label}.Order"):
            pass
        assert notes.take(signal, make_model(label)) == ["first"]

    def test_it_ends_for_the_model_that_it_began_for(
        self, signal: ModelSignal, notes: Notes, label: str
    ) -> None:
        order = make_model(label)
        with signal.connected_to(notes.first, sender=f"{label}.Order"):
            assert notes.take(signal, order) == ["first"]
            newer = make_model(label)
            assert notes.take(signal, newer) == []
        assert signal.connections == []


class TestNames:
    def test_the_newest_of_several_living_models_counts(
        self, signal: ModelSignal, notes: Notes, label: str
    ) -> None:
        older, newer = make_model(label), make_model(label)
        signal.connect(notes.first, sender=f"{label}.Order")
        assert not signal.has_listeners(older)
        assert signal.has_listeners(newer)
        del newer
        gc.collect()
        signal.connect(notes.first, sender=f"{label}.Order")
        assert signal.has_listeners(older)

    def test_a_model_is_not_kept_alive_and_then_waited_for_again(
        self, signal: ModelSignal, notes: Notes, label: str
    ) -> None:
        signal.connect(notes.first, sender=f"{label}.Order")
        alive = weakref.ref(make_model(label))
        gc.collect()
        assert alive() is None
        signal.connect(notes.second, sender=f"{label}.Order")
        assert [waiting.receiver for waiting in signal.pending] == [notes.second]
        assert notes.take(signal, make_model(label)) == ["second"]

    def test_a_model_without_its_mapper_is_none_any_more(
        self, signal: ModelSignal, notes: Notes, label: str
    ) -> None:
        base = new_base()
        order = make_model(label, base=base)
        base._sa_registry.dispose()
        signal.connect(notes.first, sender=f"{label}.Order")
        assert len(signal.pending) == 1
        assert not signal.has_listeners(order)

    def test_a_label_given_later_brings_the_model_to_its_name(
        self, signal: ModelSignal, notes: Notes, label: str
    ) -> None:
        order = make_model(label)
        signal.connect(notes.first, sender=f"new_{label}.Order")
        assert notes.take(signal, order) == []
        label_package(label, f"new_{label}")
        assert signal.pending == []
        assert notes.take(signal, order) == ["first"]
        signal.connect(notes.second, sender=f"{label}.Order")
        assert len(signal.pending) == 1

    def test_models_defined_before_signalcli_was_imported_count(self) -> None:
        code = """
from sqlmodel import Field, SQLModel

class Order(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)

from signalcli.db import post_save

post_save.connect(lambda **named: None, sender="__main__.Order", weak=False)
(connection,) = post_save.connections
assert connection.sender is Order
"""
        subprocess.run([sys.executable, "-c", code], check=True)


def test_nobody_waits_for_what_has_come_whatever_other_threads_do(
    signal: ModelSignal, label: str
) -> None:
    models = [f"Model{number}" for number in range(20)]
    receivers: list[Any] = [lambda number=number, **named: number for number in range(8)]
    begin = threading.Barrier(len(receivers) + 1)

    def connect(receiver: Any) -> None:
        begin.wait(timeout=10)
        for name in models:
            signal.connect(receiver, sender=f"{label}.{name}")

    threads = [threading.Thread(target=connect, args=(each,)) for each in receivers]
    for thread in threads:
        thread.start()
    begin.wait(timeout=10)
    made = [make_model(label, name) for name in models]
    for thread in threads:
        thread.join(timeout=30)
    assert signal.pending == []
    for model in made:
        assert sorted(value for _, value in signal.send(model)) == list(range(8))
