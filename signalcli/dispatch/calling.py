"""Calling receivers: every way of sending ends here."""

import inspect
import logging
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Protocol

from signalcli.dispatch.signatures import describe, qualified_name

if TYPE_CHECKING:
    from signalcli.dispatch.tasks import Place

Receiver = Callable[..., Any]
Responses = list[tuple[Receiver, Any]]

logger = logging.getLogger("signalcli.dispatch")

# Which of several receivers that run at the same time this is: its place, after those of the
# receivers within which it runs, each of which has others beside it, too. A sync receiver and one
# that is alone have none.
under_way: "ContextVar[tuple[Place, ...]]" = ContextVar("signalcli_under_way", default=())

# Who has receivers that run at the same time wait for each other, where what they share wants it.
gate: "ContextVar[Gate | None]" = ContextVar("signalcli_gate", default=None)

# The variables of which receivers that run at the same time have a value each.
kept_apart: list[ContextVar[Any]] = []


def keep_apart(variable: ContextVar[Any]) -> None:
    """Have receivers that run at the same time see nothing of each other's value of a variable.

    Every other context variable they share, as in Django. That would confuse what is set around
    something and reset after it, while others run. What an observer sets when a response begins is
    kept apart anyway.

    Arguments:
        variable: one with a default. It begins in each receiver with the sender's value, which
            stays what it was.
    """
    kept_apart.append(variable)


# Before 3.13 a task group whose member failed leaves a request to cancel the task around it,
# which says nothing then of whether somebody asked for that.
_COUNTS_REQUESTS_TO_CANCEL = sys.version_info >= (3, 13)


class Gate(Protocol):
    """Who says when one of several receivers that run at the same time may go on."""

    def turn_of(self, way: "tuple[Place, ...]") -> Any:
        """A future to wait for before the next step of a receiver, or None where it may go on.

        Arguments:
            way: its place, after those of the receivers within which it runs.
        """


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
        return [(receiver, await _alone(_response(receiver, named, robust, calls)))]

    from signalcli.dispatch.tasks import run_together

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


async def _alone(response: Awaitable[Any]) -> Any:
    """Await the response of a receiver that nobody runs beside, in the sender's own task.

    That is many times quicker than a task of its own, in which Django has it. What would be seen
    of that is made up for: there the receiver can cancel itself, but not its sender, and whoever
    cancels the sender does so whatever the receiver makes of it.
    """
    task = running_task()
    requests = 0 if task is None else task.cancelling()
    try:
        value = await response
    except BaseException as error:
        from asyncio import CancelledError

        if task is None or task.cancelling() > requests or not isinstance(error, CancelledError):
            raise
        return None
    if _COUNTS_REQUESTS_TO_CANCEL and task is not None and task.cancelling() > requests:
        from asyncio import CancelledError, sleep

        await sleep(0)  # raises what was not delivered yet
        raise CancelledError
    return value


def running_task() -> Any:
    """The task of asyncio that is running here, or None."""
    # Nobody can have a task without having imported asyncio, which takes a while.
    tasks = sys.modules.get("asyncio.tasks")
    # Asked first, since whoever asks for the task without a loop pays for an exception.
    if tasks is None or tasks.events._get_running_loop() is None:
        return None
    return tasks.current_task()


def discard(answer: Awaitable[Any]) -> None:
    """Close a coroutine that will not be awaited, about which Python would complain."""
    if isinstance(answer, CoroutineType) and (
        inspect.getcoroutinestate(answer) == inspect.CORO_CREATED
    ):
        answer.close()


def log_failure(receiver: Receiver, error: Exception) -> None:
    """Log what a robust dispatch keeps from its sender, with the traceback."""
    logger.error(
        "Error calling %s in Signal.send_robust() (%s): the receiver is %s",
        qualified_name(receiver),
        error,
        describe(receiver),
        exc_info=error,
    )
