"""What a session has pending, and what SQLAlchemy knows of an instance."""

from collections.abc import Container, Iterator
from operator import is_
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import InstanceState, LoaderCallableStatus, PassiveFlag, RelationshipProperty
from sqlalchemy.orm.attributes import instance_state
from sqlalchemy.sql.elements import ClauseElement

if TYPE_CHECKING:
    from sqlalchemy.orm import Mapper, Session

State = InstanceState[Any]
Relationship = RelationshipProperty[Any]

# What a relationship is known to hold without asking the database.
KNOWN = PassiveFlag.PASSIVE_NO_INITIALIZE


def state_of(instance: Any) -> State:
    """The state that SQLAlchemy keeps of an instance."""
    return instance_state(instance)


def values_before(state: State) -> dict[str, Any]:
    """The value before of each attribute that was set, to be filled by who sets them itself."""
    return state.committed_state


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


def is_flushing(session: "Session") -> bool:
    """Whether a flush is under way, so that no other may begin (``_flushing`` says so)."""
    return bool(session._flushing)


def pending(session: "Session") -> set[State]:
    """Everything that the next flush will look at."""
    if session._is_clean():
        return set()
    return {*session._new, *session._deleted, *session._dirty_states}


class Picture:
    """What a session has pending at a moment, to see later whether somebody changed it.

    Arguments:
        session: the session.
    """

    def __init__(self, session: "Session") -> None:
        states = (*session._new, *session._dirty_states)
        self._marked = tuple(session._deleted)
        self._values = {state: _set_values(state) for state in states}
        self._new = tuple(session._new)

    def is_like(self, other: "Picture") -> bool:
        """Whether nothing has changed; values are compared by identity."""
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
    """The attributes that were set, each with its value or, of a collection, its members."""
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
        self._marked: dict[State, Any] = marked[0] if marked else {}
        for more in marked[1:]:
            self._marked = self._marked | more
        self._aside: dict[State, Any] = {}
        self._modified: list[State] = []

    def take(self) -> None:
        """Take the marks away, as many of them as there still are."""
        session, marked = self._session, self._marked
        here = session._deleted
        if not (here and marked):
            return
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
        if not self._aside:
            return
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


def is_new(session: "Session", state: State) -> bool:
    """Whether an instance is pending: has no row until the flush under way is over.

    Its key does not tell: an insert with ``eager_defaults`` has it within the flush.
    """
    return state in session._new


def place_of(state: State) -> int:
    """The place of a new instance in the order of adding, in which a flush inserts rows."""
    return state.insert_order or 0


def changed_values(state: State, columns: Container[str]) -> Iterator[tuple[str, Any, Any]]:
    """The columns that were set since the instance was loaded: name, value, value before.

    The comparison is the one by which a flush decides what it updates.
    """
    # `committed_state` holds the value before of each attribute that was set.
    values, manager = state.dict, state.manager
    for key, before in state.committed_state.items():
        if key in columns and key in values:
            value = values[key]
            if manager[key].impl.is_equal(value, before) is not True:
                yield key, value, before


def is_unknown(before: Any) -> bool:
    """Whether the value before of an attribute was not loaded when it was set."""
    return before is LoaderCallableStatus.NO_VALUE


def value_before(state: State, key: str, missing: Any) -> Any:
    """What the database has of an attribute, as far as that is known."""
    committed = state.committed_state
    if key in committed:
        return committed[key]
    if key in state.dict:
        return state.dict[key]
    return _key_of(state).get(key, missing)


def _key_of(state: State) -> dict[str, Any]:
    """The primary key of a row, by attributes, which are known also where nothing is loaded."""
    if state.key is None:
        return {}
    names = (state.mapper.get_property_by_column(each).key for each in state.mapper.primary_key)
    return dict(zip(names, state.key[1], strict=True))


def known_value(state: State, key: str, missing: Any) -> Any:
    """An attribute's value, as far as it is known without asking the database."""
    return state.dict[key] if key in state.dict else _key_of(state).get(key, missing)


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
