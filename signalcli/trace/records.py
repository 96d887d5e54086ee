"""The records of a trace: dispatches, responses, failures.

They form a tree. A dispatch has the responses of its receivers, and a response has the dispatches
that it caused: sent by the receiver itself, by a thread that it started, or by a later flush of a
change that it made. All of it is plain data, safe to show and to keep: no record holds an object of
the program, which it would keep alive, and which might change or fail when it is shown.
"""

import json
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import inf, isfinite
from pathlib import PurePath
from typing import Any, TypeVar

from signalcli.secrets import without_secrets

LONGEST_OUTPUT = 4096

Scalar = None | bool | int | float | str
Representation = Scalar | list[Scalar]

# A begin plus a duration may differ from the clock's time of the same moment by rounding.
ROUNDING = 1e-9

# Several threads of one receiver may print at once.
_printing = threading.Lock()


def short_name(name: str) -> str:
    """The last part of a dotted name."""
    return name.rpartition(".")[2]


def encodable(text: str) -> str:
    """The text with lone surrogates, which no file and no database can hold, as escapes."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="backslashreplace").decode()
    return text


def fit_for_json(value: Any) -> Any:
    """Plain data with the numbers that JSON has not as texts: ``inf``, ``-inf`` and ``nan``."""
    if isinstance(value, float):
        return value if isfinite(value) else str(float(value))
    if isinstance(value, dict):
        return {fit_for_json(key): fit_for_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [fit_for_json(each) for each in value]
    return value


def strict_json(value: Any, **options: Any) -> str:
    """Plain data as JSON, with the numbers that JSON has not as texts.

    Arguments:
        value: the data.
        options: those of :func:`json.dumps`.
    """
    try:
        return json.dumps(value, allow_nan=False, **options)
    except ValueError:
        # Few traces have such a number, so only then all of the data is gone through for them.
        return json.dumps(fit_for_json(value), allow_nan=False, **options)


@dataclass(slots=True, frozen=True)
class Failure:
    """An exception as a trace keeps it.

    Attributes:
        type: the name of its class.
        message: what it says, shortened.
        file: the source file where it was raised, or an empty string.
        line: the line there.
        function: the full name of the function that raised it after the commit, where a receiver
            asked for it with :func:`signalcli.db.on_commit`; empty where the receiver itself did.
    """

    type: str
    message: str
    file: str
    line: int
    function: str = ""

    def __str__(self) -> str:
        return f"{self.type}: {self.message}" if self.message else self.type

    @property
    def place(self) -> str:
        """The file and the line, or an empty string."""
        return f"{self.file}:{self.line}" if self.file else ""

    @property
    def short_place(self) -> str:
        """The file's name and the line, or an empty string."""
        return f"{PurePath(self.file).name}:{self.line}" if self.file else ""

    @property
    def story(self) -> str:
        """What happened, and where, on one line."""
        return f"{self} ({self.short_place})" if self.file else str(self)


class InjectedFault(Exception):
    """The exception of a receiver that is made to fail on purpose."""

    def __init__(self) -> None:
        super().__init__("raised on purpose")


@dataclass(slots=True, frozen=True)
class Injection:
    """A fault that was put into a response on purpose.

    Attributes:
        failure: whether it failed instead of calling the receiver.
        delay: how long it waited before, in seconds.
    """

    failure: bool = False
    delay: float = 0.0


@dataclass(slots=True, eq=False)
class Response:
    """What one receiver did in a dispatch.

    Attributes:
        dispatch: the dispatch that it received.
        receiver: the receiver's full name.
        begun: when it began, on the recorder's clock.
        file: the source file where the receiver is defined, or an empty string.
        line: the line there.
        injected: the fault that was put into it on purpose, or None.
        runs_in: a number for the thread or the task that it runs in; None where that is unknown.
        value: its return value.
        failure: its exception, or that of a function that it asked for on the commit, or None.
        seconds: how long it ran; None while it does.
        output: the first 4 kB of its output.
        omitted: how many more bytes it printed.
    """

    dispatch: "Dispatch"
    receiver: str
    begun: float
    file: str = ""
    line: int = 0
    injected: Injection | None = None
    runs_in: int | None = None
    value: Representation = None
    failure: Failure | None = None
    seconds: float | None = None
    output: str = ""
    omitted: int = 0
    # Most responses cause nothing, and a list for each would slow down a trace by a tenth: the
    # garbage collector visits every list.
    _caused: list["Dispatch"] | None = field(default=None, init=False)

    @property
    def caused(self) -> list["Dispatch"]:
        """The dispatches that it caused, in the order in which they began."""
        return [] if self._caused is None else self._caused

    @property
    def has_raised(self) -> bool:
        """Whether the receiver itself raised an exception, and so ended a plain dispatch."""
        return self.failure is not None and not self.failure.function

    @property
    def short_receiver(self) -> str:
        """The receiver's name without its module."""
        return short_name(self.receiver)

    @property
    def place(self) -> str:
        """The file and line where the receiver is defined, or an empty string."""
        return f"{self.file}:{self.line}" if self.file else ""

    def add_caused(self, dispatch: "Dispatch") -> None:
        """Add a dispatch that this response caused."""
        if self._caused is None:
            self._caused = []
        self._caused.append(dispatch)

    def add_output(self, text: str) -> None:
        """Add printed text to the output, up to its limit."""
        with _printing:
            if self.omitted:
                self.omitted += len(encodable(text).encode())
                return
            # A secret may be printed after its name, in a call of its own.
            output = without_secrets(self.output + encodable(text)).encode()
            # A character that the limit would cut in two is left out.
            self.output = output[:LONGEST_OUTPUT].decode(errors="ignore")
            self.omitted = len(output) - len(self.output.encode())


@dataclass(slots=True, eq=False)
class Dispatch:
    """One sending of a signal.

    Attributes:
        seq: its number in the trace, from 1.
        parent: the response that caused it, or None.
        signal: the signal's short name.
        signal_path: its full name.
        sender: the sender's name; None for no sender.
        robust: whether receivers' exceptions were caught and returned.
        arguments: the arguments that receivers got, by name.
        responses: those of the receivers, in the order in which they began.
        seconds: how long it took; None while it goes on.
        begun: when it began, on the recorder's clock.
        muted: whether it reached nobody on purpose.
        elsewhere: whether it was sent from another thread or task than its parent runs in.
        not_called: the full names of the receivers that a failure before them kept from being
            called, in their order.
        output_before: how much of its parent's output was there when it began, in characters; None
            where that is unknown.
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
    muted: bool = False
    elsewhere: bool = False
    not_called: tuple[str, ...] = ()
    output_before: int | None = None


@dataclass(slots=True, eq=False)
class Trace:
    """The tree of dispatches of one run.

    Attributes:
        dispatches: all of them, in the order in which they began.
        ended: when the watching ended, on the recorder's clock; None while it goes on.
    """

    dispatches: list[Dispatch] = field(default_factory=list)
    ended: float | None = None

    @property
    def roots(self) -> list[Dispatch]:
        """The dispatches that no response caused."""
        return [dispatch for dispatch in self.dispatches if dispatch.parent is None]

    @property
    def responses(self) -> Iterator[Response]:
        """All responses, dispatch by dispatch."""
        for dispatch in self.dispatches:
            yield from dispatch.responses


Record = TypeVar("Record", Dispatch, Response)


def concurrent(records: Iterable[Record]) -> set[Record]:
    """The dispatches or responses that overlap in time with another one of them.

    Among the responses of one dispatch these are async receivers that waited side by side. An
    unfinished record has no end.
    """
    found: set[Record] = set()
    latest: Record | None = None
    for record in sorted(records, key=lambda record: (record.begun, _end(record))):
        if latest is not None and record.begun < _end(latest) - ROUNDING:
            found |= {latest, record}
        if latest is None or _end(record) > _end(latest):
            latest = record
    return found


class SideBySide:
    """The responses of one trace that ran at the same time as others.

    Responses of one dispatch count where they overlap. All responses of a dispatch count where it
    overlaps with another dispatch of the same cause, and another thread or task sent one of the
    two. In a single thread and task, two dispatches of one cause overlap only where one is nested
    in the other: a flush in a receiver may report an earlier change. They do not count.
    """

    def __init__(self) -> None:
        self._dispatches: dict[Response, set[Dispatch]] = {}

    def responses_of(self, dispatch: Dispatch) -> set[Response]:
        """The responses of a dispatch that ran at the same time as others."""
        if dispatch.parent is not None and dispatch in self._caused_by(dispatch.parent):
            return set(dispatch.responses)
        return concurrent(dispatch.responses)

    def _caused_by(self, cause: Response) -> set[Dispatch]:
        found = self._dispatches.get(cause)
        if found is None:
            found = self._dispatches[cause] = _beside_another(list(cause.caused))
        return found


def _beside_another(dispatches: list[Dispatch]) -> set[Dispatch]:
    """The dispatches of one cause of which the responses ran at the same time as others."""
    away = [dispatch for dispatch in dispatches if dispatch.elsewhere]
    if not away:
        return set()
    return {
        dispatch
        for dispatch in concurrent(dispatches)
        if dispatch.elsewhere or any(_overlap(dispatch, other) for other in away)
    }


def _overlap(one: Dispatch, other: Dispatch) -> bool:
    return one.begun < _end(other) - ROUNDING and other.begun < _end(one) - ROUNDING


def _end(record: Dispatch | Response) -> float:
    return inf if record.seconds is None else record.begun + record.seconds
