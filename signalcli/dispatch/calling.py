"""Calling receivers: every way of sending ends here."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from types import CoroutineType
from typing import Any, Protocol

from signalcli.dispatch.signatures import describe, qualified_name
from signalcli.dispatch.tasks import discard, run_alone, run_together

Receiver = Callable[..., Any]
Responses = list[tuple[Receiver, Any]]

logger = logging.getLogger("signalcli.dispatch")


class Calls(Protocol):
    """Who calls the receivers, where more is to be done than that: watching, metering."""

    def call(self, receiver: Receiver, named: dict[str, Any]) -> Any:
        """Call a sync receiver with keyword arguments and return its value."""

    def prepare(self, receiver: Receiver, named: dict[str, Any]) -> Awaitable[Any]:
        """Call an async receiver, whose answer is awaited by :meth:`acall`."""

    async def acall(
        self, receiver: Receiver, named: dict[str, Any], answer: Awaitable[Any] | None = None
    ) -> Any:
        """Await what an async receiver answers, which is called now unless it was before."""


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

    They share one context, and what they set in context variables is the sender's afterwards.
    One that cancels itself answers None.

    Raises:
        BaseException: where not robust, what the only receiver that failed raised. The first
            failure cancels the receivers that still run.
        BaseExceptionGroup: several failed, be it on being cancelled; it is an ``ExceptionGroup``
            where it has nothing but exceptions.
    """
    if len(receivers) == 1:
        receiver = receivers[0]
        return [(receiver, await run_alone(_response(receiver, named, robust, calls)))]

    answers: list[Awaitable[Any]] = []
    try:
        if robust:
            responses = [_response(receiver, named, robust, calls) for receiver in receivers]
        else:
            # As in Django, whoever cannot even be called fails before another one begins.
            for receiver in receivers:
                answer = receiver(**named) if calls is None else calls.prepare(receiver, named)
                answers.append(answer)
            responses = [
                answer
                if calls is None and type(answer) is CoroutineType
                else _response(receiver, named, robust, calls, answer)
                for receiver, answer in zip(receivers, answers, strict=True)
            ]
        values = await run_together(responses)
    finally:
        for answer in answers:
            discard(answer)
    return list(zip(receivers, values, strict=True))


async def _response(
    receiver: Receiver,
    named: dict[str, Any],
    robust: bool,
    calls: Calls | None,
    answer: Awaitable[Any] | None = None,
) -> Any:
    try:
        if calls is not None:
            return await calls.acall(receiver, named, answer)
        return await (receiver(**named) if answer is None else answer)
    except Exception as error:
        if not robust:
            raise
        log_failure(receiver, error)
        return error


def log_failure(receiver: Receiver, error: Exception) -> None:
    """Log what a robust dispatch keeps from its sender, with the traceback."""
    logger.error(
        "Error calling %s in Signal.send_robust() (%s): the receiver is %s",
        qualified_name(receiver),
        error,
        describe(receiver),
        exc_info=error,
    )
