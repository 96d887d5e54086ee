"""The way of one command: make the apps ready, watch, work in a session, show what happened."""

import contextlib
import logging
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from signalcli.cli.options import Settings
from signalcli.cli.output import (
    let_go_of_stdout,
    output_to,
    print_problem,
    print_traceback_if_wanted,
    write_document,
)
from signalcli.cli.problems import (
    TRACEBACK_VARIABLE,
    Problem,
    Reported,
    Terminated,
    interruption,
    problem_of,
    unwritable_answer,
)

if TYPE_CHECKING:
    from rich.console import RenderableType

    from signalcli.db import Session
    from signalcli.trace import Recorder


@dataclass(slots=True)
class Answer:
    """What a command has to say when it is done.

    Attributes:
        result: for programs.
        message: one line for people.
        view: for people, instead of the message.
        problem: what went wrong although the command went on.
    """

    result: Any
    message: str = ""
    view: "RenderableType | None" = None
    problem: Problem | None = None


@dataclass(slots=True)
class _Run:
    """A run under way: what it has come to so far."""

    answer: Answer | None = None
    problem: Problem | None = None
    is_written: bool = False

    def note_commit(self) -> None:
        """Something is in the database for good."""
        self.is_written = True


def carry_out(
    settings: Settings,
    command: str,
    work: "Callable[[Session], Answer]",
    *,
    writes: bool = False,
    creates: bool = False,
    shows_trace: bool = True,
) -> None:
    """Carry out a command and print what came of it.

    Arguments:
        settings: what the global options say.
        command: the command's name.
        work: does it, in a transaction that is committed when it is done.
        writes: whether the database is written.
        creates: whether a database that does not exist is made.
        shows_trace: whether the trace is part of what is printed.

    Raises:
        Reported: the command failed, and has said so.
    """
    from signalcli.db.engine import without_password
    from signalcli.trace import Recorder

    recorder = Recorder()
    run = _Run()
    if not os.environ.get(TRACEBACK_VARIABLE):
        # The table shows what a robust dispatch would log.
        logging.getLogger("signalcli").addHandler(logging.NullHandler())
    try:
        with _view(settings, recorder, shows_trace):
            _work(settings, recorder, work, run, writes, creates)
    except KeyboardInterrupt:
        run.problem = interruption(run.is_written)
    except Terminated:
        raise
    except BaseException as error:
        if recorder.culprit(error) is None:
            if not isinstance(error, Exception):
                raise
            if isinstance(error, BrokenPipeError):
                # Nobody reads the table any more. The work is done by then.
                let_go_of_stdout()
                return
        print_traceback_if_wanted()
        database = without_password(settings.database)
        run.problem = problem_of(error, recorder, database, run.is_written)
    try:
        _report(settings, command, recorder, run)
        sys.stdout.flush()
    except BrokenPipeError:
        let_go_of_stdout()
    except OSError as error:
        let_go_of_stdout()
        run.problem = unwritable_answer(error, run.is_written)
        print_problem(run.problem)
    if run.problem is not None:
        raise Reported(run.problem)


def _work(
    settings: Settings,
    recorder: "Recorder",
    work: "Callable[[Session], Answer]",
    run: _Run,
    writes: bool,
    creates: bool,
) -> None:
    from signalcli.apps import apps
    from signalcli.db.opening import open_engine, open_session
    from signalcli.trace import record

    apps.populate()
    engine = open_engine(settings.database, writes=writes, creates=creates)
    try:
        with record(recorder), open_session(engine, run.note_commit) as session:
            answer = work(session)
            if writes:
                session.commit()
            run.answer = answer
            run.problem = answer.problem
    finally:
        # The last connection to close takes the write-ahead log with it.
        engine.dispose()


@contextlib.contextmanager
def _view(settings: Settings, recorder: "Recorder", shows_trace: bool) -> Iterator[None]:
    """Show the trace to people as it grows; keep standard output clean for programs."""
    if settings.json:
        with output_to(sys.stderr):
            yield
    elif settings.quiet:
        with open(os.devnull, "w", encoding="utf-8") as nowhere, output_to(nowhere):  # noqa: PTH123
            yield
    elif shows_trace:
        from signalcli.render.console import make_console
        from signalcli.render.live import growing_table

        with growing_table(recorder, make_console()):
            yield
    else:
        yield


def _report(settings: Settings, command: str, recorder: "Recorder", run: _Run) -> None:
    if settings.json:
        from signalcli.render.document import dispatches_of

        write_document(
            command,
            result=run.answer.result if run.answer else None,
            dispatches=dispatches_of(recorder.trace),
            problem=run.problem,
        )
        return
    if run.answer is not None and not settings.quiet:
        from signalcli.render.console import make_console, show
        from signalcli.render.text import plain

        show(run.answer.view or plain(run.answer.message), make_console())
    if run.problem is not None:
        print_problem(run.problem)
