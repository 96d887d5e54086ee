"""Comparing what was seen of two sessions that were asked the same."""

import re
from ast import literal_eval
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from difflib import ndiff
from typing import Any

from tests.db.differential.lanes import Step
from tests.db.differential.recording import Entry

_VERB = re.compile(r"^(INSERT INTO|UPDATE|DELETE FROM) (?!differential_)(\S+)")


def canonical(log: list[Entry], only_rows: bool = False) -> list[Any]:
    """A log of events and statements in a form in which two can be compared.

    What happens to the session as a whole is in order. Between two such events, SQLAlchemy goes
    through sets: what it does there is compared without an order, but that of each mapper's rows.

    Arguments:
        log: the log.
        only_rows: whether statements count by what they do to how many rows of which table.
    """
    found: list[Any] = []
    chunk: list[Entry] = []
    for entry in log:
        if entry[0] == "event":
            found += _chunk(chunk, only_rows)
            chunk = []
            found.append(entry)
        else:
            chunk.append(entry)
    return found + _chunk(chunk, only_rows)


def _chunk(chunk: list[Entry], only_rows: bool) -> list[Any]:
    anyhow = sorted(repr(entry) for entry in chunk if entry[0] == "instance")
    ordered: dict[str, list[Entry]] = {}
    for entry in chunk:
        if entry[0] == "mapper":
            ordered.setdefault(entry[2], []).append(entry)
    if only_rows:
        statements = sorted(written_rows(chunk).items())
    else:
        statements = sorted(Counter(entry[1:] for entry in chunk if entry[0] == "sql").items())
    return [each for each in (anyhow, sorted(ordered.items()), statements) if each]


def written_rows(log: Iterable[Entry]) -> Counter[str]:
    """How many rows of each table are inserted, updated and deleted."""
    rows: Counter[str] = Counter()
    for entry in log:
        if entry[0] == "sql":
            match = _VERB.match(entry[1])
            if match is not None:
                rows[match.group()] += entry[2]
    return rows


def differences(expected: list[Step], actual: list[Step], only_rows: bool) -> Iterator[str]:
    """The first step at which two runs differ, and how."""
    for number, (one, other) in enumerate(zip(expected, actual, strict=False)):
        found = list(_differences_of(one, other, only_rows))
        if found:
            yield f"step {number} {one.op}: {one.outcome[:2]}"
            yield from found
            return
    if len(expected) != len(actual):
        yield f"{len(expected)} steps against {len(actual)}"


def _differences_of(one: Step, other: Step, only_rows: bool) -> Iterator[str]:
    yield from _differing("outcome", *(_outcome(each, only_rows) for each in (one, other)))
    yield from _differing("warnings", one.complaints, other.complaints)
    yield from _differing("contents", one.contents, other.contents)
    first, second = canonical(one.log, only_rows), canonical(other.log, only_rows)
    if first != second:
        yield "  log: - expected, + was"
        lines = [[repr(entry) for entry in each] for each in (first, second)]
        yield from ("    " + line for line in ndiff(*lines) if not line.startswith("?"))
    for key in one.holdings:
        if key == "instances":
            yield from _differing_instances(one.holdings[key], other.holdings[key])
        else:
            yield from _differing(key, one.holdings[key], other.holdings[key])


def _outcome(step: Step, only_rows: bool) -> tuple[str, ...]:
    """What came of it; where only rows count, without the statement that failed."""
    return tuple(each.partition("\n[SQL: ")[0] if only_rows else each for each in step.outcome)


def _differing(what: str, one: Any, other: Any) -> Iterator[str]:
    if one != other:
        yield f"  {what}: expected {one}\n    but was {other}"


def _differing_instances(one: dict[str, Any], other: dict[str, Any]) -> Iterator[str]:
    for name in sorted({*one, *other}):
        yield from _differing(f"{name}", one.get(name), other.get(name))


def differences_in_the_end(expected: list[Step], actual: list[Step]) -> Iterator[str]:
    """As :func:`differences`, for receivers that use the session: only what has to be the same.

    Where a flush fails, it is compared how, and no further: whether the session is rolled back by
    then depends on whose flush it was. Nor is it where a flush meets an instance that is both
    changed and to be deleted, or leaves a mark of deletion behind, or where rows are changed behind
    the session's back: what comes of these depends on which flush comes first. The same goes for an
    instance that is deleted a second time: a receiver's savepoint that is rolled back revives it,
    and its second DELETE may meet a new row that was given the same key.
    """
    gone: set[str] = set()
    for number, (one, other) in enumerate(zip(expected, actual, strict=False)):
        if _depends_on_flushes(one) or _depends_on_order(one) or _is_deleted_again(one, gone):
            return
        found = [
            *_differing("outcome", one.outcome, other.outcome),
            *_differing("contents", one.contents, other.contents),
        ]
        if found:
            yield f"step {number} {one.op}: {one.outcome[:2]}"
            yield from found
            return
        if one.outcome[0] == "raised" and any("flush" in str(entry[1]) for entry in one.log):
            return
    one_way, another = (
        sum((written_rows(each.log) for each in steps), Counter()) for steps in (expected, actual)
    )
    yield from _differing("written rows", one_way, another)


def rows_in_the_end(expected: list[Step], actual: list[Step]) -> Iterator[str]:
    """As :func:`differences`, for work in batches: what came of each step, and the rows."""
    if len(expected) != len(actual):
        yield f"{len(expected)} steps against {len(actual)}"
    for number, (one, other) in enumerate(zip(expected, actual, strict=False)):
        for line in (
            *_differing("outcome", one.outcome, other.outcome),
            *_differing("contents", one.contents, other.contents),
        ):
            yield f"step {number} {one.op.name}: {line}"


def tree_in_the_end(expected: list[Step], actual: list[Step]) -> Iterator[str]:
    """As :func:`rows_in_the_end`, for a tree: its rows are known by their tags, not their keys."""
    yield from rows_in_the_end(
        *([_without_keys(each) for each in one] for one in (expected, actual))
    )


def _without_keys(step: Step) -> Step:
    if step.contents is None:
        return step
    contents = {}
    for table, rows in step.contents.items():
        values = [literal_eval(row) for row in rows]
        tags = {key: tag for key, _, tag, _ in values}
        contents[table] = sorted(
            repr((tags.get(parent), tag, number)) for _, parent, tag, number in values
        )
    return replace(step, contents=contents)


def _depends_on_flushes(step: Step) -> bool:
    if step.op.name in {"remove_behind", "change_behind"}:
        return True
    for entry in step.log:
        if entry[:2] == ("event", "before_flush") and entry[-1]:
            return True
        if entry[:2] == ("event", "after_flush_postexec") and entry[4]:
            return True
    return False


def _is_deleted_again(step: Step, gone: set[str]) -> bool:
    """Whether a flush deletes what one did before; adds to those that are gone."""
    for entry in step.log:
        if entry[:2] == ("event", "before_flush"):
            if not gone.isdisjoint(entry[4]):
                return True
            gone.update(entry[4])
    return False


def _depends_on_order(step: Step) -> bool:
    """Whether the database refused what it may accept in another order: rows went and came."""
    return step.outcome[1].endswith("IntegrityError") and any(
        entry[:2] == ("event", "before_flush") and entry[4] for entry in step.log
    )


def differing_signals(expected: list[list[Entry]], actual: list[list[Entry]]) -> Iterator[str]:
    """Whether the same was sent in each step."""
    for number, (one, other) in enumerate(zip(expected, actual, strict=False)):
        if one != other:
            yield f"step {number}: signals: - expected, + was"
            lines = [[repr(entry) for entry in each] for each in (one, other)]
            yield from ("    " + line for line in ndiff(*lines) if not line.startswith("?"))
            return
