"""The run's table as a picture of a terminal."""

import io
import re
from collections.abc import Iterable

from rich.console import Console, RenderableType
from rich.segment import Segment, SegmentLines

from signalcli.log.runs import Run
from signalcli.render.console import plain
from signalcli.render.log import printed_by
from signalcli.render.text import fit_for_markup
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
    # Text of receivers comes after the styles, and may look like one.
    styles, end, picture = svg.partition("</style>")
    return fit_for_markup(_FONT_FROM_THE_NET.sub("", styles) + end + picture)


def recorded(run: Run, trace: Trace) -> Console:
    """A console that has recorded the run's table, and the command's last lines."""
    return recorded_views(_parts(run, trace))


def recorded_views(views: Iterable[RenderableType]) -> Console:
    """A console that has recorded some views.

    It is as wide as the widest view, from 80 to 120 columns; wider views are folded. The terminal
    and the environment make no difference.
    """
    console = _console()
    lines = [line for view in views for line in console.render_lines(view, pad=False)]
    console.print(SegmentLines(lines, new_lines=True))
    natural_width = max(map(Segment.get_line_length, lines), default=0)
    console.width = max(LEAST_WIDTH, natural_width)
    return console


def title_of(run: Run, most: int = MOST_WIDTH) -> str:
    """The command line as a title of one line.

    Arguments:
        run: the run.
        most: its greatest length in characters.
    """
    text = fit_for_markup(" ".join(run.command_line.split()))
    return text if len(text) <= most else text[: most - 1] + "…"


def _parts(run: Run, trace: Trace) -> list[RenderableType]:
    parts = list(printed_by(run, trace))
    if run.error_message is not None:
        parts.append(plain(f"error: {run.error_message}".replace("\n", "\\n")))
    return parts


def _console() -> Console:
    return Console(
        record=True,
        width=MOST_WIDTH,
        file=io.StringIO(),
        force_terminal=True,
        force_jupyter=False,
        color_system="truecolor",
        no_color=False,
        legacy_windows=False,
        markup=False,
        emoji=False,
        highlight=False,
    )
