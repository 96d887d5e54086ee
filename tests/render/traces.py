"""Traces of every kind, and texts that formats do not expect."""

import asyncio
import contextvars
import re
import threading
from datetime import datetime
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from signalcli.dispatch import Signal
from signalcli.log.runs import Run
from signalcli.render.exports import export
from signalcli.trace import Dispatch, Recorder, Response, Trace, record

opened, stepped = Signal(), Signal()
ordered, delivered = Signal(), Signal()

# A busy machine may take its time over an example.
unhurried = settings(deadline=None, max_examples=60)
NASTY = (
    "end",
    "END end",
    "a;b#c %% %%{init: {}}%%",
    "#35; #quot; &lt; &amp;",
    "ﬂ°°60¶ß ﬂ°lt¶ß",
    "<script>alert(1)</script><b>x</b><br/>",
    "->> -->> --x -) ->>+ A->>B: c",
    "wrap: x",
    ":nowrap: x",
    "style a:#fff; classDef x:#fff;",
    "```\nmermaid\n```",
    "$$x^2$$ **bold** _it_ `code` [a](b) ~~s~~ | \\",
    "quotes \" and ' and {braces} {{double}} %(title)s {code}",
    "]]> <![CDATA[ --> <!-- <?xml ?>",
    "@font-face { src: url(x) } </style></pre></svg>",
    "\x00\x1b[31m\x07\x7f\x85\u2028\u2029\ufeff\ufffe\uffff",
    "line\nline\r\n\ttab",
    "  two  blanks  ",
    "\udcff lone \ud800",
    "é👍🏽مريم 漢字 \u202eabc",
    "participant x as y",
    "note over x: y",
    "sequenceDiagram",
    "x" * 500,
    "",
)
texts = st.sampled_from(NASTY) | st.text(st.characters(), max_size=20)


def a_run(command_line: str = "signalcli register xyz", **changes: Any) -> Run:
    """A run of a command."""
    return Run(
        **{
            "begun": datetime(2026, 2, 3, 4, 5, 6, 789),
            "command": "register",
            "command_line": command_line,
            "exit_code": 0,
            "seconds": 0.5,
            **changes,
        }
    )


def begin(
    recorder: Recorder,
    signal: str = "saved",
    sender: str | None = "User",
    *,
    path: str | None = None,
    robust: bool = False,
    **arguments: Any,
) -> Dispatch:
    return recorder.dispatch_begun(
        signal=signal,
        signal_path=path or f"shop.{signal}",
        sender=sender,
        arguments=arguments,
        robust=robust,
    )


def respond(
    recorder: Recorder,
    dispatch: Dispatch,
    receiver: str = "shop.greet",
    *,
    value: Any = None,
    error: Exception | None = None,
    output: str = "",
) -> Response:
    begun = recorder.response_begun(dispatch, receiver)
    begun[0].add_output(output)
    recorder.response_ended(begun, value, error)
    return begun[0]


def raised(error: Exception) -> Exception:
    try:
        raise error
    except Exception as caught:
        return caught


def small_trace() -> Trace:
    """Nesting, output, a failure, and dispatches that nobody receives."""
    recorder = Recorder()
    recorder.dispatch_ended(begin(recorder, "pre_save", created=True))
    saved = begin(recorder, "post_save", created=True, name="xyz")
    begun = recorder.response_begun(saved, "shop.create_profile")
    begun[0].add_output("Profile Created !\n  second <line>\n")
    recorder.dispatch_ended(begin(recorder, "pre_save", "Profile"))
    recorder.response_ended(begun, [1, "two"], None)
    respond(recorder, saved, "shop.audit", error=raised(ValueError("no: <b>audit</b>")))
    recorder.dispatch_ended(saved)
    quiet = begin(recorder, "notified", None, robust=True)
    respond(recorder, quiet, "shop.show", value="shown")
    recorder.dispatch_ended(quiet)
    recorder.ended()
    return recorder.trace


def concurrent_trace() -> Trace:
    """Two async receivers side by side, each with a dispatch of its own."""
    events = {"left": asyncio.Event(), "right": asyncio.Event()}

    def meets(mine: str, other: str) -> Any:
        async def walk(**kwargs: Any) -> str:
            await stepped.asend(sender=mine)
            events[mine].set()
            await events[other].wait()
            print(mine)
            return mine

        walk.__qualname__ = f"walk_{mine}"
        return walk

    async def main() -> None:
        await opened.asend(sender="door")

    def step(**kwargs: Any) -> None:
        pass

    recorder = Recorder()
    with (
        record(recorder),
        stepped.connected_to(step),
        opened.connected_to(meets("left", "right")),
        opened.connected_to(meets("right", "left")),
    ):
        asyncio.run(main())
    return recorder.trace


def late_trace() -> Trace:
    """A thread that sends a signal when the receiver that started it has long returned."""
    over = threading.Event()
    threads = []

    def carry() -> None:
        over.wait()
        delivered.send(sender="van")

    def deliver(**kwargs: Any) -> None:
        thread = threading.Thread(target=carry)
        threads.append(thread)
        thread.start()

    recorder = Recorder()
    with record(recorder), ordered.connected_to(deliver):
        ordered.send(sender="shop")
        over.set()
        threads[0].join()
    return recorder.trace


def unfinished_trace() -> Trace:
    """A receiver, and a dispatch, that go on when the watching ends."""
    recorder = Recorder()
    dispatch = begin(recorder)
    contextvars.copy_context().run(recorder.response_begun, dispatch, "shop.slow")
    recorder.ended()
    return recorder.trace


def long_trace(dispatches: int = 600) -> Trace:
    recorder = Recorder()
    for number in range(dispatches):
        dispatch = begin(recorder, number=number, text="<" * 200)
        respond(recorder, dispatch, f"shop.receiver_{number % 7}", output="#;\n" * 30)
        recorder.dispatch_ended(dispatch)
    recorder.ended()
    return recorder.trace


def deep_trace(depth: int = 1500) -> Trace:
    """As threads that start threads may nest."""
    recorder = Recorder()

    def nest() -> None:
        for number in range(depth):
            recorder.response_begun(begin(recorder, number=number), "shop.again")

    contextvars.copy_context().run(nest)
    recorder.ended()
    return recorder.trace


def nasty_trace(text: str) -> Trace:
    """The text wherever one can stand."""
    recorder = Recorder()
    dispatch = begin(recorder, text, text, path=text, **{text: text})
    respond(recorder, dispatch, text, value=text, output=text)
    respond(recorder, dispatch, f"shop.{text}", error=raised(ValueError(text)))
    recorder.dispatch_ended(dispatch)
    recorder.dispatch_ended(begin(recorder, f"{text}2", text))
    recorder.ended()
    return recorder.trace


class Case:
    """A run with its trace, and a short repr for the reports of failing examples."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.recorder = Recorder()

    def __repr__(self) -> str:
        return f"{self.run} {export('json', self.run, self.recorder.trace)[:2000]}"


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Any tree of dispatches, finished or not, with times as they come."""
    failed = draw(st.booleans())
    run = a_run(draw(texts), message=draw(texts), error_message=draw(texts) if failed else None)
    case = Case(run)
    recorder = case.recorder
    span = st.floats(0, 0.001) | st.sampled_from([0.0, 1e-7, 1.25e-7, 1e-6])

    def retime(item: Dispatch | Response) -> None:
        item.begun += draw(span)
        if item.seconds is not None:
            item.seconds = draw(span)

    def dispatch(depth: int) -> None:
        begun = begin(
            recorder,
            draw(texts),
            draw(st.none() | texts),
            path=draw(texts),
            robust=draw(texts) > "m",
        )
        begun.arguments = draw(
            st.dictionaries(texts, texts | st.none() | st.floats(0, 1), max_size=2)
        )
        for _ in range(draw(st.integers(0, 2))):
            response = recorder.response_begun(begun, draw(texts))
            response[0].add_output(draw(texts))
            for _ in range(draw(st.integers(0, 2)) if depth < 2 else 0):
                dispatch(depth + 1)
            if draw(st.integers(0, 3)):
                error = ValueError(draw(texts)) if draw(st.booleans()) else None
                recorder.response_ended(response, draw(texts), error)
            retime(response[0])
        if draw(st.booleans()):
            recorder.dispatch_ended(begun)
        retime(begun)

    # In a context of its own, since responses may go on for ever.
    for _ in range(draw(st.integers(0, 3))):
        contextvars.copy_context().run(dispatch, 0)
    if draw(st.booleans()):
        recorder.ended()
    return case


TRACES = {
    "empty": Trace(),
    "small": small_trace(),
    "concurrent": concurrent_trace(),
    "late": late_trace(),
    "unfinished": unfinished_trace(),
    "long": long_trace(60),
    "deep": deep_trace(),
}


def decoded(text: str) -> str:
    """What mermaid makes of its references."""
    return re.sub(r"#(\d+);", lambda match: chr(int(match[1])), text)


def spelled_out(text: str) -> str:
    """How a text is shown on one line: what cannot be seen as Python writes it."""
    pattern = "[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff\u202a-\u202e\u2066-\u2069]"
    return re.sub(pattern, lambda match: match[0].encode("unicode_escape").decode(), text)


def squeezed(text: str) -> str:
    """The text without blanks, which a line may be broken at."""
    return "".join(text.split())


def once(
    recorder: Recorder,
    signal: str = "saved",
    receivers: tuple[str, ...] = ("shop.greet",),
    sender: str | None = "User",
    **answer: Any,
) -> Dispatch:
    """A dispatch that some receivers receive, and answer alike."""
    dispatch = begin(recorder, signal, sender)
    for receiver in receivers:
        respond(recorder, dispatch, receiver, **answer)
    recorder.dispatch_ended(dispatch)
    return dispatch
