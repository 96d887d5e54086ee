"""The signal: connecting receivers and sending to them."""

import sys
import weakref
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from signalcli.dispatch import forking
from signalcli.dispatch.calling import (
    Calls,
    Receiver,
    Responses,
    call_concurrently,
    call_each,
    complete,
)
from signalcli.dispatch.connections import Connection, ConnectionTable
from signalcli.dispatch.deaths import Death, Origin, entering, origin_of
from signalcli.dispatch.naming import Definition
from signalcli.dispatch.signatures import check_receiver
from signalcli.dispatch.tasks import in_thread, wait_for
from signalcli.dispatch.watching import (
    MeteredCalls,
    WatchedDispatch,
    announce_change,
    meters,
    observers,
)

R = TypeVar("R", bound=Callable[..., Any])

# By the id of the reference itself, which is unique while the reference stands here. No lock: each
# use is a single operation of a dict, which no other thread can interrupt. The garbage collector
# may end a signal's life half-way through any step, and could not wait for a lock.
_living: "dict[int, weakref.ref[Signal]]" = {}
_own_names = globals()


class Signal:
    """An object that receivers connect to, and that a sender sends.

    The contract is that of Django's ``django.dispatch.Signal``; what differs is said at each
    method. A signal that is a global of a module knows its own name::

        notification = Signal(providing_args=["email", "username"])
    """

    def __init__(
        self, providing_args: Iterable[str] | None = None, *, use_caching: bool = False
    ) -> None:
        """Make a signal.

        Arguments:
            providing_args: the names of the arguments that receivers can rely on. A receiver that
                demands another one is refused when it connects. None: the signal does not say.
            use_caching: accepted for code that comes from Django. Which receivers a sender
                reaches is always remembered here, at no cost to the sender's life.

        Raises:
            TypeError: ``providing_args`` is not a collection of names.
        """
        names = None if providing_args is None else tuple(providing_args)
        if isinstance(providing_args, str) or not all(
            isinstance(name, str) for name in names or ()
        ):
            raise TypeError(f"providing_args takes a list of names, not {providing_args!r}.")
        self.providing_args: tuple[str, ...] | None = names
        self.use_caching = use_caching
        self._table = ConnectionTable()
        self._definition = Definition(self)
        reference = weakref.ref(self, _bury)
        _living[id(reference)] = reference

    def __set_name__(self, owner: type, name: str) -> None:
        self._definition.set_name(self, f"{owner.__qualname__}.{name}")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.path}>"

    @property
    def name(self) -> str:
        """The name that the signal was given where it was defined: ``notification``."""
        return self._definition.name_of(self)

    @property
    def module(self) -> str:
        """The module that defined the signal."""
        return self._definition.module

    @property
    def path(self) -> str:
        """The full name: ``signalcli.core.signals.notification``."""
        return f"{self.module}.{self.name}"

    @property
    def place(self) -> tuple[str, int]:
        """The file and line where the signal was defined."""
        return self._definition.filename, self._definition.line

    @property
    def connections(self) -> list[Connection]:
        """Every live connection, in the order of connecting."""
        return self._table.connections()

    @property
    def deaths(self) -> list[Death]:
        """The receivers that died while they were connected: the last 20, the newest last."""
        return self._table.dead()

    def connect(
        self,
        receiver: R,
        sender: Any = None,
        weak: bool = True,
        dispatch_uid: Hashable = None,
    ) -> R:
        """Connect a receiver, once. Mirrors Django's ``Signal.connect``.

        Unlike Django's, it always checks the receiver, and returns it, so that it can be used as a
        decorator. And it lets a module be reloaded: see ``dispatch_uid``.

        Arguments:
            receiver: a hashable callable, sync or async, that takes ``**kwargs``. Receivers run
                in the order in which they connected.
            sender: the only object whose dispatches are received; None for every sender. It is
                compared by identity. It is not kept alive, unless it cannot be weakly referenced
                (a string, a number).
            weak: whether the connection ends with the receiver's life. A bound method lives as
                long as its object. Pass False for a function that nothing else holds.
            dispatch_uid: a hashable identifier. Of several receivers with the same one only the
                first is connected, for as long as it lives: a module may be imported twice. The
                last one that connected after it waits, held as if it were connected, but not
                listed. When the first dies, the one that waits takes its place in the order at
                once: a reloaded module's new function, for which Django needs a second reload.
                Nobody waits behind a receiver that the connection itself keeps alive.

        Raises:
            TypeError: the receiver is not callable, or cannot be weakly referenced.
            ValueError: the receiver takes no ``**kwargs``, or demands an argument that the signal
                does not provide.

        Warns:
            DeadReceiverWarning: the receiver dies right afterwards, as a lambda does.
        """
        check_receiver(receiver, self.providing_args)
        frame = sys._getframe(1)
        if frame.f_globals is _own_names and frame.f_back is not None:
            frame = frame.f_back  # of the decorator's user
        self._add(receiver, sender, weak, dispatch_uid, origin_of(receiver, frame))
        return receiver

    def disconnect(
        self,
        receiver: Receiver | None = None,
        sender: Any = None,
        dispatch_uid: Hashable = None,
    ) -> bool:
        """Disconnect a receiver. Mirrors Django's ``Signal.disconnect``.

        With a ``dispatch_uid``, the receiver that waits for this one's place is disconnected, too.

        Arguments:
            receiver: the receiver; not needed with a ``dispatch_uid``.
            sender: the sender that it was connected with.
            dispatch_uid: the identifier that it was connected with.

        Returns:
            Whether there was such a connection.
        """
        return self._remove(receiver, sender, dispatch_uid)

    @property
    def is_idle(self) -> bool:
        """Whether no receiver is connected and nobody watches, so that sending has no effect."""
        return not (self._table.places or observers)

    def has_listeners(self, sender: Any = None) -> bool:
        """Whether a dispatch from this sender would reach a receiver, as in Django."""
        return any(self._table.reached_by(sender))

    def send(self, sender: Any, **named: Any) -> Responses:
        """Send to every connected receiver. Mirrors Django's ``Signal.send``.

        Sync receivers run first, in the order of connecting. Then the async receivers run
        concurrently, awaited through asgiref's ``async_to_sync``. They share one context: each
        sees what the others set in context variables, and the sender sees it afterwards, as in
        Django 6.1 (in 5.2 it is lost). Unlike in Django 6.1, several of them may call sync code
        through asgiref's ``sync_to_async`` at the same time.

        Arguments:
            sender: who the signal is sent for, usually a class, or None. The receivers connected
                with this sender and those connected without a sender are called.
            named: the arguments that each receiver gets along with ``signal`` and ``sender``.

        Returns:
            A pair for each receiver: the receiver, and the value that it returned.

        Raises:
            Exception: what a receiver raised. The receivers after it are not called, and async
                receivers that still run are cancelled (Django 5.2 lets them go on).
            ExceptionGroup: several async receivers failed, some perhaps on being cancelled, as in
                Django 6.1 (5.2 raises the first failure alone). A ``BaseExceptionGroup`` where it
                has more than exceptions.
        """
        if not (self._table.places or observers):
            return []
        return self._send(sender, named, False)

    def send_robust(self, sender: Any, **named: Any) -> Responses:
        """Send to every receiver, whatever the others raise. Mirrors ``Signal.send_robust``.

        Like :meth:`send`, but a receiver's exception takes the place of its value in the result,
        and is logged under ``signalcli.dispatch`` with its traceback.
        """
        if not (self._table.places or observers):
            return []
        return self._send(sender, named, True)

    async def asend(self, sender: Any, **named: Any) -> Responses:
        """:meth:`send` for async code. Mirrors Django's ``Signal.asend``.

        Sync receivers run first, in a thread (asgiref's ``sync_to_async``). Then the async
        receivers run concurrently on the running loop, as in Django 6.1 (in 5.2 all begin at
        once). Cancelling the sender cancels them. A receiver that cancels itself answers None.
        """
        if not (self._table.places or observers):
            return []
        return await self._asend(sender, named, False)

    async def asend_robust(self, sender: Any, **named: Any) -> Responses:
        """:meth:`send_robust` for async code. Mirrors Django's ``Signal.asend_robust``."""
        if not (self._table.places or observers):
            return []
        return await self._asend(sender, named, True)

    @contextmanager
    def connected_to(self, receiver: R, sender: Any = None) -> Iterator[R]:
        """In the block, a receiver is connected, and held strongly; for tests.

        A receiver that was connected before stays connected afterwards.

        Raises:
            TypeError: as :meth:`connect` does.
            ValueError: as :meth:`connect` does.
        """
        check_receiver(receiver, self.providing_args)
        is_new = self._add(receiver, sender, False, None, origin_of(receiver, entering()))
        try:
            yield receiver
        finally:
            if is_new:
                self.disconnect(receiver, sender)

    @property
    def is_muted(self) -> bool:
        """Whether the signal reaches nobody at present, as in a block of :meth:`muted`."""
        return self._table.muted

    @contextmanager
    def muted(self) -> Iterator[None]:
        """In the block, the signal reaches no receiver and no observer in any thread; for tests."""
        self._table.mute(1)
        try:
            yield
        finally:
            self._table.mute(-1)

    def _add(
        self, receiver: Any, sender: Any, weak: bool, dispatch_uid: Hashable, origin: Origin
    ) -> bool:
        """Connect a receiver that was checked; returns whether the connection is new."""
        is_new = self._table.add(receiver, sender, weak, dispatch_uid, origin)
        if is_new:
            self._connections_changed()
        return is_new

    def _remove(self, receiver: Any, sender: Any, dispatch_uid: Hashable) -> bool:
        """Disconnect; returns whether there was such a connection."""
        found = bool(self._table.take(receiver, sender, dispatch_uid))
        if found:
            self._connections_changed()
        return found

    def _connections_changed(self) -> None:
        """A connection was made or ended; for signals that prepare for having listeners."""

    def _renew(self) -> None:
        """Be usable in a forked process, whatever other threads were doing at the fork."""
        self._table.renew()

    # The way of every dispatch, once for sync senders and once for async ones: look for observers,
    # find the receivers, look for meters, and make the calls (see signalcli.dispatch.calling).
    # Observers take the dispatch the same way a second time, with calls of their own.

    def _send(
        self,
        sender: Any,
        named: dict[str, Any],
        robust: bool,
        watched: WatchedDispatch | None = None,
    ) -> Responses:
        if watched is None and observers:
            return self._send_watched(sender, named, robust)
        receivers, async_receivers = self._table.reached_by(sender)
        if not receivers and not async_receivers:
            return []
        calls: Calls | None = watched
        if watched is not None:
            watched.receivers = [*receivers, *async_receivers]
        elif meters:
            calls = MeteredCalls(self)
        responses = call_each(receivers, self, sender, named, robust, calls)
        if async_receivers:
            named = complete(self, sender, named)
            responses += wait_for(call_concurrently(async_receivers, named, robust, calls))
        return responses

    def _send_watched(self, sender: Any, named: dict[str, Any], robust: bool) -> Responses:
        if self._table.muted:
            return []
        with WatchedDispatch(self, sender, named, robust) as dispatch:
            if dispatch.is_silenced:
                return []
            return self._send(sender, named, robust, dispatch)

    async def _asend(
        self,
        sender: Any,
        named: dict[str, Any],
        robust: bool,
        watched: WatchedDispatch | None = None,
    ) -> Responses:
        if watched is None and observers:
            return await self._asend_watched(sender, named, robust)
        receivers, async_receivers = self._table.reached_by(sender)
        if not receivers and not async_receivers:
            return []
        calls: Calls | None = watched
        if watched is not None:
            watched.receivers = [*receivers, *async_receivers]
        elif meters:
            calls = MeteredCalls(self)
        responses: Responses = []
        if receivers:
            responses += await in_thread(call_each, receivers, self, sender, named, robust, calls)
        if async_receivers:
            named = complete(self, sender, named)
            responses += await call_concurrently(async_receivers, named, robust, calls)
        return responses

    async def _asend_watched(self, sender: Any, named: dict[str, Any], robust: bool) -> Responses:
        if self._table.muted:
            return []
        with WatchedDispatch(self, sender, named, robust) as dispatch:
            if dispatch.is_silenced:
                return []
            return await self._asend(sender, named, robust, dispatch)


def receiver(signals: Signal | Iterable[Signal], **options: Any) -> Callable[[R], R]:
    """Connect the decorated function to a signal, or to each of a list or tuple of them.

    Mirrors Django's ``django.dispatch.receiver``. The options are the arguments of
    :meth:`Signal.connect`::

        @receiver(post_save, sender=User)
        def create_profile(instance, created, **kwargs): ...

    Raises:
        TypeError: ``signals`` is not a signal, nor a list or tuple of them.
    """
    wanted: list[Signal] = list(signals) if isinstance(signals, Iterable) else [signals]
    for signal in wanted:
        if not hasattr(signal, "connect"):
            raise TypeError(f"receiver() takes a signal, or a list of them, not {signal!r}.")

    def connect(function: R) -> R:
        for signal in wanted:
            signal.connect(function, **options)
        return function

    return connect


def all_signals() -> list[Signal]:
    """Every signal that lives, in the order in which they were made."""
    references = list(_living.values())
    return [signal for refer in references if (signal := refer()) is not None]


def _bury(reference: weakref.ref[Signal]) -> None:
    _living.pop(id(reference), None)


def _renew_all() -> None:
    for signal in all_signals():
        signal._renew()
    # At the fork another thread may have changed the observers, and not have announced it yet.
    announce_change()


forking.in_child(_renew_all)
