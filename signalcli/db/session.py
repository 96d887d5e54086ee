"""The session: ``sqlmodel.Session``, which sends the model signals for what it writes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlmodel
from sqlalchemy import event
from sqlalchemy.exc import IllegalStateChangeError, PendingRollbackError
from sqlalchemy.orm import SessionTransaction
from sqlalchemy.orm.exc import FlushError

from signalcli.db.bulk import BATCH_SIZE, Bulk
from signalcli.db.causes import Causes
from signalcli.db.columns import changed_columns
from signalcli.db.construction import quick_construction
from signalcli.db.flushing import MOST_ROUNDS, Flush
from signalcli.db.hooks import Hooks
from signalcli.db.inserting import insert_together, is_heard_flushing
from signalcli.db.signals import m2m_changed, post_delete, post_save, pre_delete, pre_save

DEEPEST = 40

_SIGNALS = (pre_save, post_save, pre_delete, post_delete, m2m_changed)


class Session(sqlmodel.Session):
    """A drop-in ``sqlmodel.Session`` that sends Django's model signals for any SQLModel model.

    Signals are sent by what the session does, however it is asked: a flush sends ``pre_save`` or
    ``pre_delete`` for each row, writes the rows together, then sends ``post_save`` or
    ``post_delete`` for each, in the same transaction. Receivers may use the session freely; what
    they leave pending is written, with its own signals, before the flush returns. While
    ``pre_save`` and ``pre_delete`` are being sent, a query does not autoflush, and a receiver's
    own flush leaves the deletions that are being announced to the outer one.

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
    ``insert()`` and ``delete()`` statements, and what the database itself cascades. What other
    ``before_flush`` listeners add is announced late: both its signals follow the write.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.causes = Causes()
        self.hooks = Hooks()
        self._flushes: list[Flush] = []
        self._origins: dict[int, Any] = {}
        self._failed: SessionTransaction | None = None
        self._bulk: Bulk | None = None

    @contextmanager
    def bulk(self, batch_size: int = BATCH_SIZE, *, commit: bool = False) -> Iterator[None]:
        """Work on many rows: write them in batches, with all their signals.

        Within it, what is added, changed or deleted is written whenever ``batch_size`` instances
        were given to ``add`` or ``delete``, when the next one is given; the rest at the end::

            with session.bulk():
                for row in rows:
                    session.add(User(**row))
            session.commit()

        It is for what Django's ``bulk_create`` and ``bulk_update`` are for, but sends the signals
        of a flush: ``pre_save`` for each instance of the batch, then the rows are written
        together, then ``post_save`` for each, in order. What receivers leave pending is written
        together after that, as the next part of the batch: a receiver of ``post_save`` that adds
        a row for each instance costs one more statement for all. One that flushes itself writes
        its own row at once, alone. Queries flush what is pending before, as always.

        Instances that are changed are written with the batch; to count, they are given to
        ``add``. Nothing of a batch that was written is kept alive by the session. A batch that
        fails is rolled back as a flush is, and what was written before it in the same transaction
        with it; where the block itself raises, what is pending is not written. Within
        ``session.no_autoflush`` no batch is written until the end. Bulk work within bulk work has
        batches of its own, and writes what is pending when it begins and when it ends. With
        ``AsyncSession``, it is used in a function for ``run_sync``.

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
                yield
                bulk.write()
        finally:
            self._bulk = outer

    def commit(self) -> None:
        """Flush, then commit, as ``sqlmodel.Session`` does.

        Raises:
            Exception: as :meth:`flush`.
        """
        with self._rolled_back_on_failure():
            # Flushed here and not by SQLAlchemy's commit, which is no place for a receiver to use
            # the session's transaction.
            self.flush()
            super().commit()

    def begin_nested(self) -> SessionTransaction:
        """Flush, then begin a savepoint, as ``sqlmodel.Session`` does.

        Raises:
            Exception: as :meth:`flush`.
        """
        with self._rolled_back_on_failure():
            self.flush()
            return super().begin_nested()

    def _is_heard_flushing(self) -> bool:
        return is_heard_flushing(self, known=(_note_saves,))

    def expunge_all(self) -> None:
        """Let go of all instances, as ``sqlmodel.Session`` does, also when it is closed."""
        super().expunge_all()
        self._origins.clear()
        self.causes.clear()
        for flush in self._flushes:
            flush.was_abandoned = True

    def add(self, instance: object, **options: Any) -> None:
        """Add an instance, or keep one that was to be deleted, as ``sqlmodel.Session`` does."""
        if self._bulk is not None and not self._flushes:
            self._bulk.make_room()
        super().add(instance, **options)
        for flush in self._flushes:
            flush.keep(instance)

    def delete(self, instance: object) -> None:
        """Mark an instance, and what depends on it, for deletion, as ``sqlmodel.Session`` does."""
        if self._bulk is not None and not self._flushes:
            self._bulk.make_room()
        super().delete(instance)
        self._origins[id(instance)] = instance
        self.causes.note(instance)

    def mark_deleted(self, instance: object, is_marked: bool) -> None:
        """Put off a deletion that was asked for, or take it up again; for a flush under way."""
        if is_marked:
            super().delete(instance)
        else:
            super().add(instance)

    def flush(self, objects: Sequence[Any] | None = None) -> None:
        """Write what is pending and send the model signals for it.

        Arguments:
            objects: only write these; deprecated by SQLAlchemy.

        Raises:
            Exception: what a receiver raised; the transaction has been rolled back.
            sqlalchemy.exc.SQLAlchemyError: what SQLAlchemy raised; likewise.
            sqlalchemy.orm.exc.FlushError: receivers made new changes without end.
        """
        is_idle = self._bulk is None and _nobody_cares()
        if is_idle or any(flush.is_writing for flush in self._flushes):
            super().flush(objects)
            self._origins.clear()
            return
        self._refuse_after_failure()
        rounds = 0
        while self.new or self.deleted or self.dirty:
            if rounds == MOST_ROUNDS:
                self._roll_back(self._innermost_transaction())
                raise FlushError(
                    f"Receivers made new changes in each of {MOST_ROUNDS} rounds of one flush; "
                    "does one of them change what it receives?"
                )
            self._flush_once(objects)
            rounds += 1
            if objects is not None:
                break
        if not self._flushes:
            self.causes.clear()

    def _flush_once(self, objects: Sequence[Any] | None) -> None:
        transaction = self._innermost_transaction()
        flush = Flush(self, self._flushes, transaction, objects)
        self._flushes.append(flush)
        try:
            if len(self._flushes) > DEEPEST:
                raise FlushError(
                    f"Flushes nest {DEEPEST} deep. A pre_save receiver that flushes makes the rest "
                    "of the batch nest under it: leave the flush to the session, or flush less at "
                    "a time."
                )
            flush.announce(self._origins.values())
            if self._bulk is not None and objects is None and not self._is_heard_flushing():
                insert_together(self, flush.updated, flush.inserted)
            flush.is_writing = True
            super().flush(objects)
            flush.is_writing = False
            flush.report(self._innermost_transaction())
        except BaseException:
            if not flush.is_writing:
                self._roll_back(flush.transaction)
            raise
        finally:
            self._flushes.remove(flush)

    def _innermost_transaction(self) -> SessionTransaction | None:
        return self.get_nested_transaction() or self.get_transaction()

    def _roll_back(self, transaction: SessionTransaction | None) -> None:
        """Roll back to where a transaction or savepoint began.

        SQLAlchemy refuses that in the middle of its own commit. Until somebody rolls back then,
        the session refuses to write.
        """
        if transaction is None or not transaction.is_active:
            # It began since, or a receiver put another in its place.
            innermost = self._innermost_transaction()
            if transaction is not None and any(
                outer is innermost for outer in _all_around(transaction)
            ):
                # A savepoint that an inner flush has rolled back; nothing around it failed.
                return
            transaction = innermost
        if transaction is None:
            return
        try:
            transaction.rollback()
        except IllegalStateChangeError:
            self._failed = transaction

    @contextmanager
    def _rolled_back_on_failure(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            if self._failed is not None:
                self._roll_back(self._failed)
            raise

    def _refuse_after_failure(self) -> None:
        if self._failed is not None:
            raise PendingRollbackError(
                "A receiver failed in this transaction; roll back before going on.",
                code="7s2a",
            )


def _all_around(transaction: SessionTransaction) -> Iterator[SessionTransaction]:
    """The savepoints and transactions that a savepoint stood in."""
    outer = transaction.parent
    while outer is not None:
        yield outer
        outer = outer.parent


def _nobody_cares() -> bool:
    return all(signal.is_idle for signal in _SIGNALS)


@event.listens_for(Session, "before_commit")
def _refuse_to_commit(session: Session) -> None:
    session._refuse_after_failure()


@event.listens_for(Session, "after_flush")
def _note_saves(session: Session, context: object) -> None:
    """Note what SQLAlchemy has written, while it still knows."""
    if not session._flushes:
        return
    flush = session._flushes[-1]
    flush.note_links()
    new, dirty = session.new, session.dirty
    if not flush.expects(new, dirty):
        return
    for instance in new:
        flush.saved(instance, created=True, columns=None)
    for instance in dirty:
        columns = changed_columns(instance) | flush.expired_columns(instance)
        if columns:
            flush.saved(instance, created=False, columns=columns)


@event.listens_for(Session, "persistent_to_deleted")
def _note_delete(session: Session, instance: Any) -> None:
    if session._flushes:
        session._origins.pop(id(instance), None)
        session._flushes[-1].deleted(instance)


@event.listens_for(Session, "after_soft_rollback")
def _note_rollback(session: Session, previous_transaction: SessionTransaction) -> None:
    session._origins.clear()
    session.causes.clear()
    if session._failed is previous_transaction:
        session._failed = None
    for flush in session._flushes:
        if flush.transaction is previous_transaction:
            flush.was_rolled_back = True
