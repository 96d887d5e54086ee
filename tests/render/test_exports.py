"""Runs in the formats of other tools: how they are built, and that no text can break them."""

import pytest

from signalcli.render.exports import export, formats
from tests.render.traces import TRACES, a_run, small_trace

FORMATS = ("html", "mermaid", "perfetto", "svg")


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


def test_markdown_gets_a_fenced_diagram_and_a_file_of_its_own_gets_it_alone() -> None:
    run, trace = a_run(), small_trace()
    alone = export("mermaid", run, trace, ".mmd")
    assert export("mermaid", run, trace, ".mermaid") == alone
    for suffix in ("", ".md"):
        assert export("mermaid", run, trace, suffix) == f"```mermaid\n{alone.rstrip()}\n```\n"
