"""What threads and tasks send is recorded as well, and what caused it."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from signalcli.testing import Dispatches
from tests.processes import PATIENCE_SECONDS
from tests.testing.app import invoice_sent, order_paid


def test_threads_that_the_test_starts(dispatches: Dispatches) -> None:
    barrier = threading.Barrier(4)

    def pay(order: int) -> None:
        barrier.wait(timeout=PATIENCE_SECONDS)
        for _ in range(25):
            order_paid.send(None, order=order)

    def note(order: int, **kwargs: Any) -> int:
        return order

    with order_paid.connected_to(note), ThreadPoolExecutor(4) as pool:
        list(pool.map(pay, range(4)))
    dispatches.assert_received(order_paid, by=note, times=100)
    for order in range(4):
        dispatches.assert_sent(order_paid, order=order, caused_by=None, times=25)
    assert all(
        response.value == dispatch.arguments["order"]
        for dispatch in dispatches
        for response in dispatch.responses
    )
    assert [dispatch.number for dispatch in dispatches] == list(range(1, 101))


def test_a_thread_that_a_receiver_starts(dispatches: Dispatches) -> None:
    def send_later(order: int, **kwargs: Any) -> None:
        thread = threading.Thread(target=invoice_sent.send, args=(None,), kwargs={"order": order})
        thread.start()
        thread.join()

    with order_paid.connected_to(send_later):
        order_paid.send(None, order=1)
    dispatches.assert_sent(invoice_sent, caused_by=send_later, order=1, times=1)


def test_async_receivers(dispatches: Dispatches) -> None:
    async def send_invoice(order: int, **kwargs: Any) -> str:
        await invoice_sent.asend(None, order=order)
        return f"sent {order}"

    async def refuse(**kwargs: Any) -> None:
        raise LookupError

    async def pay() -> None:
        await asyncio.gather(*(order_paid.asend_robust(None, order=order) for order in range(3)))

    with order_paid.connected_to(send_invoice), order_paid.connected_to(refuse):
        asyncio.run(pay())
    for order in range(3):
        dispatches.assert_sent(invoice_sent, caused_by=send_invoice, order=order, times=1)
    (dispatch,) = dispatches.assert_received(order_paid, by=send_invoice, order=1)
    by_receiver = {response.receiver: response for response in dispatch.responses}
    assert by_receiver[send_invoice].value == "sent 1"
    assert isinstance(by_receiver[refuse].error, LookupError)


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_an_async_test(dispatches: Dispatches, anyio_backend: str) -> None:
    async def send_invoice(order: int, **kwargs: Any) -> None:
        await invoice_sent.asend(None, order=order)

    with order_paid.connected_to(send_invoice):
        await order_paid.asend(None, order=1)
    dispatches.assert_order(order_paid, invoice_sent)
    dispatches.assert_sent(invoice_sent, caused_by=send_invoice)
