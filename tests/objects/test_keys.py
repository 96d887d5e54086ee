"""Keys: read from texts and JSON, written as texts, and what they lead to."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from shop.models import Category, Coupon, Customer, Line, Order, Product, Tag
from sqlalchemy import Engine
from sqlmodel import select

from signalcli.db import Session
from signalcli.errors import InvalidValue, NotFound
from signalcli.objects.keys import (
    foreign_keys,
    key_of,
    key_of_instance,
    key_text,
    refers,
    refuse_missing,
    targets,
)
from signalcli.objects.operations import create, find
from tests.objects.app import Box, Place, Shelf, said

storable_texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
# Texts of these make up what might be a key of several columns itself.
awkward_texts = st.text('[],"1', max_size=4)
any_texts = storable_texts | awkward_texts
whole_numbers = st.integers(-(2**63), 2**63 - 1)


class TestKeys:
    @given(storable_texts)
    def test_a_key_of_one_text(self, slug: str) -> None:
        assert key_of(Tag, slug) == key_of(Tag, key_text((slug,))) == (slug,)
        assert key_of(Tag, slug, is_json=True) == (slug,)

    @given(st.uuids())
    def test_a_key_of_another_type(self, code: Any) -> None:
        assert key_of(Coupon, str(code)) == key_of(Coupon, key_text((code,))) == (code,)

    @given(whole_numbers, whole_numbers)
    def test_a_key_of_two_numbers(self, first: int, second: int) -> None:
        key = (first, second)
        assert key_text(key) == f"{first},{second}"
        assert key_of(Line, key_text(key)) == key
        assert key_of(Line, json.dumps(key)) == key
        assert key_of(Line, list(key), is_json=True) == key

    @given(any_texts, any_texts)
    @example('["a"', '"b"]')
    @example("[1", "2]")
    def test_a_key_of_two_texts(self, row: str, seat: str) -> None:
        assert key_of(Place, json.dumps([row, seat])) == (row, seat)
        assert key_of(Place, key_text((row, seat))) == (row, seat)

    @given(any_texts, any_texts)
    @settings(max_examples=30)
    def test_an_object_is_found_by_the_text_of_its_key(
        self, shared: Engine, row: str, seat: str
    ) -> None:
        with Session(shared) as session:
            words = {"row": row, "seat": seat}
            place = create(session, Place, said(*(f"{k}={v}" for k, v in words.items())))
            key = key_of_instance(place)
            assert key == (row, seat)
            assert find(session, Place, key_text(key)) is place

    @pytest.mark.parametrize(
        ("model", "given", "message"),
        [
            (Line, "1", "^'1' is no key of shop.Line: give order_id,position$"),
            (Line, "1,2,3", "is no key of shop.Line"),
            (Line, "[1]", r"'\[1\]' is no key of shop.Line"),
            (Line, "[1,2", r"order_id '\[1'"),
            (Line, "1,x", "position 'x': input should be a valid integer"),
            (Order, "", "id ''"),
            (Order, str(2**63), "is too large for the database"),
            (Tag, "\0", "has characters that no database holds"),
        ],
    )
    def test_what_is_no_key(self, model: Any, given: str, message: str) -> None:
        with pytest.raises(InvalidValue, match=message):
            key_of(model, given)

    @pytest.mark.parametrize("given", [5, "1,2", None, {}, [1], [1, 2, 3]])
    def test_json_that_is_no_key_of_two_columns(self, given: Any) -> None:
        with pytest.raises(InvalidValue, match=r"is no key of shop\.Line: give order_id,position"):
            key_of(Line, given, is_json=True)


class TestTargets:
    """The value for a relationship."""

    def found(self, session: Session, model: Any, word: str) -> Any:
        (one,) = said(word).values()
        return targets(session, model, one)

    @pytest.mark.parametrize("word", ["customer=2", "customer:=2"])
    def test_one_object(self, session: Session, word: str) -> None:
        assert self.found(session, Order, word).email == "bob@mail.com"

    def test_none(self, session: Session) -> None:
        assert self.found(session, Product, "category:=null") is None

    @pytest.mark.parametrize(
        ("word", "slugs"),
        [
            ("tags=old,new", ["old", "new"]),
            ('tags:=["new"]', ["new"]),
            ("tags=", []),
            ("tags:=[]", []),
            ("tags:=null", []),
        ],
    )
    def test_a_list(self, session: Session, word: str, slugs: list[str]) -> None:
        assert [tag.slug for tag in self.found(session, Product, word)] == slugs

    @pytest.mark.parametrize("word", ["lines:=[[1,1]]", 'lines:=["1,1"]', 'lines:=["[1,1]"]'])
    def test_a_list_by_keys_of_two_columns(self, session: Session, word: str) -> None:
        if '"' in word:
            with pytest.raises(InvalidValue, match="is no key of"):
                self.found(session, Order, word)
        else:
            assert [line.quantity for line in self.found(session, Order, word)] == [2]

    def test_a_set(self, session: Session) -> None:
        box = create(session, Box, {})
        assert self.found(session, Shelf, "boxes=1") == {box}
        assert self.found(session, Shelf, "boxes=") == set()

    @pytest.mark.parametrize(
        ("model", "word", "error", "message"),
        [
            (Order, "customer=9", NotFound, "there is no shop.Customer '9' for customer"),
            (Product, "tags=new,x", NotFound, "there is no shop.Tag 'x' for tags"),
            (Order, "lines:=[[1,9]]", NotFound, "there is no shop.Line '1,9' for lines"),
            (Product, "tags=new,new", InvalidValue, "tags names 'new' twice"),
            (Order, "lines:=[[1,1],[1,1]]", InvalidValue, "lines names '1,1' twice"),
            (Product, "tags:=1", InvalidValue, "tags:=1 is no list of keys"),
            (Order, "customer=x", InvalidValue, "id 'x'"),
            (Order, "lines=1,1", InvalidValue, r"give a list of keys, as lines:=\[\[1,2\],\[1,3\]"),
        ],
    )
    def test_what_leads_nowhere(
        self, session: Session, model: Any, word: str, error: type[Exception], message: str
    ) -> None:
        with pytest.raises(error, match=message):
            self.found(session, model, word)


class TestForeignKeys:
    def test_those_that_a_relationship_to_one_sets(self, session: Session) -> None:
        customer = session.get_one(Customer, 2)
        assert foreign_keys(Order, "customer", customer) == {"customer_id": 2}
        assert foreign_keys(Order, "customer", None) == {"customer_id": None}
        assert foreign_keys(Order, "lines", []) == {}

    def test_a_row_that_is_not_there(self, session: Session) -> None:
        message = "there is no shop.Customer whose id is 9, for customer_id"
        with pytest.raises(NotFound, match=message):
            refuse_missing(session, Order, {"customer_id": 9})
        refuse_missing(session, Order, {"customer_id": 2, "number": "9"})
        refuse_missing(session, Product, {"category_id": None})

    def test_a_row_may_refer_to_itself(self, session: Session) -> None:
        refuse_missing(session, Category, {"id": 7, "parent_id": 7})
        with pytest.raises(NotFound, match=r"no shop\.Category whose id is 7, for parent_id"):
            refuse_missing(session, Category, {"id": 8, "parent_id": 7})


class TestConditions:
    """A search by a relationship."""

    @pytest.mark.parametrize(
        ("model", "word", "found"),
        [
            (Order, "customer=1", [(1,)]),
            (Order, "customer=2", []),
            (Product, "category:=null", [(2,)]),
            (Product, "tags=new,old", [(1,)]),
            (Product, "tags=", [(2,)]),
            (Product, "lines:=[[1,1]]", [(1,)]),
            (Product, "lines:=[[1,2]]", []),
            (Line, "order=1", [(1, 1)]),
            (Category, "children=2", [(1,)]),
            (Category, "children=1,2", []),
        ],
    )
    def test_those_that_lead_to_every_one(
        self, session: Session, model: Any, word: str, found: list[Any]
    ) -> None:
        (one,) = said(word).values()
        rows = session.exec(select(model).where(refers(model, one))).all()
        assert [key_of_instance(row) for row in rows] == found
