"""Objects are created, changed, removed and found by text; a failure leaves nothing behind."""

from typing import Any

import pytest
from shop.models import Category, Customer, DigitalProduct, Line, Order, Product, Tag
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from signalcli.db import Session, post_delete, post_init, post_save, pre_delete, pre_init, pre_save
from signalcli.errors import AlreadyExists, InvalidValue, NotFound, SignalcliError
from signalcli.objects.operations import Changed, change, create, find, find_all, remove
from tests.objects.app import Box, Connect, Pair, Sample, Shelf, rows, said

SAVING = (pre_save, post_save)


class Refusing:
    """A receiver that raises one error, on one of its calls."""

    def __init__(self, error: Exception, at_call: int = 1) -> None:
        self.error, self.calls, self.at_call = error, 0, at_call

    def __call__(self, **kwargs: Any) -> None:
        self.calls += 1
        if self.calls == self.at_call:
            raise self.error


def dump(engine: Engine) -> list[str]:
    """Everything that other connections see of the database."""
    with engine.connect() as connection:
        raw: Any = connection.connection.driver_connection
        return list(raw.iterdump())


def pk(instance: Any) -> Any:
    return instance.id


class TestCreate:
    def test_the_instance_is_as_receivers_and_the_database_left_it(
        self, session: Session, connect: Connect
    ) -> None:
        def rename(instance: Customer, **kwargs: Any) -> None:
            instance.name = "Renamed"

        connect(pre_save, rename, Customer)
        customer = create(session, Customer, said("email=New@mail.com", "level=2"))
        assert (customer.id, customer.email, customer.name) == (3, "new@mail.com", "Renamed")
        assert rows(session, Customer.id, Customer.name)[-1] == (3, "Renamed")

    def test_relationships_lead_to_what_is_there(self, session: Session) -> None:
        product = create(session, Product, said("sku=B1", "category=2", "tags=old,new"))
        assert product.category.name == "Novels"
        assert [tag.slug for tag in product.tags] == ["old", "new"]

    def test_an_inherited_relationship_is_set(self, session: Session) -> None:
        product = create(session, DigitalProduct, said("sku=D2", "url=x", "tags=new"))
        assert [tag.slug for tag in product.tags] == ["new"]

    def test_a_relationship_to_a_set(self, session: Session) -> None:
        for _ in range(2):
            create(session, Box, {})
        shelf = create(session, Shelf, said("name=low", "boxes=1,2"))
        assert {box.id for box in shelf.boxes} == {1, 2}
        assert rows(session, Box.shelf_id) == [1, 1]

    def test_an_object_that_a_receiver_removes_is_returned(
        self, session: Session, connect: Connect
    ) -> None:
        connect(post_save, lambda instance, session, **_: session.delete(instance), Tag)
        assert create(session, Tag, said("slug=x")).slug == "x"
        assert rows(session, Tag.slug) == ["new", "old"]

    @pytest.mark.parametrize(
        ("words", "error"),
        [
            (["colour=red"], InvalidValue),
            (["sku=x", "category=1", "category_id=1"], InvalidValue),
            (["sku=x", "kind=digital"], InvalidValue),
            (["sku=x", "stock=-1"], InvalidValue),
            (["sku=x", "weight=2000"], InvalidValue),
            (["sku=x", "category=9"], NotFound),
            (["sku=x", "category_id=9"], NotFound),
            (["sku=A1"], AlreadyExists),
        ],
    )
    def test_what_cannot_be_created(
        self, session: Session, engine: Engine, words: list[str], error: type[SignalcliError]
    ) -> None:
        before = dump(engine)
        with pytest.raises(error):
            create(session, Product, said(*words))
        session.commit()
        assert dump(engine) == before


class TestChange:
    def test_each_change_is_told_in_the_order_of_asking(self, session: Session) -> None:
        product, changes = change(session, Product, "1", said("tags=old", "stock=7", "category=1"))
        assert changes == (
            Changed("tags", ["new", "old"], ["old"]),
            Changed("stock", 5, 7),
            Changed("category", "2", "1"),
        )
        assert (product.stock, product.category_id) == (7, 1)
        assert rows(session, Product.stock) == [0, 7]

    def test_one_change_is_one_save_whatever_it_loads_in_between(
        self, session: Session, connect: Connect
    ) -> None:
        count = Refusing(AssertionError("never"), at_call=0)
        connect(pre_save, count, Product)
        change(session, Product, "1", said("stock=7", "tags=old", "sku=B1"))
        assert count.calls == 1

    def test_what_a_validator_sets_is_told_last(self, session: Session) -> None:
        create(session, Pair, said("high=2", "word=hey"))
        _, changes = change(session, Pair, "1", said("high=4", "low=3"))
        assert changes == (Changed("high", 2, 4), Changed("low", 0, 3), Changed("total", 2, 7))
        assert rows(session, Pair.total, Pair.word) == [(7, "hey!")]

    def test_nothing_is_saved_where_nothing_changes(
        self, session: Session, connect: Connect
    ) -> None:
        count = Refusing(AssertionError("saved"))
        for signal in SAVING:
            connect(signal, count)
        words = ("stock=5", "tags=old,new", "category=2", "weight:=null")
        assert change(session, Product, "1", said(*words))[1] == ()
        assert count.calls == 0

    @pytest.mark.parametrize("new", [[2, 1], [1], [1, 1, 2], [1, 2, 1000], []])
    def test_a_list_in_a_column_changes_with_its_order_and_its_length(
        self, session: Session, new: list[int]
    ) -> None:
        create(session, Sample, said("days=[1,2]"))
        sample, changes = change(session, Sample, "1", said(f"days:={new}"))
        assert changes == (Changed("days", [1, 2], new),)
        assert sample.days == new

    def test_an_equal_list_is_no_change(self, session: Session) -> None:
        create(session, Sample, said("days=[1000,2000]"))
        assert change(session, Sample, "1", said("days=[1000,2000]"))[1] == ()

    def test_objects_in_another_order_are_no_change(self, session: Session) -> None:
        assert change(session, Product, "1", said("tags=old,new"))[1] == ()

    def test_a_set_is_shown_by_its_keys(self, session: Session) -> None:
        create(session, Box, {})
        create(session, Shelf, said("name=low"))
        _, changes = change(session, Shelf, "1", said("boxes=1"))
        assert changes == (Changed("boxes", [], ["1"]),)
        assert change(session, Shelf, "1", said("boxes:=[1]"))[1] == ()

    def test_fields_of_a_derived_model_are_reached_by_the_base(self, session: Session) -> None:
        instance, _ = change(session, Product, "2", said("url=y", "size=3", "tags=new"))
        assert isinstance(instance, DigitalProduct)
        assert (instance.url, [tag.slug for tag in instance.tags]) == ("y", ["new"])
        with pytest.raises(InvalidValue, match=r"has no field 'url'"):
            change(session, Product, "1", said("url=y"))

    @pytest.mark.parametrize(
        ("key", "words", "error"),
        [
            ("one", ["stock=1"], InvalidValue),
            ("9", ["stock=1"], NotFound),
            ("1", ["stock=1", "sku=D1"], AlreadyExists),
            ("1", ["stock=1", "weight=2000"], InvalidValue),
            ("1", ["stock=-1"], InvalidValue),
            ("1", ["stock=1", "tags=x"], NotFound),
            ("1", ["stock=1", "category_id=9"], NotFound),
        ],
    )
    def test_what_cannot_be_changed(
        self,
        session: Session,
        engine: Engine,
        key: str,
        words: list[str],
        error: type[SignalcliError],
    ) -> None:
        before = dump(engine)
        with pytest.raises(error):
            change(session, Product, key, said(*words))
        session.commit()
        assert dump(engine) == before

    def test_circles_are_refused(self, session: Session) -> None:
        with pytest.raises(InvalidValue, match=r"one change after the other"):
            change(session, Category, "2", said("children=1", "parent:=null"))


class TestRemove:
    def test_the_object_is_looked_at_before_it_goes(self, session: Session) -> None:
        assert remove(session, Order, "1", lambda order: len(order.lines)) == 1
        assert (rows(session, Order.id), rows(session, Line.position)) == ([], [])

    def test_who_refers_to_it_is_named(self, session: Session) -> None:
        with pytest.raises(InvalidValue) as refused:
            remove(session, Customer, "1", pk)
        assert str(refused.value) == (
            "shop.Customer '1' is referred to by shop.Order (customer_id); "
            "remove or change that first"
        )
        assert len(rows(session, Order.id)) == 1

    def test_a_key_that_restricts_names_who_refers(self, session: Session) -> None:
        create(session, Shelf, said("name=low"))
        create(session, Box, said("shelf=1"))
        session.commit()
        with pytest.raises(InvalidValue, match=r"^app.Shelf '1' is referred to by app.Box \(shelf"):
            remove(session, Shelf, "1", pk)

    def test_a_table_of_no_model_that_refers_cannot_be_named(self, session: Session) -> None:
        session.execute(text("CREATE TABLE loose (tag_slug REFERENCES shop_tag (slug))"))
        session.execute(text("INSERT INTO loose VALUES ('new')"))
        session.commit()
        with pytest.raises(InvalidValue, match=r"^shop.Tag: a reference would lead nowhere$"):
            remove(session, Tag, "new", lambda tag: tag.slug)
        assert rows(session, Tag.slug) == ["new", "old"]

    def test_a_rule_that_is_not_about_references(self, session: Session) -> None:
        session.execute(text(
            "CREATE TRIGGER keep BEFORE DELETE ON shop_tag BEGIN SELECT RAISE(ABORT, 'kept'); END"
        ))  # fmt: skip
        session.commit()
        with pytest.raises(InvalidValue, match=r"shop.Tag: this cannot be written: kept"):
            remove(session, Tag, "new", lambda tag: tag.slug)
        assert rows(session, Tag.slug) == ["new", "old"]

    def test_an_error_of_looking_at_it_is_the_callers(self, session: Session) -> None:
        def look(tag: Tag) -> None:
            raise InvalidValue("not this one")

        with pytest.raises(InvalidValue, match=r"^not this one$"):
            remove(session, Tag, "new", look)
        assert rows(session, Tag.slug) == ["new", "old"]

    @pytest.mark.parametrize(("key", "error"), [("1,9", NotFound), ("1", InvalidValue)])
    def test_what_is_not_there(
        self, session: Session, key: str, error: type[SignalcliError]
    ) -> None:
        with pytest.raises(error):
            remove(session, Line, key, pk)


class TestFind:
    def test_loading_sends_signals_unless_told_not_to(
        self, session: Session, connect: Connect
    ) -> None:
        count = Refusing(AssertionError("never"), at_call=0)
        connect(post_init, count, Tag)
        assert find(session, Tag, "new", load=False).slug == "new"
        session.expunge_all()
        assert find_all(session, Tag, {}, None, load=False)
        session.expunge_all()
        assert count.calls == 0
        find(session, Tag, "new")
        assert count.calls == 1
        session.expunge_all()
        find_all(session, Tag, {}, None)
        assert count.calls == 3

    @pytest.mark.parametrize(
        ("words", "found"),
        [
            ([], ["a", "new", "old"]),
            (["colour=grey"], ["old"]),
            (["colour:=null"], ["new"]),
            (["products=1"], ["new", "old"]),
            (["products:=[]"], ["a"]),
            (["slug=old", "products=1"], ["old"]),
        ],
    )
    def test_what_fits_all_assignments_in_the_order_of_keys(
        self, session: Session, words: list[str], found: list[str]
    ) -> None:
        create(session, Tag, said("slug=a", "colour=none"))
        assert [tag.slug for tag in find_all(session, Tag, said(*words), None)] == found

    def test_no_more_than_were_asked_for(self, session: Session) -> None:
        assert [tag.slug for tag in find_all(session, Tag, {}, 1)] == ["new"]

    def test_what_cannot_be_found(self, session: Session) -> None:
        with pytest.raises(NotFound, match=r"there is no shop.Tag 'x'; `signalcli get shop.Tag`"):
            find(session, Tag, "x")
        with pytest.raises(InvalidValue, match=r"has no field 'x'"):
            find_all(session, Tag, said("x=1"), None)
        with pytest.raises(InvalidValue, match=r"born 'x'"):
            find_all(session, Customer, said("born=x"), None)

    def test_a_stored_value_that_the_model_cannot_read(self, session: Session) -> None:
        session.execute(text("UPDATE shop_order SET status = 'LOST'"))
        session.commit()
        for ask in (lambda: find(session, Order, "1"), lambda: find_all(session, Order, {}, None)):
            with pytest.raises(InvalidValue, match=r"shop.Order: this cannot be read: .*'LOST'"):
                ask()


class TestReceiversThatRaise:
    """Whatever error it is: it reaches the caller, nothing is written, and the session goes on."""

    @pytest.mark.parametrize("error", [InvalidValue("no luck"), ValueError("no luck")])
    @pytest.mark.parametrize("signal", [pre_init, post_init, pre_save, post_save])
    def test_while_creating(
        self, session: Session, engine: Engine, connect: Connect, signal: Any, error: Exception
    ) -> None:
        before = dump(engine)
        children = find_all(session, Category, {}, None)
        refusing = Refusing(error)
        connect(signal, refusing, Category)
        with pytest.raises(type(error)) as raised:
            create(session, Category, said("name=All", "children=1,2"))
        assert raised.value is error
        self.assert_nothing_is_left(session, engine, before)
        assert [child.parent_id for child in children] == [None, 1]
        assert create(session, Category, said("name=All", "children=1,2")).name == "All"

    @pytest.mark.parametrize("error", [InvalidValue("no luck"), ValueError("no luck")])
    @pytest.mark.parametrize("signal", SAVING)
    @pytest.mark.parametrize("at_call", [1, 2])
    def test_while_changing(
        self,
        session: Session,
        engine: Engine,
        connect: Connect,
        signal: Any,
        error: Exception,
        at_call: int,
    ) -> None:
        before = dump(engine)
        refusing = Refusing(error, at_call)
        connect(signal, refusing, Category)
        words = said("name=All", "children:=[]")
        with pytest.raises(type(error)) as raised:
            change(session, Category, "1", words)
        assert raised.value is error
        self.assert_nothing_is_left(session, engine, before)
        assert len(change(session, Category, "1", words)[1]) == 2

    @pytest.mark.parametrize("error", [InvalidValue("no luck"), ValueError("no luck")])
    def test_while_a_change_loads_what_it_replaces(
        self, session: Session, engine: Engine, connect: Connect, error: Exception
    ) -> None:
        before = dump(engine)
        connect(post_init, Refusing(error), Category)
        words = said("stock=7", "category:=null")
        with pytest.raises(type(error)) as raised:
            change(session, Product, "1", words)
        assert raised.value is error
        # The stock had been set already; a commit must not write half of the change.
        self.assert_nothing_is_left(session, engine, before)
        assert len(change(session, Product, "1", words)[1]) == 2

    @pytest.mark.parametrize("error", [InvalidValue("no luck"), ValueError("no luck")])
    @pytest.mark.parametrize("signal", [post_init, pre_delete, post_delete])
    def test_while_removing(
        self, session: Session, engine: Engine, connect: Connect, signal: Any, error: Exception
    ) -> None:
        before = dump(engine)
        connect(signal, Refusing(error), Order)
        with pytest.raises(type(error)) as raised:
            remove(session, Order, "1", pk)
        assert raised.value is error
        self.assert_nothing_is_left(session, engine, before)
        assert remove(session, Order, "1", pk) == 1

    def test_what_the_transaction_did_before_goes_with_it(
        self, session: Session, engine: Engine, connect: Connect
    ) -> None:
        before = dump(engine)
        create(session, Tag, said("slug=first"))
        with pytest.raises(NotFound):
            create(session, Product, said("sku=x", "tags=first,third"))
        self.assert_nothing_is_left(session, engine, before)

    def test_a_locked_database_is_nobodys_fault(self, session: Session, engine: Engine) -> None:
        session.execute(text("PRAGMA busy_timeout = 0"))
        with engine.connect() as other:
            other.execute(text("DELETE FROM shop_coupon"))
            with pytest.raises(OperationalError, match=r"locked"):
                create(session, Tag, said("slug=x"))
            assert not session.in_transaction()
        assert create(session, Tag, said("slug=x")).slug == "x"

    def assert_nothing_is_left(self, session: Session, engine: Engine, before: list[str]) -> None:
        assert (list(session.new), list(session.dirty), list(session.deleted)) == ([], [], [])
        session.commit()
        assert dump(engine) == before
