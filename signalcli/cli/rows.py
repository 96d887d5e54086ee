"""The options of commands over the rows of a file."""

from dataclasses import dataclass
from typing import Annotated, Any

import typer

from signalcli.errors import UsageError

DEFAULT_BATCH_SIZE = 1_000
PANEL = "Many at once"

From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="FILE",
        help="Do it for each row of a CSV or JSON Lines file, be it gzipped; - for standard input.",
        rich_help_panel=PANEL,
        show_default=False,
    ),
]
BatchSize = Annotated[
    int | None,
    typer.Option(
        "--batch-size",
        min=1,
        metavar="ROWS",
        help=f"How many rows are one transaction; by default {DEFAULT_BATCH_SIZE:,}.",
        rich_help_panel=PANEL,
        show_default=False,
    ),
]
Strict = Annotated[
    bool,
    typer.Option("--strict", help="Write nothing unless all rows are good.", rich_help_panel=PANEL),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume", help="Go on after the last whole batch of a run.", rich_help_panel=PANEL
    ),
]
RowsTrace = Annotated[
    bool,
    typer.Option(
        "--trace", help="Show and keep every dispatch, not only totals.", rich_help_panel=PANEL
    ),
]


@dataclass(frozen=True, slots=True)
class RowOptions:
    """The values of the options for many rows.

    Attributes:
        source: the file, or ``-``; None where the command is for one object.
        batch_size: the rows of a transaction; None: the default.
        strict: whether nothing is written unless all rows are good.
        resume: whether the command goes on with an interrupted run.
        trace: whether every dispatch is shown and kept.
    """

    source: str | None
    batch_size: int | None
    strict: bool
    resume: bool
    trace: bool

    def check(self, **of_one: Any) -> None:
        """Refuse values for one object beside those for many.

        Arguments:
            of_one: the values for one object, by the name of the option, or of the argument in
                capitals; None, False and an empty text are no values.

        Raises:
            UsageError: there are such values.
        """
        if self.source is None:
            said = {"strict": self.strict, "resume": self.resume, "batch-size": self.batch_size}
            for name, value in said.items():
                if value:
                    raise UsageError(f"--{name} is for the rows of --from FILE")
            if of_one["USERNAME"] is None:
                raise UsageError("give USERNAME, or --from FILE")
            return
        for name, value in of_one.items():
            if value not in (None, False, "") or (name == "USERNAME" and value is not None):
                named = name if name.isupper() else f"--{name.replace('_', '-')}"
                raise UsageError(f"give {named} or --from FILE, not both")
        if self.strict and self.resume:
            raise UsageError("a run with --strict leaves nothing to --resume")
