"""An operation, which an app does for each of many rows, and what it reports of them."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from signalcli.bulk.outcomes import Explain, Fault, Outcome
from signalcli.db import Session
from signalcli.rows import Row


class Report:
    """What came of some rows: each is done unless it is reported.

    Arguments:
        rows: the rows.
        explain: says what an exception says of a row.
    """

    def __init__(self, rows: Iterable[Row], explain: Explain) -> None:
        self._explain = explain
        self._outcomes = {row.number: Outcome(row.number, row.line) for row in rows}

    @property
    def outcomes(self) -> list[Outcome]:
        """What came of each row, in their order."""
        return list(self._outcomes.values())

    def fail(self, row: Row, error: Exception) -> None:
        """Report that an exception kept a row from being done.

        Raises:
            Exception: the exception itself, where it is about more than a row.
        """
        self._note(row, self._explained(error), is_skipped=False)

    def skip(self, row: Row, error: Exception | None = None) -> None:
        """Report that there is nothing to do for a row, or nothing more, as an exception says.

        Raises:
            Exception: as for :meth:`fail`.
        """
        self._note(row, None if error is None else self._explained(error), is_skipped=True)

    def _note(self, row: Row, fault: Fault | None, *, is_skipped: bool) -> None:
        self._outcomes[row.number] = Outcome(row.number, row.line, fault, is_skipped)

    def _explained(self, error: Exception) -> Fault:
        # At once, and the exception is not kept: its traceback would keep all rows and instances.
        fault = self._explain(error)
        if fault is None:
            raise error
        return fault


@dataclass(frozen=True, slots=True)
class Operation:
    """What an app does for each of many rows.

    Attributes:
        name: its name; a run goes on with the checkpoint of a run of the same name.
        noun: what an object that it is done for is called.
        story: what was done, for people: ``Registered {} in {}``, with gaps for the number of
            objects and the database.
        columns: those that a row has to give, and those that it can give besides.
        keys: the keys of the objects that a row makes, changes or removes. Rows that share a key
            are not carried out together.
        carry_out: carries out rows in a session, in a part of a transaction that the caller ends,
            and reports the rows that are not done. An exception, be it a receiver's or the
            database's, means that nothing of that part is to be kept.
    """

    name: str
    noun: str
    story: str
    columns: tuple[tuple[str, ...], tuple[str, ...]]
    keys: Callable[[Row], Collection[str]]
    carry_out: Callable[[Session, Sequence[Row], Report], None]
