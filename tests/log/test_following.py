"""Following the log as other connections and processes write it.

A look that begins after a run is in the log must show it, so a test need not wait for anything.
"""

import gc
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, text

from signalcli.db import DatabaseUnusable
from signalcli.db.engine import open_engine
from signalcli.log import following
from signalcli.log.finding import Filter
from signalcli.log.following import end_of, follow, newest_run
from signalcli.log.retention import prune_to
from signalcli.log.runs import keep, write
from signalcli.log.schema import VERSION
from tests.log.tools import (
    EVERYTHING,
    a_run,
    a_trace,
    finish,
    keep_some,
    now,
    opened,
    run_python,
    statements_of,
)
from tests.log.trees import facts

LOOKS = 2_000


class Follower:
    """Follows a database, and knows the engines that this opens."""

    def __init__(self, database: Path, wanted: Filter = Filter(), above: int = 0) -> None:  # noqa: B008  # it is frozen
        self.engines: list[Engine] = []
        self.database = database
        # To files.
        self.open_connections = 0
        self.looks: Iterator[list[Any]] = follow(self.open, database, wanted, above)

    def open(self) -> Engine:
        engine = open_engine(str(self.database), writes=False, creates=False)
        self.engines.append(engine)
        if engine.url.database is not None:
            event.listen(engine, "connect", self._count_opened)
            event.listen(engine, "close", self._count_closed)
        return engine

    def _count_opened(self, *connection: object) -> None:
        self.open_connections += 1

    def _count_closed(self, *connection: object) -> None:
        self.open_connections -= 1

    def look(self) -> list[int]:
        """The numbers of the runs that are new."""
        return [run.number for run, _ in next(self.looks)]

    def look_for(self, count: int) -> list[int]:
        """The numbers of so many runs, which may be written meanwhile."""
        numbers: list[int] = []
        for _ in range(LOOKS):
            numbers += self.look()
            if len(numbers) >= count:
                return numbers
        raise AssertionError(numbers)

    def close(self) -> None:
        self.looks.close()  # type: ignore[attr-defined]  # a generator


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look again at once."""
    monkeypatch.setattr(following, "PAUSE_SECONDS", 0.0)


@pytest.fixture
def follower(database: Path) -> Iterator[Follower]:
    follower = Follower(database)
    yield follower
    follower.close()


def test_what_is_there_comes_first_then_what_is_new(log_engine: Engine, follower: Follower) -> None:
    keep_some(log_engine, 2)
    assert follower.look() == [1, 2]
    assert follower.look() == []
    keep_some(log_engine, 1)
    assert follower.look() == [3]
    keep_some(log_engine, 3)
    assert follower.look() == [4, 5, 6]
    assert [follower.look() for _ in range(5)] == [[]] * 5


def test_runs_come_with_their_traces(log_engine: Engine, follower: Follower) -> None:
    trace = a_trace("shop.bill")
    run = keep(log_engine, a_run(users=("ada",)), trace, EVERYTHING)
    ((read, back),) = next(follower.looks)
    assert read == run
    assert facts(back) == facts(trace)


def test_what_was_known_before_does_not_come(log_engine: Engine, database: Path) -> None:
    keep_some(log_engine, 3)
    with log_engine.connect() as connection:
        above = newest_run(connection)
    follower = Follower(database, above=above)
    assert follower.look() == []
    keep_some(log_engine, 1)
    assert follower.look() == [4]
    follower.close()


def test_only_runs_that_fit_come(log_engine: Engine, database: Path) -> None:
    follower = Follower(database, Filter(user="ada", since=now()))
    keep_some(log_engine, 1, users=("bob",))
    keep_some(log_engine, 1, users=("ada",))
    keep_some(log_engine, 1, users=("ada",), begun=now().replace(year=2000))
    assert follower.look() == [2]
    keep_some(log_engine, 1, users=("ada", "bob"))
    assert follower.look() == [4]
    follower.close()


def test_more_runs_than_a_page_come_in_their_order(log_engine: Engine, follower: Follower) -> None:
    assert follower.look() == []
    numbers = keep_some(log_engine, 450)
    first = follower.look()
    assert 0 < len(first) < len(numbers)
    assert first + follower.look_for(len(numbers) - len(first)) == numbers
    assert follower.look() == []


def test_nothing_is_read_while_nothing_changes(log_engine: Engine, follower: Follower) -> None:
    keep_some(log_engine, 2)
    assert follower.look() == [1, 2]
    (engine,) = follower.engines
    with statements_of(engine) as seen:
        for _ in range(20):
            assert follower.look() == []
        assert len(seen) == 0
        keep_some(log_engine, 1)
        assert follower.look() == [3]
        assert len(seen) > 0


def test_changes_that_are_no_runs_make_no_runs(log_engine: Engine, follower: Follower) -> None:
    keep_some(log_engine, 3)
    assert follower.look() == [1, 2, 3]
    with log_engine.begin() as connection:
        connection.execute(text("CREATE TABLE mine (name TEXT)"))
    assert follower.look() == []
    prune_to(log_engine, 1)
    assert follower.look() == []
    prune_to(log_engine, 0)
    assert follower.look() == []
    assert keep_some(log_engine, 1) == [4]
    assert follower.look() == [4]


def test_a_run_that_is_not_committed_does_not_come(log_engine: Engine, follower: Follower) -> None:
    keep_some(log_engine, 1)
    assert follower.look() == [1]
    with log_engine.connect() as connection:
        with connection.begin():
            write(connection, a_run(), a_trace())
            assert follower.look() == []
        assert follower.look() == [2]


def test_a_file_that_does_not_exist_yet_is_waited_for(database: Path, follower: Follower) -> None:
    assert [follower.look() for _ in range(3)] == [[]] * 3
    assert not database.exists()
    with opened(database) as engine:
        keep_some(engine, 2)
        assert follower.look_for(2) == [1, 2]
        keep_some(engine, 1)
        assert follower.look_for(1) == [3]
    assert [follower.look() for _ in range(3)] == [[]] * 3


def test_a_file_that_appears_while_it_is_opened_is_followed(database: Path) -> None:
    """The moment between finding that there is no file and remembering that there is none."""

    class Late(Follower):
        def open(self) -> Engine:
            engine = super().open()
            if not self.database.exists():
                with opened(self.database) as writer:
                    keep_some(writer, 1)
            return engine

    follower = Late(database)
    try:
        assert [number for _ in range(10) for number in follower.look()] == [1]
    finally:
        follower.close()


def test_a_file_that_is_replaced_while_it_is_opened_gives_its_runs_once(
    tmp_path: Path, database: Path
) -> None:
    other = tmp_path / "other.db"
    for file, count in ((database, 1), (other, 2)):
        with opened(file) as writer:
            keep_some(writer, count)

    class Late(Follower):
        def open(self) -> Engine:
            engine = super().open()

            @event.listens_for(engine, "do_connect")
            def replace_before(*connection: object) -> None:
                if other.exists():
                    other.replace(self.database)

            return engine

    follower = Late(database)
    try:
        assert [number for _ in range(10) for number in follower.look()] == [1, 2]
    finally:
        follower.close()


def test_a_table_that_is_made_later_is_noticed(log_engine: Engine, follower: Follower) -> None:
    with log_engine.begin() as connection:
        connection.execute(text("CREATE TABLE core_user (id INTEGER)"))
    assert [follower.look() for _ in range(3)] == [[]] * 3
    keep_some(log_engine, 1)
    assert follower.look() == [1]


def test_a_file_that_takes_the_place_of_another_is_followed_from_its_beginning(
    tmp_path: Path, database: Path, follower: Follower
) -> None:
    other = tmp_path / "other.db"
    for file, count in ((database, 5), (other, 2)):
        with opened(file) as engine:
            keep_some(engine, count)
    assert follower.look() == [1, 2, 3, 4, 5]
    other.replace(database)
    assert follower.look_for(2) == [1, 2]
    with opened(database) as engine:
        keep_some(engine, 1)
    assert follower.look_for(1) == [3]
    assert [follower.look() for _ in range(3)] == [[]] * 3


def test_a_file_that_is_removed_and_made_anew_is_followed(
    database: Path, follower: Follower
) -> None:
    with opened(database) as engine:
        keep_some(engine, 3)
    assert follower.look() == [1, 2, 3]
    for file in database.parent.glob("log.db*"):
        file.unlink()
    assert [follower.look() for _ in range(3)] == [[]] * 3
    with opened(database) as engine:
        keep_some(engine, 2)
        assert follower.look_for(2) == [1, 2]


def test_a_log_of_a_newer_version_ends_it(log_engine: Engine, follower: Follower) -> None:
    keep_some(log_engine, 1)
    assert follower.look() == [1]
    with log_engine.begin() as connection:
        connection.execute(text(f"UPDATE signalcli_schema SET version = {VERSION + 1}"))
    with pytest.raises(DatabaseUnusable, match=f"version {VERSION + 1}"):
        follower.look()
    assert follower.open_connections == 0


def test_it_closes_its_connections(log_engine: Engine, database: Path) -> None:
    # Connections that are left open are ResourceWarnings in newer Pythons, and those are errors.
    keep_some(log_engine, 1)
    follower = Follower(database)
    follower.look()
    follower.look()
    # One to see changes with, and one to read.
    assert follower.open_connections == 2
    follower.close()
    assert follower.open_connections == 0
    unused = Follower(database)
    unused.close()
    dropped = follow(
        lambda: open_engine(str(database), writes=False, creates=False), database, Filter(), 0
    )
    next(dropped)
    del dropped
    gc.collect()
    log_engine.dispose()
    gc.collect()
    # The last connection to close takes the write-ahead log with it.
    assert {file.name for file in database.parent.iterdir()} == {"log.db"}


def test_it_closes_the_connections_of_the_files_before(
    tmp_path: Path, database: Path, follower: Follower
) -> None:
    assert follower.look() == []
    for place in range(3):
        file = tmp_path / f"{place}.db"
        with opened(file) as engine:
            keep_some(engine, 1)
        file.replace(database)
        assert follower.look_for(1) == [1]
    assert follower.open_connections == 2
    assert len(follower.engines) == 4


def test_what_other_processes_write_comes_once_and_in_order(
    database: Path, follower: Follower
) -> None:
    processes = [run_python(_WRITER, str(database)) for _ in range(2)]
    numbers: list[int] = []
    while any(process.poll() is None for process in processes):
        numbers += follower.look()
    finish(processes)
    numbers += follower.look()
    assert numbers == list(range(1, 61))


_WRITER = """
import sys
from tests.log.tools import keep_some, opened

with opened(sys.argv[1]) as engine:
    keep_some(engine, 30)
"""


def test_what_a_thread_writes_meanwhile_comes_once_and_in_order(
    log_engine: Engine, database: Path, follower: Follower
) -> None:
    keep_some(log_engine, 1)

    def work() -> None:
        with opened(database) as engine:
            keep_some(engine, 100, 20)

    thread = threading.Thread(target=work)
    thread.start()
    numbers: list[int] = []
    while thread.is_alive():
        numbers += follower.look()
    thread.join()
    numbers += follower.look()
    # Old runs may have gone before they were seen, but none comes twice or late.
    assert numbers == sorted(set(numbers))
    assert numbers[-20:] == list(range(82, 102))


def test_a_database_without_a_file_is_followed(log_engine: Engine) -> None:
    looks = follow(lambda: open_engine("sqlite://", writes=False, creates=False), None, Filter(), 0)
    assert [next(looks) for _ in range(3)] == [[]] * 3
    looks.close()  # type: ignore[attr-defined]  # a generator


def test_the_newest_run_is_known(log_engine: Engine) -> None:
    with log_engine.connect() as connection:
        assert newest_run(connection) == 0
    keep_some(log_engine, 3)
    with log_engine.connect() as connection:
        assert newest_run(connection) == 3
    prune_to(log_engine, 0)
    with log_engine.connect() as connection:
        assert newest_run(connection) == 0


class TestOnServers:
    """Numbers are given before the commit, so runs may appear in another order."""

    @staticmethod
    def follower(url: str, begin: Any = 0, wanted: Filter = Filter()) -> Callable[[], list[int]]:  # noqa: B008  # it is frozen
        looks = follow(lambda: open_engine(url, writes=False, creates=False), None, wanted, begin)
        return lambda: [run.number or 0 for run, _ in next(looks)]

    def test_a_run_that_commits_after_a_later_one_comes_once(
        self, server_engine: Engine, server_database: str
    ) -> None:
        keep_some(server_engine, 1)
        with server_engine.connect() as connection:
            look = self.follower(server_database, newest_run(connection))
        assert look() == []
        with server_engine.connect() as slow, slow.begin():
            late = write(slow, a_run(), a_trace()).number
            (early,) = keep_some(server_engine, 1)
            assert look() == [early]
            assert look() == []
        assert look() == [late]
        assert late is not None
        assert late < early
        assert [look() for _ in range(3)] == [[]] * 3

    def test_a_run_under_way_when_the_following_begins_comes(
        self, server_engine: Engine, server_database: str
    ) -> None:
        with server_engine.connect() as slow:
            with slow.begin():
                write(slow, a_run(), a_trace())
            with slow.begin():
                late = write(slow, a_run(), a_trace()).number
                keep_some(server_engine, 2)
                with server_engine.connect() as connection:
                    look = self.follower(server_database, end_of(connection))
                assert look() == []
        assert look() == [late]
        assert look() == []

    def test_runs_that_were_given_up_do_not_come_and_hold_nothing_up(
        self, server_engine: Engine, server_database: str
    ) -> None:
        keep_some(server_engine, 1)
        look = self.follower(server_database)
        assert look() == [1]
        for _ in range(3):
            with server_engine.connect() as connection:
                write(connection, a_run(), a_trace())
                connection.rollback()
        (number,) = keep_some(server_engine, 1)
        assert look() == [number]
        assert look() == []

    def test_a_late_run_comes_only_where_it_fits(
        self, server_engine: Engine, server_database: str
    ) -> None:
        keep_some(server_engine, 1)
        look = self.follower(server_database, 1, Filter(user="ada"))
        with server_engine.connect() as one, server_engine.connect() as two:
            with one.begin(), two.begin():
                write(one, a_run(users=("bob",)), a_trace())
                late = write(two, a_run(users=("ada",)), a_trace()).number
                (early,) = keep_some(server_engine, 1, users=("ada",))
                assert look() == [early]
            assert look() == [late]
            assert look() == []

    def test_what_other_processes_write_comes_once(self, server_database: str) -> None:
        with opened(server_database) as engine:
            keep_some(engine, 1)
        look = self.follower(server_database, 1)
        processes = [run_python(_WRITER, server_database) for _ in range(2)]
        numbers: list[int] = []
        while any(process.poll() is None for process in processes):
            numbers += look()
        finish(processes)
        numbers += look()
        assert len(numbers) == len(set(numbers)) == 60
