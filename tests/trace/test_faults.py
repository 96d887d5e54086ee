"""Faults on purpose: injected into receivers and signals, and marked in the trace."""

import asyncio
import logging
import threading
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signalcli.dispatch import Interceptor, Signal, watch
from signalcli.trace import Faults, InjectedFault, Injection, Recorder, injected, record
from signalcli.trace.records import concurrent

# A busy machine may take its time over an example.
unhurried = settings(deadline=None)

paid = Signal()
billed = Signal()

called: list[str] = []


def ship(**kwargs: Any) -> str:
    called.append("ship")
    return "shipped"


def bill(**kwargs: Any) -> str:
    called.append("bill")
    return "billed"


async def mail(**kwargs: Any) -> str:
    called.append("mail")
    return "mailed"


async def text(**kwargs: Any) -> str:
    called.append("text")
    return "texted"


@pytest.fixture(autouse=True)
def connections() -> Any:
    called.clear()
    with (
        paid.connected_to(ship),
        paid.connected_to(bill),
        paid.connected_to(mail),
        paid.connected_to(text),
    ):
        yield


def send(way: str) -> list[tuple[Any, Any]]:
    if way.startswith("a"):
        responses = asyncio.run(getattr(paid, way)(None))
    else:
        responses = getattr(paid, way)(None)
    return list(responses)


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL + 1)


class TestFailure:
    @pytest.mark.parametrize("way", ["send", "asend"])
    def test_a_sync_receiver_that_is_to_fail_stops_the_dispatch(self, way: str) -> None:
        recorder = Recorder()
        with (
            pytest.raises(InjectedFault, match="on purpose") as raised,
            record(recorder),
            injected(Faults(fail=["bill"])),
        ):
            send(way)
        assert called == ["ship"]
        shipped, billing = recorder.trace.responses
        assert (shipped.injected, shipped.failure) == (None, None)
        assert billing.injected == Injection(failure=True)
        assert str(billing.failure) == "InjectedFault: raised on purpose"
        assert billing.failure is not None
        assert billing.failure.story == str(billing.failure)
        assert recorder.culprit(raised.value) is billing

    @pytest.mark.parametrize("way", ["send", "asend"])
    def test_an_async_receiver_fails_too(self, way: str) -> None:
        with pytest.raises(InjectedFault), injected(Faults(fail=["mail"])):
            send(way)
        assert "mail" not in called

    @pytest.mark.parametrize("way", ["send_robust", "asend_robust"])
    def test_robust_the_others_run_and_the_fault_is_returned(self, way: str) -> None:
        with injected(Faults(fail=["bill", "tex*"])):
            responses = send(way)
        assert [receiver for receiver, _ in responses] == [ship, bill, mail, text]
        values = [value for _, value in responses]
        assert values[0::2] == ["shipped", "mailed"]
        assert [type(value) for value in values[1::2]] == [InjectedFault, InjectedFault]
        assert called == ["ship", "mail"]

    def test_a_robust_failure_is_logged_under_the_receivers_own_name(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.ERROR)
        with injected(Faults(fail=["bill"])):
            paid.send_robust(None)
        assert [record.args and record.args[-1] for record in caplog.records] == [
            f"{__name__}.bill"
        ]

    def test_it_happens_to_the_full_name_and_in_other_threads_and_ends(self) -> None:
        with injected(Faults(fail=[f"{__name__}.ship"])):
            thread = threading.Thread(target=paid.send_robust, args=[None])
            thread.start()
            thread.join()
        assert called == ["bill", "mail", "text"]
        paid.send(None)
        assert called[3:] == ["ship", "bill", "mail", "text"]


class TestDelay:
    def test_a_response_takes_as_long_as_it_is_delayed(self) -> None:
        recorder = Recorder()
        with record(recorder), injected(Faults(delay={"*": 0.01, "*i*": 0.0})):
            assert [value for _, value in paid.send(None)] == [
                "shipped",
                "billed",
                "mailed",
                "texted",
            ]
        shipped, billing, mailing, texting = recorder.trace.responses
        assert [each.injected for each in (shipped, billing, mailing)] == [None, None, None]
        assert texting.injected == Injection(delay=0.01)
        assert (texting.seconds or 0) >= 0.01
        assert called == ["ship", "bill", "mail", "text"]

    def test_async_receivers_wait_side_by_side(self) -> None:
        recorder = Recorder()
        with record(recorder), injected(Faults(delay={"*": 0.002})):
            paid.send(None)
        (dispatch,) = recorder.trace.dispatches
        assert all((each.seconds or 0) >= 0.002 for each in dispatch.responses)
        assert [each in concurrent(dispatch.responses) for each in dispatch.responses] == [
            False,
            False,
            True,
            True,
        ]

    def test_a_receiver_may_be_slow_and_fail(self) -> None:
        recorder = Recorder()
        with record(recorder), injected(Faults(fail=["ship"], delay={"ship": 0.002})):
            paid.send_robust(None)
        shipped = next(recorder.trace.responses)
        assert shipped.injected == Injection(failure=True, delay=0.002)
        assert shipped.failure is not None
        assert (shipped.seconds or 0) >= 0.002

    @pytest.mark.parametrize("seconds", [-1.0, float("inf"), float("nan")])
    def test_a_delay_that_cannot_be_is_refused(self, seconds: float) -> None:
        with pytest.raises(ValueError, match="'ship' cannot be delayed"):
            Faults(delay={"ship": seconds})


class TestMute:
    @pytest.mark.parametrize("way", ["send", "send_robust", "asend", "asend_robust"])
    @pytest.mark.parametrize("pattern", ["paid", "pa*", f"{__name__}.paid"])
    def test_a_muted_signal_reaches_nobody_and_is_recorded_so(self, way: str, pattern: str) -> None:
        recorder = Recorder()
        with record(recorder), injected(Faults(mute=[pattern])):
            assert send(way) == []
            billed.send(None)
        assert [(each.signal, each.muted) for each in recorder.trace.dispatches] == [
            ("paid", True),
            ("billed", False),
        ]
        assert (called, list(recorder.trace.responses)) == ([], [])
        assert len(send("send")) == 4

    def test_it_needs_no_recorder(self) -> None:
        with injected(Faults(mute=["paid"])):
            assert paid.send(None) == []


def test_several_may_be_under_way_and_end_in_any_order() -> None:
    faults = Faults(delay={"ship": 0.001})
    recorder = Recorder()
    with record(recorder), injected(faults):
        with injected(faults), injected(Faults(mute=["billed"])):
            paid.send(None)
            billed.send(None)
        paid.send(None)
        billed.send(None)
    twice, muted, once, heard = recorder.trace.dispatches
    assert twice.responses[0].injected == Injection(delay=0.002)
    assert once.responses[0].injected == Injection(delay=0.001)
    assert (muted.muted, heard.muted) == (True, False)


def test_another_observer_sees_the_receiver_itself() -> None:
    seen = []

    class Watcher(Interceptor):
        def response_begun(self, dispatch: Any, receiver: Any) -> None:
            seen.append(receiver)

        def response_ended(self, response: Any, value: Any, error: BaseException | None) -> None:
            seen.append(value if error is None else type(error))

    with watch(Watcher()), injected(Faults(fail=["bill"])), pytest.raises(InjectedFault):
        paid.send(None)
    assert seen == [ship, "shipped", bill, InjectedFault]


def test_nothing_is_injected_into_what_describes_a_value() -> None:
    class Tells:
        def __repr__(self) -> str:
            return f"<{len(paid.send(None))} receivers>"

    recorder = Recorder()
    with record(recorder), injected(Faults(fail=["ship"], mute=["paid"])):
        billed.send(None, about=Tells())
    (dispatch,) = recorder.trace.dispatches
    assert dispatch.arguments == {"about": "<4 receivers>"}


patterns = st.text("ab*?.", max_size=4)


@unhurried
@given(
    name=st.text("ab.", min_size=1, max_size=5),
    fail=st.lists(patterns, max_size=3),
    delay=st.dictionaries(patterns, st.floats(0, 100), max_size=3),
)
def test_patterns_fit_the_short_or_the_full_name_and_the_last_delay_counts(
    name: str, fail: list[str], delay: dict[str, float]
) -> None:
    def fits(pattern: str) -> bool:
        return fnmatchcase(name, pattern) or fnmatchcase(name.split(".")[-1], pattern)

    expected = 0.0
    for pattern, seconds in delay.items():
        if fits(pattern):
            expected = seconds
    faults = Faults(fail=fail, delay=delay)
    assert faults.of_receiver(name) == Injection(any(map(fits, fail)), expected)
