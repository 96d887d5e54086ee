"""A trace as a table, in which nesting is seen at a glance."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from signalcli.render.text import plain
from signalcli.trace.records import Dispatch, Failure, Representation, Response, Trace

FAILED = "✗"
RUNNING = "…"
NO_RECEIVERS = "no receivers"

Row = tuple[RenderableType, ...]


@dataclass(frozen=True, slots=True)
class Guides:
    """The lines of the tree, in box-drawing characters or in ASCII."""

    branch: str
    last: str
    bar: str
    gap: str = "  "


LINES = Guides(branch="├ ", last="└ ", bar="│ ")
ASCII = Guides(branch="|-", last="`-", bar="| ")


class TraceTable:
    """Rich's view of a trace: a row for each response, the dispatches it caused beneath it.

    Nothing at all where nothing was dispatched.

    Arguments:
        trace: the trace, finished or growing.
        now: the recorder's clock, for the time that running receivers have taken so far.
    """

    def __init__(self, trace: Trace, now: float = 0.0) -> None:
        self._trace = trace
        self._now = now

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self._trace.dispatches:
            yield self._table(ASCII if options.ascii_only else LINES)

    def _table(self, guides: Guides) -> Table:
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
        table.add_column("#", justify="right")
        for heading in ("Signal", "Sender", "Receiver", "Answer"):
            table.add_column(heading, overflow="fold")
        table.add_column("Time", justify="right")
        for dispatch in self._trace.roots:
            for row in self._dispatch_rows(dispatch, "", "", guides):
                table.add_row(*row)
        return table

    def _dispatch_rows(
        self, dispatch: Dispatch, first: str, rest: str, guides: Guides
    ) -> Iterator[Row]:
        """The rows of a dispatch and of all that it led to.

        Arguments:
            dispatch: the dispatch.
            first: the lines of the tree before its name.
            rest: those before what is below its name.
            guides: what the lines are made of.
        """
        responses = list(dispatch.responses)
        style = "" if responses else "dim"
        number = plain(str(dispatch.seq), "dim")
        name = Text.assemble(plain(first, "dim"), plain(dispatch.signal, style or "bold cyan"))
        sender = plain("" if dispatch.sender is None else dispatch.sender, style)
        if not responses:
            yield number, name, sender, plain(NO_RECEIVERS, style), plain(""), plain("")
        for index, response in enumerate(responses):
            # Rows of later children run along beneath this one, and so does their line.
            below = rest + (guides.bar if response.caused else guides.gap)
            if index:
                number, name, sender = plain(""), plain(rest, "dim"), plain("")
            yield (
                number,
                name,
                sender,
                plain(response.short_receiver, "red" if response.failure else "green"),
                _answer(response),
                plain(_duration(response, self._now), "dim"),
            )
            for line in response.output.splitlines():
                yield (
                    plain(""),
                    plain(below.rstrip(), "dim"),
                    plain(""),
                    Padding(plain(line, "italic"), (0, 0, 0, 2)),
                    plain(""),
                    plain(""),
                )
            yield from self._child_rows(list(response.caused), rest, guides)

    def _child_rows(self, children: list[Dispatch], rest: str, guides: Guides) -> Iterator[Row]:
        for child in children:
            is_last = child is children[-1]
            yield from self._dispatch_rows(
                child,
                rest + (guides.last if is_last else guides.branch),
                rest + (guides.gap if is_last else guides.bar),
                guides,
            )


class Tail:
    """What fits of a table that grows beyond the terminal's height: its end.

    Arguments:
        table: the table.
    """

    def __init__(self, table: TraceTable) -> None:
        self._table = table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = console.render_lines(self._table, options, pad=False)
        for line in lines[-max(1, console.height - 1) :]:
            yield from line
            yield Text("")


def _answer(response: Response) -> Text:
    if response.failure is not None:
        return plain(f"{FAILED} {response.failure}{_place(response.failure)}", "red")
    if response.seconds is None:
        return plain(f"{RUNNING} running", "yellow")
    return plain(_value(response.value), "dim" if response.value is None else "")


def _place(failure: Failure) -> str:
    return f" ({PurePath(failure.file).name}:{failure.line})" if failure.file else ""


def _value(value: Representation) -> str:
    return value if isinstance(value, str) else repr(value)


def _duration(response: Response, now: float) -> str:
    seconds = now - response.begun if response.seconds is None else response.seconds
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1000:.{2 if seconds < 0.01 else 0}f} ms"
