"""Fixtures of the tests of the demo app."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from signalcli.apps import apps
from signalcli.apps.tables import bring_up_to_date
from signalcli.core import passwords
from signalcli.db import Session, post_save
from signalcli.db.engine import open_engine
from signalcli.db.lifetime import open_session


@pytest.fixture(scope="session", autouse=True)
def _the_app_is_ready() -> None:
    apps.populate()


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """A session on a fresh database with the app's tables."""
    engine = open_engine(str(tmp_path / "demo.db"), writes=True, creates=True)
    with open_session(engine, on_begin=[bring_up_to_date]) as session:
        yield session
    engine.dispose()


@pytest.fixture
def without_receivers() -> Iterator[None]:
    """The app's own receivers of post_save do not run."""
    from signalcli.core.models import User
    from signalcli.core.signals import create_profile, update_profile

    for receiver in (create_profile, update_profile):
        assert post_save.disconnect(receiver, sender=User)
    yield
    for receiver in (create_profile, update_profile):
        post_save.connect(receiver, sender=User)


@pytest.fixture
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 takes no time, for tests of what follows from its answers."""
    hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", lambda: hasher)
