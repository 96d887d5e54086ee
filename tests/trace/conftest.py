"""Fixtures of the trace tests."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

from signalcli.db import Session, create_engine
from signalcli.dispatch import Signal
from signalcli.trace import Recorder
from tests import engines
from tests.conftest import NewDatabase
from tests.trace.models import Base, Connect


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def engine(new_database: NewDatabase) -> Iterator[Engine]:
    engine = create_engine(new_database("trace", engines.tables_of(Base.metadata)))
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with Session(engine) as session:
        yield session


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Connects a receiver to a signal for the test."""
    connected: list[tuple[Signal, Any, Any]] = []

    def connect(signal: Signal, receiver: Any, sender: Any = None) -> Any:
        signal.connect(receiver, sender=sender, weak=False)
        connected.append((signal, receiver, sender))
        return receiver

    yield connect
    for signal, receiver, sender in connected:
        signal.disconnect(receiver, sender)
