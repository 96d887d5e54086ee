"""Comparing two ways of doing something, in pairs, so that both meet the same machine."""

import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Comparison:
    """How long two things took, in seconds, pair by pair."""

    ones: list[float]
    others: list[float]

    @property
    def ratio(self) -> float:
        """How many times as long as the other the one takes: the median of the pairs' ratios."""
        pairs = zip(self.ones, self.others, strict=True)
        return statistics.median(one / other for one, other in pairs)

    def __str__(self) -> str:
        one, other = statistics.median(self.ones), statistics.median(self.others)
        return f"{one * 1000:8.2f} ms against {other * 1000:8.2f} ms: {self.ratio:5.2f} times"


def compare(one: Callable[[], object], other: Callable[[], object], rounds: int) -> Comparison:
    """Time two things in turns, each first in every other pair; a first pair does not count.

    Arguments:
        one: the thing to judge.
        other: what it is compared with.
        rounds: how many pairs.
    """
    comparison = Comparison([], [])
    for number in range(rounds + 1):
        things = [(one, comparison.ones), (other, comparison.others)]
        for thing, times in things if number % 2 else reversed(things):
            begun = time.perf_counter()
            thing()
            seconds = time.perf_counter() - begun
            if number:
                times.append(seconds)
    return comparison


def process(*command: str, **environment: str) -> Callable[[], object]:
    """A whole process, from its start to its end."""
    return lambda: _run(command, environment)


def _run(command: Sequence[str], environment: dict[str, str]) -> None:
    subprocess.run(  # noqa: S603  # our own commands
        command, check=True, stdout=subprocess.DEVNULL, env=environment or None
    )
