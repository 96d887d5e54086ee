"""What connecting and disconnecting many receivers cost, compared with few, and with Django.

Each receiver of one signal should cost what each other one does, be there 1,000 or 10,000 of
them. Django looks through all that are connected, once for each that connects or disconnects; to
disconnect is compared at 3,000 receivers, since they are to be connected before. Where the oldest
receiver goes first, Django finds it at once, which is for information.
"""

from collections.abc import Callable, Iterator
from typing import Any

import django.conf
import django.dispatch

from benchmarks.figures import Figure
from benchmarks.timing import Comparison, compare
from signalcli.dispatch import Signal

FEW, MANY, AGAINST_DJANGO = 1_000, 10_000, 3_000
NEWEST_FIRST, OLDEST_FIRST = "newest", "oldest"

Receivers = list[Callable[..., Any]]


def receivers(number: int) -> Receivers:
    """As many receivers, each a function of its own."""

    def another() -> Callable[..., Any]:
        def receive(**kwargs: Any) -> None: ...

        return receive

    return [another() for _ in range(number)]


def connect(signal: Any, functions: Receivers) -> None:
    """Connect them all."""
    for function in functions:
        signal.connect(function)


def disconnect(signal: Any, functions: Receivers) -> None:
    """Disconnect them all."""
    for function in functions:
        signal.disconnect(function)


class Connecting:
    """Connects receivers to a new signal each time."""

    def __init__(self, make: Callable[[], Any], functions: Receivers) -> None:
        self._make = make
        self._functions = functions

    def __call__(self) -> None:
        """The thing that is timed."""
        connect(self._make(), self._functions)


class Disconnecting:
    """Disconnects receivers, of a signal that they were connected to before."""

    def __init__(
        self,
        make: Callable[[], Any],
        functions: Receivers,
        times: int,
        way: str = OLDEST_FIRST,
    ) -> None:
        self._functions = functions if way == OLDEST_FIRST else functions[::-1]
        self._signals = [make() for _ in range(times)]
        for signal in self._signals:
            connect(signal, functions)

    def __call__(self) -> None:
        """The thing that is timed."""
        disconnect(self._signals.pop(), self._functions)


def each(comparison: Comparison, ones: int, others: int) -> Comparison:
    """The seconds for each of so many receivers."""
    return Comparison(
        [seconds / ones for seconds in comparison.ones],
        [seconds / others for seconds in comparison.others],
    )


def measure() -> Iterator[Figure]:
    """Connect and disconnect few and many receivers."""
    django.conf.settings.configure()
    rounds = 15
    few, many = receivers(FEW), receivers(MANY)
    what, than = f"each of {MANY:,} receivers", f"each of {FEW:,}"
    comparison = compare(Connecting(Signal, many), Connecting(Signal, few), rounds)
    yield Figure.of(f"connect {what}", than, each(comparison, MANY, FEW), reach=1.3)
    comparison = compare(
        Disconnecting(Signal, many, rounds + 1), Disconnecting(Signal, few, rounds + 1), rounds
    )
    yield Figure.of(f"disconnect {what}", than, each(comparison, MANY, FEW), reach=1.3)
    django_signal = django.dispatch.Signal
    comparison = compare(Connecting(Signal, many), Connecting(django_signal, many), rounds=2)
    yield Figure.of(f"connect {MANY:,} receivers", "Django's", comparison, reach=1)
    what, rounds = f"disconnect {AGAINST_DJANGO:,} receivers", 3
    for way, reach in ((NEWEST_FIRST, 1), (OLDEST_FIRST, None)):
        some = receivers(AGAINST_DJANGO)
        comparison = compare(
            Disconnecting(Signal, some, rounds + 1, way),
            Disconnecting(django_signal, some, rounds + 1, way),
            rounds,
        )
        yield Figure.of(f"{what}, the {way} first", "Django's", comparison, reach)
