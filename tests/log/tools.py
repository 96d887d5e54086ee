"""What the tests of the signal log have in common: making runs, and watching the database."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event

from signalcli.db.engine import open_engine
from signalcli.log.runs import Run, keep, read_runs, read_trace
from signalcli.trace.records import Dispatch, Failure, Response, Trace
from tests import processes

EVERYTHING = sys.maxsize


def now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def a_run(**said: Any) -> Run:
    """A run, of which only what matters is said."""
    return Run(
        **{
            "begun": now(),
            "command": "test",
            "command_line": "signalcli test",
            "exit_code": 0,
            "seconds": 0.25,
            **said,
        }
    )


def a_dispatch(
    trace: Trace, path: str = "shop.paid", sender: str | None = None, seconds: float | None = 0.1
) -> Dispatch:
    """One more dispatch of a trace."""
    dispatch = Dispatch(
        seq=len(trace.dispatches) + 1,
        parent=None,
        signal=path.rpartition(".")[2],
        signal_path=path,
        sender=sender,
        robust=False,
        arguments={},
        begun=0.5,
        seconds=seconds,
    )
    trace.dispatches.append(dispatch)
    return dispatch


def a_response(
    dispatch: Dispatch,
    receiver: str = "shop.bill",
    seconds: float | None = 0.01,
    *,
    fails: bool = False,
) -> Response:
    """One more response in a dispatch."""
    response = Response(dispatch, receiver, begun=1.0, file="shop.py", line=7, seconds=seconds)
    if fails:
        response.failure = Failure("ValueError", "no", "shop.py", 8)
    dispatch.responses.append(response)
    return response


def a_trace(receiver: str = "shop.bill", path: str = "shop.paid", ended: float = 2.0) -> Trace:
    """A trace of one dispatch and one response."""
    trace = Trace(ended=ended)
    a_response(a_dispatch(trace, path), receiver)
    return trace


def keep_some(engine: Engine, count: int, most: int = EVERYTHING, **said: Any) -> list[int]:
    """Keep some runs that have a small trace; their numbers."""
    kept = [keep(engine, a_run(**said), a_trace(), most) for _ in range(count)]
    return [run.number or 0 for run in kept]


def as_kept(run: Run, trace: Trace, number: int | None) -> Run:
    """A run as it must come back from the log."""
    responses = list(trace.responses)
    return replace(
        run,
        number=number,
        users=tuple(sorted(set(run.users))),
        dispatches=len(trace.dispatches),
        responses=len(responses) + sum(total.runs for total in run.totals),
        failures=sum(response.failure is not None for response in responses)
        + sum(total.failures for total in run.totals),
    )


def numbers_in(engine: Engine) -> list[int]:
    """The numbers of the runs in the log, the oldest first."""
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT run FROM signalcli_run ORDER BY run")
        return [number for (number,) in rows]


def count_rows(engine: Engine) -> dict[str, int]:
    """How many rows each table of the log has."""
    names = ("run", "run_user", "dispatch", "response", "route")
    with engine.connect() as connection:
        return {
            name: connection.exec_driver_sql(f"SELECT count(*) FROM signalcli_{name}").scalar_one()
            for name in names
        }


def whole_log(connection: Connection) -> list[tuple[Run, Trace]]:
    """Every run in the log with its trace, the oldest first."""
    rows = connection.exec_driver_sql("SELECT run FROM signalcli_run").scalars().all()
    return [
        (run, read_trace(connection, run.number or 0)) for run in read_runs(connection, rows)[::-1]
    ]


@dataclass
class Seen:
    """The statements that an engine carried out."""

    statements: list[tuple[str, Any]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.statements)

    def plans(self, connection: Connection) -> list[tuple[str, list[str]]]:
        """Each query, with how SQLite goes about it."""
        driver: Any = connection.connection.driver_connection
        return [
            (
                statement,
                [row[3] for row in driver.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)],
            )
            for statement, parameters in self.statements
            if statement.startswith("SELECT")
        ]


@contextmanager
def statements_of(engine: Engine) -> Iterator[Seen]:
    """Within it, what an engine is asked to do is noted."""
    seen = Seen()

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
        seen.statements.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def steps_of(connection: Connection, work: Callable[[], Any]) -> int:
    """How many instructions of SQLite's virtual machine some work takes, in hundreds."""
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    driver: Any = connection.connection.driver_connection
    driver.set_progress_handler(count, 100)
    try:
        work()
    finally:
        driver.set_progress_handler(None, 0)
    return steps


@contextmanager
def few_parameters(connection: Connection, limit: int) -> Iterator[None]:
    """Have SQLite take fewer parameters in a statement than the 32,766 that it usually takes."""
    driver: Any = connection.connection.driver_connection
    before = driver.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, limit)
    try:
        yield
    finally:
        driver.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, before)


def run_python(code: str, *arguments: str) -> "subprocess.Popen[str]":
    """Start a Python process."""
    return processes.start(
        [sys.executable, "-W", "error::ResourceWarning", "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=processes.ROOT,
    )


def finish(started: "Iterable[subprocess.Popen[str]]") -> list[str]:
    """Wait for processes; what each printed."""
    outputs = []
    for process in started:
        out, err = processes.finish(process)
        assert (process.returncode, err) == (0, "")
        outputs.append(out)
    return outputs


@dataclass(frozen=True)
class Program:
    """The installed program, run in a folder of its own."""

    folder: Path

    def __call__(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        own = {name: text for name, text in os.environ.items() if not name.startswith("SIGNALCLI")}
        return processes.run(
            [Path(sys.executable).with_name("signalcli"), *arguments],
            cwd=self.folder,
            env={**own, "LC_ALL": "C.UTF-8"},
        )


def dump_of(database: Path) -> list[str]:
    """All that is in a database, as SQL."""
    connection = sqlite3.connect(database)
    rows = list(connection.iterdump())
    connection.close()
    return rows


@contextmanager
def opened(database: Path | str, *, writes: bool = True) -> Iterator[Engine]:
    """An engine for a while."""
    engine = open_engine(str(database), writes=writes, creates=writes)
    try:
        yield engine
    finally:
        engine.dispose()
