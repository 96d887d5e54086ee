"""A lesson: what it says, asks, runs and explains."""

import ast
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from signalcli.tour.workshop import Ran


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a lesson's program before a command runs again.

    Attributes:
        old: what stands in the program.
        new: what stands there afterwards.
        by_hand: whether the learner is asked to make it.
        receiver: the receiver whose calls are counted before and after it.
    """

    old: str
    new: str
    by_hand: bool = False
    receiver: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """A command that is run, and what is to be seen in its trace.

    Attributes:
        command: the command line, without the program's name.
        why: what the learner is told when the trace has been shown.
        holds: whether the trace shows what the lesson claims.
        lead: what is said before, where it is not the first step.
        exit_code: the exit code with which the command ends.
        change: the change of the lesson's program that comes first.
    """

    command: str
    why: tuple[str, ...]
    holds: "Callable[[Ran], bool]"
    lead: str = ""
    exit_code: int = 0
    change: Change | None = None


@dataclass(frozen=True, slots=True)
class Lesson:
    """A lesson.

    Attributes:
        name: one word for it.
        title: its heading.
        text: its paragraphs.
        question: what the learner is asked to predict.
        choices: the answers to choose from.
        answer: the number of the right one, from 1.
        steps: the commands; the first one shows the answer.
        program: the file of receivers that is installed beside the demo app, if there is one.
        shown: the functions of it that the learner is shown; none: all below its imports.
        rows: how many users stand in ``users.csv``, if there is such a file.
        number: its place on the tour, from 1; set there.
    """

    name: str
    title: str
    text: tuple[str, ...]
    question: str
    choices: tuple[str, str, str]
    answer: int
    steps: tuple[Step, ...]
    program: str = ""
    shown: tuple[str, ...] = ()
    rows: int = 0
    number: int = 0

    @property
    def source(self) -> str:
        """The code of its program; empty where it has none."""
        if not self.program:
            return ""
        folder = resources.files(__package__).joinpath("programs")
        return folder.joinpath(f"{self.program}.txt").read_text("utf-8")

    @property
    def listing(self) -> str:
        """What the learner is shown of its program."""
        lines = self.source.splitlines()
        listing, last = "", 0
        for node in ast.parse(self.source).body:
            decorators = getattr(node, "decorator_list", ())
            first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
            end = node.end_lineno or first
            is_import = isinstance(node, ast.Import | ast.ImportFrom)
            if getattr(node, "name", "") in self.shown if self.shown else not is_import:
                # Two blank lines would take room on the screen.
                gap = "" if not listing else "\n" if first == last + 1 else "\n\n"
                listing += gap + "\n".join(lines[first - 1 : end])
            last = end
        return listing
