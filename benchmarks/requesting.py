"""What the signals cost a request of a web application.

A FastAPI application answers a request with 100 rows, and another by deleting a row with its 50
children, which is rolled back. Receivers that do nothing hear of each instance that is loaded, and
of each row that is deleted. The same application with a plain ``sqlmodel.Session`` is the peer.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import sqlmodel
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine
from sqlmodel import Field, Relationship, SQLModel, select

from benchmarks.figures import Figure
from benchmarks.timing import compare
from signalcli.db import Session, create_engine, post_delete, post_init, pre_delete

BOOKS, CHILDREN, ROUNDS = 100, 50, 150


class Shelf(SQLModel, table=True):
    """A row with children."""

    id: int | None = Field(default=None, primary_key=True)
    books: list["Book"] = Relationship(cascade_delete=True)


class Book(SQLModel, table=True):
    """A row like any."""

    id: int | None = Field(default=None, primary_key=True)
    title: str
    shelf_id: int | None = Field(default=None, foreign_key="shelf.id")


def application(engine: Engine, session_class: type[sqlmodel.Session]) -> TestClient:
    """The application, whose requests have a session of their own each."""
    app = FastAPI()

    def session() -> Iterator[sqlmodel.Session]:
        with session_class(engine) as opened:
            yield opened

    Opened = Annotated[sqlmodel.Session, Depends(session)]  # noqa: N806  # it is a type

    @app.get("/books")
    def books(session: Opened) -> list[Book]:
        return list(session.exec(select(Book).limit(BOOKS)))

    @app.delete("/shelf")
    def remove(session: Opened) -> int:
        session.delete(session.exec(select(Shelf).limit(1)).one())
        session.flush()
        return CHILDREN

    return TestClient(app)


def measure() -> Iterator[Figure]:
    """Ask both applications for the same."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        engine = create_engine(Path(folder, "demo.db"))
        stack.callback(engine.dispose)
        for model in (Shelf, Book):
            SQLModel.metadata.tables[str(model.__tablename__)].create(engine)
        with sqlmodel.Session(engine) as session:
            session.add(Shelf(books=[Book(title=f"Book {n}") for n in range(CHILDREN)]))
            session.add_all([Book(title=f"Lost {n}") for n in range(BOOKS - CHILDREN)])
            session.commit()
        ours, plain = (
            stack.enter_context(application(engine, each)) for each in (Session, sqlmodel.Session)
        )
        for signal in (post_init, pre_delete, post_delete):
            stack.enter_context(signal.connected_to(_receive, Book))
        for what, method, path, reach in (
            (f"a request that loads {BOOKS} rows, post_init received", "GET", "/books", 1.1),
            (f"a request that deletes {CHILDREN} children, received", "DELETE", "/shelf", 1.15),
        ):
            comparison = compare(
                _request(ours, method, path), _request(plain, method, path), rounds=ROUNDS
            )
            yield Figure.of(what, "with a plain session", comparison, reach)


def _request(client: TestClient, method: str, path: str) -> Callable[[], None]:
    def run() -> None:
        assert client.request(method, path).status_code == 200  # noqa: S101  # else nothing is measured

    return run


def _receive(instance: Any, **kwargs: Any) -> None:
    """Do nothing."""
