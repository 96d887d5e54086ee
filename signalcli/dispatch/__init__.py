"""Signals and their receivers, after Django's contract; standard library only, usable alone."""

from signalcli.dispatch.calling import Receiver, Responses
from signalcli.dispatch.connections import Connection
from signalcli.dispatch.deaths import DeadReceiverWarning, Death
from signalcli.dispatch.signal import Signal, all_signals, receiver
from signalcli.dispatch.watching import Interceptor, Meter, Observer, metered, watch

__all__ = [
    "Connection",
    "DeadReceiverWarning",
    "Death",
    "Interceptor",
    "Meter",
    "Observer",
    "Receiver",
    "Responses",
    "Signal",
    "all_signals",
    "metered",
    "receiver",
    "watch",
]
