"""Watching dispatches and building the tree of what set off what."""

from signalcli.trace.dispatcher import record
from signalcli.trace.recorder import Recorder
from signalcli.trace.records import Dispatch, Failure, Response, Trace

__all__ = ["Dispatch", "Failure", "Recorder", "Response", "Trace", "record"]
