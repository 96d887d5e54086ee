"""The progress of a command over many rows, as a bar or as lines."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from signalcli.render.console import plain
from signalcli.render.text import on_one_line

SECONDS_BETWEEN_LINES = 5.0


class Display(Protocol):
    """A display of progress."""

    def update(self, rows: int, position: int, size: int | None) -> None:
        """Show the progress.

        Arguments:
            rows: how many rows this run has done.
            position: how many bytes of their source were read.
            size: how many bytes the source has; None where that is unknown.
        """

    def note(self, text: str, *, is_error: bool = True) -> None:
        """Write a line. A line that is no error is written only where progress is shown."""


class Lines:
    """Progress as a line of text every few seconds, where there is no terminal.

    Arguments:
        console: the console for the lines.
        what: the name of the work.
        is_silent: whether only notes are written.
    """

    def __init__(self, console: Console, what: str, *, is_silent: bool = False) -> None:
        self._console = console
        self._what = what
        self._begun = time.monotonic()
        self._is_silent = is_silent
        self._due = self._begun + SECONDS_BETWEEN_LINES

    def update(self, rows: int, position: int, size: int | None) -> None:
        """See :class:`Display`."""
        now = time.monotonic()
        if self._is_silent or now < self._due:
            return
        self._due = now + SECONDS_BETWEEN_LINES
        seconds = now - self._begun
        parts = [f"{self._what}: {rows:,} rows", f"{rows / seconds:,.0f} rows/s"]
        if size and position:
            left = timedelta(seconds=round(seconds * (size - position) / position))
            parts += [f"{position / size:.0%}", f"{left} left"]
        self.note(", ".join(parts))

    def note(self, text: str, *, is_error: bool = True) -> None:
        """Write a line."""
        if is_error or not self._is_silent:
            self._console.file.write(_line(text).plain + "\n")
            self._console.file.flush()


class Bar:
    """Progress as a bar that grows on a terminal.

    Arguments:
        progress: Rich's bar, already shown.
        what: the name of the work.
    """

    def __init__(self, progress: Progress, what: str) -> None:
        self._progress = progress
        self._begun = time.monotonic()
        self._task = progress.add_task(what, total=None, rows=0, rate=0)

    def update(self, rows: int, position: int, size: int | None) -> None:
        """See :class:`Display`."""
        rate = rows / max(time.monotonic() - self._begun, 1e-9)
        self._progress.update(
            self._task, total=size, completed=position, rows=f"{rows:,}", rate=f"{rate:,.0f}"
        )

    def note(self, text: str, *, is_error: bool = True) -> None:
        """Write a line above the bar."""
        self._progress.console.print(_line(text), soft_wrap=True)


def _line(text: str) -> Text:
    return plain(on_one_line(text))


@contextmanager
def displayed(console: Console, what: str, *, is_quiet: bool) -> Iterator[Display]:
    """Show progress while the block runs: a bar on a terminal, lines elsewhere.

    Arguments:
        console: the console to show it on.
        what: the name of the work.
        is_quiet: whether only notes are shown.
    """
    if is_quiet or not console.is_terminal or console.is_dumb_terminal or not console.file.isatty():
        yield Lines(console, what, is_silent=is_quiet)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]} rows"),
        TextColumn("{task.fields[rate]} rows/s", style="cyan"),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    progress = Progress(*columns, console=console, redirect_stdout=False, redirect_stderr=False)
    with progress:
        yield Bar(progress, what)
