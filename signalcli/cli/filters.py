"""The options that choose runs of the signal log, which several commands take."""

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from signalcli.cli.arguments import duration, moment

if TYPE_CHECKING:
    from signalcli.log.finding import Filter

T = TypeVar("T")
PANEL = "Which runs"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the filter options say.

    Attributes:
        said: the values of the options by name, as :class:`signalcli.log.finding.Filter` has
            them; that is loaded when it is needed.
    """

    said: Mapping[str, Any] = field(default_factory=dict)

    @property
    def filter(self) -> "Filter":
        """The filter that the log understands."""
        # The help and the completion of the commands need no SQLAlchemy.
        from signalcli.log.finding import Filter
        from signalcli.trace.records import encodable

        values: dict[str, Any] = {
            name: encodable(value) if isinstance(value, str) else value
            for name, value in self.said.items()
        }
        return Filter(**values)

    @property
    def is_any(self) -> bool:
        """Whether any run will do."""
        return not any(value not in (None, False) for value in self.said.values())


def _option(kind: Any, *names: str, **options: Any) -> Any:
    return Annotated[
        kind, typer.Option(*names, show_default=False, rich_help_panel=PANEL, **options)
    ]


def _pattern(name: str, help_text: str) -> Any:
    return _option(str | None, f"--{name}", metavar="PATTERN", help=help_text)


_OPTIONS: dict[str, tuple[Any, Any]] = {
    "signal": (_pattern("signal", "That sent this signal: post_save, or its full name."), None),
    "sender": (_pattern("sender", "With this sender: User."), None),
    "receiver": (_pattern("receiver", "In which this receiver ran: create_*."), None),
    "user": (_pattern("user", "About this user."), None),
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


def with_filters(
    *, without: tuple[str, ...] = ()
) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """Make a command that takes ``wanted`` second one that takes the filter options instead.

    Arguments:
        without: the options that it does not take.
    """
    taken = {name: option for name, option in _OPTIONS.items() if name not in without}

    def decorate(command: Callable[..., T]) -> Callable[..., T]:
        @functools.wraps(command)
        def run(settings: Any, **arguments: Any) -> T:
            said = {name: arguments.pop(name) for name in taken}
            return command(settings, Wanted(said), **arguments)

        signature = inspect.signature(command)
        settings, _, *own = signature.parameters.values()
        options = [
            inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
            )
            for name, (annotation, default) in taken.items()
        ]
        parameters = [
            settings,
            *(each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own),
            *options,
        ]
        run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]  # what Typer reads
        run.__annotations__ = {each.name: each.annotation for each in parameters}
        return run

    return decorate
