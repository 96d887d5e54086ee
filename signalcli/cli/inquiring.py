"""The way of a command that only looks something up: find it, then show it in the wanted form."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from signalcli.cli.announcing import Announcement
from signalcli.cli.faults import NO_FAULTS
from signalcli.cli.garbage import pass_over_what_is_loaded
from signalcli.cli.invocation import current
from signalcli.cli.options import Settings
from signalcli.cli.output import (
    kept_clean,
    leave_logs_to_others,
    let_go_of_stdout,
    print_note,
    print_problem,
    print_traceback_if_wanted,
    print_warning,
    write_document,
)
from signalcli.cli.problems import (
    INTERRUPTED,
    Problem,
    Reported,
    Terminated,
    interruption,
    problem_of,
    unwritable_answer,
)

if TYPE_CHECKING:
    from rich.console import RenderableType

    from signalcli.trace import Recorder

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found.

    Attributes:
        rows: for programs, one thing after the other; taken once.
        views: makes what people are shown, one thing after the other; called only for them.
        document: makes what the document has instead of the rows as its result: ``result``, and
            where a run was found, ``run`` and ``dispatches``.
        text: what is printed as it is, to be read by another program; instead of the views.
        note: what people are told besides, on standard error.
    """

    rows: Iterable[Row] = ()
    views: "Callable[[], Iterable[RenderableType]]" = tuple
    document: Callable[[], dict[str, Any]] | None = None
    text: str | None = None
    note: str = ""

    @property
    def contents(self) -> dict[str, Any]:
        """What the document is made of."""
        return {"result": list(self.rows)} if self.document is None else self.document()


def inquire(
    settings: Settings,
    command: str,
    work: Callable[[], Findings],
    *,
    ndjson: bool = False,
    needs_apps: bool = True,
    writes: bool = False,
    until_interrupted: bool = False,
) -> None:
    """Carry out a command that is no run, and print what it finds.

    What is found stands on standard output: for people as views; with ``--json`` as the
    ``result`` of one document; as ``ndjson`` in one JSON object a line, each written as soon as
    it is there. A problem is one line on standard error, or part of the document.

    Arguments:
        settings: what the global options say.
        command: the command's name.
        work: finds it. Raises an error of :mod:`signalcli.errors`.
        ndjson: whether the rows are printed line by line, whatever the settings say.
        needs_apps: whether it fails where the installed apps do not load. Otherwise it goes on,
            and only receivers hear nothing of it.
        writes: whether something may have been written by the time that it fails.
        until_interrupted: whether Ctrl-C is the ordinary end.

    Raises:
        Reported: the command failed, and has said so.
    """
    from signalcli.trace import Recorder, record

    leave_logs_to_others()
    recorder = Recorder()

    def judge(error: BaseException) -> Problem:
        return _problem_of(error, settings, writes, recorder)

    @contextmanager
    def watched() -> Iterator[None]:
        with settings.faults.injected(), record(recorder):
            yield

    announcement = Announcement(command, judge, watched)
    is_document = settings.json and not ndjson
    findings, contents, problem, failure = None, {}, None, None
    try:
        with kept_clean(for_programs=settings.json or ndjson, quiet=settings.quiet):
            if _make_apps_ready(settings, needs_apps or settings.faults != NO_FAULTS):
                announcement.start()
            findings = work()
            if is_document:
                # What goes wrong with a row belongs in the document.
                contents = findings.contents
    except BaseException as error:
        failure, problem = error, judge(error)
    if is_document:
        problem = announcement.end(problem, failure)
        unwritten = _problem_of_writing(
            judge, writes, lambda: write_document(command, **contents, problem=problem)
        )
    else:
        unwritten = _problem_of_writing(judge, writes, lambda: _print(findings, settings, ndjson))
        if until_interrupted and unwritten is not None and unwritten.exit_code == INTERRUPTED:
            unwritten = None
        ended = announcement.end(unwritten or problem, failure)
        if unwritten is None:
            problem = ended
    for each in (None if is_document else problem, unwritten):
        if each is not None:
            print_problem(each)
    if (final := unwritten or problem) is not None:
        raise Reported(final)


def _make_apps_ready(settings: Settings, are_needed: bool) -> bool:
    """Make the apps ready, or warn; returns whether they are."""
    from signalcli.apps import ImproperlyConfigured
    from signalcli.apps.installed import make_ready

    try:
        pass_over_what_is_loaded()
        make_ready(settings.apps)
        settings.faults.check()
    except ImproperlyConfigured as error:
        if are_needed:
            raise
        if not settings.quiet:
            print_warning(f"no receiver hears of this command: {error}")
        return False
    return True


def _problem_of_writing(
    judge: Callable[[BaseException], Problem], writes: bool, write: Callable[[], None]
) -> Problem | None:
    """Write to standard output; what went wrong, unless it is that nobody reads any more."""
    try:
        write()
        sys.stdout.flush()
    except BrokenPipeError:
        let_go_of_stdout()
    except OSError as error:
        let_go_of_stdout()
        return unwritable_answer(error, is_written=writes)
    except (Exception, KeyboardInterrupt) as error:
        return judge(error)
    return None


def _print(findings: Findings | None, settings: Settings, ndjson: bool) -> None:
    if findings is None:
        return
    if ndjson:
        for row in findings.rows:
            sys.stdout.write(_line(row) + "\n")
            sys.stdout.flush()
    elif findings.text is not None:
        sys.stdout.write(findings.text)
    elif not settings.quiet:
        from signalcli.render.console import make_console, show

        for view in findings.views():
            show(view, make_console())
            sys.stdout.flush()
        if findings.note:
            print_note(findings.note)


def _line(row: Row) -> str:
    """A row on what every reader takes for one line (for some, U+2028 ends one)."""
    from signalcli.render.document import dumps

    if (of_script := current().line) is not None:
        row = {**row, "line": of_script.number}
    line = dumps(row, encoding=sys.stdout.encoding)
    return line if line.isprintable() else dumps(row, encoding="ascii")


def _problem_of(
    error: BaseException, settings: Settings, writes: bool, recorder: "Recorder"
) -> Problem:
    """What ended the command, as it is reported.

    Raises:
        BaseException: the error itself, where it is no failure but asks the process to end.
    """
    if isinstance(error, KeyboardInterrupt):
        return interruption(is_written=writes)
    is_of_a_receiver = not isinstance(error, Terminated) and recorder.culprit(error) is not None
    if not isinstance(error, Exception) and not is_of_a_receiver:
        raise error
    from signalcli.db.engine import without_password

    print_traceback_if_wanted()
    return problem_of(error, recorder, without_password(settings.database), is_written=writes)
