"""The flush before a commit, done where receivers may commit, roll back and open savepoints.

SQLAlchemy flushes in the middle of a commit, when the transaction refuses to be ended. So the
flush is done ahead of the commit.
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


# The guard is SQLAlchemy's own, for a `before_commit` listener that ends the transaction: without
# it, a listener that commits would be called without end. The error names this function, so it is
# called like SQLAlchemy's method.
_tell_before_commit = _StateChange.declare_states(
    (SessionTransactionState.ACTIVE,), _StateChangeStates.NO_CHANGE
)(_prepare_impl)


class Transaction(SessionTransaction):
    """A transaction or savepoint of a session, which flushes before it begins to commit.

    The session is a :class:`signalcli.db.Session`: ``is_heard()``, ``has_work()``, ``announced``
    and ``is_flushed`` are used of it.
    """

    # SQLAlchemy makes transactions itself, so each gets this class when its session hears of it.
    # `commit` and `prepare` call `_prepare_impl`, which fires `before_commit` and then flushes.
    _has_told = False

    def commit(self, _to_root: bool = False) -> None:
        """Flush, then commit."""
        if self.is_active and self._is_due():
            self._flush_ahead()
            if not self.is_active:
                # A receiver has ended this transaction; another may have begun in its place.
                following = self.session.get_transaction()
                if following is not None and not self.nested:
                    following.commit()
                return
        self.carry_out(_to_root)

    def carry_out(self, to_root: bool) -> None:
        """Commit the flushed rows; a derived class may act before and after it."""
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
        """Do the beginning of ``_prepare_impl``: fire the event, end savepoints, flush."""
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
        # A receiver may commit: rows that the flushes around it are about to delete are left.
        announced = MarksAside(session, session.announced)
        announced.take()
        # The savepoints inside have been ended. One that a listener has begun since then stays
        # open: SQLAlchemy must not find it, or it would end it.
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
    """The savepoints inside of a transaction, innermost first."""
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
    """Stand for an event that was fired before."""


def refuse_in_ended_block(session: "Session") -> None:
    """Raise SQLAlchemy's error if the transaction of a ``with`` block has ended inside of it."""
    # SQLAlchemy checks this before it flushes for a savepoint. A flush of ours comes even before,
    # so it has to check, too.
    TransactionalContext._trans_ctx_check(session)


def roll_back(transaction: SessionTransaction) -> None:
    """Roll back a transaction.

    In the middle of its own commit it cannot be rolled back. It is then left as after a failed
    flush: the session refuses to go on until somebody rolls back.
    """
    try:
        transaction.rollback()
    except IllegalStateChangeError:
        # `_begin` makes a transaction like a flush's own, whose failure dooms the one around it.
        transaction._begin().rollback(_capture_exception=True)


def innermost(session: "Session") -> SessionTransaction | None:
    """The savepoint or transaction that a session is in."""
    return session.get_nested_transaction() or session.get_transaction()


def failure_of(session: "Session") -> BaseException | None:
    """The failure of a flush that has rolled a session's transaction back; None where none did.

    Whoever goes on with such a session meets errors that tell of it in their text alone.
    """
    transaction = innermost(session)
    return None if transaction is None else transaction._rollback_exception
