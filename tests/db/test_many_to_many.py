"""``m2m_changed``: what a flush writes to link tables, told before and after, from one side."""

import asyncio
import gc
import subprocess
import sys
import warnings
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import sqlmodel
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Engine, ForeignKey, ForeignKeyConstraint, Integer, Table, event
from sqlalchemy.orm import (
    attribute_keyed_dict,
    attributes,
    instrumentation,
    registry,
    relationship,
)
from sqlalchemy.orm.collections import InstrumentedList, InstrumentedSet, KeyFuncDict
from sqlalchemy.orm.exc import FlushError
from sqlalchemy.sql import literal
from sqlmodel import Field, Relationship, SQLModel, select

from signalcli.db import (
    AsyncSession,
    Session,
    create_engine,
    m2m_changed,
    post_save,
    pre_save,
    set_up_sqlite,
)
from signalcli.dispatch import Signal, watch
from signalcli.trace import Recorder, record
from tests import engines
from tests.conftest import NewDatabase
from tests.db.async_work import async_engine
from tests.db.shop_models import WRITING_SIGNALS, Connect, statements_of


class Base(SQLModel, registry=registry()):
    """Keeps these tables out of everybody else's metadata.

    Instances are told apart, where pydantic takes two for the same whose values are not loaded.
    """

    __eq__ = object.__eq__
    __hash__ = object.__hash__


class HeroTeam(Base, table=True):
    """The link of heroes to teams."""

    __tablename__ = "m2m_hero_team"

    hero_id: int = Field(foreign_key="m2m_hero.id", primary_key=True)
    team_id: int = Field(foreign_key="m2m_team.id", primary_key=True)


class Tagging(Base, table=True):
    """A link of composite keys, whose tenant is both sides'; the tag's own key comes first."""

    __tablename__ = "m2m_tagging"
    __table_args__ = (
        ForeignKeyConstraint(["tenant", "tag_id"], ["m2m_tag.tenant", "m2m_tag.id"]),
        ForeignKeyConstraint(["tenant", "text_id"], ["m2m_text.tenant", "m2m_text.id"]),
    )

    tenant: int = Field(primary_key=True)
    tag_id: int = Field(primary_key=True)
    text_id: int = Field(primary_key=True)


power_table = Table(
    "m2m_hero_power",
    Base.metadata,
    Column("hero_id", Integer, ForeignKey("m2m_hero.id"), primary_key=True),
    Column("power_id", Integer, ForeignKey("m2m_power.id"), primary_key=True),
)


def link_table(name: str) -> Table:
    """A link of heroes to places."""
    return Table(
        f"m2m_{name}",
        Base.metadata,
        Column("hero_id", Integer, ForeignKey("m2m_hero.id"), primary_key=True),
        Column("place_id", Integer, ForeignKey("m2m_place.id"), primary_key=True),
    )


class Places(list[Any]):
    """A collection class of somebody's own."""


class Place(Base, table=True):
    """What heroes have collections of, of any kind."""

    __tablename__ = "m2m_place"

    id: int | None = Field(default=None, primary_key=True)
    name: str = ""


class Hero(Base, table=True):
    """The forward side."""

    __tablename__ = "m2m_hero"

    id: int | None = Field(default=None, primary_key=True)
    name: str = ""

    teams: list["Team"] = Relationship(back_populates="heroes", link_model=HeroTeam)
    powers: list["Power"] = Relationship(
        sa_relationship=relationship("Power", secondary=power_table)
    )
    shown_teams: list["Team"] = Relationship(
        link_model=HeroTeam, sa_relationship_kwargs={"viewonly": True}
    )
    in_list: list[Place] = Relationship(
        sa_relationship=relationship(Place, secondary=link_table("in_list"))
    )
    in_set: set[Place] = Relationship(
        sa_relationship=relationship(Place, secondary=link_table("in_set"), collection_class=set)
    )
    in_dict: dict[str, Place] = Relationship(
        sa_relationship=relationship(
            Place,
            secondary=link_table("in_dict"),
            collection_class=attribute_keyed_dict("name"),
        )
    )
    in_own: list[Place] = Relationship(
        sa_relationship=relationship(Place, secondary=link_table("in_own"), collection_class=Places)
    )
    in_dynamic: list[Place] = Relationship(
        sa_relationship=relationship(
            Place, secondary=link_table("in_dynamic"), lazy="dynamic", passive_deletes=True
        )
    )
    in_write_only: list[Place] = Relationship(
        sa_relationship=relationship(
            Place, secondary=link_table("in_write_only"), lazy="write_only", passive_deletes=True
        )
    )
    home: Place | None = Relationship(
        sa_relationship=relationship(Place, secondary=link_table("home"), uselist=False)
    )


class Team(Base, table=True):
    """The reverse side."""

    __tablename__ = "m2m_team"

    id: int | None = Field(default=None, primary_key=True)
    name: str = ""

    heroes: list[Hero] = Relationship(back_populates="teams", link_model=HeroTeam)


class Power(Base, table=True):
    """Linked by a table without a class, and does not know its heroes."""

    __tablename__ = "m2m_power"

    id: int | None = Field(default=None, primary_key=True)


class Text(Base, table=True):
    """A composite key; the reverse side, for its key comes second in the link table."""

    __tablename__ = "m2m_text"

    tenant: int = Field(primary_key=True)
    id: int = Field(primary_key=True)

    tags: list["Tag"] = Relationship(
        sa_relationship=relationship(
            "Tag", secondary=Tagging.__table__, back_populates="texts", overlaps="tags,texts"
        )
    )


class Tag(Base, table=True):
    """A composite key; the forward side."""

    __tablename__ = "m2m_tag"

    tenant: int = Field(primary_key=True)
    id: int = Field(primary_key=True)

    texts: list[Text] = Relationship(
        sa_relationship=relationship(
            Text, secondary=Tagging.__table__, back_populates="tags", overlaps="tags,texts"
        )
    )


@pytest.fixture
def engine(new_database: NewDatabase) -> Iterator[Engine]:
    """A fresh database with these tables."""
    engine = create_engine(new_database("heroes", engines.tables_of(Base.metadata)))
    yield engine
    engine.dispose()


Line = tuple[str, str, set[Any] | None]


owning_table = Table(
    "m2m_owning",
    Base.metadata,
    Column("owner_id", Integer, ForeignKey("m2m_owner.id"), primary_key=True),
    Column("pet_id", Integer, ForeignKey("m2m_pet.id"), primary_key=True),
)


class Owner(Base, table=True):
    """Whose pets are nobody's without it."""

    __tablename__ = "m2m_owner"

    id: int | None = Field(default=None, primary_key=True)

    pets: list["Pet"] = Relationship(
        sa_relationship=relationship(
            "Pet",
            secondary=owning_table,
            back_populates="owners",
            cascade="all, delete-orphan",
            single_parent=True,
        )
    )


class Pet(Base, table=True):
    """Knows its owners."""

    __tablename__ = "m2m_pet"

    id: int | None = Field(default=None, primary_key=True)

    owners: list[Owner] = Relationship(
        sa_relationship=relationship(Owner, secondary=owning_table, back_populates="pets")
    )


class Ear:
    """Takes down ``m2m_changed``."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def note(self, **named: Any) -> None:
        """The receiver."""
        self.sent.append(named)

    def take(self) -> list[Line]:
        """What was sent since the last time: the action, the instance's name, the keys."""
        lines = [(named["action"], named["instance"].name, named["pk_set"]) for named in self.sent]
        self.sent.clear()
        return lines


@pytest.fixture
def ear(connect: Connect) -> Ear:
    """Listens all along."""
    ear = Ear()
    connect(m2m_changed, ear.note)
    return ear


@pytest.fixture
def hero(session: Session) -> Hero:
    """A hero, number 1, in teams 1 and 2, of whom nobody heard."""
    hero = Hero(name="ann", teams=[Team(name="one"), Team(name="two")])
    session.add(hero)
    session.commit()
    return hero


@pytest.fixture
def teams(session: Session, hero: Hero) -> list[Team]:
    """The hero's two teams, and two more."""
    session.add_all([Team(name="three"), Team(name="four")])
    session.commit()
    teams = list(session.exec(select(Team).order_by(Team.id)))
    # All is loaded, so that nothing autoflushes.
    assert [len(owned) for owned in (hero.teams, *(team.heroes for team in teams))] == [
        2,
        1,
        1,
        0,
        0,
    ]
    return teams


def both(action: str, name: str, keys: set[Any] | None) -> list[Line]:
    """Before and after."""
    return [(f"pre_{action}", name, keys), (f"post_{action}", name, keys)]


def linked(session: sqlmodel.Session) -> set[tuple[int, int]]:
    """The rows of the link table."""
    with session.no_autoflush:
        rows = session.exec(select(HeroTeam.hero_id, HeroTeam.team_id))
        return set(rows)


# What is told


def test_the_arguments_are_djangos_and_the_session(
    session: Session, hero: Hero, teams: list[Team], ear: Ear
) -> None:
    hero.teams.append(teams[2])
    session.commit()
    before, after = ear.sent
    assert before == {
        "signal": m2m_changed,
        "sender": HeroTeam,
        "action": "pre_add",
        "instance": hero,
        "reverse": False,
        "model": Team,
        "pk_set": {3},
        "using": str(session.get_bind().engine.url),
        "session": session,
    }
    assert after == {**before, "action": "post_add"}


def test_using_has_no_password(tmp_path: Path, ear: Ear) -> None:
    engine = sqlmodel.create_engine(f"sqlite:///file:{tmp_path}/x.db?uri=true&password=secret")
    shown = engine.url.set(username="ann", password="secret")
    engine.url = shown
    set_up_sqlite(engine)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Hero(teams=[Team()]))
        session.commit()
    engine.dispose()
    assert {named["using"] for named in ear.sent} == {shown.render_as_string(hide_password=True)}
    assert "ann:***@" in ear.sent[0]["using"]


def test_receivers_are_reached_by_the_link_model(
    session: Session, hero: Hero, teams: list[Team], connect: Connect
) -> None:
    links, powers = Ear(), Ear()
    connect(m2m_changed, links.note, HeroTeam)
    connect(m2m_changed, powers.note, power_table)
    hero.teams.append(teams[2])
    session.commit()
    assert (links.take(), powers.take()) == (both("add", "ann", {3}), [])
    hero.powers.append(Power(id=7))
    session.commit()
    assert {(named["sender"], named["model"], named["reverse"]) for named in powers.sent} == {
        (power_table, Power, False)
    }
    assert (links.take(), powers.take()) == ([], both("add", "ann", {7}))


def test_a_composite_key_is_a_tuple_and_the_first_foreign_key_says_what_is_forward(
    session: Session, connect: Connect
) -> None:
    found: list[tuple[Any, ...]] = []

    def note(instance: Any, action: str, reverse: bool, pk_set: Any, **kwargs: Any) -> None:
        found.append((action, type(instance), reverse, pk_set))

    connect(m2m_changed, note, Tagging)
    text, tag = Text(tenant=1, id=5), Tag(tenant=1, id=9)
    text.tags.append(tag)
    session.add(text)
    session.commit()
    tag.texts.remove(text)
    session.commit()
    assert found == [
        ("pre_add", Text, True, {(1, 9)}),
        ("post_add", Text, True, {(1, 9)}),
        ("pre_remove", Tag, False, {(1, 5)}),
        ("post_remove", Tag, False, {(1, 5)}),
    ]


def test_what_has_no_key_yet_is_in_the_keys_only_afterwards(
    session: Session, hero: Hero, ear: Ear
) -> None:
    new = Team()
    hero.teams += [new, Team(id=30)]
    session.commit()
    assert ear.take() == [("pre_add", "ann", {30}), ("post_add", "ann", {30, new.id})]
    hero.teams.append(Team())
    session.commit()
    assert ear.take()[0] == ("pre_add", "ann", set())


def test_the_order_within_a_flush(
    session: Session, hero: Hero, teams: list[Team], connect: Connect
) -> None:
    sent: list[str] = []

    def note(signal: Any, sender: Any, **named: Any) -> None:
        sent.append(named.get("action") or f"{signal.name} {sender.__name__}")

    going = Place(name="x")
    session.add(going)
    session.flush()
    for signal in (*WRITING_SIGNALS, m2m_changed):
        connect(signal, note)
    session.delete(going)
    hero.name = "ben"
    hero.teams = [teams[1], teams[2]]
    session.commit()
    assert sent == [
        "pre_save Hero",
        "pre_delete Place",
        "pre_remove",
        "pre_add",
        "post_save Hero",
        "post_remove",
        "post_add",
        "post_delete Place",
    ]


def test_before_the_write_the_rows_are_as_they_were_and_after_it_as_they_are(
    session: Session, hero: Hero, teams: list[Team], connect: Connect
) -> None:
    seen = {}

    def look(action: str, session: Session, **kwargs: Any) -> None:
        seen[action] = linked(session)

    connect(m2m_changed, look)
    hero.teams = [teams[1], teams[2]]
    session.commit()
    before, after = {(1, 1), (1, 2)}, {(1, 2), (1, 3)}
    assert seen == {
        "pre_remove": before,
        "pre_add": before,
        "post_remove": after,
        "post_add": after,
    }


# Which side


def test_the_side_that_was_asked_tells_and_only_it(
    session: Session, hero: Hero, teams: list[Team], ear: Ear
) -> None:
    teams[2].heroes.append(hero)
    hero.teams.remove(teams[0])
    hero.teams.append(teams[3])
    teams[1].heroes.remove(hero)
    session.commit()
    assert ear.take() == [
        ("pre_add", "three", {1}),
        ("pre_remove", "ann", {1}),
        ("pre_add", "ann", {4}),
        ("pre_remove", "two", {1}),
        ("post_add", "three", {1}),
        ("post_remove", "ann", {1}),
        ("post_add", "ann", {4}),
        ("post_remove", "two", {1}),
    ]


def test_the_side_that_was_asked_last_tells(
    session: Session, hero: Hero, teams: list[Team], ear: Ear
) -> None:
    hero.teams.append(teams[2])
    hero.teams.remove(teams[2])
    teams[2].heroes.append(hero)
    session.commit()
    assert ear.take() == both("add", "three", {1})


def test_what_comes_to_nothing_is_not_told(
    session: Session, hero: Hero, teams: list[Team], ear: Ear
) -> None:
    hero.teams.append(teams[2])
    teams[2].heroes.remove(hero)
    hero.teams = list(hero.teams)
    last = hero.teams.pop()
    hero.teams.append(last)
    session.commit()
    assert ear.take() == []


@pytest.mark.parametrize("forward", [True, False])
def test_a_new_instance_that_was_asked_while_nobody_kept_it_tells(
    session: Session, ear: Ear, forward: bool
) -> None:
    if forward:
        session.add(Hero(name="new", teams=[Team(), Team()]))
    else:
        session.add(Team(name="new", heroes=[Hero(), Hero()]))
    session.commit()
    assert ear.take() == [("pre_add", "new", set()), ("post_add", "new", {1, 2})]


def test_a_change_of_which_nobody_heard_is_told_from_the_forward_side(
    session: Session, hero: Hero, teams: list[Team], connect: Connect
) -> None:
    teams[2].heroes.append(hero)
    teams[0].heroes.clear()
    ear = Ear()
    connect(m2m_changed, ear.note)
    session.commit()
    assert ear.take() == [
        ("pre_remove", "ann", {1}),
        ("pre_add", "ann", {3}),
        ("post_remove", "ann", {1}),
        ("post_add", "ann", {3}),
    ]


def test_a_change_that_only_the_other_side_still_shows_is_told(
    session: Session, hero: Hero, teams: list[Team], ear: Ear
) -> None:
    teams[2].heroes.append(hero)
    session.expire(teams[2], ["heroes"])
    session.commit()
    assert ear.take() == both("add", "ann", {3})
    assert (1, 3) in linked(session)


def test_what_is_merged_is_told(session: Session, hero: Hero, teams: list[Team], ear: Ear) -> None:
    with Session(session.get_bind()) as elsewhere:
        other = elsewhere.get_one(Hero, 1)
        assert len(other.teams) == 2
        other.teams.pop()
        elsewhere.expunge(other)
    session.merge(other)
    session.commit()
    assert ear.take() == both("remove", "ann", {2})


def test_a_flush_of_some_instances_tells_of_these(
    session: Session, hero: Hero, teams: list[Team], ear: Ear
) -> None:
    other = Hero(name="ben")
    session.add(other)
    session.flush()
    with session.no_autoflush:
        hero.teams.append(teams[2])
        other.teams.append(teams[3])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # newer versions of SQLAlchemy say so
        session.flush([other])
    assert ear.take() == both("add", "ben", {4})
    session.rollback()


# Clearing


def test_clear_is_told_as_such_and_what_comes_then_is_added(
    session: Session, hero: Hero, teams: list[Team], ear: Ear
) -> None:
    hero.teams.clear()
    hero.teams.append(teams[3])
    session.commit()
    assert ear.take() == [
        ("pre_clear", "ann", None),
        ("pre_add", "ann", {4}),
        ("post_clear", "ann", None),
        ("post_add", "ann", {4}),
    ]
    hero.teams.clear()
    hero.teams = teams[:2]
    session.commit()
    assert [action for action, _, _ in ear.take()[:2]] == ["pre_clear", "pre_add"]


def test_a_clear_that_leaves_some_is_a_removal_of_the_others(
    session: Session, hero: Hero, teams: list[Team], ear: Ear
) -> None:
    hero.teams.clear()
    hero.teams.extend(teams[1:3])
    session.commit()
    assert ear.take() == [
        ("pre_remove", "ann", {1}),
        ("pre_add", "ann", {3}),
        ("post_remove", "ann", {1}),
        ("post_add", "ann", {3}),
    ]


def test_a_clear_that_changes_nothing_is_not_told_and_not_remembered(
    session: Session, hero: Hero, teams: list[Team], ear: Ear
) -> None:
    hero.teams.clear()
    hero.teams.extend(teams[:2])
    session.commit()
    assert ear.take() == []
    hero.teams = []
    session.commit()
    assert ear.take() == both("remove", "ann", {1, 2})
    hero.teams.clear()
    session.commit()
    assert ear.take() == []


def remove_each(teams: list[Team]) -> None:
    for team in list(teams):
        teams.remove(team)


def delete_slice(teams: list[Team]) -> None:
    del teams[:]


def pop_each(teams: list[Team]) -> None:
    while teams:
        teams.pop()


REMOVALS = [remove_each, delete_slice, pop_each]


@pytest.mark.parametrize("remove", REMOVALS)
def test_the_removal_of_all_is_no_clear(
    session: Session, hero: Hero, ear: Ear, remove: Callable[[Any], None]
) -> None:
    remove(hero.teams)
    session.commit()
    assert ear.take() == both("remove", "ann", {1, 2})


@pytest.mark.parametrize("remove", REMOVALS)
@pytest.mark.parametrize("undo", [Session.rollback, Session.expire_all])
def test_a_clear_that_was_undone_is_forgotten(
    session: Session,
    hero: Hero,
    ear: Ear,
    undo: Callable[[Session], None],
    remove: Callable[[Any], None],
) -> None:
    hero.teams.clear()
    undo(session)
    remove(hero.teams)
    session.commit()
    assert ear.take() == both("remove", "ann", {1, 2})


def test_a_clear_while_somebody_listened_is_forgotten_when_nobody_does(
    session: Session, hero: Hero, teams: list[Team]
) -> None:
    ear = Ear()
    with m2m_changed.connected_to(ear.note):
        hero.teams.clear()
    session.commit()
    hero.teams = teams[:2]
    session.commit()
    with m2m_changed.connected_to(ear.note):
        remove_each(hero.teams)
        session.commit()
    assert ear.take() == both("remove", "ann", {1, 2})


@pytest.mark.parametrize("key", ["in_list", "in_set", "in_dict", "in_own"])
def test_collections_of_any_class_are_told_of(session: Session, ear: Ear, key: str) -> None:
    hero = Hero(name="ann")
    places = [Place(id=number, name=f"p{number}") for number in range(1, 4)]
    session.add_all([hero, *places])
    session.commit()
    collection = getattr(hero, key)
    add = {"in_set": "add", "in_dict": "set"}.get(key, "append")
    with session.no_autoflush:
        for place in places[:2]:
            getattr(collection, add)(place)
    session.commit()
    assert ear.take() == both("add", "ann", {1, 2})
    collection = getattr(hero, key)
    if key == "in_dict":
        del collection["p1"]
    else:
        collection.remove(places[0])
    session.commit()
    assert ear.take() == both("remove", "ann", {1})
    getattr(hero, key).clear()
    session.commit()
    assert ear.take() == both("clear", "ann", None)


@pytest.mark.parametrize("key", ["in_dynamic", "in_write_only"])
def test_collections_that_are_never_loaded_are_told_of(
    session: Session, ear: Ear, key: str
) -> None:
    hero = Hero(name="ann")
    places = [Place(id=number) for number in range(1, 4)]
    session.add_all([hero, *places])
    session.commit()
    getattr(hero, key).add_all(places[:2])
    session.commit()
    assert ear.take() == both("add", "ann", {1, 2})
    getattr(hero, key).remove(places[0])
    getattr(hero, key).add(places[2])
    session.commit()
    assert ear.take() == [
        ("pre_remove", "ann", {1}),
        ("pre_add", "ann", {3}),
        ("post_remove", "ann", {1}),
        ("post_add", "ann", {3}),
    ]


def test_a_relationship_of_one_is_told_of(session: Session, ear: Ear) -> None:
    hero = Hero(name="ann", home=Place(id=1))
    session.add(hero)
    session.commit()
    assert ear.take() == both("add", "ann", {1})
    hero.home = Place(id=2)
    session.commit()
    assert ear.take() == [
        ("pre_remove", "ann", {1}),
        ("pre_add", "ann", {2}),
        ("post_remove", "ann", {1}),
        ("post_add", "ann", {2}),
    ]
    hero.home = None
    session.commit()
    assert ear.take() == both("remove", "ann", {2})
    hero.home = Place(id=3)
    session.commit()
    ear.take()
    del hero.home
    session.commit()
    assert ear.take() == both("remove", "ann", {3})


def test_a_relationship_of_one_that_was_changed_while_nobody_heard_is_told_of(
    session: Session, connect: Connect
) -> None:
    hero = Hero(name="ann", home=Place(id=1))
    session.add_all([hero, Place(id=2)])
    session.commit()
    hero.home = session.get_one(Place, 2)
    ear = Ear()
    connect(m2m_changed, ear.note)
    session.commit()
    assert ear.take() == [
        ("pre_remove", "ann", {1}),
        ("pre_add", "ann", {2}),
        ("post_remove", "ann", {1}),
        ("post_add", "ann", {2}),
    ]


# What is not told


def test_a_link_written_as_a_row_sends_what_a_row_sends(
    session: Session, hero: Hero, teams: list[Team], ear: Ear, connect: Connect
) -> None:
    sent: list[str] = []

    def note(signal: Any, **kwargs: Any) -> None:
        sent.append(signal.name)

    for signal in WRITING_SIGNALS:
        connect(signal, note, HeroTeam)
    hero.teams.append(teams[2])
    session.commit()
    assert (sent, ear.take()) == ([], both("add", "ann", {3}))
    session.add(HeroTeam(hero_id=1, team_id=4))
    session.commit()
    assert (sent, ear.take()) == (["pre_save", "post_save"], [])


@pytest.mark.parametrize("forward", [True, False])
def test_a_deletion_tells_of_what_was_asked_before_and_of_nothing_else(
    session: Session, hero: Hero, teams: list[Team], ear: Ear, forward: bool
) -> None:
    session.delete(hero if forward else teams[0])
    session.commit()
    assert ear.take() == []
    assert linked(session) == (set() if forward else {(1, 2)})


def test_a_clear_before_a_deletion_is_told(
    session: Session, hero: Hero, teams: list[Team], ear: Ear
) -> None:
    hero.teams.clear()
    session.delete(hero)
    session.commit()
    assert ear.take() == both("clear", "ann", None)


def test_a_removal_of_what_is_deleted_too_is_told(
    session: Session, hero: Hero, teams: list[Team], ear: Ear
) -> None:
    hero.teams.remove(teams[0])
    session.delete(teams[0])
    session.commit()
    assert ear.take() == both("remove", "ann", {1})


def test_what_the_session_does_not_keep_is_not_told(session: Session, hero: Hero, ear: Ear) -> None:
    team = Team(name="elsewhere")
    hero.teams.append(team)
    session.expunge(team)
    with pytest.warns(Warning, match="not in session"):
        session.commit()
    assert ear.take() == []
    assert linked(session) == {(1, 1), (1, 2)}


def test_a_read_only_relationship_does_not_tell(
    session: Session, hero: Hero, teams: list[Team], ear: Ear
) -> None:
    hero.shown_teams.append(teams[2])
    hero.shown_teams.clear()
    session.commit()
    assert ear.take() == []


# Receivers


def test_a_receiver_may_add_more_before_the_write(
    session: Session, hero: Hero, teams: list[Team], ear: Ear, connect: Connect
) -> None:
    def add_another(action: str, instance: Hero, **kwargs: Any) -> None:
        if action == "pre_add" and teams[3] not in instance.teams:
            instance.teams.append(teams[3])

    connect(m2m_changed, add_another)
    hero.teams.append(teams[2])
    session.commit()
    assert ear.take() == [
        ("pre_add", "ann", {3}),
        ("pre_add", "ann", {4}),
        ("post_add", "ann", {3}),
        ("post_add", "ann", {4}),
    ]
    assert linked(session) == {(1, 1), (1, 2), (1, 3), (1, 4)}


def test_a_receiver_may_take_back_what_was_announced(
    session: Session, hero: Hero, teams: list[Team], ear: Ear, connect: Connect
) -> None:
    def refuse(action: str, instance: Hero, **kwargs: Any) -> None:
        if action == "pre_add" and teams[2] in instance.teams:
            instance.teams.remove(teams[2])

    connect(m2m_changed, refuse)
    hero.teams.extend(teams[2:])
    session.commit()
    assert ear.take() == [("pre_add", "ann", {3, 4}), ("post_add", "ann", {4})]
    assert (1, 3) not in linked(session)


def test_a_clear_of_which_a_receiver_saves_some_is_reported_as_a_removal(
    session: Session, hero: Hero, teams: list[Team], ear: Ear, connect: Connect
) -> None:
    def keep(action: str, instance: Hero, **kwargs: Any) -> None:
        if action == "pre_clear":
            instance.teams.append(teams[0])

    connect(m2m_changed, keep)
    hero.teams.clear()
    session.commit()
    assert ear.take() == [("pre_clear", "ann", None), ("post_remove", "ann", {2})]


def test_a_receiver_may_change_collections_after_the_write(
    session: Session, hero: Hero, teams: list[Team], ear: Ear, connect: Connect
) -> None:
    def go_on(action: str, instance: Hero, pk_set: set[int], **kwargs: Any) -> None:
        if action == "post_add" and 3 in pk_set:
            teams[3].heroes.append(instance)

    connect(m2m_changed, go_on)
    hero.teams.append(teams[2])
    session.commit()
    assert ear.take() == both("add", "ann", {3}) + both("add", "four", {1})


def test_what_receivers_of_other_signals_change_is_told_in_the_same_flush(
    session: Session, hero: Hero, teams: list[Team], ear: Ear, connect: Connect
) -> None:
    def join_before(instance: Hero, **kwargs: Any) -> None:
        instance.teams.append(teams[2])

    def join_after(instance: Hero, **kwargs: Any) -> None:
        instance.teams.append(teams[3])

    connect(pre_save, join_before, Hero)
    connect(post_save, join_after, Hero)
    hero.name = "ben"
    session.flush()
    assert ear.take() == both("add", "ben", {3}) + both("add", "ben", {4})


@pytest.mark.parametrize("action", ["pre_add", "post_add"])
def test_a_receiver_that_flushes_makes_nothing_be_told_twice(
    session: Session,
    hero: Hero,
    teams: list[Team],
    ear: Ear,
    connect: Connect,
    action: str,
) -> None:
    def flush(session: Session, **named: Any) -> None:
        if named["action"] == action:
            session.flush()

    connect(m2m_changed, flush)
    hero.teams.append(teams[2])
    teams[3].heroes.append(hero)
    session.commit()
    told = ear.take()
    assert sorted(told) == sorted(both("add", "ann", {3}) + both("add", "four", {1}))
    assert linked(session) == {(1, 1), (1, 2), (1, 3), (1, 4)}


@pytest.mark.parametrize("failing", ["pre_remove", "pre_add", "post_remove", "post_add"])
def test_a_receiver_that_raises_undoes_all(
    session: Session, hero: Hero, teams: list[Team], connect: Connect, failing: str
) -> None:
    def fail(action: str, **kwargs: Any) -> None:
        if action == failing:
            raise LookupError(action)

    connect(m2m_changed, fail)
    hero.name = "ben"
    hero.teams = [teams[1], teams[2]]
    with pytest.raises(LookupError, match=failing):
        session.commit()
    assert linked(session) == {(1, 1), (1, 2)}
    assert hero.name == "ann"
    m2m_changed.disconnect(fail)
    hero.teams = [teams[3]]
    session.commit()
    assert linked(session) == {(1, 4)}


def test_receivers_that_change_without_end_are_stopped(
    session: Session, hero: Hero, teams: list[Team], connect: Connect
) -> None:
    def toggle(action: str, instance: Hero, **kwargs: Any) -> None:
        if action in ("post_add", "post_remove"):
            if teams[2] in instance.teams:
                instance.teams.remove(teams[2])
            else:
                instance.teams.append(teams[2])

    connect(m2m_changed, toggle)
    hero.teams.append(teams[2])
    with pytest.raises(FlushError, match="Receivers made new changes"):
        session.commit()
    assert linked(session) == {(1, 1), (1, 2)}


def test_what_another_listener_adds_late_is_told_after_the_write(
    session: Session, hero: Hero, teams: list[Team], ear: Ear
) -> None:
    def add_late(session: Any, context: Any, instances: Any) -> None:
        if teams[3] not in hero.teams:
            hero.teams.append(teams[3])

    event.listen(session, "before_flush", add_late)
    hero.name = "ben"
    session.commit()
    assert ear.take() == both("add", "ben", {4})


# Async code


def test_an_async_session_tells_the_same(new_database: NewDatabase, ear: Ear) -> None:
    database = new_database("async", engines.tables_of(Base.metadata))

    async def work() -> None:
        engine = async_engine(database)
        async with AsyncSession(engine, expire_on_commit=False) as session:
            hero, team = Hero(name="ann"), Team(name="one")
            session.add_all([hero, team])
            hero.teams.append(team)
            await session.commit()
            await session.refresh(team, ["heroes"])
            team.heroes.clear()
            await session.commit()
            assert {named["session"] for named in ear.sent} == {session.sync_session}
        await engine.dispose()

    asyncio.run(work())
    assert ear.take() == [
        ("pre_add", "ann", set()),
        ("post_add", "ann", {1}),
        *both("clear", "one", None),
    ]


# Causes


def test_a_trace_shows_who_changed_a_collection_also_where_it_is_written_later(
    session: Session, hero: Hero, teams: list[Team], connect: Connect
) -> None:
    def join(instance: Hero, **kwargs: Any) -> None:
        instance.teams.append(teams[2])
        teams[3].heroes.append(instance)

    connect(post_save, join, Hero)
    recorder = Recorder()
    with record(recorder):
        hero.teams.remove(teams[0])
        hero.name = "ben"
        session.commit()
    told = [
        (
            dispatch.arguments["action"],
            dispatch.sender,
            None if dispatch.parent is None else dispatch.parent.short_receiver,
        )
        for dispatch in recorder.trace.dispatches
        if dispatch.signal == "m2m_changed"
    ]
    assert told == [
        ("pre_remove", "HeroTeam", None),
        ("post_remove", "HeroTeam", None),
        ("pre_add", "HeroTeam", "join"),
        ("pre_add", "HeroTeam", "join"),
        ("post_add", "HeroTeam", "join"),
        ("post_add", "HeroTeam", "join"),
    ]


def test_a_new_instance_and_its_links_have_the_same_cause(
    session: Session, hero: Hero, teams: list[Team], connect: Connect
) -> None:
    def found(instance: Hero, session: Session, **kwargs: Any) -> None:
        session.add(Hero(name="new", teams=teams[:1]))

    connect(post_save, found, Team)
    recorder = Recorder()
    with record(recorder):
        session.add(Team(id=9))
        session.flush()
    parents = {
        dispatch.parent.short_receiver
        for dispatch in recorder.trace.dispatches
        if dispatch.signal == "m2m_changed" and dispatch.parent is not None
    }
    assert len([each for each in recorder.trace.dispatches if each.signal == "m2m_changed"]) == 2
    assert parents == {"found"}


def test_a_table_without_a_class_is_named_in_a_trace(session: Session, hero: Hero) -> None:
    recorder = Recorder()
    with record(recorder):
        hero.powers.append(Power(id=1))
        session.commit()
    senders = {
        dispatch.sender
        for dispatch in recorder.trace.dispatches
        if dispatch.signal == "m2m_changed"
    }
    assert len(senders) == 1
    assert "m2m_hero_power" in str(senders.pop())


def test_a_links_cause_is_not_the_cause_of_the_rows_that_it_links(
    session: Session, hero: Hero, teams: list[Team], connect: Connect
) -> None:
    def join(**kwargs: Any) -> None:
        hero.teams.append(teams[2])

    asked = Signal()
    connect(asked, join)
    recorder = Recorder()
    with record(recorder):
        asked.send(None)
        teams[2].name = "other"
        session.flush()
    parents = {
        (dispatch.sender, None if dispatch.parent is None else dispatch.parent.short_receiver)
        for dispatch in recorder.trace.dispatches
        if dispatch.signal in ("pre_save", "m2m_changed")
    }
    assert parents == {("HeroTeam", "join"), ("Team", None)}


# What it costs, and whom


def work_on_links(session: sqlmodel.Session) -> None:
    """Some of everything."""
    teams = [Team() for _ in range(30)]
    heroes = [Hero(teams=teams[number : number + 3]) for number in range(20)]
    session.add_all(heroes)
    session.commit()
    for hero in heroes[:5]:
        hero.teams.clear()
    for team in teams[:5]:
        team.heroes.append(heroes[7])
    heroes[9].teams = teams[:4]
    session.commit()
    for hero in heroes:
        session.delete(hero)
    session.commit()


def statements_by(session_class: type[sqlmodel.Session]) -> list[str]:
    """All that a session class says to the database for that."""
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with statements_of(engine) as statements, session_class(engine) as session:
        work_on_links(session)
    engine.dispose()
    return statements


def test_the_database_is_told_the_same_as_by_sqlmodel(connect: Connect) -> None:
    plain = statements_by(sqlmodel.Session)
    assert statements_by(Session) == plain
    ear = Ear()
    connect(m2m_changed, ear.note)
    assert sorted(statements_by(Session)) == sorted(plain)
    assert len(ear.sent) > 40


class Watcher:
    """Watches, that is all."""

    def dispatch_begun(self, *args: Any) -> None:
        """Nothing to do."""

    dispatch_ended = response_begun = response_ended = cause = dispatch_begun

    @contextmanager
    def caused_by(self, cause: None) -> Iterator[None]:
        yield


@pytest.mark.parametrize("how", ["listen", "watch"])
def test_collection_classes_are_touched_only_while_somebody_cares(how: str) -> None:
    # The classes have their methods once a model that uses them is configured.
    Base._sa_registry.configure(cascade=True)
    classes = [InstrumentedList, InstrumentedSet, KeyFuncDict, Places]
    before = [vars(kind)["clear"] for kind in classes]

    def nothing(**kwargs: Any) -> None:
        """Listens, that is all."""

    with m2m_changed.connected_to(nothing) if how == "listen" else watch(Watcher()):
        for kind, clear in zip(classes, before, strict=True):
            assert vars(kind)["clear"] is not clear
    assert [vars(kind)["clear"] for kind in classes] == before


def test_receivers_of_saves_alone_do_not_touch_the_collections(connect: Connect) -> None:
    before = vars(InstrumentedList)["clear"]
    connect(post_save, Ear().note)
    assert vars(InstrumentedList)["clear"] is before


@pytest.mark.parametrize("end", ["commit", "rollback", "close", "expunge"])
def test_no_instance_is_kept_alive(session: Session, ear: Ear, end: str) -> None:
    hero, team = Hero(), Team()
    hero.teams.append(team)
    hero.teams.clear()
    team.heroes.append(hero)
    if end != "close":
        session.add(hero)
    if end == "commit":
        session.commit()
    session.close()
    ear.sent.clear()
    dead = [weakref.ref(hero), weakref.ref(team)]
    del hero, team
    gc.collect()
    assert [reference() for reference in dead] == [None, None]


LATER_MODELS = """
from typing import Any
from sqlmodel import Field, Relationship, SQLModel
from signalcli.db import AsyncSession, Session, create_engine, m2m_changed, post_save
from signalcli.trace import Recorder, record

class Link(SQLModel, table=True):
    hero_id: int = Field(foreign_key="hero.id", primary_key=True)
    team_id: int = Field(foreign_key="team.id", primary_key=True)

def note(action: str, reverse: bool, pk_set: Any, **kwargs: Any) -> None:
    print(action, reverse, pk_set)

m2m_changed.connect(note, sender=Link)
with record(Recorder()):
    class Hero(SQLModel, table=True):
        id: int | None = Field(default=None, primary_key=True)
        teams: list["Team"] = Relationship(back_populates="heroes", link_model=Link)

    class Team(SQLModel, table=True):
        id: int | None = Field(default=None, primary_key=True)
        heroes: list[Hero] = Relationship(back_populates="teams", link_model=Link)

with Session(create_engine(":memory:")) as session:
    SQLModel.metadata.create_all(session.connection())
    team = Team(id=1, heroes=[Hero(id=2)])
    session.add(team)
    session.commit()
    team.heroes.clear()
    session.commit()
"""


def test_models_may_be_defined_after_somebody_listens_and_watches() -> None:
    # In a process of its own, where nothing is configured yet.
    run = subprocess.run([sys.executable, "-c", LATER_MODELS], capture_output=True, text=True)
    assert (run.stdout.splitlines(), run.stderr) == (
        ["pre_add True {2}", "post_add True {2}", "pre_clear True None", "post_clear True None"],
        "",
    )


# Whatever is done

OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "append", "remove", "pop", "assign", "clear", "append to team", "remove from team",
                "assign team", "clear team", "new hero", "new team", "delete hero", "delete team",
                "flush", "flush", "rollback", "commit", "expire_all",
            ]
        ),
        st.integers(0, 2),
        st.integers(0, 2),
    ),
    max_size=14,
)  # fmt: skip

Operation = tuple[str, int, int]


class Ledger:
    """Keeps the links as ``m2m_changed`` tells them, and what it said before a write."""

    def __init__(self) -> None:
        self.links: set[tuple[int, int]] = set()
        self.announced: list[tuple[str, str, int]] = []

    def note(
        self, action: str, instance: Any, reverse: bool, pk_set: set[int] | None, **kwargs: Any
    ) -> None:
        """The receiver."""
        when, _, verb = action.partition("_")
        if when == "pre":
            place = (verb, type(instance).__name__, id(instance))
            assert place not in self.announced
            self.announced.append(place)
            return
        self.announced.remove((verb, type(instance).__name__, id(instance)))
        own = {link for link in self.links if link[reverse] == instance.id}
        if pk_set is None:
            assert own
            self.links -= own
            return
        told = {(key, instance.id) if reverse else (instance.id, key) for key in pk_set}
        assert told
        if verb == "add":
            assert not told & self.links
            self.links |= told
        else:
            assert told <= self.links
            self.links -= told

    def expect_deletion(self, instance: Any) -> None:
        """What goes with an instance will not be told."""
        side = isinstance(instance, Team)
        self.links = {link for link in self.links if link[side] != instance.id}


class Rows:
    """The heroes and teams that are there."""

    def __init__(self, session: Session, ledger: Ledger) -> None:
        self.session = session
        self.ledger = ledger
        self.heroes = [Hero(name=str(number)) for number in range(3)]
        self.teams = [Team(name=str(number)) for number in range(3)]
        session.add_all([*self.heroes, *self.teams])
        session.commit()

    def carry_out(self, operation: Operation) -> None:
        """Do one thing to the session, where it can be done."""
        verb, one, other = operation
        heroes, teams, session = self.heroes, self.teams, self.session
        if verb == "expire_all" and session.new:
            # SQLAlchemy would go on to remove links of what is new that were never written.
            return
        if verb in ("flush", "rollback", "commit", "expire_all"):
            getattr(session, verb)()
        elif verb == "new hero":
            heroes[one] = Hero(name="new", teams=self.here(teams[other:]))
            session.add(heroes[one])
        elif verb == "new team":
            teams[one] = Team(name="new", heroes=self.here(heroes[other:]))
            session.add(teams[one])
        elif verb.endswith("team") and teams[one] in session:
            self.change(verb.split()[0], teams[one], teams[one].heroes, heroes, other)
        elif not verb.endswith("team") and heroes[one] in session:
            self.change(verb.split()[0], heroes[one], heroes[one].teams, teams, other)

    def here(self, instances: list[Any]) -> list[Any]:
        """Those that the session keeps, and is not about to delete."""
        deleted = self.session.deleted
        return [each for each in instances if each in self.session and each not in deleted]

    def change(
        self, verb: str, owner: Any, collection: Any, others: list[Any], number: int
    ) -> None:
        """Change a collection."""
        key = "teams" if isinstance(owner, Hero) else "heroes"
        other = others[number]
        if owner in self.session.deleted:
            return
        if verb == "delete":
            if not sqlmodel.inspect(owner).pending:
                self.session.flush()
                self.session.expire_all()
                self.ledger.expect_deletion(owner)
                self.session.delete(owner)
                self.session.flush()
                self.session.expire_all()
        elif verb == "clear":
            collection.clear()
        elif verb == "pop":
            if collection:
                collection.pop()
        elif verb == "assign":
            setattr(owner, key, self.here(others[number:]))
        elif verb == "remove":
            if other in collection:
                collection.remove(other)
        elif self.here([other]) and other not in collection:
            collection.append(other)


@cache
def engine_in_memory() -> Engine:
    """For many short tries."""
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    return engine


@settings(max_examples=150, deadline=None)
@given(operations=OPERATIONS)
@example(
    # A collection is cleared, and the other side puts something into it before the flush.
    operations=[
        ("append to team", 1, 0),
        ("append", 1, 0),
        ("clear team", 1, 0),
        ("append", 1, 1),
        ("append", 0, 0),
    ]
)
def test_whatever_is_done_what_was_told_is_what_was_written(operations: list[Operation]) -> None:
    engine = engine_in_memory()
    with Session(engine) as session:
        for table in reversed(Base.metadata.sorted_tables):
            session.execute(table.delete())
        ledger = Ledger()
        rows = Rows(session, ledger)
        committed: set[tuple[int, int]] = set()
        with m2m_changed.connected_to(ledger.note):
            for operation in operations:
                rows.carry_out(operation)
                if operation[0] == "rollback":
                    ledger.links = set(committed)
                assert ledger.links == linked(session)
                assert ledger.announced == []
                if operation[0] == "commit":
                    committed = set(ledger.links)
            session.commit()
        assert ledger.links == linked(session)


def test_a_collection_that_is_mapped_to_no_table_can_be_cleared() -> None:
    class Bag:
        """Instrumented, but not mapped."""

    manager = instrumentation.register_class(Bag)
    # Before 2.1, SQLAlchemy has it without the underscore.
    register = getattr(attributes, "_register_attribute", None) or attributes.register_attribute
    register(
        Bag,
        "things",
        useobject=True,
        uselist=True,
        parententity=object(),
        backref=None,
        comparator=object(),
    )
    bag: Any = Bag()
    bag.things.append(Bag())
    with m2m_changed.connected_to(lambda **kwargs: None):
        bag.things.clear()
    assert bag.things == []
    instrumentation.unregister_class(manager.class_)


def test_a_link_that_its_deleted_side_does_not_write_is_not_told(
    session: Session, ear: Ear
) -> None:
    session.add_all([owner := Owner(), pet := Pet()])
    session.commit()
    assert pet.owners == []
    with session.no_autoflush:
        pet.owners.append(owner)
        session.delete(pet)
    session.commit()
    assert session.exec(select(owning_table)).all() == []
    assert ear.sent == []


def test_a_key_that_is_an_expression_is_left_out(session: Session, hero: Hero, ear: Ear) -> None:
    team = Team(name="new")
    team.id = literal(40) + 2
    hero.teams.append(team)
    session.commit()
    assert ear.take() == [("pre_add", "ann", set()), ("post_add", "ann", {42})]
