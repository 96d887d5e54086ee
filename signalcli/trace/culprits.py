"""Culprits: what raised an exception that is still on its way up."""

from typing import Generic, TypeVar

T = TypeVar("T")

MOST_EXCEPTIONS = 100


class Culprits(Generic[T]):
    """Remembers what raised each of the latest exceptions first."""

    def __init__(self) -> None:
        # The exceptions are kept, too, so that no other can get the id of one.
        self._raised: dict[int, tuple[BaseException, T]] = {}

    def note(self, error: BaseException, culprit: T) -> None:
        """Remember who raised an exception, unless the culprit of it or of its group is known."""
        if self.of(error) is None:
            self._raised[id(error)] = (error, culprit)
        if len(self._raised) > MOST_EXCEPTIONS:
            # Receivers may catch exceptions, which then stay here; the oldest are over.
            del self._raised[next(iter(self._raised))]

    def forget(self, error: BaseException) -> None:
        """Forget an exception that was caught."""
        self._raised.pop(id(error), None)

    def of(self, error: BaseException) -> T | None:
        """The culprit of an exception, or the first known one of a group; None where unknown."""
        # SQLAlchemy wraps a driver's exception that a receiver of connection_created raises.
        raised = error if id(error) in self._raised else getattr(error, "orig", None)
        _, culprit = self._raised.get(id(raised), (None, None))
        if culprit is None and isinstance(error, BaseExceptionGroup):
            found = (self.of(member) for member in error.exceptions)
            return next((each for each in found if each is not None), None)
        return culprit
