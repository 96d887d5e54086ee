"""A trial without signals tells whether a request is at fault, and says so in plain words."""

from collections.abc import Callable
from typing import Any

import pytest
from shop.models import Category, Coupon, Customer, Line, Order, Product, Tag
from sqlalchemy import text
from sqlalchemy.exc import DataError, IntegrityError, OperationalError
from sqlmodel import Session as PlainSession
from sqlmodel import select

from signalcli.db import Session, post_init, pre_save
from signalcli.errors import AlreadyExists, InvalidValue, SignalcliError
from signalcli.objects.keys import key_of
from signalcli.objects.trial import loses_reference, refusal_of
from tests.objects.app import Connect, Pair, rows

Act = Callable[[PlainSession], Any]


def adding(*instances: Any) -> Act:
    return lambda session: session.add_all(instances)


def raising(error: Exception) -> Act:
    def act(session: PlainSession) -> None:
        raise error

    return act


class Coded(Exception):
    """An error of a driver that gives a code as an SQL state."""

    def __init__(self, message: str, sqlstate: str) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate


def of_driver(error: Exception) -> IntegrityError:
    """What SQLAlchemy makes of a driver's error."""
    return IntegrityError("INSERT INTO shop_tag", {}, error)


class TestTheTrial:
    def test_a_request_that_could_be_carried_out(self, session: Session) -> None:
        assert refusal_of(session, Tag, adding(Tag(slug="x")), "written") is None

    def test_it_leaves_nothing_and_takes_nothing(self, session: Session) -> None:
        session.add(Tag(slug="mine"))
        session.flush()
        assert refusal_of(session, Tag, adding(Tag(slug="x")), "written") is None
        assert refusal_of(session, Tag, adding(Tag(slug="mine")), "written") is not None
        session.commit()
        assert rows(session, Tag.slug) == ["mine", "new", "old"]

    def test_it_sends_no_signals(self, session: Session, connect: Connect) -> None:
        def refuse(**kwargs: Any) -> None:
            raise AssertionError("sent")

        for signal in (pre_save, post_init):
            connect(signal, refuse)

        def act(silent: PlainSession) -> None:
            silent.exec(select(Tag)).all()
            silent.add(Category(name="x"))

        assert refusal_of(session, Tag, act, "written") is None

    def test_a_refusal_of_the_request_is_the_answer(self, session: Session) -> None:
        error = InvalidValue("not this")
        assert refusal_of(session, Tag, raising(error), "written") is error

    def test_a_database_that_does_not_work_is_no_refusal(self, session: Session) -> None:
        with pytest.raises(OperationalError, match="no such table"):
            refusal_of(session, Tag, lambda silent: silent.execute(text("SELECT 1 FROM x")), "read")

    def test_a_fault_of_this_package_is_not_put_on_the_request(self, session: Session) -> None:
        # A key of several columns is asked for as a text; a number is the caller's mistake.
        with pytest.raises(AttributeError):
            refusal_of(session, Line, lambda silent: key_of(Line, 5), "read")


class TestWords:
    @pytest.mark.parametrize(
        ("model", "values", "kind", "words"),
        [
            (Tag, {"slug": "new"}, AlreadyExists,
             "there is a shop.Tag with the same slug already; choose another"),
            (Customer, {"email": "ada@mail.com"}, AlreadyExists,
             "there is a shop.Customer with the same email already; choose another"),
            (Line, {"order_id": 1, "position": 1, "product_id": 1}, AlreadyExists,
             "there is a shop.Line with the same order_id, position already; choose another"),
            (Order, {"number": "1"}, InvalidValue,
             "shop.Order: a value is missing for customer_id"),
            (Order, {"customer_id": 9}, InvalidValue,
             "shop.Order: a reference would lead nowhere"),
            (Product, {"sku": "x", "stock": -1}, InvalidValue,
             "shop.Product: the values break the rule stock_is_not_negative"),
            (Pair, {"high": 1}, InvalidValue,
             "app.Pair: this cannot be written: ValueError: it is odd"),
        ],
    )  # fmt: skip
    def test_what_the_database_or_a_column_refuses(
        self,
        session: Session,
        model: Any,
        values: dict[str, Any],
        kind: type[SignalcliError],
        words: str,
    ) -> None:
        refusal = refusal_of(session, model, adding(model(**values)), "written")
        assert (type(refusal), str(refusal)) == (kind, words)

    def test_the_columns_of_another_table_are_named_with_it(self, session: Session) -> None:
        refusal = refusal_of(session, Coupon, adding(Tag(slug="new")), "written")
        assert "the same shop_tag.slug already" in str(refusal)

    @pytest.mark.parametrize(
        ("error", "words"),
        [
            (ValueError("no luck"), "no luck"),
            (AssertionError("no luck"), "no luck"),
            (ValueError(), "ValueError"),
            (KeyError("x"), "KeyError: 'x'"),
            (DataError("INSERT", {}, ValueError("out of range")), "out of range"),
            (of_driver(Coded("why\nDETAIL:  because", "23999")), "why DETAIL: because"),
            (ValueError("two\nlines"), "two lines"),
        ],
    )
    def test_other_errors_are_quoted(self, session: Session, error: Exception, words: str) -> None:
        refusal = refusal_of(session, Tag, raising(error), "read")
        assert isinstance(refusal, InvalidValue)
        assert str(refusal) == f"shop.Tag: this cannot be read: {words}"

    @pytest.mark.parametrize(
        ("error", "kind", "words"),
        [
            (Coded("duplicate", "23505"), AlreadyExists, "the same values already"),
            (Exception(1062, "duplicate"), AlreadyExists, "the same values already"),
            (Coded("missing", "23503"), InvalidValue, "a reference would lead nowhere"),
            (Exception(1452, "missing"), InvalidValue, "a reference would lead nowhere"),
        ],
    )
    def test_databases_that_do_not_name_the_columns(
        self, session: Session, error: Exception, kind: type[SignalcliError], words: str
    ) -> None:
        refusal = refusal_of(session, Tag, raising(of_driver(error)), "written")
        assert type(refusal) is kind
        assert words in str(refusal)


@pytest.mark.parametrize(
    ("error", "loses"),
    [
        (of_driver(Coded("referred to", "23503")), True),
        (of_driver(Coded("restricted", "23001")), True),
        (of_driver(Coded("empty", "23502")), True),
        (of_driver(Exception(1451, "referred to")), True),
        (of_driver(Coded("duplicate", "23505")), False),
        (of_driver(Exception()), False),
        (ValueError("FOREIGN KEY constraint failed"), False),
        (None, False),
    ],
)
def test_whether_a_reference_kept_a_row_from_being_removed(
    error: Exception | None, loses: bool
) -> None:
    assert loses_reference(error) is loses
