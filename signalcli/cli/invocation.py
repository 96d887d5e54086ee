"""The command line that is being carried out: its arguments, and the line of a script it is."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from signalcli.cli.options import Settings

PROGRAM = "signalcli"


@dataclass(frozen=True, slots=True)
class Line:
    """Where in a script a command stands.

    Attributes:
        number: the number of the line, from 1.
        settings: what the global options of the whole script say.
        is_piped: whether the script is standard input, which commands thus cannot read.
    """

    number: int
    settings: "Settings"
    is_piped: bool = False


@dataclass(frozen=True, slots=True)
class Invocation:
    """A command line.

    Attributes:
        arguments: its arguments, without the program's name.
        line: the line of a script that it is; None where the process was started with it.
    """

    arguments: tuple[str, ...]
    line: Line | None = None


_under_way: ContextVar[Invocation | None] = ContextVar("signalcli_invocation", default=None)


def current() -> Invocation:
    """The command line that is being carried out; otherwise that of the process."""
    return _under_way.get() or Invocation(tuple(sys.argv[1:]))


@contextmanager
def under_way(invocation: Invocation) -> Iterator[None]:
    """Within it, a command line is the current one."""
    token = _under_way.set(invocation)
    try:
        yield
    finally:
        _under_way.reset(token)
