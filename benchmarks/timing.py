"""Comparing two ways of doing something, in pairs, so that both meet the same machine."""

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import repeat


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

    @property
    def medians(self) -> tuple[float, float]:
        """The median of each, in seconds."""
        return statistics.median(self.ones), statistics.median(self.others)

    def __str__(self) -> str:
        one, other = self.medians
        return f"{duration(one)} against {duration(other)}"


def duration(seconds: float) -> str:
    """A duration for people."""
    for unit, factor in (("s", 1), ("ms", 1e3), ("µs", 1e6)):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def compare(
    one: Callable[[], object],
    other: Callable[[], object],
    rounds: int,
    times: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> Comparison:
    """Time two things in turns, each first in every other pair; a first pair does not count.

    Arguments:
        one: the thing to judge.
        other: what it is compared with.
        rounds: how many pairs.
        times: how often a thing is done in each of its turns; the seconds are those of one time.
        clock: tells the seconds that pass, or those of CPU that are used.
    """
    comparison = Comparison([], [])
    for number in range(rounds + 1):
        things = [(one, comparison.ones), (other, comparison.others)]
        for thing, results in things if number % 2 else reversed(things):
            begun = clock()
            for _ in repeat(None, times):
                thing()
            seconds = (clock() - begun) / times
            if number:
                results.append(seconds)
    return comparison


def process(*command: str, **environment: str) -> Callable[[], object]:
    """A whole process, from its start to its end."""
    return lambda: _run(command, environment)


def as_installed(**more: str) -> dict[str, str]:
    """The environment of an installed program.

    Its bytecode is kept, and its output is buffered, whatever the shell of the benchmarks asks for.

    Arguments:
        more: variables to add.
    """
    left_out = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")
    return {name: value for name, value in os.environ.items() if name not in left_out} | more


def _run(command: Sequence[str], environment: dict[str, str]) -> None:
    subprocess.run(  # noqa: S603  # our own commands
        command, check=True, stdout=subprocess.DEVNULL, env=as_installed(**environment)
    )
