"""The document that a command prints with ``--json``."""

from signalcli.log.runs import Run
from signalcli.render.document import document_of, dumps
from signalcli.trace.records import Trace


def export(run: Run, trace: Trace) -> str:
    """The document on one line."""
    return dumps(document_of(run, trace)) + "\n"
