"""Who raised an exception that is on its way."""

from typing import Generic, TypeVar

T = TypeVar("T")

MOST_EXCEPTIONS = 100


class Culprits(Generic[T]):
    """Remembers of the latest exceptions what raised each of them first."""

    def __init__(self) -> None:
        # The exceptions themselves, so that no other can take the id of one.
        self._raised: dict[int, tuple[BaseException, T]] = {}

    def note(self, error: BaseException, culprit: T) -> None:
        """Remember who raised an exception, unless somebody did before, or one that it groups."""
        if self.of(error) is None:
            self._raised[id(error)] = (error, culprit)
        if len(self._raised) > MOST_EXCEPTIONS:
            # Receivers may catch what they cause; the oldest are of no interest any more.
            del self._raised[next(iter(self._raised))]

    def forget(self, error: BaseException) -> None:
        """The exception goes no further."""
        self._raised.pop(id(error), None)

    def of(self, error: BaseException) -> T | None:
        """What raised an exception, or the first of a group's of which it is known, or None."""
        # What a receiver of connection_created raises, SQLAlchemy wraps where it is the driver's.
        raised = error if id(error) in self._raised else getattr(error, "orig", None)
        _, culprit = self._raised.get(id(raised), (None, None))
        if culprit is None and isinstance(error, BaseExceptionGroup):
            found = (self.of(member) for member in error.exceptions)
            return next((each for each in found if each is not None), None)
        return culprit
