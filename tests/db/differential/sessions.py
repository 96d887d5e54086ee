"""The sessions that are compared: in which ways somebody may be connected to the signals."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from signalcli.db import Session, m2m_changed, post_delete, post_save, pre_delete, pre_save
from signalcli.dispatch import watch
from signalcli.dispatch.watching import Interceptor
from tests.db.differential.comparison import differences, differences_in_the_end
from tests.db.differential.lanes import Lane, Step
from tests.db.differential.oracle import Witness, lies_in, loose_lies_in, note_signal
from tests.db.differential.programs import Program
from tests.db.differential.recording import recorder_of

SIGNALS = (pre_save, post_save, pre_delete, post_delete, m2m_changed)

Connected = Callable[[Program], AbstractContextManager[Any]]


class Base(SQLModel, registry=registry()):
    """Keeps these tables apart."""


class Unrelated(Base, table=True):
    """What no program has anything to do with."""

    __tablename__ = "differential_unrelated"

    id: int | None = Field(default=None, primary_key=True)


class Note(Base, table=True):
    """What receivers add."""

    __tablename__ = "differential_note"

    id: int | None = Field(default=None, primary_key=True)
    text: str


def do_nothing(**named: Any) -> None:
    """A receiver."""


def is_recorded(session: Any) -> bool:
    recorder = recorder_of(session)
    return recorder is not None and recorder.session is session


def ask(instance: Any, session: Any, **named: Any) -> None:
    """A receiver that asks the database something."""
    if is_recorded(session):
        session.scalar(select(func.count()).select_from(Note))


def flush(session: Any, **named: Any) -> None:
    """A receiver that flushes."""
    if is_recorded(session):
        session.flush()


def use_savepoint(session: Any, **named: Any) -> None:
    """A receiver that works within a savepoint, which is kept."""
    if is_recorded(session):
        with session.begin_nested():
            session.scalar(select(func.count()).select_from(Note))


def undo_savepoint(instance: Any, session: Any, **named: Any) -> None:
    """A receiver that adds something within a savepoint, and rolls that back."""
    if is_recorded(session) and not isinstance(instance, Note):
        savepoint = session.begin_nested()
        session.add(Note(text="undone"))
        session.flush()
        savepoint.rollback()


def add_note(instance: Any, session: Any, **named: Any) -> None:
    """A receiver that leaves something to be written."""
    if is_recorded(session) and not isinstance(instance, Note):
        session.add(Note(text=type(instance).__name__))


@contextmanager
def connected(receiver: Any, *signals: Any, sender: Any = None) -> Iterator[None]:
    """A receiver connected to some signals, or all."""
    with ExitStack() as stack:
        for signal in signals or SIGNALS:
            stack.enter_context(signal.connected_to(receiver, sender))
        yield


class Watcher(Interceptor):
    """An observer that notes what is sent, whoever receives it."""

    def dispatch_begun(self, signal: Any, sender: Any, named: dict[str, Any], robust: bool) -> Any:
        if signal in SIGNALS:
            note_signal(signal=signal, sender=sender, **named)


@contextmanager
def watched(watcher: Interceptor, also: AbstractContextManager[Any]) -> Iterator[None]:
    with watch(watcher), also:
        yield


@dataclass(frozen=True)
class Way:
    """A way in which a session of signalcli is used.

    Attributes:
        name: its name.
        connect: connects the receivers, for a program.
        compare: tells how its run differs from the plain session's.
        judge: tells which of the signals lie.
        noted: the signals that are noted, which must be those that are heard otherwise.
        batch_size: that of the bulk work in which the program is carried out; 0 for none.
    """

    name: str
    connect: Connected
    compare: Callable[[list[Step], list[Step]], Iterator[str]]
    judge: Callable[[list[Step]], Iterator[str]] = lambda steps: iter(())
    noted: tuple[Any, ...] = ()
    batch_size: int = 0


def exactly(expected: list[Step], actual: list[Step]) -> Iterator[str]:
    return differences(expected, actual, only_rows=False)


def by_rows(expected: list[Step], actual: list[Step]) -> Iterator[str]:
    return differences(expected, actual, only_rows=True)


def _noting_and(receiver: Any) -> Connected:
    @contextmanager
    def both(program: Program) -> Iterator[None]:
        with connected(note_signal), connected(receiver):
            yield

    return both


def _noting(signal: Any) -> Connected:
    return lambda program: connected(note_signal, signal)


def _noting_all(program: Program) -> AbstractContextManager[Any]:
    return connected(note_signal)


HEARD = Way("heard", _noting_all, exactly, lies_in, SIGNALS)
PASSIVE = (
    Way("idle again", lambda program: nullcontext(), exactly),
    Way("unrelated", lambda program: connected(do_nothing, sender=Unrelated), exactly),
    *(Way(f"only {signal.name}", _noting(signal), exactly, noted=(signal,)) for signal in SIGNALS),
    Way("watched", lambda program: watched(Watcher(), nullcontext()), exactly, lies_in, SIGNALS),
    Way(
        "watched and heard",
        lambda program: watched(Interceptor(), connected(note_signal)),
        exactly,
        lies_in,
        SIGNALS,
    ),
)
BULK = (
    Way("bulk", lambda program: nullcontext(), by_rows, batch_size=10**6),
    Way("bulk heard", _noting_all, by_rows, lies_in, SIGNALS, 10**6),
)
ACTIVE = (
    Way("asking", _noting_and(ask), differences_in_the_end, loose_lies_in),
    Way("flushing", _noting_and(flush), differences_in_the_end, loose_lies_in),
    Way("savepoints kept", _noting_and(use_savepoint), differences_in_the_end, loose_lies_in),
    Way("savepoints undone", _noting_and(undo_savepoint), differences_in_the_end, loose_lies_in),
    Way("adding", _noting_and(add_note), differences_in_the_end, loose_lies_in),
)
WAYS = (HEARD, *PASSIVE, *BULK, *ACTIVE)


class Ours:
    """signalcli's session, in whichever way it is used."""

    def __init__(self) -> None:
        self._lane = Lane("ours", Session)
        Witness(self._lane)
        Base.metadata.create_all(self._lane.database.engine)

    def run(self, program: Program, way: Way, is_shuffled: bool = False) -> list[Step]:
        """Carry out a program in one of the ways."""
        with ExitStack() as stack:
            return self._lane.run(
                program,
                around=(lambda session: session.bulk(way.batch_size)) if way.batch_size else None,
                look=way.compare is not differences_in_the_end,
                on_start=lambda recorder: stack.enter_context(way.connect(program)),
                is_shuffled=is_shuffled,
            )

    def dispose(self) -> None:
        """Leave nothing behind."""
        self._lane.database.dispose()
