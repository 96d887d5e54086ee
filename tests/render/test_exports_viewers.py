"""Runs in the formats of other tools, as those tools see them.

Mermaid and a browser are the real ones, where this machine has them. Of the viewers of trace
events, which run on the net, the published rules stand in.
"""

import html
import json
import math
import os
import random
import re
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from signalcli.render.exports import export
from signalcli.trace import Trace
from tests import processes
from tests.render.traces import (
    NASTY,
    TRACES,
    Case,
    a_run,
    cases,
    decoded,
    deep_trace,
    long_trace,
    nasty_trace,
    small_trace,
    spelled_out,
    squeezed,
    unhurried,
)

NODE_MODULES = "SIGNALCLI_TEST_NODE_MODULES"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIETLY = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--window-size=1400,1000",
    # Of the page's own time, of which none passes while it works.
    "--virtual-time-budget=60000",
)
PNG = b"\x89PNG\r\n\x1a\n"

viewer = pytest.mark.viewer


class Browser:
    """Chromium without a window.

    Arguments:
        program: its path.
        folder: where it may keep what it likes.
    """

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._folder = folder

    def document_of(self, page: Path) -> str:
        """The document that a page has become, when its scripts have run."""
        return self._run("--dump-dom", page)

    def picture_of(self, page: Path) -> bytes:
        picture = self._folder / "picture.png"
        self._run(f"--screenshot={picture}", page)
        return picture.read_bytes()

    def _run(self, what: str, page: Path) -> str:
        profile = self._folder / "profile"
        run = processes.run(
            [self._program, *QUIETLY, f"--user-data-dir={profile}", what, page.as_uri()],
            encoding=None,
            check=True,
        )
        shutil.rmtree(profile, ignore_errors=True)
        complaints = re.findall(rb".*CONSOLE.*", run.stderr)
        assert complaints == []
        return run.stdout.decode()


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Browser:
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip("no chromium here: what a browser shows is not tested")
    folder = tmp_path_factory.mktemp("browser")
    page = folder / "page.html"
    page.write_text("<p>It is there.", encoding="utf-8")
    browser = Browser(program, folder)
    try:
        assert "It is there." in browser.document_of(page)
    except (OSError, subprocess.SubprocessError, AssertionError) as error:
        pytest.skip(f"{program} does not work here: {error}")
    return browser


# Renders each diagram as a program would, then as an element of a page.
MERMAID_PAGE = """\
<!DOCTYPE html>
<meta charset="utf-8">
<body>
<script src="{mermaid}"></script>
<div id="place"></div>
<pre id="result"></pre>
<script>
mermaid.initialize({{startOnLoad: false}});
function seen(root) {{
    const texts = kind => [...root.querySelectorAll(kind)].map(text => text.textContent);
    return {{
        tags: [...new Set([...root.querySelectorAll("svg *")].map(part => part.tagName))],
        actors: texts("text.actor-box"),
        messages: texts("text.messageText"),
        notes: texts("text.noteText"),
        title: texts("svg > text:not([class])"),
    }};
}}
async function drawn(text, number) {{
    const place = document.getElementById("place");
    try {{
        place.innerHTML = (await mermaid.render("d" + number, text)).svg;
        const rendered = seen(place);
        place.innerHTML = '<pre class="mermaid"></pre>';
        place.firstChild.textContent = text;
        await mermaid.run({{nodes: [place.firstChild]}});
        return {{rendered, inPage: seen(place)}};
    }} catch (error) {{
        return {{error: String(error)}};
    }}
}}
(async () => {{
    const results = [];
    for (const text of {diagrams}) results.push(await drawn(text, results.length));
    document.getElementById("place").remove();
    document.getElementById("result").textContent = JSON.stringify(results);
}})();
</script>
"""


class Mermaid:
    """The real one, in a browser."""

    def __init__(self, browser: Browser, script: Path, folder: Path) -> None:
        self._browser = browser
        self._script = script
        self._folder = folder

    def draw(self, diagrams: list[str]) -> list[dict[str, Any]]:
        """What is seen of each diagram, if it is the same in both ways of drawing it."""
        escaped = json.dumps(diagrams).replace("<", "\\u003c")
        page = self._folder / "page.html"
        page.write_text(
            MERMAID_PAGE.format(mermaid=self._script.as_uri(), diagrams=escaped), encoding="utf-8"
        )
        document = self._browser.document_of(page)
        found = re.search(r'<pre id="result">(.*?)</pre>', document, re.DOTALL)
        assert found is not None
        results = json.loads(html.unescape(found[1]))
        assert len(results) == len(diagrams)
        for result, diagram in zip(results, diagrams, strict=True):
            assert "error" not in result, (result, diagram)
            assert result["rendered"] == result["inPage"]
        return [result["rendered"] for result in results]


@pytest.fixture
def mermaid(browser: Browser, tmp_path: Path) -> Mermaid:
    script = Path(os.environ.get(NODE_MODULES, ""), "mermaid", "dist", "mermaid.min.js")
    if not script.is_file():
        pytest.skip(f"{NODE_MODULES} names no folder with mermaid: its diagrams are not tested")
    return Mermaid(browser, script.resolve(), tmp_path)


def shown(texts: list[str]) -> str:
    """Texts as they are read, one after the other, without blanks."""
    return squeezed("".join(texts))


def written(diagram: str, pattern: str) -> str:
    """What a diagram has on the lines of a pattern, as it is meant to be shown."""
    found = re.findall(pattern, diagram, re.MULTILINE)
    return squeezed("".join(decoded(text.replace("<br/>", "")) for text in found))


def written_line(text: str) -> str:
    return squeezed(decoded(text))


def participant_lines(diagram: str) -> list[str]:
    labels = re.findall(r"^participant \w+ as (.*)$", diagram, re.MULTILINE)
    return [line for label in labels for line in label.split("<br/>")]


def assert_it_shows_what_is_written(seen: dict[str, Any], diagram: str) -> None:
    assert shown(seen["messages"]) == written(diagram, r"^\w+-[->x]*[+-]?\w+: (.*)$")
    assert shown(seen["notes"]) == written(diagram, r"^Note over \w+: (.*)$")
    # At the top and at the bottom, in whatever order mermaid draws them.
    names = [written_line(line) for line in participant_lines(diagram)]
    assert sorted(map(squeezed, seen["actors"])) == sorted(names * 2)
    assert shown(seen["title"]) == written(diagram, r"^title (.*)$")
    assert not {"script", "a", "b", "img", "foreignObject", "iframe"} & set(seen["tags"])


@viewer
class TestMermaid:
    def test_the_participants_and_messages_are_those_of_the_trace(self, mermaid: Mermaid) -> None:
        (seen,) = mermaid.draw([export("mermaid", a_run(), small_trace(), ".mmd")])
        assert sorted(set(seen["actors"])) == [
            "User",
            "audit",
            "create_profile",
            "no sender",
            "notified",
            "post_save",
            "pre_save",
            "show",
        ]
        lines = [line for line in seen["messages"] if not re.fullmatch(r"[\d.]+ ms", line)]
        assert [line for line in lines if not re.fullmatch(r"\(\w+\.py:\d+\)", line)] == [
            "1 send(…), no receivers",
            "2 send(created=True, name=xyz)",
            "call",
            "3 send(Profile), no receivers",
            "[1, 'two']",
            "call",
            "✗ ValueError: no: <b>audit</b>",
            "4 send_robust()",
            "call",
            "shown",
        ]
        assert seen["notes"] == ["Profile Created !", "\xa0 second <line>"]

    def test_every_kind_of_trace_is_drawn(self, mermaid: Mermaid) -> None:
        traces = [*TRACES.values(), long_trace(), deep_trace()]
        diagrams = [export("mermaid", a_run(), trace, ".mmd") for trace in traces]
        for seen, diagram in zip(mermaid.draw(diagrams), diagrams, strict=True):
            assert_it_shows_what_is_written(seen, diagram)

    def test_every_text_is_shown_as_it_is(self, mermaid: Mermaid) -> None:
        chance = random.Random(1)
        mixed = [
            "".join(chance.choices([*NASTY, *" :;#<>-%&{}()\"'`$\\\n"], k=4)) for _ in range(40)
        ]
        traces = [(text[:40], nasty_trace(text[:40])) for text in [*NASTY, *mixed]]
        diagrams = [export("mermaid", a_run(text), trace, ".mmd") for text, trace in traces]
        for seen, diagram, (_, trace) in zip(mermaid.draw(diagrams), diagrams, traces, strict=True):
            assert_it_shows_what_is_written(seen, diagram)
            (value, _) = [response.value for response in trace.responses]
            text = spelled_out(str(value))
            if len(text) <= 40:
                assert (squeezed(text) or "(empty)") in shown(seen["messages"])


def png_size(picture: bytes) -> tuple[int, int]:
    assert picture.startswith(PNG)
    return int.from_bytes(picture[16:20]), int.from_bytes(picture[20:24])


@viewer
@pytest.mark.parametrize("format_name", ["svg", "html"])
class TestPictures:
    def test_a_browser_shows_the_receivers(
        self, browser: Browser, tmp_path: Path, format_name: str
    ) -> None:
        page = tmp_path / f"page.{format_name}"
        page.write_text(export(format_name, a_run(), small_trace()), encoding="utf-8")
        document = browser.document_of(page)
        assert "parsererror" not in document
        for name in ("create_profile", "audit", "show", "Profile"):
            assert name in document
        picture = browser.picture_of(page)
        assert png_size(picture) == (1400, 1000)
        # An empty page makes a picture of a few kB.
        assert len(picture) > 12_000

    def test_a_browser_takes_any_text_for_text(
        self, browser: Browser, tmp_path: Path, format_name: str
    ) -> None:
        page = tmp_path / f"page.{format_name}"
        text = "".join(NASTY)
        page.write_text(export(format_name, a_run(text), nasty_trace(text)), encoding="utf-8")
        document = browser.document_of(page)
        assert "parsererror" not in document
        assert "<script" not in document
        assert "&lt;script&gt;" in document.replace("&#160;", " ")


# What the format's description asks of each phase, besides the phase itself.
PLACED = {"name", "ts", "pid", "tid"}
KEYS = {
    "M": PLACED | {"args"},
    "X": PLACED | {"cat", "dur", "args"},
    "s": PLACED | {"cat", "id"},
    "f": PLACED | {"cat", "id", "bp"},
}
METADATA = {"process_name": "name", "thread_name": "name", "thread_sort_index": "sort_index"}


def refuse(constant: str) -> None:
    raise AssertionError(constant)


def assert_is_timeline(text: str, trace: Trace) -> None:
    """The text is a JSON object of trace events that keeps the rules of the format."""
    document = json.loads(text, parse_constant=refuse)
    assert set(document) == {"traceEvents", "displayTimeUnit", "otherData"}
    assert document["displayTimeUnit"] in ("ms", "ns")
    events = document["traceEvents"]
    for event in events:
        assert_is_event(event)
    named = {event["tid"] for event in events if event["name"] == "thread_name"}
    assert {event["tid"] for event in events} == named
    placed = [event for event in events if event["ph"] != "M"]
    assert [event["ts"] for event in placed] == sorted(event["ts"] for event in placed)
    slices = [event for event in placed if event["ph"] == "X"]
    assert len(slices) == len(trace.dispatches) + len(list(trace.responses))
    arrows = assert_arrows_are_pairs(placed)
    nested = assert_slices_nest(slices)
    assert len(slices) == len(trace.roots) + arrows + nested


def assert_is_event(event: dict[str, Any]) -> None:
    assert set(event) == KEYS[event["ph"]] | {"ph"}
    assert isinstance(event["name"], str)
    for key in ("pid", "tid", "id"):
        assert type(event.get(key, 0)) is int
    for key in ("ts", "dur"):
        number = event.get(key, 0)
        assert type(number) in (int, float)
        assert math.isfinite(number)
        assert number >= 0
    if event["ph"] == "M":
        assert set(event["args"]) == {METADATA[event["name"]]}
    else:
        assert isinstance(event["cat"], str)
    assert event.get("bp", "e") == "e"


def assert_arrows_are_pairs(events: list[dict[str, Any]]) -> int:
    """Each arrow has one beginning and then one end, each behind the slice that it binds to."""
    begun: dict[int, dict[str, Any]] = {}
    ended = set()
    owner: dict[str, Any] = {}
    for event in events:
        if event["ph"] == "X":
            owner = event
            continue
        assert (event["tid"], event["ts"]) == (owner["tid"], owner["ts"])
        if event["ph"] == "s":
            assert event["id"] not in begun
            begun[event["id"]] = event
        else:
            assert event["id"] not in ended
            ended.add(event["id"])
            assert all(begun[event["id"]][key] == event[key] for key in ("name", "cat"))
    assert ended == set(begun)
    return len(ended)


def assert_slices_nest(slices: list[dict[str, Any]]) -> int:
    """On each thread no slice sticks out of the one around it, however a viewer calculates.

    Returns:
        How many lie within another.
    """
    counts = set()
    for times in (exact_times, summed_times, nanoseconds):
        nested = 0
        around: dict[int, list[Any]] = {}
        for piece in slices:
            begin, end = times(piece)
            ends = around.setdefault(piece["tid"], [])
            while ends and ends[-1] <= begin:
                ends.pop()
            if ends:
                assert end <= ends[-1]
                nested += 1
            ends.append(end)
        counts.add(nested)
    (count,) = counts
    return count


def exact_times(piece: dict[str, Any]) -> tuple[Any, Any]:
    begin = Fraction(piece["ts"])
    return begin, begin + Fraction(piece["dur"])


def summed_times(piece: dict[str, Any]) -> tuple[Any, Any]:
    return piece["ts"], piece["ts"] + piece["dur"]


def nanoseconds(piece: dict[str, Any]) -> tuple[Any, Any]:
    begin = int(piece["ts"] * 1000.0)
    return begin, begin + int(piece["dur"] * 1000.0)


class TestPerfetto:
    @pytest.mark.parametrize("trace", TRACES.values(), ids=TRACES)
    def test_every_kind_of_trace_keeps_the_rules(self, trace: Trace) -> None:
        assert_is_timeline(export("perfetto", a_run(), trace), trace)

    @unhurried
    @given(cases())
    def test_any_trace_keeps_the_rules(self, case: Case) -> None:
        trace = case.recorder.trace
        assert_is_timeline(export("perfetto", case.run, trace), trace)
