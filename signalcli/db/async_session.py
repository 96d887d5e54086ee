"""The same session for async code."""

from collections.abc import Coroutine
from typing import Any

import sqlmodel.ext.asyncio.session
from sqlalchemy.util.concurrency import await_only, in_greenlet

from signalcli.db.session import Session
from signalcli.dispatch import bridging


class AsyncSession(sqlmodel.ext.asyncio.session.AsyncSession):
    """A drop-in ``sqlmodel.ext.asyncio.session.AsyncSession`` over :class:`signalcli.db.Session`.

    The signals are the same. Sync receivers run in the session's own context, with the sync
    session as ``session``; async receivers are awaited on the running loop, and get at their
    async session with ``sqlalchemy.ext.asyncio.async_session(session)``.
    """

    sync_session_class = Session


class _SessionBridge:
    """Awaits from sync code that an async session is running."""

    def reaches_a_loop(self) -> bool:
        return in_greenlet()

    def wait_for(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return await_only(coroutine)


bridging.add_bridge(_SessionBridge())
