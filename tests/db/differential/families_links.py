"""Families of the differential test: links: associations, and many-to-many relationships."""

from typing import Any

from sqlalchemy import (
    Column,
    Integer,
    String,
)

from tests.db.differential.models import (
    ALL_STYLES,
    DECLARATIVE,
    SQLMODEL,
    WITH_ORPHANS,
    Maker,
    family,
)


def association(maker: Maker, left: dict[str, Any], right: dict[str, Any]) -> None:
    for name, options in (("Left", left), ("Right", right)):
        maker.model(
            name,
            related={"links": maker.related("Link", back_populates=name.lower(), **options)},
        )
    maker.model(
        "Link",
        maker.refer("Left", primary_key=True),
        maker.refer("Right", primary_key=True),
        related={
            "left": maker.related("Left", back_populates="links"),
            "right": maker.related("Right", back_populates="links"),
        },
    )


@family("links", *ALL_STYLES)
def association_of_orphans(maker: Maker) -> None:
    association(maker, {"cascade": WITH_ORPHANS}, {"cascade": WITH_ORPHANS})


@family("links")
def association_owned_by_one(maker: Maker) -> None:
    association(maker, {"cascade": WITH_ORPHANS}, {"cascade": "all"})


@family("links")
def association_owned_by_none(maker: Maker) -> None:
    association(maker, {}, {})


def link_columns(maker: Maker, **options: Any) -> list[Column[Any]]:
    return [
        maker.refer("Left", primary_key=True, **options),
        maker.refer("Right", primary_key=True, **options),
    ]


def tagging(
    maker: Maker,
    left: dict[str, Any] | None = None,
    right: dict[str, Any] | None = None,
    is_mapped: bool = False,
    **options: Any,
) -> None:
    """A many-to-many relationship; None for a side that does not know of it."""
    columns = link_columns(maker, **options)
    if is_mapped:
        maker.model("Link", *columns, has_tag=False)
        table = maker.metadata.tables[maker.table_name("Link")]
    else:
        table = maker.link("link", *columns)
    both = left is not None and right is not None
    for name, other, own in (("Left", "Right", left), ("Right", "Left", right)):
        back = {"back_populates": name.lower() + "s"} if both else {}
        related = (
            {}
            if own is None
            else {other.lower() + "s": maker.related(other, secondary=table, **back, **own)}
        )
        maker.model(name, related=related)


@family("links", *ALL_STYLES)
def many_to_many(maker: Maker) -> None:
    tagging(maker, {}, {})


@family("links", SQLMODEL)
def many_to_many_with_model(maker: Maker) -> None:
    tagging(maker, {}, {}, is_mapped=True)


@family("links", SQLMODEL, DECLARATIVE)
def many_to_many_one_way(maker: Maker) -> None:
    tagging(maker, {})


@family("links")
def many_to_many_owned(maker: Maker) -> None:
    tagging(maker, {"cascade": "all, delete"}, {})


@family("links")
def many_to_many_of_orphans(maker: Maker) -> None:
    tagging(maker, {"cascade": WITH_ORPHANS, "single_parent": True}, {})


@family("links", SQLMODEL)
def many_to_many_passive(maker: Maker) -> None:
    tagging(maker, {"passive_deletes": True}, {"passive_deletes": True}, ondelete="CASCADE")


@family("links")
def many_to_many_as_set(maker: Maker) -> None:
    tagging(maker, {"collection_class": set}, {"lazy": "selectin"})


@family("links", SQLMODEL)
def many_to_many_to_one(maker: Maker) -> None:
    # Without active_history, what is replaced is read when it is announced; the plain session reads
    # it between two writes.
    tagging(maker, {"uselist": False, "active_history": True}, {})


@family("links")
def many_to_many_written_only(maker: Maker) -> None:
    tagging(maker, {"lazy": "write_only"}, {"lazy": "dynamic"})


@family("links", SQLMODEL, DECLARATIVE)
def many_to_many_of_one(maker: Maker) -> None:
    """A model whose instances are linked to each other."""
    table = maker.link(
        "link",
        Column("follower_id", Integer, maker.key("User"), primary_key=True),
        Column("followed_id", Integer, maker.key("User"), primary_key=True),
    )

    def ends(column: str) -> Any:
        return lambda: maker.by_name["User"].id == table.c[column]

    maker.model(
        "User",
        related={
            "follows": maker.related(
                "User",
                secondary=table,
                primaryjoin=ends("follower_id"),
                secondaryjoin=ends("followed_id"),
                back_populates="followers",
            ),
            "followers": maker.related(
                "User",
                secondary=table,
                primaryjoin=ends("followed_id"),
                secondaryjoin=ends("follower_id"),
                back_populates="follows",
            ),
        },
    )


def many_by_natural_keys(maker: Maker, **options: Any) -> None:
    refer = {"onupdate": "CASCADE"} if options.get("passive_updates", True) else {}
    table = maker.link(
        "link",
        maker.refer("Left", "code", primary_key=True, **refer),
        maker.refer("Right", "code", primary_key=True, **refer),
    )
    for name, other in (("Left", "Right"), ("Right", "Left")):
        maker.model(
            name,
            Column("code", String, primary_key=True),
            related={
                other.lower() + "s": maker.related(
                    other, secondary=table, back_populates=name.lower() + "s", **options
                )
            },
        )


@family("links")
def many_to_many_by_codes(maker: Maker) -> None:
    many_by_natural_keys(maker)


@family("links")
def many_to_many_by_codes_followed(maker: Maker) -> None:
    many_by_natural_keys(maker, passive_updates=False)
