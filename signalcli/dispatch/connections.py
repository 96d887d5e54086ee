"""The connections of a signal, their order, and the receivers that a sender reaches."""

import sys
import threading
import weakref
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass
from itertools import repeat
from time import time
from typing import Any

from signalcli.dispatch.deaths import MOST_REMEMBERED, Death, Origin, warn_if_at_once
from signalcli.dispatch.signatures import is_async

ANY_SENDER = None

Key = int | tuple[int, int]

OnDeath = Callable[[Any], None]
Reference = Callable[[], Any]
References = list[Reference]
_ConnectionKey = tuple[Hashable, Key | None]
Reached = tuple[References, References]


@dataclass(frozen=True, slots=True, eq=False)
class Connection:
    """A receiver connected to a signal.

    Attributes:
        receiver_reference: returns the receiver when called, or None when it is dead.
        sender_reference: returns the sender when called, or None when it is dead. The attribute
            is None where the receiver listens to any sender.
        sender_key: the sender's :func:`identity`; None for any sender.
        weak: whether the connection ends with the receiver's life.
        is_async: whether the receiver is awaited.
        dispatch_uid: the identifier that makes it unique across reloads, or None.
        origin: where it was connected.
    """

    receiver_reference: Reference
    sender_reference: Reference | None
    sender_key: Key | None
    weak: bool
    is_async: bool
    dispatch_uid: Hashable
    origin: Origin

    @property
    def receiver(self) -> Any:
        """The receiver, or None when it is dead."""
        return self.receiver_reference()

    @property
    def sender(self) -> Any:
        """The only sender that it listens to, or None for any."""
        return self.sender_reference() if self.sender_reference else None

    @property
    def is_alive(self) -> bool:
        """Whether a dispatch can still reach the receiver."""
        return self.receiver is not None and (
            self.sender_reference is None or self.sender is not None
        )


class ConnectionTable:
    """The connections of one signal, safe to use from many threads.

    Three things make this more than a list.

    Weak references. A receiver or sender may die at any moment: the garbage collector may run
    between any two steps in here, and finalisers may connect and disconnect. So a death is only
    noted at first. The next holder of the lock removes the dead connection.

    Dead senders. A sender is known by its ``id``, which a new object may get after its death. The
    receivers of the dead sender must not pass to the new one. So the death of a sender discards
    at once what was derived from the connections.

    Succession under a ``dispatch_uid``. A module that is reloaded connects its new function while
    the old one still lives: the decorator connects the new function first, then the function takes
    the name, and only then the old one dies. So a receiver that connects with the ``dispatch_uid``
    of a living, weakly held receiver waits behind it, and takes its place when it dies. Only the
    newest receiver waits, held as if it were connected.

    Attributes:
        places: for each receiver (or ``dispatch_uid``) and sender the connection, in a list that
            also has the one that waits behind it. Empty while nothing is connected.
        deaths: the receivers that died while they were connected, the last ones.
        lock: held during each change.
    """

    __slots__ = (
        "__weakref__",
        "_change",
        "_dead",
        "_key_of",
        "_muted",
        "_reached",
        "deaths",
        "lock",
        "places",
    )

    def __init__(self) -> None:
        self.lock = threading.RLock()
        # A list grows and shrinks in single steps, so that a finaliser which strikes in between
        # finds either the old connection or its successor.
        self.places: dict[_ConnectionKey, list[Connection]] = {}
        # Weak references append to it when their target dies. They take no lock, which this very
        # thread may be using half-way through a change.
        self._dead: list[tuple[_ConnectionKey, Reference, float]] = []
        self.deaths: list[Death] = []
        # Derived from the connections, for dispatches: the references that each named sender
        # reaches, and under None those that any other sender reaches. None after a change.
        self._reached: dict[Key | None, Reached] | None = None
        # `id` is enough, and quicker than `identity`, until a bound method is named as a sender.
        self._key_of: Callable[[object], Key] = id
        self._muted = 0
        # A new object after each change. It reveals the change of a finaliser half-way through
        # deriving. The lock does not keep finalisers out: they run in the thread that holds it.
        self._change = object()

    def add(
        self, receiver: Any, sender: Any, is_weak: bool, dispatch_uid: Hashable, origin: Origin
    ) -> bool:
        """Connect, unless that very connection exists.

        Arguments:
            receiver: a callable that was checked.
            sender: the only sender that it listens to; None for any.
            is_weak: whether the connection ends with the receiver's life.
            dispatch_uid: what makes it the only one, or something false: the receiver does.
            origin: where it is connected.

        Returns:
            Whether the receiver is connected now and was not before. One that waits is not.

        Raises:
            TypeError: the receiver cannot be weakly referenced, and should be.
        """
        key = _key(receiver, sender, dispatch_uid)
        reference = weak(receiver, self._burial(key, origin)) if is_weak else strong(receiver)
        sender_key = key[1]
        connection = Connection(
            receiver_reference=reference,
            sender_reference=None
            if sender is ANY_SENDER
            else weak_if_possible(sender, self._burial(key)),
            sender_key=sender_key,
            weak=is_weak,
            is_async=is_async(receiver),
            dispatch_uid=dispatch_uid or None,
            origin=origin,
        )
        with self.lock:
            self._bury_the_dead()
            # Each turn ends with a single step, which fails where a finaliser has used the same key
            # in between. The finaliser was first then, and the next turn sees its connection.
            while True:
                place = self.places.get(key)
                if place is None:
                    if is_bound_method(sender):
                        self._key_of = identity
                    own_place = [connection]
                    if self.places.setdefault(key, own_place) is own_place:
                        self._changed()
                        return True
                    continue
                there = list(place)
                dead = [each for each in there if not each.is_alive]
                if dead or not there:
                    self._bury(key, dead, time())  # they died just now, and are not noted yet
                elif not there[0].weak or identity(there[0].receiver) == identity(receiver):
                    return False
                else:
                    place[1:] = [connection]
                    if self.places.get(key) is place:
                        return False

    def take(self, receiver: Any, sender: Any, dispatch_uid: Hashable) -> list[Connection]:
        """Disconnect; returns the connection and the one that waited behind it, where there are."""
        key = _key(receiver, sender, dispatch_uid)
        with self.lock:
            self._bury_the_dead()
            taken = self.places.pop(key, [])
            if taken:
                self._changed()
            return taken

    def reached_by(self, sender: Any) -> tuple[list[Any], list[Any]]:
        """The living sync and async receivers that a sender reaches, in their order.

        The lists hold them, so that none dies before its turn in the dispatch.
        """
        reached = self._reached
        if reached is None:
            reached = self._derive()
        references, async_references = reached.get(self._key_of(sender)) or reached[ANY_SENDER]
        receivers, async_receivers = [], []
        for refer in references:
            receiver = refer()
            if receiver is not None:
                receivers.append(receiver)
        for refer in async_references:
            receiver = refer()
            if receiver is not None:
                async_receivers.append(receiver)
        return receivers, async_receivers

    def connections(self) -> list[Connection]:
        """Every live connection, in the order of connecting."""
        with self.lock:
            self._bury_the_dead()
            connections = self._connected()
        return [connection for connection in connections if connection.is_alive]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is connected; a connection that died lately may still count."""
        return not self.places

    @property
    def muted(self) -> bool:
        """Whether nobody is reached at present."""
        return self._muted > 0

    def mute(self, step: int) -> None:
        """Reach nobody from a step of 1 until the step of -1 that belongs to it."""
        with self.lock:
            self._muted += step
            self._changed()

    def renew(self) -> None:
        """Be usable in a forked process, whatever other threads were doing at the fork."""
        self.lock = threading.RLock()
        for key, place in list(self.places.items()):
            self._bury(key, [each for each in place if not each.is_alive], time())
        self._changed()

    def _connected(self) -> list[Connection]:
        return [place[0] for place in list(self.places.values()) if place]

    def _derive(self) -> dict[Key | None, Reached]:
        with self.lock:
            change = self._change
            self._bury_the_dead()
            connections = [] if self._muted else self._connected()
            reached: dict[Key | None, Reached] = {ANY_SENDER: ([], [])}
            for connection in connections:
                reached.setdefault(connection.sender_key, ([], []))
            for connection in connections:
                key = connection.sender_key
                for sync_and_async in reached.values() if key is None else (reached[key],):
                    sync_and_async[connection.is_async].append(connection.receiver_reference)
            self._reached = reached
            if self._change is not change:
                self._reached = None
            return reached

    def _changed(self) -> None:
        """Discard what was derived from the connections."""
        self._change = object()
        self._reached = None

    def _burial(
        self, key: _ConnectionKey, origin: Origin | None = None
    ) -> Callable[[Reference], None]:
        """The callback for the death of a connection's receiver or sender.

        Arguments:
            key: the connection's key.
            origin: where it was connected; only for its receiver.
        """
        this = weakref.ref(self)  # a receiver that outlives the signal must not keep its table
        # At the end of the process the module's own names are gone.
        now, is_finalizing = time, sys.is_finalizing

        def bury(reference: Reference) -> None:
            table = this()
            if table is not None:
                # After a change, the next dispatch derives this anew.
                was_sent = table._reached is not None
                table._dead.append((key, reference, now()))
                table._changed()
                if origin is not None and not was_sent and not is_finalizing():
                    warn_if_at_once(origin, sys._getframe(1))

        return bury

    def _bury_the_dead(self) -> None:
        while self._dead:
            try:
                key, reference, moment = self._dead.pop()
            except IndexError:
                return  # a finaliser has done the rest in between
            # A living connection may have the key by now, if its receiver got the dead one's id.
            dead = [
                each
                for each in self.places.get(key, ())
                if each.receiver_reference is reference or each.sender_reference is reference
            ]
            self._bury(key, dead, moment)
            # A strong connection of a dead sender may be the last to hold its receiver, whose other
            # connections then die here, and not after this.
            del dead

    def _bury(self, key: _ConnectionKey, dead: list[Connection], moment: float) -> None:
        """Remove dead connections from their place, and the place unless a receiver waits there."""
        place = self.places.get(key, [])
        for connection in dead:
            with suppress(ValueError):  # a finaliser has removed it
                place.remove(connection)
                self._remember(connection, moment)
        if not place:
            place = self.places.pop(key, [])
            if place:  # a finaliser has connected a receiver here in between
                self.places.setdefault(key, place)

    def _remember(self, connection: Connection, moment: float) -> None:
        origin = connection.origin
        if connection.receiver is not None or (
            connection.sender_reference is not None and connection.sender is None
        ):
            return  # it was the sender that died, and nobody misses the receiver
        self.deaths.append(
            Death(origin.receiver, origin.file, origin.line, moment, connection.sender_reference)
        )
        del self.deaths[:-MOST_REMEMBERED]

    def dead(self) -> list[Death]:
        """The receivers that died while they were connected, the last ones, the oldest first."""
        with self.lock:
            self._bury_the_dead()
            return list(self.deaths)


def _key(receiver: Any, sender: Any, dispatch_uid: Hashable) -> _ConnectionKey:
    return (
        ("uid", dispatch_uid) if dispatch_uid else identity(receiver),
        None if sender is ANY_SENDER else identity(sender),
    )


def identity(target: Any) -> Key:
    """A key that tells objects apart, and methods by the object and the function that they bind.

    Python makes a new bound method at each attribute access, so that its own ``id`` says nothing.
    """
    if is_bound_method(target):
        return (id(target.__self__), id(target.__func__))
    return id(target)


def is_bound_method(target: object) -> bool:
    """Whether a target is a function that is bound to an object or a class."""
    return hasattr(target, "__self__") and hasattr(target, "__func__")


def weak(target: Any, on_death: OnDeath) -> Reference:
    """A weak reference to a target; to a bound method it lasts as long as the method's object.

    Raises:
        TypeError: the target cannot be weakly referenced.
    """
    if is_bound_method(target):
        return weakref.WeakMethod(target, on_death)
    return weakref.ref(target, on_death)


def strong(target: Any) -> Reference:
    """A reference that keeps its target alive, called like a weak one."""
    # The bound `__next__` of an endless repeat is the cheapest callable that returns one object.
    return repeat(target).__next__


def weak_if_possible(target: Any, on_death: OnDeath) -> Reference:
    """A weak reference, or a strong one to a target that allows no other: a string, a number.

    Such a target is kept alive, so that no other object can get its ``id``.
    """
    try:
        return weak(target, on_death)
    except TypeError:
        return strong(target)
