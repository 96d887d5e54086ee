"""Consoles, and the look of every table on them."""

import io
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from signalcli.render.text import UNLIMITED, laid_out, visible, wanted_columns

# Texts of users are no markup.


def _bare_console(**options: Any) -> Console:
    # Rich would obey any size in the environment, also one of no characters or of millions.
    sane = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    return Console(markup=False, emoji=False, highlight=False, _environ=sane, **options)


def make_console(stream: TextIO | None = None) -> Console:
    """A console on a stream, standard output by default.

    On a terminal it has the terminal's width. Elsewhere nothing is wrapped or cut. ``COLUMNS`` is
    honoured where it is a width that a line can have, and so are ``NO_COLOR`` and ``FORCE_COLOR``.
    """
    stream = sys.stdout if stream is None else stream
    columns = wanted_columns()
    if columns is None and not stream.isatty():
        columns = UNLIMITED
    return _bare_console(file=stream, width=columns)


def recording_console(width: int) -> Console:
    """A console that records in all colours, whatever the terminal and the environment say."""
    return _bare_console(
        record=True,
        width=width,
        # Without a height, a dumb terminal would have the width of 80.
        height=25,
        file=io.StringIO(),
        force_terminal=True,
        force_jupyter=False,
        color_system="truecolor",
        no_color=False,
        legacy_windows=False,
    )


def as_text(renderable: RenderableType) -> str:
    """A view as plain text: not coloured, wrapped or cut, whatever the environment says."""
    console = _bare_console(
        file=io.StringIO(),
        width=UNLIMITED,
        force_terminal=False,
        force_jupyter=False,
        color_system=None,
    )
    return "\n".join(_lines(renderable, console))


def show(renderable: RenderableType, console: Console) -> None:
    """Print a view to a console, without trailing blanks unless it is a terminal."""
    if console.is_terminal:
        console.print(renderable)
        return
    for line in _lines(renderable, console):
        console.file.write(line + "\n")


def _lines(renderable: RenderableType, console: Console) -> list[str]:
    """The lines that a console would print, without trailing blanks."""
    if isinstance(renderable, Text) and is_plain(console):
        text = laid_out([[renderable.plain]], console.width, ruled=False)
        if text is not None:
            return [text.removesuffix("\n")]
    with console.capture() as capture:
        console.print(renderable)
    return [line.rstrip() for line in capture.get().splitlines()]


def plain(text: str, style: str = "") -> Text:
    """A text that Rich shows as it is: no markup, no emoji codes, no terminal escapes."""
    return Text(visible(text), style=style)


def new_table(*, ruled: bool = True) -> Table:
    """An empty table: two blanks between columns, and no frame.

    Arguments:
        ruled: whether a line stands under the headings. In ASCII, Rich's line would bring bars
            between the columns.
    """
    if not ruled:
        return Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    return Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)


def is_plain(console: Console) -> bool:
    """Whether a console writes text alone, without styles."""
    return not console.is_terminal and console.color_system is None and not console.record


def listing(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """A table with a heading for each column; its cells are data, not markup."""
    table = new_table()
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*map(plain, row))
    return table


def fields(pairs: Iterable[tuple[str, str]]) -> Table:
    """A table of names and values."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in pairs:
        table.add_row(name, plain(value))
    return table
