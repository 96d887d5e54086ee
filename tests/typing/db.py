"""The session and the model signals."""

from pathlib import Path
from typing import Any, assert_type

import sqlmodel
from sqlalchemy import URL, Engine
from sqlmodel import Field, SQLModel, select
from sqlmodel.ext.asyncio.session import AsyncSession as PlainAsyncSession

from signalcli.db import (
    AsyncSession,
    DatabaseUnusable,
    Session,
    create_engine,
    on_commit,
    post_save,
    pre_init,
    set_up_sqlite,
    touch,
)
from signalcli.dispatch import Signal, receiver


class Hero(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str


@receiver(post_save, sender=Hero)
def greet(instance: Hero, created: bool, **kwargs: Any) -> str:
    return instance.name


def the_session_is_a_session_of_sqlmodel(engine: Engine) -> None:
    with Session(engine) as session:
        assert_type(session, Session)
        plain: sqlmodel.Session = session
        assert_type(session.get(Hero, 1), Hero | None)
        assert_type(session.exec(select(Hero)).first(), Hero | None)
        assert_type(session.exec(select(Hero.name)).one(), str)
        assert_type(session.add(Hero(name="Deadpond")), None)
        assert_type(session.delete(plain), None)
        assert_type(session.is_bulk, bool)
        session.exec("SELECT 1")  # type: ignore[call-overload]


def bulk_work_gives_a_batch(session: Session) -> None:
    with session.bulk(500, commit=True) as batch:
        assert_type(batch.is_full, bool)
        assert_type(batch.write(), None)
    session.bulk("500")  # type: ignore[arg-type]
    session.bulk(500, True)  # type: ignore[call-arg]


async def the_async_session_is_one_of_sqlmodel(session: AsyncSession) -> None:
    plain: PlainAsyncSession = session
    assert_type(await session.get(Hero, 1), Hero | None)
    assert_type((await plain.exec(select(Hero.name))).one(), str)
    async with session.bulk(commit=True) as batch:
        assert_type(await batch.write_if_full(), None)
    with session.bulk():  # type: ignore[attr-defined]
        pass


def functions_around_a_session(session: Session, shared: AsyncSession) -> None:
    assert_type(on_commit(session, lambda: 1), None)
    assert_type(on_commit(shared, print, robust=True), None)
    on_commit(lambda: 1, session)  # type: ignore[arg-type]
    on_commit(session, 1)  # type: ignore[arg-type]
    assert_type(touch(Hero(name="Deadpond")), None)


def engines(engine: Engine) -> None:
    assert_type(create_engine("heroes.db", immediate=True, echo=True), Engine)
    assert_type(create_engine(Path("heroes.db")), Engine)
    assert_type(create_engine(URL.create("sqlite")), Engine)
    assert_type(set_up_sqlite(engine, write_ahead=False), None)
    create_engine(b"heroes.db")  # type: ignore[arg-type]
    error: Exception = DatabaseUnusable("no such place")
    assert_type(DatabaseUnusable.exit_code, int)
    assert error


def model_signals_are_signals_that_know_senders_by_name() -> None:
    signal: Signal = pre_init
    assert_type(post_save.connect(greet, sender="shop.Hero")(Hero(name="Deadpond"), True), str)
    assert_type(signal.disconnect(greet), bool)
