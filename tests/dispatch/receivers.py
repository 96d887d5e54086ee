"""Ways to send, and receivers to send to, for the tests of those who look on."""

import asyncio
from typing import Any

import pytest

from signalcli.dispatch import Signal

WAYS = ["send", "send_robust", "asend", "asend_robust"]
every_way = pytest.mark.parametrize("way", WAYS)


def dispatch(signal: Signal, way: str, sender: Any = None, /, **named: Any) -> Any:
    """Send in one of the ways; what the signal returns."""
    sending = getattr(signal, way)(sender, **named)
    return asyncio.run(sending) if way.startswith("a") else sending


def one(**named: Any) -> int:
    return 1


def two(**named: Any) -> int:
    return 2


async def three(**named: Any) -> int:
    return 3


def failing(**named: Any) -> None:
    raise LookupError("lost")


async def failing_async(**named: Any) -> None:
    raise LookupError("lost")
