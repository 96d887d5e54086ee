"""Watching dispatches and building the tree of what set off what."""

from signalcli.trace.dispatcher import record
from signalcli.trace.faults import Faults, injected
from signalcli.trace.recorder import Recorder
from signalcli.trace.records import Dispatch, Failure, InjectedFault, Injection, Response, Trace
from signalcli.trace.totals import ReceiverTotal, Totals, totalled

__all__ = [
    "Dispatch",
    "Failure",
    "Faults",
    "InjectedFault",
    "Injection",
    "ReceiverTotal",
    "Recorder",
    "Response",
    "Totals",
    "Trace",
    "injected",
    "record",
    "totalled",
]
