"""What an app can do for each of many rows."""

from collections.abc import Collection, Sequence
from typing import ClassVar, Protocol

from signalcli.bulk.outcomes import Outcome
from signalcli.db import Session
from signalcli.rows import Row

Columns = tuple[tuple[str, ...], tuple[str, ...]]


class Operation(Protocol):
    """Something that is done for each of many rows.

    Attributes:
        columns: those that a row has to give, and those that it can give besides.
    """

    columns: ClassVar[Columns]

    def names(self, row: Row) -> Collection[str]:
        """The users whom a row makes, changes or removes.

        None of them is twice among rows that are carried out together.
        """

    def carry_out(self, session: Session, rows: Sequence[Row]) -> list[Outcome]:
        """Do it for some rows, in the session's transaction, which the caller ends.

        Raises:
            BaseException: what a receiver raised, or the database; nothing that was done is to
                be kept.
        """
