"""Durations and values, spelled out for people."""

from signalcli.trace.records import Representation


def duration(seconds: float) -> str:
    """A duration in seconds or milliseconds, with as many digits as say something."""
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1000:.{2 if seconds < 0.01 else 0}f} ms"


def spelled(value: Representation) -> str:
    """A value: a text as it is, all else as Python writes it."""
    return value if isinstance(value, str) else repr(value)
