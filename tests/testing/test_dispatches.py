"""What each assertion lets pass, and what it says where it does not."""

import gc
import re
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import ANY

import pytest

from signalcli.db import Session, post_save, pre_save
from signalcli.dispatch import Signal
from signalcli.testing import Dispatches, record_dispatches
from tests.testing.app import (
    Order,
    Receipt,
    file_away,
    invoice_sent,
    open_ended,
    order_paid,
    refuse,
    send_invoice,
)

EMPTY = "no signal was sent"


@contextmanager
def fails(message: str) -> Iterator[None]:
    """The assertion within fails and says just that, above the tree."""
    with pytest.raises(AssertionError) as failure:
        yield
    said, _, tree = str(failure.value).partition("\n\n")
    assert said == message
    assert tree


@contextmanager
def refused(message: str) -> Iterator[None]:
    """What is asked for within makes no sense."""
    with pytest.raises(ValueError) as failure:
        yield
    assert str(failure.value) == message


@pytest.fixture
def paid(dispatches: Dispatches) -> Iterator[Callable[[], None]]:
    """Pays two orders, for which the first one is sent an invoice by a receiver."""

    def pay() -> None:
        order_paid.send(Order, order=1, amount=10)
        order_paid.send(Receipt, order=2, amount=20)

    with (
        order_paid.connected_to(send_invoice, sender=Order),
        order_paid.connected_to(file_away),
    ):
        yield pay


class TestSent:
    def test_a_signal_that_was_sent(self, dispatches: Dispatches, paid: Callable[[], None]) -> None:
        paid()
        dispatches.assert_sent(order_paid)
        dispatches.assert_sent(order_paid, times=2)
        dispatches.assert_sent(order_paid, sender=Order, times=1)
        dispatches.assert_sent(order_paid, sender=Order, order=1, amount=10)
        dispatches.assert_sent(order_paid, times=0, order=3)

    def test_it_returns_the_dispatches(
        self, dispatches: Dispatches, paid: Callable[[], None]
    ) -> None:
        paid()
        first, second = dispatches.assert_sent(order_paid)
        assert (first.signal, first.sender, first.arguments) == (
            order_paid,
            Order,
            {"order": 1, "amount": 10},
        )
        assert (second.sender, second.number) == (Receipt, 3)

    def test_a_signal_that_was_not_sent(self, dispatches: Dispatches) -> None:
        with fails("expected a dispatch of order_paid, but there was none"):
            dispatches.assert_sent(order_paid)
        with fails("expected 1 dispatch of order_paid for Order, but there was none"):
            dispatches.assert_sent(order_paid, sender=Order, times=1)

    def test_a_signal_that_was_sent_more_or_less_often(
        self, dispatches: Dispatches, paid: Callable[[], None]
    ) -> None:
        paid()
        with fails("expected 1 dispatch of order_paid, but there were 2 (#1, #3)"):
            dispatches.assert_sent(order_paid, times=1)
        with fails("expected 3 dispatches of order_paid for Order, but there was one (#1)"):
            dispatches.assert_sent(order_paid, sender=Order, times=3)

    def test_of_very_many_only_the_first_are_named(self, dispatches: Dispatches) -> None:
        for order in range(500):
            invoice_sent.send(None, order=order)
        with pytest.raises(AssertionError) as failure:
            dispatches.assert_sent(invoice_sent, times=2)
        said, *tree = str(failure.value).splitlines()
        assert said.endswith("there were 500 (#1, #2, #3, #4, #5, #6, #7, #8, #9, #10, …)")
        assert len(tree) < 210
        assert tree[-1] == "1–500  unheard: invoice_sent ×500"
        with pytest.raises(AssertionError) as failure:
            dispatches.assert_sent(invoice_sent, order="1")
        said, _, _ = str(failure.value).partition("\n\n")
        assert len(said.splitlines()) == 6

    def test_arguments_that_differ_are_shown(
        self, dispatches: Dispatches, paid: Callable[[], None]
    ) -> None:
        paid()
        with fails(
            "expected a dispatch of order_paid with order=1, amount='10', but there was none\n"
            "#1 differs in amount: expected '10', got 10\n"
            "#3 differs in order: expected 1, got 2; amount: expected '10', got 20"
        ):
            dispatches.assert_sent(order_paid, order=1, amount="10")

    def test_an_argument_that_is_missing_is_no_none(self, dispatches: Dispatches) -> None:
        open_ended.send(None, one=1)
        open_ended.send(None, two=2)
        with fails(
            "expected 2 dispatches of open_ended with two=2, but there was one (#2)\n"
            "#1 differs in two: not among its arguments"
        ):
            dispatches.assert_sent(open_ended, times=2, two=2)
        dispatches.assert_not_sent(open_ended, two=None)

    def test_arguments_are_compared_as_they_are_and_not_as_they_look(
        self, dispatches: Dispatches
    ) -> None:
        class Lookalike:
            def __repr__(self) -> str:
                return "<Lookalike>"

        sent = Lookalike()
        invoice_sent.send(None, order=sent)
        dispatches.assert_sent(invoice_sent, order=sent)
        with fails(
            "expected a dispatch of invoice_sent with order=<Lookalike>, but there was none\n"
            "#1 differs in order: expected <Lookalike>, got another that looks the same"
        ):
            dispatches.assert_sent(invoice_sent, order=Lookalike())

    def test_matchers_compare_in_their_own_way(self, dispatches: Dispatches) -> None:
        order_paid.send(None, order=object(), amount=0.1 + 0.2)
        dispatches.assert_sent(order_paid, order=ANY, amount=pytest.approx(0.3))
        dispatches.assert_not_sent(order_paid, amount=0.3)

    def test_a_sender_is_compared_by_identity(self, dispatches: Dispatches) -> None:
        one, other = [1], [1]
        order_paid.send(one)
        dispatches.assert_sent(order_paid, sender=one)
        dispatches.assert_not_sent(order_paid, sender=other)

    def test_nobody_in_particular_is_a_sender_too(self, dispatches: Dispatches) -> None:
        order_paid.send(None)
        dispatches.assert_sent(order_paid, sender=None)
        dispatches.assert_not_sent(order_paid, sender=Order)
        dispatches.clear()
        order_paid.send(Order)
        with fails("expected a dispatch of order_paid for nobody, but there was none"):
            dispatches.assert_sent(order_paid, sender=None)

    def test_names_may_be_globs_for_short_and_full_names(
        self, dispatches: Dispatches, paid: Callable[[], None]
    ) -> None:
        paid()
        dispatches.assert_sent("order_*", times=2)
        dispatches.assert_sent("tests.testing.app.*", times=3)
        dispatches.assert_sent("*_paid", sender="Ord*", times=1)
        dispatches.assert_sent("*_paid", sender="tests.testing.app.Order", times=1)
        dispatches.assert_sent("*", caused_by="send_*", times=1)
        dispatches.assert_not_sent("invoice_*", sender="Order")

    def test_a_sender_that_is_a_text(self, dispatches: Dispatches) -> None:
        order_paid.send("the [shop]")
        dispatches.assert_sent(order_paid, sender="the [shop]")
        dispatches.assert_sent(order_paid, sender="the *")

    def test_what_a_receiver_caused_is_told_from_what_the_test_sent(
        self, dispatches: Dispatches, paid: Callable[[], None]
    ) -> None:
        paid()
        invoice_sent.send(None, order=7)
        dispatches.assert_sent(invoice_sent, caused_by=send_invoice, order=1, times=1)
        dispatches.assert_sent(invoice_sent, caused_by=None, order=7, times=1)
        with fails("expected a dispatch of invoice_sent caused by file_away, but there was none"):
            dispatches.assert_sent(invoice_sent, caused_by=file_away)
        with fails("expected a dispatch of order_paid caused by send_*, but there was none"):
            dispatches.assert_sent(order_paid, caused_by="send_*")

    def test_what_a_receiver_leaves_to_a_later_flush_is_caused_by_it(
        self, session: Session, dispatches: Dispatches
    ) -> None:
        def write_receipt(instance: Order, session: Session, **kwargs: Any) -> None:
            session.add(Receipt(order_name=instance.name))

        with post_save.connected_to(write_receipt, sender=Order):
            session.add(Order(name="books"))
            session.commit()
        dispatches.assert_sent(
            post_save, sender=Receipt, caused_by=write_receipt, created=True, times=1
        )
        dispatches.assert_sent(post_save, sender=Order, caused_by=None)


class TestNotSent:
    def test_a_signal_that_was_not_sent(
        self, dispatches: Dispatches, paid: Callable[[], None]
    ) -> None:
        dispatches.assert_not_sent()
        dispatches.assert_not_sent(order_paid)
        paid()
        dispatches.assert_not_sent(pre_save, post_save)
        dispatches.assert_not_sent(order_paid, invoice_sent, sender=Session)
        dispatches.assert_not_sent(order_paid, order=1, amount=20)

    def test_a_signal_that_was_sent(self, dispatches: Dispatches, paid: Callable[[], None]) -> None:
        paid()
        with fails("expected no dispatch of order_paid, but there were 2 (#1, #3)"):
            dispatches.assert_not_sent(order_paid)
        with fails("expected no dispatch of order_paid with order=2, but there was one (#3)"):
            dispatches.assert_not_sent(order_paid, order=2)
        with fails(
            "expected no dispatch of post_save or order_* for Order, but there was one (#1)"
        ):
            dispatches.assert_not_sent(post_save, "order_*", sender=Order)
        with fails("expected no dispatch of any signal, but there were 3 (#1, #2, #3)"):
            dispatches.assert_not_sent()

    def test_what_could_never_be_sent_is_refused(
        self, dispatches: Dispatches, paid: Callable[[], None]
    ) -> None:
        paid()
        with refused("there is no signal that matches 'order_piad'"):
            dispatches.assert_not_sent("order_piad")
        with refused("there is no signal that matches 'order_piad'"):
            dispatches.assert_not_sent(post_save, "order_piad")
        with refused("order_paid provides no argument 'amonut', only amount, order"):
            dispatches.assert_not_sent(order_paid, amonut=1)
        with pytest.raises(TypeError, match="not <class"):
            dispatches.assert_not_sent(Order)
        with pytest.raises(TypeError, match="a receiver or the name of one is wanted, not None"):
            dispatches.assert_not_received(order_paid, by=None)
        with pytest.raises(TypeError, match="a receiver or the name of one is wanted, not 7"):
            dispatches.assert_not_sent(order_paid, caused_by=7)

    def test_a_signal_may_carry_more_than_it_promises(self, dispatches: Dispatches) -> None:
        order_paid.send(None, currency="EUR")
        dispatches.assert_sent(order_paid, currency="EUR")
        dispatches.assert_not_sent(open_ended, anything="goes")


class TestReceived:
    def test_a_signal_that_was_received(
        self, dispatches: Dispatches, paid: Callable[[], None]
    ) -> None:
        paid()
        dispatches.assert_received(order_paid, by=send_invoice, times=1)
        dispatches.assert_received(order_paid, by=file_away, times=2)
        dispatches.assert_received(order_paid, by="file_*", sender=Receipt, order=2, times=1)
        dispatches.assert_received("*", by="tests.testing.app.*", times=3)
        dispatches.assert_not_received(order_paid, by=send_invoice, sender=Receipt)
        dispatches.assert_not_received(by=refuse)
        dispatches.assert_not_received(invoice_sent, post_save, by=file_away)

    def test_it_returns_the_dispatches_with_what_came_back(
        self, dispatches: Dispatches, paid: Callable[[], None]
    ) -> None:
        paid()
        (dispatch,) = dispatches.assert_received(order_paid, by=send_invoice)
        assert [(response.receiver, response.value) for response in dispatch.responses] == [
            (send_invoice, "invoice for 1"),
            (file_away, None),
        ]
        assert dispatches.assert_received("order_paid", by="*", times=3)[0] is dispatch

    def test_a_signal_that_was_not_received(
        self, dispatches: Dispatches, paid: Callable[[], None]
    ) -> None:
        paid()
        with fails(
            "expected a response of send_invoice to order_paid for Receipt, but there was none\n"
            "send_invoice is connected to order_paid for Order alone, not for Receipt. "
            "Connect it with sender=Receipt as well, or without a sender."
        ):
            dispatches.assert_received(order_paid, by=send_invoice, sender=Receipt)
        with fails("expected 1 response of file_away to order_paid, but there were 2 (#1, #3)"):
            dispatches.assert_received(order_paid, by=file_away, times=1)
        with fails("expected no response of file_* to any signal, but there were 2 (#1, #3)"):
            dispatches.assert_not_received(by="file_*")
        with fails(
            "expected a response of send_invoice to order_paid with order=3, but there was none\n"
            "#1 differs in order: expected 3, got 1\n"
            "#3 differs in order: expected 3, got 2"
        ):
            dispatches.assert_received(order_paid, by=send_invoice, order=3)

    def test_a_receiver_that_raises_has_received(self, dispatches: Dispatches) -> None:
        with order_paid.connected_to(refuse), order_paid.connected_to(file_away):
            with pytest.raises(LookupError) as raised:
                order_paid.send(None)
            order_paid.send_robust(None)
        first, second = dispatches.assert_received(order_paid, by=refuse, times=2)
        assert first.responses[0].error is raised.value
        assert isinstance(second.responses[0].error, LookupError)
        (dispatch,) = dispatches.assert_received(order_paid, by=file_away)
        assert dispatch is second

    def test_a_bound_method_is_the_same_each_time_that_it_is_asked_for(
        self, dispatches: Dispatches
    ) -> None:
        class Ledger:
            def enter(self, **kwargs: Any) -> None:
                """Does nothing."""

        one, other = Ledger(), Ledger()
        with order_paid.connected_to(one.enter):
            order_paid.send(None)
        dispatches.assert_received(order_paid, by=one.enter)
        dispatches.assert_not_received(order_paid, by=other.enter)


class TestOrder:
    def test_others_may_come_between(
        self, dispatches: Dispatches, paid: Callable[[], None]
    ) -> None:
        paid()
        dispatches.assert_order(order_paid, invoice_sent, order_paid)
        dispatches.assert_order((order_paid, Order), "order_*")
        dispatches.assert_order(order_paid, (order_paid, "Receipt", {"amount": 20}))

    def test_another_order(self, dispatches: Dispatches, paid: Callable[[], None]) -> None:
        paid()
        with fails(
            "expected in this order: invoice_sent, order_paid for Order; "
            "but there was no order_paid for Order after invoice_sent (#2)"
        ):
            dispatches.assert_order(invoice_sent, (order_paid, Order))
        with fails(
            "expected in this order: order_paid, post_save; "
            "but there was no post_save after order_paid for Order (#1)"
        ):
            dispatches.assert_order(order_paid, post_save)
        with fails(
            "expected in this order: order_paid for Order with amount=1; "
            "but there was no order_paid for Order with amount=1 at all\n"
            "#1 differs in amount: expected 1, got 10"
        ):
            dispatches.assert_order((order_paid, Order, {"amount": 1}))

    def test_one_dispatch_stands_for_one_step(self, dispatches: Dispatches) -> None:
        order_paid.send(None)
        with fails(
            "expected in this order: order_paid, order_paid; "
            "but there was no order_paid after order_paid (#1)"
        ):
            dispatches.assert_order(order_paid, order_paid)


class TestSequence:
    def test_the_whole_sequence_of_these_signals(
        self, dispatches: Dispatches, paid: Callable[[], None]
    ) -> None:
        paid()
        dispatches.assert_sequence((order_paid, Order), (order_paid, Receipt))
        dispatches.assert_sequence(invoice_sent)
        dispatches.assert_sequence((order_paid, Order, {"order": 1}), invoice_sent, order_paid)

    @pytest.mark.parametrize(
        ("steps", "message"),
        [
            (
                [order_paid],
                "expected this sequence: order_paid; "
                "but instead of its end came order_paid for Receipt (#3)",
            ),
            (
                [order_paid, order_paid, order_paid],
                "expected this sequence: order_paid, order_paid, order_paid; "
                "but instead of order_paid came nothing",
            ),
            (
                [order_paid, order_paid, invoice_sent],
                "expected this sequence: order_paid, order_paid, invoice_sent; "
                "but instead of order_paid came invoice_sent (#2)",
            ),
            (
                [(order_paid, Order, {"amount": 11}), order_paid],
                "expected this sequence: order_paid for Order with amount=11, order_paid; but "
                "instead of order_paid for Order with amount=11 came order_paid for Order (#1)\n"
                "#1 differs in amount: expected 11, got 10",
            ),
        ],
        ids=["more", "less", "another", "argument"],
    )
    def test_another_sequence(
        self,
        dispatches: Dispatches,
        paid: Callable[[], None],
        steps: list[Any],
        message: str,
    ) -> None:
        paid()
        with fails(message):
            dispatches.assert_sequence(*steps)


class TestOf:
    def test_all_of_some_or_of_every_signal(
        self, dispatches: Dispatches, paid: Callable[[], None]
    ) -> None:
        paid()
        assert [dispatch.number for dispatch in dispatches.of()] == [1, 2, 3]
        assert dispatches.of() == list(dispatches)
        assert len(dispatches) == 3
        assert [each.number for each in dispatches.of(order_paid)] == [1, 3]
        assert [each.number for each in dispatches.of(invoice_sent, "*_paid")] == [1, 2, 3]
        assert [each.number for each in dispatches.of(order_paid, sender=Order)] == [1]
        assert [each.number for each in dispatches.of(caused_by=None, amount=20)] == [3]
        assert dispatches.of(post_save) == []

    def test_a_dispatch_knows_the_response_that_caused_it(
        self, dispatches: Dispatches, paid: Callable[[], None]
    ) -> None:
        paid()
        root, nested, _ = dispatches
        assert root.parent is None
        assert nested.parent is root.responses[0]
        assert nested.parent.dispatch is root
        assert nested.parent.receiver is send_invoice

    def test_the_arguments_are_the_objects_themselves(
        self, session: Session, dispatches: Dispatches
    ) -> None:
        order = Order(name="books")
        session.add(order)
        session.commit()
        (saved,) = dispatches.of(post_save, instance=order)
        assert saved.arguments["instance"] is order
        assert saved.arguments["session"] is session
        dispatches.assert_order((pre_save, Order), (post_save, Order))


class TestClear:
    def test_what_was_sent_before_is_forgotten(
        self, dispatches: Dispatches, paid: Callable[[], None]
    ) -> None:
        paid()
        dispatches.clear()
        assert list(dispatches) == []
        assert dispatches.tree == EMPTY
        paid()
        assert [dispatch.number for dispatch in dispatches] == [1, 2, 3]

    def test_within_a_receiver_the_record_begins_anew(self, dispatches: Dispatches) -> None:
        def begin_anew(**kwargs: Any) -> None:
            dispatches.clear()
            invoice_sent.send(None, order=1)

        with order_paid.connected_to(begin_anew), order_paid.connected_to(file_away):
            order_paid.send(None)
        dispatches.assert_sequence((invoice_sent, None))
        dispatches.assert_not_sent(order_paid)
        assert next(iter(dispatches)).parent is None
        assert dispatches.tree.splitlines() == ["1  unheard: invoice_sent"]

    def test_what_was_sent_lives_until_then(self, dispatches: Dispatches) -> None:
        class Parcel:
            """Something that can be weakly referenced."""

        parcel = Parcel()
        reference = weakref.ref(parcel)
        order_paid.send(None, order=parcel)
        del parcel
        gc.collect()
        assert reference() is not None
        dispatches.clear()
        gc.collect()
        assert reference() is None


class TestTree:
    def test_it_shows_what_caused_what(
        self, dispatches: Dispatches, paid: Callable[[], None]
    ) -> None:
        paid()
        times = r" +\d+\.\d\d ms$"
        rows = re.sub(times, "", dispatches.tree, flags=re.MULTILINE).splitlines()
        assert rows[2:] == [
            "1    order_paid from Order",
            "1.1  ├─▶ send_invoice  at its end returned invoice for 1",
            "2    │   └─ unheard: invoice_sent",
            "1.2  └─▶ file_away  returned None",
            "3    order_paid from Receipt",
            "3.1  └─▶ file_away",
        ]

    def test_a_failure_shows_it(self, dispatches: Dispatches, paid: Callable[[], None]) -> None:
        paid()
        with pytest.raises(AssertionError) as failure:
            dispatches.assert_sent(post_save)
        assert str(failure.value).endswith(f"\n\n{dispatches.tree}")

    def test_it_can_be_had_while_a_receiver_runs(self, dispatches: Dispatches) -> None:
        trees: list[str] = []

        def look(**kwargs: Any) -> None:
            trees.append(dispatches.tree)

        with order_paid.connected_to(look):
            order_paid.send(None)
        (tree,) = trees
        assert "… running" in tree
        assert "-" not in tree

    def test_it_is_plain_and_complete_whatever_the_environment_says(
        self,
        dispatches: Dispatches,
        paid: Callable[[], None],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        paid()
        tree = dispatches.tree
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("TTY_COMPATIBLE", "1")
        monkeypatch.setenv("COLUMNS", "20")
        assert dispatches.tree == tree
        assert "\x1b" not in tree

    def test_texts_are_data(self, dispatches: Dispatches) -> None:
        signal = Signal()
        signal.send("[red]\x1b[31m\nshop", text="[bold]\x1b[1m", password="hunter2")
        with pytest.raises(AssertionError) as failure:
            dispatches.assert_sent(
                signal, sender="[red]\x1b[31m\nshop", text="[bold]\x1b", password="hunter3"
            )
        message = str(failure.value)
        assert "\x1b" not in message
        assert "hunter" not in message
        said, difference, _ = message.split("\n", 2)
        assert r"for [red]\x1b[31m\nshop with text='[bold]\x1b'" in said
        assert r"text: expected '[bold]\x1b', got '[bold]\x1b[1m'" in difference


def test_records_can_be_made_by_themselves_and_within_one_another() -> None:
    order_paid.send(None, order=1)
    with record_dispatches() as outer:
        order_paid.send(None, order=2)
        with record_dispatches() as inner:
            order_paid.send(None, order=3)
        order_paid.send(None, order=4)
    order_paid.send(None, order=5)
    assert [each.arguments["order"] for each in outer] == [2, 3, 4]
    assert [each.arguments["order"] for each in inner] == [3]
    inner.clear()
    order_paid.send(None, order=6)
    assert list(inner) == []
    assert inner.tree == EMPTY
