"""The testing tools."""

from collections.abc import Mapping
from typing import Any, assert_type

from signalcli.dispatch import Receiver, Signal
from signalcli.testing import Dispatches, RecordedDispatch, RecordedResponse, record_dispatches

paid = Signal(providing_args=["order"])


def note(**kwargs: Any) -> None:
    pass


def what_was_sent_is_recorded() -> None:
    with record_dispatches() as dispatches:
        assert_type(dispatches, Dispatches)
    assert_type(len(dispatches), int)
    assert_type(list(dispatches), list[RecordedDispatch])
    assert_type(dispatches.tree, str)
    assert_type(dispatches.clear(), None)
    assert_type(dispatches.of(paid, "ship*", sender=None, order=1), list[RecordedDispatch])
    dispatches.of(1)  # type: ignore[arg-type]


def assertions_answer_with_what_fits(dispatches: Dispatches) -> None:
    assert_type(dispatches.assert_sent(paid, times=1, order=1), list[RecordedDispatch])
    assert_type(dispatches.assert_not_sent(paid, "ship*", caused_by=note), None)
    assert_type(dispatches.assert_received(paid, by=note), list[RecordedDispatch])
    assert_type(dispatches.assert_not_received(by="note"), None)
    assert_type(dispatches.assert_order("pre_*", (paid, str), (paid, str, {"order": 1})), None)
    assert_type(dispatches.assert_sequence(paid), None)
    dispatches.assert_sent()  # type: ignore[call-arg]
    dispatches.assert_sent(paid, times="once")  # type: ignore[arg-type]
    dispatches.assert_received(paid)  # type: ignore[call-arg]
    dispatches.assert_received(paid, note)  # type: ignore[call-arg]
    dispatches.assert_order()  # type: ignore[call-arg]
    dispatches.assert_sequence((paid,))  # type: ignore[arg-type]


def records_hold_the_objects(dispatch: RecordedDispatch, response: RecordedResponse) -> None:
    assert_type(dispatch.number, int)
    assert_type(dispatch.signal, Signal)
    assert_type(dispatch.arguments, Mapping[str, Any])
    assert_type(dispatch.parent, RecordedResponse | None)
    assert_type(dispatch.responses, list[RecordedResponse])
    assert_type(response.dispatch, RecordedDispatch)
    assert_type(response.receiver, Receiver)
    assert_type(response.error, BaseException | None)
