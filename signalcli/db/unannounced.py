"""Writes that send no signals, noticed while somebody watches: bulk statements, other sessions.

While nobody watches, nothing is looked at. SQLAlchemy's events are listened to from the first time
that somebody watches, for the life of the process: a listener must not be removed while another
thread fires its event.
"""

import sys
import warnings
import weakref
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from inspect import currentframe
from itertools import count
from types import FrameType
from typing import Any

import sqlalchemy.orm
import sqlmodel
from sqlalchemy import event, inspect
from sqlalchemy.orm import ORMExecuteState, UOWTransaction

from signalcli.db.models import mapped_models
from signalcli.db.session import Session
from signalcli.db.signals import post_delete, post_save, pre_delete, pre_save
from signalcli.dispatch import Signal
from signalcli.dispatch.signatures import qualified_name
from signalcli.dispatch.watching import observers, on_change

MOST_REMEMBERED = 200
# A session that has it among its ``info`` is known to send no signals, and nothing is said of it.
KNOWN = "signalcli.unannounced"
INSERTED, UPDATED, DELETED = "inserted", "updated", "deleted"

_SIGNALS = {
    INSERTED: (pre_save, post_save),
    UPDATED: (pre_save, post_save),
    DELETED: (pre_delete, post_delete),
}
_LIBRARIES = {"contextlib", "greenlet", "sqlalchemy", "sqlmodel"}
_OWN = __name__.rpartition(".")[0]


class UnannouncedWriteWarning(RuntimeWarning):
    """A model that has receivers was written in a way that sends no signals."""


@dataclass(frozen=True, slots=True)
class UnannouncedWrite:
    """Rows of a model that were written without signals.

    Attributes:
        number: counts all such writes of the process, from 1.
        model_reference: returns the model when called, or None when it is dead.
        name: the model's name.
        action: ``inserted``, ``updated`` or ``deleted``.
        rows: how many rows; None where a statement says which.
        by: what wrote them.
        file: the program's file that did it, or an empty string.
        line: the line there.
    """

    number: int
    model_reference: "weakref.ref[type[Any]]"
    name: str
    action: str
    rows: int | None
    by: str
    file: str
    line: int

    @property
    def signals(self) -> tuple[Signal, ...]:
        """The signals that a signalcli.db.Session would have sent."""
        return _SIGNALS[self.action]

    def __str__(self) -> str:
        rows = "rows of" if self.rows is None else f"{self.rows}"
        were = "was" if self.rows == 1 else "were"
        return f"{rows} {self.name} {were} {self.action} by {self.by}"


_writes: deque[UnannouncedWrite] = deque(maxlen=MOST_REMEMBERED)
_numbers = count(1)
_installed: list[bool] = []
_given_nowhere: dict[Any, Any] = {}


def writes_since(number: int) -> list[UnannouncedWrite]:
    """The last writes after one with a number, the oldest first; 0 for all that are remembered."""
    return [write for write in list(_writes) if write.number > number]


def last_number() -> int:
    """The number of the newest write; 0 where there was none."""
    return _writes[-1].number if _writes else 0


def _look_when_watched() -> None:
    if observers and not _installed:
        _installed.append(True)
        event.listen(sqlalchemy.orm.Session, "do_orm_execute", _look_at_statement)
        event.listen(sqlalchemy.orm.Session, "after_flush", _look_at_flush)


def _look_at_statement(state: ORMExecuteState) -> None:
    """Note a statement that writes many rows at once."""
    if not observers or state.is_select or KNOWN in state.session.info:
        return
    if state.is_insert:
        action, by = INSERTED, "an insert() statement"
    elif state.is_update:
        action, by = UPDATED, "an update() statement"
    elif state.is_delete:
        action, by = DELETED, "a delete() statement"
    else:
        return
    for model in _models_of(state):
        _note(model, action, None, by)


def _models_of(state: ORMExecuteState) -> Iterator[type[Any]]:
    mapper = state.bind_mapper
    if mapper is not None:
        yield mapper.class_
        return
    table = getattr(state.statement, "table", None)
    for model in mapped_models():
        if table is not None and inspect(model).local_table is table:
            yield model


def _look_at_flush(session: sqlalchemy.orm.Session, context: UOWTransaction) -> None:
    """Note the rows that a session of somebody else's has written."""
    if not observers or isinstance(session, Session) or KNOWN in session.info:
        return
    is_sqlmodel = isinstance(session, sqlmodel.Session)
    by = f"a plain {'sqlmodel' if is_sqlmodel else 'sqlalchemy.orm'}.Session"
    changed = (each for each in session.dirty if session.is_modified(each, False))
    for action, instances in (
        (INSERTED, session.new),
        (UPDATED, changed),
        (DELETED, session.deleted),
    ):
        for model, rows in Counter(map(type, instances)).items():
            _note(model, action, rows, by)


def _note(model: type[Any], action: str, rows: int | None, by: str) -> None:
    """Remember a write, and warn where receivers would have heard of it."""
    file, line, module, given = _place()
    write = UnannouncedWrite(
        next(_numbers), weakref.ref(model), model.__name__, action, rows, by, file, line
    )
    _writes.append(write)
    unheard = dict.fromkeys(
        qualified_name(connection.receiver)
        for signal in write.signals
        for connection in signal.connections
        if connection.receiver is not None
        and (connection.sender_reference is None or connection.sender is model)
    )
    if unheard:
        warnings.warn_explicit(
            f"{model.__name__} is {action} by {by}, which sends no signals, so "
            f"{', '.join(unheard)} cannot receive any. Write the objects with a "
            "signalcli.db.Session.",
            UnannouncedWriteWarning,
            file or "signalcli",
            line,
            module,
            given,
        )


def _place() -> tuple[str, int, str, dict[Any, Any]]:
    """The line of the program that writes, its module, and Python's record of warnings there."""
    for frame in _frames():
        name = str(frame.f_globals.get("__name__", ""))
        if name.partition(".")[0] not in _LIBRARIES and not name.startswith(f"{_OWN}."):
            given = frame.f_globals.setdefault("__warningregistry__", {})
            return frame.f_code.co_filename, frame.f_lineno, name, given
    return "", 0, "signalcli", _given_nowhere


def _frames() -> Iterator[FrameType]:
    """The frames that led here, from the innermost on, also from within an async session."""
    frame = currentframe()
    while frame is not None:
        yield frame
        frame = frame.f_back
    greenlet = sys.modules.get("greenlet")
    parent = None if greenlet is None else greenlet.getcurrent().parent
    # It is in this greenlet's parent that the program awaits what the session does.
    frame = None if parent is None else parent.gr_frame
    while frame is not None:
        yield frame
        frame = frame.f_back


on_change(_look_when_watched)
_look_when_watched()
