"""All that can be seen of a session: events, statements, warnings, and what it holds."""

import re
import warnings
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ClauseElement, event, inspect
from sqlalchemy.orm import InstanceState, SessionTransaction

from tests.db.differential.databases import Database
from tests.db.differential.families_columns import Point
from tests.db.differential.models import Family

Entry = tuple[Any, ...]

# Session events whose listeners get the session and an instance.
OF_INSTANCES = (
    "before_attach",
    "after_attach",
    "transient_to_pending",
    "pending_to_transient",
    "persistent_to_transient",
    "pending_to_persistent",
    "detached_to_persistent",
    "loaded_as_persistent",
    "persistent_to_deleted",
    "deleted_to_persistent",
    "deleted_to_detached",
    "persistent_to_detached",
)
OF_SESSIONS = ("before_commit", "after_commit", "after_rollback")
OF_TRANSACTIONS = ("after_transaction_create", "after_transaction_end", "after_soft_rollback")
OF_MAPPERS = (
    "before_insert",
    "after_insert",
    "before_update",
    "after_update",
    "before_delete",
    "after_delete",
)
OF_LOADING = ("load", "refresh", "expire", "refresh_flush")

_ADDRESS = re.compile(r"0x[0-9a-fA-F]+")
_SESSION = re.compile(r"session '\d+'|this is '\d+'|Session object at 0x\S*")


def plain(text: str) -> str:
    """A text without what is different each time."""
    return _SESSION.sub("session", _ADDRESS.sub("0x", text))


class Recorder:
    """Notes what happens to one session during one run.

    Arguments:
        database: where the session writes.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.log: list[Entry] = []
        self.session: Any = None
        self._plans: list[Any] = []
        # Kept alive, so that no instance takes another's id or vanishes from the session.
        self._names: dict[int, tuple[str, Any]] = {}
        self._taken: set[str] = set()

    def name(self, instance: Any, name: str) -> None:
        """Give an instance a name, if it has none."""
        if id(instance) not in self._names:
            while name in self._taken:
                name += "'"
            self._taken.add(name)
            self._names[id(instance)] = name, instance

    def name_of(self, instance: Any) -> str:
        """The name of an instance; by its model and key, where nobody gave it one."""
        if instance is None:
            return "None"
        if id(instance) not in self._names:
            state = inspect(instance)
            model = type(instance).__name__
            key = "~" if state.key is None else f":{','.join(map(str, state.key[1]))}"
            self.name(instance, model + key)
        return self._names[id(instance)][0]

    @property
    def instances(self) -> list[tuple[str, Any]]:
        """All instances that were ever seen, with their names."""
        return list(self._names.values())

    def note(self, kind: str, *details: Any) -> None:
        """Put something into the log."""
        self.log.append((kind, *details))

    def take_log(self) -> list[Entry]:
        """What was noted since the last time."""
        log, self.log = self.log, []
        self._plans.clear()
        return log

    def flush_begins(self, plan: Any) -> None:
        """Note what SQLAlchemy plans to write, of a flush that may be within another."""
        self._plans.append(plan)

    def is_leaving(self, instance: Any) -> bool:
        """Whether the flush that is writing now removes an instance's row, or gives it away."""
        # A flush has a transaction of its own from the moment that it has something to write.
        here, state = self.session._transaction, inspect(instance)
        return any(
            getattr(plan, "transaction", None) is here and plan.is_deleted(state)
            for plan in self._plans
        )

    # What the session holds

    def describe_value(self, value: Any) -> Any:
        """A value as something that can be compared between sessions."""
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(inspect(value, raiseerr=False), InstanceState):
            return f"<{self.name_of(value)}>"
        if isinstance(value, ClauseElement):
            return f"SQL {value}"
        if isinstance(value, dict):
            return {str(key): self.describe_value(each) for key, each in value.items()}
        if isinstance(value, set | frozenset):
            return sorted(map(repr, map(self.describe_value, value)))
        if hasattr(value, "_sa_adapter") and isinstance(value, Iterable):
            return [self.describe_value(each) for each in value]
        if isinstance(value, list | tuple):
            return [self.describe_value(each) for each in value]
        return plain(
            f"{type(value).__name__} {value}" if _is_short(value) else type(value).__name__
        )

    def describe_instance(self, instance: Any) -> Any:
        """An instance's state, and all that it holds; nothing is loaded for it."""
        state = inspect(instance)
        status = next(
            each
            for each in ("transient", "pending", "persistent", "deleted", "detached")
            if getattr(state, each)
        )
        values = {
            key: self.describe_value(state.dict[key])
            for key in sorted(state.dict)
            if key in state.manager
        }
        return (
            status,
            state.was_deleted,
            state.modified,
            None if state.key is None else plain(repr(state.key[1])),
            values,
            sorted(state.committed_state),
            sorted(state.expired_attributes),
            {
                key: [
                    sorted(map(self.name_of_state, each))
                    for each in (pending.added_items, pending.deleted_items)
                ]
                for key, pending in sorted(state._pending_mutations.items())
            }
            if "_pending_mutations" in vars(state)
            else {},
        )

    def name_of_state(self, state: Any) -> str:
        """The name of the instance of a state."""
        return self.name_of(state.obj() if isinstance(state, InstanceState) else state)

    def holdings(self) -> dict[str, Any]:
        """What the session holds, and the state of all instances."""
        session = self.session
        return {
            "new": [self.name_of(each) for each in session.new],
            "deleted": [self.name_of(each) for each in session.deleted],
            "dirty": sorted(self.name_of(each) for each in session.dirty),
            "identity_map": sorted(self.name_of(each) for each in session.identity_map.values()),
            "transaction": (
                session.in_transaction(),
                session.in_nested_transaction(),
                session.is_active,
                session.autoflush,
            ),
            "instances": {name: self.describe_instance(each) for name, each in self.instances},
        }


def _is_short(value: Any) -> bool:
    return type(value) is Point


def recorder_of(session: Any) -> Recorder | None:
    """Who records a session."""
    recorder: Recorder | None = session.info.get("recorder")
    return recorder


def listen_to_sessions(kind: type[Any]) -> None:
    """Have the events of a class of sessions recorded."""
    for name in OF_INSTANCES:
        event.listen(kind, name, _noting_instance(name))
    for name in OF_SESSIONS:
        event.listen(kind, name, _noting_session(name))
    for name in OF_TRANSACTIONS:
        event.listen(kind, name, _noting_transaction(name))

    @event.listens_for(kind, "before_flush")
    def before_flush(session: Any, context: Any, instances: Any) -> None:
        _note_flush(session, "before_flush", instances)
        recorder = recorder_of(session)
        if recorder is not None and recorder.session is session:
            recorder.flush_begins(context)

    @event.listens_for(kind, "after_flush")
    def after_flush(session: Any, context: Any) -> None:
        _note_flush(session, "after_flush", None)

    @event.listens_for(kind, "after_flush_postexec")
    def after_flush_postexec(session: Any, context: Any) -> None:
        _note_flush(session, "after_flush_postexec", None)

    @event.listens_for(kind, "after_begin")
    def after_begin(session: Any, transaction: SessionTransaction, connection: Any) -> None:
        _note(session, "event", "after_begin", *_described(transaction))

    @event.listens_for(kind, "do_orm_execute")
    def do_orm_execute(execution: Any) -> None:
        _note(
            execution.session,
            "event",
            "do_orm_execute",
            execution.is_select,
            execution.is_column_load,
            execution.is_relationship_load,
        )

    @event.listens_for(kind, "after_bulk_update")
    def after_bulk_update(context: Any) -> None:
        _note(context.session, "event", "after_bulk_update")

    @event.listens_for(kind, "after_bulk_delete")
    def after_bulk_delete(context: Any) -> None:
        _note(context.session, "event", "after_bulk_delete")


def _note(session: Any, *details: Any) -> None:
    recorder = recorder_of(session)
    if recorder is not None and recorder.session is session:
        recorder.note(*details)


def _note_flush(session: Any, name: str, instances: Any) -> None:
    recorder = recorder_of(session)
    if recorder is None or recorder.session is not session:
        return
    recorder.note(
        "event",
        name,
        None if instances is None else [recorder.name_of(each) for each in instances],
        [recorder.name_of(each) for each in session.new],
        [recorder.name_of(each) for each in session.deleted],
        sorted(recorder.name_of(each) for each in session.dirty),
        sorted(recorder.name_of(each) for each in session.deleted if inspect(each).modified),
    )


def _noting_instance(name: str) -> Any:
    def note(session: Any, instance: Any) -> None:
        recorder = recorder_of(session)
        if recorder is not None and recorder.session is session:
            recorder.note("instance", name, recorder.name_of(instance))

    return note


def _noting_session(name: str) -> Any:
    def note(session: Any) -> None:
        _note(session, "event", name)

    return note


def _noting_transaction(name: str) -> Any:
    def note(session: Any, transaction: SessionTransaction) -> None:
        _note(session, "event", name, *_described(transaction))

    return note


def _described(transaction: SessionTransaction) -> tuple[bool, int]:
    depth, around = 0, transaction.parent
    while around is not None:
        depth, around = depth + 1, around.parent
    return transaction.nested, depth


# Mappers and statements

_listeners: dict[str, list[tuple[Any, str, Any]]] = {}


def listen_to_mappers(family: Family, is_wanted: bool) -> None:
    """Have the events of a family's mappers and instances recorded, or not."""
    if is_wanted == (family.name in _listeners):
        return
    if not is_wanted:
        for listener in _listeners.pop(family.name):
            event.remove(*listener)
        return
    _listeners[family.name] = [
        listener
        for model in family.classes
        for listener in (
            *((model, name, _noting_mapper(name)) for name in OF_MAPPERS),
            *((model, name, _noting_loading(name)) for name in OF_LOADING),
        )
    ]
    for listener in _listeners[family.name]:
        event.listen(*listener)


def _noting_mapper(name: str) -> Any:
    def note(mapper: Any, connection: Any, instance: Any) -> None:
        session = inspect(instance).session
        recorder = None if session is None else recorder_of(session)
        if recorder is not None:
            recorder.note(
                "mapper", name, mapper.base_mapper.class_.__name__, recorder.name_of(instance)
            )

    return note


def _noting_loading(name: str) -> Any:
    def note(instance: Any, *details: Any) -> None:
        session = inspect(instance).session
        recorder = None if session is None else recorder_of(session)
        if recorder is not None:
            attributes = details[-1] if details else None
            recorder.note(
                "instance",
                name,
                recorder.name_of(instance),
                sorted(attributes) if isinstance(attributes, Iterable) else None,
            )

    return note


class Statements:
    """Notes the statements that reach a database, for the recorder that is on duty."""

    def __init__(self, database: Database) -> None:
        self.recorder: Recorder | None = None
        event.listen(database.engine, "before_cursor_execute", self._note)

    def _note(
        self,
        connection: Any,
        cursor: Any,
        statement: str,
        parameters: Any,
        context: Any,
        is_many: bool,
    ) -> None:
        if self.recorder is not None:
            rows = 1
            if isinstance(parameters, list):
                rows = len(parameters)
            elif is_many:
                # Rows that are inserted together by one statement, for the sake of their keys.
                rows += statement.count("), (")
            self.recorder.note("sql", " ".join(statement.split()), rows)


class Complaints:
    """The warnings of a run, as they come."""

    def __init__(self) -> None:
        self._catch = warnings.catch_warnings(record=True)
        self._seen: list[warnings.WarningMessage] = []

    def __enter__(self) -> "Complaints":
        self._seen = self._catch.__enter__() or []
        warnings.simplefilter("always")
        return self

    def __exit__(self, *raised: object) -> None:
        self._catch.__exit__(*raised)  # type: ignore[arg-type]

    def take(self) -> list[tuple[str, str]]:
        """The warnings since the last time: category and text."""
        seen, self._seen[:] = list(self._seen), []
        return [
            (each.category.__name__, plain(str(each.message)))
            for each in seen
            if not issubclass(each.category, ResourceWarning)
        ]
