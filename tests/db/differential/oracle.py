"""What signals said against what was written, row by row.

What is written is seen at the connection: which rows a flush inserts, updates and deletes, and
with which columns. Each is traced back to the instance whose row it is, and compared with what the
signals announced before and reported after. This is for receivers that do nothing themselves.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Table, event, inspect
from sqlalchemy.sql.dml import Delete, Insert, Update

from tests.db.differential.lanes import Lane, Step
from tests.db.differential.recording import Entry, Recorder, plain, recorder_of

# Writes


class Witness:
    """Notes the rows that a lane's flushes write, each when it has been written."""

    def __init__(self, lane: Lane) -> None:
        self._statements = lane.statements
        event.listen(lane.database.engine, "after_execute", self._note)

    def _note(
        self,
        connection: Any,
        clause: Any,
        many: Any,
        single: Any,
        options: Any,
        result: Any,
    ) -> None:
        recorder = self._statements.recorder
        if recorder is None or recorder.session is None or not recorder.session._flushing:
            return
        rows = list(many) or [single]
        if isinstance(clause, Insert):
            for row in rows:
                _note_insert(recorder, clause, row)
        elif isinstance(clause, Update):
            for row in rows:
                _note_update(recorder, clause, row)
        elif isinstance(clause, Delete):
            for row in rows:
                _note_delete(recorder, clause.table, row)


def _note_insert(recorder: Recorder, clause: Insert, row: dict[str, Any]) -> None:
    table: Any = clause.table
    for instance in recorder.session.new:
        state = inspect(instance)
        if table not in state.mapper.tables:
            continue
        if "tag" in table.c:
            is_it = row.get("tag") == state.dict.get("tag")
        else:
            keys = [state.mapper.get_property_by_column(each).key for each in table.primary_key]
            is_it = all(
                row.get(column.key) == state.dict.get(key)
                for column, key in zip(table.primary_key, keys, strict=True)
            )
        name = recorder.name_of(instance)
        if is_it and ("write", "insert", table.name, name, frozenset()) not in recorder.log:
            recorder.note("write", "insert", table.name, name, frozenset())
            return
    recorder.note("write", "link added", table.name, _row_of(table, row), frozenset())


def _note_update(recorder: Recorder, clause: Update, row: dict[str, Any]) -> None:
    table: Any = clause.table
    key = tuple(row.get(column._label) for column in table.primary_key)
    written = {each for each in row if each in table.c}
    written |= {getattr(each, "key", each) for each in clause._values or ()}
    inserted = _inserted_with_key(recorder, table, key)
    if inserted is not None:
        # Its foreign keys are written afterwards. A row that is gone may have had its key.
        recorder.note("write", "update", table.name, recorder.name_of(inserted), frozenset())
        return
    old = _with_key(recorder, table, key)
    if old is None:
        # Of a link table, whose rows follow a key.
        recorder.note("write", "link changed", table.name, str(sorted(row.items())), frozenset())
        return
    # A new instance may have the same key without being written, or before it fails.
    new = _with_key_to_be(recorder, table, key) if recorder.is_leaving(old) else None
    instance, kind = (old, "update") if new is None else (new, "take over")
    state = inspect(instance)
    mapper = state.mapper
    columns = set()
    for name in written:
        column = table.c[name]
        attribute = mapper.get_property_by_column(column).key
        if column is mapper.version_id_col and not _was_set(state, attribute):
            # It counts by itself.
            continue
        columns.add(attribute)
    recorder.note("write", kind, table.name, recorder.name_of(instance), frozenset(columns))


def _was_set(state: Any, attribute: str) -> bool:
    return (
        attribute in state.committed_state
        and state.committed_state[attribute] != state.dict[attribute]
    )


def _note_delete(recorder: Recorder, table: Any, row: dict[str, Any]) -> None:
    key = tuple(row.get(column.key) for column in table.primary_key)
    instance = _with_key(recorder, table, key)
    if instance is None:
        recorder.note("write", "link removed", table.name, _row_of(table, row), frozenset())
        return
    if not inspect(instance).was_deleted:
        # Otherwise its row went earlier in the transaction.
        recorder.note("write", "delete", table.name, recorder.name_of(instance), frozenset())


def _with_key(recorder: Recorder, table: Table, key: tuple[Any, ...]) -> Any:
    """The instance of the session whose row it is."""
    states = [
        state
        for state in recorder.session.identity_map.all_states()
        if table in state.mapper.tables
    ]
    for state in states:
        if state.key is not None and state.key[1] == key:
            return state.obj()
    for state in states:
        # Its key was changed by the database.
        if _present_key(state) == key:
            return state.obj()
    return None


def _present_key(state: Any) -> tuple[Any, ...]:
    mapper = state.mapper
    return tuple(
        state.dict.get(mapper.get_property_by_column(column).key) for column in mapper.primary_key
    )


def _inserted_with_key(recorder: Recorder, table: Table, key: tuple[Any, ...]) -> Any:
    """The new instance whose row was inserted in this flush."""
    for instance in recorder.session.new:
        state = inspect(instance)
        entry = ("write", "insert", table.name, recorder.name_of(instance), frozenset())
        if table in state.mapper.tables and entry in recorder.log:
            present = _present_key(state)
            if all(isinstance(each, int | str) for each in present) and present == key:
                return instance
    return None


def _with_key_to_be(recorder: Recorder, table: Table, key: tuple[Any, ...]) -> Any:
    """The new instance that takes over a row."""
    for instance in recorder.session.new:
        state = inspect(instance)
        is_written = any(
            entry[0] == "write" and entry[2:4] == (table.name, recorder.name_of(instance))
            for entry in recorder.log
        )
        if table in state.mapper.tables and _present_key(state) == key and not is_written:
            return instance
    return None


def _row_of(table: Table, row: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted((column.name, row.get(column.key)) for column in table.primary_key))


# Signals


def note_signal(signal: Any, sender: Any, instance: Any, session: Any, **named: Any) -> None:
    """A receiver that does nothing but note what it is told."""
    recorder = recorder_of(session)
    if recorder is None or recorder.session is not session:
        return
    fields = named.get("update_fields")
    recorder.note(
        "signal",
        signal.name,
        recorder.name_of(instance),
        {
            "created": named.get("created"),
            "update_fields": None if fields is None else frozenset(fields),
            "key": plain(repr(inspect(instance).identity)),
            "is_sender": sender is type(instance),
            "tables": [table.name for table in inspect(instance).mapper.tables],
            "asked": _tables_asked_for(inspect(instance).mapper),
            "origin": recorder.name_of(named["origin"]) if "origin" in named else None,
            **_told_of_links(sender, instance, named),
        },
    )


def _tables_asked_for(mapper: Any) -> list[str]:
    """The tables that a flush may ask for what it writes to an instance's row.

    Its own, and those that the row refers to by another column than their key.
    """
    return [table.name for table in mapper.tables] + [
        key.column.table.name
        for table in mapper.tables
        for key in table.foreign_keys
        if not key.column.primary_key
    ]


def _told_of_links(sender: Any, instance: Any, named: dict[str, Any]) -> dict[str, Any]:
    if "action" not in named:
        return {}
    table: Any = sender if isinstance(sender, Table) else inspect(sender).local_table
    rows = []
    for relationship in inspect(instance).mapper.relationships:
        if relationship.secondary is not table or relationship.viewonly:
            continue
        own = [column for _, column in relationship.synchronize_pairs]
        others = [column for _, column in relationship.secondary_synchronize_pairs]
        is_alone = relationship.back_populates is None
        is_reverse = not is_alone and list(table.c).index(own[0]) > list(table.c).index(others[0])
        if is_reverse != named["reverse"]:
            continue
        key = inspect(instance).identity or _present_key(inspect(instance))
        rows += [
            tuple(sorted([(own[0].name, key[0]), (others[0].name, other)]))
            for other in named["pk_set"] or [None]
        ]
    return {"action": named["action"], "table": table.name, "rows": rows}


# The comparison


@dataclass
class Told:
    """What was said of one instance and what was written of it, by place in the log."""

    writes: list[tuple[int, str, str, frozenset[str]]] = field(default_factory=list)
    signals: dict[str, list[tuple[int, dict[str, Any]]]] = field(default_factory=dict)
    reads: list[tuple[int, str]] = field(default_factory=list)

    def was_read_late(self) -> bool:
        """Whether its row may have been read between what announced a save and the end.

        SQLAlchemy reads the row of an expired instance in the middle of a flush where it needs the
        old value of a foreign key (that of a reference that is deleted unloaded, of one that is
        updated afterwards) or a version, and a parent's where a foreign key is not to its primary
        key. What it finds may leave less to be written, or nothing.
        No signal can know before, short of reading the row once more than the plain session.
        """
        return any(
            at > place and f"FROM {table} " in statement
            for place, details in self.signals.get("pre_save", [])
            for table in details["asked"]
            for at, statement in self.reads
        )

    def places(self, signal: str) -> list[int]:
        return [place for place, _ in self.signals.get(signal, [])]

    def kinds(self) -> set[str]:
        return {kind for _, kind, _, _ in self.writes}


def lies_in(steps: Iterable[Step]) -> Iterator[str]:
    """Each lie that signals told in a run."""
    for number, step in enumerate(steps):
        for segment, is_flush in _segments(step.log):
            where = f"step {number} {step.op}: "
            if not is_flush:
                for entry in segment:
                    if entry[0] == "signal":
                        yield f"{where}{entry} was sent outside of a flush"
                continue
            for complaint in _complaints_of(segment):
                yield where + complaint


def loose_lies_in(steps: Iterable[Step]) -> Iterator[str]:
    """As :func:`lies_in`, for receivers that flush, so that flushes are within each other.

    Each row that is written is announced before and reported after, and each report is of a write.
    """
    for number, step in enumerate(steps):
        if step.outcome[0] == "did":
            for name, told in _told_in(step.log).items():
                for complaint in _loose_complaints(told):
                    yield f"step {number} {step.op}: {name}: {complaint}"


def _loose_complaints(told: Told) -> Iterator[str]:
    is_deleted = "delete" in told.kinds()
    for verb in ("save", "delete"):
        before, after = told.places(f"pre_{verb}"), told.places(f"post_{verb}")
        written = [
            place for place, kind, _, _ in told.writes if (kind == "delete") == (verb == "delete")
        ]
        for place in written:
            if verb == "save" and is_deleted and not before:
                # What is written of a row that goes, goes with it.
                continue
            if not any(each < place for each in before):
                yield f"pre_{verb} was not sent before the write at {place} ({before})"
            if not any(each > place for each in after):
                yield f"post_{verb} was not sent after the write at {place} ({after})"
        if len(after) > len(before):
            yield f"post_{verb} was sent {len(after)} times, pre_{verb} {len(before)} times"
        if verb == "save" and told.was_read_late():
            continue
        if len(after) > len(written) and not any(
            details["created"] is not False for _, details in told.signals[f"post_{verb}"]
        ):
            yield f"post_{verb} was sent {len(after)} times for {len(written)} writes"
    inserted = Counter(table for _, kind, table, _ in told.writes if kind == "insert")
    created = sum(bool(details["created"]) for _, details in told.signals.get("post_save", []))
    if inserted and max(inserted.values()) != created:
        yield f"post_save was sent {created} times for {inserted} created"


def _told_in(log: list[Entry]) -> dict[str, Told]:
    """What was said and written of each instance."""
    told: dict[str, Told] = {}
    reads = [
        (place, entry[1])
        for place, entry in enumerate(log)
        if entry[0] == "sql" and entry[1].startswith("SELECT ")
    ]
    for place, entry in enumerate(log):
        if entry[0] == "write" and not entry[1].startswith("link"):
            _, kind, table, name, columns = entry
            told.setdefault(name, Told(reads=reads)).writes.append((place, kind, table, columns))
        elif entry[0] == "signal" and entry[1] != "m2m_changed":
            _, signal, name, details = entry
            signals = told.setdefault(name, Told(reads=reads)).signals
            signals.setdefault(signal, []).append((place, details))
    return told


def signals_of(steps: Iterable[Step], signals: Iterable[Any]) -> list[list[Entry]]:
    """What was sent in each step, of some signals."""
    names = {signal.name for signal in signals}
    return [
        [entry for entry in step.log if entry[0] == "signal" and entry[1] in names]
        for step in steps
    ]


def _segments(log: list[Entry]) -> Iterator[tuple[list[Entry], bool]]:
    """The log cut up at the beginning of each flush."""
    segment: list[Entry] = []
    is_flush = False
    for entry in log:
        if entry[:2] == ("event", "before_flush"):
            yield segment, is_flush
            segment, is_flush = [], True
        segment.append(entry)
    yield segment, is_flush


def _complaints_of(segment: list[Entry]) -> Iterator[str]:
    has_succeeded = any(entry[:2] == ("event", "after_flush_postexec") for entry in segment)
    told = _told_in(segment)
    taken_over = {
        repr_key
        for each in told.values()
        for _, details in each.signals.get("post_delete", [])
        for repr_key in [details["key"]]
    }
    for name, each in told.items():
        for complaint in _complaints_about_instance(each, has_succeeded, taken_over):
            yield f"{name}: {complaint}"
    if has_succeeded:
        yield from _complaints_about_links(segment, told)


def _complaints_about_instance(
    told: Told, has_succeeded: bool, taken_over: set[str]
) -> Iterator[str]:
    kinds = told.kinds()
    saved, deleted = bool(kinds & {"insert", "update", "take over"}), "delete" in kinds
    if deleted or (told.places("pre_delete") and kinds == {"update"} and not has_succeeded):
        # What is written of a row that goes in the same flush goes with it.
        saved = False
    written = [(place, kind, table) for place, kind, table, _ in told.writes]
    tables = Counter((kind, table) for _, kind, table in written if kind != "update")
    if any(count > 1 for count in tables.values()):
        yield f"the oracle does not understand {written}"
    for verb, is_written in (("save", saved), ("delete", deleted)):
        before, after = told.places(f"pre_{verb}"), told.places(f"post_{verb}")
        if is_written:
            first, last = min(written)[0], max(written)[0]
            if len(before) != 1:
                yield f"pre_{verb} was sent {len(before)} times for {written}"
            elif before[0] > first:
                yield f"pre_{verb} came after the write {written}"
            if has_succeeded and len(after) != 1:
                yield f"post_{verb} was sent {len(after)} times for {written}"
            elif after and after[0] < last:
                yield f"post_{verb} came before the write {written}"
        elif after or (before and has_succeeded):
            if verb == "delete" and not deleted and _was_taken_over(told):
                continue
            if verb == "save" and (_takes_over(told, taken_over) or told.was_read_late()):
                continue
            yield (
                f"pre_{verb} was sent {len(before)} times, post_{verb} {len(after)} times, "
                f"nothing was written ({sorted(kinds)})"
            )
    if not has_succeeded:
        if told.places("post_save") or told.places("post_delete"):
            yield "reported though the flush failed"
        return
    if saved:
        yield from _complaints_about_fields(told, kinds)


def _was_taken_over(told: Told) -> bool:
    """Whether an instance's row may have been taken over, of which there is no statement."""
    return len(told.places("pre_delete")) == len(told.places("post_delete")) == 1


def _takes_over(told: Told, taken_over: set[str]) -> bool:
    """Whether a new instance takes over a row as it is."""
    return any(
        details["created"] and details["key"] in taken_over
        for _, details in told.signals.get("post_save", [])
    )


def _complaints_about_fields(told: Told, kinds: set[str]) -> Iterator[str]:
    is_new = bool(kinds & {"insert", "take over"})
    columns = frozenset(
        column for _, kind, _, columns in told.writes if kind == "update" for column in columns
    )
    for signal in ("pre_save", "post_save"):
        for _, details in told.signals.get(signal, []):
            if details["created"] not in {None, is_new}:
                yield f"{signal} has created={details['created']}"
            fields = details["update_fields"]
            if is_new and fields is not None:
                yield f"{signal} has update_fields={sorted(fields)} for a new row"
            if not is_new and fields != columns:
                if fields is not None and fields > columns and told.was_read_late():
                    continue
                said = None if fields is None else sorted(fields)
                yield f"{signal} has update_fields={said}, written was {sorted(columns)}"
            if not details["is_sender"]:
                yield f"{signal} has another sender than the instance's class"


def _complaints_about_links(segment: list[Entry], told: dict[str, Told]) -> Iterator[str]:
    signals = [
        (place, entry[3])
        for place, entry in enumerate(segment)
        if entry[:2] == ("signal", "m2m_changed")
    ]
    writes = [
        (place, *entry[1:4])
        for place, entry in enumerate(segment)
        if entry[0] == "write" and entry[1].startswith("link")
    ]
    if any(kind == "link changed" for _, kind, _, _ in writes) or any(
        "code" in columns for each in told.values() for *_, columns in each.writes
    ):
        # Keys change in the same flush, so that rows have other names before and after.
        return
    going = {
        details["key"]
        for each in told.values()
        for _, details in each.signals.get("post_delete", [])
    }
    for verb, kind in (("add", "link added"), ("remove", "link removed")):
        rows = Counter((table, row) for _, what, table, row in writes if what == kind)
        reported: Counter[Any] = Counter()
        for place, details in signals:
            action = details["action"]
            if action == f"post_{verb}":
                reported.update((details["table"], row) for row in details["rows"])
            elif action == "post_clear" and verb == "remove":
                for table, row in rows:
                    for cleared in details["rows"]:
                        if set(row) >= {each for each in cleared if each[1] is not None}:
                            reported[table, row] += 1
            if action.startswith("pre") and any(
                at < place for at, what, _, _ in writes if what == kind and action.endswith(verb)
            ):
                yield f"{action} came after the write"
            if action.startswith("post") and any(
                at > place for at, what, _, _ in writes if what == kind and action.endswith(verb)
            ):
                yield f"{action} came before the write"
        missing = {
            (table, row)
            for table, row in rows - reported
            if not any(f"({value!r},)" in going for _, value in row)
        }
        if missing:
            yield f"m2m_changed did not report that {kind}: {sorted(missing)}"
        if reported - rows:
            yield f"m2m_changed reported {dict(reported - rows)} as {verb}, which was not written"
    before = Counter(
        (details["action"].removeprefix("pre_"), details["table"])
        for _, details in signals
        if details["action"].startswith("pre")
    )
    after = Counter(
        (details["action"].removeprefix("post_"), details["table"])
        for _, details in signals
        if details["action"].startswith("post")
    )
    if before != after:
        yield f"m2m_changed announced {dict(before)}, reported {dict(after)}"
