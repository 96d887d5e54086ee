"""Databases: plain words where there is none, or it cannot be used."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from signalcli.db import DatabaseUnusable, Session, create_engine
from signalcli.db.database import unusable
from tests.db.shop_models import User


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a database may be made."""
    return tmp_path / "new.db"


# No database


@pytest.mark.parametrize("as_text", [True, False], ids=["text", "Path"])
def test_a_folder_is_no_database(tmp_path: Path, as_text: bool) -> None:
    with pytest.raises(DatabaseUnusable, match="is a folder"):
        create_engine(str(tmp_path) if as_text else tmp_path)


def test_a_file_in_no_folder_cannot_be_made(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnusable, match="no folder"):
        create_engine(tmp_path / "missing" / "new.db")
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(DatabaseUnusable, match="no folder"):
        create_engine(tmp_path / "file" / "new.db")


@pytest.mark.parametrize("url", ["://", "sqlite://host:port/x", "postgresql://h:port/x"])
def test_a_bad_url_is_no_database(url: str) -> None:
    with pytest.raises(DatabaseUnusable, match="not a database URL"):
        create_engine(url)


def test_a_url_without_its_driver_is_no_database() -> None:
    with pytest.raises(DatabaseUnusable, match=r"'nosuchdb' databases need a driver"):
        create_engine("nosuchdb://localhost/x")


def test_a_url_whose_driver_is_not_installed_is_no_database() -> None:
    with pytest.raises(DatabaseUnusable, match=r"'mysql\+mysqldb' databases need a driver"):
        create_engine("mysql+mysqldb://localhost/x")


def test_a_sqlite_url_of_a_host_is_no_database() -> None:
    # Two slashes instead of three: what people write who mean a file.
    with pytest.raises(DatabaseUnusable):
        create_engine("sqlite://shop.db")


@pytest.mark.parametrize("path", ["a\0b", "x" * 5000])
def test_what_no_file_can_be_called_is_no_database(path: str) -> None:
    with pytest.raises(DatabaseUnusable):
        create_engine(path)


# Errors of work on a database


def failure(database: Any, statement: str = "SELECT * FROM sqlite_master") -> Exception:
    """What the work raises."""
    engine = create_engine(database)
    try:
        with pytest.raises(Exception) as caught, engine.begin() as connection:
            connection.exec_driver_sql(statement)
    finally:
        engine.dispose()
    return caught.value


def said(error: Exception) -> str:
    """What it says about the database as such."""
    explained = unusable(error, "shop.db")
    assert isinstance(explained, DatabaseUnusable)
    return str(explained)


def test_a_text_file_is_no_sqlite_database(path: Path) -> None:
    path.write_text("just a text, and one that is long enough to be looked at\n" * 50)
    assert "shop.db is not a SQLite database" in said(failure(path))


def test_a_locked_database_is_said_to_be_locked(path: Path) -> None:
    holder = sqlite3.connect(path, isolation_level=None)
    try:
        holder.execute("PRAGMA journal_mode = WAL")
        holder.execute("BEGIN IMMEDIATE")
        error = failure(f"sqlite:///{path}?timeout=0", "CREATE TABLE t (id INTEGER)")
    finally:
        holder.close()
    assert "is locked by another connection, of another process or of this one" in said(error)


def test_a_database_locked_before_it_is_written_ahead_is_said_to_be_locked(path: Path) -> None:
    holder = sqlite3.connect(path, isolation_level=None)
    try:
        holder.execute("CREATE TABLE t (id INTEGER)")
        holder.execute("BEGIN EXCLUSIVE")
        error = failure(f"sqlite:///{path}?timeout=0")
    finally:
        holder.close()
    assert "is locked by another connection, of another process or of this one" in said(error)


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_read_only_database_can_be_read_and_is_said_to_be_read_only(
    path: Path, mode: str
) -> None:
    maker = sqlite3.connect(path, isolation_level=None)
    maker.execute(f"PRAGMA journal_mode = {mode}")
    maker.execute("CREATE TABLE t (id INTEGER)")
    maker.close()
    url = f"sqlite:///file:{path}?mode=ro&uri=true"
    engine = create_engine(url)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM t").scalar_one() == 0
    engine.dispose()
    assert "is read-only" in said(failure(url, "INSERT INTO t VALUES (1)"))


def test_a_database_that_cannot_be_opened_is_said_so(tmp_path: Path) -> None:
    url = f"sqlite:///file:{tmp_path / 'none.db'}?mode=ro&uri=true"
    assert "cannot be opened" in said(failure(url))


def test_a_missing_table_is_the_databases_fault(path: Path) -> None:
    assert "does not work as expected: no such table: t" in said(failure(path, "SELECT * FROM t"))


def test_a_full_pool_is_said_so() -> None:
    assert "all connections" in said(PoolTimeoutError("QueuePool limit"))


def test_an_error_about_what_was_asked_says_nothing_of_the_database(session: Session) -> None:
    session.add_all([User(username="ann"), User(username="ann")])
    with pytest.raises(IntegrityError) as caught:
        session.commit()
    assert unusable(caught.value, "shop.db") is None
    assert unusable(ValueError("x"), "shop.db") is None


def test_what_is_said_already_is_kept() -> None:
    error = DatabaseUnusable("it is so")
    assert unusable(error, "shop.db") is error
