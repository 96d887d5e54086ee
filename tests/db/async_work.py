"""Work on an async session, and what others see of it."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlmodel import select

from signalcli.db import AsyncSession, set_up_sqlite
from signalcli.db.database import database_url

_ASYNC_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}

Work = Callable[[AsyncSession], Awaitable[Any]]


async def with_session(database: str, work: Work) -> Any:
    """Do async work on a session of a database that has the tables of the shared models."""
    engine = async_engine(database)
    try:
        async with AsyncSession(engine) as session:
            return await work(session)
    finally:
        await engine.dispose()


def async_engine(database: str | URL) -> AsyncEngine:
    """An async engine for the path or URL of a database."""
    url = database_url(database)
    driver = _ASYNC_DRIVERS.get(url.get_backend_name())
    if driver is None:
        pytest.skip("signalcli's extras have no async driver for this engine")
    engine = create_async_engine(url.set(drivername=driver))
    if url.get_backend_name() == "sqlite":
        set_up_sqlite(engine.sync_engine)
    return engine


async def stored(session: AsyncSession, column: Any) -> list[Any]:
    """The values of a column that other connections can see."""
    bind = session.bind
    assert isinstance(bind, AsyncEngine)
    async with AsyncSession(bind) as other:
        return sorted((await other.exec(select(column))).all())
