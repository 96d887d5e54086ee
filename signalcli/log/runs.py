"""Runs and their traces: writing them into the log, and reading them from it."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Dialect, Engine, Row, Table, insert, select
from sqlalchemy.exc import DBAPIError

from signalcli.db.arrays import Arrays, is_taken_by
from signalcli.db.database import is_given_up
from signalcli.log import routes, tables
from signalcli.log.retention import retain
from signalcli.log.routes import Route, route_of_dispatch, route_of_response
from signalcli.log.schema import bring_up_to_date, version_of
from signalcli.trace.records import Dispatch, Failure, Injection, Response, Trace, strict_json
from signalcli.trace.totals import ReceiverTotal

ATTEMPTS = 10
PATIENCE_MS = 5_000
LARGEST_RESULT = 4096

# These columns hold the attributes of their names as they are.
_OF_RUN = (
    "begun",
    "command",
    "command_line",
    "exit_code",
    "seconds",
    "is_rolled_back",
    "message",
    "error_code",
    "error_message",
    "dispatches",
    "responses",
    "failures",
)
_OF_TOTAL = ("receiver", "signal", "signal_path", "runs", "failures", "seconds")


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


def keep(engine: Engine, run: Run, trace: Trace, most: int) -> Run:
    """Write a run and its trace into the log, in a transaction of its own.

    Where the database gives the transaction up in favour of another one, it is tried again.

    Arguments:
        engine: the database. SQLite's transactions must take the write lock when they begin (see
            :func:`signalcli.db.create_engine`), or runs that end at the same time may be lost.
        run: the run.
        trace: its trace.
        most: the limit of the log's runs; the oldest ones make room.

    Returns:
        The run as it is in the log, with its number.

    Raises:
        DatabaseUnusable: a newer version of signalcli made the log.
        SQLAlchemyError: the log cannot be written, and nothing of the run is in it.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return _keep(engine, run, trace, most)
        except DBAPIError as error:
            if not is_given_up(error):
                raise
    return _keep(engine, run, trace, most)


def _keep(engine: Engine, run: Run, trace: Trace, most: int) -> Run:
    kept: Run | None = None
    try:
        with (
            engine.connect() as connection,
            _without_waiting_long(connection),
            connection.begin(),
        ):
            written = write(connection, run, trace)
            retain(connection, written.number or 0, most)
            # From here on, only the commit may fail.
            kept = written
    except DBAPIError as error:
        if kept is None or not error.connection_invalidated or not _has(engine, kept):
            raise
    return kept


def _has(engine: Engine, run: Run) -> bool:
    """Whether a run is in the log, where the connection was lost in the commit."""
    with engine.connect() as connection:
        number = select(tables.run.c.run).where(tables.run.c.run == run.number)
        return connection.scalar(number) is not None


@contextmanager
def _without_waiting_long(connection: Connection) -> Iterator[None]:
    """Have SQLite wait less for other processes, and not wait for the disk.

    A command should not wait for its log. After a power failure the last runs may be missing, but
    the log is sound.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    # The driver's own cursor: SQLAlchemy would first begin a transaction, and wait for the lock.
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
        (
            tables.total,
            [
                {"run": number, "place": place, **_values(total, _OF_TOTAL)}
                for place, total in enumerate(run.totals)
            ],
        ),
        (tables.dispatch, list(_dispatch_rows(number, dispatches, responses, numbers))),
        (tables.response, list(_response_rows(number, responses, numbers, trace.ended))),
    ):
        if rows:
            _insert(connection, table, rows)
    return replace(run, number=number)


def _insert(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert rows in one statement."""
    if is_taken_by(connection.dialect):
        arrays = _arrays(table, connection.dialect)
        values = arrays and arrays.values(rows)
        if arrays and values:
            arrays.insert(connection, values, None)
            return
    statement = insert(table)
    if connection.dialect.name == "postgresql":
        # Without anything to return, drivers would send a statement for each row.
        statement = statement.returning(table.c.run)
    connection.execute(statement, rows)


@lru_cache(maxsize=16)
def _arrays(table: Table, dialect: Dialect) -> Arrays | None:
    """How PostgreSQL is given the rows of a table."""
    return Arrays.of(table, {column.key: column for column in table.columns}, dialect)


def _run_values(run: Run, trace_ended: float | None) -> dict[str, Any]:
    return {
        **_values(run, _OF_RUN),
        # Taken while nobody else can write, so that no later run has an earlier end.
        "ended": datetime.now(UTC).replace(tzinfo=None),
        "result": None if run.result is None else _dumps(run.result),
        "trace_ended": trace_ended,
        "is_failed": run.exit_code != 0 or run.failures > 0,
    }


def _values(record: Any, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(record, name) for name in names}


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
            "not_called": _dumps(dispatch.not_called) if dispatch.not_called else None,
            "output_before": dispatch.output_before,
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
            **tables.columns_of_failure(failure),
            "output": response.output,
            "omitted": response.omitted,
            "injected_failure": response.injected and response.injected.failure,
            "injected_delay": response.injected and response.injected.delay,
        }


def _is_small(result: Any) -> bool:
    return len(_dumps(result)) <= LARGEST_RESULT


def _dumps(value: Any) -> str:
    return strict_json(value, ensure_ascii=False, separators=(",", ":"))


def read_runs(connection: Connection, numbers: Iterable[int]) -> list[Run]:
    """The runs with these numbers, the newest first; none for a number that the log lacks."""
    wanted = list(numbers)
    if not wanted:
        return []
    version = version_of(connection)
    query = select(*tables.columns_of(tables.run, version)).where(tables.run.c.run.in_(wanted))
    rows = list(connection.execute(query.order_by(tables.run.c.run.desc())))
    users: dict[int, list[str]] = {row.run: [] for row in rows}
    named = select(tables.subject).where(tables.subject.c.run.in_(wanted))
    for username, number in connection.execute(named.order_by(tables.subject.c.username)):
        users.setdefault(number, []).append(username)
    totals = _totals(connection, wanted) if version >= tables.TOTALS_SINCE else {}
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
            not_called=tuple(json.loads(row.not_called or "[]")),
            output_before=row.output_before,
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
    columns = tables.total.c
    query = select(tables.total).where(columns.run.in_(numbers))
    for row in connection.execute(query.order_by(columns.run, columns.place)):
        total = ReceiverTotal(**_values(row, _OF_TOTAL))
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
    return Response(
        dispatch,
        row.receiver,
        begun=row.begun,
        file=row.file,
        line=row.line,
        value=json.loads(row.value),
        failure=tables.failure_of(row),
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
        result=None if row.result is None else json.loads(row.result),
        users=tuple(users),
        totals=tuple(totals),
        **_values(row, _OF_RUN),
    )
