"""The guide: leads a learner through lessons on a terminal, or prints them where nobody answers."""

import os
import shlex
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from signalcli.render.printing import print_text
from signalcli.render.text import visible
from signalcli.tour.lesson import Change, Lesson, Step
from signalcli.tour.lessons import LESSONS
from signalcli.tour.progress import Progress
from signalcli.tour.workshop import INTERRUPTED, Ran, Showing, Workshop

MOST_COLUMNS = 80
# A blank row, what there is to type, and where it is typed.
PROMPT_ROWS = 3
TITLE, COMMAND, RIGHT, WRONG = "bold", "bold", "green", "yellow"
REMOVED, ADDED = "red", "green"
EDITORS = ("VISUAL", "EDITOR")
# A blank at which no line ends.
_KEPT = "\N{NO-BREAK SPACE}"
_OTHERWISE = "That is not what this lesson was about to show. Please report it."
LEAVING = ("q", "quit", "exit")


class Left(Exception):
    """The learner leaves the tour."""


class Guide:
    """Leads through lessons.

    Arguments:
        workshop: where their commands are run.
        progress: how far the learner has come; None where nobody is there to answer, so that each
            lesson is printed with its answer.
    """

    def __init__(self, workshop: Workshop, progress: Progress | None = None) -> None:
        self._workshop = workshop
        self._progress = progress
        self._is_trouble_told = False
        # How many rows were printed since the learner last pressed a key, at most.
        self._rows = 0

    def lead(self, lessons: Sequence[Lesson]) -> list[Lesson]:
        """Lead through lessons, one after the other.

        Returns:
            The lessons whose commands did not do what the lesson says.

        Raises:
            Left: the learner leaves.
            SignalcliError: the scratch folder or its database cannot be used.
        """
        failed = []
        for lesson in lessons:
            if lesson is not lessons[0]:
                print_text("")
            if not self._teach(lesson):
                failed.append(lesson)
            if self._progress is not None and lesson is not lessons[-1]:
                coming = LESSONS[lesson.number]
                self._ask(f"Enter: on to lesson {coming.number}, {coming.title}", "q: leave")
        return failed

    def _teach(self, lesson: Lesson) -> bool:
        """Lead through one lesson; returns whether its commands did what it says."""
        if self._progress is not None:
            self._progress.begin(lesson)
            self._tell_of_trouble(self._progress)
        self._make_room(1 + rows_of(lesson.text))
        print_text(f"Lesson {lesson.number} of {len(LESSONS)}: {lesson.title}", TITLE)
        say(lesson.text)
        if lesson.program:
            self._make_room(1 + len(lesson.listing.splitlines()))
            print_text("")
            print_text(textwrap.indent(lesson.listing, "    "))
        # The learner has something to read meanwhile.
        self._tell_of_kept(lesson, self._workshop.begin(lesson))
        first, *others = lesson.steps
        predicted = self._predict(lesson)
        ran = self._run(lesson, first)
        holds = self._answer(lesson, ran, predicted)
        for step in others:
            print_text("")
            if self._progress is not None:
                self._ask("Enter: go on", "q: leave")
                print_text("")
            say([step.lead], is_close=True)
            if step.change is not None and step.change.by_hand and self._progress is not None:
                holds &= self._have_changed(lesson, step, step.change, ran)
            else:
                holds &= self._show(lesson, step)
        if self._progress is not None:
            self._progress.end(lesson, None if predicted is None else predicted == lesson.answer)
            print_text("")
        return holds

    def _predict(self, lesson: Lesson) -> int | None:
        """Ask the question; None where nothing is predicted."""
        self._make_room(2 + rows_of([lesson.question]) + len(lesson.choices))
        print_text("")
        print_text(f"$ signalcli {lesson.steps[0].command}", COMMAND)
        say([lesson.question])
        for number, choice in enumerate(lesson.choices, 1):
            print_text(f"  {number}  {choice}")
        if self._progress is None:
            return None
        numbers = [str(number) for number in range(1, len(lesson.choices) + 1)]
        while True:
            print_text("")
            typed = self._ask("1, 2 or 3: what do you think?", "Enter: just show me", "q: leave")
            if not typed:
                return None
            if typed in numbers:
                return int(typed)

    def _run(self, lesson: Lesson, step: Step) -> Ran:
        print_text("")
        ran = self._workshop.run(lesson, step, Showing.SHOWN)
        if ran.exit_code != INTERRUPTED:
            self._rows += 2 + ran.rows
            return ran
        if self._progress is None:
            raise KeyboardInterrupt
        raise Left

    def _answer(self, lesson: Lesson, ran: Ran, predicted: int | None) -> bool:
        """Say which answer was right, and why."""
        step = lesson.steps[0]
        if not is_as_told(step, ran):
            say([_OTHERWISE])
            return False
        self._make_room(2 + rows_of(step.why))
        print_text("")
        answer = f"{lesson.answer}: {lesson.choices[lesson.answer - 1]}"
        if predicted is None:
            print_text(f"The answer is {answer}", RIGHT)
        elif predicted == lesson.answer:
            print_text(f"Right, {answer}", RIGHT)
        else:
            print_text(f"Not {predicted}. The answer is {answer}", WRONG)
        say(step.why, is_close=True)
        return True

    def _show(self, lesson: Lesson, step: Step) -> bool:
        """Make the change of a step, run it, and say what is to be seen."""
        if step.change is not None:
            self._make(lesson, step.change)
            print_text("")
        print_text(f"$ signalcli {step.command}", COMMAND)
        ran = self._run(lesson, step)
        if not is_as_told(step, ran):
            say([_OTHERWISE])
            return False
        self._make_room(rows_of(step.why))
        say(step.why)
        return True

    def _make(self, lesson: Lesson, change: Change) -> None:
        print_text(f"    - {change.old}", REMOVED)
        print_text(f"    + {change.new}", ADDED)
        make(self._workshop, lesson, change)

    def _have_changed(self, lesson: Lesson, step: Step, change: Change, before: Ran) -> bool:
        """Have the learner change the program, and run it until it does what was asked for.

        What is wrong with the program is said by the command, as it is to anybody.
        """
        editor = find_editor()
        file = self._workshop.program_of(lesson)
        print_text("")
        # Left to the terminal to wrap, so that it can be copied as one line.
        sys.stdout.write(f"The file: {visible(str(file))}\n")
        choices = [
            f"e: edit it in {Path(editor[0]).name}" if editor else "Edit it in another window",
            "Enter: run it again",
            "s: do it for me",
            "n: go on without",
            "q: leave",
        ]
        while True:
            print_text("")
            typed = self._ask(*choices)
            if typed == "n":
                return True
            if typed == "e" and editor:
                source = self._workshop.source_of(lesson)
                if not edit(editor, str(file)):
                    continue
                if self._workshop.source_of(lesson) == source:
                    say([f"{lesson.program} has not changed. Once it is saved, Enter runs it."])
                    continue
            elif typed == "s":
                self._tell_of_kept(lesson, self._workshop.write_anew(lesson))
                print_text("")
                self._make(lesson, change)
            elif typed:
                continue
            if not file.exists():
                self._workshop.write(lesson, lesson.source)
                say([f"{lesson.program} was gone. It is as it was in the beginning again."])
            print_text("")
            print_text(f"$ signalcli {step.command}", COMMAND)
            print_text("")
            # What never ends is interrupted by the learner, who stays.
            ran = self._workshop.run(lesson, step, Showing.SHOWN)
            if ran.exit_code != 0:
                say([f"Mend {lesson.program} and run it again, or have it done by s."])
                continue
            self._rows += 3 + ran.rows
            self._make_room(2 + rows_of(step.why))
            counts = before.calls(change.receiver), ran.calls(change.receiver)
            say([f"Calls of {change.receiver}: {counts[0]} before, {counts[1]} now."])
            if is_as_told(step, ran):
                say(step.why, is_close=True)
                return True
            if self._workshop.source_of(lesson) == lesson.source:
                say([f"{lesson.program} is as it was."], is_close=True)

    def _tell_of_trouble(self, progress: Progress) -> None:
        if progress.trouble and not self._is_trouble_told:
            self._is_trouble_told = True
            say([f"Your progress is not remembered: {progress.trouble}"], is_close=True)
            print_text("")

    def _tell_of_kept(self, lesson: Lesson, kept: str) -> None:
        if kept:
            story = f"What you made of {lesson.program} before is in {kept} now."
            self._make_room(rows_of([story]))
            say([story])

    def _make_room(self, rows: int) -> None:
        """Wait for the learner where the next rows would push off the screen what is to be read."""
        height = shutil.get_terminal_size().lines
        if self._progress is not None and self._rows and self._rows + rows + PROMPT_ROWS > height:
            print_text("")
            self._ask("Enter: read on", "q: leave")
        self._rows += rows

    def _ask(self, *choices: str) -> str:
        """What the learner types.

        Arguments:
            choices: what there is to type, each kept on one line where it fits there.

        Raises:
            Left: the learner leaves.
        """
        for line in wrapped("   ".join(each.replace(" ", _KEPT) for each in choices)):
            print_text(line.replace(_KEPT, " "), "dim")
        sys.stdout.write("> ")
        sys.stdout.flush()
        try:
            typed = input().strip().casefold()
        except (EOFError, KeyboardInterrupt, UnicodeDecodeError) as error:
            print_text("")
            raise Left from error
        if typed in LEAVING:
            raise Left
        self._rows = 0
        return typed


def lesson_document(workshop: Workshop, lesson: Lesson) -> tuple[dict[str, Any], bool]:
    """A lesson for programs, with the documents of its commands.

    Returns:
        The lesson, and whether its commands did what it says.
    """
    steps, holds = [], True
    for step, ran in _run_all(workshop, lesson, Showing.DOCUMENT):
        holds &= is_as_told(step, ran)
        steps.append(
            {
                "command": f"signalcli {step.command}",
                "program": workshop.source_of(lesson) if lesson.program else None,
                "exit_code": ran.exit_code,
                "why": list(step.why),
                "document": ran.document,
            }
        )
    document = {
        "lesson": lesson.number,
        "name": lesson.name,
        "title": lesson.title,
        "text": list(lesson.text),
        "question": lesson.question,
        "choices": list(lesson.choices),
        "answer": lesson.answer,
        "steps": steps,
    }
    return document, holds


def check(workshop: Workshop, lesson: Lesson) -> bool:
    """Run a lesson without showing it; returns whether its commands did what it says."""
    ran = list(_run_all(workshop, lesson, Showing.DROPPED))
    return all(is_as_told(*each) for each in ran)


def _run_all(workshop: Workshop, lesson: Lesson, showing: Showing) -> Iterator[tuple[Step, Ran]]:
    """Run all commands of a lesson, one after the other.

    Raises:
        KeyboardInterrupt: one was interrupted.
    """
    workshop.begin(lesson)
    for step in lesson.steps:
        if step.change is not None:
            make(workshop, lesson, step.change)
        ran = workshop.run(lesson, step, showing)
        if ran.exit_code == INTERRUPTED:
            raise KeyboardInterrupt
        yield step, ran


def make(workshop: Workshop, lesson: Lesson, change: Change) -> None:
    """Make a change of a lesson's program."""
    source = workshop.source_of(lesson) or lesson.source
    workshop.write(lesson, source.replace(change.old, change.new))


def is_as_told(step: Step, ran: Ran) -> bool:
    """Whether a command did what its lesson says."""
    return ran.exit_code == step.exit_code and step.holds(ran)


def find_editor() -> list[str]:
    """The command of the user's editor; empty where none is named."""
    for variable in EDITORS:
        try:
            words = shlex.split(os.environ.get(variable, ""))
        except ValueError:
            continue
        if words:
            return words
    return []


def edit(editor: Sequence[str], file: str) -> bool:
    """Open a file in an editor and wait for its end; returns whether it could be started."""
    try:
        process = subprocess.Popen([*editor, file])  # noqa: S603  # the user's own
    except OSError as error:
        say([f"{editor[0]} cannot be started: {error.strerror}. Edit the file in another window."])
        return False
    while True:
        try:
            process.wait()
            return True
        except KeyboardInterrupt:
            # It was meant for the editor.
            continue


def say(paragraphs: Iterable[str], *, is_close: bool = False) -> None:
    """Print paragraphs, wrapped, with a blank line before each.

    Arguments:
        paragraphs: the paragraphs.
        is_close: whether the first one follows what was printed before without a blank line.
    """
    for paragraph in paragraphs:
        if not is_close:
            print_text("")
        is_close = False
        for line in wrapped(paragraph):
            print_text(line)


def rows_of(paragraphs: Iterable[str]) -> int:
    """How many rows paragraphs take, with a blank one before each."""
    return sum(1 + len(wrapped(each)) for each in paragraphs)


def wrapped(text: str) -> list[str]:
    """The lines of a text, none longer than the terminal, and fit to be read on any."""
    columns = min(shutil.get_terminal_size().columns, MOST_COLUMNS)
    return textwrap.wrap(text, max(columns - 1, 20), break_on_hyphens=False, break_long_words=False)
