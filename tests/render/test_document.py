"""A trace as a JSON document."""

import contextvars
import json
from typing import Any

from hypothesis import given, settings

from signalcli.render.document import dispatches_of, dumps
from signalcli.trace import Injection, Recorder, Trace
from tests.render.random import Case, traces

# A busy machine may take its time over an example.
unhurried = settings(deadline=None)

DISPATCH_KEYS = {
    "seq",
    "parent",
    "signal",
    "signal_path",
    "sender",
    "robust",
    "arguments",
    "duration_ms",
    "responses",
}
RESPONSE_KEYS = {"receiver", "ok", "value", "error", "output", "duration_ms"}


def document_of(trace: Trace) -> list[dict[str, Any]]:
    text = dumps({"dispatches": dispatches_of(trace)})
    assert "\n" not in text
    # What a strict reader, and a stream in UTF-8, accept.
    text.encode()
    document: dict[str, Any] = json.loads(text, parse_constant=_refuse)
    return list(document["dispatches"])


def _refuse(constant: str) -> None:
    raise AssertionError(constant)


@unhurried
@given(traces())
def test_any_trace_makes_a_document_whose_parents_are_there(case: Case) -> None:
    trace = case.recorder.trace
    entries = document_of(trace)
    assert len(entries) == len(trace.dispatches)
    seen: dict[int, set[str]] = {}
    for entry, dispatch in zip(entries, trace.dispatches, strict=True):
        assert set(entry) >= DISPATCH_KEYS
        assert all(set(response) >= RESPONSE_KEYS for response in entry["responses"])
        parent = entry["parent"]
        assert (parent is None) == (dispatch.parent is None)
        if parent is not None:
            assert parent["receiver"] in seen[parent["seq"]]
        seen[entry["seq"]] = {response["receiver"] for response in entry["responses"]}
        assert entry["signal"] == dispatch.signal
        assert entry["sender"] == dispatch.sender
        for response, kept in zip(entry["responses"], dispatch.responses, strict=True):
            assert response["ok"] == (kept.failure is None)
            assert (response["error"] is None) == response["ok"]
            assert response["output"] == kept.output
    assert len(seen) == len(entries)


def test_a_response_that_goes_on_is_not_ok_and_has_no_duration() -> None:
    recorder = Recorder()
    dispatch = recorder.dispatch_begun(
        signal="s", signal_path="a.s", sender=None, arguments={}, robust=False
    )
    contextvars.copy_context().run(recorder.response_begun, dispatch, "a.r")
    (entry,) = document_of(recorder.trace)
    assert entry["duration_ms"] is None
    (response,) = entry["responses"]
    assert (response["ok"], response["error"], response["duration_ms"]) == (False, None, None)


def test_a_failure_has_its_type_its_message_and_its_place() -> None:
    recorder = Recorder()
    dispatch = recorder.dispatch_begun(
        signal="s", signal_path="a.s", sender=None, arguments={}, robust=False
    )
    begun = recorder.response_begun(dispatch, "a.r")
    try:
        raise LookupError("gone")
    except LookupError as error:
        recorder.response_ended(begun, None, error)
    (entry,) = document_of(recorder.trace)
    error = entry["responses"][0]["error"]
    assert (error["type"], error["message"]) == ("LookupError", "gone")
    file, _, line = error["place"].rpartition(":")
    assert file == __file__
    assert line.isdigit()


def test_faults_on_purpose_and_what_ran_side_by_side_are_said() -> None:
    recorder = Recorder()
    sent = recorder.dispatch_begun(
        signal="s", signal_path="a.s", sender=None, arguments={}, robust=False
    )
    fault = Injection(failure=True, delay=0.25)
    recorder.response_ended(recorder.response_begun(sent, "a.first"), None, None)
    left = recorder.response_begun(sent, "a.left", injected=fault)
    right = recorder.response_begun(sent, "a.right")
    recorder.response_ended(right, None, None)
    recorder.response_ended(left, None, ValueError("no"))
    recorder.dispatch_begun(
        signal="s", signal_path="a.s", sender=None, arguments={}, robust=False, muted=True
    )
    heard, muted = document_of(recorder.trace)
    assert (heard["muted"], muted["muted"]) == (False, True)
    assert [(each["injected"], each["concurrent"]) for each in heard["responses"]] == [
        (None, False),
        ({"failure": True, "delay_ms": 250.0}, True),
        (None, True),
    ]


def test_receivers_that_were_not_called_are_named() -> None:
    trace = Trace()
    recorder = Recorder()
    recorder.trace = trace
    for names in ((), ("shop.count", "shop.tell")):
        dispatch = recorder.dispatch_begun(
            signal="paid", signal_path="shop.paid", sender=None, arguments={}, robust=False
        )
        dispatch.not_called = names
        recorder.dispatch_ended(dispatch)
    assert [each["not_called"] for each in document_of(trace)] == [[], ["shop.count", "shop.tell"]]


def test_text_stays_readable() -> None:
    assert "Zoë 😀" in dumps({"name": "Zoë 😀"})
    assert json.loads(dumps({"name": "\udcff"})) == {"name": "\udcff"}
