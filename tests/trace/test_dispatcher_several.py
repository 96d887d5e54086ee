"""Several recorders at once, each with a tree of its own."""

import gc
import logging
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from signalcli.dispatch import Signal
from signalcli.trace import Recorder, Response, Trace, record

outer = Signal()
inner = Signal()


def send_inner(**kwargs: Any) -> None:
    print("between")
    inner.send(None)


def tree(trace: Trace) -> list[tuple[str, int | None, list[int]]]:
    """Each dispatch with its parent's number, and what its responses caused."""
    return [
        (
            dispatch.signal,
            dispatch.parent and dispatch.parent.dispatch.seq,
            [child.seq for response in dispatch.responses for child in response.caused],
        )
        for dispatch in trace.dispatches
    ]


def test_recorders_within_each_other_keep_the_same_tree_and_output() -> None:
    one, other = Recorder(), Recorder()
    with outer.connected_to(send_inner), record(one), record(other):
        outer.send(None)
    assert tree(one.trace) == tree(other.trace) == [("outer", None, [2]), ("inner", 1, [])]
    for recorder in (one, other):
        (response,) = recorder.trace.responses
        assert response.output == "between\n"
        assert all(
            child.parent is None or child.parent.dispatch in recorder.trace.dispatches
            for child in recorder.trace.dispatches
        )


def test_a_recorder_that_begins_in_a_receiver_sees_only_what_follows() -> None:
    late = Recorder()

    def watch_and_send(**kwargs: Any) -> None:
        with record(late):
            inner.send(None)

    early = Recorder()
    with outer.connected_to(watch_and_send), record(early):
        outer.send(None)
    assert tree(early.trace) == [("outer", None, [2]), ("inner", 1, [])]
    assert tree(late.trace) == [("inner", None, [])]


def test_recorders_that_end_in_any_order_leave_the_process_as_it_was() -> None:
    before = (threading.Thread.start, ThreadPoolExecutor.submit, sys.stdout)
    one, other = record(Recorder()), record(Recorder())
    one.__enter__()
    other.__enter__()
    one.__exit__(None, None, None)
    other.__exit__(None, None, None)
    assert (threading.Thread.start, ThreadPoolExecutor.submit, sys.stdout) == before


def test_a_worker_that_outlives_a_trace_does_not_keep_it() -> None:
    with ThreadPoolExecutor(max_workers=1) as pool:

        def submits(**kwargs: Any) -> None:
            pool.submit(lambda: None).result()

        recorder: Recorder | None = Recorder()
        assert recorder is not None
        with outer.connected_to(submits), record(recorder):
            outer.send(None)
        trace = weakref.ref(recorder)
        del recorder
        gc.collect()
        assert trace() is None


def test_the_exceptions_of_robust_dispatches_are_not_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The log keeps them for the test's report.
    monkeypatch.setattr(logging.getLogger("signalcli.dispatch"), "disabled", True)

    class Big(Exception):
        pass

    dead: list[Any] = []

    def fails(**kwargs: Any) -> None:
        error = Big()
        dead.append(weakref.ref(error))
        raise error

    recorder = Recorder()
    with outer.connected_to(fails), record(recorder):
        for _ in range(3):
            outer.send_robust(None)
    gc.collect()
    assert [error() for error in dead] == [None, None, None]


def response_to(receiver: Any) -> Response:
    """What a trace keeps of a receiver that is sent a signal once."""
    recorder = Recorder()
    with outer.connected_to(receiver), record(recorder):
        outer.send_robust(None)
    (response,) = recorder.trace.responses
    return response


def test_bytes_written_beneath_standard_output_are_output_too() -> None:
    def writes(**kwargs: Any) -> None:
        sys.stdout.buffer.write("größe\n".encode())
        sys.stdout.flush()

    assert response_to(writes).output == "größe\n"


@pytest.mark.parametrize("value", [5, b"bytes", None])
def test_only_text_can_be_written(value: Any) -> None:
    def writes(**kwargs: Any) -> None:
        sys.stdout.write(value)

    response = response_to(writes)
    assert response.failure is not None
    assert response.failure.type == "TypeError"
    assert response.output == ""


def test_a_receiver_cannot_close_what_others_print_to() -> None:
    def closes(**kwargs: Any) -> None:
        sys.stdout.close()

    response_to(closes)
    print("still open")
