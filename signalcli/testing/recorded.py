"""Dispatches and responses with the objects themselves, where a trace keeps representations."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from signalcli.dispatch import Receiver, Signal
from signalcli.trace import Dispatch, Response


@dataclass(slots=True, eq=False)
class RecordedResponse:
    """What one receiver did in a dispatch.

    Attributes:
        entry: how the trace describes it.
        dispatch: the dispatch that it received.
        receiver: the receiver.
        value: what it returned; None also while it runs and where it raised.
        error: what it raised, or None.
    """

    entry: Response = field(repr=False)
    dispatch: "RecordedDispatch" = field(repr=False)
    receiver: Receiver
    value: Any = None
    error: BaseException | None = None


@dataclass(slots=True, eq=False)
class RecordedDispatch:
    """One sending of a signal.

    Attributes:
        entry: how the trace describes it.
        signal: the signal.
        sender: who it was sent for.
        arguments: the named arguments themselves, besides the signal and the sender.
        parent: the response that caused it, or None.
        responses: what the receivers did, in the order in which they began.
    """

    entry: Dispatch = field(repr=False)
    signal: Signal
    sender: Any
    arguments: Mapping[str, Any]
    parent: RecordedResponse | None = field(repr=False)
    responses: list[RecordedResponse] = field(default_factory=list)

    @property
    def number(self) -> int:
        """Its number among all that were recorded, from 1, as the tree shows it."""
        return self.entry.seq
