"""The tables of the signal log.

They stand beside the tables of the installed apps, in a metadata of their own: code that creates
or drops all tables of SQLModel's leaves them alone.

The signal, sender and receiver of a dispatch or a response are its route
(see :mod:`signalcli.log.routes`).
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    DateTime,
    Float,
    Index,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    Text,
    null,
    text,
)

from signalcli.trace.records import Failure

metadata = MetaData()


def since(version: int) -> dict[str, int]:
    """The mark of a column that a later version of the log brought."""
    return {"since": version}


def columns_of(table: Table, version: int) -> list[ColumnElement[Any]]:
    """A table's columns, with NULL for each column that this version of the log lacks."""
    return [
        column if column.info.get("since", 1) <= version else null().label(column.name)
        for column in table.columns
    ]


# SQLite numbers rows by itself only in an INTEGER column.
_Number = BigInteger().with_variant(Integer(), "sqlite")

schema = Table(
    "signalcli_schema",
    metadata,
    Column("part", String(50), primary_key=True),
    Column("version", Integer, nullable=False),
)

run = Table(
    "signalcli_run",
    metadata,
    Column("run", _Number, primary_key=True, autoincrement=True),
    Column("begun", DateTime, nullable=False),
    Column("ended", DateTime, nullable=False, index=True),
    Column("command", String(50), nullable=False),
    Column("command_line", Text, nullable=False),
    Column("exit_code", Integer, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("is_rolled_back", Boolean, nullable=False),
    Column("message", Text, nullable=False),
    Column("result", Text),
    Column("error_code", String(50)),
    Column("error_message", Text),
    Column("dispatches", Integer, nullable=False),
    Column("responses", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("trace_ended", Float),
    # Whether its exit code is not 0, or a response failed.
    Column("is_failed", Boolean, nullable=False),
    # The number of a run that was removed is not given again.
    sqlite_autoincrement=True,
)
# The flag is also a column of these indexes, or SQLite would prefer to read all rows. The condition
# is literal SQL, since SQLite does not recognise one with a parameter.
_FLAGGED = text("is_failed = 1")
Index(
    "signalcli_run_failed",
    run.c.is_failed,
    run.c.run,
    sqlite_where=_FLAGGED,
)

subject = Table(
    "signalcli_run_user",
    metadata,
    Column("username", String(200), primary_key=True),
    Column("run", _Number, primary_key=True),
    Index("signalcli_run_user_of", "run"),
    sqlite_with_rowid=False,
)

route = Table(
    "signalcli_route",
    metadata,
    Column("route", BigInteger, primary_key=True, autoincrement=False),
    Column("signal", Text, nullable=False),
    Column("signal_path", Text, nullable=False),
    Column("sender", Text),
    Column("receiver", Text),
    Column("file", Text),
    Column("line", Integer),
)

dispatch = Table(
    "signalcli_dispatch",
    metadata,
    Column("run", _Number, primary_key=True, autoincrement=False),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("route", BigInteger, nullable=False),
    Column("parent_seq", Integer),
    Column("parent_place", Integer),
    Column("robust", Boolean, nullable=False),
    Column("arguments", Text, nullable=False),
    Column("begun", Float, nullable=False),
    Column("seconds", Float),
    # NULL in runs that an older version kept.
    Column("muted", Boolean, info=since(2)),
    Column("elsewhere", Boolean, info=since(2)),
    # The receivers that a failure kept from being called, as a JSON array; NULL for none.
    Column("not_called", Text, info=since(4)),
    # How much of the parent's output came before it; NULL where that is unknown.
    Column("output_before", Integer, info=since(5)),
    Index("signalcli_dispatch_route", "route", "run"),
    sqlite_with_rowid=False,
)

response = Table(
    "signalcli_response",
    metadata,
    Column("run", _Number, primary_key=True, autoincrement=False),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("route", BigInteger, nullable=False),
    Column("begun", Float, nullable=False),
    # Of an unfinished response, the time until the watching ended.
    Column("seconds", Float, nullable=False),
    Column("is_finished", Boolean, nullable=False),
    Column("is_failed", Boolean, nullable=False),
    Column("value", Text, nullable=False),
    # See :func:`columns_of_failure`.
    Column("failure_type", Text),
    Column("failure_message", Text),
    Column("failure_file", Text),
    Column("failure_line", Integer),
    Column("output", Text, nullable=False),
    Column("omitted", Integer, nullable=False),
    # A fault on purpose. Where there was none, both are NULL; a delay may be 0 seconds.
    Column("injected_failure", Boolean, info=since(2)),
    Column("injected_delay", Float, info=since(2)),
    Index("signalcli_response_route", "route", "run"),
    Index("signalcli_response_seconds", "route", "seconds", "run"),
    sqlite_with_rowid=False,
)
Index(
    "signalcli_response_failed",
    response.c.route,
    response.c.is_failed,
    response.c.run,
    sqlite_where=_FLAGGED,
)

_ON_COMMIT = " on commit in "


def columns_of_failure(failure: Failure | None) -> dict[str, Any]:
    """The values of a response's columns about its failure.

    Where a function failed after the commit, its name follows on the type: a log that any version
    has made holds that, and any version shows it.
    """
    if failure is None:
        return dict.fromkeys(
            ("failure_type", "failure_message", "failure_file", "failure_line"), None
        )
    function = _ON_COMMIT + failure.function if failure.function else ""
    return {
        "failure_type": failure.type + function,
        "failure_message": failure.message,
        "failure_file": failure.file,
        "failure_line": failure.line,
    }


def failure_of(row: Row[Any]) -> Failure | None:
    """The failure in a row of the table of responses, if there is one."""
    if not row.is_failed:
        return None
    kind, _, function = row.failure_type.partition(_ON_COMMIT)
    return Failure(kind, row.failure_message, row.failure_file, row.failure_line, function)


TOTALS_SINCE = 3

# Totals of each receiver and signal, for a run of too many dispatches to keep its trace.
total = Table(
    "signalcli_total",
    metadata,
    Column("run", _Number, primary_key=True, autoincrement=False),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("receiver", Text, nullable=False),
    Column("signal", Text, nullable=False),
    Column("signal_path", Text, nullable=False),
    Column("runs", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("seconds", Float, nullable=False),
    sqlite_with_rowid=False,
)

OF_A_RUN = (total, response, dispatch, subject, run)
