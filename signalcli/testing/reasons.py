"""The reasons why a test did not see a dispatch or a response that it wanted."""

from collections.abc import Iterator, Sequence
from pathlib import PurePath

from signalcli.apps.diagnosis import Finding, Question, about_rows, of_connections, of_deaths
from signalcli.apps.inventory import connections_of
from signalcli.db.signals import ModelSignal
from signalcli.db.unannounced import UnannouncedWrite, writes_since
from signalcli.dispatch import Signal, all_signals
from signalcli.dispatch.signatures import describe as full_name
from signalcli.testing.record import RecordedDispatch
from signalcli.testing.wanted import ANYTHING, Wanted, WantedReceiver
from signalcli.trace.names import matches, sender_name
from signalcli.trace.records import short_name

MOST_TOLD = 5


def reasons(
    wanted: Wanted,
    receiver: WantedReceiver | None,
    recorded: Sequence[RecordedDispatch],
    since: int,
) -> list[str]:
    """A line for each reason, the likeliest first.

    Arguments:
        wanted: the dispatch that the test wants.
        receiver: the receiver that it wants to respond; None for any.
        recorded: all dispatches.
        since: writes that send no signals count after the one with this number.
    """
    found: list[str] = []
    sent = [dispatch for dispatch in recorded if wanted.fits_but_for_arguments(dispatch)]
    if not sent:
        found += _unsent(wanted, since)
    if receiver is not None:
        for dispatch in sent:
            found += _not_called(receiver, dispatch)
        for signal in _signals_of(wanted):
            found += _unconnected(signal, wanted, receiver)
    return list(dict.fromkeys(found))[:MOST_TOLD]


def _unsent(wanted: Wanted, since: int) -> Iterator[str]:
    """Why nothing was sent."""
    signals = _signals_of(wanted)
    for signal in signals:
        if signal.is_muted:
            yield f"{signal.name} is muted: nobody hears of it"
    writes = [write for write in writes_since(since) if _is_wanted(write, wanted)]
    for write in writes:
        place = f" ({PurePath(write.file).name}:{write.line})" if write.file else ""
        yield f"{write}{place}, which sends no signals"
    is_of_model = isinstance(wanted.sender, type | str)
    if not writes and is_of_model and any(isinstance(each, ModelSignal) for each in signals):
        name = sender_name(wanted.sender)
        advice = next(filter(None, map(about_rows, signals)), "")
        yield f"no signalcli.db.Session wrote a row of {name} that fits. {advice}".rstrip()


def _is_wanted(write: UnannouncedWrite, wanted: Wanted) -> bool:
    model = write.model_reference()
    return model is not None and any(
        wanted.may_be_sent_by(signal, model) for signal in write.signals
    )


def _not_called(receiver: WantedReceiver, dispatch: RecordedDispatch) -> Iterator[str]:
    for name in dispatch.entry.not_called:
        if matches(_glob(receiver), short_name(name), name):
            yield f"{short_name(name)} was not called in #{dispatch.number}: one before it failed"


def _unconnected(signal: Signal, wanted: Wanted, receiver: WantedReceiver) -> Iterator[str]:
    sender = None if wanted.sender is ANYTHING else sender_name(wanted.sender)
    question = Question(signal, sender, _glob(receiver))
    own = [entry for entry in connections_of(signal) if question.is_of(entry)]
    findings: list[Finding] = [*of_connections(question, own), *of_deaths(question, own)]
    if not own and not findings:
        yield f"{receiver} is not connected to {signal.name}"
    for finding in findings:
        yield f"{finding.message} {finding.advice}".rstrip()


def _glob(receiver: WantedReceiver) -> str:
    return receiver.receiver if isinstance(receiver.receiver, str) else full_name(receiver.receiver)


def _signals_of(wanted: Wanted) -> list[Signal]:
    """The signals that are wanted; none where any signal will do."""
    return [
        signal
        for signal in all_signals()
        if wanted.signals
        and any(
            matches(each, signal.name, signal.path) if isinstance(each, str) else each is signal
            for each in wanted.signals
        )
    ]
