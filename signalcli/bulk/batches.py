"""Carrying out a command for the rows of a file, in batches of which each is a transaction."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy.exc import InvalidRequestError

from signalcli.bulk.checkpoints import Checkpoint
from signalcli.bulk.operation import Operation
from signalcli.bulk.outcomes import UNREADABLE, Counts, Explain, Fault, Outcome
from signalcli.db import Session
from signalcli.dispatch.signatures import describe
from signalcli.errors import InvalidValue
from signalcli.rows import BadRow, Row, RowReader
from signalcli.trace.representation import describe_failure

# As many names as any database takes in one statement.
LARGEST_STRIDE = 1_000


class Batches:
    """The way of a file of rows through a session, batch by batch.

    The rows of a batch are written together. Where that fails, be it for a receiver, what was
    written of them is undone and each is carried out again by itself, so that only the row that
    fails is lost; what receivers of the others did before, they do twice then, but for what they
    left to :func:`signalcli.db.on_commit`.

    Arguments:
        session: the session, used for nothing else.
        operation: what is done for each row.
        explain: says which exceptions are about a row, or a receiver of its signals.
        size: the rows of a batch.
        checkpoint: kept in each batch's transaction; None for none.
    """

    def __init__(
        self,
        session: Session,
        operation: Operation,
        explain: Explain,
        size: int,
        checkpoint: Checkpoint | None = None,
    ) -> None:
        self.counts = Counts()
        self._session = session
        self._operation = operation
        self._explain = explain
        self._size = size
        self._checkpoint = checkpoint
        self._late: list[Outcome] = []
        session.hooks.on_failure = self._note_late

    def go_on(self, rows: RowReader) -> None:
        """Go on where an interrupted run of the same command and rows came to its end.

        Arguments:
            rows: the rows from their beginning; those that are done are passed over.

        Raises:
            InvalidValue: these are not the rows that were begun with.
        """
        if self._checkpoint is None:
            return
        begun = self._checkpoint.find(self._session.connection())
        # Reading on takes a while, in which others may write.
        self._session.rollback()
        if begun is None:
            return
        for _ in islice(rows, begun.counts.rows):
            pass
        if rows.digest() != begun.digest:
            raise InvalidValue(
                f"{Path(self._checkpoint.source).name!r} does not begin with the "
                f"{begun.counts.rows:,} rows that are done of {begun.source!r}; name that "
                "file, or leave --resume out to begin anew"
            )
        self.counts = begun.counts

    def run(self, rows: RowReader) -> Iterator[list[Outcome]]:
        """Carry out all rows; what came of each batch is told when it is committed.

        Raises:
            BaseException: what is about more than a row; the batch is rolled back.
        """
        for batch in self._batches(rows):
            transaction = self._session.begin()
            outcomes = self._carry_out(batch)
            counts = self.counts.with_batch(outcomes)
            if self._checkpoint is not None:
                digest = rows.digest()
                self._checkpoint.write(self._session.connection(), counts, digest)
            if self._session.get_transaction() is not transaction:
                raise InvalidRequestError("a receiver ended the transaction of a batch")
            self._session.commit()
            self.counts = counts
            yield [*outcomes, *self._taken_late()]
        if self._checkpoint is not None and self.counts.batches:
            self._checkpoint.remove(self._session.connection())
            self._session.commit()

    def run_whole(self, rows: RowReader) -> Iterator[list[Outcome]]:
        """Carry out all rows in one transaction, which is committed where none has a fault.

        What came of each batch is told when it is carried out.

        Arguments:
            rows: the rows.

        Raises:
            BaseException: as for :meth:`run`; all is rolled back.
        """
        transaction = self._session.begin()
        for batch in self._batches(rows):
            outcomes = self._carry_out(batch)
            if self._session.get_transaction() is not transaction:
                raise InvalidRequestError("a receiver ended the transaction of all rows")
            self.counts = self.counts.with_batch(outcomes)
            yield outcomes
        if self.counts.faults:
            self._session.rollback()
            self.counts = self.counts.undone()
        else:
            self._session.commit()
            self.counts = replace(self.counts, batches=1)
            yield self._taken_late()

    def _batches(self, rows: RowReader) -> Iterator[list[Row | BadRow]]:
        left = iter(rows)
        while batch := list(islice(left, self._size)):
            yield batch

    def _carry_out(self, batch: Iterable[Row | BadRow]) -> list[Outcome]:
        outcomes, good = [], []
        for row in batch:
            if isinstance(row, BadRow):
                fault = Fault(UNREADABLE, row.reason)
                outcomes.append(Outcome(row.number, row.line, fault))
            else:
                good.append(row)
        for stride in self._strides(good):
            outcomes += self._attempt(stride)
        return sorted(outcomes)

    def _strides(self, rows: Iterable[Row]) -> Iterator[list[Row]]:
        """The rows in pieces in none of which a user is named twice."""
        stride: list[Row] = []
        named: set[str] = set()
        for row in rows:
            names = self._operation.names(row)
            if len(stride) == LARGEST_STRIDE or not named.isdisjoint(names):
                yield stride
                stride, named = [], set()
            stride.append(row)
            named.update(names)
        if stride:
            yield stride

    def _attempt(self, rows: Sequence[Row]) -> list[Outcome]:
        """Carry out some rows; where that fails, each by itself."""
        try:
            with self._session.begin_nested():
                return self._operation.carry_out(self._session, rows)
        except BaseException as error:
            fault = self._explain(error)
            if fault is None:
                raise
        if len(rows) == 1:
            return [Outcome(rows[0].number, rows[0].line, fault)]
        return [outcome for row in rows for outcome in self._attempt([row])]

    def _note_late(self, function: Callable[[], Any], error: Exception) -> None:
        """A function that a receiver registered failed after the commit, which stands."""
        story = f"{describe(function)} failed: {describe_failure(error).story}"
        fault = self._explain(error) or Fault("receiver_failed", story)
        self._late.append(Outcome(0, 0, fault))

    def _taken_late(self) -> list[Outcome]:
        """What failed after the last commit."""
        late, self._late = self._late, []
        for outcome in late:
            self.counts.add(outcome)
        return late
