"""The tables of the installed apps: which of them a database lacks, and whether they are made.

Whether that may be done in a database says :mod:`signalcli.db.ownership`; how it is done,
:mod:`signalcli.apps.additions`.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, inspect
from sqlalchemy.exc import InvalidRequestError
from sqlmodel import SQLModel

from signalcli.apps.additions import Addition, check, listed, make
from signalcli.apps.config import AppConfig
from signalcli.apps.registry import Apps, apps
from signalcli.db import post_migrate, pre_migrate
from signalcli.db.catalog import present_columns, taking_turns
from signalcli.db.database import using
from signalcli.db.models import mapped_models
from signalcli.db.ownership import (
    MARK,
    OF_THE_DEMO,
    TELLING,
    Keeper,
    keeper_of,
    table_names,
    tells_keeper,
)
from signalcli.dispatch import Signal
from signalcli.errors import DatabaseUnusable
from signalcli.log import tables as log_tables
from signalcli.log.schema import refuse_newer

# Where a connection to a server keeps which tables need no second look.
SETTLED = "signalcli_tables"


class NothingThere(Exception):
    """A command that only reads meets a database without any table."""


class State(NamedTuple):
    """How a database stands to the installed apps.

    Attributes:
        keeper: who keeps its schema; None for signalcli.
        made: what was made or added there.
        missing: what it lacks still.
    """

    keeper: Keeper | None = None
    made: tuple[Addition, ...] = ()
    missing: tuple[Addition, ...] = ()

    def lacks(self, database: str) -> str:
        """What is missing and what to do, for people.

        Arguments:
            database: how the database is named to them.
        """
        missing = listed(self.missing)
        if self.keeper is None:
            return f"the database {database} lacks {missing}; a command that writes makes that"
        command = f"run `{self.keeper.command}`" if self.keeper.command else "make it"
        return (
            f"the database {database} lacks {missing}. signalcli does not keep its schema: "
            f"{self.keeper.evidence}. So {command}, or let signalcli do it with --migrate"
        )

    def told(self, database: str) -> str:
        """What was made or added, for people; nothing for the tables of the demo app."""
        news = [
            each
            for each in self.made
            if each.column is not None or each.table.name not in OF_THE_DEMO
        ]
        return f"made in {database}: {listed(news)}" if news else ""


@dataclass(frozen=True, slots=True)
class _Seen:
    """A database and the tables that are wanted of it; an equal one needs no second look.

    Attributes:
        present: the name and the SQL of everything in a SQLite database.
        wanted: the tables that are wanted, and how many columns they have.
    """

    present: tuple[tuple[str, str | None], ...]
    wanted: tuple[tuple[Table, int], ...]

    @classmethod
    def of(cls, connection: Connection, tables: list[Table]) -> "_Seen | None":
        """The present state; None for a database that does not tell it in one query."""
        if connection.dialect.name != "sqlite" or any(table.schema for table in tables):
            return None
        rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master")
        present = tuple((name, sql) for name, sql in rows)
        return cls(present, tuple((table, len(table.columns)) for table in tables))

    @property
    def names(self) -> set[str]:
        """The names of the tables."""
        return {name for name, sql in self.present if sql and sql.startswith("CREATE TABLE")}


def bring_up_to_date(
    connection: Connection,
    installed: Apps = apps,
    *,
    writes: bool = True,
    migrates: bool = False,
    folders: Collection[Path] = (),
    database: str | None = None,
) -> State:
    """Make the tables and columns of the installed apps that a database lacks, if that is right.

    See :mod:`signalcli.db.ownership`. Where anything is made, ``pre_migrate`` is sent before for
    each app that has models, in their order, and ``post_migrate`` afterwards, as Django's
    ``migrate`` does. Receivers get the connection; all of this happens in its transaction.

    Arguments:
        connection: the database, in a transaction that has written nothing.
        installed: the installed apps.
        writes: whether the transaction writes. One that reads makes tables in a SQLite database of
            ours alone, for as long as it lasts.
        migrates: whether tables are made and columns added whoever keeps the schema.
        folders: the folders of the project.
        database: how the database is named to people; by default its URL.

    Raises:
        DatabaseUnusable: a table lacks a column that cannot be added, signalcli does not keep the
            schema, or a newer version of signalcli made the log there.
        NothingThere: there is no table, and the transaction only reads.
        InvalidRequestError: a receiver ended the transaction.
    """
    tables = tables_of(installed)
    seen = _Seen.of(connection, tables)
    if seen is not None and installed.seen_tables == seen:
        refuse_newer(connection, has_log=MARK in seen.names)
        return State(keeper_of(seen.names, folders))
    known: State | None = connection.info.get(SETTLED, {}).get(tuple(tables))
    if known is not None:
        # An earlier command of a script has had the same connection to a server.
        refuse_newer(connection)
        return known
    state, names = _looked_up(connection, tables, folders, seen)
    refuse_newer(connection, has_log=MARK in names)
    if not state.missing:
        if seen is None:
            connection.info[SETTLED] = {tuple(tables): state}
        installed.seen_tables = seen
        return state
    if not writes and (state.keeper is not None or seen is None):
        if state.keeper is None and not names:
            raise NothingThere
        return state
    with taking_turns(connection):
        # Another process may have made them by now.
        state, names = _looked_up(connection, tables, folders, _Seen.of(connection, tables))
        keeper, _, missing = state
        if not missing:
            return state
        if keeper is not None and not migrates:
            raise DatabaseUnusable(state.lacks(database or using(connection)))
        check(connection, missing)
        named = {
            "verbosity": 1,
            "interactive": False,
            "using": using(connection),
            "plan": [str(addition) for addition in missing],
            "apps": installed,
            "connection": connection,
        }
        configs = [config for config in installed.get_app_configs() if config.models_module]
        for config in configs:
            _send(pre_migrate, config, named)
        mark = _mark(names, missing) if keeper is None else ()
        make(connection, (*mark, *missing))
    for config in configs:
        _send(post_migrate, config, named)
    return State(keeper, made=missing)


def _looked_up(
    connection: Connection, tables: list[Table], folders: Collection[Path], seen: _Seen | None
) -> tuple[State, set[str]]:
    """How a database stands to some tables, and the names of tables that it has.

    A server is asked once. Only where no table tells who keeps the schema, it is asked for the
    names of all tables.
    """
    asked = tables if seen is not None else [*tables, *TELLING]
    present = present_columns(connection, asked)
    names = {table.name for table in present} if seen is None else seen.names
    if seen is None and not tells_keeper(names):
        names = table_names(connection)
    missing = tuple(_additions(present, tables))
    return State(keeper_of(names, folders), missing=missing), names


def _mark(names: set[str], missing: Collection[Addition]) -> tuple[Addition, ...]:
    """Our mark, to be made before anything else, where a database needs one."""
    made = {each.table.name for each in missing if each.column is None}
    has_mark = MARK in names or (names | made) >= OF_THE_DEMO
    return () if has_mark else (Addition(log_tables.schema),)


def _send(signal: Signal, config: AppConfig, named: dict[str, Any]) -> None:
    signal.send(config, app_config=config, **named)
    connection: Connection = named["connection"]
    if connection.closed or not connection.in_transaction():
        raise InvalidRequestError(
            f"a receiver of {signal.name} ended the transaction of its connection, which "
            "signalcli began"
        )


def tables_of(installed: Apps) -> list[Table]:
    """The tables of the installed apps' models, and the tables that those need.

    These are the tables that foreign keys and relationships lead to, and all tables without a
    model.
    """
    wanted: dict[Table, None] = {}
    pending = [table for model in installed.get_models() for table in _tables_of_model(model)]
    of_models = {table for model in mapped_models(SQLModel) for table in _tables_of_model(model)}
    pending += [table for table in SQLModel.metadata.tables.values() if table not in of_models]
    while pending:
        table = pending.pop(0)
        if table not in wanted:
            wanted[table] = None
            pending += [key.column.table for key in table.foreign_keys]
    return list(wanted)


def _tables_of_model(model: type[Any]) -> Iterator[Table]:
    mapper = inspect(model)
    yield from (table for table in mapper.tables if isinstance(table, Table))
    for relationship in mapper.relationships:
        if isinstance(relationship.secondary, Table):
            yield relationship.secondary


def _additions(present: Mapping[Table, set[str]], tables: list[Table]) -> Iterator[Addition]:
    for table in tables:
        if table not in present:
            yield Addition(table)
            continue
        for column in table.columns:
            if column.name not in present[table]:
                yield Addition(table, column)
