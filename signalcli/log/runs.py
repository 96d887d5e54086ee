"""A run as the signal log keeps it, besides its trace."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from signalcli.trace.totals import ReceiverTotal


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One command line carried out.

    Attributes:
        number: its number in the log; None as long as it is not kept.
        begun: when it began, in UTC, without a time zone.
        command: the command's name.
        command_line: the command line, with secrets replaced.
        exit_code: what it exited with.
        seconds: how long it took.
        is_rolled_back: whether what it wrote was rolled back.
        message: what it said to people when it was done, or an empty string.
        result: what it said to programs, as JSON has it; None where it failed.
        error_code: a word for what went wrong, or None.
        error_message: one line that says what went wrong, or None.
        users: the names of the users that it was about.
        dispatches: how many dispatches its trace has.
        responses: how many responses.
        failures: how many of them failed.
        totals: what each receiver did, where the trace is not kept.
    """

    number: int | None = None
    begun: datetime
    command: str
    command_line: str
    exit_code: int
    seconds: float
    is_rolled_back: bool = False
    message: str = ""
    result: Any = None
    error_code: str | None = None
    error_message: str | None = None
    users: tuple[str, ...] = ()
    dispatches: int = 0
    responses: int = 0
    failures: int = 0
    totals: tuple[ReceiverTotal, ...] = ()

    @property
    def outcome(self) -> str:
        """How it ended: ``done``, ``interrupted``, ``rolled back`` or ``failed``."""
        if self.exit_code == 0:
            return "done"
        if self.exit_code >= 128:
            return "interrupted"
        return "rolled back" if self.is_rolled_back else "failed"
