"""The models of the database tests, and what the tests share to look at signals."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Optional

from sqlalchemy import Engine, event
from sqlalchemy.orm import registry
from sqlmodel import Field, Relationship, SQLModel

from signalcli.db import post_delete, post_save, pre_delete, pre_save


class Base(SQLModel, registry=registry()):
    """Keeps these tables out of everybody else's metadata."""


class User(Base, table=True):
    """A parent whose profile and posts go with it."""

    __tablename__ = "dbtest_user"

    id: int | None = Field(default=None, primary_key=True)
    username: str = Field(unique=True)
    email: str = ""
    age: int = 0

    profile: Optional["Profile"] = Relationship(
        back_populates="user",
        sa_relationship_kwargs={"cascade": "all, delete-orphan", "uselist": False},
    )
    posts: list["Post"] = Relationship(
        back_populates="user", sa_relationship_kwargs={"cascade": "all, delete-orphan"}
    )


class Profile(Base, table=True):
    """One for a user."""

    __tablename__ = "dbtest_profile"

    id: int | None = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="dbtest_user.id", unique=True)
    first_name: str = ""

    user: User | None = Relationship(back_populates="profile")


class Post(Base, table=True):
    """The second level of three."""

    __tablename__ = "dbtest_post"

    id: int | None = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="dbtest_user.id")
    title: str = ""

    user: User | None = Relationship(back_populates="posts")
    comments: list["Comment"] = Relationship(
        back_populates="post", sa_relationship_kwargs={"cascade": "all, delete-orphan"}
    )


class Comment(Base, table=True):
    """The third level."""

    __tablename__ = "dbtest_comment"

    id: int | None = Field(default=None, primary_key=True)
    post_id: int = Field(foreign_key="dbtest_post.id")
    text: str = ""

    post: Post | None = Relationship(back_populates="comments")


class Log(Base, table=True):
    """Stands alone; what receivers like to add."""

    __tablename__ = "dbtest_log"

    id: int | None = Field(default=None, primary_key=True)
    text: str = ""


@dataclass
class Sent:
    """One signal that was sent."""

    signal: str
    sender: str
    instance: Any
    named: dict[str, Any]

    def __str__(self) -> str:
        line = f"{self.signal} {self.sender}"
        if "created" in self.named:
            line += " created" if self.named["created"] else " updated"
        return line


class Seen:
    """Takes down every model signal of saving and deleting."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []

    def note(self, signal: Any, sender: type[Any], instance: Any, **named: Any) -> None:
        """The receiver."""
        self.sent.append(Sent(signal.name, sender.__name__, instance, named))

    def take(self) -> list[str]:
        """What was sent since the last time, as ``post_save User created``."""
        lines = [str(sent) for sent in self.sent]
        self.sent.clear()
        return lines

    def take_fields(self) -> list[tuple[str, str, set[str] | None]]:
        """The same, of saves only, each with its ``update_fields``."""
        found = [
            (sent.signal, sent.sender, fields if fields is None else set(fields))
            for sent in self.sent
            if "update_fields" in sent.named
            for fields in [sent.named["update_fields"]]
        ]
        self.sent.clear()
        return found


CREATED_USER = ["pre_save User", "post_save User created"]
UPDATED_USER = ["pre_save User", "post_save User updated"]
DELETED_USER = ["pre_delete User", "post_delete User"]

WRITING_SIGNALS = (pre_save, post_save, pre_delete, post_delete)

Connect = Callable[..., Any]


@contextmanager
def statements_of(engine: Engine) -> Iterator[list[str]]:
    """The SQL statements that an engine executes meanwhile."""
    statements: list[str] = []

    def note(
        connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
    ) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)
