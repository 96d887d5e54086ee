"""The commands that explain: what a signal or a word means, and why a receiver did not run."""

import signal as system
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from signalcli.cli.arguments import HIGHEST_RUN
from signalcli.cli.completion import (
    complete_receiver,
    complete_run,
    complete_sender,
    complete_signal,
    complete_word,
)
from signalcli.cli.invocation import Settings
from signalcli.cli.late import late
from signalcli.cli.problems import ERROR_CODES, EXIT_CODES
from signalcli.cli.task import Findings, Inquiry
from signalcli.errors import NotFound, SignalcliError

with late():
    from signalcli.apps import diagnosis, evidence, explanation, registry
    from signalcli.cli import places
    from signalcli.log import finding as log_finding
    from signalcli.log import runs as log_runs
    from signalcli.log import schema
    from signalcli.objects import sending
    from signalcli.render import explanation as views

if TYPE_CHECKING:
    from signalcli.apps.diagnosis import Finding, Question
    from signalcli.apps.explanation import Explanation
    from signalcli.dispatch import Signal

EXIT_CODE, ERROR_CODE = "exit code", "error code"
ENDED_BY = 128
LONGEST_EXIT_CODE = 3

_EXAMPLES = {
    "0": "signalcli list && echo done",
    "1": "signalcli register xyz --email xyz@mail.com --fail create_profile",
    "2": "signalcli register xyz --email nonsense",
    "3": "signalcli show nobody",
    "4": "signalcli startapp shop && signalcli startapp shop",
    "5": "signalcli --database /dev/null list",
}


def explain(
    settings: Settings,
    word: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="WORD",
            help="A signal, a receiver, an exit code, an error code, or a word as 'dispatch'.",
            autocompletion=complete_word,
            show_default=False,
        ),
    ] = None,
) -> Inquiry:
    """Explain a signal, a receiver, a word, or a code.

    Of a signal it says when and by what it is sent, what its arguments mean, and who receives it.
    Without a word, it lists what it can explain.

    Example: signalcli explain post_save
    """
    return Inquiry(partial(_explain, " ".join(word or ())), needs_apps=False)


def _explain(word: str) -> Findings:

    codes = {EXIT_CODE: list(map(str, EXIT_CODES)), ERROR_CODE: list(ERROR_CODES)}
    if not word:
        names = {**explanation.explained_names(), **codes}
        return Findings(
            views=lambda: [views.names_view(names)], document=lambda: {"result": {"names": names}}
        )
    found = [*explanation.explain(word), *_explain_code(word)]
    if not found:
        known = [
            each
            for of_kind in (*explanation.explained_names().values(), *codes.values())
            for each in of_kind
        ]
        close = explanation.names_like(word, known)
        guess = f"did you mean {' or '.join(close)}? " if close else ""
        if registry.apps.failure is not None and not close:
            # It may well be of an app.
            raise registry.apps.failure
        raise NotFound(
            f"nothing is called {word!r}; {guess}`signalcli explain` lists what it can explain"
        )
    return Findings(
        views=lambda: views.explanations_view(found),
        document=lambda: {
            "result": {
                "word": word,
                "explanations": [views.explanation_row(each) for each in found],
            }
        },
    )


def _explain_code(word: str) -> "list[Explanation]":

    if word in ERROR_CODES:
        exit_code, meaning = ERROR_CODES[word]
        facts = {"Where": f'in JSON, as "code" of "error"; the exit code is {exit_code}'}
        example = "signalcli register xyz" if word == "usage" else _EXAMPLES.get(exit_code, "")
        example = f"{example} --json" if example else ""
        return [
            explanation.Explanation(
                word, ERROR_CODE, (meaning,), facts, example=example, page="json.md"
            )
        ]
    if not word.isdecimal() or len(word) > LONGEST_EXIT_CODE:
        return []
    number = int(word)
    meaning = EXIT_CODES.get(number, "") or _ended_by(number - ENDED_BY)
    if not meaning:
        return []
    errors = [code for code, each in ERROR_CODES.items() if word in each.exit_code.split()]
    facts = {"In JSON": f'the "code" of the "error" is {" or ".join(errors)}'} if errors else {}
    meaning = f"{meaning[0].upper()}{meaning[1:]}."
    example = _EXAMPLES.get(word, "")
    return [
        explanation.Explanation(word, EXIT_CODE, (meaning,), facts, example=example, page="json.md")
    ]


def _ended_by(number: int) -> str:
    """What ended a process that a signal of the system has ended."""
    try:
        return f"ended by {system.Signals(number).name}"
    except ValueError:
        return ""


def why(
    settings: Settings,
    signal: Annotated[
        str,
        typer.Argument(
            metavar="SIGNAL",
            help="The signal that it should have received.",
            autocompletion=complete_signal,
            show_default=False,
        ),
    ],
    sender: Annotated[
        str | None,
        typer.Option(
            "--sender",
            metavar="SENDER",
            help="Who the signal is sent for: User.",
            autocompletion=complete_sender,
            show_default=False,
        ),
    ] = None,
    receiver: Annotated[
        str | None,
        typer.Option(
            "--receiver",
            metavar="RECEIVER",
            help="The receiver that did not run.",
            autocompletion=complete_receiver,
            show_default=False,
        ),
    ] = None,
    run: Annotated[
        int | None,
        typer.Option(
            "--run",
            metavar="RUN",
            min=1,
            max=HIGHEST_RUN,
            help="The run to look at; by default the last that sent the signal.",
            autocompletion=complete_run,
            show_default=False,
        ),
    ] = None,
) -> Inquiry:
    """Say why a receiver did not run, and what to do.

    It looks at what is connected, at the apps' files, and at a run in the signal log.

    Example: signalcli why post_save --sender User --receiver create_profile
    """
    work = partial(_find_reasons, settings, signal, sender, receiver, run)
    return Inquiry(work, needs_apps=False)


def _find_reasons(
    settings: Settings, signal: str, sender: str | None, receiver: str | None, run: int | None
) -> Findings:
    question = diagnosis.Question(_signal_of(signal), sender, receiver)
    number, told = _evidence(settings, question, run)
    found = diagnosis.ranked([*diagnosis.diagnose(question), *told])
    result = {
        "signal": question.signal.name,
        "signal_path": question.signal.path,
        "sender": sender,
        "receiver": receiver,
        "run": number,
        "findings": [views.finding_row(each) for each in found],
    }
    return Findings(views=lambda: [views.findings_view(found)], document=lambda: {"result": result})


def _signal_of(name: str) -> "Signal":
    """The signal of a name.

    Raises:
        NotFound: there is none; the message says so where the name is a receiver's.
        ImproperlyConfigured: there is none, as the apps do not load.
    """
    try:
        return sending.find_signal(name)
    except NotFound as error:
        if registry.apps.failure is not None:
            # It may well be of an app.
            raise registry.apps.failure from error
        signals = diagnosis.signals_of(name)
        if not signals:
            raise
        raise NotFound(
            f"{name!r} is a receiver, not a signal; try "
            f"`signalcli why {signals[0]} --receiver {name}`"
        ) from error


def _evidence(
    settings: Settings, question: "Question", number: int | None
) -> "tuple[int | None, list[Finding]]":
    """The number of the run that was looked at, and what it says.

    Raises:
        NotFound: there is no run of that number.
    """
    sender = question.sender and question.sender.rpartition(".")[2]
    wanted = log_finding.Filter(signal=question.signal.path, sender=sender)
    try:
        with schema.open_log(places.log_database(settings)) as connection:
            if number is not None:
                runs = list(
                    log_finding.find(
                        connection, log_finding.Filter(), above=number - 1, below=number + 1, most=1
                    )
                )
                if not runs:
                    raise NotFound(
                        f"there is no run {number} in the signal log; "
                        "`signalcli log` shows which there are"
                    )
            else:
                runs = list(log_finding.find(connection, wanted, most=1))
                last = list(log_finding.find(connection, log_finding.Filter(), most=1))
                # What was done last is meant, most likely, also where it did not send the signal.
                runs = [*(each for each in last if each not in runs), *runs]
            told = [
                finding
                for run in runs
                for finding in evidence.evidence(
                    question, run, log_runs.read_trace(connection, run.number or 0)
                )
            ]
    except SignalcliError:
        if number is not None:
            raise
        return None, []  # there is no log yet
    return (runs[0].number if runs else None), told
