"""Work on many rows: what is pending is written in batches."""

from typing import TYPE_CHECKING, Any

from signalcli.db.compat.states import State, contains, state_of

if TYPE_CHECKING:
    from signalcli.db.session import Session

BATCH_SIZE = 1000


class Bulk:
    """Writes what a session is given whenever enough of it is pending.

    Arguments:
        session: the session.
        batch_size: how many instances are written together.
        commits: whether each batch is committed.

    Raises:
        ValueError: the batch size is not at least 1.
    """

    def __init__(self, session: "Session", batch_size: int, *, commits: bool) -> None:
        if batch_size < 1:
            raise ValueError(f"a batch has at least 1 instance, not {batch_size}")
        self._session = session
        self._batch_size = batch_size
        self._commits = commits
        self._pending = 0

    @property
    def is_full(self) -> bool:
        """Whether as many instances are pending as are written together."""
        return self._pending >= self._batch_size and self._session.autoflush

    def is_written_before(self, instance: Any) -> bool:
        """Whether a full batch can be written before an instance is added.

        So what is done to an instance after it was added is written with it. One that somebody in
        the session refers to already has to come along, or the flush would warn of it.
        """
        state = state_of(instance)
        family = [state, *(each for _, _, each, _ in _cascade(state))]
        return not any(
            _is_in_somebodys_relationship(self._session, each)
            for each in family
            if each.key is None and not contains(self._session, each)
        )

    def count(self) -> None:
        """An instance was added or deleted."""
        self._pending += 1

    def write(self) -> None:
        """Write what is pending."""
        self._pending = 0
        if self._commits:
            self._session.commit()
        else:
            self._session.flush()


def _cascade(state: State) -> Any:
    return state.mapper.cascade_iterator("save-update", state)


def _is_in_somebodys_relationship(session: "Session", state: State) -> bool:
    """Whether an instance stands in a relationship of one in the session, put there by its own."""
    for relationship in state.mapper.relationships:
        value = state.dict.get(relationship.key) if relationship.back_populates else None
        if value is None:
            continue
        others = value if relationship.uselist else [value]
        if any(other is not None and other in session for other in _members(others)):
            return True
    return False


def _members(collection: Any) -> Any:
    return collection.values() if hasattr(collection, "values") else collection
