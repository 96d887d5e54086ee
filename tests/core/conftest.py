"""Fixtures of the tests of the demo app."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from signalcli.apps import apps
from signalcli.apps.tables import bring_up_to_date
from signalcli.db import Session, post_delete, post_save, pre_delete, pre_save
from signalcli.db.opening import open_engine, open_session
from signalcli.dispatch import Signal

Sent = list[tuple[Any, ...]]
WRITING = (pre_save, post_save, pre_delete, post_delete)


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
def sent() -> Iterator[Sent]:
    """Every signal in the order of sending: its name, its sender, and created or update_fields."""
    from signalcli.core.signals import notification

    sent: Sent = []

    def note(signal: Signal, sender: Any, **named: Any) -> None:
        entry = (signal.name, sender.__name__)
        if signal is post_save:
            entry += (named["created"],)
        sent.append(entry)

    with ExitStack() as stack:
        for signal in (*WRITING, notification):
            stack.enter_context(signal.connected_to(note))
        yield sent


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
