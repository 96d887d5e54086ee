"""Putting faults into a run on purpose, as its options say."""

import contextlib
from contextlib import AbstractContextManager

from signalcli.cli.invocation import NO_FAULTS, FaultOptions
from signalcli.trace import Faults, injected
from signalcli.trace.names import matches


def check(wanted: FaultOptions) -> None:
    """Make sure that every glob fits something; to be called when the apps are ready.

    Raises:
        NotFound: no connected receiver, or no signal, has a name like that.
    """
    if wanted == NO_FAULTS:
        return
    # Most runs have no faults, and do without the inventory.
    from signalcli.apps.inventory import find_connections, find_signals, no_match

    entries = find_connections()
    for pattern in (*wanted.fail, *(pattern for pattern, _ in wanted.delay)):
        if not any(matches(pattern, each.short_receiver, each.receiver) for each in entries):
            raise no_match("receiver", repr(pattern), "receivers")
    for pattern in wanted.mute:
        find_signals(pattern)


def put_in(wanted: FaultOptions) -> AbstractContextManager[None]:
    """Have the faults happen."""
    if wanted == NO_FAULTS:
        return contextlib.nullcontext()
    delay: dict[str, float] = {}
    for pattern, seconds in wanted.delay:
        # The last glob that fits counts, so a repeated one moves to the end.
        delay.pop(pattern, None)
        delay[pattern] = seconds
    return injected(Faults(fail=wanted.fail, delay=delay, mute=wanted.mute))
