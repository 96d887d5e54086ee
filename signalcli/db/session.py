"""The session: ``sqlmodel.Session``, which sends the model signals for what it writes."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter
from typing import Any

import sqlmodel
from sqlalchemy import event, inspect
from sqlalchemy.exc import PendingRollbackError
from sqlalchemy.orm import Mapper, SessionTransaction, UOWTransaction
from sqlalchemy.orm.exc import FlushError

from signalcli.db.bulk import BATCH_SIZE, Bulk, insert_together
from signalcli.db.causes import Causes, Notes
from signalcli.db.compat.states import (
    State,
    add_alone,
    contains,
    is_clean,
    is_flushing,
    marks,
    pending,
    state_of,
)
from signalcli.db.compat.transactions import (
    failure_of,
    innermost,
    refuse_in_ended_block,
    roll_back,
)
from signalcli.db.compat.work import Work
from signalcli.db.flush import MOST_ROUNDS, Flush, planned_by
from signalcli.db.initialization import quick_construction
from signalcli.db.signals import m2m_changed, post_delete, post_save, pre_delete, pre_save
from signalcli.db.transaction import Hooks, call_hooks_of

DEEPEST = 40

_SIGNALS = (pre_save, post_save, pre_delete, post_delete, m2m_changed)
_is_idle = attrgetter("is_idle")


class Session(sqlmodel.Session):
    """A drop-in ``sqlmodel.Session`` that sends Django's model signals for any mapped model.

    A flush sends ``pre_save`` or ``pre_delete`` for each row, writes the rows together, and then
    sends ``post_save`` or ``post_delete`` for each, in the same transaction. It does so whatever
    starts the flush: ``flush()``, ``commit()``, or a query that autoflushes. Nothing else changes:
    the session writes the same rows in the same order, and raises and warns as without signals.

    Receivers may use the session freely. The changes that they leave pending are written before
    the flush returns, with signals of their own. While ``pre_save`` and ``pre_delete`` are being
    sent, a query does not autoflush. A receiver's own flush leaves the rows that are about to be
    deleted to the outer flush, unless a new instance with the same key takes a row over.

    A relationship with a ``link_model`` or ``secondary`` writes rows of a link table. They send
    ``m2m_changed`` and no other signal, once for each collection, from the side whose collection
    was changed. ``pre_remove`` (or ``pre_clear``) and ``pre_add`` come after all ``pre_save`` and
    ``pre_delete``; ``post_remove`` (or ``post_clear``) and ``post_add`` come after all
    ``post_save`` and before ``post_delete``. A change that changes nothing sends nothing, and
    neither do the links of a deleted instance. In ``pre_add``, ``pk_set`` lacks the keys that the
    database has yet to give.

    When a receiver raises, the flush rolls back the transaction (or the savepoint) that it began
    in and raises the same exception. The session can be used again at once.

    Rows that SQLAlchemy writes without the session's knowledge send nothing: bulk ``update()``,
    ``insert()`` and ``delete()`` statements, and what the database itself cascades.

    Takes the arguments of ``sqlmodel.Session``.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.causes = Causes()
        self.hooks = Hooks()
        self.is_flushed = False
        self._notes = Notes(self.causes)
        self._flushes: list[Flush] = []
        self._marks_before_rollback: dict[State, Any] = {}
        self._bulk: Bulk | None = None

    @contextmanager
    def bulk(self, batch_size: int = BATCH_SIZE, *, commit: bool = False) -> Iterator[Bulk]:
        """Write many rows in batches, with all their signals.

        In the block, ``add`` and ``delete`` count the instances that they are given. When
        ``batch_size`` instances are pending, the next call writes them; the rest is written at
        the end of the block::

            with session.bulk():
                for row in rows:
                    session.add(User(**row))
            session.commit()

        Use it where Django has ``bulk_create`` and ``bulk_update``; unlike those, it sends
        signals. A batch is a flush: ``pre_save`` is sent for each instance, then the rows are
        written, then ``post_save`` is sent for each, in order. On SQLite, the new rows of a table
        are inserted together where nothing about them is out of the ordinary. The rows that
        receivers leave pending are written together after that: a ``post_save`` receiver that
        adds a row for each instance costs one more statement for all. A receiver that flushes
        writes its own row at once, alone. Queries flush the pending rows first, as always.

        A changed instance is written with the batch, and counts where it is given to ``add``. An
        instance that another one already refers to by a relationship joins the batch that is
        full; any other instance begins the next batch. The session keeps no instance of a written
        batch alive. A batch that fails is rolled back like a flush, together with everything
        written before in the same transaction. If the block raises, the pending rows are not
        written. In a ``session.no_autoflush`` block, nothing is written before the end. Bulk work
        inside of bulk work has batches of its own, and writes the pending rows when it begins and
        when it ends.

        Arguments:
            batch_size: the number of instances that are written together.
            commit: whether to commit after each batch and at the end.

        Yields:
            The batch; ``write()`` writes it early.

        Raises:
            ValueError: the batch size is less than 1.
            Exception: as :meth:`flush`, wherever a batch is written.
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
        """Whether the session is in a :meth:`bulk` block."""
        return self._bulk is not None

    def is_heard(self) -> bool:
        """Whether a flush that began now would have to stop before it writes.

        If not, it is SQLAlchemy's flush and nothing more, and costs as much.
        """
        return bool(self._flushes) or self.is_bulk or not all(map(_is_idle, _SIGNALS))

    @property
    def announced(self) -> list[dict[State, Any]]:
        """The marked instances that the flushes under way are about to delete."""
        return planned_by(self._flushes)

    def has_work(self) -> bool:
        """Whether a flush would write anything that is not announced already."""
        if is_clean(self):
            return False
        announced = self.announced
        return not announced or not pending(self) <= {state for each in announced for state in each}

    def begin(self, nested: bool = False) -> SessionTransaction:
        """Begin a transaction or, having flushed, a savepoint, as ``sqlmodel.Session`` does.

        Arguments:
            nested: whether to begin a savepoint.

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
        # SQLAlchemy flushes while it makes the savepoint, when no receiver may end the
        # transaction. So the flush comes first, and SQLAlchemy's own finds `is_flushed` set.
        refuse_in_ended_block(self)
        self.flush()
        self.is_flushed = True
        try:
            return super().begin(nested)
        finally:
            self.is_flushed = False

    def expunge_all(self) -> None:
        """Remove all instances, as ``sqlmodel.Session`` does; ``close()`` calls it, too."""
        super().expunge_all()
        self._notes.clear()
        for flush in self._flushes:
            flush.was_abandoned = True

    def add(self, instance: object, **options: Any) -> None:
        """Add an instance, or keep one that was to be deleted, as ``sqlmodel.Session`` does.

        In a :meth:`bulk` block it may write a full batch.

        Arguments:
            instance: an instance of a mapped model.
            options: the options of ``sqlmodel.Session.add``.

        Raises:
            sqlalchemy.orm.exc.UnmappedInstanceError: its class is not mapped.
            Exception: as :meth:`flush`, where it writes a batch.
        """
        bulk = self._bulk
        if bulk is None:
            super().add(instance, **options)
            return
        if self._flushes:
            self._add_to_bulk(instance, options)
            return
        is_full = bulk.is_full and self.can_write()
        if is_full and bulk.is_written_before(instance):
            bulk.write()
            is_full = False
        self._add_to_bulk(instance, options)
        bulk.count()
        if is_full:
            bulk.write()

    def _add_to_bulk(self, instance: object, options: dict[str, Any]) -> None:
        if options or not add_alone(self, instance):
            super().add(instance, **options)

    def delete(self, instance: object) -> None:
        """Mark an instance, and what depends on it, for deletion, as ``sqlmodel.Session`` does.

        In a :meth:`bulk` block it may write a full batch.

        Arguments:
            instance: a persistent instance of a mapped model.

        Raises:
            sqlalchemy.exc.InvalidRequestError: the instance is not in the database.
            Exception: as :meth:`flush`, where it writes a batch.
        """
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
            """Mark several instances for deletion, as :meth:`delete` does each."""
            if is_flushing(self):
                super().delete_all(instances)
                return
            for instance in instances:
                self.delete(instance)

    def _note_origin(self, instance: object) -> None:
        """Note the origin of the newest marks: of the instance, and of those it cascaded to."""
        # SQLAlchemy marks the instance first and its dependants after it, always at the end.
        head, led_to = state_of(instance), []
        for state in reversed(marks(self)):
            led_to.append(state)
            if state is head:
                break
        self._notes.origins.update(dict.fromkeys(reversed(led_to), instance))
        self.causes.note(instance)

    def can_write(self) -> bool:
        """Whether ``add`` and ``delete`` can write a full batch at once."""
        return True

    def flush(self, objects: Sequence[Any] | None = None) -> None:
        """Write the pending changes, and send the model signals for them.

        Arguments:
            objects: the only instances to write; deprecated by SQLAlchemy.

        Raises:
            Exception: what a receiver raised; the transaction has been rolled back.
            sqlalchemy.exc.SQLAlchemyError: what SQLAlchemy raised; the session is as SQLAlchemy
                leaves it then.
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
        """Do one round of a flush; return whether receivers have left changes for another."""
        insert = self._insert if self.is_bulk else None
        flush = Flush(self, self._notes, insert, self._flushes, innermost(self), objects)
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
        except BaseException as error:
            tell_its_cause(self, error)
            if flush.is_telling:
                self._roll_back(flush.transaction)
            raise
        finally:
            self._flushes.remove(flush)
            flush.let_go()

    def _insert(self, mapper: Mapper[Any], states: list[State]) -> bool:
        """Insert the rows of new instances together; return whether it was done."""
        return insert_together(self, mapper, states)

    def _roll_back(self, transaction: SessionTransaction | None) -> None:
        """Roll back after a receiver has failed.

        Arguments:
            transaction: the transaction or savepoint in which the flush began.
        """
        within = innermost(self)
        if transaction is None or (transaction not in _around(within)):
            # The flush began without a transaction, or a receiver has ended that one. Then the
            # current one is rolled back in its place. One case is left alone: the flush began in
            # a savepoint that an inner flush has rolled back already. The transaction around it
            # has seen no failure.
            if transaction is not None and within in _around(transaction.parent):
                return
            transaction = within
        if transaction is not None:
            roll_back(transaction)

    # SQLAlchemy's events

    def _take_part(self, context: UOWTransaction, objects: Sequence[Any] | None) -> None:
        """Let the newest flush see SQLAlchemy's plan, before SQLAlchemy begins to plan."""
        if self._flushes and not self._flushes[-1].has_begun:
            self._flushes[-1].has_begun = True
            Work.adopt(context, self._flushes[-1], objects)

    def _remember_marks(self) -> None:
        """Keep the marks of deletion, which SQLAlchemy drops between this event and the next."""
        self._marks_before_rollback = dict(marks(self)) if self._flushes else {}

    def _note_rollback(self, ended: SessionTransaction) -> None:
        """Tell the flushes under way of a rollback, and keep the marks that it must not undo."""
        for flush in self._flushes:
            if flush.transaction is ended:
                flush.was_rolled_back = True
        before, self._marks_before_rollback = self._marks_before_rollback, {}
        if ended.parent is not None and not ended.nested:
            # A flush's own transaction: that around it is still to be rolled back.
            return
        if any(flush.was_rolled_back for flush in self._flushes) or not (
            self._flushes and ended.nested
        ):
            self._notes.clear()
            return
        # A receiver has rolled back its own savepoint. SQLAlchemy drops all marks of deletion
        # with it, but those that a flush is announcing were set before the savepoint began.
        for flush in self._flushes:
            for state in flush.planned.keys() & before.keys():
                if contains(self, state):
                    marks(self)[state] = before[state]


def tell_its_cause(session: Session, error: BaseException) -> None:
    """Have SQLAlchemy's refusal to go on after a failed flush lead to that failure.

    The one who met the failure may have caught it. SQLAlchemy names no cause, and neither is one
    named here: the failure is the context.
    """
    if isinstance(error, PendingRollbackError) and error.__context__ is None:
        error.__context__ = failure_of(session)


def _around(transaction: SessionTransaction | None) -> list[SessionTransaction]:
    """A savepoint or transaction and those that it stands in."""
    found = []
    while transaction is not None:
        found.append(transaction)
        transaction = transaction.parent
    return found


call_hooks_of(Session)
event.listen(Session, "before_flush", Session._take_part)
event.listen(Session, "after_rollback", Session._remember_marks)
event.listen(Session, "after_soft_rollback", Session._note_rollback)
