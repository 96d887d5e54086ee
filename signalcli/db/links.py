"""The rows of link tables that a flush inserts and removes: announced before, reported after.

A link has no instance, and so no state that records its change. The collections of both sides show
it. ``m2m_changed`` tells of it once, from the side whose collection the program changed, also
where only the other side's collection is loaded and shows the change. So a link has a key that is
the same from either side, and a :class:`LinkChange` remembers where its links show.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Mapper, PassiveFlag, Session
from sqlalchemy.orm.attributes import History, get_history

from signalcli.db.causes import Causes
from signalcli.db.compat.states import (
    Relationship,
    State,
    changed_states,
    contains,
    marks,
    state_of,
    those_in,
    values_before,
    was_replaced_unseen,
)
from signalcli.db.compat.work import Work
from signalcli.db.many_to_many import (
    asked,
    counterpart,
    forget,
    is_reverse,
    link_model,
    primary_keys,
)
from signalcli.db.relationships import primary_key, relationships_of
from signalcli.dispatch.watching import Cause

# With these flags, SQLAlchemy answers from memory. A collection that was never loaded answers with
# the members that were put in and taken out, which are all that SQLAlchemy writes.
_KNOWN = PassiveFlag.PASSIVE_NO_INITIALIZE | PassiveFlag.INCLUDE_PENDING_MUTATIONS

LinkKey = tuple[Relationship, int, int, bool]


@dataclass(slots=True, eq=False)
class LinkChange:
    """Some links of one collection, which one ``m2m_changed`` announces and another reports.

    Attributes:
        instance: the instance whose collection the program changed.
        relationship: the relationship that the collection is of.
        is_added: whether the rows are inserted; otherwise they are removed.
        others: the instances that the collection takes in or gives up, each by the key of its link.
        elsewhere: the links that only the other side's collection shows.
        written: the links whose rows are in the database, or gone from it.
        is_clear: whether ``clear()`` removes all links that there are.
        cause: the response that is behind the change, or None.
        using: the database that the rows are in, as a URL without its password.
    """

    instance: Any
    relationship: Relationship
    is_added: bool
    others: dict[LinkKey, Any] = field(default_factory=dict)
    elsewhere: set[LinkKey] = field(default_factory=set)
    written: set[LinkKey] = field(default_factory=set)
    is_clear: bool = False
    cause: Cause | None = None
    using: str = ""

    @property
    def sender(self) -> Any:
        """The link model, or its table where there is no model."""
        return link_model(self.relationship)

    @property
    def mapper(self) -> Mapper[Any]:
        """The mapper of the instances that are added or removed."""
        return self.relationship.mapper

    @property
    def model(self) -> type[Any]:
        """The class of the instances that are added or removed."""
        return self.relationship.mapper.class_

    def before(self) -> dict[str, Any]:
        """The arguments of the dispatch before the write."""
        return self._arguments("pre", self.others.values(), self.is_clear)

    def after(self) -> dict[str, Any]:
        """The arguments of the dispatch after the write, which tells of the written links alone.

        If a receiver put some of a cleared collection back, this is ``post_remove`` of the others.
        """
        if len(self.written) == len(self.others):
            return self._arguments("post", self.others.values(), self.is_clear)
        written = [other for key, other in self.others.items() if key in self.written]
        return self._arguments("post", written, False)

    def _arguments(self, when: str, others: Iterable[Any], is_clear: bool) -> dict[str, Any]:
        verb = "clear" if is_clear else "add" if self.is_added else "remove"
        return {
            "action": f"{when}_{verb}",
            "reverse": is_reverse(self.relationship),
            "model": self.model,
            "pk_set": None if is_clear else primary_keys(others),
        }


# A change as a collection shows it, whichever side the program has changed: an instance, one of its
# relationships, whether links are added, and the links.
Shown = tuple[Any, Relationship, bool, dict[LinkKey, Any]]


class LinkPlan:
    """The links that one round of a flush announces, writes and reports.

    The rules are those of :class:`signalcli.db.flush.Flush`: an inner flush does not announce a
    link again that an outer flush has announced. It may write the link, and the outer flush
    reports that.

    Arguments:
        session: the session that flushes.
        causes: the causes of its pending writes.
        outer: the plans of the flushes within which this one is under way, outermost first.
        only: the ids of the only instances that the flush concerns; None for all.

    Attributes:
        announced: the links that were announced and are not written yet, each with its change.
    """

    def __init__(
        self,
        session: Session,
        causes: Causes,
        outer: Sequence["LinkPlan"],
        only: Container[int] | None,
    ) -> None:
        self._session = session
        self._causes = causes
        # The tuple does not hold this plan itself: that would be a circle, and keep all instances
        # alive until garbage is collected.
        self._outer = tuple(outer)
        self._work: Work | None = None
        self._only = only
        self.announced: dict[LinkKey, LinkChange] = {}
        self._changes: list[LinkChange] = []
        self._late: list[LinkChange] = []
        self._replaced: dict[tuple[int, str], list[Any]] = {}

    def announce(self, send: Callable[[LinkChange], None], work: Work) -> None:
        """Announce the links that nobody has announced yet.

        Arguments:
            send: sends the dispatch before the write.
            work: the flush.
        """
        self._work = work
        fresh = (
            (instance, relationship, is_added, self._fresh(links))
            for instance, relationship, is_added, links in self._shown(work.is_deleting)
        )
        for change in _changes(fresh):
            # The receivers of the collection before may have changed this one, or flushed it.
            change.others = self._still_due(change, work.is_deleting)
            if change.others:
                self._complete(change)
                self.announced.update(dict.fromkeys(change.others, change))
                self._changes.append(change)
                send(change)

    def note_written(self, work: Work) -> None:
        """Note the links that the flush has written, while the collections still show them."""
        self._work = work
        late: list[Shown] = []
        taken: set[LinkKey] = set()
        for instance, relationship, is_added, links in self._shown(lambda state: False):
            unannounced = {}
            for key, other in links.items():
                change = self._take(key)
                if change is not None:
                    change.written.add(key)
                    taken.add(key)
                elif key not in taken:
                    unannounced[key] = other
            late.append((instance, relationship, is_added, unannounced))
        for change in _changes(late):
            change.written.update(change.others)
            self._complete(change)
            self._late.append(change)
        for state, relationship in self._changed_collections():
            forget(state, relationship)
            self._causes.forget(state.obj(), relationship.key)

    def take_late(self) -> list[LinkChange]:
        """The changes that were written without an announcement; they count as announced now."""
        late, self._late = self._late, []
        self._changes += late
        return late

    def written(self) -> Iterator[LinkChange]:
        """The changes that were announced and, at least in part, written."""
        for change in self._changes:
            if change.written:
                yield change

    def _shown(self, going: Callable[[State], bool]) -> Iterator[Shown]:
        """The links that the next flush will write, as the collections show them.

        Of an instance that is to be deleted, only the links that were removed before count. The
        others go because the instance goes, and nobody is told of them, as in Django.

        Arguments:
            going: whether the flush deletes the row of an instance.
        """
        session, marked = self._session, marks(self._session)

        def is_going(state: State) -> bool:
            return state in marked or going(state)

        for state, relationship in self._changed_collections():
            instance = state.obj()
            history = self._history(state, relationship)
            added = () if is_going(state) else history.added
            if relationship.cascade.delete_orphan and relationship.key not in state.dict:
                # With this cascade, SQLAlchemy leaves what is added to a collection that is not
                # loaded to the other side. That side writes nothing where it goes.
                added = [other for other in added if other is None or not is_going(state_of(other))]
            for others, is_added in ((history.deleted, False), (added, True)):
                if others:
                    links = _links(instance, relationship, is_added, those_in(session, others))
                    yield instance, relationship, is_added, links

    def _changed_collections(self) -> list[tuple[State, Relationship]]:
        return [
            (state, relationship)
            for state in changed_states(self._session)
            for relationship in relationships_of(state.mapper).many_to_many
            if relationship.key in values_before(state)
            and (self._only is None or id(state.obj()) in self._only)
        ]

    def _still_due(self, change: LinkChange, going: Callable[[State], bool]) -> dict[LinkKey, Any]:
        """The links of one collection that the flush would still write now."""
        instance, relationship, is_added = change.instance, change.relationship, change.is_added
        session, other_side = self._session, counterpart(relationship)

        def members(of: Any, relationship: Relationship) -> set[int]:
            state = state_of(of)
            if not contains(session, state) or (is_added and going(state)):
                return set()
            history = self._history(state, relationship)
            return set(map(id, history.added if is_added else history.deleted))

        own = members(instance, relationship)
        present = set(map(id, those_in(session, change.others.values()))) & own
        due = {key: other for key, other in change.others.items() if id(other) in present}
        if change.elsewhere and other_side is not None:
            is_there = contains(session, state_of(instance))
            for key in change.elsewhere:
                other = change.others[key]
                if is_there and id(instance) in members(other, other_side):
                    due[key] = other
                else:
                    due.pop(key, None)
        return due

    def _complete(self, change: LinkChange) -> None:
        """Find out whether a change is a ``clear()``, and its cause."""
        state, relationship = state_of(change.instance), change.relationship
        notes = asked(state, relationship)
        if not change.is_added and notes is not None and notes.by_clear:
            # It is no clear() if something of the old collection stays, or if this side has not
            # asked for what came since. A link that came from the other side is told on its own.
            history = self._history(state, relationship)
            change.is_clear = not history.unchanged and (
                counterpart(relationship) is None or all(map(notes.concerns, history.added))
            )
        change.cause = self._causes.of(change.instance, relationship.key)
        if change.cause is None and state.pending:
            change.cause = self._causes.of(change.instance)

    def _history(self, state: State, relationship: Relationship) -> History:
        """How a collection differs from the links in the database."""
        instance, key = state.obj(), relationship.key
        if was_replaced_unseen(state, key):
            # A reference to a single instance was replaced before the old one was loaded. The
            # plan of the flush has asked the database for the old one. That answer is kept here,
            # since after the write the database has the new one.
            place = (id(instance), key)
            if place not in self._replaced and self._work is not None:
                history = self._work.history(state, relationship)
                before = (*history.unchanged, *history.deleted) if history else ()
                self._replaced[place] = [None if each is None else each.obj() for each in before]
            return _difference(self._replaced[place], getattr(instance, key))
        # Changes to a collection that is not loaded count, too, but not in a flush of some
        # instances alone: SQLAlchemy then leaves them to the flush of the other side.
        passive = _KNOWN if self._only is None else PassiveFlag.PASSIVE_NO_INITIALIZE
        return get_history(instance, key, passive)

    def _fresh(self, links: dict[LinkKey, Any]) -> dict[LinkKey, Any]:
        """The links that nobody has announced."""
        for plan in (*self._outer, self):
            if plan.announced:
                links = {key: other for key, other in links.items() if key not in plan.announced}
        return links

    def _take(self, key: LinkKey) -> LinkChange | None:
        """The change of a link that this plan or an outer one has announced, now written."""
        for plan in self._outer:
            change = plan.announced.pop(key, None)
            if change is not None:
                return change
        return self.announced.pop(key, None)


def _difference(old: list[Any], new: Any) -> History:
    """The history of a relationship to a single instance, made of the instances before and now."""
    return History(
        [] if any(new is each for each in old) else [new],
        [each for each in old if each is new],
        [each for each in old if each is not new],
    )


def _links(
    instance: Any, relationship: Relationship, is_added: bool, others: list[Any]
) -> dict[LinkKey, Any]:
    """Members of a collection by the keys of their links, which are the same from either side."""
    other_side, own = counterpart(relationship), id(instance)
    if other_side is not None and is_reverse(relationship):
        return {(other_side, id(other), own, is_added): other for other in others}
    return {(relationship, own, id(other), is_added): other for other in others}


def _changes(shown: Iterable[Shown]) -> list[LinkChange]:
    """Links by the collection that the program has changed, in the order of the changes.

    In each collection, removals come before additions. Changes are noted only while somebody
    listens. For a change from before that time, the forward side is taken.
    """
    changes: dict[tuple[int, Relationship, bool], LinkChange] = {}
    found: dict[LinkKey, LinkChange] = {}

    def change_of(instance: Any, relationship: Relationship, is_added: bool) -> LinkChange:
        place = (id(instance), relationship, is_added)
        if place not in changes:
            changes[place] = LinkChange(instance, relationship, is_added)
        return changes[place]

    for instance, relationship, is_added, links in shown:
        if not links:
            continue
        other_side = counterpart(relationship)
        if other_side is None:
            change_of(instance, relationship, is_added).others.update(links)
            continue
        state, is_forward = state_of(instance), not is_reverse(relationship)
        notes = asked(state, relationship)
        for key, other in links.items():
            change = found.get(key)
            if change is not None:
                # The other side has shown the link before. Now this side does, too.
                if change.relationship is relationship:
                    change.elsewhere.discard(key)
                continue
            if notes is not None and notes.concerns(other):
                is_own = True
            else:
                others_notes = asked(state_of(other), other_side)
                is_own = is_forward and not (
                    others_notes is not None and others_notes.concerns(instance)
                )
            if is_own:
                change = change_of(instance, relationship, is_added)
                change.others[key] = other
            else:
                change = change_of(other, other_side, is_added)
                change.others[key] = instance
                change.elsewhere.add(key)
            found[key] = change
    return sorted(changes.values(), key=_place)


def _place(change: LinkChange) -> tuple[Any, ...]:
    state = state_of(change.instance)
    notes = asked(state, change.relationship)
    if notes is not None:
        return (0, notes.place, change.is_added)
    key = change.relationship.key
    return (1, state.class_.__name__, primary_key(state), key, change.is_added)
