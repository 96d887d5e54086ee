"""The way of every command: make the apps ready, watch, do the work, keep the run, show it.

Loaded when a command runs; its help and completion do without.
"""

import contextlib
import difflib
import functools
from collections.abc import Iterator
from shlex import quote
from typing import Any
from unicodedata import normalize

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError, SAWarning
from sqlalchemy.pool import QueuePool

from signalcli.apps import ImproperlyConfigured, apps
from signalcli.apps.registry import INSTALLED_APPS, OPTION, make_ready
from signalcli.apps.signals import (
    command,
    command_finished,
    command_started,
    got_command_exception,
)
from signalcli.apps.tables import NothingThere, State, bring_up_to_date
from signalcli.cli.answers import show
from signalcli.cli.course import Course, unwritable_log
from signalcli.cli.invocation import NO_FAULTS, PROGRAM, FaultOptions, Settings, current
from signalcli.cli.late import late
from signalcli.cli.places import (
    folders_of,
    is_default,
    log_database,
    log_of,
    refuse_unnamed,
)
from signalcli.cli.problems import (
    Reported,
    print_note,
    print_problem,
    print_traceback_if_wanted,
    print_warning,
)
from signalcli.cli.surroundings import (
    back_to_this_folder,
    keeping_streams,
    kept_clean,
    leave_logs_to_others,
    leave_warnings_to_others,
    look_for_garbage,
)
from signalcli.cli.task import Answer, Inquiry, Task
from signalcli.db.catalog import takes_tables_back
from signalcli.db.database import is_kept
from signalcli.db.engine import close_kept, create_engine, let_go, open_engine
from signalcli.db.lifetime import open_session
from signalcli.db.session import Session
from signalcli.dispatch import Signal
from signalcli.errors import DatabaseUnusable
from signalcli.log.runs import Run, keep
from signalcli.log.schema import open_log
from signalcli.render.folding import MACHINERY
from signalcli.render.picture import Work, title_of
from signalcli.render.printing import growing_table
from signalcli.secrets import without_secrets
from signalcli.trace import Faults, injected, record
from signalcli.trace.names import matches
from signalcli.trace.records import LONGEST_OUTPUT, encodable
from signalcli.trace.representation import describe_command_line, shorten
from signalcli.trace.totals import totalled

with late():
    from signalcli.apps import inventory, oversights
    from signalcli.render import console


def run(settings: Settings, name: str, task: Task | Inquiry) -> None:
    """Carry out a command. Every command goes this way once its arguments have been read.

    The apps are made ready, and the trace begins. The work changes objects in a session, which
    sends model signals; receivers react, and may send more. Then the trace ends. People see it
    grow; the signal log keeps it; the answer comes last.

    Arguments:
        settings: the values of the global options.
        name: the command's name, as in ``log show``.
        task: the work of the command.

    Raises:
        Reported: the command failed, and has said so.
        Terminated: the system asks the process to end.
    """
    course = Course(settings, name, task)
    leave_logs_to_others()
    with contextlib.ExitStack() as closing:
        try:
            with _growing_table(course), back_to_this_folder(), keeping_streams():
                _make_apps_ready(course)
                _open_database(course, closing)
                with _watched(course):
                    _work(course, closing)
                    if not course.is_streamed:
                        _announce_end(course)
        except BaseException as error:
            course.fail(error)
        _keep(course)
        _tell_of_oversights(course)
        if course.is_streamed:
            # Rows that are printed as they are found belong to the work: it ends after them.
            show(course)
            with keeping_streams(), _watched(course):
                _announce_end(course)
    if not course.is_streamed:
        # The database is closed by now: a reader of the answer may move or replace it.
        show(course)
    _leave(course)


def _growing_table(course: Course) -> contextlib.AbstractContextManager[None]:
    """Show people the trace as it grows; keep standard output clean for programs.

    Where only totals are kept, nobody could tell which receiver prints what, and all of it is
    dropped.
    """
    settings, task, is_counted = course.settings, course.task, course.totals is not None
    if task.shows_trace and not (settings.json or settings.quiet or is_counted):
        return growing_table(
            course.recorder,
            is_whole=settings.whole,
            work=functools.partial(_work_of, course),
        )
    for_programs = settings.json or task.form.is_lines
    return kept_clean(
        for_programs=for_programs and not is_counted, quiet=settings.quiet or is_counted
    )


def _make_apps_ready(course: Course) -> None:
    """Make the installed apps ready; a command that can do without them warns where they fail."""
    settings, task = course.settings, course.task
    try:
        if not apps.is_ready:
            look_for_garbage()
        installed = settings.installed
        make_ready(installed)
        if task.app is not None and not apps.is_installed(task.app):
            raise ImproperlyConfigured(_of_other_apps(course, task.app))
        _check(settings.faults)
    except ImproperlyConfigured as error:
        if task.needs_apps or settings.faults != NO_FAULTS:
            raise
        # Also where the list of the apps could not be had.
        apps.failure = error
        if not settings.quiet:
            print_warning(f"the apps do not load, so no receiver hears of this command: {error}")
    else:
        course.is_heard = True


def _of_other_apps(course: Course, app: str) -> str:
    """That a command needs an app that is not installed, and what to do instead."""
    installed = course.settings.installed
    options = " ".join(f"{OPTION} {quote(name)}" for name in installed.names)
    models = [model.__name__ for model in apps.get_models()] if course.name == "list" else []
    given = f" {options}" if installed.source == OPTION else ""
    instead = f"; `{PROGRAM} get {models[0]}{given}` lists the rows of a model" if models else ""
    return (
        f"this command is for the users of the app {app}, which is not installed: "
        f"{installed.source} lists {', '.join(installed.names)}"
        f"{instead}; to have it, too: {OPTION} {app} {options}"
    )


def _check(wanted: FaultOptions) -> None:
    """Make sure that every glob of the faults on purpose fits something.

    Raises:
        NotFound: no connected receiver, or no signal, has a name like that.
    """
    if wanted == NO_FAULTS:
        return
    entries = inventory.find_connections()
    for pattern in (*wanted.fail, *(pattern for pattern, _ in wanted.delay)):
        if not any(matches(pattern, each.short_receiver, each.receiver) for each in entries):
            names = {each.short_receiver for each in entries}
            close = difflib.get_close_matches(pattern, names, n=1)
            raise inventory.no_match("receiver", repr(pattern), "receivers", close)
    for pattern in wanted.mute:
        inventory.find_signals(pattern)


def _open_database(course: Course, closing: contextlib.ExitStack) -> None:
    """Open the database of the session, if the command works in one."""
    leave_warnings_to_others(SAWarning)
    if isinstance(course.task, Inquiry):
        # An inquiry reads or shrinks the file itself, so no earlier command may have it open.
        close_kept()
        return
    if course.task.creates:
        refuse_unnamed(course.settings)
    course.engine = open_engine(
        course.settings.database, writes=course.task.writes, creates=course.task.creates
    )
    # The last connection to close takes the write-ahead log with it.
    closing.callback(let_go, course.engine)


@contextlib.contextmanager
def _watched(course: Course) -> Iterator[None]:
    """Record the dispatches, and put the wanted faults into them."""
    wanted = course.settings.faults
    with contextlib.ExitStack() as stack:
        if wanted != NO_FAULTS:
            stack.enter_context(injected(Faults(wanted.fail, wanted.delays, wanted.mute)))
        totals = course.totals
        stack.enter_context(record(course.recorder) if totals is None else totalled(totals))
        yield


def _work(course: Course, closing: contextlib.ExitStack) -> None:
    """Announce the command and do its work; an exception that ends it is noted, not raised."""
    task = course.task
    try:
        _announce(course, command_started, arguments=list(current().arguments))
        if isinstance(task, Inquiry):
            _look_up(course, task, closing)
        elif course.engine is not None:
            _work_in_session(course, task, course.engine)
    except BaseException as error:
        course.failure = error
        course.fail(error)
        if task.piecemeal is not None:
            course.answer = task.piecemeal.answer()


def _work_in_session(course: Course, task: Task, engine: Engine) -> None:
    """Do the work in a transaction, and commit it."""
    on_begin = (functools.partial(_migrate, course, task), course.note_begin)
    try:
        with open_session(engine, course.note_commit, on_begin, course.note_doubt) as session:
            answer = task.work(session)
            if task.writes:
                _commit(session)
            # What is committed stays, also where a function fails that waited for that.
            course.answer = answer
            session.hooks.run()
            course.problem = answer.problem
    except NothingThere:
        # As with a file that does not exist, the command sees an empty database.
        course.is_empty = True
        _work_in_session(course, task, create_engine(":memory:"))
    except (ProgrammingError, OperationalError) as error:
        if not course.state.missing:
            raise
        raise DatabaseUnusable(course.state.lacks(course.settings.database_name)) from error
    finally:
        made = course.state.told(course.settings.database_name)
        if made and (course.is_written or not takes_tables_back(engine)):
            print_note(made)


def _commit(session: Session) -> None:
    """Commit a session, and let the functions that wait for that wait on."""
    session.hooks.hold()
    try:
        session.commit()
    finally:
        session.hooks.let_go()


def _migrate(course: Course, task: Task, connection: Connection) -> None:
    """Make what the apps lack in the database, if that is right."""
    settings = course.settings
    state = bring_up_to_date(
        connection,
        writes=task.writes,
        migrates=settings.migrate,
        folders=() if is_default(settings) else folders_of(settings),
        database=settings.database_name,
    )
    # A later transaction finds nothing to do.
    course.state = state if course.state == State() else course.state._replace(keeper=state.keeper)


def _look_up(course: Course, inquiry: Inquiry, closing: contextlib.ExitStack) -> None:
    """Look the findings up. A document takes all of them at once, to report the problem of any."""
    sources = []
    if inquiry.reads_log:
        sources.append(closing.enter_context(open_log(log_database(course.settings))))
    findings = inquiry.work(*sources)
    course.answer = findings
    if course.is_document:
        course.contents = (
            {"result": list(map(inquiry.form.picked, findings.rows))}
            if findings.document is None
            else findings.document()
        )


def _announce_end(course: Course) -> None:
    """Announce the end of the command, and how it ended; a receiver of that may fail, too."""
    if isinstance(course.failure, Exception):
        _tell(course, got_command_exception, exception=course.failure)
    # Its traceback refers to the course: each would keep the other until garbage is collected.
    course.failure = None
    exit_code = 0 if course.problem is None else course.problem.exit_code
    _tell(course, command_finished, exit_code=exit_code)


def _tell(course: Course, signal: Signal, **named: Any) -> None:
    try:
        _announce(course, signal, **named)
    except BaseException as error:
        course.fail(error)


def _announce(course: Course, signal: Signal, **named: Any) -> None:
    """Send a signal of the command itself, unless the apps did not load."""
    if course.is_heard:
        signal.send(command(course.name), command=course.name, **named)


def _keep(course: Course) -> None:
    """Keep the run in the signal log, or say why that cannot be done."""
    settings, task = course.settings, course.task
    if isinstance(task, Inquiry) or not (settings.log and task.shows_trace):
        return
    run = _run_of(course, task)
    if run.error_code == DatabaseUnusable.code and not course.has_begun:
        # Where the work could not even begin, the log in the same database cannot be had either.
        return
    if course.is_empty:
        return
    database = log_of(settings, course.state.keeper)
    is_own = database != settings.database
    if not is_own and not is_kept(database):
        if (
            task.writes
            and _has_worked(course)
            and course.engine is not None
            and course.engine.url.database is not None
        ):
            _warn(settings, FileNotFoundError("the file is gone"), database)
        return
    try:
        course.number = _kept(course, run, database)
    except (Exception, KeyboardInterrupt) as error:
        print_traceback_if_wanted()
        _warn(settings, error, database)
        if isinstance(error, KeyboardInterrupt):
            course.fail(error)


def _kept(course: Course, run: Run, database: str) -> int | None:
    """Write the run into the log in a database; its number there."""
    settings, trace = course.settings, course.recorder.trace
    is_own = database != settings.database
    used = course.engine
    if used is not None and not is_own and _leaves_connections(used):
        try:
            return keep(used, run, trace, settings.log_keep).number
        except DBAPIError as error:
            # The server ended the connection, perhaps while the command worked.
            if not error.connection_invalidated:
                raise
    # The run is over: its receivers do not hear of the log's own connection.
    own = open_engine(database, writes=True, creates=is_own, announces=False)
    try:
        return keep(own, run, trace, settings.log_keep).number
    finally:
        let_go(own)


def _leaves_connections(engine: Engine) -> bool:
    """Whether a session has left a connection to a server that the log may use, too."""
    pool = engine.pool
    return engine.dialect.name != "sqlite" and isinstance(pool, QueuePool) and pool.checkedin() > 0


def _run_of(course: Course, task: Task) -> Run:
    """The run as the log keeps it."""
    answer, problem, trace = course.answer, course.problem, course.recorder.trace
    message, result, found = "", None, task.users[:0]
    if isinstance(answer, Answer):
        message, result, found = answer.message, answer.result, answer.users
        if answer.view is not None:
            message = console.as_text(answer.view)
            if len(message) > LONGEST_OUTPUT:
                message = ""
    return Run(
        begun=course.begun,
        command=course.name,
        command_line=_command_line(),
        exit_code=problem.exit_code if problem is not None else 0,
        # From here on, a slow reader of the table may delay the command.
        seconds=course.recorder.now() if trace.ended is None else trace.ended,
        is_rolled_back=_is_rolled_back(course),
        message=encodable(message),
        result=result,
        error_code=problem.code if problem is not None else None,
        error_message=encodable(problem.message) if problem is not None else None,
        users=tuple(
            shorten(without_secrets(normalize("NFKC", name))) for name in (*task.users, *found)
        ),
        totals=tuple(course.totals or ()),
    )


def _work_of(course: Course) -> Work:
    """What the picture of the trace says of the command, as far as it has come."""
    return Work(
        title_of(course.name, _command_line()),
        is_failed=course.problem is not None,
        is_rolled_back=course.problem is not None and _is_rolled_back(course),
    )


def _command_line() -> str:
    """The command line that is being carried out, without secrets."""
    return describe_command_line([PROGRAM, *current().arguments])


def _is_rolled_back(course: Course) -> bool:
    """Whether what the command has written, if it is at its end, was rolled back."""
    is_kept = course.is_written or course.is_in_doubt
    return course.task.writes and not is_kept and _has_worked(course)


def _has_worked(course: Course) -> bool:
    """Whether any signal was sent but those that every command sends."""
    if course.totals is not None:
        return any(True for _ in course.totals)
    dispatches = course.recorder.trace.dispatches
    return any(dispatch.signal_path not in MACHINERY for dispatch in dispatches)


def _warn(settings: Settings, error: BaseException, database: str) -> None:
    if not settings.quiet:
        print_warning(unwritable_log(error, database))


def _tell_of_oversights(course: Course) -> None:
    """Warn of receivers that nobody can hear, if this run sends what they listen to."""
    if not course.is_heard or course.settings.quiet:
        return
    if [config.name for config in apps.get_app_configs()] == list(INSTALLED_APPS):
        # The demo app overlooks nothing.
        return
    sent = {dispatch.signal for dispatch in course.recorder.trace.dispatches}
    for oversight in oversights.find_oversights():
        if course.name == "apps" or oversight.concerns(sent):
            _warn_once(oversight.message)


@functools.cache
def _warn_once(message: str) -> None:
    """Print a warning, once for all commands of a script."""
    print_warning(message)


def _leave(course: Course) -> None:
    """Report the problem, if there is one, and end the command with it."""
    if course.problem is not None and not course.is_told:
        print_problem(course.problem)
    if course.leaving is not None:
        raise course.leaving
    if course.problem is not None:
        raise Reported(course.problem)
