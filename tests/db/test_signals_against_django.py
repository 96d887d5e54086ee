"""Django is the judge: senders named before they exist reach the same receivers in the same order.

A program of connecting, disconnecting, defining models and sending is carried out with Django's
model signals and with ours; what each dispatch reaches is compared.

Left out, because there ours differs on purpose:

- Django's ``disconnect`` answers None for a name; ours tells whether something was disconnected.
- Django holds a receiver that waits strongly, even one that waits to be disconnected. It is made
  to let go of those that die here, which have no ``dispatch_uid`` that others could take over.
- In Django a disconnection waits as well, and so undoes a connection that a receiver of
  ``class_prepared`` makes with the class itself; the one made so here is never undone by name.
"""

import functools
import gc
from dataclasses import dataclass
from typing import Any, Protocol

import django
import django.dispatch
from django.apps.registry import Apps
from django.conf import settings
from django.db import models
from django.db.models import signals as django_signals
from django.utils import inspect as django_inspect
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import signalcli.dispatch
from signalcli.db import class_prepared
from signalcli.db.signals import ModelSignal
from tests import garbage
from tests.db.made_models import make_model, new_label

if not settings.configured:
    settings.configure(DEBUG=True)  # as the other tests that ask Django
django.setup()

MODELS = ("Order", "Item")
# What stands for the label is another one in each program.
SENDERS: tuple[Any, ...] = (
    None,
    "{}.Order",
    "{}.order",
    "{}.ORDER",
    "{}.Item",
    "{}.Never",
    "X{}.Order",
    0,
    1,
)
"""Any sender, names, and numbers of models, which stand for the classes once they are there."""
RECEIVERS = range(5)
MORTAL = (0, 1)
BY_CLASS = len(RECEIVERS)
"""Receives what a receiver of class_prepared connects with the class."""


@dataclass(frozen=True)
class Connect:
    receiver: int
    sender: int
    weak: bool
    dispatch_uid: str | None
    by_decorator: bool = False


@dataclass(frozen=True)
class Disconnect:
    receiver: int | None
    sender: int
    dispatch_uid: str | None


@dataclass(frozen=True)
class DropReceiver:
    receiver: int


@dataclass(frozen=True)
class Define:
    model: int
    meanwhile: tuple[Connect, ...]
    """What a receiver of class_prepared connects."""
    connects_class: bool


@dataclass(frozen=True)
class Send:
    sender: int
    robust: bool


@dataclass(frozen=True)
class HasListeners:
    sender: int


class House(Protocol):
    """One of the two: a signal, and a way to define models."""

    signal: Any
    class_prepared: Any
    dispatcher: Any
    options: dict[str, Any]

    def define(self, label: str, name: str) -> Any:
        """Make a model."""

    def let_go(self, receiver: Any) -> None:
        """Forget a receiver that waits."""


class DjangoHouse:
    dispatcher = django.dispatch
    class_prepared = django_signals.class_prepared

    def __init__(self) -> None:
        # With caching Django cannot send for what has no weak reference, such as None or a text.
        self.signal = django_signals.ModelSignal()
        self.apps = Apps()
        self.options = {"apps": self.apps}

    def define(self, label: str, name: str) -> Any:
        meta = type("Meta", (), {"app_label": label, "apps": self.apps})
        return type(name, (models.Model,), {"__module__": f"{label}.models", "Meta": meta})

    def let_go(self, receiver: Any) -> None:
        for waiting in self.apps._pending_operations.values():
            for each in [each for each in waiting if each.func.args[0] is receiver]:
                call = each.func
                if call.func.__name__ == "disconnect" and call.keywords["dispatch_uid"] is not None:
                    # It is the uid that counts, also when the receiver is gone.
                    each.func = functools.partial(call.func, None, **call.keywords)
                else:
                    waiting.remove(each)


class OurHouse:
    dispatcher = signalcli.dispatch
    class_prepared = class_prepared

    def __init__(self) -> None:
        self.signal = ModelSignal()
        self.options: dict[str, Any] = {}

    def define(self, label: str, name: str) -> Any:
        return make_model(label, name)

    def let_go(self, receiver: Any) -> None: ...


def collect_garbage() -> None:
    # Under DEBUG Django remembers the signatures of functions, and so holds them.
    django_inspect._get_func_parameters.cache_clear()
    gc.collect()


class World:
    """Carries out a program and tells what came of it."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.signal = house.signal
        self.label = new_label()
        self.models: dict[int, Any] = {}
        self.receivers = {slot: self.receiver(slot, 0) for slot in [*RECEIVERS, BY_CLASS]}
        self.called: list[tuple[tuple[int, int], Any]] = []

    def receiver(self, slot: int, generation: int) -> Any:
        def receive(sender: Any, **named: Any) -> tuple[int, int]:
            self.called.append(((slot, generation), self.name_of(sender)))
            return slot, generation

        return receive

    def name_of(self, sender: Any) -> Any:
        return sender.__name__ if isinstance(sender, type) else sender

    def sender(self, number: int) -> tuple[bool, Any]:
        """Whether the sender is there, and what it is."""
        sender = SENDERS[number]
        if isinstance(sender, int):
            return sender in self.models, self.models.get(sender)
        return True, sender and sender.format(self.label)

    def carry_out(self, operation: Any) -> Any:
        if isinstance(operation, Define):
            return self.define(operation)
        if isinstance(operation, DropReceiver):
            self.house.let_go(self.receivers[operation.receiver])
            self.receivers[operation.receiver] = self.receiver(operation.receiver, 1)
            collect_garbage()
            return None
        is_there, sender = self.sender(operation.sender)
        if not is_there:
            return None
        options = {**self.house.options, "sender": sender}
        match operation:
            case Connect(receiver, _, weak, dispatch_uid, by_decorator):
                options |= {"weak": weak, "dispatch_uid": dispatch_uid}
                if by_decorator:
                    self.house.dispatcher.receiver(self.signal, **options)(self.receivers[receiver])
                else:
                    self.signal.connect(self.receivers[receiver], **options)
                return None
            case Disconnect(slot, _, dispatch_uid):
                target = None if slot is None else self.receivers[slot]
                done = self.signal.disconnect(target, dispatch_uid=dispatch_uid, **options)
                return None if isinstance(sender, str) else done
            case HasListeners():
                return self.signal.has_listeners(sender)
            case Send(_, robust):
                self.called = []
                send = self.signal.send_robust if robust else self.signal.send
                responses = [response for _, response in send(sender)]
                return self.called, responses
        raise AssertionError(operation)

    def define(self, operation: Define) -> Any:
        if operation.model in self.models:
            return None

        def prepare(sender: Any, **named: Any) -> None:
            assert sender.__name__ == MODELS[operation.model]
            for connect in operation.meanwhile:
                self.carry_out(connect)
            if operation.connects_class:
                self.signal.connect(self.receivers[BY_CLASS], sender=sender)

        with_receiver = {"receiver": prepare, "dispatch_uid": "prepare"}
        self.house.class_prepared.connect(weak=False, **with_receiver)
        try:
            model = self.house.define(self.label, MODELS[operation.model])
        finally:
            assert self.house.class_prepared.disconnect(**with_receiver)
        self.models[operation.model] = model
        collect_garbage()
        return self.carry_out(Send(SENDERS.index(operation.model), robust=False))


receivers = st.sampled_from(RECEIVERS)
senders = st.sampled_from(range(len(SENDERS)))
immortal = st.sampled_from([slot for slot in RECEIVERS if slot not in MORTAL])
connecting = st.one_of(
    st.builds(Connect, st.sampled_from(MORTAL), senders, st.just(True), st.none(), st.booleans()),
    st.builds(
        Connect, immortal, senders, st.booleans(), st.sampled_from([None, "a", "b"]), st.booleans()
    ),
)
disconnecting = st.builds(
    Disconnect, st.none() | receivers, senders, st.sampled_from([None, None, "a", "b"])
)
defining = st.builds(
    Define,
    st.sampled_from(range(len(MODELS))),
    st.lists(connecting, max_size=2).map(tuple),
    st.booleans(),
)
sending = st.builds(Send, senders, st.booleans())
others = (
    connecting
    | connecting
    | disconnecting
    | sending
    | st.builds(HasListeners, senders)
    | st.builds(DropReceiver, st.sampled_from(MORTAL))
)
programs = st.builds(
    lambda *parts: [operation for part in parts for operation in part],
    st.lists(connecting | disconnecting, min_size=2, max_size=8),
    st.lists(others | defining, max_size=10),
    defining.map(lambda definition: [definition]),
    st.lists(others | defining, min_size=3, max_size=10),
    # In the end everybody is looked for.
    st.just([Send(number, robust=False) for number in range(len(SENDERS))]),
)


def results(world: World, program: list[Any]) -> list[tuple[Any, Any]]:
    lines = [(operation, world.carry_out(operation)) for operation in program]
    return [(operation, repr(result).replace(world.label, "label")) for operation, result in lines]


@hypothesis_settings(max_examples=120, deadline=None)
@given(program=programs)
@example(
    program=[
        Connect(receiver=2, sender=2, weak=False, dispatch_uid="a"),
        Disconnect(receiver=1, sender=2, dispatch_uid="a"),
        DropReceiver(receiver=1),
        Define(model=0, meanwhile=(), connects_class=True),
    ]
)
def test_a_program_reaches_the_same_receivers_with_djangos_model_signals_and_ours(
    program: list[Any],
) -> None:
    # The programs collect garbage often.
    garbage.spare_what_is_there()
    expected = results(World(DjangoHouse()), program)

    assert results(World(OurHouse()), program) == expected
