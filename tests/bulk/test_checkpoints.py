"""Checkpoints of several runs in one database."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from signalcli.bulk.checkpoints import Checkpoint
from signalcli.bulk.outcomes import Counts
from signalcli.db import create_engine

RUNS = 4


def test_the_first_runs_of_a_database_may_come_at_once(database: str) -> None:
    engine = create_engine(database, immediate=True)
    together = Barrier(RUNS)

    def write(number: int) -> None:
        checkpoint = Checkpoint("register", f"/file{number}")
        together.wait()
        with engine.begin() as connection:
            checkpoint.make_ready(connection)
            checkpoint.write(connection, Counts(rows=number), "digest")

    with ThreadPoolExecutor(RUNS) as pool:
        list(pool.map(write, range(RUNS)))
    with engine.begin() as connection:
        for number in range(RUNS):
            reached = Checkpoint("register", f"/file{number}").find(connection)
            assert reached is not None
            assert reached.counts.rows == number
    engine.dispose()
