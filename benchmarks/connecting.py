"""What connecting and disconnecting many receivers cost, compared with few, and with Django.

Each receiver of one signal should cost what each other one does, be there 1,000 or 10,000 of them.
Django looks through all that are connected, once for each that connects or disconnects; so it is
compared at 2,000 receivers, where it takes seconds already.
"""

from collections.abc import Callable, Iterator
from typing import Any

import django.conf
import django.dispatch

from benchmarks.figures import Figure
from benchmarks.timing import Comparison, compare
from signalcli.dispatch import Signal

FEW, MANY, AGAINST_DJANGO = 1_000, 10_000, 2_000

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
    """Disconnect them all, the first one first."""
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

    def __init__(self, make: Callable[[], Any], functions: Receivers, times: int) -> None:
        self._functions = functions
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
    some, rounds = receivers(AGAINST_DJANGO), 3
    comparison = compare(Connecting(Signal, some), Connecting(django.dispatch.Signal, some), rounds)
    yield Figure.of(f"connect {AGAINST_DJANGO:,} receivers", "Django's", comparison, reach=1)
    comparison = compare(
        Disconnecting(Signal, some, rounds + 1),
        Disconnecting(django.dispatch.Signal, some, rounds + 1),
        rounds,
    )
    yield Figure.of(f"disconnect {AGAINST_DJANGO:,} receivers", "Django's", comparison, reach=1)
