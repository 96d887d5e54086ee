"""Checkpoints: how far an operation over a file of rows has come, kept in the database itself.

A checkpoint is written in the transaction of the rows that it counts, so it is true whenever the
run ends. Each run has one of its own, which says when all rows are done that the run is finished.
Of runs that nobody went on with the last hundred stay, and of finished ones, too.
"""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    DateTime,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    Text,
    and_,
    delete,
    insert,
    inspect,
    select,
    update,
)

from signalcli.bulk.outcomes import Counts
from signalcli.db.catalog import taking_turns
from signalcli.errors import DatabaseUnusable
from signalcli.log.tables import schema

VERSION = 1
PART = "checkpoint"
MOST_KEPT = 100
# Stands behind the operation of a finished run: who looks for a run to go on with does not see it.
FINISHED = " finished"

_metadata = MetaData()

_checkpoint = Table(
    "signalcli_checkpoint",
    _metadata,
    Column(
        "checkpoint",
        BigInteger().with_variant(Integer(), "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    Column("written", DateTime, nullable=False, index=True),
    Column("command", String(50), nullable=False),
    Column("source", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("done", Integer, nullable=False),
    Column("skipped", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("batches", Integer, nullable=False),
    Column("faults", Text, nullable=False),
    Column("digest", String(128), nullable=False),
    # The number of a run that ended is not given to another, which may be under way.
    sqlite_autoincrement=True,
)
_columns = _checkpoint.c
_is_finished = _columns.command.endswith(FINISHED)


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a run has come.

    Attributes:
        source: where its rows came from.
        counts: the number of rows that are done, by their outcomes.
        digest: the digest of those rows.
    """

    source: str
    counts: Counts
    digest: str


class Checkpoint:
    """The checkpoint of one run.

    Arguments:
        operation: the operation's name.
        source: the source of its rows: the absolute path of a file, or ``-``.
    """

    def __init__(self, operation: str, source: str) -> None:
        self.source = source
        self._operation = operation
        self._number: int | None = None
        self._is_ready = False

    def find(self, connection: Connection) -> Reached | None:
        """The checkpoint of an earlier run: the last one over this source, else over any.

        This run goes on with it.

        Raises:
            DatabaseUnusable: a newer version of signalcli made the checkpoints.
        """
        if not _version(connection):
            return None
        of_operation = select(_checkpoint).where(_columns.command == self._operation)
        ours_first = (_columns.source != self.source, _columns.written.desc())
        row = connection.execute(of_operation.order_by(*ours_first).limit(1)).first()
        if row is None:
            return None
        self._number = row.checkpoint
        return Reached(row.source, _counts_of(row), row.digest)

    def finished(self, connection: Connection) -> dict[str, Counts]:
        """What came of the runs of the operation that are finished, by the digests of their rows.

        Nothing where an earlier run over this source is to be gone on with.

        Raises:
            DatabaseUnusable: as :meth:`find`.
        """
        if not _version(connection):
            return {}
        ours = and_(_columns.command == self._operation, _columns.source == self.source)
        if connection.execute(select(_columns.checkpoint).where(ours).limit(1)).first():
            return {}
        of_operation = select(_checkpoint).where(_columns.command == self._operation + FINISHED)
        rows = connection.execute(of_operation.order_by(_columns.written))
        return {row.digest: _counts_of(row) for row in rows}

    def make_ready(self, connection: Connection) -> None:
        """Make the table where it is missing.

        Arguments:
            connection: the database, in a transaction that has written nothing: MariaDB commits it
                where the table is made.

        Raises:
            DatabaseUnusable: as :meth:`find`, or another process takes too long to make tables.
        """
        if self._is_ready:
            return
        if not _version(connection):
            with taking_turns(connection):
                if not _version(connection):
                    schema.create(connection, checkfirst=True)
                    _metadata.create_all(connection)
                    connection.execute(insert(schema).values(part=PART, version=VERSION))
        self._is_ready = True

    def write(self, connection: Connection, counts: Counts, digest: str) -> None:
        """Note how far the run has come, in the transaction of its newest rows.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: the table is missing, or cannot be written.
        """
        values = {
            "written": datetime.now(UTC).replace(tzinfo=None),
            "command": self._operation,
            "source": self.source,
            "rows": counts.rows,
            "done": counts.done,
            "skipped": counts.skipped,
            "failed": counts.failed,
            "batches": counts.batches,
            "faults": json.dumps(counts.faults),
            "digest": digest,
        }
        if self._number is not None:
            row = _columns.checkpoint == self._number
            if connection.execute(update(_checkpoint).where(row).values(values)).rowcount:
                return
        # Another run over the same rows, that ended whole, may have removed it.
        result = connection.execute(insert(_checkpoint).values(values))
        self._number = result.inserted_primary_key[0] if result.inserted_primary_key else None
        # A run that nobody resumes leaves its own behind. One that is under way writes it anew.
        _forget_oldest(connection, ~_is_finished)

    def finish(self, connection: Connection, digest: str) -> None:
        """Note that all rows of this run are done, and forget earlier runs over its source.

        Arguments:
            connection: the database.
            digest: the digest of the whole source.
        """
        if self._number is None:
            return
        operations = self._operation, self._operation + FINISHED
        connection.execute(
            delete(_checkpoint).where(
                _columns.command.in_(operations),
                _columns.source == self.source,
                _columns.checkpoint < self._number,
            )
        )
        finished = {"command": operations[1], "source": self.source, "digest": digest}
        row = _columns.checkpoint == self._number
        connection.execute(update(_checkpoint).where(row).values(finished))
        _forget_oldest(connection, _is_finished)


def _counts_of(row: Row[Any]) -> Counts:
    faults = Counter(json.loads(row.faults))
    return Counts(row.rows, row.done, row.skipped, row.failed, row.batches, faults)


def _forget_oldest(connection: Connection, which: ColumnElement[bool]) -> None:
    """Remove the oldest checkpoints of some kind, where there are too many."""
    newest = select(_columns.checkpoint).where(which).order_by(_columns.written.desc())
    oldest = list(connection.scalars(newest.offset(MOST_KEPT).limit(MOST_KEPT)))
    connection.execute(delete(_checkpoint).where(_columns.checkpoint.in_(oldest)))


def _version(connection: Connection) -> int:
    """The version of the checkpoints that a database has; 0 where it has none."""
    if not inspect(connection).has_table(schema.name):
        return 0
    version = connection.scalar(select(schema.c.version).where(schema.c.part == PART)) or 0
    if version > VERSION:
        raise DatabaseUnusable(
            f"the checkpoints of runs over files have version {version}, and this signalcli knows "
            f"version {VERSION}: a newer signalcli made them; use that one, or another --database"
        )
    return int(version)
