"""The database that comes with the project."""

import sqlite3
import sys
from pathlib import Path
from typing import Any

from tests import processes

ROOT = Path(__file__).parents[1]
ROWS = (
    "SELECT username, email, first_name, last_name, profile_pic "
    "FROM core_user JOIN core_profile ON core_profile.user_id = core_user.id ORDER BY core_user.id"
)
TABLES = "SELECT name, sql FROM sqlite_master ORDER BY name"


def committed_demo(folder: Path) -> Path:
    """The file as it was committed, since running signalcli here may have changed it."""
    database = folder / "committed.db"
    shown = processes.run(["git", "show", "HEAD:demo.db"], cwd=ROOT, encoding=None, check=True)
    database.write_bytes(shown.stdout)
    return database


def query(database: Path, statement: str) -> list[Any]:
    connection = sqlite3.connect(database)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


def test_the_script_makes_the_same_users_and_tables(tmp_path: Path) -> None:
    committed, anew = committed_demo(tmp_path), tmp_path / "anew.db"
    processes.run([sys.executable, ROOT / "docs" / "make_demo_db.py", anew], check=True)
    assert query(anew, ROWS) == query(committed, ROWS)
    assert query(anew, TABLES) == query(committed, TABLES)


def test_it_has_two_users_with_filled_profiles_and_none_called_xyz(tmp_path: Path) -> None:
    users = query(committed_demo(tmp_path), ROWS)
    assert len(users) == 2
    assert all(all(user) for user in users)
    assert "xyz" not in [user[0] for user in users]


def test_it_is_small(tmp_path: Path) -> None:
    assert committed_demo(tmp_path).stat().st_size < 50_000
