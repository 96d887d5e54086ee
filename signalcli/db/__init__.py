"""Model signals for SQLModel: a session that sends them, and engines to use with it.

- ``session``: the session; ``async_session``: the same for async code.
- ``flush``: one round of a flush, which announces, writes and reports.
- ``changes``: the rows that a flush writes; ``columns``: their columns, and ``touch``;
  ``relationships``: the dependants and parents that it follows; ``links``: the rows of link
  tables; ``many_to_many``: their two sides.
- ``causes``: the response behind a pending write; ``bulk``: many rows in batches.
- ``transaction``: ``on_commit``, and its counterpart ``on_rollback``.
- ``signals``: the signals; ``models``: the mapped models and their names; ``definitions``:
  ``class_prepared``; ``initialization``: ``pre_init`` and ``post_init``, and making instances fast.
- ``unannounced``: writes that send no signals, noticed while somebody watches.
- ``engine``: making and opening engines; ``database``: names of databases, and their errors.
- ``compat``: the names of SQLAlchemy and SQLModel that those do not document.
"""

from typing import TYPE_CHECKING, Any

from signalcli.db.columns import touch
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
from signalcli.db.transaction import on_commit
from signalcli.db.unannounced import UnannouncedWriteWarning
from signalcli.errors import DatabaseUnusable

if TYPE_CHECKING:
    from signalcli.db.async_session import AsyncSession as AsyncSession

__all__ = [
    "AsyncSession",
    "DatabaseUnusable",
    "Session",
    "UnannouncedWriteWarning",
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
    """Import ``AsyncSession`` when it is first asked for, since it needs greenlet."""
    if name == "AsyncSession":
        try:
            from signalcli.db.async_session import AsyncSession
        except ImportError as error:
            from signalcli.extras import how_to_install

            raise ImportError(
                f"AsyncSession needs greenlet and a driver: {how_to_install('async')}"
            ) from error
        return AsyncSession
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
