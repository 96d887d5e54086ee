"""The moment between the plan of a flush and its writing, for which there is no public way.

To announce a row before it is written, one has to know which rows a flush will write. SQLAlchemy
knows: a flush first makes a plan (which instances are inserted, updated or deleted, by which
cascade or lost parent) and then carries the plan out. Only between the two can receivers be told
the truth. So :class:`Work` takes the place of SQLAlchemy's unit of work in flushes that somebody
hears of, and stops at that moment. SQLAlchemy still decides alone which rows are written.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, cast

from sqlalchemy.orm.unitofwork import UOWTransaction

from signalcli.db.compat.states import (
    KNOWN,
    Relationship,
    State,
    contains,
    state_of,
    was_replaced_unseen,
    was_set,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine
    from sqlalchemy.orm import Mapper, Session
    from sqlalchemy.orm.attributes import History


class Planner(Protocol):
    """The one that :class:`Work` tells of a flush; :class:`signalcli.db.flush.Flush` is one."""

    @property
    def writes(self) -> int:
        """A number that changes with every flush of the session that has written."""

    @property
    def insert(self) -> "Callable[[Mapper[Any], list[State]], bool] | None":
        """Inserts the rows that come next, all of them or none; returns whether it was done."""

    def leaves_alone(self, state: State) -> bool:
        """Whether an outer flush is about to delete an instance."""

    def announce(self, work: "Work") -> None:
        """The plan is made, and nothing is written yet."""

    def note(self, work: "Work") -> None:
        """The plan has been carried out, and the instances still have their old values."""


class Work(UOWTransaction):
    """SQLAlchemy's unit of work, which stops between its plan and the writing.

    It is made by :meth:`adopt` out of the one that a flush has just made.
    """

    # UOWTransaction gives `states`, for each instance whether it is deleted, and whether it is
    # only listed (nothing of it is written); `presort_actions`, which complete the plan;
    # `attributes`, where it remembers what relationships held; `transaction`, the flush's own.
    # Without them in this shape there would be no plan to read.
    planner: Planner
    only: Collection[Any] | None
    _writes: int
    _warned: set[tuple[State, str | None, Any]]
    _is_planned_again: bool
    _insert: "Callable[[Mapper[Any], list[State]], bool] | None"

    @classmethod
    def adopt(cls, context: UOWTransaction, planner: Planner, only: Collection[Any] | None) -> None:
        """Take over a flush that has not begun to plan.

        Arguments:
            context: the flush, as the listeners of ``before_flush`` get it.
            planner: the one to tell of it.
            only: the instances that the flush is restricted to; None for all.
        """
        # SQLAlchemy makes the object and takes no factory for it, so the object gets another class
        # afterwards. That would fail if UOWTransaction had slots.
        context.__class__ = cls
        work = cast("Work", context)
        work.planner = planner
        work.only = only or None
        work._warned = set()
        work._writes = planner.writes
        work._is_planned_again, work._insert = False, None

    def execute(self) -> None:
        """Plan, have the plan announced, and carry it out: SQLAlchemy's flush calls it once."""
        # If Session._flush() did not call this, nothing would be announced, and tests would fail.
        self.__class__ = _Planning
        self._plan()
        self.planner.announce(self)
        self.presort_actions = {}  # They are done, and SQLAlchemy would do all of them again.
        super().execute()
        self.planner.note(self)

    def _plan(self) -> None:
        """Complete the plan, as the first part of ``_generate_actions`` would do later."""
        is_complete = False
        while not is_complete:
            # A list: each action has to be executed, also after one has found something.
            found = [action.execute(self) for action in list(self.presort_actions.values())]
            is_complete = not any(found)

    def plan_again(self) -> None:
        """Make the plan again, from the changes that the session has pending now.

        The plan is filled as ``Session._flush`` fills it.
        """
        session: Any = self.session
        fresh = UOWTransaction(session)
        fresh.transaction = self.transaction
        fresh.attributes.update(self._what_was_loaded())
        vars(self).update(vars(fresh))
        self._is_planned_again = True
        for state in [state for state in session._deleted if not contains(session, state)]:
            del session._deleted[state]
        deleted = set(session._deleted)
        changed = {*session._new, *session._dirty_states} - deleted
        if self.only is not None:
            only = set(map(state_of, self.only))
            deleted &= only
            changed &= only
        for state in changed:
            is_orphan = state.mapper._is_orphan(state)
            if is_orphan and state.key is None and state._orphaned_outside_of_session:
                session._expunge_states([state])
            else:
                self.register_object(state, isdelete=is_orphan and state.key is not None)
        for state in deleted:
            self.register_object(state, isdelete=True)
        self._plan()

    def _generate_actions(self) -> Any:
        actions = super()._generate_actions()  # type: ignore[no-untyped-call]  # SQLAlchemy's
        self._insert = self.planner.insert
        return actions

    def states_for_mapper_hierarchy(
        self, mapper: "Mapper[Any]", isdelete: bool, listonly: bool
    ) -> Any:
        """The instances to write next.

        While the plan is carried out, SQLAlchemy asks this for the rows of each INSERT. If the
        planner has inserted the rows itself, none are left.
        """
        states = super().states_for_mapper_hierarchy(mapper, isdelete, listonly)  # type: ignore[no-untyped-call]  # SQLAlchemy's
        if isdelete or listonly or self._insert is None:
            return states
        waiting = list(states)
        return [] if waiting and self._insert(mapper, waiting) else waiting

    def written(self) -> Iterator[State]:
        """The instances to insert or update; an update without a changed column is not sent."""
        for state, (is_deleted, is_only_listed) in self.states.items():
            if not (is_deleted or is_only_listed):
                yield state

    def deleted(self) -> Iterator[State]:
        """The instances whose row is to be deleted, or taken over by a new instance."""
        for state, (is_deleted, _) in self.states.items():
            if is_deleted:
                yield state

    def is_deleting(self, state: State) -> bool:
        """Whether a row is to be removed."""
        return bool(self.states.get(state, (False, False))[0])

    def updated_afterwards(self) -> Iterator[State]:
        """The instances whose foreign keys were written by a further UPDATE (``post_update``)."""
        for states, _ in self.post_update_states.values():
            for state in states:
                if state in self.states and not self.states[state][0]:
                    yield state

    def history(self, state: State, relationship: Relationship) -> "History":
        """How a relationship differs from the database, as states.

        The plan has asked for it before and remembers the answer, so nothing is loaded.
        """
        # A DependencyProcessor's `_passive_delete_flag` says whether the flush loads the children
        # of a deleted instance. The plan has asked with that flag, and remembers by it.
        processor: Any = relationship._dependency_processor
        passive = processor._passive_delete_flag if self.is_deleting(state) else KNOWN
        known: Any = self.get_attribute_history
        history: History = known(state, relationship.key, passive)
        return history

    def was_cascaded(self, state: State, column: Any) -> bool:
        """Whether the database itself updates a key to follow its parent's (ON UPDATE CASCADE)."""
        remembered: dict[Any, Any] = self.attributes
        return ("pk_cascaded", state, column) in remembered

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Let the session be used in the block as if no flush were under way.

        The flush's own transaction is put away and back. If the transaction around it has ended
        meanwhile, the flush goes on in the next one.
        """
        # `_flushing` says that no flush may begin, `_warn_on_events` that changes come too late,
        # `_transaction` is the innermost. `_parent`, `_take_snapshot` tie a transaction to the one
        # around it. If one of these went, receivers could not use the session before a write.
        session: Any = self.session
        own: Any = self.transaction
        session._transaction = own._parent
        session._flushing = session._warn_on_events = False
        try:
            yield
        finally:
            own._parent = session._transaction or session._autobegin_t(begin=True)
            own._take_snapshot()
            if not own._parent.is_active:
                own._state = own._parent._state
            session._transaction = own
            session._flushing = session._warn_on_events = True

    def _what_was_loaded(self) -> dict[Any, Any]:
        """The histories that the first plan has loaded, as far as they are still true.

        Otherwise the second plan would send SELECTs that a plain session does not send. Kept are
        those of attributes that nobody has changed since, and those of references that were
        replaced before they were loaded, if the new instance is still the same.
        """
        writes = self.planner.writes
        if writes != self._writes:
            self._writes = writes
            return {}
        kept = {}
        remembered: dict[Any, Any] = self.attributes
        for key, value in remembered.items():
            if key[0] != "history":
                continue
            _, state, name = key
            history = value[0]
            if was_replaced_unseen(state, name):
                now = (*history.added, *history.unchanged)
                if len(now) == 1 and now[0] is state.dict.get(name, now):
                    kept[key] = value
            elif not (was_set(state, name) or history.added or history.deleted):
                kept[key] = value
        return kept


class _Planning(Work):
    """The unit of work once it plans, when an instance may be refused, or left alone."""

    def register_object(
        self,
        state: State,
        isdelete: bool = False,
        listonly: bool = False,
        cancel_delete: bool = False,
        operation: str | None = None,
        prop: Any = None,
    ) -> bool:
        """Put an instance into the plan, which SQLAlchemy may refuse with a warning.

        A second plan that refuses the same instance does not warn again.
        """
        if not contains(self.session, state):
            refusal = (state, operation, prop)
            if self._is_planned_again and refusal in self._warned:
                return False
            self._warned.add(refusal)
        if self.planner.leaves_alone(state):
            # A parent that has let go of it would clear its foreign key, which may not be null.
            return super().register_object(state, False, True, False, operation, prop)
        return super().register_object(state, isdelete, listonly, cancel_delete, operation, prop)


@contextmanager
def as_if_flushing(session: "Session") -> Iterator[None]:
    """Have ``_flushing`` set in the block.

    A session that routes reads and writes to different databases asks for it, as SQLAlchemy's
    manual shows, in its ``get_bind()``.
    """
    before = session._flushing
    session._flushing = True
    try:
        yield
    finally:
        session._flushing = before


def is_sharded(session: "Session") -> bool:
    """Whether each instance chooses its database, as with ``sqlalchemy.ext.horizontal_shard``."""
    return getattr(session, "connection_callable", None) is not None


def shard_of(session: "Session", mapper: "Mapper[Any]", instance: Any) -> "Engine | Connection":
    """The database that an instance of a sharded session is written to.

    It is chosen once, and kept with the instance, as the write would do.
    """
    # `get_bind` alone would choose in another way, and not keep the choice.
    choose = getattr(session, "_choose_shard_and_assign", None)
    if choose is None:
        chosen: Any = session
        connection: Connection = chosen.connection_callable(mapper, instance)
        return connection
    return session.get_bind(mapper, shard_id=choose(mapper, instance))
