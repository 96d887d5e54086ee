"""The way of one command: make the apps ready, watch, work in a session, show and keep it."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from signalcli.cli.announcing import Announcement
from signalcli.cli.folder import back_to_this_folder
from signalcli.cli.garbage import pass_over_what_is_loaded
from signalcli.cli.invocation import current
from signalcli.cli.options import Settings
from signalcli.cli.output import (
    kept_clean,
    leave_logs_to_others,
    leave_warnings_to_others,
    let_go_of_stdout,
    print_problem,
    print_traceback_if_wanted,
    print_warning,
    write_document,
)
from signalcli.cli.problems import (
    Problem,
    Reported,
    Terminated,
    interruption,
    problem_of,
    termination,
    unwritable_answer,
    unwritable_log,
)
from signalcli.errors import DatabaseUnusable

if TYPE_CHECKING:
    from rich.console import RenderableType
    from sqlalchemy import Engine

    from signalcli.db import Session
    from signalcli.log.runs import Run
    from signalcli.trace import Recorder
    from signalcli.trace.blame import BlamingTotals


ALWAYS_SENT = {
    "signalcli.apps.signals.command_started",
    "signalcli.db.signals.connection_created",
    "signalcli.db.signals.pre_migrate",
    "signalcli.db.signals.post_migrate",
    "signalcli.apps.signals.got_command_exception",
    "signalcli.apps.signals.command_finished",
}


@dataclass(slots=True)
class Answer:
    """What a command has to say when it is done.

    Attributes:
        result: for programs.
        message: one line for people; nothing is printed where it is empty.
        view: for people, instead of the message.
        problem: what went wrong although the command went on.
        users: the names of the users that it turned out to be about.
    """

    result: Any
    message: str = ""
    view: "RenderableType | None" = None
    problem: Problem | None = None
    users: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Piecemeal:
    """What is different where a command commits its work piece by piece, much of it perhaps.

    Attributes:
        totals: what is kept of its dispatches, in place of a trace.
        answer: what it has to say where something ends it early.
        outcome: what is there of its work then.
    """

    totals: "BlamingTotals | None"
    answer: Callable[[], Answer]
    outcome: Callable[[], str]


@dataclass(slots=True)
class _Course:
    """A run under way: what it has come to so far."""

    begun: datetime = field(default_factory=lambda: datetime.now(UTC).replace(tzinfo=None))
    answer: Answer | None = None
    problem: Problem | None = None
    is_written: bool = False
    number: int | None = None
    leaving: Terminated | None = None
    piecemeal: Piecemeal | None = None

    @property
    def totals(self) -> "BlamingTotals | None":
        """What is kept of the dispatches in place of a trace."""
        return self.piecemeal.totals if self.piecemeal is not None else None

    @property
    def outcome(self) -> str | None:
        """What is there of the work, if there is more to say than whether there is something."""
        return self.piecemeal.outcome() if self.piecemeal is not None else None

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
    users: tuple[str, ...] = (),
    app: str | None = None,
    piecemeal: Piecemeal | None = None,
    recorder: "Recorder | None" = None,
) -> None:
    """Carry out a command, print what came of it, and keep it in the signal log.

    Arguments:
        settings: what the global options say.
        command: the command's name.
        work: does it, in a transaction that is committed when it is done.
        writes: whether the database is written.
        creates: whether a database that does not exist is made.
        shows_trace: whether the trace is part of what is printed; then it is kept, too.
        users: the names of the users that it is about, as they were typed.
        app: the full name of the app that has to be installed for it.
        piecemeal: what is different where it commits piece by piece itself.
        recorder: records the trace; by default one that nobody else asks.

    Raises:
        Reported: the command failed, and has said so.
        Terminated: the system asks the process to end.
    """
    from signalcli.trace import Recorder

    recorder, course = recorder or Recorder(), _Course(piecemeal=piecemeal)
    leave_logs_to_others()
    with contextlib.ExitStack() as stack:
        engine: Engine | None = None
        try:
            with _view(settings, recorder, course, shows_trace), back_to_this_folder():
                engine = _open(settings, app, writes, creates)
                # The last connection to close takes the write-ahead log with it.
                stack.callback(engine.dispose)
                _work(settings, command, engine, recorder, work, course, writes)
        except BaseException as error:
            problem = _problem_of(error, settings, recorder, course)
            course.problem = course.problem or problem
        if settings.log and shows_trace:
            run = _run(command, recorder, course, users, writes)
            course.number = _keep(settings, run, recorder, course, engine if writes else None)
    _print(settings, command, recorder if shows_trace else None, course)
    if course.leaving is not None:
        raise course.leaving
    if course.problem is not None:
        raise Reported(course.problem)


def _open(settings: Settings, app: str | None, writes: bool, creates: bool) -> "Engine":
    from signalcli.apps import ImproperlyConfigured, apps
    from signalcli.apps.installed import make_ready
    from signalcli.db.opening import open_engine

    pass_over_what_is_loaded()
    installed = make_ready(settings.apps)
    if app is not None and not apps.is_installed(app):
        raise ImproperlyConfigured(
            f"this command is for the users of the app {app}, which is not installed: "
            f"{installed.source} lists {', '.join(installed.names)}"
        )
    settings.faults.check()
    leave_warnings_to_others()
    return open_engine(settings.database, writes=writes, creates=creates)


def _work(
    settings: Settings,
    command: str,
    engine: "Engine",
    recorder: "Recorder",
    work: "Callable[[Session], Answer]",
    course: _Course,
    writes: bool,
) -> None:
    """Do the work, watched and announced; what ends it is noted and not raised."""
    from signalcli.trace import record
    from signalcli.trace.totals import totalled

    def judge(error: BaseException) -> Problem | None:
        return _problem_of(error, settings, recorder, course)

    announcement, failure = Announcement(command, judge), None
    watched = record(recorder) if course.totals is None else totalled(course.totals)
    with settings.faults.injected(), watched:
        try:
            announcement.start()
            _work_in_session(engine, work, course, writes)
        except BaseException as error:
            failure = error
            course.problem = judge(error)
            if course.piecemeal is not None:
                course.answer = course.piecemeal.answer()
        course.problem = announcement.end(course.problem, failure)


def _work_in_session(
    engine: "Engine", work: "Callable[[Session], Answer]", course: _Course, writes: bool
) -> None:
    from signalcli.apps.tables import bring_up_to_date
    from signalcli.db.opening import open_session
    from signalcli.log.schema import refuse_newer

    with open_session(engine, course.note_commit, (refuse_newer, bring_up_to_date)) as session:
        answer = work(session)
        if writes:
            session.commit()
        course.answer = answer
        course.problem = answer.problem


def _problem_of(
    error: BaseException, settings: Settings, recorder: "Recorder", course: _Course
) -> Problem | None:
    """What ended the run, as it is reported; None where there is nothing to report.

    Raises:
        BaseException: the error itself, where it is none of the run's.
    """
    from signalcli.db.engine import without_password

    if isinstance(error, KeyboardInterrupt):
        return interruption(course.is_written, course.outcome)
    if isinstance(error, Terminated):
        course.leaving = error
        return termination(error, course.is_written, course.outcome)
    blaming = recorder if course.totals is None else course.totals
    if blaming.culprit(error) is None:
        if not isinstance(error, Exception):
            raise error
        if isinstance(error, BrokenPipeError):
            # Nobody reads the table any more. The work is done by then.
            let_go_of_stdout()
            return None
    print_traceback_if_wanted()
    database = without_password(settings.database)
    return problem_of(error, blaming, database, course.is_written, course.outcome)


@contextlib.contextmanager
def _view(
    settings: Settings, recorder: "Recorder", course: _Course, shows_trace: bool
) -> Iterator[None]:
    """Show the trace to people as it grows; keep standard output clean for programs.

    Where only totals are kept, nobody could tell what prints what, and it is dropped.
    """
    if course.totals is not None:
        with kept_clean(for_programs=False, quiet=True):
            yield
    elif shows_trace and not settings.json and not settings.quiet:
        from signalcli.render.console import make_console
        from signalcli.render.live import growing_table

        with growing_table(recorder, make_console()):
            yield
    else:
        with kept_clean(for_programs=settings.json, quiet=settings.quiet):
            yield


def _run(
    command: str, recorder: "Recorder", course: _Course, users: tuple[str, ...], writes: bool
) -> "Run":
    """The run as it is kept."""
    from signalcli.core.values import normal_username
    from signalcli.log.runs import Run
    from signalcli.trace.records import LONGEST_OUTPUT, encodable
    from signalcli.trace.representation import describe_command_line, shorten

    answer, problem = course.answer, course.problem
    message = answer.message if answer is not None else ""
    if answer is not None and answer.view is not None:
        from signalcli.render.console import as_text

        message = as_text(answer.view)
        if len(message) > LONGEST_OUTPUT:
            message = ""
    found = answer.users if answer is not None else ()
    return Run(
        begun=course.begun,
        command=command,
        command_line=describe_command_line(["signalcli", *current().arguments]),
        exit_code=problem.exit_code if problem is not None else 0,
        # What follows, the reader of the table may delay.
        seconds=recorder.now() if recorder.trace.ended is None else recorder.trace.ended,
        is_rolled_back=writes and not course.is_written and _has_worked(recorder, course),
        message=encodable(message),
        result=answer.result if answer is not None else None,
        error_code=problem.code if problem is not None else None,
        error_message=encodable(problem.message) if problem is not None else None,
        users=tuple(shorten(normal_username(name)) for name in (*users, *found)),
        totals=tuple(course.totals or ()),
    )


def _has_worked(recorder: "Recorder", course: _Course) -> bool:
    """Whether any signal was sent besides those that every command sends."""
    if course.totals is not None:
        return any(True for _ in course.totals)
    return any(dispatch.signal_path not in ALWAYS_SENT for dispatch in recorder.trace.dispatches)


def _keep(
    settings: Settings,
    run: "Run",
    recorder: "Recorder",
    course: _Course,
    engine: "Engine | None",
) -> int | None:
    """Keep the run in the signal log, or say why that cannot be done; returns its number."""
    from signalcli.db.opening import is_kept, open_engine
    from signalcli.log.keeping import keep

    if run.error_code == DatabaseUnusable.code:
        return None
    if not is_kept(settings.database):
        if _has_worked(recorder, course) and engine is not None and engine.url.database is not None:
            _warn(settings, FileNotFoundError("the file is gone"))
        return None
    try:
        # The run is over: its receivers hear no more of what is connected for the log.
        own = open_engine(settings.database, writes=True, creates=False, announces=False)
        with contextlib.ExitStack() as stack:
            stack.callback(own.dispose)
            return keep(own, run, recorder.trace, settings.log_keep).number
    except (Exception, KeyboardInterrupt) as error:
        print_traceback_if_wanted()
        _warn(settings, error)
        return None


def _warn(settings: Settings, error: BaseException) -> None:
    if not settings.quiet:
        print_warning(unwritable_log(error, settings.database))


def _print(settings: Settings, command: str, recorder: "Recorder | None", course: _Course) -> None:
    try:
        _report(settings, command, recorder, course)
        sys.stdout.flush()
    except BrokenPipeError:
        let_go_of_stdout()
    except OSError as error:
        let_go_of_stdout()
        course.problem = unwritable_answer(error, course.is_written)
        print_problem(course.problem)


def _report(settings: Settings, command: str, recorder: "Recorder | None", course: _Course) -> None:
    if settings.json:
        from signalcli.render.document import dispatches_of

        write_document(
            command,
            run=course.number,
            result=course.answer.result if course.answer else None,
            dispatches=dispatches_of(recorder.trace) if recorder is not None else [],
            problem=course.problem,
        )
        return
    answer = course.answer
    if answer is not None and (answer.view or answer.message) and not settings.quiet:
        from signalcli.render.console import make_console, show
        from signalcli.render.text import plain

        if totals := tuple(course.totals or ()):
            from signalcli.render.totals import totals_table

            show(totals_table(totals), make_console())
        show(answer.view or plain(answer.message), make_console())
    if course.problem is not None:
        print_problem(course.problem)
