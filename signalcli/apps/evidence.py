"""The evidence of a run: what its trace says of a receiver that should have run."""

from collections.abc import Iterator, Sequence

from signalcli.apps.diagnosis import Finding, Question, about_rows, listed
from signalcli.apps.inventory import ConnectionEntry, find_connections
from signalcli.apps.registry import Apps, apps
from signalcli.db.signals import ModelSignal
from signalcli.log.runs import Run
from signalcli.trace.names import matches
from signalcli.trace.records import Dispatch, Response, Trace, short_name

MOST_TOLD = 3
_UNREACHED = ("not_received", "other_sender")


def evidence(question: Question, run: Run, trace: Trace, installed: Apps = apps) -> list[Finding]:
    """What a run says of a receiver that should have run in it.

    Arguments:
        question: the signal, the sender and the receiver.
        run: the run.
        trace: its trace.
        installed: the installed apps, whose connections say why it was not reached.
    """
    sent = [each for each in trace.dispatches if _is_sent(question, each)]
    if not sent:
        return list(_of_nothing_sent(question, run, trace))
    findings: list[Finding] = []
    own = [
        entry
        for entry in find_connections(question.signal.path, installed=installed)
        if question.is_of(entry)
    ]
    for dispatch in sent:
        findings += _of_dispatch(question, run, dispatch, own)
    if question.receiver is not None and any(each.code not in _UNREACHED for each in findings):
        # It listens to one of the senders, and the question names none.
        findings = [each for each in findings if each.code not in _UNREACHED]
    told = list(dict.fromkeys(findings))[:MOST_TOLD]
    if run.is_rolled_back and any(finding.code == "received" for finding in told):
        told.append(
            Finding(
                "rolled_back",
                f"Run {run.number} was rolled back, so what its receivers wrote is gone.",
                f"See why it failed: `signalcli log show {run.number}`.",
            )
        )
    return told


def _of_dispatch(
    question: Question, run: Run, dispatch: Dispatch, own: Sequence[ConnectionEntry]
) -> Iterator[Finding]:
    """What became of one sending of the signal."""
    number = f"{run.number}: {dispatch.seq}"
    what = f"In run {run.number} ({run.command}) {_spoken(dispatch)} was sent"
    if dispatch.muted:
        yield Finding("muted", f"{what}, but muted ({number}).", "Leave out --mute.")
        return
    received = [
        (place, response)
        for place, response in enumerate(dispatch.responses, 1)
        if matches(question.receiver, response.short_receiver, response.receiver)
    ]
    for place, response in received:
        yield Finding(
            "received",
            f"{what}, and {response.short_receiver} did receive it ({number}.{place}): "
            f"{_answer(response)}.",
            _arguments(dispatch),
        )
    stopped = [
        short_name(name)
        for name in dispatch.not_called
        if matches(question.receiver, short_name(name), name)
    ]
    failed = next((each for each in dispatch.responses if each.has_raised), None)
    for name in stopped:
        before = f"{failed.short_receiver} failed before it" if failed else "another failed"
        yield Finding(
            "failed_before",
            f"{what}, but {name} was not called, as {before} ({number}).",
            "Mend that receiver, or send robustly, so that every receiver runs.",
        )
    if not received and not stopped:
        yield _not_received(question, f"{what} ({number})", dispatch, own)


def _not_received(
    question: Question, what: str, dispatch: Dispatch, own: Sequence[ConnectionEntry]
) -> Finding:
    """That the receiver was not reached; it may be connected, and for other senders alone."""
    who = question.receiver or "nobody"
    did = "received it" if question.receiver is None else "did not receive it"
    what = f"{what}, and {who} {did}"
    others = [entry for entry in own if entry.sender_exists and entry.sender is not None]
    reached = [entry for entry in own if entry.sender in (None, dispatch.sender)]
    if reached or not others:
        was = "Nobody was" if question.receiver is None else "It was not"
        return Finding(
            "not_received", f"{what}.", f"{was} connected to {_spoken(dispatch)} at the time."
        )
    names = dict.fromkeys(entry.short_receiver for entry in others)
    are = "is" if len(names) == 1 else "are"
    alone = (
        f"{listed(names)} {are} connected for "
        f"{listed(dict.fromkeys(str(entry.sender) for entry in others))} alone"
    )
    if question.receiver is None:
        return Finding("not_received", f"{what}.", f"{alone}.")
    # A question that names the sender has this answer already.
    is_told = not any(question.reaches(entry) for entry in own)
    as_well = f"for {dispatch.sender} as well, or " if dispatch.sender else ""
    it = "it" if len(names) == 1 else "them"
    return Finding(
        "not_received" if is_told else "other_sender",
        f"{what}: {alone}.",
        f"Connect {it} {as_well}without a sender.",
    )


def _of_nothing_sent(question: Question, run: Run, trace: Trace) -> Iterator[Finding]:
    """That a run did not send the signal, and what that means."""
    others = dict.fromkeys(
        dispatch.sender
        for dispatch in trace.dispatches
        if dispatch.signal_path == question.signal.path and dispatch.sender
    )
    what = f"Run {run.number} ({run.command}) sent no {question.dispatch}"
    if run.totals:
        yield Finding(
            "no_trace",
            f"Run {run.number} ({run.command}) kept totals and no trace.",
            f"See them: `signalcli log show {run.number}`; --trace keeps the trace.",
        )
    elif run.exit_code != 0:
        yield Finding(
            "run_failed",
            f"{what}. It ended with exit code {run.exit_code}.",
            f"See why: {run.error_message or f'`signalcli log show {run.number}`'}.",
        )
    elif others:
        yield Finding(
            "other_sender_sent",
            f"{what}, only of {', '.join(map(str, others))}.",
            "Ask for that sender.",
        )
    elif isinstance(question.signal, ModelSignal):
        advice = about_rows(question.signal) or "Look at the code that should do it."
        yield Finding("not_sent", f"{what}: its session did no such thing to a row.", advice)
    else:
        yield Finding("not_sent", f"{what}.", "Look at the code that should send it.")


def _is_sent(question: Question, dispatch: Dispatch) -> bool:
    return dispatch.signal_path == question.signal.path and matches(
        question.sender and question.sender.rpartition(".")[2], dispatch.sender
    )


def _spoken(dispatch: Dispatch) -> str:
    return dispatch.signal + (f" of {dispatch.sender}" if dispatch.sender else "")


def _answer(response: Response) -> str:
    failure = response.failure
    if failure is not None and response.has_raised:
        return f"it raised {failure.story}"
    printed = response.output.strip()
    said = f", and printed {printed.splitlines()[0]!r}" if printed else ""
    later = (
        f"; the function {failure.function}, which it asked for, raised {failure.story} after "
        "the commit"
        if failure is not None
        else ""
    )
    return f"it returned {response.value!r}{said}{later}"


def _arguments(dispatch: Dispatch) -> str:
    """What decided in the receiver's own code, perhaps."""
    shown = [f"{name}={value}" for name, value in dispatch.arguments.items() if name == "created"]
    return f"It got {', '.join(shown)}; what it does with that is its own code." if shown else ""
