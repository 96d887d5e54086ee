"""One round of a flush: announcing what it will write, and reporting what it has written."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from operator import is_
from typing import TYPE_CHECKING, Any, TypeVar, cast

from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Mapper, SessionTransaction
from sqlalchemy.orm.exc import FlushError

from signalcli.db.changes import Change, Delete, Save, deletes_of, in_order, models_of, saves_of
from signalcli.db.columns import changed_columns, unseen_columns, updated_columns
from signalcli.db.compat.states import (
    MarksAside,
    Picture,
    State,
    contains,
    is_new,
    marks,
    pending,
    state_of,
)
from signalcli.db.compat.work import Work, as_if_flushing, is_sharded, shard_of
from signalcli.db.dependants import parents_that_lost
from signalcli.db.engine import using
from signalcli.db.inserter import insert_together
from signalcli.db.links import LinkChange, LinkPlan
from signalcli.db.signals import m2m_changed, post_delete, post_save, pre_delete, pre_save
from signalcli.dispatch import Signal, watching

if TYPE_CHECKING:
    from signalcli.db.session import Session

C = TypeVar("C", Save, Delete)

MOST_ROUNDS = 100


class Flush:
    """What one round of a flush announces, and what comes of that.

    Flushes nest, since receivers may flush. An instance that an outer flush has announced is not
    announced again by an inner one, which may well write it; who announced a write reports it.
    What an outer flush is about to delete, an inner one leaves to it.

    Arguments:
        session: the session that flushes.
        outer: the session's flushes that it is within, outermost first.
        transaction: the transaction or savepoint that it began in.
        objects: the only instances that it concerns; None for all.
    """

    def __init__(
        self,
        session: "Session",
        outer: Sequence["Flush"],
        transaction: SessionTransaction | None,
        objects: Sequence[Any] | None,
    ) -> None:
        self.transaction = transaction
        self.announced: dict[State, Change] = {}
        self.planned: dict[State, Any] = {}
        # Marked for deletion, but the plan keeps them: somebody's collection was given them.
        self._kept: set[State] = set()
        self.has_begun = False
        self.is_telling = False
        self.was_rolled_back = False
        self.was_abandoned = False
        self._session = session
        self._outer = tuple(outer)
        # What an inner flush writes belongs to those who announced it. Without this one, which
        # would otherwise be kept alive, and all that it wrote, until garbage is collected.
        self._announced_outside = [flush.announced for flush in outer]
        self._is_sharded = is_sharded(session)
        self._saves: list[Save] = []
        self._deletes: list[Delete] = []
        self._late: list[Change] = []
        self._unseen: dict[State, frozenset[str]] = {}
        self._databases: dict[Mapper[Any], str] = {}
        self._links: LinkPlan | None = None
        self._has_reached_somebody = False
        self._before: Picture | None = None
        self._writes = 0
        self._chosen: dict[State, list[Any]] = {}
        self._only = None if objects is None else set(map(id, objects))
        announced = session.announced
        self._marks = MarksAside(session, announced) if announced else None

    # What the session does around SQLAlchemy's flush

    def set_marks_aside(self) -> None:
        """Leave to the outer flushes what they are about to delete."""
        if self._marks is not None:
            self._marks.take()

    def put_marks_back(self) -> None:
        """The counterpart of :meth:`set_marks_aside`."""
        if self._marks is None:
            return
        is_over = any(flush.was_rolled_back or flush.was_abandoned for flush in self._outer)
        if is_over or not self._session.is_active:
            self._marks.drop()
        else:
            self._marks.put_back()

    @property
    def writes(self) -> int:
        """A number that changes with every flush of the session that has written."""
        return self._session.writes

    @property
    def links(self) -> LinkPlan:
        """The rows of link tables."""
        if self._links is None:
            outer = [flush.links for flush in self._outer]
            self._links = LinkPlan(self._session, outer, self._only)
        return self._links

    # Before the write

    def announce(self, work: Work) -> None:
        """Send what is sent before the write for all that is planned, and what that leads to."""
        for _ in range(MOST_ROUNDS):
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
        self._choose_again()
        self._unseen = {
            state: columns
            for state in work.written()
            if state.key is not None and (columns := unseen_columns(state))
        }

    def _announce_once(self, work: Work) -> bool:
        """Announce what nobody has announced; returns whether a new plan had to be made."""
        self._has_reached_somebody = False
        self._before = None
        if _is_heard(pre_save, work.written()):
            saves = self._fresh(saves_of(work))
            for save in saves:
                save.cause = self._session.causes.of(save.instance)
            self._announce_each(work, pre_save, saves, self._saves, self._is_due)
        if not self._has_been_changed() and _is_heard(pre_delete, work.deleted()):
            deletes = self._fresh(deletes_of(work, self._session.origins))
            for delete in deletes:
                delete.cause = self._cause_of(work, delete)
            self._announce_each(work, pre_delete, deletes, self._deletes, self._is_going)
        if not self._has_been_changed() and not m2m_changed.is_idle:
            with self._aside(work):
                self.links.announce(lambda links: self._send_links(links, links.before()), work)
        if not self._has_been_changed():
            return False
        work.plan_again()
        return True

    def _has_been_changed(self) -> bool:
        """Whether a receiver has changed what is pending, so that the plan does not hold."""
        if not self._has_reached_somebody or self._before is None:
            return False
        return self.writes != self._writes or not self._before.is_like(Picture(self._session))

    def _announce_each(
        self,
        work: Work,
        signal: Signal,
        changes: list[C],
        announced: list[C],
        is_due: Callable[[C], bool],
    ) -> None:
        if not changes:
            return
        with self._aside(work):
            for change in changes:
                # A receiver may have changed what was planned.
                if self._has_reached_somebody and not is_due(change):
                    continue
                change.using = self._using(change)
                announced.append(change)
                self.announced[change.state] = change
                self._send_change(signal, change)

    @contextmanager
    def _aside(self, work: Work) -> Iterator[None]:
        """Within it, receivers may use the session, though this flush has begun.

        A query of theirs does not autoflush, and what outer flushes are about to delete is marked
        for it, as where nobody flushes.
        """
        if self._before is None:
            self._before = Picture(self._session)
        self.put_marks_back()
        try:
            with work.aside(), self._session.no_autoflush:
                yield
        finally:
            self.set_marks_aside()

    def _is_due(self, save: Save) -> bool:
        """Whether a row is still to be written, with ``update_fields`` as they are now."""
        state = save.state
        if not contains(self._session, state) or self._is_announced(state, Save):
            return False
        if save.created:
            return state.key is None
        if state in marks(self._session) and state not in self._kept:
            return False
        save.update_fields = changed_columns(save.instance) | save.moved
        return bool(save.update_fields)

    def _is_going(self, delete: Delete) -> bool:
        """Whether a row is still to be removed."""
        state, session = delete.state, self._session
        if not contains(session, state) or self._is_announced(state, Delete):
            return False
        return state in marks(session) or state not in self.planned

    def _cause_of(self, work: Work, delete: Delete) -> watching.Cause | None:
        """Who is behind a deletion: who deleted its origin, or took that away from its parent."""
        causes = self._session.causes
        if not watching.observers:
            return None
        origin = state_of(delete.origin)
        parents = () if origin in self._session.origins else parents_that_lost(work, origin)
        return causes.of_any((delete.origin, *parents))

    # The write

    def insert(self, work: Work, mapper: Mapper[Any], states: list[State]) -> bool:
        """Insert the rows of new instances together, where the session works on many."""
        return self._session.is_bulk and insert_together(self._session, mapper, states)

    def note(self, work: Work) -> None:
        """Note what SQLAlchemy has written, while it still knows."""
        if not m2m_changed.is_idle:
            self.links.note_written(work)
        written = dict.fromkeys((*work.written(), *work.updated_afterwards()))
        if (
            self.announced
            or any(self._announced_outside)
            or _is_heard(post_save, written)
            or _is_heard(pre_save, written)
        ):
            for state in in_order(work, written):
                self._note_save(work, state)
        late = set()
        for state in work.deleted():
            change = self._take(state)
            if isinstance(change, Delete):
                change.note_written()
                self._session.causes.forget(change.instance)
            elif not state.was_deleted:
                # Otherwise it was deleted, and that reported, earlier in this transaction.
                late.add(state)
        if late and (_is_heard(pre_delete, late) or _is_heard(post_delete, late)):
            for delete in deletes_of(work, self._session.origins):
                if delete.state in late:
                    delete.cause = self._cause_of(work, delete)
                    delete.using = self._using(delete)
                    delete.note_written()
                    self._late.append(delete)

    def _note_save(self, work: Work, state: State) -> None:
        created = is_new(self._session, state)
        columns = None
        if not created:
            columns = updated_columns(work, state) | self._unseen.get(state, frozenset())
            if not columns:
                return
        instance = state.obj()
        change = self._take(state)
        if not isinstance(change, Save):
            change = Save(state, created, cause=self._session.causes.of(instance))
            change.using = self._using(change)
            self._late.append(change)
        if not change.created:
            change.update_fields = columns
        if self._is_sharded:
            change.using = self._using(change)
        change.note_written()
        self._session.causes.forget(instance)

    # After the write

    def report(self, transaction: SessionTransaction | None) -> bool:
        """Send what is sent after the write for what was announced and written.

        Arguments:
            transaction: the transaction or savepoint that it was written in.

        Returns:
            Whether receivers have left something to be written.
        """
        self.transaction = transaction
        self._has_reached_somebody = False
        before = pending(self._session)
        for change in self._late:
            if isinstance(change, Save):
                self._send_change(pre_save, change)
                self._saves.append(change)
            elif isinstance(change, Delete):
                self._send_change(pre_delete, change)
                self._deletes.append(change)
        for links in self._links.take_late() if self._links else ():
            self._send_links(links, links.before())
        for save in self._saves:
            if save.written:
                self._send_change(post_save, save)
        for links in self._links.written() if self._links else ():
            self._send_links(links, links.after())
        for delete in _in_deletion_order(self._deletes):
            if delete.written:
                self._send_change(post_delete, delete)
        return self._has_reached_somebody and not pending(self._session) <= before

    def _take(self, state: State) -> Change | None:
        """What was announced of an instance, by this flush or an outer one; it counts no longer."""
        for announced in self._announced_outside:
            change = announced.pop(state, None)
            if change is not None:
                return change
        return self.announced.pop(state, None)

    def _is_announced(self, state: State, kind: type[Change]) -> bool:
        return isinstance(self.announced.get(state), kind) or any(
            isinstance(announced.get(state), kind) for announced in self._announced_outside
        )

    def _fresh(self, changes: list[C]) -> list[C]:
        """Those that nobody has announced; no deletion of a row that this transaction deleted."""
        return [
            change
            for change in changes
            if not self._is_announced(change.state, type(change))
            and not (isinstance(change, Delete) and change.state.was_deleted)
        ]

    def _send_change(self, signal: Signal, change: Change) -> None:
        if signal.is_idle:
            return
        if isinstance(change, Save):
            named = {
                "instance": change.instance,
                "raw": False,
                "using": change.using,
                "update_fields": change.update_fields,
                "session": self._session,
            }
            if signal is post_save:
                named["created"] = change.created
        else:
            named = {
                "instance": change.instance,
                "using": change.using,
                "origin": cast("Delete", change).origin,
                "session": self._session,
            }
        self._send(signal, change, named)

    def _send_links(self, links: LinkChange, arguments: dict[str, Any]) -> None:
        links.using = links.using or self._using_of(links.mapper)
        named = {"instance": links.instance, "using": links.using, "session": self._session}
        self._send(m2m_changed, links, named | arguments)

    def _send(self, signal: Signal, change: Change | LinkChange, named: dict[str, Any]) -> None:
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
        """Refuse to go on as if nothing had happened where a receiver undid what it is told of."""
        if self.was_rolled_back or not self._session.is_active:
            what = "transaction was rolled back"
        elif self.was_abandoned:
            what = "session was closed"
        else:
            return
        raise InvalidRequestError(
            f"The {what} while {signal.name} of {change.model.__name__} was being sent; "
            "its other signals were not sent."
        )

    def _using(self, change: Change) -> str:
        """The database that a row is in, as a URL without its password."""
        state = change.state
        if not self._is_sharded:
            return self._using_of(state.mapper.base_mapper)
        if state.key is None and state.identity_token is None:
            self._chosen[state] = []
        with as_if_flushing(self._session):
            found = using(shard_of(self._session, state.mapper.base_mapper, change.instance))
        if state in self._chosen:
            self._chosen[state] = list(state.dict.values())
        return found

    def _choose_again(self) -> None:
        """Have the shard be chosen again of a new instance that receivers have changed since."""
        for state, values in self._chosen.items():
            now = list(state.dict.values())
            if len(now) != len(values) or not all(map(is_, now, values)):
                state.identity_token = None
        self._chosen.clear()

    def _using_of(self, mapper: Mapper[Any]) -> str:
        database = self._databases.get(mapper)
        if database is None:
            with as_if_flushing(self._session):
                database = using(self._session.get_bind(mapper))
            self._databases[mapper] = database
        return database

    def let_go(self) -> None:
        """Hold no instance any more: an exception may hold this for long."""
        for held in (self._saves, self._deletes, self._late, self.announced, self.planned):
            held.clear()
        self._unseen.clear()
        self._kept.clear()
        self._links = None


def _is_heard(signal: Signal, states: Iterable[State]) -> bool:
    """Whether anybody is told when a row of one of these instances is written."""
    if signal.is_idle:
        return False
    return bool(watching.observers) or any(map(signal.has_listeners, models_of(states)))


def _in_deletion_order(deletes: list[Delete]) -> list[Delete]:
    """The order of ``post_delete``: model by model as announced, each model's rows backwards."""
    by_model: dict[type[Any], list[Delete]] = {}
    for change in deletes:
        by_model.setdefault(change.sender, []).append(change)
    return [change for changes in by_model.values() for change in reversed(changes)]
