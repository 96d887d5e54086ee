"""The commands that explain: what a signal or a word means, and why a receiver did not run."""

import signal as system
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from signalcli.cli.arguments import complete_word
from signalcli.cli.invocation import Settings
from signalcli.cli.problems import EXIT_CODES
from signalcli.cli.task import Findings, Inquiry
from signalcli.errors import NotFound, meanings

if TYPE_CHECKING:
    from signalcli.apps.explanation import Explanation

EXIT_CODE, ERROR_CODE = "exit code", "error code"
ENDED_BY = 128

# The codes of errors that are no exception of ours.
_OWN_CODES = {
    "internal": (70, "A failure of signalcli itself. Please report it."),
    "output": (70, "Standard output takes no more, as where a disk is full."),
    "interrupted": (130, "Somebody pressed Ctrl-C."),
    "terminated": (143, "The system asked the process to end."),
}
_EXAMPLES = {
    0: "signalcli list && echo done",
    1: "signalcli register xyz --email xyz@mail.com --fail create_profile",
    2: "signalcli register xyz --email nonsense",
    3: "signalcli show nobody",
    4: "signalcli startapp shop && signalcli startapp shop",
    5: "signalcli --database /dev/null list",
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
    """Explain a signal, a receiver, an exit code, an error code, or a word.

    Of a signal it says when and by what it is sent, what its arguments mean, and who receives it.
    Without a word, it lists what it can explain.

    Example: signalcli explain post_save
    """
    return Inquiry(partial(_explain, " ".join(word or ())), needs_apps=False)


def _explain(word: str) -> Findings:
    from signalcli.apps.explanation import explain, explained_names, names_like
    from signalcli.render.explanation import explanation_row, explanations_view, names_view

    codes = {EXIT_CODE: list(map(str, EXIT_CODES)), ERROR_CODE: list(_error_codes())}
    if not word:
        names = {**explained_names(), **codes}
        return Findings(
            views=lambda: [names_view(names)], document=lambda: {"result": {"names": names}}
        )
    found = [*explain(word), *_explain_code(word)]
    if not found:
        known = [
            each for of_kind in (*explained_names().values(), *codes.values()) for each in of_kind
        ]
        close = names_like(word, known)
        guess = f"did you mean {' or '.join(close)}? " if close else ""
        raise NotFound(
            f"nothing is called {word!r}; {guess}`signalcli explain` lists what it can explain"
        )
    return Findings(
        views=lambda: explanations_view(found),
        document=lambda: {
            "result": {"word": word, "explanations": [explanation_row(each) for each in found]}
        },
    )


def _error_codes() -> dict[str, tuple[int, str]]:
    """The exit code and the meaning of each code of an error."""
    return {**meanings(), **_OWN_CODES}


def _explain_code(word: str) -> "list[Explanation]":
    from signalcli.apps.explanation import Explanation

    codes = _error_codes()
    if word in codes:
        exit_code, meaning = codes[word]
        facts = {"Where": f'in JSON, as "code" of "error"; the exit code is {exit_code}'}
        example = _EXAMPLES.get(exit_code, "")
        example = f"{example} --json" if example else ""
        return [Explanation(word, ERROR_CODE, (meaning,), facts, example=example, page="json.md")]
    if not word.isdecimal():
        return []
    number = int(word)
    meaning = EXIT_CODES.get(number, "") or _ended_by(number - ENDED_BY)
    if not meaning:
        return []
    errors = [code for code, (exit_code, _) in codes.items() if exit_code == number]
    facts = {"In JSON": f'the "code" of the "error" is {" or ".join(errors)}'} if errors else {}
    meaning = f"{meaning[0].upper()}{meaning[1:]}."
    example = _EXAMPLES.get(number, "")
    return [Explanation(word, EXIT_CODE, (meaning,), facts, example=example, page="json.md")]


def _ended_by(number: int) -> str:
    """What ended a process that a signal of the system has ended."""
    try:
        return f"ended by {system.Signals(number).name}"
    except ValueError:
        return ""
