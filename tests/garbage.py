"""Garbage: collecting it without taking long, and counting the objects that work leaves behind."""

import gc
import weakref
from collections.abc import Iterable

FIRST, LAST = 5, 25


def spare_what_is_there() -> None:
    """Have later collections pass over the hundreds of thousands of objects that stay.

    The garbage of before is collected. Nothing undoes this: a collection of all objects, as one
    would need then, takes longer than most tests.
    """
    gc.collect()
    gc.freeze()


def assert_nothing_stays(rounds: Iterable[object]) -> None:
    """Assert that no object stays of rounds of work, not even until the garbage is collected.

    Arguments:
        rounds: does a round of work for each item, 25 at least. The first few may fill caches.
    """
    alive = []
    gc.disable()
    try:
        for number, _ in enumerate(rounds, start=1):
            if number == FIRST - 1:
                gc.collect()
            if number in (FIRST, LAST):
                alive.append(_count())
        assert alive == [alive[0]] * 2
        assert gc.collect() == 0
    finally:
        gc.enable()


def _count() -> int:
    """The number of objects, without the weak references that sqlite3 keeps to 200 cursors."""
    return sum(type(each) is not weakref.ref for each in gc.get_objects())
