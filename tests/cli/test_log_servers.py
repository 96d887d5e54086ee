"""The signal log on servers: what it keeps of runs that the server ends, and what it costs."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Connection, create_engine, inspect, make_url, text

from tests.cli.program import Driver, Forked, Program
from tests.cli.running import Run, listed, register, runner

# Writes a dot for each statement; what SQLAlchemy asks a server for at first is not seen.
COUNTING = """
from sqlalchemy import Engine, event

def note(connection, cursor, statement, parameters, context, is_many):
    # Of the drivers, psycopg sends a statement for each row.
    is_one_by_one = isinstance(parameters, list) and connection.dialect.driver == "psycopg"
    os.write(2, b"." * (len(parameters) if is_one_by_one else 1))

event.listen(Engine, "before_cursor_execute", note)
for name in "begin", "commit", "rollback":
    event.listen(Engine, name, lambda *arguments: os.write(2, b"."))
"""
# Another connection ends the session's, or has it refused as one that is in a deadlock.
ENDING = """
from sqlalchemy import create_engine, text

@receiver(post_save, sender=User)
def ends(session, created, **kwargs):
    connection = session.connection()
    is_postgresql = connection.dialect.name == "postgresql"
    number = connection.scalar(
        text("SELECT pg_backend_pid()" if is_postgresql else "SELECT connection_id()")
    )
    kill = "SELECT pg_terminate_backend(:number, 10000)" if is_postgresql else "KILL :number"
    with create_engine(connection.engine.url).connect() as other:
        other.execute(text(kill), {"number": number})
"""
# Another connection ends that of the log, so many times, before a statement of the log's own.
ENDING_IN_THE_LOG = """
from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import Engine

times = iter(range(int(os.environ["TIMES"])))
commits = []

def end(connection, step):
    if not commits:
        # The first commit is that of the work.
        commits.extend([step] * (step == "COMMIT"))
        return
    if not step.startswith(os.environ["LOST_AT"]) or next(times, None) is None:
        return
    is_postgresql = connection.dialect.name == "postgresql"
    number = connection.connection.info["number"]
    kill = "SELECT pg_terminate_backend(:number, 10000)" if is_postgresql else "KILL :number"
    with create_engine(connection.engine.url).connect() as other:
        other.execute(text(kill), {"number": number})

@event.listens_for(Engine, "before_cursor_execute")
def look(connection, cursor, statement, *rest):
    end(connection, statement.partition(" (")[0])

@event.listens_for(Engine, "commit")
def look_at_the_commit(connection):
    end(connection, "COMMIT")

@event.listens_for(Engine, "connect")
def remember(connection, record):
    cursor = connection.cursor()
    is_postgresql = "psycopg" in type(connection).__module__
    cursor.execute("SELECT pg_backend_pid()" if is_postgresql else "SELECT connection_id()")
    (record.info["number"],) = cursor.fetchone()
    cursor.close()
"""
DEADLOCK = """
from sqlalchemy import event, text
from sqlalchemy.engine import Engine

@event.listens_for(Engine, "before_cursor_execute")
def give_up(connection, cursor, statement, *rest):
    if statement.startswith("INSERT INTO core_profile"):
        connection.exec_driver_sql(
            "DO $$ BEGIN RAISE deadlock_detected; END $$"
            if connection.dialect.name == "postgresql"
            else "SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213"
        )
"""


@pytest.fixture
def url(server_database: str) -> str:
    """The URL of an empty database on a server."""
    return server_database


def registered(program: Program, url: str, name: str) -> None:
    assert program("register", name, "-e", "x@mail.com", "-q", "-d", url).code == 0


def runs_of(program: Program, url: str) -> list[tuple[str, str | None]]:
    """The outcome and the error of each run, the newest first."""
    rows = program("log", "-d", url, "--ndjson").objects
    return [(row["outcome"], row["error"] and row["error"]["code"]) for row in rows]


@pytest.mark.parametrize("source", [ENDING, DEADLOCK], ids=["ended", "deadlock"])
def test_a_run_whose_transaction_the_server_ends_is_kept(
    driver: Driver, signalcli: Program, url: str, source: str
) -> None:
    registered(signalcli, url, "first")
    done = driver(source)("register", "second", "-e", "x@mail.com", "-d", url)
    assert done.code in (1, 5)
    assert done.error.endswith("nothing was written") or done.code == 5
    (newest, before) = runs_of(signalcli, url)
    assert newest[0] == "rolled back"
    assert before == ("done", None)
    names = [row["username"] for row in signalcli("list", "-d", url, "--ndjson").objects]
    assert names == ["first"]


def test_a_run_that_cannot_be_kept_either_is_warned_of(
    driver: Driver, signalcli: Program, url: str
) -> None:
    registered(signalcli, url, "first")
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE signalcli_run DROP COLUMN message"))
    engine.dispose()
    done = driver(DEADLOCK)("register", "second", "-e", "x@mail.com", "-d", url)
    assert done.code == 5
    warning, error = done.err.splitlines()
    assert warning.startswith("warning: the run is not kept in the signal log")
    assert error.startswith("error: ")


@pytest.mark.usefixtures("server_database")
@pytest.mark.parametrize("times", [1, 9], ids=["once", "again"])
@pytest.mark.parametrize(
    "step", ["SELECT signalcli_schema.version", "INSERT INTO signalcli_dispatch", "COMMIT"]
)
def test_a_connection_that_is_lost_while_the_run_is_kept_is_said_to_be(
    run: Run, run_with: Callable[[str], Run], step: str, times: int
) -> None:
    register(run, "first")
    command = ("register", "second", "-e", "x@mail.com")
    # The work is done by then, which is no failure of the command.
    done = run_with(ENDING_IN_THE_LOG)(*command, LOST_AT=step, TIMES=str(times))
    assert sorted(listed(run)) == ["first", "second"]
    kept = [row["users"] for row in run("log", "--ndjson").objects]
    if times == 1:
        # Another connection keeps it.
        assert done.err == ""
        assert kept == [["second"], ["first"]]
    else:
        assert done.warning.startswith("the run is not kept in the signal log: the database ")
        assert " has ended the connection" in done.warning
        assert kept == [["first"]]


@pytest.mark.parametrize(
    ("arguments", "most"),
    [
        (("register", "more", "-e", "x@mail.com"), 18),
        (("notify", "first"), 16),
        (("list",), 6),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_a_command_sends_few_statements(
    driver: Driver, signalcli: Program, url: str, arguments: tuple[str, ...], most: int
) -> None:
    registered(signalcli, url, "first")
    done = driver(COUNTING)(*arguments, "-q", "-d", url)
    assert done.code == 0
    assert set(done.err) == {"."}
    assert len(done.err) <= most


def test_what_reads_makes_no_tables_of_the_log(signalcli: Program, url: str) -> None:
    for command in (("log",), ("log", "stats"), ("log", "prune", "--keep", "1")):
        done = signalcli(*command, "-d", url)
        assert (done.code, done.err) == (0, "")
    engine = create_engine(url)
    with engine.connect() as connection:
        assert inspect(connection).get_table_names() == []
    engine.dispose()


@pytest.fixture
def reader(url: str) -> Iterator[tuple[str, Connection]]:
    """The URL of a role that may make no tables, and a connection that grants it what it may."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    if engine.dialect.name != "postgresql":
        engine.dispose()
        pytest.skip("roles are made on PostgreSQL")
    role = f"{engine.url.database}_reader"
    with engine.connect() as connection:
        connection.execute(text(f"CREATE ROLE {role} LOGIN PASSWORD 'secret'"))
        try:
            its_url = engine.url.set(username=role, password="secret")
            yield its_url.render_as_string(hide_password=False), connection
        finally:
            connection.execute(text(f"DROP OWNED BY {role}"))
            connection.execute(text(f"DROP ROLE {role}"))
    engine.dispose()


def grant_reading(reader: tuple[str, Connection]) -> None:
    url, connection = reader
    role = make_url(url).username
    connection.execute(text(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"))


def test_a_role_that_may_not_make_tables_reads_the_log(
    signalcli: Program, url: str, reader: tuple[str, Connection]
) -> None:
    its = reader[0]
    empty = signalcli("log", "-d", its)
    assert (empty.code, empty.err) == (0, "")
    assert "there are no runs" in empty.out
    registered(signalcli, url, "first")
    refused = signalcli("log", "-d", its)
    assert (refused.code, refused.out) == (5, "")
    assert "permission denied" in refused.error
    grant_reading(reader)
    assert len(signalcli("log", "-d", its, "--ndjson").objects) == 1


def test_a_role_that_may_not_make_tables_lists_users(
    forked: Forked, url: str, reader: tuple[str, Connection]
) -> None:
    its, run = runner(forked, reader[0]), runner(forked, url)
    empty = its("list")
    assert empty.out.startswith("No users in postgresql")
    assert empty.err == ""
    assert listed(its) == []
    refused = its("register", "first", "-e", "x@mail.com", code=5)
    assert " may not be used so by this user; ask for the permission" in refused.error
    register(run, "first")
    grant_reading(reader)
    assert listed(its) == ["first"]
