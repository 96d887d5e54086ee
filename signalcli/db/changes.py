"""The rows that a flush inserts, updates and removes, in the order in which they are announced."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ForeignKeyConstraint, MetaData, Table
from sqlalchemy.exc import NoReferenceError
from sqlalchemy.orm import Mapper
from sqlalchemy.schema import sort_tables_and_constraints

from signalcli.db.columns import Forecast
from signalcli.db.compat.states import State, is_new, place_of
from signalcli.db.compat.work import Work
from signalcli.db.dependants import in_djangos_order, origins_of, primary_key
from signalcli.dispatch.watching import Cause


@dataclass(slots=True, eq=False)
class Change:
    """A row to be written or removed.

    Until it is written, the session keeps the instance; then this does, until that is reported.

    Attributes:
        state: what SQLAlchemy keeps of the instance whose row it is.
        cause: what was noted to be behind it, or None.
        using: the database that the row is in, as a URL without its password.
        written: whether the database has it.
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
        """The database has it."""
        self._kept = self.state.obj()
        self.written = True

    @property
    def sender(self) -> type[Any]:
        """The model class."""
        return self.state.class_

    @property
    def model(self) -> type[Any]:
        """The same: who the row is of."""
        return self.sender


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


@dataclass(slots=True, eq=False)
class Delete(Change):
    """A row to be removed.

    Attributes:
        origin: the instance whose deletion brought this one about.
    """

    origin: Any


def saves_of(work: Work) -> list[Save]:
    """The rows that a flush will insert or update, in the order of :func:`in_order`."""
    saves = {state: Save(state, True) for state in work.written() if is_new(work.session, state)}
    for state, columns, moved in Forecast(work).updates():
        saves[state] = Save(state, False, columns | moved, moved)
    return [saves[state] for state in in_order(work, saves)]


def in_order(work: Work, written: Iterable[State]) -> list[State]:
    """Instances in the order in which they are announced and reported: parents' tables first.

    Of a table, rows to be updated come first, by their keys; then the new ones as they were added.
    """
    session = work.session
    states = sorted(
        written,
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
    """The place of a model in the order of writing: those that others refer to come first."""
    tables = [each for each in mapper.tables if isinstance(each, Table)]
    return max((_table_order(table.metadata).get(table.key, 0) for table in tables), default=0)


def _table_order(metadata: MetaData) -> dict[str, int]:
    """Each table's place by its key, those that others refer to first.

    It is an order of all tables, so that two models keep theirs whoever else is in the flush.
    """
    # Kept with the metadata, which may get more tables.
    number, order = metadata.info.get("signalcli table order", (0, {}))
    if number != len(metadata.tables):
        named = sorted(metadata.tables.values(), key=lambda table: table.fullname)
        in_order = sort_tables_and_constraints(named, filter_fn=_leads_nowhere)  # type: ignore[no-untyped-call]  # SQLAlchemy's
        order = {table.key: place for place, (table, _) in enumerate(in_order) if table is not None}
        metadata.info["signalcli table order"] = len(metadata.tables), order
    found: dict[str, int] = order
    return found


def _leads_nowhere(constraint: ForeignKeyConstraint) -> bool | None:
    """Whether a foreign key's table is not known, which does not matter to who is not mapped."""
    try:
        constraint.referred_table  # noqa: B018  # finding it raises
    except NoReferenceError:
        return True
    return None
