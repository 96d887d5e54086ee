"""The command that teaches signals: a tour of short lessons."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from signalcli.cli.invocation import NO_FAULTS, Settings, current
from signalcli.cli.late import late
from signalcli.cli.problems import Problem, Reported, print_problem, write_document
from signalcli.errors import UsageError

with late():
    from signalcli.render import console, printing
    from signalcli.tour import guide as guiding
    from signalcli.tour import lessons as all_lessons
    from signalcli.tour import progress as keeping
    from signalcli.tour import workshop as workshops

if TYPE_CHECKING:
    from collections.abc import Sequence

    from signalcli.tour.lesson import Lesson
    from signalcli.tour.progress import Progress


def _complete_lesson(incomplete: str) -> list[tuple[str, str]]:
    by_name = incomplete.isalpha()
    offered = (
        (each.name if by_name else str(each.number), each.title) for each in all_lessons.LESSONS
    )
    return [(text, title) for text, title in offered if text.startswith(incomplete)]


def tour(
    settings: Settings,
    lesson: Annotated[
        str | None,
        typer.Option(
            "--lesson",
            metavar="LESSON",
            help="Begin with this lesson: its number or its name.",
            autocompletion=_complete_lesson,
            show_default=False,
        ),
    ] = None,
    listing: Annotated[
        bool, typer.Option("--list", help="List the lessons, and which are done.")
    ] = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="Forget what is done, and begin anew.")
    ] = False,
) -> None:
    """Learn what signals do in short lessons with real commands.

    q, Ctrl-D or Ctrl-C leaves, and the next `signalcli tour` goes on there. Lessons work on
    databases of their own.

    In a pipe and with --json, the lessons are printed with their answers.

    Example: signalcli tour --lesson 4
    """
    if settings.apps or settings.faults != NO_FAULTS:
        raise UsageError("a lesson has apps and faults of its own; leave --app and faults out")

    chosen = None if lesson is None else all_lessons.find_lesson(lesson)
    is_talking = not (settings.json or settings.quiet) and is_answered()
    if listing or restart or is_talking:
        progress = keeping.Progress.kept(to_go_on=restart or not listing)
        if restart:
            progress.forget()
        if listing:
            _list(settings, progress)
            return
        if is_talking:
            _talk(settings, progress, chosen or progress.next)
            return
    _print(settings, chosen)


def is_answered() -> bool:
    """Whether somebody at a terminal reads the questions and can answer."""
    streams = (sys.stdin, sys.stdout)
    return current().line is None and all(
        stream is not None and stream.isatty() for stream in streams
    )


def _list(settings: Settings, progress: "Progress") -> None:
    """List the lessons."""
    coming = progress.next
    if settings.json:
        rows = [
            {
                "lesson": lesson.number,
                "name": lesson.name,
                "title": lesson.title,
                "done": lesson.name in progress.predicted,
                "predicted": progress.predicted.get(lesson.name),
                "next": lesson is coming,
            }
            for lesson in all_lessons.LESSONS
        ]
        write_document("tour", result=rows)
    elif not settings.quiet:
        marks = {
            lesson.name: "next"
            if lesson is coming
            else "done"
            if lesson.name in progress.predicted
            else ""
            for lesson in all_lessons.LESSONS
        }
        view = console.listing(
            ("Lesson", "Name", "Title", ""),
            (
                (str(each.number), each.name, each.title, marks[each.name])
                for each in all_lessons.LESSONS
            ),
        )
        printing.print_view(view)


def _talk(settings: Settings, progress: "Progress", first: "Lesson | None") -> None:
    """Lead a learner from a lesson on; None: all of them are done."""
    if first is None:
        guiding.say(
            [*_farewell(progress), "`signalcli tour --restart` begins anew."], is_close=True
        )
        return
    if first is all_lessons.LESSONS[0] and not progress.predicted:
        guiding.say([_WELCOME.format(count=len(all_lessons.LESSONS)), ""], is_close=True)
    try:
        with workshops.opened(progress.folder, is_whole=settings.whole) as workshop:
            guiding.Guide(workshop, progress).lead(all_lessons.LESSONS[first.number - 1 :])
    except (guiding.Left, KeyboardInterrupt):
        coming = progress.next
        if coming is not None:
            guiding.say([_left_at(progress, coming)])
            return
    guiding.say(_farewell(progress), is_close=True)


_WELCOME = (
    "A tour of signals in {count} lessons of a minute or two. Each is a real command on a scratch "
    "database. You say what will happen, and see."
)
_ONWARD = (
    "On with your own: `signalcli startapp shop` writes a small app to change, `signalcli "
    "receivers` lists who listens to what, `signalcli log` keeps the traces."
)


def _left_at(progress: "Progress", coming: "Lesson") -> str:
    again = "signalcli tour" if progress.folder else f"signalcli tour --lesson {coming.number}"
    return f"Left. `{again}` goes on with lesson {coming.number}, {coming.title}."


def _farewell(progress: "Progress") -> list[str]:
    told = [each for each in progress.predicted.values() if each is not None]
    score = f" You predicted {sum(told)} of {len(told)} right." if told else ""
    return [f"That was the last lesson.{score}", _ONWARD]


def _print(settings: Settings, chosen: "Lesson | None") -> None:
    """Print lessons with their answers; nothing is kept."""
    lessons = all_lessons.LESSONS if chosen is None else (chosen,)
    documents: list[dict[str, Any]] = []
    with workshops.opened(None, is_whole=settings.whole) as workshop:
        if settings.json:
            failed = []
            for lesson in lessons:
                document, holds = guiding.lesson_document(workshop, lesson)
                documents.append(document)
                if not holds:
                    failed.append(lesson)
        elif settings.quiet:
            failed = [lesson for lesson in lessons if not guiding.check(workshop, lesson)]
        else:
            failed = guiding.Guide(workshop).lead(lessons)
    problem = _problem_of(failed) if failed else None
    if settings.json:
        write_document("tour", result=documents, problem=problem)
    elif problem is not None:
        print_problem(problem)
    if problem is not None:
        raise Reported(problem)


def _problem_of(failed: "Sequence[Lesson]") -> Problem:
    names = ", ".join(lesson.name for lesson in failed)
    return Problem(70, "internal", f"what ran is not what these lessons say: {names}; report it")
