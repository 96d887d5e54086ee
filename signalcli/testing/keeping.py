"""Recording a trace and keeping the real objects beside it."""

from typing import Any

from signalcli.dispatch import Receiver, Signal
from signalcli.testing.recorded import RecordedDispatch, RecordedResponse
from signalcli.trace import Dispatch, Recorder, Response
from signalcli.trace.dispatcher import DispatcherSource


class Keeper(DispatcherSource):
    """An observer that feeds a recorder, and keeps what the recorder only represents.

    Senders, arguments, receivers, values and exceptions live as long as the keeper does.
    """

    def __init__(self) -> None:
        self.recorder = Recorder()
        super().__init__(self.recorder)
        self._dispatches: dict[Dispatch, RecordedDispatch] = {}
        self._responses: dict[Response, RecordedResponse] = {}

    @property
    def dispatches(self) -> list[RecordedDispatch]:
        """All that began so far, in that order."""
        entries = list(self.recorder.trace.dispatches)
        # Another thread may be between the recorder and here.
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
