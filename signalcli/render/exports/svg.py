"""The run's table as a picture of a terminal."""

import re

from signalcli.render.markup import fit_for_markup
from signalcli.render.recording import recorded, title_of
from signalcli.trace.log.runs import Run
from signalcli.trace.records import Trace

ROOM_FOR_BUTTONS = 14

_FONT_FROM_THE_NET = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def export(run: Run, trace: Trace) -> str:
    """The picture, with the command line as its title. It fetches nothing from the net."""
    console = recorded(run, trace)
    svg = console.export_svg(title=title_of(run, console.width - ROOM_FOR_BUTTONS))
    # What receivers printed comes after the styles, and may look like one.
    styles, end, picture = svg.partition("</style>")
    return fit_for_markup(_FONT_FROM_THE_NET.sub("", styles) + end + picture)
