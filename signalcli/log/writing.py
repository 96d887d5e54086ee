"""Writing a finished run and its trace into the log, whether it succeeded or not."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, insert

from signalcli.log import routes, tables
from signalcli.log.retention import retain
from signalcli.log.routes import Route, route_of_dispatch, route_of_response
from signalcli.log.runs import Run
from signalcli.log.schema import bring_up_to_date
from signalcli.trace.records import Dispatch, Failure, Response, Trace

PATIENCE_MS = 5_000
LARGEST_RESULT = 4096


def keep(engine: Engine, run: Run, trace: Trace, most: int) -> Run:
    """Write a run and its trace into the log, in a transaction of its own.

    Arguments:
        engine: the database; of SQLite one whose transactions take the write lock when they begin
            (see :func:`signalcli.db.create_engine`), or runs that end at once may be lost.
        run: the run.
        trace: its trace.
        most: how many runs the log is to have at most; older ones make room.

    Returns:
        The run as it is in the log, with its number.

    Raises:
        DatabaseUnusable: a newer version of signalcli made the log.
        SQLAlchemyError: the log cannot be written.
    """
    with (
        engine.connect() as connection,
        _without_waiting_long(connection),
        connection.begin(),
    ):
        kept = write(connection, run, trace)
        retain(connection, kept.number or 0, most)
    return kept


@contextmanager
def _without_waiting_long(connection: Connection) -> Iterator[None]:
    """Have SQLite wait less for others, and let a commit return before it reaches the disk.

    A command should not wait for its log. After a power failure the last runs may be missing; the
    log stays sound.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    # The driver's own cursor: SQLAlchemy would begin a transaction, which is too late for these.
    cursor = connection.connection.cursor()
    (before,) = cursor.execute("PRAGMA synchronous").fetchone()
    (patience_ms,) = cursor.execute("PRAGMA busy_timeout").fetchone()
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute(f"PRAGMA busy_timeout = {min(patience_ms, PATIENCE_MS)}")
    try:
        yield
    finally:
        cursor.execute(f"PRAGMA synchronous = {before}")
        cursor.execute(f"PRAGMA busy_timeout = {patience_ms}")
        cursor.close()


class _Written(NamedTuple):
    """A response as it was when the run was written."""

    response: Response
    route: Route
    place: int
    failure: Failure | None


def write(connection: Connection, run: Run, trace: Trace) -> Run:
    """Write a run and its trace; call it in a transaction that writes nothing else.

    Each table gets its rows in one statement. Missing tables are made.

    Arguments:
        connection: the database.
        run: the run; its number and its counts are set here.
        trace: its trace.

    Returns:
        The run as it is in the log.

    Raises:
        DatabaseUnusable: a newer version of signalcli made the log.
    """
    bring_up_to_date(connection)
    # A thread that a receiver left behind may go on adding to the trace.
    dispatches = [(dispatch, route_of_dispatch(dispatch)) for dispatch in list(trace.dispatches)]
    responses = [
        _Written(response, route_of_response(response), place, response.failure)
        for dispatch, _ in dispatches
        for place, response in enumerate(list(dispatch.responses))
    ]
    run = replace(
        run,
        result=run.result if _is_small(run.result) else None,
        users=tuple(sorted(set(run.users))),
        dispatches=run.dispatches + len(dispatches),
        responses=sum(total.runs for total in run.totals) + len(responses),
        failures=sum(total.failures for total in run.totals)
        + sum(written.failure is not None for written in responses),
    )
    result = connection.execute(insert(tables.run), _run_values(run, trace.ended))
    number = result.inserted_primary_key[0] if result.inserted_primary_key else 0
    of_all = {route for _, route in dispatches} | {written.route for written in responses}
    numbers = routes.store(connection, of_all)
    for table, rows in (
        (tables.subject, [{"run": number, "username": name} for name in run.users]),
        (tables.total, list(_total_rows(number, run))),
        (tables.dispatch, list(_dispatch_rows(number, dispatches, responses, numbers))),
        (tables.response, list(_response_rows(number, responses, numbers, trace.ended))),
    ):
        if rows:
            connection.execute(insert(table), rows)
    return replace(run, number=number)


def _run_values(run: Run, trace_ended: float | None) -> dict[str, Any]:
    return {
        "begun": run.begun,
        # Taken while nobody else can write, so that no later run has an earlier end.
        "ended": datetime.now(UTC).replace(tzinfo=None),
        "command": run.command,
        "command_line": run.command_line,
        "exit_code": run.exit_code,
        "seconds": run.seconds,
        "is_rolled_back": run.is_rolled_back,
        "message": run.message,
        "result": None if run.result is None else _dumps(run.result),
        "error_code": run.error_code,
        "error_message": run.error_message,
        "dispatches": run.dispatches,
        "responses": run.responses,
        "failures": run.failures,
        "trace_ended": trace_ended,
        "is_failed": run.exit_code != 0 or run.failures > 0,
    }


def _total_rows(number: int, run: Run) -> Iterator[dict[str, Any]]:
    for place, total in enumerate(run.totals):
        yield {
            "run": number,
            "place": place,
            "receiver": total.receiver,
            "signal": total.signal,
            "signal_path": total.signal_path,
            "runs": total.runs,
            "failures": total.failures,
            "seconds": total.seconds,
        }


def _dispatch_rows(
    run: int,
    dispatches: list[tuple[Dispatch, Route]],
    responses: list[_Written],
    numbers: dict[Route, int],
) -> Iterator[dict[str, Any]]:
    places = {
        id(written.response): (written.response.dispatch.seq, written.place)
        for written in responses
    }
    for dispatch, route in dispatches:
        parent_seq, parent_place = places.get(id(dispatch.parent), (None, None))
        yield {
            "run": run,
            "seq": dispatch.seq,
            "route": numbers[route],
            "parent_seq": parent_seq,
            "parent_place": parent_place,
            "robust": dispatch.robust,
            "arguments": _dumps(dispatch.arguments),
            "begun": dispatch.begun,
            "seconds": dispatch.seconds,
            "muted": dispatch.muted,
            "elsewhere": dispatch.elsewhere,
        }


def _response_rows(
    run: int,
    responses: list[_Written],
    numbers: dict[Route, int],
    trace_ended: float | None,
) -> Iterator[dict[str, Any]]:
    for response, route, place, failure in responses:
        seconds = response.seconds
        so_far = (trace_ended or response.begun) - response.begun if seconds is None else seconds
        yield {
            "run": run,
            "seq": response.dispatch.seq,
            "place": place,
            "route": numbers[route],
            "begun": response.begun,
            "seconds": so_far,
            "is_finished": seconds is not None,
            "is_failed": failure is not None,
            "value": _dumps(response.value),
            "failure_type": failure and failure.type,
            "failure_message": failure and failure.message,
            "failure_file": failure and failure.file,
            "failure_line": failure and failure.line,
            "output": response.output,
            "omitted": response.omitted,
            "injected_failure": response.injected and response.injected.failure,
            "injected_delay": response.injected and response.injected.delay,
        }


def _is_small(result: Any) -> bool:
    return len(_dumps(result)) <= LARGEST_RESULT


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
