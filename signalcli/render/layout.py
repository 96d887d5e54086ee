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
    lengths = [[cell_len(cell) for cell in row] for row in rows]
    widths = [max(column) for column in zip(*lengths, strict=True)]
    whole = sum(widths) + len(GAP) * (len(widths) - 1)
    if whole > width:
        return None
    lines = []
    for row, lengths_of_row in zip(rows, lengths, strict=True):
        cells = []
        for column, cell in enumerate(row):
            blanks = " " * (widths[column] - lengths_of_row[column])
            cells.append(blanks + cell if column in right else cell + blanks)
        lines.append(GAP.join(cells).rstrip())
    if ruled:
        lines.insert(1, RULE * whole)
    return "".join(line + "\n" for line in lines)
