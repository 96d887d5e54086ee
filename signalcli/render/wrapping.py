"""Lines of styled texts, broken to a width without breaking words and phrases that fit."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter

from rich.cells import cell_len

# A text without control characters, and its style.
Part = tuple[str, str]
Line = list[Part]


def length(parts: Sequence[Part]) -> int:
    """How many cells of a terminal the texts of a line take."""
    return sum(len(text) if text.isascii() else cell_len(text) for text, _ in parts)


def wrapped(parts: Sequence[Part], width: int, further: int) -> Iterator[Line]:
    """At least one line, none longer than a width.

    Lines are broken between parts, at blanks in parts that are longer than a line, and inside words
    that are.

    Arguments:
        parts: texts on one line, each with its style.
        width: the width of the first line, at least 1.
        further: the width of the further lines, at least 1.
    """
    line: Line = []
    room, is_begun = width, False
    for text, style in [*parts] if length(parts) <= width else _pieces(parts, width, further):
        while text:
            size = cell_len(text)
            if size <= room:
                line.append((text, style))
                room -= size
                break
            # A word goes to the next line whole, if it fits there.
            bare = text.lstrip(" ")
            is_whole = bool(line) and cell_len(bare) <= further
            head = "" if is_whole else _fitting(text, room)
            if not head and not line:
                # A character of two cells, where there is room for one.
                head = text[0]
            yield _joined([*line, (head, style)])
            line, room, text = [], further, bare if is_whole else text[len(head) :]
            is_begun = True
    if line or not is_begun:
        yield _joined(line)


def _joined(line: Line) -> Line:
    alike = groupby((part for part in line if part[0]), key=itemgetter(1))
    return [("".join(text for text, _ in parts), style) for style, parts in alike]


def _pieces(parts: Sequence[Part], width: int, further: int) -> Iterator[Part]:
    """The parts that fit on a line, and the words of the others, each with the blanks before it."""
    for place, (text, style) in enumerate(parts):
        if cell_len(text) <= (further if place else width):
            yield text, style
            continue
        begun = 0
        for place in range(1, len(text)):
            if text[place] == " " != text[place - 1]:
                yield text[begun:place], style
                begun = place
        yield text[begun:], style


def _fitting(text: str, room: int) -> str:
    """The longest beginning of a text that fits."""
    taken = 0
    for place, character in enumerate(text):
        # This one makes some characters before it wider.
        taken += 1 if character == "\ufe0f" else cell_len(character)
        if taken > room:
            return text[:place]
    return text
