"""Django is the judge of ``m2m_changed``: the same operations send the same in the same order.

A flush follows each operation, as Django writes at once. What Django sends in two steps, removing
and then adding, is one write here, so the dispatches before a write are compared, and those after.
Django also tells of what changes nothing; those dispatches do not count.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import pytest
from django.db import models, transaction
from django.db.models import signals as django_signals
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy.orm import registry
from sqlmodel import Field, Relationship, SQLModel

from signalcli.db import Session, m2m_changed
from tests.db.django_database import ALIAS, APPS, LABEL
from tests.db.empty_tables import empty_in_django, empty_in_sqlmodel


class Meta:
    app_label = LABEL
    apps = APPS


class DjangoModels:
    """The models in Django."""

    class Team(models.Model):
        Meta = Meta

    class Badge(models.Model):
        Meta = Meta

    class Hero(models.Model):
        teams = models.ManyToManyField(
            f"{LABEL}.Team", related_name="heroes", through=f"{LABEL}.HeroTeam"
        )
        friends = models.ManyToManyField(
            "self",
            symmetrical=False,
            related_name="followers",
            through=f"{LABEL}.Friendship",
            through_fields=("one", "other"),
        )
        badges = models.ManyToManyField(
            f"{LABEL}.Badge", related_name="+", through=f"{LABEL}.HeroBadge"
        )

        Meta = Meta

    class HeroTeam(models.Model):
        hero = models.ForeignKey(f"{LABEL}.Hero", on_delete=models.CASCADE)
        team = models.ForeignKey(f"{LABEL}.Team", on_delete=models.CASCADE)

        Meta = Meta

    class Friendship(models.Model):
        one = models.ForeignKey(f"{LABEL}.Hero", on_delete=models.CASCADE, related_name="+")
        other = models.ForeignKey(f"{LABEL}.Hero", on_delete=models.CASCADE, related_name="+")

        Meta = Meta

    class HeroBadge(models.Model):
        hero = models.ForeignKey(f"{LABEL}.Hero", on_delete=models.CASCADE, related_name="+")
        badge = models.ForeignKey(f"{LABEL}.Badge", on_delete=models.CASCADE, related_name="+")

        Meta = Meta


class Base(SQLModel, registry=registry()):
    """The models in SQLModel."""


AUTOINCREMENT = {"sqlite_autoincrement": True}


class HeroTeam(Base, table=True):
    __tablename__ = "dbtest_django_hero_team"

    hero_id: int = Field(foreign_key="dbtest_django_hero.id", primary_key=True)
    team_id: int = Field(foreign_key="dbtest_django_team.id", primary_key=True)


class Friendship(Base, table=True):
    __tablename__ = "dbtest_django_friendship"

    one_id: int = Field(foreign_key="dbtest_django_hero.id", primary_key=True)
    other_id: int = Field(foreign_key="dbtest_django_hero.id", primary_key=True)


class HeroBadge(Base, table=True):
    __tablename__ = "dbtest_django_hero_badge"

    hero_id: int = Field(foreign_key="dbtest_django_hero.id", primary_key=True)
    badge_id: int = Field(foreign_key="dbtest_django_badge.id", primary_key=True)


class Hero(Base, table=True):
    __tablename__ = "dbtest_django_hero"
    __table_args__ = AUTOINCREMENT

    id: int | None = Field(default=None, primary_key=True)

    teams: list["Team"] = Relationship(back_populates="heroes", link_model=HeroTeam)
    friends: list["Hero"] = Relationship(
        back_populates="followers",
        link_model=Friendship,
        sa_relationship_kwargs={
            "primaryjoin": "Hero.id == Friendship.one_id",
            "secondaryjoin": "Hero.id == Friendship.other_id",
        },
    )
    followers: list["Hero"] = Relationship(
        back_populates="friends",
        link_model=Friendship,
        sa_relationship_kwargs={
            "primaryjoin": "Hero.id == Friendship.other_id",
            "secondaryjoin": "Hero.id == Friendship.one_id",
        },
    )
    badges: list["Badge"] = Relationship(link_model=HeroBadge)


class Team(Base, table=True):
    __tablename__ = "dbtest_django_team"
    __table_args__ = AUTOINCREMENT

    id: int | None = Field(default=None, primary_key=True)

    heroes: list[Hero] = Relationship(back_populates="teams", link_model=HeroTeam)


class Badge(Base, table=True):
    __tablename__ = "dbtest_django_badge"
    __table_args__ = AUTOINCREMENT

    id: int | None = Field(default=None, primary_key=True)


MODELS = ("Team", "Badge", "Hero", "HeroTeam", "Friendship", "HeroBadge")

# Each collection with the model that has it and the model of its members.
COLLECTIONS = {
    "teams": ("Hero", "Team"),
    "heroes": ("Team", "Hero"),
    "friends": ("Hero", "Hero"),
    "followers": ("Hero", "Hero"),
    "badges": ("Hero", "Badge"),
}

Line = tuple[Any, ...]


class House(Protocol):
    """One of the two ways to keep the models."""

    signal: Any

    def create(self, name: str) -> Any:
        """Write a new row."""

    def members(self, owner: Any, collection: str) -> list[Any]:
        """Who is in a collection, by primary key."""

    def add(self, owner: Any, collection: str, members: Sequence[Any]) -> None:
        """Take in some, of whom none is in yet."""

    def remove(self, owner: Any, collection: str, members: Sequence[Any]) -> None:
        """Give up some, all of whom are in."""

    def set(self, owner: Any, collection: str, members: Sequence[Any]) -> None:
        """Have these and no others."""

    def clear(self, owner: Any, collection: str) -> None:
        """Have none."""

    def delete(self, instance: Any) -> None:
        """Remove the row, and the links with it."""

    def rolled_back(self) -> Any:
        """Within it, what is done is undone at the end."""


class DjangoHouse:
    """Django."""

    signal = django_signals.m2m_changed

    def create(self, name: str) -> Any:
        return getattr(DjangoModels, name).objects.using(ALIAS).create()

    def members(self, owner: Any, collection: str) -> list[Any]:
        return list(getattr(owner, collection).order_by("pk"))

    def add(self, owner: Any, collection: str, members: Sequence[Any]) -> None:
        getattr(owner, collection).add(*members)

    def remove(self, owner: Any, collection: str, members: Sequence[Any]) -> None:
        getattr(owner, collection).remove(*members)

    def set(self, owner: Any, collection: str, members: Sequence[Any]) -> None:
        getattr(owner, collection).set(members)

    def clear(self, owner: Any, collection: str) -> None:
        getattr(owner, collection).clear()

    def delete(self, instance: Any) -> None:
        instance.delete(using=ALIAS)

    @contextmanager
    def rolled_back(self) -> Iterator[None]:
        with transaction.atomic(using=ALIAS):
            yield
            transaction.set_rollback(True, using=ALIAS)


class SQLModelHouse:
    """SQLModel with this package's session."""

    signal = m2m_changed

    def __init__(self, session: Session) -> None:
        self.session = session

    def create(self, name: str) -> Any:
        instance = globals()[name]()
        self.session.add(instance)
        self.session.flush()
        return instance

    def members(self, owner: Any, collection: str) -> list[Any]:
        return sorted(getattr(owner, collection), key=lambda member: member.id)

    def add(self, owner: Any, collection: str, members: Sequence[Any]) -> None:
        getattr(owner, collection).extend(members)
        self.session.flush()

    def remove(self, owner: Any, collection: str, members: Sequence[Any]) -> None:
        for member in members:
            getattr(owner, collection).remove(member)
        self.session.flush()

    def set(self, owner: Any, collection: str, members: Sequence[Any]) -> None:
        setattr(owner, collection, list(members))
        self.session.flush()

    def clear(self, owner: Any, collection: str) -> None:
        getattr(owner, collection).clear()
        self.session.flush()

    def delete(self, instance: Any) -> None:
        self.session.delete(instance)
        self.session.flush()
        # Those who knew it still have it in their collections; Django asks each time.
        self.session.expire_all()

    @contextmanager
    def rolled_back(self) -> Iterator[None]:
        with self.session.begin_nested() as savepoint:
            yield
            savepoint.rollback()


@contextmanager
def django_house() -> Iterator[DjangoHouse]:
    """Django with empty tables, which are empty again afterwards."""
    with empty_in_django(*(getattr(DjangoModels, name) for name in MODELS)):
        yield DjangoHouse()


@contextmanager
def sqlmodel_house() -> Iterator[SQLModelHouse]:
    """SQLModel with empty tables, which are empty again afterwards."""
    with empty_in_sqlmodel(Base) as session:
        yield SQLModelHouse(session)


class Ear:
    """Takes down ``m2m_changed``, operation by operation."""

    def __init__(self) -> None:
        self.operations: list[list[Line]] = [[]]

    def note(
        self,
        sender: Any,
        action: str,
        instance: Any,
        reverse: bool,
        model: Any,
        pk_set: set[Any] | None,
        **named: Any,
    ) -> None:
        """The receiver."""
        if pk_set != set():
            self.operations[-1].append(
                (
                    action,
                    type(instance).__name__,
                    instance.id,
                    reverse,
                    model.__name__,
                    None if pk_set is None else frozenset(pk_set),
                    sender.__name__,
                )
            )

    def next(self) -> None:
        """An operation is over."""
        self.operations[-1].sort(key=lambda line: not line[0].startswith("pre_"))
        self.operations.append([])


Work = Callable[[House, Ear], None]


def same_in_both(work: Work) -> list[Line]:
    """Do the work in both houses, and see that they send the same; returns what they sent."""
    sent = []
    for make in (django_house, sqlmodel_house):
        ear = Ear()
        with make() as house:
            house.signal.connect(ear.note)
            try:
                work(house, ear)
            finally:
                house.signal.disconnect(ear.note)
        ear.next()
        sent.append(ear.operations)
    assert sent[1] == sent[0]
    return [line for operation in sent[0] for line in operation]


def actions_of(lines: list[Line]) -> list[tuple[str, set[int] | None]]:
    """The actions, each with the keys."""
    return [(line[0], None if line[5] is None else set(line[5])) for line in lines]


def make_some(house: House, name: str, count: int) -> list[Any]:
    """Rows that are there before the work begins."""
    return [house.create(name) for _ in range(count)]


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_each_operation_on_each_collection_is_djangos(collection: str) -> None:
    def work(house: House, ear: Ear) -> None:
        owner_model, member_model = COLLECTIONS[collection]
        owner = house.create(owner_model)
        one, two, three, four = make_some(house, member_model, 4)
        house.add(owner, collection, [one])
        ear.next()
        house.add(owner, collection, [two, three])
        ear.next()
        house.remove(owner, collection, [two])
        ear.next()
        house.set(owner, collection, [three, four, two])
        ear.next()
        house.remove(owner, collection, [two, three])
        ear.next()
        house.set(owner, collection, [])
        ear.next()
        house.set(owner, collection, [one, two])
        ear.next()
        house.clear(owner, collection)

    first = 2 if COLLECTIONS[collection] == ("Hero", "Hero") else 1
    one, two, three, four = range(first, first + 4)
    assert actions_of(same_in_both(work)) == [
        ("pre_add", {one}),
        ("post_add", {one}),
        ("pre_add", {two, three}),
        ("post_add", {two, three}),
        ("pre_remove", {two}),
        ("post_remove", {two}),
        ("pre_remove", {one}),
        ("pre_add", {two, four}),
        ("post_remove", {one}),
        ("post_add", {two, four}),
        ("pre_remove", {two, three}),
        ("post_remove", {two, three}),
        ("pre_remove", {four}),
        ("post_remove", {four}),
        ("pre_add", {one, two}),
        ("post_add", {one, two}),
        ("pre_clear", None),
        ("post_clear", None),
    ]


def test_the_two_sides_of_one_link_are_told_apart_as_in_django() -> None:
    def work(house: House, ear: Ear) -> None:
        hero, team = house.create("Hero"), house.create("Team")
        house.add(hero, "teams", [team])
        ear.next()
        house.remove(team, "heroes", [hero])
        ear.next()
        house.add(team, "heroes", [hero])
        ear.next()
        house.clear(hero, "teams")

    lines = same_in_both(work)
    assert [line[1:5] for line in lines[::2]] == [
        ("Hero", 1, False, "Team"),
        ("Team", 1, True, "Hero"),
        ("Team", 1, True, "Hero"),
        ("Hero", 1, False, "Team"),
    ]


def test_a_hero_who_follows_himself_is_djangos() -> None:
    def work(house: House, ear: Ear) -> None:
        hero = house.create("Hero")
        house.add(hero, "friends", [hero])
        ear.next()
        house.remove(hero, "followers", [hero])
        ear.next()
        house.add(hero, "followers", [hero])
        ear.next()
        house.clear(hero, "friends")

    assert [line[3] for line in same_in_both(work)] == [False] * 2 + [True] * 4 + [False] * 2


def test_what_goes_because_an_instance_is_deleted_is_not_told_as_in_django() -> None:
    def work(house: House, ear: Ear) -> None:
        hero, other, team = house.create("Hero"), house.create("Hero"), house.create("Team")
        house.add(hero, "teams", [team])
        house.add(hero, "friends", [other])
        ear.next()
        house.delete(hero)
        ear.next()
        house.add(other, "teams", [team])

    assert [line[1:3] for line in same_in_both(work)] == [("Hero", 1)] * 4 + [("Hero", 2)] * 2


def test_what_is_rolled_back_can_be_done_again_as_in_django() -> None:
    def work(house: House, ear: Ear) -> None:
        hero = house.create("Hero")
        teams = make_some(house, "Team", 2)
        house.add(hero, "teams", teams)
        ear.next()
        with house.rolled_back():
            house.clear(hero, "teams")
            ear.next()
        house.remove(hero, "teams", teams)
        ear.next()

    assert [action for action, _ in actions_of(same_in_both(work))] == [
        "pre_add",
        "post_add",
        "pre_clear",
        "post_clear",
        "pre_remove",
        "post_remove",
    ]


OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["add", "remove", "set", "clear", "delete", "create"]),
        st.sampled_from(sorted(COLLECTIONS)),
        st.integers(0, 3),
        st.sets(st.integers(0, 3)),
        st.booleans(),
    ),
    min_size=1,
    max_size=15,
)

Operation = tuple[str, str, int, set[int], bool]


class Rows:
    """The rows of a house that are there."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.by_model: dict[str, list[Any]] = {"Hero": [], "Team": [], "Badge": []}
        for name in self.by_model:
            for _ in range(3):
                self.create(name)

    def create(self, name: str) -> None:
        self.by_model[name].append(self.house.create(name))

    def delete(self, name: str, number: int) -> None:
        self.house.delete(self.by_model[name].pop(number))

    def carry_out(self, operation: Operation) -> None:
        """Do one thing, where it can be done."""
        verb, collection, number, numbers, is_undone = operation
        owner_model, member_model = COLLECTIONS[collection]
        if verb == "create":
            self.create(owner_model)
        elif number < len(self.by_model[owner_model]):
            if verb == "delete":
                self.delete(owner_model, number)
                return
            owner = self.by_model[owner_model][number]
            known = self.by_model[member_model]
            members = [known[each] for each in sorted(numbers) if each < len(known)]
            if is_undone:
                with self.house.rolled_back():
                    self.change(verb, owner, collection, members)
            else:
                self.change(verb, owner, collection, members)

    def change(self, verb: str, owner: Any, collection: str, members: list[Any]) -> None:
        """Change a collection, by nothing that is no change."""
        present = self.house.members(owner, collection)
        if verb == "add":
            new = [member for member in members if member not in present]
            if new:
                self.house.add(owner, collection, new)
        elif verb == "remove":
            old = [member for member in members if member in present]
            if old:
                self.house.remove(owner, collection, old)
        elif verb == "set":
            self.house.set(owner, collection, members)
        elif present:
            self.house.clear(owner, collection)


@hypothesis_settings(max_examples=60, deadline=None)
@given(operations=OPERATIONS)
def test_whatever_is_done_django_sends_the_same(operations: list[Operation]) -> None:
    def work(house: House, ear: Ear) -> None:
        rows = Rows(house)
        for operation in operations:
            rows.carry_out(operation)
            ear.next()

    same_in_both(work)
