"""The dispatches of a test, and assertions about them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from typing import Any

from signalcli.dispatch import Receiver
from signalcli.render.console import as_text
from signalcli.render.table import TraceTable
from signalcli.render.text import on_one_line
from signalcli.testing.record import RecordedDispatch, Recording
from signalcli.testing.wanted import (
    ANYTHING,
    SignalOrName,
    Step,
    Wanted,
    WantedReceiver,
    expected_number,
    found_number,
    named,
    near_misses,
    wanted_at,
)

MOST_ROWS = 200


@contextmanager
def record_dispatches() -> Iterator["Dispatches"]:
    """Record every dispatch of every signal while the block runs, in all threads and tasks.

    The fixture ``dispatches`` does the same. For other fixtures and test runners::

        with record_dispatches() as dispatches:
            place_order()
        dispatches.assert_sent(order_paid)

    The output of receivers is not recorded, so that pytest's ``capsys`` gets it.
    """
    with Recording() as recording:
        yield Dispatches(recording)


class Dispatches:
    """The dispatches in the order of sending. Iterate over them, count them, assert on them.

    In all methods,

    - a signal is given as itself, or as a glob for its short or full name (``"post_*"``);
    - ``sender`` is compared by identity, as signals do, or is a glob for a name; None: the signal
      was sent for nobody in particular;
    - ``caused_by`` is the receiver that sent the signal (or a glob for its name), at once or by a
      change that it left to a later flush; None: no receiver sent it;
    - ``**arguments`` are compared by ``==`` with the very objects that were sent, in their state
      at the time of the assertion. Matchers work, such as ``unittest.mock.ANY``. For any other
      check, ``of(…)[0].arguments`` has the objects;
    - a name that no signal has, or an argument that the signal does not provide, is a
      ``ValueError``: an assertion that it was not sent would always pass.

    The objects that were sent are kept alive, so a session finds an instance again where it
    would otherwise load another one.

    An assertion that fails says what was expected, and shows the tree of the dispatches.
    """

    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    def __iter__(self) -> Iterator[RecordedDispatch]:
        return iter(self._recording.record.dispatches)

    def __len__(self) -> int:
        return len(self._recording.record.dispatches)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self)}>"

    @property
    def tree(self) -> str:
        """The tree of the dispatches as a table in plain text, at most its last 200 rows."""
        recorder = self._recording.record.recorder
        if not recorder.trace.dispatches:
            return "no signal was sent"
        return as_text(TraceTable(recorder.trace, now=recorder.now(), last_rows=MOST_ROWS))

    def clear(self) -> None:
        """Forget the dispatches so far. Numbers begin with 1 again."""
        self._recording.restart()

    def of(
        self,
        /,
        *signals: SignalOrName,
        sender: Any = ANYTHING,
        caused_by: Receiver | str | None = ANYTHING,
        **arguments: Any,
    ) -> list[RecordedDispatch]:
        """The dispatches of some signals, or of all, in the order of sending."""
        __tracebackhide__ = True
        wanted = Wanted(signals, sender, caused_by, arguments)
        return [dispatch for dispatch in self._checked(wanted) if wanted.fits(dispatch)]

    def assert_sent(
        self,
        signal: SignalOrName,
        /,
        *,
        sender: Any = ANYTHING,
        times: int | None = None,
        caused_by: Receiver | str | None = ANYTHING,
        **arguments: Any,
    ) -> list[RecordedDispatch]:
        """A signal was sent.

        Arguments:
            signal: the signal, as everywhere here.
            sender: who it was sent for.
            times: how often it was sent; None for at least once.
            caused_by: the receiver that sent it.
            arguments: some of its named arguments.

        Returns:
            The dispatches that fit.
        """
        __tracebackhide__ = True
        return self._sent(Wanted((signal,), sender, caused_by, arguments), times)

    def assert_not_sent(
        self,
        /,
        *signals: SignalOrName,
        sender: Any = ANYTHING,
        caused_by: Receiver | str | None = ANYTHING,
        **arguments: Any,
    ) -> None:
        """None of these signals was sent; without a signal, none at all.

        Arguments: those of :meth:`assert_sent`.
        """
        __tracebackhide__ = True
        self._sent(Wanted(signals, sender, caused_by, arguments), 0)

    def assert_received(
        self,
        signal: SignalOrName,
        /,
        *,
        by: Receiver | str,
        sender: Any = ANYTHING,
        times: int | None = None,
        caused_by: Receiver | str | None = ANYTHING,
        **arguments: Any,
    ) -> list[RecordedDispatch]:
        """A receiver was called with a signal, whether or not it raised.

        Arguments:
            signal: the signal, as everywhere here.
            by: the receiver, or a glob for its short or full name.
            sender: who the signal was sent for.
            times: how often it was received; None for at least once.
            caused_by: the receiver that sent it.
            arguments: some of its named arguments.

        Returns:
            The dispatches that it received, with its responses among those of others.
        """
        __tracebackhide__ = True
        wanted = Wanted((signal,), sender, caused_by, arguments)
        return self._received(wanted, WantedReceiver(by), times)

    def assert_not_received(
        self,
        /,
        *signals: SignalOrName,
        by: Receiver | str,
        sender: Any = ANYTHING,
        caused_by: Receiver | str | None = ANYTHING,
        **arguments: Any,
    ) -> None:
        """A receiver was not called with any of these signals; without a signal, not at all.

        Arguments: those of :meth:`assert_received`.
        """
        __tracebackhide__ = True
        self._received(Wanted(signals, sender, caused_by, arguments), WantedReceiver(by), 0)

    def assert_order(self, first: Step, /, *others: Step) -> None:
        """Some dispatches were sent one after the other; more may have come between.

        A dispatch that a receiver sends comes after the dispatch that it received.

        Arguments:
            first: a signal, or a tuple of a signal and its sender, or of these and a dictionary
                of some of its arguments: ``(post_save, User, {"created": True})``.
            others: the dispatches after it, likewise.
        """
        __tracebackhide__ = True
        wanted = [wanted_at(step) for step in (first, *others)]
        recorded = self._checked(*wanted)
        rest = iter(recorded)
        last = None
        for step in wanted:
            found = next((dispatch for dispatch in rest if step.fits(dispatch)), None)
            if found is None:
                place = "at all" if last is None else f"after {named(last)}"
                raise self._failure(
                    f"expected in this order: {_listed(wanted)}; but there was no {step} {place}",
                    *self._explained(step),
                )
            last = found

    def assert_sequence(self, first: Step, /, *others: Step) -> None:
        """These dispatches were sent one after the other, and no others of their signals.

        Arguments:
            first: the first dispatch, as in :meth:`assert_order`.
            others: the dispatches after it, likewise.
        """
        __tracebackhide__ = True
        wanted = [wanted_at(step) for step in (first, *others)]
        recorded = self._checked(*wanted)
        of_interest = Wanted(tuple(signal for step in wanted for signal in step.signals))
        sent = [each for each in recorded if of_interest.fits(each)]
        for step, found in zip_longest(wanted, sent):
            if step is None or found is None or not step.fits(found):
                raise self._failure(
                    f"expected this sequence: {_listed(wanted)}; but instead of "
                    f"{step or 'its end'} came {named(found) if found else 'nothing'}",
                    *([] if step is None or found is None else near_misses(step, [found])),
                )

    def _checked(self, *wanted: Wanted) -> Sequence[RecordedDispatch]:
        """The dispatches, after a check that the wanted ones can be sent at all."""
        __tracebackhide__ = True
        recorded = list(self)
        for each in wanted:
            each.check(recorded)
        return recorded

    def _sent(self, wanted: Wanted, times: int | None) -> list[RecordedDispatch]:
        __tracebackhide__ = True
        recorded = self._checked(wanted)
        found = [dispatch for dispatch in recorded if wanted.fits(dispatch)]
        if not _is_as_often(found, times):
            expected = expected_number(times, "dispatch of", "dispatches of")
            raise self._number_failure(f"{expected} {wanted}", wanted, None, found, times)
        return found

    def _received(
        self, wanted: Wanted, receiver: WantedReceiver, times: int | None
    ) -> list[RecordedDispatch]:
        __tracebackhide__ = True
        found = [
            dispatch
            for dispatch in self._checked(wanted)
            for response in dispatch.responses
            if receiver.fits(response) and wanted.fits(dispatch)
        ]
        if not _is_as_often(found, times):
            expected = expected_number(times, "response of", "responses of")
            told = f"{expected} {receiver} to {wanted}"
            raise self._number_failure(told, wanted, receiver, found, times)
        return list(dict.fromkeys(found))

    def _number_failure(
        self,
        expected: str,
        wanted: Wanted,
        receiver: WantedReceiver | None,
        found: Sequence[RecordedDispatch],
        times: int | None,
    ) -> AssertionError:
        """The error for a wrong number of dispatches; too few are explained."""
        is_too_few = len(found) < (1 if times is None else times)
        explained = self._explained(wanted, receiver) if is_too_few else []
        return self._failure(f"expected {expected}, but {found_number(found)}", *explained)

    def _explained(self, wanted: Wanted, receiver: WantedReceiver | None = None) -> list[str]:
        """The dispatches that come near to a wanted one, and the reasons why it was not sent."""
        # Only a test that fails pays for this.
        from signalcli.testing.reasons import reasons

        recorded = list(self)
        return [
            *near_misses(wanted, recorded),
            *reasons(wanted, receiver, recorded, self._recording.since),
        ]

    def _failure(self, *lines: str) -> AssertionError:
        # Line ends and control characters of a shown value stay escapes.
        return AssertionError("\n".join([*map(on_one_line, lines), "", self.tree]))


def _is_as_often(found: Sequence[RecordedDispatch], times: int | None) -> bool:
    return len(found) > 0 if times is None else len(found) == times


def _listed(wanted: Sequence[Wanted]) -> str:
    return ", ".join(map(str, wanted))
