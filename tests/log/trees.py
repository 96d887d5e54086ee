"""Trees of dispatches to be carried out, and traces as plain data that can be compared."""

import asyncio
import contextvars
import dataclasses
import io
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from rich.console import Console

from signalcli.dispatch import Signal
from signalcli.render.table import TraceTable
from signalcli.trace import Recorder, Trace
from signalcli.trace.records import LONGEST_OUTPUT, Dispatch, Injection, Response

WIDTH = 90

ODD_TEXTS = (
    "",
    "\0",
    "a\0b",
    "\ud800",
    "caf\udce9",
    "\x1b[31mred\x07\r\n",
    "\u2028\u0085",
    "😀 Zoë 👩‍👩‍👧",
    "'; DROP TABLE signalcli_run; --",
    '"\\',
    "\ufeff\uffff",
    "%_*?[",
    "null",
    "x" * 300,
)
texts = st.text(st.characters(), max_size=12) | st.sampled_from(ODD_TEXTS)
numbers = (
    st.integers()
    | st.sampled_from([2**31, 2**53 + 1, 2**63 - 1, -(2**63), 2**64, 10**300])
    | st.floats()
    | st.sampled_from([-0.0, 0.1 + 0.2, 5e-324, 1e22])
)
leaves = st.none() | st.booleans() | numbers | texts | st.binary(max_size=5)
values = st.recursive(
    leaves, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=5
)
# What Signal.send itself takes by name.
names = texts.filter(lambda name: name not in ("self", "sender", "signal"))
outputs = texts | st.sampled_from(
    ["y" * LONGEST_OUTPUT, "z" * 9000, "a" + "😀" * 1500, ("é" * 500 + "\n") * 5]
)


@dataclass(frozen=True)
class Sending:
    """A dispatch to be made."""

    name: str
    sender: str | None
    arguments: dict[str, Any]
    robust: bool
    answers: list["Answering"]
    is_ended: bool
    is_awaited: bool
    is_muted: bool


@dataclass(frozen=True)
class Answering:
    """What a receiver is to do."""

    name: str
    file: str
    line: int
    output: list[str]
    causes: list[Sending]
    value: Any
    error: str | None
    is_ended: bool
    is_async: bool
    in_thread: bool
    injected: Injection | None


def _mostly(usual: bool) -> st.SearchStrategy[bool]:
    return st.sampled_from([usual, usual, usual, not usual])


def _sendings(depth: int) -> st.SearchStrategy[Sending]:
    return st.builds(
        Sending,
        name=texts,
        sender=st.none() | texts,
        arguments=st.dictionaries(names, values, max_size=3),
        robust=st.booleans(),
        answers=st.lists(_answerings(depth), max_size=2),
        is_ended=_mostly(True),
        is_awaited=_mostly(False),
        is_muted=_mostly(False),
    )


def _answerings(depth: int) -> st.SearchStrategy[Answering]:
    return st.builds(
        Answering,
        name=texts,
        file=texts,
        line=st.integers(0, 2**31 - 1),
        output=st.lists(outputs, max_size=2),
        causes=st.lists(_sendings(depth + 1), max_size=2) if depth < 2 else st.just([]),
        value=values,
        error=st.none() | texts,
        is_ended=_mostly(True),
        is_async=_mostly(False),
        in_thread=_mostly(False),
        injected=st.none() | st.builds(Injection, st.booleans(), st.floats(0, 1e10)),
    )


trees = st.lists(_sendings(0), max_size=3)


def tell(recorder: Recorder, sending: Sending) -> None:
    """Tell a recorder of a dispatch and all that it leads to, as a source would."""
    dispatch = recorder.dispatch_begun(
        signal=sending.name,
        signal_path=f"told.{sending.name}",
        sender=sending.sender,
        arguments=sending.arguments,
        robust=sending.robust,
        muted=sending.is_muted,
    )
    for answer in sending.answers:
        begun = recorder.response_begun(
            dispatch, answer.name, answer.file, answer.line, answer.injected
        )
        for text in answer.output:
            begun[0].add_output(text)
        for cause in answer.causes:
            _do(answer.in_thread, contextvars.copy_context().run, tell, recorder, cause)
        if answer.is_ended:
            error = None if answer.error is None else _raised(answer.error)
            recorder.response_ended(begun, answer.value, error)
    if sending.is_ended:
        recorder.dispatch_ended(dispatch)


def _raised(message: str) -> Exception:
    try:
        raise ValueError(message)
    except ValueError as error:
        return error


def _do(in_thread: bool, function: Callable[..., Any], *arguments: Any) -> None:
    if not in_thread:
        function(*arguments)
        return
    thread = threading.Thread(target=function, args=arguments)
    thread.start()
    thread.join()


def send(sending: Sending, waits: bool = False) -> None:
    """Send a signal to receivers, and let them send others.

    Arguments:
        sending: what to send.
        waits: whether an event loop waits for this, and must not be waited for in turn.
    """
    signal = Signal()
    type("Zoë😀", (), {"signal": signal})
    is_awaited = sending.is_awaited and not waits
    for answer in sending.answers:
        signal.connect(_receiver(answer, waits or is_awaited or answer.is_async), weak=False)
    try:
        if is_awaited:
            asend = signal.asend_robust if sending.robust else signal.asend
            asyncio.run(asend(sending.sender, **sending.arguments))
        else:
            (signal.send_robust if sending.robust else signal.send)(
                sending.sender, **sending.arguments
            )
    except Exception:
        # A receiver failed, or an async one could not be waited for. It stands in the trace.
        return


def _receiver(answer: Answering, waits: bool) -> Callable[..., Any]:
    def work(**kwargs: Any) -> Any:
        for text in answer.output:
            print(text, end="")
        for cause in answer.causes:
            _do(answer.in_thread and not waits, send, cause, waits)
        if answer.error is not None:
            raise LookupError(answer.error)
        return answer.value

    async def work_async(**kwargs: Any) -> Any:
        await asyncio.sleep(0)
        return work()

    receiver = work_async if answer.is_async else work
    receiver.__qualname__ = answer.name
    return receiver


def facts(trace: Trace) -> list[Any]:
    """All that a trace says, with references spelled out, and numbers to the last bit."""
    places = {
        id(response): (dispatch.seq, place)
        for dispatch in trace.dispatches
        for place, response in enumerate(dispatch.responses)
    }
    # A response that is none of the trace's own has no place, and is a KeyError.
    return [
        repr(trace.ended),
        [_facts_of(dispatch, places) for dispatch in trace.dispatches],
        [dispatch.seq for dispatch in trace.roots],
    ]


def _facts_of(record: Any, places: dict[int, tuple[int, int]]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for field in dataclasses.fields(record):
        if field.name == "runs_in":
            continue  # it says something only while it runs
        value = getattr(record, field.name)
        if isinstance(record, Dispatch) and field.name == "parent":
            told["parent"] = None if value is None else places[id(value)]
        elif isinstance(record, Dispatch) and field.name == "responses":
            told["responses"] = [_facts_of(response, places) for response in value]
        elif isinstance(record, Response) and field.name == "dispatch":
            told["dispatch"] = value.seq
        elif isinstance(record, Response) and field.name == "_caused":
            told["caused"] = [dispatch.seq for dispatch in record.caused]
        else:
            # Tells True from 1, 1 from 1.0, 0.0 from -0.0, and keeps the order of arguments.
            told[field.name] = repr(value)
    return told


def printed(trace: Trace) -> str:
    """A trace as the table shows it."""
    stream = io.StringIO()
    console = Console(file=stream, width=WIDTH, force_terminal=True, color_system="truecolor")
    console.print(TraceTable(trace))
    return stream.getvalue()
