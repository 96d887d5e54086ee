"""How a trace names receivers, again and again."""

import gc
from functools import partial
from typing import Any

from signalcli.dispatch.signatures import describe, place_of
from signalcli.trace.names import name_and_place


class Desk:
    def take(self, **named: Any) -> None: ...

    @classmethod
    def give(cls, **named: Any) -> None: ...

    def __call__(self, **named: Any) -> None: ...


def test_a_receiver_is_named_alike_each_time() -> None:
    def local(**named: Any) -> None: ...

    for receiver in (
        local,
        Desk().take,
        Desk().take,
        Desk.give,
        Desk(),
        Desk,
        partial(local),
        print,
    ):
        for _ in range(3):
            assert name_and_place(receiver) == (describe(receiver), *place_of(receiver))


def test_a_function_has_nothing_of_one_that_had_its_id() -> None:
    numbers = set()
    for number in range(200):
        function = eval(f"lambda **named: {number}")
        function.__qualname__ = f"number_{number}"
        numbers.add(id(function))
        assert name_and_place(function)[0] == f"{__name__}.number_{number}"
        del function
        gc.collect(0)
    assert len(numbers) < 200
