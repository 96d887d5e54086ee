"""Explanations and findings, as text for people and as rows for programs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from signalcli.apps.diagnosis import Finding
from signalcli.apps.explanation import Explanation
from signalcli.apps.inventory import ConnectionEntry
from signalcli.render.console import plain
from signalcli.render.inventory import connection_row, short_path
from signalcli.render.text import on_one_line

MANUAL = "docs/"
_INDENT = 2


def explanation_view(explained: Explanation) -> RenderableType:
    """What there is to say of one thing, under headings."""
    parts: list[RenderableType] = [
        Text(": ").join((plain(explained.name, "bold cyan"), plain(_kind_of(explained)))),
        *(_indented(plain(sentence)) for sentence in explained.meaning),
    ]
    if explained.facts:
        parts += [Text(), _pairs(explained.facts.items())]
    if explained.arguments:
        parts += [Text(), plain("Arguments", "bold"), _pairs(_meanings(explained.arguments))]
    if explained.kind in ("signal", "receiver"):
        heading = "Receivers" if explained.kind == "signal" else "Connected to"
        parts += [Text(), plain(heading, "bold"), _connections(explained)]
    if explained.example:
        parts += [Text(), plain("Example", "bold"), _indented(plain(explained.example))]
    if explained.page:
        parts += [Text(), plain(f"Manual: {MANUAL}{explained.page}", "dim")]
    return Group(*parts)


def explanations_view(explained: Sequence[Explanation]) -> Iterator[RenderableType]:
    """One thing after the other, with an empty line between them."""
    for place, each in enumerate(explained):
        if place:
            yield Text()
        yield explanation_view(each)


def explanation_row(explained: Explanation) -> dict[str, Any]:
    """What there is to say of one thing, for programs."""
    return {
        "name": explained.name,
        "kind": explained.kind,
        "meaning": list(explained.meaning),
        "facts": dict(explained.facts),
        "arguments": dict(explained.arguments),
        "connections": [connection_row(each) for each in explained.connections],
        "example": explained.example or None,
        "page": f"{MANUAL}{explained.page}" if explained.page else None,
    }


def names_view(names: Mapping[str, Sequence[str]]) -> RenderableType:
    """The names that can be explained, by kinds."""
    return _pairs((f"{kind}s", ", ".join(of_kind)) for kind, of_kind in names.items() if of_kind)


def findings_view(findings: Sequence[Finding]) -> RenderableType:
    """Findings as a numbered list, each with what to do about it."""
    if not findings:
        return plain("Nothing is known that would have kept it from running")
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column(no_wrap=True, style="bold", justify="right")
    table.add_column(overflow="fold")
    for number, finding in enumerate(findings, 1):
        table.add_row(f"{number}.", plain(on_one_line(finding.message)))
        if finding.advice:
            table.add_row("", plain(on_one_line(finding.advice), "dim"))
    return table


def finding_row(finding: Finding) -> dict[str, Any]:
    """A finding for programs."""
    return {"code": finding.code, "message": finding.message, "advice": finding.advice or None}


def _kind_of(explained: Explanation) -> str:
    article = "an" if explained.kind[0] in "aeiou" else "a"
    return "a word" if explained.kind == "word" else f"{article} {explained.kind}"


def _meanings(arguments: Mapping[str, str | None]) -> Iterator[tuple[str, str]]:
    for name, meaning in arguments.items():
        yield name, meaning or ""


def _connections(explained: Explanation) -> RenderableType:
    if not explained.connections:
        return _indented(plain("None: nothing is connected to it", "dim"))
    return _pairs(_connection(explained, each) for each in explained.connections)


def _connection(explained: Explanation, entry: ConnectionEntry) -> tuple[str, str]:
    sender = "any sender" if entry.sender is None else entry.sender
    if not entry.sender_exists:
        sender += " (not there)"
    if explained.kind == "receiver":
        return entry.signal, f"of {sender}"
    place = f"{short_path(entry.file)}:{entry.line}" if entry.file else "unknown"
    return entry.short_receiver, f"of {sender}, at {place}"


def _pairs(pairs: Iterable[tuple[str, str]]) -> RenderableType:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(no_wrap=True, style="cyan")
    table.add_column(overflow="fold")
    for name, text in pairs:
        table.add_row(plain(on_one_line(name)), plain(on_one_line(text)))
    return _indented(table)


def _indented(part: RenderableType) -> Padding:
    return Padding(part, (0, 0, 0, _INDENT), expand=False)
