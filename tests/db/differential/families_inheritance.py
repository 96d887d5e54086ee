"""Families of the differential test: inheritance."""

from typing import Any

from sqlalchemy import (
    Column,
    Integer,
    String,
)

from tests.db.differential.models import (
    DECLARATIVE,
    IMPERATIVE,
    SQLMODEL,
    WITH_ORPHANS,
    Maker,
    family,
)


def own_key(maker: Maker, **options: Any) -> Column[Any]:
    return Column("id", Integer, maker.key("Animal", **options), primary_key=True)


@family("inheritance", DECLARATIVE, IMPERATIVE)
def joined_tables(maker: Maker) -> None:
    maker.model(
        "Owner",
        related={"pets": maker.related("Animal", back_populates="owner", cascade=WITH_ORPHANS)},
    )
    kind = Column("kind", String)
    animal = maker.model(
        "Animal",
        kind,
        maker.refer("Owner"),
        related={"owner": maker.related("Owner", back_populates="pets")},
        arguments={"polymorphic_on": kind, "polymorphic_identity": "animal"},
    )
    maker.model(
        "Dog",
        own_key(maker),
        Column("barks", Integer),
        base=animal,
        arguments={"polymorphic_identity": "dog"},
    )
    maker.model(
        "Cat",
        own_key(maker),
        Column("mews", Integer),
        maker.refer("Dog", name="enemy_id"),
        base=animal,
        related={"enemy": maker.related("Dog", foreign_keys=lambda: maker.by_name["Cat"].enemy_id)},
        arguments={"polymorphic_identity": "cat"},
    )


@family("inheritance")
def joined_tables_left_to_the_database(maker: Maker) -> None:
    kind = Column("kind", String)
    animal = maker.model(
        "Animal",
        kind,
        arguments={
            "polymorphic_on": kind,
            "polymorphic_identity": "animal",
            "passive_deletes": True,
            "with_polymorphic": "*",
        },
    )
    maker.model(
        "Dog",
        own_key(maker, ondelete="CASCADE"),
        Column("barks", Integer),
        base=animal,
        arguments={"polymorphic_identity": "dog", "passive_deletes": True},
    )


@family("inheritance")
def joined_tables_with_version(maker: Maker) -> None:
    kind, version = Column("kind", String), Column("version", Integer, nullable=False)
    animal = maker.model(
        "Animal",
        kind,
        version,
        arguments={
            "polymorphic_on": kind,
            "polymorphic_identity": "animal",
            "version_id_col": version,
        },
    )
    maker.model(
        "Dog",
        own_key(maker),
        Column("barks", Integer),
        base=animal,
        related={"puppies": maker.related("Puppy", cascade="all")},
        arguments={"polymorphic_identity": "dog"},
    )
    maker.model("Puppy", maker.refer("Dog"))


@family("inheritance")
def joined_tables_by_code(maker: Maker) -> None:
    """Joined tables whose shared key is changed, and followed."""
    animal = maker.model(
        "Animal",
        Column("code", String, primary_key=True),
        Column("kind", String),
        arguments={
            "polymorphic_on": "kind",
            "polymorphic_identity": "animal",
            "passive_updates": False,
        },
    )
    maker.model(
        "Dog",
        Column("code", String, maker.key("Animal", "code"), primary_key=True),
        Column("barks", Integer),
        base=animal,
        arguments={"polymorphic_identity": "dog", "passive_updates": False},
    )


@family("inheritance", DECLARATIVE, SQLMODEL)
def single_table(maker: Maker) -> None:
    kind = Column("kind", String)
    maker.model(
        "Owner",
        related={"pets": maker.related("Animal", back_populates="owner", cascade="all")},
    )
    animal = maker.model(
        "Animal",
        kind,
        maker.refer("Owner"),
        related={"owner": maker.related("Owner", back_populates="pets")},
        arguments={"polymorphic_on": kind, "polymorphic_identity": "animal"},
    )
    if maker.style == SQLMODEL:
        return
    maker.model(
        "Dog",
        Column("barks", Integer),
        base=animal,
        has_table=False,
        arguments={"polymorphic_identity": "dog"},
    )
    maker.model("Cat", base=animal, has_table=False, arguments={"polymorphic_identity": "cat"})


@family("inheritance", DECLARATIVE, IMPERATIVE)
def concrete_tables(maker: Maker) -> None:
    maker.model("Owner", related={})
    animal = maker.model("Animal", maker.refer("Owner"))
    columns = [
        Column("id", Integer, primary_key=True),
        Column("tag", String),
        Column("n", Integer),
        Column("barks", Integer),
    ]
    maker.model(
        "Dog",
        *columns,
        maker.refer("Owner"),
        base=animal,
        related={"owner": maker.related("Owner")},
        arguments={"concrete": True},
    )
