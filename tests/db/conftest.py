"""Fixtures of the database tests."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

from signalcli.db import Session, create_engine, m2m_changed, post_init, pre_init
from tests import engines
from tests.conftest import NewDatabase
from tests.db.async_work import Work, with_session
from tests.db.shop_models import WRITING_SIGNALS, Base, Connect, Seen

SIGNALS = (pre_init, post_init, *WRITING_SIGNALS, m2m_changed)


@pytest.fixture(autouse=True)
def nobody_else_listens() -> Iterator[None]:
    """Each test begins without receivers, and what others had connected is back after it."""
    before = [(signal, connection) for signal in SIGNALS for connection in signal.connections]
    for signal, connection in before:
        signal.disconnect(connection.receiver, connection.sender, connection.dispatch_uid)
    yield
    for signal in SIGNALS:
        for connection in signal.connections + signal.pending:
            signal.disconnect(connection.receiver, connection.sender, connection.dispatch_uid)
    for signal, connection in before:
        signal.connect(
            connection.receiver, connection.sender, connection.weak, connection.dispatch_uid
        )


@pytest.fixture
def connect() -> Connect:
    """Connects a receiver to a signal for the test, held strongly."""

    def connect(signal: Any, receiver: Any, sender: Any = None) -> Any:
        return signal.connect(receiver, sender=sender, weak=False)

    return connect


@pytest.fixture
def engine(new_database: NewDatabase) -> Iterator[Engine]:
    """A fresh database with the tables of the shared models."""
    engine = create_engine(new_database("shop", engines.tables_of(Base.metadata)))
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A session on the fresh database."""
    with Session(engine) as session:
        yield session


@pytest.fixture
def seen() -> Seen:
    """Notes the signals of saving and deleting; connected before any other receiver."""
    seen = Seen()
    for signal in WRITING_SIGNALS:
        signal.connect(seen.note, weak=False)
    return seen


@pytest.fixture
def run(new_database: NewDatabase) -> Callable[[Work], Any]:
    """Runs async work on a session of a fresh database."""
    database = new_database("async", engines.tables_of(Base.metadata))
    return lambda work: asyncio.run(with_session(database, work))
