"""A web application's session for each request, with receivers, over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, HTTPException
from fastapi.testclient import TestClient
from sqlalchemy import URL, Engine
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel, select

from signalcli.db import (
    AsyncSession,
    Session,
    create_engine,
    post_delete,
    post_save,
    pre_save,
)
from tests.db.async_work import async_engine
from tests.db.shop_models import (
    CREATED_USER,
    DELETED_USER,
    UPDATED_USER,
    Base,
    Connect,
    Log,
    Seen,
    User,
)


class UserIn(SQLModel):
    """What is posted."""

    username: str
    email: str = ""


class UserOut(UserIn):
    """What comes back."""

    id: int


def sync_app(database: URL) -> FastAPI:
    """Endpoints in threads, each request with a session of its own."""
    app = FastAPI()
    engine = create_engine(database)

    def get_session() -> Iterator[Session]:
        with Session(engine) as session:
            yield session

    def get_user(user_id: int, session: Annotated[Session, Depends(get_session)]) -> User:
        user = session.get(User, user_id)
        if user is None:
            raise HTTPException(404)
        return user

    @app.post("/users", response_model=UserOut)
    def create(data: UserIn, session: Annotated[Session, Depends(get_session)]) -> User:
        user = User.model_validate(data)
        session.add(user)
        session.commit()
        session.refresh(user)
        return user

    @app.patch("/users/{user_id}", response_model=UserOut)
    def update(
        data: UserIn,
        user: Annotated[User, Depends(get_user)],
        session: Annotated[Session, Depends(get_session)],
    ) -> User:
        user.sqlmodel_update(data.model_dump(exclude_unset=True))
        session.add(user)
        session.commit()
        session.refresh(user)
        return user

    @app.delete("/users/{user_id}", status_code=204)
    def delete(
        user: Annotated[User, Depends(get_user)],
        session: Annotated[Session, Depends(get_session)],
    ) -> None:
        session.delete(user)
        session.commit()

    app.router.on_shutdown.append(engine.dispose)
    return app


def async_app(database: URL) -> FastAPI:
    """The same with async endpoints."""
    app = FastAPI()
    engine = async_engine(database)

    async def get_session() -> AsyncIterator[AsyncSession]:
        async with AsyncSession(engine) as session:
            yield session

    async def get_user(
        user_id: int, session: Annotated[AsyncSession, Depends(get_session)]
    ) -> User:
        user = await session.get(User, user_id)
        if user is None:
            raise HTTPException(404)
        return user

    @app.post("/users", response_model=UserOut)
    async def create(data: UserIn, session: Annotated[AsyncSession, Depends(get_session)]) -> User:
        user = User.model_validate(data)
        session.add(user)
        await session.commit()
        await session.refresh(user)
        return user

    @app.patch("/users/{user_id}", response_model=UserOut)
    async def update(
        data: UserIn,
        user: Annotated[User, Depends(get_user)],
        session: Annotated[AsyncSession, Depends(get_session)],
    ) -> User:
        user.sqlmodel_update(data.model_dump(exclude_unset=True))
        session.add(user)
        await session.commit()
        await session.refresh(user)
        return user

    @app.delete("/users/{user_id}", status_code=204)
    async def delete(
        user: Annotated[User, Depends(get_user)],
        session: Annotated[AsyncSession, Depends(get_session)],
    ) -> None:
        await session.delete(user)
        await session.commit()

    app.router.on_shutdown.append(engine.dispose)
    return app


@pytest.fixture(params=[sync_app, async_app], ids=["sync", "async"])
def client(request: pytest.FixtureRequest, engine: Engine) -> Iterator[TestClient]:
    """A client of each kind of application, on the database of the engine."""
    app = request.param(engine.url)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def in_database(engine: Engine, column: Any) -> list[Any]:
    """The values of a column."""
    with Session(engine) as session:
        return sorted(session.exec(select(column)).all())


def test_creating_changing_and_deleting_over_http_sends_the_signals(
    client: TestClient, engine: Engine, seen: Seen
) -> None:
    response = client.post("/users", json={"username": "ann"})
    assert response.json() == {"id": 1, "username": "ann", "email": ""}
    assert seen.take() == CREATED_USER

    response = client.patch("/users/1", json={"username": "ann", "email": "a@mail.com"})
    assert response.json()["email"] == "a@mail.com"
    assert [fields for _, _, fields in seen.take_fields()] == [{"email"}, {"email"}]

    assert client.delete("/users/1").status_code == 204
    assert seen.take() == DELETED_USER
    assert in_database(engine, User.username) == []


def test_a_request_that_changes_nothing_sends_nothing(client: TestClient, seen: Seen) -> None:
    client.post("/users", json={"username": "ann"})
    assert seen.take() == CREATED_USER
    assert client.patch("/users/1", json={"username": "ann"}).status_code == 200
    assert seen.take() == []


def test_receivers_write_in_the_transaction_of_the_request(
    client: TestClient, engine: Engine, connect: Connect
) -> None:
    def log(instance: User, signal: Any, session: Session, **kwargs: Any) -> None:
        session.add(Log(text=f"{signal.name} {instance.username}"))

    connect(post_save, log, User)
    connect(post_delete, log, User)
    client.post("/users", json={"username": "ann"})
    client.delete("/users/1")
    assert in_database(engine, Log.text) == ["post_delete ann", "post_save ann"]


@pytest.mark.parametrize("signal", [pre_save, post_save], ids=lambda signal: signal.name)
def test_a_failing_receiver_answers_500_and_leaves_nothing_half_written(
    client: TestClient, engine: Engine, connect: Connect, seen: Seen, signal: Any
) -> None:
    def log_and_refuse(session: Session, **kwargs: Any) -> None:
        session.add(Log(text="half"))
        session.flush()
        raise LookupError("no")

    connect(signal, log_and_refuse, User)
    assert client.post("/users", json={"username": "ann"}).status_code == 500
    assert in_database(engine, User.username) == []
    assert in_database(engine, Log.text) == []
    signal.disconnect(log_and_refuse, User)
    seen.take()
    # The next request is none the worse for it.
    assert client.post("/users", json={"username": "ann"}).status_code == 200
    assert seen.take() == CREATED_USER


def test_an_async_receiver_is_awaited_in_either_kind_of_application(
    client: TestClient, connect: Connect
) -> None:
    called: list[str] = []

    async def note(instance: User, **kwargs: Any) -> None:
        await asyncio.sleep(0)
        called.append(instance.username)

    connect(post_save, note, User)
    assert client.post("/users", json={"username": "ann"}).status_code == 200
    assert called == ["ann"]


def test_a_failing_async_receiver_answers_500_and_leaves_nothing_half_written(
    client: TestClient, engine: Engine, connect: Connect
) -> None:
    async def refuse(**kwargs: Any) -> None:
        await asyncio.sleep(0)
        raise LookupError("no")

    connect(post_save, refuse, User)
    assert client.post("/users", json={"username": "ann"}).status_code == 500
    assert in_database(engine, User.username) == []


def test_a_row_that_the_database_refuses_answers_500_and_the_next_request_goes_on(
    client: TestClient, engine: Engine, seen: Seen
) -> None:
    client.post("/users", json={"username": "ann"})
    assert client.post("/users", json={"username": "ann"}).status_code == 500
    seen.take()
    assert client.post("/users", json={"username": "ben"}).status_code == 200
    assert seen.take() == CREATED_USER
    assert in_database(engine, User.username) == ["ann", "ben"]


def test_what_a_receiver_raises_reaches_the_applications_own_handler(
    engine: Engine, connect: Connect
) -> None:
    def refuse(**kwargs: Any) -> None:
        raise PermissionError("no")

    app = sync_app(engine.url)

    @app.exception_handler(PermissionError)
    def answer(request: Any, error: PermissionError) -> Any:
        from fastapi.responses import JSONResponse

        return JSONResponse({"detail": str(error)}, status_code=403)

    connect(pre_save, refuse, User)
    with TestClient(app) as client:
        response = client.post("/users", json={"username": "ann"})
    assert (response.status_code, response.json()) == (403, {"detail": "no"})
    assert in_database(engine, User.username) == []


def test_the_error_of_the_database_reaches_the_application(engine: Engine) -> None:
    app = sync_app(engine.url)
    with TestClient(app) as client:
        client.post("/users", json={"username": "ann"})
        with pytest.raises(IntegrityError):
            client.post("/users", json={"username": "ann"})


def test_an_update_over_http_is_announced_before_it_is_written(
    client: TestClient, engine: Engine, connect: Connect, seen: Seen
) -> None:
    client.post("/users", json={"username": "ann"})
    seen.take()
    got: list[list[str]] = []

    def look(**kwargs: Any) -> None:
        got.append(in_database(engine, User.email))

    connect(pre_save, look, User)
    client.patch("/users/1", json={"username": "ann", "email": "new@mail.com"})
    assert got == [[""]]
    assert seen.take() == UPDATED_USER


def test_the_tables_are_those_of_the_tests(engine: Engine) -> None:
    assert "dbtest_user" in Base.metadata.tables
    assert in_database(engine, User.username) == []
