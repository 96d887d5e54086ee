"""Our dispatcher as a source of events for the recorder."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from signalcli.dispatch import Receiver, Signal, watch
from signalcli.dispatch.tasks import keep_apart
from signalcli.trace.faults import injection_of, is_muted
from signalcli.trace.names import name_and_place, sender_name
from signalcli.trace.output import caught_output
from signalcli.trace.recorder import Recorder, followed_threads, running_here
from signalcli.trace.records import Dispatch, Response, encodable
from signalcli.trace.representation import describing_here, is_describing

keep_apart(running_here)
keep_apart(describing_here)


class DispatcherSource:
    """An observer of :mod:`signalcli.dispatch` that feeds a recorder.

    The description of a value may send signals: a model's ``__str__`` may load a row. They are no
    part of the run, and are not recorded.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def dispatch_begun(
        self, signal: Signal, sender: Any, named: dict[str, Any], robust: bool
    ) -> Dispatch | None:
        """See :class:`signalcli.dispatch.Observer`, as for the other methods."""
        if is_describing():
            return None
        return self._recorder.dispatch_begun(
            signal=signal.name,
            signal_path=signal.path,
            sender=sender_name(sender),
            arguments=named,
            robust=robust,
            muted=is_muted(signal),
        )

    def dispatch_ended(self, dispatch: Dispatch | None, error: BaseException | None) -> None:
        """The dispatch is over."""
        if dispatch is not None:
            self._recorder.dispatch_ended(dispatch)

    def response_begun(
        self, dispatch: Dispatch | None, receiver: Receiver
    ) -> tuple[Response, Any] | None:
        """A receiver is being called."""
        if dispatch is None:
            return None
        name, file, line = name_and_place(receiver)
        return self._recorder.response_begun(dispatch, name, file, line, injection_of(receiver))

    def response_ended(
        self, response: tuple[Response, Any] | None, value: Any, error: BaseException | None
    ) -> None:
        """The receiver returned or raised."""
        if response is not None:
            self._recorder.response_ended(response, value, error)

    def not_called(self, dispatch: Dispatch | None, receivers: Sequence[Receiver]) -> None:
        """A failure ends the dispatch before these receivers."""
        if dispatch is not None:
            names = (name_and_place(receiver)[0] for receiver in receivers)
            dispatch.not_called = tuple(map(encodable, names))

    def failed_on_commit(
        self, response: Response | None, function: Callable[[], Any], error: BaseException
    ) -> None:
        """A function that a response asked for failed after the commit."""
        if response is not None:
            name, _, _ = name_and_place(function)
            self._recorder.failed_on_commit(response, encodable(name), error)

    def cause(self) -> Response | None:
        """The response that is running here."""
        return self._recorder.current()

    @contextmanager
    def caused_by(self, cause: Response | None) -> Iterator[None]:
        """In the block, dispatches are children of that response, and exceptions its fault."""
        with self._recorder.as_current(cause):
            try:
                yield
            except BaseException as error:
                if cause is not None:
                    self._recorder.blame(error, cause)
                raise


@contextmanager
def record(recorder: Recorder) -> Iterator[Recorder]:
    """In the block, every dispatch of every signal is recorded, with the output of receivers."""
    with ExitStack() as stack:
        stack.enter_context(caught_output())
        stack.enter_context(followed_threads())
        stack.enter_context(watch(DispatcherSource(recorder)))
        stack.callback(recorder.ended)
        yield recorder
