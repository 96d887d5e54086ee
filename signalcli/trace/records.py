"""What a trace consists of. Everything in it is plain data, safe to show and to keep."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePath

Scalar = None | bool | int | float | str
Representation = Scalar | list[Scalar]


@dataclass(slots=True, frozen=True)
class Failure:
    """An exception as a trace keeps it.

    Attributes:
        type: the name of its class.
        message: what it says, shortened.
        file: the source file where it was raised, or an empty string.
        line: the line there.
    """

    type: str
    message: str
    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.type}: {self.message}" if self.message else self.type

    @property
    def short_place(self) -> str:
        """The file's name and the line, or an empty string."""
        return f"{PurePath(self.file).name}:{self.line}" if self.file else ""

    @property
    def story(self) -> str:
        """What happened, and where, on one line."""
        return f"{self} ({self.short_place})" if self.file else str(self)


@dataclass(slots=True, eq=False)
class Response:
    """What one receiver did in a dispatch.

    Attributes:
        dispatch: the dispatch that it received.
        receiver: the receiver's full name.
        value: what it returned.
        failure: what it raised, or None.
        seconds: how long it ran; None while it does.
        begun: when it began, on the recorder's clock.
    """

    dispatch: "Dispatch"
    receiver: str
    begun: float
    value: Representation = None
    failure: Failure | None = None
    seconds: float | None = None
    caused: list["Dispatch"] = field(default_factory=list)
    _printed: list[str] = field(default_factory=list)

    @property
    def short_receiver(self) -> str:
        """The receiver's name without its module."""
        return self.receiver.rpartition(".")[2]

    @property
    def output(self) -> str:
        """What it printed."""
        return "".join(self._printed)

    def add_output(self, text: str) -> None:
        """It printed something."""
        self._printed.append(text)


@dataclass(slots=True, eq=False)
class Dispatch:
    """One sending of a signal.

    Attributes:
        seq: its number in the trace, from 1.
        parent: the response that caused it, or None.
        signal: the signal's short name.
        signal_path: its full name.
        sender: who it was sent for; None for nobody in particular.
        robust: whether receivers' exceptions were caught and returned.
        arguments: the arguments that receivers got, by name.
        responses: what the receivers did, in the order in which they began.
        seconds: how long it took; None while it goes on.
        begun: when it began, on the recorder's clock.
    """

    seq: int
    parent: Response | None
    signal: str
    signal_path: str
    sender: str | None
    robust: bool
    arguments: dict[str, Representation]
    begun: float
    responses: list[Response] = field(default_factory=list)
    seconds: float | None = None


@dataclass(slots=True, eq=False)
class Trace:
    """The tree of dispatches of one run.

    Attributes:
        dispatches: all of them, in the order in which they began.
    """

    dispatches: list[Dispatch] = field(default_factory=list)

    @property
    def roots(self) -> list[Dispatch]:
        """The dispatches that no response caused."""
        return [dispatch for dispatch in self.dispatches if dispatch.parent is None]

    @property
    def responses(self) -> Iterator[Response]:
        """All responses, dispatch by dispatch."""
        for dispatch in self.dispatches:
            yield from dispatch.responses
