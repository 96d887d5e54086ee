"""Who is connected to a signal, in which order, and who of them a sender reaches."""

import threading
import weakref
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass
from itertools import repeat
from typing import Any

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
        receiver_reference: called, gives the receiver, or None when it is dead.
        sender_reference: called, gives the sender, or None when it is dead; None itself where
            any sender will do.
        weak: whether the connection leaves the receiver's life alone.
        is_async: whether the receiver is awaited.
        dispatch_uid: the identifier that makes it unique across reloads, or None.
    """

    receiver_reference: Reference
    sender_reference: Reference | None
    sender_key: Key | None
    weak: bool
    is_async: bool
    dispatch_uid: Hashable

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

    What a dispatch needs is derived from the connections once, and again after a change: the
    references that each named sender reaches, and under None those that any other sender does.

    A module that is loaded anew connects its new function while the old one still lives, unless it
    does so after the function's name has passed to the new one. So whoever connects with the
    ``dispatch_uid`` of a living receiver that is held weakly waits behind it: the newest alone,
    held as it would be if it were connected. When the living one dies, that one has its place.
    """

    __slots__ = (
        "__weakref__",
        "_change",
        "_dead",
        "_key_of",
        "_muted",
        "_reached",
        "lock",
        "places",
    )

    def __init__(self) -> None:
        self.lock = threading.RLock()
        # Each in a list, behind which another one may wait. A list grows and shrinks in single
        # steps, so whatever strikes in between finds whoever comes first connected.
        self.places: dict[_ConnectionKey, list[Connection]] = {}
        # Filled by callbacks of the garbage collector, which may strike while the lock is held;
        # so they only append, and whoever holds the lock next tidies up.
        self._dead: list[tuple[_ConnectionKey, Reference]] = []
        self._reached: dict[Key | None, Reached] | None = None
        self._key_of: Callable[[object], Key] = id
        self._muted = 0
        # Another object after each change, so that a change in the middle of deriving is noticed:
        # a finaliser may connect, disconnect or bury wherever the garbage collector strikes.
        self._change = object()

    def add(self, receiver: Any, sender: Any, is_weak: bool, dispatch_uid: Hashable) -> bool:
        """Connect, unless that very connection exists; returns whether it is new."""
        key = _key(receiver, sender, dispatch_uid)
        reference = weak(receiver, self._burial(key)) if is_weak else strong(receiver)
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
        )
        with self.lock:
            self._bury_the_dead()
            # Again where a finaliser came between with the same key: then it was first.
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
                    self._bury(key, dead)  # they died just now, which was not told yet
                elif not there[0].weak or identity(there[0].receiver) == identity(receiver):
                    return False
                else:
                    place[1:] = [connection]
                    if self.places.get(key) is place:
                        return False

    def take(self, receiver: Any, sender: Any, dispatch_uid: Hashable) -> list[Connection]:
        """Disconnect; returns that connection, if it existed, and the one that waited behind it."""
        key = _key(receiver, sender, dispatch_uid)
        with self.lock:
            self._bury_the_dead()
            taken = self.places.pop(key, [])
            if taken:
                self._changed()
            return taken

    def reached_by(self, sender: Any) -> tuple[list[Any], list[Any]]:
        """The sync and the async receivers that a sender reaches, in order.

        They are those that are alive, held so that none dies before its turn.
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
        """Whether nothing is connected (what died lately may still count)."""
        return not self.places

    @property
    def muted(self) -> bool:
        """Whether nobody is reached at present."""
        return self._muted > 0

    def mute(self, step: int) -> None:
        """Reach nobody until as many steps back (-1) were made as steps (1) before."""
        with self.lock:
            self._muted += step
            self._changed()

    def renew(self) -> None:
        """Be usable in a new process, whatever other threads were doing when it was forked."""
        self.lock = threading.RLock()
        for key, place in list(self.places.items()):
            self._bury(key, [each for each in place if not each.is_alive])
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
        """What was derived from the connections is out of date."""
        self._change = object()
        self._reached = None

    def _burial(self, key: _ConnectionKey) -> Callable[[Reference], None]:
        """What to do when the receiver or the sender of a connection dies."""
        this = weakref.ref(self)

        def bury(reference: Reference) -> None:
            table = this()
            if table is not None:
                table._dead.append((key, reference))
                table._changed()

        return bury

    def _bury_the_dead(self) -> None:
        while self._dead:
            try:
                key, reference = self._dead.pop()
            except IndexError:
                return  # a finaliser has struck here, and has left nothing to do
            # A living connection may have taken the key since, with the id of the dead.
            dead = [
                each
                for each in self.places.get(key, ())
                if each.receiver_reference is reference or each.sender_reference is reference
            ]
            self._bury(key, dead)

    def _bury(self, key: _ConnectionKey, dead: list[Connection]) -> None:
        """Take the dead out of their place, which is free then unless somebody waits."""
        place = self.places.get(key, [])
        for connection in dead:
            with suppress(ValueError):
                place.remove(connection)
        if not place:
            place = self.places.pop(key, [])
            if place:  # taken by a finaliser, just now
                self.places.setdefault(key, place)


def _key(receiver: Any, sender: Any, dispatch_uid: Hashable) -> _ConnectionKey:
    return (
        ("uid", dispatch_uid) if dispatch_uid else identity(receiver),
        None if sender is ANY_SENDER else identity(sender),
    )


def identity(target: Any) -> Key:
    """A key that is equal for the same object, and for the same method bound to the same object.

    A bound method is made anew at each attribute access, so its own ``id`` says nothing.
    """
    if is_bound_method(target):
        return (id(target.__self__), id(target.__func__))
    return id(target)


def is_bound_method(target: object) -> bool:
    """Whether a target is a function bound to an object or class."""
    return hasattr(target, "__self__") and hasattr(target, "__func__")


def weak(target: Any, on_death: OnDeath) -> Reference:
    """A weak reference to a target, which for a bound method lives as long as its object.

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
    """A weak reference, or a strong one to what allows no other (a string, a number, ``object()``).

    Keeping such a target alive is what makes its ``id`` safe to compare: nothing else can get it.
    """
    try:
        return weak(target, on_death)
    except TypeError:
        return strong(target)
