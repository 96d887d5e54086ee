"""The command that sends any signal."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cli.program import Driver, Forked, Program

PAID = ("send", "order_paid", "order_id:=1", "amount=3.50")
SENT = "order_paid"


def of_signal(program: Program, *arguments: str, code: int = 0, signal: str = SENT) -> Any:
    """The dispatches of a signal in a run, as JSON."""
    done = program(*arguments, "--json")
    assert done.code == code, done.out
    document = json.loads(done.out)
    return [each for each in document["dispatches"] if each["signal"] == signal]


@pytest.mark.parametrize("name", ["order_paid", "shop.signals.order_paid", "signals.order_paid"])
def test_a_signal_goes_by_its_short_name_and_by_its_full_one(shop: Forked, name: str) -> None:
    (dispatch,) = of_signal(shop, "send", name, *PAID[2:])
    assert dispatch["signal_path"] == "shop.signals.order_paid"
    assert dispatch["arguments"] == {"order_id": 1, "amount": "3.50"}
    assert dispatch["sender"] is None
    (response,) = dispatch["responses"]
    assert response["receiver"] == "shop.signals.write_receipt"
    assert response["output"] == "Paid: order 1, 3.50\n"


def test_people_are_told_how_many_receivers_there_were(shop: Forked) -> None:
    done = shop(*PAID)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[-1] == "Sent order_paid to 1 receiver"
    assert "Paid: order 1, 3.50" in done.out


@pytest.mark.parametrize("sender", ["shop.Order", "Order", "order", "shop.models.Order"])
def test_the_sender_may_be_a_model(shop: Forked, sender: str) -> None:
    (dispatch,) = of_signal(shop, *PAID, "--sender", sender)
    assert dispatch["sender"] == "Order"


def test_the_sender_may_be_anything_that_is_imported(shop: Forked) -> None:
    (dispatch,) = of_signal(shop, *PAID, "--sender", "shop.signals.write_receipt")
    assert dispatch["sender"] == "write_receipt"


def test_a_model_signal_is_sent_for_the_object_of_a_key(shop: Forked) -> None:
    words = ("instance=1", "created:=true", "raw:=false", "update_fields:=null")
    (dispatch,) = of_signal(
        shop, "send", "post_save", "--sender", "Order", *words, signal="post_save"
    )
    assert dispatch["arguments"]["instance"].startswith("<Order")
    assert dispatch["arguments"]["using"] == "sqlite:///demo.db"
    assert [each["receiver"] for each in dispatch["responses"]] == ["shop.signals.announce_payment"]


def test_the_demo_notifies_without_a_sender(forked_filled: Forked) -> None:
    done = forked_filled("send", "notification", "username=xyz", "email=xyz@mail.com")
    assert (done.code, done.err) == (0, "")
    printed = [line.rpartition("┊ ")[2] for line in done.lines if "┊" in line]
    assert printed == ["Sender: None", "Hello xyz <xyz@mail.com>", "Notified"]


def test_whom_the_receivers_listen_to_is_said_where_none_was_called(shop: Forked) -> None:
    words = ("instance=1", "created:=true", "raw:=false", "update_fields:=null")
    done = shop("send", "post_save", *words)
    assert (done.code, done.err) == (0, "")
    assert done.lines[-1] == (
        "Sent post_save to 0 receivers: those that it has listen to User, Order, Line; "
        "name it with --sender"
    )


class TestFailures:
    BROKEN = """
from signalcli.apps.registry import apps
def also(**kwargs): raise RuntimeError("no ink")
def connect():
    from shop.signals import order_paid
    order_paid.connect(also)
apps_populate = apps.populate
def populate(*args):
    apps_populate(*args)
    connect()
apps.populate = populate
"""

    def test_a_receiver_that_raises_ends_it(self, shop_driver: Driver) -> None:
        done = shop_driver(self.BROKEN)(*PAID)
        assert done.code == 1
        assert "also failed on order_paid" in done.err
        assert done.err.endswith("nothing was written\n")

    def test_robust_reports_it(self, shop_driver: Driver) -> None:
        done = shop_driver(self.BROKEN)(*PAID, "--robust", "--json")
        document = json.loads(done.out)
        assert (done.code, document["ok"]) == (1, False)
        assert document["result"] == {
            "signal": "shop.signals.order_paid",
            "sender": None,
            "robust": True,
            "receivers": 2,
            "failed": 1,
        }


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("order_paid",), 2, "order_id, amount"),
        (("order_paid", "order_id=1"), 2, "amount"),
        ((*PAID[1:], "colour=red"), 2, "'colour'"),
        ((*PAID[1:], "order_id=2"), 2, "twice"),
        (("order_paid", "order_id:=one", "amount=1"), 2, "JSON"),
        (("order_paid", "amount"), 2, "name=value"),
        (("order_paid", "self=1"), 2, "self"),
        (("order_paid", "sender=1"), 2, "sender"),
        (("command_started", "signal=1"), 2, "signal"),
        (("order_payd",), 3, "did you mean order_paid"),
        (("write_receipt",), 3, "is no signal but a receiver, of order_paid"),
        (("Order",), 3, "is no signal but a model"),
        (("",), 3, "no signal"),
        ((*PAID[1:], "--sender", "Nobody"), 3, "Nobody"),
        ((*PAID[1:], "--sender", "shop.models.nothing"), 3, "nothing"),
        (("post_delete", "--sender", "Order", "instance=999", "origin=x"), 3, "shop.Order"),
        (("post_delete", "--sender", "Order", "instance=many", "origin=x"), 2, "many"),
    ],
)
def test_what_cannot_be_sent_is_one_line(
    shop: Forked, arguments: tuple[str, ...], code: int, said: str
) -> None:
    before = shop.rows()
    done = shop("send", *arguments)
    assert done.code == code
    assert said in done.err
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1
    assert shop.rows() == before


word = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.sampled_from(["order_paid", "notification", "post_save", "command_started"]) | word,
    st.lists(st.tuples(word, st.sampled_from(["=", ":="]), word).map("".join) | word, max_size=3),
    st.sampled_from(["Order", "shop", "shop.signals.__builtins__", "signalcli.db..x"]) | word,
)
def test_whatever_is_asked_for_is_no_internal_fault(
    shop: Forked, signal: str, words: list[str], sender: str
) -> None:
    done = shop("send", "--no-log", "--sender", sender, "--", signal, *words)
    assert done.code in (0, 1, 2, 3)
    assert "Traceback" not in done.err
