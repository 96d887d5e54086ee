"""What sending costs, compared with Django, blinker, PyDispatcher and psygnal.

A signal with two named arguments is sent to 0, 1, 10 and 100 receivers; half of them name the
arguments and take the rest as ``**kwargs``, half take ``**kwargs`` alone. Each library has
functions of its own kind: blinker passes the sender by position, and psygnal, which is here for
information, passes everything by position and returns nothing. Django's signal remembers who is
reached (``use_caching``), as ours always does.

A bare loop knows its functions, holds them strongly, looks nobody up, and returns the values alone.
One passes the arguments on as it gets them, as ``**named``, which a dispatcher can beat. Another
spells each of them out, which Python does nearly twice as fast, and which no dispatcher can beat.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import blinker
import django.conf
import django.dispatch
import psygnal
from pydispatch import dispatcher

from benchmarks.figures import Figure
from benchmarks.timing import compare
from signalcli.dispatch import Signal

SIZES = (0, 1, 10, 100)
# A turn is to be over before another process has its own, on a machine that is busy.
ROUNDS, ASYNC_ROUNDS = 250, 80
CALLS, ASYNC_CALLS, CALLS_IN_THREADS = 1_500, 300, 15

# The largest ratios that are good enough, by the number of receivers.
AGAINST_DJANGO = {10: 0.6, 100: 0.45}
AGAINST_A_LOOP = {10: 1.7, 100: 1.25}

Receivers = list[Callable[..., Any]]
Send = Callable[[], object]


class Sender:
    """Who the signals are sent for."""


def receivers(number: int) -> Receivers:
    """As many receivers, every other of which names the arguments."""

    def naming() -> Callable[..., Any]:
        def receive(instance: int, created: bool, **kwargs: Any) -> int:
            return instance

        return receive

    def collecting() -> Callable[..., Any]:
        def receive(**kwargs: Any) -> int:
            return 1

        return receive

    return [collecting() if place % 2 else naming() for place in range(number)]


def after_blinker(number: int) -> Receivers:
    """The same for blinker, which passes the sender by position."""

    def naming() -> Callable[..., Any]:
        def receive(sender: Any, instance: int, created: bool, **kwargs: Any) -> int:
            return instance

        return receive

    def collecting() -> Callable[..., Any]:
        def receive(sender: Any, **kwargs: Any) -> int:
            return 1

        return receive

    return [collecting() if place % 2 else naming() for place in range(number)]


def after_psygnal(number: int) -> Receivers:
    """The same for psygnal, which passes all by position."""

    def naming() -> Callable[..., Any]:
        def receive(instance: int, created: bool) -> int:
            return instance

        return receive

    return [naming() for _ in range(number)]


def connected(signal: Any, functions: Receivers) -> Any:
    """The signal, with these functions connected."""
    for function in functions:
        signal.connect(function)
    return signal


def sent(signal: Any, way: str) -> Send:
    """Sending a signal of ours or of Django's."""
    send = getattr(signal, way)
    return lambda: send(Sender, instance=1, created=True)


def peers(functions: Receivers) -> Iterator[tuple[str, Send]]:
    """Sending as other libraries do it to as many receivers; they live as long as this one."""
    django_signal = connected(django.dispatch.Signal(use_caching=True), functions)
    yield "Django's, cached", sent(django_signal, "send")

    their_own = after_blinker(len(functions))
    blinker_signal = connected(blinker.Signal(), their_own)
    yield "blinker's", lambda: blinker_signal.send(Sender, instance=1, created=True)

    name = f"signal to {len(functions)}"
    for function in functions:
        dispatcher.connect(function, signal=name)
    yield "PyDispatcher's", lambda: dispatcher.send(name, Sender, instance=1, created=True)


def by_psygnal(number: int) -> tuple[Send, Receivers]:
    """Emitting as psygnal does it, and the receivers, which are to be held."""

    class Emitter:
        signal = psygnal.Signal(int, bool)

    emitter, functions = Emitter(), after_psygnal(number)
    for function in functions:
        emitter.signal.connect(function)
    return (lambda: emitter.signal.emit(1, True)), functions


def loop(functions: Receivers, signal: Any) -> Send:
    """The bare loop, with the arguments as it got them."""

    def send(sender: Any, **named: Any) -> list[Any]:
        named["signal"] = signal
        named["sender"] = sender
        return [function(**named) for function in functions]

    return lambda: send(Sender, instance=1, created=True)


def spelled_loop(functions: Receivers, signal: Any) -> Send:
    """The bare loop with its arguments spelled out."""

    def send() -> list[Any]:
        return [
            function(signal=signal, sender=Sender, instance=1, created=True)
            for function in functions
        ]

    return send


def awaited(signal: Any, way: str, times: int) -> Send:
    """Sending from a coroutine, often, since starting a loop takes longer than that."""
    asend = getattr(signal, way)

    async def send() -> None:
        for _ in range(times):
            await asend(Sender, instance=1, created=True)

    return lambda: asyncio.run(send())


def to(number: int) -> str:
    """To how many a dispatch goes."""
    return f"{number} receiver{'' if number == 1 else 's'}"


def measure() -> Iterator[Figure]:
    """Send in each way to each number of receivers."""
    django.conf.settings.configure()
    for size in SIZES:
        functions, times = receivers(size), CALLS // (size + 2)
        signal = connected(Signal(), functions)
        ours, what = sent(signal, "send"), f"send to {to(size)}"
        for peer, theirs in peers(functions):
            reach = AGAINST_DJANGO.get(size, 1) if peer.startswith("Django") else 1
            yield Figure.of(what, peer, compare(ours, theirs, ROUNDS, times), reach)
        theirs, held = by_psygnal(size)
        yield Figure.of(what, "psygnal's", compare(ours, theirs, ROUNDS, times))
        del held
        if size >= 10:
            bare, spelled = loop(functions, signal), spelled_loop(functions, signal)
            yield Figure.of(what, "a bare loop", compare(ours, bare, ROUNDS, times), reach=1.6)
            comparison = compare(ours, spelled, ROUNDS, times)
            reach = AGAINST_A_LOOP[size]
            yield Figure.of(what, "a bare loop, arguments spelled out", comparison, reach)
    for size in SIZES:
        functions, times = receivers(size), CALLS // (size + 2)
        signal = connected(Signal(), functions)
        django_signal = connected(django.dispatch.Signal(use_caching=True), functions)
        ours, theirs = sent(signal, "send_robust"), sent(django_signal, "send_robust")
        comparison = compare(ours, theirs, ROUNDS, times)
        yield Figure.of(f"send_robust to {to(size)}", "Django's, cached", comparison, reach=1)
    for way in ("asend", "asend_robust"):
        for number, kind in ((0, "async "), (1, "async "), (10, "async "), (1, ""), (10, "")):
            functions = [_another() for _ in range(number)] if kind else receivers(number)
            signal = connected(Signal(), functions)
            django_signal = connected(django.dispatch.Signal(use_caching=True), functions)
            times = ASYNC_CALLS // (number + 1) if kind else CALLS_IN_THREADS
            comparison = compare(
                awaited(signal, way, times), awaited(django_signal, way, times), ASYNC_ROUNDS
            )
            what = f"{way} to {number} {kind}receiver{'' if number == 1 else 's'}"
            yield Figure.of(f"{times} times {what}", "Django's, cached", comparison, reach=1)


def _another() -> Callable[..., Any]:
    async def receive(**kwargs: Any) -> int:
        return 1

    return receive
