"""Tables that are laid out as text at once look as Rich lays them out."""

import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.console import Console

from signalcli.render.console import is_plain, new_table, plain
from signalcli.render.text import UNLIMITED, laid_out

CELLS = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs", "M")), max_size=9
)
ROWS = st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=5)


def by_rich(rows: list[tuple[str, ...]], *, ruled: bool, width: int = UNLIMITED) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    table = new_table(ruled=ruled)
    for column, heading in enumerate(rows[0]):
        table.add_column(plain(heading), justify="right" if column == 1 else "left")
    for row in rows[1:]:
        table.add_row(*map(plain, row))
    with console.capture() as capture:
        console.print(table)
    return [line.rstrip() for line in capture.get().split("\n")[:-1]]


@given(rows=ROWS, ruled=st.booleans())
@example(rows=[(" a ", " b ", "c ")], ruled=True)
def test_any_texts_are_laid_out_as_rich_does(rows: list[tuple[str, ...]], ruled: bool) -> None:
    rows = [("One", "Two", "Three"), *(tuple(plain(cell).plain for cell in row) for row in rows)]
    text = laid_out(rows, UNLIMITED, right=(1,), ruled=ruled)
    assert text is not None
    assert text.split("\n")[:-1] == by_rich(rows, ruled=ruled)


@pytest.mark.parametrize("cell", ["two\nlines", "a\ttab", "x" * 81])
def test_what_is_not_laid_out_at_once_is_left_to_rich(cell: str) -> None:
    assert laid_out([("Heading",), (cell,)], 80) is None


def test_only_a_console_without_colours_and_recording_is_plain() -> None:
    assert is_plain(Console(file=io.StringIO()))
    assert not is_plain(Console(file=io.StringIO(), force_terminal=True))
    assert not is_plain(Console(file=io.StringIO(), record=True))
