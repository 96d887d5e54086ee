"""The pending changes of a session, and what SQLAlchemy knows of an instance."""

from collections.abc import Container, Iterable, Iterator
from operator import is_
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import (
    InstanceState,
    LoaderCallableStatus,
    PassiveFlag,
    RelationshipDirection,
    RelationshipProperty,
)
from sqlalchemy.orm.attributes import instance_state
from sqlalchemy.sql.elements import ClauseElement

if TYPE_CHECKING:
    from sqlalchemy.orm import Mapper, Session

State = InstanceState[Any]
Relationship = RelationshipProperty[Any]

# Tells SQLAlchemy to answer for a relationship without asking the database.
KNOWN = PassiveFlag.PASSIVE_NO_INITIALIZE


def state_of(instance: Any) -> State:
    """The state that SQLAlchemy keeps of an instance."""
    return instance_state(instance)


def state_or_none(value: Any) -> State | None:
    """The state of an instance; None of a value that is not an instance of a mapped class."""
    state = getattr(value, "_sa_instance_state", None)
    return state if isinstance(state, InstanceState) else None


def values_before(state: State) -> dict[str, Any]:
    """The old value of each attribute that was set, for code that sets attributes itself."""
    return state.committed_state


def memory_of(mapper: "Mapper[Any]") -> dict[Any, Any]:
    """A dictionary for facts that are found once for each model; it goes when the model does."""
    # A class manager has a plain dictionary `info` for such use, which lives as long as the class.
    memory: dict[Any, Any] = mapper.class_manager.info.setdefault("signalcli", {})
    return memory


def contains(session: "Session", state: State) -> bool:
    """Whether an instance is in a session (``instance in session``, without its instance)."""
    return bool(session._contains_state(state))


def those_in(session: "Session", instances: Iterable[Any]) -> list[Any]:
    """Those of some instances that are in a session; None is in no session."""
    # As `contains`, for the many members of a collection.
    new = session._new
    known: dict[Any, State] = session.identity_map._dict
    return [
        instance
        for instance in instances
        if instance is not None
        and ((state := instance_state(instance)) in new or known.get(state.key) is state)
    ]


def add_alone(session: "Session", instance: Any) -> bool:
    """Add an instance that refers to no other as ``Session.add`` does; return whether it was done.

    ``Session.add`` looks through all relationships for others to add, which takes longer than the
    rest of it.
    """
    state = getattr(instance, "_sa_instance_state", None)
    if state is None or state.key is not None or session._warn_on_events:
        return False
    values, before = state.dict, state.committed_state
    if state._pending_mutations:
        return False
    for relationship in state.mapper.relationships:
        if relationship.key in values or relationship.key in before:
            return False
    state._orphaned_outside_of_session = False
    session._save_or_update_impl(state)
    return True


# Session._new and Session._deleted are dictionaries in the order of adding and deleting. They are
# read here since Session.new and Session.deleted copy them each time that they are asked.


def is_clean(session: "Session") -> bool:
    """Whether a flush would do nothing at all."""
    return bool(session._is_clean())


def is_flushing(session: "Session") -> bool:
    """Whether SQLAlchemy's flush is under way (``_flushing``), so that no other may begin."""
    return bool(session._flushing)


def pending(session: "Session") -> set[State]:
    """Everything that the next flush will look at."""
    if session._is_clean():
        return set()
    return {*session._new, *session._deleted, *session._dirty_states}


def changed_states(session: "Session") -> list[State]:
    """The states of the instances that were changed, added and marked for deletion."""
    marked = session._deleted
    changed = [state for state in session._dirty_states if state not in marked]
    return [*changed, *session._new, *marked]


class Picture:
    """The pending changes of a session at one moment, to see later whether they were changed.

    SQLAlchemy has no event that tells of every change: a value may be put into an instance's
    dictionary, or a collection's member be exchanged. So all that is pending is compared.

    Arguments:
        session: the session.
    """

    def __init__(self, session: "Session") -> None:
        states = (*session._new, *session._dirty_states)
        self._marked = tuple(session._deleted)
        self._values = {state: _set_values(state) for state in states}
        self._new = tuple(session._new)

    def is_like(self, other: "Picture") -> bool:
        """Whether both pictures show the same.

        Values are compared by identity: comparing may be costly, or run the program's own code.
        """
        return (
            self._new == other._new
            and self._marked == other._marked
            and self._values.keys() == other._values.keys()
            and all(
                len(values) == len(other._values[state])
                and all(map(is_, values, other._values[state]))
                for state, values in self._values.items()
            )
        )


def _set_values(state: State) -> list[Any]:
    """The attributes that were set, each with its value, and of a collection also its members."""
    found: list[Any] = []
    values = state.dict
    for key in state.committed_state:
        value = values.get(key)
        found += (key, value)
        adapter = getattr(value, "_sa_adapter", None)
        if adapter is not None:
            found += adapter
    for key, mutations in state._pending_mutations.items():
        found += (key, *mutations.added_items, *mutations.deleted_items)
    return found


def marks(session: "Session") -> dict[State, Any]:
    """The states of the instances marked for deletion, in the order of marking.

    This is the session's own dictionary, whose values keep the instances alive.
    """
    return session._deleted


class MarksAside:
    """Marks of deletion that are hidden from an inner flush, and shown again after it.

    An outer flush is announcing deletions, and a receiver flushes: the inner flush must leave the
    deletions to the outer one. The marks are taken out of the session's dictionary and put back.
    Adding and deleting the instances instead would run their cascades, and undo what receivers
    did meanwhile: an instance that was saved from deletion, or expunged, must stay so. Changes to
    the marked instances are hidden, too: otherwise the inner flush would update a row that is
    about to be deleted.

    Arguments:
        session: the session.
        marked: the marks that the outer flushes are about to carry out, each flush's by itself.
    """

    def __init__(self, session: "Session", marked: list[dict[State, Any]]) -> None:
        self._session = session
        self._marked: dict[State, Any] = marked[0] if marked else {}
        for more in marked[1:]:
            self._marked = self._marked | more
        self._aside: dict[State, Any] = {}
        self._modified: list[State] = []

    def take(self) -> None:
        """Hide the marks, as far as they are still there."""
        session, marked = self._session, self._marked
        here = session._deleted
        if not (here and marked):
            return
        making_room = self._row_switches()
        if not making_room and len(here) == len(marked) and _last(here) is _last(marked):
            # All marks are to be hidden, so the whole dictionary is exchanged. A receiver that
            # flushes at each of a thousand deletions would otherwise copy a thousand marks each
            # time.
            self._aside, session._deleted = here, {}
        else:
            stay = making_room | (here.keys() - marked.keys())
            self._aside = {state: here[state] for state in here if state not in stay}
            session._deleted = {state: here[state] for state in here if state in stay}
        # `Session.dirty` is made of `identity_map._modified`.
        modified = session.identity_map._modified
        self._modified = [state for state in modified if state in self._aside]
        modified.difference_update(self._modified)

    def put_back(self) -> None:
        """Show the marks again, in front of those that came since."""
        session = self._session
        if not self._aside:
            return
        session._deleted = self._aside | session._deleted
        session.identity_map._modified.update(
            state for state in self._modified if state.modified and state.session is session
        )
        self._aside, self._modified = {}, []

    def drop(self) -> None:
        """Forget the marks: the transaction was rolled back, or the session emptied."""
        self._aside, self._modified = {}, []

    def hides(self, state: State) -> bool:
        """Whether the mark of an instance is away."""
        return state in self._aside

    def _row_switches(self) -> set[State]:
        """The marks of rows that a new instance takes over.

        Where an instance is deleted and a new one has the same key, SQLAlchemy writes one UPDATE
        in place of both: a row switch. For that, the plan needs the mark as well as the new
        instance. Without the mark, the inner flush would insert a row whose key exists. So these
        marks stay, and the inner flush carries out that deletion.
        """
        session = self._session
        found = set()
        for state in session._new:
            identity = _key_to_be(state)
            old = session.identity_map.get(identity) if None not in identity[1] else None
            if old is not None:
                found.add(state_of(old))
        return found & session._deleted.keys()


def _key_to_be(state: State) -> Any:
    """The identity key of a new instance, of which its parents may know more than itself."""
    mapper, values = state.mapper, dict(state.dict)
    names = [mapper.get_property_by_column(column).key for column in mapper.primary_key]
    if any(values.get(name) is None for name in names):
        for relationship in mapper.relationships:
            parent = values.get(relationship.key)
            if relationship.direction is not RelationshipDirection.MANYTOONE or parent is None:
                continue
            of_parent = instance_state(parent)
            for source, target in relationship.synchronize_pairs:
                key = of_parent.mapper.get_property_by_column(source).key
                name = mapper.get_property_by_column(target).key
                values[name] = known_value(of_parent, key, values.get(name))
    return mapper.identity_key_from_primary_key(tuple(values.get(name) for name in names))


def _last(marks: dict[State, Any]) -> State | None:
    return next(reversed(marks), None)


def is_new(session: "Session", state: State) -> bool:
    """Whether an instance is pending: it counts as new until the flush under way is over.

    Its key does not tell: an insert with ``eager_defaults`` sets the key during the flush.
    """
    return state in session._new


def place_of(state: State) -> int:
    """The place of a new instance in the order of adding, in which a flush inserts rows."""
    return state.insert_order or 0


def changed_values(state: State, columns: Container[str]) -> Iterator[tuple[str, Any, Any]]:
    """The columns that were changed since the instance was loaded: name, value, old value.

    A flush decides by the same comparison which columns it updates.
    """
    # `committed_state` holds the old value of each attribute that was set.
    values, manager = state.dict, state.manager
    for key, before in state.committed_state.items():
        if key in columns and key in values:
            value = values[key]
            if manager[key].impl.is_equal(value, before) is not True:
                yield key, value, before


def is_unknown(before: Any) -> bool:
    """Whether an old value is unknown, since it was not loaded when the attribute was set."""
    return before is LoaderCallableStatus.NO_VALUE


def value_before(state: State, key: str, missing: Any) -> Any:
    """The value that the database has of an attribute, or ``missing`` where that is unknown."""
    committed = state.committed_state
    if key in committed:
        return committed[key]
    if key in state.dict:
        return state.dict[key]
    return _key_of(state).get(key, missing)


def _key_of(state: State) -> dict[str, Any]:
    """The primary key of a row by attribute names, which is known even if nothing is loaded."""
    if state.key is None:
        return {}
    names = (state.mapper.get_property_by_column(each).key for each in state.mapper.primary_key)
    return dict(zip(names, state.key[1], strict=True))


def known_value(state: State, key: str, missing: Any) -> Any:
    """An attribute's value, or ``missing`` where only the database knows it."""
    return state.dict[key] if key in state.dict else _key_of(state).get(key, missing)


def is_equal(state: State, key: str, value: Any, other: Any) -> bool:
    """Whether two values of an attribute count as the same."""
    return state.manager[key].impl.is_equal(value, other) is True


def was_set(state: State, key: str) -> bool:
    """Whether an attribute, or a member of it, was changed since the instance was loaded."""
    return key in state.committed_state or key in state._pending_mutations


def was_replaced_unseen(state: State, key: str) -> bool:
    """Whether a reference was replaced before the old related instance was loaded."""
    before = state.committed_state.get(key)
    return before is LoaderCallableStatus.PASSIVE_NO_RESULT


def is_expression(value: Any) -> bool:
    """Whether a value is a SQL expression, which the database works out."""
    return isinstance(value, ClauseElement) or hasattr(value, "__clause_element__")


def has_parent(relationship: Relationship, child: State) -> bool:
    """Whether a child has a parent by a relationship; true also where that is unknown."""
    manager = relationship.parent.class_manager
    return manager[relationship.key].impl.hasparent(child) is not False
