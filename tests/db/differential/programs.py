"""What is done to a session: programs of operations, and how one is carried out."""

import random
import re
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from sqlalchemy import String, inspect, literal_column
from sqlalchemy import select as select_rows
from sqlalchemy.orm import (
    AppenderQuery,
    InstanceState,
    RelationshipProperty,
    WriteOnlyCollection,
    make_transient,
    make_transient_to_detached,
)
from sqlalchemy.orm.attributes import flag_modified
from sqlmodel import select

from tests.db.differential.models import Family
from tests.db.differential.recording import Recorder, plain

KEYS = ("a", "b", "c", "d")
_NAMED_VALUES = re.compile(r"(?<=\[parameters: \[\{).*?(?=\}\]\])")


@dataclass(frozen=True)
class Op:
    """An operation. What its numbers stand for depends on what there is when it is its turn."""

    name: str
    a: int = 0
    b: int = 0
    c: int = 0


@dataclass(frozen=True)
class Program:
    """What is done to a session.

    Attributes:
        family: the name of the family of models.
        ops: the operations.
        seeds: how many instances of each model are there, committed, when it begins.
        are_keys_enforced: whether the database checks foreign keys.
        expires: whether a commit expires what the session holds.
        autoflushes: whether queries flush.
        recovers: whether a session that is of no use any more is rolled back at once.
        hears_mappers: whether somebody listens to the events of mappers.
    """

    family: str
    ops: tuple[Op, ...]
    seeds: int = 0
    are_keys_enforced: bool = False
    expires: bool = True
    autoflushes: bool = True
    recovers: bool = True
    hears_mappers: bool = False


def gives_key(number: int) -> bool:
    """Whether an instance that is made with this number gets a key that the database would give."""
    return number % 7 == 6


class Interpreter:
    """Carries out operations on a session; the same ones do the same to each.

    Arguments:
        session: the session.
        family: the models.
        recorder: who names the instances.
        is_shuffled: whether instances come to lie anywhere in memory.
    """

    def __init__(
        self, session: Any, family: Family, recorder: Recorder, is_shuffled: bool = False
    ) -> None:
        self.session = session
        self.family = family
        self.recorder = recorder
        self.things: list[Any] = []
        self._savepoints: list[Any] = []
        self._quiet: ExitStack | None = None
        self._is_shuffled = is_shuffled
        self._fillers: list[Any] = []

    def seed(self, count: int) -> None:
        """Put some rows into the database, each related to one before it."""
        for number in range(count):
            for place in range(len(self.family.classes)):
                self.make(place, number + 4 * (number + 1), 1)
        try:
            self.session.commit()
        except Exception:
            self.session.rollback()

    def do(self, op: Op) -> str:
        """Carry out an operation; returns what was done and what came of it."""
        self._shuffle()
        said: str = getattr(self, f"_{op.name}")(op)
        return said

    def _shuffle(self) -> None:
        if self._is_shuffled:
            # What takes the same place in memory as what SQLAlchemy keeps of an instance.
            self._fillers += [object.__new__(InstanceState) for _ in range(random.randrange(40))]
            random.shuffle(self._fillers)
            del self._fillers[random.randrange(1 + len(self._fillers)) :]

    def finish(self) -> None:
        """Leave what was entered."""
        if self._quiet is not None:
            self._quiet.close()
            self._quiet = None

    # Choosing

    def _pick(self, number: int) -> Any:
        return self.things[number % len(self.things)] if self.things else None

    def _called(self, instance: Any) -> str:
        return self.recorder.name_of(instance)

    def _met(self, instance: Any) -> None:
        if instance is not None and not any(instance is each for each in self.things):
            self.things.append(instance)

    def _candidates(self, relationship: RelationshipProperty[Any]) -> list[Any]:
        kind = relationship.mapper.class_
        return [each for each in self.things if isinstance(each, kind)]

    def _relationship(self, thing: Any, number: int) -> RelationshipProperty[Any] | None:
        related = sorted(inspect(thing).mapper.relationships, key=lambda each: each.key)
        return related[number % len(related)] if related else None

    def _column(self, thing: Any, number: int) -> Any:
        columns = [
            each for each in inspect(thing).mapper.column_attrs if each.key not in {"tag", "kind"}
        ]
        columns.sort(key=lambda each: each.key)
        # The number is what most programs change.
        columns += [each for each in columns if each.key == "n"] * 2
        return columns[number % len(columns)]

    def _value(self, attribute: Any, number: int) -> Any:
        column = attribute.columns[0]
        kind = type(column.type).__name__
        if kind == "JSON" or "MutableDict" in kind:
            return [None, {"a": 1}, {}, {"b": [2]}, {"a": 2}][number % 5]
        if isinstance(column.type, String):
            return [None, *KEYS][number % 5]
        return [None, 1, 2, 3, 4][number % 5]

    # Instances

    def make(self, place: int, number: int, adding: int) -> Any:
        """Make an instance, give it a key where it needs one, perhaps a relation, and add it."""
        model = self.family.classes[place % len(self.family.classes)]
        mapper = inspect(model)
        count = len(self.things)
        values: dict[str, Any] = {}
        if "tag" in mapper.column_attrs:
            values["tag"] = f"t{count}"
        if "n" in mapper.column_attrs and number % 3:
            values["n"] = number % 3
        digits = number
        for column in mapper.primary_key:
            key = mapper.get_property_by_column(column).key
            digits, digit = divmod(digits, 4)
            if isinstance(column.type, String):
                if not column.foreign_keys or digit:
                    values[key] = KEYS[digit]
            elif (
                (mapper.local_table.autoincrement_column is None)
                and (not column.foreign_keys or digit)
            ) or gives_key(number):
                values[key] = digit + 1
        parents = [each for each in mapper.relationships if not each.uselist and not each.viewonly]
        for relationship in sorted(parents, key=lambda each: each.key):
            others = [*self._candidates(relationship), None]
            digits, digit = divmod(digits, 5)
            other = others[digit % len(others)]
            if other is not None:
                values[relationship.key] = other
        self._shuffle()
        made = model(**values)
        self.recorder.name(made, f"{model.__name__}{count}")
        self.things.append(made)
        if adding:
            self.session.add(made)
        return made

    def _new(self, op: Op) -> str:
        made = self.make(op.a, op.b, op.c % 4)
        return f"{self._called(made)} {'added' if op.c % 4 else 'made'}"

    def _add(self, op: Op) -> str:
        thing = self._pick(op.a)
        if thing is not None:
            self.session.add(thing)
        return f"add({self._called(thing)})"

    def _add_all(self, op: Op) -> str:
        self.session.add_all([each for n, each in enumerate(self.things) if op.b >> n % 4 & 1])
        return "add_all"

    def _delete(self, op: Op) -> str:
        thing = self._pick(op.a)
        if thing is not None:
            self.session.delete(thing)
        return f"delete({self._called(thing)})"

    def _delete_all(self, op: Op) -> str:
        things = [each for n, each in enumerate(self.things) if op.b >> n % 4 & 1]
        if things and hasattr(self.session, "delete_all"):
            self.session.delete_all(things)
        return f"delete_all({', '.join(map(self._called, things))})"

    def _expunge(self, op: Op) -> str:
        thing = self._pick(op.a)
        if thing is not None:
            self.session.expunge(thing)
        return f"expunge({self._called(thing)})"

    def _merge(self, op: Op) -> str:
        thing = self._pick(op.a)
        if thing is None:
            return "merge of nothing"
        merged = self.session.merge(thing, load=op.b % 4 != 3)
        if inspect(merged).pending and hasattr(merged, "tag"):
            # A copy that is told apart from what it was copied from.
            merged.tag = f"copy{len(self.things)}"
        self._met(merged)
        return f"merge({self._called(thing)}) is {self._called(merged)}"

    def _refresh(self, op: Op) -> str:
        thing = self._pick(op.a)
        if thing is not None:
            self.session.refresh(thing, self._names_of(thing, op.b))
        return f"refresh({self._called(thing)})"

    def _expire(self, op: Op) -> str:
        thing = self._pick(op.a)
        if thing is not None:
            self.session.expire(thing, self._names_of(thing, op.b))
        return f"expire({self._called(thing)})"

    def _expire_all(self, op: Op) -> str:
        self.session.expire_all()
        return "expire_all"

    def _names_of(self, thing: Any, number: int) -> list[str] | None:
        keys = sorted(inspect(thing).mapper.attrs.keys())
        return None if number % 2 else [keys[number // 2 % len(keys)]]

    def _make_transient(self, op: Op) -> str:
        thing = self._pick(op.a)
        if thing is not None:
            make_transient(thing)
        return f"make_transient({self._called(thing)})"

    def _make_detached(self, op: Op) -> str:
        thing = self._pick(op.a)
        if thing is not None:
            make_transient_to_detached(thing)
        return f"make_transient_to_detached({self._called(thing)})"

    def _load(self, op: Op) -> str:
        thing = self._pick(op.a)
        if thing is None:
            return "load of nothing"
        keys = sorted(inspect(thing).mapper.attrs.keys())
        key = keys[op.b % len(keys)]
        value = getattr(thing, key)
        described = self.recorder.describe_value(value)
        self._meet(value)
        return f"{self._called(thing)}.{key} is {described!r}"

    def _meet(self, value: Any) -> None:
        if isinstance(value, dict):
            value = list(value.values())
        for each in value if isinstance(value, list | set) else [value]:
            if each is not None and any(isinstance(each, kind) for kind in self.family.classes):
                self._met(each)

    # Values

    def _set(self, op: Op) -> str:
        thing = self._pick(op.a)
        if thing is None:
            return "set of nothing"
        attribute = self._column(thing, op.b)
        value = self._value(attribute, op.c)
        setattr(thing, attribute.key, value)
        return f"{self._called(thing)}.{attribute.key} = {value!r}"

    def _set_expression(self, op: Op) -> str:
        thing = self._pick(op.a)
        if thing is None:
            return "set of nothing"
        attribute = self._column(thing, op.b)
        value: Any = literal_column("40") + op.c
        if op.c % 3 == 2 and "n" in inspect(thing).mapper.column_attrs:
            value = type(thing).n + 1
        setattr(thing, attribute.key, value)
        return f"{self._called(thing)}.{attribute.key} = {value}"

    def _flag(self, op: Op) -> str:
        thing = self._pick(op.a)
        if thing is None:
            return "flag of nothing"
        mapper, key = inspect(thing).mapper, self._column(thing, op.b).key
        if mapper.version_id_col is not None and mapper.columns[key].primary_key:
            # Its version alone would be counted on, of which no signal is sent.
            return "flag of a key"
        flag_modified(thing, key)
        return f"flag_modified({self._called(thing)}.{key})"

    def _unset(self, op: Op) -> str:
        thing = self._pick(op.a)
        if thing is None:
            return "del of nothing"
        keys = sorted(inspect(thing).mapper.attrs.keys())
        key = keys[op.b % len(keys)]
        delattr(thing, key)
        return f"del {self._called(thing)}.{key}"

    def _mutate(self, op: Op) -> str:
        thing = self._pick(op.a)
        notes = getattr(thing, "notes", None)
        if isinstance(notes, dict):
            notes[KEYS[op.b % 4]] = op.c
        return f"{self._called(thing)}.notes changed"

    # Relationships

    def _chosen(self, op: Op) -> tuple[Any, RelationshipProperty[Any] | None, Any]:
        thing = self._pick(op.a)
        relationship = None if thing is None else self._relationship(thing, op.b)
        if relationship is None:
            return thing, None, None
        others = self._candidates(relationship)
        return thing, relationship, others[op.c % len(others)] if others else None

    def _join(self, op: Op) -> str:
        """Relate two instances, from whichever side."""
        thing, relationship, other = self._chosen(op)
        if relationship is None or other is None:
            return "nothing to join"
        key = relationship.key
        said = f"{self._called(thing)}.{key} += {self._called(other)}"
        if not relationship.uselist:
            setattr(thing, key, other)
            return said
        collection = getattr(thing, key)
        if isinstance(collection, WriteOnlyCollection | set):
            collection.add(other)
        elif isinstance(collection, dict):
            collection[other.tag] = other
        else:
            collection.append(other)
        return said

    def _part(self, op: Op) -> str:
        """Part an instance from another, or from whatever it is related to."""
        thing, relationship, other = self._chosen(op)
        if relationship is None:
            return "nothing to part"
        key = relationship.key
        said = f"{self._called(thing)}.{key} -= "
        if not relationship.uselist:
            setattr(thing, key, None)
            return said + "all"
        collection = getattr(thing, key)
        if isinstance(collection, WriteOnlyCollection | AppenderQuery):
            if other is not None:
                collection.remove(other)
            return said + self._called(other)
        members = list(collection.values() if isinstance(collection, dict) else collection)
        members.sort(key=lambda each: "" if each is None else self._called(each))
        if not members:
            return said + "nothing"
        member = members[op.c % len(members)]
        if isinstance(collection, dict):
            del collection[next(key for key in collection if collection[key] is member)]
        else:
            collection.remove(member)
        return said + self._called(member)

    def _replace(self, op: Op) -> str:
        """Have a relationship hold others, by assignment."""
        thing, relationship, other = self._chosen(op)
        if relationship is None:
            return "nothing to replace"
        others = self._candidates(relationship)
        if not relationship.uselist:
            setattr(thing, relationship.key, other)
            return f"{self._called(thing)}.{relationship.key} = {self._called(other)}"
        chosen = [each for place, each in enumerate(others) if op.c >> place % 3 & 1]
        kind: Any = relationship.collection_class
        value: Any = chosen
        if kind is set:
            value = set(chosen)
        elif kind not in {None, list}:
            value = {each.tag: each for each in chosen}
        setattr(thing, relationship.key, value)
        return f"{self._called(thing)}.{relationship.key} = {list(map(self._called, chosen))}"

    def _clear(self, op: Op) -> str:
        thing, relationship, _ = self._chosen(op)
        if relationship is None:
            return "nothing to clear"
        if not relationship.uselist:
            delattr(thing, relationship.key)
            return f"del {self._called(thing)}.{relationship.key}"
        getattr(thing, relationship.key).clear()
        return f"{self._called(thing)}.{relationship.key}.clear()"

    # The session

    def _flush(self, op: Op) -> str:
        self.session.flush()
        return "flush"

    def _flush_some(self, op: Op) -> str:
        some = [each for each in (self._pick(op.a), self._pick(op.b)) if each is not None]
        self.session.flush(some)
        return f"flush({', '.join(map(self._called, some))})"

    def _commit(self, op: Op) -> str:
        self.session.commit()
        return "commit"

    def _rollback(self, op: Op) -> str:
        self.session.rollback()
        return "rollback"

    def _close(self, op: Op) -> str:
        self._savepoints.clear()
        if op.a % 2:
            self.session.reset()
        else:
            self.session.close()
        return "close"

    def _expunge_all(self, op: Op) -> str:
        self.session.expunge_all()
        return "expunge_all"

    def _begin(self, op: Op) -> str:
        self.session.begin()
        return "begin"

    def _savepoint(self, op: Op) -> str:
        self._savepoints.append(self.session.begin_nested())
        return f"savepoint {len(self._savepoints)}"

    def _with_savepoint(self, op: Op) -> str:
        self._savepoints.append(self.session.begin_nested().__enter__())
        return f"with savepoint {len(self._savepoints)}"

    def _end_savepoint(self, op: Op, end: Any) -> str:
        if not self._savepoints:
            return "no savepoint"
        # Mostly the innermost.
        place = -1 if op.a % 4 else 0
        savepoint = self._savepoints.pop(place)
        end(savepoint)
        return f"end of savepoint {place}"

    def _release(self, op: Op) -> str:
        return self._end_savepoint(op, lambda savepoint: savepoint.commit())

    def _undo(self, op: Op) -> str:
        return self._end_savepoint(op, lambda savepoint: savepoint.rollback())

    def _leave(self, op: Op) -> str:
        def leave(savepoint: Any) -> None:
            error = ValueError("on purpose") if op.b % 2 else None
            savepoint.__exit__(None if error is None else ValueError, error, None)

        return self._end_savepoint(op, leave)

    def _quietly(self, op: Op) -> str:
        """Enter a block without autoflush, or leave it."""
        if self._quiet is None:
            self._quiet = ExitStack()
            self._quiet.enter_context(self.session.no_autoflush)
            return "no_autoflush begins"
        self.finish()
        return "no_autoflush ends"

    def _query(self, op: Op) -> str:
        model = self.family.classes[op.a % len(self.family.classes)]
        found = list(
            self.session.exec(select(model).order_by(*inspect(model).primary_key)).unique().all()
        )
        for each in found:
            self._met(each)
        return f"select {model.__name__}: {list(map(self._called, found))}"

    def _get(self, op: Op) -> str:
        model = self.family.classes[op.a % len(self.family.classes)]
        digits, key = op.b, []
        for column in inspect(model).primary_key:
            digits, digit = divmod(digits, 4)
            key.append(KEYS[digit] if isinstance(column.type, String) else digit + 1)
        found = self.session.get(model, tuple(key) if len(key) > 1 else key[0])
        self._met(found)
        return f"get {model.__name__} {key}: {self._called(found)}"

    def _ask(self, op: Op) -> str:
        thing = self._pick(op.a)
        if thing is None:
            return "nothing to ask"
        return (
            f"{self._called(thing)} is in: {thing in self.session}, "
            f"modified: {self.session.is_modified(thing)}"
        )

    def _remove_behind(self, op: Op) -> str:
        """Remove a row behind the session's back."""
        thing = self._pick(op.a)
        if thing is None or inspect(thing).key is None:
            return "nothing to remove"
        mapper = inspect(thing).mapper
        table = mapper.local_table
        key = [
            column == value
            for column, value in zip(table.primary_key, inspect(thing).identity, strict=False)
        ]
        rows = self.session.connection().execute(table.delete().where(*key)).rowcount
        return f"{rows} row removed behind the session's back"

    def _change_behind(self, op: Op) -> str:
        """Change a number in a table behind the session's back."""
        model = self.family.classes[op.a % len(self.family.classes)]
        table = inspect(model).local_table
        column = "version" if "version" in table.c else "n"
        if column not in table.c or not isinstance(op.b, int) or _is_text(table.c[column]):
            return "nothing to change"
        self.session.connection().execute(table.update().values({column: op.b}))
        return f"{table.name}.{column} = {op.b} behind the session's back"

    def _count(self, op: Op) -> str:
        model = self.family.classes[op.a % len(self.family.classes)]
        rows = self.session.execute(select_rows(inspect(model).local_table)).all()
        return f"{len(rows)} rows of {model.__name__}"


def _is_text(column: Any) -> bool:
    return isinstance(column.type, String)


def outcome_of(action: Any) -> tuple[str, ...]:
    """What came of something: what it said, or what it raised."""
    try:
        return "did", plain(action())
    except Exception as error:
        cause = error.__cause__
        # Which of several keys is missed first is left to the hashes of the process.
        said = "" if isinstance(error, KeyError) else plain(str(error))
        # As is the order of the values of a statement that lacks one.
        said = _NAMED_VALUES.sub(lambda found: ", ".join(sorted(found[0].split(", "))), said)
        return (
            "raised",
            f"{type(error).__module__}.{type(error).__name__}",
            # What comes after it lists the members of sets.
            said.split("Circular dependency detected.")[0],
            "" if cause is None else type(cause).__name__,
        )


__all__ = ["Interpreter", "Op", "Program", "outcome_of"]
