"""Wrapped lines: nothing is lost, and no word or phrase is broken that fits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from signalcli.render.wrapping import Line, length, wrapped
from tests.render.traces import squeezed


@given(
    st.lists(st.text("ab 漢\u0301", max_size=9), max_size=5),
    st.integers(2, 12),
    st.integers(2, 12),
)
def test_of_wrapped_texts_nothing_is_lost_but_blanks(
    texts: list[str], width: int, further: int
) -> None:
    lines = list(wrapped([(text, "") for text in texts], width, further))
    texts_of_lines = ["".join(text for text, _ in line) for line in lines]
    assert squeezed("".join(texts_of_lines)) == squeezed("".join(texts))
    assert cell_len(texts_of_lines[0]) <= width
    assert all(cell_len(text) <= further for text in texts_of_lines[1:])
    assert lines


@given(st.lists(st.text("abc", min_size=1, max_size=8), min_size=1), st.integers(8, 40))
def test_a_word_that_fits_on_a_line_is_not_broken(words: list[str], width: int) -> None:
    lines = wrapped([(" ".join(words), "")], width, width)
    found = [word for line in lines for word in "".join(text for text, _ in line).split()]
    assert found == words


@pytest.mark.parametrize(
    ("parts", "width", "further", "lines"),
    [
        ([], 5, 5, [[]]),
        ([("", "bold")], 5, 5, [[]]),
        ([("one two", "")], 7, 3, [[("one two", "")]]),
        ([("one two", "")], 6, 3, [[("one", "")], [("two", "")]]),
        ([("one", "bold"), (" two", "")], 6, 3, [[("one", "bold")], [("two", "")]]),
        ([("one", ""), (" two six", "")], 9, 8, [[("one", "")], [("two six", "")]]),
        ([("one", ""), (" two six", "")], 9, 7, [[("one two", "")], [("six", "")]]),
        ([(" one two", "")], 7, 8, [[(" one", "")], [("two", "")]]),
        ([("abcdefg", "")], 3, 2, [[("abc", "")], [("de", "")], [("fg", "")]]),
        ([("漢字", "")], 1, 1, [[("漢", "")], [("字", "")]]),
        ([("a", "x"), ("b", "x"), ("c", "")], 9, 9, [[("ab", "x"), ("c", "")]]),
    ],
)
def test_where_lines_are_broken(parts: Line, width: int, further: int, lines: list[Line]) -> None:
    assert list(wrapped(parts, width, further)) == lines


def test_a_line_is_as_long_as_its_cells() -> None:
    assert length([("漢", "bold"), ("", ""), ("ab", "")]) == 4
