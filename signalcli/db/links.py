"""The rows of link tables that a flush inserts and removes, announced before and reported after.

A link has no instance of its own, so there is no state to ask: the collections of both sides show
it. ``m2m_changed`` tells of it once, from the side whose collection the program changed, also
where only the other side's collection is loaded and shows the change. So a link is a
:class:`Link` with a key that is the same from either side, and remembers where it shows.
"""

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.orm import Mapper, PassiveFlag, Session
from sqlalchemy.orm.attributes import History, get_history

from signalcli.db.causes import Causes
from signalcli.db.compat.states import Relationship, State, state_of, was_replaced_unseen
from signalcli.db.compat.work import Work
from signalcli.db.many_to_many import (
    asked,
    counterpart,
    forget,
    is_reverse,
    link_model,
    many_to_many,
    primary_keys,
)
from signalcli.db.relationships import primary_key
from signalcli.dispatch.watching import Cause

# Where this is told of a collection, nothing is loaded from the database: a collection that was
# never loaded gives what was put in and taken out, which is all that SQLAlchemy writes.
_KNOWN = PassiveFlag.PASSIVE_NO_INITIALIZE | PassiveFlag.INCLUDE_PENDING_MUTATIONS

LinkKey = tuple[Relationship, int, int, bool]


@dataclass(slots=True, eq=False)
class Link:
    """A row of a link table to be inserted or removed, from the side whose collection was changed.

    Attributes:
        instance: the instance whose collection was changed.
        relationship: the relationship that the collection is of.
        other: the instance that the collection takes in or gives up.
        is_added: whether the row is inserted.
        shows_on_its_side: whether the collection shows the change; otherwise only that of the
            other instance does.
        written: whether the change is in the database.
    """

    instance: Any
    relationship: Relationship
    other: Any
    is_added: bool
    shows_on_its_side: bool
    written: bool = field(default=False, init=False)

    def where_it_shows(self) -> tuple[Any, Relationship, Any]:
        """An instance and the relationship that show the change, and the other instance."""
        other_side = None if self.shows_on_its_side else counterpart(self.relationship)
        if other_side is None:
            return self.instance, self.relationship, self.other
        return self.other, other_side, self.instance


class LinkChange:
    """Some links of one collection, which one ``m2m_changed`` announces and another reports.

    Attributes:
        links: the links, either all added or all removed.
        is_clear: whether ``clear()`` removes all links that there are.
        cause: the response that is behind the change, or None.
        instance: the instance whose collection was changed.
        using: the database that the rows are in, as a URL without its password.
        sender: the link model, or its table where there is no model.
        model: the class of the instances that are added or removed.
        mapper: the mapper of that class.
    """

    def __init__(self, links: list[Link], is_clear: bool, cause: Cause | None) -> None:
        self.links = links
        self.is_clear = is_clear
        self.cause = cause
        self.instance = links[0].instance
        self._relationship = links[0].relationship
        self._verb = "add" if links[0].is_added else "remove"
        self.sender = link_model(self._relationship)
        self.using = ""
        self.mapper = self._relationship.mapper
        self.model: type[Any] = self.mapper.class_

    def before(self) -> dict[str, Any]:
        """The arguments of the dispatch before the write."""
        return self._arguments("pre", self.links, self.is_clear)

    def after(self) -> dict[str, Any]:
        """The arguments of the dispatch after the write, which tells of the written links alone.

        If a receiver put some of a cleared collection back, this is ``post_remove`` of the others.
        """
        written = [link for link in self.links if link.written]
        return self._arguments("post", written, self.is_clear and len(written) == len(self.links))

    def _arguments(self, when: str, links: list[Link], is_clear: bool) -> dict[str, Any]:
        return {
            "action": f"{when}_clear" if is_clear else f"{when}_{self._verb}",
            "reverse": is_reverse(self._relationship),
            "model": self.model,
            "pk_set": None if is_clear else primary_keys([link.other for link in links]),
        }


class LinkPlan:
    """The links that one round of a flush announces, writes and reports.

    The rules are those of :class:`signalcli.db.flush.Flush`: an inner flush does not announce a
    link again that an outer flush has announced. It may write the link, and the outer flush
    reports that.

    Arguments:
        session: the session that flushes.
        causes: who is behind its pending writes.
        outer: the plans of the flushes within which this one is under way, outermost first.
        only: the ids of the only instances that the flush concerns; None for all.

    Attributes:
        announced: the links that were announced and are not written yet.
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
        self.announced: dict[LinkKey, Link] = {}
        self._changes: list[LinkChange] = []
        self._late: list[LinkChange] = []
        self._replaced: dict[tuple[int, str], list[Any]] = {}
        self._many_to_many: dict[Mapper[Any], list[Relationship]] = {}

    def announce(self, send: Callable[[LinkChange], None], work: Work) -> None:
        """Announce the links that nobody has announced yet.

        Arguments:
            send: sends the dispatch before the write.
            work: the flush.
        """
        self._work, going = work, work.is_deleting
        for links in _by_collection(self._fresh(self._pending(going))):
            # The receivers of the collection before may have changed this one, or flushed it.
            due = self._fresh(self._still_due(links, going))
            if due:
                self.announced.update(due)
                self._changes.append(self._change(due))
                send(self._changes[-1])

    def note_written(self, work: Work) -> None:
        """Note the links that the flush has written, while the collections still show them."""
        self._work = work
        late: dict[LinkKey, Link] = {}
        for key, link in self._pending(lambda state: False).items():
            announced = self._take(key)
            if announced is None:
                announced = late[key] = link
            announced.written = True
        self._late += [self._change(links) for links in _by_collection(late)]
        for instance, relationship in self._changed_collections():
            forget(instance, relationship)
            self._causes.forget(instance, relationship.key)

    def take_late(self) -> list[LinkChange]:
        """The changes that were written without an announcement; they count as announced now."""
        late, self._late = self._late, []
        self._changes += late
        return late

    def written(self) -> Iterator[LinkChange]:
        """The changes that were announced and, at least in part, written."""
        for change in self._changes:
            if any(link.written for link in change.links):
                yield change

    def _pending(self, going: Callable[[State], bool]) -> dict[LinkKey, Link]:
        """The links that the next flush will write.

        Of an instance that is to be deleted, only the links that were removed before count. The
        others go because the instance goes, and nobody is told of them, as in Django.

        Arguments:
            going: whether the flush deletes the row of an instance.
        """
        pending: dict[LinkKey, Link] = {}
        deleted = self._session.deleted

        def is_going(instance: Any) -> bool:
            return instance in deleted or going(state_of(instance))

        for instance, relationship in self._changed_collections():
            history = self._history(instance, relationship)
            added = () if is_going(instance) else history.added
            if relationship.cascade.delete_orphan and relationship.key not in vars(instance):
                # With this cascade, SQLAlchemy leaves what is added to a collection that is not
                # loaded to the other side. That side writes nothing where it goes.
                added = [other for other in added if other is None or not is_going(other)]
            key_of = _keys_of(instance, relationship)
            for others, is_added in ((history.deleted, False), (added, True)):
                for other in others:
                    key = key_of(other, is_added)
                    known = pending.get(key)
                    if known is not None:
                        # The other side has shown it before; now this side does, too.
                        known.shows_on_its_side |= known.relationship is relationship
                    elif other is not None and other in self._session:
                        pending[key] = self._announced_link(key) or _asked_link(
                            instance, relationship, other, is_added
                        )
        return pending

    def _changed_collections(self) -> list[tuple[Any, Relationship]]:
        session = self._session
        return [
            (instance, relationship)
            for instance in (*session.dirty, *session.new, *session.deleted)
            if self._only is None or id(instance) in self._only
            for relationship in self._modified(instance)
        ]

    def _modified(self, instance: Any) -> list[Relationship]:
        state = inspect(instance)
        if state.mapper not in self._many_to_many:
            self._many_to_many[state.mapper] = many_to_many(state.mapper)
        relationships = self._many_to_many[state.mapper]
        unmodified = state.unmodified if relationships else ()
        return [each for each in relationships if each.key not in unmodified]

    def _still_due(
        self, links: dict[LinkKey, Link], going: Callable[[State], bool]
    ) -> dict[LinkKey, Link]:
        """The links of one collection that the flush would still write now."""
        shown: dict[tuple[int, str], set[int]] = {}
        due = {}
        for key, link in links.items():
            instance, relationship, other = link.where_it_shows()
            place = (id(instance), relationship.key)
            if place not in shown:
                is_none = instance not in self._session or (
                    link.is_added and going(state_of(instance))
                )
                history = self._history(instance, relationship)
                members = history.added if link.is_added else history.deleted
                shown[place] = set() if is_none else set(map(id, members))
            if id(other) in shown[place] and other in self._session:
                due[key] = link
        return due

    def _change(self, links: dict[LinkKey, Link]) -> LinkChange:
        first = next(iter(links.values()))
        instance, relationship = first.instance, first.relationship
        notes = asked(instance, relationship)
        is_clear = not first.is_added and notes is not None and notes.by_clear
        if is_clear:
            # It is no clear() if something of the old collection stays, or if this side has not
            # asked for what came since. A link that came from the other side is told on its own.
            history = self._history(instance, relationship)
            is_clear = not history.unchanged and all(
                _was_asked(instance, relationship, other) for other in history.added
            )
        cause = self._causes.of(instance, relationship.key)
        if cause is None and inspect(instance).pending:
            cause = self._causes.of(instance)
        return LinkChange(list(links.values()), is_clear, cause)

    def _history(self, instance: Any, relationship: Relationship) -> History:
        """How a collection differs from the links in the database."""
        place = (id(instance), relationship.key)
        if was_replaced_unseen(state_of(instance), relationship.key):
            # A reference to a single instance was replaced before the old one was loaded. The
            # plan of the flush has asked the database for the old one. That answer is kept here,
            # since after the write the database has the new one.
            if place not in self._replaced and self._work is not None:
                history = self._work.history(state_of(instance), relationship)
                before = (*history.unchanged, *history.deleted) if history else ()
                self._replaced[place] = [None if each is None else each.obj() for each in before]
            return _difference(self._replaced[place], getattr(instance, relationship.key))
        # Changes to a collection that is not loaded count, too, but not in a flush of some
        # instances alone: SQLAlchemy then leaves them to the flush of the other side.
        passive = _KNOWN if self._only is None else PassiveFlag.PASSIVE_NO_INITIALIZE
        return get_history(instance, relationship.key, passive)

    def _fresh(self, links: dict[LinkKey, Link]) -> dict[LinkKey, Link]:
        """The links that nobody has announced."""
        for plan in (*self._outer, self):
            links = {key: link for key, link in links.items() if key not in plan.announced}
        return links

    def _announced_link(self, key: LinkKey) -> Link | None:
        for plan in self._outer:
            if key in plan.announced:
                return plan.announced[key]
        return self.announced.get(key)

    def _take(self, key: LinkKey) -> Link | None:
        """The link that this plan or an outer one has announced, and which is written now."""
        for plan in self._outer:
            link = plan.announced.pop(key, None)
            if link is not None:
                return link
        return self.announced.pop(key, None)


def _difference(old: list[Any], new: Any) -> History:
    """The history of a relationship to a single instance, made of the instances before and now."""
    return History(
        [] if any(new is each for each in old) else [new],
        [each for each in old if each is new],
        [each for each in old if each is not new],
    )


def _keys_of(instance: Any, relationship: Relationship) -> Callable[[Any, bool], LinkKey]:
    """A function that gives the keys of a collection's links, the same from either side.

    It takes the other instance, and whether the link is added.
    """
    other_side, own = counterpart(relationship), id(instance)
    if other_side is not None and is_reverse(relationship):
        return lambda other, is_added: (other_side, id(other), own, is_added)
    return lambda other, is_added: (relationship, own, id(other), is_added)


def _asked_link(instance: Any, relationship: Relationship, other: Any, is_added: bool) -> Link:
    """A link that one side's collection shows, from the side whose collection was changed.

    Changes are noted only while somebody listens. For a change from before that time, the forward
    side is taken.
    """
    other_side = counterpart(relationship)
    if other_side is None or _was_asked(instance, relationship, other):
        is_own = True
    elif _was_asked(other, other_side, instance):
        is_own = False
    else:
        is_own = not is_reverse(relationship)
    if is_own or other_side is None:
        return Link(instance, relationship, other, is_added, shows_on_its_side=True)
    return Link(other, other_side, instance, is_added, shows_on_its_side=False)


def _was_asked(instance: Any, relationship: Relationship, other: Any) -> bool:
    notes = asked(instance, relationship)
    return notes is not None and notes.concerns(other)


def _by_collection(links: dict[LinkKey, Link]) -> list[dict[LinkKey, Link]]:
    """Links by collection, in the order of the changes; removals before additions in each."""
    collections: dict[tuple[int, Relationship, bool], dict[LinkKey, Link]] = {}
    for key, link in links.items():
        collection = (id(link.instance), link.relationship, link.is_added)
        collections.setdefault(collection, {})[key] = link
    return sorted(collections.values(), key=_place)


def _place(links: dict[LinkKey, Link]) -> tuple[Any, ...]:
    link = next(iter(links.values()))
    notes = asked(link.instance, link.relationship)
    if notes is not None:
        return (0, notes.place, link.is_added)
    name, key = type(link.instance).__name__, link.relationship.key
    return (1, name, primary_key(state_of(link.instance)), key, link.is_added)
