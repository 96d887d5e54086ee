"""What ails a database is said in the same words on each engine, with exit code 5."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from tests.cli.program import Forked
from tests.cli.running import Run, listed, register, runner

READ_ONLY = {
    "postgresql": {"options": "-c default_transaction_read_only=on"},
    "mariadb": {"init_command": "SET SESSION TRANSACTION READ ONLY"},
}
IMPATIENT = {
    "postgresql": {"options": "-c lock_timeout=200ms"},
    "mariadb": {"init_command": "SET SESSION innodb_lock_wait_timeout = 1"},
}
# The other connection has changed many rows, and in PostgreSQL it looks for no deadlock within the
# test. So it is the command that the server gives up.
DEADLOCK = """
from sqlalchemy import create_engine, text

@receiver(post_save, sender=User)
def clash(session, created, **kwargs):
    if created:
        return
    url = session.connection().engine.url
    other = create_engine(url, isolation_level="READ COMMITTED").connect()
    if url.get_backend_name() == "postgresql":
        other.execute(text("SET deadlock_timeout = '1h'"))
    other.execute(text("UPDATE core_user SET email = 'other' WHERE id > 1"))

    def meet():
        other.execute(text("UPDATE core_user SET email = 'other' WHERE id = 1"))
        other.rollback()

    threading.Thread(target=meet).start()
    session.execute(text("UPDATE core_user SET email = 'mine' WHERE id = 2"))
"""
# A receiver may catch what its query raises; then others meet what SQLAlchemy makes of it.
LOST = """
from contextlib import nullcontext, suppress
from sqlalchemy import create_engine, text

def lose(session):
    connection = session.connection()
    is_postgresql = connection.dialect.name == "postgresql"
    number = connection.scalar(
        text("SELECT pg_backend_pid()" if is_postgresql else "SELECT connection_id()")
    )
    kill = "SELECT pg_terminate_backend(:number, 10000)" if is_postgresql else "KILL :number"
    with create_engine(connection.engine.url).connect() as other:
        other.execute(text(kill), {"number": number})

@receiver(post_save, sender=User)
def look(instance, session, **kwargs):
    if instance.username != os.environ.get("LOST_AT"):
        return
    lose(session)
    with nullcontext() if os.environ["WHO"] == "the receiver" else suppress(Exception):
        session.execute(text("SELECT 1"))

@receiver(post_save, sender=User)
def look_again(instance, session, **kwargs):
    if instance.username == os.environ.get("LOST_AT") and os.environ["WHO"] == "another receiver":
        session.execute(text("SELECT 1"))

@receiver(signals.user_logged_in)
def note(user, session, **kwargs):
    session.add(User(username="u4", email="u4@mail.com"))
    lose(session)
    with suppress(Exception):
        session.flush()
"""

# The server carries the first commit out, and the connection is lost before it says so.
LOST_AT_THE_COMMIT = """
from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import Engine

commits = []

@event.listens_for(Engine, "commit")
def lose(connection):
    commits.append(connection)
    if len(commits) > 1:
        return
    is_postgresql = connection.dialect.name == "postgresql"
    number = "SELECT pg_backend_pid()" if is_postgresql else "SELECT connection_id()"
    cursor = connection.connection.cursor()
    connection.connection.dbapi_connection.commit()
    # The next transaction of the driver, which is what the commit meets.
    cursor.execute(number)
    (number,) = cursor.fetchone()
    kill = "SELECT pg_terminate_backend(:number, 10000)" if is_postgresql else "KILL :number"
    with create_engine(connection.engine.url).connect() as other:
        other.execute(text(kill), {"number": number})
"""


def with_query(database: str, query: dict[str, str]) -> str:
    return make_url(database).update_query_dict(query).render_as_string(hide_password=False)


def test_a_database_that_is_read_only_is_said_to_be(
    run: Run, forked: Forked, database: str, engine_name: str
) -> None:
    register(run, "ada")
    if engine_name == "sqlite":
        url = f"sqlite:///file:{database}?mode=ro&uri=true"
    else:
        url = with_query(database, READ_ONLY[engine_name])
    reading = runner(forked, url)
    for command in (
        ("register", "bob", "-e", "bob@mail.com"),
        ("update", "ada", "--first-name", "Ada"),
        ("delete", "ada"),
        ("create", "User", "username=bob", "email=bob@mail.com"),
        ("change", "User", "1", "email=new@mail.com"),
        ("remove", "User", "1"),
    ):
        assert " is read-only" in reading(*command, "-q", "--no-log", code=5).error
    assert listed(run, "username", "email", "first_name") == [("ada", "ada@mail.com", "")]


@pytest.mark.parametrize("command", [("delete", "ada"), ("remove", "User", "1")], ids=" ".join)
def test_a_lock_that_is_held_too_long_is_said_to_be(
    run: Run, forked: Forked, database: str, engine_name: str, command: tuple[str, ...]
) -> None:
    register(run, "ada")
    if engine_name == "sqlite":
        engine = create_engine(f"sqlite:///{database}")
        url, hold = f"sqlite:///{database}?timeout=0.2", "BEGIN IMMEDIATE"
    else:
        engine = create_engine(database)
        url, hold = (
            with_query(database, IMPATIENT[engine_name]),
            "SELECT * FROM core_user FOR UPDATE",
        )
    with engine.connect() as other:
        other.execute(text(hold))
        done = runner(forked, url)(*command, "-q", "--no-log", code=5)
    engine.dispose()
    assert " is locked by another connection" in done.error
    assert listed(run) == ["ada"]


@pytest.mark.usefixtures("server_database")
def test_a_deadlock_is_said_to_be_one(run: Run, run_with: Callable[[str], Run]) -> None:
    register(run, *(f"u{n}" for n in range(8)))
    done = run_with(DEADLOCK)("update", "u0", "--email", "new@mail.com", "-q", code=5)
    assert " is at odds with another transaction" in done.error
    assert listed(run, "email") == [(f"u{n}@mail.com",) for n in range(8)]


@pytest.mark.usefixtures("server_database")
@pytest.mark.parametrize("who", ["the receiver", "another receiver", "the session"])
@pytest.mark.parametrize(
    "command",
    [
        ("register", "u4", "-e", "u4@mail.com"),
        ("create", "User", "username=u4", "email=u4@mail.com"),
        ("register", "--from", "users.csv", "--batch-size", "3"),
    ],
    ids=["register", "create", "register --from"],
)
def test_a_connection_that_is_lost_in_a_receivers_query_is_said_to_be(
    run: Run,
    run_with: Callable[[str], Run],
    tmp_path: Path,
    command: tuple[str, ...],
    who: str,
) -> None:
    register(run, "ada")
    rows = "".join(f"u{n},u{n}@mail.com\n" for n in range(6))
    (tmp_path / "users.csv").write_text(f"username,email\n{rows}")
    done = run_with(LOST)(*command, "-q", code=5, LOST_AT="u4", WHO=who)
    assert " has ended the connection" in done.err
    # Of a file, the batch before is kept.
    kept = ["u0", "u1", "u2"] if "--from" in command else []
    assert listed(run) == ["ada", *kept]


@pytest.mark.usefixtures("server_database")
def test_a_connection_that_is_lost_before_the_commit_is_said_to_be(
    run: Run, run_with: Callable[[str], Run]
) -> None:
    run("register", "ada", "-e", "ada@mail.com", "-q", "--password-stdin", piped="correct horse")
    done = run_with(LOST)("login", "ada", "-q", "--password-stdin", piped="correct horse", code=5)
    assert " has ended the connection" in done.error
    assert listed(run) == ["ada"]


@pytest.mark.usefixtures("server_database")
@pytest.mark.parametrize(
    ("command", "story", "written"),
    [
        (("register", "u0", "-e", "u0@mail.com"), "; the commit was under way: ", 1),
        (("register", "--from", "users.csv", "--batch-size", "2"), "; perhaps one batch is ", 2),
        (("register", "--from", "users.csv", "--strict"), "; the commit was under way: ", 6),
    ],
    ids=["register", "register --from", "register --from --strict"],
)
def test_a_connection_that_is_lost_in_the_commit_leaves_a_doubt(
    run: Run,
    run_with: Callable[[str], Run],
    tmp_path: Path,
    command: tuple[str, ...],
    story: str,
    written: int,
) -> None:
    register(run, "ada")
    rows = "".join(f"u{n},u{n}@mail.com\n" for n in range(6))
    (tmp_path / "users.csv").write_text(f"username,email\n{rows}")
    done = run_with(LOST_AT_THE_COMMIT)(*command, "-q", code=5)
    assert f" has ended the connection; try again when it answers{story}" in done.error
    assert listed(run) == ["ada", *(f"u{n}" for n in range(written))]
    assert run("log", "--ndjson").objects[0]["outcome"] == "failed"
    if "--batch-size" in command:
        run(*command, "--resume", "-q")
        assert listed(run) == ["ada", *(f"u{n}" for n in range(6))]


@pytest.mark.sqlite("a page of its file is damaged")
@pytest.mark.parametrize(
    "command",
    [
        ("get", "Tag"),
        ("get", "Tag", "new"),
        ("create", "Tag", "slug=more"),
        ("change", "Tag", "new", "colour=red"),
        ("remove", "Tag", "new"),
    ],
    ids=" ".join,
)
def test_a_damaged_page_is_said_to_be(
    run_shop: Run, database: str, command: tuple[str, ...]
) -> None:
    run_shop("create", "Tag", "slug=new", "-q")
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        pages = connection.execute("SELECT rootpage FROM sqlite_master WHERE tbl_name = 'shop_tag'")
        numbers = [number for (number,) in pages]
    with Path(database).open("r+b") as file:
        for number in numbers:
            file.seek((number - 1) * size)
            file.write(b"\xff" * size)
    done = run_shop(*command, "-q", "--no-log", code=5)
    assert " is damaged; restore it from a backup" in done.error
