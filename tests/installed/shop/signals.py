"""The shop's signal and its receivers."""

from decimal import Decimal
from typing import Any

from shop.models import Line, Order, Product, Status
from signalcli.db import Session, post_save, pre_save
from signalcli.dispatch import Signal, receiver

order_paid = Signal(providing_args=["order_id", "amount"])


@receiver(pre_save, sender=Order)
def give_number(instance: Order, **kwargs: Any) -> None:
    if not instance.number:
        instance.number = f"{instance.ordered:%Y}-{instance.customer_id}"


@receiver(post_save, sender=Order)
def announce_payment(
    instance: Order, created: bool, update_fields: frozenset[str] | None, **kwargs: Any
) -> None:
    if instance.status is Status.PAID and (created or "status" in (update_fields or ())):
        amount = sum((line.quantity * line.product.price for line in instance.lines), Decimal(0))
        order_paid.send(Order, order_id=instance.id, amount=amount)


@receiver(post_save, sender=Line)
def reduce_stock(instance: Line, created: bool, session: Session, **kwargs: Any) -> None:
    if created:
        product = session.get_one(Product, instance.product_id)
        product.stock -= instance.quantity


@receiver(order_paid)
def write_receipt(order_id: int, amount: Decimal, **kwargs: Any) -> None:
    print(f"Paid: order {order_id}, {amount}")
