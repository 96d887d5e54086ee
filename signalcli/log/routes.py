"""Routes: the signal, sender and receiver of a dispatch or a response.

A log of many runs has few routes. Patterns are compared with the routes, and an index leads from
each route to its runs.
"""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from importlib import import_module
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Insert, insert, select

from signalcli.log import tables
from signalcli.trace.names import matches
from signalcli.trace.records import Dispatch, Response, short_name

BATCH = 500


@dataclass(frozen=True, slots=True)
class Route:
    """The signal, sender and receiver that dispatches or responses share.

    The route of a dispatch has no receiver.
    """

    signal: str
    signal_path: str
    sender: str | None
    receiver: str | None = None
    file: str | None = None
    line: int | None = None

    @property
    def number(self) -> int:
        """Its number: a hash of its columns, and so the same in every log.

        Two processes may write the same route at once without an agreement on its number.
        """
        digest = blake2b(repr(self.columns).encode(), digest_size=8).digest()
        return int.from_bytes(digest) >> 1

    @property
    def columns(self) -> tuple[str | int | None, ...]:
        """Its values, in the order of the table's columns."""
        return self.signal, self.signal_path, self.sender, self.receiver, self.file, self.line


def route_of_dispatch(dispatch: Dispatch) -> Route:
    """The route of a dispatch: signal and sender."""
    return Route(dispatch.signal, dispatch.signal_path, dispatch.sender)


def route_of_response(response: Response) -> Route:
    """The route of a response: signal, sender and receiver."""
    of = response.dispatch
    return Route(
        of.signal, of.signal_path, of.sender, response.receiver, response.file, response.line
    )


def store(connection: Connection, routes: Iterable[Route]) -> dict[Route, int]:
    """Write the routes that the log lacks, some of which others may be writing, too.

    Returns:
        Their numbers.
    """
    numbers = {route: route.number for route in routes}
    column = tables.route.c.route
    # Locked until the end of the transaction: nobody must take them for unused before.
    query = select(column).with_for_update(read=True, key_share=True)
    known: set[int] = set()
    for some in in_batches(numbers.values()):
        known.update(connection.scalars(query.where(column.in_(some))))
    missing = [
        dict(zip(tables.route.c.keys(), (number, *route.columns), strict=True))
        for route, number in numbers.items()
        if number not in known
    ]
    if missing:
        # In one order, so that no two writers wait for each other.
        missing.sort(key=itemgetter(column.name))
        connection.execute(_insert_unless_there(connection), missing)
    return numbers


def _insert_unless_there(connection: Connection) -> Insert:
    """The statement that inserts a route unless another transaction has done so."""
    name = connection.dialect.name
    statement: Insert = insert(tables.route)
    if name in ("postgresql", "sqlite"):
        statement = _dialect(name).insert(tables.route).on_conflict_do_nothing()
    elif name in ("mysql", "mariadb"):
        route = tables.route.c.route
        statement = _dialect("mysql").insert(tables.route).on_duplicate_key_update(route=route)
    return statement


def _dialect(name: str) -> Any:
    # The connection has loaded its own already; here at the top it would be loaded for nothing.
    return import_module(f"sqlalchemy.dialects.{name}")


def matching(
    connection: Connection,
    *,
    signal: str | None = None,
    sender: str | None = None,
    receiver: str | None = None,
    to_receivers: bool,
) -> list[int]:
    """The numbers of the routes whose names match glob patterns; None matches all.

    Arguments:
        connection: the database.
        signal: a pattern for the signal's short or full name.
        sender: one for the sender's name.
        receiver: one for the receiver's short or full name.
        to_receivers: whether routes of responses are wanted, or those of dispatches.
    """
    columns = tables.route.c
    names = select(columns.route, columns.signal, columns.signal_path, columns.sender)
    has_receiver = columns.receiver.is_not(None) == to_receivers
    return [
        number
        for number, name, path, of_sender, of_receiver in connection.execute(
            names.add_columns(columns.receiver).where(has_receiver)
        )
        if matches(signal, name, path)
        and matches(sender, of_sender)
        and matches(receiver, of_receiver, short_name(of_receiver or ""))
    ]


def in_batches(numbers: Iterable[int]) -> Iterator[list[int]]:
    """Numbers in lists short enough for the parameters of one statement."""
    left = iter(numbers)
    while batch := list(itertools.islice(left, BATCH)):
        yield batch
