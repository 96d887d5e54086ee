"""Durations and times as people type them."""

import re
from datetime import UTC, datetime, timedelta

import typer

_UNITS = {
    "us": 1e-6,
    "µs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "min": 60.0,
    "h": 3600.0,
    "d": 86400.0,
    "w": 7 * 86400.0,
}
_DURATION = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*([a-zµ]+)")
_LONGEST = 1e10


def duration(text: str) -> float:
    """A duration such as ``50ms``, ``2h`` or ``30d``, in seconds.

    Raises:
        typer.BadParameter: it is none.
    """
    match = _DURATION.fullmatch(text.strip())
    seconds = float(match[1]) * _UNITS.get(match[2], -1.0) if match else -1.0
    if not 0 <= seconds < _LONGEST:
        raise typer.BadParameter(
            f"{text!r} is no duration; write a number and a unit (us, ms, s, min, h, d, w), "
            "such as 50ms or 2h"
        )
    return seconds


def moment(text: str) -> datetime:
    """A time in UTC, without a time zone.

    Arguments:
        text: a date, or a date and a time, by the clock on the wall unless it names a time zone;
            or a duration, which says how long ago.

    Raises:
        typer.BadParameter: it is none of them.
    """
    try:
        return datetime.fromisoformat(text.strip()).astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError, OSError):
        pass
    try:
        return (datetime.now(UTC) - timedelta(seconds=duration(text))).replace(tzinfo=None)
    except (typer.BadParameter, OverflowError):
        raise typer.BadParameter(
            f"{text!r} is neither a duration such as 2h nor a date such as 2026-01-31 or "
            "2026-01-31T08:30"
        ) from None
