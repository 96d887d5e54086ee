"""Runs as the log keeps them, and the reading of runs and their traces."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from signalcli.log import tables
from signalcli.log.schema import version_of
from signalcli.trace.records import Dispatch, Failure, Injection, Response, Trace
from signalcli.trace.totals import ReceiverTotal


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One command line carried out.

    Attributes:
        number: its number in the log; None before it is written there.
        begun: when it began, in UTC, without a time zone.
        command: the command's name.
        command_line: the command line, with secrets replaced.
        exit_code: its exit code.
        seconds: how long it took, in seconds.
        is_rolled_back: whether what it wrote was rolled back.
        message: the line for people at its end, or an empty string.
        result: the answer for programs, as JSON has it; None where it failed.
        error_code: the word for its error, or None.
        error_message: the line for its error, or None.
        users: the names of the users that it was about.
        dispatches: how many dispatches its trace has.
        responses: how many responses.
        failures: how many of them failed.
        totals: the totals of each receiver, where the trace is not kept.
    """

    number: int | None = None
    begun: datetime
    command: str
    command_line: str
    exit_code: int
    seconds: float
    is_rolled_back: bool = False
    message: str = ""
    result: Any = None
    error_code: str | None = None
    error_message: str | None = None
    users: tuple[str, ...] = ()
    dispatches: int = 0
    responses: int = 0
    failures: int = 0
    totals: tuple[ReceiverTotal, ...] = ()

    @property
    def outcome(self) -> str:
        """How it ended: ``done``, ``interrupted``, ``rolled back`` or ``failed``."""
        if self.exit_code == 0:
            return "done"
        if self.exit_code >= 128:
            return "interrupted"
        return "rolled back" if self.is_rolled_back else "failed"


def read_runs(connection: Connection, numbers: Iterable[int]) -> list[Run]:
    """The runs with these numbers, the newest first; none for a number that the log lacks."""
    wanted = list(numbers)
    if not wanted:
        return []
    found = connection.execute(
        select(tables.run).where(tables.run.c.run.in_(wanted)).order_by(tables.run.c.run.desc())
    )
    rows = list(found)
    users: dict[int, list[str]] = {row.run: [] for row in rows}
    named = select(tables.subject).where(tables.subject.c.run.in_(wanted))
    for username, number in connection.execute(named.order_by(tables.subject.c.username)):
        users.setdefault(number, []).append(username)
    totals = _totals(connection, wanted)
    return [_run(row, users[row.run], totals.get(row.run, ())) for row in rows]


def read_trace(connection: Connection, number: int | None) -> Trace:
    """The trace of a run; empty where the log lacks it."""
    ended = connection.scalar(select(tables.run.c.trace_ended).where(tables.run.c.run == number))
    trace = Trace(ended=ended)
    version = version_of(connection)
    responses = _responses(connection, number, version)
    by_place: dict[tuple[int, int], Response] = {}
    for row in connection.execute(_with_route(tables.dispatch, number, version)):
        parent = by_place.get((row.parent_seq, row.parent_place))
        dispatch = Dispatch(
            seq=row.seq,
            parent=parent,
            signal=row.signal,
            signal_path=row.signal_path,
            sender=row.sender,
            robust=row.robust,
            arguments=json.loads(row.arguments),
            begun=row.begun,
            seconds=row.seconds,
            muted=bool(row.muted),
            elsewhere=bool(row.elsewhere),
        )
        trace.dispatches.append(dispatch)
        if parent is not None:
            parent.add_caused(dispatch)
        for place, of_response in enumerate(responses.get(row.seq, [])):
            response = _response(dispatch, of_response)
            dispatch.responses.append(response)
            by_place[row.seq, place] = response
    return trace


def _totals(connection: Connection, numbers: list[int]) -> dict[int, list[ReceiverTotal]]:
    """The totals of receivers in runs whose traces are not kept, by run."""
    totals: dict[int, list[ReceiverTotal]] = {}
    if version_of(connection) < tables.TOTALS_SINCE:
        return totals
    columns = tables.total.c
    query = select(tables.total).where(columns.run.in_(numbers))
    for row in connection.execute(query.order_by(columns.run, columns.place)):
        total = ReceiverTotal(
            row.receiver, row.signal, row.signal_path, row.runs, row.failures, row.seconds
        )
        totals.setdefault(row.run, []).append(total)
    return totals


def _responses(
    connection: Connection, number: int | None, version: int
) -> dict[int, list[Row[Any]]]:
    """The rows of a run's responses, by dispatch."""
    rows: dict[int, list[Row[Any]]] = {}
    for row in connection.execute(_with_route(tables.response, number, version)):
        rows.setdefault(row.seq, []).append(row)
    return rows


def _with_route(table: Any, number: int | None, version: int) -> Any:
    """A query for the rows of a run, in order, each with its route."""
    return (
        select(*tables.columns_of(table, version), tables.route)
        .join(tables.route, table.c.route == tables.route.c.route)
        .where(table.c.run == number)
        .order_by(*table.primary_key)
    )


def _response(dispatch: Dispatch, row: Row[Any]) -> Response:
    failure = None
    if row.is_failed:
        failure = Failure(row.failure_type, row.failure_message, row.failure_file, row.failure_line)
    return Response(
        dispatch,
        row.receiver,
        begun=row.begun,
        file=row.file,
        line=row.line,
        value=json.loads(row.value),
        failure=failure,
        seconds=row.seconds if row.is_finished else None,
        output=row.output,
        omitted=row.omitted,
        injected=None
        if row.injected_delay is None
        else Injection(row.injected_failure, row.injected_delay),
    )


def _run(row: Row[Any], users: Iterable[str], totals: Iterable[ReceiverTotal]) -> Run:
    return Run(
        number=row.run,
        begun=row.begun,
        command=row.command,
        command_line=row.command_line,
        exit_code=row.exit_code,
        seconds=row.seconds,
        is_rolled_back=row.is_rolled_back,
        message=row.message,
        result=None if row.result is None else json.loads(row.result),
        error_code=row.error_code,
        error_message=row.error_message,
        users=tuple(users),
        dispatches=row.dispatches,
        responses=row.responses,
        failures=row.failures,
        totals=tuple(totals),
    )
