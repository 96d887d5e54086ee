"""Faults on purpose: receivers that fail or are slow, and signals that reach nobody."""

import threading
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf
from typing import Any

from signalcli.dispatch import Interceptor, Receiver, Signal, watch
from signalcli.dispatch.signatures import describe as full_name
from signalcli.trace.names import matches
from signalcli.trace.records import InjectedFault, Injection, short_name
from signalcli.trace.representation import is_describing


@dataclass(frozen=True, slots=True)
class Faults:
    """The faults to inject. All names are glob patterns for a short or a full name.

    Attributes:
        fail: receivers that raise an :class:`InjectedFault` instead of being called.
        delay: receivers that are called later, with the delay in seconds; the last pattern that
            fits counts.
        mute: signals whose dispatches reach nobody.

    Raises:
        ValueError: a delay is negative or has no end.
    """

    fail: Collection[str] = ()
    delay: Mapping[str, float] = field(default_factory=dict)
    mute: Collection[str] = ()

    def __post_init__(self) -> None:
        for pattern, seconds in self.delay.items():
            if not 0 <= seconds < inf:
                raise ValueError(f"{pattern!r} cannot be delayed by {seconds!r} seconds.")

    def of_receiver(self, name: str) -> Injection:
        """The injection for the responses of a receiver, given by its full name."""
        names = name, short_name(name)
        fails = any(matches(pattern, *names) for pattern in self.fail)
        delays = [seconds for pattern, seconds in self.delay.items() if matches(pattern, *names)]
        return Injection(fails, delays[-1] if delays else 0.0)

    def mutes(self, signal: Signal) -> bool:
        """Whether a signal reaches nobody."""
        return any(matches(pattern, signal.name, signal.path) for pattern in self.mute)


_lock = threading.Lock()
_active: tuple["_Injector", ...] = ()


@contextmanager
def injected(faults: Faults) -> Iterator[None]:
    """Have these faults happen in every dispatch while the block runs, in all threads.

    A receiver that is made to fail is treated as one that fails by itself: ``send`` stops and
    raises, ``send_robust`` goes on. A delay comes before the call; other async receivers run during
    the delay of an async receiver. A recorder marks each injection. Several such blocks may run at
    once.
    """
    global _active
    injector = _Injector(faults)
    with _lock:
        _active = (*_active, injector)
    try:
        with watch(injector):
            yield
    finally:
        with _lock:
            _active = tuple(other for other in _active if other is not injector)


def injection_of(receiver: Receiver) -> Injection | None:
    """The injection for a receiver's responses at present, or None."""
    if not _active:
        return None
    name = full_name(receiver)
    injections = [injector.faults.of_receiver(name) for injector in _active]
    fails = any(injection.failure for injection in injections)
    delay = sum(injection.delay for injection in injections)
    return Injection(fails, delay) if fails or delay else None


def is_muted(signal: Signal) -> bool:
    """Whether dispatches of a signal reach nobody at present."""
    return any(injector.faults.mutes(signal) for injector in _active)


class _Injector(Interceptor):
    """Injects faults, except into code that only describes a value for a trace."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults

    def silences(self, signal: Signal) -> bool:
        return not is_describing() and self.faults.mutes(signal)

    def instead_of(self, receiver: Receiver, is_async: bool) -> Receiver:
        injection = self.faults.of_receiver(full_name(receiver))
        if is_describing() or injection == Injection():
            return receiver

        def respond(**named: Any) -> Any:
            time.sleep(injection.delay)
            if injection.failure:
                raise InjectedFault
            return receiver(**named)

        async def respond_async(**named: Any) -> Any:
            from asyncio import sleep

            await sleep(injection.delay)
            if injection.failure:
                raise InjectedFault
            return await receiver(**named)

        return respond_async if is_async else respond
