"""Context variables: what async receivers share, what each has to itself, and what is left.

What is shared is compared with Django from 6.1 on.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar, copy_context
from typing import Any

import django
import django.dispatch
import pytest
from asgiref.sync import sync_to_async

from signalcli.dispatch import Interceptor, Signal, watch
from signalcli.dispatch.tasks import keep_apart, under_way

WAYS = ["send", "send_robust", "asend", "asend_robust"]
every_way = pytest.mark.parametrize("way", WAYS)
every_strict_way = pytest.mark.parametrize("way", ["send", "asend"])

tenant: ContextVar[Any] = ContextVar("tenant", default="nobody")
optional: ContextVar[Any] = ContextVar("optional")
own: ContextVar[Any] = ContextVar("own", default="the sender's")
keep_apart(own)


@pytest.fixture(
    params=[Signal, django.dispatch.Signal] if django.VERSION >= (6, 1) else [Signal],
    ids=lambda kind: kind.__module__.partition(".")[0],
)
def signal(request: pytest.FixtureRequest) -> Any:
    return request.param()


@pytest.fixture
def our_signal() -> Signal:
    return Signal()


def connect(signal: Any, *receivers: Any) -> None:
    for receiver in receivers:
        signal.connect(receiver, weak=False)


def in_context(signal: Any, way: str, then: Callable[[], Any]) -> Any:
    """Dispatch in a context of its own; then look at what is left there."""

    async def main() -> Any:
        with suppress(LookupError):
            await getattr(signal, way)(None)
        return then()

    def send() -> Any:
        with suppress(LookupError):
            getattr(signal, way)(None)
        return then()

    return asyncio.run(main()) if way.startswith("a") else copy_context().run(send)


def setting(variable: ContextVar[Any], value: Any, turns: int = 0, fails: bool = False) -> Any:
    """A receiver that waits some turns and sets a variable; returns what it saw before."""

    async def receiver(**named: Any) -> Any:
        for _ in range(turns):
            await asyncio.sleep(0)
        seen = variable.get(None)
        variable.set(value)
        if fails:
            raise LookupError
        return seen

    return receiver


# --- what they share --------------------------------------------------------------------------


@every_way
@pytest.mark.parametrize("variable", [tenant, optional])
@pytest.mark.parametrize("companions", [0, 1, 2])
def test_the_sender_sees_what_an_async_receiver_has_set(
    signal: Any, way: str, companions: int, variable: ContextVar[Any]
) -> None:
    async def other(**named: Any) -> None:
        await asyncio.sleep(0)

    connect(
        signal, setting(variable, "set"), *[other, setting(ContextVar("other"), 1)][:companions]
    )

    assert in_context(signal, way, lambda: variable.get(None)) == "set"


@every_way
def test_async_receivers_see_what_the_others_have_set_and_the_last_to_set_wins(
    signal: Any, way: str
) -> None:
    seen = []

    async def noting(**named: Any) -> None:
        for _ in range(4):
            seen.append(tenant.get())
            await asyncio.sleep(0)

    connect(signal, setting(tenant, "late", turns=2), setting(tenant, "early"), noting)

    assert in_context(signal, way, tenant.get) == "late"
    assert seen == ["early", "early", "late", "late"]


@every_way
@pytest.mark.parametrize("companions", [0, 1])
def test_what_a_receiver_that_fails_has_set_is_seen_too(
    signal: Any, way: str, companions: int
) -> None:
    connect(
        signal,
        *[setting(optional, "cancelled")] * companions,
        setting(tenant, "failed", turns=1, fails=True),
    )

    left = in_context(signal, way, lambda: (tenant.get(), optional.get(None)))

    assert left == ("failed", "cancelled" if companions else None)


@every_way
def test_sync_and_async_receivers_pass_on_what_they_have_set(signal: Any, way: str) -> None:
    def sync(**named: Any) -> Any:
        tenant.set("sync")
        return tenant.get()

    connect(signal, setting(tenant, "first"), sync, setting(tenant, "second"))

    assert in_context(signal, way, tenant.get) == "second"
    responses = getattr(signal, way)(None)
    if way.startswith("a"):
        responses = asyncio.run(responses)
    assert [value for _, value in responses] == ["sync", "sync", "first"]


@every_way
def test_a_variable_that_is_set_and_reset_is_as_before(signal: Any, way: str) -> None:
    def resetting(turns: int) -> Any:
        async def receiver(**named: Any) -> None:
            token = optional.set("for a while")
            for _ in range(turns):
                await asyncio.sleep(0)
            optional.reset(token)

        return receiver

    connect(signal, resetting(0), resetting(1))

    assert in_context(signal, way, lambda: optional.get(None)) is None


def test_what_is_set_beside_a_nested_dispatch_is_not_lost_with_its_end(our_signal: Signal) -> None:
    inner = Signal()
    connect(inner, setting(optional, "inner", turns=3), setting(own, "inner"))

    async def sending(**named: Any) -> None:
        await inner.asend(None)

    connect(our_signal, sending, setting(tenant, "beside", turns=1))

    left = in_context(our_signal, "asend", lambda: (tenant.get(), optional.get()))

    assert left == ("beside", "inner")


class Unequal:
    """What refuses to be compared, as arrays do."""

    def __eq__(self, other: object) -> Any:
        raise ValueError("neither true nor false")

    __hash__ = None  # type: ignore[assignment]  # as arrays do


@every_way
def test_values_are_told_apart_without_comparing_them(our_signal: Signal, way: str) -> None:
    values = Unequal(), Unequal()
    connect(our_signal, setting(tenant, values[0]), setting(tenant, values[1], turns=1))

    assert in_context(our_signal, way, tenant.get) is values[1]


@every_way
def test_several_async_receivers_may_call_sync_code_at_the_same_time(
    our_signal: Signal, way: str
) -> None:
    """Django 6.1 refuses that, since asgiref finds its thread occupied in their one context."""

    async def calling(**named: Any) -> Any:
        return await sync_to_async(threading.get_ident)()

    async def calling_too(**named: Any) -> Any:
        return await sync_to_async(threading.get_ident)()

    connect(our_signal, calling, calling_too)
    responses = getattr(our_signal, way)(None)
    if way.startswith("a"):
        responses = asyncio.run(responses)

    (_, first), (_, second) = responses
    assert first == second


# --- what each has to itself ------------------------------------------------------------------


@every_way
def test_each_of_several_async_receivers_has_a_place(our_signal: Signal, way: str) -> None:
    async def present(**named: Any) -> Any:
        places = {under_way.get()}
        for _ in range(3):
            await asyncio.sleep(0)
            places.add(under_way.get())
        return places

    async def present_too(**named: Any) -> Any:
        return await present()

    async def with_a_task_and_a_thread(**named: Any) -> Any:
        of_task = await asyncio.create_task(present())
        of_thread = await sync_to_async(under_way.get)()
        return await present() | of_task | {of_thread}

    def sync(**named: Any) -> Any:
        return {under_way.get()}

    connect(our_signal, present, present_too, with_a_task_and_a_thread, sync)
    responses = getattr(our_signal, way)(None)
    if way.startswith("a"):
        responses = asyncio.run(responses)

    (of_sync,), *places = [value for _, value in responses]
    assert of_sync == ()
    assert [len(each) for each in places] == [1, 1, 1]
    found = [place for each in places for place in each]
    assert [len(each) for each in found] == [1, 1, 1]
    assert len({each[0] for each in found}) == 3
    assert in_context(our_signal, way, under_way.get) == ()


@every_way
def test_an_async_receiver_alone_has_no_place(our_signal: Signal, way: str) -> None:
    async def alone(**named: Any) -> Any:
        return under_way.get()

    connect(our_signal, alone)
    responses = getattr(our_signal, way)(None)
    if way.startswith("a"):
        responses = asyncio.run(responses)

    assert responses == [(alone, ())]


def test_a_place_within_a_place_follows_it(our_signal: Signal) -> None:
    inner, lonely = Signal(), Signal()

    async def present(**named: Any) -> Any:
        await asyncio.sleep(0)
        return under_way.get()

    async def present_too(**named: Any) -> Any:
        return await present()

    connect(inner, present, present_too)
    connect(lonely, present)

    async def sending(**named: Any) -> Any:
        alone = [value for _, value in await lonely.asend(None)]
        return under_way.get(), alone, [value for _, value in await inner.asend(None)]

    connect(our_signal, sending, present)
    (_, (place, alone, within)), (_, beside) = asyncio.run(our_signal.asend(None))

    assert len(place) == 1
    assert alone == [place]
    assert [each[:1] for each in within] == [place, place]
    assert len({each[1] for each in within} | {*place, *beside}) == 4


@every_strict_way
def test_a_place_is_given_up_by_a_receiver_that_fails(our_signal: Signal, way: str) -> None:
    connect(our_signal, setting(own, 1, turns=2), setting(own, 2, turns=1, fails=True))

    assert in_context(our_signal, way, lambda: (under_way.get(), own.get())) == (
        (),
        "the sender's",
    )


@every_way
def test_a_variable_that_is_kept_apart_is_each_receivers_own(our_signal: Signal, way: str) -> None:
    seen: dict[str, list[Any]] = {"a": [], "b": []}

    def receiver_of(name: str) -> Any:
        async def receiver(**named: Any) -> None:
            seen[name].append(own.get())
            token = own.set(name)
            await asyncio.sleep(0)
            seen[name].append(own.get())
            inner = own.set(name * 2)
            await asyncio.sleep(0)
            seen[name].append(own.get())
            own.reset(inner)
            await asyncio.sleep(0)
            seen[name].append(own.get())
            own.reset(token)
            seen[name].append(own.get())
            own.set("left behind")

        return receiver

    connect(our_signal, receiver_of("a"), receiver_of("b"))

    assert in_context(our_signal, way, own.get) == "the sender's"
    assert seen == {
        name: ["the sender's", name, name * 2, name, "the sender's"] for name in ("a", "b")
    }


class Marking(Interceptor):
    """An observer that marks in a variable what runs, as tools that trace do."""

    def __init__(self, variable: ContextVar[Any]) -> None:
        self.variable = variable

    def response_begun(self, dispatch: Any, receiver: Any) -> Any:
        return self.variable.set(receiver.__name__)

    def response_ended(self, response: Any, value: Any, error: Any) -> None:
        self.variable.reset(response)


@every_way
@pytest.mark.parametrize("variable", [tenant, optional])
def test_what_an_observer_sets_around_a_response_is_for_that_alone(
    our_signal: Signal, way: str, variable: ContextVar[Any]
) -> None:
    inner = Signal()
    wrong = []

    def check(name: str) -> None:
        if variable.get(None) != name:
            wrong.append((name, variable.get(None)))

    def innermost(**named: Any) -> None:
        check("innermost")

    async def inner_async(**named: Any) -> None:
        check("inner_async")
        await asyncio.sleep(0)
        check("inner_async")

    connect(inner, innermost, inner_async)

    async def first(**named: Any) -> None:
        for _ in range(3):
            await asyncio.sleep(0)
            check("first")
        await inner.asend(None)
        check("first")

    async def second(**named: Any) -> None:
        await inner.asend(None)
        for _ in range(5):
            check("second")
            await asyncio.sleep(0)

    async def third(**named: Any) -> None:
        await asyncio.sleep(0)
        check("third")

    connect(our_signal, first, second, third)
    before = variable.get(None)

    with watch(Marking(variable)):
        left = in_context(our_signal, way, lambda: variable.get(None))

    assert wrong == []
    assert left == before
