"""Fixtures of the tests of the signal log."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from signalcli.db.engine import open_engine


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Where a database may be made."""
    return tmp_path / "log.db"


@pytest.fixture
def log_engine(database: Path) -> Iterator[Engine]:
    """An engine that writes that database, as the command line opens it."""
    engine = open_engine(str(database), writes=True, creates=True)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def shared_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine whose database serves many examples."""
    file = tmp_path_factory.mktemp("log") / "shared.db"
    engine = open_engine(str(file), writes=True, creates=True)
    yield engine
    engine.dispose()


@pytest.fixture
def server_engine(server_database: str) -> Iterator[Engine]:
    """An engine for that database, as the command line opens it."""
    engine = open_engine(server_database, writes=True, creates=True)
    yield engine
    engine.dispose()
