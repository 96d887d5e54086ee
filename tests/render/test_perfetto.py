"""Runs as trace events, which Perfetto shows."""

import json
from typing import Any

import pytest

from signalcli.log.runs import Run
from signalcli.render.exports import export
from signalcli.trace import Recorder, Trace
from tests.render.traces import (
    a_run,
    begin,
    concurrent_trace,
    late_trace,
    respond,
    small_trace,
    unfinished_trace,
)


class TestPerfetto:
    @staticmethod
    def document(trace: Trace, run: Run | None = None) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(export("perfetto", run or a_run(), trace))
        return document

    def slices(self, trace: Trace) -> list[dict[str, Any]]:
        return [event for event in self.document(trace)["traceEvents"] if event["ph"] == "X"]

    def test_the_run_stands_beside_the_events(self) -> None:
        document = self.document(Trace(), a_run(number=7, exit_code=1, is_rolled_back=True))
        assert document["displayTimeUnit"] == "ms"
        assert document["otherData"] == {
            "begun": "2026-02-03T04:05:06.000789Z",
            "run": 7,
            "command_line": "signalcli register xyz",
            "outcome": "rolled back",
        }
        assert {event["ph"] for event in document["traceEvents"]} == {"M"}

    def test_a_slice_for_each_dispatch_and_each_response(self) -> None:
        slices = self.slices(small_trace())
        assert [(piece["cat"], piece["name"]) for piece in slices] == [
            ("dispatch", "pre_save"),
            ("dispatch", "post_save"),
            ("response", "create_profile"),
            ("dispatch", "pre_save"),
            ("response", "✗ audit"),
            ("dispatch", "notified"),
            ("response", "show"),
        ]
        assert {piece["tid"] for piece in slices} == {1}

    def test_the_details_are_those_of_the_document(self) -> None:
        slices = self.slices(small_trace())
        sent, answered, failed, robust = (slices[index]["args"] for index in (1, 2, 4, 5))
        assert sent["signal_path"] == "shop.post_save"
        assert sent["sender"] == "User"
        assert sent["arguments"] == {"created": True, "name": "xyz"}
        assert (sent["robust"], robust["robust"]) == (False, True)
        assert answered["value"] == [1, "two"]
        assert answered["output"].startswith("Profile Created !")
        assert failed["error"]["type"] == "ValueError"
        assert "unfinished" not in sent

    def test_times_are_microseconds_since_the_run_began(self) -> None:
        recorder = Recorder()
        dispatch = begin(recorder)
        dispatch.begun, dispatch.seconds = 0.25, 0.0015
        (piece,) = self.slices(recorder.trace)
        assert (piece["ts"], piece["dur"]) == (250_000, 1500)

    def test_what_is_unfinished_ends_with_the_trace(self) -> None:
        trace = unfinished_trace()
        for piece in self.slices(trace):
            assert piece["args"]["unfinished"] is True
            assert piece["ts"] + piece["dur"] == pytest.approx((trace.ended or 0) * 1e6, abs=1)

    @pytest.mark.parametrize("trace", [concurrent_trace(), late_trace()], ids=["aside", "late"])
    def test_what_is_aside_or_late_has_an_arrow_from_its_cause(self, trace: Trace) -> None:
        events = self.document(trace)["traceEvents"]
        (start,) = [event for event in events if event["ph"] == "s"]
        (finish,) = [event for event in events if event["ph"] == "f"]
        assert start["id"] == finish["id"]
        # An end of an arrow stands behind the slice that it belongs to.
        cause, caused = (events[events.index(end) - 1] for end in (start, finish))
        assert (cause["ph"], caused["ph"]) == ("X", "X")
        if trace.dispatches[0].signal == "opened":
            assert (cause["name"], caused["cat"]) == ("opened", "response")
            assert cause["tid"] != caused["tid"]
        else:
            assert (cause["name"], caused["name"]) == ("deliver", "delivered")

    def test_rounding_makes_no_lanes(self) -> None:
        recorder = Recorder()
        dispatch = begin(recorder)
        response = respond(recorder, dispatch)
        dispatch.begun, dispatch.seconds = 0.1, 0.2
        response.begun, response.seconds = 0.1, 0.2 + 1e-7
        assert [piece["tid"] for piece in self.slices(recorder.trace)] == [1, 1]
