"""Fixtures of the tests of the testing tools."""

from collections.abc import Iterator

import pytest

from signalcli.db import Session, create_engine
from tests import engines
from tests.conftest import NewDatabase
from tests.testing.app import Base


@pytest.fixture
def session(new_database: NewDatabase) -> Iterator[Session]:
    """A session on a fresh database."""
    engine = create_engine(new_database("orders", engines.tables_of(Base.metadata)))
    with Session(engine) as session:
        yield session
    engine.dispose()
