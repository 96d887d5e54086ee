"""The dispatch that a test wants: its comparison with recorded ones, and the words for both."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from signalcli.dispatch import Receiver, Signal, all_signals
from signalcli.dispatch.signatures import describe as full_name
from signalcli.render.text import spelled
from signalcli.testing.record import RecordedDispatch, RecordedResponse
from signalcli.trace.names import matches, sender_name
from signalcli.trace.records import short_name
from signalcli.trace.representation import represent

SignalOrName = Signal | str
Step = SignalOrName | tuple[SignalOrName, Any] | tuple[SignalOrName, Any, Mapping[str, Any]]

ANYTHING: Final[Any] = object()

MOST_NUMBERS = 10
MOST_NEAR_MISSES = 5


@dataclass(frozen=True, slots=True)
class WantedReceiver:
    """A receiver: itself, or a glob for its short or full name."""

    receiver: Receiver | str

    def __post_init__(self) -> None:
        if not (callable(self.receiver) or isinstance(self.receiver, str)):
            raise TypeError(f"a receiver or the name of one is wanted, not {self.receiver!r}")

    def __str__(self) -> str:
        if isinstance(self.receiver, str):
            return self.receiver
        return short_name(full_name(self.receiver))

    def fits(self, response: RecordedResponse) -> bool:
        """Whether a response is this receiver's."""
        if isinstance(self.receiver, str):
            return matches(self.receiver, response.entry.short_receiver, response.entry.receiver)
        # A bound method is a new object each time it is looked up.
        return bool(self.receiver == response.receiver)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A dispatch that a test asks for.

    Attributes:
        signals: one of these signals, each given as itself or as a glob for its short or full
            name; none for any signal.
        sender: the sender, or a glob for its short or full name; None for nobody in particular.
        caused_by: the receiver that caused it, or a glob for its name; None for no receiver.
        arguments: the expected values of some of its arguments.
    """

    signals: tuple[SignalOrName, ...] = ()
    sender: Any = ANYTHING
    caused_by: Any = ANYTHING
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        text = self.signal_names
        if self.sender is not ANYTHING:
            name = sender_name(self.sender)
            text += " for nobody" if name is None else f" for {name}"
        if self.caused_by is not ANYTHING:
            cause = "nobody" if self.caused_by is None else WantedReceiver(self.caused_by)
            text += f" caused by {cause}"
        if self.arguments:
            pairs = (f"{name}={_shown(value, name)}" for name, value in self.arguments.items())
            text += f" with {', '.join(pairs)}"
        return text

    @property
    def signal_names(self) -> str:
        """The signals' names."""
        names = (each if isinstance(each, str) else each.name for each in self.signals)
        return " or ".join(names) or "any signal"

    def check(self, recorded: Iterable[RecordedDispatch]) -> None:
        """Refuse a dispatch that can never be sent: an assertion that it was not would always pass.

        Arguments:
            recorded: the dispatches; they may have arguments that their signals do not promise.

        Raises:
            TypeError: a signal or a receiver is neither one nor the name of one.
            ValueError: no signal has that name, or none provides an argument of that name.
        """
        __tracebackhide__ = True
        for signal in self.signals:
            if not isinstance(signal, Signal | str):
                raise TypeError(f"a signal or the name of one is wanted, not {signal!r}")
            if not any(_is_signal(signal, other) for other in all_signals()):
                raise ValueError(f"there is no signal that matches {signal!r}")
        if self.caused_by is not ANYTHING and self.caused_by is not None:
            WantedReceiver(self.caused_by)
        carried = {name for dispatch in recorded for name in dispatch.arguments}
        signals = [signal for signal in all_signals() if self._is_one_of_them(signal)]
        for name in self.arguments:
            if name not in carried and not any(_may_provide(signal, name) for signal in signals):
                provided = {name for signal in signals for name in signal.providing_args or ()}
                raise ValueError(
                    f"{self.signal_names} provides no argument {name!r}, only "
                    f"{', '.join(sorted(provided)) or 'none at all'}"
                )

    def fits(self, dispatch: RecordedDispatch) -> bool:
        """Whether a dispatch is the wanted one."""
        return self.fits_but_for_arguments(dispatch) and all(
            name in dispatch.arguments and _is_equal(value, dispatch.arguments[name])
            for name, value in self.arguments.items()
        )

    def fits_but_for_arguments(self, dispatch: RecordedDispatch) -> bool:
        """Whether a dispatch is the wanted one, whatever its arguments are."""
        return (
            self._is_one_of_them(dispatch.signal)
            and self._is_sender(dispatch)
            and self._is_cause(dispatch.parent)
        )

    def may_be_sent_by(self, signal: Signal, sender: Any) -> bool:
        """Whether a signal from this sender would have been a wanted one."""
        if not self._is_one_of_them(signal):
            return False
        if self.sender is ANYTHING or self.sender is sender:
            return True
        return isinstance(self.sender, str) and matches(
            self.sender, sender_name(sender), full_name(sender)
        )

    def _is_one_of_them(self, signal: Signal) -> bool:
        return not self.signals or any(_is_signal(wanted, signal) for wanted in self.signals)

    def _is_sender(self, dispatch: RecordedDispatch) -> bool:
        if self.sender is ANYTHING or self.sender is dispatch.sender:
            return True
        if not isinstance(self.sender, str):
            return False
        is_named = isinstance(getattr(dispatch.sender, "__qualname__", None), str)
        path = full_name(dispatch.sender) if is_named else None
        return matches(self.sender, dispatch.entry.sender, path)

    def _is_cause(self, parent: RecordedResponse | None) -> bool:
        if self.caused_by is ANYTHING:
            return True
        if self.caused_by is None or parent is None:
            return self.caused_by is parent
        return WantedReceiver(self.caused_by).fits(parent)


def wanted_at(step: Step) -> Wanted:
    """One step of an order: a signal alone, or with its sender and arguments."""
    if not isinstance(step, tuple):
        return Wanted((step,))
    signal, sender, *rest = step
    return Wanted((signal,), sender, arguments=rest[0] if rest else {})


def _is_signal(wanted: SignalOrName, signal: Signal) -> bool:
    if isinstance(wanted, str):
        return matches(wanted, signal.name, signal.path)
    return wanted is signal


def _may_provide(signal: Signal, name: str) -> bool:
    return signal.providing_args is None or name in signal.providing_args


def _is_equal(expected: Any, value: Any) -> bool:
    """Whether a value is the expected one, or fits a matcher such as ``unittest.mock.ANY``."""
    return expected is value or bool(expected == value)


def _shown(value: Any, name: str) -> str:
    """A value on one line, cut and without secrets, as traces show it; a text in quotes."""
    kept = represent(value, name)
    return repr(kept) if type(value) is str else spelled(kept)


def expected_number(times: int | None, one: str, many: str) -> str:
    """The number that was expected, with its noun; None for at least one."""
    if times is None:
        return f"a {one}"
    return f"{times} {many}" if times > 1 else f"{times or 'no'} {one}"


def found_number(dispatches: Sequence[RecordedDispatch]) -> str:
    """The number that was found, and the numbers of these dispatches."""
    if not dispatches:
        return "there was none"
    numbers = [f"#{dispatch.number}" for dispatch in dispatches[:MOST_NUMBERS]]
    if len(dispatches) > MOST_NUMBERS:
        numbers.append("…")
    count = "was one" if len(dispatches) == 1 else f"were {len(dispatches)}"
    return f"there {count} ({', '.join(numbers)})"


def near_misses(wanted: Wanted, dispatches: Iterable[RecordedDispatch]) -> list[str]:
    """A line for each dispatch that differs in its arguments alone; at most five lines."""
    missed = [
        dispatch
        for dispatch in dispatches
        if wanted.fits_but_for_arguments(dispatch) and not wanted.fits(dispatch)
    ]
    return [_difference_of(wanted, dispatch) for dispatch in missed[:MOST_NEAR_MISSES]]


def named(dispatch: RecordedDispatch) -> str:
    """A dispatch by its signal, sender and number."""
    sender = "" if dispatch.entry.sender is None else f" for {dispatch.entry.sender}"
    return f"{dispatch.entry.signal}{sender} (#{dispatch.number})"


def _difference_of(wanted: Wanted, dispatch: RecordedDispatch) -> str:
    differences = []
    for name, expected in wanted.arguments.items():
        if name not in dispatch.arguments:
            differences.append(f"{name}: not among its arguments")
        elif not _is_equal(expected, dispatch.arguments[name]):
            differences.append(_difference(name, expected, dispatch.arguments[name]))
    return f"#{dispatch.number} differs in {'; '.join(differences)}"


def _difference(name: str, expected: Any, value: Any) -> str:
    """The difference between a value and the expected one."""
    wanted, got = _shown(expected, name), _shown(value, name)
    if wanted == got:
        got = "another that looks the same"
    return f"{name}: expected {wanted}, got {got}"
