"""All that is used of SQLAlchemy beyond what it documents: here and nowhere else.

To announce a row before it is written, one has to know what a flush will write. SQLAlchemy knows:
a flush first makes a plan (which instances are inserted, updated, deleted, by which cascade and
which lost parent), and then carries it out. Between the two is the one moment at which receivers
can be told the truth, and there is no public way to stand there. So :class:`Work` takes the place
of SQLAlchemy's own unit of work, for the flushes that somebody is told of, and does nothing but
stop at that moment. All that decides what is written stays SQLAlchemy's.

Each use says what would break if SQLAlchemy changed it; ``tests/db/test_db_compat.py`` holds its
assumed shape, so that a new version which changes one fails there first.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, cast

from sqlalchemy.exc import IllegalStateChangeError
from sqlalchemy.orm import (
    InstanceState,
    LoaderCallableStatus,
    PassiveFlag,
    RelationshipProperty,
    SessionTransaction,
)
from sqlalchemy.orm.attributes import instance_state
from sqlalchemy.orm.session import SessionTransactionState
from sqlalchemy.orm.state_changes import _StateChange, _StateChangeStates
from sqlalchemy.orm.unitofwork import UOWTransaction
from sqlalchemy.sql.elements import ClauseElement

if TYPE_CHECKING:
    from sqlalchemy.orm import Mapper, Session
    from sqlalchemy.orm.attributes import History

State = InstanceState[Any]
Relationship = RelationshipProperty[Any]

# What a relationship is known to hold without asking the database.
KNOWN = PassiveFlag.PASSIVE_NO_INITIALIZE


class Planner(Protocol):
    """Who is told of a flush at the two moments that count; see :class:`Work`."""

    def announce(self, work: "Work") -> None:
        """The plan is made, and nothing is written yet."""

    def note(self, work: "Work") -> None:
        """The plan has been carried out, and the instances still know what they were."""

    def insert(self, work: "Work", mapper: "Mapper[Any]", states: list[State]) -> bool:
        """Insert these rows, which come next, all of them or none; returns whether it was done."""


class Work(UOWTransaction):
    """SQLAlchemy's unit of work, which stops between its plan and the writing.

    It comes into being by :meth:`adopt`, from the one that a flush has just made.
    """

    # UOWTransaction gives `states`, for each instance whether it is deleted, and whether it is
    # only listed (nothing of it is written); `presort_actions`, which complete the plan;
    # `attributes`, where it remembers what relationships held; `transaction`, the flush's own.
    # Without them in this shape there would be no plan to read.
    planner: Planner
    only: frozenset[State] | None
    _warned: set[tuple[State, str | None, Any]]
    _is_planned_again: bool
    _is_carried_out: bool

    @classmethod
    def adopt(cls, context: UOWTransaction, planner: Planner, only: Collection[Any] | None) -> None:
        """Take over a flush that has not begun to plan.

        Arguments:
            context: what the listeners of ``before_flush`` get for it.
            planner: who is told.
            only: the instances that the flush is restricted to; None for all.
        """
        # The class of an object that SQLAlchemy made is changed, since it takes no factory for it.
        # It would stop working if UOWTransaction got slots.
        context.__class__ = cls
        work = cast("Work", context)
        work.planner = planner
        work.only = frozenset(map(state_of, only)) if only else None
        work._warned = set()
        work._is_planned_again = work._is_carried_out = False

    def execute(self) -> None:
        """Plan, have the plan announced, and carry it out: SQLAlchemy's flush calls it once."""
        # If Session._flush() did not call this, nothing would be announced, and tests would fail.
        self.__class__ = _Planning
        self._plan()
        self.planner.announce(self)
        super().execute()
        self.planner.note(self)

    def _plan(self) -> None:
        """Do what the first part of ``_generate_actions`` does, which finds nothing left to do."""
        is_complete = False
        while not is_complete:
            # Each has to take its turn, whatever the others find.
            found = [action.execute(self) for action in list(self.presort_actions.values())]
            is_complete = not any(found)

    def plan_again(self) -> None:
        """Make the plan anew, from what the session has pending now.

        What is put into the plan is what ``Session._flush`` puts into it.
        """
        session: Any = self.session
        fresh = UOWTransaction(session)
        fresh.transaction = self.transaction
        vars(self).update(vars(fresh))
        self._is_planned_again = True
        for state in [state for state in session._deleted if not contains(session, state)]:
            del session._deleted[state]
        deleted = set(session._deleted)
        changed = {*session._new, *session._dirty_states} - deleted
        if self.only is not None:
            deleted &= self.only
            changed &= self.only
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
        self._is_carried_out = True
        return actions

    def states_for_mapper_hierarchy(
        self, mapper: "Mapper[Any]", isdelete: bool, listonly: bool
    ) -> Any:
        """The instances to write next.

        Once the plan is being carried out, only the statements are made of them: whom the planner
        has inserted has to be kept back.
        """
        states = super().states_for_mapper_hierarchy(mapper, isdelete, listonly)  # type: ignore[no-untyped-call]  # SQLAlchemy's
        if isdelete or listonly or not self._is_carried_out:
            return states
        waiting = list(states)
        return [] if waiting and self.planner.insert(self, mapper, waiting) else waiting

    def written(self) -> Iterator[State]:
        """Who is inserted or updated according to the plan (an update may come to nothing)."""
        for state, (is_deleted, is_only_listed) in self.states.items():
            if not (is_deleted or is_only_listed):
                yield state

    def deleted(self) -> Iterator[State]:
        """Whose row is removed according to the plan, or taken over by a new instance."""
        for state, (is_deleted, _) in self.states.items():
            if is_deleted:
                yield state

    def is_deleting(self, state: State) -> bool:
        """Whether a row is to be removed."""
        return bool(self.states.get(state, (False, False))[0])

    def updated_afterwards(self) -> Iterator[State]:
        """Whose foreign keys were written in an update of their own, by ``post_update``."""
        for states, _ in self.post_update_states.values():
            for state in states:
                if state in self.states and not self.states[state][0]:
                    yield state

    def history(self, state: State, relationship: Relationship) -> "History":
        """How a relationship differs from what the database has, in terms of states.

        The plan has asked already, and remembers it: nothing is loaded here.
        """
        # Without a DependencyProcessor's `_passive_delete_flag` it would not be known whether a
        # flush loads the children of what is deleted.
        processor: Any = relationship._dependency_processor
        passive = processor._passive_delete_flag if self.is_deleting(state) else KNOWN
        known: Any = self.get_attribute_history
        history: History = known(state, relationship.key, passive)
        return history

    def was_cascaded(self, state: State, column: Any) -> bool:
        """Whether a key follows its parent's by the database's own doing (ON UPDATE CASCADE)."""
        remembered: dict[Any, Any] = self.attributes
        return ("pk_cascaded", state, column) in remembered

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Within it, the session can be used as if no flush were under way.

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


class _Planning(Work):
    """The same from the moment on that it plans, where instances may be refused."""

    def register_object(
        self,
        state: State,
        isdelete: bool = False,
        listonly: bool = False,
        cancel_delete: bool = False,
        operation: str | None = None,
        prop: Any = None,
    ) -> bool:
        """Put an instance into the plan; where that is refused, the first plan alone warns."""
        if not contains(self.session, state):
            refusal = (state, operation, prop)
            if self._is_planned_again and refusal in self._warned:
                return False
            self._warned.add(refusal)
        return super().register_object(state, isdelete, listonly, cancel_delete, operation, prop)


def state_of(instance: Any) -> State:
    """The state that SQLAlchemy keeps of an instance."""
    return instance_state(instance)


def memory_of(mapper: "Mapper[Any]") -> dict[Any, Any]:
    """What is remembered of a model, for as long as it lives and no longer."""
    # A class manager's `info` is a plain dictionary that goes with the class.
    memory: dict[Any, Any] = mapper.class_manager.info.setdefault("signalcli", {})
    return memory


def contains(session: "Session", state: State) -> bool:
    """Whether an instance is in a session (``instance in session``, without its instance)."""
    return bool(session._contains_state(state))


# What a session has pending. Session._new and Session._deleted are dictionaries in the order of
# adding and deleting; Session.new and Session.deleted copy them each time that they are asked.


def is_clean(session: "Session") -> bool:
    """Whether a flush would do nothing at all."""
    return bool(session._is_clean())


def pending(session: "Session") -> set[State]:
    """Everything that the next flush will look at."""
    if session._is_clean():
        return set()
    return {*session._new, *session._deleted, *session._dirty_states}


def marks(session: "Session") -> dict[State, Any]:
    """What is marked for deletion, in the order of marking; the session's own dictionary."""
    return session._deleted


class MarksAside:
    """Marks of deletion that are kept away from a flush within another, and put back after it.

    A receiver's own flush leaves to the outer flush what that is about to delete. The marks are
    taken out of the session's dictionary, and nothing else is done: no cascade runs, so that
    whoever was saved from deletion stays so, and whoever was expunged does, too. What was changed
    besides being marked is hidden as well, or the inner flush would update a row that is to go.

    Arguments:
        session: the session.
        marked: the marks that the outer flushes have planned for, each flush's in a dictionary.
    """

    def __init__(self, session: "Session", marked: list[dict[State, Any]]) -> None:
        self._session = session
        self._marked: dict[State, Any] = marked[0]
        for more in marked[1:]:
            self._marked = self._marked | more
        self._aside: dict[State, Any] = {}
        self._modified: list[State] = []

    def take(self) -> None:
        """Take the marks away, as many of them as there still are."""
        session, marked = self._session, self._marked
        here = session._deleted
        making_room = self._row_switches()
        if not making_room and len(here) == len(marked) and _last(here) is _last(marked):
            # All of them: a receiver that flushes for each of many deletions costs no more.
            self._aside, session._deleted = here, {}
        else:
            stay = making_room | (here.keys() - marked.keys())
            self._aside = {state: here[state] for state in here if state not in stay}
            session._deleted = {state: here[state] for state in here if state in stay}
        # `identity_map._modified` is what `Session.dirty` is made of.
        modified = session.identity_map._modified
        self._modified = [state for state in modified if state in self._aside]
        modified.difference_update(self._modified)

    def put_back(self) -> None:
        """Put the marks back, in front of those that came since."""
        session = self._session
        session._deleted = self._aside | session._deleted
        session.identity_map._modified.update(
            state for state in self._modified if state.modified and state.session is session
        )
        self._aside, self._modified = {}, []

    def drop(self) -> None:
        """Nothing is marked any more: the transaction was rolled back, or the session emptied."""
        self._aside, self._modified = {}, []

    def _row_switches(self) -> set[State]:
        """The marks of rows that a new instance takes over, which have to be written together."""
        session = self._session
        found = set()
        for state in session._new:
            identity = state.mapper._identity_key_from_state(state)
            old = session.identity_map.get(identity) if None not in identity[1] else None
            if old is not None:
                found.add(state_of(old))
        return found & session._deleted.keys()


def _last(marks: dict[State, Any]) -> State | None:
    return next(reversed(marks), None)


@contextmanager
def as_if_flushing(session: "Session") -> Iterator[None]:
    """Within it, ``_flushing`` says so, which SQLAlchemy's manual has routing sessions ask."""
    before = session._flushing
    session._flushing = True
    try:
        yield
    finally:
        session._flushing = before


def shard_chooser(session: "Session") -> Any:
    """What finds the connection for each instance, in a session whose rows are sharded."""
    return getattr(session, "connection_callable", None)


def place_of(state: State) -> int:
    """The place of a new instance in the order of adding, in which a flush inserts rows."""
    return state.insert_order or 0


def changed_values(state: State) -> Iterator[tuple[str, Any, Any]]:
    """The attributes that were set since the instance was loaded: name, value, value before.

    The comparison is the one by which a flush decides what it updates.
    """
    # `committed_state` holds the value before of each attribute that was set.
    values, manager = state.dict, state.manager
    for key, before in state.committed_state.items():
        if key in values:
            value = values[key]
            impl = manager[key].impl
            if not impl.collection and impl.is_equal(value, before) is not True:
                yield key, value, before


def value_before(state: State, key: str, missing: Any) -> Any:
    """What the database has of an attribute, as far as that is known."""
    committed = state.committed_state
    return committed[key] if key in committed else state.dict.get(key, missing)


def loaded_value(state: State, key: str) -> Any:
    """An attribute's value; of an expired instance, what its identity says or the database."""
    if key in state.dict or state.key is None:
        return state.dict.get(key)
    mapper = state.mapper
    for column, value in zip(mapper.primary_key, state.key[1], strict=True):
        if mapper.get_property_by_column(column).key == key:
            return value
    return state.manager[key].impl.get(state, state.dict, PassiveFlag.PASSIVE_OFF)


def is_equal(state: State, key: str, value: Any, other: Any) -> bool:
    """Whether two values of an attribute count as the same."""
    return state.manager[key].impl.is_equal(value, other) is True


def was_set(state: State, key: str) -> bool:
    """Whether an attribute, or what is in it, was changed since the instance was loaded."""
    return key in state.committed_state or key in state._pending_mutations


def was_replaced_unseen(state: State, key: str) -> bool:
    """Whether a related instance was replaced that had not been loaded."""
    before = state.committed_state.get(key)
    return before is LoaderCallableStatus.PASSIVE_NO_RESULT


def is_expression(value: Any) -> bool:
    """Whether the database is to work out a value."""
    return isinstance(value, ClauseElement) or hasattr(value, "__clause_element__")


def has_parent(relationship: Relationship, child: State) -> bool:
    """Whether a child is in anybody's relationship of this name, or is not known not to be."""
    manager = relationship.parent.class_manager
    return manager[relationship.key].impl.hasparent(child) is not False


# Transactions. A SessionTransaction refuses to be ended in the middle of its own commit, so the
# flush that precedes a commit is done ahead of it, where receivers may do as they like.


def _prepare_impl(transaction: SessionTransaction) -> None:
    transaction.session.dispatch.before_commit(transaction.session)


# Guarded as SQLAlchemy guards the method of this name, which stands in its error for a listener
# that ends the transaction: without the guard, one that commits would be called without end.
_tell_before_commit = _StateChange.declare_states(
    (SessionTransactionState.ACTIVE,), _StateChangeStates.NO_CHANGE
)(_prepare_impl)


class Transaction(SessionTransaction):
    """A transaction or savepoint of a session, which flushes before it begins to commit."""

    # SQLAlchemy makes them itself, so a new one gets its class when its session hears of it.
    # `commit` and `prepare` call `_prepare_impl`, which fires `before_commit` and then flushes.
    _has_told = False

    def commit(self, _to_root: bool = False) -> None:
        """Flush, then commit."""
        if self.is_active and self._is_due():
            self._flush_ahead()
            if not self.is_active:
                # A receiver has ended it, and another may have begun in its place.
                following = self.session.get_transaction()
                if following is not None and not self.nested:
                    following.commit()
                return
        self.carry_out(_to_root)

    def carry_out(self, to_root: bool) -> None:
        """Commit what was flushed; for who has something to do around it."""
        super().commit(to_root)

    def prepare(self) -> None:
        """Flush, then prepare for a commit in two phases."""
        if self.is_active and self._parent is None and self.session.twophase and self._is_due():
            self._flush_ahead()
        super().prepare()

    def _is_due(self) -> bool:
        session: Any = self.session
        return not (self._has_told or session._flushing) and session.is_heard()

    def _flush_ahead(self) -> None:
        """Do what ``_prepare_impl`` begins with: say so, end the savepoints within, flush."""
        _tell_before_commit(self)
        session = self.session
        while (inner := session._transaction) is not self and inner is not None:
            inner.commit()
        for _ in range(100):
            if not self.is_active or session._is_clean():
                break
            session.flush()
        self._has_told = True

    def _prepare_impl(self) -> None:
        if not self._has_told:
            super()._prepare_impl()
            return
        self._has_told = False
        # `dispatch` is looked up in the session's own attributes first.
        session: Any = self.session
        dispatch = session.dispatch
        vars(session)["dispatch"] = _Without(dispatch, "before_commit")
        try:
            super()._prepare_impl()
        finally:
            vars(session)["dispatch"] = dispatch


class _Without:
    """A session's events but for one."""

    def __init__(self, dispatch: Any, event: str) -> None:
        self._dispatch = dispatch
        setattr(self, event, _nothing)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dispatch, name)


def _nothing(*args: Any) -> None:
    """Stands for an event that was fired before."""


def roll_back(transaction: SessionTransaction) -> None:
    """Roll back a transaction; in the middle of its own commit, only as a failing flush does.

    Then the session refuses to go on until somebody rolls back, as it does after that.
    """
    try:
        transaction.rollback()
    except IllegalStateChangeError:
        # `_begin` makes a flush's own transaction, whose failure dooms the one around it.
        transaction._begin().rollback(_capture_exception=True)


def innermost(session: "Session") -> SessionTransaction | None:
    """The savepoint or transaction that a session is in."""
    return session.get_nested_transaction() or session.get_transaction()
