"""Django is the judge: ``on_commit`` calls the same functions in the same order.

Random programs of transactions, savepoints and registrations are run on Django and on a session,
each with a database file of its own; what was called and what was written is compared.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol

import django
import pytest
from django.conf import settings
from django.db import connections, transaction
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlmodel import delete, select

from signalcli.db import Session, create_engine, on_commit
from signalcli.db.transaction import on_rollback
from tests.db.shop_models import Base, Log

ALIAS = "dbtest_on_commit"

if not settings.configured:
    settings.configure(DEBUG=True)  # as the other tests that ask Django
django.setup()


class Stop(Exception):
    """Ends a block, so that it is rolled back."""


class Failure(Exception):
    """What a function raises."""


@dataclass(frozen=True)
class Write:
    """Write a row."""


@dataclass(frozen=True)
class Register:
    """Register a function, which does the steps when it is called, and may then fail."""

    steps: tuple["Step", ...] = ()
    fails: bool = False
    robust: bool = False


@dataclass(frozen=True)
class Block:
    """A transaction or savepoint around steps, which ends in one of these ways."""

    steps: tuple["Step", ...] = ()
    end: str = "release"


Step = Write | Register | Block
ENDS = ("release", "raise", "roll back")


class House(Protocol):
    """One of the two."""

    def block(self, end: str) -> Any:
        """A context manager."""

    def on_commit(self, function: Callable[[], None], robust: bool) -> None:
        """Register a function."""

    def write(self, text: str) -> None:
        """Write a row."""

    def rows(self) -> list[str]:
        """What has been written for good."""


class DjangoHouse:
    """Django."""

    @contextmanager
    def block(self, end: str) -> Iterator[None]:
        with transaction.atomic(using=ALIAS):
            yield
            if end == "roll back":
                transaction.set_rollback(True, using=ALIAS)

    def on_commit(self, function: Callable[[], None], robust: bool) -> None:
        transaction.on_commit(function, using=ALIAS, robust=robust)

    def write(self, text: str) -> None:
        with connections[ALIAS].cursor() as cursor:
            cursor.execute("INSERT INTO log (text) VALUES (%s)", [text])

    def rows(self) -> list[str]:
        with connections[ALIAS].cursor() as cursor:
            cursor.execute("SELECT text FROM log ORDER BY id")
            return [text for (text,) in cursor.fetchall()]


class SessionHouse:
    """This package, with blocks of the session's own."""

    def __init__(self, session: Session) -> None:
        self.session = session

    @contextmanager
    def block(self, end: str) -> Iterator[None]:
        session = self.session
        begin = session.begin_nested if session.in_transaction() else session.begin
        with begin() as block:
            yield
            if end == "roll back":
                block.rollback()

    def on_commit(self, function: Callable[[], None], robust: bool) -> None:
        on_commit(self.session, function, robust=robust)

    def write(self, text: str) -> None:
        self.session.add(Log(text=text))
        self.session.flush()

    def rows(self) -> list[str]:
        with Session(self.session.get_bind()) as session:
            return list(session.exec(select(Log.text).order_by(Log.id)))


class PlainSessionHouse(SessionHouse):
    """The same without ``with``: transactions that begin by themselves, and are asked to end."""

    @contextmanager
    def block(self, end: str) -> Iterator[None]:
        session = self.session
        block = session.begin_nested() if session.in_transaction() else None
        if block is None:
            session.connection()
        try:
            yield
        except Stop:
            (block or session).rollback()
            raise
        if end == "roll back":
            (block or session).rollback()
        else:
            (block or session).commit()


def run(house: House, program: tuple[Step, ...]) -> list[str]:
    """Run a program; what was called, in order, and what came of it."""
    lines: list[str] = []

    def do(steps: tuple[Step, ...], name: str) -> None:
        for number, step in enumerate(steps):
            each = f"{name}.{number}"
            if isinstance(step, Write):
                house.write(each)
            elif isinstance(step, Register):
                house.on_commit(function_of(step, each), step.robust)
            else:
                do_block(step, each)

    def do_block(block: Block, name: str) -> None:
        try:
            with house.block(block.end):
                do(block.steps, name)
                if block.end == "raise":
                    raise Stop
        except Stop:
            lines.append(f"{name} stopped")
        lines.append(f"{name} is over")

    def function_of(step: Register, name: str) -> Callable[[], None]:
        def function() -> None:
            lines.append(f"{name} called")
            blocks = tuple(each for each in step.steps if not isinstance(each, Write))
            do(blocks, name)
            if step.fails:
                raise Failure(name)
            lines.append(f"{name} returns")

        return function

    for number, step in enumerate(program):
        try:
            do_block(step if isinstance(step, Block) else Block((step,)), str(number))
        except Failure as failure:
            lines.append(f"{number} raised {failure}")
    return [*lines, *house.rows()]


@pytest.fixture(scope="module", autouse=True)
def _databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Django's database, in a file; and nothing logged."""
    file = tmp_path_factory.mktemp("django") / "django.sqlite3"
    connections.settings[ALIAS] = connections.configure_settings(
        {"default": {}, ALIAS: {"ENGINE": "django.db.backends.sqlite3", "NAME": file}}
    )[ALIAS]
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("CREATE TABLE log (id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT)")
    logging.disable()
    yield
    logging.disable(logging.NOTSET)
    connections[ALIAS].close()


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The session's database, in a file."""
    engine = create_engine(tmp_path_factory.mktemp("session") / "session.db")
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


def in_django(program: tuple[Step, ...]) -> list[str]:
    house = DjangoHouse()
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("DELETE FROM log")
    return run(house, program)


def in_session(
    program: tuple[Step, ...], engine: Engine, kind: type[SessionHouse] = SessionHouse
) -> list[str]:
    with Session(engine) as session:
        session.exec(delete(Log))
        session.commit()
        return run(kind(session), program)


def blocks(steps: st.SearchStrategy[Step]) -> st.SearchStrategy[Step]:
    several = st.lists(steps, max_size=5).map(tuple)
    return st.one_of(
        st.builds(Block, several, st.sampled_from(ENDS)),
        st.builds(Register, several, st.booleans(), st.booleans()),
    )


SIMPLE: st.SearchStrategy[Step] = st.one_of(
    st.builds(Write), st.builds(Register, st.just(()), st.booleans(), st.booleans())
)
PROGRAMS = st.lists(st.recursive(SIMPLE, blocks, max_leaves=15), max_size=4).map(tuple)
EACH_KIND = pytest.mark.parametrize("kind", [SessionHouse, PlainSessionHouse])


@EACH_KIND
@hypothesis_settings(deadline=None, max_examples=100)
@given(program=PROGRAMS)
@example(
    program=(
        Block(
            (
                Register(),
                Block((Register(), Block((Write(), Register()))), end="raise"),
                Block((Write(), Block((Register(),)), Register())),
                Block((Register(),), end="roll back"),
                Register(),
            )
        ),
    )
)
@example(program=(Block((Register(), Register(fails=True), Register())), Block((Register(),))))
@example(program=(Block((Register(fails=True, robust=True), Write(), Register())),))
@example(program=(Block((Register((Register(), Block((Write(), Register())))), Register())),))
@example(program=(Block((Register((Block((Register(fails=True),)),)), Register())),))
def test_the_same_functions_are_called_in_the_same_order(
    engine: Engine, kind: type[SessionHouse], program: tuple[Step, ...]
) -> None:
    assert in_session(program, engine, kind) == in_django(program)


def test_programs_do_call_functions(engine: Engine) -> None:
    program = (
        Block((Register((Register(),)), Block((Register(),), end="raise"), Write(), Register())),
    )
    assert in_session(program, engine) == [
        "0.1 stopped",
        "0.1 is over",
        "0.0 called",
        "0.0.0 called",
        "0.0.0 returns",
        "0.0 returns",
        "0.3 called",
        "0.3 returns",
        "0 is over",
        "0.2",
    ]


class BothHouse(SessionHouse):
    """A session whose functions have a counterpart each, which a rollback calls."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.fates: list[list[str]] = []

    def on_commit(self, function: Callable[[], None], robust: bool) -> None:
        fate: list[str] = []
        self.fates.append(fate)
        on_commit(self.session, lambda: fate.append("committed"))
        on_rollback(self.session, lambda: fate.append("undone"))
        self.write(str(len(self.fates)))


PLAIN = st.recursive(
    st.builds(Register),
    lambda steps: st.builds(Block, st.lists(steps, max_size=5).map(tuple), st.sampled_from(ENDS)),
    max_leaves=15,
)


@hypothesis_settings(deadline=None, max_examples=100)
@given(program=st.lists(PLAIN, max_size=4).map(tuple), is_closed=st.booleans())
def test_each_function_or_its_counterpart_is_called_once_as_the_rows_say(
    engine: Engine, program: tuple[Step, ...], is_closed: bool
) -> None:
    with Session(engine) as session:
        session.exec(delete(Log))
        session.commit()
        house = BothHouse(session)
        run(house, program)
        if is_closed:
            with suppress(Stop), house.block("release"):
                house.on_commit(print, robust=False)
                session.close()
        fates = dict(enumerate(house.fates, 1))
        written = {int(text) for text in house.rows()}
    assert {number for number, fate in fates.items() if fate == ["committed"]} == written
    assert {number for number, fate in fates.items() if fate == ["undone"]} == (
        fates.keys() - written
    )
