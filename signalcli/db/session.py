"""The session: ``sqlmodel.Session``, which sends the model signals for what it writes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import sqlmodel
from sqlalchemy import event, inspect
from sqlalchemy.exc import IllegalStateChangeError, InvalidRequestError, PendingRollbackError
from sqlalchemy.orm import SessionTransaction
from sqlalchemy.orm.exc import FlushError

from signalcli.db import causes
from signalcli.db.changes import (
    Change,
    Delete,
    Save,
    changed_columns,
    in_deletion_order,
    pending_deletes,
    pending_saves,
)
from signalcli.db.signals import post_delete, post_save, pre_delete, pre_save

C = TypeVar("C", bound=Change)

MOST_ROUNDS = 100


class Session(sqlmodel.Session):
    """A drop-in ``sqlmodel.Session`` that sends Django's model signals for any SQLModel model.

    Signals are sent by what the session does, however it is asked: a flush sends ``pre_save`` or
    ``pre_delete`` for each row, writes the rows together, then sends ``post_save`` or
    ``post_delete`` for each, in the same transaction. Receivers may use the session freely; what
    they leave pending is written, with its own signals, before the flush returns. While
    ``pre_save`` and ``pre_delete`` are being sent, a query does not autoflush.

    When a receiver raises, the flush rolls back the transaction (or the innermost savepoint) and
    raises the same exception; the session can be used again at once.

    Rows that SQLAlchemy writes without the session's knowledge send nothing: bulk ``update()``,
    ``insert()`` and ``delete()`` statements, and what the database itself cascades. What other
    ``before_flush`` listeners add is announced late: both its signals follow the write.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._flushes: list[_Flush] = []
        self._origins: dict[int, Any] = {}
        self._failed: SessionTransaction | None = None

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

    def delete(self, instance: object) -> None:
        """Mark an instance, and what depends on it, for deletion, as ``sqlmodel.Session`` does."""
        super().delete(instance)
        self._origins[id(instance)] = instance
        causes.note(instance)

    def flush(self, objects: Sequence[Any] | None = None) -> None:
        """Write what is pending and send the model signals for it.

        Arguments:
            objects: passed on; deprecated by SQLAlchemy.

        Raises:
            Exception: what a receiver raised; the transaction has been rolled back.
            sqlalchemy.exc.SQLAlchemyError: what SQLAlchemy raised; likewise.
            sqlalchemy.orm.exc.FlushError: receivers made new changes in each of 100 rounds.
        """
        if _nobody_cares() or any(flush.is_writing for flush in self._flushes):
            super().flush(objects)
            self._origins.clear()
            return
        self._refuse_after_failure()
        for _ in range(MOST_ROUNDS):
            flush = _Flush(self)
            self._flushes.append(flush)
            try:
                flush.announce()
                flush.is_writing = True
                super().flush(objects)
                flush.is_writing = False
                flush.report()
            except BaseException:
                if not flush.is_writing:
                    self._roll_back()
                raise
            finally:
                self._flushes.remove(flush)
            if objects is not None or not (self.new or self.deleted or self.dirty):
                return
        raise FlushError(
            f"Receivers made new changes in each of {MOST_ROUNDS} rounds of one flush; "
            "does one of them change what it receives?"
        )

    def _roll_back(self) -> None:
        """Roll back as a failed flush of SQLAlchemy's does: to the savepoint, where there is one.

        SQLAlchemy refuses that in the middle of its own commit. Until somebody rolls back then,
        the session refuses to write.
        """
        transaction = self.get_nested_transaction() or self.get_transaction()
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
                self._roll_back()
            raise

    def _refuse_after_failure(self) -> None:
        if self._failed is not None:
            raise PendingRollbackError(
                "A receiver failed in this transaction; roll back before going on.",
                code="7s2a",
            )


class _Flush:
    """One round of a flush: what it announced, and what came of that.

    Flushes nest, since receivers may flush. An instance that an outer flush has announced is not
    announced again by an inner one, which may well write it; who announced a write reports it.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._saves: list[Save] = []
        self._deletes: list[Delete] = []
        self._late: list[Change] = []
        self._databases: dict[Any, str] = {}
        self.announced: dict[int, Change] = {}
        self.is_writing = False
        self.transaction: SessionTransaction | None = None
        self.was_rolled_back = False

    def announce(self) -> None:
        """Send ``pre_save`` and ``pre_delete`` for all that is pending, and what that leads to."""
        session = self._session
        self.transaction = _innermost_transaction(session)
        with session.no_autoflush:
            for _ in range(MOST_ROUNDS):
                fresh = self._fresh(pending_saves(session))
                fresh_deletes = self._fresh(pending_deletes(session, session._origins))
                if not (fresh or fresh_deletes):
                    return
                for save in fresh:
                    self._announce_save(save)
                for change in fresh_deletes:
                    if change.instance in session and not self._is_announced(change):
                        self._deletes.append(change)
                        self.announced[id(change.instance)] = change
                        self._send_delete(pre_delete, change)
        raise FlushError(f"pre_save receivers made new changes in each of {MOST_ROUNDS} rounds.")

    def _announce_save(self, save: Save) -> None:
        if self._is_announced(save) or save.instance not in self._session:
            return
        if save.created:
            # An inner flush, by a receiver, may have written it meanwhile.
            if not inspect(save.instance).pending:
                return
        else:
            save.update_fields = changed_columns(save.instance) or save.update_fields
        self._saves.append(save)
        self.announced[id(save.instance)] = save
        self._send_save(pre_save, save)

    def report(self) -> None:
        """Send ``post_save`` and ``post_delete`` for what was announced and written."""
        self.transaction = _innermost_transaction(self._session)
        for change in self._late:
            if isinstance(change, Save):
                self._send_save(pre_save, change)
                self._saves.append(change)
            elif isinstance(change, Delete):
                self._send_delete(pre_delete, change)
                self._deletes.append(change)
        for save in self._saves:
            if save.written:
                self._send_save(post_save, save, created=save.created)
        for change in in_deletion_order(self._deletes):
            if change.written:
                self._send_delete(post_delete, change)

    def saved(self, instance: Any, created: bool, columns: frozenset[str] | None) -> None:
        """An instance's row was inserted or updated."""
        change = self._take(instance)
        if not isinstance(change, Save):
            change = Save(instance, created=created, update_fields=columns)
            self._late.append(change)
        elif not change.created:
            change.update_fields = columns
        change.written = True
        causes.forget(instance)

    def deleted(self, instance: Any) -> None:
        """An instance's row was removed."""
        change = self._take(instance)
        if not isinstance(change, Delete):
            change = Delete(instance, origin=instance)
            self._late.append(change)
        change.written = True
        self._session._origins.pop(id(instance), None)
        causes.forget(instance)

    def _take(self, instance: Any) -> Change | None:
        """What was announced of an instance, by this flush or an outer one; it counts no longer."""
        for flush in self._session._flushes:
            change = flush.announced.pop(id(instance), None)
            if change is not None:
                return change
        return None

    def _is_announced(self, change: Change) -> bool:
        key = id(change.instance)
        return any(
            isinstance(flush.announced.get(key), type(change)) for flush in self._session._flushes
        )

    def _fresh(self, changes: list[C]) -> list[C]:
        return [change for change in changes if not self._is_announced(change)]

    def _send_save(self, signal: Any, save: Save, **extra: Any) -> None:
        self._send(signal, save, raw=False, update_fields=save.update_fields, **extra)

    def _send_delete(self, signal: Any, change: Delete) -> None:
        self._send(signal, change, origin=change.origin)

    def _send(self, signal: Any, change: Change, **named: Any) -> None:
        if signal.is_idle:
            return
        with causes.resumed(change.cause):
            signal.send(
                change.sender,
                instance=change.instance,
                using=self._using(change.sender),
                session=self._session,
                **named,
            )
        self._session._refuse_after_failure()
        if self.was_rolled_back:
            raise InvalidRequestError(
                f"The transaction was rolled back while {signal.name} of "
                f"{change.sender.__name__} was being sent; its other signals were not sent."
            )

    def _using(self, model: type[Any]) -> str:
        """The database that a model is kept in, as a URL without its password."""
        mapper = inspect(model)
        if mapper not in self._databases:
            bind = self._session.get_bind(mapper)
            self._databases[mapper] = bind.engine.url.render_as_string(hide_password=True)
        return self._databases[mapper]


def _nobody_cares() -> bool:
    return pre_save.is_idle and post_save.is_idle and pre_delete.is_idle and post_delete.is_idle


def _innermost_transaction(session: Session) -> SessionTransaction | None:
    return session.get_nested_transaction() or session.get_transaction()


@event.listens_for(Session, "before_commit")
def _refuse_to_commit(session: Session) -> None:
    session._refuse_after_failure()


@event.listens_for(Session, "after_flush")
def _note_saves(session: Session, context: object) -> None:
    """Note what SQLAlchemy has written, while it still knows."""
    if not session._flushes:
        return
    flush = session._flushes[-1]
    for instance in session.new:
        flush.saved(instance, created=True, columns=None)
    for instance in session.dirty:
        columns = changed_columns(instance)
        if columns:
            flush.saved(instance, created=False, columns=columns)


@event.listens_for(Session, "persistent_to_deleted")
def _note_delete(session: Session, instance: Any) -> None:
    if session._flushes:
        session._flushes[-1].deleted(instance)


@event.listens_for(Session, "after_soft_rollback")
def _note_rollback(session: Session, previous_transaction: SessionTransaction) -> None:
    session._origins.clear()
    if session._failed is previous_transaction:
        session._failed = None
    for flush in session._flushes:
        if flush.transaction is previous_transaction:
            flush.was_rolled_back = True
