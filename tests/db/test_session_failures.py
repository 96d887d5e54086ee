"""A receiver that fails leaves nothing half-written, and a session that can go on."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError, InvalidRequestError
from sqlmodel import select

from signalcli.db import Session, post_delete, post_save, pre_delete, pre_save
from signalcli.testing import Dispatches
from tests.db.shop_models import CREATED_USER, WRITING_SIGNALS, Connect, Log, Seen, User


class Refused(Exception):
    """What the receivers of these tests raise."""


def refuse(**kwargs: Any) -> None:
    """A receiver that fails."""
    raise Refused


def in_database(engine: Engine, column: Any) -> list[Any]:
    """The values of a column that other connections can see."""
    with Session(engine) as other:
        return sorted(other.exec(select(column)).all())


@pytest.fixture
def stored(engine: Engine) -> None:
    """The users old and gone, in the database before anybody listened."""
    with Session(engine) as session:
        session.add_all([User(username="old"), User(username="gone")])
        session.commit()


def work(session: Session) -> None:
    """One row of each kind of change, pending."""
    old = session.exec(select(User).where(User.username == "old")).one()
    gone = session.exec(select(User).where(User.username == "gone")).one()
    old.age = 99
    session.delete(gone)
    session.add(User(username="new"))


def by_flush(session: Session) -> None:
    """Write by a flush."""
    work(session)
    session.flush()


def by_commit(session: Session) -> None:
    """Write by a commit."""
    work(session)
    session.commit()


def by_query(session: Session) -> None:
    """Write by the autoflush of a query."""
    work(session)
    session.exec(select(Log)).all()


def by_begin_nested(session: Session) -> None:
    """Write by the flush that precedes a savepoint."""
    work(session)
    session.begin_nested()


def by_leaving_begin(session: Session) -> None:
    """Write by the commit at the end of a ``with`` block."""
    with session.begin():
        work(session)


def by_flush_in_begin(session: Session) -> None:
    """Write by a flush in a ``with`` block."""
    with session.begin():
        work(session)
        session.flush()


def by_transaction_commit(session: Session) -> None:
    """Write by the commit of the transaction object."""
    transaction = session.begin()
    work(session)
    transaction.commit()


WAYS = [
    by_flush,
    by_commit,
    by_query,
    by_begin_nested,
    by_leaving_begin,
    by_flush_in_begin,
    by_transaction_commit,
]


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("signal", WRITING_SIGNALS, ids=lambda signal: signal.name)
@pytest.mark.parametrize("write", WAYS)
def test_a_failing_receiver_leaves_nothing_written_and_the_session_usable(
    engine: Engine,
    session: Session,
    connect: Connect,
    signal: Any,
    write: Callable[[Session], None],
) -> None:
    connect(signal, refuse, User)
    with pytest.raises(Refused):
        write(session)
    session.rollback()
    signal.disconnect(refuse, User)
    assert in_database(engine, User.username) == ["gone", "old"]
    assert in_database(engine, User.age) == [0, 0]
    work(session)
    session.commit()
    assert in_database(engine, User.username) == ["new", "old"]
    assert in_database(engine, User.age) == [0, 99]


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("signal", WRITING_SIGNALS, ids=lambda signal: signal.name)
@pytest.mark.parametrize("write", [by_flush, by_commit, by_query, by_begin_nested])
def test_a_failing_receiver_has_the_transaction_rolled_back_without_being_asked(
    engine: Engine,
    session: Session,
    connect: Connect,
    signal: Any,
    write: Callable[[Session], None],
) -> None:
    session.add(Log(text="before"))
    session.flush()
    connect(signal, refuse, User)
    with pytest.raises(Refused):
        write(session)
    signal.disconnect(refuse, User)
    # No rollback here: a caller who only swallows the exception commits nothing of it.
    session.commit()
    assert in_database(engine, User.username) == ["gone", "old"]
    assert in_database(engine, User.age) == [0, 0]
    assert in_database(engine, Log.text) == []


def test_what_nested_receivers_wrote_goes_with_the_failure(
    engine: Engine, session: Session, connect: Connect
) -> None:
    def log_and_fail(session: Session, **kwargs: Any) -> None:
        session.add(Log(text="half"))
        session.flush()
        raise Refused

    connect(post_save, log_and_fail, User)
    session.add(User(username="ann"))
    with pytest.raises(Refused):
        session.commit()
    session.rollback()
    assert in_database(engine, Log.text) == []
    assert in_database(engine, User.username) == []


def test_receivers_after_the_failing_one_are_not_called(
    session: Session, connect: Connect, dispatches: Dispatches
) -> None:
    def later(**kwargs: Any) -> None:
        """Does nothing."""

    connect(pre_save, refuse, User)
    connect(pre_save, later, User)
    session.add_all([User(username="ann"), User(username="ben")])
    with pytest.raises(Refused):
        session.flush()
    dispatches.assert_received(pre_save, by=refuse, times=1)
    dispatches.assert_not_received(by=later)
    dispatches.assert_sequence((pre_save, User))
    dispatches.assert_not_sent(post_save, pre_delete, post_delete)


def test_nothing_is_sent_again_after_a_failure(
    session: Session, connect: Connect, seen: Seen
) -> None:
    connect(post_save, refuse, User)
    session.add(User(username="ann"))
    with pytest.raises(Refused):
        session.commit()
    session.rollback()
    post_save.disconnect(refuse, User)
    seen.take()
    session.commit()
    assert seen.take() == []
    session.add(User(username="ben"))
    session.commit()
    assert seen.take() == CREATED_USER


# Savepoints


def test_a_savepoint_that_is_rolled_back_keeps_what_was_before(
    engine: Engine, session: Session, seen: Seen
) -> None:
    session.add(User(username="ann"))
    with pytest.raises(Refused), session.begin_nested():  # noqa: PT012
        session.add(User(username="ben"))
        session.flush()
        raise Refused
    session.commit()
    assert in_database(engine, User.username) == ["ann"]
    assert seen.take() == CREATED_USER + CREATED_USER


def test_leaving_a_savepoint_sends_for_what_is_pending_in_it(
    engine: Engine, session: Session, seen: Seen
) -> None:
    with session.begin_nested():
        session.add(User(username="ann"))
    assert seen.take() == CREATED_USER
    session.commit()
    assert in_database(engine, User.username) == ["ann"]


@pytest.mark.parametrize("signal", [pre_save, post_save], ids=lambda signal: signal.name)
@pytest.mark.parametrize("flush", [True, False], ids=["flushed", "left"])
def test_a_receiver_that_fails_in_a_savepoint_rolls_back_that_alone(
    engine: Engine, session: Session, connect: Connect, signal: Any, flush: bool
) -> None:
    session.add(Log(text="before"))
    connect(signal, refuse, User)
    with pytest.raises(Refused), session.begin_nested():  # noqa: PT012
        session.add(User(username="ann"))
        if flush:
            session.flush()
    session.add(Log(text="after"))
    session.commit()
    assert in_database(engine, User.username) == []
    assert in_database(engine, Log.text) == ["after", "before"]


def test_savepoints_nest(engine: Engine, session: Session, connect: Connect) -> None:
    connect(post_save, refuse, User)
    with session.begin_nested():
        session.add(Log(text="outer"))
        with pytest.raises(Refused), session.begin_nested():  # noqa: PT012
            session.add(Log(text="inner"))
            session.flush()
            session.add(User(username="ann"))
        session.add(Log(text="after"))
    session.commit()
    assert in_database(engine, Log.text) == ["after", "outer"]


@pytest.mark.parametrize("signal", [pre_save, post_save], ids=lambda signal: signal.name)
@pytest.mark.parametrize("write", ["flush", "commit", "with"])
def test_a_receiver_may_try_something_in_a_savepoint(
    engine: Engine, session: Session, connect: Connect, signal: Any, write: str
) -> None:
    with Session(engine) as other:
        other.add(User(username="taken"))
        other.commit()

    def try_out(instance: Log, session: Session, **kwargs: Any) -> None:
        if instance.text != "first":
            return
        with session.no_autoflush, pytest.raises(IntegrityError), session.begin_nested():  # noqa: PT012
            session.add(User(username="taken"))
            session.flush()
        with session.begin_nested():
            session.add(User(username="free"))

    connect(signal, try_out, Log)
    if write == "with":
        with session.begin():
            session.add(Log(text="first"))
    else:
        session.add(Log(text="first"))
        if write == "flush":
            session.flush()
        session.commit()
    assert in_database(engine, Log.text) == ["first"]
    assert in_database(engine, User.username) == ["free", "taken"]


def test_a_receiver_that_swallows_a_nested_failure_in_a_savepoint_keeps_its_own_row(
    engine: Engine, session: Session, connect: Connect, seen: Seen
) -> None:
    def try_log(instance: User, session: Session, **kwargs: Any) -> None:
        with pytest.raises(Refused), session.begin_nested():
            session.add(Log(text="refused"))

    connect(post_save, try_log, User)
    connect(pre_save, refuse, Log)
    session.add(User(username="ann"))
    session.commit()
    assert in_database(engine, User.username) == ["ann"]
    assert in_database(engine, Log.text) == []
    assert seen.take() == ["pre_save User", "post_save User created", "pre_save Log"]


@pytest.mark.parametrize("signal", [pre_save, post_save], ids=lambda signal: signal.name)
@pytest.mark.parametrize("commits", [True, False], ids=["commit", "flush"])
def test_a_receiver_that_swallows_a_nested_failure_without_a_savepoint_fails_the_flush(
    engine: Engine, session: Session, connect: Connect, signal: Any, commits: bool
) -> None:
    # The failure has rolled back what the receiver is being told of. Going on as if nothing
    # had happened would report rows that are not there.
    def swallow(instance: User, session: Session, **kwargs: Any) -> None:
        session.add(Log(text="refused"))
        with pytest.raises(Refused):
            session.flush()

    connect(signal, swallow, User)
    connect(pre_save, refuse, Log)
    session.add(User(username="ann"))
    write = session.commit if commits else session.flush
    with pytest.raises(InvalidRequestError):
        write()
    session.rollback()
    assert in_database(engine, User.username) == []
    signal.disconnect(swallow, User)
    session.add(User(username="ben"))
    session.commit()
    assert in_database(engine, User.username) == ["ben"]


@pytest.mark.parametrize("signal", [pre_save, post_save], ids=lambda signal: signal.name)
def test_a_receiver_that_fails_with_its_savepoint_open_takes_the_whole_transaction(
    engine: Engine, session: Session, connect: Connect, signal: Any
) -> None:
    # The savepoint is the receiver's own; the row that failed lies outside of it.
    def open_and_fail(session: Session, **kwargs: Any) -> None:
        session.begin_nested()
        raise Refused

    connect(signal, open_and_fail, User)
    session.add(Log(text="before"))
    session.flush()
    session.add(User(username="ann"))
    with pytest.raises(Refused):
        session.flush()
    signal.disconnect(open_and_fail, User)
    session.commit()
    assert in_database(engine, User.username) == []
    assert in_database(engine, Log.text) == []


# Receivers that end the transaction


def test_a_receiver_may_commit(
    engine: Engine, session: Session, connect: Connect, seen: Seen
) -> None:
    def commit(session: Session, **kwargs: Any) -> None:
        session.commit()

    connect(post_save, commit, User)
    session.add_all([User(username="ann"), User(username="ben")])
    session.flush()
    session.rollback()
    assert in_database(engine, User.username) == ["ann", "ben"]
    assert seen.take() == ["pre_save User"] * 2 + ["post_save User created"] * 2


def test_a_pre_save_receiver_may_commit(
    engine: Engine, session: Session, connect: Connect, seen: Seen
) -> None:
    def commit(session: Session, **kwargs: Any) -> None:
        session.commit()

    connect(pre_save, commit, User)
    session.add(User(username="ann"))
    session.commit()
    assert in_database(engine, User.username) == ["ann"]
    assert seen.take() == CREATED_USER


@pytest.mark.parametrize("signal", [pre_save, post_save], ids=lambda signal: signal.name)
@pytest.mark.parametrize("commits", [True, False], ids=["commit", "flush"])
def test_a_receiver_that_rolls_back_stops_the_flush(
    engine: Engine, session: Session, connect: Connect, signal: Any, commits: bool
) -> None:
    def roll_back(session: Session, **kwargs: Any) -> None:
        session.rollback()

    connect(signal, roll_back, User)
    session.add_all([User(username="ann"), User(username="ben")])
    write = session.commit if commits else session.flush
    with pytest.raises(InvalidRequestError, match="rolled back"):
        write()
    session.rollback()
    signal.disconnect(roll_back, User)
    assert in_database(engine, User.username) == []
    session.add(User(username="cem"))
    session.commit()
    assert in_database(engine, User.username) == ["cem"]


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("signal", [pre_delete, post_delete], ids=lambda signal: signal.name)
def test_a_receiver_of_a_deletion_that_rolls_back_keeps_the_row(
    engine: Engine, session: Session, connect: Connect, signal: Any
) -> None:
    def roll_back(session: Session, **kwargs: Any) -> None:
        session.rollback()

    connect(signal, roll_back, User)
    session.delete(session.exec(select(User).where(User.username == "gone")).one())
    with pytest.raises(InvalidRequestError, match="rolled back"):
        session.commit()
    session.rollback()
    assert in_database(engine, User.username) == ["gone", "old"]


def test_an_integrity_error_that_a_receiver_causes_fails_the_flush(
    engine: Engine, session: Session, connect: Connect, seen: Seen
) -> None:
    def duplicate(instance: User, session: Session, created: bool, **kwargs: Any) -> None:
        session.add(User(username=instance.username))

    connect(post_save, duplicate, User)
    session.add(User(username="ann"))
    with pytest.raises(IntegrityError):
        session.commit()
    session.rollback()
    assert in_database(engine, User.username) == []
    post_save.disconnect(duplicate, User)
    seen.take()
    session.add(User(username="ann"))
    session.commit()
    assert seen.take() == CREATED_USER


def test_an_integrity_error_after_an_earlier_round_leaves_nothing_written(
    engine: Engine, session: Session, connect: Connect
) -> None:
    def duplicate(instance: User, session: Session, **kwargs: Any) -> None:
        session.add(User(username=instance.username))

    connect(post_save, duplicate, User)
    session.add(User(username="ann"))
    with pytest.raises(IntegrityError):
        session.flush()
    post_save.disconnect(duplicate, User)
    session.rollback()
    session.commit()
    assert in_database(engine, User.username) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_is_no_exception_proper_rolls_back_as_well(
    engine: Engine, session: Session, connect: Connect, error: type[BaseException]
) -> None:
    def interrupt(**kwargs: Any) -> None:
        raise error

    connect(post_save, interrupt, User)
    session.add(User(username="ann"))
    with pytest.raises(error):
        session.flush()
    post_save.disconnect(interrupt, User)
    session.commit()
    assert in_database(engine, User.username) == []


def test_a_prepared_transaction_is_refused_after_a_failure(
    engine: Engine, session: Session, connect: Connect
) -> None:
    # The commit of a transaction object is where SQLAlchemy allows no rollback; a caller who
    # swallows the failure and commits again must not write what came before it.
    transaction = session.begin()
    session.add(Log(text="before"))
    session.flush()
    connect(post_save, refuse, User)
    session.add(User(username="ann"))
    with pytest.raises(Refused):
        transaction.commit()
    post_save.disconnect(refuse, User)
    with pytest.raises(InvalidRequestError):
        transaction.commit()
    session.rollback()
    assert in_database(engine, Log.text) == []
    session.add(Log(text="after"))
    session.commit()
    assert in_database(engine, Log.text) == ["after"]


def test_what_fails_in_a_flush_within_a_flush_ends_only_the_savepoint(session: Session) -> None:
    kept, lost = User(username="kept"), User(username="lost")

    def write_another(instance: User, session: Session, **kwargs: Any) -> None:
        if instance is lost:
            session.add(User(username="another"))
            session.flush()
        elif instance.username == "another":
            raise Refused("no")

    def lose() -> None:
        with session.begin_nested():
            session.add(lost)
            session.flush()

    with post_save.connected_to(write_another, sender=User):
        session.add(kept)
        session.flush()
        outer = session.get_transaction()
        with pytest.raises(Refused):
            lose()
        assert session.get_transaction() is outer
        session.commit()
    assert session.exec(select(User.username)).all() == ["kept"]
