"""Async receivers that fail or are cancelled, as in Django 6.1, which is asked where it is there.

Each test is run with our signal, watched, metered and neither, and with Django's from 6.1 on.
"""

import asyncio
import gc
import sys
import warnings
import weakref
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import django
import django.dispatch
import pytest

from signalcli.dispatch import Interceptor, Signal, metered, watch


class Meter:
    def measured(self, *told: Any) -> None: ...


OURS: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "ours": (Signal, nullcontext),
    "watched": (Signal, lambda: watch(Interceptor())),
    "metered": (Signal, lambda: metered(Meter())),
}
DJANGOS = {"django": (django.dispatch.Signal, nullcontext)} if django.VERSION >= (6, 1) else {}

asynchronously = pytest.mark.parametrize("way", ["asend", "asend_robust"])
strictly = pytest.mark.parametrize("way", ["send", "asend"])
robustly = pytest.mark.parametrize("way", ["send_robust", "asend_robust"])
in_every_way = pytest.mark.parametrize("way", ["send", "asend", "send_robust", "asend_robust"])


@pytest.fixture(params=OURS | DJANGOS)
def signal(request: pytest.FixtureRequest) -> Iterator[Any]:
    make, around = (OURS | DJANGOS)[request.param]
    with around():
        yield make()


@pytest.fixture(params=OURS)
def our_signal(request: pytest.FixtureRequest) -> Iterator[Any]:
    make, around = OURS[request.param]
    with around():
        yield make()


not_before_3_12 = pytest.mark.skipif(
    sys.version_info < (3, 12),
    reason="Python 3.11 loses count of its stack where a task of several raises SystemExit",
)


class Unstoppable(BaseException):
    """What no robust dispatch catches."""


def after(turns: int, error: BaseException | None = None) -> Any:
    """A receiver that lets the others have so many turns, and then fails or answers."""

    async def receiver(**named: Any) -> str:
        for _ in range(turns):
            await asyncio.sleep(0)
        if error is not None:
            raise error
        return "answer"

    return receiver


class Endless:
    """A receiver that ends only by being cancelled, and then raises, or answers, what it has."""

    def __init__(self, end: BaseException | str | None = None) -> None:
        self.end = end
        self.log: list[str] = []
        self.begun = asyncio.Event()

    async def receive(self, **named: Any) -> Any:
        self.begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.log.append("cancelled")
            if isinstance(self.end, BaseException):
                raise self.end from None
            if self.end is None:
                raise
        return self.end


def connect(signal: Any, *receivers: Any) -> None:
    for receiver in receivers:
        signal.connect(receiver, weak=False)


def dispatch(signal: Any, way: str, **named: Any) -> Any:
    sending = getattr(signal, way)
    if way.startswith("a"):
        return run(asyncio.wait_for(sending(None, **named), timeout=60))
    return sending(None, **named)


def run(coroutine: Any) -> Any:
    """Run it, and have nothing logged of exceptions that were raised through the loop."""
    with asyncio.Runner() as runner:
        runner.get_loop().set_exception_handler(lambda loop, context: None)
        return runner.run(coroutine)


def raised_by(signal: Any, way: str, **named: Any) -> BaseException:
    with pytest.raises(BaseException) as raised:
        dispatch(signal, way, **named)
    return raised.value


# --- who fails, and with what -----------------------------------------------------------------


@strictly
@pytest.mark.parametrize("companions", [0, 2])
def test_what_one_receiver_raises_is_raised_as_it_is(
    signal: Any, way: str, companions: int
) -> None:
    error = ValueError("one")
    connect(signal, after(0), after(1, error), *[after(3)] * companions)

    assert raised_by(signal, way) is error


@strictly
def test_what_several_raise_is_raised_as_a_group_in_the_order_of_failing(
    signal: Any, way: str
) -> None:
    first, second = ValueError("first"), LookupError("second")
    connect(signal, Endless(second).receive, after(2, first), after(20))

    group = raised_by(signal, way)

    assert type(group) is ExceptionGroup
    assert group.message == "unhandled errors in a TaskGroup"
    assert group.exceptions == (first, second)


@strictly
def test_a_group_that_a_receiver_raises_is_one_failure(signal: Any, way: str) -> None:
    own = ExceptionGroup("its own", [ValueError("a"), LookupError("b")])
    connect(signal, after(0, own), after(9))
    assert raised_by(signal, way) is own

    other = ValueError("other")
    connect(signal, Endless(other).receive)
    group = raised_by(signal, way)
    assert isinstance(group, ExceptionGroup)
    assert group.exceptions == (own, other)


@strictly
def test_a_group_with_more_than_exceptions_is_no_exception(signal: Any, way: str) -> None:
    errors = (Unstoppable("a"), ValueError("b"))
    connect(signal, after(0, errors[0]), after(0, errors[1]))

    group = raised_by(signal, way)

    assert type(group) is BaseExceptionGroup
    assert group.exceptions == errors


@robustly
def test_a_robust_dispatch_does_not_catch_more_than_exceptions(signal: Any, way: str) -> None:
    first, second = Unstoppable("first"), Unstoppable("second")
    connect(signal, after(0, ValueError("caught")), after(1, first), after(9))
    assert raised_by(signal, way) is first

    connect(signal, Endless(second).receive)
    group = raised_by(signal, way)
    assert isinstance(group, BaseExceptionGroup)
    assert group.exceptions == (first, second)


@not_before_3_12
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
@asynchronously
def test_what_ends_the_program_comes_before_all_other_failures(
    signal: Any, way: str, error: type[BaseException]
) -> None:
    endless = Endless(Unstoppable())
    connect(signal, endless.receive, after(2, error()))

    assert type(raised_by(signal, way)) is error
    assert endless.log == ["cancelled"]


@not_before_3_12
@pytest.mark.parametrize("companions", [0, 1])
def test_what_ends_the_program_can_be_caught_by_the_sender(signal: Any, companions: int) -> None:
    connect(signal, *[after(9)] * companions, after(0, SystemExit(3)))
    caught: list[BaseException] = []

    async def main() -> None:
        try:
            await signal.asend(None)
        except SystemExit as error:
            caught.append(error)
            raise

    with pytest.raises(SystemExit):
        run(main())
    assert len(caught) == 1


@strictly
def test_the_first_failure_cancels_the_others_which_are_waited_for(signal: Any, way: str) -> None:
    log = []

    async def slow_to_go(**named: Any) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            for _ in range(5):
                await asyncio.sleep(0)
            log.append("gone")

    connect(signal, slow_to_go, after(1, ValueError()))

    assert type(raised_by(signal, way)) is ValueError
    assert log == ["gone"]


@strictly
def test_a_receiver_that_cannot_be_called_fails_before_another_one_begins(
    signal: Any, way: str
) -> None:
    begun = []

    async def beginning(**named: Any) -> None:
        begun.append("begun")

    async def demanding(email: str, **named: Any) -> None: ...

    async def demanding_too(email: str, **named: Any) -> None: ...

    connect(signal, beginning, demanding, demanding_too)

    # "Never awaited" is warned of while a coroutine is deleted, where an error would be lost.
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        error = raised_by(signal, way)
        gc.collect()
    assert type(error) is TypeError
    assert "demanding()" in str(error)
    assert begun == []
    if isinstance(signal, Signal):
        assert warned == []


@robustly
def test_robustly_whoever_can_be_called_is(signal: Any, way: str) -> None:
    async def demanding(email: str, **named: Any) -> None: ...

    connect(signal, demanding, after(0))

    (_, error), (_, value) = dispatch(signal, way)

    assert type(error) is TypeError
    assert value == "answer"


# What Django itself leaves behind is not compared.


@strictly
@pytest.mark.parametrize("companions", [0, 1])
def test_a_failure_has_no_other_as_its_context(
    our_signal: Signal, way: str, companions: int
) -> None:
    connect(our_signal, after(0, ValueError()), *[after(9)] * companions)

    assert raised_by(our_signal, way).__context__ is None


@pytest.mark.parametrize("failures", [1, 2])
def test_a_failure_leaves_no_garbage(our_signal: Signal, failures: int) -> None:
    class Broken(Exception): ...

    async def failing(**named: Any) -> None:
        raise Broken

    async def failing_too(**named: Any) -> None:
        raise Broken

    connect(our_signal, after(1), *(failing, failing_too)[:failures])

    async def main() -> Any:
        try:
            await our_signal.asend(None)
        except (Broken, ExceptionGroup) as error:
            return weakref.ref(error)

    gc.collect()
    gc.disable()
    try:
        with asyncio.Runner() as runner:
            assert runner.run(main())() is None
    finally:
        gc.enable()


@not_before_3_12
@asynchronously
def test_a_receiver_that_never_began_is_no_cause_for_complaint(
    our_signal: Signal, way: str
) -> None:
    connect(our_signal, after(0, SystemExit()), after(0))

    # "Never awaited" is warned of while a coroutine is deleted, where an error would be lost.
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        assert type(raised_by(our_signal, way)) is SystemExit
        gc.collect()
    assert warned == []


# --- receivers that are cancelled -------------------------------------------------------------


@in_every_way
@pytest.mark.parametrize("companions", [0, 1])
def test_a_receiver_that_cancels_itself_answers_none(
    signal: Any, way: str, companions: int
) -> None:
    async def giving_up(**named: Any) -> str:
        raise asyncio.CancelledError

    connect(signal, giving_up, *[after(2)] * companions)

    values = [value for _, value in dispatch(signal, way)]

    assert values == [None, *["answer"] * companions]


@asynchronously
@pytest.mark.parametrize("companions", [0, 1])
def test_cancelling_the_sender_cancels_the_receivers(
    signal: Any, way: str, companions: int
) -> None:
    async def main() -> None:
        endless = [Endless() for _ in range(1 + companions)]
        connect(signal, *[each.receive for each in endless])
        sending = asyncio.create_task(getattr(signal, way)(None))
        for each in endless:
            await each.begun.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert [each.log for each in endless] == [["cancelled"]] * len(endless)

    asyncio.run(main())


@asynchronously
@pytest.mark.parametrize("companions", [0, 1])
def test_a_sender_that_is_cancelled_ends_even_where_its_receivers_answer(
    signal: Any, way: str, companions: int
) -> None:
    if companions == 0 and sys.version_info < (3, 13):
        pytest.skip("what asks for the end of a task cannot be told before Python 3.13")

    async def main() -> None:
        endless = [Endless("defiant") for _ in range(1 + companions)]
        connect(signal, *[each.receive for each in endless])
        sending = asyncio.create_task(getattr(signal, way)(None))
        for each in endless:
            await each.begun.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending

    asyncio.run(main())


def test_what_a_receiver_raises_on_being_cancelled_comes_before_that(signal: Any) -> None:
    error = ValueError("late")

    async def main() -> None:
        endless = Endless(error)
        connect(signal, endless.receive, after(0))
        caught = []

        async def send() -> None:
            try:
                await signal.asend(None)
            except ValueError as raised:
                caught.append(raised)
            await asyncio.sleep(0)
            raise AssertionError("the request to cancel was lost")

        sending = asyncio.create_task(send())
        await endless.begun.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert caught == [error]

    asyncio.run(main())


@asynchronously
@pytest.mark.parametrize("companions", [0, 1])
def test_a_sender_may_give_its_receivers_a_time(signal: Any, way: str, companions: int) -> None:
    async def main() -> None:
        endless = [Endless() for _ in range(1 + companions)]
        connect(signal, *[each.receive for each in endless])
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await getattr(signal, way)(None)
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0

    asyncio.run(main())


@pytest.mark.parametrize("companions", [0, 1, 2])
def test_a_sender_is_not_asked_to_end_by_the_failures_of_its_receivers(
    our_signal: Signal, companions: int
) -> None:
    connect(our_signal, after(1, ValueError()), *[after(9)] * companions)

    async def main() -> None:
        with pytest.raises(ValueError):
            await our_signal.asend(None)
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(0))

    asyncio.run(main())


async def failing(**named: Any) -> None:
    raise ValueError


async def grouping(**named: Any) -> str:
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(failing())
            group.create_task(asyncio.Event().wait())
    except* ValueError:
        pass
    try:
        async with asyncio.timeout(0):
            await asyncio.Event().wait()
    except TimeoutError:
        pass
    return "grouped"


def can_group() -> bool:
    """Whether asyncio gets it right by itself: that of Python 3.11.2 does not."""
    try:
        return asyncio.run(grouping()) == "grouped"
    except asyncio.CancelledError:
        return False


@pytest.mark.skipif(not can_group(), reason="a fault of asyncio in this version of Python")
@in_every_way
@pytest.mark.parametrize("companions", [0, 1])
def test_a_receiver_may_run_groups_and_timeouts_of_its_own(
    signal: Any, way: str, companions: int
) -> None:
    connect(signal, grouping, *[after(3)] * companions)

    assert dispatch(signal, way)[0][1] == "grouped"


@pytest.mark.skipif(sys.version_info < (3, 12), reason="there is no such factory")
def test_receivers_may_begin_as_soon_as_their_tasks_are_made(our_signal: Signal) -> None:
    first, second = ValueError("first"), LookupError("second")

    async def main() -> Any:
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
        connect(our_signal, after(0), after(2), after(0))
        assert [value for _, value in await our_signal.asend(None)] == ["answer"] * 3
        connect(our_signal, after(0, first), after(0, second))
        with pytest.raises(ExceptionGroup) as raised:
            await our_signal.asend(None)
        return raised.value.exceptions

    assert asyncio.run(main()) == (first, second)
