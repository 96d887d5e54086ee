"""Calling receivers: every way of sending ends here."""

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
    """Who calls the receivers, where more is to be done than that: watching, metering."""

    def call(self, receiver: Receiver, named: dict[str, Any]) -> Any:
        """Call a sync receiver with keyword arguments and return its value."""

    def prepare(self, receiver: Receiver, named: dict[str, Any]) -> Awaitable[Any]:
        """Call an async receiver, whose answer is awaited by :meth:`acall`."""

    async def acall(
        self, receiver: Receiver, named: dict[str, Any], answer: Awaitable[Any] | None = None
    ) -> Any:
        """Await what an async receiver answers, which is called now unless it was before."""


# The loop in which every sync receiver is called. It is text, since a call whose arguments are
# spelled out takes half of what `receiver(**named)` takes, for which Python makes and unpacks a
# dictionary each time. So the loop is compiled for each tuple of argument names that is in use.
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

# The loops by the names that they spell out; None for names that came once, or cannot be spelled.
_loops: dict[tuple[str, ...], Loop | None] = {}

MOST_LOOPS = 256

# What a call has already, and what Python takes for no name.
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
        receivers: who is called, in this order.
        signal: what is sent.
        sender: who it is sent for.
        named: the other keyword arguments of each call.
        robust: whether an exception takes its value's place instead of stopping the loop.
        calls: who calls them instead of the loop, if somebody does.
    """
    if calls is not None:
        return _watched_loop(receivers, signal, sender, named, robust, calls)
    loop = _loops.get(tuple(named)) or _loop_for(tuple(named))
    return loop(receivers, signal, sender, named, robust, calls)


def complete(signal: Any, sender: Any, named: dict[str, Any]) -> dict[str, Any]:
    """All keyword arguments of a call.

    Raises:
        TypeError: ``signal`` is among those that were given.
    """
    if "signal" in named:
        raise TypeError(
            "send() got multiple values for keyword argument 'signal', which it provides "
            "itself. Give the argument another name."
        )
    return {**named, "signal": signal, "sender": sender}


def _loop_for(names: tuple[str, ...]) -> Loop:
    """The loop for arguments of these names."""
    # There is no lock: each step is one of a dictionary, and two threads may make the same loop.
    if names in _loops:
        if all(map(_can_be_spelled, names)):
            # Numbered, so that no argument has a name of the loop's own.
            values = "; ".join(f"_{place} = named[{name!r}]" for place, name in enumerate(names))
            arguments = "".join(f", {name}=_{place}" for place, name in enumerate(names))
            loop = _compiled(values, f"receiver(signal=signal, sender=sender{arguments})")
            _loops[names] = loop
            return loop
    else:
        # Names that come only once are worth no loop, and a program may have any number of them.
        if len(_loops) >= MOST_LOOPS:
            _forget_loops()
        _loops[names] = None
    return _unspelled_loop


def _can_be_spelled(name: str) -> bool:
    """Whether a name can stand in a call, where it means itself and nothing more."""
    # Python reads other letters than ASCII's in their normal form, which is another name.
    is_plain = type(name) is str and name.isascii() and name.isidentifier()
    return is_plain and not iskeyword(name) and name not in _NEVER_SPELLED


def _compiled(values: str, call: str) -> Loop:
    source = _LOOP.format(values=values, call=call)
    filename = f"<signalcli.dispatch: {call}>"
    namespace: dict[str, Any] = {"log_failure": log_failure, "complete": complete}
    exec(compile(source, filename, "exec"), namespace)  # noqa: S102  # names were checked
    # Where tracebacks and debuggers look for its lines; without a time, so that they stay there.
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    loop: Loop = namespace["call_each"]
    return loop


def _forget_loops() -> None:
    """Forget every loop, and its lines."""
    with suppress(KeyError):  # none is left
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


_COMPLETE = "named = complete(signal, sender, named)"
_unspelled_loop = _compiled(_COMPLETE, "receiver(**named)")
_watched_loop = _compiled(_COMPLETE, "calls.call(receiver, named)")
