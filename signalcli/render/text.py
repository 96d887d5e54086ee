"""Texts, durations and values for people, harmless to a terminal."""

import re

from signalcli.trace.records import Representation, Response, encodable

FAILED = "✗"
RUNNING = "…"
NO_RECEIVERS = "no receivers"
MUTED = "muted"

# The marks that turn the direction of writing belong here: they would move the text after them.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
# XML cannot write these characters, not even as references.
_UNFIT = re.compile("[\ufffe\uffff]")


def visible(text: str) -> str:
    """The text with its control characters as escapes, except line ends and tabs."""
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def fit_for_markup(text: str) -> str:
    """The text, with escapes for characters that XML or UTF-8 cannot carry or nobody can see.

    Markup stays as it is: the text may be a single name or a whole document.
    """
    text = visible(encodable(text))
    return _UNFIT.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def duration(seconds: float) -> str:
    """A duration in seconds, spelled in seconds or milliseconds with the digits that matter."""
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1000:.{2 if seconds < 0.01 else 0}f} ms"


def delay(response: Response) -> str:
    """The delay of a response that was delayed on purpose; otherwise an empty text."""
    seconds = response.injected.delay if response.injected is not None else 0.0
    return f"delayed {duration(seconds)}" if seconds else ""


def spelled(value: Representation) -> str:
    """A value for people: a text as it is, any other value as Python writes it."""
    return value if isinstance(value, str) else repr(value)
