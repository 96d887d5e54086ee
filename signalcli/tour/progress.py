"""The progress of a learner, and the folder of the user's where it is kept."""

import contextlib
import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from signalcli.tour.lesson import Lesson
from signalcli.tour.lessons import LESSONS, find_by_name

VARIABLE = "XDG_STATE_HOME"
FILE = "progress.json"


def state_folder() -> Path:
    """The folder for what the tour keeps, as the XDG specification has it.

    Raises:
        OSError: the user has no home.
    """
    given = Path(os.environ.get(VARIABLE, ""))
    if sys.platform == "win32" and not given.is_absolute():
        given = Path(os.environ.get("LOCALAPPDATA", ""))
    if not given.is_absolute():
        try:
            given = Path.home() / ".local" / "state"
        except RuntimeError as error:
            raise OSError(0, "the user has no home") from error
    return given / "signalcli" / "tour"


@dataclass
class Progress:
    """How far a learner has come.

    Attributes:
        folder: where it is kept; None where it is not.
        trouble: why it is not kept any more, if that is so.
        predicted: for each lesson that is done, by name, whether the learner predicted its answer;
            None where nothing was predicted.
    """

    folder: Path | None
    trouble: str = ""
    predicted: dict[str, bool | None] = field(default_factory=dict)
    _next: str | None = None

    @classmethod
    def kept(cls, *, to_go_on: bool = True) -> "Progress":
        """The progress that is kept. Where that cannot be read, the tour begins anew.

        Arguments:
            to_go_on: whether more is going to be kept. Its folder is made then; where that cannot
                be done, nothing is kept.
        """
        try:
            folder = state_folder()
            if to_go_on:
                folder.mkdir(parents=True, exist_ok=True)
                if not os.access(folder, os.W_OK | os.X_OK):
                    raise PermissionError(13, "Permission denied", str(folder))
        except OSError as error:
            return cls(None, _trouble(error))
        progress = cls(folder)
        with contextlib.suppress(OSError, ValueError):
            progress._read(json.loads((folder / FILE).read_text("utf-8")))
        return progress

    def _read(self, kept: object) -> None:
        if not isinstance(kept, dict):
            return
        done, coming = kept.get("done"), kept.get("next")
        for name, predicted in done.items() if isinstance(done, dict) else ():
            if find_by_name(name) is not None and predicted in (True, False, None):
                self.predicted[name] = predicted
        if find_by_name(coming) is not None:
            self._next = coming

    @property
    def next(self) -> Lesson | None:
        """The lesson to go on with; None where the last one is done."""
        if self._next is not None:
            return find_by_name(self._next)
        return None if LESSONS[-1].name in self.predicted else LESSONS[0]

    def begin(self, lesson: Lesson) -> None:
        """Remember that the learner is at a lesson."""
        self._next = lesson.name
        self._keep()

    def end(self, lesson: Lesson, predicted: bool | None) -> None:
        """Remember that the learner has done a lesson, and goes on with the one after it."""
        self.predicted[lesson.name] = predicted
        is_last = lesson is LESSONS[-1]
        self._next = None if is_last else LESSONS[lesson.number].name
        self._keep()

    def forget(self) -> None:
        """Begin anew."""
        self.predicted.clear()
        self._next = None
        self._keep()

    def _keep(self) -> None:
        if self.folder is None:
            return
        text = json.dumps({"next": self._next, "done": self.predicted})
        try:
            # Another tour that reads it meanwhile finds all of it, or what was there before.
            fresh = self.folder / f"{FILE}.{os.getpid()}"
            fresh.write_text(text, "utf-8")
            fresh.replace(self.folder / FILE)
        except OSError as error:
            self.folder, self.trouble = None, _trouble(error)


def _trouble(error: OSError) -> str:
    place = f" ({error.filename})" if error.filename else ""
    return f"{error.strerror}{place}"
