"""The flush that goes before a commit, done where receivers may do as they like.

SQLAlchemy flushes in the midst of a commit, where a transaction refuses to be ended. So that a
receiver may commit, roll back, and open savepoints, the flush is done ahead of the commit.
"""

from typing import TYPE_CHECKING, Any

from sqlalchemy.engine.util import TransactionalContext
from sqlalchemy.exc import IllegalStateChangeError
from sqlalchemy.orm import SessionTransaction
from sqlalchemy.orm.session import SessionTransactionState
from sqlalchemy.orm.state_changes import _StateChange, _StateChangeStates

from signalcli.db.compat.states import MarksAside

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


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
        session: Any = self.session
        for inner in _within(self):
            inner.commit()
        for _ in range(100):
            if not (self.is_active and session.has_work()):
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
        # What flushes around this are about to delete is not to be written by it.
        announced = MarksAside(session, session.announced)
        announced.take()
        # The savepoints within have been ended, and one that a listener began then is to stay.
        within, session._transaction = session._transaction, self
        session.is_flushed = True
        try:
            super()._prepare_impl()
        finally:
            session.is_flushed = False
            if session._transaction is self:
                session._transaction = within
            announced.put_back()
            vars(session)["dispatch"] = dispatch


def _within(transaction: SessionTransaction) -> list[SessionTransaction]:
    """The savepoints within a transaction, innermost first."""
    found = []
    inner = transaction.session._transaction
    while inner is not None and inner is not transaction:
        found.append(inner)
        inner = inner._parent
    return found if inner is transaction else []


class _Without:
    """A session's events but for one."""

    def __init__(self, dispatch: Any, event: str) -> None:
        self._dispatch = dispatch
        setattr(self, event, _nothing)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dispatch, name)


def _nothing(*args: Any) -> None:
    """Stands for an event that was fired before."""


def refuse_in_ended_block(session: "Session") -> None:
    """Raise what SQLAlchemy raises where a ``with`` block's transaction has ended within it."""
    # A savepoint's constructor asks first; a flush before that would come too early.
    TransactionalContext._trans_ctx_check(session)


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
