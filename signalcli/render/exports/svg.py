"""The run's table as a picture of a terminal."""

import re
from collections.abc import Iterable

from rich.console import Console, RenderableType
from rich.segment import Segment, SegmentLines

from signalcli.log.runs import Run
from signalcli.render.console import plain, recording_console
from signalcli.render.log import printed_by
from signalcli.render.text import fit_for_markup, on_one_line
from signalcli.trace.records import Trace

LEAST_WIDTH, MOST_WIDTH = 80, 120
ROOM_FOR_BUTTONS = 14

_FONT_FROM_THE_NET = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def export(run: Run, trace: Trace) -> str:
    """The picture, with the command line as its title. It loads nothing from the net."""
    console = recorded(run, trace)
    return picture_of(console, title_of(run, console.width - ROOM_FOR_BUTTONS))


def picture_of(console: Console, title: str) -> str:
    """The recording of a console as a picture with a title."""
    svg = console.export_svg(title=title)
    # Only the styles are searched: a receiver may have printed text that looks like a style.
    styles, end, picture = svg.partition("</style>")
    return fit_for_markup(_FONT_FROM_THE_NET.sub("", styles) + end + picture)


def recorded(run: Run, trace: Trace) -> Console:
    """A console that has recorded the run's table, and the command's last lines."""
    parts = list(printed_by(run, trace))
    if run.error_message is not None:
        parts.append(plain(on_one_line(f"error: {run.error_message}")))
    return recorded_views(parts)


def recorded_views(views: Iterable[RenderableType]) -> Console:
    """A console that has recorded some views.

    It is as wide as the widest view, but at least 80 and at most 120 columns; wider views are
    folded.
    """
    console = recording_console(MOST_WIDTH)
    lines = [line for view in views for line in console.render_lines(view, pad=False)]
    console.print(SegmentLines(lines, new_lines=True))
    natural_width = max(map(Segment.get_line_length, lines), default=0)
    console.width = max(LEAST_WIDTH, natural_width)
    return console


def title_of(run: Run, most: int) -> str:
    """The command line as a title of one line.

    Arguments:
        run: the run.
        most: its greatest length in characters.
    """
    text = fit_for_markup(" ".join(run.command_line.split()))
    return text if len(text) <= most else text[: most - 1] + "…"
