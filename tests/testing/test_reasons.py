"""Why a dispatch or a response was missing, as a failed assertion says it."""

import re
import warnings
from typing import Any

import pytest
import sqlmodel
from sqlmodel import delete, update

from signalcli.db import Session, UnannouncedWriteWarning, post_delete, post_save, pre_save
from signalcli.dispatch import DeadReceiverWarning
from signalcli.testing import Dispatches
from tests.testing.app import Order, Receipt, file_away, invoice_sent, order_paid, refuse


def said(failure: pytest.ExceptionInfo[AssertionError]) -> list[str]:
    """The lines below the first, without the tree."""
    return str(failure.value).partition("\n\n")[0].split("\n")[1:]


def plain_session(session: Session) -> sqlmodel.Session:
    return sqlmodel.Session(session.get_bind())


def test_rows_that_another_session_wrote(dispatches: Dispatches, session: Session) -> None:
    with plain_session(session) as other:
        other.add_all([Order(name="first"), Order(name="second")])
        other.add(Receipt(order_name="first"))
        other.commit()
    with pytest.raises(AssertionError) as failure:
        dispatches.assert_sent(post_save, sender=Order)
    (line,) = said(failure)
    assert re.fullmatch(
        r"2 Order were inserted by a plain sqlmodel.Session \(test_reasons.py:\d+\), "
        r"which sends no signals",
        line,
    )
    # Nothing was deleted.
    with pytest.raises(AssertionError) as failure:
        dispatches.assert_sent(post_delete, sender="Order")
    assert said(failure)[0].startswith("no signalcli.db.Session wrote a row of Order")


def test_rows_that_a_statement_wrote(dispatches: Dispatches, session: Session) -> None:
    session.execute(update(Order).values(name="all"))
    session.execute(delete(Receipt))
    with pytest.raises(AssertionError) as failure:
        dispatches.assert_received("post_save", by=file_away, sender="Order")
    assert said(failure)[0].startswith("rows of Order were updated by an update() statement (")
    with pytest.raises(AssertionError) as failure:
        dispatches.assert_order((post_delete, Receipt))
    assert said(failure)[0].startswith("rows of Receipt were deleted by a delete() statement (")


def test_what_was_written_before_does_not_count(dispatches: Dispatches, session: Session) -> None:
    session.execute(update(Order).values(name="all"))
    dispatches.clear()
    with pytest.raises(AssertionError) as failure:
        dispatches.assert_sent(post_save, sender=Order)
    assert "statement" not in str(failure.value)


def test_a_row_that_has_not_changed(dispatches: Dispatches, session: Session) -> None:
    with pytest.raises(AssertionError) as failure:
        dispatches.assert_sent(pre_save, sender=Order)
    (line,) = said(failure)
    assert line.startswith("no signalcli.db.Session wrote a row of Order that fits. ")
    assert "touch(instance)" in line


def test_a_receiver_that_is_not_connected(dispatches: Dispatches) -> None:
    order_paid.send(Order, order=1, amount=1)
    with pytest.raises(AssertionError) as failure:
        dispatches.assert_received(order_paid, by=file_away)
    assert said(failure) == ["file_away is not connected to order_paid"]


def test_a_receiver_that_is_dead(dispatches: Dispatches) -> None:
    def connect() -> None:
        def bill(**named: Any) -> None: ...

        order_paid.connect(bill, sender=Order)

    with pytest.warns(DeadReceiverWarning):
        connect()
    order_paid.send(Order, order=1, amount=1)
    with pytest.raises(AssertionError) as failure:
        dispatches.assert_received(order_paid, by="bill", sender=Order)
    (line,) = said(failure)
    assert line.startswith("bill is dead: it was connected at tests/testing/test_reasons.py:")
    assert line.endswith("or connect it with weak=False.")


def test_a_receiver_after_one_that_failed(dispatches: Dispatches) -> None:
    with order_paid.connected_to(refuse), order_paid.connected_to(file_away):
        with pytest.raises(LookupError):
            order_paid.send(Order, order=1, amount=1)
        with pytest.raises(AssertionError) as failure:
            dispatches.assert_received(order_paid, by=file_away)
    assert said(failure) == ["file_away was not called in #1: one before it failed"]


def test_a_signal_that_is_muted(dispatches: Dispatches) -> None:
    with invoice_sent.muted():
        invoice_sent.send(None, order=1)
        with pytest.raises(AssertionError) as failure:
            dispatches.assert_sent(invoice_sent)
    assert said(failure) == ["invoice_sent is muted: nobody hears of it"]


def test_too_many_dispatches_need_no_reason(dispatches: Dispatches, session: Session) -> None:
    session.add(Order(name="one"))
    session.flush()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnannouncedWriteWarning)
        session.execute(update(Order).values(name="all"))
    with pytest.raises(AssertionError) as failure:
        dispatches.assert_not_sent(post_save)
    assert said(failure) == []
