"""The recorder, fed with events by a source that is no dispatcher of ours."""

import contextvars
import threading
from collections.abc import Callable
from typing import Any

import pytest

from signalcli.trace import Dispatch, Recorder
from tests.trace.models import outline


def begin(recorder: Recorder, signal: str, sender: str | None = None, **named: Any) -> Dispatch:
    return recorder.dispatch_begun(
        signal=signal,
        signal_path=f"somewhere.{signal}",
        sender=sender,
        arguments=named,
        robust=False,
    )


def send(
    recorder: Recorder, signal: str, *receivers: Callable[[], Any], sender: str | None = None
) -> None:
    """What a source does for one dispatch."""
    dispatch = begin(recorder, signal, sender)
    try:
        for receiver in receivers:
            response = recorder.response_begun(dispatch, f"somewhere.{receiver.__name__}")
            try:
                value = receiver()
            except Exception as error:
                recorder.response_ended(response, None, error)
                raise
            recorder.response_ended(response, value, None)
    finally:
        recorder.dispatch_ended(dispatch)


def test_a_dispatch_keeps_what_it_was_told(recorder: Recorder) -> None:
    dispatch = recorder.dispatch_begun(
        signal="greeted",
        signal_path="shop.signals.greeted",
        sender="Shop",
        arguments={"times": 3, "names": ["a", "b"]},
        robust=True,
    )
    assert recorder.trace.dispatches == [dispatch]
    assert (dispatch.seq, dispatch.parent) == (1, None)
    assert (dispatch.signal, dispatch.signal_path) == ("greeted", "shop.signals.greeted")
    assert (dispatch.sender, dispatch.robust) == ("Shop", True)
    assert dispatch.arguments == {"times": 3, "names": ["a", "b"]}
    assert dispatch.seconds is None
    recorder.dispatch_ended(dispatch)
    assert dispatch.seconds is not None
    assert dispatch.seconds >= 0


def test_a_response_keeps_its_receiver_and_value(recorder: Recorder) -> None:
    dispatch = begin(recorder, "greeted")
    begun = recorder.response_begun(dispatch, "shop.receivers.greet")
    (response,) = dispatch.responses
    assert response.seconds is None
    recorder.response_ended(begun, 42, None)
    assert (response.receiver, response.short_receiver) == ("shop.receivers.greet", "greet")
    assert (response.value, response.failure) == (42, None)
    assert response.seconds is not None
    assert list(recorder.trace.responses) == [response]


def test_a_dispatch_within_a_response_is_its_child(recorder: Recorder) -> None:
    def first() -> None:
        send(recorder, "inner", second)

    def second() -> None:
        send(recorder, "innermost")

    def third() -> None:
        send(recorder, "other")

    send(recorder, "outer", first, third)
    send(recorder, "after")
    assert outline(recorder.trace) == [
        ("outer", None, None),
        ("inner", None, "first"),
        ("innermost", None, "second"),
        ("other", None, "third"),
        ("after", None, None),
    ]
    outer, *_, after = recorder.trace.dispatches
    assert recorder.trace.roots == [outer, after]
    assert [child.signal for child in outer.responses[0].caused] == ["inner"]


def test_after_a_failing_response_dispatches_have_the_parent_of_before(
    recorder: Recorder,
) -> None:
    def outer() -> None:
        with pytest.raises(ZeroDivisionError):
            send(recorder, "fails", fails)
        send(recorder, "follows")

    def fails() -> None:
        raise ZeroDivisionError

    send(recorder, "begins", outer)
    assert outline(recorder.trace)[1:] == [
        ("fails", None, "outer"),
        ("follows", None, "outer"),
    ]


def test_the_culprit_is_the_response_that_raised_an_exception_first(recorder: Recorder) -> None:
    def outer() -> None:
        send(recorder, "inner", inner)

    def inner() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError) as caught:
        send(recorder, "outer", outer)
    culprit = recorder.culprit(caught.value)
    assert culprit is not None
    assert culprit.receiver == "somewhere.inner"
    assert culprit.dispatch.signal == "inner"
    outer_failure = recorder.trace.dispatches[0].responses[0].failure
    assert outer_failure is not None
    assert str(outer_failure) == "ValueError: no"
    assert recorder.culprit(ValueError("no")) is None


def test_a_failure_says_where_it_was_raised(recorder: Recorder) -> None:
    def fails() -> None:
        helper()

    def helper() -> None:
        raise LookupError("  over\n two lines ")

    with pytest.raises(LookupError) as caught:
        send(recorder, "signal", fails)
    (response,) = recorder.trace.responses
    assert response.failure is not None
    assert response.failure.file == __file__
    assert response.failure.line == helper.__code__.co_firstlineno + 1
    assert str(response.failure) == "LookupError: over two lines"
    assert response.value is None
    assert recorder.culprit(caught.value) is response


def test_an_exception_whose_text_fails_is_kept_all_the_same(recorder: Recorder) -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    def fails() -> None:
        raise Mute

    with pytest.raises(Mute):
        send(recorder, "signal", fails)
    (response,) = recorder.trace.responses
    assert response.failure is not None
    assert "Mute" in response.failure.type
    assert "RuntimeError" in response.failure.message


def test_what_is_told_is_represented_at_once(recorder: Recorder) -> None:
    items = ["before"]
    dispatch = begin(recorder, "signal", items=items)
    begun = recorder.response_begun(dispatch, "receiver")
    recorder.response_ended(begun, items, None)
    items.append("after")
    assert dispatch.arguments == {"items": ["before"]}
    assert dispatch.responses[0].value == ["before"]


def test_arguments_whose_names_say_so_are_secrets(recorder: Recorder) -> None:
    dispatch = begin(recorder, "signal", password="hunter2", user_api_key=["hunter2"], name="n")
    assert "hunter2" not in repr(dispatch.arguments)
    assert dispatch.arguments["name"] == "n"
    assert list(dispatch.arguments) == ["password", "user_api_key", "name"]


def test_threads_have_their_own_parents_and_numbers_are_never_shared(
    recorder: Recorder,
) -> None:
    barrier = threading.Barrier(8)

    def work(number: int) -> None:
        def receiver() -> None:
            for _ in range(20):
                send(recorder, "inner", sender=str(number))

        barrier.wait()
        send(recorder, "outer", receiver, sender=str(number))

    threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    dispatches = recorder.trace.dispatches
    assert [dispatch.seq for dispatch in dispatches] == list(range(1, 8 * 21 + 1))
    for dispatch in dispatches:
        if dispatch.signal == "inner":
            assert dispatch.parent is not None
            assert dispatch.parent.dispatch.sender == dispatch.sender
    assert len(recorder.trace.roots) == 8


def test_who_shows_the_trace_is_told_of_each_event() -> None:
    seen: list[int] = []
    recorder = Recorder(on_change=lambda: seen.append(len(list(recorder.trace.responses))))
    send(recorder, "signal", _nothing)
    assert seen == [0, 1, 1, 1]


def _nothing() -> None:
    """A receiver."""


def test_a_context_that_was_copied_within_a_response_carries_it_along(
    recorder: Recorder,
) -> None:
    contexts: list[contextvars.Context] = []

    def receiver() -> None:
        contexts.append(contextvars.copy_context())

    send(recorder, "first", receiver)
    contexts[0].run(send, recorder, "later")
    assert outline(recorder.trace)[1] == ("later", None, "receiver")
