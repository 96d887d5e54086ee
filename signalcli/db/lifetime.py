"""The lifetime of a session: what is told of its transactions, and how nothing stays behind it."""

import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError, PendingRollbackError, SQLAlchemyError
from sqlalchemy.pool import PoolProxiedConnection

from signalcli.db.session import Session, tell_its_cause
from signalcli.errors import interruption_of


@contextmanager
def open_session(
    engine: Engine,
    on_commit: Callable[[], None] | None = None,
    on_begin: Iterable[Callable[[Connection], object]] = (),
    on_doubt: Callable[[], None] | None = None,
) -> Iterator[Session]:
    """A session that says when its transactions begin and end.

    Nothing is opened before the session is used, and nothing stays open behind it. An exception
    like ``KeyboardInterrupt`` may come in the midst of a session's own steps, which then lets a
    connection go that is still in a transaction, and has the database locked. Such a connection is
    closed here.

    Arguments:
        engine: the engine.
        on_commit: called after each commit of a whole transaction.
        on_begin: called one after the other when a transaction begins, before anything else is
            done in it; what they raise ends the transaction.
        on_doubt: called where something ended the session in the midst of a commit: the database
            may have carried it out.
    """
    session = Session(engine)
    # The connection of the transaction, and again while that is being committed.
    begun: list[Connection] = []
    committing: list[Connection] = []
    callbacks = tuple(on_begin)
    # The driver's connections that are not given back, and what SQLAlchemy hands out for them.
    used: list[tuple[Any, weakref.ref[PoolProxiedConnection]]] = []

    @event.listens_for(session, "after_commit")
    def call(session: Session) -> None:
        # SQLAlchemy says so of a savepoint that is released, too.
        if not session.in_nested_transaction():
            if on_commit is not None:
                on_commit()
            # An interruption before this leaves a doubt.
            committing.clear()

    @event.listens_for(session, "after_begin")
    def begin(session: Session, transaction: Any, connection: Connection) -> None:
        if not transaction.nested:
            begun[:] = [connection]
        for callback in () if transaction.nested else callbacks:
            callback(connection)

    def note(connection: Any, record: object, proxy: PoolProxiedConnection) -> None:
        used.append((connection, weakref.ref(proxy)))

    def forget(connection: Any, record: object) -> None:
        used[:] = [each for each in used if each[0] is not connection]

    def note_commit(connection: Connection) -> None:
        committing[:] = [each for each in begun if each is connection]

    event.listen(engine, "checkout", note)
    event.listen(engine, "checkin", forget)
    event.listen(engine, "commit", note_commit)
    try:
        with session:
            try:
                yield session
            except PendingRollbackError as error:
                tell_its_cause(session, error)
                raise
    except BaseException as error:
        interrupted = interruption_of(error)
        is_lost = isinstance(error, DBAPIError) and error.connection_invalidated
        if committing and on_doubt is not None and (is_lost or interrupted is not None):
            on_doubt()
        if interrupted is not None:
            for connection, proxy_of in used.copy():
                with suppress(Exception):
                    _put_away(connection, proxy_of())
            engine.dispose()
            if interrupted is not error and isinstance(error, SQLAlchemyError):
                raise interrupted from None
        raise
    finally:
        event.remove(engine, "checkout", note)
        event.remove(engine, "checkin", forget)
        event.remove(engine, "commit", note_commit)


def _put_away(connection: Any, proxy: PoolProxiedConnection | None) -> None:
    """Close a connection whose giving back was interrupted, or has not begun."""
    if proxy is not None and proxy.is_valid:
        proxy.invalidate()
    else:
        connection.rollback()
        connection.close()
