"""Running a program on one session, and what was seen of it."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import tests.db.differential.families_children  # registers them
import tests.db.differential.families_columns  # registers them
import tests.db.differential.families_inheritance  # registers them
import tests.db.differential.families_keys  # registers them
import tests.db.differential.families_links  # registers them
import tests.db.differential.families_loading  # registers them
import tests.db.differential.families_trees  # noqa: F401  # registers them
from tests.db.differential.databases import Database
from tests.db.differential.models import family_of
from tests.db.differential.programs import Interpreter, Op, Program, outcome_of
from tests.db.differential.recording import (
    Complaints,
    Entry,
    Recorder,
    Statements,
    listen_to_mappers,
    listen_to_sessions,
)

# After these, a session is not rolled back.
ENDS = {"recover", "close"}


@dataclass
class Step:
    """One operation, and all that was seen of it.

    Attributes:
        op: the operation.
        outcome: what came of it.
        complaints: the warnings.
        log: events, statements, signals and writes, in order.
        holdings: what the session holds after it.
        contents: the rows of all tables, after a commit.
    """

    op: Op
    outcome: tuple[str, ...]
    complaints: list[tuple[str, str]]
    log: list[Entry]
    holdings: dict[str, Any] = field(default_factory=dict)
    contents: dict[str, list[str]] | None = None


Around = Callable[[Any], AbstractContextManager[Any]]


class Lane:
    """A class of sessions, with a database of its own.

    Arguments:
        name: its name.
        kind: the class.
    """

    def __init__(self, name: str, kind: type[Any]) -> None:
        self.name = name
        self.kind: type[Any] = type(kind.__name__, (kind,), {"__module__": kind.__module__})
        listen_to_sessions(self.kind)
        self.database = Database(name)
        self.statements = Statements(self.database)

    def run(
        self,
        program: Program,
        around: Around | None = None,
        look: bool = True,
        on_start: Callable[[Recorder], None] | None = None,
        is_shuffled: bool = False,
    ) -> list[Step]:
        """Carry out a program.

        Arguments:
            program: the program.
            around: makes a block around its operations, given the session.
            look: whether what the session holds is looked at after each operation.
            on_start: called when the rows that it begins with are there.
            is_shuffled: whether instances get other places in memory than they would, so that
                SQLAlchemy goes through its sets in another order.
        """
        family = family_of(program.family)
        self.database.prepare(family, program.are_keys_enforced)
        listen_to_mappers(family, False)
        recorder = Recorder(self.database)
        steps: list[Step] = []
        session = self.kind(
            self.database.engine,
            expire_on_commit=program.expires,
            autoflush=program.autoflushes,
        )
        with Complaints() as complaints:
            interpreter = Interpreter(session, family, recorder, is_shuffled)
            recorder.session = session
            session.info["recorder"] = recorder
            interpreter.seed(program.seeds)
            complaints.take()
            recorder.take_log()
            listen_to_mappers(family, program.hears_mappers)
            self.statements.recorder = recorder
            if on_start is not None:
                on_start(recorder)

            def step(op: Op, action: Callable[[], str] | None = None) -> None:
                outcome = outcome_of(action or (lambda: interpreter.do(op)))
                done = Step(op, outcome, complaints.take(), recorder.take_log())
                if look:
                    done.holdings = recorder.holdings()
                if op.name == "commit" and outcome[0] == "did":
                    done.contents = self.database.contents(family)
                steps.append(done)
                if program.recovers and not session.is_active and op.name not in ENDS:
                    step(Op("recover"), lambda: str(session.rollback()))

            def carry_out() -> str:
                with around(session) if around is not None else nullcontext():
                    for op in program.ops:
                        step(op)
                    interpreter.finish()
                if around is None:
                    session.flush()
                return "flush at the end"

            step(Op("end"), carry_out)
            step(Op("commit"))
            step(Op("close"))
            self.statements.recorder = recorder.session = None
            if steps[-1].outcome[0] == "raised":
                # The session is beyond use, and has kept its connection.
                self.database.reset()
        listen_to_mappers(family, False)
        return steps
