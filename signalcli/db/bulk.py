"""Work on many rows: what is pending is written in batches."""

from typing import TYPE_CHECKING

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

    def make_room(self) -> None:
        """Another instance comes: if the batch is full, it is written first.

        So what is done to an instance after it was added is written with it.
        """
        if self._pending >= self._batch_size and self._session.autoflush:
            self.write()
        self._pending += 1

    def write(self) -> None:
        """Write what is pending."""
        self._pending = 0
        if self._commits:
            self._session.commit()
        else:
            self._session.flush()
