"""What comes of the rows of a file that a command is carried out for."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

EXISTS = "exists"
UNREADABLE = "invalid_row"


class Fault(NamedTuple):
    """Why a row was not done.

    Attributes:
        code: a word for programs.
        message: one line for people.
    """

    code: str
    message: str


# What an exception says of the row that it ended; None where it is about more than a row.
Explain = Callable[[BaseException], Fault | None]


class Outcome(NamedTuple):
    """What came of a row.

    Attributes:
        row: its number among the rows, from 1; 0 for what belongs to none of them.
        line: the line of the file that it begins at.
        fault: why it was not done; None where it was, or where there was nothing to do.
        is_skipped: whether it was left out since there is nothing to do, or no more.
    """

    row: int
    line: int
    fault: Fault | None = None
    is_skipped: bool = False


@dataclass(slots=True)
class Counts:
    """How many rows came to what.

    Attributes:
        rows: all of them.
        done: those that were carried out.
        skipped: those that were left out: whose user exists already, or that change nothing.
        failed: those with another fault.
        batches: the transactions that they were carried out in.
        faults: how many had which fault, by its code.
    """

    rows: int = 0
    done: int = 0
    skipped: int = 0
    failed: int = 0
    batches: int = 0
    faults: Counter[str] = field(default_factory=Counter)

    def with_batch(self, outcomes: Iterable[Outcome]) -> "Counts":
        """These, and those of a batch more."""
        counts = replace(self, batches=self.batches + 1, faults=self.faults.copy())
        for outcome in outcomes:
            counts.add(outcome)
        return counts

    def add(self, outcome: Outcome) -> None:
        """Count what came of a row, or of something beside the rows."""
        if outcome.fault is not None:
            self.faults[outcome.fault.code] += 1
        if outcome.row:
            self.rows += 1
            if outcome.is_skipped:
                self.skipped += 1
            elif outcome.fault is None:
                self.done += 1
            else:
                self.failed += 1

    def undone(self) -> "Counts":
        """These, where all that was done is rolled back."""
        return replace(self, done=0, batches=0)
