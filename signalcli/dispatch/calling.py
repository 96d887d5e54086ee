"""Calling receivers: every way of sending ends here."""

import logging
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from signalcli.dispatch.signatures import describe, qualified_name

Receiver = Callable[..., Any]
Responses = list[tuple[Receiver, Any]]

logger = logging.getLogger("signalcli.dispatch")


class Calls(Protocol):
    """Who calls the receivers, where more is to be done than that: watching, metering."""

    def call(self, receiver: Receiver, named: dict[str, Any]) -> Any:
        """Call a sync receiver with keyword arguments and return its value."""

    async def acall(self, receiver: Receiver, named: dict[str, Any]) -> Any:
        """The same for an async receiver."""


def call_each(
    receivers: Sequence[Receiver],
    named: dict[str, Any],
    robust: bool,
    calls: Calls | None = None,
) -> Responses:
    """Call sync receivers one after the other.

    Arguments:
        receivers: who is called, in this order.
        named: the keyword arguments of each call, ``signal`` and ``sender`` included.
        robust: whether an exception takes its value's place instead of stopping the loop.
        calls: who calls them instead of the loop, if somebody does.
    """
    responses = []
    for receiver in receivers:
        try:
            value = receiver(**named) if calls is None else calls.call(receiver, named)
        except Exception as error:
            if not robust:
                raise
            log_failure(receiver, error)
            value = error
        responses.append((receiver, value))
    return responses


async def call_concurrently(
    receivers: Sequence[Receiver],
    named: dict[str, Any],
    robust: bool,
    calls: Calls | None = None,
) -> Responses:
    """Call async receivers at the same time; the arguments are those of :func:`call_each`.

    Where not robust, the first exception cancels the receivers that are still running.
    """

    async def respond(receiver: Receiver) -> Any:
        try:
            return await (receiver(**named) if calls is None else calls.acall(receiver, named))
        except Exception as error:
            if not robust:
                raise
            log_failure(receiver, error)
            return error

    if len(receivers) == 1:
        return [(receivers[0], await respond(receivers[0]))]

    from asyncio import TaskGroup

    try:
        async with TaskGroup() as group:
            tasks = [group.create_task(respond(receiver)) for receiver in receivers]
    except BaseExceptionGroup as failures:
        first = failures.exceptions[0]
    else:
        return [(receiver, task.result()) for receiver, task in zip(receivers, tasks, strict=True)]
    raise first


def log_failure(receiver: Receiver, error: Exception) -> None:
    """Log what a robust dispatch keeps from its sender, with the traceback."""
    logger.error(
        "Error calling %s in Signal.send_robust() (%s): the receiver is %s",
        qualified_name(receiver),
        error,
        describe(receiver),
        exc_info=error,
    )
