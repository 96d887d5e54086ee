"""Model signals for SQLModel: a session that sends them, and engines to use it with."""

from typing import TYPE_CHECKING, Any

from signalcli.db.definitions import class_prepared
from signalcli.db.engine import create_engine, set_up_sqlite
from signalcli.db.initialization import post_init, pre_init
from signalcli.db.session import Session
from signalcli.db.signals import (
    connection_created,
    m2m_changed,
    post_delete,
    post_migrate,
    post_save,
    pre_delete,
    pre_migrate,
    pre_save,
)
from signalcli.db.touching import touch
from signalcli.db.transaction import on_commit
from signalcli.errors import DatabaseUnusable

if TYPE_CHECKING:
    from signalcli.db.async_session import AsyncSession as AsyncSession

__all__ = [
    "DatabaseUnusable",
    "Session",
    "class_prepared",
    "connection_created",
    "create_engine",
    "m2m_changed",
    "on_commit",
    "post_delete",
    "post_init",
    "post_migrate",
    "post_save",
    "pre_delete",
    "pre_init",
    "pre_migrate",
    "pre_save",
    "set_up_sqlite",
    "touch",
]


def __getattr__(name: str) -> Any:
    """Import ``AsyncSession`` only for who asks for it."""
    if name == "AsyncSession":
        try:
            from signalcli.db.async_session import AsyncSession
        except ImportError as error:
            raise ImportError(
                "AsyncSession needs greenlet and a driver: pip install 'signalcli[async]'"
            ) from error
        return AsyncSession
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
