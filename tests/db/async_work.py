"""Work on an async session, and what others see of it."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlmodel import select

from signalcli.db import AsyncSession, set_up_sqlite
from tests.db.shop_models import Base

Work = Callable[[AsyncSession], Awaitable[Any]]


async def with_session(file: Path, work: Work) -> Any:
    """Do async work on a session of a fresh database file."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{file}")
    set_up_sqlite(engine.sync_engine)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        async with AsyncSession(engine) as session:
            return await work(session)
    finally:
        await engine.dispose()


async def stored(session: AsyncSession, column: Any) -> list[Any]:
    """The values of a column that other connections can see."""
    bind = session.bind
    assert isinstance(bind, AsyncEngine)
    async with AsyncSession(bind) as other:
        return sorted((await other.exec(select(column))).all())
