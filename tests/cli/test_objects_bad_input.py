"""What bad input for objects of any model gets: one line, the right exit code, and no change."""

import json
from pathlib import Path

import pytest

from tests.cli.program import Driver, Finished, Forker, Program
from tests.cli.shop import shop_in

BIG = "9" * 30
CREATE = ("create", "Product", "sku=new")

BAD: dict[str, tuple[tuple[str, ...], int, str]] = {
    "no such model": (("get", "Ordr"), 3, "did you mean shop.Order"),
    "nothing like a model": (
        ("create", "42"),
        3,
        "there are core.Profile, core.User, shop.Category",
    ),
    "a class that is no model": (("create", "Status"), 3, "no model 'Status'"),
    "a module that is no app": (("get", "signalcli.db.Session"), 3, "no model"),
    "no model": (("create",), 2, "MODEL"),
    "no field": ((*CREATE, "colour=red"), 2, "no field 'colour'; it has id, kind, sku"),
    "nearly a field": ((*CREATE, "stok=1"), 2, "did you mean stock?"),
    "a dunder name": ((*CREATE, "__class__=x"), 2, "no field '__class__'"),
    "SQLAlchemy's metadata": ((*CREATE, "metadata=x"), 2, "no field 'metadata'"),
    "Pydantic's configuration": ((*CREATE, "model_config:={}"), 2, "no field 'model_config'"),
    "the state of an instance": (
        (*CREATE, "_sa_instance_state=x"),
        2,
        "no field '_sa_instance_state'",
    ),
    "a method": (("change", "Product", "1", "light=x"), 2, "no field 'light'"),
    "a field of what it refers to": ((*CREATE, "category.name=x"), 2, "no field 'category.name'"),
    "a field twice": ((*CREATE, "stock=1", "stock:=2"), 2, "'stock' is named twice"),
    "a key twice": (
        ("create", "Order", "customer=1", "customer_id=1"),
        2,
        "customer and customer_id say the same",
    ),
    "no assignment": ((*CREATE, "stock"), 2, "'stock' is no field"),
    "no name": ((*CREATE, "=5"), 2, "'=5' is no field"),
    "no JSON": ((*CREATE, "stock:=five"), 2, "stock:='five' is not JSON"),
    "a constant that JSON lacks": ((*CREATE, "weight:=NaN"), 2, "there is no NaN in JSON"),
    "a number that no float holds": ((*CREATE, "weight:=1e999"), 2, "too large"),
    "JSON nested too deeply": ((*CREATE, "stock:=" + "[" * 100_000), 2, "is not JSON"),
    "several missing": (
        ("create", "Line", "quantity=2"),
        2,
        "a value is missing for position, product_id",
    ),
    "a missing key of another": (("create", "Order"), 2, "a value is missing for customer_id"),
    "a missing part of a key": (
        ("create", "Line", "position=2", "product=1"),
        2,
        "a value is missing for order_id",
    ),
    "no number": ((*CREATE, "stock=many"), 2, "stock 'many': input should be a valid integer"),
    "an empty number": ((*CREATE, "stock="), 2, "stock ''"),
    "a number of 64 bits": ((*CREATE, f"stock={2**63}"), 2, "too large for the database"),
    "a huge number": ((*CREATE, f"stock={BIG}"), 2, "too large for the database"),
    "a number of 5000 digits": ((*CREATE, f"stock={'9' * 5000}"), 2, "stock '999"),
    "not a number": ((*CREATE, "weight=nan"), 2, "weight 'nan'"),
    "too many decimal places": ((*CREATE, "price=1.234"), 2, "no more than 2 decimal places"),
    "below the least": ((*CREATE, "price=-1"), 2, "price '-1': input should be greater"),
    "too long": ((*CREATE[:2], "sku=" + "x" * 13), 2, "at most 12 characters"),
    "no member": (
        ("change", "Order", "1", "status=lost"),
        2,
        "status 'lost': input should be 'open' or",
    ),
    "no date": (("change", "Order", "1", "ordered=someday"), 2, "ordered 'someday'"),
    "no boolean": (("create", "Customer", "email=x@y", "newsletter=perhaps"), 2, "'perhaps'"),
    "no list": (("create", "Coupon", "series=x", "number=1", "days=1,2"), 2, "days '1,2'"),
    "a wrong item": (
        ("create", "Coupon", "series=x", "number=1", 'days:=[1, "x"]'),
        2,
        "days[1]",
    ),
    "a time without its zone": (
        ("create", "Coupon", "series=x", "number=1", "until=2026-01-01T00:00"),
        2,
        "has no time zone",
    ),
    "what a validator of Pydantic refuses": (
        ("create", "Customer", "email=nowhere"),
        2,
        "email 'nowhere': value error, an address has an @",
    ),
    "what a validator of SQLAlchemy refuses": ((*CREATE, "weight=2000"), 2, "too heavy to send"),
    "what a rule of the table refuses": (
        (*CREATE, "stock=-1"),
        2,
        "the rule stock_is_not_negative",
    ),
    "a change that a rule refuses": (
        ("change", "Product", "1", "stock=-1"),
        2,
        "stock_is_not_negative",
    ),
    "null where none may be": (("change", "Order", "1", "customer:=null"), 2, "customer_id"),
    "null in a column": ((*CREATE, "stock:=null"), 2, "stock None"),
    "another model's kind": ((*CREATE, "kind=digital"), 2, "kind says that it is a shop.Product"),
    "a field of a derived model": ((*CREATE, "url=x"), 2, "no field 'url'"),
    "NUL": (("create", "Tag", r'slug:="a\u0000b"'), 2, "characters that no database holds"),
    "half a character": (("create", "Tag", "slug=\udcff"), 2, r"slug '\\udcff'"),
    "half a character in JSON": (("create", "Tag", r'slug:="\ud800"'), 2, "slug"),
    "half a character in a name": ((*CREATE, "\udcff=1"), 2, "has no field"),
    "half a character in a key": (("get", "Tag", "\udcff"), 2, "slug"),
    "half a character in a model": (("get", "\udcff"), 3, "there is no model"),
    "no key": (("get", "Order", "one"), 2, "id 'one': input should be a valid integer"),
    "no UUID": (("get", "Coupon", "1"), 2, "id '1'"),
    "half a key": (("get", "Line", "1"), 2, "'1' is no key of shop.Line: give order_id,position"),
    "a key of three": (("remove", "Line", "1,1,1"), 2, "give order_id,position"),
    "a huge key": (("get", "Order", BIG), 2, "too large for the database"),
    "a huge key of another": (("create", "Order", f"customer={BIG}"), 2, "too large"),
    "a key and more": (
        ("get", "Order", "1", "number=1"),
        2,
        "'number=1' stands after a primary key",
    ),
    "a filter on no field": (("get", "Order", "colour=red"), 2, "no field 'colour'"),
    "a filter of another type": (("get", "Order", "ordered=someday"), 2, "ordered 'someday'"),
    "nothing to change": (("change", "Order", "1"), 2, "FIELD=VALUE"),
    "keys twice": (("change", "Product", "2", "tags=new,new"), 2, "tags names 'new' twice"),
    "keys of several columns as text": (
        ("change", "Product", "1", "lines=1,1"),
        2,
        "lines:=[[1,2]",
    ),
    "keys that are no list": (("change", "Product", "1", "tags:=1"), 2, "no list of keys"),
    "a key that is none": (("change", "Product", "1", "category=x"), 2, "id 'x'"),
    "a child that cannot be left behind": (
        ("change", "Customer", "1", "orders="),
        2,
        "customer_id",
    ),
    "circles": (
        ("change", "Category", "2", "children=1", "parent:=null"),
        2,
        "one change after the other",
    ),
    "no such object": (("get", "Order", "9"), 3, "`signalcli get shop.Order` shows what there is"),
    "no such object to change": (("change", "Order", "9", "number=x"), 3, "no shop.Order '9'"),
    "no such object to remove": (("remove", "Line", "1,9"), 3, "no shop.Line '1,9'"),
    "an object of the base only": (("get", "DigitalProduct", "1"), 3, "no shop.DigitalProduct '1'"),
    "a reference to nothing": (
        ("create", "Order", "customer=9"),
        3,
        "no shop.Customer '9' for customer",
    ),
    "a foreign key to nothing": (
        ("create", "Order", "customer_id=9"),
        3,
        "no shop.Customer whose id is 9, for customer_id",
    ),
    "one of several to nothing": (
        ("change", "Product", "1", "tags=new,x"),
        3,
        "no shop.Tag 'x' for tags",
    ),
    "the same key": (("create", "Tag", "slug=new"), 4, "the same slug already"),
    "the same key of two columns": (
        ("create", "Line", "order=1", "position=1", "product=1"),
        4,
        "the same order_id, position already",
    ),
    "the same unique value": (
        ("create", "Customer", "email=ADA@mail.com"),
        4,
        "the same email already",
    ),
    "a change to the same value": (
        ("change", "Customer", "2", "email=ada@mail.com"),
        4,
        "the same email",
    ),
    "the same of two columns": (
        ("create", "DigitalProduct", "sku=A1", "url=x"),
        4,
        "the same sku already",
    ),
}


def check(done: Finished, code: int, names: str) -> None:
    assert (done.code, done.out) == (code, "")
    assert names in done.error


@pytest.mark.parametrize(("arguments", "code", "names"), BAD.values(), ids=BAD.keys())
def test_bad_input_gets_one_line_and_leaves_the_database_as_it_was(
    shop: Program, arguments: tuple[str, ...], code: int, names: str
) -> None:
    before = shop.rows()
    check(shop(*arguments, "--quiet"), code, names)
    assert shop.rows() == before


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("no such model", "not_found"),
        ("several missing", "invalid_value"),
        ("half a character in JSON", "invalid_value"),
        ("what a rule of the table refuses", "invalid_value"),
        ("no such object to change", "not_found"),
        ("the same unique value", "exists"),
    ],
)
def test_bad_input_gets_a_document(shop: Program, name: str, word: str) -> None:
    arguments, code, names = BAD[name]
    done = shop(*arguments, "--json")
    assert (done.code, done.err) == (code, "")
    assert done.document["error"]["code"] == word
    assert names in done.document["error"]["message"]
    assert done.document["result"] is None


def test_a_unique_pair_is_named(shop: Program) -> None:
    assert shop("create", "Coupon", "series=S", "number=1", "-q").code == 0
    done = shop("create", "Coupon", "series=S", "number=1", "-q")
    check(done, 4, "there is a shop.Coupon with the same series, number already")


def test_what_is_refused_makes_no_database(empty_shop: Program) -> None:
    for arguments in (CREATE[:2], (*CREATE, "x=1"), ("change", "Tag", "x", "slug=y"), ("get", "x")):
        assert empty_shop(*arguments, "-q").code in (2, 3)
    assert "demo.db" not in empty_shop.files


class TestWhoseFaultItIs:
    """A failure is the receivers', unless what was typed cannot be written without them either."""

    def test_a_receiver_that_breaks_a_rule(self, shop: Program) -> None:
        before = shop.rows()
        done = shop("create", "Line", "order=1", "position=2", "product=1", "quantity=9", "-q")
        check(done, 1, "what receivers did cannot be written")
        assert "stock_is_not_negative" in done.error
        assert shop.rows() == before

    def test_a_receiver_that_takes_a_value_that_is_taken(self, shop_driver: Driver) -> None:
        shop = shop_driver("""
from shop.models import Customer
from signalcli.db import pre_save
from signalcli.dispatch import receiver
@receiver(pre_save, sender=Customer)
def same(instance, **kwargs):
    instance.email = "ada@mail.com"
""")
        done = shop("create", "Customer", "email=new@mail.com", "-q")
        taken = "a value that has to be unique is there already (shop_customer.email)"
        check(done, 1, f"what receivers did cannot be written: {taken}")
        done = shop("create", "Customer", "email=bob@mail.com", "-q")
        check(done, 4, "the same email already")

    def test_a_receiver_may_mend_what_was_typed(self, shop_driver: Driver) -> None:
        shop = shop_driver("""
from shop.models import Customer
from signalcli.db import pre_save
from signalcli.dispatch import receiver
@receiver(pre_save, sender=Customer)
def other(instance, **kwargs):
    instance.email = "other@mail.com"
""")
        done = shop("create", "Customer", "email=ada@mail.com", "--json")
        assert (done.code, done.document["result"]["fields"]["email"]) == (0, "other@mail.com")

    @pytest.mark.parametrize("signal", ["pre_init", "post_init", "pre_save", "post_save"])
    def test_a_receiver_that_raises(self, shop_driver: Driver, signal: str) -> None:
        shop = shop_driver(f"""
from shop.models import Tag
from signalcli.db import {signal}
from signalcli.dispatch import receiver
@receiver({signal}, sender=Tag)
def broken(**kwargs):
    raise ValueError("no luck")
""")
        before = shop.rows()
        done = shop("create", "Tag", "slug=x", "-q")
        check(
            done, 1, f"the receiver __main__.broken failed on {signal} of Tag: ValueError: no luck"
        )
        assert shop.rows() == before

    def test_a_receiver_of_loading_that_raises(self, shop_driver: Driver) -> None:
        shop = shop_driver("""
from shop.models import Tag
from signalcli.db import post_init
from signalcli.dispatch import receiver
@receiver(post_init, sender=Tag)
def broken(**kwargs):
    raise ValueError("no luck")
""")
        for arguments in (("change", "Tag", "new", "colour=x"), ("remove", "Tag", "new"),
                          ("get", "Tag", "--trace"), ("get", "Tag", "new", "--trace")):  # fmt: skip
            done = shop(*arguments, "-q")
            check(done, 1, "the receiver __main__.broken failed on post_init of Tag")
        assert shop("get", "Tag", "-q").code == 0

    @pytest.mark.parametrize("signal", ["pre_delete", "post_delete"])
    def test_a_receiver_that_does_not_let_go(self, shop_driver: Driver, signal: str) -> None:
        shop = shop_driver(f"""
from shop.models import Order
from signalcli.db import {signal}
from signalcli.dispatch import receiver
@receiver({signal}, sender=Order)
def broken(**kwargs):
    raise ValueError("no luck")
""")
        before = shop.rows()
        check(shop("remove", "Order", "1", "-q"), 1, f"failed on {signal} of Order")
        assert shop.rows() == before

    def test_a_receiver_that_removes_what_was_made(self, shop_driver: Driver) -> None:
        shop = shop_driver("""
from shop.models import Tag
from signalcli.db import post_save
from signalcli.dispatch import receiver
@receiver(post_save, sender=Tag)
def gone(instance, session, **kwargs):
    session.delete(instance)
""")
        done = shop("create", "Tag", "slug=x", "--json")
        assert (done.code, done.document["result"]["pk"]) == (0, "x")
        assert shop.select("SELECT count(*) FROM shop_tag WHERE slug = 'x'") == [(0,)]


class TestStoredTrouble:
    """What others wrote into the database need not be what the models say."""

    def test_a_value_that_the_model_cannot_read(self, shop_driver: Driver) -> None:
        shop = shop_driver("""
import sqlite3
connection = sqlite3.connect("demo.db")
connection.execute("UPDATE shop_order SET status = 'LOST'")
connection.commit()
connection.close()
""")
        for line in ("get Order", "get Order 1", "get Order --trace", "change Order 1 number=x",
                     "remove Order 1"):  # fmt: skip
            done = shop(*line.split(), "-q")
            assert (done.code, done.out) == (2, "")
            assert "'LOST' is not among the defined enum values" in done.error

    def test_a_value_that_the_model_would_not_take_does_no_harm(self, shop_driver: Driver) -> None:
        shop = shop_driver("""
import sqlite3
connection = sqlite3.connect("demo.db")
connection.execute("UPDATE shop_product SET sku = 'longer than it may be' WHERE id = 1")
connection.execute("UPDATE shop_product SET price = -1 WHERE id = 1")
connection.commit()
connection.close()
""")
        fields = json.loads(shop("get", "Product", "1", "--json").out)["result"]["fields"]
        assert (fields["sku"], fields["price"]) == ("longer than it may be", "-1.00")
        assert shop("change", "Product", "1", "stock=9", "-q").code == 0
        assert shop("change", "Product", "1", "price=1", "-q").code == 0


class TestNamesOfModels:
    """Two apps whose models have the same names."""

    @pytest.fixture
    def shops(self, tmp_path: Path, forker: Forker) -> Program:
        for app, names in (("one", ["Thing", "Only"]), ("two", ["Thing", "only", "Small"])):
            folder = tmp_path / app
            folder.mkdir()
            (folder / "__init__.py").touch()
            models = "".join(
                f"class {name}(SQLModel, table=True):\n"
                f"    __tablename__ = '{app}_{name}'\n"
                f"    id: int | None = Field(default=None, primary_key=True)\n"
                for name in names
            )
            (folder / "models.py").write_text(f"from sqlmodel import Field, SQLModel\n{models}")
        return shop_in(tmp_path, forker, apps=("signalcli.core", "one", "two"))

    @pytest.mark.parametrize(
        ("name", "model"),
        [
            ("one.Thing", "one.Thing"),
            ("TWO.thing", "two.Thing"),
            ("two.models.Thing", "two.Thing"),
            ("Only", "one.Only"),
            ("only", "two.only"),
            ("small", "two.Small"),
            ("user", "core.User"),
        ],
    )
    def test_a_name_that_means_one(self, shops: Program, name: str, model: str) -> None:
        (line,) = shops("get", name).lines
        assert line.startswith(f"No {model}: there is no demo.db in ")
        assert f"signalcli create {model}" in line

    @pytest.mark.parametrize(
        ("name", "candidates"),
        [("Thing", "one.Thing or two.Thing"), ("thing", "one.Thing or two.Thing"),
         ("ONLY", "one.Only or two.only")],
    )  # fmt: skip
    def test_a_name_that_means_several(self, shops: Program, name: str, candidates: str) -> None:
        check(shops("get", name), 2, f"several models are called '{name}'; write {candidates}")
