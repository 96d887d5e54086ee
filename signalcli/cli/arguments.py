"""The arguments and options that several commands take: reading and declaring them."""

import functools
import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypeVar

import typer

from signalcli.cli.completion import (
    complete_receiver,
    complete_sender,
    complete_signal,
    complete_username,
    listed_after,
)
from signalcli.cli.late import late
from signalcli.cli.task import Form
from signalcli.errors import UsageError

with late():
    from signalcli.log import finding
    from signalcli.trace import records

if TYPE_CHECKING:
    from signalcli.log.finding import Filter

T = TypeVar("T")
FILTERS_PANEL = "Which runs"
# The app that the commands for users need.
DEMO_APP = "signalcli.core"
HIGHEST_RUN = 2**63 - 2
_UNITS = {
    "us": 1e-6,
    "µs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "min": 60.0,
    "h": 3600.0,
    "d": 86400.0,
    "w": 7 * 86400.0,
}
_DURATION = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*([a-zµ]+)")
_LONGEST = 1e10


def duration(text: str) -> float:
    """A duration such as ``50ms``, ``2h`` or ``30d``, in seconds.

    Raises:
        typer.BadParameter: the text is no duration.
    """
    match = _DURATION.fullmatch(text.strip())
    seconds = float(match[1]) * _UNITS.get(match[2], -1.0) if match else -1.0
    if not 0 <= seconds < _LONGEST:
        raise typer.BadParameter(
            f"{text!r} is no duration; write a number and a unit (us, ms, s, min, h, d, w), "
            "such as 50ms or 2h"
        )
    return seconds


def moment(text: str) -> datetime:
    """A time in UTC, without a time zone.

    Arguments:
        text: a date, or a date and a time, by the clock on the wall unless it names a time zone;
            or a duration, which says how long ago.

    Raises:
        typer.BadParameter: the text is none of them.
    """
    try:
        return datetime.fromisoformat(text.strip()).astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError, OSError):
        pass
    try:
        return (datetime.now(UTC) - timedelta(seconds=duration(text))).replace(tzinfo=None)
    except (typer.BadParameter, OverflowError):
        raise typer.BadParameter(
            f"{text!r} is neither a duration such as 2h nor a date such as 2026-01-31 or "
            "2026-01-31T08:30"
        ) from None


def delays(texts: list[str] | None) -> list[tuple[str, float]]:
    """Delays such as ``create_profile=200ms``, each as a glob and seconds.

    Raises:
        typer.BadParameter: a text is no delay.
    """
    return [_delay(text) for text in texts or ()]


def _delay(text: str) -> tuple[str, float]:
    pattern, _, seconds = text.rpartition("=")
    if not pattern:
        raise typer.BadParameter(
            f"{text!r} does not say who and how long; write it as create_profile=200ms"
        )
    return pattern, duration(seconds)


# Of the commands for users.
Username = Annotated[
    str,
    typer.Argument(
        metavar="USERNAME",
        help="The user's name.",
        autocompletion=complete_username,
        show_default=False,
    ),
]
PasswordStdin = Annotated[
    bool,
    typer.Option(
        "--password-stdin", help="Read the password from the first line of standard input."
    ),
]
# Of the commands that send a signal themselves.
Robust = Annotated[
    bool, typer.Option("--robust", help="Run every receiver, whatever the others raise.")
]
# Of the commands that show what is stored.
Trace = Annotated[bool, typer.Option("--trace", help="Show the signals of loading, too.")]

# Of the commands that list something: what with_forms makes one Form of.
Ndjson = Annotated[bool, typer.Option("--ndjson", help="Print one JSON object a line.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print CSV, with a line of names first.")]


def with_forms(
    *columns: str,
    more: Sequence[str] = (),
    complete: Callable[..., Any] | None = None,
) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """Make a command that takes a ``form`` last one that takes the options for it instead.

    Arguments:
        columns: the fields of its rows: the keys that lead to each, with dots between. Without
            any, the command finds out which there are.
        more: further fields, which are no columns of CSV unless they are named.
        complete: completes names of fields where none are given here.
    """

    def complete_known(incomplete: str) -> list[str]:
        return listed_after(incomplete, (*columns, *more))

    option = typer.Option(
        "--fields",
        metavar="NAMES",
        help="Only these fields, with commas between.",
        autocompletion=complete or complete_known,
        show_default=False,
    )
    options = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
        )
        for name, annotation, default in (
            ("ndjson", Ndjson, False),
            ("csv", Csv, False),
            ("fields", Annotated[str | None, option], None),
        )
    ]

    def decorate(command: Callable[..., T]) -> Callable[..., T]:
        parameters = inspect.signature(command).parameters.values()
        own = [each for each in parameters if each.name != "form"]

        @taking([*own, *options])
        @functools.wraps(command)
        def run(
            *given: Any,
            ndjson: bool = False,
            csv: bool = False,
            fields: str | None = None,
            **named: Any,
        ) -> T:
            if ndjson and csv:
                raise UsageError("give --ndjson or --csv, not both")
            names = () if fields is None else tuple(map(str.strip, fields.split(",")))
            form = Form(ndjson, csv, names, places_of(columns), places_of(more))
            if columns:
                # An unknown name is refused before anything is looked up.
                _ = form.places
            return command(*given, form=form, **named)

        return run

    return decorate


def refuse_trace(form: Form, trace: bool) -> None:
    """Refuse to show a trace among lines for programs.

    Raises:
        UsageError: both are wanted.
    """
    if trace and form.is_lines:
        option = "--csv" if form.csv else "--ndjson"
        raise UsageError(f"give --trace or {option}, not both; --json has the rows and the trace")


def places_of(names: Iterable[str]) -> dict[str, str]:
    """Fields that are named like the keys that lead to them."""
    return {name: name for name in names}


class Wanted(NamedTuple):
    """The values of the filter options.

    Attributes:
        said: the values of the options by name, as :class:`signalcli.log.finding.Filter` has
            them; that is loaded when it is needed.
    """

    said: Mapping[str, Any]

    @property
    def filter(self) -> "Filter":
        """The filter that the log understands."""
        values: dict[str, Any] = {
            name: records.encodable(value) if isinstance(value, str) else value
            for name, value in self.said.items()
        }
        return finding.Filter(**values)

    @property
    def is_any(self) -> bool:
        """Whether any run will do."""
        return not any(value not in (None, False) for value in self.said.values())


def _option(kind: Any, *names: str, **options: Any) -> Any:
    return Annotated[
        kind, typer.Option(*names, show_default=False, rich_help_panel=FILTERS_PANEL, **options)
    ]


def _pattern(name: str, help_text: str, complete: Callable[..., Any]) -> Any:
    return _option(
        str | None, f"--{name}", metavar="PATTERN", help=help_text, autocompletion=complete
    )


_OPTIONS: dict[str, tuple[Any, Any]] = {
    "signal": (
        _pattern("signal", "That sent this signal: post_save, or its full name.", complete_signal),
        None,
    ),
    "sender": (_pattern("sender", "With this sender: User.", complete_sender), None),
    "receiver": (
        _pattern("receiver", "In which this receiver ran: create_*.", complete_receiver),
        None,
    ),
    "user": (_pattern("user", "About this user.", complete_username), None),
    "failed": (_option(bool, "--failed", help="In which it failed; alone: that failed."), False),
    "slower_than": (
        _option(
            str | None,
            "--slower-than",
            metavar="DURATION",
            parser=duration,
            help="In which it took longer: 50ms.",
        ),
        None,
    ),
    "since": (
        _option(
            str | None,
            "--since",
            metavar="WHEN",
            parser=moment,
            help="That began since: 2h ago, or 2026-01-31.",
        ),
        None,
    ),
}


def taking(
    parameters: Sequence[inspect.Parameter],
) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """Have Typer read these parameters, instead of those that a function is written with."""

    def decorate(function: Callable[..., T]) -> Callable[..., T]:
        function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what Typer reads
        function.__annotations__ = {each.name: each.annotation for each in parameters}
        return function

    return decorate


def with_filters(
    *, without: tuple[str, ...] = ()
) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """Make a command that takes ``wanted`` second one that takes the filter options instead.

    Arguments:
        without: the options that it does not take.
    """
    taken = {name: option for name, option in _OPTIONS.items() if name not in without}

    def decorate(command: Callable[..., T]) -> Callable[..., T]:
        settings, _, *own = inspect.signature(command).parameters.values()
        options = [
            inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
            )
            for name, (annotation, default) in taken.items()
        ]
        kept = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own]

        @taking([settings, *kept, *options])
        @functools.wraps(command)
        def run(settings: Any, **arguments: Any) -> T:
            said = {name: arguments.pop(name) for name in taken}
            return command(settings, Wanted(said), **arguments)

        return run

    return decorate
