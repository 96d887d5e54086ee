"""Traces, totals and faults on purpose."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import assert_type

from signalcli.trace import (
    Dispatch,
    Failure,
    Faults,
    InjectedFault,
    Injection,
    ReceiverTotal,
    Recorder,
    Response,
    Totals,
    Trace,
    injected,
    record,
    totalled,
)


def a_block_is_recorded_as_a_trace() -> None:
    with record(Recorder()) as recorder:
        assert_type(recorder, Recorder)
    assert_type(recorder.trace, Trace)
    assert_type(recorder.now(), float)
    record()  # type: ignore[call-arg]
    record(Trace())  # type: ignore[arg-type]


def a_trace_is_a_tree_of_plain_data(trace: Trace) -> None:
    assert_type(trace.dispatches, list[Dispatch])
    assert_type(trace.roots, list[Dispatch])
    assert_type(trace.responses, Iterator[Response])
    for dispatch in trace.roots:
        assert_type(dispatch.parent, Response | None)
        assert_type(dispatch.sender, str | None)
        assert_type(dispatch.seconds, float | None)
        for response in dispatch.responses:
            assert_type(response.dispatch, Dispatch)
            assert_type(response.failure, Failure | None)
            assert_type(response.caused, list[Dispatch])
            assert_type(response.injected, Injection | None)


def records_of_failures_do_not_change(failure: Failure, injection: Injection) -> None:
    assert_type(failure.story, str)
    assert_type(injection.delay, float)
    failure.line = 1  # type: ignore[misc]
    injection.delay = 1.0  # type: ignore[misc]


def totals_are_kept_for_each_receiver() -> None:
    totals = Totals()
    assert_type(totalled(totals), AbstractContextManager[None])
    for total in totals:
        assert_type(total, ReceiverTotal)
    totalled([])  # type: ignore[arg-type]


def faults_are_put_in_on_purpose() -> None:
    faults = Faults(fail=("update_*",), delay={"note": 0.2}, mute=("paid",))
    with injected(faults) as nothing:
        assert_type(nothing, None)
    error: Exception = InjectedFault()
    assert error
    injected("update_*")  # type: ignore[arg-type]
