"""Fixtures of the tests of the testing tools."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from signalcli.db import Session, create_engine
from tests.testing.app import Base


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """A session on a fresh database file."""
    engine = create_engine(tmp_path / "orders.db")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        yield session
    engine.dispose()
