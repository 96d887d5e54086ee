"""Random runs of few names, to be put into the log and compared with what it finds."""

from dataclasses import dataclass, replace
from datetime import timedelta
from fnmatch import fnmatchcase

from hypothesis import strategies as st
from sqlalchemy import Engine, delete

from signalcli.log import tables
from signalcli.log.runs import Run, write
from signalcli.log.schema import bring_up_to_date
from signalcli.trace.records import Trace, short_name
from signalcli.trace.totals import ReceiverTotal
from tests.log.tools import (
    a_dispatch,
    a_response,
    a_run,
    as_kept,
    now,
)

SIGNALS = ("db.post_save", "other.post_save", "shop.paid", "paid")
SENDERS = (None, "User", "user", "Profile", "U[1]")
RECEIVERS = ("shop.create_profile", "core.create_user", "create_user", "a.b.Create_user")
USERS = ("ada", "Ada", "adam", "bob", "b[b", "zoë", "x" * 200)
SECONDS = (0.0, 0.001, 0.05, 0.0500001, 3.0, 4.0, 3e7)

SIGNAL_PATTERNS = (
    "post_save",
    "db.post_save",
    "*.post_save",
    "post_*",
    "p?id",
    "[ps]*",
    "[!p]*",
    "*",
    "POST_SAVE",
    "nothing",
)
SENDER_PATTERNS = ("User", "u*", "U*", "[Uu]ser", "U[[]1]", "*", "nobody", "")
RECEIVER_PATTERNS = (
    "create_user",
    "core.*",
    "create_*",
    "*.create_*",
    "[!c]*",
    "?reate_user",
    "[A-C]*",
    "nothing",
)
USER_PATTERNS = (
    "ada",
    "Ada",
    "a*",
    "[Aa]da",
    "[!A]da",
    "?da",
    "ad[a-c]",
    "b[[]b",
    "zo?",
    "x*",
    "*",
    "nobody",
    "",
)


@dataclass(frozen=True)
class Kept:
    """A run in the log, and what was put there."""

    run: Run
    trace: Trace

    @property
    def number(self) -> int:
        return self.run.number or 0


def matches(pattern: str | None, *names: str | None) -> bool:
    return pattern is None or any(name is not None and fnmatchcase(name, pattern) for name in names)


def matches_any_user(run: Run, pattern: str) -> bool:
    return any(fnmatchcase(name, pattern) for name in run.users)


@st.composite
def traces(draw: st.DrawFn) -> Trace:
    """A flat trace with names that repeat."""
    trace = Trace(ended=draw(st.sampled_from([None, 1.0, 2.0, 4.5, 2e7])))
    for _ in range(draw(st.integers(0, 3))):
        dispatch = a_dispatch(trace, draw(st.sampled_from(SIGNALS)), draw(st.sampled_from(SENDERS)))
        for _ in range(draw(st.integers(0, 3))):
            seconds = draw(st.sampled_from(SECONDS) | st.none())
            # One that has not ended has not failed yet.
            fails = seconds is not None and draw(st.booleans())
            a_response(dispatch, draw(st.sampled_from(RECEIVERS)), seconds, fails=fails)
    return trace


@st.composite
def totals(draw: st.DrawFn) -> tuple[ReceiverTotal, ...]:
    """What is kept of a run of many rows."""
    names = st.tuples(st.sampled_from(RECEIVERS), st.sampled_from(SIGNALS))
    counts = st.sampled_from([(1, 0), (1, 1), (3, 2)])
    return tuple(
        ReceiverTotal(receiver, short_name(path), path, *draw(counts), seconds=1.0)
        for receiver, path in draw(st.lists(names, max_size=3, unique=True))
    )


@st.composite
def runs(draw: st.DrawFn) -> tuple[Run, Trace]:
    ago = draw(st.sampled_from([0, 0, 0, 1, 3600]))
    run = a_run(
        begun=now() - timedelta(seconds=ago),
        exit_code=draw(st.sampled_from([0, 0, 1, 130])),
        users=tuple(draw(st.lists(st.sampled_from(USERS), max_size=3))),
        totals=draw(totals()) if draw(st.booleans()) else (),
    )
    return run, draw(traces())


def one_of(patterns: tuple[str, ...]) -> st.SearchStrategy[str | None]:
    return st.none() | st.sampled_from(patterns)


def emptied(engine: Engine) -> None:
    with engine.begin() as connection:
        bring_up_to_date(connection)
        for table in (*tables.OF_A_RUN, tables.route):
            connection.execute(delete(table))
        # So that the same examples have the same numbers.
        connection.exec_driver_sql("DELETE FROM sqlite_sequence")


def filled(engine: Engine, contents: list[tuple[Run, Trace]]) -> list[Kept]:
    emptied(engine)
    log = []
    for run, trace in contents:
        # Each in a transaction of its own, as they are in life, one after the other.
        with engine.begin() as connection:
            begun = min(run.begun, now())
            number = write(connection, replace(run, begun=begun), trace).number
        log.append(Kept(as_kept(replace(run, begun=begun), trace, number), trace))
    return log
