"""What keeping a run in the log costs.

A registration with and without the log, as a whole process and in one that is running already, on
a log that has as many runs as it keeps, so that each run that comes makes an old one go.
"""

import itertools
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine

from benchmarks.figures import Figure
from benchmarks.make_log import make_log
from benchmarks.timing import compare, process
from signalcli.apps import apps
from signalcli.apps.tables import bring_up_to_date
from signalcli.core import users
from signalcli.db.engine import open_engine
from signalcli.db.lifetime import open_session
from signalcli.log.runs import Run, keep
from signalcli.trace import Recorder, record

KEPT = 10_000
PROCESSES, REGISTRATIONS = 15, 300

_numbers = itertools.count()


def register(engine: Engine, *, is_kept: bool) -> None:
    """Register a user, watched, as the command does."""
    name = f"new{next(_numbers)}"
    begun, recorder = datetime.now(UTC).replace(tzinfo=None), Recorder()
    with record(recorder), open_session(engine, on_begin=[bring_up_to_date]) as session:
        users.register(session, name, f"{name}@mail.com")
        session.commit()
    if is_kept:
        run = Run(
            begun=begun,
            command="register",
            command_line=f"signalcli register {name} --email {name}@mail.com",
            exit_code=0,
            seconds=recorder.now(),
            users=(name,),
        )
        keep(engine, run, recorder.trace, KEPT)


def registration(database: Path, *options: str) -> Callable[[], None]:
    """A registration as a whole process."""
    program = str(Path(sys.executable).with_name("signalcli"))

    def run() -> None:
        name = f"new{next(_numbers)}"
        target = ("--email", f"{name}@mail.com", "--database", str(database))
        process(program, "register", name, *target, *options)()

    return run


def measure() -> Iterator[Figure]:
    """Register with and without the log."""
    apps.populate()
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder, "demo.db")
        make_log(database, KEPT)
        yield Figure.of(
            "register, a whole process, with the log",
            "without the log",
            compare(registration(database), registration(database, "--no-log"), rounds=PROCESSES),
        )
        engine = open_engine(str(database), writes=True, creates=False)
        yield Figure.of(
            "register, in a running process, with the log",
            "without the log",
            compare(
                lambda: register(engine, is_kept=True),
                lambda: register(engine, is_kept=False),
                rounds=REGISTRATIONS,
            ),
        )
        engine.dispose()
