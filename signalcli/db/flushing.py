"""One round of a flush: announcing what is pending, and reporting what was written."""

import itertools
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import inspect
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import SessionTransaction
from sqlalchemy.orm.exc import FlushError

from signalcli.db.changes import Change, Delete, Pending, Save, models_of
from signalcli.db.engine import using
from signalcli.db.links import LinkChange, LinkPlan
from signalcli.db.signals import m2m_changed, post_delete, post_save, pre_delete, pre_save
from signalcli.dispatch import Signal, watching

if TYPE_CHECKING:
    from signalcli.db.session import Session

C = TypeVar("C", bound=Change)

MOST_ROUNDS = 100


class Flush:
    """What one round of a flush announced, and what came of that.

    Flushes nest, since receivers may flush. An instance that an outer flush has announced is not
    announced again by an inner one, which may well write it; who announced a write reports it.

    Arguments:
        session: the session that flushes.
        under_way: the session's flushes, outermost first, this one included once it began.
        transaction: the transaction or savepoint that it began in.
        objects: the only instances that it concerns; None for all.
    """

    def __init__(
        self,
        session: "Session",
        under_way: Sequence["Flush"],
        transaction: SessionTransaction | None,
        objects: Sequence[Any] | None,
    ) -> None:
        self.transaction = transaction
        self.announced: dict[int, Change] = {}
        self.is_writing = False
        self.was_rolled_back = False
        self.was_abandoned = False
        self._session = session
        self._under_way = under_way
        self._saves: list[Save] = []
        self._deletes: list[Delete] = []
        self._planned: dict[int, Delete] = {}
        self._late: list[Change] = []
        self._databases: dict[type[Any], str] = {}
        self._only = None if objects is None else {id(instance) for instance in objects}
        self._links: LinkPlan | None = None
        self._has_reached_somebody = False

    @property
    def links(self) -> LinkPlan:
        """The rows of link tables."""
        if self._links is None:
            outer = itertools.takewhile(lambda flush: flush is not self, self._under_way)
            self._links = LinkPlan(self._session, [flush.links for flush in outer], self._only)
        return self._links

    def announce(self, origins: Collection[Any]) -> None:
        """Send what is sent before the write for all that is pending, and what that leads to.

        Arguments:
            origins: the instances that deletions started with.
        """
        session = self._session
        with session.no_autoflush:
            for _ in range(MOST_ROUNDS):
                pending = Pending(session)
                if self._concerns_nobody(pending):
                    break
                deletes = pending.deletes(origins)
                saves = self._fresh(pending.saves([*self._planned.values(), *deletes]))
                deletes = self._fresh(deletes)
                if not (saves or deletes or self._announce_links()):
                    break
                self._has_reached_somebody = False
                self._set_aside(deletes)
                self._announce_saves(saves, origins)
                if not (deletes or self._has_reached_somebody or self._announce_links()):
                    # Nothing can have changed since.
                    pending.histories.share()
                    break
                for change in deletes:
                    instance = change.instance
                    if instance in session and not self._is_announced(instance, Delete):
                        self._deletes.append(self._announced(change, change.asked_of))
                        self._send_delete(pre_delete, change)
            else:
                raise FlushError(
                    f"Receivers made new changes in each of {MOST_ROUNDS} rounds before a write."
                )
            for change in self._planned.values():
                if change.instance in session:
                    session.mark_deleted(change.instance, True)

    def _concerns_nobody(self, pending: Pending) -> bool:
        models = pending.models
        return models is not None and m2m_changed.is_idle and not _is_heard(models)

    def _set_aside(self, deletes: list[Delete]) -> None:
        """Take the marks of deletion off, until all is announced.

        So a receiver that flushes writes other rows at once, as in Django, and leaves these.
        """
        marked = self._session.deleted
        for change in deletes:
            if change.instance in marked:
                self._session.mark_deleted(change.instance, False)
                self._planned[id(change.instance)] = change

    def keep(self, instance: Any) -> None:
        """A receiver wants to keep what was to be deleted."""
        self._planned.pop(id(instance), None)

    def _announce_saves(self, saves: list[Save], origins: Collection[Any]) -> None:
        if pre_save.is_idle:
            self._saves += [self._announced(save, (save.instance,)) for save in saves]
            return
        session = self._session
        deleted, deletions = session.deleted, len(origins)
        for save in saves:
            if len(origins) != deletions:
                deleted, deletions = session.deleted, len(origins)
            if not self._has_reached_somebody or (
                not self._is_announced(save.instance, Save) and save.is_still_due(session, deleted)
            ):
                self._saves.append(self._announced(save, (save.instance,)))
                self._send_save(pre_save, save)

    def _announce_links(self) -> bool:
        """Send ``m2m_changed`` for the links that are pending; returns whether there were any."""
        if m2m_changed.is_idle:
            return False
        return self.links.announce(
            lambda links: self._send_links(links, **links.before()), self._planned
        )

    def note_links(self) -> None:
        """The session has written what is pending, and still knows what that was."""
        if not m2m_changed.is_idle:
            self.links.note_written()

    @property
    def updated(self) -> set[type[Any]]:
        """The models of which rows are to be updated."""
        return {save.sender for save in self._saves if not save.created}

    def report(self, transaction: SessionTransaction | None) -> None:
        """Send what is sent after the write for what was announced and written.

        Arguments:
            transaction: the transaction or savepoint that it was written in.
        """
        self.transaction = transaction
        for change in self._late:
            if isinstance(change, Save):
                self._send_save(pre_save, change)
                self._saves.append(change)
            elif isinstance(change, Delete):
                self._send_delete(pre_delete, change)
                self._deletes.append(change)
        for links in self._links.take_late() if self._links else ():
            self._send_links(links, **links.before())
        for save in self._saves:
            if save.written:
                self._send_save(post_save, save, created=save.created)
        for links in self._links.written() if self._links else ():
            self._send_links(links, **links.after())
        for delete in _in_deletion_order(self._deletes):
            if delete.written:
                self._send_delete(post_delete, delete)

    def expects(self, *saved: Iterable[Any]) -> bool:
        """Whether somebody is to be told of instances whose rows were inserted or updated."""
        return any(flush.announced for flush in self._under_way) or _is_heard(models_of(*saved))

    def saved(self, instance: Any, created: bool, columns: frozenset[str] | None) -> None:
        """An instance's row was inserted or updated."""
        if not self._concerns(instance) or self._is_announced(instance, Delete):
            # An orphan only changed by losing its parent, and goes with that.
            return
        change = self._take(instance)
        if not isinstance(change, Save):
            change = Save(instance, created=created, cause=self._session.causes.of(instance))
            self._late.append(change)
        if not change.created:
            change.update_fields = columns
        change.written = True
        self._session.causes.forget(instance)

    def inserted(self, instance: Any) -> None:
        """An instance's row was inserted."""
        self.saved(instance, created=True, columns=None)

    def expired_columns(self, instance: Any) -> frozenset[str]:
        """The announced columns that were written as SQL expressions, so that nobody knows them."""
        for flush in self._under_way:
            change = flush.announced.get(id(instance))
            if isinstance(change, Save) and not change.created:
                unloaded: set[str] = inspect(instance).unloaded
                return frozenset(change.update_fields or ()) & unloaded
        return frozenset()

    def deleted(self, instance: Any) -> None:
        """An instance's row was removed."""
        change = self._take(instance)
        if not isinstance(change, Delete):
            change = Delete(instance, origin=instance, cause=self._session.causes.of(instance))
            self._late.append(change)
        change.written = True
        self._session.causes.forget(instance)

    def _announced(self, change: C, asked_of: Iterable[Any]) -> C:
        change.cause = self._session.causes.of_any(asked_of)
        self.announced[id(change.instance)] = change
        return change

    def _take(self, instance: Any) -> Change | None:
        """What was announced of an instance, by this flush or an outer one; it counts no longer."""
        for flush in self._under_way:
            change = flush.announced.pop(id(instance), None)
            if change is not None:
                return change
        return None

    def _is_announced(self, instance: Any, kind: type[Change]) -> bool:
        return any(isinstance(flush.announced.get(id(instance)), kind) for flush in self._under_way)

    def _fresh(self, changes: list[C]) -> list[C]:
        return [
            change
            for change in changes
            if self._concerns(change.instance)
            and not self._is_announced(change.instance, type(change))
        ]

    def _concerns(self, instance: Any) -> bool:
        return self._only is None or id(instance) in self._only

    def _send_save(self, signal: Signal, save: Save, **extra: Any) -> None:
        self._send(signal, save, raw=False, update_fields=save.update_fields, **extra)

    def _send_delete(self, signal: Signal, change: Delete) -> None:
        self._send(signal, change, origin=change.origin)

    def _send_links(self, links: LinkChange, **named: Any) -> None:
        self._send(m2m_changed, links, **named)

    def _send(self, signal: Signal, change: Change | LinkChange, **named: Any) -> None:
        if signal.is_idle:
            return
        arguments = {
            "instance": change.instance,
            "using": self._using(change.model),
            "session": self._session,
            **named,
        }
        if change.cause is None:
            responses = signal.send(change.sender, **arguments)
        else:
            with watching.caused_by(change.cause):
                responses = signal.send(change.sender, **arguments)
        if not (responses or watching.observers):
            return
        self._has_reached_somebody = True
        self._session._refuse_after_failure()
        if self.was_rolled_back or self.was_abandoned:
            what = "transaction was rolled back" if self.was_rolled_back else "session was closed"
            raise InvalidRequestError(
                f"The {what} while {signal.name} of {change.model.__name__} was being sent; "
                "its other signals were not sent."
            )

    def _using(self, model: type[Any]) -> str:
        """The database that a model is kept in, as a URL without its password."""
        database = self._databases.get(model)
        if database is None:
            database = self._databases[model] = using(self._session.get_bind(inspect(model)))
        return database


def _is_heard(models: Iterable[type[Any]]) -> bool:
    """Whether anybody is told when a row of one of these models is saved."""
    return bool(watching.observers) or any(
        signal.has_listeners(model) for model in models for signal in (pre_save, post_save)
    )


def _in_deletion_order(deletes: list[Delete]) -> list[Delete]:
    """The order of ``post_delete``: model by model as announced, each model's rows backwards."""
    by_model: dict[type[Any], list[Delete]] = {}
    for change in deletes:
        by_model.setdefault(change.sender, []).append(change)
    return [change for changes in by_model.values() for change in reversed(changes)]
