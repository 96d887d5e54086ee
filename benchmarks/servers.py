"""Many rows with all signals, and a script, on PostgreSQL.

Users are registered in bulk as in `bulk.py`, on a PostgreSQL server, each with the profile that a
receiver makes. The times are those of this process's CPU, since the server's part is the same for
all. The peers: a plain `sqlmodel.Session` that adds users, flushes, and adds their profiles, and
Django's `bulk_create`, both without any signal; and Django's `save()` of each. Then 40
registrations by `signalcli batch` are compared with the same on SQLite, from start to end.

Nothing is measured where no server answers: the variable SIGNALCLI_BENCHMARK_POSTGRESQL names the
URL of its administrator, by default that of Debian's package.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlmodel
from sqlalchemy import URL, Engine, make_url, text
from sqlalchemy.exc import OperationalError
from sqlmodel import SQLModel

from benchmarks import bulk
from benchmarks.batching import SIGNALCLI
from benchmarks.django_peer import django_peer
from benchmarks.figures import Figure
from benchmarks.timing import as_installed, compare
from signalcli.core.models import Profile, User
from signalcli.db import create_engine

ADMINISTRATOR = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
VARIABLE = "SIGNALCLI_BENCHMARK_POSTGRESQL"
DATABASES = ("signalcli_benchmark_ours", "signalcli_benchmark_django")
ROUNDS, LINES, SCRIPTS = 3, 40, 7
ADD_ALL, BULK_CREATE, SCRIPT = 0.6, 2.5, 1.2


def add_all(engine: Engine) -> None:
    """Register users without signals, by a plain session."""
    for batch in bulk.batches(bulk.new_rows()):
        with sqlmodel.Session(engine) as session:
            users = [User(**row) for row in batch]
            session.add_all(users)
            session.flush()
            session.add_all(Profile(user_id=user.id) for user in users)
            session.commit()


def run_script(folder: Path, database: str, name: str) -> Callable[[], None]:
    """Register some users by one process on a database."""
    rounds = iter(range(10**6))

    def run() -> None:
        names = [f"{name}{next(rounds)}" for _ in range(LINES)]
        script = "".join(f"register {name} --email {name}@mail.com\n" for name in names)
        (folder / "script.txt").write_text(script, encoding="utf-8")
        environment = as_installed(SIGNALCLI_DATABASE=database)
        with (folder / "printed").open("w") as printed:
            command = [SIGNALCLI, "batch", "script.txt"]
            subprocess.run(command, check=True, cwd=folder, stdout=printed, env=environment)  # noqa: S603  # ours

    return run


@contextmanager
def databases() -> Iterator[list[URL]]:
    """Empty databases on the server, none where it does not answer."""
    url = make_url(os.environ.get(VARIABLE, ADMINISTRATOR))
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        connection = engine.connect()
    except OperationalError:
        print("no PostgreSQL answers: not measured", file=sys.stderr)
        yield []
        return
    with connection:
        for name in DATABASES:
            connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
            connection.execute(text(f"CREATE DATABASE {name}"))
        yield [url.set(database=name) for name in DATABASES]
        for name in DATABASES:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


def measure() -> Iterator[Figure]:
    """Register in bulk and by a script."""
    with databases() as urls, tempfile.TemporaryDirectory() as folder:
        if not urls:
            return
        engine = create_engine(urls[0])
        SQLModel.metadata.create_all(engine)
        peer = django_peer(urls[1])
        ours, what = bulk.silent(bulk.register, engine), f"register {bulk.ROWS:,} users in bulk"
        for other, name, reach in (
            (bulk.silent(add_all, engine), "a plain session, no signals", ADD_ALL),
            (
                bulk.silent(bulk.bulk_create, peer),
                "Django's `bulk_create`, no signals",
                BULK_CREATE,
            ),
            (bulk.silent(bulk.save_each, peer), "Django's `save()` of each", None),
        ):
            compared = compare(ours, other, ROUNDS, clock=time.process_time)
            yield Figure.of(f"{what}, CPU", f"{name}, CPU", compared, reach)
        server = run_script(Path(folder), urls[0].render_as_string(hide_password=False), "script")
        file = run_script(Path(folder), "demo.db", "script")
        yield Figure.of(
            f"{LINES} registrations by batch",
            "the same on SQLite",
            compare(server, file, SCRIPTS),
            SCRIPT,
        )
        engine.dispose()
