"""A trace that is seen to grow while slow receivers run."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from signalcli.render.console import show
from signalcli.render.table import TraceTable
from signalcli.trace import Recorder

PATIENCE_SECONDS = 0.15
FRAMES_PER_SECOND = 10


@contextmanager
def growing_table(recorder: Recorder, console: Console) -> Iterator[None]:
    """Within it, the trace is shown as it grows; after it, whole.

    A run that is over in a moment is shown once, at its end. On anything but a terminal, any run
    is.
    """
    done = threading.Event()
    painter = threading.Thread(
        target=_paint, args=(recorder, console, done), name="signalcli-table", daemon=True
    )
    # Where colours are forced on a pipe there is still nothing to paint over.
    is_live = console.is_terminal and console.file.isatty()
    if is_live:
        painter.start()
    try:
        yield
    finally:
        done.set()
        if is_live:
            painter.join()
        show(TraceTable(recorder.trace), console)


def _paint(recorder: Recorder, console: Console, done: threading.Event) -> None:
    if done.wait(PATIENCE_SECONDS):
        return
    from rich.live import Live

    from signalcli.render.table import Tail

    def frame() -> Tail:
        return Tail(TraceTable(recorder.trace, recorder.now(), last_rows=console.height))

    with Live(
        frame(),
        console=console,
        auto_refresh=False,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    ) as live:
        pause = 1 / FRAMES_PER_SECOND
        while not done.wait(pause):
            begun = time.perf_counter()
            live.update(frame(), refresh=True)
            # Painting a large trace is not to slow down those who work on it.
            pause = max(1 / FRAMES_PER_SECOND, 4 * (time.perf_counter() - begun))
