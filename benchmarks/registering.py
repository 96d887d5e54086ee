"""What the signals cost a registration in a running process.

One user is registered with the demo's receivers, who make the profile and show the notification,
and compared with a plain ``sqlmodel.Session`` that writes the same two rows in the same two flushes
without any signal. Once with a commit for each registration, as an application does it, and once
with one commit for a hundred, so that waiting for the disk hides nothing. For information: what the
command does besides (it checks the values, looks whether the name is taken, and reads the account
back), against a plain session that does that, too; what watching adds; Django with the same
receivers, rows and pragmas; and how much of a plain registration its commit is. Then large flushes:
new rows with and without a receiver, and many links of a many-to-many relationship.
"""

import io
import itertools
import tempfile
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import sqlmodel
from sqlalchemy import Engine, delete
from sqlmodel import Field, Relationship, SQLModel, select

from benchmarks.django_peer import django_peer
from benchmarks.figures import Figure
from benchmarks.timing import compare
from signalcli.apps import apps
from signalcli.core import users
from signalcli.core.models import Profile, User
from signalcli.core.signals import notification
from signalcli.core.values import checked_email, checked_name, checked_username
from signalcli.db import Session, create_engine, m2m_changed, post_save
from signalcli.trace import Recorder, record

ROUNDS, ROUNDS_OF_A_HUNDRED, ROUNDS_OF_MANY = 300, 21, 7
REACH, REACH_OF_A_HUNDRED, REACH_OF_LINKS = 1.2, 1.15, 1.3

Work = Callable[[Any, str], object]

_names = (f"new{number}" for number in itertools.count())


def with_signals(session: Session, name: str) -> None:
    """Store a user, whose profile a receiver makes, and notify them."""
    user = User(username=name, email=f"{name}@mail.com")
    session.add(user)
    session.flush()
    notification.send(User, email=user.email, username=user.username)


def without_signals(session: sqlmodel.Session, name: str) -> None:
    """Write the same rows in the same flushes."""
    user = User(username=name, email=f"{name}@mail.com")
    session.add(user)
    session.flush()
    session.add(Profile(user_id=user.id))
    session.flush()


def as_the_command(session: Session, name: str) -> None:
    """All that the command does to the database."""
    users.register(session, name, f"{name}@mail.com")


def as_the_command_without_signals(session: sqlmodel.Session, name: str) -> None:
    """The same checks and queries, without signals."""
    username, email = checked_username(name), checked_email(f"{name}@mail.com")
    names = checked_name("", "first name"), checked_name("", "last name")
    if session.exec(select(User.id).where(User.username == username)).first() is not None:
        return
    user = User(username=username, email=email)
    session.add(user)
    session.flush()
    session.add(Profile(user_id=user.id, first_name=names[0], last_name=names[1]))
    session.flush()
    columns = (*vars_of(User), *vars_of(Profile))
    query = sqlmodel.select(*columns).select_from(User).outerjoin(Profile)
    session.exec(query.where(User.username == username)).one()


def vars_of(model: type[SQLModel]) -> list[Any]:
    """A model's columns."""
    return list(model.__table__.columns)  # type: ignore[attr-defined]  # SQLModel does not say


def one(
    engine: Engine, session_class: type[sqlmodel.Session], work: Work, times: int = 1
) -> Callable[[], None]:
    """Register as many as ``times`` in a session of their own, and commit once."""

    def run() -> None:
        with session_class(engine) as session:
            for _ in range(times):
                work(session, next(_names))
            session.commit()

    return run


def uncommitted(engine: Engine) -> Callable[[], None]:
    """Register without signals, and take it back."""

    def run() -> None:
        with sqlmodel.Session(engine) as session:
            without_signals(session, next(_names))

    return run


def watched(run: Callable[[], None]) -> Callable[[], None]:
    """The same while a trace is taken."""

    def run_watched() -> None:
        with record(Recorder()):
            run()

    return run_watched


class Row(SQLModel, table=True):
    """A row like any."""

    id: int | None = Field(default=None, primary_key=True)
    text: str


class Tagging(SQLModel, table=True):
    """The link table of posts and tags."""

    post_id: int = Field(foreign_key="post.id", primary_key=True)
    tag_id: int = Field(foreign_key="tag.id", primary_key=True)


class Post(SQLModel, table=True):
    """What has tags."""

    id: int | None = Field(default=None, primary_key=True)
    tags: list["Tag"] = Relationship(link_model=Tagging)


class Tag(SQLModel, table=True):
    """What posts have."""

    id: int | None = Field(default=None, primary_key=True)


def rows(
    engine: Engine, session_class: type[sqlmodel.Session], model: type[Any], count: int
) -> Callable[[], None]:
    """Write many new rows in one flush, and take them back."""

    def run() -> None:
        with session_class(engine) as session:
            session.add_all([model(text="text") for _ in range(count)])
            session.flush()

    return run


def links(engine: Engine, session_class: type[sqlmodel.Session], posts: int) -> Callable[[], None]:
    """Give each of many posts all tags in one flush, and take that back."""

    def run() -> None:
        with session_class(engine) as session:
            tags = list(session.exec(select(Tag)))
            session.add_all([Post(tags=tags) for _ in range(posts)])
            session.flush()

    return run


def _receive(instance: Any, **kwargs: Any) -> None:
    """A receiver that does nothing."""


def measure() -> Iterator[Figure]:
    """Register in all ways."""
    apps.populate()
    with tempfile.TemporaryDirectory() as folder:
        engine = create_engine(Path(folder, "demo.db"))
        SQLModel.metadata.create_all(engine)
        yield from _registrations(engine)
        yield from _django(Path(folder, "django.db"), engine)
        yield from _large(engine)
        engine.dispose()


def _registrations(engine: Engine) -> Iterator[Figure]:
    ours, plain = one(engine, Session, with_signals), one(engine, sqlmodel.Session, without_signals)
    yield _figure("register, a commit each", "a plain session", ours, plain, REACH)
    hundred = one(engine, Session, with_signals, 100)
    plain_hundred = one(engine, sqlmodel.Session, without_signals, 100)
    yield _figure(
        "register 100 in a transaction",
        "a plain session",
        hundred,
        plain_hundred,
        REACH_OF_A_HUNDRED,
        rounds=ROUNDS_OF_A_HUNDRED,
    )
    yield _figure("a plain registration without its commit", "with it", uncommitted(engine), plain)
    command = one(engine, Session, as_the_command)
    yield _figure("the command's register", "a plain session that only writes", command, plain)
    yield _figure(
        "the command's register",
        "a plain session with the same checks and queries",
        command,
        one(engine, sqlmodel.Session, as_the_command_without_signals),
    )


def _django(database: Path, engine: Engine) -> Iterator[Figure]:
    peer = django_peer(database)

    def django(times: int = 1) -> None:
        with peer.atomic():
            for _ in range(times):
                peer.register(next(_names))

    ours = one(engine, Session, with_signals)
    yield _figure("register, a commit each", "Django", ours, django)
    yield _figure(
        "register 100 in a transaction",
        "Django",
        one(engine, Session, with_signals, 100),
        lambda: django(100),
        rounds=ROUNDS_OF_A_HUNDRED,
    )
    # Last of the registrations: once watched, models tell of each change for good.
    yield _figure("register, a commit each, watched", "unwatched", watched(ours), ours)


def _large(engine: Engine) -> Iterator[Figure]:
    with Session(engine) as session:
        session.exec(delete(Tag))
        session.add_all([Tag() for _ in range(100)])
        session.commit()
    for count in (1_000, 10_000):
        ours, plain = (rows(engine, each, Row, count) for each in (Session, sqlmodel.Session))
        yield _figure(
            f"flush {count:,} new rows, of a model that nobody listens to",
            "a plain session",
            ours,
            plain,
            rounds=ROUNDS_OF_MANY,
        )
        with post_save.connected_to(_receive, Row):
            yield _figure(
                f"flush {count:,} new rows with a post_save receiver",
                "a plain session",
                ours,
                plain,
                rounds=ROUNDS_OF_MANY,
            )
    for posts in (50, 500):
        ours, plain = (links(engine, each, posts) for each in (Session, sqlmodel.Session))
        with m2m_changed.connected_to(_receive):
            yield _figure(
                f"flush {posts * 100:,} new links with an m2m_changed receiver",
                "a plain session",
                ours,
                plain,
                REACH_OF_LINKS,
                rounds=3,
            )


def _figure(
    what: str,
    compared_with: str,
    ours: Callable[[], object],
    peer: Callable[[], object],
    reach: float | None = None,
    rounds: int = ROUNDS,
) -> Figure:
    # What the receivers print is not for the report.
    with redirect_stdout(io.StringIO()):
        comparison = compare(ours, peer, rounds=rounds)
    return Figure.of(what, compared_with, comparison, reach)
