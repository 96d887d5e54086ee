"""Lists and single things as tables."""

from collections.abc import Iterable, Sequence

from rich.table import Table

from signalcli.render.grid import new_table
from signalcli.render.text import plain


def listing(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """A table with a heading for each column; all cells are data, not markup."""
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
