"""What a session is about to write, worked out from its public state."""

from collections.abc import Collection, Container, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from typing import Any

from sqlalchemy import Table, inspect
from sqlalchemy.orm import Session
from sqlalchemy.schema import sort_tables_and_constraints

from signalcli.db.columns import changed_columns, moved_children
from signalcli.db.dependants import in_djangos_order, orphans_among, primary_key, with_dependants
from signalcli.db.relationships import Histories, relationships_of
from signalcli.dispatch.watching import Cause


@dataclass(slots=True, eq=False)
class Change:
    """A row to be written or removed.

    Attributes:
        instance: the instance whose row it is.
        cause: what was noted to be behind it, or None.
        written: whether the database has it.
    """

    instance: Any
    cause: Cause | None = field(default=None, kw_only=True)
    written: bool = field(default=False, init=False)

    @property
    def sender(self) -> type[Any]:
        """The model class."""
        return type(self.instance)

    @property
    def model(self) -> type[Any]:
        """The model that says which database it is written to."""
        return self.sender


@dataclass(slots=True, eq=False)
class Save(Change):
    """A row to be inserted or updated.

    Attributes:
        created: whether it is inserted.
        moved: the foreign keys that change because of another instance's relationship.
        update_fields: the columns to be updated, by attribute name; None for an insert.
    """

    created: bool
    moved: frozenset[str] = frozenset()
    update_fields: frozenset[str] | None = None

    def move(self, foreign_keys: frozenset[str]) -> None:
        """Count in foreign keys that change because of another instance's relationship."""
        self.moved |= foreign_keys
        self.update_fields = (self.update_fields or frozenset()) | foreign_keys

    def is_still_due(self, session: Session, deleted: Container[Any]) -> bool:
        """Whether it is to be written as things stand now, with ``update_fields`` refreshed.

        Arguments:
            session: the session.
            deleted: what is marked for deletion in it.
        """
        state = inspect(self.instance)
        if self.instance not in session:
            return False
        if self.created:
            return bool(state.pending)
        if self.instance in deleted:
            return False
        self.update_fields = changed_columns(self.instance) | self.moved
        return bool(self.update_fields)


@dataclass(slots=True, eq=False)
class Delete(Change):
    """A row to be removed.

    Attributes:
        origin: the instance whose deletion brought this one about.
        asked_of: the instances through one of which it was asked for.
    """

    origin: Any
    asked_of: tuple[Any, ...] = ()


class Pending:
    """What the next flush of a session will write, as things stand when it is made.

    Arguments:
        session: the session.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._new = session.new
        self._dirty = session.dirty
        self._deleted = session.deleted
        self.histories = Histories()
        states = map(inspect, (*self._dirty, *self._new))
        self._parents = [
            state for state in states if relationships_of(state.mapper).concern_children
        ]

    @property
    def models(self) -> set[type[Any]] | None:
        """The models of what will be written; None where children or deletions may add to them."""
        if self._deleted or self._parents:
            return None
        return models_of(self._new, self._dirty)

    def deletes(self, origins: Collection[Any]) -> list[Delete]:
        """The rows that will be removed, in the order in which Django announces them.

        Besides what was deleted itself, these are the orphans of relationships that say
        ``delete-orphan``, with their dependants.

        Arguments:
            origins: the instances that ``session.delete()`` was called with.
        """
        deleted = self._deleted
        found: dict[int, Delete] = {}
        heads: list[tuple[Any, ...]] = [(origin,) for origin in origins if origin in deleted]
        heads.extend(orphans_among(self._parents, deleted, self.histories))
        for asked_of in heads:
            for instance in with_dependants(asked_of[0]):
                if inspect(instance).persistent:
                    found.setdefault(id(instance), Delete(instance, asked_of[0], asked_of))
        for instance in deleted:
            found.setdefault(id(instance), Delete(instance, instance, (instance,)))
        if not found:
            return []
        by_instance = in_djangos_order([change.instance for change in found.values()])
        return [found[id(instance)] for instance in by_instance]

    def saves(self, deletes: Collection[Delete]) -> list[Save]:
        """The rows that will be inserted or updated, parents' tables first.

        Besides what was added or changed itself, these are the children whose foreign key changes
        because a parent's relationship does, or because the parent goes.

        Arguments:
            deletes: what the same flush will remove.
        """
        going = {id(change.instance) for change in deletes}
        updates: dict[int, Save] = {}
        for instance in self._dirty:
            if id(instance) not in going:
                columns = changed_columns(instance)
                if columns:
                    updates[id(instance)] = Save(instance, False, update_fields=columns)
        for parent in (*self._parents, *(inspect(change.instance) for change in deletes)):
            is_going = id(parent.object) in going
            for child, foreign_keys in moved_children(parent, is_going, self.histories):
                if id(child) not in going and child in self._session and inspect(child).persistent:
                    save = updates.get(id(child))
                    if save is None:
                        save = updates[id(child)] = Save(
                            child, False, update_fields=changed_columns(child)
                        )
                    save.move(foreign_keys)
        saves = sorted(updates.values(), key=lambda save: primary_key(save.instance))
        saves += [Save(instance, True) for instance in self._new if id(instance) not in going]
        return _parents_first(saves)


def models_of(*instances: Iterable[Any]) -> set[type[Any]]:
    """The classes of instances."""
    return set(map(type, chain(*instances)))


def _parents_first(saves: list[Save]) -> list[Save]:
    places = places_by_table({save.sender for save in saves})
    return sorted(saves, key=lambda save: places[save.sender]) if len(places) > 1 else saves


def places_by_table(models: Collection[type[Any]]) -> dict[type[Any], int]:
    """The place of each model in the order of writing: those that others refer to come first."""
    tables = {model: _table_of(model) for model in models}
    if len(tables) < 2:
        return dict.fromkeys(models, 0)
    order = _table_order(frozenset(tables.values()))
    return {model: order[table] for model, table in tables.items()}


def _table_of(model: type[Any]) -> Table:
    table: Table = inspect(model).base_mapper.local_table
    return table


@lru_cache(maxsize=256)
def _table_order(tables: frozenset[Table]) -> dict[Table, int]:
    """Each table's place, those that others refer to first."""
    named = sorted(tables, key=lambda table: table.fullname)
    in_order = sort_tables_and_constraints(named)  # type: ignore[no-untyped-call]  # SQLAlchemy's
    return {table: place for place, (table, _) in enumerate(in_order) if table is not None}
