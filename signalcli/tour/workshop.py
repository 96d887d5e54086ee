"""The workshop: a scratch folder in which the commands of a lesson are run, and what came of them.

Each runs as it would from a shell: in a process of its own, whose working directory is the folder
of the lesson. Its trace is read from the signal log of the database there.
"""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import signalcli
from signalcli.errors import DatabaseUnusable, InvalidValue
from signalcli.log.finding import Filter, find
from signalcli.log.runs import Run, read_trace
from signalcli.log.schema import open_log
from signalcli.tour.lesson import Lesson, Step
from signalcli.trace.records import Dispatch, Response, SideBySide, Trace, short_name

# The heading of a picture, the message below it, and perhaps a warning with a path.
MORE_ROWS = 8
DATABASE = "demo.db"
ROWS = "users.csv"
SETTINGS = "signalcli.toml"
DEMO_APP = "signalcli.core"
BEGINNING = ("register", "ada", "--email", "ada@example.com")
INTERRUPTED = 130
# The only variables of ours that a lesson leaves as they are.
_LEFT = ("SIGNALCLI_TRACEBACK",)


class Showing(Enum):
    """What becomes of the output of a command."""

    SHOWN = "printed where our own goes"
    DOCUMENT = "one JSON document, which is returned"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that has run.

    Attributes:
        exit_code: its exit code.
        document: its JSON document, if that was asked for.
        run: the run in the signal log; None where nothing was kept of it.
        trace: its trace.
    """

    exit_code: int
    document: dict[str, Any] | None = None
    run: Run | None = None
    trace: Trace = field(default_factory=Trace)

    @property
    def is_rolled_back(self) -> bool:
        """Whether what it wrote was rolled back."""
        return self.run is not None and self.run.is_rolled_back

    @property
    def rows(self) -> int:
        """How many rows its picture takes on a screen, rather too many than too few."""
        dispatches = self.trace.dispatches
        responses = [response for each in dispatches for response in each.responses]
        printed = sum(len(each.output.splitlines()) for each in responses)
        return MORE_ROWS + len(dispatches) + len(responses) + printed

    def calls(self, receiver: str) -> int:
        """How often a receiver was called."""
        totals = () if self.run is None else self.run.totals
        counted = sum(total.runs for total in totals if short_name(total.receiver) == receiver)
        return counted + len(self._responses(receiver))

    def output_of(self, receiver: str) -> str:
        """What a receiver printed."""
        return "".join(response.output for response in self._responses(receiver))

    def raised(self, receiver: str) -> str:
        """The name of the exception that a receiver raised; empty where it raised none."""
        failures = [response.failure for response in self._responses(receiver)]
        return next((failure.type for failure in failures if failure is not None), "")

    def seconds_of(self, receiver: str) -> float:
        """How long a receiver ran."""
        return sum(response.seconds or 0.0 for response in self._responses(receiver))

    def is_concurrent(self, receiver: str) -> bool:
        """Whether a receiver ran at the same time as another one."""
        beside = SideBySide()
        return any(
            response in beside.responses_of(response.dispatch)
            for response in self._responses(receiver)
        )

    def receivers_of(self, signal: str) -> list[str]:
        """The receivers of a signal, in the order in which they were called."""
        sent = self._dispatches(signal)
        return [response.short_receiver for each in sent for response in each.responses]

    def not_called(self, signal: str) -> list[str]:
        """The receivers that were not called since one before them failed."""
        return [short_name(name) for each in self._dispatches(signal) for name in each.not_called]

    def senders_of(self, signal: str) -> list[str | None]:
        """The senders of a signal, one for each time that it was sent."""
        return [dispatch.sender for dispatch in self._dispatches(signal)]

    def argument(self, signal: str, sender: str, name: str) -> object:
        """An argument of a signal, as it was sent first for a sender."""
        sent = (each for each in self._dispatches(signal) if each.sender == sender)
        return next((each.arguments.get(name) for each in sent), None)

    def causes_of(self, signal: str) -> list[str]:
        """The receivers on which the last dispatch of a signal hangs, the nearest first."""
        causes: list[str] = []
        dispatch = next(reversed(self._dispatches(signal)), None)
        while dispatch is not None and dispatch.parent is not None:
            causes.append(dispatch.parent.short_receiver)
            dispatch = dispatch.parent.dispatch
        return causes

    def _dispatches(self, signal: str) -> list[Dispatch]:
        return [dispatch for dispatch in self.trace.dispatches if dispatch.signal == signal]

    def _responses(self, receiver: str) -> list[Response]:
        return [each for each in self.trace.responses if each.short_receiver == receiver]


class Workshop:
    """A scratch folder, with a folder in it for each lesson.

    Arguments:
        folder: the scratch folder.
        is_whole: whether traces show every dispatch in a row of its own.
    """

    def __init__(self, folder: Path, *, is_whole: bool = False) -> None:
        self._folder = folder
        self._environment = _environment(is_whole)
        self._beginning = b""

    def folder_of(self, lesson: Lesson) -> Path:
        """The folder of a lesson."""
        return self._folder / f"lesson-{lesson.number:02}-{lesson.name}"

    def program_of(self, lesson: Lesson) -> Path:
        """The file of a lesson's program."""
        return self.folder_of(lesson) / lesson.program

    def begin(self, lesson: Lesson) -> str:
        """Lay out a lesson: its program, the list of apps, its rows, and the database.

        What a learner made of the program is kept beside it.

        Returns:
            The name under which that is kept, or an empty string.

        Raises:
            DatabaseUnusable: the database cannot be made.
            InvalidValue: the folder cannot be written.
        """
        folder = self.folder_of(lesson)
        installed, kept = [DEMO_APP], ""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if lesson.program:
                installed.append(lesson.program.removesuffix(".py"))
                kept = self.write_anew(lesson)
            (folder / SETTINGS).write_text(f"installed-apps = {json.dumps(installed)}\n", "utf-8")
            if lesson.rows:
                (folder / ROWS).write_text(_rows(lesson.rows), "utf-8")
        except OSError as error:
            raise _unwritable(folder, error) from error
        self._lay_out_database(folder)
        return kept

    def source_of(self, lesson: Lesson) -> str | None:
        """The lesson's program as it is now; None where it cannot be read."""
        try:
            return self.program_of(lesson).read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            return None

    def write_anew(self, lesson: Lesson) -> str:
        """Write a lesson's program as it is in the beginning, and keep what a learner made of it.

        Returns:
            The name under which that is kept, or an empty string.

        Raises:
            InvalidValue: it cannot be written.
        """
        try:
            kept = _keep(self.program_of(lesson), lesson.source)
        except OSError as error:
            raise _unwritable(self.folder_of(lesson), error) from error
        self.write(lesson, lesson.source)
        return kept

    def write(self, lesson: Lesson, source: str) -> None:
        """Write a lesson's program.

        Raises:
            InvalidValue: it cannot be written.
        """
        try:
            self.program_of(lesson).write_text(source, "utf-8")
        except OSError as error:
            raise _unwritable(self.folder_of(lesson), error) from error

    def run(self, lesson: Lesson, step: Step, showing: Showing) -> Ran:
        """Run a command of a lesson, on the database as the lesson begins with it.

        Ctrl-C meanwhile is the command's.
        """
        folder = self.folder_of(lesson)
        self._lay_out_database(folder)
        arguments = shlex.split(step.command)
        if showing is Showing.DOCUMENT:
            arguments.insert(0, "--json")
        code, printed = self._start(folder, arguments, showing)
        document = json.loads(printed) if showing is Showing.DOCUMENT and printed else None
        with open_log(str(folder / DATABASE)) as connection:
            # The database had no runs before.
            run = next(find(connection, Filter(), most=1), None)
            trace = Trace() if run is None else read_trace(connection, run.number)
        return Ran(code, document, run, trace)

    def _start(self, folder: Path, arguments: list[str], showing: Showing) -> tuple[int, str]:
        sys.stdout.flush()
        shown = showing is Showing.SHOWN
        with subprocess.Popen(  # noqa: S603  # our own
            # With -P, as for any installed program, no file there takes the place of a library.
            [sys.executable, "-P", "-m", "signalcli", *arguments],
            cwd=folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=sys.stdout.fileno() if shown else subprocess.PIPE,
            stderr=subprocess.STDOUT if showing is not Showing.DOCUMENT else subprocess.PIPE,
            encoding="utf-8",
        ) as process:
            try:
                printed, _ = process.communicate()
            except KeyboardInterrupt:
                # The terminal sends it to both. The command says what became of its work.
                process.communicate()
                return INTERRUPTED, ""
            except BaseException:
                process.terminate()
                raise
        return process.returncode, printed or ""

    def _lay_out_database(self, folder: Path) -> None:
        database = folder / DATABASE
        for name in (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm"):
            with suppress(FileNotFoundError):
                (folder / name).unlink()
        if self._beginning:
            database.write_bytes(self._beginning)
            return
        arguments = ["--quiet", "--no-log", "--app", DEMO_APP, *BEGINNING]
        code, printed = self._start(folder, arguments, Showing.DROPPED)
        if code == INTERRUPTED:
            raise KeyboardInterrupt
        if code != 0:
            told = printed.strip().removeprefix("error: ")
            raise DatabaseUnusable(f"the tour cannot make a database in {folder}: {told}")
        self._beginning = database.read_bytes()


@contextmanager
def opened(folder: Path | None, *, is_whole: bool = False) -> Iterator[Workshop]:
    """Open a workshop.

    Arguments:
        folder: its scratch folder; None for one that is removed afterwards.
        is_whole: whether traces show every dispatch in a row of its own.

    Raises:
        InvalidValue: there is no room for a scratch folder.
    """
    if folder is not None:
        yield Workshop(folder, is_whole=is_whole)
        return
    try:
        passing = TemporaryDirectory(prefix="signalcli-tour-", ignore_cleanup_errors=True)
    except OSError as error:
        raise InvalidValue(f"the tour finds no folder to work in: {error.strerror}") from error
    with passing as name:
        yield Workshop(Path(name), is_whole=is_whole)


def _environment(is_whole: bool) -> dict[str, str]:
    """The variables of a lesson's commands: none of ours, so that all depends on the lesson."""
    variables = {
        name: value
        for name, value in os.environ.items()
        if name in _LEFT or not name.startswith(("SIGNALCLI_", "_SIGNALCLI_"))
    }
    if is_whole:
        variables["SIGNALCLI_ALL"] = "1"
    # Where signalcli is used without being installed, the commands have to find it, too.
    house = Path(signalcli.__file__).resolve().parents[1]
    if {"site-packages", "dist-packages"}.isdisjoint(house.parts):
        others = [variables["PYTHONPATH"]] if variables.get("PYTHONPATH") else []
        variables["PYTHONPATH"] = os.pathsep.join([str(house), *others])
    return variables


def _keep(file: Path, source: str) -> str:
    """Keep a program beside it, under the name that is returned, if it is not the lesson's own."""
    try:
        if file.read_bytes() == source.encode():
            return ""
    except FileNotFoundError:
        return ""
    kept = file.with_name(f"{file.stem}_before.py")
    file.replace(kept)
    return kept.name


def _rows(count: int) -> str:
    users = (f"user{number},user{number}@example.com\n" for number in range(1, count + 1))
    return "username,email\n" + "".join(users)


def _unwritable(folder: Path, error: OSError) -> InvalidValue:
    return InvalidValue(f"the folder of the tour cannot be written: {folder}: {error.strerror}")
