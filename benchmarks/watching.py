"""What watching costs: a trace of every dispatch, or totals per receiver alone.

A signal with two named arguments is sent to none, to 10 and to 50 receivers while a recorder keeps
the trace, and while only totals are kept; each time the same is done without. The first shows the
cost of a dispatch; what 50 receivers add to 10 is that of responses. The receivers return None,
True, a number or a short text.

Beginning and ending to watch is compared where few and where many signals live, whom nobody has to
tell.

What is to be reached is 2 µs a response for a trace and 0.8 µs for totals: the ratio is that to
one microsecond. Of many rounds the fastest counts, since a busy machine can only add to the time.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import product
from time import perf_counter
from typing import Any

from benchmarks.figures import Figure
from benchmarks.timing import Comparison, duration
from signalcli.dispatch import Interceptor, Signal, watch
from signalcli.trace import Recorder, Totals, record, totalled
from signalcli.trace.output import dropped_output

FEW, MANY = 10, 50
FEW_SIGNALS, MANY_SIGNALS = 10, 10_000
ROUNDS, TIMES = 60, 40
MICROSECOND = 1e-6

none, few, many = Signal(), Signal(), Signal()

Watching = Callable[[], AbstractContextManager[Any]]


class Sender:
    """Who the signals are sent for."""


def receivers(number: int) -> list[Callable[..., Any]]:
    """As many receivers, which return small values."""

    def another(value: Any) -> Callable[..., Any]:
        def receive(instance: int, created: bool, **kwargs: Any) -> Any:
            return value

        return receive

    values = (None, True, 17, "Profile Created !")
    return [another(values[place % len(values)]) for place in range(number)]


def seconds_each(signal: Signal, watching: Watching, times: int = TIMES) -> float:
    """How long one dispatch takes, of several, under the eyes of somebody or nobody."""
    with watching():
        begun = perf_counter()
        for _ in range(times):
            signal.send(Sender, instance=1, created=True)
        return (perf_counter() - begun) / times


def costs(watching: Watching) -> tuple[float, float]:
    """What watching adds to a dispatch, and to each of its responses, in seconds."""
    functions = receivers(MANY)
    for place, function in enumerate(functions):
        many.connect(function)
        if place < FEW:
            few.connect(function)
    kinds = list(product((none, few, many), (watching, nullcontext)))
    rounds = [[seconds_each(*kind) for kind in kinds] for _ in range(ROUNDS)]
    fastest = [min(seconds) for seconds in zip(*rounds, strict=True)]
    to_none, to_few, to_many = (
        watched - unwatched for watched, unwatched in zip(fastest[::2], fastest[1::2], strict=True)
    )
    return to_none, (to_many - to_few) / (MANY - FEW)


def begun_and_ended(alive: int) -> float:
    """How long beginning and ending to watch takes where so many signals live, in seconds."""
    signals = [Signal() for _ in range(alive)]
    begun = perf_counter()
    for _ in range(TIMES):
        with watch(Interceptor()):
            pass
    seconds = (perf_counter() - begun) / TIMES
    del signals
    return seconds


def figure(what: str, seconds: float, reach: float | None = None) -> Figure:
    """The figure of a cost in seconds."""
    return Figure(what, "1 µs", seconds / MICROSECOND, reach, duration(max(seconds, 0.0)))


def printing() -> float:
    """What printing a line costs that is dropped, in seconds."""
    with dropped_output():
        begun = perf_counter()
        for _ in range(10_000):
            print("Profile Created !")
        return (perf_counter() - begun) / 10_000


def measure() -> Iterator[Figure]:
    """Watch, and keep totals."""
    of_dispatch, of_response = costs(lambda: record(Recorder()))
    yield figure("a trace adds to each response", of_response, 2)
    yield figure("a trace adds to each dispatch", of_dispatch)
    of_dispatch, of_response = costs(lambda: totalled(Totals()))
    yield figure("totals add to each response", of_response, 0.8)
    yield figure("totals add to each dispatch", of_dispatch)
    ones, others = zip(
        *((begun_and_ended(MANY_SIGNALS), begun_and_ended(FEW_SIGNALS)) for _ in range(ROUNDS)),
        strict=True,
    )
    yield Figure.of(
        f"begin and end watching, {MANY_SIGNALS:,} signals alive",
        f"{FEW_SIGNALS} signals alive",
        Comparison(list(ones), list(others)),
        reach=1.2,
    )
    seconds = min(printing() for _ in range(ROUNDS))
    yield figure("a printed line that is dropped takes", seconds)
