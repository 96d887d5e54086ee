"""Watching from one moment to another, and anew in between."""

from contextlib import ExitStack
from types import TracebackType

from signalcli.dispatch import watch
from signalcli.testing.keeping import Keeper
from signalcli.trace.threads import followed_threads


class Recording:
    """A context manager: within it, every dispatch of every signal goes to the keeper.

    What receivers print goes where it would go anyway.

    Attributes:
        keeper: keeps what was sent since the recording began, or began anew.
    """

    def __init__(self) -> None:
        self.keeper = Keeper()
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
        self.keeper.recorder.ended()

    def begin_anew(self) -> None:
        """Forget all; dispatches that are under way are not recorded any more."""
        before = self._watching
        self.keeper = Keeper()
        if before is not None:
            # First the new one, since signals prepare for being watched, and go back when not.
            self._watch()
            before.close()

    def _watch(self) -> None:
        self._watching = ExitStack()
        self._watching.enter_context(watch(self.keeper))
