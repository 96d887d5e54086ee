"""The session: ``sqlmodel.Session``, which sends the model signals for what it writes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlmodel
from sqlalchemy import Connection, Engine, event, inspect
from sqlalchemy.orm import Mapper, SessionTransaction, UOWTransaction
from sqlalchemy.orm.exc import FlushError

from signalcli.db.bulk import BATCH_SIZE, Bulk, insert_together
from signalcli.db.causes import Causes, Notes
from signalcli.db.compat.states import (
    State,
    contains,
    is_clean,
    is_flushing,
    marks,
    pending,
    state_of,
)
from signalcli.db.compat.transactions import innermost, refuse_in_ended_block, roll_back
from signalcli.db.compat.work import Work
from signalcli.db.construction import quick_construction
from signalcli.db.flush import MOST_ROUNDS, Flush, planned_by
from signalcli.db.signals import m2m_changed, post_delete, post_save, pre_delete, pre_save
from signalcli.db.transaction import Hooks, call_hooks_of

DEEPEST = 40

_SIGNALS = (pre_save, post_save, pre_delete, post_delete, m2m_changed)


class Session(sqlmodel.Session):
    """A drop-in ``sqlmodel.Session`` that sends Django's model signals for any mapped model.

    Signals are sent by what the session does, however it is asked: a flush sends ``pre_save`` or
    ``pre_delete`` for each row, writes the rows together, then sends ``post_save`` or
    ``post_delete`` for each, in the same transaction. Nothing else changes: what is written, in
    which order, which errors, warnings and events of SQLAlchemy there are, is as without signals.

    Receivers may use the session freely; what they leave pending is written, with its own
    signals, before the flush returns. While ``pre_save`` and ``pre_delete`` are being sent, a
    query does not autoflush, and a receiver's own flush leaves the deletions that are being
    announced to the outer one (but for a row that a new instance of the same key takes over).

    Rows of link tables, written through a relationship with a ``link_model`` or ``secondary``, send
    ``m2m_changed`` and no other signal, once for each collection, from the side whose collection
    was changed: ``pre_remove`` (or ``pre_clear``) and ``pre_add`` after all ``pre_save`` and
    ``pre_delete``, ``post_remove`` (or ``post_clear``) and ``post_add`` after all ``post_save`` and
    before ``post_delete``. What changes nothing sends nothing, and rows that go with a deleted
    instance are not told of. In ``pre_add``, ``pk_set`` lacks the keys that the database has yet to
    give.

    When a receiver raises, the flush rolls back the transaction (or the savepoint) that it began
    in and raises the same exception; the session can be used again at once.

    Rows that SQLAlchemy writes without the session's knowledge send nothing: bulk ``update()``,
    ``insert()`` and ``delete()`` statements, and what the database itself cascades.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.causes = Causes()
        self.hooks = Hooks()
        self._notes = Notes(self.causes)
        self._flushes: list[Flush] = []
        self._marks_before_rollback: dict[State, Any] = {}
        self._bulk: Bulk | None = None
        self.is_flushed = False

    @contextmanager
    def bulk(self, batch_size: int = BATCH_SIZE, *, commit: bool = False) -> Iterator[Bulk]:
        """Work on many rows: write them in batches, with all their signals.

        Within it, what is added, changed or deleted is written whenever ``batch_size`` instances
        were given to ``add`` or ``delete``, when the next one is given; the rest at the end::

            with session.bulk():
                for row in rows:
                    session.add(User(**row))
            session.commit()

        It is for what Django's ``bulk_create`` and ``bulk_update`` are for, but a batch is a
        flush: ``pre_save`` is sent for each instance, then the rows are written, then
        ``post_save`` for each, in order. On SQLite, the new rows of a table that have nothing out
        of the ordinary are inserted together. What receivers leave pending is written together
        after that, as the next part of the batch: a receiver of ``post_save`` that adds a row for
        each instance costs one more statement for all. One that flushes itself writes its own row
        at once, alone. Queries flush what is pending before, as always.

        Instances that are changed are written with the batch; to count, they are given to
        ``add``. An instance that is in the relationship of another when it is given to ``add``
        is written with the batch that it finds full; any other begins the next one. Nothing of a
        batch that was written is kept alive by the session. A batch that fails is rolled back as
        a flush is, and what was written before it in the same transaction with it; where the
        block itself raises, what is pending is not written. Within ``session.no_autoflush`` no
        batch is written until the end. Bulk work within bulk work has batches of its own, and
        writes what is pending when it begins and when it ends.

        Arguments:
            batch_size: how many instances are written together.
            commit: whether each batch is committed, and the rest at the end.

        Raises:
            ValueError: the batch size is not at least 1.
            Exception: as :meth:`flush`, from whatever writes a batch.
        """
        bulk, outer = Bulk(self, batch_size, commits=commit), self._bulk
        if outer is not None:
            outer.write()
        self._bulk = bulk
        try:
            with quick_construction():
                yield bulk
                bulk.write()
        finally:
            self._bulk = outer

    @property
    def is_bulk(self) -> bool:
        """Whether it works on many rows: it is within :meth:`bulk`."""
        return self._bulk is not None

    def is_heard(self) -> bool:
        """Whether a flush that began now would have to stop before it writes."""
        return bool(self._flushes) or self.is_bulk or not all(each.is_idle for each in _SIGNALS)

    @property
    def announced(self) -> list[dict[State, Any]]:
        """What is marked for deletion, and the flushes under way have planned to delete."""
        return planned_by(self._flushes)

    def has_work(self) -> bool:
        """Whether a flush would have something to do, besides what is announced already."""
        if is_clean(self):
            return False
        announced = self.announced
        return not announced or not pending(self) <= {state for each in announced for state in each}

    def begin(self, nested: bool = False) -> SessionTransaction:
        """Begin a transaction or, having flushed, a savepoint, as ``sqlmodel.Session`` does.

        Raises:
            Exception: as :meth:`flush`.
        """
        transaction = innermost(self)
        if (
            not nested
            or transaction is None
            or not transaction.is_active
            or is_flushing(self)
            or not self.is_heard()
        ):
            return super().begin(nested)
        # Beginning a savepoint flushes; ahead of it, a receiver may use the transaction.
        refuse_in_ended_block(self)
        self.flush()
        self.is_flushed = True
        try:
            return super().begin(nested)
        finally:
            self.is_flushed = False

    def expunge_all(self) -> None:
        """Let go of all instances, as ``sqlmodel.Session`` does, also when it is closed."""
        super().expunge_all()
        self._notes.clear()
        for flush in self._flushes:
            flush.was_abandoned = True

    def add(self, instance: object, **options: Any) -> None:
        """Add an instance, or keep one that was to be deleted, as ``sqlmodel.Session`` does."""
        bulk = self._bulk
        if bulk is None or self._flushes:
            super().add(instance, **options)
            return
        is_full = bulk.is_full and self.can_write()
        if is_full and bulk.is_written_before(instance):
            bulk.write()
            is_full = False
        super().add(instance, **options)
        bulk.count()
        if is_full:
            bulk.write()

    def delete(self, instance: object) -> None:
        """Mark an instance, and what depends on it, for deletion, as ``sqlmodel.Session`` does."""
        bulk = None if self._flushes else self._bulk
        if bulk is not None:
            if bulk.is_full and self.can_write():
                bulk.write()
            bulk.count()
        state = inspect(instance, raiseerr=False)
        is_marked = state in marks(self)
        super().delete(instance)
        if not is_marked:
            self._note_origin(instance)

    if hasattr(sqlmodel.Session, "delete_all"):  # from SQLAlchemy 2.1 on

        def delete_all(self, instances: Iterable[object]) -> None:
            """Mark several instances for deletion, as :meth:`delete` does."""
            if is_flushing(self):
                super().delete_all(instances)
                return
            for instance in instances:
                self.delete(instance)

    def _note_origin(self, instance: object) -> None:
        """Note who led to the last marks: that of the instance and those that it led to."""
        head, led_to = state_of(instance), []
        for state in reversed(marks(self)):
            led_to.append(state)
            if state is head:
                break
        self._notes.origins.update(dict.fromkeys(reversed(led_to), instance))
        self.causes.note(instance)

    def can_write(self) -> bool:
        """Whether a full batch can be written wherever an instance is added."""
        return True

    def flush(self, objects: Sequence[Any] | None = None) -> None:
        """Write what is pending and send the model signals for it.

        Arguments:
            objects: only write these; deprecated by SQLAlchemy.

        Raises:
            Exception: what a receiver raised; the transaction has been rolled back.
            sqlalchemy.exc.SQLAlchemyError: what SQLAlchemy raised, with the session as it leaves
                it then.
            sqlalchemy.orm.exc.FlushError: receivers made new changes without end; the transaction
                has been rolled back.
        """
        if self.is_flushed:
            return
        if is_flushing(self) or not self.is_heard():
            super().flush(objects)
            self._notes.origins.clear()
            return
        for _ in range(MOST_ROUNDS):
            if is_clean(self) or not self._flush_once(objects) or objects is not None:
                break
        else:
            transaction = innermost(self)
            if transaction is not None:
                roll_back(transaction)
            raise FlushError(
                f"Receivers made new changes in each of {MOST_ROUNDS} rounds of one flush; "
                "does one of them change what it receives?"
            )
        if not self._flushes:
            self._notes.clear()

    def _flush_once(self, objects: Sequence[Any] | None) -> bool:
        """One round of a flush; returns whether receivers have left something for another."""
        flush = Flush(self, self._notes, self._insert, self._flushes, innermost(self), objects)
        self._flushes.append(flush)
        try:
            if len(self._flushes) > DEEPEST:
                flush.is_telling = True
                raise FlushError(
                    f"Flushes nest {DEEPEST} deep. A pre_save receiver that flushes makes the rest "
                    "of the batch nest under it: leave the flush to the session, or flush less at "
                    "a time."
                )
            flush.set_marks_aside()
            try:
                super().flush(objects)
            finally:
                flush.put_marks_back()
            return flush.report(innermost(self))
        except BaseException:
            if flush.is_telling:
                self._roll_back(flush.transaction)
            raise
        finally:
            self._flushes.remove(flush)
            flush.let_go()

    def _insert(self, mapper: Mapper[Any], states: list[State]) -> bool:
        """Insert the rows of new instances together in bulk work; return whether it was done."""
        return self.is_bulk and insert_together(self, mapper, states)

    def _roll_back(self, transaction: SessionTransaction | None) -> None:
        """Roll back to where a transaction or savepoint began, whose receiver has failed."""
        within = innermost(self)
        if transaction is None or (transaction not in _around(within)):
            # It began since, or a receiver has put another in its place; or it was a savepoint,
            # which an inner flush has rolled back while nothing around it failed.
            if transaction is not None and within in _around(transaction.parent):
                return
            transaction = within
        if transaction is not None:
            roll_back(transaction)


def open_session(
    engine: Engine,
    on_commit: Callable[[], None] | None = None,
    on_begin: Iterable[Callable[[Connection], object]] = (),
) -> Session:
    """A session that says when its transactions begin and end.

    Nothing is opened before the session is used.

    Arguments:
        engine: the engine.
        on_commit: called after each commit of a whole transaction.
        on_begin: called one after the other when a transaction begins, before anything else is
            done in it; what they raise ends the transaction.
    """
    session = Session(engine)
    callbacks = tuple(on_begin)
    if on_commit is not None:

        @event.listens_for(session, "after_commit")
        def call(session: Session) -> None:
            # SQLAlchemy says so of a savepoint that is released, too.
            if not session.in_nested_transaction():
                on_commit()

    @event.listens_for(session, "after_begin")
    def begin(session: Session, transaction: Any, connection: Connection) -> None:
        for callback in () if transaction.nested else callbacks:
            callback(connection)

    return session


def _around(transaction: SessionTransaction | None) -> list[SessionTransaction]:
    """A savepoint or transaction and those that it stands in."""
    found = []
    while transaction is not None:
        found.append(transaction)
        transaction = transaction.parent
    return found


call_hooks_of(Session)


@event.listens_for(Session, "before_flush")
def _take_part(session: Session, context: UOWTransaction, objects: Sequence[Any] | None) -> None:
    if session._flushes and not session._flushes[-1].has_begun:
        session._flushes[-1].has_begun = True
        Work.adopt(context, session._flushes[-1], objects)


@event.listens_for(Session, "after_flush")
def _count(session: Session, context: UOWTransaction) -> None:
    session._notes.writes += 1


@event.listens_for(Session, "after_rollback")
def _remember_marks(session: Session) -> None:
    session._marks_before_rollback = dict(marks(session)) if session._flushes else {}


@event.listens_for(Session, "after_soft_rollback")
def _note_rollback(session: Session, previous_transaction: SessionTransaction) -> None:
    for flush in session._flushes:
        if flush.transaction is previous_transaction:
            flush.was_rolled_back = True
    before, session._marks_before_rollback = session._marks_before_rollback, {}
    if previous_transaction.parent is not None and not previous_transaction.nested:
        # A flush's own transaction: that around it is still to be rolled back.
        return
    if any(flush.was_rolled_back for flush in session._flushes) or not (
        session._flushes and previous_transaction.nested
    ):
        session._notes.clear()
        return
    # A savepoint within a flush: SQLAlchemy takes all marks of deletion off with it, but those
    # that the flush is announcing were there before.
    for flush in session._flushes:
        for state in flush.planned.keys() & before.keys():
            if contains(session, state):
                marks(session)[state] = before[state]
