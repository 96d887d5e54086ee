"""Runs handed to other tools."""

import importlib.util
import json
import xml.etree.ElementTree as ET

import pytest

from signalcli.render.exports import formats
from tests.cli.files import read_only
from tests.cli.program import Driver, Program, without_roots_rights

WITH_PACKAGE = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(
            name == "otlp" and importlib.util.find_spec("opentelemetry") is None,
            reason="needs the extra otlp",
        ),
    )
    for name in formats()
]
FAILING = """
inner = Signal()

@receiver(inner)
def fails(**kwargs):
    print("<bad> & worse")
    raise ValueError("no <b>way</b>")

@receiver(notification)
def sends_on(**kwargs):
    inner.send_robust("x;y #1")
"""


def assert_valid(format_name: str, text: str) -> None:
    """The tool that reads this format would take it."""
    assert "show_notification" in text
    if format_name == "json":
        assert text.count("\n") == 1
        assert json.loads(text)["command"] == "notify"
    elif format_name == "perfetto":
        assert json.loads(text)["traceEvents"]
    elif format_name == "otlp":
        assert all(json.loads(line)["resourceSpans"] for line in text.splitlines())
    elif format_name == "svg":
        assert ET.fromstring(text).tag.endswith("svg")
    elif format_name == "html":
        assert text.startswith("<!DOCTYPE html>")
        assert text.rstrip().endswith("</html>")
    else:
        assert text.startswith("```mermaid\nsequenceDiagram\n")
        assert text.endswith("\n```\n")


@pytest.mark.parametrize("format_name", WITH_PACKAGE)
def test_every_format_goes_to_standard_output_or_to_a_file(
    driver: Driver, format_name: str
) -> None:
    program = driver(FAILING)
    program("notify", "alice")
    done = program("log", "export", "--format", format_name)
    assert (done.code, done.err) == (0, "")
    assert_valid(format_name, done.out)
    written = program("log", "export", "-f", format_name, "-o", "trace.md")
    assert (written.code, written.err) == (0, "")
    assert written.out == "Wrote run 3 to trace.md\n"
    assert (program.folder / "trace.md").read_text(encoding="utf-8") == done.out
    # A quiet export is one all the same.
    assert program("log", "export", "-f", format_name, "--quiet").out == done.out
    quiet = program("log", "export", "-f", format_name, "-o", "trace.md", "-q")
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")
    as_document = program("log", "export", "-f", format_name, "--json").document
    assert (as_document["ok"], as_document["run"]) == (True, 3)
    assert as_document["result"] == {"format": format_name, "output": None, "text": done.out}


@pytest.mark.parametrize("format_name", WITH_PACKAGE)
def test_a_run_without_dispatches_has_every_format(
    forked_filled: Program, format_name: str
) -> None:
    forked_filled("notify", "nobody")
    done = forked_filled("log", "export", "-f", format_name)
    assert (done.code, done.err) == (0, "")
    assert done.out
    if format_name in ("json", "perfetto"):
        json.loads(done.out)


def test_the_document_is_what_the_run_printed(driver: Driver) -> None:
    program = driver(FAILING)
    for arguments in (
        ("notify", "alice"),
        ("register", "new", "-e", "new@mail.com"),
        ("update", "alice", "-e", "nonsense"),
        ("show", "alice", "--trace"),
    ):
        done = program(*arguments, "--json")
        assert program("log", "export", "-f", "json").out == done.out


def test_a_given_run_is_exported(forked_filled: Program) -> None:
    forked_filled("notify", "alice")
    documents = [
        json.loads(forked_filled("log", "export", *arguments, "-f", "json").out)
        for arguments in (("1",), ("2",), ("3",), ())
    ]
    assert [document["run"] for document in documents] == [1, 2, 3, 3]
    assert [document["command"] for document in documents[:3]] == ["register", "register", "notify"]


@pytest.mark.parametrize(
    ("name", "is_fenced"),
    [
        ("trace.md", True),
        ("README", True),
        ("trace.mmd", False),
        ("trace.mermaid", False),
    ],
)
def test_mermaid_is_fenced_where_it_goes_into_markdown(
    forked_filled: Program, name: str, is_fenced: bool
) -> None:
    assert forked_filled("log", "export", "-f", "mermaid", "-o", name).code == 0
    text = (forked_filled.folder / name).read_text(encoding="utf-8")
    assert text.startswith("```mermaid\n" if is_fenced else "sequenceDiagram\n")
    assert text.count("```") == (2 if is_fenced else 0)


@pytest.mark.parametrize(
    ("arguments", "code", "error", "word"),
    [
        (("-f", "nonsense"), 2, "usage", "mermaid"),
        (("-f", ""), 2, "usage", "mermaid"),
        ((), 2, "usage", "--format"),
        (("77", "-f", "json"), 3, "not_found", "77"),
        (("0", "-f", "json"), 2, "usage", "RUN"),
        (("x", "-f", "json"), 2, "usage", "RUN"),
        (("-f", "json", "-o", "missing/trace.json"), 2, "invalid_value", "missing/trace.json"),
        (("-f", "json", "-o", "."), 2, "usage", "--output"),
        (("-f", "json", "-o", "/dev/full"), 2, "invalid_value", "/dev/full"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_exported_is_named(
    forked_filled: Program, arguments: tuple[str, ...], code: int, error: str, word: str
) -> None:
    done = forked_filled("log", "export", *arguments)
    assert (done.code, done.out) == (code, "")
    assert word in done.error
    as_document = forked_filled("log", "export", *arguments, "--json")
    assert (as_document.code, as_document.err) == (code, "")
    assert as_document.document["error"]["code"] == error
    assert forked_filled.files == {"demo.db"}


def test_a_file_without_permission_is_named(filled: Program) -> None:
    target = filled.folder / "trace.json"
    target.write_text("kept")
    with read_only(target):
        done = without_roots_rights(filled)("log", "export", "-f", "json", "-o", "trace.json")
    assert (done.code, done.out) == (2, "")
    assert "trace.json" in done.error
    assert target.read_text() == "kept"


def test_the_database_is_not_overwritten_by_its_own_export(forked_filled: Program) -> None:
    before = forked_filled.rows()
    forked_filled("log", "export", "-f", "json", "-o", "demo.db")
    assert forked_filled.rows() == before
