"""touch(): one save of an unchanged row, which comes to be what it was."""

import hashlib
import pickle
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from django.db import connections, models
from django.db.models.signals import post_save as django_post_save
from django.test.utils import CaptureQueriesContext
from sqlalchemy import (
    JSON,
    Column,
    Computed,
    DateTime,
    Engine,
    FetchedValue,
    ForeignKey,
    Identity,
    Integer,
    LargeBinary,
    PickleType,
    String,
    Table,
    TypeDecorator,
    event,
    func,
    inspect,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.mutable import MutableDict
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    column_property,
    defer,
    load_only,
    mapped_column,
    raiseload,
    registry,
    relationship,
    undefer,
)
from sqlalchemy.types import UserDefinedType
from sqlmodel import Field, SQLModel

from signalcli.db import Session, create_engine, touch
from tests import engines
from tests.conftest import NewDatabase
from tests.db.django_database import ALIAS, APPS, LABEL
from tests.db.shop_models import Seen, statements_of


class Base(DeclarativeBase):
    """Of these models."""


@pytest.fixture
def engine(new_database: NewDatabase) -> Iterator[Engine]:
    engine = create_engine(new_database("touched", engines.tables_of(Base.metadata)))
    yield engine
    engine.dispose()


class Hero(Base):
    __tablename__ = "touch_hero"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    nick: Mapped[str | None]
    big: Mapped[str] = mapped_column(default="", deferred=True)


def fields(seen: Seen) -> list[set[str] | None]:
    """The update_fields of what was saved."""
    return [fields for signal, _, fields in seen.take_fields() if signal == "post_save"]


def updates(statements: list[str]) -> list[str]:
    return [statement for statement in statements if statement.startswith("UPDATE")]


@pytest.fixture
def hero(session: Session) -> Hero:
    """One that is loaded, but for its deferred column."""
    session.add(Hero(name="ann", big="x" * 99))
    session.commit()
    session.expunge_all()
    return session.scalars(select(Hero)).one()


class TestWhatIsLoaded:
    def test_all_of_it_is_written_by_one_update(
        self, session: Session, engine: Engine, hero: Hero, seen: Seen
    ) -> None:
        with statements_of(engine) as statements:
            touch(hero)
            session.commit()
        assert [statement.split()[0] for statement in statements] == ["UPDATE"]
        assert seen.take_fields() == [
            (signal, "Hero", {"name", "nick"}) for signal in ("pre_save", "post_save")
        ]

    @pytest.mark.parametrize(
        ("option", "written"),
        [
            (defer(Hero.name), {"nick"}),
            (defer(Hero.name, raiseload=True), {"nick"}),
            (load_only(Hero.name), {"name"}),
            (undefer(Hero.big), {"name", "nick", "big"}),
            (load_only(Hero.id), {"name", "nick", "big"}),
        ],
        ids=["deferred", "refused", "alone", "all", "none"],
    )
    def test_what_was_left_out_of_the_query_stays_so_unless_that_is_all(
        self, session: Session, hero: Hero, seen: Seen, option: Any, written: set[str]
    ) -> None:
        session.expunge_all()
        loaded = session.scalars(select(Hero).options(option)).one()
        touch(loaded)
        session.commit()
        assert fields(seen) == [written]

    def test_an_expired_instance_is_loaded_by_one_query(
        self, session: Session, engine: Engine, hero: Hero, seen: Seen
    ) -> None:
        for expire in (session.commit, lambda: session.expire(hero, ["nick"])):
            expire()
            with statements_of(engine) as statements:
                touch(hero)
                session.flush()
            assert [statement.split()[0] for statement in statements] == ["SELECT", "UPDATE"]
            assert "big" not in statements[0]
            assert fields(seen) == [{"name", "nick"}]

    def test_nothing_else_is_flushed_by_reading(
        self, session: Session, engine: Engine, hero: Hero
    ) -> None:
        other = Hero(name="ben")
        with statements_of(engine) as statements:
            session.add(other)
            session.expire(hero)
            touch(hero)
            assert inspect(other).pending
            assert updates(statements) == []
            touch(session.scalars(select(Hero).options(load_only(Hero.id))).first())

    def test_one_that_changed_is_saved_as_it_is(
        self, session: Session, hero: Hero, seen: Seen
    ) -> None:
        hero.nick = "annie"
        touch(hero)
        session.commit()
        assert fields(seen) == [{"nick"}]

    def test_one_that_is_new_transient_or_detached_is_left_alone(
        self, session: Session, hero: Hero, seen: Seen
    ) -> None:
        new, transient = Hero(name="ben"), Hero(name="cyd")
        session.add(new)
        session.expunge(hero)
        for one in (new, transient, hero):
            touch(one)
        session.commit()
        assert fields(seen) == [None]

    def test_one_that_is_touched_twice_is_saved_once(
        self, session: Session, engine: Engine, hero: Hero, seen: Seen
    ) -> None:
        with statements_of(engine) as statements:
            touch(hero)
            touch(hero)
            session.commit()
        assert len(updates(statements)) == len(fields(seen)) == 1

    def test_relationships_are_not_loaded(self, session: Session, engine: Engine) -> None:
        session.add(Pet(name="rex", owner=Owner()))
        session.commit()
        session.expunge_all()
        pet = session.scalars(select(Pet).options(raiseload("*"))).one()
        with statements_of(engine) as statements:
            touch(pet)
            session.commit()
        assert len(statements) == 1


class Owner(Base):
    __tablename__ = "touch_owner"
    id: Mapped[int] = mapped_column(primary_key=True)


class Pet(Base):
    __tablename__ = "touch_pet"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    owner_id: Mapped[int] = mapped_column(ForeignKey("touch_owner.id"))
    owner: Mapped[Owner] = relationship()


class Wrapped(TypeDecorator[Any]):
    """JSON, by way of a type of one's own."""

    impl = JSON
    cache_ok = True

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return value

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return value


class Absent(TypeDecorator[Any]):
    """Has a word for None."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return "absent" if value is None else value

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value == "absent" else value


class Hashed(TypeDecorator[Any]):
    """Changes what is stored, and does not change it back."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else hashlib.sha1(value.encode()).hexdigest()


class Reversed(UserDefinedType[Any]):
    """The same, done by the database."""

    cache_ok = True

    def get_col_spec(self, **options: Any) -> str:
        return "TEXT"

    def bind_expression(self, bindvalue: Any) -> Any:
        return func.upper(bindvalue) + "!"


class Squared(Reversed):
    """And back again."""

    def column_expression(self, colexpr: Any) -> Any:
        return func.lower(func.replace(colexpr, "!", ""))


NULLS: dict[str, tuple[Any, Any]] = {
    "json": (JSON(), None),
    "json null": (JSON(), "null"),
    "none as null": (JSON(none_as_null=True), None),
    "variant": (JSON().with_variant(JSONB(), "postgresql"), None),
    "mutable": (MutableDict.as_mutable(JSON()), None),
    "wrapped": (Wrapped(), None),
    "wrapped null": (Wrapped(), "null"),
    "evaluated": (String().evaluates_none(), None),
    "word": (Absent(), None),
    "own word": (Absent(), "absent"),
    "pickle": (PickleType(), None),
    "text": (String(), None),
    "hash": (Hashed(), "5f4dcc"),
    "expression": (Reversed(), "X!"),
    "expressions": (Squared(), "X!"),
}


class TestTypes:
    @pytest.mark.parametrize("kind", NULLS)
    @pytest.mark.parametrize("sqlmodel", [True, False], ids=["sqlmodel", "plain"])
    def test_what_is_stored_stays(
        self, session: Session, seen: Seen, kind: str, sqlmodel: bool
    ) -> None:
        type_, stored = NULLS[kind]
        base: Any = registry()
        if sqlmodel:
            model = type(SQLModel)(
                "Kind",
                (type(SQLModel)("Own", (SQLModel,), {"__module__": __name__}, registry=base),),
                {
                    "__module__": __name__,
                    "__tablename__": "kind",
                    "__annotations__": {"id": int | None, "name": str, "value": Any},
                    "id": Field(default=None, primary_key=True),
                    "value": Field(default=None, sa_column=Column(type_)),
                },
                table=True,
            )
        else:
            model = type("Kind", (), {"__module__": __name__})
            table = Table(
                "kind",
                base.metadata,
                Column("id", Integer, primary_key=True),
                Column("name", String),
                Column("value", type_),
            )
            base.map_imperatively(model, table)
        base.metadata.create_all(session.connection())
        session.execute(text("INSERT INTO kind VALUES (1, 'a', :value)"), {"value": stored})
        session.commit()
        one = session.get_one(model, 1)
        for _ in range(2):
            touch(one)
            session.commit()
        (saved, again) = fields(seen)
        assert saved == again
        assert saved is not None
        assert "name" in saved
        # A driver may read JSON's null as None.
        value = "CAST(value AS CHAR(4))" if stored == "null" else "value"
        assert session.execute(text(f"SELECT {value} FROM kind")).scalar_one() == stored

    def test_where_nothing_can_be_written_nothing_is_saved(
        self, session: Session, engine: Engine, seen: Seen
    ) -> None:
        class Own(DeclarativeBase):
            pass

        class Alone(Own):
            __tablename__ = "touch_alone"
            id: Mapped[int] = mapped_column(primary_key=True)
            value: Mapped[Any] = mapped_column(JSON, nullable=True)

        Own.metadata.create_all(session.connection())
        session.execute(text("INSERT INTO touch_alone VALUES (1, NULL)"))
        session.commit()
        with statements_of(engine) as statements:
            touch(session.get_one(Alone, 1))
            session.commit()
        assert updates(statements) == fields(seen) == []

    def test_values_of_all_sorts_stay(self, session: Session, seen: Seen) -> None:
        class Own(DeclarativeBase):
            pass

        class Many(Own):
            __tablename__ = "touch_many"
            id: Mapped[int] = mapped_column(primary_key=True)
            pickled: Mapped[Any] = mapped_column(PickleType)
            compared: Mapped[Any] = mapped_column(
                PickleType(comparator=lambda one, other: one is other)
            )
            mutable: Mapped[Any] = mapped_column(MutableDict.as_mutable(JSON()))
            raw: Mapped[bytes] = mapped_column(LargeBinary)
            when: Mapped[datetime] = mapped_column(DateTime(timezone=True))

        Own.metadata.create_all(session.connection())
        values = {
            "pickled": {1, 2},
            "compared": [3],
            "mutable": {"a": [1]},
            "raw": b"\0",
            "when": datetime(2026, 1, 2, 3, 4, 5, 6),
        }
        session.add(Many(id=1, **values))
        session.commit()
        query = text('SELECT pickled, compared, mutable, raw, "when" FROM touch_many')
        before = session.execute(query).one()
        fields(seen)
        many = session.get_one(Many, 1)
        touch(many)
        session.commit()
        after = session.execute(query).one()
        assert after[1:] == before[1:]
        assert pickle.loads(after[0]) == pickle.loads(before[0])
        assert fields(seen) == [set(values)]
        many.mutable["b"] = 2
        session.commit()
        assert fields(seen) == [{"mutable"}]


class Kept(Base):
    """Full of columns that somebody else sets."""

    __tablename__ = "touch_kept"
    first: Mapped[int] = mapped_column(primary_key=True)
    second: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column()
    renamed: Mapped[str] = mapped_column("other_name", default="")
    length: Mapped[int] = mapped_column(Computed("length(name)", persisted=True))
    number: Mapped[int] = mapped_column(Identity(always=True), nullable=True)
    changed: Mapped[str] = mapped_column(default="never", onupdate="now")
    triggered: Mapped[str] = mapped_column(default="", server_onupdate=FetchedValue())
    version: Mapped[int] = mapped_column()
    upper: Mapped[str] = column_property(func.upper(name.column))

    __mapper_args__ = {"version_id_col": version.column}  # noqa: RUF012  # as SQLAlchemy has it


@event.listens_for(Kept.__table__, "before_create")
def _may_be_null(table: Any, connection: Any, **kwargs: Any) -> None:
    # PostgreSQL numbers the rows itself, and allows no NULL there; the others leave it empty.
    table.c.number.nullable = connection.dialect.name != "postgresql"


class Animal(Base):
    __tablename__ = "touch_animal"
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "animal"}  # noqa: RUF012  # likewise
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]


class Dog(Animal):
    __tablename__ = "touch_dog"
    __mapper_args__ = {"polymorphic_identity": "dog"}  # noqa: RUF012  # likewise
    id: Mapped[int] = mapped_column(ForeignKey("touch_animal.id"), primary_key=True)
    bark: Mapped[str] = mapped_column(default="wow")


class Cat(Animal):
    __mapper_args__ = {"polymorphic_identity": "cat"}  # noqa: RUF012  # likewise
    lives: Mapped[int | None]


class TestColumns:
    def test_what_somebody_else_sets_is_left_to_them(
        self, session: Session, engine: Engine, seen: Seen
    ) -> None:
        kept = Kept(first=1, second=2, name="ann")
        session.add(kept)
        session.commit()
        fields(seen)
        with statements_of(engine) as statements:
            touch(kept)
            session.commit()
        assert len(updates(statements)) == 1
        assert fields(seen) == [{"name", "renamed"}]
        assert (kept.version, kept.changed, kept.length, kept.upper) == (2, "now", 3, "ANN")

    @pytest.mark.parametrize(
        ("model", "tables", "written"),
        [
            (Animal, ["touch_animal"], {"name"}),
            (Dog, ["touch_animal", "touch_dog"], {"name", "bark"}),
            (Cat, ["touch_animal"], {"name", "lives"}),
        ],
    )
    def test_each_table_of_a_model_that_inherits_is_updated_once(
        self,
        session: Session,
        engine: Engine,
        seen: Seen,
        model: type[Any],
        tables: list[str],
        written: set[str],
    ) -> None:
        session.add(model(name="rex"))
        session.commit()
        session.expunge_all()
        fields(seen)
        one = session.scalars(select(Animal)).one()
        with statements_of(engine) as statements:
            touch(one)
            session.commit()
        # A query for animals has left out the dog's own table, not one of its columns.
        assert [statement.split()[1] for statement in updates(statements)] == tables
        assert fields(seen) == [written]

    def test_an_expired_instance_of_two_tables(
        self, session: Session, engine: Engine, seen: Seen
    ) -> None:
        dog = Dog(name="rex")
        session.add(dog)
        session.commit()
        fields(seen)
        with statements_of(engine) as statements:
            touch(dog)
            session.commit()
        assert [statement.split()[1] for statement in updates(statements)] == [
            "touch_animal",
            "touch_dog",
        ]
        assert fields(seen) == [{"name", "bark"}]

    def test_columns_of_what_is_no_table_are_left_alone(
        self, session: Session, seen: Seen, hero: Hero
    ) -> None:
        class View:
            name: str

        mapper_registry = registry()
        subquery = select(Hero.id, Hero.name, Hero.nick).subquery()
        mapper_registry.map_imperatively(View, subquery, primary_key=[subquery.c.id])
        fields(seen)
        touch(session.scalars(select(View)).one())
        session.commit()
        assert fields(seen) == []
        mapper_registry.dispose()

    def test_a_column_that_is_added_later_is_written(self, session: Session, seen: Seen) -> None:
        class Own(DeclarativeBase):
            pass

        class Late(Own):
            __tablename__ = "touch_late"
            id: Mapped[int] = mapped_column(primary_key=True)
            name: Mapped[str] = mapped_column(default="")

        Own.metadata.create_all(session.connection())
        session.add(Late())
        session.commit()
        touch(session.scalars(select(Late)).one())
        session.commit()
        Late.more = Column(String)
        session.execute(text("ALTER TABLE touch_late ADD COLUMN more TEXT"))
        session.expunge_all()
        # SQLAlchemy remembers what the other query was compiled to.
        touch(session.scalars(select(Late).where(Late.id == 1)).one())
        session.commit()
        assert fields(seen) == [None, {"name"}, {"name", "more"}]


class DjangoHero(models.Model):
    name = models.TextField()
    nick = models.TextField(null=True)
    big = models.TextField(default="")

    class Meta:
        apps = APPS
        app_label = LABEL
        db_table = "touch_django_hero"


@pytest.fixture
def django_hero() -> Iterator[type[DjangoHero]]:
    connection = connections[ALIAS]
    with connection.schema_editor() as editor:
        editor.create_model(DjangoHero)
    DjangoHero.objects.using(ALIAS).create(name="ann", big="x")
    yield DjangoHero
    with connection.schema_editor() as editor:
        editor.delete_model(DjangoHero)


@pytest.mark.parametrize("left_out", [["big"], ["big", "nick"], ["name"], ["name", "nick", "big"]])
def test_it_writes_what_django_writes(
    session: Session,
    engine: Engine,
    hero: Hero,
    seen: Seen,
    django_hero: type[DjangoHero],
    left_out: list[str],
) -> None:
    said: list[Any] = []

    def note(update_fields: Any, **named: Any) -> None:
        said.append(update_fields)

    django_post_save.connect(note, sender=django_hero)
    try:
        with CaptureQueriesContext(connections[ALIAS]) as queries:
            django_hero.objects.using(ALIAS).defer(*left_out).get().save()
    finally:
        django_post_save.disconnect(note, sender=django_hero)
    by_django = [query["sql"] for query in queries if query["sql"].startswith("UPDATE")]

    session.expunge_all()
    options = [defer(getattr(Hero, name)) for name in left_out]
    if "big" not in left_out:
        options.append(undefer(Hero.big))
    one = session.scalars(select(Hero).options(*options)).one()
    with statements_of(engine) as statements:
        touch(one)
        session.commit()
    by_us = updates(statements)
    assert len(by_django) == len(by_us) == 1
    names = {name for name in ("name", "nick", "big") if f'"{name}" =' in by_django[0]}
    assert fields(seen) == [names]
    assert {name for name in ("name", "nick", "big") if f"{name}=" in by_us[0]} == names
    # Where it writes all, Django does not name them.
    assert said == [None if len(names) == 3 else frozenset(names)]
