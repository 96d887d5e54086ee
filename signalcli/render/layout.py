"""Tables laid out as plain text at once, where nothing has to be wrapped or coloured.

Rich measures, pads and splits every cell with its styles; a pipe is given many tables and has none.
"""

from collections.abc import Collection, Sequence

from rich.cells import cell_len
from rich.console import Console

GAP = "  "
RULE = "─"
_UNEVEN = ("\n", "\t")


def is_plain(console: Console) -> bool:
    """Whether nothing but text comes of what is printed to a console."""
    return not console.is_terminal and console.color_system is None and not console.record


def laid_out(
    rows: Sequence[Sequence[str]], width: int, *, right: Collection[int] = (), ruled: bool = True
) -> str | None:
    """The lines of a table, as Rich lays it out with :func:`signalcli.render.grid.new_table`.

    Arguments:
        rows: the headings, and then the rows.
        width: how many columns of characters there are.
        right: which columns of the table are aligned to the right.
        ruled: whether a line stands under the headings.

    Returns:
        The lines, or None where that is not all there is to it: a cell is too long, or has
        several lines or tabs.
    """
    if any(mark in cell for row in rows for cell in row for mark in _UNEVEN):
        return None
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    whole = sum(widths) + len(GAP) * (len(widths) - 1)
    if whole > width:
        return None
    lines = [
        GAP.join(
            _filled(cell, width, to_the_right=column in right)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    if ruled:
        lines.insert(1, RULE * whole)
    return "".join(line + "\n" for line in lines)


def _filled(cell: str, width: int, *, to_the_right: bool) -> str:
    if to_the_right:
        cell = cell.rstrip()
        return " " * (width - cell_len(cell)) + cell
    return cell + " " * (width - cell_len(cell))
