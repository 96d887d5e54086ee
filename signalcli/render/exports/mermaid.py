"""The run as a mermaid sequence diagram, which many Markdown viewers draw."""

import itertools
import re
import textwrap
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from signalcli.log.runs import Run
from signalcli.render.text import (
    FAILED,
    MUTED,
    NO_RECEIVERS,
    delay,
    duration,
    fit_for_markup,
    on_one_line,
    spelled,
)
from signalcli.trace.records import Dispatch, Response, Trace, concurrent

# Mermaid draws no text of more than 50,000 characters; a single step takes far less than 10,000.
LARGEST = 40_000

MESSAGE_WIDTH, MESSAGE_LINES = 44, 4
LONGEST_ARGUMENT = 30
NOTE_WIDTH, NOTE_LINES = 60, 8
LONGEST_NAME, LONGEST_TITLE = 60, 120
CUT = "…"
NEW_LINE = "<br/>"

# The language of a fenced block in Markdown, and the suffixes of files that hold the text alone.
FENCE = "mermaid"
SUFFIXES = (".mmd", ".mermaid")

_KINDS = {"Senders": "sender", "Signals": "signal", "Receivers": "receiver"}

# All ASCII but letters, digits and marks that mean nothing to mermaid, HTML or Markdown; the signs
# that mermaid puts in place of references; the word that ends a block; blanks that would be lost.
_UNSAFE = re.compile(
    r"(?![\w .,()='/@+!?-])[\x00-\x7f]|[\ufb02\xb0\xb6]|\b[eE](?=[nN][dD]\b)|^ | (?= )"
)
_BLANK = ord("\N{NO-BREAK SPACE}")


@dataclass(slots=True, frozen=True)
class _Participant:
    """A column of the diagram: a sender, a signal or a receiver, told apart by its full name."""

    kind: str
    name: str | None
    short: str


@dataclass(slots=True, frozen=True)
class _End:
    """The end of a response, after everything that it caused while it ran."""

    response: Response


@dataclass(slots=True, frozen=True)
class _Frame:
    """The beginning, a part or the end of a frame around responses that ran in parallel."""

    line: str


_Step = Dispatch | Response | _End | _Frame
_END_OF_FRAME = _Frame("end")


def export(run: Run, trace: Trace) -> str:
    """The diagram, without a Markdown fence around it.

    Dispatches and responses stand in the order of the trace's tree, each below its cause; receivers
    that ran side by side are framed as parallel. Texts that are too long for a viewer are
    shortened. A run that is too long breaks off with a note that counts the rest.
    """
    diagram = _Diagram(trace)
    if trace.dispatches:
        diagram.draw()
    return "\n".join([*_heading(run), *diagram.lines(run), ""])


class _Diagram:
    """A diagram that is being drawn.

    Arguments:
        trace: the trace that it shows.
    """

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._steps: list[str] = []
        self._ids: dict[_Participant, str] = {}
        self._active: list[str] = []
        self._open_frames = 0
        self._size = 0
        self._namesakes = Counter((one.kind, one.short) for one in set(_participants(trace)))

    def lines(self, run: Run) -> list[str]:
        """All lines but the heading."""
        if not self._ids:
            return [
                f"participant run as {_text(run.command, LONGEST_NAME)}",
                "Note over run: no signal was sent",
            ]
        boxes = []
        for title, kind in _KINDS.items():
            inside = [self._declaration(one) for one in self._ids if one.kind == kind]
            if inside:
                boxes += [f"box transparent {title}", *inside, "end"]
        return boxes + self._steps

    def draw(self) -> None:
        """Draw as many steps as a viewer can show."""
        shown: Counter[type[_Step]] = Counter()
        waiting: list[_Step] = list(reversed(self._trace.roots))
        while waiting and self._size < LARGEST:
            step = waiting.pop()
            shown[type(step)] += 1
            waiting.extend(reversed(self._take(step)))
        if waiting:
            self._break_off(shown)

    def _take(self, step: _Step) -> list[_Step]:
        """Draw a step, and return the steps that follow."""
        if isinstance(step, Dispatch):
            self._send(step)
            return list(_framed(step))
        if isinstance(step, _Frame):
            self._frame(step)
            return []
        if isinstance(step, Response):
            self._call(step)
            early = [child for child in step.caused if not _is_late(child, step)]
            late = [child for child in step.caused if _is_late(child, step)]
            return [*early, _End(step), *late]
        self._answer(step.response)
        return []

    def _send(self, dispatch: Dispatch) -> None:
        source = _sender(dispatch) if dispatch.parent is None else _receiver(dispatch.parent)
        self._add(f"{self._id(source)}->>{self._id(_signal(dispatch))}: {_sending(dispatch)}")

    def _call(self, response: Response) -> None:
        receiver = self._id(_receiver(response))
        self._add(f"{self._id(_signal(response.dispatch))}->>+{receiver}: call")
        self._active.append(receiver)
        # The line that ends the activation needs room, too.
        self._size += len(f"deactivate {receiver}\n")

    def _frame(self, frame: _Frame) -> None:
        if frame is _END_OF_FRAME:
            self._open_frames -= 1
            # Room was left for it when the frame began.
            self._steps.append(frame.line)
            return
        if frame.line.startswith("par "):
            self._open_frames += 1
            self._size += _size(_END_OF_FRAME.line)
        self._add(frame.line)

    def _answer(self, response: Response) -> None:
        receiver, signal = self._active.pop(), self._id(_signal(response.dispatch))
        if response.output:
            self._add(f"Note over {receiver}: {_output(response)}")
        if response.seconds is None:
            self._add(f"Note over {receiver}: still running")
            self._add(f"deactivate {receiver}")
            return
        arrow = "--x-" if response.has_raised else "-->>-"
        self._add(f"{receiver}{arrow}{signal}: {_answering(response, response.seconds)}")

    def _break_off(self, shown: "Counter[type[_Step]]") -> None:
        """End the diagram in the middle, with a note that counts the rest."""
        self._steps.extend(f"deactivate {receiver}" for receiver in reversed(self._active))
        self._steps.extend([_END_OF_FRAME.line] * self._open_frames)
        dispatches = len(self._trace.dispatches) - shown[Dispatch]
        responses = sum(1 for _ in self._trace.responses) - shown[Response]
        first = next(iter(self._ids.values()))
        self._steps.append(
            f"Note over {first}: {CUT} and what does not fit in here{NEW_LINE}"
            f"({dispatches} more dispatches, {responses} more responses)"
        )

    def _add(self, line: str) -> None:
        self._steps.append(line)
        self._size += _size(line)

    def _id(self, participant: _Participant) -> str:
        if participant not in self._ids:
            self._ids[participant] = f"{participant.kind}{len(self._ids) + 1}"
            self._size += _size(self._declaration(participant))
        return self._ids[participant]

    def _declaration(self, participant: _Participant) -> str:
        label = _text(participant.short, LONGEST_NAME)
        if self._namesakes[participant.kind, participant.short] > 1 and participant.name:
            label += NEW_LINE + _text(f"({participant.name})", LONGEST_NAME, 3)
        return f"participant {self._ids[participant]} as {label}"


def _heading(run: Run) -> list[str]:
    title = _text(run.command_line or run.command, LONGEST_TITLE)
    return ["sequenceDiagram", f"title {title}"]


def _participants(trace: Trace) -> Iterator[_Participant]:
    for dispatch in trace.dispatches:
        yield _sender(dispatch)
        yield _signal(dispatch)
        yield from map(_receiver, dispatch.responses)


def _sender(dispatch: Dispatch) -> _Participant:
    name = "no sender" if dispatch.sender is None else dispatch.sender
    return _Participant("sender", dispatch.sender, name)


def _signal(dispatch: Dispatch) -> _Participant:
    return _Participant("signal", dispatch.signal_path, dispatch.signal)


def _receiver(response: Response) -> _Participant:
    return _Participant("receiver", response.receiver, response.short_receiver)


def _framed(dispatch: Dispatch) -> Iterator[_Step]:
    """The responses of a dispatch, with a frame around those that ran side by side."""
    responses = list(dispatch.responses)
    side_by_side = concurrent(responses)
    for is_framed, group in itertools.groupby(responses, side_by_side.__contains__):
        if not is_framed:
            yield from group
            continue
        for index, response in enumerate(group):
            name = _text(response.short_receiver, LONGEST_NAME)
            yield _Frame(f"and {name}" if index else f"par {name}")
            yield response
        yield _END_OF_FRAME


def _is_late(dispatch: Dispatch, cause: Response) -> bool:
    """Whether a dispatch began after the response that caused it was over."""
    return cause.seconds is not None and dispatch.begun > cause.begun + cause.seconds


def _sending(dispatch: Dispatch) -> str:
    """The label of the arrow from the sender, or from the cause, to the signal."""
    send = f"{dispatch.seq} {'send_robust' if dispatch.robust else 'send'}"
    sender = [] if dispatch.parent is None or dispatch.sender is None else [dispatch.sender]
    if not dispatch.responses:
        brief = ", ".join(sender + [CUT] * bool(dispatch.arguments))
        nobody = MUTED if dispatch.muted else NO_RECEIVERS
        return _text(f"{send}({brief}), {nobody}", MESSAGE_WIDTH, 2)
    arguments = [
        f"{name}={_shortened(spelled(value), LONGEST_ARGUMENT)}"
        for name, value in dispatch.arguments.items()
    ]
    call = f"{send}({', '.join(sender + arguments)})"
    time = "still going on" if dispatch.seconds is None else duration(dispatch.seconds)
    return _text(call, MESSAGE_WIDTH, MESSAGE_LINES) + NEW_LINE + time


def _answering(response: Response, seconds: float) -> str:
    """The label of the arrow from the receiver back to the signal."""
    failure = response.failure
    when = "" if failure is None or response.has_raised else "on commit: "
    text = f"{FAILED} {when}{failure.story}" if failure else spelled(response.value)
    times = ", ".join(filter(None, (duration(seconds), delay(response))))
    return _text(text, MESSAGE_WIDTH, MESSAGE_LINES) + NEW_LINE + times


def _output(response: Response) -> str:
    lines = response.output.expandtabs(4).splitlines()
    shown = [_text(line, NOTE_WIDTH) for line in lines[:NOTE_LINES]]
    if len(lines) > NOTE_LINES:
        shown.append(f"{CUT} and {len(lines) - NOTE_LINES} lines more")
    if response.omitted:
        shown.append(f"{CUT} and {response.omitted} bytes more")
    return NEW_LINE.join(shown)


def _text(text: str, width: int, lines: int = 1) -> str:
    """Any text as a part of a line of mermaid.

    Arguments:
        text: the text.
        width: how many characters a line of the picture has at most.
        lines: how many such lines it may take; the rest is cut off.
    """
    text = _legible(text[: 2 * width * lines])
    if lines == 1 or len(text) <= width:
        broken = [_shortened(text, width)]
    else:
        broken = textwrap.wrap(text, width, max_lines=lines, placeholder=f" {CUT}")
    return NEW_LINE.join(_UNSAFE.sub(_reference, line) for line in broken)


def _legible(text: str) -> str:
    text = on_one_line(fit_for_markup(text)).replace("\t", "\\t")
    # Mermaid refuses an arrow without a text, and an empty name cannot be seen.
    return text if text.strip() else "(empty)"


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + CUT


def _reference(match: re.Match[str]) -> str:
    """Mermaid's way to write a character by its number."""
    return f"#{_BLANK if match[0] == ' ' else ord(match[0])};"


def _size(line: str) -> int:
    """The length of a line with its end, as mermaid counts."""
    return len(line.encode("utf-16-le")) // 2 + 1
