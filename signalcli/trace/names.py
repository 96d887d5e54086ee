"""Names of signals, senders and receivers, and the glob patterns that choose them."""

from fnmatch import fnmatchcase


def short_name(name: str) -> str:
    """The last part of a dotted name."""
    return name.rpartition(".")[2]


def matches(pattern: str | None, *names: str | None) -> bool:
    """Whether a glob pattern fits one of the names; case matters. None as a pattern fits all."""
    return pattern is None or any(name is not None and fnmatchcase(name, pattern) for name in names)
