"""What the tests of the testing tools send and receive."""

from typing import Any

from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from signalcli.dispatch import Signal

order_paid = Signal(providing_args=["order", "amount"])
invoice_sent = Signal(providing_args=["order"])
open_ended = Signal()


class Base(SQLModel, registry=registry()):
    """Keeps these tables out of everybody else's metadata, and these names out of their sight."""


class Order(Base, table=True):
    __tablename__ = "testing_order"

    id: int | None = Field(default=None, primary_key=True)
    name: str

    def __str__(self) -> str:
        return self.name


class Receipt(Base, table=True):
    __tablename__ = "testing_receipt"

    id: int | None = Field(default=None, primary_key=True)
    order_name: str


def send_invoice(order: Any, **kwargs: Any) -> str:
    """Sends a signal in its turn."""
    print("an invoice is sent")
    invoice_sent.send(None, order=order)
    return f"invoice for {order}"


def refuse(**kwargs: Any) -> None:
    raise LookupError("no such order")


def file_away(**kwargs: Any) -> None:
    """Does nothing."""
