"""Durations and values, spelled out for people."""

from signalcli.trace.records import Representation, Response


def duration(seconds: float) -> str:
    """A duration in seconds or milliseconds, with as many digits as say something."""
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1000:.{2 if seconds < 0.01 else 0}f} ms"


def delay(response: Response) -> str:
    """By how much a response was delayed on purpose; an empty text where it was not."""
    seconds = response.injected.delay if response.injected is not None else 0.0
    return f"delayed {duration(seconds)}" if seconds else ""


def spelled(value: Representation) -> str:
    """A value: a text as it is, all else as Python writes it."""
    return value if isinstance(value, str) else repr(value)
