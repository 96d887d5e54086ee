"""Nothing else changes: the same work on the plain session and on ours, and both come out alike.

Each piece of work runs on ``sqlmodel.Session``, on ours with nobody connected, with receivers that
do nothing, with one for a model that has no part in it, watched, and within ``bulk()``.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlmodel
from sqlalchemy import Column, ForeignKey, Integer, event, func
from sqlalchemy import create_engine as plain_engine
from sqlalchemy.orm import Mapped, column_property, mapped_column, registry, relationship
from sqlmodel import Field, Relationship, SQLModel, select

from signalcli.db import Session, m2m_changed, post_save, pre_save
from signalcli.dispatch import Interceptor, watch
from tests.db.shop_models import WRITING_SIGNALS

Work = Callable[[sqlmodel.Session], Any]


class Base(SQLModel, registry=registry()):
    """Keeps these tables to themselves."""


class Group(Base, table=True):
    """Whose members go with it, and know nothing of it."""

    __tablename__ = "alike_group"
    id: int | None = Field(default=None, primary_key=True)
    members: list["Member"] = Relationship(cascade_delete=True)


class Member(Base, table=True):
    """Goes with its group."""

    __tablename__ = "alike_member"
    id: int | None = Field(default=None, primary_key=True)
    group_id: int | None = Field(default=None, foreign_key="alike_group.id")


class Parent(Base, table=True):
    """Has one child."""

    __tablename__ = "alike_parent"
    id: int | None = Field(default=None, primary_key=True)
    child: "Child" = Relationship(
        sa_relationship_kwargs={"uselist": False, "cascade": "all, delete-orphan"}
    )


class Child(Base, table=True):
    """The only one."""

    __tablename__ = "alike_child"
    id: int | None = Field(default=None, primary_key=True)
    parent_id: int | None = Field(default=None, foreign_key="alike_parent.id")


class Team(Base, table=True):
    """Leaves its heroes behind."""

    __tablename__ = "alike_team"
    id: int | None = Field(default=None, primary_key=True)
    heroes: list["Hero"] = Relationship(back_populates="team")


class Hero(Base, table=True):
    """Stays when the team goes."""

    __tablename__ = "alike_hero"
    id: int | None = Field(default=None, primary_key=True)
    name: str = ""
    team_id: int | None = Field(default=None, foreign_key="alike_team.id")
    team: Team | None = Relationship(back_populates="heroes")


class Silent(Base, table=True):
    """Does not want its notes to be loaded."""

    __tablename__ = "alike_silent"
    id: int | None = Field(default=None, primary_key=True)
    notes: list["Note"] = Relationship(sa_relationship_kwargs={"lazy": "raise"})
    marks: list["Mark"] = Relationship(sa_relationship_kwargs={"lazy": "raise_on_sql"})


class Note(Base, table=True):
    """Stays when the silent one goes."""

    __tablename__ = "alike_note"
    id: int | None = Field(default=None, primary_key=True)
    silent_id: int | None = Field(default=None, foreign_key="alike_silent.id")


class Mark(Base, table=True):
    """Likewise."""

    __tablename__ = "alike_mark"
    id: int | None = Field(default=None, primary_key=True)
    silent_id: int | None = Field(default=None, foreign_key="alike_silent.id")


class Store(Base, table=True):
    """Has more than it will list."""

    __tablename__ = "alike_store"
    id: int | None = Field(default=None, primary_key=True)


class Ware(Base, table=True):
    """One of the many."""

    __tablename__ = "alike_ware"
    id: int | None = Field(default=None, primary_key=True)
    store_id: int | None = Field(default=None, foreign_key="alike_store.id")


Store.__mapper__.add_property(  # type: ignore[attr-defined]  # of SQLAlchemy
    "wares", relationship(Ware, lazy="write_only")
)

_version = Column("version", Integer, nullable=False)


class Document(Base, table=True):
    """Counts its versions."""

    __tablename__ = "alike_document"
    __mapper_args__ = {"version_id_col": _version}
    id: int | None = Field(default=None, primary_key=True)
    version: int | None = Field(default=None, sa_column=_version)
    text: str = ""


class Knob(Base, table=True):
    """At the end of a chain."""

    __tablename__ = "alike_knob"
    id: int | None = Field(default=None, primary_key=True)


class Lid(Base, table=True):
    """In the middle of it."""

    __tablename__ = "alike_lid"
    id: int | None = Field(default=None, primary_key=True)
    knob_id: int | None = Field(default=None, foreign_key="alike_knob.id")
    knob: Knob | None = Relationship(sa_relationship_kwargs={"cascade": "all"})


class Box(Base, table=True):
    """Where it begins: what a box has goes with it."""

    __tablename__ = "alike_box"
    id: int | None = Field(default=None, primary_key=True)
    lid_id: int | None = Field(default=None, foreign_key="alike_lid.id")
    lid: Lid | None = Relationship(sa_relationship_kwargs={"cascade": "all"})


class Country(Base, table=True):
    """Has a key that means something."""

    __tablename__ = "alike_country"
    code: str = Field(primary_key=True)
    note: str = ""


class City(Base, table=True):
    """Refers to it."""

    __tablename__ = "alike_city"
    id: int | None = Field(default=None, primary_key=True)
    code: str = Field(
        default=None, sa_column=Column(ForeignKey("alike_country.code", onupdate="CASCADE"))
    )
    country: Country | None = Relationship()


class Unique(Base, table=True):
    """Of each name there is one."""

    __tablename__ = "alike_unique"
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)


class Owned(Base, table=True):
    """Never without its owner, who has it in a list that it does not know."""

    __tablename__ = "alike_owned"
    id: int | None = Field(default=None, primary_key=True)
    owner_id: int | None = Field(default=None, foreign_key="alike_owner.id", nullable=False)


class Owner(Base, table=True):
    """Has what it has."""

    __tablename__ = "alike_owner"
    id: int | None = Field(default=None, primary_key=True)
    owned: list[Owned] = Relationship()


class Elsewhere(Base, table=True):
    """Has no part in anything."""

    __tablename__ = "alike_elsewhere"
    id: int | None = Field(default=None, primary_key=True)


declared = registry(metadata=Base.metadata)


@declared.mapped
class Counted:
    """A class of plain SQLAlchemy with a column that the database works out."""

    __tablename__ = "alike_counted"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


Counted.length = column_property(func.length(Counted.name))  # type: ignore[attr-defined]  # added


@dataclass
class Outcome:
    """What came of a piece of work.

    Attributes:
        result: what it returned, or what it raised.
        rows: the rows of all tables.
        warned: the warnings, in order.
        written: the statements that write, in order.
        fired: the session's events of flushing and committing, with what was pending.
    """

    result: Any = None
    rows: dict[str, list[Any]] = field(default_factory=dict)
    warned: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    fired: list[tuple[Any, ...]] = field(default_factory=list)


def nothing(**kwargs: Any) -> None:
    """A receiver that does nothing."""


@contextmanager
def listening(how: str) -> Iterator[None]:
    """Receivers or watchers."""
    with ExitStack() as stack:
        if how in ("receivers", "bulk"):
            for signal in (*WRITING_SIGNALS, m2m_changed):
                stack.enter_context(signal.connected_to(nothing))
        elif how == "of another":
            stack.enter_context(post_save.connected_to(nothing, sender=Elsewhere))
        elif how == "saves alone":
            stack.enter_context(pre_save.connected_to(nothing))
        elif how == "watched":
            stack.enter_context(watch(Interceptor()))
        yield


EVENTS = (
    "before_flush",
    "after_flush",
    "after_flush_postexec",
    "before_commit",
    "after_commit",
    "after_rollback",
    "after_soft_rollback",
    "after_transaction_create",
    "after_transaction_end",
    "pending_to_persistent",
    "persistent_to_deleted",
    "loaded_as_persistent",
)


def outcome(work: Work, how: str, *, is_strict: bool = False) -> Outcome:
    """Do the work in a database of its own."""
    done = Outcome()
    engine = plain_engine("sqlite://")
    if is_strict:
        event.listen(engine, "connect", lambda c, r: c.execute("PRAGMA foreign_keys = ON"))
    Base.metadata.create_all(engine)

    @event.listens_for(engine, "before_cursor_execute")
    def note(c: Any, cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
        if statement.startswith(("INSERT", "UPDATE", "DELETE")):
            done.written.append(f"{' '.join(statement.split())} {parameters}")

    kind = sqlmodel.Session if how == "plain" else Session
    with listening(how), kind(engine) as session:
        for name in EVENTS:

            def fire(session: Any, *args: Any, name: str = name) -> None:
                # SQLAlchemy goes through the rows of a flush in no order.
                is_of_a_row = "_to_" in name or "loaded" in name
                pending = () if is_of_a_row else (len(session.new), len(session.deleted))
                done.fired.append((name, *pending))

            event.listen(session, name, fire)
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            try:
                if how == "bulk":
                    with session.bulk():  # type: ignore[attr-defined]  # ours
                        done.result = work(session)
                else:
                    done.result = work(session)
                session.commit()
            except Exception as error:
                done.result = f"{type(error).__name__}: {error}"
                session.rollback()
        done.warned = [str(each.message) for each in warned]
    with engine.connect() as connection:
        done.rows = {
            table.name: [tuple(row) for row in connection.execute(select(table))]
            for table in Base.metadata.sorted_tables
        }
    engine.dispose()
    return done


def taken_back_by_add(session: sqlmodel.Session) -> None:
    """A member that its group's deletion has marked is kept."""
    member = Member()
    group = Group(members=[member])
    session.add(group)
    session.commit()
    with session.no_autoflush:
        session.delete(group)
        session.add(member)
        member.group_id = None
    session.commit()


def given_to_another_parent(session: sqlmodel.Session) -> None:
    """A member that its group's deletion has marked is taken in by another."""
    member = Member()
    old, new = Group(members=[member]), Group()
    session.add_all([old, new])
    session.commit()
    session.delete(old)
    with session.no_autoflush:
        new.members.append(member)
        session.add(member)
    session.commit()


def one_given_to_another_parent(session: sqlmodel.Session) -> None:
    """The same of an only child."""
    child = Child()
    old = Parent(child=child)
    session.add(old)
    session.commit()
    with session.no_autoflush:
        session.delete(old)
        session.add(Parent(child=child))
    session.commit()


def expunged_while_new(session: sqlmodel.Session) -> None:
    """What was let go of before it was written stands in the list of who is deleted."""
    team = Team()
    session.add(team)
    session.flush()
    hero = Hero(name="draft")
    team.heroes.append(hero)
    session.expunge(hero)
    session.delete(team)


def expunged_and_changed(session: sqlmodel.Session) -> None:
    """What was let go of and changed then, likewise."""
    hero = Hero(name="as it was")
    team = Team(heroes=[hero])
    session.add(team)
    session.flush()
    session.expunge(hero)
    hero.name = "scratch"
    session.delete(team)


def deleted_twice(session: sqlmodel.Session) -> None:
    """An instance is deleted whose row has gone in the same transaction."""
    hero = Hero(name="gone")
    session.add(hero)
    session.commit()
    session.delete(hero)
    session.flush()
    session.delete(hero)


def deleted_child_in_the_list(session: sqlmodel.Session) -> None:
    """A deleted child still stands in its parent's list when that is deleted."""
    hero = Hero()
    team = Team(heroes=[hero])
    session.add(team)
    session.flush()
    session.delete(hero)
    session.flush()
    session.delete(team)


def deleted_without_loading(session: sqlmodel.Session) -> None:
    """Whose children refuse to be loaded is deleted."""
    session.add(Silent(notes=[Note(), Note()], marks=[Mark()]))
    session.commit()
    session.expire_all()
    session.delete(session.exec(select(Silent)).one())


def deleted_with_more_than_can_be_listed(session: sqlmodel.Session) -> None:
    """Whose children cannot be listed is not deleted, and SQLAlchemy says why."""
    store: Any = Store()
    session.add(store)
    session.flush()
    store.wares.add(Ware())
    session.commit()
    session.delete(store)


def version_alone(session: sqlmodel.Session) -> Any:
    """The version counter is all that changes."""
    document = Document(text="one")
    session.add(document)
    session.commit()
    document.version = 7
    session.commit()
    return document.version


def key_worked_out(session: sqlmodel.Session) -> None:
    """A foreign key is worked out by the database."""
    team, hero = Team(), Hero()
    session.add_all([team, hero])
    session.commit()
    hero.team_id = select(func.max(Team.id)).scalar_subquery()  # type: ignore[assignment]  # SQL
    session.commit()


def cascade_that_grows(session: sqlmodel.Session) -> None:
    """After the deletion, what was to stay is put where the deletion reaches it."""
    box, lid, knob = Box(), Lid(), Knob()
    session.add_all([box, lid, knob])
    session.flush()
    session.delete(box)
    box.lid = lid
    lid.knob = knob


def column_that_is_read_only(session: sqlmodel.Session) -> None:
    """An attribute is set that no column stands behind."""
    counted = Counted(name="four")  # type: ignore[call-arg]  # mapped
    session.add(counted)
    session.commit()
    counted.length = 9  # type: ignore[attr-defined]  # added
    session.commit()


def row_taken_over(session: sqlmodel.Session) -> None:
    """A row is deleted and made anew under one key."""
    country = Country(code="a")
    session.add(country)
    session.commit()
    session.delete(country)
    session.add(Country(code="a", note="new"))


def key_renamed(session: sqlmodel.Session) -> None:
    """A key changes, and a new child refers to it."""
    country = Country(code="a")
    session.add(country)
    session.commit()
    assert country.code == "a"
    country.code = "b"
    session.add(country)
    session.add(City(country=country))


def value_freed(session: sqlmodel.Session) -> None:
    """A unique value is given up by one and taken by another."""
    first = Unique(name="a")
    session.add(first)
    session.commit()
    assert first.name == "a"
    first.name = "b"
    session.add(first)
    session.add(Unique(name="a"))


def appended_to_an_existing_parent(session: sqlmodel.Session) -> None:
    """A new child comes to a list that it does not know, and must not be without a parent."""
    owner = Owner()
    session.add(owner)
    session.commit()
    owner.owned.append(Owned())
    session.add(owner)


def appended_where_it_may_be_alone(session: sqlmodel.Session) -> None:
    """The same where it may."""
    group = Group()
    session.add(group)
    session.commit()
    group.members.append(Member())
    session.add(group)


def nobody_in_a_list(session: sqlmodel.Session) -> None:
    """None stands in a list."""
    team = Team()
    session.add(team)
    team.heroes.append(None)  # type: ignore[arg-type]  # on purpose


def in_a_list_but_in_no_session(session: sqlmodel.Session) -> None:
    """Somebody in a list was let go of."""
    team, hero = Team(), Hero()
    session.add(team)
    team.heroes.append(hero)
    session.expunge(hero)


def child_of_an_expired_parent(session: sqlmodel.Session) -> None:
    """New children name a parent that a commit has expired."""
    team = Team()
    session.add(team)
    session.commit()
    for _ in range(5):
        session.add(Hero(team=team))


def two_models_in_one_flush(session: sqlmodel.Session) -> None:
    """Models of many kinds are written together."""
    session.add_all([Counted(name="x"), Country(code="x"), Team(heroes=[Hero()])])  # type: ignore[call-arg]  # mapped


def savepoints(session: sqlmodel.Session) -> None:
    """Savepoints are kept and rolled back around deletions."""
    group = Group(members=[Member(), Member()])
    session.add(group)
    session.commit()
    with session.begin_nested():
        session.delete(group.members[0])
    point = session.begin_nested()
    session.delete(group)
    session.flush()
    point.rollback()
    group.members.append(Member())


WORK = [
    taken_back_by_add,
    given_to_another_parent,
    one_given_to_another_parent,
    expunged_while_new,
    expunged_and_changed,
    deleted_twice,
    deleted_child_in_the_list,
    deleted_without_loading,
    deleted_with_more_than_can_be_listed,
    version_alone,
    key_worked_out,
    cascade_that_grows,
    column_that_is_read_only,
    row_taken_over,
    key_renamed,
    value_freed,
    appended_to_an_existing_parent,
    appended_where_it_may_be_alone,
    nobody_in_a_list,
    in_a_list_but_in_no_session,
    child_of_an_expired_parent,
    two_models_in_one_flush,
    savepoints,
]


@pytest.mark.parametrize("is_strict", [False, True], ids=["", "foreign_keys"])
@pytest.mark.parametrize("work", WORK, ids=lambda work: work.__name__)
def test_the_work_comes_out_as_on_the_plain_session(work: Work, is_strict: bool) -> None:
    expected = outcome(work, "plain", is_strict=is_strict)
    for how in ("idle", "receivers", "of another", "saves alone", "watched"):
        assert outcome(work, how, is_strict=is_strict) == expected, how
    in_bulk = outcome(work, "bulk", is_strict=is_strict)
    assert (in_bulk.result, in_bulk.rows, in_bulk.warned) == (
        expected.result,
        expected.rows,
        expected.warned,
    )
