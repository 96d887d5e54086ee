"""A terminal that is looked at while a program runs in it."""

from itertools import groupby
from pathlib import Path

import pexpect
import pyte
from rich.style import Style
from rich.text import Text

ROWS, COLUMNS = 24, 100


class Terminal:
    """A program in a terminal, with what its screen shows.

    Arguments:
        command: the program and its arguments.
        folder: where it runs.
    """

    def __init__(self, command: list[str], folder: Path) -> None:
        self._screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.Stream(self._screen)
        self._program = pexpect.spawn(
            command[0],
            command[1:],
            cwd=folder,
            dimensions=(ROWS, COLUMNS),
            encoding="utf-8",
            timeout=None,
        )

    def read_on(self) -> bool:
        """Take in what the program wrote since; returns whether it may write more."""
        try:
            self._stream.feed(self._program.read_nonblocking(4096))
        except pexpect.EOF:
            return False
        return True

    @property
    def text(self) -> str:
        """What stands on the screen, without colours."""
        return "\n".join(self._screen.display)

    @property
    def lines(self) -> list[Text]:
        """What stands on the screen, with its colours, without the empty lines at its end."""
        lines = [
            Text.assemble(
                *(
                    ("".join(cell.data for cell in cells), style)
                    for style, cells in groupby(
                        (self._screen.buffer[row][column] for column in range(COLUMNS)), key=_style
                    )
                )
            )
            for row in range(ROWS)
        ]
        while lines and not lines[-1].plain.strip():
            lines.pop()
        for line in lines:
            line.rstrip()
        return lines


# As terminals have it: the names of the dim and bright colours differ from Rich's.
_COLOURS = {"brown": "yellow", "brightbrown": "bright_yellow"}


def _style(cell: pyte.screens.Char) -> Style:
    return Style(color=_colour(cell.fg), bold=cell.bold, italic=cell.italics)


def _colour(name: str) -> str | None:
    if name == "default":
        return None
    if len(name) == 6 and all(digit in "0123456789abcdef" for digit in name):
        return f"#{name}"
    return _COLOURS.get(name, name.replace("bright", "bright_"))
