"""Operations that an app does for each of many rows, carried out in batches.

Each batch is a transaction.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import InvalidRequestError

from signalcli.bulk.checkpoints import Checkpoint
from signalcli.bulk.outcomes import UNREADABLE, Counts, Explain, Fault, Outcome, Report
from signalcli.db import Session
from signalcli.db.database import may_be_taken_meanwhile
from signalcli.dispatch.signatures import describe
from signalcli.errors import InvalidValue
from signalcli.rows import BadRow, Row, RowReader
from signalcli.trace.representation import describe_failure

# As many keys as any database takes in one statement.
LARGEST_STRIDE = 1_000


@dataclass(frozen=True, slots=True)
class Operation:
    """What an app does for each of many rows.

    Attributes:
        name: its name, under which its checkpoints are kept.
        noun: the word for the objects that it is about: ``user``.
        story: the answer for people, with gaps for the number of objects and the database:
            ``Registered {} in {}``.
        columns: those that a row has to give, and those that it may give.
        keys: the keys of the objects that a row makes, changes or removes. Rows that share a key
            are not carried out together.
        carry_out: does it for rows in a session, in a savepoint that the caller ends, and reports
            the rows that are not done. An exception rolls the savepoint back.
    """

    name: str
    noun: str
    story: str
    columns: tuple[tuple[str, ...], tuple[str, ...]]
    keys: Callable[[Row], Collection[str]]
    carry_out: Callable[[Session, Sequence[Row], Report], None]


def finished(session: Session, rows: RowReader, checkpoint: Checkpoint) -> Counts | None:
    """What came of the rows where a finished run has done these very ones; otherwise None.

    Arguments:
        session: the session.
        rows: all rows. They are read to their end where there are finished runs.
        checkpoint: that of the operation and the rows.
    """
    known = checkpoint.finished(session.connection())
    # Reading the rows takes a while, in which others may write.
    session.rollback()
    if not known:
        return None
    for _ in rows:
        pass
    return known.get(rows.digest())


class Batches:
    """An operation carried out for the rows of a file, batch by batch.

    The rows of a batch are written together. Where that fails, perhaps in a receiver, they are
    rolled back and each row is carried out again by itself, so that only the row that fails is
    lost. Receivers then run a second time for the other rows; the functions that they gave to
    :func:`signalcli.db.on_commit` are called once.

    Arguments:
        session: the session, used for nothing else.
        operation: what is done for each row.
        rows: the rows.
        explain: makes a fault of an exception about a row, or of a receiver of its signals.
        size: the rows of a batch.
        checkpoint: kept in each batch's transaction; None for none.

    Attributes:
        counts: the number of rows so far, by their outcomes.
        is_committed: whether anything is in the database for good.
    """

    def __init__(
        self,
        session: Session,
        operation: Operation,
        rows: RowReader,
        explain: Explain,
        size: int,
        checkpoint: Checkpoint | None = None,
    ) -> None:
        self.counts = Counts()
        self.is_committed = False
        self._next: Counts | None = None
        self._session = session
        self._operation = operation
        self._rows = rows
        self._explain = explain
        self._size = size
        self._checkpoint = checkpoint
        self._late: list[Outcome] = []

    def go_on(self) -> None:
        """Go on where an interrupted run of the same operation and rows ended.

        Raises:
            InvalidValue: these are not the rows that were begun with.
        """
        if self._checkpoint is None:
            return
        begun = self._checkpoint.find(self._session.connection())
        # Reading the rows that are done takes a while, in which others may write.
        self._session.rollback()
        if begun is None:
            return
        for _ in islice(self._rows, begun.counts.rows):
            pass
        if self._rows.digest() != begun.digest:
            raise InvalidValue(
                f"{Path(self._checkpoint.source).name!r} does not begin with the "
                f"{begun.counts.rows:,} rows that are done of {begun.source!r}; name that "
                "file, or leave --resume out to begin anew"
            )
        self.counts = begun.counts

    def run(self, *, whole: bool = False) -> Iterator[list[Outcome]]:
        """Carry out all rows, and give what came of each batch when it is committed.

        Arguments:
            whole: whether all rows are one transaction, which is committed where none has a fault.
                Then what came of a batch is given when it is carried out.

        Raises:
            BaseException: what is about more than a row; the transaction is rolled back.
        """
        self._session.hooks.on_failure = self._note_late
        # First, while whoever interrupts this leaves a doubt about the commit.
        event.listen(self._session, "after_commit", self._note_commit, insert=True)
        try:
            yield from self._run_whole() if whole else self._run_each()
        finally:
            event.remove(self._session, "after_commit", self._note_commit)
            # Or the session and the rows would live on, tied to each other in a cycle.
            self._session.hooks.on_failure = None

    def _run_each(self) -> Iterator[list[Outcome]]:
        for batch in self._batches():
            transaction = self._session.begin()
            if self._checkpoint is not None:
                self._checkpoint.make_ready(self._session.connection())
            outcomes = self._carry_out(batch)
            counts = self.counts.with_batch(outcomes)
            if self._checkpoint is not None:
                digest = self._rows.digest()
                self._checkpoint.write(self._session.connection(), counts, digest)
            if self._session.get_transaction() is not transaction:
                raise InvalidRequestError("a receiver ended the transaction of a batch")
            self._next = counts
            self._session.commit()
            yield [*outcomes, *self._taken_late()]
        if self._checkpoint is not None and self.counts.batches:
            self._checkpoint.finish(self._session.connection(), self._rows.digest())
            self._session.commit()

    def _run_whole(self) -> Iterator[list[Outcome]]:
        transaction = self._session.begin()
        for batch in self._batches():
            outcomes = self._carry_out(batch)
            if self._session.get_transaction() is not transaction:
                raise InvalidRequestError("a receiver ended the transaction of all rows")
            self.counts = self.counts.with_batch(outcomes)
            yield outcomes
        if self.counts.faults:
            self._session.rollback()
            self.counts = self.counts.undone()
        else:
            self._next = replace(self.counts, batches=1)
            self._session.commit()
            yield self._taken_late()

    def _note_commit(self, session: Session) -> None:
        """Count the rows as soon as they are in the database.

        Afterwards the functions of receivers run that wait for the commit, and somebody may end
        the run in one of them.
        """
        if self._next is not None and not session.in_nested_transaction():
            self.counts, self._next, self.is_committed = self._next, None, True

    def _batches(self) -> Iterator[list[Row | BadRow]]:
        left = iter(self._rows)
        while batch := list(islice(left, self._size)):
            yield batch

    def _carry_out(self, batch: Iterable[Row | BadRow]) -> list[Outcome]:
        outcomes, good = [], []
        for row in batch:
            if isinstance(row, BadRow):
                fault = Fault(UNREADABLE, row.reason)
                outcomes.append(Outcome(row.number, row.line, fault))
            else:
                good.append(self._without_empty_fields(row))
        for stride in self._strides(good):
            outcomes += self._attempt(stride)
        return sorted(outcomes)

    def _without_empty_fields(self, row: Row) -> Row:
        """A row without what it could leave out: in a table, that is an empty field."""
        if self._rows.format != "csv" or "" not in row.values.values():
            return row
        needed, _ = self._operation.columns
        values = {name: text for name, text in row.values.items() if text or name in needed}
        return row._replace(values=values)

    def _strides(self, rows: Iterable[Row]) -> Iterator[list[Row]]:
        """The rows in pieces in none of which an object is named twice."""
        stride: list[Row] = []
        named: set[str] = set()
        for row in rows:
            keys = self._operation.keys(row)
            if len(stride) == LARGEST_STRIDE or not named.isdisjoint(keys):
                yield stride
                stride, named = [], set()
            stride.append(row)
            named.update(keys)
        if stride:
            yield stride

    def _attempt(self, rows: Sequence[Row], *, is_last: bool = False) -> list[Outcome]:
        """Carry out some rows; where that fails, each by itself.

        Where another process has written meanwhile what a row is about, a last attempt sees it.
        """
        report = Report(rows, self._explain)
        try:
            with self._session.begin_nested():
                self._operation.carry_out(self._session, rows, report)
                return report.outcomes
        except BaseException as error:
            fault = self._explain(error)
            if fault is None:
                raise
            is_late = may_be_taken_meanwhile(error)
        if len(rows) == 1 and is_late and not is_last:
            return self._attempt(rows, is_last=True)
        if len(rows) == 1:
            return [Outcome(rows[0].number, rows[0].line, fault, values=rows[0].values)]
        return [outcome for row in rows for outcome in self._attempt([row])]

    def _note_late(self, function: Callable[[], Any], error: Exception) -> None:
        """A function that a receiver registered failed after the commit, which stands."""
        fault = self._explain(error)
        if fault is None:
            failure = describe_failure(error)
            story = f"after the commit: the function {describe(function)} failed: {failure.story}"
            fault = Fault("receiver_failed", story, place=failure.place)
        self._late.append(Outcome(0, 0, fault))

    def _taken_late(self) -> list[Outcome]:
        """What failed after the last commit."""
        late, self._late = self._late, []
        for outcome in late:
            self.counts.add(outcome)
        return late
