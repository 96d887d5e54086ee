"""Django is the judge: the same sequence of operations gives the same results with both signals.

Compared are the results of ``disconnect`` and ``has_listeners``, the responses of a dispatch and
their order, what is said to those who cannot connect, who was called, with what and in which
order, how far each async receiver came, the
type and arguments of each exception, raised or returned, and of those in a group, and what each
receiver and the sender see of a context variable that receivers set.

Where a receiver that waits for the death of another one with the same ``dispatch_uid`` takes its
place, Django's signal is made to do that, too.

Left out, because Django's two versions disagree with each other or stumble themselves:

- Django 5.2 starts the async receivers of ``asend`` while the sync ones still run in their thread.
  Only the order within the sync ones and within the async ones is compared with it, and after a
  sync receiver's failure neither the async receivers nor their failures are.
- Where an async receiver fails, Django 5.2 raises what it raised, and lets the others go on; Django
  6.1 cancels the others, and raises a group where several fail. With 5.2, our first failure alone
  is compared, and not what becomes of the others.
- Django 5.2 loses what async receivers set in context variables, and has no answer for a receiver
  that cancels itself. Neither is compared with it.
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
import weakref
from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
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
from tests import garbage

# A program may connect a receiver and drop it at once.
pytestmark = pytest.mark.filterwarnings("ignore::signalcli.dispatch.DeadReceiverWarning")

if not settings.configured:
    settings.configure(DEBUG=True)  # only then does Django check receivers

SYNC_FIRST_IN_DJANGO = django.VERSION >= (6, 0)
FORGETS_DEAD_SENDERS_IN_DJANGO = django.VERSION >= (6, 0)
# Async receivers run in a task group and in one context.
TOGETHER_IN_DJANGO = django.VERSION >= (6, 1)

Tag = tuple[int, int]

latest: ContextVar[Tag | None] = ContextVar("latest", default=None)


class Broken(Exception):
    """A failure of a receiver's own."""


class Unstoppable(BaseException):
    """What a robust dispatch does not catch either."""


FAILURES: tuple[type[BaseException], ...] = (ValueError, KeyError, Broken, Unstoppable)
GROUPS: tuple[type[BaseException], ...] = (ExceptionGroup, BaseExceptionGroup)
CANCELLATION: tuple[type[BaseException], ...] = (
    (asyncio.CancelledError,) if TOGETHER_IN_DJANGO else ()
)
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
class Reload:
    """A receiver dies once, or before, a new one of its kind connects."""

    receiver: int
    sender: int
    weak: bool
    dispatch_uid: Hashable
    dies_first: bool


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
    """What some receivers do besides answering: Wait (async ones) or an operation (sync ones)."""


@dataclass(frozen=True)
class Wait:
    """Wait a while, set the variable, wait, and end in some way; sync receivers do not wait."""

    before: int
    sets: bool
    after: int
    end: type[BaseException] | None
    defiant: bool
    """Whether it ends like that, too, where it is cancelled."""


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


# Threads that other tests of this process have left, which nobody here waits for.
threads_of_others: set[threading.Thread] = set()


def collect_garbage(runner: asyncio.Runner) -> None:
    """Collect, once asgiref's threads have let go of what they have just called."""
    gc.collect()
    if asyncio._get_running_loop() is None:
        # The thread that stays begins this when it has done with all that went before.
        staying = runner.run(sync_to_async(threading.get_ident)())
        for thread in threading.enumerate():
            if (
                thread.name.startswith("ThreadPoolExecutor")
                and thread.ident != staying
                and thread not in threads_of_others
            ):
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
    sees: Tag | None

    @property
    def is_async(self) -> bool:
        return IS_ASYNC[self.receiver[0]]


@dataclass(frozen=True)
class End:
    """An async receiver came to its end, or was cancelled before."""

    receiver: Tag
    cancelled: bool
    sees: Tag | None

    is_async = True
    raises = None


class SucceedingSignal(django.dispatch.Signal):
    """Django's signal, with places for those who wait behind a living receiver."""

    # What died is looked for at each operation, since those who wait tell nobody of their death.
    _dead_receivers = property(lambda self: True, lambda self, value: None)

    def __init__(self, use_caching: bool = False) -> None:
        super().__init__(use_caching)
        self.waiting: dict[Any, django.dispatch.Signal] = {}

    def connect(
        self, receiver: Any, sender: Any = None, weak: bool = True, dispatch_uid: Any = None
    ) -> None:
        super().connect(receiver, sender, weak, dispatch_uid)
        key = (dispatch_uid, django.dispatch.dispatcher._make_id(sender))
        for first in self.receivers:
            is_weak = isinstance(first[1], weakref.ReferenceType)
            if dispatch_uid and first[0] == key and is_weak and first[1]() != receiver:
                self.waiting[key] = django.dispatch.Signal()
                self.waiting[key].connect(receiver, sender, weak, dispatch_uid)

    def disconnect(self, receiver: Any = None, sender: Any = None, dispatch_uid: Any = None) -> Any:
        found = super().disconnect(receiver, sender, dispatch_uid)
        self.waiting.pop((dispatch_uid, django.dispatch.dispatcher._make_id(sender)), None)
        return found

    def forget(self, is_forgotten: Callable[[Any], bool]) -> None:
        """Take some connections out, also of those who wait, and so let their receivers die."""
        for signal in (self, *self.waiting.values()):
            signal.receivers[:] = [each for each in signal.receivers if not is_forgotten(each)]
            signal.sender_receivers_cache.clear()

    def _clear_dead_receivers(self) -> None:
        # A dead sender's connections go first: a receiver that only they hold dies with them.
        self.forget(
            lambda each: any(
                isinstance(part, weakref.ReferenceType) and part() is None for part in each[2:]
            )
        )
        for place, (key, reference, *_) in enumerate(self.receivers):
            if isinstance(reference, weakref.ReferenceType) and reference() is None:
                for successor in self.waiting.pop(key, django.dispatch.Signal()).receivers:
                    self.receivers[place] = successor
                    self.sender_receivers_cache.clear()
        super()._clear_dead_receivers()


class World:
    """A signal with receivers and senders; carries out operations and tells what came of them."""

    def __init__(self, dispatcher: Any, use_caching: bool, runner: asyncio.Runner) -> None:
        self.dispatcher = dispatcher
        made_by = SucceedingSignal if dispatcher is django.dispatch else dispatcher.Signal
        self.signal = made_by(use_caching=use_caching)
        self.use_caching = use_caching
        self.runner = runner
        self.receivers = [make((slot, 0)) for slot, make in enumerate(RECEIVERS)]
        self.senders = [make() for make in SENDERS]
        self.used_ids = {id(getattr(sender, "__self__", sender)) for sender in self.senders}
        self.generation = 0
        self.calls: list[Call | End] = []
        self.left: Tag | None = None  # what the sender saw of the variable after its dispatch

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
                    # Ours goes on after Django's sentence.
                    return type(error), str(error).partition(". ")[0].rstrip(".")
                # Only strongly is there a receiver among them; it must not stay to be called.
                return self.signal.disconnect(NON_RECEIVERS[receiver])
            case Disconnect(receiver, sender, dispatch_uid):
                target = None if receiver is None else self.receivers[receiver].get()
                return self.signal.disconnect(target, self.senders[sender], dispatch_uid)
            case DropReceiver(receiver):
                self.replace_receiver(receiver, Held(None))
                self.replace_receiver(receiver, self.new_receiver(receiver))
                return None
            case Reload(receiver, sender, weak, dispatch_uid, dies_first):
                if dies_first:
                    self.replace_receiver(receiver, Held(None))
                new = self.new_receiver(receiver)
                self.signal.connect(new.get(), self.senders[sender], weak, dispatch_uid)
                self.replace_receiver(receiver, new)
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

    def new_receiver(self, receiver: int) -> Held:
        self.generation += 1
        return RECEIVERS[receiver]((receiver, self.generation))

    def replace_receiver(self, receiver: int, new: Held) -> None:
        self.receivers[receiver] = new
        # Under DEBUG Django remembers the signatures of functions, and so holds them.
        django_inspect._get_func_parameters.cache_clear()
        collect_garbage(self.runner)

    def forget_connections_with(self, sender: Any) -> None:
        """Django 5.2 keeps them, and so keeps strong receivers alive that were dropped."""
        if self.dispatcher is django.dispatch and not FORGETS_DEAD_SENDERS_IN_DJANGO:
            key = django.dispatch.dispatcher._make_id(sender)
            self.signal.forget(lambda each: each[0][1] == key)

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
        latest.set(None)
        send = getattr(self.signal, way)
        try:
            if way.startswith("a"):
                responses = self.runner.run(self.settled(send(sender, world=self, acts=acts)))
            else:
                try:
                    responses = send(sender, world=self, acts=acts)
                finally:
                    self.left = seen()
        except RAISED as error:
            outcome = ("raised", as_data(error))
        else:
            outcome = (
                "responses",
                [(tag_of(receiver), as_data(value)) for receiver, value in responses],
            )
        calls = self.calls
        if not TOGETHER_IN_DJANGO:
            calls = [call for call in calls if isinstance(call, Call)]
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
                outcome = ("raised", (stopping[0].raises, (stopping[0].receiver,)))
        return (way, calls, outcome, self.left)

    async def settled(self, dispatch: Any) -> Any:
        """Django 5.2 leaves receivers running when one fails: wait for them, whatever they do."""
        latest.set(None)
        try:
            return await dispatch
        finally:
            self.left = seen()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            await asyncio.gather(*others, return_exceptions=True)

    def respond(self, tag: Tag, **named: Any) -> Any:
        act = self.note(tag, **named)
        if isinstance(act, Wait):
            if act.sets:
                latest.set(tag)
            if act.end is not None and issubclass(act.end, FAILURES):
                raise act.end(tag)
            return tag, None
        return tag, self.carry_out(act) if act else None

    async def respond_async(self, tag: Tag, **named: Any) -> Any:
        act = self.note(tag, **named)
        if not isinstance(act, Wait):
            act = Wait(1, False, 0, None, False)
        try:
            for _ in range(act.before):
                await asyncio.sleep(0)  # lets the other receivers go on
            if act.sets:
                latest.set(tag)
            for _ in range(act.after):
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.calls.append(End(tag, True, seen()))
            if not act.defiant:
                raise
        self.calls.append(End(tag, False, seen()))
        if act.end in GROUPS:
            raise BaseExceptionGroup("of its own", [ValueError(tag), LookupError(tag)])
        if act.end is not None:
            raise act.end(tag)
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
                raises=act.end if isinstance(act, Wait) and act.end in FAILURES else None,
                sees=seen(),
            )
        )
        return act


def seen() -> Tag | None:
    """What can be seen of the variable that receivers set."""
    return latest.get() if TOGETHER_IN_DJANGO else None


def tag_of(receiver: Any) -> Tag:
    tag: Tag = getattr(receiver, "__self__", receiver).tag
    return tag


def as_data(value: Any) -> Any:
    if isinstance(value, BaseExceptionGroup) and value.message != "of its own":
        members = [as_data(member) for member in value.exceptions]
        return (type(value), value.message, members) if TOGETHER_IN_DJANGO else members[0]
    if isinstance(value, BaseExceptionGroup):
        return type(value), value.message, [as_data(member) for member in value.exceptions]
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
waiting = st.builds(
    Wait,
    st.integers(0, 3),
    st.booleans(),
    st.integers(0, 3),
    st.none() | st.sampled_from(FAILURES + GROUPS + CANCELLATION),
    st.booleans(),
)
sending = st.builds(
    Dispatch,
    st.sampled_from(["send", "send_robust", "asend", "asend_robust"]),
    senders,
    st.dictionaries(
        receivers,
        waiting | waiting | connecting | disconnecting | asking,
        max_size=4,
    ).map(lambda acts: tuple(acts.items())),
)
changing = (
    connecting
    | disconnecting
    | st.builds(DropReceiver, receivers)
    | st.builds(Reload, receivers, mostly_any_sender, st.booleans(), dispatch_uids, st.booleans())
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
    # Robust dispatches log.
    logging.disable()
    threads_of_others.update(threading.enumerate())
    with asyncio.Runner() as runner:
        yield runner
    threads_of_others.clear()
    logging.disable(logging.NOTSET)


def results(world: World, program: list[Any]) -> list[tuple[Any, Any]]:
    return [(operation, world.carry_out(operation)) for operation in program]


@pytest.mark.parametrize("use_caching", [False, True])
@hypothesis_settings(max_examples=60, deadline=None)
@given(program=programs)
def test_a_sequence_of_operations_has_the_same_results_with_djangos_signal_and_ours(
    program: list[Any], use_caching: bool, runner: asyncio.Runner
) -> None:
    garbage.spare_what_is_there()
    expected = results(World(django.dispatch, use_caching, runner), program)

    assert results(World(signalcli.dispatch, use_caching, runner), program) == expected


@hypothesis_settings(max_examples=40, deadline=None)
@given(program=programs)
def test_a_sequence_of_operations_has_the_same_results_watched_and_unwatched(
    program: list[Any], runner: asyncio.Runner
) -> None:
    garbage.spare_what_is_there()
    expected = results(World(signalcli.dispatch, False, runner), program)
    onlooker = Onlooker()

    with watch(onlooker):
        watched = results(World(signalcli.dispatch, False, runner), program)

    assert watched == expected
    assert not onlooker.open
