"""What connecting and disconnecting many receivers cost, compared with few, and with Django.

Each receiver of one signal should cost what each other one does, be there 1,000 or 10,000 of
them: 10,000 of one signal are compared with ten signals that have 1,000 each.

Django looks through all that are connected, once for each that connects or disconnects; to
disconnect is compared at 3,000 receivers, since they are to be connected before. Where the oldest
receiver goes first, Django finds it at once, which is for information.
"""

from collections.abc import Callable, Iterator
from typing import Any

import django.conf
import django.dispatch

from benchmarks.figures import Figure
from benchmarks.timing import compare
from signalcli.dispatch import Signal

FEW, MANY, AGAINST_DJANGO = 1_000, 10_000, 3_000

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
    """Connects each group of receivers to a new signal."""

    def __init__(self, make: Callable[[], Any], *groups: Receivers) -> None:
        self._make = make
        self._groups = groups

    def __call__(self) -> None:
        """The thing that is timed."""
        for group in self._groups:
            connect(self._make(), group)


class Disconnecting:
    """Disconnects each group of receivers from a signal that it was connected to before."""

    def __init__(
        self,
        make: Callable[[], Any],
        *groups: Receivers,
        times: int,
        newest_first: bool = False,
    ) -> None:
        self._groups = [group[::-1] if newest_first else group for group in groups]
        self._signals = [[make() for _ in groups] for _ in range(times)]
        for signals in self._signals:
            for signal, group in zip(signals, groups, strict=True):
                connect(signal, group)

    def __call__(self) -> None:
        """The thing that is timed."""
        for signal, group in zip(self._signals.pop(), self._groups, strict=True):
            disconnect(signal, group)


def measure() -> Iterator[Figure]:
    """Connect and disconnect few and many receivers."""
    django.conf.settings.configure()
    many = receivers(MANY)
    groups = [many[place : place + FEW] for place in range(0, MANY, FEW)]
    what, than = f"{MANY:,} receivers", f"{FEW:,} for each of {len(groups)} signals"
    comparison = compare(Connecting(Signal, many), Connecting(Signal, *groups), rounds=15)
    yield Figure.of(f"connect {what}", than, comparison, reach=1.3)
    comparison = compare(
        Disconnecting(Signal, many, times=16), Disconnecting(Signal, *groups, times=16), rounds=15
    )
    yield Figure.of(f"disconnect {what}", than, comparison, reach=1.3)
    django_signal = django.dispatch.Signal
    comparison = compare(Connecting(Signal, many), Connecting(django_signal, many), rounds=2)
    yield Figure.of(f"connect {what}", "Django's", comparison, reach=1)
    for order, newest_first, reach in (("newest", True, 1), ("oldest", False, None)):
        some = receivers(AGAINST_DJANGO)
        comparison = compare(
            Disconnecting(Signal, some, times=4, newest_first=newest_first),
            Disconnecting(django_signal, some, times=4, newest_first=newest_first),
            rounds=3,
        )
        what = f"disconnect {AGAINST_DJANGO:,} receivers, the {order} first"
        yield Figure.of(what, "Django's", comparison, reach)
