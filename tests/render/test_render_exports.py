"""Runs in the formats of other tools: how they are built, and that no text can break them."""

import asyncio
import contextvars
import json
import re
import threading
from collections import Counter
from datetime import datetime
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signalcli.dispatch import Signal
from signalcli.log.runs import Run
from signalcli.render.exports import export, formats
from signalcli.trace import Dispatch, Injection, Recorder, Response, Trace, record

opened, stepped = Signal(), Signal()
ordered, delivered = Signal(), Signal()

# A busy machine may take its time over an example.
unhurried = settings(deadline=None, max_examples=60)

FORMATS = ("html", "mermaid", "perfetto", "svg")
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


def test_the_formats_are_there() -> None:
    assert set(FORMATS) <= set(formats())


@pytest.mark.parametrize("format_name", FORMATS)
@pytest.mark.parametrize("name", ["empty", "small", "concurrent", "late", "unfinished", "long"])
def test_every_kind_of_trace_can_be_exported(format_name: str, name: str) -> None:
    text = export(format_name, a_run(), TRACES[name])
    assert text.endswith("\n")
    text.encode()


@pytest.mark.parametrize("format_name", ["mermaid", "perfetto"])
def test_a_trace_may_be_nested_deeper_than_python_calls(format_name: str) -> None:
    assert export(format_name, a_run(), TRACES["deep"])


class TestMermaid:
    @staticmethod
    def lines(trace: Trace, run: Run | None = None) -> list[str]:
        text = export("mermaid", run or a_run(), trace, ".mmd")
        return re.sub(r"\d+\.\d\d m?s", "TIME", text).splitlines()

    def test_a_diagram_as_a_whole(self) -> None:
        lines = self.lines(small_trace())
        (failed,) = [line for line in lines if "--x" in line]
        assert re.fullmatch(
            r"receiver5--x-signal3: ✗ ValueError#58; no#58; #60;b#62;audit#60;/b#62;<br/>"
            r"\(test_render_exports\.py#58;\d+\)<br/>TIME",
            failed,
        )
        assert [line for line in lines if line != failed] == [
            "sequenceDiagram",
            "title signalcli register xyz",
            "box transparent Senders",
            "participant sender1 as User",
            "participant sender6 as no sender",
            "end",
            "box transparent Signals",
            "participant signal2 as pre_save",
            "participant signal3 as post_save",
            "participant signal7 as notified",
            "end",
            "box transparent Receivers",
            "participant receiver4 as create_profile",
            "participant receiver5 as audit",
            "participant receiver8 as show",
            "end",
            "sender1->>signal2: 1 send(…), no receivers",
            "sender1->>signal3: 2 send(created=True, name=xyz)<br/>TIME",
            "signal3->>+receiver4: call",
            "receiver4->>signal2: 3 send(Profile), no receivers",
            "Note over receiver4: Profile Created !<br/>#160; second #60;line#62;",
            "receiver4-->>-signal3: #91;1, 'two'#93;<br/>TIME",
            "signal3->>+receiver5: call",
            "sender6->>signal7: 4 send_robust()<br/>TIME",
            "signal7->>+receiver8: call",
            "receiver8-->>-signal7: shown<br/>TIME",
        ]

    def test_namesakes_are_told_apart_by_their_full_names(self) -> None:
        recorder = Recorder()
        for path in ("shop.saved", "bank.saved"):
            dispatch = begin(recorder, path=path)
            respond(recorder, dispatch, f"{path}.greet")
            respond(recorder, dispatch, "shop.alone")
        labels = [line for line in self.lines(recorder.trace) if line.startswith("participant")]
        assert [label.partition(" as ")[2] for label in labels] == [
            "User",
            "saved<br/>(shop.saved)",
            "saved<br/>(bank.saved)",
            "greet<br/>(shop.saved.greet)",
            "alone",
            "greet<br/>(bank.saved.greet)",
        ]

    def test_where_nothing_was_sent_it_says_so(self) -> None:
        assert self.lines(Trace(), a_run("signalcli list", command="list"))[1:] == [
            "title signalcli list",
            "participant run as list",
            "Note over run: no signal was sent",
        ]

    def test_what_is_unfinished_is_said_to_go_on(self) -> None:
        assert self.lines(unfinished_trace())[-4:] == [
            "sender1->>signal2: 1 send()<br/>still going on",
            "signal2->>+receiver3: call",
            "Note over receiver3: still running",
            "deactivate receiver3",
        ]

    def test_a_late_dispatch_comes_after_the_answer_of_its_cause(self) -> None:
        messages = [line for line in self.lines(late_trace()) if ">>" in line]
        assert [message.partition(":")[0] for message in messages] == [
            "sender1->>signal2",
            "signal2->>+receiver3",
            "receiver3-->>-signal2",
            "receiver3->>signal4",
        ]

    def test_receivers_side_by_side_have_what_they_caused_below_them(self) -> None:
        messages = [line for line in self.lines(concurrent_trace()) if ">>" in line]
        arrows = [message.partition(":")[0] for message in messages]
        walks = [arrow for arrow in arrows if arrow.startswith("signal2->>+")]
        assert len(walks) == 2
        for walk in walks:
            receiver = walk.partition("+")[2]
            after = arrows[arrows.index(walk) + 1 :]
            assert after[0].startswith(f"{receiver}->>signal")
            assert after[3] == f"{receiver}-->>-signal2"

    def test_receivers_side_by_side_are_framed_as_parallel(self) -> None:
        lines = self.lines(concurrent_trace())
        frame = [line for line in lines if line.split()[0] in ("par", "and")]
        assert sorted(line.split()[0] for line in frame) == ["and", "par"]
        assert sorted(line.split()[1] for line in frame) == ["walk_left", "walk_right"]
        assert lines[-1] == "end"
        assert lines.index(frame[0]) + 1 == lines.index("signal2->>+receiver3: call")

    def test_faults_on_purpose_are_said(self) -> None:
        recorder = Recorder()
        dispatch = begin(recorder)
        token = recorder.response_begun(dispatch, "shop.slow", injected=Injection(delay=0.25))
        recorder.response_ended(token, "late", None)
        recorder.dispatch_ended(dispatch)
        muted = recorder.dispatch_begun(
            signal="paid",
            signal_path="shop.paid",
            sender=None,
            arguments={},
            robust=False,
            muted=True,
        )
        recorder.dispatch_ended(muted)
        lines = self.lines(recorder.trace)
        assert lines[-2:] == [
            "receiver3-->>-signal2: late<br/>TIME, delayed 250 ms",
            "sender4->>signal5: 2 send(), muted",
        ]

    def test_what_is_too_long_is_shortened(self) -> None:
        recorder = Recorder()
        dispatch = begin(recorder, text="t" * 150)
        respond(recorder, dispatch, value="v" * 190, output="o" * 3000 + "\nline" * 1000)
        lines = self.lines(recorder.trace)
        assert sum(map(len, lines)) < 1500
        (note,) = [line for line in lines if line.startswith("Note")]
        assert re.fullmatch(r".*: o+…(<br/>line){7}<br/>… and \d+ lines more<br/>.*", note)
        assert note.endswith("bytes more")

    @pytest.mark.parametrize("trace", [long_trace(), deep_trace()], ids=["long", "deep"])
    def test_a_run_that_is_too_long_ends_with_a_note_of_what_is_missing(self, trace: Trace) -> None:
        text = export("mermaid", a_run(), trace, ".mmd")
        assert len(text) < 50_000
        assert_is_mermaid(text)
        lines = text.splitlines()
        found = re.search(r"\((\d+) more dispatches, (\d+) more responses\)$", lines[-1])
        assert found is not None
        calls = sum("->>+" in line for line in lines)
        sends = sum(re.search(r": \d+ send", line) is not None for line in lines)
        assert (int(found[1]), int(found[2])) == (
            len(trace.dispatches) - sends,
            len(list(trace.responses)) - calls,
        )
        assert min(calls, sends) > 50

    def test_the_largest_step_leaves_room_for_what_mermaid_takes(self) -> None:
        recorder = Recorder()
        for _ in range(50):
            dispatch = begin(
                recorder, "s" * 190 + "#" * 10, "#😀" * 90, arg="#" * 190, other="#" * 99
            )
            respond(recorder, dispatch, "#" * 500, value="#" * 199, output=("#" * 99 + "\n") * 40)
            respond(
                recorder, dispatch, "😀" * 500, value="😀" * 199, output=("😀" * 40 + "\n") * 20
            )
        text = export("mermaid", a_run(), recorder.trace, ".mmd")
        assert len(text.encode("utf-16-le")) / 2 < 50_000
        assert_is_mermaid(text)

    @pytest.mark.parametrize("text", NASTY)
    def test_no_text_breaks_the_syntax(self, text: str) -> None:
        assert_is_mermaid(export("mermaid", a_run(text), nasty_trace(text), ".mmd"))

    @unhurried
    @given(cases())
    def test_any_trace_makes_a_diagram(self, case: Case) -> None:
        assert_is_mermaid(export("mermaid", case.run, case.recorder.trace, ".mmd"))

    @unhurried
    @given(texts)
    def test_any_short_text_can_be_read_back(self, text: str) -> None:
        recorder = Recorder()
        respond(recorder, begin(recorder), value=text[:40])
        (value,) = [v.value for v in recorder.trace.responses]
        diagram = export("mermaid", a_run(), recorder.trace, ".mmd")
        (line,) = [line for line in diagram.splitlines() if "-->>-" in line]
        shown = line.partition(": ")[2].rpartition("<br/>")[0].replace("<br/>", "")
        # A text of nothing but blanks could not be seen either.
        assert squeezed(decoded(shown)) == (squeezed(spelled_out(str(value))) or "(empty)")


SAFE = r"(?:[\w .,()='/@+!?-]|[^\x00-\x7f]|#\d+;|<br/>)+"
ID = r"(?:sender|signal|receiver)\d+|run"
MERMAID_LINE = re.compile(
    rf"title {SAFE}|box transparent (?:Senders|Signals|Receivers)|end|(?:par|and) {SAFE}|"
    rf"participant (?:{ID}) as {SAFE}|Note over (?:{ID}): {SAFE}|deactivate (?P<closed>{ID})|"
    rf"(?P<source>{ID})(?P<arrow>->>\+?|-->>-|--x-)(?P<target>{ID}): {SAFE}"
)


def assert_is_mermaid(text: str) -> None:
    """Every line is one that we know, and every activation and every frame ends, in order."""
    first, *lines = text.splitlines()
    assert first == "sequenceDiagram"
    active = []
    frames = []
    declared = {"run"}
    for line in lines:
        match = MERMAID_LINE.fullmatch(line)
        assert match is not None, line
        assert re.search(r"\bend\b", line.removesuffix("end"), re.IGNORECASE) is None
        if line.startswith(("box ", "par ")):
            frames.append(line[:3])
        elif line.startswith("and "):
            assert frames[-1] == "par"
        elif line == "end":
            frames.pop()
        elif line.startswith("participant "):
            declared.add(line.split()[1])
        elif match["arrow"]:
            assert {match["source"], match["target"]} <= declared
        if (match["arrow"] or "").endswith("+"):
            active.append(match["target"])
        elif (match["arrow"] or "").endswith("-"):
            assert active.pop() == match["source"]
        elif match["closed"]:
            assert active.pop() == match["closed"]
    assert (active, frames) == ([], [])


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


class TestPictures:
    """The two that Rich draws."""

    @staticmethod
    def shown(format_name: str, text: str) -> str:
        """The text that a browser shows, without blanks."""
        if format_name == "svg":
            root = ElementTree.fromstring(text)
            namespace = "{http://www.w3.org/2000/svg}"
            return squeezed("".join(part.text or "" for part in root.iter(f"{namespace}text")))
        page = Page()
        page.feed(text)
        page.close()
        return squeezed("".join(page.text))

    @pytest.mark.parametrize("format_name", ["svg", "html"])
    def test_it_shows_the_command_line_the_table_and_the_message(self, format_name: str) -> None:
        run = a_run(message="Registered xyz", error_message="1 receiver\nfailed")
        shown = self.shown(format_name, export(format_name, run, small_trace()))
        for part in (
            "signalcliregisterxyz",
            "1pre_saveUsernoreceivers",
            "create_profile[1,'two']",
            "ProfileCreated!",
            "second<line>",
            "└pre_saveProfile",
            "✗ValueError:no:<b>audit</b>(test_render_exports.py:",
            "Registeredxyz",
            r"error:1receiver\nfailed",
        ):
            assert part in shown
        assert shown.index("notified") < shown.index("Registeredxyz") < shown.index("error:")

    @pytest.mark.parametrize("format_name", ["svg", "html"])
    def test_a_run_without_dispatches_shows_its_message_alone(self, format_name: str) -> None:
        text = export(format_name, a_run(message="Nothing to change"), Trace())
        assert "Nothingtochange" in self.shown(format_name, text)
        assert "Receiver" not in text

    @pytest.mark.parametrize("format_name", ["svg", "html"])
    @pytest.mark.parametrize("name", ["small", "empty"])
    def test_nothing_is_fetched_from_the_net(self, format_name: str, name: str) -> None:
        text = export(format_name, a_run(), TRACES[name])
        text = text.replace('xmlns="http://www.w3.org/2000/svg"', "")
        text = re.sub(r"<!--.*?-->", "", text)
        assert re.search(r"https?:|//|@import|@font-face|src=|href=|url\((?!#)", text) is None

    @pytest.mark.parametrize("format_name", ["svg", "html"])
    def test_the_environment_makes_no_difference(
        self, format_name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        trace = small_trace()
        plain = export(format_name, a_run(), trace)
        for name, value in {"NO_COLOR": "1", "COLUMNS": "20", "TERM": "dumb", "LINES": "3"}.items():
            monkeypatch.setenv(name, value)
        assert export(format_name, a_run(), trace) == plain

    @pytest.mark.parametrize(("answer", "columns"), [(0, 80), (60, 98), (190, 120)])
    def test_it_is_as_wide_as_the_table_within_limits(self, answer: int, columns: int) -> None:
        recorder = Recorder()
        dispatch = begin(recorder)
        respond(recorder, dispatch, value="v" * answer)
        dispatch.responses[0].seconds = 0.001
        text = export("svg", a_run(), recorder.trace)
        width = float(re.findall(r'viewBox="0 0 (\d+)', text)[0])
        assert width == pytest.approx(columns * 12.2 + 18, abs=13)

    @pytest.mark.parametrize("format_name", ["svg", "html"])
    def test_a_long_command_line_is_shown(self, format_name: str) -> None:
        text = export(format_name, a_run("signalcli " + "x" * 500), small_trace())
        shown = self.shown(format_name, text)
        assert ("x" * 500 in shown) == (format_name == "html")
        assert ("xxx…" in shown) == (format_name == "svg")

    @pytest.mark.parametrize("text", NASTY)
    @pytest.mark.parametrize("format_name", ["svg", "html"])
    def test_every_text_is_shown_as_it_is(self, format_name: str, text: str) -> None:
        recorder = Recorder()
        respond(recorder, begin(recorder), value=text[:60])
        (response,) = recorder.trace.responses
        shown = self.shown(format_name, export(format_name, a_run(text), recorder.trace))
        for line in str(response.value).replace("\t", " ").split("\n"):
            assert squeezed(spelled_out(line)) in shown

    @unhurried
    @given(cases())
    def test_any_trace_makes_valid_xml(self, case: Case) -> None:
        text = export("svg", case.run, case.recorder.trace)
        ElementTree.fromstring(text.encode())

    @unhurried
    @given(cases())
    def test_any_trace_makes_a_page_with_no_more_elements_than_ours(self, case: Case) -> None:
        page = Page()
        page.feed(export("html", case.run, case.recorder.trace))
        page.close()
        assert page.begun == page.ended
        assert set(page.begun) == {"html", "head", "title", "style", "body", "h1", "pre"} | (
            {"span"} & set(page.begun)
        )
        assert page.begun["pre"] == page.begun["style"] == page.begun["title"] == 1


class Page(HTMLParser):
    """Reads a page, and notes its elements and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.begun: Counter[str] = Counter()
        self.ended: Counter[str] = Counter()
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag != "meta":
            self.begun[tag] += 1
        assert {name for name, _ in attrs} <= {"lang", "charset", "name", "content", "class"}

    def handle_endtag(self, tag: str) -> None:
        self.ended[tag] += 1

    def handle_data(self, data: str) -> None:
        self.text.append(data)


class TestPerfetto:
    @staticmethod
    def document(trace: Trace, run: Run | None = None) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(export("perfetto", run or a_run(), trace))
        return document

    def slices(self, trace: Trace) -> list[dict[str, Any]]:
        return [event for event in self.document(trace)["traceEvents"] if event["ph"] == "X"]

    def test_the_run_stands_beside_the_events(self) -> None:
        document = self.document(Trace(), a_run(number=7, exit_code=1, is_rolled_back=True))
        assert document["displayTimeUnit"] == "ms"
        assert document["otherData"] == {
            "begun": "2026-02-03T04:05:06.000789Z",
            "run": 7,
            "command_line": "signalcli register xyz",
            "outcome": "rolled back",
        }
        assert {event["ph"] for event in document["traceEvents"]} == {"M"}

    def test_a_slice_for_each_dispatch_and_each_response(self) -> None:
        slices = self.slices(small_trace())
        assert [(piece["cat"], piece["name"]) for piece in slices] == [
            ("dispatch", "pre_save"),
            ("dispatch", "post_save"),
            ("response", "create_profile"),
            ("dispatch", "pre_save"),
            ("response", "✗ audit"),
            ("dispatch", "notified"),
            ("response", "show"),
        ]
        assert {piece["tid"] for piece in slices} == {1}

    def test_the_details_are_those_of_the_document(self) -> None:
        slices = self.slices(small_trace())
        sent, answered, failed, robust = (slices[index]["args"] for index in (1, 2, 4, 5))
        assert sent["signal_path"] == "shop.post_save"
        assert sent["sender"] == "User"
        assert sent["arguments"] == {"created": True, "name": "xyz"}
        assert (sent["robust"], robust["robust"]) == (False, True)
        assert answered["value"] == [1, "two"]
        assert answered["output"].startswith("Profile Created !")
        assert failed["error"]["type"] == "ValueError"
        assert "unfinished" not in sent

    def test_times_are_microseconds_since_the_run_began(self) -> None:
        recorder = Recorder()
        dispatch = begin(recorder)
        dispatch.begun, dispatch.seconds = 0.25, 0.0015
        (piece,) = self.slices(recorder.trace)
        assert (piece["ts"], piece["dur"]) == (250_000, 1500)

    def test_what_is_unfinished_ends_with_the_trace(self) -> None:
        trace = unfinished_trace()
        for piece in self.slices(trace):
            assert piece["args"]["unfinished"] is True
            assert piece["ts"] + piece["dur"] == pytest.approx((trace.ended or 0) * 1e6, abs=1)

    @pytest.mark.parametrize("trace", [concurrent_trace(), late_trace()], ids=["aside", "late"])
    def test_what_is_aside_or_late_has_an_arrow_from_its_cause(self, trace: Trace) -> None:
        events = self.document(trace)["traceEvents"]
        (start,) = [event for event in events if event["ph"] == "s"]
        (finish,) = [event for event in events if event["ph"] == "f"]
        assert start["id"] == finish["id"]
        # An end of an arrow stands behind the slice that it belongs to.
        cause, caused = (events[events.index(end) - 1] for end in (start, finish))
        assert (cause["ph"], caused["ph"]) == ("X", "X")
        if trace.dispatches[0].signal == "opened":
            assert (cause["name"], caused["cat"]) == ("opened", "response")
            assert cause["tid"] != caused["tid"]
        else:
            assert (cause["name"], caused["name"]) == ("deliver", "delivered")

    def test_rounding_makes_no_lanes(self) -> None:
        recorder = Recorder()
        dispatch = begin(recorder)
        response = respond(recorder, dispatch)
        dispatch.begun, dispatch.seconds = 0.1, 0.2
        response.begun, response.seconds = 0.1, 0.2 + 1e-7
        assert [piece["tid"] for piece in self.slices(recorder.trace)] == [1, 1]


def test_markdown_gets_a_fenced_diagram_and_a_file_of_its_own_gets_it_alone() -> None:
    run, trace = a_run(), small_trace()
    alone = export("mermaid", run, trace, ".mmd")
    assert export("mermaid", run, trace, ".mermaid") == alone
    for suffix in ("", ".md"):
        assert export("mermaid", run, trace, suffix) == f"```mermaid\n{alone.rstrip()}\n```\n"
