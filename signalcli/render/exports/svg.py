"""The run's table as a picture of a terminal."""

import re

from rich.console import Console

from signalcli.log.runs import Run
from signalcli.render.markup import fit_for_markup, recorded, title_of
from signalcli.trace.records import Trace

ROOM_FOR_BUTTONS = 14

_FONT_FROM_THE_NET = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def export(run: Run, trace: Trace) -> str:
    """The picture, with the command line as its title. It loads nothing from the net."""
    console = recorded(run, trace)
    return picture_of(console, title_of(run, console.width - ROOM_FOR_BUTTONS))


def picture_of(console: Console, title: str) -> str:
    """The recording of a console as a picture with a title."""
    svg = console.export_svg(title=title)
    # Text of receivers comes after the styles, and may look like one.
    styles, end, picture = svg.partition("</style>")
    return fit_for_markup(_FONT_FROM_THE_NET.sub("", styles) + end + picture)
