"""Printing for people: as text on a stream that takes nothing else, otherwise by Rich.

Only the second way loads Rich, which takes a command on a pipe longer than all of its printing.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from signalcli.render.picture import Picture, Work, is_shown, text_of
from signalcli.render.text import laid_out, paper_of, visible
from signalcli.trace import ReceiverTotal, Recorder

if TYPE_CHECKING:
    from rich.console import RenderableType


@contextmanager
def growing_table(
    recorder: Recorder, *, is_whole: bool = False, work: Callable[[], Work] = Work
) -> Iterator[None]:
    """Print the trace: on a terminal as it grows while the block runs, elsewhere at its end.

    At the end, :func:`signalcli.render.picture.is_shown` decides whether it is printed.

    Arguments:
        recorder: watches the block.
        is_whole: whether every dispatch gets a row of its own.
        work: tells of the work in the block, as far as it has come; a block that raises has failed
            in any case.
    """
    stream = sys.stdout
    paper = paper_of(stream)
    if paper is None:
        from signalcli.render.console import make_console
        from signalcli.render.table import growing_table as by_rich

        with by_rich(recorder, make_console(stream), is_whole=is_whole, work=work):
            yield
        return
    has_failed = True
    try:
        yield
        has_failed = work().is_failed
    finally:
        if is_shown(recorder.trace, is_failed=has_failed, is_whole=is_whole):
            picture = Picture(
                recorder.trace, work=work(), is_whole=is_whole, is_ascii=paper.is_ascii
            )
            stream.write(text_of(picture, paper))


def print_view(view: "RenderableType") -> None:
    """Print a view of Rich."""
    from signalcli.render.console import make_console, show

    show(view, make_console())


def print_totals(totals: Iterable[ReceiverTotal]) -> None:
    """Print a table of receivers' totals."""
    from signalcli.render.table import totals_table

    print_view(totals_table(totals))


def print_text(text: str, style: str = "") -> None:
    """Print a text, wrapped where the stream has a width, in a style where it takes one."""
    paper = paper_of(sys.stdout)
    line = None if paper is None else laid_out([[visible(text)]], paper.width, ruled=False)
    if line is not None:
        sys.stdout.write(line)
    else:
        from signalcli.render.console import plain

        print_view(plain(text, style))
