"""Make a database with a signal log of any size: ``python -m benchmarks.make_log FILE RUNS``.

Real runs (two registrations, an update, notifications, a registration that fails, a removal) are
recorded once and written by signalcli itself; then SQLite multiplies their rows. A receiver that
ran once, in the very first run, is the needle to look for.
"""

import sqlite3
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from signalcli.apps import apps
from signalcli.apps.tables import bring_up_to_date
from signalcli.core import users
from signalcli.core.signals import notification
from signalcli.db import Session
from signalcli.db.engine import open_engine
from signalcli.db.lifetime import open_session
from signalcli.log.runs import Run, keep
from signalcli.trace import Recorder, record

NEEDLE = "needle_in_a_haystack"
STEP = 50_000
NOTIFICATIONS = 7


def needle_in_a_haystack(**kwargs: Any) -> None:
    """A receiver that is connected for one run."""


def refuse(**kwargs: Any) -> None:
    """A receiver that fails."""
    raise RuntimeError("the mail server is down")


def _record_examples(database: Path) -> int:
    """Write one run of each kind into the log; returns how many."""
    apps.populate()
    engine = open_engine(str(database), writes=True, creates=True)

    def run(command: str, work: Callable[[Session], Any], exit_code: int = 0) -> None:
        recorder = Recorder()
        begun = datetime.now(UTC).replace(tzinfo=None)
        with record(recorder), open_session(engine, on_begin=[bring_up_to_date]) as session:
            try:
                work(session)
                session.commit()
            except RuntimeError:
                session.rollback()
        line = f"signalcli {command} user"
        example = Run(
            begun=begun,
            command=command,
            command_line=line,
            exit_code=exit_code,
            seconds=recorder.now(),
            is_rolled_back=exit_code != 0,
            users=("user",),
        )
        keep(engine, example, recorder.trace, most=sys.maxsize)

    with notification.connected_to(needle_in_a_haystack):
        run("register", lambda session: users.register(session, "first", "first@mail.com"))
    run("register", lambda session: _register(session, "user", "friend"))
    run("update", lambda session: users.update(session, "user", last_name="Young"))
    run("notify", lambda session: [users.notify(session, "user") for _ in range(NOTIFICATIONS)])
    with notification.connected_to(refuse):
        run("register", lambda session: users.register(session, "x", "x@mail.com"), exit_code=1)
    run("delete", lambda session: users.delete(session, "user"))
    with engine.connect() as connection:
        count: int = connection.exec_driver_sql("SELECT max(run) FROM signalcli_run").scalar_one()
    engine.dispose()
    return count


def _register(session: Session, *usernames: str) -> None:
    for username in usernames:
        users.register(session, username, f"{username}@mail.com")


def _multiply(connection: sqlite3.Connection, examples: int, runs: int) -> None:
    """Add copies of all examples but the first, with numbers and times of their own."""
    source = f"2 + (n % {examples - 1})"
    begun = datetime.now(UTC).replace(tzinfo=None) - timedelta(seconds=runs)
    numbers = (
        "WITH RECURSIVE numbers(n) AS "
        "(SELECT :low UNION ALL SELECT n + 1 FROM numbers WHERE n < :high) "
    )
    for table in ("run", "run_user", "dispatch", "response"):
        name = f"signalcli_{table}"
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({name})")]
        at = "strftime('%Y-%m-%d %H:%M:%f000', :begun, '+' || n || ' seconds')"
        values = {
            "run": "n",
            **({"begun": at, "ended": at} if table == "run" else {}),
            "username": "username || (n % 50000)",
            "seconds": "example.seconds * (0.8 + (n * 7919 % 1000) / 1000.0)",
        }
        selected = ", ".join(values.get(column, f"example.{column}") for column in columns)
        for low in range(examples + 1, runs + 1, STEP):
            connection.execute(
                f"{numbers} INSERT INTO {name} SELECT {selected} FROM numbers "  # noqa: S608  # our own names
                f"JOIN {name} AS example ON example.run = {source}",
                {
                    "low": low,
                    "high": min(low + STEP - 1, runs),
                    "begun": begun.isoformat(" "),
                },
            )
            connection.commit()


def make_log(database: Path, runs: int) -> None:
    """Make a database anew, with a log of so many runs.

    Arguments:
        database: the file.
        runs: how many, at least 6; they have about ten dispatches each.
    """
    for suffix in ("", "-wal", "-shm"):
        Path(f"{database}{suffix}").unlink(missing_ok=True)
    examples = _record_examples(database)
    connection = sqlite3.connect(database)
    # A database that is made from nothing has nothing to lose.
    connection.execute("PRAGMA synchronous = OFF")
    _multiply(connection, examples, runs)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


if __name__ == "__main__":
    make_log(Path(sys.argv[1]), int(sys.argv[2]))
