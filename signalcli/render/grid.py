"""The look of every table with a heading."""

from rich import box
from rich.table import Table


def new_table(*, ruled: bool = True) -> Table:
    """An empty table: two blanks between columns, and nothing around it.

    Arguments:
        ruled: whether a line stands under the headings; Rich's line in ASCII would put bars
            between the columns, too.
    """
    if not ruled:
        return Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    return Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
