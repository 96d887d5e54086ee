"""Apps, signals and connections as tables, as source code, and as rows for programs."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from signalcli.apps.inventory import AppEntry, ConnectionEntry, SignalEntry
from signalcli.render.console import listing, new_table, plain
from signalcli.render.text import UNLIMITED, on_one_line, visible
from signalcli.trace.records import short_name

if TYPE_CHECKING:
    from signalcli.apps.starting import Started


ANY_SENDER = "any"
NO_SUCH_SENDER = "(not there)"
UNKNOWN_PLACE = "unknown"
NO_SOURCE = "no source: it was typed in, or is built in or compiled"


def signals_view(entries: Sequence[SignalEntry]) -> RenderableType:
    """A table of signals, dim where no receiver is connected."""
    return _SignalsTable(entries) if entries else plain("No unused signals")


def connections_view(
    entries: Sequence[ConnectionEntry], *, with_source: bool = False
) -> RenderableType:
    """A table of connections.

    Arguments:
        entries: the connections, in the order in which they are shown.
        with_source: whether the code of each receiver follows.
    """
    if not entries:
        return plain("No receivers")
    if not with_source:
        return _ConnectionsTable(entries)
    return Group(_ConnectionsTable(entries), *_sources(entries))


def signal_row(entry: SignalEntry) -> dict[str, Any]:
    """A signal for programs."""
    return {
        "signal": entry.name,
        "signal_path": entry.path,
        "place": f"{entry.file}:{entry.line}",
        "arguments": None if entry.arguments is None else list(entry.arguments),
        "receivers": len(entry.connections),
    }


def connection_row(entry: ConnectionEntry, *, with_source: bool = False) -> dict[str, Any]:
    """A connection for programs; the arguments are those of :func:`connections_view`."""
    row = {
        "signal": entry.signal,
        "signal_path": entry.signal_path,
        "sender": entry.sender,
        "sender_exists": entry.sender_exists,
        "receiver": entry.receiver,
        "place": f"{entry.file}:{entry.line}" if entry.file else None,
        "weak": entry.weak,
        "async": entry.is_async,
        "dispatch_uid": entry.dispatch_uid,
    }
    return {**row, "source": entry.source} if with_source else row


class _SignalsTable:
    def __init__(self, entries: Sequence[SignalEntry]) -> None:
        self._entries = entries

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        names = [_cell(entry.path) for entry in self._entries]
        table = new_table()
        table.add_column("Signal", overflow="fold", width=_width(names, options.max_width // 2))
        table.add_column("Receivers", justify="right", no_wrap=True)
        table.add_column("Arguments", overflow="fold")
        for entry, name in zip(self._entries, names, strict=True):
            count = str(len(entry.connections))
            style = "" if entry.connections else "dim"
            table.add_row(name, count, _cell(_arguments(entry)), style=style)
        yield table


class _ConnectionsTable:
    def __init__(self, entries: Sequence[ConnectionEntry]) -> None:
        self._entries = entries

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        # An identifier that repeats the receiver's name is left out.
        uids = [
            "" if entry.dispatch_uid in (None, entry.short_receiver) else str(entry.dispatch_uid)
            for entry in self._entries
        ]
        has_uids = any(uids)
        signals = [_cell(entry.signal, "cyan") for entry in self._entries]
        names = [_cell(entry.short_receiver) for entry in self._entries]
        table = new_table()
        table.add_column("Signal", overflow="fold", width=_width(signals, options.max_width // 5))
        table.add_column("Sender", overflow="fold")
        table.add_column("Receiver", overflow="fold", width=_width(names, options.max_width // 4))
        for heading in ("Kind", *(["Uid"] if has_uids else []), "Place"):
            table.add_column(heading, overflow="fold")
        for entry, signal, name, uid in zip(self._entries, signals, names, uids, strict=True):
            table.add_row(
                signal,
                _sender(entry),
                name,
                f"{'weak' if entry.weak else 'strong'} {'async' if entry.is_async else 'sync'}",
                *([_cell(uid)] if has_uids else []),
                _place(entry),
            )
        if console.measure(table, options=options.update(max_width=UNLIMITED)).maximum > (
            options.max_width
        ):
            # Columns close together read better than folded ones.
            table.padding = (0, 0, 0, 0)
        yield table


def _sender(entry: ConnectionEntry) -> Text:
    if entry.sender is None:
        return _cell(ANY_SENDER, "dim")
    name = _cell(entry.sender)
    return name if entry.sender_exists else Text(" ").join((name, _cell(NO_SUCH_SENDER, "dim")))


def _width(cells: Iterable[Text], most: int) -> int:
    """The width of the widest cell, up to a limit; columns without a width share the rest."""
    return max(len("Receiver"), min(most, max(cell.cell_len for cell in cells)))


def _arguments(entry: SignalEntry) -> str:
    if entry.arguments is None:
        return "not said"
    return ", ".join(entry.arguments) or "none"


def _sources(entries: Sequence[ConnectionEntry]) -> Iterable[RenderableType]:
    """The code of each receiver, once even if it is connected several times."""
    distinct = {(entry.receiver, entry.file, entry.line): entry for entry in reversed(entries)}
    for entry in reversed(distinct.values()):
        yield Text()
        yield Text("  ").join((_cell(entry.receiver, "bold"), _place(entry)))
        source = entry.source
        yield plain(NO_SOURCE, "dim") if source is None else _Code(source, entry.line)


def _place(entry: ConnectionEntry) -> Text:
    if not entry.file:
        return _cell(UNKNOWN_PLACE, "dim")
    return _cell(f"{short_path(entry.file)}:{entry.line}")


def short_path(file: str) -> str:
    """A path without the folder of ``sys.path`` that it lies in; otherwise the whole path.

    Whole it is, too, where the working directory has another file of the short name: a checkout,
    say, of which a copy is installed. Only the copy runs.
    """
    path = PurePath(file)
    folders = [PurePath(folder) for folder in sys.path if folder and path.is_relative_to(folder)]
    if not folders:
        return file
    short = path.relative_to(max(folders, key=lambda folder: len(folder.parts)))
    try:
        is_another = Path(short).exists() and not Path(short).samefile(path)
    except OSError:
        is_another = False
    return file if is_another else str(short)


def _cell(text: str, style: str = "") -> Text:
    """A text on one line, its line ends and tabs as escapes."""
    return plain(on_one_line(text).replace("\t", r"\t"), style)


class _Code:
    """Code with the numbers of its lines, coloured where the console shows colours."""

    def __init__(self, source: str, first_line: int) -> None:
        self._source = visible(source.replace("\r\n", "\n")).expandtabs().rstrip("\n")
        self._first_line = first_line

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        is_coloured = console.color_system is not None and not console.no_color
        text = _highlighted(self._source) if is_coloured else Text(self._source)
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(justify="right", style="dim", no_wrap=True)
        table.add_column(overflow="fold")
        for number, line in enumerate(text.split(allow_blank=True), self._first_line):
            table.add_row(str(number), line)
        yield table


def _highlighted(source: str) -> Text:
    from rich.syntax import Syntax

    text = Syntax("", "python", theme="ansi_dark", background_color="default").highlight(source)
    text.no_wrap = False
    text.rstrip()
    return text


def apps_view(entries: Sequence[AppEntry], source: str) -> RenderableType:
    """A table of apps, and the source of the list."""
    table = listing(
        ("Label", "App", "Models", "Signals", "Receivers", "Path"),
        (
            (
                entry.label,
                entry.name,
                _lines(entry.models),
                _lines(entry.signals),
                _lines([short_name(receiver) for receiver in entry.receivers]),
                entry.path,
            )
            for entry in entries
        ),
    )
    return Group(table, plain(f"Installed by {source}"))


def app_row(entry: AppEntry, source: str) -> dict[str, Any]:
    """An app for programs, with the source of the list that names it."""
    return {
        "label": entry.label,
        "name": entry.name,
        "path": entry.path,
        "models": list(entry.models),
        "signals": list(entry.signals),
        "receivers": list(entry.receivers),
        "source": source,
    }


def started_view(started: "Started") -> RenderableType:
    """The files of a new app, and commands to try it with."""
    lines = [f"Wrote {file}" for file in started.files]
    return Group(*map(plain, [*lines, "Try it:", *(f"  {line}" for line in started.try_it)]))


def _lines(names: Sequence[str]) -> str:
    return "\n".join(names)
