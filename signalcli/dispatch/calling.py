"""Calling receivers. Every way of sending ends here."""

import linecache
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from keyword import iskeyword
from types import CoroutineType
from typing import Any, Protocol

from signalcli.dispatch.signatures import describe, qualified_name
from signalcli.dispatch.tasks import discard, run_alone, run_together

Receiver = Callable[..., Any]
Responses = list[tuple[Receiver, Any]]
Loop = Callable[..., Responses]

logger = logging.getLogger("signalcli.dispatch")


class Calls(Protocol):
    """Calls the receivers of one dispatch for the loop below, to watch or meter them."""

    def call(self, receiver: Receiver, named: dict[str, Any]) -> Any:
        """Call a sync receiver with keyword arguments and return its value."""

    def prepare(self, receiver: Receiver, named: dict[str, Any]) -> Awaitable[Any]:
        """Call an async receiver and return its answer, which :meth:`acall` awaits."""

    async def acall(
        self, receiver: Receiver, named: dict[str, Any], answer: Awaitable[Any] | None = None
    ) -> Any:
        """Await an async receiver's answer; without one, call the receiver first."""


# This loop calls every sync receiver. It is text, because Python calls a function nearly twice as
# fast with `instance=instance, created=created` as with `**named`, for which it makes and unpacks a
# dictionary at each call. So the loop is compiled for each tuple of argument names in use, as
# dataclasses compile `__init__`. Two more are compiled at import: one for names that cannot be
# spelled out, and one for observers and meters.
#
# A robust dispatch keeps exceptions from its sender. A KeyboardInterrupt, SystemExit or
# CancelledError is no failure of the receiver, and reaches the sender, as in Django.
_LOOP = """\
def call_each(receivers, signal, sender, named, robust, calls):
    {values}
    responses = []
    for receiver in receivers:
        try:
            value = {call}
        except Exception as error:
            if not robust:
                raise
            log_failure(receiver, error)
            value = error
        responses.append((receiver, value))
    return responses
"""

MOST_LOOPS = 256

# Each loop by the names that it spells out. None stands for names that have come only once, which
# are not worth a loop, and for names that cannot be spelled out.
_loops: dict[tuple[str, ...], Loop | None] = {}

# Every call has the first two already; the third is a constant of Python's, not a name.
_NEVER_SPELLED = ("signal", "sender", "__debug__")


def call_each(
    receivers: Sequence[Receiver],
    signal: Any,
    sender: Any,
    named: dict[str, Any],
    robust: bool,
    calls: Calls | None = None,
) -> Responses:
    """Call sync receivers one after the other.

    Arguments:
        receivers: the receivers to call, in this order.
        signal: the signal.
        sender: the sender.
        named: the other keyword arguments of each call.
        robust: whether an exception takes the place of a value instead of stopping the loop.
        calls: makes the calls, where somebody watches or meters.
    """
    if calls is not None:
        return _watched_loop(receivers, signal, sender, named, robust, calls)
    loop = _loops.get(tuple(named)) or _loop_for(tuple(named))
    return loop(receivers, signal, sender, named, robust, calls)


def complete(signal: Any, sender: Any, named: dict[str, Any]) -> dict[str, Any]:
    """All keyword arguments of a call, in a dictionary of its own.

    Raises:
        TypeError: ``named`` has a ``signal`` already.
    """
    if "signal" in named:
        raise TypeError(
            "send() got multiple values for keyword argument 'signal', which it provides "
            "itself. Give the argument another name."
        )
    return {**named, "signal": signal, "sender": sender}


def _loop_for(names: tuple[str, ...]) -> Loop:
    """The loop for arguments of these names, where none is kept for them."""
    # Threads need no lock here: each step is one operation of a dictionary, and of two loops that
    # threads compile for the same names, either will do.
    if names not in _loops:
        if len(_loops) >= MOST_LOOPS:
            _forget_loops()
        _loops[names] = None
    elif all(map(_can_be_spelled, names)):
        # The variables have numbers for names, so that they hide no other variable of the loop.
        values = "; ".join(f"_{place} = named[{name!r}]" for place, name in enumerate(names))
        arguments = "".join(f", {name}=_{place}" for place, name in enumerate(names))
        loop = _compiled(values, f"receiver(signal=signal, sender=sender{arguments})")
        _loops[names] = loop
        return loop
    return _unspelled_loop


def _can_be_spelled(name: str) -> bool:
    """Whether a name can stand in source text and mean itself there."""
    # Python normalises names with letters beyond ASCII: the receiver would get another name.
    is_plain = type(name) is str and name.isascii() and name.isidentifier()
    return is_plain and not iskeyword(name) and name not in _NEVER_SPELLED


def _compiled(values: str, call: str) -> Loop:
    """The loop, with a statement that gets the values and an expression that calls a receiver."""
    source = _LOOP.format(values=values, call=call)
    filename = f"<signalcli.dispatch: {call}>"
    namespace: dict[str, Any] = {"log_failure": log_failure, "complete": complete}
    exec(compile(source, filename, "exec"), namespace)  # noqa: S102  # its names were checked
    # Tracebacks and debuggers find the source here. Without a time of change it never goes stale.
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    loop: Loop = namespace["call_each"]
    return loop


def _forget_loops() -> None:
    """Forget every loop and its source. The next dispatches compile those in use again."""
    with suppress(KeyError):  # when no loop is left
        while True:
            _, loop = _loops.popitem()
            if loop is not None:
                linecache.cache.pop(loop.__code__.co_filename, None)


async def call_concurrently(
    receivers: Sequence[Receiver],
    named: dict[str, Any],
    robust: bool,
    calls: Calls | None = None,
) -> Responses:
    """Call async receivers at the same time; the arguments are those of :func:`call_each`.

    They share one context. The sender sees afterwards which context variables they set. A receiver
    that cancels itself answers None.

    Raises:
        BaseException: where not robust, what the only receiver that failed raised. The first
            failure cancels the receivers that still run.
        BaseExceptionGroup: several receivers failed, some perhaps on being cancelled; an
            ``ExceptionGroup`` where it has nothing but exceptions.
    """
    if len(receivers) == 1:
        receiver = receivers[0]
        return [(receiver, await run_alone(_response(receiver, named, robust, calls)))]

    answers: list[Awaitable[Any]] = []
    try:
        if robust:
            responses = [_response(receiver, named, robust, calls) for receiver in receivers]
        else:
            # As in Django, a receiver whose call fails does so before any other one begins.
            for receiver in receivers:
                answer = receiver(**named) if calls is None else calls.prepare(receiver, named)
                answers.append(answer)
            # A coroutine that nobody watches runs bare, with one frame less at each of its steps.
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


_COMPLETE = "named = complete(signal, sender, named)"
_unspelled_loop = _compiled(_COMPLETE, "receiver(**named)")
_watched_loop = _compiled(_COMPLETE, "calls.call(receiver, named)")
