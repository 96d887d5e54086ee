"""Models of the trace tests, and how traces are written down in them."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import MetaData
from sqlmodel import Field, SQLModel

from signalcli.trace import Dispatch, Trace

Connect = Callable[..., Any]


class Base(SQLModel):
    """Keeps these tables out of everybody else's."""

    metadata = MetaData()


class Author(Base, table=True):
    __tablename__ = "trace_author"

    id: int | None = Field(default=None, primary_key=True)
    name: str

    def __str__(self) -> str:
        return self.name


class Note(Base, table=True):
    __tablename__ = "trace_note"

    id: int | None = Field(default=None, primary_key=True)
    text: str = ""
    api_key: str = ""


def outline(trace: Trace) -> list[tuple[str, str | None, str | None]]:
    """Each dispatch as its signal, its sender, and the receiver that caused it."""
    return [(entry.signal, entry.sender, cause(entry)) for entry in trace.dispatches]


def cause(dispatch: Dispatch) -> str | None:
    return None if dispatch.parent is None else dispatch.parent.short_receiver
