"""The rows that a flush inserts, updates and removes, as its plan foretells them."""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ForeignKeyConstraint, MetaData, Table
from sqlalchemy.exc import NoReferenceError
from sqlalchemy.orm import Mapper, Session
from sqlalchemy.orm.exc import UnmappedColumnError
from sqlalchemy.schema import sort_tables_and_constraints

from signalcli.db.columns import changed_columns, is_taken_for_cascaded, written_by
from signalcli.db.compat.states import (
    Relationship,
    State,
    changed_values,
    contains,
    has_parent,
    is_equal,
    is_new,
    known_value,
    marks,
    place_of,
    value_before,
    was_set,
)
from signalcli.db.compat.work import Work
from signalcli.db.relationships import in_djangos_order, origins_of, primary_key, relationships_of
from signalcli.dispatch.watching import Cause

# A value that is known only after the write.
_UNKNOWN = object()
_MISSING = object()


class Forecast:
    """The updates that a flush will make, according to its plan.

    SQLAlchemy sets foreign keys while it writes, which is too late for ``pre_save``. So they are
    foretold here. A row is updated if its own columns were changed, if it chose another parent, if
    a parent took it in or let go of it, and if its parent is deleted and it stays.

    Arguments:
        work: the flush.
    """

    def __init__(self, work: Work) -> None:
        self._work = work
        self._foreign_keys: dict[State, dict[str, list[Any]]] = {}
        self._taken_in: dict[Relationship, set[State]] = {}
        leaving = []
        for state, (is_deleted, is_only_listed) in work.states.items():
            relationships = relationships_of(state.mapper)
            if is_only_listed or not relationships:
                continue
            if is_deleted:
                leaving.append(state)
                continue
            for relationship in relationships.to_children:
                self._follow_children(state, relationship)
            if state.key is not None:
                for relationship in relationships.to_parents:
                    if was_set(state, relationship.key):
                        self._follow_parent(state, relationship)
        for state in leaving:
            for relationship in relationships_of(state.mapper).to_children:
                self._leave_children(state, relationship)

    def updates(self) -> Iterator[tuple[State, frozenset[str], frozenset[str]]]:
        """The instances whose rows will be updated.

        Each comes with the columns that were set on it, and those that a relationship changes.
        """
        for state in self._work.written():
            if state.key is not None:
                own, foreign_keys = written_by(state.mapper), self._foreign_keys.get(state, {})
                columns = frozenset(
                    key
                    for key, _, before in changed_values(state, own)
                    if key not in foreign_keys
                    and not is_taken_for_cascaded(own[key], before, None, state)
                )
                moved = frozenset(
                    key for key, values in foreign_keys.items() if _changes(state, key, values)
                )
                if columns or moved:
                    yield state, columns, moved

    def _follow_children(self, parent: State, relationship: Relationship) -> None:
        """A parent that is written gives its key to the children that come to it."""
        history = self._work.history(parent, relationship)
        if not history:
            return
        for child in history.added:
            self._taken_in.setdefault(relationship, set()).add(child)
            self._give(parent, child, relationship)
        if not (relationship.cascade.delete_orphan or relationship.passive_deletes == "all"):
            self._clear(
                (each for each in history.deleted if each and not has_parent(relationship, each)),
                relationship,
            )
        if history.unchanged and not relationship.passive_updates:
            changed = {key for key, _, _ in changed_values(parent, written_by(parent.mapper))}
            if any(key in changed for key, _ in _keys(parent, None, relationship)):
                for child in history.unchanged:
                    self._give(parent, child, relationship)

    def _leave_children(self, parent: State, relationship: Relationship) -> None:
        """A parent that is deleted leaves behind the children that do not go with it."""
        if relationship.passive_deletes == "all" and not relationship.post_update:
            return
        history = self._work.history(parent, relationship)
        if not history:
            return
        left = [each for each in history.deleted if each and not has_parent(relationship, each)]
        if relationship.post_update or not relationship.cascade.delete:
            taken_in = self._taken_in.get(relationship, ())
            left += [each for each in history.unchanged if each and each not in taken_in]
        self._clear(left, relationship)

    def _follow_parent(self, child: State, relationship: Relationship) -> None:
        """A child that chooses another parent, or none, takes over that one's key."""
        history = self._work.history(child, relationship)
        if not history:
            return
        if history.added:
            parent = history.added[0]
            if parent is None:
                self._clear([child], relationship)
            elif contains(self._work.session, parent):
                self._give(parent, child, relationship)
        elif history.deleted:
            self._clear([child], relationship)

    def _give(self, parent: State, child: State | None, relationship: Relationship) -> None:
        if child is not None and child.key is not None:
            for source, target in _keys(parent, child, relationship):
                value = known_value(parent, source, _UNKNOWN)
                # A flush of some objects may leave a new parent out, and then its key, too.
                is_inserted = parent.key is None and parent in self._work.states
                self._note(child, target, _UNKNOWN if value is None and is_inserted else value)

    def _clear(self, children: Iterable[State], relationship: Relationship) -> None:
        for child in children:
            if child.key is not None:
                for _, target in _keys(None, child, relationship):
                    self._note(child, target, None)

    def _note(self, child: State, key: str, value: Any) -> None:
        if not self._work.is_deleting(child):
            self._foreign_keys.setdefault(child, {}).setdefault(key, []).append(value)


def _changes(state: State, key: str, values: list[Any]) -> bool:
    """Whether one of some new values differs from the value that an attribute has."""
    before = value_before(state, key, _MISSING)
    return before is _MISSING or any(
        value is _UNKNOWN or not is_equal(state, key, value, before) for value in values
    )


def _keys(
    parent: State | None, child: State | None, relationship: Relationship
) -> Iterator[tuple[str, str]]:
    """The attributes of a parent's key, each with the child's attribute that refers to it."""
    for source, target in relationship.synchronize_pairs:
        try:
            yield (
                parent.mapper.get_property_by_column(source).key if parent else "",
                child.mapper.get_property_by_column(target).key if child else "",
            )
        except UnmappedColumnError:
            # The flush itself will raise, with a message of its own.
            continue


@dataclass(slots=True, eq=False)
class Change:
    """A row to be written or removed.

    Before the write, the session keeps the instance alive. After it, nobody else might, so this
    does until the change was reported.

    Attributes:
        state: SQLAlchemy's state of the instance whose row it is.
        cause: the response that is behind the change, or None.
        using: the database that the row is in, as a URL without its password.
        written: whether the change is in the database.
    """

    state: State
    cause: Cause | None = field(default=None, kw_only=True)
    using: str = field(default="", kw_only=True)
    written: bool = field(default=False, init=False)
    _kept: Any = field(default=None, init=False)

    @property
    def instance(self) -> Any:
        """The instance whose row it is."""
        return self.state.obj() if self._kept is None else self._kept

    def note_written(self) -> None:
        """Note that the change is in the database."""
        self._kept = self.state.obj()
        self.written = True

    @property
    def sender(self) -> type[Any]:
        """The model class."""
        return self.state.class_

    @property
    def model(self) -> type[Any]:
        """The model class, as :class:`signalcli.db.links.LinkChange` has it."""
        return self.sender

    def is_due(self, session: Session, planned: Container[State], kept: Container[State]) -> bool:
        """Whether a change that the plan shows is still to be made, after receivers have run.

        Arguments:
            session: the session that flushes.
            planned: the instances that were marked for deletion when the plan was made, and go.
            kept: those that were marked, and stay, since a collection has taken them in.
        """
        raise NotImplementedError

    def arguments(self, session: Session) -> dict[str, Any]:
        """The arguments of the signals of this change, besides the sender."""
        raise NotImplementedError


@dataclass(slots=True, eq=False)
class Save(Change):
    """A row to be inserted or updated.

    Attributes:
        created: whether it is inserted.
        update_fields: the columns to be updated, by attribute name; None for an insert.
        moved: those of them that change because of a relationship.
    """

    created: bool
    update_fields: frozenset[str] | None = None
    moved: frozenset[str] = frozenset()

    def is_due(self, session: Session, planned: Container[State], kept: Container[State]) -> bool:
        """Whether the row is still to be written; sets ``update_fields`` as they are now."""
        state = self.state
        if not contains(session, state):
            return False
        if self.created:
            return state.key is None
        if state in marks(session) and state not in kept:
            return False
        self.update_fields = changed_columns(self.instance) | self.moved
        return bool(self.update_fields)

    def arguments(self, session: Session) -> dict[str, Any]:
        """The arguments of ``pre_save``; ``post_save`` has ``created``, too."""
        return {
            "instance": self.instance,
            "raw": False,
            "using": self.using,
            "update_fields": self.update_fields,
            "session": session,
        }


@dataclass(slots=True, eq=False)
class Delete(Change):
    """A row to be removed.

    Attributes:
        origin: the instance that was deleted and brought this deletion about.
    """

    origin: Any

    def is_due(self, session: Session, planned: Container[State], kept: Container[State]) -> bool:
        """Whether the row is still to be removed."""
        # An orphan has no mark that could be gone; the next plan shows whether it is still one.
        has_mark = self.state in marks(session) or self.state not in planned
        return has_mark and contains(session, self.state)

    def arguments(self, session: Session) -> dict[str, Any]:
        """The arguments of ``pre_delete`` and ``post_delete``."""
        return {
            "instance": self.instance,
            "using": self.using,
            "origin": self.origin,
            "session": session,
        }


def saves_of(work: Work) -> list[Save]:
    """The rows that a flush will insert or update, in the order of :func:`saving_order`."""
    saves = {state: Save(state, True) for state in work.written() if is_new(work.session, state)}
    for state, columns, moved in Forecast(work).updates():
        saves[state] = Save(state, False, columns | moved, moved)
    return [saves[state] for state in saving_order(work, saves)]


def saving_order(work: Work, written: Iterable[State]) -> list[State]:
    """Instances in the order in which they are announced and reported: parents' tables first.

    Of a table, rows to be updated come first, by their keys; then the new ones as they were added.
    """
    session, states = work.session, list(written)
    if len(states) < 2:
        return states
    states.sort(
        key=lambda state: (
            (1, place_of(state))
            if is_new(session, state)
            else (0, primary_key(state), state.class_.__qualname__)
        ),
    )
    mappers = {state.mapper.base_mapper for state in states}
    if len(mappers) < 2:
        return states
    places = {mapper: _place_of_tables(mapper) for mapper in mappers}
    return sorted(states, key=lambda state: places[state.mapper.base_mapper])


def deletes_of(work: Work, origins: dict[State, Any]) -> list[Delete]:
    """The rows that a flush will remove, in the order in which Django announces them.

    Arguments:
        work: the flush.
        origins: for each instance that was marked for deletion, the one that ``session.delete()``
            was called with.
    """
    found = origins_of(work, origins)
    return [Delete(state, origin) for state, origin in in_djangos_order(found).items()]


def models_of(states: Iterable[State]) -> set[type[Any]]:
    """The classes of instances."""
    return {state.class_ for state in states}


def _place_of_tables(mapper: Mapper[Any]) -> int:
    """The place of a model in the order of writing; models that others refer to come first."""
    tables = [each for each in mapper.tables if isinstance(each, Table)]
    return max((_table_order(table.metadata).get(table.key, 0) for table in tables), default=0)


def _table_order(metadata: MetaData) -> dict[str, int]:
    """The place of each table by its key; tables that others refer to come first.

    All tables are ordered at once, so that two models keep their order whichever others are in
    the flush.
    """
    # The order is kept with the metadata, and made again when that has got more tables.
    number, order = metadata.info.get("signalcli table order", (0, {}))
    if number != len(metadata.tables):
        named = sorted(metadata.tables.values(), key=lambda table: table.fullname)
        in_order = sort_tables_and_constraints(named, filter_fn=_leads_nowhere)  # type: ignore[no-untyped-call]  # SQLAlchemy's
        order = {table.key: place for place, (table, _) in enumerate(in_order) if table is not None}
        metadata.info["signalcli table order"] = len(metadata.tables), order
    found: dict[str, int] = order
    return found


def _leads_nowhere(constraint: ForeignKeyConstraint) -> bool | None:
    """Whether a foreign key refers to a table that is not known; then it is left out."""
    try:
        constraint.referred_table  # noqa: B018  # finding it raises
    except NoReferenceError:
        return True
    return None


def reporting_order(deletes: list[Delete]) -> list[Delete]:
    """The order of ``post_delete``: model by model as announced, each model's rows backwards."""
    by_model: dict[type[Any], list[Delete]] = {}
    for change in deletes:
        by_model.setdefault(change.sender, []).append(change)
    return [change for changes in by_model.values() for change in reversed(changes)]
