"""A session that is interrupted in the midst of its own steps."""

import gc
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from sqlalchemy import insert
from sqlmodel import Field, SQLModel

from signalcli.db.engine import open_engine
from signalcli.db.lifetime import open_session

STEPS = ("sqlalchemy/orm/state_changes.py", "signalcli/db/session.py")


class Interrupted(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)


def work(database: Path, moment: int) -> bool:
    """Write and commit, interrupted at a line of a session's steps; whether it came so far."""
    engine = open_engine(str(database), writes=True, creates=True)
    lines = 0

    def at_line(frame: FrameType, what: str, argument: Any) -> Any:
        nonlocal lines
        lines += what == "line"
        if lines == moment:
            sys.settrace(before)
            raise KeyboardInterrupt
        return at_line

    def at_call(frame: FrameType, what: str, argument: Any) -> Any:
        return at_line if frame.f_code.co_filename.endswith(STEPS) else None

    before, rows_before = sys.gettrace(), count(database)
    told: list[str] = []

    def committed() -> None:
        told.append("committed")

    def in_doubt() -> None:
        told.append("in doubt")

    try:
        with open_session(engine, committed, on_doubt=in_doubt) as session:
            sys.settrace(at_call)
            session.add(Interrupted())
            session.commit()
            sys.settrace(before)
    finally:
        sys.settrace(before)
        assert not is_locked(database), moment
        if count(database) > rows_before:
            assert told, moment
        else:
            assert told in ([], ["in doubt"]), moment
        engine.dispose()
        # A connection that nobody closed warns when it is collected: here, and not in a later test.
        gc.collect()
    return lines < moment


def count(database: Path) -> int:
    with closing(sqlite3.connect(database)) as other:
        (rows,) = other.execute("SELECT count(*) FROM interrupted").fetchone()
    return int(rows)


def is_locked(database: Path) -> bool:
    with closing(sqlite3.connect(database, timeout=0, isolation_level=None)) as other:
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        return False


def test_the_database_is_not_locked_after_it_and_what_is_told_is_true(tmp_path: Path) -> None:
    database = tmp_path / "test.db"
    engine = open_engine(str(database), writes=True, creates=True)
    SQLModel.metadata.create_all(engine, [SQLModel.metadata.tables["interrupted"]])
    engine.dispose()
    moment = 1
    while True:
        try:
            if work(database, moment):
                break
        except KeyboardInterrupt:
            pass
        moment += 1
    assert moment > 20


class Interrupting:
    """A value at which Ctrl-C comes while the driver is at its row."""

    def __conform__(self, protocol: object) -> object:
        raise KeyboardInterrupt


def test_the_database_is_not_locked_after_a_statement_of_many_rows(tmp_path: Path) -> None:
    database = tmp_path / "test.db"
    engine = open_engine(str(database), writes=True, creates=True)
    SQLModel.metadata.create_all(engine, [SQLModel.metadata.tables["interrupted"]])
    rows = [{"id": 1}, {"id": Interrupting()}]
    with pytest.raises(KeyboardInterrupt) as interruption, engine.begin() as connection:
        connection.execute(insert(Interrupted), rows)
    # What was raised holds the statement, which still waits for its next row.
    assert interruption.value.__traceback__ is not None
    assert not is_locked(database)
    engine.dispose()
