"""Keeping a run in the log when it is over, whatever came of it."""

from sqlalchemy import Engine

from signalcli.trace.log.retention import retain
from signalcli.trace.log.runs import Run
from signalcli.trace.log.writing import write
from signalcli.trace.records import Trace


def keep(engine: Engine, run: Run, trace: Trace, most: int) -> Run:
    """Write a run and its trace into the log, in a transaction of its own.

    Arguments:
        engine: the database.
        run: the run.
        trace: its trace.
        most: how many runs the log is to have at most; older ones make room.

    Returns:
        The run as it is in the log, with its number.

    Raises:
        DatabaseUnusable: a newer version of signalcli made the log.
        SQLAlchemyError: the log cannot be written.
    """
    with engine.begin() as connection:
        kept = write(connection, run, trace)
        retain(connection, kept.number or 0, most)
    return kept
