"""Fields: what a model has, which names are refused, and how values are quoted."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shop.models import Category, DigitalProduct, Line, Order, Product, Tag

from signalcli.errors import InvalidValue
from signalcli.objects.fields import (
    columns_of,
    foreign_keys_of,
    key_fields,
    listed,
    names_of,
    quoted,
    refuse_double,
    refuse_other_kind,
    refuse_unknown,
    relationships_of,
)
from signalcli.secrets import is_secret_name
from tests.objects.app import Shelf


class TestNames:
    def test_columns_and_then_relationships(self) -> None:
        assert names_of(Order) == [
            "id", "customer_id", "number", "status", "ordered", "delivered", "customer", "lines",
        ]  # fmt: skip

    def test_a_derived_model_has_those_of_its_base(self) -> None:
        assert set(names_of(Product)) | {"url", "size"} == set(names_of(DigitalProduct))
        assert columns_of(DigitalProduct)["sku"].table.name == "shop_product"
        assert columns_of(DigitalProduct)["url"].table.name == "shop_digital_product"

    def test_a_relationship_that_only_shows_cannot_be_set(self) -> None:
        assert list(relationships_of(Shelf)) == ["boxes"]

    def test_the_fields_of_a_key(self) -> None:
        assert key_fields(Line) == ["order_id", "position"]
        assert key_fields(DigitalProduct) == ["id"]

    def test_the_foreign_keys_that_a_relationship_sets(self) -> None:
        assert foreign_keys_of(relationships_of(Category)["parent"]) == {"parent_id": "id"}
        assert foreign_keys_of(relationships_of(Category)["children"]) == {}
        assert foreign_keys_of(relationships_of(Product)["tags"]) == {}


class TestRefused:
    @given(st.text(max_size=12))
    @settings(max_examples=40)
    def test_every_name_that_the_model_does_not_have(self, name: str) -> None:
        if name not in names_of(Tag):
            with pytest.raises(InvalidValue, match=r"^shop\.Tag has no field .*products$"):
                refuse_unknown(Tag, ["slug", name])

    def test_a_close_name_is_proposed(self) -> None:
        with pytest.raises(InvalidValue) as refused:
            refuse_unknown(Tag, ["color"])
        assert str(refused.value) == (
            "shop.Tag has no field 'color'; did you mean colour? it has slug, colour, products"
        )
        refuse_unknown(Tag, ["colour", "products"])

    def test_a_relationship_together_with_its_foreign_key(self) -> None:
        with pytest.raises(InvalidValue, match="customer and customer_id say the same"):
            refuse_double(Order, ["customer_id", "customer"])
        for names in (["customer", "lines", "number"], ["customer_id", "lines"]):
            refuse_double(Order, names)

    def test_the_kind_of_another_model(self) -> None:
        with pytest.raises(InvalidValue) as refused:
            refuse_other_kind(Product, {"kind": "digital"})
        assert str(refused.value) == (
            "kind says that it is a shop.Product, and has to be 'product'"
        )
        refuse_other_kind(Product, {"kind": "product"})
        refuse_other_kind(DigitalProduct, {"kind": "digital"})
        refuse_other_kind(Product, {"sku": "digital"})
        refuse_other_kind(Tag, {"kind": "digital"})


class TestQuotes:
    @given(st.text() | st.integers() | st.none() | st.lists(st.text(), max_size=3))
    def test_a_value_is_on_one_line_and_never_long(self, value: Any) -> None:
        assert "\n" not in quoted(value)
        assert len(quoted(value)) <= 210

    def test_a_long_value_is_cut(self) -> None:
        assert quoted("x" * 1000).startswith("'xxx")
        assert len(quoted("x" * 1000)) <= 200

    @pytest.mark.parametrize("name", ["password", "api_key", "Token"])
    def test_a_secret_is_masked(self, name: str) -> None:
        assert is_secret_name(name)
        assert quoted("hush", name) == "********"

    def test_other_values_are_not(self) -> None:
        assert not is_secret_name("name")
        assert quoted("hush", "name") == "'hush'"

    def test_names_in_a_sentence(self) -> None:
        assert listed(iter(["a", "b"])) == "a, b"
