"""Consoles: their width, their colours, and printing to them."""

import io
import os
import sys
from typing import TextIO

from rich.console import Console, RenderableType
from rich.text import Text

from signalcli.render.layout import is_plain, laid_out

UNLIMITED = 100_000


def make_console(stream: TextIO | None = None) -> Console:
    """A console on a stream, standard output by default.

    On a terminal it has the terminal's width. Elsewhere nothing is wrapped or cut, unless
    ``COLUMNS`` asks for a width. ``NO_COLOR`` and ``FORCE_COLOR`` are honoured.
    """
    stream = sys.stdout if stream is None else stream
    is_wide = not stream.isatty() and not os.environ.get("COLUMNS", "").isdigit()
    return Console(
        file=stream,
        width=UNLIMITED if is_wide else None,
        markup=False,
        emoji=False,
        highlight=False,
    )


def as_text(renderable: RenderableType) -> str:
    """A view as plain text: not coloured, wrapped or cut, whatever the environment says."""
    console = Console(
        file=io.StringIO(),
        width=UNLIMITED,
        force_terminal=False,
        force_jupyter=False,
        color_system=None,
        markup=False,
        emoji=False,
        highlight=False,
    )
    return "\n".join(_lines(renderable, console))


def show(renderable: RenderableType, console: Console) -> None:
    """Print a view to a console; without trailing blanks where that is no terminal."""
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
