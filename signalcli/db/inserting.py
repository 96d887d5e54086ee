"""Writing what a session has pending, as far as its rows can be written together."""

from collections.abc import Callable, Collection
from typing import Any

from sqlalchemy import FromClause, inspect
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import instance_state

from signalcli.db.changes import places_by_table
from signalcli.db.inserter import State, inserter_of


def insert_together(
    session: Session, updated: Collection[type[Any]], note: Callable[[Any], None]
) -> None:
    """Write the rows of new instances together, as far as that can be done.

    Arguments:
        session: the session, which is left to write the others.
        updated: the models of which the same flush updates rows.
        note: called with each instance that is written.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: the database does not take a row.
    """
    new: dict[type[Any], list[State]] = {}
    for instance in session.new:
        new.setdefault(type(instance), []).append(instance_state(instance))
    left_tables: set[FromClause] = set()
    places = places_by_table(new)
    for model in sorted(new, key=places.__getitem__):
        mapper, states = inspect(model), new[model]
        inserter = inserter_of(mapper)
        if (
            inserter is None
            or model in updated
            or not left_tables.isdisjoint({inserter.table, *inserter.refers_to})
            or not all(map(inserter.takes, states))
        ):
            left_tables.update(mapper.tables)
            continue
        inserter.write(session.connection(bind_arguments={"mapper": mapper}), states)
        for state in states:
            note(state.obj())
        # What SQLAlchemy's flush does itself at its end; there is no public way.
        session._register_persistent(set(states))


def is_heard_flushing(session: Session, known: Collection[Any]) -> bool:
    """Whether somebody listens to how a session flushes, who would miss what is written before.

    Arguments:
        session: the session.
        known: the listeners that do not count.
    """
    dispatch = session.dispatch
    events = (dispatch.before_flush, dispatch.after_flush, dispatch.after_flush_postexec)
    return any(listener not in known for event in events for listener in event)
