"""The families of the differential test, group by group; see :mod:`differential_models`."""

import itertools
from typing import Any

from differential_models import (
    DECLARATIVE,
    IMPERATIVE,
    SQLMODEL,
    Maker,
    Recipe,
    family,
)
from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    Computed,
    FetchedValue,
    ForeignKeyConstraint,
    Integer,
    String,
    UniqueConstraint,
    func,
    literal_column,
    select,
)
from sqlalchemy.ext.mutable import MutableDict
from sqlalchemy.orm import attribute_keyed_dict, column_property, composite, deferred, foreign

ALL_STYLES = (SQLMODEL, DECLARATIVE, IMPERATIVE)
WITH_ORPHANS = "all, delete-orphan"


# Parents and children


def parent_and_child(
    maker: Maker,
    *,
    down: dict[str, Any] | None,
    up: dict[str, Any] | None,
    **refer: Any,
) -> None:
    """A parent and a child that refers to it; each side's relationship, if there is one."""
    both = down is not None and up is not None
    children, parent = {}, {}
    if down is not None:
        options = {"back_populates": "parent"} if both else {}
        children = {"children": maker.related("Child", **options, **down)}
    if up is not None:
        options = {"back_populates": "children"} if both else {}
        parent = {"parent": maker.related("Parent", **options, **up)}
    maker.model("Parent", related=children)
    maker.model("Child", maker.refer("Parent", **refer), related=parent)


@family("children", *ALL_STYLES)
def plain_children(maker: Maker) -> None:
    parent_and_child(maker, down={}, up={})


@family("children", SQLMODEL, IMPERATIVE)
def owned_children(maker: Maker) -> None:
    parent_and_child(maker, down={"cascade": "all"}, up={})


@family("children", *ALL_STYLES)
def orphaned_children(maker: Maker) -> None:
    parent_and_child(maker, down={"cascade": WITH_ORPHANS}, up={})


@family("children")
def uncascaded_children(maker: Maker) -> None:
    parent_and_child(maker, down={"cascade": ""}, up={"cascade": ""})


@family("children")
def merged_children(maker: Maker) -> None:
    parent_and_child(maker, down={"cascade": "merge, delete"}, up={"cascade": "save-update"})


@family("children")
def children_downwards(maker: Maker) -> None:
    parent_and_child(maker, down={}, up=None)


@family("children", SQLMODEL)
def orphans_downwards(maker: Maker) -> None:
    parent_and_child(maker, down={"cascade": WITH_ORPHANS}, up=None)


@family("children")
def parents_upwards(maker: Maker) -> None:
    parent_and_child(maker, down=None, up={})


@family("children")
def owned_parents(maker: Maker) -> None:
    parent_and_child(maker, down=None, up={"cascade": WITH_ORPHANS, "single_parent": True})


@family("children", SQLMODEL)
def owned_parents_of_one(maker: Maker) -> None:
    parent_and_child(
        maker,
        down={"uselist": False},
        up={"cascade": WITH_ORPHANS, "single_parent": True},
    )


@family("children", DECLARATIVE, SQLMODEL)
def passive_orphans(maker: Maker) -> None:
    parent_and_child(
        maker,
        down={"cascade": WITH_ORPHANS, "passive_deletes": True},
        up={},
        ondelete="CASCADE",
    )


@family("children")
def passive_children(maker: Maker) -> None:
    parent_and_child(maker, down={"passive_deletes": True}, up={}, ondelete="SET NULL")


@family("children")
def left_to_the_database(maker: Maker) -> None:
    parent_and_child(maker, down={"passive_deletes": "all"}, up={}, ondelete="CASCADE")


@family("children")
def nulled_by_the_database(maker: Maker) -> None:
    parent_and_child(maker, down={"passive_deletes": "all"}, up={}, ondelete="SET NULL")


@family("children", SQLMODEL, IMPERATIVE)
def required_parent(maker: Maker) -> None:
    parent_and_child(maker, down={}, up={}, nullable=False)


@family("children")
def required_parent_of_orphans(maker: Maker) -> None:
    parent_and_child(maker, down={"cascade": WITH_ORPHANS}, up={}, nullable=False)


@family("children")
def set_of_children(maker: Maker) -> None:
    parent_and_child(maker, down={"collection_class": set, "cascade": WITH_ORPHANS}, up={})


@family("children")
def children_by_tag(maker: Maker) -> None:
    parent_and_child(
        maker,
        down={"collection_class": attribute_keyed_dict("tag"), "cascade": "all"},
        up={},
    )


@family("children", SQLMODEL)
def only_child(maker: Maker) -> None:
    parent_and_child(maker, down={"uselist": False}, up={})


@family("children")
def only_orphan(maker: Maker) -> None:
    parent_and_child(maker, down={"uselist": False, "cascade": WITH_ORPHANS}, up={}, unique=True)


@family("children")
def active_history(maker: Maker) -> None:
    parent_and_child(maker, down={"cascade": "all"}, up={"active_history": True})


@family("children")
def two_parents(maker: Maker) -> None:
    for name in ("Mother", "Father"):
        maker.model(
            name,
            related={
                "children": maker.related(
                    "Child", back_populates=name.lower(), cascade=WITH_ORPHANS
                )
            },
        )
    maker.model(
        "Child",
        maker.refer("Mother"),
        maker.refer("Father"),
        related={
            name.lower(): maker.related(name, back_populates="children")
            for name in ("Mother", "Father")
        },
    )


@family("children")
def legacy_orphans(maker: Maker) -> None:
    for name in ("Mother", "Father"):
        maker.model(name, related={"children": maker.related("Child", cascade=WITH_ORPHANS)})
    maker.model(
        "Child",
        maker.refer("Mother"),
        maker.refer("Father"),
        arguments={"legacy_is_orphan": True},
    )


@family("children", SQLMODEL)
def two_ways_to_one_parent(maker: Maker) -> None:
    """A home and a work place, of one class; the home owns."""
    maker.model(
        "Place",
        related={
            "dwellers": maker.related(
                "Person", foreign_keys="Person.home_id", back_populates="home", cascade="all"
            )
            if maker.style != SQLMODEL
            else maker.related(
                "Person",
                foreign_keys=lambda: maker.by_name["Person"].home_id,
                back_populates="home",
                cascade="all",
            ),
        },
    )
    maker.model(
        "Person",
        maker.refer("Place", name="home_id"),
        maker.refer("Place", name="work_id"),
        related={
            "home": maker.related(
                "Place",
                foreign_keys=lambda: maker.by_name["Person"].home_id,
                back_populates="dwellers",
            ),
            "work": maker.related("Place", foreign_keys=lambda: maker.by_name["Person"].work_id),
        },
    )


@family("children", SQLMODEL, DECLARATIVE)
def three_generations(maker: Maker) -> None:
    maker.model(
        "Elder",
        related={"parents": maker.related("Parent", cascade="all", back_populates="elder")},
    )
    maker.model(
        "Parent",
        maker.refer("Elder"),
        related={
            "elder": maker.related("Elder", back_populates="parents"),
            "children": maker.related("Child", cascade=WITH_ORPHANS, back_populates="parent"),
        },
    )
    maker.model(
        "Child",
        maker.refer("Parent"),
        related={"parent": maker.related("Parent", back_populates="children")},
    )


@family("children")
def some_generations_kept(maker: Maker) -> None:
    maker.model("Elder", related={"parents": maker.related("Parent", cascade="all")})
    maker.model("Parent", maker.refer("Elder"), related={"children": maker.related("Child")})
    maker.model("Child", maker.refer("Parent", nullable=False))


@family("children")
def mixed_children(maker: Maker) -> None:
    """One parent with children of several kinds."""
    maker.model(
        "Parent",
        related={
            "kept": maker.related("Kept", back_populates="parent"),
            "owned": maker.related("Owned", back_populates="parent", cascade=WITH_ORPHANS),
            "left": maker.related(
                "Left", back_populates="parent", cascade="all", passive_deletes=True
            ),
        },
    )
    for name, options in (("Kept", {}), ("Owned", {}), ("Left", {"ondelete": "CASCADE"})):
        maker.model(
            name,
            maker.refer("Parent", **options),
            related={"parent": maker.related("Parent", back_populates=name.lower())},
        )


@family("children")
def without_constraint(maker: Maker) -> None:
    """A relationship of which the database knows nothing, over a column that is no key."""

    def joined() -> Any:
        child, parent = maker.by_name["Child"], maker.by_name["Parent"]
        return foreign(child.parent_code) == parent.code

    maker.model(
        "Parent",
        Column("code", String),
        related={"children": maker.related("Child", primaryjoin=joined, back_populates="parent")},
    )
    maker.model(
        "Child",
        Column("parent_code", String),
        related={"parent": maker.related("Parent", primaryjoin=joined, back_populates="children")},
    )


@family("children")
def viewed_children(maker: Maker) -> None:
    maker.model(
        "Parent",
        related={
            "children": maker.related("Child", back_populates="parent", cascade=WITH_ORPHANS),
            "viewed": maker.related("Child", viewonly=True),
        },
    )
    maker.model(
        "Child",
        maker.refer("Parent"),
        related={"parent": maker.related("Parent", back_populates="children")},
    )


@family("children")
def one_at_a_time(maker: Maker) -> None:
    """Mappers that write their rows one at a time."""
    maker.model(
        "Parent",
        related={"children": maker.related("Child", back_populates="parent", cascade="all")},
        arguments={"batch": False},
    )
    maker.model(
        "Child",
        maker.refer("Parent"),
        related={"parent": maker.related("Parent", back_populates="children")},
        arguments={"batch": False, "confirm_deleted_rows": False},
    )


# Trees, and updates that come after


def tree(
    maker: Maker, down: dict[str, Any] | None, up: dict[str, Any] | None, **refer: Any
) -> None:
    def remote() -> Any:
        return maker.by_name["Node"].id

    related = {}
    if down is not None:
        back = {} if up is None else {"back_populates": "parent"}
        related["children"] = maker.related("Node", **back, **down)
    if up is not None:
        back = {} if down is None else {"back_populates": "children"}
        related["parent"] = maker.related("Node", remote_side=remote, **back, **up)
    maker.model("Node", maker.refer("Node", name="parent_id", **refer), related=related)


@family("trees", SQLMODEL, DECLARATIVE)
def plain_tree(maker: Maker) -> None:
    tree(maker, {}, {})


@family("trees", SQLMODEL, IMPERATIVE)
def owning_tree(maker: Maker) -> None:
    tree(maker, {"cascade": "all"}, {})


@family("trees", SQLMODEL, DECLARATIVE)
def orphaning_tree(maker: Maker) -> None:
    tree(maker, {"cascade": WITH_ORPHANS}, {})


@family("trees")
def tree_downwards(maker: Maker) -> None:
    tree(maker, {"cascade": "all"}, None)


@family("trees")
def tree_upwards(maker: Maker) -> None:
    tree(maker, None, {})


@family("trees")
def passive_tree(maker: Maker) -> None:
    tree(maker, {"cascade": "all", "passive_deletes": True}, {}, ondelete="CASCADE")


@family("trees")
def tree_updated_afterwards(maker: Maker) -> None:
    tree(maker, {"post_update": True}, {"post_update": True})


@family("trees")
def owning_tree_updated_afterwards(maker: Maker) -> None:
    tree(maker, {"cascade": "all", "post_update": True}, {"post_update": True})


def favourites(maker: Maker, arguments: dict[str, Any], **down: Any) -> None:
    """A parent with children, one of which is its favourite: they refer to each other."""

    def favourite_key() -> Any:
        return maker.by_name["Parent"].favourite_id

    def parent_key() -> Any:
        return maker.by_name["Child"].parent_id

    maker.model(
        "Parent",
        Column("favourite_id", Integer, maker.key("Child", use_alter=True, name="favourite")),
        related={
            "children": maker.related(
                "Child", foreign_keys=parent_key, back_populates="parent", **down
            ),
            "favourite": maker.related("Child", foreign_keys=favourite_key, post_update=True),
        },
        arguments=arguments,
    )
    maker.model(
        "Child",
        maker.refer("Parent"),
        related={
            "parent": maker.related("Parent", foreign_keys=parent_key, back_populates="children")
        },
    )


@family("trees", SQLMODEL, DECLARATIVE)
def favourite_child(maker: Maker) -> None:
    favourites(maker, {})


@family("trees")
def favourite_orphan(maker: Maker) -> None:
    favourites(maker, {}, cascade=WITH_ORPHANS)


@family("trees")
def favourite_child_with_version(maker: Maker) -> None:
    version = Column("version", Integer, nullable=False)

    def favourite_key() -> Any:
        return maker.by_name["Parent"].favourite_id

    maker.model(
        "Parent",
        version,
        Column("favourite_id", Integer, maker.key("Child", use_alter=True, name="favourite")),
        Column("touched", Integer, onupdate=1),
        related={
            "favourite": maker.related(
                "Child", foreign_keys=favourite_key, post_update=True, cascade="all"
            )
        },
        arguments={"version_id_col": version},
    )
    maker.model("Child", maker.refer("Parent"))


@family("trees")
def circle(maker: Maker) -> None:
    """Two models that refer to each other without post_update, which is left to chance."""
    maker.model(
        "Left",
        Column("right_id", Integer, maker.key("Right", use_alter=True, name="right")),
        related={
            "right": maker.related("Right", foreign_keys=lambda: maker.by_name["Left"].right_id)
        },
    )
    maker.model(
        "Right",
        maker.refer("Left"),
        related={
            "left": maker.related("Left", foreign_keys=lambda: maker.by_name["Right"].left_id)
        },
    )


# Keys that mean something


def natural(maker: Maker, down: dict[str, Any], up: dict[str, Any], **refer: Any) -> None:
    maker.model(
        "Parent",
        Column("code", String, primary_key=True),
        related={"children": maker.related("Child", back_populates="parent", **down)},
    )
    maker.model(
        "Child",
        maker.refer("Parent", "code", **refer),
        related={"parent": maker.related("Parent", back_populates="children", **up)},
    )


@family("keys", SQLMODEL, DECLARATIVE)
def natural_key(maker: Maker) -> None:
    natural(maker, {}, {})


@family("keys", SQLMODEL, IMPERATIVE)
def natural_key_followed(maker: Maker) -> None:
    natural(maker, {"passive_updates": False}, {"passive_updates": False})


@family("keys")
def natural_key_cascaded(maker: Maker) -> None:
    natural(maker, {"cascade": "all"}, {}, onupdate="CASCADE")


@family("keys")
def natural_key_owned_and_followed(maker: Maker) -> None:
    natural(maker, {"passive_updates": False, "cascade": WITH_ORPHANS}, {})


def key_of_the_parent(maker: Maker, down: dict[str, Any], **refer: Any) -> None:
    """A child whose key consists of its parent's and a number."""
    maker.model(
        "Parent",
        Column("code", String, primary_key=True),
        related={"children": maker.related("Child", back_populates="parent", **down)},
    )
    maker.model(
        "Child",
        maker.refer("Parent", "code", primary_key=True, **refer),
        Column("number", Integer, primary_key=True, autoincrement=False),
        related={"parent": maker.related("Parent", back_populates="children")},
    )


@family("keys")
def key_of_parent(maker: Maker) -> None:
    key_of_the_parent(maker, {})


@family("keys", SQLMODEL, DECLARATIVE)
def key_of_owner(maker: Maker) -> None:
    key_of_the_parent(maker, {"cascade": WITH_ORPHANS})


@family("keys")
def key_of_owner_followed(maker: Maker) -> None:
    key_of_the_parent(maker, {"cascade": "all", "passive_updates": False})


@family("keys")
def key_of_owner_cascaded(maker: Maker) -> None:
    key_of_the_parent(maker, {"cascade": "all"}, onupdate="CASCADE", ondelete="CASCADE")


@family("keys", SQLMODEL)
def shared_key(maker: Maker) -> None:
    """A child whose key is its parent's."""
    maker.model(
        "Parent",
        related={
            "child": maker.related(
                "Child", back_populates="parent", uselist=False, cascade=WITH_ORPHANS
            )
        },
    )
    maker.model(
        "Child",
        maker.refer("Parent", name="id", primary_key=True),
        related={"parent": maker.related("Parent", back_populates="child")},
    )


@family("keys")
def shared_key_kept(maker: Maker) -> None:
    maker.model(
        "Parent", related={"child": maker.related("Child", back_populates="parent", uselist=False)}
    )
    maker.model(
        "Child",
        maker.refer("Parent", name="id", primary_key=True),
        related={"parent": maker.related("Parent", back_populates="child")},
    )


@family("keys", SQLMODEL, DECLARATIVE)
def composite_key(maker: Maker) -> None:
    maker.model(
        "Parent",
        Column("x", Integer, primary_key=True, autoincrement=False),
        Column("y", Integer, primary_key=True, autoincrement=False),
        related={"children": maker.related("Child", back_populates="parent")},
    )
    table = maker.table_name("Parent")
    maker.model(
        "Child",
        Column("parent_x", Integer),
        Column("parent_y", Integer),
        related={"parent": maker.related("Parent", back_populates="children")},
        table_arguments=[
            ForeignKeyConstraint(["parent_x", "parent_y"], [f"{table}.x", f"{table}.y"])
        ],
    )


@family("keys")
def unique_values(maker: Maker) -> None:
    """Values that must not be there twice, or are checked."""
    maker.model(
        "Parent",
        Column("code", String, unique=True),
        Column("rank", Integer, CheckConstraint("rank < 3")),
        related={"children": maker.related("Child", back_populates="parent", cascade=WITH_ORPHANS)},
    )
    maker.model(
        "Child",
        maker.refer("Parent"),
        Column("number", Integer),
        related={"parent": maker.related("Parent", back_populates="children")},
        table_arguments=[UniqueConstraint("parent_id", "number")],
    )


@family("keys")
def reference_to_unique(maker: Maker) -> None:
    """A foreign key to a column that is no key, followed."""
    maker.model(
        "Parent",
        Column("code", String, unique=True),
        related={
            "children": maker.related("Child", back_populates="parent", passive_updates=False)
        },
    )
    maker.model(
        "Child",
        maker.refer("Parent", "code"),
        related={
            "parent": maker.related("Parent", back_populates="children", passive_updates=False)
        },
    )


# Links


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


# Inheritance


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


# Columns


@family("columns", SQLMODEL, DECLARATIVE)
def versions(maker: Maker) -> None:
    own, others = Column("version", Integer, nullable=False), Column("version", Integer)
    maker.model(
        "Parent",
        own,
        related={"children": maker.related("Child", back_populates="parent", cascade="all")},
        arguments={"version_id_col": own},
    )
    maker.model(
        "Child",
        others,
        maker.refer("Parent"),
        related={"parent": maker.related("Parent", back_populates="children")},
        arguments={"version_id_col": others},
    )


@family("columns")
def versions_by_generator(maker: Maker) -> None:
    version = Column("version", String, nullable=False)

    def next_version(before: str | None) -> str:
        return "v" if before is None else f"{before}+"[-12:]

    maker.model(
        "Parent",
        version,
        related={"children": maker.related("Child", cascade=WITH_ORPHANS)},
        arguments={"version_id_col": version, "version_id_generator": next_version},
    )
    maker.model("Child", maker.refer("Parent"))


@family("columns")
def versions_by_hand(maker: Maker) -> None:
    version = Column("version", Integer, nullable=False, server_default="1")
    maker.model(
        "Parent",
        version,
        related={"children": maker.related("Child", back_populates="parent")},
        arguments={"version_id_col": version, "version_id_generator": False},
    )
    maker.model(
        "Child",
        maker.refer("Parent"),
        related={"parent": maker.related("Parent", back_populates="children")},
    )


@family("columns", SQLMODEL, DECLARATIVE)
def given_values(maker: Maker) -> None:
    """Values that the column or the database gives, on insert and update."""
    maker.model(
        "Thing",
        Column("level", Integer, server_default="7"),
        Column("mark", String, default="new"),
        Column("made", Integer, default=lambda: 5),
        Column("changed", Integer, onupdate=9),
        Column("counted", Integer, default=0, onupdate=literal_column("counted + 1")),
        Column("fetched", Integer, FetchedValue(), FetchedValue(for_update=True)),
        Column("double", Integer, Computed("n * 2")),
    )


@family("columns")
def given_values_eagerly(maker: Maker) -> None:
    maker.model(
        "Thing",
        Column("level", Integer, server_default="7"),
        Column("changed", Integer, onupdate=literal_column("41 + 1")),
        Column("double", Integer, Computed("n * 2")),
        Column("note", JSON),
        arguments={"eager_defaults": True},
    )


@family("columns", IMPERATIVE, DECLARATIVE)
def put_off_and_read_only(maker: Maker) -> None:
    """Deferred columns, a property that is an expression, and one that asks another table."""
    later, n = Column("later", Integer), Column("m", Integer)
    maker.model(
        "Parent",
        later,
        n,
        related={"children": maker.related("Child", cascade="all", back_populates="parent")},
        extra={"late": deferred(later), "twice": column_property(n * 2)}
        if maker.style == IMPERATIVE
        else {"twice": column_property(n * 2)},
    )
    child = maker.model(
        "Child",
        maker.refer("Parent"),
        related={"parent": maker.related("Parent", back_populates="children")},
    )
    parent = maker.by_name["Parent"]
    inspect_mapper(parent).add_property(
        "count",
        column_property(
            select(func.count(child.id))
            .where(child.parent_id == parent.id)
            .correlate_except(inspect_mapper(child).local_table)
            .scalar_subquery(),
            deferred=True,
        ),
    )


def inspect_mapper(model: Any) -> Any:
    return model.__mapper__


class Point:
    """A value of two columns."""

    def __init__(self, x: int | None, y: int | None) -> None:
        self.x, self.y = x, y

    def __composite_values__(self) -> tuple[int | None, int | None]:
        return self.x, self.y

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Point) and (self.x, self.y) == (other.x, other.y)

    def __hash__(self) -> int:
        return hash((self.x, self.y))

    def __repr__(self) -> str:
        return f"Point({self.x}, {self.y})"


@family("columns")
def values_of_values(maker: Maker) -> None:
    """A mutable dictionary, JSON with and without a null of its own, and a composite."""
    x, y = Column("x", Integer), Column("y", Integer)
    maker.model(
        "Thing",
        x,
        y,
        Column("notes", MutableDict.as_mutable(JSON())),
        Column("data", JSON),
        Column("blank", JSON(none_as_null=True)),
        extra={"point": composite(Point, x, y)},
    )


@family("columns")
def active_columns(maker: Maker) -> None:
    """Columns whose old value is loaded when a new one is set."""
    name = Column("name", String)
    maker.model(
        "Thing", name, extra={"active": column_property(name, active_history=True)}
    ) if maker.style == IMPERATIVE else maker.model(
        "Thing", extra={"name": column_property(name, active_history=True)}
    )


@family("columns", IMPERATIVE)
def part_of_a_table(maker: Maker) -> None:
    """A model that leaves out some of its table's columns."""
    maker.model(
        "Thing",
        Column("seen", Integer),
        Column("unseen", Integer, server_default="3"),
        arguments={"exclude_properties": ["unseen"]},
    )


# Ways of loading


def loaded(strategy: str, **options: Any) -> Recipe:
    def recipe(maker: Maker) -> None:
        parent_and_child(maker, down={"lazy": strategy, **options}, up={})

    recipe.__name__ = f"loaded_{strategy}" + ("_orphans" if options.get("cascade") else "")
    return recipe


for _strategy, _cascade in itertools.product(
    (
        "raise",
        "raise_on_sql",
        "write_only",
        "dynamic",
        "joined",
        "selectin",
        "subquery",
        "immediate",
        "noload",
    ),
    (None, WITH_ORPHANS),
):
    family("loading")(loaded(_strategy, **({"cascade": _cascade} if _cascade else {})))


@family("loading")
def parents_raise(maker: Maker) -> None:
    parent_and_child(maker, down={"cascade": WITH_ORPHANS}, up={"lazy": "raise"})


@family("loading")
def parents_joined(maker: Maker) -> None:
    parent_and_child(maker, down={}, up={"lazy": "joined", "innerjoin": False})


@family("loading")
def passively_written_only(maker: Maker) -> None:
    parent_and_child(
        maker,
        down={"lazy": "write_only", "cascade": WITH_ORPHANS, "passive_deletes": True},
        up={},
        ondelete="CASCADE",
    )
