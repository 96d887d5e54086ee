"""The commands for objects of any model, on the models of a shop and on those of the demo."""

import base64
import json
from typing import Any

import pytest

from tests.cli.program import Driver, Finished, Program


def result(done: Finished) -> Any:
    assert (done.code, done.err) == (0, "")
    return done.document["result"]


def sent(done: Finished, *signals: str) -> list[str]:
    """The dispatches of some signals, as ``post_save Order``, in their order."""
    return [
        f"{each['signal']} {each['sender']}"
        for each in done.document["dispatches"]
        if each["signal"] in signals
    ]


SAVING = ("pre_save", "post_save")
DELETING = ("pre_delete", "post_delete")


class TestCreate:
    def test_an_object_is_stored_and_shown_as_its_model_says(self, empty_shop: Program) -> None:
        done = empty_shop(
            "create", "shop.Customer", "email=ADA@mail.com", "level=2", "born=1815-12-10",
            "newsletter=yes", "--json",
        )  # fmt: skip
        assert result(done) == {
            "model": "shop.Customer",
            "pk": 1,
            "fields": {
                "id": 1,
                "email": "ada@mail.com",
                "name": "",
                "level": 2,
                "password": None,
                "born": "1815-12-10",
                "newsletter": True,
            },
        }
        assert empty_shop.select("SELECT email, level, newsletter FROM shop_customer") == [
            ("ada@mail.com", "REGULAR", 1)
        ]

    def test_all_signals_are_sent_and_receivers_run(self, shop: Program) -> None:
        done = shop("create", "Line", "order=1", "position=2", "product_id=1", "--json")
        assert result(done)["pk"] == [1, 2]
        made = [each for each in done.document["dispatches"] if each["sender"] == "Line"]
        assert [each["signal"] for each in made] == ["pre_init", "post_init", *SAVING]
        assert "'position': 2" in made[0]["arguments"]["kwargs"]
        assert "'order': <Order" in made[0]["arguments"]["kwargs"]
        assert made[3]["arguments"]["created"] is True
        assert [one["receiver"] for one in made[3]["responses"]] == ["shop.signals.reduce_stock"]
        stock = [each for each in done.document["dispatches"] if each["sender"] == "Product"]
        assert stock[-1]["parent"] == {
            "seq": made[3]["seq"],
            "receiver": "shop.signals.reduce_stock",
        }
        assert shop.select("SELECT stock FROM shop_product WHERE id = 1") == [(2,)]

    def test_the_demo_is_a_special_case(self, forked: Program) -> None:
        general = forked("create", "User", "username=xyz", "email=xyz@mail.com", "--json")
        special = forked("register", "uvw", "--email", "uvw@mail.com", "--json")
        assert sent(general, *SAVING) == sent(special, *SAVING)
        assert forked.usernames == ["xyz", "uvw"]
        assert forked.select("SELECT count(*) FROM core_profile") == [(2,)]

    def test_people_get_the_trace_and_a_line(self, shop: Program) -> None:
        done = shop("create", "Order", "customer=2")
        assert (done.code, done.err) == (0, "")
        assert done.lines[-1] == "Created shop.Order 2 in demo.db"
        assert any("give_number" in line for line in done.lines)

    def test_what_receivers_and_defaults_make_of_it_is_shown(self, shop: Program) -> None:
        fields = result(shop("create", "Order", "customer=2", "--json"))["fields"]
        assert fields["number"] == "2026-2"
        assert fields["status"] == "open"

    def test_objects_of_a_derived_model_are_stored_in_both_tables(self, shop: Program) -> None:
        done = shop(
            "create", "DigitalProduct", "sku=D2", "url=x", "category=1", "tags=old", "--json"
        )
        assert result(done)["fields"]["kind"] == "digital"
        assert shop.select("SELECT kind, category_id FROM shop_product WHERE id = 3") == [
            ("digital", 1)
        ]
        assert shop.select("SELECT url FROM shop_digital_product WHERE id = 3") == [("x",)]
        assert shop.select("SELECT tag_slug FROM shop_product_tag WHERE product_id = 3") == [
            ("old",)
        ]

    def test_objects_of_a_link_model_are_objects(self, shop: Program) -> None:
        done = shop("create", "ProductTag", "product_id=2", "tag_slug=old", "--json")
        assert result(done)["pk"] == [2, "old"]
        assert sent(done, *SAVING) == ["pre_save ProductTag", "post_save ProductTag"]

    def test_a_row_may_refer_to_itself(self, shop: Program) -> None:
        done = shop("create", "Category", "id=9", "name=Loop", "parent_id=9", "--json")
        assert result(done)["fields"]["parent_id"] == 9

    def test_values_of_every_type(self, empty_shop: Program) -> None:
        done = empty_shop(
            "create", "Coupon", "series=S", "number=1", 'rules={"a": [1.5, null]}', "days=[1, 2]",
            "seal=wax", "until=2026-01-31T08:30+01:00",
            "id=12345678-1234-5678-1234-567812345678", "--json",
        )  # fmt: skip
        assert result(done) == {
            "model": "shop.Coupon",
            "pk": "12345678-1234-5678-1234-567812345678",
            "fields": {
                "id": "12345678-1234-5678-1234-567812345678",
                "series": "S",
                "number": 1,
                "percent": 10,
                "rules": {"a": [1.5, None]},
                "days": [1, 2],
                "seal": base64.b64encode(b"wax").decode(),
                "until": "2026-01-31T07:30:00Z",
            },
        }
        again = empty_shop("get", "Coupon", result(done)["pk"], "--json")
        assert result(again) == result(done)

    def test_json_says_what_a_text_cannot(self, shop: Program) -> None:
        done = shop(
            "create", "Coupon", 'series:="1"', "number:=2", "seal:=null", "days:=[3]", "--json"
        )
        assert result(done)["fields"]["series"] == "1"
        assert result(done)["fields"]["seal"] is None

    def test_a_text_stays_a_text(self, shop: Program) -> None:
        for text in ("", "null", "007", "true", "[1]", '{"a": 1}', "a=b", ":=1", " x\t", "ü𝄞"):
            done = shop("change", "Customer", "1", f"name={text}", "--json")
            assert result(done)["fields"]["name"] == text

    def test_text_from_users_is_no_markup(self, shop: Program) -> None:
        done = shop("create", "Tag", "slug=[bold]x", "colour=\x1b[31mred\u202e")
        assert done.lines[-1] == "Created shop.Tag [bold]x in demo.db"
        done = shop("get", "Tag", "[bold]x")
        assert "\\x1b[31mred\\u202e" in done.out


class TestChange:
    def test_only_what_changes_is_saved(self, shop: Program) -> None:
        done = shop("change", "Product", "1", "sku=A1", "stock=9", "--json")
        row = result(done)
        assert row["changed"] is True
        assert row["changes"] == {"stock": {"before": 3, "after": 9}}
        assert row["fields"]["stock"] == 9
        (saved,) = [each for each in done.document["dispatches"] if each["signal"] == "post_save"]
        assert saved["arguments"]["update_fields"] == ["stock"]
        assert saved["arguments"]["created"] is False

    def test_people_see_what_changed(self, shop: Program) -> None:
        done = shop("change", "product", "1", "stock=9", "price=2")
        assert done.lines[-1] == (
            'Changed shop.Product 1 in demo.db: stock 3 → 9, price "1.50" → "2"'
        )

    def test_where_nothing_changes_nothing_is_saved(self, shop: Program) -> None:
        before = shop.rows()
        done = shop("change", "Product", "1", "stock=3", "price=1.5", "tags=old,new", "category=2",
                    "--json")  # fmt: skip
        assert result(done)["changed"] is False
        assert result(done)["changes"] == {}
        assert sent(done, *SAVING) == []
        assert shop.rows() == before
        assert shop("change", "Product", "1", "stock=3").lines[-1] == (
            "Nothing to change for shop.Product 1 in demo.db"
        )

    def test_a_receiver_sees_the_change(self, shop: Program) -> None:
        done = shop("change", "Order", "1", "status=paid", "--json")
        (paid,) = [each for each in done.document["dispatches"] if each["signal"] == "order_paid"]
        assert paid["arguments"] == {"order_id": 1, "amount": "Decimal('3.00')"}
        assert paid["parent"]["receiver"] == "shop.signals.announce_payment"
        assert paid["responses"][0]["output"] == "Paid: order 1, 3.00\n"
        assert (
            sent(shop("change", "Order", "1", "delivered=2026-02-02", "--json"), "order_paid") == []
        )

    @pytest.mark.parametrize(
        ("words", "column"),
        [
            (("customer=2",), (2,)),
            (("customer_id=2",), (2,)),
            (("customer:=2",), (2,)),
        ],
    )
    def test_a_relationship_to_one_is_given_by_key(
        self, shop: Program, words: tuple[str, ...], column: tuple[int, ...]
    ) -> None:
        done = shop("change", "Order", "1", *words, "--json")
        assert result(done)["fields"]["customer_id"] == 2
        assert shop.select("SELECT customer_id FROM shop_order") == [column]
        assert sent(done, *SAVING) == ["pre_save Order", "post_save Order"]

    def test_a_relationship_to_one_is_emptied_by_null(self, shop: Program) -> None:
        done = shop("change", "Product", "1", "category:=null", "--json")
        assert result(done)["changes"] == {"category": {"before": "2", "after": None}}
        assert result(done)["fields"]["category_id"] is None

    @pytest.mark.parametrize(
        ("word", "tags"),
        [
            ("tags=old", ["old"]),
            ('tags:=["old"]', ["old"]),
            ("tags=old,new", ["new", "old"]),
            ("tags=", []),
            ("tags:=[]", []),
            ("tags:=null", []),
        ],
    )
    def test_a_relationship_to_many_is_given_by_keys(
        self, shop: Program, word: str, tags: list[str]
    ) -> None:
        result(shop("change", "Product", "1", word, "--json"))
        found = shop.select("SELECT tag_slug FROM shop_product_tag WHERE product_id = 1")
        assert sorted(tag for (tag,) in found) == tags

    def test_the_other_side_of_a_relationship_works_as_well(self, shop: Program) -> None:
        done = shop("create", "Category", "name=All", "children=1,2", "--json")
        assert result(done)["pk"] == 3
        assert sent(done, "post_save") == ["post_save Category"] * 3
        assert shop.select("SELECT parent_id FROM shop_category") == [(3,), (3,), (None,)]

    def test_objects_of_several_keys_are_given_as_a_list(self, shop: Program) -> None:
        shop("create", "Line", "order=1", "position=2", "product=1", "-q")
        shop("create", "Product", "sku=B", "stock=1", "-q")
        done = shop("change", "Product", "3", "lines:=[[1,1],[1,2]]", "--json")
        assert result(done)["changes"]["lines"]["after"] == ["1,1", "1,2"]
        assert shop.select("SELECT product_id FROM shop_line") == [(3,), (3,)]
        assert sent(done, "post_save") == ["post_save Line"] * 2

    def test_an_object_of_a_derived_model_is_reached_by_its_base(self, shop: Program) -> None:
        done = shop("change", "Product", "2", "url=y", "stock=4", "--json")
        assert result(done)["model"] == "shop.DigitalProduct"
        assert set(sent(done, *SAVING)) == {"pre_save DigitalProduct", "post_save DigitalProduct"}
        assert shop.select("SELECT url FROM shop_digital_product") == [("y",)]

    def test_values_that_depend_on_each_other_are_checked_together(self, shop: Program) -> None:
        words = ("ordered=2030-05-05", "delivered=2030-05-06")
        for order in (words, words[::-1]):
            assert shop("change", "Order", "1", *order, "-q").code == 0
        done = shop("change", "Order", "1", "delivered=2030-01-01")
        assert (done.code, done.error) == (
            2,
            "shop.Order: value error, delivered before it was ordered",
        )
        done = shop("change", "Order", "1", "ordered=2031-01-01", "delivered=2030-01-01")
        assert (done.code, "delivered before" in done.error) == (2, True)

    def test_validators_of_other_fields_do_not_run_again(self, shop: Program) -> None:
        before = shop.select("SELECT password FROM shop_customer WHERE id = 1")
        assert shop("change", "Customer", "1", "name=Augusta", "-q").code == 0
        assert before == [("hash-geheim",)]
        assert shop.select("SELECT password FROM shop_customer WHERE id = 1") == before

    def test_a_key_can_change(self, shop: Program) -> None:
        assert shop("change", "Product", "1", "tags=", "-q").code == 0
        done = shop("change", "Tag", "old", "slug=older", "--json")
        assert result(done)["pk"] == "older"
        assert shop.select("SELECT slug, colour FROM shop_tag WHERE slug LIKE 'old%'") == [
            ("older", "grey")
        ]


class TestRemove:
    def test_dependants_go_with_it(self, shop: Program) -> None:
        done = shop("remove", "Order", "1", "--json")
        assert result(done)["fields"]["number"] == "2026-1"
        assert sent(done, *DELETING) == [
            "pre_delete Line", "pre_delete Order", "post_delete Line", "post_delete Order",
        ]  # fmt: skip
        assert shop.select("SELECT count(*) FROM shop_line") == [(0,)]

    def test_people_get_a_line(self, shop: Program) -> None:
        assert shop("remove", "line", "1,1").lines[-1] == "Removed shop.Line 1,1 from demo.db"

    def test_an_object_of_a_derived_model_goes_from_both_tables(self, shop: Program) -> None:
        done = shop("remove", "Product", "2", "--json")
        assert sent(done, *DELETING) == ["pre_delete DigitalProduct", "post_delete DigitalProduct"]
        assert shop.select("SELECT count(*) FROM shop_digital_product") == [(0,)]
        assert shop.select("SELECT count(*) FROM shop_product") == [(1,)]

    def test_what_others_refer_to_stays(self, shop: Program) -> None:
        before = shop.rows()
        done = shop("remove", "Customer", "1", "-q")
        assert (done.code, done.error) == (
            2,
            "shop.Customer '1' is referred to by shop.Order (customer_id); "
            "remove or change that first",
        )
        assert shop.rows() == before


class TestGet:
    def test_an_object_by_key(self, shop: Program) -> None:
        done = shop("get", "Line", "1,1")
        assert done.lines == ["order_id    1", "position    1", "product_id  1", "quantity    2"]
        assert result(shop("get", "Line", "[1, 1]", "--json"))["pk"] == [1, 1]

    def test_all_objects_in_the_order_of_their_keys(self, shop: Program) -> None:
        rows = result(shop("get", "Product", "--json"))
        assert [(row["model"], row["pk"]) for row in rows] == [
            ("shop.Product", 1),
            ("shop.DigitalProduct", 2),
        ]
        assert [row["fields"].get("size") for row in rows] == [None, 7]
        assert [row["pk"] for row in result(shop("get", "DigitalProduct", "--json"))] == [2]
        assert [row["pk"] for row in result(shop("get", "Tag", "--json"))] == ["new", "old"]

    @pytest.mark.parametrize(
        ("model", "words", "keys"),
        [
            ("Customer", ("level=2",), [1]),
            ("Customer", ("born=1815-12-10", "name=Ada"), [1]),
            ("Customer", ("born:=null",), [2]),
            ("Customer", ("name=",), [2]),
            ("Customer", ("name=ada",), []),
            ("Customer", ("orders=1",), [1]),
            ("Customer", ("orders:=[]",), [2]),
            ("Product", ("category=2",), [1]),
            ("Product", ("category_id=2",), [1]),
            ("Product", ("category:=null",), [2]),
            ("Product", ("tags=new",), [1, 2]),
            ("Product", ("tags=new,old",), [1]),
            ("Product", ("price=1.5",), [1]),
            ("Product", ("weight:=null", "stock=0"), [2]),
            ("Product", ("lines:=[[1,1]]",), [1]),
            ("Order", ("status=open",), [1]),
            ("Category", ("children=2",), [1]),
        ],
    )
    def test_those_with_certain_values(
        self, shop: Program, model: str, words: tuple[str, ...], keys: list[int]
    ) -> None:
        assert [row["pk"] for row in result(shop("get", model, *words, "--json"))] == keys

    def test_people_see_a_table(self, shop: Program) -> None:
        done = shop("get", "category")
        assert [line.split() for line in done.lines if "─" not in line] == [
            ["id", "name", "parent_id"],
            ["1", "Books"],
            ["2", "Novels", "1"],
        ]

    def test_secrets_are_masked(self, shop: Program) -> None:
        for arguments in (("1",), ("email=ada@mail.com",), ("1", "--json"), ("1", "--trace")):
            done = shop("get", "Customer", *arguments)
            assert done.code == 0
            assert "********" in done.out
            assert "geheim" not in done.out
        done = shop("change", "Customer", "1", "password=two words", "--json")
        assert result(done)["changes"] == {"password": {"before": "********", "after": "********"}}
        assert shop.select("SELECT password FROM shop_customer WHERE id = 1") == [
            ("hash-two words",)
        ]
        assert "two words" not in done.out
        logged = shop.select("SELECT command_line FROM signalcli_run ORDER BY run")[-1][0]
        assert logged == "signalcli change Customer 1 'password=********' --json"
        done = shop("change", "Customer", "1", "password=geheim-and-far-too-long")
        assert (done.code, "geheim" in done.error) == (2, False)

    def test_the_signals_of_loading_are_shown_on_demand(self, shop: Program) -> None:
        assert shop("get", "Product", "--json").document["dispatches"] == []
        done = shop("get", "Product", "--json", "--trace")
        assert sent(done, "post_init") == ["post_init Product", "post_init DigitalProduct"]
        assert any("post_init" in line for line in shop("get", "Line", "1,1", "--trace").lines)

    def test_people_get_fifty_at_most_and_programs_all(self, shop_driver: Driver) -> None:
        shop = shop_driver("""
from shop.models import Tag
from sqlmodel import Session, create_engine
with Session(create_engine("sqlite:///demo.db")) as session:
    session.merge(Tag(slug="new"))
    for number in range(60):
        session.merge(Tag(slug=f"tag{number:02}"))
    session.commit()
""")
        assert len(result(shop("get", "Tag", "--json"))) == 62
        assert len(result(shop("get", "Tag", "--json", "--limit", "3"))) == 3
        shown = shop("get", "Tag")
        assert len(shown.lines) == 2 + 50 + 1
        assert shown.lines[-1] == "… and more; --limit shows more than 50"
        assert len(shop("get", "Tag", "--limit", "62").lines) == 2 + 62
        assert shop("get", "Tag", "slug=nosuch").lines == ["No shop.Tag like that in demo.db"]

    def test_where_there_is_none(self, empty_shop: Program) -> None:
        done = empty_shop("get", "Order")
        said = f"No shop.Order: there is no demo.db in {empty_shop.folder}. This makes one: "
        assert (done.code, done.lines) == (0, [f"{said}signalcli create shop.Order customer_id=…"])
        assert result(empty_shop("get", "Order", "--json")) == []
        assert "demo.db" not in empty_shop.files


class TestCompletion:
    @pytest.mark.parametrize(
        ("line", "offered"),
        [
            ("signalcli create Ord", ["Order"]),
            ("signalcli create shop.Or", ["shop.Order"]),
            ("signalcli create core.", ["core.Profile", "core.User"]),
            ("signalcli get shop.Product", ["shop.Product", "shop.ProductTag"]),
            ("signalcli create Order cust", ["customer_id=", "customer="]),
            ("signalcli change Order 1 num", ["number="]),
            ("signalcli get Nothing x", []),
        ],
    )
    def test_models_and_fields_are_completed(
        self, empty_shop: Program, line: str, offered: list[str]
    ) -> None:
        done = empty_shop(
            env={
                "_SIGNALCLI_COMPLETE": "complete_bash",
                "COMP_WORDS": line,
                "COMP_CWORD": str(len(line.split(" ")) - 1),
            }
        )
        assert (done.code, done.out.split(), done.err) == (0, offered, "")


@pytest.mark.parametrize("command", ["create", "change", "remove", "get"])
def test_each_command_has_an_example_that_works(
    signalcli: Program, forked: Program, command: str
) -> None:
    shown = forked(command, "--help").out
    example = shown.partition("Example: signalcli ")[2].partition("\n")[0].split(" ")
    assert example[0] == command
    forked("register", "ada", "--email", "ada@mail.com", "-q")
    forked("register", "bob", "--email", "bob@mail.com", "-q")
    forked("remove", "Profile", "2", "-q")
    assert forked(*example).code == 0
    assert command in forked("--help").out


def test_the_installed_program_has_them(signalcli: Program) -> None:
    done = signalcli("create", "core.user", "username=xyz", "email=xyz@mail.com", "--json")
    assert result(done)["pk"] == 1
    shown = json.loads(signalcli("get", "User", "1", "--json").out)
    assert shown["result"]["fields"]["username"] == "xyz"
