"""Runs as Mermaid's sequence diagrams: how they are built, and that no text can break them."""

import re

import pytest
from hypothesis import given

from signalcli.log.runs import Run
from signalcli.render.exports import export
from signalcli.trace import Injection, Recorder, Trace
from tests.render.traces import (
    NASTY,
    Case,
    a_run,
    begin,
    cases,
    concurrent_trace,
    decoded,
    deep_trace,
    late_trace,
    long_trace,
    nasty_trace,
    respond,
    small_trace,
    spelled_out,
    squeezed,
    texts,
    unfinished_trace,
    unhurried,
)


class TestMermaid:
    @staticmethod
    def lines(trace: Trace, run: Run | None = None) -> list[str]:
        text = export("mermaid", run or a_run(), trace, ".mmd")
        return re.sub(r"(?<=<br/>)\d+(?:\.\d\d)? m?s\b", "TIME", text).splitlines()

    def test_a_diagram_as_a_whole(self) -> None:
        lines = self.lines(small_trace())
        (failed,) = [line for line in lines if "--x" in line]
        assert re.fullmatch(
            r"receiver5--x-signal3: ✗ ValueError#58; no#58; #60;b#62;audit#60;/b#62;<br/>"
            r"\(traces\.py#58;\d+\)<br/>TIME",
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
