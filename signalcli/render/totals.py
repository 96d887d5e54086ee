"""What each receiver did in a run of many dispatches, as a table."""

from collections.abc import Iterable
from typing import Any

from rich.table import Table

from signalcli.render.figures import duration
from signalcli.render.grid import new_table
from signalcli.render.text import plain
from signalcli.trace.totals import ReceiverTotal


def totals_row(total: ReceiverTotal) -> dict[str, Any]:
    """What a receiver did, for programs."""
    return {
        "receiver": total.receiver,
        "signal": total.signal,
        "runs": total.runs,
        "failures": total.failures,
        "seconds": round(total.seconds, 6),
    }


def totals_table(totals: Iterable[ReceiverTotal]) -> Table:
    """A row for each receiver: how often it ran and failed, and how long it took in all."""
    table = new_table()
    table.add_column("Receiver", overflow="fold")
    table.add_column("Signal", overflow="fold")
    for heading in ("Runs", "Failed", "Time"):
        table.add_column(heading, justify="right", no_wrap=True)
    for total in totals:
        table.add_row(
            plain(total.receiver),
            plain(total.signal),
            plain(f"{total.runs:,}"),
            plain(f"{total.failures:,}" if total.failures else "", "red"),
            plain(duration(total.seconds), "dim"),
        )
    return table
