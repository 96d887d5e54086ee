"""The same session for async code."""

import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, cast

import sqlmodel.ext.asyncio.session
from sqlalchemy.util.concurrency import await_only, greenlet_spawn, in_greenlet

from signalcli.db.bulk import BATCH_SIZE, Bulk
from signalcli.db.turns import SharedSession
from signalcli.dispatch import tasks


class AsyncSession(sqlmodel.ext.asyncio.session.AsyncSession):
    """A drop-in ``sqlmodel.ext.asyncio.session.AsyncSession`` over :class:`signalcli.db.Session`.

    The signals are the same. Sync receivers run in the session's own context, with the sync
    session as ``session``; async receivers are awaited on the running loop, and get at their
    async session with ``sqlalchemy.ext.asyncio.async_session(session)``. Several of one signal
    run at the same time and take turns in using the session: each call waits for the others', and
    a savepoint keeps the others out until it has ended.
    """

    sync_session_class = SharedSession

    @asynccontextmanager
    async def bulk(
        self, batch_size: int = BATCH_SIZE, *, commit: bool = False
    ) -> AsyncIterator["AsyncBulk"]:
        """Work on many rows, as :meth:`signalcli.db.Session.bulk` does.

        ``add`` cannot wait for the database, so what is pending is written at the end, and
        wherever it is awaited::

            async with session.bulk() as batch:
                for row in rows:
                    session.add(User(**row))
                    await batch.write_if_full()

        Arguments:
            batch_size: how many instances are written together.
            commit: whether each batch is committed, and the rest at the end.

        Raises:
            ValueError: the batch size is not at least 1.
            Exception: as :meth:`flush`, from whatever writes a batch.
        """
        session = cast("SharedSession", self.sync_session)
        block = session.bulk(batch_size, commit=commit)
        batch = await greenlet_spawn(block.__enter__)
        try:
            yield AsyncBulk(batch)
        except BaseException:
            await greenlet_spawn(block.__exit__, *sys.exc_info())
            raise
        await greenlet_spawn(block.__exit__, None, None, None)


class AsyncBulk:
    """The batch of a block of bulk work.

    Arguments:
        batch: the same for sync code.
    """

    def __init__(self, batch: Bulk) -> None:
        self._batch = batch

    async def write_if_full(self) -> None:
        """Write what is pending if the batch is full."""
        if self._batch.is_full:
            await greenlet_spawn(self._batch.write)


class _SessionBridge:
    """Awaits from sync code that an async session is running."""

    def reaches_a_loop(self) -> bool:
        return in_greenlet()

    def wait_for(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return await_only(coroutine)


tasks.add_bridge(_SessionBridge())
