"""The same programs on sqlmodel.Session and on signalcli's, in every way of using it.

Two promises are proved here. Nothing else changes: with receivers that do nothing, and with none, a
session writes the same rows, raises the same errors, warns of the same and fires the same events of
SQLAlchemy in the same order as the plain one. And no signal lies: what was written was announced
before and reported after, once; what was not written was not reported.

SIGNALCLI_LONG_EXAMPLES sets how many programs each test runs (then random ones, each in all ways),
SIGNALCLI_TEST_DATABASE the URL of a database other than SQLite in memory.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import inspect

from tests.db.differential.comparison import (
    differing_signals,
    rows_in_the_end,
    tree_in_the_end,
)
from tests.db.differential.lanes import Step
from tests.db.differential.models import GROUPS, family_of
from tests.db.differential.oracle import signals_of
from tests.db.differential.programs import Op, Program, gives_key
from tests.db.differential.sessions import ACTIVE, BULK, HEARD, PASSIVE, Ours, Way, exactly
from tests.db.differential.worker import Worker

LONG = int(os.environ.get("SIGNALCLI_LONG_EXAMPLES", "0"))
TRIES = 8

# The first is what becomes of an operation that a failure does not need.
OPS = {
    "ask": 1,
    "new": 8, "add": 3, "delete": 6, "join": 6, "part": 3, "replace": 3, "clear": 2, "set": 6,
    "flush": 3, "commit": 3, "query": 2, "load": 3, "rollback": 2, "savepoint": 2, "release": 1,
    "undo": 2, "with_savepoint": 1, "leave": 1, "set_expression": 1, "expunge": 1, "merge": 2,
    "refresh": 1, "expire": 1, "expire_all": 1, "get": 1, "close": 1, "expunge_all": 1,
    "make_transient": 1, "make_detached": 1, "quietly": 1, "delete_all": 1, "add_all": 1,
    "flush_some": 1, "flag": 1, "unset": 1, "mutate": 1, "begin": 1, "count": 1,
    "remove_behind": 1, "change_behind": 1,
}  # fmt: skip

ops = st.builds(
    Op,
    st.sampled_from([name for name, weight in OPS.items() for _ in range(weight)]),
    st.integers(0, 7),
    st.integers(0, 63),
    st.integers(0, 7),
)


def programs(families: list[str]) -> st.SearchStrategy[Program]:
    return st.builds(
        Program,
        family=st.sampled_from(families),
        ops=st.lists(ops, min_size=4, max_size=14).map(tuple),
        seeds=st.sampled_from([1, 0, 2]),
        are_keys_enforced=st.booleans(),
        expires=st.booleans().map(lambda is_off: not is_off),
        autoflushes=st.sampled_from([True, True, True, False]),
        recovers=st.sampled_from([True, True, True, False]),
        hears_mappers=st.booleans(),
    )


def setting(examples: int) -> Any:
    return settings(
        max_examples=LONG or examples,
        derandomize=not LONG,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )


@dataclass
class Peers:
    """The sessions that are compared: the plain one and an idle one, alone, and the rest."""

    plain: Worker
    idle: Worker
    ours: Ours

    def check(self, program: Program, ways: list[Way]) -> None:
        """Fail with what a way changes, or with how its signals lie."""
        self.plain.start(program)
        self.idle.start(program)
        runs = [(way, self.ours.run(program, way)) for way in ways]
        expected, idle = self.plain.finish(), self.idle.finish()
        if any(exactly(expected, idle)):
            self.judge(program, None)
        heard = runs[0][1]
        for way, actual in runs:
            if any(way.compare(expected, actual)):
                self.judge(program, way)
            problems = list(way.judge(actual))
            # A failing flush of SQLAlchemy's may write all the same, or not: see below.
            if way.noted and way is not HEARD and not any(way.compare(heard, actual)):
                problems += differing_signals(
                    signals_of(heard, way.noted), signals_of(actual, way.noted)
                )
            if problems:
                pytest.fail(_told(program, way, expected, problems))

    def judge(self, program: Program, way: Way | None) -> None:
        """Fail, if it is no accident.

        SQLAlchemy goes through sets, in an order that depends on where things lie in memory; where
        that shows, the plain session does not always do the same either.
        """
        compare = exactly if way is None else way.compare
        expected, actual = [], []
        for number in range(TRIES):
            is_shuffled = number > 0
            expected.append(self.plain.run(program, is_shuffled))
            if way is None:
                actual.append(self.idle.run(program, is_shuffled))
            else:
                actual.append(self.ours.run(program, way, is_shuffled))
        if not all(any(compare(one, other)) for one in expected for other in actual):
            return
        problems = list(compare(expected[0], actual[0]))
        pytest.fail(_told(program, way, expected[0], problems))


def _told(program: Program, way: Way | None, steps: list[Step], problems: list[str]) -> str:
    return "\n".join(
        [
            f"{'idle' if way is None else way.name}: {program}",
            *(
                f"  {number} {step.op.name}: {step.outcome[:3]}"
                for number, step in enumerate(steps)
            ),
            *problems,
        ]
    )


@pytest.fixture(scope="module")
def peers() -> Iterator[Peers]:
    peers = Peers(Worker("plain"), Worker("idle"), Ours())
    yield peers
    peers.plain.close()
    peers.idle.close()
    peers.ours.dispose()


def some(ways: tuple[Way, ...]) -> st.SearchStrategy[list[Way]]:
    """Some of the ways; all of them where there is time."""
    return st.just(list(ways)) if LONG else st.sampled_from(ways).map(lambda way: [way])


@pytest.mark.parametrize("group", GROUPS)
def test_nothing_else_changes_and_no_signal_lies(peers: Peers, group: str) -> None:
    @setting(30)
    @given(programs(GROUPS[group]), some(PASSIVE), some(BULK))
    def check(program: Program, passive: list[Way], bulk: list[Way]) -> None:
        # What a flush of some objects makes of a link that only the other side's collection has
        # loaded, SQLAlchemy writes again later.
        ops = tuple(op for op in program.ops if op.name != "flush_some" or group != "links")
        peers.check(replace(program, ops=ops), [HEARD, *passive, *bulk])

    check()


def test_a_new_instance_with_the_key_of_one_that_is_flushed_alone(peers: Peers) -> None:
    """It is not written, so the row is not taken for its."""
    ops = (Op("new", 0, 0, 0), Op("new", 0, 48, 1), Op("set", 0, 1, 0), Op("flush_some", 0, 0))
    peers.check(Program("plain_tree-sqlmodel", ops, seeds=1), [HEARD])


@pytest.mark.parametrize("group", GROUPS)
def test_receivers_that_use_the_session_change_nothing(peers: Peers, group: str) -> None:
    @setting(15)
    @given(programs(GROUPS[group]), some(ACTIVE))
    def check(program: Program, active: list[Way]) -> None:
        # Where a flush is told to write some objects only, a receiver's own writes the rest before.
        ops = tuple(op for op in program.ops if op.name != "flush_some")
        peers.check(replace(program, ops=ops), active)

    check()


@pytest.mark.parametrize("group", GROUPS)
def test_small_batches_write_what_is_added_in_one_go(peers: Peers, group: str) -> None:
    """Nothing but additions, of which none fails: whatever the batch, the same rows."""
    additions = st.lists(
        st.builds(Op, st.just("new"), st.integers(0, 7), st.integers(0, 63), st.integers(1, 3)),
        max_size=12,
    ).map(tuple)

    # In a circle, the order of inserts is left to chance, and so which keys are still free. An only
    # child that another one replaces is written in its batch, and its row is in the way.
    families = [each for each in GROUPS[group] if not each.startswith(("circle", "only_orphan"))]

    @setting(6)
    @given(st.sampled_from(families), additions, st.integers(1, 5), st.booleans())
    def check(family: str, added: tuple[Op, ...], size: int, is_heard: bool) -> None:
        compare = rows_in_the_end
        if _is_written_by_levels(family):
            # Parents first: so the batch decides which keys the database gives, and whether one
            # that an instance has already is still free.
            added = tuple(op for op in added if not gives_key(op.b))
            compare = tree_in_the_end
        program = Program(family, added)
        expected = peers.plain.run(program)
        if any(step.outcome[0] == "raised" for step in expected):
            return
        connect = HEARD.connect if is_heard else PASSIVE[0].connect
        way = Way(f"batches of {size}", connect, compare, batch_size=size)
        if any(compare(expected, peers.ours.run(program, way))):
            peers.judge(program, way)

    check()


def _is_written_by_levels(family: str) -> bool:
    """Whether rows of a table refer to each other, and are inserted in the order of that."""
    return any(
        relationship.mapper is mapper
        and relationship.secondary is None
        and not relationship.post_update
        for mapper in map(inspect, family_of(family).classes)
        for relationship in mapper.relationships
    )
