"""Django is the judge: the same sequence of operations gives the same results with both signals.

Compared are the results of ``disconnect`` and ``has_listeners``, the responses of a dispatch and
their order, who was called, with what and in which order, and the type and arguments of each
exception, raised or returned.

Left out, because Django's two versions disagree with each other or stumble themselves:

- Django 5.2 starts the async receivers of ``asend`` while the sync ones still run in their thread.
  Only the order within the sync ones and within the async ones is compared with it, and after a
  sync receiver's failure neither the async receivers nor their failures are.
- Where several async receivers fail, Django 6.1 raises an exception group. Its first member is
  compared with ours, which raises that one alone, as Django 5.2 does.
- Django 5.2 keeps a dead sender's connections and hands them to a new sender with the same ``id``.
  It is made to forget them here, and every sender has an ``id`` of its own; what happens otherwise
  is tested with the garbage.
- With ``use_caching`` Django cannot send for what has no weak reference, such as None or a string.
- Django's ``send_robust`` breaks at a failing receiver without a ``__qualname__``; all have one.
"""

import asyncio
import functools
import gc
import logging
import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import django
import django.dispatch
import pytest
from asgiref.sync import markcoroutinefunction, sync_to_async
from django.conf import settings
from django.utils import inspect as django_inspect
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import signalcli.dispatch
from signalcli.dispatch import watch

if not settings.configured:
    settings.configure(DEBUG=True)  # only then does Django check receivers

SYNC_FIRST_IN_DJANGO = django.VERSION >= (6, 0)
FORGETS_DEAD_SENDERS_IN_DJANGO = django.VERSION >= (6, 0)

Tag = tuple[int, int]


class Broken(Exception):
    """A failure of a receiver's own."""


class Unstoppable(BaseException):
    """What a robust dispatch does not catch either."""


FAILURES: tuple[type[BaseException], ...] = (ValueError, KeyError, Broken, Unstoppable)
RAISED: tuple[type[BaseException], ...] = (*FAILURES, BaseExceptionGroup)


# --- operations -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Connect:
    receiver: int
    sender: int
    weak: bool
    dispatch_uid: Hashable
    by_decorator: bool


@dataclass(frozen=True)
class ConnectWrongly:
    receiver: int
    weak: bool


@dataclass(frozen=True)
class Disconnect:
    receiver: int | None
    sender: int
    dispatch_uid: Hashable


@dataclass(frozen=True)
class DropReceiver:
    receiver: int


@dataclass(frozen=True)
class DropSender:
    sender: int


@dataclass(frozen=True)
class HasListeners:
    sender: int


@dataclass(frozen=True)
class Dispatch:
    way: str
    sender: int
    acts: tuple[tuple[int, Any], ...]
    """What some receivers do besides answering: raise an exception, or an operation (sync ones)."""


# --- receivers and senders --------------------------------------------------------------------


@dataclass
class Held:
    """A receiver, or the object whose method it is; bound methods are made anew at each use."""

    owner: Any
    method: str | None = None

    def get(self) -> Any:
        return getattr(self.owner, self.method) if self.method else self.owner


class Methods:
    def __init__(self, tag: Tag) -> None:
        self.tag = tag

    def respond(self, world: "World", **named: Any) -> Any:
        return world.respond(self.tag, **named)

    async def respond_async(self, world: "World", **named: Any) -> Any:
        return await world.respond_async(self.tag, **named)


class CallableObject(Methods):
    __qualname__ = "CallableObject"

    def __init__(self, tag: Tag) -> None:
        super().__init__(tag)
        self.__qualname__ = "callable_object"

    def __call__(self, world: "World", **named: Any) -> Any:
        return world.respond(self.tag, **named)


class AsyncCallableObject(CallableObject):
    def __init__(self, tag: Tag) -> None:
        super().__init__(tag)
        markcoroutinefunction(self)

    def __call__(self, world: "World", **named: Any) -> Any:
        return world.respond_async(self.tag, **named)


def a_function(tag: Tag) -> Any:
    def function(world: World, **named: Any) -> Any:
        return world.respond(tag, **named)

    function.tag = tag  # type: ignore[attr-defined]  # functions take attributes
    return function


def an_async_function(tag: Tag) -> Any:
    async def function(world: World, **named: Any) -> Any:
        return await world.respond_async(tag, **named)

    function.tag = tag  # type: ignore[attr-defined]  # functions take attributes
    return function


def a_partial(function: Any) -> Any:
    partial: Any = functools.partial(function, flavour="partial")
    partial.tag = function.tag
    partial.__qualname__ = "partial"
    return partial


RECEIVERS: tuple[Callable[[Tag], Held], ...] = (
    lambda tag: Held(a_function(tag)),
    lambda tag: Held(an_async_function(tag)),
    lambda tag: Held(Methods(tag), "respond"),
    lambda tag: Held(Methods(tag), "respond_async"),
    lambda tag: Held(CallableObject(tag)),
    lambda tag: Held(AsyncCallableObject(tag)),
    lambda tag: Held(a_partial(a_function(tag))),
    lambda tag: Held(a_partial(an_async_function(tag))),
)
IS_ASYNC = (False, True, False, True, False, True, False, True)


class Unweak:
    """A callable that cannot be weakly referenced."""

    __slots__ = ()

    def __call__(self, **named: Any) -> None: ...


class Demanding:
    """Callable, by a method and as an instance, but not with any keyword argument."""

    def __call__(self, sender: Any) -> None: ...

    def method(self, sender: Any) -> None: ...


def without_kwargs(signal: Any, sender: Any) -> None: ...


NON_RECEIVERS: tuple[Any, ...] = (
    None,
    "text",
    object(),
    without_kwargs,
    lambda: None,
    Demanding(),
    Demanding().method,
    functools.partial(without_kwargs, sender=None),
    Unweak(),
)


def collect_garbage(runner: asyncio.Runner) -> None:
    """Collect, once asgiref's threads have let go of what they have just called."""
    gc.collect()
    if asyncio._get_running_loop() is None:
        # The thread that stays begins this when it has done with all that went before.
        staying = runner.run(sync_to_async(threading.get_ident)())
        for thread in threading.enumerate():
            if thread.name.startswith("ThreadPoolExecutor") and thread.ident != staying:
                thread.join(timeout=10)
    gc.collect()


class Sender:
    def method(self) -> None: ...


SENDERS: tuple[Callable[[], Any], ...] = (
    lambda: None,
    lambda: type("Model", (), {}),
    lambda: Sender(),
    lambda: Sender().method,
    lambda: "a sender",
)
MORTAL_SENDERS = (1, 2, 3)
UNCACHEABLE_SENDERS = (0, 4)


# --- the world in which operations are carried out --------------------------------------------


@dataclass(frozen=True)
class Call:
    """A receiver was called; everything that it could see, as comparable data."""

    receiver: Tag
    sender: int | None
    its_own_signal: bool
    others: tuple[str, ...]
    raises: type[BaseException] | None

    @property
    def is_async(self) -> bool:
        return IS_ASYNC[self.receiver[0]]


class World:
    """A signal with receivers and senders; carries out operations and tells what came of them."""

    def __init__(self, dispatcher: Any, use_caching: bool, runner: asyncio.Runner) -> None:
        self.dispatcher = dispatcher
        self.signal = dispatcher.Signal(use_caching=use_caching)
        self.use_caching = use_caching
        self.runner = runner
        self.receivers = [make((slot, 0)) for slot, make in enumerate(RECEIVERS)]
        self.senders = [make() for make in SENDERS]
        self.used_ids = {id(getattr(sender, "__self__", sender)) for sender in self.senders}
        self.generation = 0
        self.calls: list[Call] = []

    @property
    def asend_starts_all_at_once(self) -> bool:
        return self.dispatcher is django.dispatch and not SYNC_FIRST_IN_DJANGO

    def carry_out(self, operation: Any) -> Any:
        match operation:
            case Connect(receiver, sender, weak, dispatch_uid, by_decorator):
                options = {
                    "sender": self.senders[sender],
                    "weak": weak,
                    "dispatch_uid": dispatch_uid,
                }
                target = self.receivers[receiver].get()
                if by_decorator:
                    self.dispatcher.receiver([self.signal], **options)(target)
                else:
                    self.signal.connect(target, **options)
                return None
            case ConnectWrongly(receiver, weak):
                try:
                    self.signal.connect(NON_RECEIVERS[receiver], weak=weak)
                except (TypeError, ValueError) as error:
                    return type(error)
                # Only strongly is there a receiver among them; it must not stay to be called.
                return self.signal.disconnect(NON_RECEIVERS[receiver])
            case Disconnect(receiver, sender, dispatch_uid):
                target = None if receiver is None else self.receivers[receiver].get()
                return self.signal.disconnect(target, self.senders[sender], dispatch_uid)
            case DropReceiver(receiver):
                self.receivers[receiver] = Held(None)
                # Under DEBUG Django remembers the signatures of functions, and so holds them.
                django_inspect._get_func_parameters.cache_clear()
                collect_garbage(self.runner)
                self.generation += 1
                self.receivers[receiver] = RECEIVERS[receiver]((receiver, self.generation))
                return None
            case DropSender(sender):
                self.forget_connections_with(self.senders[sender])
                self.senders[sender] = None
                collect_garbage(self.runner)
                self.senders[sender] = self.sender_of_unused_id(SENDERS[sender])
                return None
            case HasListeners(sender):
                if self.use_caching and sender in UNCACHEABLE_SENDERS:
                    return None
                return self.signal.has_listeners(self.senders[sender])
            case Dispatch(way, sender, acts):
                if self.use_caching and sender in UNCACHEABLE_SENDERS:
                    return None
                return self.dispatch(way, self.senders[sender], dict(acts))
        raise AssertionError(operation)

    def forget_connections_with(self, sender: Any) -> None:
        """Django 5.2 keeps them, and so keeps strong receivers alive that were dropped."""
        if self.dispatcher is django.dispatch and not FORGETS_DEAD_SENDERS_IN_DJANGO:
            key = django.dispatch.dispatcher._make_id(sender)
            connected = self.signal.receivers
            connected[:] = [each for each in connected if each[0][1] != key]
            self.signal.sender_receivers_cache.clear()

    def sender_of_unused_id(self, make: Callable[[], Any]) -> Any:
        rejected = []
        while True:
            sender = make()
            owner_id = id(getattr(sender, "__self__", sender))
            if owner_id not in self.used_ids:
                self.used_ids.add(owner_id)
                return sender
            rejected.append(sender)

    def dispatch(self, way: str, sender: Any, acts: dict[int, Any]) -> tuple[Any, ...]:
        self.calls = []
        send = getattr(self.signal, way)
        try:
            if way.startswith("a"):
                responses = self.runner.run(settled(send(sender, world=self, acts=acts)))
            else:
                responses = send(sender, world=self, acts=acts)
        except RAISED as error:
            first = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error
            if isinstance(error, BaseExceptionGroup):
                assert self.dispatcher is django.dispatch, "our signal raises the first alone"
            outcome = ("raised", *as_data(first))
        else:
            outcome = (
                "responses",
                [(tag_of(receiver), as_data(value)) for receiver, value in responses],
            )
        calls = self.calls
        if way.startswith("a") and self.asend_starts_all_at_once:
            calls.sort(key=lambda call: call.is_async)
            stopping = [
                call
                for call in calls
                if call.raises
                and not call.is_async
                and (way == "asend" or not issubclass(call.raises, Exception))
            ]
            if stopping:
                calls = [call for call in calls if not call.is_async]
                outcome = ("raised", stopping[0].raises, (stopping[0].receiver,))
        return (way, calls, outcome)

    def respond(self, tag: Tag, **named: Any) -> Any:
        act = self.note(tag, **named)
        if isinstance(act, type):
            raise act(tag)
        return tag, self.carry_out(act) if act else None

    async def respond_async(self, tag: Tag, **named: Any) -> Any:
        act = self.note(tag, **named)
        await asyncio.sleep(0)  # lets the other receivers begin
        if isinstance(act, type):
            raise act(tag)
        return tag, None

    def note(self, tag: Tag, signal: Any, sender: Any, acts: dict[int, Any], **others: Any) -> Any:
        act = acts.get(tag[0])
        self.calls.append(
            Call(
                receiver=tag,
                sender=next(
                    (index for index, each in enumerate(self.senders) if each is sender), None
                ),
                its_own_signal=signal is self.signal,
                others=tuple(sorted(others)),
                raises=act if isinstance(act, type) else None,
            )
        )
        return act


async def settled(dispatch: Any) -> Any:
    """Django 5.2 leaves receivers running when one fails: wait for them, whatever they do."""
    try:
        return await dispatch
    finally:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)


def tag_of(receiver: Any) -> Tag:
    tag: Tag = getattr(receiver, "__self__", receiver).tag
    return tag


def as_data(value: Any) -> Any:
    return (type(value), value.args) if isinstance(value, BaseException) else value


class Onlooker:
    """An observer that does nothing but check that what begins ends, once and by its token."""

    def __init__(self) -> None:
        self.open: set[object] = set()

    def dispatch_begun(self, signal: Any, sender: Any, named: Any, robust: bool) -> object:
        return self.begin()

    def dispatch_ended(self, dispatch: object, error: Any) -> None:
        self.open.remove(dispatch)

    def response_begun(self, dispatch: object, receiver: Any) -> object:
        assert dispatch in self.open
        return self.begin()

    def response_ended(self, response: object, value: Any, error: Any) -> None:
        self.open.remove(response)

    def cause(self) -> None: ...

    def caused_by(self, cause: None) -> AbstractContextManager[None]:
        return nullcontext()

    def begin(self) -> object:
        token = object()
        self.open.add(token)
        return token


# --- generating programs ----------------------------------------------------------------------

receivers = st.integers(0, len(RECEIVERS) - 1)
senders = st.integers(0, len(SENDERS) - 1)
mostly_any_sender = st.just(0) | senders
dispatch_uids = st.sampled_from([None, None, None, "", 0, "a", ("b", 1)])

connecting = st.builds(
    Connect, receivers, mostly_any_sender, st.booleans(), dispatch_uids, st.booleans()
)
disconnecting = st.builds(Disconnect, st.none() | receivers, mostly_any_sender, dispatch_uids)
asking = st.builds(HasListeners, senders)
sending = st.builds(
    Dispatch,
    st.sampled_from(["send", "send_robust", "asend", "asend_robust"]),
    senders,
    st.dictionaries(
        receivers,
        st.sampled_from(FAILURES) | connecting | disconnecting | asking,
        max_size=3,
    ).map(lambda acts: tuple(acts.items())),
)
changing = (
    connecting
    | disconnecting
    | st.builds(DropReceiver, receivers)
    | st.builds(DropSender, st.sampled_from(MORTAL_SENDERS))
    | st.builds(ConnectWrongly, st.integers(0, len(NON_RECEIVERS) - 1), st.booleans())
)
# Connections first, since dispatches without receivers tell little.
programs = st.builds(
    list.__add__,
    st.lists(connecting, min_size=3, max_size=8),
    st.lists(sending | sending | sending | sending | changing | asking, min_size=8, max_size=20),
)


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    # The programs collect garbage often: spare what was there before. And robust dispatches log.
    gc.collect()
    gc.freeze()
    logging.disable()
    with asyncio.Runner() as runner:
        yield runner
    logging.disable(logging.NOTSET)
    gc.unfreeze()


def results(world: World, program: list[Any]) -> list[tuple[Any, Any]]:
    return [(operation, world.carry_out(operation)) for operation in program]


@pytest.mark.parametrize("use_caching", [False, True])
@hypothesis_settings(max_examples=60, deadline=None)
@given(program=programs)
def test_a_sequence_of_operations_has_the_same_results_with_djangos_signal_and_ours(
    program: list[Any], use_caching: bool, runner: asyncio.Runner
) -> None:
    expected = results(World(django.dispatch, use_caching, runner), program)

    assert results(World(signalcli.dispatch, use_caching, runner), program) == expected


@hypothesis_settings(max_examples=40, deadline=None)
@given(program=programs)
def test_a_sequence_of_operations_has_the_same_results_watched_and_unwatched(
    program: list[Any], runner: asyncio.Runner
) -> None:
    expected = results(World(signalcli.dispatch, False, runner), program)
    onlooker = Onlooker()

    with watch(onlooker):
        watched = results(World(signalcli.dispatch, False, runner), program)

    assert watched == expected
    assert not onlooker.open
