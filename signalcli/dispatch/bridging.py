"""Where sync meets async: awaiting from sync code, and calling sync code from a coroutine."""

import sys
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Bridge(Protocol):
    """Another way to await from sync code, for code that runs inside somebody's event loop."""

    def reaches_a_loop(self) -> bool:
        """Whether the code that is running now can use this bridge."""

    def wait_for(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Await the coroutine on the running loop and return its result."""


_bridges: list[Bridge] = []


def add_bridge(bridge: Bridge) -> None:
    """Offer a bridge; it is used wherever it reaches a loop."""
    _bridges.append(bridge)


def wait_for(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end from sync code.

    Through a bridge where one reaches a running loop, otherwise as Django does it, with asgiref's
    ``async_to_sync``, which refuses to block a thread that runs an event loop itself.

    Raises:
        RuntimeError: this thread runs an event loop that no bridge reaches.
    """
    for bridge in _bridges:
        if bridge.reaches_a_loop():
            result: T = bridge.wait_for(coroutine)
            return result
    try:
        if _runs_a_loop():
            # It begins with what asgiref would say, which Django's users know.
            raise RuntimeError(
                "You cannot use AsyncToSync in the same thread as an async event loop - just await "
                "the async function directly. For async receivers that is: await asend() instead "
                "of send(), save through an AsyncSession, or send from another thread."
            )
        from asgiref.sync import async_to_sync

        async def run() -> T:
            return await coroutine

        return async_to_sync(run)()
    finally:
        coroutine.close()  # silent where it has run; where it was refused, it never will


def _runs_a_loop() -> bool:
    from asyncio import get_running_loop

    try:
        get_running_loop()
    except RuntimeError:
        return False
    return True


async def in_thread(function: Callable[..., T], *args: Any) -> T:
    """Call sync code from a coroutine without blocking its loop, as Django does it."""
    from asgiref.sync import sync_to_async

    return await sync_to_async(function)(*args)


def thread_guard() -> ContextVar[bool] | None:
    """Where asgiref notes that this context occupies the thread of all sync code, if it did so.

    Several coroutines in one context would each find it occupied by another, and asgiref would
    refuse to wait, which it does where that might be for ever.
    """
    sync = sys.modules.get("asgiref.sync")
    return None if sync is None else getattr(sync.SyncToAsync, "deadlock_context", None)
