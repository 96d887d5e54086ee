"""The outcomes of the rows that an operation is carried out for."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from signalcli.rows import Row

UNREADABLE = "invalid_row"


class Fault(NamedTuple):
    """Why a row was not done.

    Attributes:
        code: a word for programs.
        message: one line for people.
        receiver: the full name of the receiver that caused it, or an empty string.
        place: the file and the line where that failed, or an empty string.
    """

    code: str
    message: str
    receiver: str = ""
    place: str = ""


# Makes a fault of the exception that a row ended with; None where that is about more than a row.
Explain = Callable[[BaseException], Fault | None]


class Outcome(NamedTuple):
    """The outcome of a row.

    Attributes:
        row: its number among the rows, from 1; 0 where a receiver failed after the commit.
        line: the line of the file that it begins at.
        fault: why it was not done; None where it was, or where there was nothing to do.
        is_skipped: whether it was left out since there is nothing to do, or no more.
        values: the texts of the row, where it has a fault and could be read.
    """

    row: int
    line: int
    fault: Fault | None = None
    is_skipped: bool = False
    values: Mapping[str, str] | None = None


class Report:
    """The outcomes of some rows: each row is done unless it is reported.

    Arguments:
        rows: the rows.
        explain: makes a fault of an exception.
    """

    def __init__(self, rows: Iterable[Row], explain: Explain) -> None:
        self._explain = explain
        self._outcomes = {row.number: Outcome(row.number, row.line) for row in rows}

    @property
    def outcomes(self) -> list[Outcome]:
        """The outcome of each row, in their order."""
        return list(self._outcomes.values())

    def fail(self, row: Row, error: Exception) -> None:
        """Report that a row is not done, and the exception that says why.

        Raises:
            Exception: the exception itself, where it is about more than a row.
        """
        self._report(row, error, is_skipped=False)

    def skip(self, row: Row, error: Exception | None = None) -> None:
        """Report that there is nothing to do for a row, or no more, and perhaps why.

        Raises:
            Exception: as for :meth:`fail`.
        """
        self._report(row, error, is_skipped=True)

    def _report(self, row: Row, error: Exception | None, *, is_skipped: bool) -> None:
        fault = None
        if error is not None:
            # Explained at once and not kept, since its traceback holds all rows and instances.
            fault = self._explain(error)
            if fault is None:
                raise error
        self._outcomes[row.number] = Outcome(
            row.number, row.line, fault, is_skipped, None if fault is None else row.values
        )


@dataclass(slots=True)
class Counts:
    """The number of rows by their outcomes.

    Attributes:
        rows: all rows.
        done: those that were carried out.
        skipped: those that were left out: their object exists already, or they change nothing.
        failed: those with another fault.
        batches: the transactions that the rows were carried out in.
        faults: the number of rows by the code of their fault.
    """

    rows: int = 0
    done: int = 0
    skipped: int = 0
    failed: int = 0
    batches: int = 0
    faults: Counter[str] = field(default_factory=Counter)

    def with_batch(self, outcomes: Iterable[Outcome]) -> "Counts":
        """These counts with those of one more batch."""
        counts = replace(self, batches=self.batches + 1, faults=self.faults.copy())
        for outcome in outcomes:
            counts.add(outcome)
        return counts

    def add(self, outcome: Outcome) -> None:
        """Count an outcome."""
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
        """These counts after all that was done has been rolled back."""
        return replace(self, done=0, batches=0)
