"""The options that put faults into a run on purpose."""

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from signalcli.cli.amounts import duration

PANEL = "Faults on purpose"
NAMES = ("fail", "delay", "mute")


@dataclass(frozen=True, slots=True)
class FaultOptions:
    """What the options for faults say, each as often as it is given.

    Attributes:
        fail: globs of receivers that raise.
        delay: globs of receivers that are slow, each with the seconds.
        mute: globs of signals that reach nobody.
    """

    fail: tuple[str, ...] = ()
    delay: tuple[tuple[str, float], ...] = ()
    mute: tuple[str, ...] = ()

    def with_more(self, other: "FaultOptions") -> "FaultOptions":
        """These and, after them, others."""
        return FaultOptions(
            self.fail + other.fail, self.delay + other.delay, self.mute + other.mute
        )

    def check(self) -> None:
        """Make sure that every glob says something; to be called when the apps are ready.

        Raises:
            NotFound: no connected receiver, or no signal, has a name like that.
        """
        if self == NO_FAULTS:
            return
        from signalcli.apps.inventory import find_connections, find_signals, no_match
        from signalcli.trace.names import matches

        entries = find_connections()
        for pattern in (*self.fail, *(pattern for pattern, _ in self.delay)):
            if not any(matches(pattern, each.short_receiver, each.receiver) for each in entries):
                raise no_match("receiver", repr(pattern), "receivers")
        for pattern in self.mute:
            find_signals(pattern)

    def injected(self) -> AbstractContextManager[None]:
        """Within it, the faults happen."""
        if self == NO_FAULTS:
            return contextlib.nullcontext()
        from signalcli.trace import Faults, injected

        delay: dict[str, float] = {}
        for pattern, seconds in self.delay:
            # The last one that fits counts, so what is said again takes its place at the end.
            delay.pop(pattern, None)
            delay[pattern] = seconds
        return injected(Faults(fail=self.fail, delay=delay, mute=self.mute))


NO_FAULTS = FaultOptions()


def fault_options(said: dict[str, Any]) -> FaultOptions:
    """What was said by options of those :data:`NAMES`."""
    return FaultOptions(**{name: tuple(said[name] or ()) for name in NAMES})


def _delays(texts: list[str] | None) -> list[tuple[str, float]]:
    return [_delay(text) for text in texts or ()]


def _delay(text: str) -> tuple[str, float]:
    pattern, _, seconds = text.rpartition("=")
    if not pattern:
        raise typer.BadParameter(
            f"{text!r} does not say who and how long; write it as create_profile=200ms"
        )
    return pattern, duration(seconds)


def _complete_receiver(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    # A shell in the middle of a line is no place for a message.
    with contextlib.suppress(Exception):
        from signalcli.apps.inventory import find_connections
        from signalcli.cli.completion import make_apps_ready

        make_apps_ready(ctx)
        names = dict.fromkeys(entry.short_receiver for entry in find_connections())
        yield from (name for name in names if name.startswith(incomplete))


def _complete_signal(ctx: typer.Context, incomplete: str) -> list[str]:
    from signalcli.cli.connected import complete_signal

    return complete_signal(ctx, incomplete)


Fail = Annotated[
    list[str] | None,
    typer.Option(
        "--fail",
        metavar="RECEIVER",
        help="Make receivers of this name (a glob) raise.",
        autocompletion=_complete_receiver,
        rich_help_panel=PANEL,
        show_default=False,
    ),
]
# What the callback makes of it are pairs of a glob and seconds.
Delay = Annotated[
    list[str] | None,
    typer.Option(
        "--delay",
        metavar="RECEIVER=TIME",
        help="Make receivers of this name slow: create_profile=200ms.",
        callback=_delays,
        rich_help_panel=PANEL,
        show_default=False,
    ),
]
Mute = Annotated[
    list[str] | None,
    typer.Option(
        "--mute",
        metavar="SIGNAL",
        help="Let signals of this name reach nobody.",
        autocompletion=_complete_signal,
        rich_help_panel=PANEL,
        show_default=False,
    ),
]
