"""One round of a flush, which announces the rows before the write and reports them after it.

SQLAlchemy plans the flush. :meth:`Flush.announce` sends ``pre_save``, ``pre_delete`` and
``m2m_changed`` for the plan. If a receiver changes pending instances, SQLAlchemy plans again, and
the new rows are announced, too. SQLAlchemy writes. :meth:`Flush.note` compares the written rows
with the announced ones. :meth:`Flush.report` sends ``post_save``, ``m2m_changed`` and
``post_delete``.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Mapper, Session, SessionTransaction
from sqlalchemy.orm.exc import FlushError

from signalcli.db.causes import Notes
from signalcli.db.changes import (
    Change,
    Delete,
    Save,
    deletes_of,
    models_of,
    reporting_order,
    saves_of,
    saving_order,
)
from signalcli.db.columns import unseen_columns, updated_columns
from signalcli.db.compat.states import (
    MarksAside,
    Picture,
    State,
    is_new,
    marks,
    pending,
    state_of,
)
from signalcli.db.compat.transactions import failure_of
from signalcli.db.compat.work import Work
from signalcli.db.database import Destinations
from signalcli.db.links import LinkChange, LinkPlan
from signalcli.db.relationships import parents_that_lost
from signalcli.db.signals import m2m_changed, post_delete, post_save, pre_delete, pre_save
from signalcli.dispatch import Signal, watching

C = TypeVar("C", Save, Delete)

MOST_ROUNDS = 100


class Flush:
    """The changes that one round of a flush announces, writes and reports.

    Flushes nest, since receivers may flush. An inner flush does not announce an instance again
    that an outer flush has announced. It may write the instance, and the outer flush reports that.
    It leaves alone the rows that an outer flush is about to delete.

    Arguments:
        session: the session that flushes.
        notes: what it keeps between its flushes.
        insert: in bulk work, inserts the rows of new instances together, all of them or none, and
            returns whether it did; otherwise None.
        outer: the session's flushes that this one is within, outermost first.
        transaction: the transaction or savepoint that it began in.
        objects: the only instances that it concerns; None for all.

    Attributes:
        insert: as the argument.
        transaction: after the write, the one that the rows were written in.
        announced: the changes that were announced and are not written yet.
        planned: the marked instances that the plan deletes, as SQLAlchemy keeps the marks.
        has_begun: whether SQLAlchemy's flush has taken it over.
        is_telling: whether a receiver is running, or was when an exception left the flush.
        was_rolled_back: whether its transaction was rolled back while it was under way.
        was_abandoned: whether the session was emptied while it was under way.
    """

    def __init__(
        self,
        session: Session,
        notes: Notes,
        insert: Callable[[Mapper[Any], list[State]], bool] | None,
        outer: Sequence["Flush"],
        transaction: SessionTransaction | None,
        objects: Sequence[Any] | None,
    ) -> None:
        self.transaction = transaction
        self.announced: dict[State, Change] = {}
        self.planned: dict[State, Any] = {}
        self.has_begun = self.is_telling = False
        self.was_rolled_back = self.was_abandoned = False
        self._session = session
        self._notes = notes
        self.insert = insert
        # Copied before the session lists this flush: with itself in it, the tuple would be a circle
        # that keeps the written instances alive until garbage is collected.
        self._outer = tuple(outer)
        self._announced_outside = [flush.announced for flush in outer]
        self._is_heard = False
        self._destinations = Destinations(session)
        self._saves: list[Save] = []
        self._deletes: list[Delete] = []
        self._late_saves: list[Save] = []
        self._late_deletes: list[Delete] = []
        self._unseen: dict[State, frozenset[str]] = {}
        # Marked for deletion, but a collection has taken them in since, so the plan keeps them.
        self._kept: set[State] = set()
        self._links: LinkPlan | None = None
        self._has_reached_somebody = False
        self._before: Picture | None = None
        self._writes = 0
        self._only = None if objects is None else set(map(id, objects))
        # If this flush deleted what the outer ones have planned, rows would be gone while receivers
        # are still being told that they will go.
        planned = planned_by(outer)
        self._marks = MarksAside(session, planned) if planned else None

    # What the session does around SQLAlchemy's flush

    def set_marks_aside(self) -> None:
        """Hide from SQLAlchemy the marks of the rows that outer flushes are about to delete."""
        if self._marks is not None:
            self._marks.take()

    def put_marks_back(self) -> None:
        """Show SQLAlchemy the marks again, unless a rollback or ``close()`` has undone them."""
        if self._marks is not None:
            is_over = any(flush.was_rolled_back or flush.was_abandoned for flush in self._outer)
            if is_over or not self._session.is_active:
                self._marks.drop()
            else:
                self._marks.put_back()

    def leaves_alone(self, state: State) -> bool:
        """Whether an outer flush is about to delete an instance, which this one has to leave."""
        return self._marks is not None and self._marks.hides(state)

    @property
    def writes(self) -> int:
        """A number that changes with every flush of the session that has written."""
        return self._notes.writes

    @property
    def links(self) -> LinkPlan:
        """The rows of link tables."""
        if self._links is None:
            outer = [flush.links for flush in self._outer]
            self._links = LinkPlan(self._session, self._notes.causes, outer, self._only)
        return self._links

    # Before the write

    def announce(self, work: Work) -> None:
        """Send the signals before the write, for the plan and for the changes of receivers."""
        self._is_heard = self._concerns_somebody(work)
        if not self._is_heard:
            return
        for _ in range(MOST_ROUNDS):
            # An orphan is in the plan without a mark, so for it there is nothing to hide: an inner
            # flush may delete it, and this one reports that if it has announced the orphan.
            marked = marks(self._session)
            self.planned = {
                state: instance for state, instance in marked.items() if work.is_deleting(state)
            }
            self._kept = marked.keys() - self.planned.keys()
            self._writes = self.writes
            if not self._announce_once(work):
                break
        else:
            self.is_telling = True
            raise FlushError(
                f"Receivers made new changes in each of {MOST_ROUNDS} rounds before a write."
            )
        self._destinations.choose_again()
        self._unseen = {
            state: columns
            for state in work.written()
            if state.key is not None and (columns := unseen_columns(state))
        }

    def _concerns_somebody(self, work: Work) -> bool:
        """Whether anybody is to be told of this flush; if not, it costs no more than a plain one.

        The plan has all models whose rows are written, so this is known before the write.
        """
        return (
            not m2m_changed.is_idle
            or any(self._announced_outside)
            or _is_heard(pre_save, work.written())
            or _is_heard(post_save, work.written())
            or _is_heard(pre_delete, work.deleted())
            or _is_heard(post_delete, work.deleted())
        )

    def _announce_once(self, work: Work) -> bool:
        """Announce the changes that nobody has announced; return whether the plan was made again.

        The plan is SQLAlchemy's list of rows to write. A receiver that adds, changes or deletes
        an instance makes the list wrong, so the list is made again at once, and the next call
        announces the difference. ``pre_delete`` and ``m2m_changed`` wait for a plan that no
        ``pre_save`` receiver has changed: they must not tell of a row that is not to go.
        """
        self._has_reached_somebody = False
        self._before = None
        if _is_heard(pre_save, work.written()):
            saves = self._fresh(saves_of(work))
            for save in saves:
                save.cause = self._notes.causes.of(save.instance)
            self._announce_each(work, pre_save, saves, self._saves)
        if not self._has_been_changed() and _is_heard(pre_delete, work.deleted()):
            deletes = self._fresh(deletes_of(work, self._notes.origins))
            for delete in deletes:
                delete.cause = self._cause_of(work, delete)
            self._announce_each(work, pre_delete, deletes, self._deletes)
        if not self._has_been_changed() and not m2m_changed.is_idle:
            with self._aside(work):
                self.links.announce(lambda links: self._send_links(links, links.before()), work)
        if not self._has_been_changed():
            return False
        work.plan_again()
        return True

    def _has_been_changed(self) -> bool:
        """Whether a receiver has changed pending instances, so that the plan is wrong."""
        if not self._has_reached_somebody or self._before is None:
            return False
        return self.writes != self._writes or not self._before.is_like(Picture(self._session))

    def _announce_each(
        self, work: Work, signal: Signal, changes: list[C], announced: list[C]
    ) -> None:
        if not changes:
            return
        with self._aside(work):
            for change in changes:
                # The receiver of an earlier row may have changed, expunged or flushed this one.
                # Before the first receiver has run, the plan is known to hold.
                if self._has_reached_somebody and not change.is_due(
                    self._session, self.planned, self._kept
                ):
                    continue
                change.using = self._destinations.of(change.state)
                announced.append(change)
                self.announced[change.state] = change
                self._send_change(signal, change)

    @contextmanager
    def _aside(self, work: Work) -> Iterator[None]:
        """Let receivers use the session in the block, though this flush has begun.

        The session looks as it would outside of a flush: the rows that outer flushes are about to
        delete are marked, and a receiver may flush. Its queries do not autoflush: otherwise the
        first query of a receiver would flush the rest of the batch inside of that receiver.
        """
        if self._before is None:
            self._before = Picture(self._session)
        self.put_marks_back()
        try:
            with work.aside(), self._session.no_autoflush:
                yield
        finally:
            self.set_marks_aside()

    def _cause_of(self, work: Work, delete: Delete) -> watching.Cause | None:
        """The response behind a deletion: it deleted the origin, or took that from its parent."""
        if not watching.observers:
            return None
        origin = state_of(delete.origin)
        parents = () if origin in self._notes.origins else parents_that_lost(work, origin)
        return self._notes.causes.of_any((delete.origin, *parents))

    # The write

    def note(self, work: Work) -> None:
        """Note which rows SQLAlchemy has written, while it still knows their old values.

        Listeners of SQLAlchemy's own events may change rows after the announcement, and
        ``post_update`` writes some that no plan shows. Such a row is late: it was written without
        having been announced, and :meth:`report` sends both of its signals.
        """
        self._notes.writes += 1
        if not self._is_heard:
            return
        if not m2m_changed.is_idle:
            self.links.note_written(work)
        written = dict.fromkeys((*work.written(), *work.updated_afterwards()))
        if (
            self.announced
            or any(self._announced_outside)
            or _is_heard(post_save, written)
            or _is_heard(pre_save, written)
        ):
            for state in saving_order(work, written):
                self._note_save(work, state)
        late = set()
        for state in work.deleted():
            change = self._take(state)
            if isinstance(change, Delete):
                change.note_written()
                self._notes.causes.forget(change.instance)
            elif not state.was_deleted:
                # Otherwise it was deleted, and that reported, earlier in this transaction.
                late.add(state)
        if late and (_is_heard(pre_delete, late) or _is_heard(post_delete, late)):
            for delete in deletes_of(work, self._notes.origins):
                if delete.state in late:
                    delete.cause = self._cause_of(work, delete)
                    delete.using = self._destinations.of(delete.state)
                    delete.note_written()
                    self._late_deletes.append(delete)

    def _note_save(self, work: Work, state: State) -> None:
        created = is_new(self._session, state)
        columns = None
        if not created:
            columns = updated_columns(work, state) | self._unseen.get(state, frozenset())
            if not columns:
                # The plan had it, but no column differed: SQLAlchemy has sent no UPDATE.
                return
        instance = state.obj()
        change = self._take(state)
        if not isinstance(change, Save):
            change = Save(state, created, cause=self._notes.causes.of(instance))
            change.using = self._destinations.of(state)
            self._late_saves.append(change)
        if not change.created:
            change.update_fields = columns
        if self._destinations.is_sharded:
            change.using = self._destinations.of(state)
        change.note_written()
        self._notes.causes.forget(instance)

    # After the write

    def report(self, transaction: SessionTransaction | None) -> bool:
        """Send the signals after the write for the changes that were announced and written.

        Arguments:
            transaction: the transaction or savepoint that they were written in.

        Returns:
            Whether receivers have left changes to be written in another round.
        """
        self.transaction = transaction
        if not self._is_heard:
            return False
        self._has_reached_somebody = False
        before = pending(self._session)
        for save in self._late_saves:
            self._send_change(pre_save, save)
        for delete in self._late_deletes:
            self._send_change(pre_delete, delete)
        for links in self._links.take_late() if self._links else ():
            self._send_links(links, links.before())
        for save in (*self._saves, *self._late_saves):
            if save.written:
                self._send_change(post_save, save)
        for links in self._links.written() if self._links else ():
            self._send_links(links, links.after())
        for delete in reporting_order([*self._deletes, *self._late_deletes]):
            if delete.written:
                self._send_change(post_delete, delete)
        return self._has_reached_somebody and not pending(self._session) <= before

    def _take(self, state: State) -> Change | None:
        """The change that this flush or an outer one has announced, and which is written now."""
        for announced in self._announced_outside:
            change = announced.pop(state, None)
            if change is not None:
                return change
        return self.announced.pop(state, None)

    def _fresh(self, changes: list[C]) -> list[C]:
        """The changes that nobody has announced, without deletions of deleted rows."""
        announced = [each for each in (self.announced, *self._announced_outside) if each]
        return [
            change
            for change in changes
            if not any(isinstance(each.get(change.state), type(change)) for each in announced)
            and not (isinstance(change, Delete) and change.state.was_deleted)
        ]

    def _send_change(self, signal: Signal, change: Change) -> None:
        if signal.is_idle:
            return
        named = change.arguments(self._session)
        if signal is post_save and isinstance(change, Save):
            named["created"] = change.created
        self._send(signal, change, named)

    def _send_links(self, links: LinkChange, arguments: dict[str, Any]) -> None:
        links.using = links.using or self._destinations.of_model(links.mapper)
        named = {"instance": links.instance, "using": links.using, "session": self._session}
        self._send(m2m_changed, links, named | arguments)

    def _send(self, signal: Signal, change: Change | LinkChange, named: dict[str, Any]) -> None:
        # Stays set when a receiver raises: then the session has to roll back. Where a statement
        # fails, SQLAlchemy has rolled back already.
        self.is_telling = True
        if change.cause is None:
            responses = signal.send(change.sender, **named)
        else:
            with watching.caused_by(change.cause):
                responses = signal.send(change.sender, **named)
        if responses:
            self._has_reached_somebody = True
            self._check_on(signal, change)
        self.is_telling = False

    def _check_on(self, signal: Signal, change: Change | LinkChange) -> None:
        """Raise if a receiver has ended the transaction or emptied the session.

        Going on would send the other signals for rows that are not in the database.
        """
        if self.was_rolled_back or not self._session.is_active:
            what = "transaction was rolled back"
        elif self.was_abandoned:
            what = "session was closed"
        else:
            return
        raise InvalidRequestError(
            f"The {what} while {signal.name} of {change.model.__name__} was being sent; "
            "its other signals were not sent."
        ) from failure_of(self._session)

    def let_go(self) -> None:
        """Let go of all instances: the traceback of an exception may keep this object alive."""
        if self._is_heard:
            self._saves, self._deletes, self._late_saves, self._late_deletes = [], [], [], []
            self._unseen, self._kept, self._links = {}, set(), None
            self.announced.clear()
            self.planned.clear()


def planned_by(flushes: Iterable[Flush]) -> list[dict[State, Any]]:
    """The marked instances that flushes under way are about to delete, each flush's by itself."""
    return [flush.planned for flush in flushes if flush.planned]


def _is_heard(signal: Signal, states: Iterable[State]) -> bool:
    """Whether anybody is told when a row of one of these instances is written."""
    if signal.is_idle:
        return False
    return bool(watching.observers) or any(map(signal.has_listeners, models_of(states)))
