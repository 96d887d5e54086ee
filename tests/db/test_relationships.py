"""Which rows a relationship's change saves and deletes, whatever side it was made from."""

from typing import Any, ClassVar, Optional

import pytest
from sqlalchemy import Engine, ForeignKeyConstraint, event, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError
from sqlmodel import Field, Relationship, select

from signalcli.db import Session, post_delete, post_save, pre_delete, pre_save
from tests.db.shop_models import (
    WRITING_SIGNALS,
    Base,
    Comment,
    Connect,
    Log,
    Post,
    Profile,
    Seen,
    User,
)


class Team(Base, table=True):
    """A parent that goes without its members."""

    __tablename__ = "dbtest_team"

    id: int | None = Field(default=None, primary_key=True)
    name: str = ""

    members: list["Member"] = Relationship(back_populates="team")
    fans: list["Fan"] = Relationship()


class Member(Base, table=True):
    """A child that may be alone."""

    __tablename__ = "dbtest_member"

    id: int | None = Field(default=None, primary_key=True)
    name: str = ""
    team_id: int | None = Field(default=None, foreign_key="dbtest_team.id")

    team: Team | None = Relationship(back_populates="members")


class Fan(Base, table=True):
    """A child that does not know its parent."""

    __tablename__ = "dbtest_fan"

    id: int | None = Field(default=None, primary_key=True)
    team_id: int | None = Field(default=None, foreign_key="dbtest_team.id")


class Stamped(Base, table=True):
    """A row whose value from the database is loaded right after the insert."""

    __tablename__ = "dbtest_stamped"
    __mapper_args__: ClassVar[dict[str, Any]] = {"eager_defaults": True}

    id: int | None = Field(default=None, primary_key=True)
    stamp: str | None = Field(default=None, sa_column_kwargs={"onupdate": text("'changed'")})

    def __init__(self) -> None:
        """Leave the value to the database."""


class Ticket(Base, table=True):
    """A child whose parent does not know it."""

    __tablename__ = "dbtest_ticket"

    id: int | None = Field(default=None, primary_key=True)
    fan_id: int | None = Field(default=None, foreign_key="dbtest_fan.id")

    fan: Fan | None = Relationship()


class PostTag(Base, table=True):
    """The link of a many-to-many relationship."""

    __tablename__ = "dbtest_essay_tag"

    essay_id: int | None = Field(default=None, foreign_key="dbtest_essay.id", primary_key=True)
    tag_id: int | None = Field(default=None, foreign_key="dbtest_tag.id", primary_key=True)


class Essay(Base, table=True):
    """One end of many-to-many."""

    __tablename__ = "dbtest_essay"

    id: int | None = Field(default=None, primary_key=True)
    title: str = ""

    tags: list["Tag"] = Relationship(back_populates="essays", link_model=PostTag)


class Tag(Base, table=True):
    """The other end."""

    __tablename__ = "dbtest_tag"

    id: int | None = Field(default=None, primary_key=True)
    word: str = ""

    essays: list[Essay] = Relationship(back_populates="tags", link_model=PostTag)


class Node(Base, table=True):
    """A tree that goes as a whole."""

    __tablename__ = "dbtest_tree"

    id: int | None = Field(default=None, primary_key=True)
    name: str = ""
    parent_id: int | None = Field(default=None, foreign_key="dbtest_tree.id")

    parent: Optional["Node"] = Relationship(
        back_populates="children", sa_relationship_kwargs={"remote_side": "Node.id"}
    )
    children: list["Node"] = Relationship(
        back_populates="parent", sa_relationship_kwargs={"cascade": "all"}
    )


class Shelf(Base, table=True):
    """A parent with a key of two columns."""

    __tablename__ = "dbtest_shelf"

    room: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    label: str = ""

    books: list["Book"] = Relationship(back_populates="shelf")


class Book(Base, table=True):
    """Its child."""

    __tablename__ = "dbtest_book"
    __table_args__ = (
        ForeignKeyConstraint(
            ["shelf_room", "shelf_number"], ["dbtest_shelf.room", "dbtest_shelf.number"]
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    shelf_room: str | None = None
    shelf_number: int | None = None

    shelf: Shelf | None = Relationship(back_populates="books")


class Owner(Base, table=True):
    """A parent whose children the database itself deletes, as far as they are not loaded."""

    __tablename__ = "dbtest_owner"

    id: int | None = Field(default=None, primary_key=True)

    pets: list["Pet"] = Relationship(
        sa_relationship_kwargs={"cascade": "all", "passive_deletes": True}
    )
    toys: list["Toy"] = Relationship(sa_relationship_kwargs={"passive_deletes": "all"})


class Pet(Base, table=True):
    """Deleted with its owner."""

    __tablename__ = "dbtest_pet"

    id: int | None = Field(default=None, primary_key=True)
    owner_id: int = Field(foreign_key="dbtest_owner.id", ondelete="CASCADE")


class Toy(Base, table=True):
    """Left to the database altogether."""

    __tablename__ = "dbtest_toy"

    id: int | None = Field(default=None, primary_key=True)
    owner_id: int | None = Field(default=None, foreign_key="dbtest_owner.id", ondelete="SET NULL")


class Named(Base):
    """What two models have in common; no table of its own."""

    name: str = ""


class Cat(Named, table=True):
    """One heir."""

    __tablename__ = "dbtest_cat"

    id: int | None = Field(default=None, primary_key=True)


class Dog(Named, table=True):
    """Another heir."""

    __tablename__ = "dbtest_dog"

    id: int | None = Field(default=None, primary_key=True)


def settled(session: Session, *instances: Any) -> None:
    """Have instances in the database and loaded, before anything is looked at."""
    session.add_all(instances)
    session.commit()
    for instance in instances:
        session.refresh(instance)


UPDATED_MEMBER = [
    ("pre_save", "Member", {"team_id"}),
    ("post_save", "Member", {"team_id"}),
]


def test_choosing_another_parent_saves_the_child_alone(session: Session, seen: Seen) -> None:
    red, blue, member = Team(name="red"), Team(name="blue"), Member(name="ann")
    member.team = red
    settled(session, red, blue, member)
    seen.take()
    member.team = blue
    session.commit()
    assert seen.take_fields() == UPDATED_MEMBER
    assert member.team_id == blue.id


def test_setting_the_foreign_key_saves_the_child_alone(session: Session, seen: Seen) -> None:
    red, member = Team(name="red"), Member(name="ann")
    settled(session, red, member)
    seen.take()
    member.team_id = red.id
    session.commit()
    assert seen.take_fields() == UPDATED_MEMBER


def test_appending_to_the_parents_collection_saves_the_child_alone(
    session: Session, seen: Seen
) -> None:
    red, member = Team(name="red"), Member(name="ann")
    settled(session, red, member)
    seen.take()
    red.members.append(member)
    session.commit()
    assert seen.take_fields() == UPDATED_MEMBER


def test_removing_from_the_parents_collection_saves_the_child_alone(
    session: Session, seen: Seen
) -> None:
    member = Member(name="ann")
    red = Team(name="red", members=[member])
    settled(session, red, member)
    seen.take()
    red.members.remove(member)
    session.commit()
    assert seen.take_fields() == UPDATED_MEMBER
    assert member.team_id is None


def test_choosing_no_parent_saves_the_child_alone(session: Session, seen: Seen) -> None:
    member = Member(name="ann")
    red = Team(name="red", members=[member])
    settled(session, red, member)
    seen.take()
    member.team = None
    session.commit()
    assert seen.take_fields() == UPDATED_MEMBER


def test_choosing_the_parent_that_it_has_is_no_save(session: Session, seen: Seen) -> None:
    member = Member(name="ann")
    red = Team(name="red", members=[member])
    settled(session, red, member)
    seen.take()
    member.team = red
    session.commit()
    assert seen.take() == []


def test_choosing_the_parent_that_it_has_is_no_save_where_nothing_is_loaded(
    session: Session, seen: Seen
) -> None:
    # The parent's row is expired, but which row it is, everybody knows.
    member = Member(name="ann")
    red = Team(name="red", members=[member])
    settled(session, red, member)
    seen.take()
    session.expire(red)
    session.expire(member, ["team"])
    member.team = red
    session.commit()
    assert seen.take() == []


def test_choosing_the_parent_that_it_has_is_no_save_where_the_child_is_expired(
    session: Session, seen: Seen
) -> None:
    member = Member(name="ann")
    red = Team(name="red", members=[member])
    settled(session, red, member)
    session.commit()
    session.expire_all()
    seen.take()
    member.team = red
    session.commit()
    lines = seen.take()
    # Whether the row is written or not is SQLAlchemy's choice; the signals come in pairs.
    assert lines.count("pre_save Member") == lines.count("post_save Member updated")


def test_a_new_parent_is_created_before_its_child_is_saved(session: Session, seen: Seen) -> None:
    member = Member(name="ann")
    settled(session, member)
    seen.take()
    member.team = Team(name="red")
    session.commit()
    assert seen.take() == [
        "pre_save Team",
        "pre_save Member",
        "post_save Team created",
        "post_save Member updated",
    ]


@pytest.mark.parametrize("signal", [pre_save, post_save])
def test_a_parent_comes_before_its_child_whoever_listens(
    session: Session, connect: Connect, signal: Any
) -> None:
    got = []
    connect(signal, lambda sender, **kwargs: got.append(sender))
    user = User(username="ann")
    session.add(post := Post(title="first"))
    post.user = user
    session.commit()
    assert got == [User, Post]


@pytest.mark.parametrize("signal", [pre_save, post_save])
def test_a_grandparent_comes_first_though_nobody_between_is_written(
    session: Session, connect: Connect, signal: Any
) -> None:
    session.add(Post(title="first", user=User(username="zoe"), comments=[Comment(text="c")]))
    session.commit()
    got = []
    connect(signal, lambda sender, **kwargs: got.append(sender))
    comment, user = session.exec(select(Comment)).one(), session.exec(select(User)).one()
    comment.text, user.age = "changed", 30
    session.commit()
    assert got == [User, Comment]


@pytest.mark.parametrize("hears_before", [False, True])
def test_a_row_whose_values_are_fetched_with_the_insert_is_created(
    session: Session, connect: Connect, hears_before: bool
) -> None:
    got = []
    if hears_before:
        connect(pre_save, lambda **kwargs: None)
    connect(post_save, lambda created, **kwargs: got.append(created))
    session.add(Stamped())
    session.commit()
    assert got == [True]


def test_a_child_that_moves_is_saved_before_it_is_deleted_later(
    engine: Engine, session: Session, seen: Seen
) -> None:
    session.add(User(username="ann", posts=[Post(title="first")]))
    session.add(User(username="bob"))
    session.commit()
    post = session.exec(select(Post)).one()
    bob = session.exec(select(User).where(User.username == "bob")).one()
    seen.take()
    order: list[str] = []

    def note_update(connection: Any, cursor: Any, statement: str, *others: Any) -> None:
        if statement.startswith("UPDATE"):
            order.extend([*seen.take(), "UPDATE"])

    event.listen(engine, "before_cursor_execute", note_update)
    with session.no_autoflush:
        session.add(User(username="eve"))
        post.user = bob
        session.delete(post)
    # That it was given to a parent outweighs its mark of deletion, until the next flush.
    session.flush()
    assert order == ["pre_save User", "pre_save Post", "UPDATE"]
    assert seen.take() == ["post_save User created", "post_save Post updated"]
    session.flush()
    assert seen.take() == ["pre_delete Post", "post_delete Post"]


def test_an_update_of_a_row_that_is_gone_is_announced_though_it_fails(
    session: Session, seen: Seen
) -> None:
    session.add(User(username="ann", posts=[Post(title="first")]))
    session.add(bob := User(username="bob"))
    session.commit()
    post = session.exec(select(Post)).one()
    session.delete(post)
    session.flush()
    seen.take()
    session.delete(post)
    with session.no_autoflush:
        bob.posts.append(post)
    with pytest.raises(StaleDataError):
        session.flush()
    assert seen.take() == ["pre_save Post"]


def test_a_pre_save_receiver_of_a_child_sees_which_columns_will_change(
    session: Session, seen: Seen
) -> None:
    member = Member(name="ann")
    settled(session, member)
    seen.take()
    member.team = Team(name="red")
    member.name = "Ann"
    session.commit()
    assert [fields for _, sender, fields in seen.take_fields() if sender == "Member"] == [
        {"team_id", "name"},
        {"team_id", "name"},
    ]


def test_a_collection_without_a_way_back_saves_the_child(session: Session, seen: Seen) -> None:
    red, fan = Team(name="red"), Fan()
    settled(session, red, fan)
    seen.take()
    red.fans.append(fan)
    session.commit()
    assert seen.take_fields() == [
        ("pre_save", "Fan", {"team_id"}),
        ("post_save", "Fan", {"team_id"}),
    ]
    red.fans.remove(fan)
    session.commit()
    assert seen.take_fields() == [
        ("pre_save", "Fan", {"team_id"}),
        ("post_save", "Fan", {"team_id"}),
    ]


def test_a_child_moved_between_collections_without_a_way_back_is_saved_once(
    session: Session, seen: Seen
) -> None:
    fan = Fan()
    red, blue = Team(name="red", fans=[fan]), Team(name="blue")
    settled(session, red, blue, fan)
    seen.take()
    assert blue.fans == []  # looked at now, since loading it later would autoflush
    red.fans.remove(fan)
    blue.fans.append(fan)
    session.commit()
    assert seen.take() == ["pre_save Fan", "post_save Fan updated"]
    assert fan.team_id == blue.id


def test_an_existing_child_given_to_a_new_parent_is_saved(session: Session, seen: Seen) -> None:
    fan = Fan()
    settled(session, fan)
    seen.take()
    session.add(Team(name="red", fans=[fan]))
    session.commit()
    assert seen.take() == [
        "pre_save Team",
        "pre_save Fan",
        "post_save Team created",
        "post_save Fan updated",
    ]


def test_a_parent_that_does_not_know_its_children_is_not_saved(
    session: Session, seen: Seen
) -> None:
    fan, ticket = Fan(), Ticket()
    settled(session, fan, ticket)
    seen.take()
    ticket.fan = fan
    session.commit()
    assert seen.take_fields() == [
        ("pre_save", "Ticket", {"fan_id"}),
        ("post_save", "Ticket", {"fan_id"}),
    ]


def test_deleting_a_parent_without_cascade_saves_its_children(session: Session, seen: Seen) -> None:
    ann, ben = Member(name="ann"), Member(name="ben")
    red = Team(name="red", members=[ann, ben])
    settled(session, red, ann, ben)
    session.expire_all()
    seen.take()
    session.delete(red)
    session.commit()
    sent = list(seen.sent)
    assert sorted(seen.take()) == sorted(
        [
            "pre_delete Team",
            "post_delete Team",
            *["pre_save Member", "post_save Member updated"] * 2,
        ]
    )
    assert {frozenset(s.named["update_fields"]) for s in sent if s.sender == "Member"} == {
        frozenset({"team_id"})
    }
    assert (ann.team_id, ben.team_id) == (None, None)


def test_a_many_to_many_change_saves_neither_end(session: Session, seen: Seen) -> None:
    essay, tag, other = Essay(title="e"), Tag(word="t"), Tag(word="o")
    settled(session, essay, tag, other)
    seen.take()
    essay.tags.append(tag)
    session.commit()
    assert seen.take() == []
    other.essays.append(essay)
    session.commit()
    assert seen.take() == []
    essay.tags.remove(tag)
    session.commit()
    assert seen.take() == []
    assert [link.tag_id for link in session.exec(select(PostTag))] == [other.id]


def test_deleting_one_end_of_many_to_many_saves_not_the_other(session: Session, seen: Seen) -> None:
    essay, tag = Essay(title="e"), Tag(word="t")
    essay.tags.append(tag)
    settled(session, essay, tag)
    seen.take()
    session.delete(tag)
    session.commit()
    assert seen.take() == ["pre_delete Tag", "post_delete Tag"]
    assert session.exec(select(PostTag)).all() == []


def test_a_link_row_added_by_itself_is_saved(session: Session, seen: Seen) -> None:
    essay, tag = Essay(title="e"), Tag(word="t")
    settled(session, essay, tag)
    seen.take()
    session.add(PostTag(essay_id=essay.id, tag_id=tag.id))
    session.commit()
    assert seen.take() == ["pre_save PostTag", "post_save PostTag created"]


def test_a_tree_is_created_parents_first(session: Session, seen: Seen) -> None:
    root = Node(name="root", children=[Node(name="leaf")])
    session.add(root)
    session.commit()
    assert sorted(seen.take()) == sorted(["pre_save Node", "post_save Node created"] * 2)


def test_moving_a_branch_of_a_tree_saves_it_alone(session: Session, seen: Seen) -> None:
    branch = Node(name="branch")
    root, other = Node(name="root", children=[branch]), Node(name="other")
    settled(session, root, other, branch)
    seen.take()
    other.children.append(branch)
    session.commit()
    assert [(s.signal, s.instance.name) for s in seen.sent] == [
        ("pre_save", "branch"),
        ("post_save", "branch"),
    ]


def test_deleting_the_root_of_a_tree_deletes_the_whole(session: Session, seen: Seen) -> None:
    leaf = Node(name="leaf")
    branch = Node(name="branch", children=[leaf])
    root = Node(name="root", children=[branch])
    settled(session, root, branch, leaf)
    session.expire_all()
    seen.take()
    session.delete(root)
    session.commit()
    assert all(sent.named["origin"] is root for sent in seen.sent)
    assert sorted(seen.take()) == sorted(["pre_delete Node", "post_delete Node"] * 3)
    assert session.exec(select(Node)).all() == []


def test_rows_with_a_composite_key_are_saved_and_deleted(session: Session, seen: Seen) -> None:
    shelf = Shelf(room="hall", number=1)
    book = Book()
    settled(session, shelf, book)
    assert sorted(seen.take()) == sorted(
        line
        for name in ("Shelf", "Book")
        for line in (f"pre_save {name}", f"post_save {name} created")
    )
    book.shelf = shelf
    session.commit()
    assert seen.take_fields() == [
        ("pre_save", "Book", {"shelf_room", "shelf_number"}),
        ("post_save", "Book", {"shelf_room", "shelf_number"}),
    ]
    shelf.label = "maps"
    session.commit()
    assert seen.take() == ["pre_save Shelf", "post_save Shelf updated"]
    session.delete(book)
    session.delete(shelf)
    session.commit()
    assert seen.take() == [
        "pre_delete Book",
        "pre_delete Shelf",
        "post_delete Book",
        "post_delete Shelf",
    ]


def test_a_child_that_lost_its_parent_is_deleted_where_the_relationship_says_so(
    session: Session, seen: Seen
) -> None:
    post = Post(title="one")
    user = User(username="ann", posts=[post])
    settled(session, user, post)
    seen.take()
    user.posts.remove(post)
    session.commit()
    assert seen.take() == ["pre_delete Post", "post_delete Post"]
    assert session.exec(select(Post)).all() == []


def test_a_lost_childs_own_dependants_go_first(session: Session, seen: Seen) -> None:
    post = Post(title="one", comments=[Comment(text="hi")])
    user = User(username="ann", posts=[post])
    settled(session, user)
    seen.take()
    user.posts.remove(post)
    session.commit()
    assert seen.take() == [
        "pre_delete Comment",
        "pre_delete Post",
        "post_delete Comment",
        "post_delete Post",
    ]


def test_a_replaced_one_to_one_child_is_deleted_and_the_new_one_created(
    session: Session, seen: Seen
) -> None:
    user = User(username="ann", profile=Profile(first_name="Ann"))
    settled(session, user)
    old = user.profile
    seen.take()
    user.profile = None
    session.flush()
    user.profile = Profile(first_name="Anna")
    session.commit()
    assert seen.sent[0].instance is old
    assert seen.take() == [
        "pre_delete Profile",
        "post_delete Profile",
        "pre_save Profile",
        "post_save Profile created",
    ]


def test_a_child_handed_to_another_parent_is_no_orphan(session: Session, seen: Seen) -> None:
    post = Post(title="one")
    ann, ben = User(username="ann", posts=[post]), User(username="ben")
    settled(session, ann, ben, post)
    seen.take()
    assert ben.posts == []  # looked at now, since loading it later would autoflush
    ann.posts.remove(post)
    ben.posts.append(post)
    session.commit()
    assert seen.take_fields() == [
        ("pre_save", "Post", {"user_id"}),
        ("post_save", "Post", {"user_id"}),
    ]
    assert post.user_id == ben.id


def test_a_new_child_that_lost_its_parent_before_the_flush_is_not_saved(
    session: Session, seen: Seen
) -> None:
    user = User(username="ann")
    settled(session, user)
    seen.take()
    post = Post(title="one")
    user.posts.append(post)
    user.posts.remove(post)
    session.commit()
    assert seen.take() == []


def test_a_cascade_deletes_three_levels_dependants_first(session: Session, seen: Seen) -> None:
    user = User(username="ann", profile=Profile())
    user.posts = [
        Post(title="one", comments=[Comment(text="a"), Comment(text="b")]),
        Post(title="two", comments=[Comment(text="c")]),
    ]
    settled(session, user)
    session.expire_all()
    seen.take()
    session.delete(user)
    session.commit()
    sent = list(seen.sent)
    assert all(s.named["origin"] is user for s in sent)
    order = [(s.signal, s.sender) for s in sent if s.sender != "Profile"]
    assert order == [
        *[("pre_delete", "Comment")] * 3,
        *[("pre_delete", "Post")] * 2,
        ("pre_delete", "User"),
        *[("post_delete", "Comment")] * 3,
        *[("post_delete", "Post")] * 2,
        ("post_delete", "User"),
    ]
    for signal in ("pre_delete", "post_delete"):
        senders = [s.sender for s in sent if s.signal == signal]
        assert senders.index("Profile") < senders.index("User")


def test_deleting_the_child_and_the_parent_by_hand_gives_each_its_own_origin(
    session: Session, seen: Seen
) -> None:
    post = Post(title="one")
    user = User(username="ann", posts=[post])
    settled(session, user, post)
    seen.take()
    with session.no_autoflush:  # looking for the user's posts would flush the post's deletion
        session.delete(post)
        session.delete(user)
    session.commit()
    origins = {s.sender: s.named["origin"] for s in seen.sent}
    assert origins["User"] is user
    assert origins["Post"] in (post, user)
    assert [s.sender for s in seen.sent] == ["Post", "User", "Post", "User"]


def test_passive_deletes_sends_for_the_loaded_children_alone(session: Session, seen: Seen) -> None:
    owner = Owner(pets=[Pet(), Pet()])
    settled(session, owner)
    session.expire_all()
    seen.take()
    session.delete(owner)
    session.commit()
    # The database deletes the pets by itself.
    assert seen.take() == ["pre_delete Owner", "post_delete Owner"]
    assert session.exec(select(Pet)).all() == []

    other = Owner(pets=[Pet(), Pet()])
    settled(session, other)
    assert len(other.pets) == 2
    seen.take()
    session.delete(other)
    session.commit()
    assert seen.take() == [
        *["pre_delete Pet"] * 2,
        "pre_delete Owner",
        *["post_delete Pet"] * 2,
        "post_delete Owner",
    ]


def test_passive_deletes_all_leaves_children_to_the_database(session: Session, seen: Seen) -> None:
    toy = Toy()
    owner = Owner(toys=[toy])
    settled(session, owner, toy)
    assert owner.toys == [toy]
    seen.take()
    session.delete(owner)
    session.commit()
    assert seen.take() == ["pre_delete Owner", "post_delete Owner"]
    assert toy.owner_id is None


def test_models_that_share_a_base_without_a_table_are_senders_of_their_own(
    session: Session, seen: Seen
) -> None:
    cat = Cat(name="tom")
    session.add_all([cat, Dog(name="rex")])
    session.commit()
    assert sorted(seen.take()) == sorted(
        line
        for name in ("Cat", "Dog")
        for line in (f"pre_save {name}", f"post_save {name} created")
    )
    cat.name = "Tom"
    session.commit()
    assert seen.take_fields() == [("pre_save", "Cat", {"name"}), ("post_save", "Cat", {"name"})]


def test_a_deletion_that_the_database_refuses_is_rolled_back(session: Session, seen: Seen) -> None:
    fan, ticket = Fan(), Ticket()
    ticket.fan = fan
    settled(session, fan, ticket)
    seen.take()
    session.add(Log(text="pending"))
    session.delete(fan)
    with pytest.raises(IntegrityError):
        session.commit()
    session.rollback()
    assert session.exec(select(Log)).all() == []
    seen.take()
    session.delete(ticket)
    session.delete(fan)
    session.commit()
    assert seen.take() == [
        "pre_delete Ticket",
        "pre_delete Fan",
        "post_delete Ticket",
        "post_delete Fan",
    ]


def test_pre_delete_receivers_see_the_row_and_post_delete_receivers_do_not(
    session: Session, connect: Connect
) -> None:
    user = User(username="ann")
    settled(session, user)
    found: list[tuple[str, int]] = []

    def look(signal: Any, session: Session, **kwargs: Any) -> None:
        found.append((signal.name, len(session.exec(select(User.id)).all())))

    connect(pre_delete, look, User)
    connect(post_delete, look, User)
    session.delete(user)
    session.commit()
    assert found == [("pre_delete", 1), ("post_delete", 0)]


class Booth(Base, table=True):
    """Has visitors, who know nothing of it but cannot be without."""

    __tablename__ = "dbtest_booth"

    id: int | None = Field(default=None, primary_key=True)

    visitors: list["Visitor"] = Relationship()


class Visitor(Base, table=True):
    """A child that may not be without its parent."""

    __tablename__ = "dbtest_visitor"

    id: int | None = Field(default=None, primary_key=True)
    booth_id: int = Field(foreign_key="dbtest_booth.id")


class Badge(Base, table=True):
    """A row whose key is that of its user."""

    __tablename__ = "dbtest_badge"

    user_id: int | None = Field(default=None, foreign_key="dbtest_user.id", primary_key=True)
    text: str = ""

    user: User | None = Relationship()


def flush_too(session: Session, **kwargs: Any) -> None:
    session.flush()


@pytest.mark.parametrize("signal", WRITING_SIGNALS)
def test_a_child_let_go_of_and_deleted_is_deleted_though_a_receiver_flushes(
    session: Session, connect: Connect, signal: Any
) -> None:
    session.add(booth := Booth(visitors=[Visitor(), Visitor()]))
    session.commit()
    leaving, staying = booth.visitors
    connect(signal, flush_too)
    booth.visitors.remove(leaving)
    session.delete(leaving)
    session.commit()
    assert session.exec(select(Visitor)).all() == [staying]
    assert booth.visitors == [staying]


@pytest.mark.parametrize("signal", WRITING_SIGNALS)
def test_a_row_is_taken_over_through_its_parent_though_a_receiver_flushes(
    session: Session, connect: Connect, signal: Any
) -> None:
    user = User(username="ann")
    session.add(old := Badge(user=user, text="old"))
    session.commit()
    connect(signal, flush_too)
    session.delete(old)
    session.add(new := Badge(user=user, text="new"))
    session.commit()
    assert session.exec(select(Badge)).all() == [new]
    assert new.text == "new"
