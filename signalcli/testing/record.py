"""The record of a test: dispatches and responses with the objects themselves."""

import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from signalcli.dispatch import Receiver, Signal, watch
from signalcli.trace import Dispatch, Recorder, Response
from signalcli.trace.dispatcher import DispatcherSource
from signalcli.trace.recorder import followed_threads


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
        arguments: the named arguments themselves, without the signal and the sender.
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


class Record(DispatcherSource):
    """An observer that feeds a recorder, and keeps the objects of each dispatch beside the trace.

    Senders, arguments, receivers, values and exceptions live as long as the record does.
    """

    def __init__(self) -> None:
        self.recorder = Recorder()
        super().__init__(self.recorder)
        self._dispatches: dict[Dispatch, RecordedDispatch] = {}
        self._responses: dict[Response, RecordedResponse] = {}

    @property
    def dispatches(self) -> list[RecordedDispatch]:
        """All dispatches so far, in the order in which they began."""
        entries = list(self.recorder.trace.dispatches)
        # Another thread may have recorded a dispatch, and not yet have kept its objects here.
        return [self._dispatches[entry] for entry in entries if entry in self._dispatches]

    def dispatch_begun(
        self, signal: Signal, sender: Any, named: dict[str, Any], robust: bool
    ) -> Dispatch | None:
        """See :class:`signalcli.dispatch.Observer`, as for the other methods."""
        entry = super().dispatch_begun(signal, sender, named, robust)
        if entry is not None:
            parent = None if entry.parent is None else self._responses[entry.parent]
            self._dispatches[entry] = RecordedDispatch(entry, signal, sender, {**named}, parent)
        return entry

    def response_begun(
        self, dispatch: Dispatch | None, receiver: Receiver
    ) -> tuple[Response, Any] | None:
        """A receiver is being called."""
        begun = super().response_begun(dispatch, receiver)
        if dispatch is not None and begun is not None:
            entry, _ = begun
            recorded = self._dispatches[dispatch]
            response = RecordedResponse(entry, recorded, receiver)
            self._responses[entry] = response
            recorded.responses.append(response)
        return begun

    def response_ended(
        self, response: tuple[Response, Any] | None, value: Any, error: BaseException | None
    ) -> None:
        """The receiver returned or raised."""
        if response is not None:
            recorded = self._responses[response[0]]
            recorded.value, recorded.error = value, error
        super().response_ended(response, value, error)


class Recording:
    """A context manager that records every dispatch of every signal, in all threads and tasks.

    The output of receivers is not caught.

    Attributes:
        record: the dispatches since the recording began, or was restarted.
        since: the number of the last write before that, of those that send no signals.
    """

    def __init__(self) -> None:
        self.record = Record()
        self.since = _last_unannounced()
        self._following = ExitStack()
        self._watching: ExitStack | None = None

    def __enter__(self) -> "Recording":
        self._following.enter_context(followed_threads())
        self._watch()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._watching is not None:
            self._watching.close()
            self._watching = None
        self._following.close()
        self.record.recorder.ended()

    def restart(self) -> None:
        """Begin an empty record; a dispatch that is under way is in neither record."""
        before = self._watching
        self.record = Record()
        self.since = _last_unannounced()
        if before is not None:
            # First the new one: signals prepare for observers, and go back when the last one ends.
            self._watch()
            before.close()

    def _watch(self) -> None:
        self._watching = ExitStack()
        self._watching.enter_context(watch(self.record))


def _last_unannounced() -> int:
    """The number of the last write that sent no signals; who uses no models has none."""
    unannounced = sys.modules.get("signalcli.db.unannounced")
    return 0 if unannounced is None else int(unannounced.last_number())
