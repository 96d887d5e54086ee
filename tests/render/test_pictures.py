"""Runs as pictures and pages: how they are built, and that no text can break them."""

import re
from collections import Counter
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given

from signalcli.render.exports import export
from signalcli.trace import Recorder, Trace
from tests.render.traces import (
    NASTY,
    TRACES,
    Case,
    a_run,
    begin,
    cases,
    respond,
    small_trace,
    spelled_out,
    squeezed,
    unhurried,
)


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
            "#registerxyz:signaln─▶receiversn.1,n.2",
            "1unheard:pre_savefromUser2post_savefromUser",
            "2.1├─▶create_profileatitsendreturned[1,'two']",
            "prints┊ProfileCreated!",
            "┊second<line>3│└─unheard:pre_savefromProfile",
            "2.2└─▶audit✗raisedValueError:no:<b>audit</b>(traces.py:",
            "4notified",
            "4.1└─▶showreturnedshown",
            "Registeredxyz",
            r"error:1receiver\nfailed",
        ):
            assert part in shown
        assert shown.index("notified") < shown.index("Registeredxyz") < shown.index("error:")

    @pytest.mark.parametrize("format_name", ["svg", "html"])
    def test_a_run_without_dispatches_shows_its_message_alone(self, format_name: str) -> None:
        text = export(format_name, a_run(message="Nothing to change"), Trace())
        assert "Nothingtochange" in self.shown(format_name, text)
        assert "receiver" not in text
        assert "unheard" not in text

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

    @pytest.mark.parametrize(("answer", "columns"), [(0, 80), (60, 94), (190, 120)])
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
