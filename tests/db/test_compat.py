"""What is assumed of SQLAlchemy beyond what it documents. A version that changes it fails here."""

import inspect
import re
from pathlib import Path
from typing import Any

import pytest
import sqlmodel
from sqlalchemy import Engine, event
from sqlalchemy import inspect as sa_inspect
from sqlalchemy.exc import IllegalStateChangeError
from sqlalchemy.orm import LoaderCallableStatus, SessionTransaction
from sqlalchemy.orm.attributes import instance_state
from sqlalchemy.orm.unitofwork import UOWTransaction

import signalcli.db
from signalcli.db import Session
from signalcli.db.compat.states import add_alone, has_parent, memory_of, those_in
from signalcli.db.compat.transactions import Transaction
from signalcli.db.compat.work import Work
from tests.db.shop_models import Base, Post, Profile, User


@pytest.fixture
def plain(engine: Engine) -> Any:
    """A session that knows nothing of signals."""
    with sqlmodel.Session(engine) as session:
        yield session


class Note(UOWTransaction):
    """A unit of work that takes down what a flush does with it."""

    def execute(self) -> None:
        vars(self)["calls"].append("execute")
        super().execute()

    def _generate_actions(self) -> Any:
        vars(self)["calls"].append("plan")
        return super()._generate_actions()

    def states_for_mapper_hierarchy(self, mapper: Any, isdelete: bool, listonly: bool) -> Any:
        vars(self)["calls"].append(("next", isdelete, listonly))
        return super().states_for_mapper_hierarchy(mapper, isdelete, listonly)


PRIVATE = re.compile(
    r"\b(?:session|state|mapper|transaction|registry|manager|impl|connection)\._[a-z]"
    r"|\b_(?:flushing|sa_\w+|autobegin_t|is_clean|dirty_states|register_persistent|to_root)\b"
    r"|committed_state|class_manager|original_init|\.impl\b|import _"
)


def test_nowhere_else_is_anything_used_that_is_not_documented() -> None:
    room = Path(signalcli.db.__file__).parent
    found = [
        f"{path.name}: {line.strip()}"
        for path in sorted(room.glob("*.py"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if PRIVATE.search(line) and "self._session" not in line
    ]
    assert found == []


def test_a_flush_has_a_unit_of_work_whose_class_can_be_another(plain: Any) -> None:
    calls: list[Any] = []
    contexts = []

    @event.listens_for(plain, "before_flush")
    def adopt(session: Any, context: Any, objects: Any) -> None:
        contexts.append(context)
        context.__class__ = Note
        context.calls = calls

    @event.listens_for(plain, "after_flush")
    def look(session: Any, context: Any) -> None:
        calls.append("after_flush")
        # What was written is still known to differ from what the database had.
        assert instance_state(user).committed_state

    user = User(username="ann")
    plain.add(user)
    plain.flush()
    assert calls[0] == "execute"
    assert calls[1] == "plan"
    assert ("next", False, False) in calls[2:]
    assert calls[-1] == "after_flush"
    (context,) = contexts
    assert context.states == {instance_state(user): (False, False)}
    assert isinstance(context.transaction, SessionTransaction)
    assert context.transaction.parent is not None
    assert not context.transaction.nested


def test_a_unit_of_work_is_a_plain_object_whose_plan_can_be_replaced(plain: Any) -> None:
    work = UOWTransaction(plain)
    assert set(vars(work)) >= {
        "attributes",
        "presort_actions",
        "postsort_actions",
        "dependencies",
        "states",
        "post_update_states",
        "session",
    }
    assert issubclass(Work, UOWTransaction)
    assert list(inspect.signature(UOWTransaction.register_object).parameters) == [
        "self",
        "state",
        "isdelete",
        "listonly",
        "cancel_delete",
        "operation",
        "prop",
    ]


def test_planning_twice_finds_nothing_new(plain: Any) -> None:
    # The second part of the plan is made by SQLAlchemy itself, after Work has made the first.
    user = User(username="ann", profile=Profile(first_name="Ann"))
    plain.add(user)
    work = UOWTransaction(plain)
    for state in plain._new:
        assert work.register_object(state)
    while True:
        found = [action.execute(work) for action in list(work.presort_actions.values())]
        if not any(found):
            break
    before = dict(work.states)
    assert not any(action.execute(work) for action in list(work.presort_actions.values()))
    assert work.states == before


def test_a_session_keeps_what_is_pending_in_dictionaries_in_order(plain: Any) -> None:
    users = [User(username=name) for name in ("ann", "ben", "cem")]
    plain.add_all(users)
    assert list(plain._new) == [instance_state(user) for user in users]
    assert [state.insert_order for state in plain._new] == [1, 2, 3]
    plain.flush()
    assert plain._is_clean()
    with plain.no_autoflush:
        plain.delete(users[1])
        plain.delete(users[0])
    assert list(plain._deleted) == [instance_state(users[1]), instance_state(users[0])]
    assert list(plain._deleted.values()) == [users[1], users[0]]
    users[2].age = 3
    assert plain.identity_map._modified == {instance_state(users[2])}
    assert set(plain._dirty_states) == {instance_state(users[2])}
    assert not plain._is_clean()


def test_a_cascade_marks_after_its_head(plain: Any) -> None:
    user = User(username="ann", profile=Profile(), posts=[Post(title="one")])
    plain.add(user)
    plain.flush()
    plain.delete(user)
    assert next(iter(plain._deleted)) is instance_state(user)
    assert len(plain._deleted) == 3


def test_a_session_says_whether_it_flushes(plain: Any) -> None:
    seen = []
    event.listen(plain, "before_flush", lambda session, *_: seen.append(session._flushing))
    event.listen(plain, "after_flush", lambda session, *_: seen.append(session._warn_on_events))
    plain.add(User(username="ann"))
    plain.flush()
    assert (seen, plain._flushing, plain._warn_on_events) == ([True, False], False, False)


def test_a_state_knows_what_was_set_and_what_was_before(plain: Any) -> None:
    user = User(username="ann", profile=Profile())
    plain.add(user)
    plain.commit()
    state = instance_state(user)
    assert state.committed_state == {}
    user.age = 4
    assert state.committed_state == {"age": LoaderCallableStatus.NO_VALUE}
    plain.commit()
    profile = plain.get(Profile, 1)
    plain.expire(profile, ["user"])
    profile.user = None
    old = instance_state(profile).committed_state["user"]
    assert old is LoaderCallableStatus.PASSIVE_NO_RESULT
    assert state.manager["age"].impl.is_equal(1, 1) is True
    assert state.manager["age"].impl.collection is False
    assert state.manager["posts"].impl.collection is True
    assert state._pending_mutations == {}


def test_a_relationship_knows_whether_a_child_has_a_parent(plain: Any) -> None:
    post = Post(title="one")
    user = User(username="ann", posts=[post])
    plain.add(user)
    plain.flush()
    relationship = instance_state(user).mapper.relationships["posts"]
    assert has_parent(relationship, instance_state(post))
    user.posts.remove(post)
    assert not has_parent(relationship, instance_state(post))
    assert hasattr(relationship._dependency_processor, "_passive_delete_flag")


def test_an_instance_that_refers_to_no_other_is_added_without_a_search(plain: Any) -> None:
    assert list(inspect.signature(plain._save_or_update_impl).parameters) == ["state"]
    assert plain._warn_on_events is False
    alone, together = User(username="ann"), User(username="ben", profile=Profile())
    state = instance_state(alone)
    assert state._pending_mutations == {}
    assert state._orphaned_outside_of_session is False
    assert add_alone(plain, alone)
    assert not add_alone(plain, together)
    assert list(plain.new) == [alone]
    plain.commit()
    assert not add_alone(plain, alone)
    assert plain.get(User, alone.id) is alone


def test_a_session_keeps_the_states_of_rows_by_their_keys(plain: Any) -> None:
    stored, new, other = (User(username=name) for name in ("ann", "ben", "carl"))
    plain.add(stored)
    plain.flush()
    plain.add(new)
    state = instance_state(stored)
    assert plain.identity_map._dict == {state.key: state}
    assert those_in(plain, [stored, None, other, new]) == [stored, new]


def test_what_is_remembered_of_a_model_is_its_own() -> None:
    class Remembered(Base, table=True):
        __tablename__ = "dbtest_remembered"

        id: int | None = sqlmodel.Field(default=None, primary_key=True)

    memory_of(sa_inspect(Remembered))["key"] = 1
    assert memory_of(sa_inspect(Remembered)) == {"key": 1}
    assert "key" not in memory_of(sa_inspect(User))


def test_a_transaction_gets_our_class_and_refuses_to_end_within_its_commit(engine: Engine) -> None:
    session = Session(engine)
    transaction = session.begin()
    assert isinstance(transaction, Transaction)
    event.listen(session, "before_commit", lambda session: session.commit())
    session.add(User(username="ann"))
    with pytest.raises(IllegalStateChangeError, match="_prepare_impl"):
        session.commit()
    session.close()


def test_the_events_of_a_session_are_found_among_its_own_attributes(plain: Any) -> None:
    event.listen(plain, "before_commit", lambda session: None)
    assert vars(plain)["dispatch"] is plain.dispatch
